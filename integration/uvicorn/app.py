"""An ASGI application.

GET /echo/ID[?ms=N]          "ID REVISION PID\\n", after N ms
GET /stream/ID[?seconds=N]   the same line, "chunk 0\\n" ..., four a second, then "end COUNT\\n"
"""

import asyncio
import os
from urllib.parse import parse_qs

RELEASE = os.environ.get("RELOADD_RELEASE", "")
REVISION = os.environ.get("RELOADD_REVISION", "0") + (":" + RELEASE if RELEASE else "")


async def start(send, status, length=None):
    headers = [(b"content-type", b"text/plain")]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def piece(send, body, more):
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def application(scope, _receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    query = parse_qs(scope["query_string"].decode())
    _, kind, ident = (scope["path"] + "//").split("/")[:3]
    line = ("%s %s %d\n" % (ident, REVISION, os.getpid())).encode()
    if kind == "echo":
        await asyncio.sleep(int(query.get("ms", ["0"])[0]) / 1000)
        await start(send, 200, len(line))
        await piece(send, line, False)
    elif kind == "stream":
        chunks = int(query.get("seconds", ["8"])[0]) * 4
        await start(send, 200)
        await piece(send, line, True)
        for chunk in range(chunks):
            await asyncio.sleep(0.25)
            await piece(send, b"chunk %d\n" % chunk, True)
        await piece(send, b"end %d\n" % chunks, False)
    else:
        await start(send, 404, 0)
        await piece(send, b"", False)
