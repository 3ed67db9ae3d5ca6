"""What is seen from outside: probes, health pages, metrics, warnings of the token's end, log fields. On
libmicrohttpd in the agent's own loop."""

import http.client
import math
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

import agent
import fake as fake_connect
from sidecar import Sidecar

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAKETIME = "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1".format(os.uname().machine)
DAY = 86400


@pytest.fixture
def place():
    with agent.Place() as made:
        made.write(agent.TEMPLATE)
        made.port = fake_connect.free_port()
        yield made


def run(place, *arguments, **environment):
    environment.setdefault("CONNECT_AGENT_LISTEN", f"127.0.0.1:{place.port}")
    return Sidecar(place, *arguments, **environment)


def ask(place, path, method="GET", host="127.0.0.1"):
    connection = http.client.HTTPConnection(host, place.port, timeout=30)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer.headers


def probe(place, question):
    result = place.run("probe", question, CONNECT_AGENT_LISTEN=f"127.0.0.1:{place.port}")
    assert result.out.count(b"\n" if isinstance(result.out, bytes) else "\n") == 1, result
    return result.status, result.out.strip() if isinstance(result.out, str) else result.out.decode().strip()


def metrics(place):
    """{name{labels}: value}, and nothing of it secret."""
    status, body, headers = ask(place, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    place.assert_no_leak(body)
    return {line.rsplit(" ", 1)[0].removeprefix("connect_agent_"): float(line.rsplit(" ", 1)[1])
            for line in body.splitlines() if not line.startswith("#")}


# --- pages ---

def test_pages_of_a_published_agent(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        for path in ("/startupz", "/readyz", "/livez"):
            status, body, headers = ask(place, path)
            assert status == 200 and body.count("\n") == 1 and headers["Cache-Control"] == "no-store", (path, body)
        assert [probe(place, q) for q in ("startup", "ready", "live")] == [(0, "published"), (0, "published"), (0, "alive")]
        assert ask(place, "/")[0] == 404 and "/metrics" in ask(place, "/")[1]
        assert ask(place, "/readyz", "HEAD")[:2] == (200, "")
        status, _, headers = ask(place, "/readyz", "POST")
        assert status == 405 and headers["Allow"] == "GET, HEAD"
        status = pathlib.Path(f"/proc/{sidecar.process.pid}/status").read_text()
        assert re.search(r"^Threads:\s+1$", status, re.M), "the listener has no thread of its own"


def test_connections_that_never_ask_hold_up_nothing(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        held = [socket.create_connection(("127.0.0.1", place.port)) for _ in range(24)]  # more than it serves at once
        held[0].sendall(b"GET /readyz HTTP/1.1\r\nHost:")
        place.fake.set_field("prod", "db", "username", "canary-value-held")
        sidecar.refresh()
        assert b"canary-value-held" in place.published("app.env")
        for one in held:
            one.close()
        sidecar.wait(lambda: ask(place, "/livez")[0] == 200, "room for a connection")
        # Garbage and a header without end are answered, or hung up on.
        for rubbish in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", place.port), timeout=30) as one:
                try:
                    one.sendall(rubbish)
                    assert b" 200 " not in one.recv(4096)
                except ConnectionError:
                    pass
        assert ask(place, "/livez")[0] == 200


def test_before_anything_is_published(place):
    place.fake.fault({"status": 503}, match={"endpoint": "vaults"})
    with run(place) as sidecar:
        sidecar.wait_for("it is tried again")
        for question in ("startup", "ready"):
            status, line = probe(place, question)
            assert status == 1 and line.startswith("nothing published yet: ") and "503" in line
        assert probe(place, "live") == (0, "alive") and ask(place, "/readyz")[0] == 503
        assert metrics(place)['requests_total{endpoint="vaults",code="503"}'] >= 1
        place.fake.clear_faults()
        sidecar.wait_for("refresh over")
        assert probe(place, "startup")[0] == 0


def test_stale_after_max_stale_and_well_again(place):
    with run(place, CONNECT_AGENT_INTERVAL="1s", CONNECT_AGENT_MAX_STALE="6s") as sidecar:
        sidecar.wait_for("refresh over", 3)
        assert probe(place, "ready") == (0, "published")
        place.fake.fault({"reset": True})
        sidecar.wait(lambda: ask(place, "/readyz")[0] == 503, "staleness")
        status, line = probe(place, "ready")
        assert status == 1 and line.startswith("stale: no refresh went through for ") and "connection" in line.lower()
        assert probe(place, "startup")[0] == 0 and probe(place, "live")[0] == 0 and metrics(place)["ready"] == 0
        assert metrics(place)['requests_total{endpoint="vault",code="none"}'] >= 1
        place.fake.clear_faults()
        place.fake.fault({"latency_ms": 0})
        sidecar.wait(lambda: ask(place, "/readyz")[0] == 200, "the end of it")


def test_an_outage_alone_leaves_it_ready_and_says_so(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.fault({"status": 500})
        sidecar.process.send_signal(signal.SIGHUP)
        sidecar.wait_for("it is tried again")
        status, line = probe(place, "ready")
        assert status == 0 and line.startswith("published; the last refresh failed: ") and "500" in line
        place.fake.clear_faults()
        sidecar.wait(lambda: probe(place, "ready") == (0, "published"), "the end of it")


# --- metrics ---

def test_promtool_has_nothing_to_say(place):
    place.write(agent.TEMPLATE + "    onChange:\n      - exec: {command: [/bin/true]}\n")
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.set_field("prod", "db", "username", "canary-value-new")
        sidecar.refresh()
        sidecar.wait_for("hook done")
        text = ask(place, "/metrics")[1]
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and not (result.stdout + result.stderr).strip(), result
    assert 'hook_runs_total{phase="onChange",hook="exec",result="ok"} 1' in text


def test_numbers_are_right(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        first = metrics(place)
        assert first["item_reads_total"] == 3 and first["generation"] == 1 and first['refreshes_total{result="ok"}'] == 1
        assert first["refresh_duration_seconds_count"] == 1 and first["token_accepted"] == 1 == first["template_valid"]
        assert math.isinf(first["token_expiry_timestamp_seconds"])
        assert first[f'published_bytes{{output="{place.directory}"}}'] == sum(map(len, place.names().values()))
        log = place.fake.requests()
        sidecar.refresh()
        place.fake.set_field("prod", "db", "username", "canary-value-new")
        sidecar.refresh()
        second = metrics(place)
        assert second["item_reads_total"] == 4 and second["generation"] == 2 and second['refreshes_total{result="ok"}'] == 3
        assert second["last_success_timestamp_seconds"] > first["last_success_timestamp_seconds"]
        asked = {}
        for request in place.fake.requests():
            asked[request["endpoint"]] = asked.get(request["endpoint"], 0) + 1
        counted = {endpoint: int(second[f'requests_total{{endpoint="{endpoint}",code="200"}}']) for endpoint in asked}
        assert counted == asked and len(log) < len(place.fake.requests())


def test_a_reference_that_goes_is_named_until_it_is_back(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.delete_item("other", "api")
        sidecar.refresh()
        sidecar.wait_for("cannot refresh")
        assert metrics(place)['reference_failed{reference="op://other/api/credential"}'] == 1
        assert "op://other/api/credential" in probe(place, "ready")[1]
        assert metrics(place)['refreshes_total{result="not_found"}'] == 1
        place.fake.create_item("other", "api", {"credential": "canary-value-back"})
        sidecar.refresh()
        assert not [name for name in metrics(place) if name.startswith("reference_failed")] and probe(place, "ready") == (0, "published")


@pytest.mark.parametrize("layout", ["atomic", "plain"])
def test_a_restart_in_an_outage_is_ready_on_what_is_there(place, layout):
    """Else a sidecar that is killed for its memory would take a pod out of its services that works as before."""
    place.write(agent.TEMPLATE.replace("    files:", f"    layout: {layout}\n    files:"))
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        sidecar.stop(signal.SIGKILL)
    place.fake.stop()
    before = place.snapshot()
    with run(place) as sidecar:
        sidecar.wait_for("request to Connect failed")
        for question in ("startup", "ready"):
            status, line = probe(place, question)
            assert status == 0 and line.startswith("published before this start, and nothing since: ")
        assert metrics(place)["ready"] == 1
    assert place.snapshot() == before
    (place.directory / ("tls/blob" if layout == "plain" else "..data/tls/blob")).unlink()
    with run(place) as sidecar:
        sidecar.wait_for("request to Connect failed")
        assert probe(place, "startup")[0] == 1, "not whole"
    place.fake.restart()


def test_a_template_gone_wrong_and_a_token_refused(place):
    good = place.template.read_text()
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.template.write_text("outputs: 1\n")
        sidecar.wait_for("the new template is wrong")
        assert metrics(place)["template_valid"] == 0 and "the new template is wrong" in probe(place, "ready")[1]
        place.template.write_text(good)
        sidecar.wait(lambda: metrics(place)["template_valid"] == 1, "the template")
        place.fake.token_path("agent").write_text("ops_nonsense")
        sidecar.wait_for("the token cannot be read")
        assert metrics(place)["token_accepted"] == 0


def test_an_output_that_is_gone_is_not_counted(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        other = place.tmpfs / "other"
        place.template.write_text(place.template.read_text().replace(str(place.directory), str(other)))
        sidecar.wait_for("refresh over", 2)
        assert [name for name in metrics(place) if name.startswith("published_bytes")] == [f'published_bytes{{output="{other}"}}']


def test_metrics_and_docs_say_the_same(place):
    with run(place) as sidecar:
        sidecar.wait_for("refresh over")
        text = ask(place, "/metrics")[1]
    told = {(name, kind, what) for name, what, kind in re.findall(r"# HELP connect_agent_(\S+) (.*)\n# TYPE \S+ (\S+)", text)}
    page = (ROOT / "docs/operations.md").read_text()
    written = {(name, kind, what) for name, kind, what in re.findall(r"^\| `(\w+)` \| (gauge|counter|histogram) \|[^|]*\| (.*) \|$", page, re.M)}
    assert told == written


# --- listening ---

def test_a_taken_port_is_told_and_taken_when_it_is_free(place):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the port is held: fake.py
        other.bind(("127.0.0.1", place.port))
        other.listen()
        with run(place) as sidecar:
            sidecar.wait_for("refresh over")
            event = sidecar.wait_for("no probes and metrics")
            assert "Address already in use" in event["reason"] and str(place.port) in event["reason"] and place.names()
            other.close()
            sidecar.refresh()
            assert sidecar.wait_for("listening for probes and metrics") and probe(place, "ready")[0] == 0


def test_a_new_template_moves_the_listener(place):
    text = agent.TEMPLATE
    place.write(text + f"listen: 127.0.0.1:{place.port}\n")
    first = place.port
    with Sidecar(place, CONNECT_AGENT_LISTEN="") as sidecar:
        sidecar.wait_for("refresh over")
        assert ask(place, "/livez")[0] == 200
        place.port = fake_connect.free_port()
        place.write(text + f"listen: '[::1]:{place.port}'\n")
        sidecar.wait_for("a new template is in force")
        sidecar.wait_for("refresh over", 2)
        assert ask(place, "/livez", host="::1")[0] == 200
        assert place.run("probe", "live", CONNECT_AGENT_LISTEN="").status == 0, "the template says where"
        place.write(text + "listen: off\n")
        sidecar.wait_for("a new template is in force", 2)
        sidecar.wait_for("refresh over", 3)
        for port, host in ((first, "127.0.0.1"), (place.port, "::1")):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, port))
        result = place.run("probe", "live", CONNECT_AGENT_LISTEN="")
        assert result.status == 1 and result.said("listen is off")


def test_probe_of_nobody(place):
    status, line = probe(place, "live")
    assert status == 1 and line.startswith("no answer: cannot connect") and str(place.port) in line


@pytest.mark.parametrize("arguments", [[], ["readiness"]])
def test_probe_wrong_usage(place, arguments):
    result = place.run("probe", *arguments)
    assert result.status == 64 and result.said("startup, ready or live")


# --- the token's end ---

TOKENS = agent.FIXTURE.replace("tokens:\n", "tokens:\n" + "".join(
    f"  - {{name: {name}, vaults: [prod, other], expires: {expires}}}\n" for name, expires in
    (("far", "30d"), ("fortnight", "13d"), ("days", "2d"), ("day", "23h"), ("hour", "59m"))))


def test_the_end_of_a_token_is_told_in_steps():
    with agent.Place(TOKENS) as place:
        place.write(agent.TEMPLATE)
        place.port = fake_connect.free_port()
        token = place.disk / "token"
        token.write_text(place.fake.token("far"))
        token.chmod(0o400)
        with run(place, OP_CONNECT_TOKEN_FILE=str(token)) as sidecar:
            sidecar.wait_for("refresh over")
            assert not sidecar.said("the token expires")
            left = metrics(place)["token_expiry_timestamp_seconds"] - metrics(place)["start_time_seconds"]
            assert 29.9 * DAY < left < 30.1 * DAY
            for name, said in (("fortnight", "in 1[23] days"), ("days", "in (2 days|47 hours)"), ("day", "in 2[23] hours"), ("hour", "in 5[89] minutes")):
                count = len(sidecar.said("refresh over"))
                token.chmod(0o600)
                token.write_text(place.fake.token(name))
                sidecar.wait_for("refresh over", count + 1)
                told = sidecar.said("the token expires")
                assert re.search(said, told[-1]["message"]) and told[-1]["level"] == "warn", told
                sidecar.refresh()
                assert sidecar.said("the token expires") == told, "once"


def test_a_clock_that_steps(place):
    """Wall clock moved by 29.5 days and back: warnings follow it, and nothing else does."""
    if not pathlib.Path(FAKETIME).exists():
        pytest.skip(f"no {FAKETIME}: the package faketime is not installed")
    if os.environ.get("SANITIZE"):
        pytest.skip("the sanitizer's library must be the first that is loaded, and libfaketime too")
    if os.environ.get("SANDBOX_STATIC"):
        pytest.skip("nothing can be loaded into the static program, so not libfaketime either; the plain build is tested")
    offset = place.disk / "offset"
    offset.write_text("+0\n")
    with agent.Place(TOKENS) as other:
        other.write(agent.TEMPLATE)
        other.port = place.port
        with run(other, OP_CONNECT_TOKEN_FILE=str(other.fake.token_path("far")), LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=str(offset),
                 CONNECT_AGENT_SANDBOX="off",  # libfaketime reads a file that is none of the agent's
                 FAKETIME_NO_CACHE="1", DONT_FAKE_MONOTONIC="1", FAKETIME_DONT_FAKE_MONOTONIC="1", CONNECT_AGENT_MAX_STALE="1h",
                 CONNECT_AGENT_INTERVAL="1s") as sidecar:
            sidecar.wait_for("refresh over", 2)
            before = other.snapshot()
            offset.write_text("+29.5d\n")
            sidecar.wait_for("the token expires in 11 hours")
            other.fake.reset_log()
            overs = len(sidecar.said("refresh over"))
            sidecar.wait_for("refresh over", overs + 3)
            assert probe(other, "ready") == (0, "published") and other.snapshot() == before
            asked = len(other.fake.requests())
            assert asked <= 2 * (len(sidecar.said("refresh over")) - overs + 2), "no burst"
            offset.write_text("-10d\n")
            overs = len(sidecar.said("refresh over"))
            sidecar.wait_for("refresh over", overs + 3)
            assert probe(other, "ready") == (0, "published") and other.snapshot() == before
            assert len(sidecar.said("the token expires")) == 1


# --- costs ---

def waits(pid):
    """The count once it rests, which the line in the log comes just before: so nothing is counted at the edges."""
    while True:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        if re.search(r"^State:\s+S", status, re.M):
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M)[1])


def test_wake_ups_of_a_quiet_interval():
    """At most 2: the timer, and Connect's answer. Counted by the kernel as voluntary context switches. On a
    busy machine an answer comes in more pieces, so the best of some windows counts."""
    with agent.Place(quiet=True) as place:
        place.port = fake_connect.free_port()
        place.write(agent.TEMPLATE.split("          API")[0])
        measured = []
        with run(place, CONNECT_AGENT_INTERVAL="1s") as sidecar:
            sidecar.wait_for("refresh over", 3)
            while len(measured) < 8 and min(measured, default=3) > 2:
                first = len(sidecar.said("refresh over"))
                sidecar.wait_for("refresh over", first + 1)
                before = waits(sidecar.process.pid)
                sidecar.wait_for("refresh over", first + 6)
                measured.append((waits(sidecar.process.pid) - before) / 5)
        print(f"wake-ups per interval, in windows of 5: {measured}")
        assert min(measured) <= 2


# --- log fields ---

def test_log_fields_are_those_of_the_page():
    source = (ROOT / "agent/base/log.c").read_text()
    keys = set(re.findall(r'\[LOG_KEY_\w+\]\s*=\s*"(\w+)"', source))
    page = (ROOT / "docs/operations.md").read_text().split("## Logs")[1].split("## At night")[0]
    written = {name for row in re.findall(r"^\| (`[^|]*) \|", page, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert keys == written
