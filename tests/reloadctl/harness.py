"""Runs the real reloadctl against fake primaries, as a user who is not root: then the runtime
directory is where XDG_RUNTIME_DIR says, and permissions count.
"""

import os
import pty
import shutil
import socket
import subprocess
import tempfile
import unittest

from fake_primary import FakePrimary

PROGRAM = os.environ["RELOADCTL"]
TIME_LIMIT = 60
NOBODY = 65534

DAEMON = """#!/bin/sh
printf '%s\\n' "$@"
exit 42
"""


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reloadctl-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        self.runtime = os.path.join(self.folder, "reloadd")
        os.mkdir(self.runtime, 0o755)
        self.bin = os.path.join(self.folder, "bin")
        os.mkdir(self.bin)
        os.chmod(self.bin, 0o755)
        self.program = shutil.copy(PROGRAM, self.bin)
        self.environment = {
            "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": self.folder, "HOME": self.folder,
            "TZ": "UTC", "TERM": "xterm", "LC_ALL": "C.UTF-8",
        }

    def primary(self, script, name="web"):
        """A fake primary for the app `name`; what went wrong in its script fails the test."""
        folder = os.path.join(self.runtime, name)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        primary = FakePrimary(os.path.join(folder, "control"), script)
        self.addCleanup(self.end, primary)
        return primary

    def end(self, primary):
        if os.path.exists(primary.path) and primary.listener.fileno() >= 0:
            primary.close()
        self.assertIsNone(primary.failure)

    def stale(self, name):
        folder = os.path.join(self.runtime, name)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
            left.bind(os.path.join(folder, "control"))
        os.chmod(os.path.join(folder, "control"), 0o777)

    def daemon(self):
        """A reloadd beside reloadctl that shows its arguments and exits with 42."""
        path = os.path.join(self.bin, "reloadd")
        with open(path, "w", encoding="ascii") as file:
            file.write(DAEMON)
        os.chmod(path, 0o755)

    def options(self):
        if os.geteuid() != 0:
            return {"env": self.environment}
        return {"env": self.environment, "user": NOBODY, "group": NOBODY, "extra_groups": []}

    def start(self, *arguments, **streams):
        return subprocess.Popen([self.program, *arguments], cwd="/", **self.options(), **streams)

    def run_it(self, *arguments, **streams):
        """(exit code, stdout, stderr)"""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                   "stderr": subprocess.PIPE, **streams}
        done = subprocess.run([self.program, *arguments], cwd="/", timeout=TIME_LIMIT,
                              check=False, **self.options(), **streams)
        self.assert_clean(done.stderr or b"")
        return (done.returncode, (done.stdout or b"").decode(),
                (done.stderr or b"").decode(errors="replace"))

    def run_on_terminal(self, *arguments):
        """(exit code, all that the terminal got)"""
        leader, follower = pty.openpty()
        process = self.start(*arguments, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        output = b""
        try:
            while True:
                data = os.read(leader, 65536)
                if not data:
                    break
                output += data
        except OSError:
            pass  # EIO: the last writer has closed it
        os.close(leader)
        code = process.wait(TIME_LIMIT)
        self.assert_clean(output)
        return code, output.decode(errors="replace").replace("\r\n", "\n")

    def assert_clean(self, output):
        self.assertNotIn(b"Sanitizer", output)
        self.assertNotIn(b"runtime error", output)
