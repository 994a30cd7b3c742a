"""A load of new connections, for programs of any kind that answer a GET: each client counts what it
got, and how long it got nothing.
"""

import collections
import contextlib
import errno
import socket
import threading
import time

import lib
import primary

CLIENTS = 2


def request(address):
    """One request on a new connection; the body of its answer. Raises OSError where it got none."""
    unix = isinstance(address, str)
    family = socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(primary.PATIENCE_SECONDS)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while True:
            piece = client.recv(65536)
            if not piece:
                break
            answer += piece
    if not answer.startswith(b"HTTP/1.") or b"\r\n\r\n" not in answer:
        raise ConnectionError("half an answer: %r" % answer[:80])
    return answer.partition(b"\r\n\r\n")[2]


class Load(contextlib.AbstractContextManager):
    """New connections, one after another from each of a few clients."""

    def __init__(self, address):
        self.address = address
        self.over = threading.Event()
        self.answered = 0
        self.lost = collections.Counter()
        self.longest = 0  # seconds from a client's first loss to its next answer
        self.threads = [threading.Thread(target=self.run) for _ in range(CLIENTS)]

    def run(self):
        since = None
        while not self.over.is_set():
            try:
                request(self.address)
                self.answered += 1
                self.longest = max(self.longest, time.monotonic() - since if since else 0)
                since = None
            except OSError as error:
                since = since or time.monotonic()
                self.lost[errno.errorcode.get(error.errno, str(error))] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        lib.until("the load to begin", lambda: self.answered > 0)
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def words(self):
        lost = ", ".join("%s %d" % item for item in self.lost.items()) or "none"
        gap = ", for %.1f ms at the most" % (self.longest * 1000) if self.lost else ""
        return "%d answered, lost: %s%s" % (self.answered, lost, gap)
