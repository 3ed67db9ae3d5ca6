"""The real agent, killed at, or failed by, each system call of a whole run: what a reader finds is
one complete set, nothing secret is said, and the next run heals everything.

strace injects the faults; it counts the calls of each kind apart, so each kind is gone through by
itself. test_publish_crash.py does the same with the publisher alone and more sets."""

import collections
import concurrent.futures
import os
import re
import shutil
import subprocess

import pytest

import agent

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
PAIR = ("      - {path: tls/certificate, content: op://prod/CASE/certificate}\n"
        "      - {path: tls/key, content: op://prod/CASE/key}\n"
        "      - {path: app.env, dialect: sh, env: {PASSWORD: op://prod/CASE/password}}\n")
TEMPLATES = {
    "old": HEAD + PAIR.replace("CASE", "old") + "      - {path: only-old, content: op://prod/old/key}\n",
    "new": HEAD + PAIR.replace("CASE", "new") + "      - {path: only-new/x, content: op://prod/new/key}\n",
}
FIXTURE = "tokens: [{name: agent}]\nvaults:\n  - name: prod\n    items:\n" + "".join(
    f"      - title: {case}\n        fields:\n" + "".join(
        f"          - {{label: {label}, value: canary-value-{case}-{label}}}\n"
        for label in ("certificate", "key", "password"))
    for case in TEMPLATES)

# What a run does to files; EIO from a timer or a poll is nothing that a kernel does.
FILES = {"close", "fchmod", "fchown", "flock", "fstatfs", "fsync", "getdents64", "mkdirat", "newfstatat",
         "openat", "openat2", "pread64", "read", "readlinkat", "renameat", "symlinkat", "unlinkat", "write"}
RUN_SECONDS = 60

pytestmark = [
    pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed"),
    pytest.mark.skipif(bool(os.environ.get("SANITIZE")),
                       reason="a sanitizer's runtime does not live under strace; the plain build does"),
]


def expected(case):
    value = f"canary-value-{case}-".encode()
    files = {"tls/certificate": value + b"certificate", "tls/key": value + b"key",
             "app.env": b"PASSWORD='" + value + b"password'\n"}
    files["only-old" if case == "old" else "only-new/x"] = value + b"key"
    return files


EXPECTED = {case: expected(case) for case in TEMPLATES}
EVERY = sorted({*EXPECTED["old"], *EXPECTED["new"]})


class Stage:
    """The old set published, ready to be copied for each try of the new one."""

    def __init__(self, place):
        self.place = place
        place.directory = place.tmpfs / "master"
        assert place.init(TEMPLATES["old"]).status == 0

    def copy(self, name):
        directory = self.place.tmpfs / name
        shutil.copytree(self.place.directory, directory, symlinks=True)
        template = self.place.disk / f"{name}.yaml"
        template.write_text(TEMPLATES["new"].replace("{directory}", str(directory)))
        return directory, template

    def run(self, template, *before):
        command = [*before, os.environ["AGENT"], "init", "-c", template]
        done = subprocess.run(command, env=self.place.environment(), capture_output=True,
                              timeout=RUN_SECONDS, check=False)
        self.place.assert_no_leak((done.stdout + done.stderr).decode(errors="replace"))
        return done

    def calls(self):
        """How often a run makes each system call."""
        directory, template = self.copy("count")
        trace = self.place.disk / "count.trace"
        done = self.run(template, "strace", "-f", "-o", trace)
        assert done.returncode == 0, done.stderr
        shutil.rmtree(directory)
        names = re.findall(r"^\d+ +(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE)
        return collections.Counter(names)


def see(directory):
    """What open(2) finds; what is not there is left out."""
    found = {}
    for name in EVERY:
        try:
            found[name] = (directory / name).read_bytes()
        except FileNotFoundError:
            pass
    return found


def try_once(stage, call, number, fault):
    """One run with one fault. Gives its exit status."""
    name = f"{call}-{number}"
    directory, template = stage.copy(name)
    done = stage.run(template, "strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                     "-e", f"inject={call}:{fault}:when={number}")
    where = f"{call} number {number}: status {done.returncode}\n{done.stderr.decode(errors='replace')}"
    seen = see(directory)
    assert seen in (EXPECTED["old"], EXPECTED["new"]), f"{where}\n{seen}"
    if done.returncode == 0:
        assert seen == EXPECTED["new"], where
    healed = stage.run(template)
    assert healed.returncode == 0 and see(directory) == EXPECTED["new"], where
    shutil.rmtree(directory)
    return done.returncode


def go_through(stage, calls, fault):
    jobs = [(call, number) for call, count in sorted(calls.items()) for number in range(1, count + 1)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda job: (*job, try_once(stage, *job, fault)), jobs))


def test_kill_at_every_system_call_leaves_one_whole_set():
    with agent.Place(FIXTURE) as place:
        stage = Stage(place)
        calls = stage.calls()
        assert calls["renameat"] >= 2 and calls["openat2"] >= 5, calls
        statuses = go_through(stage, calls, "signal=KILL")
        killed = [status for *_, status in statuses if status != 0]
        assert len(killed) > sum(calls.values()) // 2, "hardly any run was killed"


def test_error_of_every_file_call_leaves_one_whole_set():
    with agent.Place(FIXTURE) as place:
        stage = Stage(place)
        calls = {call: count for call, count in stage.calls().items() if call in FILES}
        for call, number, status in go_through(stage, calls, "error=EIO"):
            assert status >= 0, f"{call} number {number}: died of signal {-status}"
