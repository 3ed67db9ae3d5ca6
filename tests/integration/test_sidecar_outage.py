"""The outage contract: whatever fails, and whenever, what is published is the last good generation or the
new one, never anything else; the agent heals without a restart, says it once, and does not hammer."""

import os
import signal
import subprocess

import pytest

import agent
from sidecar import Sidecar

TEMPLATE = """
version: 1
outputs:
  - directory: {directory}
    files:
      - {path: a, content: op://prod/db/username}
      - {path: b, content: op://prod/db/password}
      - {path: c, content: op://other/api/credential}
      - {path: blob, content: op://prod/files/blob}
"""

# What may fail, at which request, and how it is called. All of these heal.
FAULTS = {
    "408": {"status": 408}, "429": {"status": 429, "headers": {"Retry-After": "1"}}, "500": {"status": 500}, "502": {"status": 502},
    "503": {"status": 503}, "504-html": {"status": 504, "body": "<html>", "content_type": "text/html"},
    "reset": {"reset": True}, "close": {"close": True}, "truncated": {"truncate": 10}, "garbage": {"garbage": True},
    "html": {"html": True}, "empty": {"empty": True}, "deep": {"depth": 1000},
}


@pytest.fixture
def place():
    with agent.Place() as made:
        made.write(TEMPLATE)
        yield made


def files(place):
    return {name: place.published(name) for name in ("a", "b", "c", "blob")}


def told_once(sidecar):
    """Every outage has one warning; the tries in it are for who debugs."""
    warnings = [e for e in sidecar.said("it is tried again") if e["level"] == "warn"]
    return len(warnings) <= len(sidecar.said("Connect answers again"))


@pytest.mark.parametrize("fault, endpoint", [
    *((fault, "item") for fault in FAULTS), *(("503", endpoint) for endpoint in ("vaults", "vault", "items", "file"))])
def test_at_the_start(place, fault, endpoint):
    place.fake.fault(FAULTS[fault], match={"endpoint": endpoint}, times=2)
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        assert len(files(place)) == 4 and told_once(sidecar)


@pytest.mark.parametrize("fault, endpoint", [
    *((fault, "item") for fault in FAULTS), *(("truncated", endpoint) for endpoint in ("vault", "items"))])
def test_in_the_middle_of_a_refresh(place, fault, endpoint):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        before = files(place)
        place.fake.set_field("prod", "db", "username", "canary-value-new-user")
        place.fake.set_field("prod", "db", "password", "canary-value-new-pass")
        rule = place.fake.fault(FAULTS[fault], match={"endpoint": endpoint})
        sidecar.process.send_signal(signal.SIGHUP)
        sidecar.wait_for("it is tried again", 2)
        assert files(place) == before, "the old generation stays while it fails"
        place.fake.clear_faults(rule)
        sidecar.wait_published(2)
        assert files(place) == {**before, "a": b"canary-value-new-user", "b": b"canary-value-new-pass"}


def test_a_server_that_is_gone_is_asked_ever_more_seldom(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        place.fake.fault({"status": 503})
        place.fake.reset_log()
        sidecar.process.send_signal(signal.SIGHUP)
        sidecar.wait_for("it is tried again", 4)
        requests = place.fake.requests()  # before the lines are counted: it may ask again meanwhile
        sidecar.wait_for("it is tried again", len(requests) - 2)
        delays = [e["delay_ms"] for e in sidecar.said("it is tried again")]
        assert all(delay <= 500 * 2 ** i for i, delay in enumerate(delays)), delays
        assert max(r["in_flight"] for r in requests[2:]) == 1, "one probe at a time"
        assert len(requests) <= len(delays) + 2
        assert place.snapshot() == before
        assert sidecar.stop() == 0
    assert place.snapshot() == before


def test_retry_after_is_honoured(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.reset_log()
        place.fake.fault({"status": 429, "headers": {"Retry-After": "2"}}, times=1)
        sidecar.refresh()
        times = [r["monotonic_ms"] for r in place.fake.requests()]
        assert [e["delay_ms"] >= 2000 for e in sidecar.said("it is tried again")] == [True]
        assert times[-1] - times[0] >= 1990, times


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_full_tmpfs_keeps_the_old_generation_and_needs_no_new_read(place):
    place.directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place.directory], check=True)
    try:
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            before = place.snapshot()
            place.fake.set_file("prod", "files", "blob", b"canary-value-" * 10000)
            sidecar.refresh()
            assert sidecar.said("cannot refresh")[-1]["error"] == "output", sidecar.raw[-5:]
            assert place.snapshot() == before
            place.fake.reset_log()
            sidecar.refresh()
            assert place.fake.counters()["item"] == 0 and place.fake.counters()["file"] == 0, "what was read is kept"
            subprocess.run(["mount", "-o", "remount,size=1m", place.directory], check=True)
            sidecar.refresh()
            assert place.published("blob") == b"canary-value-" * 10000
            assert place.fake.counters()["item"] == 0 and place.fake.counters()["file"] == 0
    finally:
        subprocess.run(["umount", place.directory], check=True)


# The token.


def test_a_new_token_is_taken(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        old = place.fake.token("agent")
        new = place.fake.rotate("agent")
        assert new != old
        place.fake.reset_log()
        sidecar.refresh()
        assert place.fake.counters()["total"] == 2 and not sidecar.said("refused")


def test_an_unreadable_token_leaves_the_old_one_in_use(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        path = place.fake.token_path("agent")
        good = path.read_text()
        for bad in ("", "ops_" + "x" * 300, good[:100], None):
            path.unlink() if bad is None else path.write_text(bad)
            sidecar.refresh()
            assert sidecar.said("the token cannot be read; the one that worked before stays in use")
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        assert place.published("a") == b"canary-value-later"


def test_an_item_that_lacks_an_optional_field_is_not_read_again(place):
    place.write(agent.TEMPLATE.replace("op://other/api/credential", "{ value: op://prod/odd/missing, optional: true }"))
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.reset_log()
        place.fake.set_field("prod", "db", "username", "canary-value-other-item")
        sidecar.refresh()
        assert len(place.fake.requests("item")) == 1, "only the item that changed"
        place.fake.set_field("prod", "odd", "lonely", "canary-value-odd-is-read")
        sidecar.refresh()
        assert len(place.fake.requests("item")) == 2


def test_another_reason_to_have_no_value_is_news(place):
    """Missing is covered by `optional`; ambiguous is not."""
    place.write(agent.TEMPLATE.replace("op://other/api/credential", "{ value: op://prod/later/x, optional: true }"))
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        for _ in range(2):
            place.fake.create_item("prod", "later", {"x": "canary-value-later"})
        sidecar.refresh()
        assert sidecar.said("cannot refresh")[-1]["error"] == "ambiguous"
