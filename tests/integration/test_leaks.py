"""Nothing leaks: no canary and no token in what any run prints (agent.py looks at every run), nor in
what the kernel shows of the running process."""

import pathlib

import agent


def test_proc_shows_no_secret_while_it_runs(place):
    place.write(agent.TEMPLATE)
    # All items but the attachment are read when this hangs, so every value is in the process.
    place.fake.fault({"hang": True}, match={"endpoint": "file"})
    process = place.start("init", CONNECT_AGENT_TIMEOUT="100s")
    place.fake.wait_for("in_flight", 1)
    place.fake.wait_for("item", 3)
    proc = pathlib.Path(f"/proc/{process.pid}")
    shown = b"".join((proc / name).read_bytes() for name in ("cmdline", "environ", "comm", "status"))
    process.terminate()
    _, err = process.communicate(timeout=30)
    place.assert_no_leak(shown.decode(errors="replace") + err.decode())
    assert b"init" in shown


def test_process_cannot_dump_core(place):
    place.write(agent.TEMPLATE)
    place.fake.fault({"hang": True}, match={"endpoint": "vaults"})
    process = place.start("init", CONNECT_AGENT_TIMEOUT="100s")
    place.fake.wait_for("in_flight", 1)
    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    process.terminate()
    process.communicate(timeout=30)
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]


def test_ambiguous_and_missing_messages_show_names_not_values(place):
    references = ["op://prod/twin/a", "op://prod/odd/same/double", "op://prod/odd/double",
                  "op://prod/db/pasword", "op://prod/odd/fourth/x", "op://prod/dbb/x", "op://prd/x/y"]
    files = "\n".join(f"      - {{path: f{n}, content: {r}}}" for n, r in enumerate(references))
    result = place.init("version: 1\noutputs:\n  - directory: {directory}\n    files:\n" + files)
    assert result.status == 66, result
    reasons = "\n".join(result.reasons)
    for said in ('item "twin" is ambiguous: 2 match', 'section "same" is ambiguous: 2 match',
                 'field "double" is ambiguous: 2 match', 'did you mean "password"',
                 'no section "fourth"', 'no item "dbb"; did you mean "db"?',
                 'no vault "prd"; did you mean "prod"?'):
        assert said in reasons, said
    assert not place.directory.exists()


def test_value_that_a_dialect_cannot_carry_is_not_shown(place):
    template = """
version: 1
outputs:
  - directory: {directory}
    files:
      - path: app.env
        dialect: docker
        env: {MULTI: op://prod/odd/multi}
"""
    result = place.init(template)
    assert result.status == 65, result
    assert result.said("template.yaml:[0-9]+:[0-9]+: file app.env: .*MULTI")
    assert not place.directory.exists()
