// What all three programs answer.
//   GET /echo/ID[?ms=N]          "ID REVISION PID\n", after N ms
//   GET /stream/ID[?seconds=N]   the same line, "chunk 0\n" ..., four a second, then "end COUNT\n"
'use strict';
const release = process.env.RELOADD_RELEASE;
const revision = (process.env.RELOADD_REVISION || '0') + (release ? `:${release}` : '');

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

exports.handle = (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const [, kind, id] = url.pathname.split('/');
  const line = `${id} ${revision} ${process.pid}\n`;
  if (kind === 'echo') {
    const ms = Number(url.searchParams.get('ms'));
    const answer = () => {
      response.setHeader('Content-Length', Buffer.byteLength(line));
      response.end(line);
    };
    if (ms > 0) setTimeout(answer, ms);
    else answer();
  } else if (kind === 'stream') {
    response.write(line);
    stream(response, Number(url.searchParams.get('seconds') || 8) * 4);
  } else {
    response.statusCode = 404;
    response.end();
  }
};
