// GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms
'use strict';
const express = require('express');

const release = process.env.RELOADD_RELEASE;
const revision = (process.env.RELOADD_REVISION || '0') + (release ? `:${release}` : '');

const app = express();
app.get('/echo/:id', (request, response) => {
  const answer = () => response.type('text').send(`${request.params.id} ${revision} ${process.pid}\n`);
  setTimeout(answer, Number(request.query.ms || 0));
});
app.listen(Number(process.env.PORT), '127.0.0.1');
