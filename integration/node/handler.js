// What all programs of this folder answer.
//   GET /echo/ID[?ms=N]          "ID REVISION PID\n", after N ms
//   GET /stream/ID[?seconds=N]   the same line, "chunk 0\n" ..., four a second, then "end COUNT\n"
//   POST /size                   "SIZE REVISION PID\n", once the whole body of SIZE bytes has come
'use strict';
const release = process.env.RELOADD_RELEASE;
const revision = (process.env.RELOADD_REVISION || '0') + (release ? `:${release}` : '');

function number(query, name, otherwise) {
  return query === '' ? otherwise : Number(new URLSearchParams(query).get(name) || otherwise);
}

function stream(response, chunks) {
  let chunk = 0;
  const timer = setInterval(() => {
    if (chunk === chunks) {
      clearInterval(timer);
      response.end(`end ${chunks}\n`);
    } else {
      response.write(`chunk ${chunk++}\n`);
    }
  }, 250);
  response.on('close', () => clearInterval(timer));
}

function size(request, response) {
  let bytes = 0;
  request.on('data', (piece) => (bytes += piece.length));
  request.on('end', () => {
    const line = `${bytes} ${revision} ${process.pid}\n`;
    response.setHeader('Content-Length', Buffer.byteLength(line));
    response.end(line);
  });
}

exports.handle = (request, response) => {
  const [path, query = ''] = request.url.split('?');
  const [, kind, id] = path.split('/');
  const line = `${id} ${revision} ${process.pid}\n`;
  if (kind === 'echo') {
    const ms = number(query, 'ms', 0);
    const answer = () => {
      response.setHeader('Content-Length', Buffer.byteLength(line));
      response.end(line);
    };
    if (ms > 0) setTimeout(answer, ms);
    else answer();
  } else if (kind === 'stream') {
    response.write(line);
    stream(response, number(query, 'seconds', 8) * 4);
  } else if (kind === 'size' && request.method === 'POST') {
    size(request, response);
  } else {
    response.statusCode = 404;
    response.end();
  }
};
