#!/usr/bin/env python3
"""Measures what docs/benchmark.md shows: sizes, memory, CPU and delays, as ratios of one run where a time is meant.

    tests/benchmark/run.py [--build build/dev] [--agent PROGRAM] [--image IMAGE] [--only NAME] [--fleet N]

--build: where fake-connect and benchmark-fetch are; --agent: the program, that of the build if left out. Nothing here
is a test: it fails only if something does not work at all. Run it on a machine that does nothing else.
"""

import argparse
import os
import pathlib
import random
import re
import resource
import signal
import statistics
import string
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import agent
import fake
import test_budget
from sidecar import Sidecar

ROUNDS = 15
DEBOUNCE_MS = 250
MEGABYTE = 1_000_000


def row(what, measured, budget=""):
    print(f"| {what} | {measured} | {budget} |", flush=True)


def memory(pid):
    """Resident, private and proportional bytes of a process."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}
    return fields["Rss"], fields["Private_Clean"] + fields["Private_Dirty"], fields["Pss"], fields["Private_Dirty"]


def blocked(pid):
    """How often it has gone to sleep, once it rests."""
    while True:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        if re.search(r"^State:\s+S", status, re.M):
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M)[1])


def cpu_seconds(pid):
    """Exact, where /proc/PID/stat counts by ticks, which a short refresh falls between."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


# --- sizes ---

def sizes(options):
    needed = subprocess.run(["readelf", "-d", os.environ["AGENT"]], capture_output=True, text=True, check=True).stdout
    row(f"program ({'shared libraries' if '(NEEDED)' in needed else 'static'})", f"{os.path.getsize(os.environ['AGENT'])} bytes", "static: 3 MB")
    if options.image:
        size = subprocess.run(["docker", "image", "inspect", "-f", "{{.Size}}", options.image], capture_output=True, text=True, check=True)
        row("image", f"{size.stdout.strip()} bytes", "3.5 MB")


# --- an idle sidecar ---

def idle(_options):
    lines = "\n".join(f'          V{i}: "op://alpha/item {i % 4}/field {i % 5}"' for i in range(20))
    for tls in (False, True):
        with agent.Place(test_budget.fixture(), quiet=True, tls=tls) as place:
            place.write(f"version: 1\noutputs:\n  - directory: {{directory}}\n    files:\n      - path: app.env\n        dialect: sh\n        env:\n{lines}\n")
            with Sidecar(place, CONNECT_AGENT_INTERVAL="1s", CONNECT_AGENT_LISTEN=f"127.0.0.1:{fake.free_port()}", CONNECT_AGENT_TIMEOUT=None) as sidecar:
                sidecar.wait_for("refresh over", 3)
                pid = sidecar.process.pid
                sidecar.wait_for("refresh over", len(sidecar.said("refresh over")) + 1)
                before, first = blocked(pid), len(sidecar.said("refresh over"))
                sidecar.wait_for("refresh over", first + 10)
                wakes = (blocked(pid) - before) / (len(sidecar.said("refresh over")) - first)
                resident, private, _, dirty = memory(pid)
                threads = len(os.listdir(f"/proc/{pid}/task"))
                row(f"idle, 20 references, {'https' if tls else 'http'}",
                    f"{resident // 1024} kB resident, {dirty // 1024} kB private dirty ({private // 1024} kB private), {threads} thread, {wakes:.1f} wake-ups",
                    "4 MB, 0.5 MB, 1, 2")


def broker(_options):
    """What the process beside it costs that starts commands (io/broker.h)."""
    with agent.Place(quiet=True) as place:
        place.write(agent.TEMPLATE + "    onChange: [{exec: {command: [/bin/true]}}]\n")
        with Sidecar(place, CONNECT_AGENT_INTERVAL="1h") as sidecar:
            sidecar.wait_for("refresh over")
            pid = sidecar.process.pid
            (child,) = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            resident, _, shared, dirty = memory(child)
            row("besides, where a hook has `exec:`, and in `exec`: agent-broker",
                f"{resident // 1024} kB resident ({shared // 1024} kB proportional), {dirty // 1024} kB private dirty")


# --- a cold start ---

def timed(command, **keywords):
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **keywords)
    return time.perf_counter() - begun


def cold_start(options):
    """Against a program that knows all URLs beforehand; in turns, so that both see the same machine."""
    with agent.Place(test_budget.fixture(), tls=True) as place:
        place.write(test_budget.template())
        environment = place.environment(CONNECT_AGENT_LOG_LEVEL="error", CONNECT_AGENT_TIMEOUT="30s")
        begin = [os.environ["AGENT"], "init"]
        subprocess.run(begin, env=environment, check=True)
        paths = [r["path"] + (f"?{r['query']}" if r.get("query") else "") for r in place.fake.requests()]
        urls = "".join(f"{place.fake.url}{path}\n" for path in paths).encode()
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(timed([options.fetch, environment["OP_CONNECT_TOKEN_FILE"], str(place.fake.ca)], input=urls))
            subprocess.run(["rm", "-rf", str(place.directory)], check=True)
            ours.append(timed(begin, env=environment))
        ratio = statistics.median(ours) / statistics.median(bare)
        row(f"cold start, 50 references in 10 items, TLS, {len(paths)} requests",
            f"{ratio:.2f} × bare libcurl ({statistics.median(ours) * 1000:.1f} ms and {statistics.median(bare) * 1000:.1f} ms, medians of {ROUNDS})", "1.2 ×")


# --- a change ---

def change(_options):
    with agent.Place(test_budget.fixture()) as place:
        text = "version: 1\noutputs:\n  - directory: {directory}\n    files: [{path: a, content: 'NUMBER {{ op://alpha/item 0/field 0 }}'}]\n"
        place.write(text.replace("NUMBER", "start"))
        with Sidecar(place, CONNECT_AGENT_TIMEOUT=None) as sidecar:
            sidecar.wait_for("refresh over")
            delays = []
            for i in range(ROUNDS):
                begun = time.perf_counter()
                place.write(text.replace("NUMBER", str(i)))
                while not place.published("a").startswith(f"{i} ".encode()):
                    time.sleep(0.0005)
                delays.append((time.perf_counter() - begun) * 1000 - DEBOUNCE_MS)
                sidecar.wait_for("refresh over", i + 2)
            row("template changed → new generation visible", f"{statistics.median(delays):.0f} ms after the debounce (worst of {ROUNDS}: {max(delays):.0f})", "50 ms")


# --- many references ---

def many_fixture(items):
    lines = ["tokens: [{name: agent, vaults: [v]}]", "vaults:", "  - name: v", "    items:"]
    for i in range(items):
        fields = ", ".join(f"{{label: f{f}, value: canary-value-{i}-{f}}}" for f in range(5))
        lines.append(f"      - {{title: item {i}, fields: [{fields}]}}")
    return "\n".join(lines)


def init_costs(items):
    """CPU seconds and peak bytes of one `init` with 5 references to each item."""
    with agent.Place(many_fixture(items)) as place:
        lines = "\n".join(f'          V{i}_{f}: "op://v/item {i}/f{f}"' for i in range(items) for f in range(5))
        place.write(f"version: 1\noutputs:\n  - directory: {{directory}}\n    files:\n      - path: app.env\n        dialect: sh\n        env:\n{lines}\n")
        costs = []
        for _ in range(3):
            subprocess.run(["rm", "-rf", str(place.directory)], check=True)
            process = subprocess.Popen([os.environ["AGENT"], "init"], env=place.environment(CONNECT_AGENT_TIMEOUT="60s", CONNECT_AGENT_LOG_LEVEL="error"))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise RuntimeError(f"init ended with {process.returncode}")
            costs.append((usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024))
        return min(costs)


def many(_options):
    few, lots = init_costs(20), init_costs(2000)
    row("CPU for each reference, 10 000 against 100", f"{lots[0] / few[0] / 100:.2f} × ({few[0] / 100 * 1e6:.0f} µs and {lots[0] / 10000 * 1e6:.0f} µs)", "1.2 ×")
    row("memory for each reference, 10 000 against 100", f"{lots[1] / few[1] / 100:.3f} × ({few[1] // 1024} kB and {lots[1] // 1024} kB in all)", "1.2 ×")


# --- exec --mask ---

OUTPUT = 32 << 20


def mask_seconds(place, program, *options):
    """CPU of connect-agent alone while the command prints OUTPUT bytes."""
    command = [os.environ["AGENT"], "exec", *options, "--log-level", "error", "--", "sh", "-c", program]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(command, env=place.environment(), stdout=subprocess.PIPE) as process:
        while process.stdout.read(1 << 16):
            pass
    if process.returncode:
        raise RuntimeError(f"exec ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def mask_rate(fields, size, key):
    """`fields` values of `size` bytes; as a key is written when `key`: in lines of 64 characters."""
    digits = random.Random(1)
    lines = ["tokens: [{name: agent, vaults: [v]}]", "vaults:", "  - name: v", "    items:"]
    for i in range(fields):
        value = "".join(digits.choices(string.ascii_letters + string.digits + "+/", k=size))
        value = "\\n".join(value[at:at + 64] for at in range(0, size, 64)) if key else value
        lines.append(f'      - {{title: item {i}, fields: [{{label: f, value: "{value}"}}]}}')
    with agent.Place("\n".join(lines)) as place:
        files = "".join(f'      - {{path: f{i}, content: "op://v/item {i}/f"}}\n' for i in range(fields))
        place.write("version: 1\noutputs:\n  - directory: {directory}\n    files:\n" + files + "exec:\n  env: {A: x}\n")
        text = place.disk / "output"
        words = ("GET /items/4711 200 12 ms", "connection accepted from 10.0.0.7", "cache miss; asking again", "worker 3 is idle")
        block = "".join(f"{i} {digits.choice(words)}\n" for i in range(20000))
        text.write_text((block * (OUTPUT // len(block) + 1))[:OUTPUT])
        with_mask = min(mask_seconds(place, f"cat {text}", "--mask") for _ in range(3))
        start = min(mask_seconds(place, "true", "--mask") for _ in range(3))
        return OUTPUT / MEGABYTE / max(with_mask - start, 0.001)


def mask(_options):
    for what, fields, size, key in (("20 values of 32 bytes", 20, 32, False), ("1000 values of 32 bytes", 1000, 32, False),
                                    ("a key of 4 MB", 1, 4 << 20, True)):
        row(f"`exec --mask`, {what}", f"{mask_rate(fields, size, key):.0f} MB of output for each second of CPU")


# --- a fleet ---

def fleet(options):
    """All against one server, each in a UTS namespace of its own as pods are."""
    interval, count = 30, options.fleet
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with agent.Place(test_budget.fixture()) as place:
        environment = place.environment(CONNECT_AGENT_INTERVAL=f"{interval}s", CONNECT_AGENT_LOG_LEVEL="error", CONNECT_AGENT_TIMEOUT=None)
        agents = []
        try:
            for i in range(count):
                template = place.disk / f"template-{i}.yaml"
                template.write_text(f"version: 1\noutputs:\n  - directory: {place.tmpfs}/out-{i}\n    files: [{{path: a, content: op://alpha/item 0/field 0}}]\n")
                agents.append(subprocess.Popen(["unshare", "--uts", "sh", "-c", f'hostname app-{i:05x} && exec "$AGENT" sidecar'], stdin=subprocess.DEVNULL,
                                               env={**environment, "AGENT": os.environ["AGENT"], "CONNECT_AGENT_TEMPLATE": str(template)}))
            place.fake.wait_for("item", count, timeout=300)
            place.fake.wait_for("vault", 2 * count, timeout=300)
            before, begun = sum(cpu_seconds(a.pid) for a in agents), time.monotonic()
            place.fake.wait_for("vault", 5 * count, timeout=600)
            used, passed = sum(cpu_seconds(a.pid) for a in agents) - before, time.monotonic() - begun
            together = sum(memory(a.pid)[2] for a in agents)
        finally:
            for a in agents:
                a.send_signal(signal.SIGKILL)
            for a in agents:
                a.wait()
    row(f"{count} sidecars, interval {interval} s", f"{together / MEGABYTE:.0f} MB together (PSS), {100 * used / passed:.1f} % of one core", "600 MB, 5 % for 1 000")


MEASUREMENTS = {"sizes": sizes, "idle": idle, "broker": broker, "cold-start": cold_start, "change": change, "many": many, "mask": mask, "fleet": fleet}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build" / "dev")
    parser.add_argument("--agent", type=pathlib.Path)
    parser.add_argument("--image")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append")
    parser.add_argument("--fleet", type=int, default=1000)
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ["AGENT"] = str((options.agent or build / "agent" / "connect-agent").resolve())
    os.environ["FAKE_CONNECT"] = str(build / "tests" / "fake" / "fake-connect")
    options.fetch = str(build / "tests" / "benchmark" / "benchmark-fetch")
    print("| What | Measured | Budget |\n|---|---|---|")
    for name, measure in MEASUREMENTS.items():
        if not options.only or name in options.only:
            measure(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
