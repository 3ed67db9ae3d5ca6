"""The fake Connect server answers as 1Password's published OpenAPI file says.

Every request goes through `prism proxy --errors`, which refuses requests and answers that violate
the file. Needs the npm package @stoplight/prism-cli (PRISM, or prism in PATH) and the file
(CONNECT_OPENAPI, or shared/ beside the project).
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

from fake import Answer, FakeConnect, free_port

PROJECT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "tests/data/sample-vault.yaml"
START_SECONDS = 120


def find_prism():
    prism = os.environ.get("PRISM") or shutil.which("prism")
    if not prism:
        pytest.skip("prism (npm @stoplight/prism-cli) is neither named by PRISM nor in PATH")
    return prism


def find_specification():
    beside = PROJECT.parent / "shared/data/connect-openapi-1.7.1.yaml"
    path = pathlib.Path(os.environ.get("CONNECT_OPENAPI", beside))
    if not path.exists():
        pytest.skip(f"the OpenAPI file is neither named by CONNECT_OPENAPI nor at {beside}")
    return path


def corrected(specification, directory):
    """A copy without the demand that ids in the paths of files are UUIDs: they never are, and the
    other paths of the same file want 26 letters and digits."""
    text, count = re.subn(
        r"(schema:\n +type: string\n) +format: uuid\n", r"\1", specification.read_text("utf-8")
    )
    assert count > 0
    path = directory / "openapi.yaml"
    path.write_text(text, "utf-8")
    return path


class Proxy:
    """prism between the test and the server."""

    def __init__(self, specification, upstream):
        self.port = free_port()
        self._reader = None
        command = [find_prism(), "proxy", str(specification), upstream, "--errors"]
        self._process = subprocess.Popen(
            command + ["-h", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # It watches its file, and dies of it after it has begun to listen when other tests have all of the
            # user's inotify instances.
            env={**os.environ, "CHOKIDAR_USEPOLLING": "1"},
        )
        self._timer = threading.Timer(START_SECONDS, self._process.kill)
        self._timer.start()
        self._said = []
        for line in self._process.stdout:
            self._said.append(line)
            if "is listening" in line:
                break
        else:
            self.stop()
            raise RuntimeError(f"prism does not start: {''.join(self._said)}")
        self._timer.cancel()
        self._reader = threading.Thread(target=lambda: self._said.extend(self._process.stdout))
        self._reader.start()

    def stop(self):
        self._timer.cancel()
        self._process.kill()
        self._process.wait()
        if self._reader:
            self._reader.join()
        self._process.stdout.close()

    def request(self, method, path, token=None, body=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps(body) if body is not None else None
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except OSError as error:
            self.stop()
            raise RuntimeError(f"prism does not answer {method} {path}: {''.join(self._said[-20:])}") from error
        finally:
            connection.close()

    def expect(self, status, method, path, **arguments):
        """The answer, which has the status and violates nothing."""
        answer = self.request(method, path, **arguments)
        assert b"stoplight.io/prism/errors" not in answer.body, (method, path, answer.body)
        assert "sl-violations" not in answer.headers, (method, path)
        assert answer.status == status, (method, path, answer)
        return answer


@pytest.fixture(name="specification", scope="module")
def fixture_specification(tmp_path_factory):
    find_prism()
    return corrected(find_specification(), tmp_path_factory.mktemp("openapi"))


@pytest.fixture(name="fake", scope="module")
def fixture_fake(specification, tmp_path_factory):
    with FakeConnect(SAMPLE, tmp_path_factory.mktemp("fake"), options=["--spec-types"]) as fake:
        yield fake


@pytest.fixture(name="proxy", scope="module")
def fixture_proxy(specification, fake):
    proxy = Proxy(specification, f"{fake.url}/v1")
    yield proxy
    proxy.stop()


def test_reads_conform(fake, proxy):
    token = fake.token("agent")
    for vault in proxy.expect(200, "GET", "/vaults", token=token).json():
        path = f"/vaults/{vault['id']}"
        proxy.expect(200, "GET", path, token=token)
        items = proxy.expect(200, "GET", f"{path}/items", token=token).json()
        assert items
        for item in items:
            proxy.expect(200, "GET", f"{path}/items/{item['id']}", token=token)
            files = f"{path}/items/{item['id']}/files"
            for file in proxy.expect(200, "GET", files, token=token).json():
                inline = proxy.expect(200, "GET", f"{files}/{file['id']}?inline_files=true", token=token)
                assert inline.json()["content"]
                proxy.expect(200, "GET", f"{files}/{file['id']}/content", token=token)
    proxy.expect(200, "GET", "/vaults?filter=name%20eq%20%22prod%22", token=token)
    proxy.expect(200, "GET", "/activity?limit=100", token=token)


def test_writes_conform(fake, proxy):
    token = fake.token("agent")
    vault = fake.vault_id("prod", "agent")
    items = f"/vaults/{vault}/items"
    body = {
        "title": "made by the test",
        "category": "LOGIN",
        "vault": {"id": vault},
        "tags": ["one", "two"],
        "urls": [{"primary": True, "href": "https://example.com"}],
        "sections": [{"id": "s", "label": "Section"}],
        "fields": [
            {"id": "username", "type": "STRING", "purpose": "USERNAME", "value": "example"},
            {"id": "p", "type": "CONCEALED", "purpose": "PASSWORD", "generate": True,
             "recipe": {"length": 20, "characterSets": ["LETTERS", "DIGITS"], "excludeCharacters": "ab"}},
            {"id": "o", "type": "TOTP", "section": {"id": "s"}, "value": "otpauth://totp/x?secret=AAAA"},
        ],
    }
    item = proxy.expect(200, "POST", items, token=token, body=body).json()
    path = f"{items}/{item['id']}"
    assert proxy.expect(200, "GET", path, token=token).json()["title"] == "made by the test"
    # The file's schema wants objects as values, though its own examples have others.
    operations = [
        {"op": "remove", "path": "/tags/1"},
        {"op": "add", "path": "/fields", "value": {"label": "New", "type": "string", "value": "v"}},
        {"op": "replace", "path": "/fields/p", "value": {"label": "pass", "value": "w"}},
        {"op": "remove", "path": "/fields/o"},
    ]
    patched = proxy.expect(200, "PATCH", path, token=token, body=operations).json()
    assert patched["version"] == 2
    body = {k: v for k, v in patched.items() if k not in ("createdAt", "updatedAt", "lastEditedBy")}
    assert proxy.expect(200, "PUT", path, token=token, body=body).json()["version"] == 3
    proxy.expect(204, "DELETE", path, token=token)
    proxy.expect(404, "GET", path, token=token)


def test_errors_conform(fake, proxy):
    token = fake.token("prod-only")
    shared = fake.vault_id("shared", "agent")
    prod = fake.vault_id("prod", "agent")
    unknown = "a" * 26
    proxy.expect(401, "GET", "/vaults", token="wrong")
    proxy.expect(401, "GET", "/activity", token="wrong")
    proxy.expect(403, "GET", f"/vaults/{shared}", token=token)
    proxy.expect(404, "GET", f"/vaults/{unknown}", token=token)
    proxy.expect(404, "GET", f"/vaults/{prod}/items/{unknown}", token=token)
    proxy.expect(404, "GET", f"/vaults/{prod}/items/{unknown}/files", token=token)
    body = {"category": "LOGIN", "vault": {"id": shared}}
    proxy.expect(403, "POST", f"/vaults/{shared}/items", token=token, body=body)
    proxy.expect(400, "POST", f"/vaults/{prod}/items", token=token, body=body)


def test_the_health_family_conforms(fake, specification):
    proxy = Proxy(specification, fake.url)
    try:
        assert proxy.expect(200, "GET", "/heartbeat").body == b"."
        proxy.expect(200, "GET", "/health")
        proxy.expect(200, "GET", "/metrics")
    finally:
        proxy.stop()


def test_a_violation_would_be_seen(fake, proxy):
    fault = fake.fault({"replace": [{"id": 7}]})
    try:
        answer = proxy.request("GET", "/vaults", token=fake.token("agent"))
    finally:
        fake.clear_faults(fault)
    assert answer.status == 500
    assert b"VIOLATIONS" in answer.body
