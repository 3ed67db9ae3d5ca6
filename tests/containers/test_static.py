"""The static program that the image is made of: what it is, that it can be made again, that it needs nothing of the
system it runs on, and what its bill of materials says."""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile

import pytest

import agent
from engine import CACHE, ROOT, call, locked
from sidecar import Sidecar
from static_program import PHANTOM_VERSION, StaticProgram

SIZE_MOST = 3_000_000  # docs/static.md
RESIDENT_MOST_KB = 4096
PRIVATE_MOST_KB = 512
NAMESERVER = "127.53.0.2"
SILENT = "127.53.0.3"
REFUSING = "127.53.0.4"
INTEGRATION = ROOT / "tests/integration"


@pytest.fixture(scope="module")
def static(docker, tmp_path_factory):
    return StaticProgram(docker, tmp_path_factory.mktemp("static"))


def output(*command):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=120).stdout


# --- what it is ---


def test_is_within_its_budget(static, capsys):
    size = static.program.stat().st_size
    with capsys.disabled():
        print(f"static program: {size} bytes, at most {SIZE_MOST}")
    assert size <= SIZE_MOST


def test_is_a_static_pie_that_loads_nothing(static):
    assert "DYN (Position-Independent Executable" in output("readelf", "-hW", static.program)
    assert "INTERP" not in output("readelf", "-lW", static.program)
    dynamic = output("readelf", "-dW", static.program)
    assert "NEEDED" not in dynamic and "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert re.search(r"FLAGS_1.*\bPIE\b", dynamic)


def test_is_hardened_as_the_other_builds(static):
    segments = output("readelf", "-lW", static.program)
    assert re.search(r"GNU_STACK\s.* RW\s", segments), "an executable stack"
    assert "GNU_RELRO" in segments
    assert not re.search(r"^\s+LOAD\s.* RWE\s", segments, re.M), "memory both writable and executable"
    assert re.search(r"FLAGS_1.*\bNOW\b", output("readelf", "-dW", static.program))


def test_is_stripped_and_names_no_path_of_its_build(static):
    sections = output("readelf", "-SW", static.program)
    assert ".symtab" not in sections and ".debug" not in sections and "build-id" not in sections
    own = re.findall(rb"\0(/src/|/opt/static-deps|/tmp/tmp\.)", static.program.read_bytes())  # where strings begin
    assert own == []


@pytest.fixture(scope="module")
def again(static):
    return static.built_again("/somewhere-else", 1)


def test_two_builds_in_other_places_give_the_same_bytes(static, again):
    versions = static.take("/somewhere-else/libraries/versions", again)
    assert versions.read_text() == static.versions.read_text(), \
        "Debian has newer sources than when the image was built: docker build --no-cache"
    for mine in (static.program, static.sbom):
        other = static.take(f"/somewhere-else/out/{mine.name}", again)
        assert other.read_bytes() == mine.read_bytes(), mine.name


def test_a_mirror_that_lacks_the_newest_revision_gives_the_next_older_one_and_it_is_said(static, again, packages):
    said = static.take("/somewhere-else/said", again).read_text()
    used = packages["curl"]["versionInfo"]
    assert f"warning: the mirror lacks the files of curl {PHANTOM_VERSION}, the newest; {used} is used instead" in said, said


# --- in an empty root ---


class EmptyRoot:
    """A directory on tmpfs with the program, a token, a template, and the files of /etc that a test gives it."""

    def __init__(self, place, program, **etc):
        self.place = place
        self.path = place.tmpfs / "root"
        (self.path / "etc").mkdir(parents=True)
        shutil.copy(program, self.path / "connect-agent")
        shutil.copy(place.fake.token_path("agent"), self.path / "token")
        (self.path / "template.yaml").write_text(agent.TEMPLATE.replace("{directory}", "/out"))
        for name, text in etc.items():
            (self.path / "etc" / name.replace("_", ".")).write_text(text)

    def init(self, host, **environment):
        """Of the host, a URL without a port, that of the fake server is meant."""
        own = {"OP_CONNECT_HOST": f"{host}:{self.place.fake.port}", "OP_CONNECT_TOKEN_FILE": "/token",
               "CONNECT_AGENT_TEMPLATE": "/template.yaml", "CONNECT_AGENT_CA_FILE": "", "CONNECT_AGENT_TIMEOUT": "20s"}
        done = subprocess.run(["chroot", self.path, "/connect-agent", "init"], env=self.place.environment(**{**own, **environment}),
                              timeout=120, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.place.assert_no_leak(done.stdout + done.stderr)
        return agent.Result(done.returncode, done.stdout, done.stderr)


class Dnsmasq:
    """A name server on an address of the loopback, which knows names below .test and nobody else to ask."""

    def __init__(self, *records):
        self.process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--pid-file", "--user=root",
             f"--listen-address={NAMESERVER}", "--bind-interfaces", "--log-queries", "--log-facility=-",
             "--local=/test/", "--local=//", *(f"--host-record={record}" for record in records)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.lines = []
        try:
            self._wait_for("started, version")
        except BaseException:
            self.close()
            raise

    def _wait_for(self, text):
        while not any(text in line for line in self.lines):
            ready, _, _ = select.select([self.process.stderr], [], [], 30)
            line = self.process.stderr.readline().decode() if ready else ""
            assert line, f"dnsmasq does not start: {self.lines}"
            self.lines.append(line)

    def questions(self):
        """Ends it, and gives what it was asked: (type, name), in order."""
        self.process.terminate()
        _, rest = self.process.communicate(timeout=30)
        return re.findall(r"query\[(\w+)\] (\S+) from", rest.decode())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@contextlib.contextmanager
def names(*records):
    server = Dnsmasq(*records)
    try:
        yield server
    finally:
        server.close()


RESOLV = f"search first.test second.test third.test\nnameserver {NAMESERVER}\noptions ndots:5\n"  # as in a pod
HOSTS = "127.0.0.1 localhost\n"

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for chroot")


@pytest.fixture
def place():
    with agent.Place() as made:
        yield made


@root_only
def test_finds_a_name_through_the_second_search_domain(static, place):
    with names("connect.prod.second.test,127.0.0.1") as server:
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS)
        result = root.init("http://connect.prod")
        assert result.status == 0, result
        assert (root.path / "out/app.env").exists()
        asked = server.questions()
    assert asked, "nobody asked the server"
    by_name = list(dict.fromkeys(name for _, name in asked))
    assert by_name == ["connect.prod.first.test", "connect.prod.second.test"], \
        "with ndots:5 the search domains come first, in their order, and the search ends with the answer"


@root_only
def test_a_name_with_enough_dots_or_a_dot_at_its_end_is_asked_as_it_is(static, place):
    with names("a.b.c.d.e.test,127.0.0.1", "connect.test,127.0.0.1") as server:
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS)
        assert root.init("http://a.b.c.d.e.test").status == 0
        assert root.init("http://connect.test.").status == 0
        assert {name for _, name in server.questions()} == {"a.b.c.d.e.test", "connect.test"}


@root_only
def test_without_ndots_a_name_with_a_dot_is_asked_as_it_is_first(static, place):
    with names("connect.test,127.0.0.1") as server:
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV.replace("options ndots:5\n", ""), hosts=HOSTS)
        assert root.init("http://connect.test").status == 0
        assert {name for _, name in server.questions()} == {"connect.test"}


@root_only
def test_reads_the_hosts_file_before_it_asks(static, place):
    with names("here.first.test,127.0.0.77") as server:
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS + "127.0.0.1 other here # a comment\n")
        assert root.init("http://here").status == 0
        assert root.init("http://localhost").status == 0
        assert server.questions() == []


@root_only
def test_reads_the_hosts_file_where_there_is_no_name_server(static, place):
    root = EmptyRoot(place, static.program, hosts=HOSTS + "127.0.0.1 connect\n")
    assert root.init("http://connect").status == 0


@root_only
def test_uses_ipv6_where_the_name_has_nothing_else(static):
    with agent.Place(options=["--listen", "[::1]:0"]) as place, names("connect.first.test,::1") as server:
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS)
        assert root.init("http://connect").status == 0
        assert ("AAAA", "connect.first.test") in server.questions()


@root_only
@pytest.mark.parametrize("record", ["connect.first.test,127.0.0.1,::1", "connect.first.test,127.0.0.1,fd00:dead::1"])
def test_reaches_a_server_that_listens_on_one_of_two_addresses(static, place, record):
    """The fake listens on 127.0.0.1 only: the other address refuses, or leads nowhere."""
    with names(record):
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS)
        result = root.init("http://connect")
        assert result.status == 0, result


@root_only
def test_an_unknown_name_is_named(static, place):
    with names():
        root = EmptyRoot(place, static.program, resolv_conf=RESOLV, hosts=HOSTS)
        result = root.init("http://conect.prod", CONNECT_AGENT_TIMEOUT="1s")
        assert result.status == 69 and result.said(r"conect\.prod"), result
        print(result.reasons[-1])
        assert result.said("resolve|name"), result


@root_only
@pytest.mark.parametrize("kind", ["silent", "refusing"])
def test_a_dead_first_name_server_costs_time_but_not_the_answer(static, place, kind):
    first = SILENT if kind == "silent" else REFUSING
    with names("connect.second.test,127.0.0.1") as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((SILENT, 53))
        root = EmptyRoot(place, static.program, resolv_conf=f"nameserver {first}\n{RESOLV}", hosts=HOSTS)
        result = root.init("http://connect", CONNECT_AGENT_TIMEOUT="60s")
        assert result.status == 0, result
        assert ("A", "connect.second.test") in server.questions()
        if kind == "silent":
            assert silent.recv(512, socket.MSG_DONTWAIT), "the first server was not even asked"


@root_only
def test_without_any_name_server_a_name_is_an_error_that_is_told(static, place):
    root = EmptyRoot(place, static.program)
    result = root.init("http://connect", CONNECT_AGENT_TIMEOUT="1s")
    assert result.status == 69 and result.said("connect"), result


# --- TLS ---


@pytest.fixture(scope="module")
def tls():
    with agent.Place(tls=True, options=["--tls-name", "connect.second.test", "--tls-name", "connect"]) as made:
        yield made


@pytest.fixture
def tls_root(static, tls):
    made = EmptyRoot(tls, static.program, hosts=HOSTS + "127.0.0.1 connect\n")
    yield made
    shutil.rmtree(made.path)


@root_only
def test_trusts_a_private_ca(tls, tls_root):
    shutil.copy(tls.fake.ca, tls_root.path / "ca.pem")
    result = tls_root.init("https://connect", CONNECT_AGENT_CA_FILE="/ca.pem")
    assert result.status == 0, result


@root_only
def test_trusts_the_bundle_at_its_usual_place(tls, tls_root):
    place = tls_root.path / "etc/ssl/certs/ca-certificates.crt"
    place.parent.mkdir(parents=True)
    place.write_bytes(tls.fake.ca.read_bytes())
    result = tls_root.init("https://connect")
    assert result.status == 0, result


@root_only
def test_trusts_nobody_whom_the_bundle_of_the_image_does_not_name(static, tls, tls_root):
    place = tls_root.path / "etc/ssl/certs/ca-certificates.crt"
    place.parent.mkdir(parents=True)
    shutil.copy(static.take("/rootfs/etc/ssl/certs/ca-certificates.crt"), place)
    result = tls_root.init("https://connect", CONNECT_AGENT_TIMEOUT="2s")
    assert result.status == 69 and result.said("certificate"), result


@root_only
def test_a_bundle_that_is_missing_is_told(tls_root):
    result = tls_root.init("https://connect", CONNECT_AGENT_TIMEOUT="2s")
    assert result.status == 69 and result.said("ca-certificates.crt"), result


@root_only
def test_the_name_must_be_the_certificates(tls, tls_root):
    shutil.copy(tls.fake.ca, tls_root.path / "ca.pem")
    (tls_root.path / "etc/hosts").write_text("127.0.0.1 somebody-else\n")
    result = tls_root.init("https://somebody-else", CONNECT_AGENT_CA_FILE="/ca.pem", CONNECT_AGENT_TIMEOUT="2s")
    assert result.status == 69 and result.said("certificate"), result


# --- what it costs ---


def memory_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    field = {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    return field["Rss"], field["Private_Dirty"]


def test_an_idle_sidecar_stays_within_its_budget(static, tls, monkeypatch, capsys):
    """20 references over TLS, as the budget says."""
    monkeypatch.setenv("AGENT", str(static.program))
    variables = "".join(f"          V{n}: op://prod/db/{('username', 'password')[n % 2]}\n" for n in range(20))
    tls.write("version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
              "      - path: app.env\n        dialect: sh\n        env:\n" + variables)
    with Sidecar(tls) as sidecar:
        sidecar.wait_for("published")
        sidecar.wait_for("refresh over")
        resident, private = memory_kb(sidecar.process.pid)
        with capsys.disabled():
            print(f"idle static sidecar, 20 references over TLS: {resident} kB resident, {private} kB private")
        assert resident <= RESIDENT_MOST_KB and private <= PRIVATE_MOST_KB
        assert len(os.listdir(f"/proc/{sidecar.process.pid}/task")) == 1


# --- the behaviour of the other builds ---


def run_integration_test(static, name, **environment):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", INTEGRATION / f"test_{name}.py"],
                          env=dict(os.environ, AGENT=str(static.program), SANDBOX_STATIC="1", **environment), cwd=ROOT, timeout=280,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    print(done.stdout[-4000:])
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize("name", ["init", "tls", "sidecar", "exec", "hooks"])
def test_passes_the_integration_tests(static, name):
    """The same tests that the dynamic build passes, which has another TLS library and no list of system calls."""
    run_integration_test(static, name)


@pytest.mark.parametrize("name", ["sandbox", "sandbox_commands"])
def test_stands_the_attacks_on_its_sandbox(static, name):
    """Those too that only the static build refuses: all calls but those of a list."""
    said = run_integration_test(static, name, COMPROMISED=str(static.compromised()))
    assert "skipped" not in said, said


# --- the bill of materials ---


@pytest.fixture(scope="module")
def sbom(static):
    return json.loads(static.sbom.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def packages(sbom):
    return {package["name"]: package for package in sbom["packages"]}


def test_the_bill_of_materials_names_the_program_by_its_hash(static, packages):
    digest = output("sha256sum", static.program).split()[0]
    assert packages["connect-agent"]["checksums"] == [{"algorithm": "SHA256", "checksumValue": digest}]
    assert output(static.program, "version").split()[1] == packages["connect-agent"]["versionInfo"]


def test_every_part_is_linked_and_has_a_licence(sbom, packages):
    wanted = {"curl", "cJSON", "libmicrohttpd", "mbedTLS", "c-ares", "libyaml", "glibc", "libgcc"}
    assert set(packages) == wanted | {"connect-agent"}
    linked = {r["relatedSpdxElement"] for r in sbom["relationships"] if r["relationshipType"] == "STATIC_LINK"}
    assert linked == {packages[name]["SPDXID"] for name in wanted}
    assert all(package["licenseDeclared"] != "NOASSERTION" for package in packages.values())


@pytest.mark.parametrize("name, package", [("mbedTLS", "libmbedtls-dev"), ("c-ares", "libc-ares-dev"), ("libyaml", "libyaml-dev"),
                                           ("glibc", "libc6-dev")])
def test_versions_of_what_debian_compiled_are_dpkgs(static, packages, name, package):
    assert static.in_stage("dpkg-query", "-W", "-f", "${source:Version}", package) == packages[name]["versionInfo"]


def test_versions_are_those_that_the_program_says_of_itself(static, packages):
    said = dict(re.findall(r"(libcurl|mbedTLS|c-ares|libyaml|cJSON)[/ ]([0-9.]+)", output(static.program, "version")))
    assert set(said) == {"libcurl", "mbedTLS", "c-ares", "libyaml", "cJSON"}
    for name, version in said.items():
        assert upstream(packages[name.replace("libcurl", "curl")]["versionInfo"]) == version, name


def test_the_version_of_libmicrohttpd_is_that_of_its_build(static, packages):
    built = re.search(r"^Version: (\S+)", static.in_stage("cat", "/opt/static-deps/lib/pkgconfig/libmicrohttpd.pc"), re.M)[1]
    assert upstream(packages["libmicrohttpd"]["versionInfo"]) == built


def upstream(version):
    """Debian's version without epoch, revision, and what tells of repacked sources."""
    return re.sub(r"^\d+:|-[^-]*$", "", version).split("+")[0]


@pytest.fixture(scope="module")
def spdx_tools():
    """The SPDX project's own validator, at the versions of requirements.txt, in the cache directory."""
    wanted = pathlib.Path(__file__).with_name("requirements.txt")
    kept = CACHE / f"spdx-tools-{hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:16]}"
    with locked("spdx-tools"):
        if not kept.is_dir():
            # Its scripts would name the place where it was made: so pip is told of a plain directory.
            fresh = pathlib.Path(tempfile.mkdtemp(prefix="fresh-", dir=CACHE))
            made = call([sys.executable, "-m", "pip", "install", "-q", "--no-warn-script-location", "--target", fresh, "-r", wanted],
                        seconds=300, check=False)
            if made.returncode != 0:
                shutil.rmtree(fresh)
                pytest.skip(f"spdx-tools cannot be installed: {made.stderr.strip()[-300:]}")
            fresh.rename(kept)
    return kept


def validate(spdx_tools, path):
    program = "from spdx_tools.spdx.clitools.pyspdxtools import main; main()"
    return subprocess.run([sys.executable, "-c", program, "-i", path], env=dict(os.environ, PYTHONPATH=str(spdx_tools)),
                          capture_output=True, text=True, timeout=120, check=False)


def test_spdx_tools_take_the_bill_of_materials_and_would_refuse_a_wrong_one(static, spdx_tools, sbom, tmp_path):
    done = validate(spdx_tools, static.sbom)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = dict(sbom, packages=[dict(package, licenseDeclared="no licence") for package in sbom["packages"]])
    (tmp_path / "wrong.spdx.json").write_text(json.dumps(wrong))
    assert "licen" in validate(spdx_tools, tmp_path / "wrong.spdx.json").stderr
