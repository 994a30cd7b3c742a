"""What the scenarios share inside their machine (machine.py): apps as systemd's units, the load on
them, and what is true of them at the end."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import machine
import lib

CONFIGS = pathlib.Path("/etc/reloadd")
DROPINS = pathlib.Path("/run/systemd/system")
STATE = pathlib.Path("/var/lib/reloadd")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
COMMAND_SECONDS = 120
JOURNAL_LINES = 100
NOISE = re.compile("Found left-over process|This usually indicates|remains running after")
SERVING_SECONDS = 30


def command(*words, seconds=COMMAND_SECONDS):
    """The finished process, its output as text."""
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=seconds)


def must(*words, seconds=COMMAND_SECONDS):
    done = command(*words, seconds=seconds)
    if done.returncode != 0:
        raise AssertionError("%s: exit status %d\n%s"
                             % (" ".join(words), done.returncode, done.stdout))
    return done.stdout


def newest_line():
    """Of the system journal, in its own words; what comes after it can be asked for."""
    return must("journalctl", "--lines=0", "--show-cursor", "--quiet").strip().split(": ", 1)[1]


def parent_of(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def listening_on(port):
    """The names that the sockets, one for each lane, have among a process's descriptors."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {"socket:[%s]" % fields[9] for fields in map(str.split, lines)
            if fields[1].endswith(":%04X" % port) and fields[3] == "0A"}


def is_blocking(pid, fd):
    for line in pathlib.Path("/proc/%d/fdinfo/%s" % (pid, fd)).read_text().splitlines():
        if line.startswith("flags:"):
            return not int(line.split()[1], 8) & os.O_NONBLOCK
    return None


class Service(contextlib.AbstractContextManager):
    """One app: /etc/reloadd/NAME.json, and the units that the generator makes of it."""

    def __init__(self, name, config, starts=True, **dropin):
        self.name = name
        self.unit = name + ".service"
        self.port = lib.free_port()
        self.config = dict(config, listen=[{"name": "http", "stream": self.address()}])
        self.path = CONFIGS / (name + ".json")
        self.dropin = dropin
        self.starts = starts
        self.cursor = newest_line()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=name + "."))
        self.journal = STATE / name / "journal.jsonl"

    def address(self):
        return "127.0.0.1:%d" % self.port

    # Its life.

    def write(self, **config):
        """Changes the configuration; a value of None takes its key out."""
        self.config.update(config)
        self.config = {key: value for key, value in self.config.items() if value is not None}
        CONFIGS.mkdir(exist_ok=True)
        # Nobody is to read half of it.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.config, indent=2))
        fresh.rename(self.path)

    def drop_in(self, **settings):
        """Puts a drop-in in force; a setting that is None goes back to what the unit says."""
        self.dropin.update(settings)
        folder = DROPINS / (self.unit + ".d")
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["%s=%s\n" % item for item in self.dropin.items() if item[1] is not None]
        (folder / "test.conf").write_text("[Service]\n" + "".join(lines))
        must("systemctl", "daemon-reload")

    def __enter__(self):
        try:
            self.write()
            self.drop_in()
            if self.starts:
                must("systemctl", "start", self.unit)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.explain()
        command("systemctl", "stop", self.name + ".socket", self.unit)
        command("systemctl", "reset-failed", self.name + ".socket", self.unit)
        self.path.unlink(missing_ok=True)
        shutil.rmtree(DROPINS / (self.unit + ".d"), ignore_errors=True)
        shutil.rmtree(STATE / self.name, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        command("systemctl", "daemon-reload")

    def explain(self):
        print("--- %s, as systemd has it:" % self.unit)
        print(command("systemctl", "status", "--no-pager", "--lines=0", self.unit).stdout)
        print("--- its journal ends so:\n" + self.lines(JOURNAL_LINES))

    def lines(self, count=None):
        """The newest lines, or all, in the system journal: the primary's, its workers', systemd's."""
        text = command("journalctl", "--unit", self.unit, "--no-pager", "--quiet",
                       "--output=short-precise", "--after-cursor", self.cursor).stdout
        # With KillMode=process systemd wonders about each worker at each start.
        lines = [line for line in text.splitlines(True) if not NOISE.search(line)]
        return "".join(lines[-count:] if count else lines)

    # What systemd has of it.

    def properties(self, *names):
        text = must("systemctl", "show", self.unit, "--property=" + ",".join(names))
        found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return [found[name] for name in names]

    def main_pid(self):
        return int(self.properties("MainPID")[0])

    def restarts(self):
        return int(self.properties("NRestarts")[0])

    def cgroup(self):
        """Its folder; None: it has none now."""
        path = self.properties("ControlGroup")[0].lstrip("/")
        return CGROUPS / path if path else None

    def processes(self):
        """All in the unit's cgroup: pid -> folder below it."""
        found, top = {}, self.cgroup() or "/nowhere"
        for folder, _, _ in os.walk(top):
            with contextlib.suppress(FileNotFoundError, OSError):
                for pid in (pathlib.Path(folder) / "cgroup.procs").read_text().split():
                    found[int(pid)] = os.path.relpath(folder, top)
        return found

    def processes_in(self, *folders):
        """Those in these folders below the unit's cgroup, without asking systemd for it."""
        top = CGROUPS / "system.slice" / self.unit
        for folder in folders:
            with contextlib.suppress(OSError):
                yield from map(int, (top / folder / "cgroup.procs").read_text().split())

    # What the primary says.

    def control(self, verb, *arguments):
        return command("reloadctl", verb, self.name, *arguments)

    def begin(self, *words):
        """Starts a command that waits for something, such as a reload."""
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def ask(self, verb):
        """The answer of a verb that takes --json, or None where there is none."""
        done = subprocess.run(["reloadctl", verb, self.name, "--json"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=COMMAND_SECONDS)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            return None
        return None if "error" in answer else answer

    def status(self):
        answer = self.ask("status")
        return answer and answer.get("app", answer)

    def history(self):
        answer = self.ask("history")
        return answer and (answer["revisions"] if isinstance(answer, dict) else answer)

    def is_whole(self):
        """Its status, once it serves as it was asked to; else None."""
        status = self.status()
        whole = (status and status["rollout"]["state"] == "steady"
                 and status["admitted"] == status["desired"] == len(status["workers"]))
        return status if whole else None

    def settle(self):
        return lib.until("%s is steady" % self.name, self.is_whole)

    def blocking(self):
        """Of each worker's listeners, whether accept(2) waits on it: the flag is everybody's who has
        the socket, systemd's and the next primary's too."""
        found = set()
        for worker in self.status()["workers"]:
            for entry in os.scandir("/proc/%d/fd" % worker["pid"]):
                with contextlib.suppress(FileNotFoundError):
                    if os.readlink(entry.path) in listening_on(self.port):
                        found.add(is_blocking(worker["pid"], entry.name))
        return found

    # What must be true of it.

    def faults(self, history=True):
        """What is wrong with an app that is steady, in words. `history`: none of it was lost."""
        status = self.settle()
        return [self.name + ": " + text for text in (
            *self.wrong_workers(status), *self.wrong_processes(status), *self.wrong_journal(),
            *(self.wrong_history() if history else ()))]

    def wrong_workers(self, status):
        states = [worker["state"] for worker in status["workers"]]
        slots = sorted(worker["slot"] for worker in status["workers"])
        if states != ["admitted"] * self.config["workers"]:
            yield "its workers are " + ", ".join(states)
        if slots != list(range(self.config["workers"])):
            yield "its workers are in the slots %s" % slots

    def wrong_processes(self, status):
        """Orphans and twins: cgroup against status."""
        workers = {"worker-%d" % worker["id"]: worker["pid"] for worker in status["workers"]}
        # Who watches over the workers while there is no primary sees that there is one.
        lib.until("ExecStopPost= and ExecReload= to be gone",
                  lambda: ".control" not in self.processes().values())
        found = self.processes()
        for pid, folder in found.items():
            if folder not in workers and pid != status["pid"]:
                yield "process %d in %s is nobody's" % (pid, folder)
            elif folder in workers and pid != workers[folder] and parent_of(pid) not in found:
                yield "process %d in %s is no child of its worker" % (pid, folder)
        for folder, pid in workers.items():
            if found.get(pid) != folder:
                yield "worker %d should be in %s and is in %s" % (pid, folder, found.get(pid))
        if status["pid"] != self.main_pid():
            yield "primary %d answers, and systemd has %d" % (status["pid"], self.main_pid())
        for pid in at_work_in(self.config["working_directory"]):
            if pid not in found and parent_of(pid) != os.getpid():
                yield "process %d is of its program, and outside of its cgroup" % pid

    def wrong_history(self):
        history = self.history()
        numbers = [entry["revision"] for entry in history]
        if numbers != sorted(set(numbers)):
            yield "its history has the revisions %s" % numbers
        for entry in history:
            if entry["outcome"] not in ("complete", "failed", "superseded"):
                yield "revision %(revision)d: its outcome is %(outcome)s" % entry
        if [entry["stable"] for entry in history].count(True) != 1:
            yield "not exactly one revision is the stable one"

    def wrong_journal(self):
        done = command("reloadd", "--check-journal", "--name", self.name)
        if done.returncode != 0:
            yield "its journal does not replay (%d): %s" % (done.returncode, done.stdout)


def at_work_in(folder):
    """The processes whose working directory it is."""
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and os.readlink(entry.path + "/cwd") == folder:
                yield int(entry.name)


class Load(lib.Load):
    """The strict load client on a service, at a pace that leaves the machine room for the rest."""

    def __init__(self, service, shape, *options):
        super().__init__(service, shape, "--timeout", str(SERVING_SECONDS), *options)
