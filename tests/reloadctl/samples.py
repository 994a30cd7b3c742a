"""What a primary says, whole and lawful, for scripts to change a little."""


def failure(**changes):
    return {
        "cause": "exited", "text": "worker 12 (slot 0, revision 8) exited with status 1",
        "code": 1, "worker": 12, "slot": 0, "revision": 8,
        "lines": ["Error: no such module", "    at app.js:1"], **changes,
    }


def outcome(kind="complete", **changes):
    return {"revision": 8, "outcome": kind, "at": 1000.0, "seconds": 1.25, **changes}


def worker(slot=0, **changes):
    return {
        "id": 10 + slot, "slot": slot, "revision": 7, "state": "admitted", "pid": 100 + slot,
        "since": 900.0, "started": 899.0, "memory_bytes": 12 * 1024 * 1024, **changes,
    }


def app(name="web", **changes):
    return {
        "name": name, "pid": 99, "version": "0.1.0", "config": "/etc/reloadd/web.json",
        "started": 800.0, "desired": 2, "admitted": 2, "delivery": "inherit",
        "dispatch": "shared", "revision": 7, "release": "abc",
        "rollout": {"state": "steady", "since": 900.0, "stable": 7, "target": 7, "queued": []},
        "listeners": [{"name": "http", "address": "127.0.0.1:8080", "source": "opened"}],
        "slots": [{"slot": slot, "state": "filled", "failures": 0, "crash_loop": False}
                  for slot in range(2)],
        "workers": [worker(0), worker(1)], "warnings": [], **changes,
    }


def step(number, state, at, **changes):
    return {"revision": 8, "step": {"worker": number, "slot": 0, "revision": 8 if number > 11
                                    else 7, "state": state, "pid": number + 90, "at": at,
                                    **changes}}


STEPS = [
    step(12, "spawning", 1000.0), step(12, "starting", 1000.0), step(12, "warming", 1000.25),
    step(12, "admitted", 1000.5), step(10, "draining", 1000.5), step(10, "gone", 1001.25),
]


def roll_out(talk, ending):
    """Accepts, tells the steps, and ends."""
    talk.reply({"revision": 8}, continues=True)
    for one in STEPS:
        talk.reply(one, continues=True)
    talk.reply({"revision": 8, "outcome": ending})
