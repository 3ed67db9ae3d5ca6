"""The sandbox: what a program that was taken over can still do, what it says on kernels that have less
of it, what becomes of a template that needs more, and that hooks and `exec` get what they need.

The program that was taken over is attack.c. Each attack is tried with the sandbox, which must refuse
it, and without, where it must succeed: a test that cannot fail would show nothing.

SANDBOX_AGENT and SANDBOX_COMPROMISED may name the static build of both, whose list of system calls is
tried then (tests/static.sh)."""

import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import pytest

from fake import free_port
from sandboxing import CALLS, FILES, LISTED, ONE, SECONDS, STATIC, TWO, attack, landlock, needs_landlock, needs_root, needs_strace, no_sanitizer, succeeds_without, told
from sidecar import Sidecar

pytestmark = no_sanitizer


@pytest.mark.parametrize("name", FILES)
def test_files_and_processes_of_others_are_out_of_reach(place, victims, name):
    if landlock() < FILES[name]:
        pytest.skip(f"this kernel's Landlock is of version {landlock()}; it takes {FILES[name]}")
    came, result = attack(place, victims, name)
    # A list of system calls refuses some before Landlock is asked.
    assert came in ("EACCES", "EPERM", "ENOSYS", "EAFNOSUPPORT"), result
    assert result.returncode == 0 and place.names() == {"a": b"canary-value-user"}, result
    succeeds_without(place, victims, name)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_only_an_intruder_makes_ends_the_process(place, victims, name):
    in_place = {"ATTACK_IN_PLACE": "1"} if name == "execute_program" and STATIC else {}
    came, result = attack(place, victims, name, **in_place)
    assert came == "KILLED", result
    succeeds_without(place, victims, name)


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.skipif(not STATIC, reason="the list of system calls is the static build's: tests/static.sh runs this with it")
def test_the_static_build_makes_no_other_calls(place, victims, name):
    came, result = attack(place, victims, name)
    assert came in ("ENOSYS", "EPERM", "EAFNOSUPPORT"), result
    succeeds_without(place, victims, name)


@pytest.mark.parametrize("name", ["open_ring", "clone3_into_namespace"])
def test_what_libraries_do_without_does_not_exist(place, victims, name):
    came, result = attack(place, victims, name)
    assert came == "ENOSYS", result


def test_clone3_would_have_worked(place, victims):
    succeeds_without(place, victims, "clone3_into_namespace")


def binding(*paths):
    """A command's prefix: a mount namespace in which each of these files is bound alone, as in a container."""
    script = "".join(f'mount --bind {path} {path} && ' for path in paths) + 'exec "$@"'
    return ["unshare", "-m", "sh", "-c", script, "sh"]


@needs_root
@needs_landlock
def test_in_a_container_the_rest_of_etc_is_out_of_reach(place, victims):
    bound = binding("/etc/resolv.conf", "/etc/hosts")
    assert attack(place, victims, "read_passwd", *bound)[0] == "EACCES"
    assert attack(place, victims, "read_passwd", *bound, CONNECT_AGENT_SANDBOX="off")[0] == "done"


@needs_root
@needs_landlock
def test_of_files_that_are_bound_alone_the_neighbours_are_out_of_reach(place, victims, tmp_path):
    """Secrets of Docker lie in one directory, each a mount of its own."""
    token = victims.directory / "token"
    token.write_text(place.fake.token("agent"))
    at = {"OP_CONNECT_TOKEN_FILE": token}
    assert attack(place, victims, "read_file", **at)[0] == "done", "a file beside it may take its place"
    assert attack(place, victims, "read_file", *binding(token), **at)[0] == "EACCES"


# --- what it says ---


@needs_landlock
def test_what_is_in_force_is_told_once(place):
    line = told(place.init(ONE))
    assert line["level"] == "info" and line["message"] == "sandboxed" and line["landlock"] == min(6, landlock())
    assert line["seccomp"] == ("listed" if STATIC else "denied") and "reason" not in line


def test_it_can_be_switched_off(place):
    line = told(place.init(ONE, CONNECT_AGENT_SANDBOX="off"))
    assert (line["level"], line["message"], line["landlock"], line["seccomp"]) == ("info", "not sandboxed", 0, "none")
    assert "--sandbox" in line["reason"]
    place.write(ONE)
    assert told(place.run("init", "--sandbox", "off"))["message"] == "not sandboxed"


@pytest.mark.parametrize("value", ["no", "", "ON"])
def test_another_word_than_on_or_off_is_refused(place, value):
    place.write(ONE)
    result = place.run("init", "--sandbox", value)
    assert result.status == 64 and f'--sandbox: "{value}" is not on or off' in result.err


def inject(call, what):
    return ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}"]


@needs_strace
@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "EPERM"])
def test_a_kernel_without_landlock_is_one_line(place, victims, error):
    place.write(ONE)
    result = place.run("init", prefix=inject("landlock_create_ruleset", f"error={error}"))
    line = told(result)
    assert result.status == 0 and place.names() == {"a": b"canary-value-user"}
    assert (line["level"], line["message"], line["landlock"]) == ("warn", "sandboxed in part", 0)
    assert "Landlock" in line["reason"]
    assert len([e for e in result.events if "sandboxed" in e["message"]]) == 1
    came, _ = attack(place, victims, "read_file", *inject("landlock_create_ruleset", f"error={error}"))
    assert came == "done", "the attack works where Landlock is missing: it is Landlock that refuses it"


@needs_strace
def test_a_kernel_without_seccomp_is_one_line(place):
    place.write(ONE)
    result = place.run("init", prefix=inject("seccomp", "error=EINVAL"))
    line = told(result)
    assert result.status == 0 and (line["level"], line["message"], line["seccomp"]) == ("warn", "sandboxed in part", "none")


@needs_strace
def test_a_kernel_with_neither_is_one_line(place):
    place.write(ONE)
    result = place.run("init", prefix=[*inject("seccomp", "error=ENOSYS"), "-e", "trace=seccomp,landlock_create_ruleset", "-e",
                                       "inject=landlock_create_ruleset:error=ENOSYS"])
    assert result.status == 0 and told(result)["message"] == "not sandboxed"


@needs_strace
@needs_landlock
@pytest.mark.parametrize("layout", ["atomic", "plain"])
@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 99])
def test_every_version_of_landlock_will_do(place, victims, version, layout):
    """The kernel says that it has this one; what is asked of it then must not be more."""
    if landlock() < min(version, 6):
        pytest.skip(f"this kernel's Landlock is of version {landlock()}")
    pretend = inject("landlock_create_ruleset", f"retval={version}:when=1")
    place.write(ONE.replace("    files:", f"    layout: {layout}\n    files:"))
    result = place.run("init", prefix=pretend)
    assert result.status == 0 and told(result)["landlock"] == min(version, 6), result
    place.write(TWO.replace("    files:", f"    layout: {layout}\n    files:"))
    result = place.run("init", prefix=pretend)
    assert result.status == 0 and place.names() == {"b": b"canary-value-api"}, result
    assert attack(place, victims, "read_file", *pretend)[0] == "EACCES"


@needs_strace
@needs_landlock
@pytest.mark.parametrize("call", ["landlock_restrict_self", "landlock_add_rule", "seccomp"])
def test_a_refusal_that_no_kernel_should_make_is_told(place, call):
    place.write(ONE)
    result = place.run("init", prefix=inject(call, "error=E2BIG"))
    line = told(result)
    assert result.status == 0 and line["level"] == "warn" and call in line["reason"], result


@needs_landlock
def test_a_path_of_which_nothing_is_there_is_a_warning(place):
    """Where its directory will be made cannot be known: then every file can be read."""
    place.write(ONE)
    result = place.run("init", OP_CONNECT_TOKEN_FILE="/of-agent-test-nothing/is/there")
    (line,) = [e for e in result.events if e.get("file") == "/"]
    assert result.status == 77 and line["level"] == "warn" and "not even the first directory" in line["reason"], result


def test_what_is_in_force_is_a_metric(place):
    place.write(ONE)
    port = free_port()
    with Sidecar(place, CONNECT_AGENT_LISTEN=f"127.0.0.1:{port}") as sidecar:
        sidecar.wait_for("refresh over")
        (line,) = [e for e in sidecar.events if "sandboxed" in e["message"]]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
            text = answer.read().decode()
    assert f'connect_agent_sandbox_info{{landlock="{line["landlock"]}",seccomp="{line["seccomp"]}"}} 1' in text


def test_a_person_who_reads_one_value_is_not_told(place):
    result = place.run("read", "op://prod/db/username", reveals=True, CONNECT_AGENT_LOG_LEVEL=None, CONNECT_AGENT_TEMPLATE=None)
    assert result.status == 0 and result.err == "", result


# --- what stays possible ---


def test_a_value_can_be_written_to_a_file(place):
    target = place.tmpfs / "value"
    result = place.run("read", "op://prod/db/username", "-o", target, CONNECT_AGENT_TEMPLATE=None)
    assert result.status == 0 and target.read_text() == "canary-value-user", result
    result = place.run("inject", "-o", "relative", stdin=b"{{ op://prod/db/username }}", prefix=("env", "-C", place.tmpfs),
                       CONNECT_AGENT_TEMPLATE=None)
    assert result.status == 0 and (place.tmpfs / "relative").read_text() == "canary-value-user", result


def test_a_pipe_named_as_file_is_told_to_be_one(place):
    result = place.run("read", "op://prod/db/username", "-o", "/dev/fd/9", prefix=("sh", "-c", 'exec 9>&1; exec "$@"', "sh"), CONNECT_AGENT_TEMPLATE=None)
    assert result.status == 73 and result.said("/dev/fd/9: is there, and no regular file"), result


def test_an_output_that_is_removed_is_made_again(place):
    place.write(ONE)
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        shutil.rmtree(place.directory)
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        assert place.names() == {"a": b"canary-value-later"}


def test_an_output_below_a_shared_directory_is_made(place):
    directory = pathlib.Path(f"/dev/shm/{place.tmpfs.name}-below")
    try:
        place.directory = directory
        result = place.init(ONE)
        assert result.status == 0 and place.names() == {"a": b"canary-value-user"}, result
        written = [e["file"] for e in result.events if e["message"] == "the sandbox lets it be written"]
        assert written == [str(directory)], "not all of /dev/shm"
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_a_descriptor_that_was_inherited_is_closed(place, tmp_path):
    (tmp_path / "open").write_text("x")
    place.write(ONE)
    with open(tmp_path / "open", encoding="utf-8") as file:
        process = subprocess.Popen([os.environ["AGENT"], "sidecar"], env=place.environment(CONNECT_AGENT_INTERVAL="1h"),
                                   pass_fds=[file.fileno()], stderr=subprocess.PIPE, text=True)
        with process:
            for line in process.stderr:
                if '"refresh over"' in line:
                    break
            links = [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{process.pid}/fd")]
            process.kill()
    assert links and str(tmp_path / "open") not in links


def test_a_token_is_read_from_a_descriptor(place):
    with open(place.fake.token_path("agent"), encoding="utf-8") as file:
        place.write(ONE)
        number = file.fileno()
        done = subprocess.run([os.environ["AGENT"], "init"], pass_fds=[number], capture_output=True, check=False, timeout=SECONDS,
                              env=place.environment(OP_CONNECT_TOKEN_FILE=f"/dev/fd/{number}"))
    assert done.returncode == 0, done


# --- a template that needs more ---


REFUSED = "the new template is wrong; the old one stays in force"
NEEDS = {
    "another_output": (ONE.replace("{directory}", "{elsewhere}"), r"t.*: /dev/shm/.*: outside of the sandbox"),
    "a_token_elsewhere": (ONE.replace("outputs:", "connect: {{tokenFile: {disk}/other/token}}\noutputs:", 1), "/other.*outside of the sandbox"),
    "a_command": (ONE + "    onChange:\n      - exec: {{command: [/bin/true]}}\n", "a hook that runs a command is outside of the sandbox"),
    "a_program": (ONE + "    onChange:\n      - signal: {{exe: /bin/x}}\n", "a hook that looks for exe: is outside of the sandbox"),
    "a_signal": (ONE + "    onChange:\n      - signal: {{process: x}}\n", "outside of the sandbox"),
}


@needs_landlock
@pytest.mark.parametrize("need", NEEDS)
def test_a_new_template_that_needs_more_is_refused(place, tmp_path, need):
    text, pattern = NEEDS[need]
    elsewhere = pathlib.Path(f"/dev/shm/{place.tmpfs.name}-other")
    text = text.replace("{elsewhere}", str(elsewhere)).replace("{disk}", str(tmp_path)).replace("{{", "{").replace("}}", "}")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "token").write_text(place.fake.token("agent"))
    place.write(ONE)
    with Sidecar(place, OP_CONNECT_TOKEN_FILE=None if need == "a_token_elsewhere" else place.fake.token_path("agent"),
                 OP_CONNECT_TOKEN=place.fake.token("agent") if need == "a_token_elsewhere" else None) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        place.write(text)
        sidecar.wait(lambda: any(re.search(pattern, e["reason"]) for e in sidecar.said(REFUSED)), f"{pattern!r} in a refusal")
        assert all("restart connect-agent" in e["reason"] for e in sidecar.said(REFUSED))
        assert place.snapshot() == before and not elsewhere.exists()
        place.write(TWO)
        sidecar.wait_for("a new template is in force")
        sidecar.wait(lambda: place.names() == {"b": b"canary-value-api"}, "the new file")


@needs_landlock
def test_a_template_with_another_output_in_the_same_volume_is_taken(place):
    place.write(ONE)
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.directory = place.tmpfs / "other" / "deep"
        place.write(TWO)
        sidecar.wait_published(2)
        assert place.names() == {"b": b"canary-value-api"}


@needs_landlock
def test_a_folder_in_the_place_of_the_templates_folder_needs_a_restart(place, tmp_path):
    for name, content in (("now", ONE), ("next", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.yaml").write_text(content.replace("{directory}", str(place.directory)))
    with Sidecar(place, "-c", tmp_path / "now" / "t.yaml") as sidecar:
        sidecar.wait_for("refresh over")
        os.rename(tmp_path / "now", tmp_path / "before")
        os.rename(tmp_path / "next", tmp_path / "now")
        reason = sidecar.wait_for(REFUSED)["reason"]
        assert "outside of the sandbox" in reason and "restart connect-agent" in reason, reason
        sidecar.refresh()
        assert place.names() == {"a": b"canary-value-user"}
