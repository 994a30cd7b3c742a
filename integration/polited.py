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


def why_not():
    """Why drains can't be polite here; None: they can."""
    said = subprocess.run([lib.binary("reloadd"), "--version"], capture_output=True, text=True)
    return None if "can be done here" in said.stdout else said.stdout.splitlines()[-1]


def skip_without():
    if why := why_not():
        lib.skip(why)
