"""Starts and drives the fake Connect server (tests/fake) in tests.

    with FakeConnect(fixture, directory, tls=True) as fake:
        run_the_agent(fake.url, fake.ca, fake.token_path("agent"))
        fake.wait_for("item", 1)
        assert fake.counters()["item"] == 1

The binary is named by the environment variable FAKE_CONNECT. Only the standard library is needed.
"""

import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

START_SECONDS = 30
STOP_SECONDS = 30


class Answer:
    """What a server said: status, headers (case-insensitive), and the bytes of the body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def binary():
    """The path of the fake's binary."""
    path = os.environ.get("FAKE_CONNECT")
    if not path:
        raise RuntimeError("FAKE_CONNECT does not name the fake-connect binary")
    return path


class FakeConnect:
    """One running server. `fixture` is YAML text, or the path of a file."""

    def __init__(self, fixture, directory, *, tls=False, client_certificate=False, options=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        if isinstance(fixture, pathlib.Path):
            self.fixture = fixture
        else:
            self.fixture = self.directory / "fixture.yaml"
            self.fixture.write_text(fixture, encoding="utf-8")
        self.tokens = self.directory / "tokens"
        self.tokens.mkdir(mode=0o700, exist_ok=True)
        self.log = self.directory / "requests.jsonl"
        self.stderr = self.directory / "stderr"
        self._tls = self.directory / "tls" if tls or client_certificate else None
        self._client_certificate = client_certificate
        self._process = None
        self._options = list(options)
        # Held also while the server is stopped: nobody else gets the port, and nobody answers on it.
        self._held = None if "--listen" in self._options else hold_port()
        self._start(self._options)

    # Life.

    def _start(self, options):
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        command = [binary(), "--fixture", str(self.fixture), "--port-file", str(port_file)]
        command += ["--token-directory", str(self.tokens), "--log", str(self.log)]
        if self._held:
            command += ["--listen", f"127.0.0.1:{self._held.getsockname()[1]}"]
        if self._tls is not None:
            self._tls.mkdir(exist_ok=True)
            command += ["--tls-directory", str(self._tls)]
        if self._client_certificate:
            command += ["--tls-client-ca", str(self.ca)]
        with open(self.stderr, "wb") as stderr:
            self._process = subprocess.Popen(
                command + options, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
            )
        try:
            self.port = self._wait_for_port(port_file)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _wait_for_port(self, port_file):
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if self._process.poll() is not None:
                raise RuntimeError(f"fake-connect ended: {self.stderr.read_text()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"fake-connect does not serve after {START_SECONDS} s")
            time.sleep(0.01)
        return int(port_file.read_text())

    def stop(self):
        """Ends the server. An exit status other than 0, such as a sanitizer's, is an error."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        if status != 0:
            raise RuntimeError(f"fake-connect ended with {status}: {self.stderr.read_text()}")

    def restart(self):
        """Starts again after stop(), on the same port, from the fixture, with the same tokens. With
        TLS there is a new CA."""
        self._start([o for o in self._options if o != "--keep-tokens"] + ["--keep-tokens"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self._process.pid

    # What clients need.

    @property
    def url(self):
        """The base URL, without a path."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca(self):
        """The CA file of a server with TLS, else None."""
        return self._tls / "ca.pem" if self._tls else None

    @property
    def client_certificate(self):
        """The files of the certificate and the key that a server with TLS accepts of a client."""
        return (self._tls / "client.pem", self._tls / "client.key") if self._tls else None

    def token_path(self, name):
        """The file that holds the newest credential of the fixture's token."""
        return self.tokens / name

    def token(self, name):
        return self.token_path(name).read_text()

    # A small HTTP client, each request on a connection of its own.

    def connect(self, timeout=60):
        """A new http.client connection to the server."""
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        context = ssl.create_default_context(cafile=str(self.ca))
        if self._client_certificate:
            context.load_cert_chain(*map(str, self.client_certificate))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)

    def request(self, method, path, *, token=None, body=None, headers=None, timeout=60):
        """Sends one request; `token` is the name of a token, a `body` that is not bytes is JSON."""
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {self.token(token)}"
        if body is not None and not isinstance(body, bytes):
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(body).encode()
        connection = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, *, token=None, headers=None):
        return self.request("GET", path, token=token, headers=headers)

    # The control API.

    def control(self, method, path, body=None, timeout=60):
        """Calls /_fake/...; an answer that is not 2xx is an error. Gives the JSON, or None."""
        answer = self.request(method, "/_fake/" + path, body=body, timeout=timeout)
        if answer.status >= 300:
            raise RuntimeError(f"{method} /_fake/{path}: {answer!r}")
        return answer.json() if answer.body else None

    def counters(self):
        return self.control("GET", "counters")

    def wait_for(self, counter, count, timeout=30):
        """Waits until the counter (total, item, answered, in_flight, ...) has reached the count."""
        path = f"counters?wait={counter}&count={count}&timeout_ms={int(timeout * 1000)}"
        return self.control("GET", path, timeout=timeout + 30)

    def requests(self, endpoint=None):
        """The requests so far, as the log has them."""
        entries = self.control("GET", "requests")
        return [e for e in entries if endpoint is None or e["endpoint"] == endpoint]

    def reset_log(self):
        self.control("DELETE", "requests")

    def reset(self):
        """Back to the fixture's state: no faults, no log; the credentials stay good."""
        self.control("POST", "reset")

    def fault(self, fault, *, match=None, after=None, times=None):
        """Adds a fault rule and gives its id: fault({"status": 503}, match={"endpoint": "item"})."""
        rule = {"fault": fault}
        for name, value in (("match", match), ("after", after), ("times", times)):
            if value is not None:
                rule[name] = value
        return self.control("POST", "faults", rule)["id"]

    def faults(self):
        return self.control("GET", "faults")

    def clear_faults(self, fault_id=None):
        self.control("DELETE", "faults" if fault_id is None else f"faults/{fault_id}")

    def set_field(self, vault, item, field, value):
        """Gives the field (id or label) a new value; gives the versions after it."""
        value = value if isinstance(value, bytes) else value.encode()
        return self.control("PUT", f"{_item_path(vault, item)}/fields/{_quote(field)}", value)

    def set_file(self, vault, item, name, content):
        return self.control("PUT", f"{_item_path(vault, item)}/files/{_quote(name)}", content)

    def create_item(self, vault, title, fields):
        """A new item, of fields given as {label: value}; `vault` is a name."""
        token = self.tokens_known()[0]
        vault_id = self.vault_id(vault, token)
        body = {"title": title, "category": "LOGIN", "vault": {"id": vault_id},
                "fields": [{"label": label, "type": "STRING", "value": value} for label, value in fields.items()]}
        reply = self.request("POST", f"/v1/vaults/{vault_id}/items", token=token, body=body)
        assert reply.status == 200, reply

    def tokens_known(self):
        return sorted(path.name for path in self.tokens.iterdir())

    def delete_item(self, vault, item):
        return self.control("DELETE", _item_path(vault, item))

    def set_vault(self, vault, **attributes):
        """Changes name or description."""
        return self.control("PUT", f"vaults/{_quote(vault)}", attributes)

    def revoke(self, name):
        self.control("POST", f"tokens/{_quote(name)}/revoke")

    def expire(self, name):
        self.control("POST", f"tokens/{_quote(name)}/expire")

    def restore(self, name):
        self.control("POST", f"tokens/{_quote(name)}/restore")

    def rotate(self, name, revoke_old=False):
        """Writes a new credential to the token's file, and gives it."""
        self.control("POST", f"tokens/{_quote(name)}/rotate", {"revoke_old": revoke_old})
        return self.token(name)

    def grant(self, name, vaults):
        """The token may read these vaults (names or ids) and no others."""
        self.control("PUT", f"tokens/{_quote(name)}/vaults", list(vaults))

    # IDs.

    def vault_id(self, name, token):
        """The id of the vault with the name, asked as a client would (it counts as a request)."""
        return _only(v["id"] for v in self.get("/v1/vaults", token=token).json() if v["name"] == name)

    def item_id(self, vault_id, title, token):
        items = self.get(f"/v1/vaults/{vault_id}/items", token=token).json()
        return _only(i["id"] for i in items if i["title"] == title)


def hold_port():
    """A socket that holds a port of 127.0.0.1 and does not listen: whoever asks the kernel for any port gets another
    one, a connection is refused, and a server that is told the port may listen there (all do with SO_REUSEADDR)."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


_held = []


def free_port():
    """A port on which nothing listens; it is held until the test program ends."""
    _held.append(hold_port())
    return _held[-1].getsockname()[1]


def _quote(text):
    return urllib.parse.quote(text, safe="")


def _item_path(vault, item):
    return f"vaults/{_quote(vault)}/items/{_quote(item)}"


def _only(found):
    (one,) = list(found)
    return one
