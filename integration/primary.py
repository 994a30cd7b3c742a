"""What the tests of the primary share: `reloadd` in a folder of its own, its control socket spoken
to directly (docs/io.reloadd.varlink), and the test program worker.py under it.

Nothing here waits for a time to pass: lib.until() polls for a condition, with a deadline.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import lib

WORKER = str(lib.HERE / "worker.py")
# One that every user may run.
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
PATIENCE_SECONDS = 20


class Refused(Exception):
    """The primary answered a call with an error."""

    def __init__(self, message):
        super().__init__(json.dumps(message))
        self.name = message["error"].rpartition(".")[2]
        self.parameters = message.get("parameters", {})


class Connection(contextlib.AbstractContextManager):
    """One connection to a control socket."""

    def __init__(self, path):
        self.rest = b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_SECONDS)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise

    def __exit__(self, *_):
        self.socket.close()

    def send(self, method, more=False, **parameters):
        call = {"method": "io.reloadd." + method, "parameters": parameters}
        if more:
            call["more"] = True
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self):
        """The next reply, whole; None at the end of the connection."""
        while b"\0" not in self.rest:
            piece = self.socket.recv(65536)
            if not piece:
                return None
            self.rest += piece
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.send(method, **parameters)
        return self.answer()

    def answer(self):
        message = self.receive()
        if message is None:
            raise ConnectionError("the primary hung up")
        if "error" in message:
            raise Refused(message)
        return message["parameters"]

    def stream(self, method, **parameters):
        self.send(method, more=True, **parameters)
        while True:
            message = self.receive()
            if message is None:
                raise ConnectionError("the primary hung up")
            if "error" in message:
                raise Refused(message)
            yield message["parameters"]
            if not message.get("continues"):
                return


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children_of(pid):
    found = []
    for task in pathlib.Path("/proc/%d/task" % pid).glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def ask(address):
    """What the worker that accepts says about itself; None where nobody answers."""
    unix = str(address).startswith("/")
    try:
        with socket.socket(socket.AF_UNIX) if unix else socket.socket(
                socket.AF_INET6 if address[0].count(":") else socket.AF_INET) as client:
            client.settimeout(PATIENCE_SECONDS)
            client.connect(str(address) if unix else address)
            with client.makefile("rb") as answer:
                text = answer.read()
            return json.loads(text) if text else None
    except (ConnectionError, FileNotFoundError):
        return None


class Primary(contextlib.AbstractContextManager):
    """One app and its primary, which may be started more than once."""

    def __init__(self, *worker, name="web", **config):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reloadd-%s." % name))
        self.folder.chmod(0o755)
        self.port = lib.free_port()
        self.address = ("127.0.0.1", self.port)
        self.control = self.folder / "run" / "control"
        self.journal = self.folder / "state" / "journal.jsonl"
        self.path = self.folder / "web.json"
        self.environment = {
            "PATH": os.environ["PATH"],
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": str(self.folder / "run"),
        }
        self.process = None
        self.config = {
            "listen": [{"name": "http", "stream": "127.0.0.1:%d" % self.port}],
            "exec": [PYTHON, "-S", WORKER, *worker],
            "workers": 2,
            "restart": {"initial_delay_seconds": 0.05, "max_delay_seconds": 1},
            "drain": {"timeout_seconds": 10},
        }
        self.write(**config)

    def __exit__(self, kind, *_):
        if self.process and self.process.poll() is None:
            self.end()
        if kind is not None:
            print("--- stderr of %s ends so:\n%s" % (self.name, self.errors()[-4000:]))
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, name):
        return self.folder / name

    def write(self, *worker, **config):
        """Changes the configuration; a value of None takes its key out."""
        if worker:
            self.config["exec"] = [PYTHON, "-S", WORKER, *worker]
        self.config.update(config)
        self.config = {key: value for key, value in self.config.items() if value is not None}
        self.path.write_text(json.dumps(self.config, indent=2))

    def command(self, *arguments):
        return [lib.binary("reloadd"), "--name", self.name, "--config", str(self.path), *arguments]

    def start(self, *arguments, before=(), environment=None, output=None, wait=True, **popen):
        """Starts it, in the foreground unless arguments say otherwise; waits until it serves."""
        command = [*before, *self.command(*(arguments or ("--foreground",)))]
        with open(self.file("errors"), "ab") as errors, open(self.file("output"), "ab") as kept:
            self.process = subprocess.Popen(
                command, env=dict(self.environment, **(environment or {})),
                stdin=subprocess.DEVNULL, stdout=kept if output is None else output,
                stderr=errors, **popen)
        if wait:
            self.until("all workers serve", self.is_whole)
        return self

    def end(self):
        """Ends it for sure; the exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.main_pid(), signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def main_pid(self):
        """The primary itself: unshare(1) before it passes no signals on."""
        with open("/proc/%d/comm" % self.process.pid) as name:
            wrapped = name.read().strip() == "unshare"
        children = children_of(self.process.pid) if wrapped else []
        return children[0] if children else self.process.pid

    def wait(self):
        return self.process.wait(PATIENCE_SECONDS)

    def until(self, what, condition):
        def check():
            if self.process.poll() is not None:
                raise AssertionError("the primary ended (%d) while waiting for: %s"
                                     % (self.process.returncode, what))
            return condition()

        return lib.until(what, check, PATIENCE_SECONDS)

    def errors(self):
        kept = self.file("errors")
        return kept.read_text(errors="replace") if kept.exists() else ""

    def output(self):
        return self.file("output").read_bytes()

    def records(self, event=None):
        """The journal's lines, or those of one kind."""
        return [line for line in lib.json_lines(self.journal)
                if event is None or line.get("event") == event]

    def connect(self):
        return Connection(self.control)

    def call(self, method, **parameters):
        with self.connect() as connection:
            return connection.call(method, **parameters)

    def status(self):
        return self.call("Status")["app"]

    def history(self):
        return self.call("History")["revisions"]

    def is_whole(self):
        """Its status, once it serves as it was asked to; else None."""
        try:
            status = self.status()
        except (ConnectionError, FileNotFoundError):
            return None
        whole = (status["admitted"] == status["desired"] == len(status["workers"])
                 and status["rollout"]["state"] == "steady")
        return status if whole else None

    def settle(self):
        return self.until("the app is steady", self.is_whole)

    def reload(self, **parameters):
        """Waits for the end of the rollout; its outcome."""
        with self.connect() as connection:
            for reply in connection.stream("Reload", **parameters):
                if reply.get("outcome"):
                    return reply["outcome"]
        raise AssertionError("no outcome")

    def pids(self):
        return {worker["pid"] for worker in self.status()["workers"]}

    def ask(self, address=None):
        return ask(address or self.address)


def main():
    """Runs the tests of the program that calls it; 77 where all of them were skipped."""
    for name in "reloadd", "reloadd-exec":
        lib.binary(name)
    sys.stdout.reconfigure(line_buffering=True)
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(lib.SKIPPED if result.testsRun == len(result.skipped) else 0)


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
