#!/usr/bin/python3
"""A server that says how it is, for integration/probe.

Answers /healthz with the statuses of --health, one after the other, the last one for ever; or with
what the file --health-file says, as long as it is there; and everything else with 200 and its pid.
For each request a line with its User-Agent goes to FOLDER/PID.

usage: health.py [OPTION]... FOLDER      (health.py --help tells them)
"""

import argparse
import http.server
import os
import pathlib
import signal
import socket
import socketserver
import threading


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--health", default="200", help="statuses, separated by commas")
    parser.add_argument("--health-file", type=pathlib.Path, help="has a status")
    parser.add_argument("--ready", action="store_true", help="sends READY=1 at the start")
    parser.add_argument("--bind", type=int, help="binds this port by itself; nothing is inherited")
    parser.add_argument("folder", type=pathlib.Path)
    return parser.parse_args()


class Health:
    def __init__(self, chosen):
        self.statuses = [int(status) for status in chosen.health.split(",")]
        self.file = chosen.health_file
        self.lock = threading.Lock()

    def next(self):
        if self.file and self.file.exists():
            return int(self.file.read_text())
        with self.lock:
            return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.kept_lock:
            self.server.kept.write("%s\t%s\t%s\n" % (
                self.path, self.headers["Host"], self.headers["User-Agent"]))
            self.server.kept.flush()
        status = self.server.health.next() if self.path.startswith("/healthz") else 200
        body = b"%d" % os.getpid()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = False

    def __init__(self, chosen, listener):
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.health = Health(chosen)
        self.kept_lock = threading.Lock()
        self.kept = open(chosen.folder / str(os.getpid()), "w")


def main():
    chosen = options()
    if chosen.ready:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(os.environ["NOTIFY_SOCKET"])
            sender.send(b"READY=1")
    listener = socket.create_server(("127.0.0.1", chosen.bind)) if chosen.bind \
        else socket.socket(fileno=3)
    listener.setblocking(False)
    server = Server(chosen, listener)
    signal.signal(signal.SIGTERM,
                  lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main()
