#!/usr/bin/python3
"""A server whose requests last as long as the client likes, on the first socket that it was given.

    ask    is answered with the pid at once
    hold   is not answered
    go     is answered with the pid, and ends the connection

It dies at SIGTERM; with --catch it stops to listen, and leaves when its last connection has ended.
"""

import asyncio
import os
import signal
import socket
import sys

connections = 0
stopping = asyncio.Event()


async def serve(reader, writer):
    global connections
    connections += 1
    while True:
        word = (await reader.readline()).strip()
        if word in (b"ask", b"go"):
            writer.write(b"%d\n" % os.getpid())
            await writer.drain()
        if word in (b"go", b""):
            break
    writer.close()
    connections -= 1
    if connections == 0 and stopping.is_set():
        sys.exit()


def stop(server):
    server.close()
    stopping.set()
    if connections == 0:
        sys.exit()


async def main():
    server = await asyncio.start_server(serve, sock=socket.socket(fileno=3))
    if "--catch" in sys.argv:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop, server)
    await asyncio.Event().wait()


asyncio.run(main())
