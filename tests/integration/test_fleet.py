"""Fleet manners: 200 sidecars that are started together spread their questions over the interval."""

import os
import subprocess

import pytest

import agent

AGENTS = 200
INTERVAL_MS = 20000
TEMPLATE = """
version: 1
outputs:
  - directory: {directory}
    files: [{path: user, content: op://prod/db/username}]
"""


def test_200_agents_spread_over_the_interval():
    """Each in a UTS namespace of its own, with a host name as pods have. After the start, no tenth of the
    interval sees more than three times its share; without phases, one tenth would see them all."""
    probe = subprocess.run(["unshare", "--uts", "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no UTS namespaces: {probe.stderr.strip()}")
    with agent.Place() as place:
        place.write(TEMPLATE)
        environment = place.environment(CONNECT_AGENT_INTERVAL=f"{INTERVAL_MS}ms", CONNECT_AGENT_LOG_LEVEL="error")
        agents = []
        try:
            for i in range(AGENTS):
                template = place.disk / f"template-{i}.yaml"
                template.write_text(TEMPLATE.replace("{directory}", str(place.tmpfs / f"out-{i}")))
                agents.append(subprocess.Popen(
                    ["unshare", "--uts", "sh", "-c", f'hostname app-7d4b9c6f5d-{i:05x} && exec "$AGENT" sidecar'],
                    env={**environment, "AGENT": os.environ["AGENT"], "CONNECT_AGENT_TEMPLATE": str(template)},
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
            place.fake.wait_for("item", AGENTS, timeout=120)
            begun = max(r["monotonic_ms"] for r in place.fake.requests("item"))
            last = begun
            while last < begun + INTERVAL_MS:  # one interval from the last start
                seen = place.fake.requests("vault")
                last = seen[-1]["monotonic_ms"]
                place.fake.wait_for("vault", len(seen) + AGENTS // 10, timeout=90)
        finally:
            for one in agents:
                one.kill()
            said = b"".join(one.communicate()[1] for one in agents)
        assert not said.strip(), said
        looks = [r["monotonic_ms"] - begun for r in place.fake.requests("vault") if r["monotonic_ms"] > begun]
        tenths = [0] * 10
        for at in looks:
            if at < INTERVAL_MS:
                tenths[at * 10 // INTERVAL_MS] += 1
        print(f"looks at the vault in each tenth of the first interval: {tenths}")
        assert sum(tenths) >= AGENTS * 0.9 and max(tenths) <= 3 * sum(tenths) / 10 and min(tenths) > 0
        assert len(place.fake.requests("item")) == AGENTS, "nobody read an item again"
