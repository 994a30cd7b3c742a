// Drains politely: each connection gets `Connection: close` with its next answer, and one that
// stays idle for 1.5 s is closed then. No request is lost with kept connections either.
'use strict';
const http = require('http');
const { handle } = require('./handler.js');

const GRACE_MS = 1500;
const connections = new Map(); // socket -> { busy, since }
let draining = false;

const server = http.createServer((request, response) => {
  const connection = connections.get(request.socket);
  connection.busy = true;
  if (draining) response.setHeader('Connection', 'close');
  response.on('close', () => {
    connection.busy = false;
    connection.since = Date.now();
  });
  // An answer whose head went out before the drain began could not say it: the next one does.
  handle(request, response);
});
server.on('connection', (socket) => {
  connections.set(socket, { busy: false, since: Date.now() });
  socket.on('close', () => connections.delete(socket));
});
server.listen({ fd: 3 });

function closeTheIdle(began) {
  for (const [socket, { busy, since }] of connections) {
    if (!busy && Date.now() - Math.max(since, began) >= GRACE_MS) socket.end();
  }
}

process.once('SIGTERM', () => {
  draining = true;
  const began = Date.now();
  // From Node 19 on close() would cut at once what looks idle to it (_http_server.js).
  server.closeIdleConnections = () => {};
  server.close(() => process.exit());
  setInterval(() => closeTheIdle(began), 100);
});
