"""What the benchmarks share: the strict client with its processor time, what processes use, tables.

Every process that a benchmark starts is ended by its pid, also those that left their parent (PM2's
daemon, unicorn's second master): the benchmark is their subreaper (PR_SET_CHILD_SUBREAPER), so
that they become its own children.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
import lib  # noqa: E402
from primary import children_of, is_alive  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
NODE = lib.HERE / "node"
TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36
ENDING_SECONDS = 10


# Processes.

@contextlib.contextmanager
def nothing_left_behind():
    """In it, orphans of what was started come here; at its end all that is left is killed."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        kill_tree(descendants_of(os.getpid()))


def descendants_of(pid):
    """Parents before their children."""
    found = children_of(pid)
    for child in found:
        found += children_of(child)
    return found


def kill_tree(pids):
    """Kills those that are there still, and waits until they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait("killed processes to go", lambda: not any(map(is_alive, pids)), ENDING_SECONDS)
    for pid in pids:
        with contextlib.suppress(ChildProcessError):  # its parent saw to it, or will: Popen.wait()
            os.waitpid(pid, os.WNOHANG)


def wait(what, condition, seconds=lib.PATIENCE_SECONDS, step=0.005):
    """lib.until() in finer steps, as the time that it takes is measured here; what was returned."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError("waited %d s in vain for: %s" % (seconds, what))
        time.sleep(step)


def cpu_seconds(*pids):
    """User and system time up to now of all of them together."""
    ticks = 0
    for pid in pids:
        fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def idle_seconds():
    """What all processors together have idled since the machine's start."""
    return int(pathlib.Path("/proc/stat").read_text().split()[4]) / TICKS


def pss_kib(pid):
    for line in pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


# Load.

def load(address, shape, *options):
    """The strict client, until it ends by itself: its report, and `client_cpu_seconds`."""
    command = [lib.binary("loadclient"), "--shape", shape, "--json", "-", *options, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        text = client.stdout.read()
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
    if client.returncode not in (0, 1):
        raise AssertionError("the load client failed: %d" % client.returncode)
    return dict(json.loads(text), client_cpu_seconds=usage.ru_utime + usage.ru_stime)


def wait_answers(address):
    host, port = address.rsplit(":", 1)

    def answered():
        with contextlib.suppress(OSError):
            with socket.create_connection((host, int(port)), 1) as client:
                client.sendall(b"GET /echo/1 HTTP/1.0\r\n\r\n")
                return client.recv(1)
        return None

    wait("an answer at " + address, answered)


def app_config(command, workers, **more):
    return dict({"exec": command, "working_directory": str(NODE), "workers": workers}, **more)


# Tables.

def spread(took):
    return "%.0f (%.0f-%.0f)" % (statistics.median(took), min(took), max(took))


def markdown(head, rows):
    for row in [head, ["---"] * len(head), *rows]:
        print("| %s |" % " | ".join(str(cell) for cell in row))
    sys.stdout.flush()


def write_json(path, found):
    if path:
        pathlib.Path(path).write_text(json.dumps(found, indent=2) + "\n")
