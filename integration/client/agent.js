// Node's http.Agent with kept connections: agent.js http://HOST:PORT CONNECTIONS
'use strict';
const http = require('http');
const { HALF, pause, run } = require('./count.js');

const agent = new http.Agent({ keepAlive: true, maxSockets: Number(process.argv[3]) });

function call(url, options, send) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent, ...options }, (response) => {
      let text = '';
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', reject);
    });
    request.on('error', reject);
    send(request);
  });
}

async function sendHalves(request) {
  request.write(HALF);
  await pause();
  request.end(HALF);
}

run(
  (url) => call(url, {}, (request) => request.end()),
  (url) => call(url, { method: 'POST', headers: { 'Content-Length': 2 * HALF.length } }, sendHalves),
);
