"""A WSGI application.

GET /echo/ID[?ms=N]          "ID REVISION PID\\n", after N ms
GET /stream/ID[?seconds=N]   the same line, "chunk 0\\n" ..., four a second, then "end COUNT\\n"
"""

import os
import time
from urllib.parse import parse_qs

RELEASE = os.environ.get("RELOADD_RELEASE", "")
REVISION = os.environ.get("RELOADD_REVISION", "0") + (":" + RELEASE if RELEASE else "")


def stream(line, chunks):
    yield line
    for chunk in range(chunks):
        time.sleep(0.25)
        yield b"chunk %d\n" % chunk
    yield b"end %d\n" % chunks


def application(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    _, kind, ident = (environ["PATH_INFO"] + "//").split("/")[:3]
    line = ("%s %s %d\n" % (ident, REVISION, os.getpid())).encode()
    headers = [("Content-Type", "text/plain")]
    if kind == "echo":
        time.sleep(int(query.get("ms", ["0"])[0]) / 1000)
        start_response("200 OK", headers + [("Content-Length", str(len(line)))])
        return [line]
    if kind == "stream":
        start_response("200 OK", headers)
        return stream(line, int(query.get("seconds", ["8"])[0]) * 4)
    start_response("404 Not Found", headers + [("Content-Length", "0")])
    return []
