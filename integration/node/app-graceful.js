// Stops by the book: server.close() and Connection: close while it drains. New connections lose
// nothing; but from Node 19 on server.close() also closes kept connections on which the next
// request has just arrived unread, and those requests get an RST. app-expert.js avoids that.
'use strict';
const http = require('http');
const { handle } = require('./handler.js');

let draining = false;
const server = http.createServer((request, response) => {
  if (draining) response.setHeader('Connection', 'close');
  handle(request, response);
});
server.listen({ fd: 3 });

process.on('SIGTERM', () => {
  draining = true;
  server.close(() => process.exit());
  server.closeIdleConnections();
});
