"""A Docker Engine for the tests of this folder, and the project's images in it.

    with engine.running() as docker:                    # Unavailable, with the reason, where there can be none
        tag = docker.image("agent")                     # a target of the Dockerfile, built once for its content
        docker.run("run", "--rm", *docker.mine, tag, "version")

Takes the Docker that runs (DOCKER_HOST, or the usual socket), else starts one, ends it afterwards, and keeps its
data in the cache directory. Nothing is pulled: what a FROM line names is made with debootstrap, unless it is there.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "connect-agent"
LABEL = "connect-agent.test"
CONTENT = "connect-agent.content"
COMPOSE_LABEL = "com.docker.compose.project"
PROJECT = "connect-agent-test-"  # and the pid, and a name: projects of docker compose
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
RUN_SECONDS = 120
BUILD_SECONDS = 1500
START_SECONDS = 60
TOOLS = "docker-cli docker-compose"  # packages of Debian 13: Debian 12's docker-compose is another program
BASE_SUITE = "trixie"
KEPT = 4  # images of one target, for the trees of one machine


class Unavailable(Exception):
    """There can be no Docker Engine here; the text says why."""


class Failed(Exception):
    """A command that had to work did not; the text has its output."""


@contextlib.contextmanager
def locked(name):
    """Keeps other test runs of this user out meanwhile."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def call(command, *, seconds=RUN_SECONDS, env=None, check=True, **options):
    """Runs a command and gives its subprocess.CompletedProcess, both outputs as text."""
    result = subprocess.run([str(word) for word in command], env=env, stdin=options.pop("stdin", subprocess.DEVNULL),
                            capture_output=True, text=True, errors="replace", timeout=seconds, check=False, **options)
    if check and result.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: status {result.returncode}\n"
                     f"{result.stdout[-4000:]}{result.stderr[-4000:]}")
    return result


# What is made once and kept.


def machine_settings():
    """This machine's settings of apt, such as a proxy, which containers on its network need too."""
    found = []
    for path in [pathlib.Path("/etc/apt/apt.conf"), *sorted(pathlib.Path("/etc/apt/apt.conf.d").glob("*"))]:
        if path.is_file():
            found += re.findall(r"(?im)^ *Acquire::.*$", path.read_text(errors="replace"))
    return "".join(line + "\n" for line in found)


def base_tree(suite):
    """A minimal Debian, the same that tests/chroot.sh keeps."""
    tree = CACHE / f"base-{suite}"
    with locked("base"):
        if tree.is_dir():
            return tree
        if os.geteuid() != 0 or not shutil.which("debootstrap"):
            raise Unavailable(f"no debian:{suite}-slim, and debootstrap is not installed or not run by root")
        fresh = pathlib.Path(tempfile.mkdtemp(prefix="fresh-", dir=CACHE))
        fresh.chmod(0o755)
        try:
            call(["debootstrap", "--variant=minbase", suite, fresh], seconds=BUILD_SECONDS)
        except Failed as failed:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Unavailable(f"debootstrap cannot make {suite}: {str(failed)[-300:]}") from failed
        fresh.rename(tree)
    return tree


def tools():
    """The directory with Debian 13's docker and docker-compose."""
    key = hashlib.sha256(f"{TOOLS} {BASE_SUITE} {os.uname().machine}".encode()).hexdigest()[:16]
    kept = CACHE / f"docker-tools-{key}"
    if kept.is_dir():
        return kept
    tree = base_tree(BASE_SUITE)
    with locked("tools"):
        if kept.is_dir():
            return kept
        with tempfile.TemporaryDirectory(prefix="fresh-", dir=CACHE) as fresh:
            # A copy, for apt leaves lists behind.
            copy, out = pathlib.Path(fresh, "root"), pathlib.Path(fresh, "out")
            call(["cp", "-a", tree, copy])
            shutil.copy("/etc/resolv.conf", copy / "etc/resolv.conf")
            (copy / "etc/apt/apt.conf.d/90of-the-machine").write_text(machine_settings())
            try:
                call(["chroot", copy, "sh", "-c", f"cd /tmp && apt-get update && apt-get download {TOOLS}"],
                     seconds=BUILD_SECONDS)
            except Failed as failed:
                raise Unavailable(f"Debian 13's {TOOLS} cannot be had: {str(failed)[-300:]}") from failed
            for package in (copy / "tmp").glob("*.deb"):
                call(["dpkg-deb", "-x", package, out])
            out.rename(kept)
    return kept


def find_client():
    """The docker program: the machine's own, else Debian 13's."""
    own = shutil.which("docker")
    return pathlib.Path(own) if own else tools() / "usr/bin/docker"


def find_compose(client, environment):
    """The words that begin a command of docker compose v2."""
    own = call([client, "compose", "version", "--short"], env=environment, check=False)
    if own.returncode == 0 and own.stdout.lstrip("v").startswith("2"):
        return [client, "compose"]
    return [tools() / "usr/libexec/docker/cli-plugins/docker-compose"]


# The engine.


def serves(client, environment):
    result = call([client, "version", "--format", "{{.Server.Version}}"], env=environment, check=False)
    return result.returncode == 0 and result.stdout.strip() != ""


def end(process):
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def start(client, environment, place, options):
    """Starts dockerd and waits until it serves. None when it ends instead; its log is in `place`."""
    data = CACHE / "docker"
    command = ["dockerd", "--data-root", data, "--exec-root", place / "exec", "--pidfile", place / "pid",
               "--host", environment["DOCKER_HOST"], *options]
    with open(place / "log", "ab") as log:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if serves(client, environment):
            return process
        time.sleep(0.1)
    end(process)
    return None


def remove_place(place):
    """A dockerd leaves its network namespace mounted below its exec root, also when it ends in peace."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{place}/")), reverse=True):
        call(["umount", "--lazy", mount])
    if place.exists():
        shutil.rmtree(place)


@contextlib.contextmanager
def own_engine(client, environment):
    """A dockerd of our own. Its log outlives it, in the cache directory."""
    if os.geteuid() != 0:
        raise Unavailable("no Docker runs, and only root can start one")
    if not shutil.which("dockerd"):
        raise Unavailable("no Docker runs, and dockerd (package docker.io) is not installed")
    with locked("docker"):  # one for each data directory
        place = CACHE / "docker-run"
        remove_place(place)
        place.mkdir(parents=True)
        environment["DOCKER_HOST"] = f"unix://{place}/socket"
        # Without iptables containers still reach each other, and this machine them.
        process = start(client, environment, place, []) or start(client, environment, place, ["--iptables=false"])
        if process is None:
            raise Unavailable(f"dockerd does not start: {(place / 'log').read_text(errors='replace')[-600:]}")
        try:
            yield
        finally:
            end(process)


@contextlib.contextmanager
def running():
    """Gives a Docker; everything of this test run in it is gone afterwards."""
    client = find_client()
    # No settings of the user's: a proxy there would find its way into containers.
    configuration = CACHE / "docker-configuration"
    configuration.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, DOCKER_CONFIG=str(configuration), DOCKER_BUILDKIT="0")
    with contextlib.ExitStack() as stack:
        if not serves(client, environment):
            stack.enter_context(own_engine(client, environment))
        docker = Docker(client, environment)
        docker.remove_left()
        docker.base(f"debian:{BASE_SUITE}-slim")
        works = docker.run("run", "--rm", *docker.mine, f"debian:{BASE_SUITE}-slim", "true", check=False)
        if works.returncode != 0:
            raise Unavailable(f"Docker serves, but runs no container: {works.stderr.strip()[-600:]}")
        try:
            yield docker
        finally:
            docker.remove_mine()


class Docker:
    """A Docker Engine that serves."""

    def __init__(self, client, environment):
        self.client = client
        self.environment = environment
        self._compose = None
        self.owner = str(os.getpid())
        self.mine = ["--label", f"{LABEL}={self.owner}"]  # for every container, network and volume of a test

    def run(self, *words, **options):
        """Runs docker with these words; a failure raises Failed, unless check=False."""
        return call([self.client, *words], env=self.environment, **options)

    def inspect(self, *words):
        return json.loads(self.run("inspect", *words).stdout)

    def compose_command(self):
        """The words that begin a command of docker compose."""
        if self._compose is None:
            self._compose = find_compose(self.client, self.environment)
        return self._compose

    # Images.

    def has(self, image):
        return self.run("image", "inspect", image, check=False).returncode == 0

    def base(self, image):
        """Makes the image that a FROM line names, unless it is there."""
        if self.has(image):
            return
        match = re.fullmatch(r"debian:([a-z]+)-slim", image)
        if not match:
            raise Failed(f"{image}: only debian:SUITE-slim can be made here")
        tree = base_tree(match[1])
        with locked("base-image"):
            if self.has(image):
                return
            # A layer of its own for the settings: the tree is not ours alone.
            with tempfile.TemporaryDirectory() as extra:
                place = pathlib.Path(extra, "etc/apt/apt.conf.d/90of-the-machine")
                place.parent.mkdir(parents=True)
                place.write_text(machine_settings())
                tar = subprocess.Popen(["tar", "-c", "-C", tree, ".", "-C", extra, "./" + str(place.relative_to(extra))],
                                       stdout=subprocess.PIPE)
                self.run("import", "-", image, stdin=tar.stdout, seconds=BUILD_SECONDS)
                if tar.wait() != 0:
                    raise Failed(f"tar of {tree}: status {tar.returncode}")

    def image(self, target):
        """The tag of the Dockerfile's target, built when no image is there for what the Dockerfile reads."""
        return self._build(f"connect-agent-test/{target}", ROOT, context_digest(), ["--target", target])

    def local_image(self, image, directory):
        """Builds `image` from a directory, as a stand-in for a published image of that name, which is not
        replaced where it is there."""
        if self.has(image):
            labels = self.inspect(image)[0]["Config"]["Labels"] or {}
            if CONTENT not in labels or labels[CONTENT] == digest(directory, ["."]):
                return image
        name, tag = image.split(":")
        return self._build(name, directory, digest(directory, ["."]), [], tag)

    def _build(self, name, directory, content, options, tag=None):
        image = f"{name}:{tag or content}"
        for base in re.findall(r"(?m)^FROM (debian:\S+)", (directory / "Dockerfile").read_text()):
            self.base(base)
        with locked("images"):
            if tag is None and self.has(image):
                return image
            proxies = [f"--build-arg={variable}" for variable in PROXIES if variable in os.environ]
            self.run("build", "--network", "host", *proxies, *options, "--label", f"{CONTENT}={content}",
                     "-t", image, directory, seconds=BUILD_SECONDS)
            if tag is None:
                self.forget_old(name)
        return image

    def forget_old(self, name):
        """Removes all but the newest few of what was built for other contents; what is in use stays."""
        listed = self.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).stdout.split()  # newest first
        for image in listed[KEPT:]:
            self.run("image", "rm", image, check=False)

    # Nothing stays.

    def _remove(self, label):
        for kind, gone in (("container", ["rm", "-f", "-v"]), ("network", ["network", "rm"]), ("volume", ["volume", "rm"])):
            every = ["-a"] if kind == "container" else []
            found = self.run(kind, "ls", "-q", *every, "--filter", f"label={label}").stdout.split()
            if found:
                self.run(*gone, *found)

    def _labels(self, label):
        """Every value of the label among what there is."""
        found = set()
        for kind, every in (("container", ["-a"]), ("network", []), ("volume", [])):
            shown = self.run(kind, "ls", *every, "--filter", f"label={label}", "--format", '{{.Label "' + label + '"}}')
            found.update(shown.stdout.split())
        return found

    def remove(self, is_wanted):
        """Removes what belongs to test runs whose pid is wanted."""
        for owner in self._labels(LABEL):
            if is_wanted(owner):
                self._remove(f"{LABEL}={owner}")
        for project in self._labels(COMPOSE_LABEL):
            match = re.match(PROJECT + r"(\d+)-", project)
            if match and is_wanted(match[1]):
                self._remove(f"{COMPOSE_LABEL}={project}")

    def remove_mine(self):
        self.remove(lambda owner: owner == self.owner)

    def remove_left(self):
        """What test runs that were killed have left behind."""
        self.remove(lambda owner: not pathlib.Path("/proc", owner).exists())


def digest(directory, names):
    """Of all files below these names of the directory: paths, modes, bytes."""
    total = hashlib.sha256()
    for name in sorted(names):
        path = pathlib.Path(directory, name)
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                line = f"{file.relative_to(directory)} {os.access(file, os.X_OK)} "
                total.update(line.encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def context_digest():
    """Of what a build of the Dockerfile can read: .dockerignore lists it."""
    lines = (ROOT / ".dockerignore").read_text().split()
    return digest(ROOT, ["Dockerfile", ".dockerignore", *(line[1:] for line in lines if line.startswith("!"))])
