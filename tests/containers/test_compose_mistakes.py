"""What somebody who uses the stacks gets wrong: the line in `docker compose logs`, and the exit status."""

import json
import os

import pytest

from stack import TOKEN, Stack


def failing(docker, override, path, **environment):
    """Brings up `init` with a change to it. Gives the agent's exit status and the reason of its last line."""
    files = []
    if override:
        file = path / "override.yaml"
        file.write_text(override)
        files.append(file)
    with Stack(docker, "init", files=files, **environment) as stack:
        result = stack.up(check=False)
        state = stack.container("agent")["State"]
        lines = [line[line.index("{"):] for line in stack.logs("agent").splitlines() if '{"time"' in line]
        assert result.returncode != 0 and 'service "agent" didn\'t complete successfully' in result.stderr
        assert stack.container("app")["State"]["Status"] == "created", "the application was not started"
        last = json.loads(lines[-1])
        assert last["level"] == "error"
        return state["ExitCode"], last["reason"]


def volume(options):
    return f"volumes: {{published: {options}}}\n"


def test_a_volume_on_disk_that_belongs_to_root(docker, tmp_path):
    status, reason = failing(docker, volume("!override {}"), tmp_path)
    assert status == 73
    assert reason.startswith("output /run/app: /run/app is on ") and "not tmpfs" in reason and "allowDisk" in reason


def test_a_volume_on_disk_that_the_agent_could_write(docker, tmp_path):
    status, reason = failing(docker, volume("!override {}") + "services: {agent: {user: '0:0'}}\n", tmp_path)
    assert status == 73
    assert "/run/app" in reason and "tmpfs" in reason and "allowDisk" in reason


def test_a_tmpfs_volume_that_belongs_to_root(docker, tmp_path):
    options = "!override {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: 'size=1m,mode=0755'}}"
    status, reason = failing(docker, volume(options), tmp_path)
    assert status == 73
    assert "/run/app" in reason and "Permission denied" in reason and "65532" in reason


def test_a_volume_that_is_too_small(docker, tmp_path):
    options = "!override {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: 'size=4k,mode=0750,uid=65532,gid=65532'}}"
    status, reason = failing(docker, volume(options), tmp_path)
    assert status == 73
    assert "/run/app" in reason and "No space left" in reason


def test_a_service_without_the_secret_of_the_token(docker, tmp_path):
    status, reason = failing(docker, "services: {agent: {secrets: !reset []}}\n", tmp_path)
    assert status == 77
    assert reason.startswith("/run/secrets/connect-token: no token file; mount the Connect token there")


def test_a_token_file_that_the_agent_may_not_read(docker, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o400)
    status, reason = failing(docker, "", tmp_path, OP_CONNECT_TOKEN_FILE=str(token))
    assert status == 77
    assert reason.startswith("/run/secrets/connect-token: uid 65532, gid 65532 may not read the token file; make it readable")


def test_a_token_file_that_is_not_there_is_told_by_compose_or_by_the_agent(docker, tmp_path):
    with Stack(docker, "init", OP_CONNECT_TOKEN_FILE=str(tmp_path / "none")) as stack:
        result = stack.up(check=False)
        assert result.returncode != 0
        assert str(tmp_path / "none") in result.stderr or stack.container("agent")["State"]["ExitCode"] == 77


def test_a_connect_server_that_is_not_there(docker, tmp_path):
    status, reason = failing(docker, "services: {agent: {environment: {CONNECT_AGENT_TIMEOUT: 1s}}}\n", tmp_path,
                             OP_CONNECT_HOST="http://nobody:8080", FAKE_CONNECT="0")
    assert status == 69
    assert "nobody" in reason


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_a_token_file_with_the_mode_that_the_page_tells_brings_no_warning(docker, tmp_path, mode):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(mode)
    os.chown(token, 65532, 65532)
    with Stack(docker, "init", OP_CONNECT_TOKEN_FILE=str(token)) as stack:
        stack.up()
        assert '"level":"warn"' not in stack.logs("agent")
