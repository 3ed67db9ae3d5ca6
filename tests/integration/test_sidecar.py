"""The sidecar: publishes, then follows the vaults with as few requests as there can be."""

import os
import signal
import threading

import pytest

import agent
from sidecar import Sidecar

FIXTURE = """
tokens:
  - {name: agent}
  - {name: other}
vaults:
""" + "".join(f"""
  - name: v{v}
    items:
""" + "".join(f"""
      - title: i{i}
        fields: [{{label: a, value: canary-value-{v}-{i}-a}}, {{label: b, value: canary-value-{v}-{i}-b}}]
""" for i in range(4)) for v in range(3)) + """
      - title: blob
        files: [{name: blob, size: 3000, seed: 7}]
"""
LOOKS = 100000  # of a reader, while it is written
TEMPLATE = """
version: 1
outputs:
  - directory: {directory}
    files:
""" + "".join(f"      - {{path: f{v}{i}, content: '{{{{ op://v{v}/i{i}/a }}}}-{{{{ op://v{v}/i{i}/b }}}}'}}\n" for v in range(3) for i in range(4)) + """
      - {path: blob, content: op://v2/blob/blob}
      - {path: maybe, content: op://v0/none/x, optional: true}
"""


@pytest.fixture
def place():
    with agent.Place(FIXTURE) as made:
        made.write(TEMPLATE)
        yield made


def test_publishes_and_leaves_at_once_with_its_outputs(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_published()
        before = place.names()
        assert len(before) == 13 and before["f00"] == b"canary-value-0-0-a-canary-value-0-0-b"
        assert sidecar.stop() == 0
    assert place.names() == before


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_stops_in_the_middle_of_a_request(place, stop):
    place.fake.fault({"hang": True}, match={"endpoint": "item"})
    with Sidecar(place) as sidecar:
        place.fake.wait_for("item", 1)
        assert sidecar.stop(stop) == 0


def test_a_quiet_interval_takes_one_request_per_vault_and_reads_no_item(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        snapshot = place.snapshot()
        place.fake.reset_log()
        for _ in range(100):
            sidecar.refresh()
        counters = place.fake.counters()
        assert counters["total"] == 300 and counters["vault"] == 300, counters
        assert counters["item"] == 0 and counters["items"] == 0
        assert place.snapshot() == snapshot, "something was written"


def test_one_changed_item_takes_one_list_and_one_read(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        inode = (place.directory / "f00").stat().st_ino
        place.fake.reset_log()
        place.fake.set_field("v1", "i2", "a", "canary-value-new")
        sidecar.refresh()
        counters = place.fake.counters()
        assert (counters["vault"], counters["items"], counters["item"], counters["vaults"], counters["file"]) == (3, 1, 1, 0, 0), counters
        assert place.published("f12") == b"canary-value-new-canary-value-1-2-b"
        assert place.published("f00") == b"canary-value-0-0-a-canary-value-0-0-b", "what did not change is still there"
        assert len(place.published("blob")) == 3000
        assert inode
        place.fake.reset_log()
        sidecar.refresh()
        assert place.fake.counters()["total"] == 3


def test_what_changes_where_nothing_is_used_is_not_read(place):
    place.write("version: 1\noutputs:\n  - directory: {directory}\n    files: [{path: a, content: op://v0/i0/a}]\n")
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.reset_log()
        place.fake.set_field("v0", "i1", "a", "canary-value-elsewhere")
        sidecar.refresh()
        counters = place.fake.counters()
        assert (counters["vault"], counters["items"], counters["item"]) == (1, 1, 0), counters
        assert not [e for e in sidecar.events if e["message"] == "published"][1:]


def test_the_interval_is_kept(place):
    with Sidecar(place, CONNECT_AGENT_INTERVAL="1s") as sidecar:
        place.fake.wait_for("vault", 15)
        delays = [e["delay_ms"] for e in sidecar.said("refresh over")]
        assert all(750 <= delay <= 1250 for delay in delays[1:]) and 1 <= delays[0] <= 1000, delays


def test_an_optional_reference_appears_and_goes(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        assert "maybe" not in place.names()
        place.fake.create_item("v0", "none", {"x": "canary-value-maybe"})
        sidecar.refresh()
        assert place.published("maybe") == b"canary-value-maybe"
        place.fake.delete_item("v0", "none")
        sidecar.refresh()
        assert "maybe" not in place.names() and len(place.names()) == 13


def test_a_deleted_item_leaves_the_generation_and_heals(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        place.fake.delete_item("v1", "i1")
        sidecar.refresh()
        assert sidecar.said("cannot refresh; what is published stays")[-1]["error"] == "not_found"
        assert place.snapshot() == before
        place.fake.reset_log()
        sidecar.refresh()
        sidecar.refresh()
        counters = place.fake.counters()
        assert counters["total"] == 6 and len(sidecar.said("cannot refresh")) == 1, "told once"
        place.fake.create_item("v1", "i1", {"a": "canary-value-a", "b": "canary-value-b"})
        sidecar.refresh()
        assert place.published("f11") == b"canary-value-a-canary-value-b"
        assert sidecar.said("refreshed again")


def test_a_renamed_vault_is_no_longer_what_a_reference_names(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        place.fake.set_vault("v1", name="elsewhere")
        sidecar.refresh()
        assert sidecar.said('no vault "v1"')
        assert place.snapshot() == before
        place.fake.set_vault("elsewhere", name="v1")
        sidecar.refresh()
        assert sidecar.said("refreshed again")


def test_a_reader_never_sees_the_certificate_of_one_generation_with_the_key_of_another(place):
    """A writer rotates both as fast as it can, and a reader looks 100 000 times."""
    place.write("version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
                "      - {path: crt, content: op://v0/i0/a}\n      - {path: key, content: op://v0/i0/b}\n")
    ended = threading.Event()
    rotations = 0

    def rotate(sidecar):
        nonlocal rotations
        token, vault = "agent", None
        vault = place.fake.vault_id("v0", token)
        item = place.fake.item_id(vault, "i0", token)
        while not ended.is_set():
            rotations += 1
            patch = [{"op": "replace", "path": f"/fields/{n}/value", "value": f"canary-value-{rotations}"} for n in (0, 1)]
            reply = place.fake.request("PATCH", f"/v1/vaults/{vault}/items/{item}", token=token, body=patch)
            assert reply.status == 200, reply
            sidecar.process.send_signal(signal.SIGHUP)

    place.fake.set_field("v0", "i0", "a", "canary-value-0")
    place.fake.set_field("v0", "i0", "b", "canary-value-0")
    with Sidecar(place, CONNECT_AGENT_LOG_LEVEL="info") as sidecar:
        sidecar.wait_published()
        writer = threading.Thread(target=rotate, args=(sidecar,))
        writer.start()
        looks, seen, overtaken = 0, set(), 0
        try:
            while looks < LOOKS or len(seen) <= 10:
                looks += 1
                pair = []
                try:
                    data = os.open(place.directory / "..data", os.O_PATH | os.O_DIRECTORY)
                except FileNotFoundError:
                    os.lstat(place.directory / "..data")  # the link itself is there at every instant
                    overtaken += 1  # between it and what it led to
                    continue
                try:
                    for name in ("crt", "key"):
                        with open(os.open(name, os.O_RDONLY, dir_fd=data), "rb") as file:
                            pair.append(file.read())
                except FileNotFoundError:
                    overtaken += 1  # by two generations: only the one before the present is kept
                    continue
                finally:
                    os.close(data)
                assert pair[0] == pair[1], pair
                seen.add(pair[0])
        finally:
            ended.set()
            writer.join()
        assert rotations > 10 and overtaken < looks / 10, (len(seen), rotations, overtaken, looks)


@pytest.mark.skipif(os.geteuid() != 0, reason="reading /proc/PID/mem of a process that is not dumpable needs root")
@pytest.mark.skipif(bool(os.environ.get("SANITIZE")), reason="a sanitizer keeps freed memory in quarantine")
@pytest.mark.parametrize("tls", [False, True])
def test_an_idle_sidecar_holds_no_secret_in_memory(tls):
    with agent.Place(FIXTURE, tls=tls) as place:
        place.write(TEMPLATE)
        needles = [agent.CANARY.encode()]
        for token in place.tokens():
            needles += [part[:40].encode() for part in token.split(".")]
            needles += [token[-40:].encode()]
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            needles.append(place.published("blob")[100:140])
            assert agent.scan_memory(sidecar.process.pid, needles) == set()
            place.fake.set_field("v1", "i2", "a", "canary-value-new")
            sidecar.refresh()
            assert place.published("f12").startswith(b"canary-value-new")
            assert agent.scan_memory(sidecar.process.pid, needles) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="reading /proc/PID/mem of a process that is not dumpable needs root")
@pytest.mark.skipif(bool(os.environ.get("SANITIZE")), reason="a sanitizer's shadow is larger than any memory")
def test_the_scan_finds_what_is_there(place):
    place.fake.fault({"hang": True}, match={"endpoint": "file"})
    with Sidecar(place) as sidecar:
        place.fake.wait_for("file", 1)
        place.fake.wait_for("item", 12)
        # What the server has sent need not have been read yet.
        sidecar.wait(lambda: b"canary-value-" in agent.scan_memory(sidecar.process.pid, [b"canary-value-"]), "value that the scan sees")
