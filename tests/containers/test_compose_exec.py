"""deploy/compose/exec: an application whose environment has secrets, in an image that knows nothing of them."""

import pytest

from stack import Stack, own_server, until


@pytest.fixture(scope="module")
def stack(docker):
    with Stack(docker, "exec") as made:
        made.up()
        until(lambda: made.health("app") == "healthy")
        yield made


def application(stack):
    """Pid, as the container sees it, and variables of the command below connect-agent."""
    script = ('for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = sleep ] && echo "${p#/proc/}" && tr "\\000" "\\n" <$p/environ && '
              "exit 0; done; exit 1")
    shown = stack.exec("app", "sh", "-c", script, check=False)
    if shown.returncode != 0:
        return None, {}
    pid, *pairs = shown.stdout.splitlines()
    return int(pid), dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_the_application_has_its_secrets_and_not_the_token(stack):
    _, variables = application(stack)
    assert variables["DB_PASSWORD"] == "example-password-not-a-secret"
    assert variables["STRIPE_KEY"] == "example-credential-not-a-secret"
    assert variables["GREETING"] == "Hello, world"
    assert "OP_CONNECT_TOKEN" not in variables


def test_docker_shows_the_reference_not_the_value(stack):
    declared = stack.container("app")["Config"]["Env"]
    assert "GREETING=op://prod/feature/flags/greeting" in declared
    assert not [pair for pair in declared if pair.startswith(("DB_PASSWORD", "STRIPE_KEY"))]


def test_the_volume_of_the_program_holds_the_program_and_nothing_else(stack):
    volume = stack.proc("app") / "root/opt/connect-agent"
    assert [path.name for path in volume.iterdir()] == ["connect-agent"]
    status = (volume / "connect-agent").stat()
    assert (oct(status.st_mode & 0o7777), status.st_uid) == ("0o755", 0)


def test_containers_are_confined(stack):
    stack.assert_confined()


def test_a_rotated_secret_restarts_the_application_with_it(stack):
    pid, before = application(stack)
    started = stack.container("app")["State"]["StartedAt"]
    stack.connect.patch("prod", "stripe", {"credential": "canary-value-rotated"})
    stack.wait_said("app", "key of 20 characters")
    found, variables = until(lambda: (lambda it: it[0] and it)(application(stack)))
    assert found != pid
    assert variables == {**before, "STRIPE_KEY": "canary-value-rotated"}
    assert stack.container("app")["State"]["StartedAt"] == started, "the container is the same"


def test_the_containers_end_is_the_applications(stack):
    stack.compose("stop", "app")
    state = stack.container("app")["State"]
    assert state["ExitCode"] == 128 + 15 and not state["OOMKilled"]  # sleep ends by SIGTERM
    stack.compose("start", "app")


def test_a_new_token_written_into_the_file_is_taken_up(docker, tmp_path):
    with own_server(tmp_path, 65533) as (own, token, settings), Stack(docker, "exec", **settings) as stack:
        stack.up()
        stack.wait_said("app", "key of 31 characters")
        own.rotate("agent", revoke_old=True)
        stack.wait_said("app", "Connect rejects the token")
        own.set_field("prod", "stripe", "credential", "canary-value-rotated")
        token.write_text(own.token("agent"))
        stack.wait_said("app", "key of 20 characters")
        assert own.token("agent") not in stack.logs()
