#!/usr/bin/python3
"""A server that knows nothing of reloadd: it binds, listens and accepts by itself.

Answers each connection with one JSON object about itself, as an HTTP response, and closes it. At
SIGTERM it ends after the answer it is at.

usage: binder.py [OPTION]... ADDRESS...      an address: "HOST:PORT", "[HOST]:PORT", or a path
"""

import argparse
import ctypes
import json
import os
import select
import signal
import socket
import sys
import threading

TURN_SECONDS = 0.05


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--thread", action="store_true", help="binds in another thread")
    parser.add_argument("--child", action="store_true", help="binds in a child, which serves")
    parser.add_argument("--user", type=int, help="becomes this user before it binds")
    parser.add_argument("--again", action="store_true", help="binds, closes and binds again")
    parser.add_argument("--twice", action="store_true", help="tries the first address once more")
    parser.add_argument("--reuseport", action="store_true", help="sets SO_REUSEPORT")
    parser.add_argument("--set", action="store_true", help="sets other options before it binds")
    parser.add_argument("--v6only", action="store_true", help="IPv6 without IPv4 in it")
    parser.add_argument("--unlink", action="store_true", help="unlinks paths before and at its end")
    parser.add_argument("--silent", action="store_true", help="binds nothing, and sleeps")
    parser.add_argument("--deaf", action="store_true", help="listens, and never accepts")
    parser.add_argument("--wait", help="binds once this file is there")
    parser.add_argument("--private", help="binds this address too, and does not serve there")
    parser.add_argument("addresses", nargs="*")
    return parser.parse_args()


def parse(address):
    if "/" in address or ":" not in address:
        return socket.AF_UNIX, address
    host, _, port = address.rpartition(":")
    if host.startswith("["):
        return socket.AF_INET6, (host.strip("[]"), int(port))
    return socket.AF_INET, (host, int(port))


class Server:
    def __init__(self, chosen):
        self.chosen = chosen
        self.sockets = []
        self.private = None
        self.facts = {}
        self.asked = False

    def open(self, address):
        family, name = parse(address)
        made = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_UNIX:
            if self.chosen.unlink and os.path.exists(name):
                os.unlink(name)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.chosen.reuseport:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if self.chosen.v6only and family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.chosen.set:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 77)
        made.bind(name)
        made.listen(7)
        return made

    def open_all(self):
        try:
            for address in self.chosen.addresses:
                made = self.open(address)
                if self.chosen.again:
                    made.close()
                    made = self.open(address)
                made.setblocking(False)
                self.sockets.append(made)
            if self.chosen.twice:
                self.facts["twice"] = self.try_again()
            if self.chosen.private:
                self.private = self.open(self.chosen.private)
        except OSError as error:
            print("bind: %s" % error, flush=True)
            os._exit(7)

    def try_again(self):
        try:
            self.sockets.append(self.open(self.chosen.addresses[0]))
            self.sockets[-1].setblocking(False)
        except OSError as error:
            return error.errno
        return 0

    def begin(self):
        signal.signal(signal.SIGTERM, self.on_term)
        while self.chosen.wait and not os.path.exists(self.chosen.wait):
            threading.Event().wait(0.01)
        if self.chosen.user is not None:
            os.setgroups([])
            os.setresgid(self.chosen.user, self.chosen.user, self.chosen.user)
            os.setresuid(self.chosen.user, self.chosen.user, self.chosen.user)
        if self.chosen.thread:
            thread = threading.Thread(target=self.open_all)
            thread.start()
            thread.join()
        else:
            self.open_all()

    def on_term(self, *_):
        self.asked = True

    def about(self, client):
        if self.chosen.set:
            self.facts["set"] = [client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
                                 client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                                 client.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)]
        body = json.dumps(dict(
            self.facts, pid=os.getpid(), uid=os.getuid(),
            names=[repr(each.getsockname()) for each in self.sockets],
            families=[each.family for each in self.sockets],
            flags=[os.get_inheritable(each.fileno()) for each in self.sockets],
            listen_fds=os.environ.get("LISTEN_FDS"))).encode() + b"\n"
        return (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
                + body)

    def serve(self):
        poll = select.epoll()
        by_fd = {each.fileno(): each for each in self.sockets}
        for fd in by_fd:
            if not self.chosen.deaf:
                poll.register(fd, select.EPOLLIN)
        while not self.asked:
            for fd, _ in poll.poll(TURN_SECONDS):
                try:
                    client, _ = by_fd[fd].accept()
                except BlockingIOError:
                    continue
                with client:
                    client.setblocking(True)
                    client.recv(65536)
                    client.sendall(self.about(client))

    def end(self):
        for address in self.chosen.addresses if self.chosen.unlink else ():
            if parse(address)[0] == socket.AF_UNIX:
                os.unlink(address)


def serve(chosen):
    server = Server(chosen)
    if chosen.silent:
        signal.pause()
    server.begin()
    server.serve()
    server.end()


def main():
    chosen = options()
    if not chosen.child:
        serve(chosen)
        return
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
        serve(chosen)
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
