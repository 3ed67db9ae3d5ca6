"""TLS: whom the agent trusts and how it shows who it is. Holds for each TLS library curl may have."""

import pathlib
import select
import socket
import threading

import pytest

import agent


@pytest.fixture(scope="module")
def strict():
    """A server that demands a client certificate."""
    with agent.Place(client_certificate=True) as place:
        place.certificate, place.key = place.fake.client_certificate
        (place.disk / "both").write_bytes(place.certificate.read_bytes() + place.key.read_bytes())
        (place.disk / "garbage").write_text("no PEM\n")
        (place.disk / "empty").write_text("")
        place.patience = agent.IMPATIENT  # most of these are turned away
        yield place


def show(place, certificate, key=None, **environment):
    return place.init(agent.TEMPLATE, CONNECT_AGENT_CLIENT_CERT_FILE=certificate, CONNECT_AGENT_CLIENT_KEY_FILE=key, **environment)


def test_a_client_certificate_with_its_key_is_accepted(strict):
    patient = {"CONNECT_AGENT_TIMEOUT": agent.Place.patience}
    assert show(strict, strict.certificate, strict.key, **patient).status == 0
    assert show(strict, strict.disk / "both", **patient).status == 0


@pytest.mark.parametrize("certificate, key", [
    ("client.pem", None),
    ("client.pem", "/nonexistent"),
    ("client.pem", "../../garbage"),
    ("../../garbage", "client.key"),
    ("/nonexistent", "client.key"),
])
def test_unusable_client_certificates_are_named(strict, certificate, key):
    folder = strict.certificate.parent
    result = show(strict, folder / certificate, key and folder / key)
    assert result.status == 69 and result.said("cannot use the client certificate.*connect.clientCertFile"), result


def test_a_missing_or_wrong_client_certificate_is_hinted_at(strict):
    for result in (strict.init(agent.TEMPLATE), show(strict, strict.certificate, strict.certificate.parent / "server.key")):
        assert result.status == 69 and result.said("client certificate"), result


@pytest.mark.parametrize("name", ["garbage", "empty", "."])
def test_unusable_ca_files_are_named(strict, name):
    result = strict.init(agent.TEMPLATE, CONNECT_AGENT_CA_FILE=strict.disk / name)
    assert result.status == 69 and result.said("cannot use the CA file.*connect.caFile"), result


def test_the_name_in_the_certificate_must_be_that_of_the_host():
    with agent.Place(tls=True, options=["--listen", "0.0.0.0:0"]) as place:
        assert place.init(agent.TEMPLATE).status == 0
        place.patience = agent.IMPATIENT
        result = place.init(agent.TEMPLATE, OP_CONNECT_HOST=place.fake.url.replace("127.0.0.1", "127.0.0.2"))
        assert result.status == 69 and result.said("cannot verify the certificate.*check the host name"), result


def test_the_systems_authorities_do_not_vouch_for_the_fake(strict):
    bundle = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        pytest.skip(f"no {bundle}")
    result = strict.init(agent.TEMPLATE, CONNECT_AGENT_CA_FILE=bundle)
    assert result.status == 69 and result.said("cannot verify the certificate"), result


def pump(a, b):
    while True:
        for readable in select.select([a, b], [], [])[0]:
            data = readable.recv(65536)
            if not data:
                return
            (b if readable is a else a).sendall(data)


def serve_tunnel(client, asked):
    """One connection to a proxy: CONNECT HOST:PORT, then bytes both ways."""
    with client:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(65536)
        asked.append(request)
        host, port = request.split()[1].decode().rsplit(":", 1)
        with socket.create_connection((host, int(port))) as server:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                pump(client, server)
            except OSError:
                pass  # either end may close as it likes


@pytest.fixture
def proxy():
    listener = socket.create_server(("127.0.0.1", 0))
    asked = []

    def serve():
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve_tunnel, args=(client, asked), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://name:word@127.0.0.1:{listener.getsockname()[1]}", asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_https_goes_through_a_proxy_that_sees_no_token(proxy):
    url, asked = proxy
    with agent.Place(tls=True) as place:
        result = place.init(agent.TEMPLATE, https_proxy=url)
        assert result.status == 0, result
        assert asked and all(a.startswith(b"CONNECT 127.0.0.1:%d " % place.fake.port) for a in asked)
        assert b"Proxy-Authorization: Basic " in asked[0] and b"Bearer" not in b"".join(asked)
        assert place.init(agent.TEMPLATE, https_proxy=url, no_proxy="127.0.0.1").status == 0
