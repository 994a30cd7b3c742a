"""What the scenarios of polite drains share."""

import subprocess

import lib


def config_of(name):
    """A program as it is, its drain left to what reloadd does by itself."""
    config = lib.PROGRAMS[name].config()
    drain = dict(config["drain"], timeout_seconds=30)
    drain.pop("wait", None)
    return dict(config, drain=drain)


def programs(names):
    for name in names:
        missing = lib.PROGRAMS[name].missing()
        if missing:
            print("%s is left out: no %s here" % (name, missing))
        else:
            yield name


def skip_without():
    said = subprocess.run([lib.binary("reloadd"), "--version"], capture_output=True, text=True)
    if "can be done here" not in said.stdout:
        lib.skip(said.stdout.splitlines()[-1])
