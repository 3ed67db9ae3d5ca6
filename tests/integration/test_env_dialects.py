"""Env files read by their real consumers: what comes out is what went in, byte for byte. Values are
hostile ones and random ones; the seed is printed, SEED sets it."""

import os
import pathlib
import random
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent
RANDOM = 200 if os.environ.get("SANITIZE") else 1500  # a run each, and slow with a sanitizer
HOSTILE = [
    b"", b" ", b" lead", b"trail ", b"'", b"''", b'"', b"\\", b"\\\\", b"a\\", b"$", b"$HOME", b"${HOME}",
    b"$(id)", b"`id`", b"#", b"a #b", b"a\nb", b"\n", b"a\r", b"a\r\nb", b"\t", b"a=b", b"export X=1",
    b"it's", b'say "x"', b"\\n", b"\\'", b"'\\''", b"\\$", b"\\`", b"!x", b"~", b"*", b"a;b&c|d", b"\xc3\xa9",
    b"\xff\xfe", b"\xef\xbb\xbfx", b"{\"a\": [1, \"b\\n\"]}", b"-----BEGIN X-----\nAAAA\nBBBB\n-----END X-----\n",
    b"x" * 30000,
]
ALPHABET = [b"'", b'"', b"\\", b"$", b"`", b"#", b" ", b"\t", b"\n", b"\r", b"=", b":", b"a", b"b", b"c", b"n",
            b"x", b"0", b"{", b"}", b"(", b")", b"\xc3\xa9", b"\xff", b";", b"!"]


def values():
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    return HOSTILE + [b"".join(chance.choices(ALPHABET, k=chance.randrange(1, 12))) for _ in range(RANDOM)]


def render(dialect, pairs):
    """The env file, or None when the dialect refuses it."""
    data = b"".join(name + b"\0" + value + b"\0" for name, value in pairs)
    done = subprocess.run([os.environ["ENV_TOOL"], dialect], input=data, capture_output=True, check=False)
    if done.returncode == 65:
        assert b"not published" not in done.stderr, done.stderr
        return None
    assert done.returncode == 0, done.stderr
    return done.stdout


def carried(dialect, room=1 << 30):
    """What the dialect can carry, as named pairs, not more than `room` bytes."""
    pairs = []
    for value in values():
        pair = (b"V%d" % len(pairs), value)
        size = len(value) + len(pair[0]) + len("=''\n")
        if size < room and render(dialect, [pair]) is not None:
            pairs.append(pair)
            room -= size
    assert len(pairs) > 100
    return pairs


def compare(pairs, found):
    for name, value in pairs:
        assert found.get(name) == value, (name, value, found.get(name))


SHELLS = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"], ["zsh", "--emulate", "sh"]]


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("dialect", ["sh", "portable"])
def test_shell_reads_it_back(tmp_path, dialect, shell):
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    pairs = carried(dialect)
    path = tmp_path / "env"
    path.write_bytes(render(dialect, pairs))
    script = f"set -a; . {path}; exec env -0"
    done = subprocess.run([shutil.which(shell[0]), *shell[1:], "-c", script], env={"PATH": os.environ["PATH"]},
                          capture_output=True, check=True)
    assert done.stderr == b""
    compare(pairs, dict(line.split(b"=", 1) for line in done.stdout.split(b"\0") if line))


@pytest.fixture(scope="module")
def go_reader(tmp_path_factory):
    """compose-go's and docker's own parsers, in a small program."""
    if not shutil.which("go"):
        pytest.skip("go is not installed: compose-go's own parser cannot be run")
    program = tmp_path_factory.mktemp("reader") / "reader"
    done = subprocess.run(["go", "build", "-o", program, "."], cwd=ROOT / "env_readers",
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"compose-go cannot be built here: {done.stderr.strip().splitlines()[-1:]}")
    return program


@pytest.mark.parametrize("dialect, reader", [("compose", "compose"), ("portable", "compose"), ("docker", "docker")])
def test_compose_and_docker_read_it_back(tmp_path, go_reader, dialect, reader):
    pairs = carried(dialect)
    path = tmp_path / "env"
    path.write_bytes(render(dialect, pairs))
    done = subprocess.run([go_reader, reader, path], env={}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if entry)
    compare(pairs, found)


def test_kubernetes_stays_within_what_the_kubelet_reads():
    pairs = carried("kubernetes", room=60000)
    text = render("kubernetes", pairs)
    assert text is not None and len(text) <= 64 << 10
    assert b'"' not in text.split(b"=", 1)[0]
