"""Every allocation of a run fails once: the agent ends with a status, not with a signal, what was
published stays whole, and nothing secret is said. All are tried for `check`; for `init`, whose
libraries allocate a lot, the first and last hundred and a seeded sample of the rest."""

import concurrent.futures
import os
import random
import shutil

import pytest

import agent

SAMPLE = 200
STATUSES = {0, 69, 70, 73, 65, 66, 77, 127}  # 127: the dynamic loader itself

# Something of everything a template can say.
WIDE = """
version: 1
outputs:
  - directory: {directory}
    files:
      - {path: a, json: {a: op://prod/db/username, b: [1, {c: "{{ op://prod/db/password | json | base64 }}"}]}}
      - {path: b, properties: {a: {b: op://prod/db/username}}}
      - {path: c, yaml: {a: "x{{ op://prod/db/username \\":\\" | upper }}"}}
      - {path: d, content: "op://$V/db/username"}
      - {path: e, dialect: sh, env: {A: "lit {{ op://prod/db/username | trim }}", B: lit, C: {value: x, default: y}}}
"""

pytestmark = [
    pytest.mark.skipif("FAIL_ALLOCATION" not in os.environ, reason="no fail-allocation library"),
    pytest.mark.skipif(bool(os.environ.get("SANITIZE")),
                       reason="a sanitizer brings its own allocator; the plain build is tested"),
]


def preload(**more):
    return {"LD_PRELOAD": os.environ["FAIL_ALLOCATION"], "CONNECT_AGENT_TIMEOUT": "5s", "V": "prod", **more}


def count(place, command):
    path = place.tmpfs / "count"  # where the sandbox lets the program write
    assert place.run(command, **preload(COUNT_TO=path)).status == 0
    return int(path.read_text())


def ended_well(result):
    """With a status; or OpenSSL 3.5 has ended the process, which does so when it has no memory for a lock."""
    return result.status in STATUSES or (result.status == -6 and "OpenSSL internal error" in result.err)


def try_all(place, command, numbers, check, fail_on):
    def one(number):
        for on in fail_on:
            result = place.run(command, **preload(FAIL_AT=number, FAIL_ON=on))
            assert ended_well(result), f"allocation {number}: {result}"
            check(result, number)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(one, numbers):
            pass


def test_check_survives_every_failed_allocation(place):
    place.write(WIDE)
    total = count(place, "check")
    print(f"{total} allocations")
    try_all(place, "check", range(1, total + 1), lambda result, number: None, ("0", "1"))


def test_init_survives_failed_allocations(place):
    assert place.init(WIDE, V="prod").status == 0
    before = place.names()
    total = count(place, "init")
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"{total} allocations, SEED={seed}")
    middle = list(range(101, max(102, total - 100)))
    numbers = sorted({*range(1, 101), *range(total - 100, total + 1),
                      *random.Random(seed).sample(middle, min(SAMPLE, len(middle)))})

    def check(result, number):
        assert place.names() == before, f"allocation {number}: {result}"

    try_all(place, "init", numbers, check, ("0", "1"))


def test_first_publication_is_whole_or_absent(place):
    place.write(agent.TEMPLATE)
    total = count(place, "init")
    whole = place.names()
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"{total} allocations, SEED={seed}")
    for number in sorted(random.Random(seed).sample(range(total // 2, total), min(100, total // 2))):
        shutil.rmtree(place.directory, ignore_errors=True)
        result = place.run("init", **preload(FAIL_AT=number))
        assert ended_well(result), f"allocation {number}: {result}"
        seen = place.names() if place.directory.exists() else {}
        assert seen == (whole if result.status == 0 else {}), f"allocation {number}: {result}"
