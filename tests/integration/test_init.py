"""init, end to end: what it reads of Connect, what it publishes, what it says."""

import os
import re
import stat

import agent


def test_publishes_every_file_with_its_mode(place):
    result = place.init(agent.TEMPLATE)
    assert result.status == 0, result
    assert place.published("app.env").decode() == (
        "USER='canary-value-user'\n"
        "PASSWORD='canary-value-pass'\\''$word\"'\n"
        "API='canary-value-api'\n"
    )
    assert len(place.published("tls/blob")) == 3000
    for name in ("app.env", "tls/blob"):
        status = os.stat(place.directory / name)
        assert stat.S_IMODE(status.st_mode) == 0o400
    assert stat.S_IMODE(os.stat(place.directory).st_mode) == 0o750


def test_says_what_it_did(place):
    result = place.init(agent.TEMPLATE)
    messages = [e["message"] for e in result.events]
    assert messages.count("item read") == 3
    assert messages.count("published") == 1
    audit = [e for e in result.events if e["message"] == "item read"]
    assert all(re.fullmatch("[a-z0-9]{26}", e["vault"]) and e["version"] > 0 for e in audit)


def test_second_run_changes_nothing_byte_or_inode(place):
    assert place.init(agent.TEMPLATE).status == 0
    before = place.snapshot()
    result = place.init()
    assert result.status == 0, result
    assert place.snapshot() == before
    assert "already published, unchanged" in [e["message"] for e in result.events]


def test_a_changed_secret_is_published_and_the_rest_stays_right(place):
    assert place.init(agent.TEMPLATE).status == 0
    place.fake.set_field("prod", "db", "username", "canary-value-new")
    assert place.init().status == 0
    assert b"USER='canary-value-new'\n" in place.published("app.env")


def test_plain_layout_publishes_the_same(place):
    template = agent.TEMPLATE.replace("    files:", "    layout: plain\n    files:")
    assert place.init(template).status == 0
    assert sorted(place.names()) == ["app.env", "tls/blob"]
    assert not os.path.islink(place.directory / "app.env")
    before = place.snapshot()
    assert place.init().status == 0
    assert place.snapshot() == before


def test_owner_and_modes_are_set(place):
    template = """
version: 1
outputs:
  - directory: {directory}
    owner: 1234:2345
    mode: 0440
    directoryMode: 0710
    files:
      - {path: a, content: op://prod/db/username}
      - {path: b/c, content: op://prod/db/username, mode: "0600", owner: "77"}
"""
    result = place.init(template)
    assert result.status == 0, result
    a, b, c = (os.stat(place.directory / name) for name in ("a", "b", "b/c"))
    assert (a.st_uid, a.st_gid, stat.S_IMODE(a.st_mode)) == (1234, 2345, 0o440)
    assert (b.st_uid, b.st_gid, stat.S_IMODE(b.st_mode)) == (1234, 2345, 0o710)
    assert (c.st_uid, stat.S_IMODE(c.st_mode)) == (77, 0o600)


def test_template_and_template_file(place):
    (place.disk / "nginx.conf.tpl").write_text(
        'auth "{{ op://prod/db/username }}" {{ "{{ raw }}" }} op://other/api/credential;\n'
    )
    template = """
version: 1
outputs:
  - directory: {directory}
    files:
      - path: nginx.conf
        templateFile: nginx.conf.tpl
      - path: inline
        template: |
          user = {{ op://prod/db/username }}
          key = {{op://other/api/credential}}
"""
    result = place.init(template)
    assert result.status == 0, result
    assert place.published("nginx.conf") == (
        b'auth "canary-value-user" {{ raw }} canary-value-api;\n'
    )
    assert place.published("inline") == b"user = canary-value-user\nkey = canary-value-api\n"


def test_every_dialect_is_written(place):
    dialects = ["sh", "compose", "docker", "systemd", "kubernetes", "portable"]
    files = "\n".join(
        f"      - {{path: {d}.env, dialect: {d}, env: {{A: op://other/api/credential}}}}"
        for d in dialects
    )
    result = place.init("version: 1\noutputs:\n  - directory: {directory}\n    files:\n" + files)
    assert result.status == 0, result
    assert sorted(place.names()) == sorted(f"{d}.env" for d in dialects)
    assert all(b"canary-value-api" in content for content in place.names().values())


def test_empty_value_for_the_kubelet_is_warned_of(place):
    template = """
version: 1
outputs:
  - directory: {directory}
    files:
      - {path: k.env, dialect: kubernetes, env: {EMPTY: "", FULL: op://prod/db/username}}
      - {path: s.env, dialect: sh, env: {EMPTY: ""}}
"""
    result = place.init(template)
    assert result.status == 0, result
    warned = [(e["file"], e["variable"]) for e in result.events if "kubelet" in e["message"]]
    assert warned == [("k.env", "EMPTY")]


def test_optional_and_default(place):
    template = """
version: 1
outputs:
  - directory: {directory}
    files:
      - path: app.env
        dialect: sh
        env:
          GONE: {value: op://prod/db/nothing, optional: true}
          ELSE: {value: op://prod/nothing/at-all, default: fallback}
          USER: {value: op://prod/db/username, optional: true}
      - {path: left-out, content: op://prod/db/nothing, optional: true}
"""
    result = place.init(template)
    assert result.status == 0, result
    assert place.names() == {"app.env": b"ELSE='fallback'\nUSER='canary-value-user'\n"}


def test_settings_flag_over_environment_over_file(place):
    wrong = "http://127.0.0.1:9"
    template = agent.TEMPLATE + f"connect:\n  host: {wrong}\n"
    assert place.init(template).status == 0  # the environment wins over the file
    result = place.init(None, "--connect-host", wrong, CONNECT_AGENT_TIMEOUT=agent.IMPATIENT)
    assert result.status == 69, result  # and a flag over the environment


def test_token_from_the_environment(place):
    place.write(agent.TEMPLATE)
    result = place.run("init", OP_CONNECT_TOKEN_FILE=None, OP_CONNECT_TOKEN=place.fake.token("agent"))
    assert result.status == 0, result


def test_private_ca_and_client_certificate():
    with agent.Place(tls=True) as place:
        assert place.init(agent.TEMPLATE).status == 0
    with agent.Place(client_certificate=True) as place:
        certificate, key = place.fake.client_certificate
        result = place.init(agent.TEMPLATE, CONNECT_AGENT_CLIENT_CERT_FILE=certificate,
                            CONNECT_AGENT_CLIENT_KEY_FILE=key)
        assert result.status == 0, result
        assert place.init(CONNECT_AGENT_TIMEOUT=agent.IMPATIENT).status == 69


def test_host_with_trailing_slash(place):
    assert place.init(agent.TEMPLATE, OP_CONNECT_HOST=place.fake.url + "/").status == 0


def test_user_agent_names_the_version(place):
    version = place.run("version").out.split()[1]
    place.init(agent.TEMPLATE)
    agents = {r["user_agent"] for r in place.fake.requests()}
    assert agents == {f"connect-agent/{version}"}


def test_signal_while_waiting_leaves_at_once(place):
    assert place.init(agent.TEMPLATE).status == 0
    before = place.snapshot()
    place.fake.fault({"hang": True}, match={"endpoint": "item"})
    process = place.start("init", CONNECT_AGENT_TIMEOUT="100s")
    place.fake.wait_for("in_flight", 1)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + 15, err
    assert place.snapshot() == before


def test_root_is_told_that_only_root_can_read_the_files_unless_an_owner_is_named(place):
    def warned(template):
        result = place.init(template)
        assert result.status == 0, result
        return [e["output"] for e in result.events if e["message"] == "running as root"]

    mine = f"{os.geteuid()}:{os.getegid()}"
    assert warned(agent.TEMPLATE) == ([str(place.directory)] if os.geteuid() == 0 else [])
    assert warned(agent.TEMPLATE.replace("    files:", f'    owner: "{mine}"\n    files:', 1)) == []
    assert warned(agent.TEMPLATE.replace("    files:", "    mode: 0444\n    files:", 1)) == []
