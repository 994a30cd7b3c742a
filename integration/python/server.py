"""The standard library's own server.

GET /echo/ID[?ms=N]   "ID REVISION PID\\n", after N ms
"""

import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

REVISION = os.environ.get("RELOADD_REVISION", "0")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        _, kind, ident = (url.path + "//").split("/")[:3]
        if kind != "echo":
            self.send_error(404)
            return
        time.sleep(int(parse_qs(url.query).get("ms", ["0"])[0]) / 1000)
        line = ("%s %s %d\n" % (ident, REVISION, os.getpid())).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(line)))
        self.end_headers()
        self.wfile.write(line)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
