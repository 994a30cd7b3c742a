// The same as integration/node/app-graceful.js, on a port of its own: stops by the book at whatever
// a peer says (PM2: SIGINT, or the message "shutdown"; Node's cluster: the end of the channel).
'use strict';
const http = require('http');
const { handle } = require('../../integration/node/handler.js');

let draining = false;
const server = http.createServer((request, response) => {
  if (draining) response.setHeader('Connection', 'close');
  handle(request, response);
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send('ready'));

function stop() {
  if (draining) return;
  draining = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}

process.on('SIGINT', stop);
process.on('SIGTERM', stop);
process.on('disconnect', stop);
process.on('message', (message) => {
  if (message === 'shutdown') stop();
});
