// The program that peers run: the same as integration/node/app.js, on a port of its own.
'use strict';
const http = require('http');
const { handle } = require('../../integration/node/handler.js');

http.createServer(handle).listen(Number(process.env.PORT), '127.0.0.1');
