"""The sandbox: what a program that was taken over can still do, what it says on kernels that have less
of it, what becomes of a template that needs more, and that hooks and `exec` get what they need.

The program that was taken over is attack.c. Each attack is tried with the sandbox, which must refuse
it, and without, where it must succeed: a test that cannot fail would show nothing.

SANDBOX_AGENT and SANDBOX_COMPROMISED may name the static build of both, whose list of system calls is
tried then (tests/static.sh)."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
import uuid

import pytest

from fake import free_port
from sidecar import Sidecar

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
ONE = HEAD + "      - {path: a, content: op://prod/db/username}\n"
TWO = HEAD + "      - {path: b, content: op://other/api/credential}\n"
STATIC = bool(os.environ.get("SANDBOX_STATIC"))
SECONDS = 60

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("SANITIZE")),
    reason="a sanitizer's runtime writes files and traces its process: such a build has no sandbox; the plain build does")
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")


def landlock():
    """The kernel's version of Landlock; 0: none."""
    import ctypes
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))


needs_landlock = pytest.mark.skipif(landlock() == 0, reason="this kernel has no Landlock, or it is switched off")


class Victims:
    """What is none of the agent's business."""

    def __init__(self, place, tmp_path):
        self.place = place
        self.directory = tmp_path / "elsewhere"
        self.directory.mkdir()
        self.file = self.directory / "file"
        self.file.write_text("not yours")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(tmp_path / "socket"))
        self.socket.listen(8)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.name = f"agent-test-{os.getpid()}-{tmp_path.name}"
        self.abstract.bind("\0" + self.name)
        self.abstract.listen(8)
        self.process = subprocess.Popen(["sleep", "600"], env={"HIDDEN": "x"})
        self.environment = {
            "VICTIM_FILE": self.file, "VICTIM_DIRECTORY": self.directory,
            "VICTIM_SOCKET": tmp_path / "socket", "VICTIM_NAME": self.name,
            "VICTIM_PID": self.process.pid, "VICTIM_ADDRESS": self.address(),
            "OUTPUT": place.directory,
        }

    def address(self):
        """Of a page that the process can read."""
        while True:  # until it is the program that it will be
            maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text()
            if "sleep" in maps:
                return re.search(r"^([0-9a-f]+)-\S+ r", maps, re.MULTILINE).group(1)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.socket.close()
        self.abstract.close()


@pytest.fixture
def victims(place, tmp_path):
    made = Victims(place, tmp_path)
    yield made
    made.close()


def attack(place, victims, name, *prefix, **environment):
    """A run that is taken over. What came of the attack: done, an errno, or KILLED; and the run."""
    place.write(ONE)
    result = subprocess.run(
        [*prefix, os.environ["COMPROMISED"], "init"],
        env=place.environment(ATTACK=name, **victims.environment, **environment),
        capture_output=True, text=True, timeout=SECONDS, check=False)
    place.assert_no_leak(result.stdout + result.stderr)
    if result.returncode in (-signal.SIGSYS, 128 + signal.SIGSYS):
        return "KILLED", result
    found = re.search(rf"^attack {name}: (\w+)$", result.stdout, re.MULTILINE)
    assert found, result
    return found.group(1), result


# What Landlock refuses, with the version that it takes.
FILES = {
    "read_file": 1, "list_directory": 1, "write_file": 1, "truncate_file": 3, "create_file": 1, "make_directory": 1,
    "make_symlink": 1, "remove_file": 1, "rename_file": 1, "write_template": 1, "remove_template": 1,
    "write_token": 1, "remove_token": 1, "create_beside_token": 1, "make_device": 1, "make_pipe": 1,
    "read_environment": 1, "read_memory": 1, "signal_process": 6, "speak_to_abstract_socket": 6,
}
# What ends the process.
CALLS = ["execute_program", "trace", "read_process", "take_descriptor", "leave_root", "mount_file_system", "make_namespace",
         "clone_into_namespace", "add_key"]
# What only the list of the static build refuses.
LISTED = ["fork_process", "map_code", "speak_to_socket"]
ROOT = {"make_device", "leave_root", "mount_file_system", "make_namespace", "clone_into_namespace", "clone3_into_namespace"}


def succeeds_without(place, victims, name, **environment):
    if name in ROOT and os.geteuid() != 0:
        return  # the kernel has refused it before
    came, result = attack(place, victims, name, CONNECT_AGENT_SANDBOX="off", **environment)
    assert came == "done", f"without a sandbox it should have worked: {result}"


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


def told(result):
    """The one line of the log about the sandbox."""
    lines = [e for e in result.events if "sandboxed" in e["message"]]
    assert len(lines) == 1, lines
    return lines[0]


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


# --- hooks and exec ---


@pytest.mark.parametrize("life", ["init", "sidecar", "exec"])
def test_where_commands_are_run_nothing_is_forbidden_and_that_is_told(place, tmp_path, life):
    """They would inherit it: a command reads, writes and starts what it likes."""
    hook = f"    beforePublish: [{{exec: {{command: [/bin/sh, -c, 'ls /proc/self/fd >{tmp_path}/made && cat /etc/passwd >/dev/null']}}}}]\n"
    place.write(ONE + ("" if life == "exec" else hook))
    arguments = {"init": ["init"], "exec": ["exec", "--", "sh", "-c", f"cat /etc/passwd >{tmp_path}/made"],
                 "sidecar": ["sidecar"]}[life]
    if life == "sidecar":
        with Sidecar(place) as sidecar:
            sidecar.wait_for("refresh over")
            events = sidecar.events
            assert sidecar.stop() == 0
    else:
        result = place.run(*arguments)
        assert result.status == 0, result
        events = result.events
    (line,) = [e for e in events if "sandboxed" in e["message"]]
    assert line["message"] == "not sandboxed" and "inherit" in line["reason"] and line["landlock"] == 0
    assert line["level"] == ("info" if life == "exec" else "warn"), line
    assert (tmp_path / "made").read_text()


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
            assert line["seccomp"] != "none" and (line["landlock"] == 0) == (not landlock() or "exe" in how), line
