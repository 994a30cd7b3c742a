<?php
// GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms
declare(strict_types=1);

[, $kind, $id] = explode('/', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) . '//');
if ($kind !== 'echo') {
    http_response_code(404);
    exit;
}
usleep(1000 * (int) ($_GET['ms'] ?? 0));
$release = getenv('RELOADD_RELEASE');
$revision = (getenv('RELOADD_REVISION') ?: '0') . ($release ? ":$release" : '');
$line = "$id $revision " . getmypid() . "\n";
header('Content-Type: text/plain');
header('Content-Length: ' . strlen($line));
echo $line;
