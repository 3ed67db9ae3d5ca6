"""What the other tests of this folder rely on: engine.py."""

import subprocess

import engine

BASE = "debian:trixie-slim"


def made(docker, label):
    """Of a container, a network and a volume with this label, those that are there."""
    return [kind for kind, every in (("container", ["-a"]), ("network", []), ("volume", []))
            if docker.run(kind, "ls", "-q", *every, "--filter", f"label={label}").stdout.split()]


def make(docker, label):
    docker.run("network", "create", "--label", label, f"connect-agent-test-{label.split('=')[1]}-net")
    docker.run("volume", "create", "--label", label)
    docker.run("run", "-d", "--label", label, BASE, "sleep", "1000")


def test_what_a_killed_test_run_left_is_removed_by_the_next(docker):
    dead = subprocess.Popen(["true"])
    dead.wait()
    label = f"{engine.LABEL}={dead.pid}"
    make(docker, label)
    assert made(docker, label) == ["container", "network", "volume"]
    docker.remove_left()
    assert made(docker, label) == []


def test_what_a_test_run_made_is_gone_in_the_end(docker):
    make(docker, docker.mine[1])
    docker.remove_mine()
    assert made(docker, docker.mine[1]) == []


def test_an_image_is_built_once_for_its_content(docker):
    tag = docker.image("agent")
    before = docker.inspect(tag)[0]["Id"]
    assert docker.image("agent") == tag and docker.inspect(tag)[0]["Id"] == before
    assert tag.endswith(engine.context_digest())


def test_docker_compose_is_version_2(docker):
    shown = engine.call([*docker.compose_command(), "version", "--short"], env=docker.environment).stdout
    assert shown.lstrip("v").startswith("2."), shown
