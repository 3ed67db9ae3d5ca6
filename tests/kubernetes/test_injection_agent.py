"""What is injected is run: the real program with the container's arguments and variables, against the fake Connect.

The paths of the container are those of the kubelet's mounts; here each leads to a folder of the test.
"""

import json
import os
import pathlib
import shlex
import subprocess

import pytest

import agent
from fake import free_port
from injected import GOOD, VOLUMES, agents, changed, created, installed, pod

TEMPLATE = """
version: 1
listen: off
outputs:
  - directory: /run/secrets/app
    files:
      - path: user
        content: op://prod/db/username
"""


@pytest.fixture(scope="module")
def cluster():
    with installed() as running:
        yield running


class Container:
    """The injected container of a pod, as a command to run here."""

    def __init__(self, made, place):
        self.spec = agents(made)[0]
        self.place = place
        where = {m["name"]: m["mountPath"] for m in self.spec["volumeMounts"]}
        token = place.disk / "token"
        template = place.disk / "template"
        token.mkdir()
        template.mkdir()
        (token / "token").write_text(place.fake.token_path("agent").read_text())
        self.paths = dict(zip((where[name] for name in VOLUMES), (place.directory, template, token)))
        place.directory.mkdir()
        (template / "template.yaml").write_text(self.here(TEMPLATE))

    def here(self, text):
        for inside, outside in self.paths.items():
            text = text.replace(inside, str(outside))
        return text

    def environment(self, listen):
        said = {e["name"]: self.here(e["value"]) for e in self.spec["env"] if "value" in e}
        assert said["CONNECT_AGENT_LISTEN"] == "127.0.0.1:9180"
        names = {"metadata.name": "a-pod", "metadata.namespace": "on"}
        said.update({e["name"]: names[e["valueFrom"]["fieldRef"]["fieldPath"]] for e in self.spec["env"]
                     if "valueFrom" in e})
        # The server of the test, and a port that is free on this machine.
        said.update(OP_CONNECT_HOST=self.place.fake.url, CONNECT_AGENT_LISTEN=f"127.0.0.1:{listen}")
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        return {"PATH": os.environ["PATH"], **sanitizers, **said}


def test_the_injected_init_container_publishes_below_the_mount_path(cluster, place):
    container = Container(created(cluster, pod(changed(mode="init"))), place)
    done = subprocess.run([os.environ["AGENT"], *container.spec["args"]], env=container.environment(free_port()),
                          capture_output=True, text=True, timeout=agent.RUN_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert place.published("user") == b"canary-value-user"
    reads = [json.loads(line) for line in done.stderr.splitlines() if '"item read"' in line]
    assert [(line["pod"], line["namespace"]) for line in reads] == [("a-pod", "on")]


def test_the_injected_probe_tells_when_the_injected_sidecar_has_published(cluster, place):
    container = Container(created(cluster, pod(GOOD)), place)
    environment = container.environment(free_port())
    program, *probe = container.spec["startupProbe"]["exec"]["command"]
    assert pathlib.PurePath(program).name == "connect-agent"
    command = shlex.join([os.environ["AGENT"], *probe])
    with subprocess.Popen([os.environ["AGENT"], *container.spec["args"]], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        try:
            # As the kubelet does: again and again, until it is well.
            asked = subprocess.run(["sh", "-c", f"until {command}; do sleep 0.05; done"], env=environment,
                                   capture_output=True, timeout=agent.RUN_SECONDS, check=False)
            assert asked.returncode == 0
            assert place.published("user") == b"canary-value-user"
        finally:
            running.terminate()
            running.communicate(timeout=agent.RUN_SECONDS)
    assert running.returncode == 0
