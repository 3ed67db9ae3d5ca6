"""Runs a stack of deploy/compose with docker compose, and looks at it from outside.

    with Stack(docker, "nginx") as stack:
        stack.up()
        stack.connect.set_field("prod", "db", "password", "canary-value-new")
        stack.until(lambda: "published" in stack.logs("agent"))

What is asked of the fake Connect goes through `stack.connect`, a FakeConnect of tests/integration/fake.py. In the end
nothing of the stack is left, and no secret was in any log or in what `docker inspect` shows.
"""

import contextlib
import itertools
import os
import pathlib
import re
import time

import engine
import fake

STACKS = engine.ROOT / "deploy" / "compose"
IMAGES = pathlib.Path(__file__).parent / "images"
TOKEN = (STACKS / "demo-token").read_text()
WAIT_SECONDS = 60
_number = itertools.count(1)
# What the sample vault holds, and what the tests put there.
SECRETS = ("canary-value-", "example-password-not-a-secret", "example-credential-not-a-secret", "PRIVATE KEY-----", TOKEN[-40:])


def until(condition, seconds=WAIT_SECONDS, what="it"):
    """Waits until the condition is true, and gives what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


class Connect(fake.FakeConnect):
    """The fake Connect server of a stack, which docker compose has started."""

    def __init__(self, port):
        self.port = port
        self._tls = None

    def token(self, name):
        return TOKEN

    def patch(self, vault, title, changes):
        """Changes fields of an item, {label: value}, in one write of the API that any client of Connect has."""
        vault_id = self.vault_id(vault, "agent")
        path = f"/v1/vaults/{vault_id}/items/{self.item_id(vault_id, title, 'agent')}"
        fields = {field["label"]: field["id"] for field in self.get(path, token="agent").json()["fields"]}
        operations = [{"op": "replace", "path": f"/fields/{fields[label]}/value", "value": value}
                      for label, value in changes.items()]
        answer = self.request("PATCH", path, token="agent", body=operations)
        assert answer.status == 200, answer


class Stack:
    """One project of docker compose. `files` are further compose files; keyword arguments its environment."""

    def __init__(self, docker, name, *, files=(), **environment):
        self.docker = docker
        self.project = f"{engine.PROJECT}{os.getpid()}-{next(_number)}-{name}"
        self.directory = STACKS / name
        words = ["-p", self.project, "--project-directory", self.directory, "-f", self.directory / "compose.yaml"]
        for file in files:
            words += ["-f", file]
        self._command = [*docker.compose_command(), *words]
        self.environment = dict(docker.environment, CONNECT_AGENT_IMAGE=docker.image("agent"),
                                FAKE_CONNECT_IMAGE=docker.image("fake"), CONNECT_AGENT_INTERVAL="1s", NGINX_PORT="0",
                                POSTGRES_PORT="0", COMPOSE_ANSI="never", **environment)
        for unwanted in ("OP_CONNECT_HOST", "OP_CONNECT_TOKEN_FILE", "FAKE_CONNECT", "FAKE_CONNECT_PORT"):
            if unwanted not in environment:
                self.environment.pop(unwanted, None)
        for image, place in (("nginx:1.29", "nginx"), ("postgres:17", "postgres")):
            if place == name:
                docker.local_image(image, IMAGES / place)

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        try:
            if failure is None:
                self.assert_no_leak()
            else:
                print(self.logs())
        finally:
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "0")

    # Commands of docker compose.

    def compose(self, *words, **options):
        return engine.call([*self._command, *words], env=self.environment, **options)

    def up(self, *words, **options):
        return self.compose("up", "-d", "--no-build", "--pull", "never", *words, **options)

    def logs(self, *services):
        result = self.compose("logs", "--no-color", *services)
        return result.stdout + result.stderr

    def exec(self, service, *words, **options):
        return self.compose("exec", "-T", service, *words, **options)

    def port(self, service, port):
        shown = self.compose("port", service, str(port)).stdout.strip()
        return int(shown.rsplit(":", 1)[1])

    # Looking.

    @property
    def connect(self):
        """Asked for anew each time: a port that Docker chose is another one after a restart."""
        found = Connect(self.port("connect", 8080))
        until(lambda: accepts(found.port), what="the fake Connect")
        return found

    def containers(self):
        """What docker inspect shows of each, by the service's name."""
        ids = self.compose("ps", "-a", "-q").stdout.split()
        return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in self.docker.inspect(*ids)}

    def container(self, service):
        return self.containers()[service]

    def health(self, service):
        return self.container(service)["State"]["Health"]["Status"]

    def proc(self, service):
        """/proc/PID of the service's first process, as this machine sees it."""
        return pathlib.Path("/proc", str(self.container(service)["State"]["Pid"]))

    def said(self, service, pattern):
        return re.search(pattern, self.logs(service))

    def wait_said(self, service, pattern, seconds=WAIT_SECONDS):
        return until(lambda: self.said(service, pattern), seconds, f"{service}: {pattern}")

    # What every stack promises.

    def assert_no_leak(self):
        ids = self.compose("ps", "-a", "-q").stdout.split()
        shown = self.logs() + (self.docker.run("inspect", *ids).stdout if ids else "")
        for secret in SECRETS:
            assert secret not in shown, f"{secret} in logs or docker inspect"

    def assert_confined(self):
        """Every container: no capability, no new privileges, nothing writable but mounts; as declared and as it is."""
        for service, shown in self.containers().items():
            host = shown["HostConfig"]
            assert host["ReadonlyRootfs"] and not host["Privileged"], service
            assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], service
            assert "no-new-privileges:true" in host["SecurityOpt"], service
            if not shown["State"]["Running"]:
                continue
            proc = pathlib.Path("/proc", str(shown["State"]["Pid"]))
            status = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines() if ":\t" in line)
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status[name], 16) == 0, (service, name)
            assert status["NoNewPrivs"] == "1", service
            assert "0" not in status["Uid"].split(), service
            try:
                (proc / "root" / "tried").touch()
            except OSError as error:
                assert error.errno == 30, (service, error)  # EROFS, for us who may everything
            else:
                raise AssertionError(f"{service}: its root is writable")


@contextlib.contextmanager
def own_server(directory, user):
    """A Connect server on this machine, beside the stacks, and a token for the user in a file of the mode that
    docs/compose.md tells: gives the server, the file, and what a Stack needs to take them."""
    with fake.FakeConnect(engine.ROOT / "tests/data/sample-vault.yaml", directory / "own", options=["--listen", "0.0.0.0:0"]) as own:
        token = directory / "token"
        token.write_text(own.token("agent"))
        token.chmod(0o400)
        os.chown(token, user, user)
        names = directory / "names.yaml"
        service = "agent" if user == 65532 else "app"
        names.write_text(f"services: {{{service}: {{extra_hosts: ['this-machine:host-gateway']}}}}\n")
        yield own, token, {"files": [names], "OP_CONNECT_HOST": f"http://this-machine:{own.port}",
                           "OP_CONNECT_TOKEN_FILE": str(token), "FAKE_CONNECT": "0"}


def accepts(port):
    """Does something behind the port of this machine answer as the fake does? Docker's own proxy accepts before it."""
    try:
        return Connect(port).request("GET", "/heartbeat", timeout=5).status == 200
    except OSError:
        return False


def tree(directory):
    """Every name below the directory but the generations': kind, mode and owner of what it leads to, and its bytes."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if not name.startswith(".."):
            status = path.stat()
            content = path.read_bytes() if path.is_file() else None
            found[name] = (oct(status.st_mode & 0o7777), status.st_uid, status.st_gid, content)
    return found
