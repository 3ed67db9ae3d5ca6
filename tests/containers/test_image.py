"""The image, built from the Dockerfile and run by a Docker Engine, with the fake Connect's image beside it: as a
platform runs it, with a read-only root, without capabilities, without new privileges, on a network by name."""

import contextlib
import io
import json
import os
import re
import subprocess
import tarfile
import threading
import time

import pytest

from engine import ROOT, call

SIZE_MOST = 3_500_000  # docs/image.md
OWNER = "65532:65532"
HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
STOP_SECONDS = 9  # Docker would kill after 10; its own work counts too
OUTPUT = "/run/secrets/app"
BASE = "debian:trixie-slim"

TEMPLATE = """
version: 1
connect: { host: "http://connect:8080", tokenFile: /run/connect/agent }
refresh: { interval: 1s }
outputs:
  - directory: /run/secrets/app
    files:
      - path: app.env
        dialect: sh
        env: { PASSWORD: op://prod/db/password }
"""
EXEC_TEMPLATE = TEMPLATE.split("outputs:")[0] + "exec: { env: { PASSWORD: op://prod/db/password } }\n"
VALUE = "example-password-not-a-secret"  # tests/data/sample-vault.yaml


class Stack:
    """A network with the fake Connect on it by the name `connect`, and volumes for its tokens and for outputs."""

    def __init__(self, docker, directory):
        self.docker = docker
        self.directory = directory
        self.agent = docker.image("agent")
        self.fake = docker.image("fake")
        unique = f"image-test-{docker.owner}"
        self.network = self._make("network", f"{unique}-network")
        self.tokens = self._make("volume", f"{unique}-tokens")
        self.server = self.start(self.fake, network_alias="connect", volumes={self.tokens: "/var/lib/fake-connect/tokens"})
        self.wait_log(self.server, "listening on")

    def _make(self, kind, name, *options):
        return self.docker.run(kind, "create", *self.docker.mine, *options, name).stdout.strip()

    def volume(self, name, options="uid=65532,gid=65532,mode=0750,size=1m"):
        """A tmpfs that containers share, while one of them runs."""
        return self._make("volume", f"image-test-{self.docker.owner}-{name}", "--driver", "local", "--opt", "type=tmpfs",
                          "--opt", "device=tmpfs", "--opt", f"o={options}")

    def disk_volume(self, name):
        return self._make("volume", f"image-test-{self.docker.owner}-{name}")

    def template(self, text=TEMPLATE):
        path = self.directory / f"template-{abs(hash(text))}.yaml"
        path.write_text(text)
        return path

    def _words(self, image, arguments, *, template=TEMPLATE, volumes=None, options=(), network_alias=None, hardened=True):
        words = [*self.docker.mine, *(HARDENED if hardened else []), "--network", self.network]
        if network_alias:
            words += ["--network-alias", network_alias]
        elif template is not None:
            words += ["-v", f"{self.template(template)}:/etc/connect-agent/template.yaml:ro", "-v", f"{self.tokens}:/run/connect:ro"]
        for volume, place in (volumes or {}).items():
            words += ["-v", f"{volume}:{place}"]
        return [*words, *options, image, *arguments]

    def start(self, image, *arguments, **options):
        return self.docker.run("run", "-d", *self._words(image, arguments, **options)).stdout.strip()

    def run(self, *arguments, image=None, **options):
        """A run to its end: subprocess.CompletedProcess, whose stderr is the container's."""
        return self.docker.run("run", "--rm", *self._words(image or self.agent, arguments, **options), check=False)

    def _lines(self, *words, seconds=90):
        """What a docker command that does not end prints, line by line, for so long."""
        process = subprocess.Popen([str(self.docker.client), *words], env=self.docker.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            yield from process.stdout
        finally:
            limit.cancel()
            process.kill()
            process.wait()
            process.stdout.close()

    def wait_log(self, container, text):
        """Until the container's log has the text."""
        lines = []
        with contextlib.closing(self._lines("logs", "--follow", container)) as log:
            for line in log:
                lines.append(line)
                if text in line:
                    return
        raise AssertionError(f"{text!r} is not in the log: {lines}")

    def wait_health(self, container, wanted):
        """Until Docker says so, by an event; one that came before counts too. Gives what the last probe said."""
        with contextlib.closing(self._lines("events", "--since", "1h", "--filter", f"container={container}",
                                            "--filter", "event=health_status", "--format", "{{.Status}}")) as events:
            for line in events:
                if line.strip() == f"health_status: {wanted}":
                    return self.docker.inspect(container)[0]["State"]["Health"]["Log"][-1]
        raise AssertionError(f"not {wanted}: {self.docker.inspect(container)[0]['State']}")

    def read(self, volume, name="app.env"):
        """A file of an output, read by another image as the application would."""
        return self.docker.run("run", "--rm", *self.docker.mine, "-u", OWNER, "-v", f"{volume}:/v:ro", BASE,
                               "cat", f"/v/{name}").stdout


@pytest.fixture(scope="module")
def stack(docker, tmp_path_factory):
    return Stack(docker, tmp_path_factory.mktemp("image"))


@pytest.fixture
def output(stack, request):
    """A new tmpfs volume that lives through the test: a container that ends would take its tmpfs along."""
    volume = stack.volume(re.sub(r"\W+", "-", request.node.name)[-40:].strip("-"))
    holder = stack.docker.run("run", "-d", *stack.docker.mine, "-v", f"{volume}:/v", BASE, "sleep", "infinity").stdout.strip()
    yield volume
    stack.docker.run("rm", "-f", holder)


# --- what it is ---


@pytest.fixture(scope="module")
def config(stack):
    return stack.docker.inspect(stack.agent)[0]


@pytest.fixture(scope="module")
def files(stack):
    """{path: tarfile.TarInfo} of all layers, as `docker save` writes them."""
    path = stack.directory / "image.tar"
    stack.docker.run("save", "-o", path, stack.agent)
    found = {}
    with tarfile.open(path) as image:
        for layer in json.load(image.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(image.extractfile(layer).read())) as tree:
                found.update((member.name.rstrip("/"), member) for member in tree)
    return found


def test_is_within_its_budget(config, capsys):
    with capsys.disabled():
        print(f"image: {config['Size']} bytes, at most {SIZE_MOST}")
    assert config["Size"] <= SIZE_MOST


def test_holds_the_program_certificates_licences_bill_of_materials_and_nothing_else(files):
    regular = {name for name, member in files.items() if not member.isdir()}
    documents = {name for name in regular if name.startswith("usr/share/doc/connect-agent/copyright/")}
    assert regular - documents == {"usr/bin/connect-agent", "etc/ssl/certs/ca-certificates.crt",
                                   "usr/share/sbom/connect-agent.spdx.json", "usr/share/doc/connect-agent/LICENSE"}
    assert all(member.isfile() or member.isdir() for member in files.values()), "neither links nor devices"


def test_nothing_in_it_can_be_changed_by_its_user_or_tells_when_it_was_built(files):
    for name, member in files.items():
        assert (member.uid, member.gid) == (0, 0) and member.mode & 0o6022 == 0, name
        assert member.mtime == 0, name


def test_every_part_of_the_bill_of_materials_has_its_notices(stack, files):
    with tarfile.open(stack.directory / "image.tar") as image:
        layers = json.load(image.extractfile("manifest.json"))[0]["Layers"]
        with tarfile.open(fileobj=io.BytesIO(image.extractfile(layers[0]).read())) as tree:
            sbom = json.load(tree.extractfile("usr/share/sbom/connect-agent.spdx.json"))
    for package in sbom["packages"]:
        name = package["name"]
        place = "LICENSE" if name == "connect-agent" else f"copyright/{name}"
        assert files[f"usr/share/doc/connect-agent/{place}"].size > 1000, name


def test_labels_say_what_it_is(stack, config):
    labels = {name.rsplit(".", 1)[1]: text for name, text in config["Config"]["Labels"].items() if name.startswith("org.opencontainers.image.")}
    version = re.search(r"project\(connect-agent VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert labels["title"] == "connect-agent" and labels["description"] and labels["licenses"] == "Apache-2.0"
    assert labels["version"] == version == stack.run("version", template=None).stdout.split()[1]
    assert labels["revision"] == "unknown", "what was not said is not guessed"


def test_the_revision_is_what_the_build_was_told(stack):
    image = f"connect-agent-test/revision:{stack.docker.owner}"
    stack.docker.run("build", "--network", "host", "--target", "agent", "--build-arg", "REVISION=0123abc", "-t", image, ROOT, seconds=1500)
    try:
        labels = stack.docker.inspect(image)[0]["Config"]["Labels"]
        assert labels["org.opencontainers.image.revision"] == "0123abc"
    finally:
        stack.docker.run("rmi", image)


def test_buildkit_builds_the_same(stack, tmp_path):
    """The harness uses the builder before it, which every Docker has. BuildKit comes with Docker's own client up to
    version 22, and with its buildx later."""
    image = f"connect-agent-test/buildkit:{stack.docker.owner}"
    environment = dict(stack.docker.environment, DOCKER_BUILDKIT="1")
    # Debian 13's docker.io comes without a client; the harness has its own then.
    clients = [client for client in ("/usr/bin/docker",) if os.path.exists(client)]
    for client in dict.fromkeys([str(stack.docker.client), *clients]):
        done = call([client, "build", "--network", "host", "--target", "agent", "-t", image, ROOT], env=environment, seconds=1500, check=False)
        if "buildx" not in done.stderr:
            break
    else:
        pytest.skip(f"no client here has BuildKit: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    try:
        mine = []
        for name in (stack.agent, image):
            container = stack.docker.run("create", *stack.docker.mine, name).stdout.strip()
            stack.docker.run("cp", f"{container}:/usr/bin/connect-agent", tmp_path / "program")
            mine.append((tmp_path / "program").read_bytes())
        assert mine[0] == mine[1]
        assert stack.docker.inspect(image)[0]["Config"]["User"] == OWNER
    finally:
        stack.docker.run("rmi", "-f", image)


def test_runs_as_nobody_in_particular_with_the_sidecar_as_its_default(config):
    assert config["Config"]["User"] == OWNER
    assert config["Config"]["Entrypoint"] == ["/usr/bin/connect-agent"] and config["Config"]["Cmd"] == ["sidecar"]
    assert config["Config"]["Healthcheck"]["Test"] == ["CMD", "/usr/bin/connect-agent", "probe", "ready"]


# --- what it does ---


def test_init_publishes_for_another_image(stack, output):
    result = stack.run("init", volumes={output: OUTPUT})
    assert result.returncode == 0, result.stderr
    assert stack.read(output) == f"PASSWORD='{VALUE}'\n"
    assert VALUE not in result.stdout + result.stderr


def test_sidecar_becomes_healthy_follows_and_stops_at_once_with_its_output_kept(stack, output):
    sidecar = stack.start(stack.agent, volumes={output: OUTPUT}, options=["--health-interval=1s"])
    assert stack.wait_health(sidecar, "healthy")["ExitCode"] == 0
    assert stack.read(output) == f"PASSWORD='{VALUE}'\n"
    begin = time.monotonic()
    stack.docker.run("stop", sidecar)
    took = time.monotonic() - begin
    state = stack.docker.inspect(sidecar)[0]["State"]
    assert took < STOP_SECONDS and state["ExitCode"] in (0, 143) and not state["OOMKilled"], (took, state)
    assert stack.read(output) == f"PASSWORD='{VALUE}'\n"


def test_sidecar_is_unhealthy_with_the_reason_while_it_has_nothing_to_show(stack, output):
    sidecar = stack.start(stack.agent, volumes={output: OUTPUT}, template=TEMPLATE.replace("db/password", "db/pasword"),
                          options=["--health-interval=1s", "--health-start-period=1s", "--health-retries=1"])
    probe = stack.wait_health(sidecar, "unhealthy")
    print(probe["Output"])
    assert probe["ExitCode"] == 1 and 'no field or file "pasword"' in probe["Output"]
    stack.docker.run("rm", "-f", sidecar)


def test_exec_runs_a_command_of_the_image_and_ends_as_it_ends(stack):
    result = stack.run("exec", "--", "connect-agent", "version", template=EXEC_TEMPLATE)
    assert result.returncode == 0 and result.stdout.startswith("connect-agent "), result
    result = stack.run("exec", "--", "connect-agent", "nothing", template=EXEC_TEMPLATE)
    assert result.returncode == 64, result


def test_install_brings_exec_to_another_image(stack):
    tools = stack.volume("tools", "uid=65532,gid=65532,mode=0755,size=8m")
    holder = stack.docker.run("run", "-d", *stack.docker.mine, "-v", f"{tools}:/v", BASE, "sleep", "infinity").stdout.strip()
    result = stack.run("install", "/tools", volumes={tools: "/tools"}, template=None)
    assert result.returncode == 0, result
    application = stack.run("exec", "--", "sh", "-c", 'echo "$PASSWORD $(id -u)"', image=BASE, template=EXEC_TEMPLATE,
                            volumes={tools: "/tools:ro"}, options=["-u", OWNER, "--entrypoint", "/tools/connect-agent"])
    assert application.returncode == 0 and application.stdout == f"{VALUE} 65532\n", application
    stack.docker.run("rm", "-f", holder)


def test_the_exec_of_another_image_is_a_good_first_process(stack):
    tools = stack.volume("first", "uid=65532,gid=65532,mode=0755,size=8m")
    holder = stack.docker.run("run", "-d", *stack.docker.mine, "-v", f"{tools}:/v", BASE, "sleep", "infinity").stdout.strip()
    assert stack.run("install", "/tools", volumes={tools: "/tools"}, template=None).returncode == 0
    application = stack.start(BASE, "exec", "--", "sh", "-c", "trap 'exit 7' TERM; echo ready; sleep infinity & wait",
                              template=EXEC_TEMPLATE, volumes={tools: "/tools:ro"}, options=["-u", OWNER, "--entrypoint", "/tools/connect-agent"])
    stack.wait_log(application, "ready")
    begin = time.monotonic()
    stack.docker.run("stop", application)
    assert time.monotonic() - begin < STOP_SECONDS
    assert stack.docker.inspect(application)[0]["State"]["ExitCode"] == 7
    stack.docker.run("rm", "-f", holder)


def test_fake_image_holds_only_what_it_needs(stack, capsys):
    found = stack.docker.inspect(stack.fake)[0]
    with capsys.disabled():
        print(f"fake-connect image: {found['Size']} bytes")
    assert found["Size"] < 15_000_000 and found["Config"]["User"] == OWNER


# --- what goes wrong ---


def failed(result, status, *patterns):
    """The exit status, and one line on standard error with all of this."""
    assert result.returncode == status, (result.returncode, result.stderr)
    lines = result.stderr.splitlines()
    assert any(all(re.search(pattern, line) for pattern in patterns) for line in lines), result.stderr
    assert VALUE not in result.stdout + result.stderr


def test_root_publishes_and_is_told_who_can_read_it(stack, docker):
    """As root with Docker's capabilities: it works, and says what to do."""
    volume = stack.volume("root", "mode=0755,size=1m")
    holder = docker.run("run", "-d", *docker.mine, "-v", f"{volume}:/v", BASE, "sleep", "infinity").stdout.strip()
    result = stack.run("init", volumes={volume: OUTPUT}, hardened=False, options=["-u", "0:0"])
    failed(result, 0, "running as root", "only root can read", "65532", "owner:")
    assert docker.run("exec", "-u", OWNER, holder, "cat", "/v/app.env", check=False).returncode != 0, "so it is"
    owned = stack.run("init", volumes={volume: OUTPUT}, hardened=False, options=["-u", "0:0"],
                      template=TEMPLATE.replace("    files:", f'    owner: "{OWNER}"\n    files:'))
    assert owned.returncode == 0 and "running as root" not in owned.stderr, owned.stderr
    assert docker.run("exec", "-u", OWNER, holder, "cat", "/v/app.env").stdout == f"PASSWORD='{VALUE}'\n"
    docker.run("rm", "-f", holder)


def test_root_without_capabilities_may_not_read_the_token_and_is_told_why(stack, output):
    result = stack.run("init", volumes={output: OUTPUT}, options=["-u", "0:0"])
    failed(result, 77, "/run/connect/agent", "uid 0, gid 0 may not read the token file", "fsGroup")


def test_another_user_than_the_volumes_is_told_whose_it_is(stack, output, tmp_path):
    result = stack.run("init", volumes={output: OUTPUT, **foreign_token(stack, tmp_path)}, options=["-u", "1234:1234"],
                       template=TEMPLATE.replace("/run/connect/agent", "/token"))
    failed(result, 73, OUTPUT, "Permission denied for uid 1234, gid 1234")


def foreign_token(stack, tmp_path):
    token = stack.docker.run("run", "--rm", *stack.docker.mine, "-v", f"{stack.tokens}:/t:ro", BASE, "cat", "/t/agent").stdout
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(0o444)
    return {tmp_path / "token": "/token:ro"}


def test_a_volume_on_a_disk_is_refused(stack):
    disk = stack.disk_volume("disk")
    failed(stack.run("init", volumes={disk: OUTPUT}), 73, OUTPUT, "not tmpfs", "allowDisk: true")


def test_a_forgotten_volume_is_refused(stack):
    failed(stack.run("init"), 73, "/run/secrets", "not tmpfs", "mount a tmpfs there")


def test_a_read_only_output_is_refused(stack, output):
    failed(stack.run("init", volumes={output: f"{OUTPUT}:ro"}), 73, OUTPUT, "Read-only file system", "mount it writable")


def test_a_full_output_is_refused(stack):
    volume = stack.volume("full", "uid=65532,gid=65532,size=8k")
    big = TEMPLATE.replace('{ PASSWORD: op://prod/db/password }', "{" + ", ".join(f"P{n}: op://prod/db/password" for n in range(400)) + "}")
    failed(stack.run("init", volumes={volume: OUTPUT}, template=big), 73, OUTPUT, "full", "size=")


def test_without_a_token_it_is_told_where_one_is_expected(stack, output):
    template = TEMPLATE.replace("/run/connect/agent", "/var/run/secrets/connect/token")
    failed(stack.run("init", volumes={output: OUTPUT}, template=template), 77, "/var/run/secrets/connect/token: no token file", "mount")
    unset = TEMPLATE.replace(", tokenFile: /run/connect/agent", "")
    failed(stack.run("init", volumes={output: OUTPUT}, template=unset), 77, "token")


def test_without_a_template_it_is_told_where_one_is_expected(stack):
    for command in ([], ["init"], ["sidecar"], ["check"]):
        failed(stack.run(*command, template=None), 65, "/etc/connect-agent/template.yaml", "no template there")


def test_a_connect_that_is_not_there_is_named(stack, output):
    template = TEMPLATE.replace("connect:8080", "conect:8080")
    failed(stack.run("init", "--timeout", "2s", volumes={output: OUTPUT}, template=template), 69, "conect")


def test_a_missing_or_unknown_command_is_usage(stack):
    failed(stack.run("exec", template=EXEC_TEMPLATE), 64, "no command given: connect-agent exec -- COMMAND")
    failed(stack.run("exec", "--", template=EXEC_TEMPLATE), 64, "no command given")
    failed(stack.run("sh", "-c", "true", template=None), 64, 'no command "sh"', "connect-agent help")


def test_a_command_for_another_machine_is_explained(stack, tmp_path):
    """What a wrong platform of an application's image looks like under exec: its entry point, compiled for another machine."""
    program = tmp_path / "entry-point"
    program.write_bytes(b"\x7fELF\2\2\1" + bytes(9) + b"\0\2\0\x16" + bytes(44))
    program.chmod(0o755)
    result = stack.run("exec", "--", "/entry-point", template=EXEC_TEMPLATE, volumes={program: "/entry-point:ro"})
    failed(result, 126, "/entry-point cannot be started", "a program for s390x and this machine is", "platform")


def test_a_command_that_needs_shared_libraries_is_explained(stack):
    """The image holds no loader: a command from elsewhere belongs into its own image."""
    failed(stack.run("exec", "--", "/true", template=EXEC_TEMPLATE, volumes={"/bin/true": "/true:ro"}), 127,
           "/true cannot be started", "loader of its shared libraries", "image that it was built for")


def test_install_into_what_cannot_be_written_is_refused(stack):
    failed(stack.run("install", template=None), 64, "name a directory")
    failed(stack.run("install", "/none", template=None), 73, "/none", "mount a volume there")
    failed(stack.run("install", "/usr/bin", template=None, options=["-u", "0:0"]), 73, "/usr/bin", "Read-only file system")


def test_a_new_volume_of_docker_is_installed_into_as_root_only(stack):
    tools = stack.disk_volume("new")
    failed(stack.run("install", "/tools", template=None, volumes={tools: "/tools"}), 73,
           "/tools", "Permission denied for uid 65532, gid 65532", "writable for that user")
    assert stack.run("install", "/tools", template=None, volumes={tools: "/tools"}, options=["-u", "0:0"]).returncode == 0
    used = stack.run("version", image=BASE, template=None, volumes={tools: "/tools:ro"}, options=["-u", OWNER, "--entrypoint", "/tools/connect-agent"])
    assert used.returncode == 0 and used.stdout.startswith("connect-agent "), used
