"""The recipes of docs/cookbook, each published by the real agent and read by the program it is for. A file there
without a test here, and one that its README does not name, is a failure."""

import base64
import contextlib
import glob
import http.client
import http.server
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import ssl
import stat
import subprocess
import tempfile
import threading
import time

import pytest

import agent
import fake as fake_connect
import test_env_dialects

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (python3-yaml)")
structured = pytest.importorskip("test_structured")

COOKBOOK = pathlib.Path(__file__).resolve().parents[2] / "docs" / "cookbook"
README = (COOKBOOK / "README.md").read_text()
FILES = sorted(COOKBOOK.glob("*.yaml"))
MODELINE = "# yaml-language-server: $schema=../template.schema.json\n"

# Hostile on purpose: what ends the password or the host of a URL, what quoting has to carry, beyond ASCII.
PASSWORD = "canary-value-@:/?#%&+ '\"\\$HOME`x`={}é"
USER = "canary-value-user@example.com"
SECONDS = 60  # for anything that is waited for

go_reader = test_env_dialects.go_reader


def need(tool):
    """The path of the tool, or a skipped test."""
    path = shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


def wait_until(ready, what, process=None):
    """Waits for ready() to be true and gives it; an end of the process is an error at once."""
    deadline = time.monotonic() + SECONDS
    while not (found := ready()):
        assert process is None or process.poll() is None, f"ended with {process.returncode} before: {what}"
        assert time.monotonic() < deadline, f"not in {SECONDS} s: {what}"
        time.sleep(0.02)
    return found


def swap(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def field(label, value):
    return f"{{label: {label}, value: {agent.flow_yaml(value)}}}"


def item(title, *fields, files=()):
    lines = [f"      - title: {title}", f"        fields: [{', '.join(fields)}]"]
    if files:
        lines.append(f"        files: [{', '.join(f'{{name: {name}, text: canary-value-none}}' for name in files)}]")
    return "\n".join(lines)


def fixture(*items):
    return "\n".join(["tokens: [{name: agent}]", "vaults:", "  - name: prod", "    items:", *items, ""])


def database(password=PASSWORD, port=5432):
    return item("db", field("username", USER), field("password", password), field("server", "127.0.0.1"),
                field("port", str(port)), field("database", "app"))


def recipe(name):
    return (COOKBOOK / f"{name}.yaml").read_text()


def publish(place, name, text=None):
    """Publishes a recipe for real, with the test's directory in place of its own."""
    text = text or recipe(name)
    (directory,) = re.findall(r"^  - directory: (/run/secrets/[a-z]+)$", text, re.M)
    result = place.init(text.replace(directory, str(place.directory)))
    assert result.status == 0, result
    for content in place.names().values():  # keys and keystores, which have no canary
        for line in content.decode("latin-1").splitlines():
            assert len(line) < 60 or line not in result.out + result.err, "a line of a secret leaked"
    return place


@pytest.fixture
def start():
    """Starts processes, and ends each by its own id."""
    with contextlib.ExitStack() as stack:
        def run(command, end=signal.SIGTERM, **options):
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
            stack.callback(stop, process, end)
            return process
        yield run


def stop(process, end):
    if process.poll() is None:
        process.send_signal(end)
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


# All of them.


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_recipe_has_a_test_and_is_in_the_readme(path):
    promised = f"test_{path.stem.replace('-', '_')}_"
    assert any(name.startswith(promised) for name in globals()), f"no {promised}…"
    assert f"]({path.name})" in README
    text = path.read_text()
    assert text.startswith(MODELINE + "# "), "the schema, then what it is for"
    assert "connect:" not in text, "the server comes from the environment"


def test_the_readme_names_only_recipes_that_are_there():
    named = set(re.findall(r"\]\(([\w-]+\.yaml)\)", README))
    assert named == {path.name for path in FILES}
    headings = {re.sub(r"[^\w -]", "", line[3:].lower()).replace(" ", "-")
                for line in README.splitlines() if line.startswith("## ")}
    assert set(re.findall(r"\]\(#([\w-]+)\)", README)) == headings


# PostgreSQL.


class PostgreSQL:
    """A server of one's own, on the loopback, with nothing but SCRAM."""

    def __init__(self, start, folder, port):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
        if not found:
            pytest.skip("PostgreSQL's server is not installed")
        self.programs = pathlib.Path(found[-1]).parent
        self.port = port
        who = {}
        if os.geteuid() == 0:  # which the server refuses
            user = next((u for u in pwd.getpwall() if u.pw_name == "postgres"), None) or pwd.getpwnam("nobody")
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        password = folder / "password"
        password.write_text(PASSWORD + "\n")
        data = folder / "data"
        data.mkdir(mode=0o700)
        for path in (folder, password, data):
            os.chown(path, who.get("user", -1), who.get("group", -1))
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        made = subprocess.run(
            [self.programs / "initdb", "--pgdata", data, "--username", USER, "--pwfile", password, "--encoding", "UTF8",
             "--auth", "scram-sha-256", "--no-locale", "--no-sync"],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, **who)
        assert made.returncode == 0, made
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        command = [self.programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
        with open(folder / "log", "wb") as log:
            process = start(command, end=signal.SIGINT, cwd=folder, env=environment, stderr=log, **who)
        wait_until(self.ready, "PostgreSQL is ready", process)

    def ready(self):
        asked = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0


def shell(text, *arguments):
    """What a POSIX shell prints and says, in an environment of its own."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    return subprocess.run(["/bin/sh", "-c", text, "sh", *map(str, arguments)], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.fixture
def folder():
    """One that another user may enter, as pytest's own is not."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="cookbook-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_postgresql_url_logs_in_with_a_hostile_password(folder, start):
    need("psql")
    port = fake_connect.free_port()
    PostgreSQL(start, folder, port)
    with agent.Place(fixture(database(port=port))) as place:
        publish(place, "postgresql-url")
        psql = "psql --no-psqlrc --no-password -At"
        variables = f'set -a; . "$1/libpq.env"; exec {psql}'
        made = shell(f"{variables} -d postgres -c 'create database app'", place.directory)
        assert made.returncode == 0, made
        url = '. "$1/url.env"; exec ' + psql
        for login in (variables, f'{url} "$DATABASE_URL"'):
            found = shell(f"{login} -c 'select current_user, current_database()'", place.directory)
            assert found.stdout == f"{USER}|app\n", found
        wrong = shell(f'{url} "$(echo "$DATABASE_URL" | sed s/canary-value-%/canary-value-/)"', place.directory)
        assert "password authentication failed" in wrong.stderr, wrong


# nginx.


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with the login it was sent."""

    def do_GET(self):
        body = self.headers.get("Authorization", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def served_certificate(port):
    """The certificate that is served, or None when nothing listens."""
    try:
        return ssl.get_server_certificate(("127.0.0.1", port))
    except (ConnectionError, ssl.SSLError):
        return None


def first_certificate(pem):
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.S)[0]
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(found))


def test_nginx_tls_serves_the_pair_and_its_renewal(start, folder, upstream):
    nginx = need("nginx")
    www = item("www certificate", files=("fullchain.pem", "privkey.pem"))
    login = item("app login", field("username", USER), field("password", PASSWORD))
    with agent.Place(fixture(www, login), tls=True) as place:
        def renew(certificate, key):
            place.fake.set_file("prod", "www certificate", "fullchain.pem", certificate.read_bytes())
            place.fake.set_file("prod", "www certificate", "privkey.pem", key.read_bytes())
            publish(place, "nginx-tls", text)
            assert len({path.resolve().parent for path in place.directory.glob("[a-z]*")}) == 1, "one generation"

        tls = place.fake.ca.parent  # the fake's own certificates, good for 127.0.0.1
        port = fake_connect.free_port()
        text = swap(recipe("nginx-tls"), "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        text = swap(text, "http://127.0.0.1:8080", f"http://127.0.0.1:{upstream}")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
        text = swap(text, "http {", "http { access_log off; " + paths)
        renew(tls / "server.pem", tls / "server.key")

        settings = f"daemon off; pid {folder}/pid; error_log stderr;"
        with open(folder / "log", "wb") as log:
            process = start([nginx, "-e", "stderr", "-c", place.directory / "nginx.conf", "-g", settings], stderr=log)
        wait_until(lambda: served_certificate(port), "nginx serves", process)
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=SECONDS,
                                             context=ssl.create_default_context(cafile=str(place.fake.ca)))
        with contextlib.closing(client):
            client.request("GET", "/")
            kind, _, login = client.getresponse().read().decode().partition(" ")
        assert (kind, base64.b64decode(login).decode()) == ("Basic", f"{USER}:{PASSWORD}")

        renew(tls / "client.pem", tls / "client.key")
        process.send_signal(signal.SIGHUP)
        expected = first_certificate((tls / "client.pem").read_text())
        wait_until(lambda: served_certificate(port) == expected, "nginx serves the new certificate", process)


# Java.


def test_spring_is_read_by_java(tmp_path):
    need("java")
    with agent.Place(fixture(database())) as place:
        publish(place, "spring")
        found = structured.read_with_java(place.directory / "application.properties", tmp_path)
    assert found == {
        "spring.datasource.url": "jdbc:postgresql://127.0.0.1:5432/app", "spring.datasource.username": USER,
        "spring.datasource.password": PASSWORD, "spring.datasource.hikari.maximum-pool-size": "10",
        "spring.kafka.bootstrap-servers[0]": "kafka-1.example.com:9092",
        "spring.kafka.bootstrap-servers[1]": "kafka-2.example.com:9092"}


def test_java_keystore_is_opened_by_keytool(tmp_path):
    keytool = need("keytool")
    secret = "canary-value-'\"$ \\#:keystore"
    made, password = tmp_path / "made.p12", tmp_path / "password"
    password.write_text(secret)
    kind = ["-alias", "app", "-dname", "CN=app", "-keyalg", "EC", "-storetype", "PKCS12"]
    subprocess.run([keytool, "-genkeypair", *kind, "-keystore", made, "-storepass:file", password],
                   capture_output=True, check=True)
    with agent.Place(fixture(item("java keystore", field("password", secret), files=("keystore.p12",)))) as place:
        place.fake.set_file("prod", "java keystore", "keystore.p12", made.read_bytes())
        publish(place, "java-keystore")
        assert place.published("keystore.p12") == made.read_bytes()
        assert place.published("password") == secret.encode()
        store = ["-keystore", place.directory / "keystore.p12", "-storepass:file", place.directory / "password"]
        listed = subprocess.run([keytool, "-list", *store], capture_output=True, text=True, check=False)
    assert listed.returncode == 0 and "app, " in listed.stdout and "PrivateKeyEntry" in listed.stdout, listed


# Environments.


def test_compose_env_is_read_by_compose(go_reader):
    mail = item("mail", field("password", PASSWORD))
    for items, expected in (((database(), mail), {"SMTP_PASSWORD": PASSWORD}), ((database(),), {})):
        with agent.Place(fixture(*items)) as place:
            publish(place, "compose-env")
            done = subprocess.run([go_reader, "compose", place.directory / ".env"], env={}, capture_output=True,
                                  check=True)
        found = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
        assert found == {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": PASSWORD, "LOG_LEVEL": "info", **expected}


def test_kubernetes_filekeyref_gives_the_pod_of_the_readme_its_variables():
    password = PASSWORD.replace("'", "") + "\nsecond line"
    (fragment,) = [text for text in re.findall(r"^```yaml\n(.*?)^```", README, re.M | re.S) if "fileKeyRef" in text]
    pod = yaml.safe_load(fragment)["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    (writer,), (app,) = pod["initContainers"], pod["containers"]
    payment = item("payment api", field("credential", "canary-value-api"))
    with agent.Place(fixture(database(password), payment)) as place:
        publish(place, "kubernetes-filekeyref")
        found = {}
        for variable in app["env"]:
            reference = variable["valueFrom"]["fileKeyRef"]
            assert "emptyDir" in volumes[reference["volumeName"]], "the one kind that the kubelet reads"
            (mount,) = [m["mountPath"] for m in writer["volumeMounts"] if m["name"] == reference["volumeName"]]
            assert f"directory: {mount}\n" in recipe("kubernetes-filekeyref")
            path = place.directory / reference["path"]
            assert not os.path.isabs(os.readlink(path)), "the kubelet has another path to the volume"
            found[variable["name"]] = read_as_kubelet(path.read_bytes().decode())[reference["key"]]
    assert found == {"DB_USER": USER, "DB_PASSWORD": password, "API_KEY": "canary-value-api"}


def read_as_kubelet(text):
    """NAME='value' and no more; a value ends at the next quote and may have several lines."""
    pairs = re.findall(r"([A-Za-z_]\w*)='([^']*)'\n", text)
    assert "".join(f"{name}='{value}'\n" for name, value in pairs) == text, "something the kubelet does not read"
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


# SSH.


def test_ssh_key_is_read_by_ssh():
    keygen, ssh = need("ssh-keygen"), need("ssh")
    key = "{label: private key, generate: KIND}", "{label: public key, generate: ssh-public}"
    for kind in ("ed25519", "rsa"):
        fields = [one.replace("KIND", kind) for one in key]
        with agent.Place(fixture(item("deploy key", *fields), item("git host key", *fields))) as place:
            publish(place, "ssh-key")
            public = {name: public_key(place.fake, name) for name in ("deploy key", "git host key")}
            path = place.directory / "id"
            assert stat.S_IMODE(path.stat().st_mode) == 0o400
            assert place.published("id").startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
            read = subprocess.run([keygen, "-y", "-f", path], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False)
            assert read.returncode == 0 and read.stdout.split()[:2] == public["deploy key"], read
            hosts = subprocess.run([keygen, "-F", "git.example.com", "-f", place.directory / "known_hosts"],
                                   capture_output=True, text=True, check=True).stdout
            assert hosts.splitlines()[-1].split()[1:3] == public["git host key"]
            settings = subprocess.run([ssh, "-G", "-F", place.directory / "config", "git.example.com"],
                                      capture_output=True, text=True, check=True).stdout.splitlines()
            assert {"user git", f"identityfile {path}", f"userknownhostsfile {place.directory}/known_hosts",
                    "identitiesonly yes", "stricthostkeychecking true"} <= set(settings)


def public_key(fake, title):
    vault = fake.vault_id("prod", "agent")
    path = f"/v1/vaults/{vault}/items/{fake.item_id(vault, title, 'agent')}"
    (value,) = [f["value"] for f in fake.get(path, token="agent").json()["fields"] if f["label"] == "public key"]
    return value.split()[:2]


# A registry.


@pytest.fixture
def registry():
    with agent.Place(fixture(item("registry", field("username", USER), field("password", PASSWORD)))) as place:
        yield publish(place, "registry-config").directory / "config.json"


def test_registry_config_holds_the_login(registry):
    found = json.loads(registry.read_text())
    assert base64.b64decode(found.pop("auths")["registry.example.com"]["auth"]).decode() == f"{USER}:{PASSWORD}"
    assert found == {}


def test_registry_config_is_read_by_skopeo(registry):
    done = subprocess.run([need("skopeo"), "login", "--get-login", "--authfile", registry, "registry.example.com"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.stdout == f"{USER}\n", done
