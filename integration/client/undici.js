// Node's fetch(), which is undici, with its own pool of kept connections: undici.js http://HOST:PORT LOOPS
'use strict';
const { HALF, pause, run } = require('./count.js');

async function call(url, options) {
  const response = await fetch(url, options);
  return { status: response.status, text: await response.text() };
}

async function* halves() {
  yield HALF;
  await pause();
  yield HALF;
}

run(
  (url) => call(url, {}),
  (url) => call(url, { method: 'POST', body: halves(), duplex: 'half' }),
);
