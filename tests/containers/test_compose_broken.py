"""The stacks of deploy/compose while Connect is down, and with a token that is revoked: all keeps serving what was
published, and catches up afterwards. The three are run side by side: a refusal is believed after half a minute only."""

import concurrent.futures
import contextlib
import json

import pytest

import test_compose_exec
import test_compose_nginx
import test_compose_postgres
from stack import Stack, tree, until

AGENT = {"nginx": "agent", "exec": "app", "postgres": "agent"}
BELIEVED_SECONDS = 120


@pytest.fixture(scope="module")
def stacks(docker):
    with contextlib.ExitStack() as opened:
        made = {name: opened.enter_context(Stack(docker, name)) for name in AGENT}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(Stack.up, made.values()))
        until(lambda: made["exec"].health("app") == made["postgres"].health("db") == "healthy")
        yield made


def rotate(stacks, name):
    """Gives each stack's secret a new value."""
    certificate = test_compose_nginx.rotate(stacks["nginx"], name)
    for stack, item, label in (("exec", "stripe", "credential"), ("postgres", "db", "password")):
        stacks[stack].connect.patch("prod", item, {label: f"canary-value-{name}"})
    return certificate


def serves(stacks, name, certificate):
    """Does each application have what it was given under this name?"""
    return (
        test_compose_nginx.served(stacks["nginx"].port("nginx", 8443)).split() == certificate.split()
        and test_compose_exec.application(stacks["exec"])[1].get("STRIPE_KEY") == f"canary-value-{name}"
        and test_compose_postgres.login(stacks["postgres"], f"canary-value-{name}")
    )


def outputs(stacks):
    return [tree(stacks["nginx"].proc("pause") / "root/run/tls"), tree(stacks["postgres"].proc("pause") / "root/run/db"),
            test_compose_exec.application(stacks["exec"])]


def healths(stacks):
    return {name: stacks[name].health(service) for name, service in AGENT.items()}


def all_said(stacks, message, **fields):
    """Has each agent a line whose message begins so, with these fields?"""
    def said(stack, service):
        lines = (line[line.index("{"):] for line in stack.logs(service).splitlines() if '{"time"' in line)
        return any(event["message"].startswith(message) and all(event.get(k) == v for k, v in fields.items())
                   for event in map(json.loads, lines))
    return all(said(stacks[name], service) for name, service in AGENT.items())


def probe(stacks, name):
    """What the health check would say now."""
    program = "/usr/bin/connect-agent" if name == "nginx" else "/opt/connect-agent/connect-agent"
    return stacks[name].exec(AGENT[name], program, "probe", "ready", check=False).returncode


def test_while_connect_is_down_everything_serves_and_then_catches_up(stacks):
    certificate = rotate(stacks, "before")
    until(lambda: serves(stacks, "before", certificate))
    before = outputs(stacks)
    for stack in stacks.values():
        stack.compose("stop", "--timeout", "0", "connect")
    until(lambda: all_said(stacks, "request to Connect failed; it is tried again", error="unreachable"))
    assert serves(stacks, "before", certificate) and outputs(stacks) == before
    assert [probe(stacks, name) for name in AGENT] == [0, 0, 0]
    for stack in stacks.values():
        stack.compose("start", "connect")
    # The fake begins again with its sample vault, at version 1, where Connect keeps what it has synced: two writes give
    # versions that the agents have not seen.
    rotate(stacks, "meanwhile")
    certificate = rotate(stacks, "after")
    until(lambda: serves(stacks, "after", certificate))


def test_with_a_revoked_token_everything_serves_and_then_catches_up(stacks):
    certificate = rotate(stacks, "granted")
    until(lambda: serves(stacks, "granted", certificate))
    before = outputs(stacks)
    for stack in stacks.values():
        stack.connect.revoke("agent")
    until(lambda: all_said(stacks, "cannot refresh", error="token"), BELIEVED_SECONDS)
    assert serves(stacks, "granted", certificate) and outputs(stacks) == before
    assert healths(stacks) == {name: "healthy" for name in AGENT}  # unset maxStale: published is ready
    for stack in stacks.values():
        stack.connect.restore("agent")
    certificate = rotate(stacks, "granted-again")
    until(lambda: serves(stacks, "granted-again", certificate))
