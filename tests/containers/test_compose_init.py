"""deploy/compose/init: the application starts once its secrets are published."""

import json
import subprocess

import pytest

from stack import Stack, own_server, tree, until


@pytest.fixture(scope="module")
def stack(docker):
    with Stack(docker, "init") as made:
        made.up()
        yield made


def sourced(stack, name):
    return stack.exec("app", "sh", "-c", f'. /run/app/app.env; printf %s "${name}"').stdout


def test_the_application_starts_after_the_agent_ended_well(stack):
    agent, app = stack.container("agent"), stack.container("app")
    assert agent["State"]["ExitCode"] == 0 and not agent["State"]["Running"]
    assert app["State"]["Running"]
    assert agent["State"]["FinishedAt"] <= app["State"]["StartedAt"]
    stack.wait_said("app", "started with a key of 31 characters")


def test_the_volume_holds_what_the_template_declares_and_nothing_else(stack):
    volume = stack.proc("app") / "root/run/app"
    found = tree(volume)
    assert sorted(found) == ["app.env", "keystore.p12"]
    assert all(entry[:3] == ("0o440", 65532, 65532) for entry in found.values())
    assert len(found["keystore.p12"][3]) == 2432
    status = volume.stat()
    assert (oct(status.st_mode & 0o7777), status.st_uid, status.st_gid) == ("0o750", 65532, 65532)
    kind = subprocess.run(["stat", "-f", "-c", "%T", volume], capture_output=True, text=True, check=True)
    assert kind.stdout.strip() == "tmpfs"


def test_the_application_reads_but_cannot_write(stack):
    assert sourced(stack, "STRIPE_KEY") == "example-credential-not-a-secret"
    refused = stack.exec("app", "sh", "-c", "echo x >/run/app/x", check=False)
    assert refused.returncode != 0 and "Read-only" in refused.stderr


def test_containers_are_confined(stack):
    stack.assert_confined()


def test_secrets_survive_a_restart_of_the_application(stack):
    stack.compose("restart", "--timeout", "0", "app")
    assert sourced(stack, "STRIPE_KEY") == "example-credential-not-a-secret"


def test_a_rotated_secret_is_there_after_the_next_run(stack):
    stack.connect.patch("prod", "stripe", {"credential": "canary-value-rotated"})
    assert sourced(stack, "STRIPE_KEY") == "example-credential-not-a-secret"  # init follows nothing
    stack.compose("run", "--rm", "agent")
    stack.compose("restart", "--timeout", "0", "app")
    assert sourced(stack, "STRIPE_KEY") == "canary-value-rotated"
    stack.wait_said("app", "key of 20 characters")


def test_an_agent_that_fails_leaves_the_application_as_it_is(stack):
    before, started = tree(stack.proc("app") / "root/run/app"), stack.container("app")["State"]["StartedAt"]
    stack.compose("stop", "--timeout", "0", "connect")
    failed = stack.compose("run", "--rm", "--no-deps", "-e", "CONNECT_AGENT_TIMEOUT=1s", "agent", check=False)
    assert failed.returncode == 69
    last = json.loads([line for line in failed.stderr.splitlines() + failed.stdout.splitlines() if line.startswith("{")][-1])
    assert last["message"] == "nothing published" and "http://connect:8080" in last["reason"]
    assert tree(stack.proc("app") / "root/run/app") == before
    assert stack.container("app")["State"]["StartedAt"] == started
    stack.compose("start", "connect")
    until(lambda: stack.compose("run", "--rm", "--no-deps", "agent", check=False).returncode == 0)


def test_a_connect_server_of_ones_own_takes_the_fakes_place(docker, tmp_path):
    with own_server(tmp_path, 65532) as (own, _, settings):
        own.set_field("prod", "stripe", "credential", "canary-value-of-another-server")
        with Stack(docker, "init", **settings) as stack:
            stack.up()
            assert "connect" not in stack.containers()
            assert sourced(stack, "STRIPE_KEY") == "canary-value-of-another-server"
            assert own.token("agent") not in stack.logs()
