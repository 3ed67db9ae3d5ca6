"""How many requests a cold start costs: at most 1 + 2V + U + F, each item read once."""

import collections

import agent

VAULTS = ["alpha", "beta", "gamma"]


def fixture():
    """3 vaults, 10 items: one with an attachment, an OTP, an SSH key, a multi-line PEM."""
    lines = ["tokens:", "  - {name: agent, vaults: [alpha, beta, gamma]}", "vaults:"]
    for v, vault in enumerate(VAULTS):
        lines += [f"  - name: {vault}", "    items:"]
        for i in range(4 if v == 0 else 3):
            lines += [f"      - title: item {i}", "        fields:"]
            for f in range(5):
                lines.append(f"          - {{label: field {f}, value: canary-value-{v}-{i}-{f}}}")
            if (v, i) == (0, 0):
                lines.append("          - {label: code, type: OTP, value: "
                             "'otpauth://totp/canary-value-otp?secret=JBSWY3DPEHPK3PXP'}")
                lines.append("          - {label: private key, type: SSHKEY, generate: ed25519}")
                lines.append("          - {label: pem, generate: certificate}")
                lines.append("        files: [{name: keystore.p12, size: 70000, seed: 3}]")
    return "\n".join(lines)


def references():
    found = [
        f"op://{vault}/item {i}/field {f}"
        for v, vault in enumerate(VAULTS)
        for i in range(4 if v == 0 else 3)
        for f in range(5)
    ][:46]
    found += [
        "op://alpha/item 0/code?attribute=otp",
        "op://alpha/item 0/private key",
        "op://alpha/item 0/pem",
        "op://alpha/item 0/keystore.p12",
    ]
    return found


def template():
    lines = ["version: 1", "outputs:", "  - directory: {directory}", "    files:"]
    for n, reference in enumerate(references()):
        lines.append(f'      - {{path: "f{n:02}", content: "{reference}"}}')
    # The same references again, in another file and another case: no further request.
    lines += ["      - path: all.env", "        dialect: sh", "        env:"]
    for n, reference in enumerate(references()[:49]):
        lines.append(f'          V{n}: "{reference.upper().replace("OP:", "op:")}"'
                     if "?" not in reference else f'          V{n}: "{reference}"')
    return "\n".join(lines)


def test_fifty_references_cost_one_request_for_each_thing():
    assert len(references()) == 50
    with agent.Place(fixture()) as place:
        result = place.init(template(), CONNECT_AGENT_TIMEOUT="30s")
        assert result.status == 0, result
        counters = place.fake.counters()
        v, u, f = 3, 10, 1
        assert counters["total"] <= 1 + 2 * v + u + f
        assert counters["item"] == u and counters["file"] == f
        reads = collections.Counter(r["path"] for r in place.fake.requests("item"))
        assert set(reads.values()) == {1}, "an item was read twice"
        assert place.published("f00") == b"canary-value-0-0-0"
        assert place.published("f46").isdigit() and len(place.published("f46")) == 6
        assert b"BEGIN PRIVATE KEY" in place.published("f47")
        assert place.published("f48").count(b"\n") > 3
        assert len(place.published("f49")) == 70000


def test_requests_run_in_parallel_over_kept_connections():
    with agent.Place(fixture()) as place:
        place.fake.fault({"latency_ms": 50}, match={"endpoint": "item"})
        result = place.init(template(), CONNECT_AGENT_TIMEOUT="30s")
        assert result.status == 0, result
        counters = place.fake.counters()
        assert 2 <= counters["max_in_flight"] <= 8
        assert counters["connections"] <= 8


def test_a_hiccup_repeats_only_what_failed():
    with agent.Place(fixture()) as place:
        place.fake.fault({"status": 503}, match={"endpoint": "item"}, after=3, times=1)
        result = place.init(template(), CONNECT_AGENT_TIMEOUT="30s")
        assert result.status == 0, result
        assert place.fake.counters()["item"] == 11
