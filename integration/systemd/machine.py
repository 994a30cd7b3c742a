"""A machine of its own for a test: a real systemd, booted by systemd-nspawn, with this build
installed on it.

A scenario calls main(). Started by anybody, it boots the machine and runs itself again in there;
its output and its exit status come out. Nothing of it stays: root folder, mounts, control groups and
processes go with the machine. Where the scenario itself is killed, the machine ends, and its folders
in the temporary directory and among the control groups are left.

The machine has this one's /usr, read-only, and over its /usr/local what `cmake --install` puts there;
an /etc, /var and network of its own; the sources in /srv/source and the build in /srv/build.

RELOADD_KEEP=FOLDER keeps its root folder, with the journal in var/log/journal.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import lib

SOURCE = "/srv/source"
BUILD = "/srv/build"
OUTPUT = "var/log/the-test"
COMMANDS = ("node", "gunicorn")
JOURNAL_LINES = 60
PR_SET_PDEATHSIG = 1

THE_TEST = """\
[Unit]
Description=The test
Wants=dbus.socket
After=basic.target dbus.socket
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
ExecStart={command}
WorkingDirectory=/root
Environment=RELOADD_MACHINE={name} RELOADD_BUILD={build} PYTHONDONTWRITEBYTECODE=1
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8
StandardOutput=append:/{output}
StandardError=inherit
TimeoutStartSec=infinity
"""

# What packages keep in /etc and the programs here do not start without.
ETC = ("alternatives", "dbus-1", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf",
       "pam.d", "security/limits.conf", "security/pam_env.conf", "ssl/openssl.cnf")
OS_RELEASE = "etc/os-release"


def is_inside():
    return "RELOADD_MACHINE" in os.environ


def main(seconds, program=unittest):
    """Runs the tests of the program that calls it in a machine of its own, which may live so long.
    `program`: what has the main() to call in there; unittest's is given what it needs."""
    if not is_inside():
        sys.exit(boot([sys.argv[0], *sys.argv[1:]], seconds))
    sys.stdout.reconfigure(line_buffering=True)
    if program is not unittest:
        program.main()
        return
    result = unittest.main("__main__", exit=False, verbosity=2).result
    sys.exit(0 if result.wasSuccessful() and result.testsRun > len(result.skipped) else 1)


def boot(command, seconds):
    """Runs a program of the source tree in a new machine; its exit status."""
    if not shutil.which("systemd-nspawn"):
        lib.skip("no systemd-nspawn here (tests/setup integration)")
    if os.geteuid() != 0:
        lib.skip("only root can boot a machine")
    build = lib.build_folder()
    with Machine(build) as machine:
        program = pathlib.Path(SOURCE) / pathlib.Path(command[0]).resolve().relative_to(lib.ROOT)
        return machine.run([str(program), *command[1:]], seconds)


def quoted(word):
    """As a word of a unit's command line (systemd.service(5), "Command lines")."""
    for plain, escaped in ("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$"):
        word = word.replace(plain, escaped)
    return '"%s"' % word


def hierarchies():
    """Our own folder in each cgroup hierarchy that systemd-nspawn looks at: cgroup2, and on a hybrid
    machine systemd's named one, too."""
    own = {}
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, system = line.partition(" - ")
        root, point = fields.split()[3:5]
        kind, _, options = system.split(None, 2)
        name = {"cgroup2": "", "cgroup": "name=systemd"}.get(kind)
        if name is None or name not in own or (name and name not in options.split(",")):
            continue
        path = own.pop(name)
        inner = os.path.relpath(path, root) if root != "/" else path.lstrip("/")
        yield pathlib.Path(point) / inner


class Cgroups(contextlib.AbstractContextManager):
    """One machine's own: two that boot at the same time would otherwise share them."""

    def __init__(self, name):
        self.folders = [folder / name for folder in hierarchies()]

    def __enter__(self):
        for folder in self.folders:
            folder.mkdir()
        return self

    def enter(self):
        """Moves the process that calls it."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def remove(self):
        for folder in self.folders:
            with contextlib.suppress(OSError):  # named hierarchies have no cgroup.kill
                (folder / "cgroup.kill").write_text("1")
        for folder in self.folders:
            for each, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(each)
        return not any(folder.exists() for folder in self.folders)

    def __exit__(self, *_):
        lib.until("the machine's cgroups to be empty", self.remove)


class Machine(contextlib.AbstractContextManager):

    def __init__(self, build):
        self.build = build
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reloadd-machine."))
        # nspawn takes letters, digits and dashes, and no dash at the end.
        self.name = re.sub("[^a-z0-9]", "-", self.folder.name.lower()) + "m"
        self.root = self.folder / "root"
        self.local = self.folder / "installed" / "usr" / "local"
        self.binds = []

    def __enter__(self):
        try:
            self.install()
            self.lay_out()
            for command in COMMANDS:
                self.show_command(command)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *_):
        keep = os.environ.get("RELOADD_KEEP")
        if keep:
            shutil.copytree(self.root, keep, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        for left in "propagate", "unix-export":
            shutil.rmtree("/run/systemd/nspawn/%s/%s" % (left, self.name), ignore_errors=True)

    def install(self):
        done = subprocess.run(
            ["cmake", "--install", str(self.build), "--prefix", "/usr/local"],
            env=dict(os.environ, DESTDIR=str(self.folder / "installed")), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError("cmake --install failed:\n" + done.stdout)

    def lay_out(self):
        for folder in "etc/systemd/system", "etc/security", "etc/ssl", "usr", "root", "var/log":
            (self.root / folder).mkdir(parents=True)
        for link in "bin", "sbin", "lib", "lib32", "lib64":
            if os.path.lexists("/usr/" + link):
                (self.root / link).symlink_to("usr/" + link)
        for name in ETC:
            source = pathlib.Path("/etc") / name
            if source.is_dir():
                shutil.copytree(source, self.root / "etc" / name, symlinks=True)
            elif source.exists():
                shutil.copy(source, self.root / "etc" / name)
        # nspawn wants it to be there before /usr is.
        shutil.copy("/etc/os-release", self.root / OS_RELEASE)
        # A machine that has one is not set up for the first time, with all units enabled.
        (self.root / "etc/machine-id").write_text(os.urandom(16).hex() + "\n")
        (self.root / "var/log/journal").mkdir()
        (self.root / "root").chmod(0o700)

    def show_command(self, command):
        """A command that is not in /usr is made to be found there."""
        path = shutil.which(command)
        if path is None or os.path.realpath(path).startswith("/usr/"):
            return
        home = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        self.binds.append("--bind-ro=%s" % home)
        (self.local / "bin" / command).symlink_to(os.path.realpath(path))

    def arguments(self):
        return [
            "systemd-nspawn", "--quiet", "--directory=%s" % self.root, "--machine=%s" % self.name,
            "--boot", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
            # What polite drains need and nspawn takes away; pidfd_getfd(2) is forbidden by nspawn
            # 252 though a container's root has the right to it.
            "--capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN,CAP_SYS_PTRACE",
            "--system-call-filter=bpf pidfd_getfd",
            "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--bind-ro=/usr",
            "--overlay-ro=/usr/local:%s:/usr/local" % self.local,
            "--bind-ro=%s:%s" % (lib.ROOT, SOURCE), "--bind-ro=%s:%s" % (self.build, BUILD),
            *self.binds, "systemd.firstboot=no", "systemd.unit=the-test.service",
            "systemd.show_status=no"]

    def run(self, command, seconds):
        """Boots, and waits for the end; the command's exit status, or 1 where it had none."""
        unit = THE_TEST.format(command=" ".join(map(quoted, command)), name=self.name, build=BUILD,
                               output=OUTPUT)
        (self.root / "etc/systemd/system/the-test.service").write_text(unit)
        (self.root / OUTPUT).touch()
        with Cgroups(self.name) as cgroups, open(self.folder / "console", "wb") as console, \
                open(self.root / OUTPUT, errors="replace") as output:
            code = self.wait(self.start(cgroups, console), output, seconds)
        if code not in (0, lib.SKIPPED):
            self.explain(code)
        return code

    def start(self, cgroups, console):
        def in_child():
            # Who is killed can end nothing himself.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            cgroups.enter()

        return subprocess.Popen(
            self.arguments(), env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"),
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=in_child)

    def wait(self, process, output, seconds):
        """Hands the output on as it comes."""
        deadline = time.monotonic() + seconds
        try:
            while process.poll() is None:
                sys.stdout.write(output.read())
                sys.stdout.flush()
                if time.monotonic() > deadline:
                    print("the machine is ended: more than %d s" % seconds)
                    return 1
                threading.Event().wait(0.05)
        finally:
            process.kill()
            process.wait()
            sys.stdout.write(output.read())
            sys.stdout.flush()
        return process.returncode

    def explain(self, code):
        console = (self.folder / "console").read_text(errors="replace")
        print("--- the machine ended with %d; its console:\n%s" % (code, console))
        print("--- its journal ends so:", flush=True)
        subprocess.run(["journalctl", "--directory", str(self.root / "var/log/journal"),
                        "--no-pager", "--quiet", "--output=short-precise", "--lines",
                        str(JOURNAL_LINES)])
