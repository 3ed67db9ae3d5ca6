"""Servers and tokens that are wrong: each has its message and exit status, says nothing secret, and
leaves what was published untouched, byte and inode (the fixture `good` looks)."""

import socket
import threading

import pytest

import agent
import fake as fake_connect


def expect(result, status, pattern):
    assert result.status == status, result
    assert result.said(pattern), result


# The token.


def test_token_file_missing(good):
    result = good.init(OP_CONNECT_TOKEN_FILE="/nonexistent/token")
    expect(result, 77, "/nonexistent/token: no token file; mount the Connect token there")


def token_file(good, text):
    path = good.disk / "token"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_token_empty(good):
    expect(good.init(OP_CONNECT_TOKEN_FILE=token_file(good, "\n")), 77, "the token is empty")


def test_token_truncated_in_its_signature(good):
    text = good.fake.token("agent")[:-60]
    expect(good.init(OP_CONNECT_TOKEN_FILE=token_file(good, text)), 77, "the token is cut off")


def test_token_truncated_in_its_payload(good):
    text = good.fake.token("agent")[:300]
    expect(good.init(OP_CONNECT_TOKEN_FILE=token_file(good, text)), 77, "cut off: 300 bytes in 2 parts")


def test_token_of_a_service_account(good):
    text = "ops_" + "x" * 700
    expect(good.init(OP_CONNECT_TOKEN_FILE=token_file(good, text)), 77, "service-account token")


def test_token_with_something_else_in_the_file(good):
    text = "token: " + good.fake.token("agent")
    expect(good.init(OP_CONNECT_TOKEN_FILE=token_file(good, text)), 77, "the token and nothing else")


def test_token_file_is_a_directory(good):
    expect(good.init(OP_CONNECT_TOKEN_FILE="/"), 77, "token file: /: Is a directory")


def test_token_file_readable_by_all_is_said(good):
    path = token_file(good, good.fake.token("agent"))
    path.chmod(0o644)
    expect(good.init(OP_CONNECT_TOKEN_FILE=path), 0, "can be read by every user")


def test_token_expired(good):
    good.fake.expire("agent")
    result = good.init()
    expect(result, 77, r"rejects the token \(401\)")


def test_token_refused(good):
    good.fake.revoke("agent")
    expect(good.init(), 77, r"rejects the token \(401\).*create a new one")


def test_token_of_other_vaults(good):
    good.fake.grant("agent", ["empty"])
    expect(good.init(), 66, r'no vault "prod" \(this token can read 1 other vault\)')


def test_token_of_no_vault(good):
    good.fake.grant("agent", [])
    expect(good.init(), 77, "no vault is granted")


def test_vault_by_id_that_was_not_granted(good):
    template = agent.TEMPLATE.replace("op://other/api/credential",
                                      "op://hiddenhiddenhiddenhiddenhi/x/y")
    expect(good.init(template), 77, r"denies access \(403\)")


# References that lead nowhere, or to several places.


@pytest.mark.parametrize("reference, pattern", [
    ("op://prd/x/y", 'no vault "prd"; did you mean "prod"'),
    ("op://prod/dbb/x", 'no item "dbb"; did you mean "db"'),
    ("op://prod/odd/fourth/x", 'no section "fourth"'),
    ("op://prod/odd/third/x", 'no field or file "x"'),
    ("op://prod/db/pasword", 'did you mean "password"'),
    ("op://cccccccccccccccccccccccccc/x/y", "no vault with this ID"),
    ("op://double/x/y", 'vault "double" is ambiguous: 2 match .*a{26}, b{26}'),
    ("op://prod/twin/a", 'item "twin" is ambiguous: 2 match'),
    ("op://prod/odd/same/double", 'section "same" is ambiguous: 2 match'),
    ("op://prod/odd/double", 'field "double" is ambiguous: 2 match'),
], ids=lambda value: value if value.startswith("op:") else "")
def test_reference_that_cannot_be_resolved(good, reference, pattern):
    result = good.init(agent.TEMPLATE.replace("op://prod/db/username", reference))
    expect(result, 66, pattern)
    assert result.said(f"template.yaml:[0-9]+:[0-9]+: {reference}: "), result


# The server.


def test_host_unset(good):
    result = good.init(OP_CONNECT_HOST=None)
    expect(result, 64, "OP_CONNECT_HOST")
    # The template is not to blame.
    assert result.said("the settings are wrong") and not result.said("the template is wrong"), result


def test_host_unreachable(good):
    url = f"http://127.0.0.1:{fake_connect.free_port()}"
    expect(good.init(OP_CONNECT_HOST=url), 69, f"cannot connect to {url}")


def test_host_without_a_name(good):
    expect(good.init(OP_CONNECT_HOST="http://connect.invalid:8080"), 69, "cannot resolve the name")


@pytest.fixture
def not_http():
    """A server that greets like SSH."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
                connection.recv(4096)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_host_that_speaks_no_http(good, not_http):
    expect(good.init(OP_CONNECT_HOST=not_http), 69, "no HTTP from")


def test_http_host_asked_for_tls(good):
    expect(good.init(OP_CONNECT_HOST=good.fake.url.replace("http:", "https:")), 69, "no TLS with|does the server speak https")


def test_wrong_ca():
    with agent.Place(tls=True) as place, agent.Place(tls=True) as other:
        assert place.init(agent.TEMPLATE).status == 0
        before = place.snapshot()
        place.patience = agent.IMPATIENT
        expect(place.init(CONNECT_AGENT_CA_FILE=other.fake.ca), 69, "cannot verify the certificate")
        expect(place.init(CONNECT_AGENT_CA_FILE=None), 69, "set connect.caFile")
        expect(place.init(CONNECT_AGENT_CA_FILE="/nonexistent"), 69, "CA file")
        assert place.snapshot() == before


FAULTS = [
    ("vaults", {"html": True}, 69, "an HTML page instead of JSON"),
    ("item", {"html": True}, 69, "an HTML page instead of JSON"),
    ("vaults", {"truncate": 10}, 69, "answer cut off by"),
    ("item", {"truncate": 30}, 69, "answer cut off by"),
    ("file", {"truncate": 1000}, 69, "answer cut off by"),
    ("item", {"size": 64 << 20}, 69, "answer larger than the limit"),
    ("file", {"size": 64 << 20}, 69, "answer larger than the limit"),
    ("item", {"depth": 100000}, 69, "nested deeper than 64 levels"),
    ("vault", {"garbage": True}, 69, "vault .*: (not JSON|.*NUL)"),
    ("items", {"empty": True}, 69, "the answer is empty"),
    ("item", {"replace": "[]"}, 69, "the answer is not an item"),
    ("items", {"replace": "{}"}, 69, "the answer is not a list"),
    ("items", {"replace": '[{"title": "db"}]'}, 69, "no usable ID"),
    ("items", {"replace": '[{"id": "../../x", "title": "db"}]'}, 69, "no usable ID"),
    ("item", {"replace": '{"id": "x", "fields": [{"label": "username", "value": "a\\u0000b"}]}'},
     69, "holds NUL"),
    ("vaults", {"reset": True}, 69, "connection lost"),
    ("vaults", {"close": True}, 69, "closed without an answer.*client certificate"),
    ("vaults", {"hang": True}, 69, "no answer from Connect"),
    ("vaults", {"status": 302, "headers": {"Location": "http://elsewhere/"}}, 69, "follows no redirects"),
    ("vaults", {"status": 400}, 69, r"malformed \(400\)"),
    ("item", {"status": 403}, 77, r"denies access \(403\)"),
    ("vaults", {"status": 404}, 69, r"no Connect API at this address \(404\)"),
    ("vaults", {"status": 408}, 69, r"still syncing \(408\)"),
    ("vaults", {"status": 429}, 69, r"too many requests \(429\)"),
    ("file", {"status": 500}, 69, r"failed \(500\)"),
    ("vaults", {"status": 503, "body": "<html>busy", "content_type": "text/html"}, 69, r"failed \(503\)"),
    ("vaults", {"replace": "[]"}, 77, "no vault is granted"),
    ("items", {"replace": "[]"}, 66, 'no item "db"'),
    ("item", {"not_synced": True}, 66, r"does not find the item \(404\)"),
]


@pytest.mark.parametrize("endpoint, fault, status, pattern", FAULTS,
                         ids=[f"{e}-{next(iter(f))}-{n}" for n, (e, f, *_) in enumerate(FAULTS)])
def test_server_answers_wrong(good, endpoint, fault, status, pattern):
    good.fake.fault(fault, match={"endpoint": endpoint})
    expect(good.init(), status, pattern)


def test_texts_of_the_server_cannot_drive_a_terminal(good):
    good.fake.fault({"status": 401, "body": '{"status": 401, "message": "\\u001b[2J\\u202ex"}'})
    result = good.init()
    expect(result, 77, "rejects the token")
    assert "\x1b" not in result.err and "\\u001b" not in result.err and "\u202e" not in result.err


# Healing.


@pytest.mark.parametrize("fault", [
    {"status": 500}, {"status": 503}, {"status": 408}, {"status": 401}, {"status": 403},
    {"reset": True}, {"close": True}, {"garbage": True}, {"html": True}, {"truncate": 5},
], ids=lambda fault: "-".join(map(str, next(iter(fault.items())))))
def test_heals_when_the_server_does(place, fault):
    place.fake.fault(fault, times=2)
    result = place.init(agent.TEMPLATE, CONNECT_AGENT_TIMEOUT="60s")
    assert result.status == 0, result
    warnings = [e for e in result.events if e["level"] == "warn" and "tried again" in e["message"]]
    assert len(warnings) == 1, "a state change is logged once, not once per try"
    assert "Connect answers again" in [e["message"] for e in result.events]


def test_waits_for_an_item_that_is_not_synced_yet(place):
    place.fake.fault({"replace": "[]"}, match={"endpoint": "items"}, times=1)
    result = place.init(agent.TEMPLATE, CONNECT_AGENT_TIMEOUT="60s")
    assert result.status == 0, result


def test_honours_retry_after(place):
    place.fake.fault({"status": 503, "headers": {"Retry-After": "2"}}, times=1)
    result = place.init(agent.TEMPLATE, CONNECT_AGENT_TIMEOUT="60s")
    assert result.status == 0, result
    first, second = [r["monotonic_ms"] for r in place.fake.requests()][:2]
    assert second - first >= 2000


def test_asks_a_server_that_is_down_one_thing_at_a_time(place):
    place.fake.fault({"status": 500}, match={"endpoint": "item"})
    result = place.init(agent.TEMPLATE, CONNECT_AGENT_TIMEOUT="5s")
    assert result.status == 69, result
    # 3 items go out together; after they fail, the rest are probes: 0.5 s doubled, full jitter.
    tries = place.fake.counters()["item"]
    assert 4 <= tries <= 40, tries
