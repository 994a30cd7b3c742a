// A plain server with no stop logic at all: SIGTERM kills it on the spot.
'use strict';
const http = require('http');
const { handle } = require('./handler.js');

http.createServer(handle).listen({ fd: 3 });
