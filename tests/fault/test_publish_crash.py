"""The publisher is killed at, or fails, each of its system calls in turn. What a reader finds is then
one complete set, and the next run heals everything.

strace injects the faults; it counts the calls of each kind apart, so each kind is gone through by
itself until a run survives."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import pytest

TOOL = os.environ.get("PUBLISH_TOOL", "publish-tool")
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0", "PATH": os.environ["PATH"]}  # not under ptrace
LAYOUTS = ["atomic", "plain"]
EX_CANTCREAT = 73
KILLED = -9

NAMES = ["app.env", "tls/server.crt", "tls/server.key"]
ONLY = {1: ["old.env", "only1/a"], 2: ["new.env", "only2/b"]}
SETS = {n: {name: f"{name} of set {n}\n" for name in NAMES + ONLY[n]} for n in (1, 2)}
EVERY = sorted({*SETS[1], *SETS[2]})

CHANGING = ["mkdirat", "openat2", "fchmod", "write", "fsync", "renameat", "symlinkat", "unlinkat", "close"]
# A sanitizer's own runtime makes these too, and does not survive when they fail.
READING = [] if os.environ.get("SANITIZE") else [
    "openat", "newfstatat", "readlinkat", "getdents64", "flock", "fcntl", "read"]
GENERATION = re.compile(r"\.\.\d{4}(_\d\d){5}\.\d{9}")


def strace_works():
    if not shutil.which("strace"):
        return False
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=close", "true"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not strace_works(), reason="needs strace, and leave to trace")


def read_in(directory, name):
    """As a reader would; None when it is not there."""
    try:
        fd = os.open(name, os.O_RDONLY, dir_fd=directory)
    except FileNotFoundError:
        return None
    with open(fd, encoding="ascii") as file:
        return file.read()


class Place:
    """An output directory, and how one set gets into it."""

    def __init__(self, layout, scratch):
        self.layout = layout
        self.path = pathlib.Path(tempfile.mkdtemp(dir=scratch), "out")
        self.trace = self.path.parent / "trace"

    def run(self, number, *before):
        command = [*before, TOOL, self.path, self.layout, str(number)]
        return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)

    def publish(self, *numbers):
        for number in numbers:
            result = self.run(number)
            assert result.returncode == 0, result.stderr

    def publish_with(self, call, fault):
        """Publishes set 2 under a fault. Returns whether the fault happened, and the result."""
        result = self.run(2, "strace", "-f", "-o", self.trace, "-e", f"trace={call}",
                          "-e", f"inject={call}:{fault}")
        trace = self.trace.read_text(errors="replace")
        return "(INJECTED)" in trace or "+++ killed by SIGKILL" in trace, result

    def see(self):
        """What open(2) finds, by name."""
        if not self.path.exists():
            return {}
        directory = os.open(self.path, os.O_RDONLY)
        try:
            found = {name: read_in(directory, name) for name in EVERY}
        finally:
            os.close(directory)
        return {name: text for name, text in found.items() if text is not None}

    def check_seen(self, before, status):
        """A failure means that nothing has changed, unless it was a kill."""
        seen = self.see()
        if status == 0:
            assert seen == SETS[2], seen
        elif self.layout == "atomic":
            assert seen == before or (status == KILLED and seen == SETS[2]), seen
        for name in EVERY:
            assert seen.get(name) in (before.get(name), SETS[2].get(name)), (name, seen)

    def check_healed(self):
        self.publish(2)
        assert self.see() == SETS[2]
        root = self.path
        if self.layout == "atomic":
            names = sorted(os.listdir(root))
            generations = [name for name in names if GENERATION.fullmatch(name)]
            assert len(generations) <= 2 and os.readlink(root / "..data") in generations, names
            assert set(names) - set(generations) == {"..data", "app.env", "new.env", "only2", "tls"}
            root = root / os.readlink(root / "..data")
        expected = {*SETS[2], "only2", "tls"} | ({"..connect-agent"} if root == self.path else set())
        found = {str(path.relative_to(root)) for path in root.rglob("*")}
        assert found == expected, found
        for name in [*SETS[2], "only2", "tls"]:
            mode = (root / name).stat().st_mode
            assert stat.S_IMODE(mode) == (0o750 if stat.S_ISDIR(mode) else 0o400), name


@pytest.fixture
def scratch():
    with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
        yield directory


def go_through(layout, scratch, earlier, call, fault):
    """Sets `earlier` are published, then set 2 with the fault at each call of one kind. Returns how
    many there were."""
    for number in range(1, 10000):
        place = Place(layout, scratch)
        place.publish(*earlier)
        before = place.see()
        happened, result = place.publish_with(call, fault.format(number))
        if not happened:
            assert result.returncode == 0, result.stderr
            assert place.see() == SETS[2]
            return number - 1
        where = f"{call} number {number}: {result.stderr}"
        # 127: the dynamic loader was hit.
        assert result.returncode in (0, EX_CANTCREAT, 127, KILLED), where
        try:
            place.check_seen(before, result.returncode)
            place.check_healed()
        except AssertionError as error:
            raise AssertionError(where) from error
        shutil.rmtree(place.path.parent)
    raise AssertionError(f"{call}: no end")


def go_through_all(layout, scratch, earlier, calls, fault):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {call: pool.submit(go_through, layout, scratch, earlier, call, fault)
                for call in calls}
        return {call: job.result() for call, job in jobs.items()}


@needs_strace
@pytest.mark.parametrize("earlier", [(), (1,), (2, 1)], ids=["nothing", "one", "two"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_kill_leaves_one_whole_set(layout, earlier, scratch):
    counts = go_through_all(layout, scratch, earlier, CHANGING, "signal=KILL:when={}")
    assert counts["renameat"] >= 2 and counts["write"] >= 5, counts


@needs_strace
@pytest.mark.parametrize("fault", ["error=ENOSPC:when={}", "error=EIO:when={}", "error=EIO:when={}+"],
                         ids=["ENOSPC once", "EIO once", "EIO for good"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_error_leaves_one_whole_set(layout, fault, scratch):
    calls = CHANGING + (READING if "EIO" in fault else [])
    counts = go_through_all(layout, scratch, (2, 1), calls, fault)
    assert counts["renameat"] >= 2 and counts["write"] >= 5, counts


@needs_strace
def test_a_generation_whose_name_is_taken_gets_another(scratch):
    place = Place("atomic", scratch)
    place.publish(1)
    happened, result = place.publish_with("renameat", "error=ENOTEMPTY:when=1")
    assert happened and result.returncode == 0, result.stderr
    assert place.trace.read_text(errors="replace").count("(INJECTED)") == 1
    place.check_healed()


@needs_strace
def test_a_directory_that_takes_no_name_at_all_ends_the_publication(scratch):
    place = Place("atomic", scratch)
    place.publish(1)
    happened, result = place.publish_with("renameat", "error=ENOTEMPTY:when=1+")
    assert happened and result.returncode == EX_CANTCREAT
    assert "cannot rename the new generation" in result.stderr
    assert place.see() == SETS[1]
    place.check_healed()


def read_set(directory):
    """Which set the generation behind an open directory is; None when it was removed meanwhile."""
    found = {name: read_in(directory, name) for name in EVERY}
    seen = {name: text for name, text in found.items() if text is not None}
    numbers = {text[-2] for text in seen.values()}
    assert len(numbers) <= 1, f"a mixture: {seen}"
    return next((n for n in SETS if seen == SETS[n]), None)


def test_reader_of_one_generation_never_sees_a_mixture(scratch):
    place = Place("atomic", scratch)
    place.publish(1)
    seen = {1: 0, 2: 0, None: 0}
    command = [TOOL, place.path, "atomic", "--swap", "2000"]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            try:
                directory = os.open(place.path / "..data", os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                seen[None] += 1  # two swaps between reading the link and going there
                continue
            seen[read_set(directory)] += 1
            os.close(directory)
        assert process.returncode == 0, process.stderr.read()
    assert seen[1] > 0 and seen[2] > 0, seen
    assert seen[None] < seen[1] + seen[2], seen


@pytest.mark.parametrize("layout", LAYOUTS)
def test_name_of_both_sets_is_always_there_and_whole(layout, scratch):
    place = Place(layout, scratch)
    place.publish(1)
    looks = 0
    command = [TOOL, place.path, layout, "--swap", "1000"]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        directory = os.open(place.path, os.O_RDONLY)
        while process.poll() is None:
            for name in NAMES:
                # A reader that is held up inside open(2) for two whole swaps starts again.
                text = read_in(directory, name) or read_in(directory, name)
                assert text in (SETS[1][name], SETS[2][name]), name
            looks += 1
        os.close(directory)
        assert process.returncode == 0, process.stderr.read()
    assert looks > 0
