"""Commands beside the sandbox: what a process that was taken over can make its broker do, that hooks and the
command of `exec` get what they need, and what becomes of the broker."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import uuid

import pytest

from sandboxing import CALLS, FILES, ONE, SECONDS, STATIC, attack, landlock, needs_landlock, no_sanitizer, told
from sidecar import Sidecar

pytestmark = no_sanitizer


# What a process that has a broker can do besides: signal others, and wait for its children.
WITH_BROKER = ONE + "    beforePublish: [{exec: {command: [/bin/true, hook]}}]\n"


@pytest.mark.parametrize("name", [n for n in FILES if n != "signal_process"])
def test_with_commands_in_the_template_they_are_out_of_reach_all_the_same(place, victims, name):
    if landlock() < FILES[name]:
        pytest.skip(f"this kernel's Landlock is of version {landlock()}; it takes {FILES[name]}")
    came, result = attack(place, victims, name, template=WITH_BROKER)
    assert came in ("EACCES", "EPERM", "ENOSYS", "EAFNOSUPPORT"), result
    assert result.returncode == 0 and place.names() == {"a": b"canary-value-user"}, result


@pytest.mark.parametrize("name", CALLS)
def test_with_commands_in_the_template_such_a_call_ends_the_process_all_the_same(place, victims, name):
    in_place = {"ATTACK_IN_PLACE": "1"} if name == "execute_program" and STATIC else {}
    came, result = attack(place, victims, name, template=WITH_BROKER, **in_place)
    assert came == "KILLED", result


@pytest.mark.parametrize("name", ["ask_for_another_command", "ask_for_another_argument", "ask_for_a_hook_elsewhere",
                                  "ask_for_a_hook_above", "ask_for_a_command", "ask_for_a_signal", "ask_nonsense"])
def test_the_broker_does_nothing_that_its_template_does_not_name(place, victims, name):
    came, result = attack(place, victims, name, template=WITH_BROKER)
    assert came == "EACCES" and "broker: the broker" in result.stdout, result
    assert result.returncode == 0 and victims.file.read_text() == "not yours" and victims.process.poll() is None
    came, result = attack(place, victims, "ask_for_its_hook", template=WITH_BROKER)
    assert came == "done", f"what it names it does: {result}"


def test_without_commands_in_the_template_there_is_no_broker(place, victims):
    assert attack(place, victims, "ask_for_its_hook")[0] == "ENOTCONN"


# --- hooks and exec ---


HOOK = "    {when}: [{{exec: {{command: [/bin/sh, -c, '{script}']}}}}]\n"


@needs_landlock
@pytest.mark.parametrize("life", ["init", "sidecar", "exec"])
def test_commands_are_not_confined_and_who_asks_for_them_is(place, tmp_path, life):
    """A command reads, writes and starts what it likes; the process that resolves does not."""
    script = f"ls /proc/self/fd >{tmp_path}/made && cat /etc/passwd >/dev/null && grep -c . /etc/shadow >>{tmp_path}/made; grep Seccomp: /proc/self/status >>{tmp_path}/made"
    place.write(ONE + ("" if life == "exec" else HOOK.format(when="beforePublish", script=script)))
    if life == "sidecar":
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            events = sidecar.events
            assert sidecar.stop() == 0
    else:
        result = place.run(*{"init": ["init"], "exec": ["exec", "--", "sh", "-c", script]}[life])
        assert result.status == 0, result
        events = result.events
    (line,) = [e for e in events if "sandboxed" in e["message"]]
    assert (line["level"], line["message"], line["landlock"]) == ("info", "sandboxed", min(6, landlock())), line
    assert line["seccomp"] != "none" and "reason" not in line
    made = (tmp_path / "made").read_text()
    outside = re.search(r"^Seccomp:\t(\d)$", pathlib.Path("/proc/self/status").read_text(), re.MULTILINE).group(1)
    assert f"Seccomp:\t{outside}" in made, made


@needs_landlock
def test_a_hook_that_a_new_template_changes_runs(place, tmp_path):
    """The broker reads the template too."""
    place.write(ONE + HOOK.format(when="onChange", script=f"echo one >>{tmp_path}/made"))
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.write(ONE + HOOK.format(when="onChange", script=f"echo other >>{tmp_path}/made"))
        sidecar.wait_for("a new template is in force")
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        sidecar.wait_for("hook done")
        assert (tmp_path / "made").read_text() == "other\n"


def test_a_broker_that_is_gone_is_told(place):
    """Nothing that was published goes; a hook that cannot be run says why."""
    place.write(ONE + HOOK.format(when="onChange", script="true"))
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        pid = sidecar.process.pid
        (broker,) = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert pathlib.Path(f"/proc/{broker}/comm").read_text() == "agent-broker\n"
        os.kill(int(broker), signal.SIGKILL)
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        sidecar.wait(lambda: any("agent-broker" in e.get("reason", "") and "restart connect-agent" in e["reason"] for e in sidecar.events), "the reason")
        assert place.names() == {"a": b"canary-value-later"}


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_the_broker_ends_with_the_agent(place, signal_number):
    place.write(ONE + HOOK.format(when="onChange", script="true"))
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        pid = sidecar.process.pid
        (broker,) = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        end = os.pidfd_open(int(broker))
        os.kill(int(broker), signal.SIGTERM)  # as who signals all of a group does: it has to be there to the last
        os.kill(pid, signal_number)
        sidecar.process.wait(SECONDS)
        assert select.select([end], [], [], SECONDS)[0], "the broker is still there"
        os.close(end)


def test_init_is_sandboxed_when_only_later_hooks_run_commands(place):
    line = told(place.init(ONE + "    onChange: [{exec: {command: [/bin/true]}}]\n"))
    assert line["seccomp"] != "none", "init runs no onChange hooks"


def test_a_command_inherits_descriptors(place, tmp_path):
    """As a service manager hands on sockets (LISTEN_FDS)."""
    (tmp_path / "open").write_text("handed on")
    place.write("version: 1\nexec: {env: {A: op://prod/db/username}}\n")
    command = ["sh", "-c", 'cat <&3; echo " $LISTEN_FDS"; ls /proc/self/fd']
    prefix = ["sh", "-c", f'exec "$@" 3<{tmp_path}/open', "sh"]
    result = place.run("exec", "--", *command, LISTEN_FDS="1", prefix=prefix)
    assert result.status == 0 and result.out.startswith("handed on 1\n"), result
    bare = subprocess.run([*prefix, *command], env={**os.environ, "LISTEN_FDS": "1"}, capture_output=True, text=True, check=True)
    assert result.out == bare.stdout, "what it would have without us, and nothing of ours"


@contextlib.contextmanager
def catcher(tmp_path):
    """A process that notes SIGHUP, under a name that no other on this machine has."""
    script = tmp_path / f"got-{uuid.uuid4().hex[:8]}"
    script.write_text("#!/bin/sh\n" + CATCH.format(got=tmp_path / "got"))
    script.chmod(0o755)
    with catching([script]) as process:
        (tmp_path / "pid").write_text(f"{process.pid}\n")
        yield script.name, tmp_path / "pid", tmp_path / "got"


CATCH = "trap 'echo got >>{got}' HUP; echo ready; while :; do sleep 0.1; done"


@contextlib.contextmanager
def catching(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["process: {name}", "pidFile: {pid}", "exe: {exe}"])
def test_signal_hooks_signal(place, tmp_path, how):
    with contextlib.ExitStack() as stack:
        name, pid, got = stack.enter_context(catcher(tmp_path))
        exe = os.path.realpath(f"/proc/{pid.read_text().strip()}/exe")
        # Shells are many: the exe form is tried with a name of its own.
        if "exe" in how:
            own = tmp_path / "own-shell"
            shutil.copy(exe, own)
            stack.enter_context(catching([own, "-c", CATCH.format(got=got)]))
            exe = own
        hook = how.replace("{name}", name).replace("{pid}", str(pid)).replace("{exe}", str(exe))
        place.write(ONE + f"    onChange: [{{signal: {{{hook}}}}}]\n")
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            place.fake.set_field("prod", "db", "username", "canary-value-later")
            sidecar.refresh()
            sidecar.wait(got.exists, "the signal")
            (line,) = [e for e in sidecar.events if "sandboxed" in e["message"]]
            assert line["seccomp"] != "none" and (line["landlock"] == 0) == (not landlock()), line
