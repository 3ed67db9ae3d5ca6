"""A long life: rotations with faults of every kind in between, seeded and repeatable. What is published is
always one whole generation, the newest one that could be had; memory and descriptors after = before.

As many rotations as the environment variable SOAK says (300); SOAK_SEED repeats a run."""

import os
import pathlib
import random
import re

import agent
from sidecar import Sidecar

ROTATIONS = int(os.environ.get("SOAK", "300"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SLACK_KB = 64  # pages that the allocator holds differently after a burst

TEMPLATE = """
version: 1
outputs:
  - directory: {directory}
    files:
      - {path: user, content: op://prod/db/username}
      - {path: config.json, json: {user: op://prod/db/username, password: op://prod/db/password, blob: "{{ op://prod/files/blob | base64 }}"}}
      - {path: app.env, dialect: sh, env: {USER: op://prod/db/username, API: op://other/api/credential}}
    onChange:
      - exec: {command: [/bin/true]}
"""

FAULTS = [
    {"status": 500}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}, {"status": 408}, {"reset": True}, {"close": True},
    {"truncate": 10}, {"garbage": True}, {"html": True}, {"empty": True}, {"depth": 1000},
]
ENDPOINTS = ["vault", "items", "item", "file"]


def memory_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Anonymous:\s+(\d+)", text, re.M)[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def runs_hook(pid):
    """A hook's command has a pidfd, a pipe and a timer."""
    directory = pathlib.Path(f"/proc/{pid}/fd")
    try:
        return any(os.readlink(path) == "anon_inode:[pidfd]" for path in directory.iterdir())
    except FileNotFoundError:  # it changes while we look
        return True


def measure(sidecar):
    """When it rests: a whole refresh goes by in which no hook runs, so that none waits for its turn either."""
    pid, done, before = sidecar.process.pid, 0, -1
    while done != before or runs_hook(pid):
        sidecar.wait(lambda: not runs_hook(pid), "the end of the hook")
        before = len(sidecar.said("hook done"))
        sidecar.refresh()
        done = len(sidecar.said("hook done"))
    return memory_kb(pid), descriptors(pid)


def generation(place):
    """The value that all files of the output carry; anything else is a mixed or damaged generation."""
    data = (place.directory / "..data").resolve()
    user = (data / "user").read_text()
    assert f'"{user}"' in (data / "config.json").read_text() and f"'{user}'" in (data / "app.env").read_text()
    return user


def disturb(place, chance, token):
    """One thing that may happen while the agent works."""
    kind = chance.random()
    if kind < 0.10:
        place.fake.fault(chance.choice(FAULTS), match={"endpoint": chance.choice(ENDPOINTS)}, times=1)
    elif kind < 0.15:
        place.template.write_text(place.template.read_text() + f"# {chance.random()}\n")
    elif kind < 0.17:
        token.write_text(place.fake.rotate("agent"))
    elif kind < 0.20:
        blob = place.disk / "blob"
        blob.write_bytes(chance.randbytes(chance.randrange(1, 5000)))
        place.fake.set_file("prod", "files", "blob", blob.read_bytes())


def rotate(place, sidecar, chance, token, number):
    value = f"canary-value-soak-{number}"
    disturb(place, chance, token)
    place.fake.set_field("prod", "db", "username", value)
    sidecar.refresh()
    sidecar.wait(lambda: generation(place) == value, f"rotation {number}")
    if len(sidecar.events) > 1000:  # what is behind us
        with sidecar.changed:
            del sidecar.events[:-200]


def test_soak():
    print(f"{ROTATIONS} rotations, SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    with agent.Place() as place:
        place.write(TEMPLATE)
        token = place.disk / "token"
        token.write_text(place.fake.token("agent"))
        with Sidecar(place, OP_CONNECT_TOKEN_FILE=str(token)) as sidecar:
            sidecar.wait_for("refresh over")
            warm = ROTATIONS // 10
            for number in range(warm):
                rotate(place, sidecar, chance, token, number)
            before = measure(sidecar)
            for number in range(warm, ROTATIONS):
                rotate(place, sidecar, chance, token, number)
            after = measure(sidecar)
            print(f"anonymous memory {before[0]} kB before, {after[0]} kB after; descriptors {before[1]}, {after[1]}")
            assert after[1] == before[1]
            # A sanitizer keeps what was freed for a while; it has its own way to find leaks.
            assert os.environ.get("SANITIZE") or after[0] <= before[0] + SLACK_KB
            assert not sidecar.said("cannot go on")
