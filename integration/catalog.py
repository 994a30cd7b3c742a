"""The programs that bind their port by themselves, and get the app's listener by capture."""

import contextlib
import os
import signal
import socket
import subprocess

import lib

# Where each connection that is kept holds a thread or a process for some time after each answer.
THREADS = {"S3": 48}

PROGRAMS = {
    "node": lib.Program("node", file="captured.json", polite=True),
    "express": lib.Program("express", needs=("node", "npm"), polite=True),
    "gunicorn": lib.Program("gunicorn", file="captured.json", polite=True),
    "uvicorn": lib.Program("uvicorn", file="captured.json", polite=True),
    "puma": lib.Program("puma", sleepers=THREADS, polite=True),
    "unicorn": lib.Program("unicorn", polite=True),
    "starman": lib.Program("starman", sleepers=THREADS),
    "uwsgi": lib.Program("uwsgi", polite=True),
    "php-fpm": lib.Program("php-fpm", needs=("php-fpm8.2", "nginx"), polite=True),
    "nginx": lib.Program("nginx", file="captured.json", needs=("nginx",), polite=True),
    "haproxy": lib.Program("haproxy", polite=True),
    "caddy": lib.Program("caddy", needs=("caddy",), polite=True),
    "apache": lib.Program("apache", needs=("apache2",), polite=True),
    "rust": lib.Program("rust", needs=("rustc",), polite=True),
    "static-c": lib.Program("static-c", needs=("cc",), polite=True),
    "java": lib.Program("java", needs=("java", "javac"), polite=True),
    "python": lib.Program("python", polite=True),
}


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Started(contextlib.AbstractContextManager):
    """A server that was started by hand, in a process group of its own; `signal` ends it."""

    def __init__(self, command, port, folder, environment, log, ends=signal.SIGTERM):
        self.port = port
        self.ends = ends
        with open(log, "ab") as output:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output,
                                            stderr=output, stdin=subprocess.DEVNULL,
                                            start_new_session=True)

    def address(self):
        return "127.0.0.1:%d" % self.port

    def __enter__(self):
        try:
            lib.until("port %d to be open" % self.port, lambda: self.ended() or answers(self.port))
            assert not self.ended(), "it ended with %s" % self.process.returncode
        except BaseException:
            self.__exit__()
            raise
        return self

    def ended(self):
        return self.process.poll() is not None

    def ends_within(self, seconds):
        """Whether it did, once it was asked to."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def front(name, app):
    """What stands before the app and speaks HTTP in its place, where its folder has one; or the app
    itself."""
    program = lib.HERE / PROGRAMS[name].folder / "front"
    if not program.exists():
        return contextlib.nullcontext(app)
    port = lib.free_port()
    return Started([program, str(port), str(app.port)], port, app.folder,
                   dict(os.environ, TMPDIR=str(app.folder)), app.folder / "log-front")
