// As the first page of every book has it: binds its port, has no stop logic, knows nothing of reloadd.
'use strict';
const http = require('http');
const { handle } = require('./handler.js');

http.createServer(handle).listen(Number(process.env.PORT), '127.0.0.1');
