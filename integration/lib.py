"""What the end-to-end drivers share: an app under reloadd, the load on it, and the programs.

Everything private to a run (configuration, state, control socket, reports) is in one temporary
folder; every process is ended by the one who started it.
"""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
SKIPPED = 77
PATIENCE_SECONDS = 60


def build_folder():
    """RELOADD_BUILD, or the first build tree that has a reloadctl."""
    chosen = os.environ.get("RELOADD_BUILD")
    if chosen:
        return pathlib.Path(chosen)
    for name in ("release", "dev"):
        if (ROOT / "build" / name / "reloadctl").exists():
            return ROOT / "build" / name
    skip("nothing is built: cmake --preset release && cmake --build --preset release")


def binary(name):
    for folder in ("", "tests", "tests/load", "integration"):
        path = build_folder() / folder / name
        if path.is_file():
            return str(path)
    skip("%s is not built in %s" % (name, build_folder()))


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED)


# Below what the kernel gives to clients (net.ipv4.ip_local_port_range), from another place in each
# program that is run beside others.
ports_lock = threading.Lock()
ports = itertools.islice(itertools.cycle(range(10000, 32000)), os.getpid() * 97 % 22000, None)


def free_port():
    """One that nobody has now, and nobody is given by chance: not the kernel's choice for a client or
    for another scenario's server, nor this program's own a second time."""
    with ports_lock:
        for port in ports:
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                probe.listen()
                return port
    return None  # not reached: the numbers go round


def until(what, condition, seconds=PATIENCE_SECONDS):
    """Waits for a condition; what it returned. Fails the run after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %d s in vain for: %s" % (seconds, what))
        threading.Event().wait(0.02)


def json_lines(path):
    """Of a file that somebody is writing: the last line counts once it is whole."""
    *lines, _ = path.read_text().split("\n")
    return [json.loads(line) for line in lines]


class Program:
    """A server program: its folder here, and what is known of its manners.

    file: its configuration there. needs: the commands that it, or its `setup`, calls.
    polite: loses nothing with kept connections; one of the catalog's, in polite drains.
    drains: finishes what it was asked before it ends.
    cause: why it loses something, if it does. sleepers: connections, where a shape's own are too many.

    Where the folder has a program `setup`, what it makes is what runs, from a folder of the build tree.
    """

    def __init__(self, folder, *arguments, file="reloadd.json", needs=(), polite=False, drains=True,
                 cause="", sleepers=None, drain=None):
        self.folder = folder
        self.arguments = arguments
        self.file = file
        self.needs = needs
        self.polite = polite
        self.drains = drains
        self.cause = cause
        self.sleepers = sleepers or {}
        self.drain = drain or {}

    def working_directory(self):
        source = HERE / self.folder
        return build_folder() / "programs" / self.folder if (source / "setup").exists() else source

    def config(self):
        config = json.loads((HERE / self.folder / self.file).read_text())
        if self.arguments:
            config["exec"] = list(self.arguments)
            config.pop("check", None)
        if config["exec"][0] == "webworker":
            config["exec"][0] = binary("webworker")
        config["drain"] = dict(config.get("drain", {}), **self.drain)
        config["working_directory"] = str(self.working_directory())
        return config

    def missing(self):
        """The command that this machine lacks, or None."""
        for needed in self.needs or ({"nginx": "nginx"}.get(self.folder, self.config()["exec"][0]),):
            found = shutil.which(needed, path=os.environ.get("PATH", "") + ":/usr/sbin")
            if not found and not os.path.exists(needed):
                return needed
        return None

    def set_up(self):
        """Makes what `setup` makes, where it is older than its sources; why it could not, or None."""
        source, made = HERE / self.folder, self.working_directory()
        if made == source:
            return None
        stamp = made / "stamp"
        newest = max(path.stat().st_mtime for path in source.iterdir())
        if stamp.exists() and stamp.stat().st_mtime >= newest:
            return None
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        done = subprocess.run([source / "setup", made.resolve()], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        assert done.returncode in (0, SKIPPED), "%s/setup:\n%s" % (source, done.stdout)
        if done.returncode == SKIPPED:
            return done.stdout.strip().splitlines()[-1]
        stamp.touch()
        return None


GTHREAD = ("gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "16",
           "--keep-alive", "30", "--graceful-timeout", "30", "app:application")
CLOSES = "the program itself closes kept connections on which a request may be on its way: "
PROGRAMS = {
    "c": Program("c", polite=True),
    "node-expert": Program("node", polite=True),
    "node-graceful": Program("node", "node", "app-graceful.js",
                             cause=CLOSES + "Node's server.close()"),
    "node-plain": Program("node", "node", "app.js",
                          drain={"wait": "quiet", "timeout_seconds": 30},
                          cause="it has no stop logic: what is never quiet is cut off at last"),
    "gunicorn-sync": Program("gunicorn", polite=True, sleepers={"S4": 8, "S5": 4}),
    "gunicorn-gthread": Program("gunicorn", *GTHREAD,
                                cause=CLOSES + "its keep-alive sockets at SIGTERM"),
    "uvicorn": Program("uvicorn", cause=CLOSES + "after the present answer, unannounced"),
    "nginx": Program("nginx", cause=CLOSES + "idle ones at SIGQUIT"),
}


def with_port(config, port):
    """The configuration with this port where the files here have 8080: a program that binds its port
    by itself has it in its arguments or its environment."""
    changed = dict(config, exec=[word.replace("8080", str(port)) for word in config["exec"]])
    if "environment" in config:
        changed["environment"] = {name: value.replace("8080", str(port))
                                  for name, value in config["environment"].items()}
    return changed


class App(contextlib.AbstractContextManager):
    """One app: `reloadctl run` in the foreground, in a folder of its own."""

    def __init__(self, name, config):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reloadd-%s." % name))
        self.port = free_port()
        self.path = self.folder / "reloadd.json"
        self.environment = dict(
            os.environ,
            STATE_DIRECTORY=str(self.folder / "state"),
            RUNTIME_DIRECTORY=str(self.folder / "run"),
            TMPDIR=str(self.folder),
        )
        self.environment.pop("NOTIFY_SOCKET", None)
        self.process = None
        self.log = self.folder / "log"
        self.write(config)

    def address(self):
        return "127.0.0.1:%d" % self.port

    def write(self, config):
        """The configuration for the next reload, with this app's own address; or raw text."""
        if not isinstance(config, str):
            config = with_port(config, self.port)
            config = dict(config, listen=[{"name": "http", "stream": self.address()}])
            config = json.dumps(config, indent=2)
        self.path.write_text(config)

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [binary("reloadctl"), "run", "--name", self.name, "--config", str(self.path)],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_serving()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if kind is not None:
            print("--- the log of %s ends so:" % self.name)
            print("\n".join(self.log.read_text(errors="replace").splitlines()[-40:]))
        shutil.rmtree(self.folder, ignore_errors=True)

    def control(self, verb, *arguments):
        """Runs reloadctl VERB APP …; the finished process, its output as text."""
        return subprocess.run(
            [binary("reloadctl"), verb, self.name, *arguments], env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=300)

    def status(self):
        """The `app` of io.reloadd's Status, or None where there is no answer."""
        done = self.control("status", "--json")
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            return None
        if isinstance(answer, list):
            answer = answer[0] if answer else None
        return answer.get("app", answer) if answer else None

    def admitted(self):
        status = self.status()
        workers = status["workers"] if status else []
        return [worker for worker in workers if worker["state"] == "admitted"]

    def is_whole(self):
        status = self.status()
        return (status is not None and status["admitted"] == status["desired"]
                and status["rollout"]["state"] == "steady" and status)

    def wait_serving(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("reloadctl run ended: %d" % self.process.returncode)
            return self.is_whole()

        return until("all workers admitted", ready)

    def reload(self, *arguments):
        """Must go through. Seconds that it took."""
        begun = time.monotonic()
        done = self.control("reload", *arguments)
        assert done.returncode == 0, "reload: exit code %d\n%s" % (done.returncode, done.stdout)
        return time.monotonic() - begun


class Load(contextlib.AbstractContextManager):
    """The strict load client, running until stop(): on the app's address, or another before it."""

    def __init__(self, app, shape, *options, address=None, folder=None):
        self.report_path = (folder or app.folder) / ("report-" + shape)
        self.timeline = (folder or app.folder) / ("timeline-" + shape)
        self.process = subprocess.Popen(
            [binary("loadclient"), "--shape", shape, "--json", str(self.report_path),
             "--timeline", str(self.timeline), *options, address or app.address()])
        # A first answer by S5 takes 8 s: under way is enough there.
        self.begun = lambda: self.timeline.exists() and self.timeline.stat().st_size > 0

    def __enter__(self):
        until("the load to begin", self.begun)
        return self

    def answers(self):
        """By revision, up to now."""
        counts = {}
        for second in json_lines(self.timeline):
            for revision, count in second["ok"].items():
                counts[revision] = counts.get(revision, 0) + count
        return counts

    def stop(self):
        """The client's report, once its last request is finished."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_SECONDS * 2)
        assert code in (0, 1), "the load client failed: %d" % code
        return json.loads(self.report_path.read_text())

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def losses(report):
    """In words: "none", or each class with its count."""
    lost = {kind: count for kind, count in report["lost_by_class"].items() if count}
    return ", ".join("%s %d" % item for item in lost.items()) or "none"


def first_losses(report):
    """The first few, each with its moment and how long its request had waited."""
    return "; ".join("%s at %.2f s, after %.0f ms" % (one["class"], one["at_seconds"], one["after_ms"])
                     for one in report["samples"][:5])


def table(head, rows):
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()
