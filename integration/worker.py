#!/usr/bin/python3
"""A server for the tests of the primary, with bad manners on request.

Answers each connection on its listeners with one JSON object about itself and closes it.

usage: worker.py [OPTION]...      (worker.py --help tells them)
"""

import argparse
import json
import os
import select
import signal
import socket
import subprocess
import sys

TURN_SECONDS = 0.05


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--say", action="append", default=[], help="a line to write at the start")
    parser.add_argument("--raw", help="bytes to write at the start, without a newline after them")
    parser.add_argument("--huge", type=int, default=0, help="a line of so many bytes")
    parser.add_argument("--deaf", action="store_true", help="ignores SIGTERM")
    parser.add_argument("--linger", help="leaves only when SIGTERM came and this file is there")
    parser.add_argument("--shutdown", action="store_true",
                        help="shuts its listeners down when SIGTERM came, as HAProxy does")
    parser.add_argument("--silent", action="store_true", help="never accepts")
    parser.add_argument("--fail", type=int, help="exits with this status at once")
    parser.add_argument("--fail-while", help="exits with status 9 where this file is there")
    parser.add_argument("--ready-when", help="sends READY=1 once this file is there")
    parser.add_argument("--notify", help="sends this to NOTIFY_SOCKET at the start")
    parser.add_argument("--ping", help="sends WATCHDOG=1 as long as this file is there")
    parser.add_argument("--ack", action="store_true", help="speaks einhorn's readiness protocol")
    parser.add_argument("--child", action="store_true", help="has a child that never ends")
    parser.add_argument("--stray", action="store_true", help="the child leaves the process group")
    parser.add_argument("--orphan", action="store_true",
                        help="leaves a grandchild behind that ends when told to by SIGTERM")
    parser.add_argument("--eat", help="whoever takes this file away takes as many MiB as it says")
    parser.add_argument("arguments", nargs="*")
    return parser.parse_args()


def notify(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(os.environ["NOTIFY_SOCKET"])
        sender.send(text.encode())


def acknowledge():
    with socket.socket(socket.AF_UNIX) as sender:
        sender.connect(os.environ["EINHORN_SOCK_PATH"])
        sender.sendall(json.dumps({"command": "worker:ack", "pid": os.getpid()}).encode() + b"\n")


def listeners():
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return [socket.socket(fileno=fd) for fd in range(3, 3 + count)]


def about(children):
    return json.dumps({
        "pid": os.getpid(), "children": children, "uid": os.getuid(), "gid": os.getgid(),
        "groups": os.getgroups(), "argv": sys.argv[1:], "environment": dict(os.environ),
        "directory": os.getcwd(), "program": os.path.realpath(__file__),
    }).encode()


def is_there(path):
    return path is not None and os.path.exists(path)


class Worker:
    def __init__(self, chosen):
        self.chosen = chosen
        self.children = []
        self.asked = False
        self.told = chosen.ready_when is None
        self.eaten = []

    def say_all(self):
        for line in self.chosen.say:
            print(line, flush=True)
        if self.chosen.huge:
            print("x" * self.chosen.huge, flush=True)
        if self.chosen.raw:
            os.write(1, bytes.fromhex(self.chosen.raw))

    def begin(self):
        signal.signal(signal.SIGTERM, self.on_term)
        self.say_all()
        if self.chosen.child or self.chosen.stray:
            self.children.append(subprocess.Popen(
                ["sleep", "1000"], start_new_session=self.chosen.stray).pid)
        if self.chosen.orphan:
            done = subprocess.run(["sh", "-c", "sleep 1000 >/dev/null & echo $!"],
                                  stdout=subprocess.PIPE, check=True)
            self.children.append(int(done.stdout))
        if self.chosen.notify:
            notify(self.chosen.notify.replace(";", "\n"))
        if self.chosen.ack:
            acknowledge()

    def on_term(self, *_):
        self.asked = not self.chosen.deaf

    def may_leave(self):
        return self.asked and (self.chosen.linger is None or is_there(self.chosen.linger))

    def look_around(self):
        if not self.told and is_there(self.chosen.ready_when):
            self.told = True
            notify("READY=1\nSTATUS=well")
        if is_there(self.chosen.ping):
            notify("WATCHDOG=1")
        if is_there(self.chosen.eat):
            self.eat()

    def eat(self):
        """One file is for one worker, whoever comes first: a rename goes through once."""
        mine = "%s.%d" % (self.chosen.eat, os.getpid())
        try:
            os.rename(self.chosen.eat, mine)
        except FileNotFoundError:
            return
        with open(mine) as order:
            mebibytes = int(order.read())
        for _ in range(mebibytes):
            self.eaten.append(bytearray(os.urandom(4096) * 256))

    def serve(self, sockets):
        poll = select.epoll()
        by_fd = {each.fileno(): each for each in sockets}
        for each in sockets:
            each.setblocking(False)
            if not self.chosen.silent:
                poll.register(each, select.EPOLLIN)
        while not self.may_leave():
            self.look_around()
            for fd, _ in poll.poll(TURN_SECONDS):
                try:
                    client, _ = by_fd[fd].accept()
                except BlockingIOError:
                    continue
                with client:
                    client.setblocking(True)
                    client.sendall(about(self.children))
        for each in sockets if self.chosen.shutdown else ():
            each.shutdown(socket.SHUT_RDWR)


def main():
    chosen = options()
    worker = Worker(chosen)
    worker.begin()
    if chosen.fail is not None:
        sys.exit(chosen.fail)
    if is_there(chosen.fail_while):
        sys.exit(9)
    worker.serve(listeners())


if __name__ == "__main__":
    main()
