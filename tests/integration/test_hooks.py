"""Hooks against real processes: what is called, when, how often, and what happens when it fails. A hook
runs once for a generation, never holds up the following, and never carries a secret."""

import http.server
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import uuid

import pytest

import agent
from sidecar import Sidecar

BASE = """
version: 1
outputs:
  - directory: {directory}
    files:
      - {path: user, content: op://prod/db/username}
      - {path: copy, content: op://prod/db/username}
"""


@pytest.fixture
def place():
    with agent.Place() as made:
        yield made


def write(place, hooks):
    place.write(BASE + hooks.replace("{disk}", str(place.disk)))


def script(place, name, text):
    path = place.disk / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def own_name():
    """Of a program that nobody else on this machine runs: hooks look for it among all processes."""
    return f"app-{uuid.uuid4().hex[:8]}"  # the kernel keeps 15 characters


class Application:
    """A process of a name of its own that notes each SIGHUP in a file."""

    def __init__(self, place, name):
        self.log = place.disk / "hups"
        program = place.disk / name
        program.write_text(f"#!/bin/sh\ntrap 'echo hup >>{self.log}' HUP\necho ready\nwhile :; do read line || :; done\n")
        program.chmod(0o755)
        self.process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def hups(self):
        return len(lines(self.log))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Server:
    """An HTTP server that keeps what it was asked, and answers with the next of its statuses."""

    def __init__(self, *statuses):
        self.asked = []
        self.statuses = list(statuses)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append((self.command, self.path, dict(self.headers), body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            do_POST = do_GET = do_PUT = answer

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def rotate(place, value):
    place.fake.set_field("prod", "db", "username", f"canary-value-{value}")


# --- whom ---

@pytest.mark.parametrize("target", ["process: {name}", "exe: /app/bin/{name}", "pidFile: {disk}/app.pid"])
def test_a_process_in_another_container_of_the_same_pid_namespace(place, target):
    """As in a pod with shareProcessNamespace: the application has a file system of its own, in which its
    program has another path, and it restarts with another number."""
    root, program = place.disk / "root", own_name()
    for name in ("app/bin", "tmp", "lib", "lib64", "usr", "old"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/dash" if os.path.exists("/bin/dash") else "/bin/sh", root / "app/bin" / program)
    (root / "app/serve").write_text("trap 'echo hup >>/tmp/hups' HUP\necho ready\nwhile :; do read line || :; done\n")

    def start():
        command = f"set -e; mount --rbind {root} {root}; mount --rbind /lib {root}/lib; mount --rbind /lib64 {root}/lib64; mount --rbind /usr {root}/usr; cd {root}; pivot_root . old; exec /app/bin/{program} /app/serve"
        process = subprocess.Popen(["unshare", "--mount", "--uts", "--ipc", "sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        (place.disk / "app.pid").write_text(f"{process.pid}\n")
        return process

    write(place, f"    onChange:\n      - signal: {{{target.replace('{name}', program)}}}\n")
    app = start()
    try:
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            for count in (1, 2):
                rotate(place, count)
                sidecar.refresh()
                sidecar.wait_for("hook done", count)
                sidecar.wait(lambda: len(lines(root / "tmp/hups")) == count, "the signal")
                app.kill()
                app.wait()
                app = start()
    finally:
        app.kill()
        app.wait()


def test_a_process_of_another_user_is_explained(place):
    name = own_name()
    place.write((BASE + f"    onChange:\n      - signal: {{process: {name}}}\n").replace("{directory}", str(place.tmpfs / "out")))
    os.chmod(place.disk, 0o755)
    os.chmod(place.tmpfs, 0o777)
    for path in [place.fake.tokens, *place.fake.tokens.iterdir(), place.fake.tokens.parent]:
        os.chmod(path, 0o755)
    agent_copy = place.disk / "connect-agent"
    shutil.copy(os.environ["AGENT"], agent_copy)
    start = place.start

    def as_nobody(*arguments, **environment):
        return subprocess.Popen(["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", str(agent_copy), *arguments],
                                env=place.environment(**environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    place.start = as_nobody
    try:
        with Application(place, name) as app, Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            rotate(place, "other-user")
            sidecar.refresh()
            reason = sidecar.wait_for("hook failed; it is tried again")["reason"]
            assert "uid 0" in reason and "uid 65532" in reason and "CAP_KILL" in reason and app.hups() == 0
            assert sidecar.stop() == 0
    finally:
        place.start = start


# --- when ---

def test_a_signal_once_for_each_generation_that_replaces_one(place):
    name = own_name()
    write(place, f"    onChange:\n      - signal: {{process: {name}, signal: HUP}}\n")
    with Application(place, name) as app, Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        sidecar.refresh()
        assert not sidecar.said("hook"), "neither after the first publication nor after a quiet refresh"
        for count in (1, 2, 3):
            rotate(place, count)
            sidecar.refresh()
            sidecar.wait_for("hook done", count)
            sidecar.wait(lambda: app.hups() == count, "the signal")
        sidecar.refresh()
        sidecar.refresh()
        assert len(sidecar.said("hook")) == 3 and app.hups() == 3
        done = sidecar.said("hook done")[0]
        assert (done["phase"], done["hook"], done["target"], done["output"]) == (
            "onChange", "signal", name, str(place.directory))


def test_init_runs_no_reaction_and_a_sidecar_after_it_does_when_it_replaces(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/reload]}\n")
    script(place, "reload", f"echo $CONNECT_AGENT_GENERATION $CONNECT_AGENT_DIRECTORY >>{place.disk}/ran\n")
    assert place.run("init").status == 0
    rotate(place, "newer")
    assert place.run("init").status == 0 and not lines(place.disk / "ran")
    rotate(place, "newest")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("hook done")
        assert lines(place.disk / "ran") == [f"1 {place.directory}"]


def test_a_plain_output_has_reactions_too(place):
    place.write((BASE + f"    onChange:\n      - exec: {{command: [{place.disk}/reload]}}\n").replace("    files:", "    layout: plain\n    files:"))
    script(place, "reload", f"cat {place.directory}/user >>{place.disk}/ran; echo >>{place.disk}/ran\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "plain")
        sidecar.refresh()
        sidecar.wait_for("hook done")
        assert lines(place.disk / "ran") == ["canary-value-plain"]


def test_a_new_template_owes_what_the_old_one_did_not_finish(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/missing]}\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "owed")
        sidecar.refresh()
        sidecar.wait_for("hook failed; it is tried again")
        script(place, "right", f"echo ran >>{place.disk}/ran\n")
        write(place, "    onChange:\n      - exec: {command: [{disk}/right]}\n")
        sidecar.wait_for("hook done")
        sidecar.wait_for("refresh over", 3)
        assert lines(place.disk / "ran") == ["ran"]


# --- http ---

def test_http_carries_nothing_of_ours(place):
    with Server() as server:
        write(place, f"    onChange:\n      - http: {{url: '{server.url}/-/reload?a=b'}}\n"
                     f"      - http: {{url: '{server.url}/put', method: PUT}}\n      - http: {{url: '{server.url}/get', method: GET}}\n")
        with Sidecar(place, http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1" if place.fake.url.startswith("http://127") else "") as sidecar:
            sidecar.wait_for("refresh over")
            rotate(place, "http")
            sidecar.refresh()
            sidecar.wait_for("hook done", 3)
    assert [(method, path) for method, path, _, _ in server.asked] == [("POST", "/-/reload?a=b"), ("PUT", "/put"), ("GET", "/get")]
    for _, _, headers, body in server.asked:
        assert body == b"" and "Authorization" not in headers and headers["User-Agent"].startswith("connect-agent/")
        place.assert_no_leak(str(headers))


def test_http_is_tried_again_and_redirects_are_not_followed(place):
    with Server(503, 302) as server:
        write(place, f"    onChange:\n      - http: {{url: {server.url}/reload}}\n")
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            rotate(place, "http")
            sidecar.refresh()
            sidecar.wait_for("hook done")
            tries = sidecar.said("hook failed; it is tried again")
            assert [e["try"] for e in tries] == [1, 2] and sidecar.said("hook done")[0]["try"] == 3
            assert "status 503" in tries[0]["reason"] and "status 302" in tries[1]["reason"]
    assert [path for _, path, _, _ in server.asked] == ["/reload"] * 3


def test_http_nobody_listens(place):
    write(place, "    onChange:\n      - http: {url: 'http://127.0.0.1:1/reload'}\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "nobody")
        sidecar.refresh()
        reason = sidecar.wait_for("hook failed; it is tried again")["reason"]
        assert "cannot connect to http://127.0.0.1:1/reload" in reason and "connect.host" not in reason


# --- failures ---

def test_a_hook_that_fails_for_good_is_told_and_the_next_one_runs(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/bad]}\n      - exec: {command: [{disk}/good]}\n")
    script(place, "bad", "echo because of this; exit 3\n")
    script(place, "good", f"echo ran >>{place.disk}/ran\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "bad")
        sidecar.refresh()
        sidecar.wait(lambda: [e for e in sidecar.events if e["message"] == "hook failed"], "the last try")
        last = [e for e in sidecar.events if e["message"] == "hook failed"][0]
        assert last["try"] == 5 and last["level"] == "error" and "because of this" in last["reason"] and "3" in last["reason"]
        sidecar.wait_for("hook done")
        assert lines(place.disk / "ran") == ["ran"]


def test_a_hanging_hook_holds_up_nothing(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/slow], timeout: 1m}\n")
    os.mkfifo(place.disk / "fifo")
    script(place, "slow", f"echo $CONNECT_AGENT_GENERATION >>{place.disk}/ran; read line <{place.disk}/fifo\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "one")
        sidecar.refresh()
        sidecar.wait(lambda: lines(place.disk / "ran") == ["2"], "the hook")
        for value in ("two", "three"):
            rotate(place, value)
            sidecar.refresh()
            assert place.published("user") == f"canary-value-{value}".encode()
        for count in (1, 2):
            (place.disk / "fifo").write_text("go on\n")
            sidecar.wait_for("hook done", count)
        assert lines(place.disk / "ran") == ["2", "4"], "one run for what came meanwhile, with the newest generation"
        assert not sidecar.said("hook failed")


def test_a_timeout_ends_the_whole_group(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/slow], timeout: 1s}\n")
    script(place, "slow", f"sleep 1000 & echo $! >>{place.disk}/pids; wait\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "slow")
        sidecar.refresh()
        assert "timeout" in sidecar.wait_for("hook failed; it is tried again")["reason"]
        sidecar.wait(lambda: lines(place.disk / "pids"), "a try that got as far as its child")
        pid = int(lines(place.disk / "pids")[0])
        sidecar.wait(lambda: not pathlib.Path(f"/proc/{pid}").exists() or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2],
                     "the end of the grandchild")


def test_leaving_ends_what_runs(place):
    write(place, "    onChange:\n      - exec: {command: [{disk}/slow], timeout: 1h}\n")
    script(place, "slow", f"echo $$ >{place.disk}/pid; exec sleep 1000\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        rotate(place, "slow")
        sidecar.refresh()
        sidecar.wait(lambda: lines(place.disk / "pid"), "the hook")
        pid = int(lines(place.disk / "pid")[0])
        assert sidecar.stop() == 0
        sidecar.wait(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the end of the hook")


# --- beforePublish ---

CHECK = "    beforePublish:\n      - exec: {command: [{disk}/check, '{{ directory }}/user'], timeout: 10s}\n"
VERIFY = 'grep -q good "$1" || { echo "not good"; exit 1; }\n'


def test_a_check_sees_the_new_generation_and_keeps_the_old_one(place):
    write(place, CHECK + "    onChange:\n      - exec: {command: [{disk}/reload]}\n")
    script(place, "check", f'test "$(cat $CONNECT_AGENT_DIRECTORY/copy)" = "$(cat $1)" && echo $1 >>{place.disk}/saw\n' + VERIFY)
    script(place, "reload", f"echo ran >>{place.disk}/ran\n")
    rotate(place, "good-1")
    with Sidecar(place) as sidecar:
        sidecar.wait_published()
        before = place.snapshot()
        rotate(place, "bad")
        sidecar.refresh()
        event = sidecar.wait_for("cannot refresh; what is published stays")
        assert event["error"] == "hook" and "beforePublish" in event["reason"] and "not good" in event["reason"]
        assert place.snapshot() == before and not [n for n in place.names() if n.startswith(".")], "old and nothing else"
        # Nothing is resolved again for it, and it is told once.
        place.fake.reset_log()
        sidecar.refresh()
        assert not place.fake.requests("item") and len(sidecar.said("cannot refresh")) == 1
        assert place.snapshot() == before and not lines(place.disk / "ran")
        rotate(place, "good-2")
        sidecar.refresh()
        sidecar.wait_published(2)
        sidecar.wait(lambda: lines(place.disk / "ran") == ["ran"], "the reaction")
        assert place.published("user") == b"canary-value-good-2"
        assert all(str(place.directory) in path and path != f"{place.directory}/user" for path in lines(place.disk / "saw"))


def test_init_publishes_nothing_that_fails_its_check(place):
    write(place, CHECK)
    script(place, "check", VERIFY)
    bad = place.run("init")
    assert bad.status == 73 and bad.said("not good") and not place.names()
    rotate(place, "good")
    assert place.run("init").status == 0 and place.published("user") == b"canary-value-good"
    before = place.snapshot()
    rotate(place, "bad")
    assert place.run("init").status == 73 and place.snapshot() == before


def test_every_output_passes_before_any_is_published(place):
    second = BASE.split("outputs:\n")[1].replace("{directory}", "{directory}2")
    place.write((BASE + second + CHECK).replace("{disk}", str(place.disk)))
    script(place, "check", VERIFY)
    assert place.run("init").status == 73 and not place.names()


def test_a_check_that_hangs_ends_with_a_newer_template(place):
    write(place, CHECK.replace("10s", "1h"))
    script(place, "check", f"echo $$ >{place.disk}/pid; exec sleep 1000\n")
    with Sidecar(place) as sidecar:
        sidecar.wait(lambda: lines(place.disk / "pid"), "the check")
        write(place, "")
        sidecar.wait_published()
        pid = int(lines(place.disk / "pid")[0])
        sidecar.wait(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the end of the check")


def test_a_stopped_check_leaves_nothing(place):
    write(place, CHECK.replace("10s", "1h"))
    script(place, "check", f"echo $$ >{place.disk}/pid; exec sleep 1000\n")
    with Sidecar(place) as sidecar:
        sidecar.wait(lambda: lines(place.disk / "pid"), "the check")
        assert sidecar.stop(signal.SIGTERM) == 0
        assert not place.names()
