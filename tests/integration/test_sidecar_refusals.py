"""Refusals: a withdrawn grant, a refused new token, a revoked one. Each is soft for 5 tries over 30 s
(design.md, "Failing"), so these take their time; they go on side by side, and each test waits for its own."""

import concurrent.futures
import inspect
import signal
import sys

import pytest

import agent
import sidecar as driver
from sidecar import Sidecar
from test_sidecar_outage import TEMPLATE, files

driver.SECONDS = 180


@pytest.fixture(scope="module")
def running():
    """Every scenario of this file, under way."""
    def run(scenario):
        with agent.Place() as place:
            place.write(TEMPLATE)
            scenario(place)

    scenarios = {name: f for name, f in inspect.getmembers(sys.modules[__name__], inspect.isfunction) if name.startswith("scenario_")}
    with concurrent.futures.ThreadPoolExecutor(len(scenarios)) as pool:
        yield {name: pool.submit(run, scenario) for name, scenario in scenarios.items()}


def refreshes_since(sidecar, overs):
    """At the most, in view of one that was under way and one that is: a test may be held up for longer than an interval."""
    return len(sidecar.said("refresh over")) - overs + 2


def scenario_a_withdrawn_grant_waits_and_heals(place):
    place.fake.grant("agent", ["prod", "other"])
    with Sidecar(place, CONNECT_AGENT_INTERVAL="1s") as sidecar:
        sidecar.wait_published()
        before = files(place)
        place.fake.grant("agent", ["prod"])
        sidecar.wait_for("cannot refresh; what is published stays")
        assert sidecar.said("cannot refresh")[-1]["error"] == "forbidden" and files(place) == before
        # From now on it asks once an interval, not five times.
        place.fake.reset_log()
        overs = len(sidecar.said("refresh over"))
        sidecar.wait_for("refresh over", overs + 3)
        forbidden = [r for r in place.fake.requests() if r["status"] == 403]
        assert 1 <= len(forbidden) <= refreshes_since(sidecar, overs), forbidden
        assert len(sidecar.said("cannot refresh")) == 1, "told once"
        place.fake.set_field("other", "api", "credential", "canary-value-new-api")
        place.fake.grant("agent", ["prod", "other"])
        sidecar.wait_published(2)
        assert files(place)["c"] == b"canary-value-new-api"


def scenario_a_refused_new_token_leaves_the_old_one_in_use(place):
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        path = place.fake.token_path("agent")
        good = path.read_text()
        path.write_text(place.fake.token("nowhere"))  # a token without vaults
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        overs = len(sidecar.said("refresh over"))
        sidecar.process.send_signal(signal.SIGHUP)
        sidecar.wait_for("the new token is refused; the one that worked before stays in use")
        sidecar.wait_published(2)
        assert place.published("a") == b"canary-value-later" and overs
        path.write_text(good)
        sidecar.refresh()
        assert sidecar.said("the token is accepted")


def scenario_a_revoked_token_waits_for_a_new_one(place):
    with Sidecar(place, CONNECT_AGENT_INTERVAL="1s") as sidecar:
        sidecar.wait_published()
        before = files(place)
        place.fake.revoke("agent")
        sidecar.wait_for("cannot refresh; what is published stays")
        assert sidecar.said("cannot refresh")[-1]["error"] == "token"
        place.fake.reset_log()
        overs = len(sidecar.said("refresh over"))
        sidecar.wait_for("refresh over", overs + 3)
        requests = place.fake.requests()
        assert len(requests) <= 2 * refreshes_since(sidecar, overs), "two vaults, once an interval"
        assert files(place) == before
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        place.fake.rotate("agent")
        sidecar.wait_published(2)
        assert place.published("a") == b"canary-value-later"


@pytest.mark.parametrize("name", ["a_withdrawn_grant_waits_and_heals", "a_refused_new_token_leaves_the_old_one_in_use", "a_revoked_token_waits_for_a_new_one"])
def test(running, name):
    running["scenario_" + name].result()
