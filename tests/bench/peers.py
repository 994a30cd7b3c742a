"""The systems that the benchmarks measure reloadd against, each configured as its guides say.

A Peer serves at address() once it is entered; reload() replaces all workers, returns how many
seconds that took, until none of the old is left, and raises where it did not come to that. It has
a folder of its own, and ends all that it started, by pid.
"""

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import measure
from measure import HERE, NODE, children_of, descendants_of, is_alive, kill_tree, lib, wait

RELOAD_SECONDS = 130  # four workers that are killed after 30 s each, and a little
PM2_LOCK = HERE / "pm2"
PATH = os.environ.get("PATH", "") + ":/usr/sbin"


class Peer(contextlib.AbstractContextManager):
    """One system: a class says how its manager is started and told to reload."""

    name = ""
    command = ""          # that must be there
    most_reloads = 1000   # where each takes very long

    def __init__(self, workers):
        self.workers = workers
        self.port = lib.free_port()
        self.folder = None
        self.process = None

    @classmethod
    def missing(cls):
        """The command that this machine lacks, or None."""
        return None if shutil.which(cls.command, path=PATH) else cls.command

    def address(self):
        return "127.0.0.1:%d" % self.port

    def start(self):
        """Starts the manager, whose process becomes self.process."""
        raise NotImplementedError

    def replace(self):
        """Tells the manager to reload, and waits until it has."""
        raise NotImplementedError

    def spawn(self, *command, **more):
        """A manager: in the foreground, its output in self.folder/"log"."""
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("cwd", self.folder)
        with open(self.folder / "log", "wb") as log:
            more.setdefault("stdout", log)
            environment = dict(os.environ, PATH=PATH, PORT=str(self.port), **more.pop("env", {}))
            self.process = subprocess.Popen(command, stderr=log, env=environment, **more)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def manager(self):
        """Its pid; None: nobody is above the workers."""
        return self.process.pid

    def pids(self):
        """The workers' pids."""
        return children_of(self.manager())

    def only_new(self, old):
        """All workers are there, and none of the old."""
        now = set(self.pids())
        return len(now) == self.workers and not now & set(old)

    def replaced(self, old):
        wait("%s: new workers only" % self.name, lambda: self.only_new(old), RELOAD_SECONDS)

    def reload(self):
        begun = time.monotonic()
        self.replace()
        return time.monotonic() - begun

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reloadd-bench-%s." % self.name))
        try:
            self.start()
            wait("%s: its workers" % self.name, lambda: len(self.pids()) == self.workers)
            measure.wait_answers(self.address())
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None and (self.folder / "log").exists():
            print("--- the log of %s ends so:\n%s" % (self.name, self.log()[-3000:]))
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self):
        if self.process is not None:
            kill_tree([self.process.pid, *descendants_of(self.process.pid)])
            self.process.wait()


class Bare(Peer):
    """Workers on one inherited socket, with nobody above them; they take it as descriptor 3."""

    name = "bare"
    command = "node"

    def __init__(self, workers, program=("node", "app.js")):
        super().__init__(workers)
        self.program = program
        self.processes = []

    def start(self):
        with socket.socket() as listener, open(self.folder / "log", "wb") as log:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            listener.listen(4096)
            listener.setblocking(False)
            script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' % listener.fileno()
            for _ in range(self.workers):
                self.processes.append(subprocess.Popen(
                    ["sh", "-c", script, "sh", *self.program], cwd=NODE,
                    pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=log))

    def manager(self):
        return None

    def pids(self):
        return [process.pid for process in self.processes]

    def end(self):
        kill_tree(self.pids())
        for process in self.processes:
            process.wait()


class Cluster(Peer):
    """Node's cluster, round robin, with a primary by hand; the program has no stop logic."""

    name = "cluster-plain"
    command = "node"
    program = ("peer-app.js", 5)  # and when a worker that does not leave is killed, in seconds

    def start(self):
        self.spawn("node", str(HERE / "cluster-primary.js"), str(self.workers),
                   *map(str, self.program), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.line()

    def line(self):
        if not select.select([self.process.stdout], [], [], RELOAD_SECONDS)[0]:
            raise TimeoutError("%s: no word in %d s" % (self.name, RELOAD_SECONDS))
        text = self.process.stdout.readline()
        if not text:
            raise AssertionError("%s: the primary ended" % self.name)
        return text

    def replace(self):
        self.process.stdin.write(b"reload\n")
        self.process.stdin.flush()
        self.line()

    def end(self):
        super().end()
        self.process.stdin.close()
        self.process.stdout.close()


class ClusterGraceful(Cluster):
    name = "cluster-graceful"
    program = ("peer-app-graceful.js", 30)


class Pm2(Peer):
    """PM2's cluster mode with its defaults; the program has no stop logic."""

    name = "pm2-plain"
    command = "npm"
    settings = {"script": str(HERE / "peer-app.js")}

    @staticmethod
    def installed():
        """The pm2 that pm2/package-lock.json names, in the build tree; installs it at first."""
        folder = lib.build_folder() / "bench" / "pm2"
        pm2 = folder / "node_modules" / ".bin" / "pm2"
        lock = (PM2_LOCK / "package-lock.json").read_bytes()
        mark = folder / "installed"
        if not mark.exists() or mark.read_bytes() != lock:
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PM2_LOCK / name, folder)
            subprocess.run(["npm", "ci", "--silent", "--ignore-scripts", "--no-audit",
                            "--no-fund"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            mark.write_bytes(lock)
        return str(pm2)

    def cli(self, *arguments):
        environment = dict(os.environ, PM2_HOME=str(self.folder / "home"),
                           PM2_DISABLE_VERSION_CHECK="true")
        done = subprocess.run([self.pm2, *arguments], cwd=self.folder, env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=RELOAD_SECONDS)
        if done.returncode != 0:
            raise AssertionError("pm2 %s: %d\n%s" % (arguments, done.returncode, done.stdout))

    def start(self):
        self.pm2 = self.installed()
        ecosystem = self.folder / "ecosystem.json"
        ecosystem.write_text(json.dumps({"apps": [dict(
            self.settings, name="a", exec_mode="cluster", instances=self.workers,
            env={"PORT": str(self.port)})]}))
        self.cli("start", str(ecosystem))

    def manager(self):
        return int((self.folder / "home" / "pm2.pid").read_text())

    def replace(self):
        self.cli("reload", "a")

    def end(self):
        if not (self.folder / "home" / "pm2.pid").exists():
            return
        daemon = self.manager()
        pids = [daemon, *descendants_of(daemon)]
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self.cli("kill")
        kill_tree(pids)


class Pm2Graceful(Pm2):
    """PM2 by the book: the program stops by itself and says when it is ready."""

    name = "pm2-graceful"
    settings = {"script": str(HERE / "peer-app-graceful.js"), "wait_ready": True,
                "listen_timeout": 10000, "kill_timeout": 30000}


class Nginx(Peer):
    name = "nginx"
    command = "nginx"

    def start(self):
        text = (lib.HERE / "nginx" / "nginx.conf.in").read_text()
        for old, new in (("worker_processes 1;", "worker_processes %d;" % self.workers),
                         ("@PREFIX@", str(self.folder)), ("@LISTEN@", self.address()),
                         ("@REVISION@", "0")):
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "nginx.conf").write_text(text)
        self.spawn("nginx", *self.where())

    def where(self):
        return "-e", "stderr", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")

    def replace(self):
        old = self.pids()
        subprocess.run(["nginx", *self.where(), "-s", "reload"], check=True,
                       env=dict(os.environ, PATH=PATH), stderr=subprocess.DEVNULL)
        self.replaced(old)


class Gunicorn(Peer):
    """Its gthread workers, with HUP."""

    name = "gunicorn-gthread"
    command = "gunicorn"

    def start(self):
        command = list(lib.GTHREAD)
        command[command.index("--workers") + 1] = str(self.workers)
        self.spawn(*command, "--bind", self.address(), cwd=lib.HERE / "gunicorn",
                   env={"PYTHONDONTWRITEBYTECODE": "1"})

    def replace(self):
        old = self.pids()
        self.process.send_signal(signal.SIGHUP)
        self.replaced(old)


class Puma(Peer):
    """Phased restart, which needs workers that load the application themselves."""

    name = "puma"
    command = "puma"
    phase = 0

    def start(self):
        (self.folder / "puma.rb").write_text(
            "bind 'tcp://%s'\nworkers %d\nthreads 16, 16\npreload_app! false\n"
            "worker_shutdown_timeout 30\npersistent_timeout 30\n"
            % (self.address(), self.workers))
        self.spawn("puma", "-C", "puma.rb", "-e", "production", str(HERE / "peer-app.ru"))

    def replace(self):
        old = self.pids()
        self.process.send_signal(signal.SIGUSR1)
        self.phase += 1
        word = "phase: %d" % self.phase  # "- Worker 0 (PID: 1) booted in 0.2s, phase: 1"
        wait("puma: its workers to boot",
             lambda: self.log().count(word + "\n") >= self.workers, RELOAD_SECONDS)
        self.replaced(old)


class Unicorn(Peer):
    """USR2, wait for the new master's workers, QUIT to the old master. It knows no keep-alive."""

    name = "unicorn"
    command = "unicorn"

    def start(self):
        (self.folder / "unicorn.rb").write_text(
            "listen '%s'\nworker_processes %d\npreload_app false\npid '%s'\n"
            % (self.address(), self.workers, self.folder / "pid"))
        self.spawn("unicorn", "-c", "unicorn.rb", "-E", "production", str(HERE / "peer-app.ru"))
        wait("unicorn: its pid file", (self.folder / "pid").exists)

    def manager(self):
        return int((self.folder / "pid").read_text())

    def pids(self):
        with contextlib.suppress(FileNotFoundError, ValueError):  # while it is written anew
            return children_of(self.manager())
        return []

    def replace(self):
        old = self.manager()
        ready = self.log().count(" ready\n")
        os.kill(old, signal.SIGUSR2)
        # "worker=0 ready" of each, and "master process ready".
        wait("unicorn: its new workers",
             lambda: self.log().count(" ready\n") >= ready + self.workers + 1, RELOAD_SECONDS)
        os.kill(old, signal.SIGQUIT)
        wait("unicorn: the old master to leave", lambda: not is_alive(old), RELOAD_SECONDS)

    def end(self):
        if (self.folder / "pid").exists():
            kill_tree([self.manager(), *descendants_of(self.manager())])
        super().end()


class Uwsgi(Peer):
    """Chain reload, which moves on by a worker every two seconds."""

    name = "uwsgi"
    command = "uwsgi-core"
    most_reloads = 3

    def start(self):
        self.spawn("uwsgi-core", "--plugin", "python3", "--master", "--processes",
                   str(self.workers), "--threads", "16", "--lazy-apps", "--disable-logging",
                   "--http11-socket", self.address(), "--wsgi-file",
                   str(lib.HERE / "gunicorn" / "app.py"), "--master-fifo",
                   str(self.folder / "fifo"), env={"PYTHONDONTWRITEBYTECODE": "1"})

    def replace(self):
        old, word = self.pids(), "chain reloading complete"
        done = self.log().count(word)
        (self.folder / "fifo").write_text("c")
        wait("uwsgi: " + word, lambda: self.log().count(word) > done, RELOAD_SECONDS)
        self.replaced(old)


class Ours(Peer):
    """reloadd itself, with a configuration as reloadd.json has it; `workers` in it is overruled."""

    def __init__(self, workers, config, name="reloadd"):
        super().__init__(workers)
        self.name = name
        self.config = config
        self.app = None

    def address(self):
        return self.app.address()

    def start(self):
        self.app = lib.App(self.name, dict(self.config, workers=self.workers))
        self.app.__enter__()

    def manager(self):
        """`reloadctl run` becomes the primary by exec."""
        return self.app.process.pid

    def pids(self):
        return [worker["pid"] for worker in self.app.admitted()]

    def replace(self):
        self.app.reload()

    def end(self):
        if self.app is not None:
            self.app.__exit__(None, None, None)


RELOADING = {peer.name: peer for peer in (Pm2, Pm2Graceful, Cluster, ClusterGraceful, Nginx,
                                          Gunicorn, Puma, Unicorn, Uwsgi)}
