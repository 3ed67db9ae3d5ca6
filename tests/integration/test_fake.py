"""The fake Connect server keeps the promises of tests/fake/README.md."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from fake import FakeConnect, binary

FIXTURE = """
tokens:
  - {name: agent, vaults: [prod, shared], expires: 30d}
  - {name: narrow, vaults: [prod]}
  - {name: everything}
  - {name: late, vaults: all, expires: -1h}
  - {name: absolute, vaults: all, expires: 4102444800}
vaults:
  - name: prod
    description: Production
    items:
      - title: db
        category: DATABASE
        tags: [application, blue]
        urls: [{label: website, href: "https://db.example.com", primary: true}]
        sections: [{id: admin, label: Admin}]
        fields:
          - {label: username, value: example-user}
          - {label: password, type: CONCEALED, value: example-password-not-a-secret}
          - {label: admin password, type: CONCEALED, section: Admin, value: example-admin-not-a-secret}
      - title: odd
        category: SOMETHING_NEW
        state: ARCHIVED
        fields:
          - {id: bare}
          - {label: "", value: ""}
          - {label: lost, section: nowhere, type: HOLOGRAM, value: x}
          - {label: strange, value: "1", raw: {value: 7, type: !absent '', extra: {deep: [1, null]}}}
        files:
          - {name: plain.txt, text: hello}
          - {name: noslash, text: a, raw: {content_path: v1/elsewhere}}
          - {name: nopath, text: b, raw: {content_path: !absent ''}}
        raw: {surprise: true}
      - {title: trashed, state: DELETED, fields: []}
      - title: codes
        fields:
          - label: computed
            type: OTP
            value: "otpauth://totp/Example:me?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8"
          - {label: given, type: OTP, value: "otpauth://totp/x?secret=AAAA", totp: "123456"}
      - title: keys
        fields:
          - {label: private key, type: SSHKEY, generate: ed25519}
          - {label: public key, generate: ssh-public}
          - {label: fingerprint, generate: ssh-fingerprint}
          - {label: certificate, generate: certificate}
      - title: files
        category: DOCUMENT
        sections: [{id: s1}]
        files:
          - {name: keystore.p12, size: 3000, seed: 7, section: s1}
          - {name: big.bin, size: 200000}
          - {name: bytes, base64: AAEC/w==}
  - name: shared
    items:
      - {title: twin, fields: [{label: f, value: first}]}
      - {title: twin, fields: [{label: f, value: second}]}
  - {name: hidden, items: []}
"""


@pytest.fixture(name="fake")
def fixture_fake(tmp_path):
    with FakeConnect(FIXTURE, tmp_path / "fake") as fake:
        yield fake


@pytest.fixture(name="prod")
def fixture_prod(fake):
    """The path of the vault "prod"; the log is empty after it."""
    path = "/v1/vaults/" + fake.vault_id("prod", "everything")
    fake.reset_log()
    return path


def item_path(fake, vault_path, title):
    items = fake.get(vault_path + "/items", token="everything").json()
    (path,) = [f"{vault_path}/items/{i['id']}" for i in items if i["title"] == title]
    fake.reset_log()
    return path


def field(item, label):
    (found,) = [f for f in item["fields"] if f.get("label") == label]
    return found


def error(status, message):
    return {"status": status, "message": message}


# Starting and stopping.


def run(*arguments):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    "text, where",
    [
        ("vaults: [{nam: x}]", ":1:11: unknown key"),
        ("vaults: [{name: x, name: y}]", ":1:20: key \"name\" a second time"),
        ("vaults:\n  - {}", ":2:5: a vault needs a name"),
        ("tokens: [{name: t, vaults: [nope]}]", ":1:29: there is no vault"),
        ("tokens: [{name: ../t}]", ":1:10: a token needs a name"),
        ("tokens: [{name: t, expires: soon}]", ":1:29: \"soon\" is neither"),
        ("vaults: [{name: x, id: short}]", ":1:24: \"short\" is not an ID"),
        ("vaults: [{name: x, items: [{title: y, files: [{name: z}]}]}]", ":1:47: a file takes one"),
        ("vaults: [{name: x, items: [{title: y, fields: [{generate: wood}]}]}]", ":1:59: generate"),
        ("vaults: [", ":"),
        ("", ":1:1: the file is empty"),
    ],
)
def test_says_where_the_fixture_is_wrong(tmp_path, text, where):
    fixture = tmp_path / "wrong.yaml"
    fixture.write_text(text)
    result = run("--fixture", fixture, "--listen", "127.0.0.1:0")
    assert result.returncode == 2
    assert f"{fixture}{where}" in result.stderr


def test_says_what_is_wrong_with_the_command_line(tmp_path):
    assert run().returncode == 2
    assert run("--unknown").returncode == 2
    assert run("--help").returncode == 0
    missing = run("--fixture", tmp_path / "none.yaml")
    assert missing.returncode == 2
    assert "No such file" in missing.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_0_on_a_signal_even_while_requests_hang(tmp_path, number):
    fake = FakeConnect(FIXTURE, tmp_path)
    fake.fault({"hang": True})
    connection = fake.connect()
    connection.request("GET", "/heartbeat")
    fake.wait_for("answered", 1)
    os.kill(fake.pid, number)
    with pytest.raises(OSError):
        connection.getresponse().read()
    fake.stop()


def test_has_the_same_ids_after_a_restart(tmp_path):
    listings = []
    for name in ("one", "two"):
        with FakeConnect(FIXTURE, tmp_path / name) as fake:
            path = "/v1/vaults/" + fake.vault_id("prod", "everything")
            items = fake.get(path + "/items", token="everything").json()
            listings.append([path] + [i["id"] for i in items])
    assert listings[0] == listings[1]
    assert len(set(listings[0])) == len(listings[0])


def test_restarts_on_the_same_port_with_the_same_tokens(tmp_path):
    with FakeConnect(FIXTURE, tmp_path) as fake:
        port, token = fake.port, fake.token("agent")
        fake.delete_item("prod", "db")
        fake.stop()
        with pytest.raises(ConnectionRefusedError):
            fake.get("/heartbeat")
        fake.restart()
        assert (fake.port, fake.token("agent")) == (port, token)
        assert fake.get("/v1/vaults", token="agent").status == 200
        assert fake.get("/v1/vaults", token="late").status == 401
        assert fake.vault_id("prod", "agent")


def test_listens_on_ipv6(tmp_path):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6")
    with FakeConnect(FIXTURE, tmp_path, options=["--listen", "[::]:0"]) as fake:
        assert fake.get("/heartbeat").body == b"."


# Tokens.


def claims(token):
    header, payload, signature = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "ES256"
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


def test_tokens_look_like_connects(fake):
    for name in ("agent", "narrow", "late"):
        token = fake.token(name)
        assert re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", token)
        assert len(token) > 600
        assert fake.token_path(name).stat().st_mode & 0o777 == 0o600
    agent, now = claims(fake.token("agent")), time.time()
    assert {v["u"] for v in agent["1password.com/vts"]} == {
        fake.vault_id("prod", "everything"),
        fake.vault_id("shared", "everything"),
    }
    assert abs(agent["exp"] - now - 30 * 86400) < 120
    assert abs(agent["iat"] - now) < 120
    assert {"aud", "iss", "sub", "jti", "1password.com/token"} <= agent.keys()
    assert "exp" not in claims(fake.token("narrow"))
    assert claims(fake.token("absolute"))["exp"] == 4102444800


def test_tokens_are_new_at_each_start(tmp_path):
    seen = set()
    for name in ("one", "two"):
        with FakeConnect(FIXTURE, tmp_path / name) as fake:
            seen.add(fake.token("agent"))
    assert len(seen) == 2


def test_refuses_wrong_and_expired_tokens(fake):
    denied = error(401, "Invalid token signature")
    assert fake.get("/v1/vaults").json() == denied
    assert fake.get("/v1/vaults", token="late").json() == denied
    token = fake.token("agent")
    for wrong in (token[:-1], token + "x", token[:200], "", "ops_abc"):
        answer = fake.get("/v1/vaults", headers={"Authorization": f"Bearer {wrong}"})
        assert (answer.status, answer.json()) == (401, denied)
    answer = fake.get("/v1/vaults", headers={"Authorization": f"Basic {token}"})
    assert answer.status == 401


def test_revokes_expires_and_restores_tokens(fake):
    for change in (fake.revoke, fake.expire):
        change("agent")
        assert fake.get("/v1/vaults", token="agent").status == 401
        fake.restore("agent")
        assert fake.get("/v1/vaults", token="agent").status == 200


def test_rotation_keeps_the_old_credential_until_told(fake):
    old = fake.token("agent")
    new = fake.rotate("agent")
    assert new != old
    assert fake.get("/v1/vaults", headers={"Authorization": f"Bearer {old}"}).status == 200
    assert fake.get("/v1/vaults", token="agent").status == 200
    fake.rotate("agent", revoke_old=True)
    for gone in (old, new):
        assert fake.get("/v1/vaults", headers={"Authorization": f"Bearer {gone}"}).status == 401
    assert fake.get("/v1/vaults", token="agent").status == 200


def test_shows_only_granted_vaults(fake):
    def names(token):
        return [v["name"] for v in fake.get("/v1/vaults", token=token).json()]

    shared = fake.vault_id("shared", "everything")
    assert names("agent") == ["prod", "shared"]
    assert names("narrow") == ["prod"]
    assert names("everything") == ["prod", "shared", "hidden"]
    answer = fake.get(f"/v1/vaults/{shared}", token="narrow")
    message = f"Authorization: token does not have access to vault {shared}"
    assert (answer.status, answer.json()) == (403, error(403, message))
    fake.grant("narrow", ["prod", shared])
    assert fake.get(f"/v1/vaults/{shared}", token="narrow").status == 200
    fake.grant("narrow", [])
    assert names("narrow") == []


# Reading.


def test_lists_and_filters_vaults(fake):
    (vault,) = fake.get("/v1/vaults?filter=name%20eq%20%22prod%22", token="agent").json()
    assert vault["description"] == "Production"
    assert vault["items"] == 5
    assert fake.get("/v1/vaults?filter=name+eq+%22none%22", token="agent").json() == []
    assert fake.get("/v1/vaults/?filter=title+co+%22ro%22", token="agent").json() == [vault]
    assert fake.get("/v1/vaults?filter=prod", token="agent").status == 400
    whole = fake.get(f"/v1/vaults/{vault['id']}", token="agent")
    assert whole.json() == vault
    assert whole.headers["1Password-Connect-Version"] == "1.7.3"


def test_lists_and_filters_items(fake, prod):
    def titles(query=""):
        return [i["title"] for i in fake.get(f"{prod}/items{query}", token="agent").json()]

    assert titles() == ["db", "odd", "codes", "keys", "files"]
    assert titles("?filter=title%20eq%20%22db%22") == ["db"]
    assert titles("/?filter=title%20co%20%22d%22") == ["db", "odd", "codes"]
    assert titles("?filter=tag%20eq%20%22blue%22") == ["db"]
    assert titles("?filter=tag%20eq%20%22red%22") == []
    for item in fake.get(f"{prod}/items", token="agent").json():
        assert not {"fields", "sections", "files"} & item.keys()


def test_gives_whole_items(fake, prod):
    item = fake.get(item_path(fake, prod, "db"), token="agent").json()
    assert item["category"] == "DATABASE"
    assert item["version"] == 1
    assert item["vault"]["id"] == prod.rsplit("/", 1)[1]
    assert item["urls"] == [{"label": "website", "href": "https://db.example.com", "primary": True}]
    assert field(item, "password")["value"] == "example-password-not-a-secret"
    assert field(item, "admin password")["section"] == {"id": "admin"}


def test_gives_odd_shapes_as_the_fixture_has_them(fake, prod):
    item = fake.get(item_path(fake, prod, "odd"), token="agent").json()
    assert item["state"] == "ARCHIVED"
    assert item["category"] == "SOMETHING_NEW"
    assert item["surprise"] is True
    bare, empty, lost, strange = item["fields"]
    assert bare == {"id": "bare", "type": "STRING"}
    assert (empty["label"], empty["value"]) == ("", "")
    assert (lost["section"], lost["type"]) == ({"id": "nowhere"}, "HOLOGRAM")
    assert (strange["value"], strange["extra"]) == (7, {"deep": [1, None]})
    assert "type" not in strange
    plain, noslash, nopath = item["files"]
    assert plain["content_path"].startswith("/v1/vaults/")
    assert noslash["content_path"] == "v1/elsewhere"
    assert "content_path" not in nopath


def test_twins_have_their_own_ids(fake):
    path = "/v1/vaults/" + fake.vault_id("shared", "agent")
    first, second = fake.get(path + "/items", token="agent").json()
    assert first["title"] == second["title"] == "twin"
    assert first["id"] != second["id"]


def test_tells_errors_as_connect_does(fake, prod):
    unknown = "a" * 26
    cases = [
        ("/v1/vaults/prod", 400, "Invalid Vault UUID"),
        ("/v1/vaults/prod/items", 400, "Invalid Vault UUID"),
        (f"{prod}/items/db", 400, "Invalid Item UUID"),
        (f"/v1/vaults/{unknown}", 404, f"vault {unknown} not found"),
        (f"{prod}/items/{unknown}", 404, f"item {unknown} not found"),
        ("/v1/nothing", 404, "Not found"),
        ("//v1/vaults", 404, "Not found"),
    ]
    for path, status, message in cases:
        answer = fake.get(path, token="agent")
        assert (answer.status, answer.json()) == (status, error(status, message))
    assert fake.request("POST", "/v1/vaults", token="agent", body={}).status == 405


def test_does_not_show_items_in_the_trash(tmp_path):
    fixture = FIXTURE.replace("title: trashed", f"title: trashed, id: {'t' * 26}")
    with FakeConnect(fixture, tmp_path) as fake:
        path = "/v1/vaults/" + fake.vault_id("prod", "agent")
        assert fake.get(f"{path}/items/{'t' * 26}", token="agent").status == 404


def totp(secret, at, digits):
    digest = hmac.new(secret, struct.pack(">Q", at // 30), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return str((number & 0x7FFFFFFF) % 10**digits).zfill(digits)


def test_computes_one_time_codes(fake, prod):
    path = item_path(fake, prod, "codes")
    before = int(time.time())
    item = fake.get(path, token="agent").json()
    after = int(time.time())
    secret = b"12345678901234567890"
    assert field(item, "computed")["type"] == "OTP"
    assert field(item, "computed")["totp"] in {totp(secret, t, 8) for t in (before, after)}
    assert field(item, "given")["totp"] == "123456"


def test_generates_keys_that_belong_together(fake, prod, tmp_path):
    item = fake.get(item_path(fake, prod, "keys"), token="agent").json()
    key = field(item, "private key")["value"]
    assert key.startswith("-----BEGIN PRIVATE " + "KEY-----\n")
    name, blob = field(item, "public key")["value"].split(" ")
    assert name == "ssh-ed25519"
    digest = base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode()
    assert field(item, "fingerprint")["value"] == "SHA256:" + digest.rstrip("=")
    pair = tmp_path / "pair.pem"
    pair.write_text(key + field(item, "certificate")["value"])
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(pair))


def test_gives_files(fake, prod):
    path = item_path(fake, prod, "files")
    keystore, big, small = fake.get(f"{path}/files", token="agent").json()
    assert (keystore["name"], keystore["size"]) == ("keystore.p12", 3000)
    assert keystore["section"] == {"id": "s1"}
    content = fake.get(keystore["content_path"], token="agent")
    assert content.headers["Content-Type"] == "application/octet-stream"
    assert content.headers["Content-Disposition"] == 'attachment; filename="keystore.p12"'
    assert len(content.body) == 3000
    detail = fake.get(f"{path}/files/{small['id']}?inline_files=true", token="agent").json()
    assert base64.b64decode(detail["content"]) == b"\0\1\2\xff"
    assert "content" not in fake.get(f"{path}/files/{small['id']}", token="agent").json()
    assert fake.get(f"{path}/files/{big['id']}?inline_files=true", token="agent").status == 413
    assert fake.get(f"{path}/files?inline_files=true", token="agent").status == 413
    assert len(fake.get(big["content_path"], token="agent").body) == 200000
    assert fake.get(f"{path}/files/unknown/content", token="agent").status == 404


def test_speaks_the_health_family_without_a_token(fake):
    assert fake.get("/heartbeat").body == b"."
    health = fake.get("/health").json()
    assert health["name"] == "1Password Connect API"
    assert {"service", "status"} <= health["dependencies"][0].keys()
    assert b"fake_connect_requests_total" in fake.get("/metrics").body


def test_lists_activity(fake, prod):
    path = item_path(fake, prod, "db")
    fake.get(path, token="agent")
    fake.request("DELETE", path, token="agent")
    answer = fake.get("/v1/activity?limit=1", token="agent")
    (last,) = answer.json()
    assert (last["action"], last["result"], last["resource"]["type"]) == ("DELETE", "SUCCESS", "ITEM")
    assert last["resource"]["item"]["id"] == path.rsplit("/", 1)[1]
    assert answer.headers["Content-Range"] == "1-1/2"


# Writing.


def versions(fake, vault_path):
    vault = fake.get(vault_path, token="agent").json()
    return vault["contentVersion"], vault["attributeVersion"], vault["items"]


def test_creates_items(fake, prod):
    before = versions(fake, prod)
    body = {
        "title": "new",
        "category": "LOGIN",
        "vault": {"id": prod.rsplit("/", 1)[1]},
        "fields": [
            {"purpose": "USERNAME", "value": "example"},
            {"purpose": "PASSWORD", "type": "concealed", "generate": True},
            {"label": "pin", "generate": True, "recipe": {"length": 6, "characterSets": ["DIGITS"]}},
        ],
    }
    answer = fake.request("POST", f"{prod}/items", token="agent", body=body)
    assert answer.status == 200
    item = answer.json()
    assert item["version"] == 1
    username, password, pin = item["fields"]
    assert (username["id"], username["type"]) == ("username", "STRING")
    assert (password["id"], password["type"], len(password["value"])) == ("password", "CONCEALED", 32)
    assert re.fullmatch(r"\d{6}", pin["value"])
    assert not {"generate", "recipe"} & pin.keys()
    assert fake.get(f"{prod}/items/{item['id']}", token="agent").json() == item
    assert versions(fake, prod) == (before[0] + 1, before[1], before[2] + 1)


@pytest.mark.parametrize(
    "change",
    [
        {"category": "NONSENSE"},
        {"category": None},
        {"vault": {"id": "b" * 26}},
        {"title": 3},
        {"fields": {}},
        {"fields": [{"value": 7}]},
        {"fields": [{"generate": True, "recipe": {"length": 65}}]},
        {"fields": [{"generate": True, "recipe": {"characterSets": ["RUNES"]}}]},
        {"tags": [1]},
        {"urls": [{}]},
    ],
)
def test_refuses_wrong_items(fake, prod, change):
    before = versions(fake, prod)
    body = {"title": "x", "category": "LOGIN", "vault": {"id": prod.rsplit("/", 1)[1]}} | change
    answer = fake.request("POST", f"{prod}/items", token="agent", body=body)
    assert (answer.status, answer.json()["status"]) == (400, 400)
    assert versions(fake, prod) == before


def test_replaces_items(fake, prod):
    path = item_path(fake, prod, "files")
    item = fake.get(path, token="agent").json()
    body = item | {"title": "renamed", "version": 99, "id": "c" * 26, "files": []}
    body["fields"] = [{"label": "only", "type": "TOTP", "value": "otpauth://totp/x?secret=AAAA"}]
    before = versions(fake, prod)
    after = fake.request("PUT", path, token="agent", body=body).json()
    assert (after["title"], after["id"], after["version"]) == ("renamed", item["id"], 2)
    assert after["files"] == item["files"]
    assert after["fields"][0]["type"] == "OTP"
    assert versions(fake, prod)[0] == before[0] + 1


def patch(fake, path, *operations):
    return fake.request("PATCH", path, token="agent", body=list(operations))


def test_patches_items(fake, prod):
    path = item_path(fake, prod, "db")
    item = fake.get(path, token="agent").json()
    username, password = item["fields"][0]["id"], item["fields"][1]["id"]
    answer = patch(
        fake,
        path,
        {"op": "replace", "path": "/title", "value": "renamed"},
        {"op": "replace", "path": "/favorite", "value": True},
        {"op": "remove", "path": "/tags/1"},
        {"op": "add", "path": "/tags/-", "value": "green"},
        {"op": "add", "path": "/fields", "value": {"label": "New", "type": "string", "value": "v"}},
        {"op": "replace", "path": f"/fields/{password}/value", "value": "rotated"},
        {"op": "remove", "path": f"/fields/{username}"},
        {"op": "replace", "path": "/fields/0/label", "value": "passphrase"},
        {"op": "add", "path": "/version", "value": 1000},
    )
    assert answer.status == 200
    after = answer.json()
    assert (after["title"], after["favorite"], after["tags"]) == ("renamed", True, ["application", "green"])
    assert after["version"] == item["version"] + 1
    assert [f.get("label") for f in after["fields"]] == ["passphrase", "admin password", "New"]
    assert after["fields"][0]["value"] == "rotated"
    assert after["fields"][2]["type"] == "STRING"
    replaced = patch(fake, path, {"op": "replace", "path": f"/fields/{password}", "value": {"value": "z"}})
    assert replaced.json()["fields"][0] == {"id": password, "value": "z", "type": "STRING"}
    whole = patch(fake, path, {"op": "replace", "path": "/", "value": {"title": "t", "category": "LOGIN"}})
    assert (whole.json()["title"], whole.json()["fields"]) == ("t", [])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "move", "path": "/title", "from": "/tags"},
        {"op": "replace", "path": "/fields/nothere/value", "value": "x"},
        {"op": "remove", "path": "/nothing"},
        {"op": "remove", "path": "/"},
        {"op": "replace", "path": "/title"},
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "/category", "value": "NONSENSE"},
        {"op": "replace", "path": "/title/x", "value": "x"},
        {"op": "add", "path": "/tags/77", "value": "x"},
        "text",
    ],
)
def test_a_wrong_patch_changes_nothing(fake, prod, operation):
    path = item_path(fake, prod, "db")
    before = fake.get(path, token="agent").json()
    good = {"op": "replace", "path": "/title", "value": "never"}
    assert patch(fake, path, good, operation).status == 400
    assert fake.get(path, token="agent").json() == before


def test_an_empty_patch_leaves_the_version(fake, prod):
    path = item_path(fake, prod, "db")
    assert patch(fake, path).json()["version"] == 1


def test_deletes_items(fake, prod):
    path = item_path(fake, prod, "db")
    answer = fake.request("DELETE", path, token="agent")
    assert (answer.status, answer.body) == (204, b"")
    assert fake.get(path, token="agent").status == 404
    assert fake.request("DELETE", path, token="agent").status == 404


def test_refuses_bodies_without_end(fake, prod):
    body = b'"' + b"x" * (16 << 20) + b'"'
    assert fake.request("POST", f"{prod}/items", token="agent", body=body).status == 413
    assert fake.request("POST", f"{prod}/items", token="agent", body=b"[" * 100000).status == 400


def test_control_changes_are_seen_by_clients(fake, prod):
    path = item_path(fake, prod, "db")
    before = versions(fake, prod)
    told = fake.set_field("prod", "db", "password", "rotated-not-a-secret")
    assert told == {"contentVersion": before[0] + 1, "attributeVersion": before[1], "version": 2}
    item = fake.get(path, token="agent").json()
    assert (field(item, "password")["value"], item["version"]) == ("rotated-not-a-secret", 2)
    fake.set_file("prod", "files", "bytes", b"\xff\x00new")
    files = fake.get(item_path(fake, prod, "files"), token="agent").json()["files"]
    assert files[2]["size"] == 5
    assert fake.get(files[2]["content_path"], token="agent").body == b"\xff\x00new"
    fake.set_vault("prod", description="Other")
    assert versions(fake, prod)[1] == before[1] + 1
    fake.delete_item("prod", "db")
    assert fake.get(path, token="agent").status == 404
    with pytest.raises(RuntimeError, match="404"):
        fake.set_field("prod", "odd", "no such", "x")
    fake.set_field("prod", "odd", "lost", "Zoë, ☃, 😀")
    for wrong in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x98", b"\0"):
        with pytest.raises(RuntimeError, match="400"):
            fake.set_field("prod", "odd", "lost", wrong)


def test_reset_goes_back_to_the_fixture_and_keeps_credentials(fake, prod):
    credential = fake.token("agent")
    fake.delete_item("prod", "db")
    fake.fault({"status": 500})
    fake.revoke("agent")
    fake.reset()
    assert fake.counters()["total"] == 0
    assert fake.faults() == []
    assert fake.token("agent") == credential
    assert fake.get(prod, token="agent").json()["items"] == 5
    fake.fixture.write_text("vaults: [{}]")
    with pytest.raises(RuntimeError, match="fixture.yaml:1:10"):
        fake.reset()
    assert fake.get(prod, token="agent").status == 200


# Log and counters.


def test_counts_by_endpoint_and_status(fake, prod):
    path = item_path(fake, prod, "files")
    (file_path, *_) = [f["content_path"] for f in fake.get(path, token="agent").json()["files"]]
    for asked in ("/v1/vaults", prod, f"{prod}/items", f"{path}/files", file_path, "/health", "/x"):
        fake.get(asked, token="agent")
    counters = fake.counters()
    wanted = {n: 1 for n in ("vaults", "vault", "items", "item", "files", "file", "health", "other")}
    assert wanted.items() <= counters.items()
    assert (counters["total"], counters["answered"], counters["connections"]) == (8, 8, 8)
    assert counters["by_status"] == {"200": 7, "404": 1}
    assert counters["in_flight"] == 0
    fake.reset_log()
    assert fake.counters()["total"] == 0
    assert fake.requests() == []


def test_logs_requests_without_the_token(fake, prod):
    token = fake.token("agent")
    headers = {"User-Agent": "test/1", "Authorization": f"Bearer {token}"}
    fake.get(f"{prod}/items?filter=title%20eq%20%22db%22", headers=headers)
    fake.get("/v1/vaults", headers={"Authorization": "Bearer wrong"})
    fake.revoke("agent")
    fake.get("/v1/vaults", token="agent")
    first, second, third = fake.requests()
    assert first["method"] == "GET" and first["path"] == f"{prod}/items"
    assert first["query"] == "filter=title%20eq%20%22db%22"
    assert (first["endpoint"], first["status"], first["token"]) == ("items", 200, "agent")
    assert first["user_agent"] == "test/1" and first["bytes"] > 100
    assert (second["status"], second["token"]) == (401, None)
    assert (third["status"], third["token"]) == (401, "agent")
    assert first["sequence"] < second["sequence"] < third["sequence"]
    lines = [json.loads(line) for line in fake.log.read_text().splitlines()]
    assert lines[-3:] == [first, second, third]
    secret = claims(token)["1password.com/token"]
    assert token not in fake.log.read_text() and secret not in fake.log.read_text()


def test_tells_connections_apart(fake, prod):
    connection = fake.connect()
    for _ in range(3):
        connection.request("GET", "/heartbeat")
        connection.getresponse().read()
    fake.get("/heartbeat")
    connection.close()
    assert fake.counters()["connections"] == 2
    first, second, third, other = (r["connection"] for r in fake.requests())
    assert first == second == third != other


def test_counts_requests_in_flight(fake, prod):
    fake.fault({"hang": True}, match={"path": "/heartbeat"})
    connections = [fake.connect() for _ in range(5)]
    for connection in connections:
        connection.request("GET", "/heartbeat")
    fake.wait_for("in_flight", 5)
    counters = fake.wait_for("answered", 5)
    assert (counters["max_in_flight"], counters["by_status"]) == (5, {"0": 5})
    for connection in connections:
        connection.close()


def test_requests_one_after_the_other_never_overlap(fake, prod):
    for _ in range(50):
        fake.get("/heartbeat")
    assert fake.counters()["max_in_flight"] == 1


def test_waiting_for_a_counter_ends_in_time(fake, prod):
    with pytest.raises(RuntimeError, match="408"):
        fake.wait_for("item", 1, timeout=0.05)
    threads = [threading.Thread(target=fake.get, args=("/heartbeat",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert fake.wait_for("health", 3)["health"] == 3
    for thread in threads:
        thread.join()


# Faults.


def test_status_faults_apply_in_order_and_by_count(fake, prod):
    fake.fault({"status": 503, "headers": {"Retry-After": "7"}}, match={"endpoint": "vault"}, after=1, times=1)
    fake.fault({"status": 418, "body": "teapot", "content_type": "text/x"}, match={"path": prod}, times=2)
    answers = [fake.get(prod, token="agent") for _ in range(5)]
    assert [a.status for a in answers] == [418, 503, 418, 200, 200]
    assert answers[0].body == b"teapot"
    assert answers[0].headers["Content-Type"] == "text/x"
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].json() == error(503, "Service Unavailable")
    assert [(r["seen"], r["applied"]) for r in fake.faults()] == [(5, 1), (4, 2)]
    logged = fake.requests()
    assert [r["fault_id"] for r in logged] == [2, 1, 2, 0, 0]
    assert logged[1]["fault"] == "status,headers"


def test_faults_match_method_endpoint_path_and_token(fake, prod):
    fake.fault({"status": 500}, match={"token": "narrow", "method": "GET", "path": prod, "endpoint": "items"})
    assert fake.get(f"{prod}/items", token="narrow").status == 500
    assert fake.get(f"{prod}/items", token="agent").status == 200
    assert fake.get(prod, token="narrow").status == 200
    assert fake.request("POST", f"{prod}/items", token="narrow", body={}).status == 400


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": {}},
        {"fault": {"unknown": 1}},
        {"fault": {"status": 500, "reset": True}},
        {"fault": {"status": 42}},
        {"fault": {"latency_ms": -1}},
        {"fault": {"drip_bytes": 1}},
        {"fault": {"reset": False}},
        {"fault": {"hang": True}, "match": {"endpoint": "nothing"}},
        {"fault": {"hang": True}, "match": {"pth": "x"}},
        {"fault": {"hang": True}, "times": "x"},
    ],
)
def test_refuses_wrong_fault_rules(fake, rule):
    with pytest.raises(RuntimeError, match="400"):
        fake.control("POST", "faults", rule)
    assert fake.faults() == []


def raw_exchange(fake, path="/heartbeat", **headers):
    """Sends a request over a bare socket and gives all that comes back until the end."""
    with socket.create_connection(("127.0.0.1", fake.port), timeout=30) as client:
        lines = [f"GET {path} HTTP/1.1", "Host: fake"] + [f"{k}: {v}" for k, v in headers.items()]
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        received = b""
        while chunk := client.recv(65536):
            received += chunk
        return received


def test_reset_sends_rst_before_any_byte(fake, prod):
    fake.fault({"reset": True})
    with pytest.raises(ConnectionResetError):
        raw_exchange(fake)
    assert fake.requests()[0]["fault"] == "reset"


def test_close_sends_fin_before_any_byte(fake, prod):
    fake.fault({"close": True})
    assert raw_exchange(fake) == b""
    assert fake.requests()[0]["status"] == 0


def test_truncate_promises_the_whole_body(fake, prod):
    whole = fake.get(prod, token="agent")
    authorization = {"Authorization": f"Bearer {fake.token('agent')}"}
    for n in (0, 10):
        fake.clear_faults()
        fake.fault({"truncate": n})
        head, body = raw_exchange(fake, prod, **authorization).split(b"\r\n\r\n")
        assert f"Content-Length: {len(whole.body)}".encode() in head
        assert body == whole.body[:n]
    assert fake.requests()[-1]["bytes"] == 10


def test_garbage_html_and_empty_bodies(fake, prod):
    fake.fault({"garbage": True}, times=1)
    fake.fault({"html": True}, times=1)
    fake.fault({"empty": True}, times=1)
    garbage, html, empty = (fake.get(prod, token="agent") for _ in range(3))
    assert (garbage.status, garbage.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError):
        garbage.json()
    assert html.status == 200 and html.headers["Content-Type"].startswith("text/html")
    assert html.body.startswith(b"<!DOCTYPE html>")
    assert (empty.status, empty.body) == (200, b"")


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])


def test_a_huge_body_is_streamed(fake, prod):
    true = fake.get(prod, token="agent").json()
    size = 64 << 20
    before = resident_kb(fake.pid)
    fake.fault({"size": size})
    answer = fake.get(prod, token="agent")
    assert len(answer.body) == size
    assert json.loads(answer.body.rstrip(b" ")) == true
    assert resident_kb(fake.pid) - before < 16 * 1024


def test_deep_and_replaced_bodies(fake, prod):
    fake.fault({"depth": 5000}, times=1)
    fake.fault({"replace": {"a": [1]}}, times=1)
    fake.fault({"replace": "not json"}, times=1)
    deep, replaced, text = (fake.get(prod, token="agent") for _ in range(3))
    assert deep.body == b"[" * 5000 + b"]" * 5000
    assert replaced.json() == {"a": [1]}
    assert (text.status, text.body) == (200, b"not json")


def test_bodies_can_come_without_a_length(fake, prod):
    whole = fake.get(prod, token="agent").body
    fake.fault({"chunked": True}, times=1)
    fake.fault({"chunked": True, "size": 100000}, times=1)
    plain, padded = (fake.get(prod, token="agent") for _ in range(2))
    assert "Content-Length" not in plain.headers
    assert plain.body == whole
    assert len(padded.body) == 100000


def test_drip_sends_the_true_body_slowly(fake, prod):
    whole = fake.get(prod, token="agent").body
    fake.fault({"drip_ms": 5, "drip_bytes": 20})
    begun = time.monotonic()
    assert fake.get(prod, token="agent").body == whole
    assert time.monotonic() - begun >= 0.005 * (len(whole) // 20 - 1)


def test_a_slow_answer_holds_up_no_other(fake, prod):
    fake.fault({"hang": True}, match={"path": "/health"})
    connection = fake.connect()
    connection.request("GET", "/health")
    fake.wait_for("answered", 1)
    assert fake.get("/heartbeat").status == 200
    connection.close()


def test_latency_comes_before_the_answer_and_the_change(fake, prod):
    path = item_path(fake, prod, "db")
    fake.fault({"latency_ms": 150, "status": 503}, match={"method": "DELETE"})
    begun = time.monotonic()
    assert fake.request("DELETE", path, token="agent").status == 503
    assert time.monotonic() - begun >= 0.15
    assert fake.get(path, token="agent").status == 200


def test_a_request_whose_client_left_is_not_carried_out(fake, prod):
    path = item_path(fake, prod, "db")
    fake.fault({"latency_ms": 60000}, match={"method": "DELETE"})
    connection = fake.connect()
    connection.request("DELETE", path, headers={"Authorization": f"Bearer {fake.token('agent')}"})
    fake.wait_for("item", 1)
    connection.close()
    fake.wait_for("answered", 1)
    assert fake.requests()[0]["status"] == 0
    assert fake.get(path, token="agent").status == 200


def test_not_synced_is_404_or_an_empty_list(fake, prod):
    path = item_path(fake, prod, "files")
    fake.fault({"not_synced": True})
    for asked in ("/v1/vaults", f"{prod}/items", f"{path}/files"):
        assert fake.get(asked, token="agent").json() == []
    for asked in (prod, path, f"{path}/files/x"):
        answer = fake.get(asked, token="agent")
        assert answer.status == 404 and answer.json()["message"].endswith(" not found")


def test_no_keepalive_closes_after_the_answer(fake, prod):
    fake.fault({"no_keepalive": True})
    received = raw_exchange(fake)
    assert b"connection: close" in received.lower() and received.endswith(b".")


def test_a_fault_keeps_a_write_from_happening(fake, prod):
    path = item_path(fake, prod, "db")
    fake.fault({"status": 500}, times=1)
    assert fake.request("DELETE", path, token="agent").status == 500
    assert fake.get(path, token="agent").status == 200


# TLS and options.


def test_serves_tls_under_its_names(tmp_path):
    options = ["--tls-name", "connect.example", "--tls-name", "127.0.0.2"]
    with FakeConnect(FIXTURE, tmp_path, tls=True, options=options) as fake:
        assert fake.url.startswith("https://")
        assert fake.get("/v1/vaults", token="agent").status == 200
        assert (tmp_path / "tls/server.key").stat().st_mode & 0o777 == 0o600
        context = ssl.create_default_context(cafile=str(fake.ca))
        for name in ("localhost", "127.0.0.1", "::1", "connect.example", "127.0.0.2"):
            with socket.create_connection(("127.0.0.1", fake.port)) as plain:
                context.wrap_socket(plain, server_hostname=name).close()
        with socket.create_connection(("127.0.0.1", fake.port)) as plain:
            with pytest.raises(ssl.SSLCertVerificationError):
                context.wrap_socket(plain, server_hostname="other.example")
        with socket.create_connection(("127.0.0.1", fake.port)) as plain:
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_faults_work_under_tls(tmp_path):
    with FakeConnect(FIXTURE, tmp_path, tls=True) as fake:
        fake.fault({"reset": True}, times=1)
        fake.fault({"close": True}, times=1)
        fake.fault({"truncate": 1}, match={"path": "/health"}, times=1)
        with pytest.raises(ConnectionResetError):
            fake.get("/heartbeat")
        with pytest.raises(Exception, match="closed|EOF|reset"):
            fake.get("/heartbeat")
        with pytest.raises(Exception, match="IncompleteRead|EOF|length"):
            fake.get("/health")
        assert fake.get("/heartbeat").status == 200


def test_demands_a_client_certificate(tmp_path):
    with FakeConnect(FIXTURE, tmp_path, client_certificate=True) as fake:
        assert fake.get("/heartbeat").status == 200
        context = ssl.create_default_context(cafile=str(fake.ca))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with socket.create_connection(("127.0.0.1", fake.port), timeout=30) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as client:
                    client.sendall(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")
                    if client.recv(1) == b"":
                        raise ConnectionError("closed")


def test_options_change_what_is_shown(tmp_path):
    options = ["--terse-vaults", "--spec-types", "--version-header", "", "--path-prefix", "/connect"]
    with FakeConnect(FIXTURE, tmp_path, options=options) as fake:
        assert fake.get("/v1/vaults", token="agent").status == 404
        listed = fake.get("/connect/v1/vaults", token="agent")
        assert "1Password-Connect-Version" not in listed.headers
        assert all(v.keys() == {"id", "name"} for v in listed.json())
        items = fake.get(f"/connect/v1/vaults/{listed.json()[0]['id']}/items", token="agent").json()
        (codes,) = [i for i in items if i["title"] == "codes"]
        path = f"/connect/v1/vaults/{codes['vault']['id']}/items/{codes['id']}"
        types = {f["type"] for f in fake.get(path, token="agent").json()["fields"]}
        assert types == {"TOTP"}
