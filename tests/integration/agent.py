"""Runs the real connect-agent in tests, and watches it: every run is made at the highest log level,
and nothing it prints, nor its /proc files, may hold a canary or a token.

The binary is named by the environment variable AGENT. Only the standard library is needed.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile

import fake as fake_connect

RUN_SECONDS = 120
IMPATIENT = "1s"
CANARY = "canary-value-"  # every secret of the tests' fixtures begins with this

FIXTURE = """
tokens:
  - {name: agent, vaults: [prod, other, aaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbb]}
  - {name: elsewhere, vaults: [empty]}
  - {name: nowhere, vaults: []}
vaults:
  - name: prod
    items:
      - title: db
        fields:
          - {label: username, value: canary-value-user}
          - {label: password, value: "canary-value-pass'$word\\"", type: CONCEALED}
      - title: twin
        fields: [{label: a, value: canary-value-twin-1}]
      - title: Twin
        fields: [{label: a, value: canary-value-twin-2}]
      - title: odd
        sections: [{id: one, label: same}, {id: two, label: same}, {id: three, label: third}]
        fields:
          - {label: double, value: canary-value-double-1, section: one}
          - {label: double, value: canary-value-double-2, section: two}
          - {label: lonely, value: canary-value-lonely, section: three}
          - {label: cr, value: "canary-value-\\r"}
          - {label: multi, value: "canary-value-line 1\\nline 2\\n"}
      - title: files
        files: [{name: blob, size: 3000, seed: 7}]
  - name: other
    items:
      - title: api
        fields: [{label: credential, value: canary-value-api}]
  - name: empty
  - {name: double, id: aaaaaaaaaaaaaaaaaaaaaaaaaa}
  - {name: Double, id: bbbbbbbbbbbbbbbbbbbbbbbbbb}
  - name: hidden
    id: hiddenhiddenhiddenhiddenhi
    items:
      - title: x
        fields: [{label: y, value: canary-value-hidden}]
"""

TEMPLATE = """
version: 1
outputs:
  - directory: {directory}
    files:
      - path: app.env
        dialect: sh
        env:
          USER: op://prod/db/username
          PASSWORD: op://prod/db/password
          API: op://other/api/credential
      - path: tls/blob
        content: op://prod/files/blob
"""


def flow_yaml(value):
    """The value in YAML's flow style, which is JSON but for characters that YAML cannot hold bare."""
    text = json.dumps(value, ensure_ascii=False)
    for c in "\x7f\x9f\x85\u2028\u2029\ufeff":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text


def scan_memory(pid, needles):
    """Which of the byte strings are in the process's readable memory."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access = line.split()[:2]
            if not access.startswith("r") or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                data = memory.read(end - start)
            except OSError:
                continue
            found |= {needle for needle in needles if needle in data}
    return found


class Result:
    """A finished run: exit status, both outputs, and the log's events."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err
        self.events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]

    @property
    def reasons(self):
        return [e["reason"] for e in self.events if "reason" in e]

    def said(self, pattern):
        """Does any line of the output match?"""
        return re.search(pattern, "\n".join([*self.reasons, self.err, str(self.out)])) is not None

    def __repr__(self):
        return f"status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


class Place:
    """A directory on tmpfs for outputs, one on disk for inputs, and a fake Connect. `quiet`: the latter is not in
    /tmp but beside the program, where nobody else makes files: an agent that follows its own looks up at each."""

    patience = "60s"  # for a run that has to go well on a busy machine; IMPATIENT where a test waits for the end of it

    def __init__(self, fixture=FIXTURE, quiet=False, **fake_options):
        self.tmpfs = pathlib.Path(tempfile.mkdtemp(prefix="agent-test-", dir="/dev/shm"))
        beside = pathlib.Path(os.environ["AGENT"]).resolve().parent if quiet else None
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="agent-test-", dir=beside))
        self.directory = self.tmpfs / "out"
        self.template = self.disk / "template.yaml"
        self.fake = fake_connect.FakeConnect(fixture, self.disk / "fake", **fake_options)

    def close(self):
        try:
            self.fake.stop()
        finally:
            shutil.rmtree(self.tmpfs, ignore_errors=True)
            shutil.rmtree(self.disk, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def write(self, text):
        """Writes the template, with {directory} filled in."""
        self.template.write_text(text.replace("{directory}", str(self.directory)))

    def environment(self, **changes):
        env = {
            "PATH": os.environ["PATH"],
            "OP_CONNECT_HOST": self.fake.url,
            "OP_CONNECT_TOKEN_FILE": str(self.fake.token_path("agent")),
            "CONNECT_AGENT_TEMPLATE": str(self.template),
            "CONNECT_AGENT_LOG_LEVEL": "debug",
            "CONNECT_AGENT_LISTEN": "off",  # tests run side by side
            "CONNECT_AGENT_TIMEOUT": self.patience,
        }
        if self.fake.ca:
            env["CONNECT_AGENT_CA_FILE"] = str(self.fake.ca)
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update({name: str(value) for name, value in changes.items() if value is not None})
        return {name: value for name, value in env.items() if changes.get(name, "") is not None}

    def run(self, *arguments, prefix=(), stdin=b"", reveals=False, **environment):
        """Runs a command to its end. Keyword arguments change the environment; None removes.
        `reveals`: printing secrets on standard output is what the command is for."""
        process = subprocess.run(
            [*prefix, os.environ["AGENT"], *map(str, arguments)],
            env=self.environment(**environment),
            input=stdin,
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        out = process.stdout if reveals else process.stdout.decode()
        result = Result(process.returncode, out, process.stderr.decode())
        self.assert_no_leak(result.err if reveals else result.out + result.err)
        return result

    def init(self, template=None, *arguments, **environment):
        if template is not None:
            self.write(template)
        return self.run("init", *arguments, **environment)

    def start(self, *arguments, prefix=(), **environment):
        """A run that is watched while it goes on."""
        return subprocess.Popen(
            [*prefix, os.environ["AGENT"], *map(str, arguments)],
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def tokens(self):
        return [path.read_text() for path in self.fake.tokens.iterdir()]

    def assert_no_leak(self, text):
        assert CANARY not in text, "a secret leaked"
        for token in self.tokens():
            assert token not in text, "the token leaked"
            for part in token.split("."):
                assert part[:40] not in text, "a part of the token leaked"

    def published(self, name):
        return (self.directory / name).read_bytes()

    def names(self):
        """What a reader finds: every file, by its path, with its bytes. A swap in between takes names away that were
        listed before it (publish.h): then it looks once more, and more swaps than a test makes are no excuse."""
        for _ in range(20):
            with contextlib.suppress(FileNotFoundError):
                return self._names()
        return self._names()

    def _names(self):
        found = {}
        for root, directories, files in os.walk(self.directory, followlinks=True):
            directories[:] = [d for d in directories if not d.startswith("..")]
            for name in files:
                path = pathlib.Path(root, name)
                if not name.startswith(".."):
                    found[str(path.relative_to(self.directory))] = path.read_bytes()
        return found

    def snapshot(self):
        """Everything about every file below the output: type, inode, mode, owner, time, bytes."""
        found = {}
        for root, directories, files in os.walk(self.directory):
            for name in [*directories, *files, "."]:
                path = pathlib.Path(root, name)
                status = path.lstat()
                content = None
                if stat.S_ISLNK(status.st_mode):
                    content = os.readlink(path)
                elif stat.S_ISREG(status.st_mode):
                    content = path.read_bytes()
                # A directory's own time tells only that something was staged in it and taken away.
                time = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
                found[str(path)] = (status.st_ino, status.st_mode, status.st_uid, status.st_gid,
                                    time, content)
        return found
