// The program that peers run: a server of the same size as integration/node/app.js, on its own port.
'use strict';
const http = require('http');

http.createServer((request, response) => response.end('ok\n')).listen(Number(process.env.PORT), '127.0.0.1');
