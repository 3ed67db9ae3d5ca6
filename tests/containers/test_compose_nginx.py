"""deploy/compose/nginx: a certificate of 1Password's, and a new one without a connection lost."""

import signal
import socket
import ssl
import subprocess
import tempfile
import threading

import pytest

from stack import Stack, tree, until


@pytest.fixture(scope="module")
def stack(docker):
    with Stack(docker, "nginx") as made:
        made.up()
        yield made


def served(port):
    """The certificate of a whole exchange over TLS on a new connection, as PEM."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # compared with the one that was published
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        with context.wrap_socket(raw) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := connection.recv(4096):
                answer += part
            assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"hello over TLS\n"), answer
            return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True))


def make_certificate(name):
    """A new key and its certificate, as PEM."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", f"/CN={name}", "-days", "2", "-keyout", f"{place}/key", "-out", f"{place}/crt"],
                       check=True, capture_output=True)
        with open(f"{place}/key", encoding="ascii") as key, open(f"{place}/crt", encoding="ascii") as crt:
            return key.read(), crt.read()


class Client(threading.Thread):
    """Makes one connection after the other until it is stopped, and keeps what went wrong."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.done, self.failures, self.seen = port, threading.Event(), [], []

    def run(self):
        while not self.done.is_set():
            try:
                self.seen.append(served(self.port))
            except (OSError, AssertionError) as failure:
                self.failures.append(repr(failure))
            self.done.wait(0.005)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join(30)


def published(stack):
    return tree(stack.proc("pause") / "root/run/tls")


def rotate(stack, name):
    """Gives the item another certificate and key, in one write; gives the certificate."""
    key, certificate = make_certificate(name)
    stack.connect.patch("prod", "tls", {"private key": key, "certificate": certificate})
    return certificate


def test_the_published_certificate_is_served(stack):
    port = stack.port("nginx", 8443)
    certificate = until(lambda: tries(served, port))
    assert certificate.split() == published(stack)["server.crt"][3].decode().split()


def tries(function, *arguments):
    try:
        return function(*arguments)
    except OSError:
        return None


def test_the_volume_holds_what_the_template_declares_and_nothing_else(stack):
    found = published(stack)
    assert sorted(found) == ["server.crt", "server.key"]
    assert all(entry[:3] == ("0o400", 101, 101) for entry in found.values())


def test_containers_are_confined(stack):
    stack.assert_confined()


def test_no_connection_fails_while_certificates_rotate(stack):
    port = stack.port("nginx", 8443)
    with Client(port) as client:
        for name in ("first", "second", "third"):
            certificate = rotate(stack, name)
            until(lambda: client.seen and client.seen[-1].split() == certificate.split(), what=f"the {name} certificate")
    assert client.failures == []
    assert len({c.strip() for c in client.seen}) >= 4, "the old one and three new"
    assert len(stack.logs("agent").split('"message":"hook done"')) - 1 == 3


def test_nginx_keeps_serving_when_the_agent_is_killed_and_follows_when_it_is_back(stack):
    port = stack.port("nginx", 8443)
    killed = stack.container("agent")["State"]
    before = published(stack)
    with Client(port) as client:
        stack.docker.run("kill", "--signal", str(int(signal.SIGKILL)), stack.container("agent")["Id"])
        assert published(stack) == before
        certificate = rotate(stack, "while-it-was-dead")
        stack.up()  # Docker does not restart what was killed by hand
        until(lambda: client.seen and client.seen[-1].split() == certificate.split(), what="the new certificate")
    assert client.failures == []
    assert stack.container("agent")["State"]["StartedAt"] > killed["StartedAt"]


def test_a_certificate_that_nginx_refuses_does_not_stop_it(stack):
    port = stack.port("nginx", 8443)
    good = served(port)
    _, other = make_certificate("of-another-key")
    with Client(port) as client:
        stack.connect.patch("prod", "tls", {"certificate": other})
        stack.wait_said("nginx", "key values mismatch")
        assert served(port) == good
        certificate = rotate(stack, "right-again")
        until(lambda: client.seen[-1].split() == certificate.split(), what="the right certificate")
    assert client.failures == []


def test_nginx_started_anew_is_found_by_the_next_hook(stack):
    stack.compose("restart", "nginx")
    port = stack.port("nginx", 8443)
    until(lambda: tries(served, port))
    certificate = rotate(stack, "after-a-restart")
    until(lambda: served(port).split() == certificate.split(), what="the new certificate")
