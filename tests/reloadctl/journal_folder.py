"""A folder of real journal files, filled by systemd-journal-remote(8) from the export format of
systemd (systemd.io/JOURNAL_EXPORT_FORMATS), for who reads them.
"""

import os
import subprocess

REMOTE = "/usr/lib/systemd/systemd-journal-remote"
BOOT = "0123456789abcdef0123456789abcdef"
EPOCH = 1_700_000_000  # of the first entry; one a second


def is_there():
    return os.access(REMOTE, os.X_OK)


def worker(number, slot, revision, text, app="web", **fields):
    """What journald makes of a line on the stream of a worker."""
    return {"MESSAGE": text, "SYSLOG_IDENTIFIER": f"{app}-r{revision}-w{number}-s{slot}",
            "_SYSTEMD_UNIT": f"{app}.service", "_COMM": "node",
            "_SYSTEMD_CGROUP": f"/system.slice/{app}.service/worker-{number}", **fields}


def primary(text, app="web", **fields):
    return {"MESSAGE": text, "SYSLOG_IDENTIFIER": app, "_SYSTEMD_UNIT": f"{app}.service",
            "_SYSTEMD_CGROUP": f"/system.slice/{app}.service/primary", "_COMM": "reloadd",
            **fields}


def manager(text, app="web", **fields):
    return {"MESSAGE": text, "SYSLOG_IDENTIFIER": "systemd", "_PID": "1", "_COMM": "systemd",
            "UNIT": f"{app}.service", "_SYSTEMD_UNIT": "init.scope",
            "_SYSTEMD_CGROUP": "/init.scope", **fields}


def exported(entries, first):
    for number, entry in enumerate(entries, first):
        fields = {"__REALTIME_TIMESTAMP": (EPOCH + number) * 1_000_000,
                  "__MONOTONIC_TIMESTAMP": (1 + number) * 1_000_000, "_BOOT_ID": BOOT, **entry}
        for name, value in fields.items():
            data = value if isinstance(value, bytes) else str(value).encode()
            if b"\n" in data or b"\0" in data:
                yield name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
            else:
                yield name.encode() + b"=" + data + b"\n"
        yield b"\n"


class Growing:
    """A journal that entries come to as a test wants it."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.written = 0
        self.process = subprocess.Popen(
            [REMOTE, f"--output={folder}/system.journal", "-"], stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL)

    def add(self, *entries):
        self.process.stdin.write(b"".join(exported(entries, self.written)))
        self.process.stdin.flush()
        self.written += len(entries)

    def close(self):
        self.process.stdin.close()
        if self.process.wait(30) != 0:
            raise RuntimeError("systemd-journal-remote failed")


def fill(folder, *entries):
    journal = Growing(folder)
    journal.add(*entries)
    journal.close()
