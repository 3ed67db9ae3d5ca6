"""`connect-agent exec`: a command with secrets in its environment, as the first process of a container
runs it: every test of signals and orphans is made as PID 1 of a namespace too."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest

import agent
from sidecar import Sidecar

TEMPLATE = """
version: 1
exec:
  env:
    DB_USER: op://prod/db/username
    URL: "postgres://{{ op://prod/db/username }}@db/app"
    MISSING: { value: op://prod/db/none, optional: true }
    FALLBACK: { value: op://prod/db/none, default: here }
"""
PID_1 = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
CONCEALED = "<concealed by connect-agent>"
MASK = ("--mask",)
SHOW = ["python3", "-c", "import os, json; print(json.dumps(dict(os.environ)))"]


@pytest.fixture
def place():
    with agent.Place() as made:
        made.write(TEMPLATE)
        yield made


class Run(Sidecar):
    """A command under exec, watched through its log; what it prints goes to lines."""

    def __init__(self, place, *command, prefix=(), options=(), **environment):
        start = place.start
        self.lines = []
        self.in_namespace = bool(prefix)

        def begin(*_arguments, **env):
            return subprocess.Popen([*prefix, os.environ["AGENT"], "exec", *options, "--", *map(str, command)], env=place.environment(**env),
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    start_new_session=True)  # no terminal, whoever runs the tests

        place.start = begin
        try:
            super().__init__(place, **environment)
        finally:
            place.start = start
        self.printer = threading.Thread(target=self._print, daemon=True)
        self.printer.start()

    def _print(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.decode().rstrip("\n"))
                self.changed.notify_all()

    def is_over(self):
        return super().is_over() and not self.printer.is_alive()

    def wait_line(self, text, count=1):
        self.wait(lambda: len([line for line in self.lines if text in line]) >= count, f"{text!r} from the command")

    def end(self):
        return self.process.wait(60)

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for event in [] if self.in_namespace else self.said("command started"):
            try:
                os.killpg(event["pid"], signal.SIGKILL)  # what it left behind holds our pipes
            except ProcessLookupError:
                pass
        self.printer.join(10)
        super().__exit__(*error)


def shell(place, text, name="command.sh"):
    path = place.disk / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def wait_until(process, condition):
    """For what nobody can be waited for."""
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


def run(place, *command, prefix=(), **environment):
    return place.run("exec", "--", *command, prefix=prefix, reveals=True, **environment)


# --- the environment ---

def test_the_command_gets_its_environment_and_nothing_of_ours(place):
    result = run(place, *SHOW, GREETING="hello", OWN="op://prod/db/password", DB_USER="op://prod/nowhere/x", OP_CONNECT_TOKEN=None)
    got = json.loads(result.out)
    assert result.status == 0 and got["DB_USER"] == "canary-value-user" and got["URL"] == "postgres://canary-value-user@db/app"
    assert got["OWN"] == "canary-value-pass'$word\"" and got["FALLBACK"] == "here" and got["GREETING"] == "hello" and "MISSING" not in got


def test_a_token_in_the_environment_is_not_handed_on(place):
    result = run(place, *SHOW, OP_CONNECT_TOKEN=place.fake.token("agent"), OP_CONNECT_TOKEN_FILE=None)
    assert result.status == 0 and "OP_CONNECT_TOKEN" not in json.loads(result.out)


def test_without_a_template_references_in_the_environment_do(place):
    result = run(place, *SHOW, CONNECT_AGENT_TEMPLATE=None, X="op://prod/db/username", Y="not op://prod/db/username")
    got = json.loads(result.out)
    assert result.status == 0 and got["X"] == "canary-value-user" and got["Y"] == "not op://prod/db/username"


def test_nothing_to_resolve_starts_nothing(place):
    """A volume that was forgotten is not a command without secrets."""
    result = run(place, "echo", "started", CONNECT_AGENT_TEMPLATE=None)
    assert result.status == 65 and not result.out and result.said("no template at /etc/connect-agent/template.yaml")


def test_a_template_that_cannot_be_reached_is_not_none(place):
    result = run(place, "echo", "started", CONNECT_AGENT_TEMPLATE=None, X="op://prod/db/username",
                 prefix=("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /etc && ln -s loop /etc/loop && ln -s loop /etc/connect-agent && exec "$@"', "sh"))
    assert result.status == 65 and not result.out


def test_files_are_published_before_the_command_starts(place):
    place.write(agent.TEMPLATE + "exec: {env: {A: op://other/api/credential}}\n")
    result = run(place, "sh", "-c", f". {place.directory}/app.env; echo $USER $A")
    assert result.out.decode() == "canary-value-user canary-value-api\n"


def test_mask_limits_and_descriptors_are_as_they_were(place):
    result = run(place, "sh", "-c", "umask; ulimit -c; ls /proc/self/fd | wc -l; grep -E 'SigBlk|SigIgn' /proc/self/status",
                 prefix=("sh", "-c", 'umask 027; ulimit -c 1234 2>/dev/null; exec "$@"', "sh"))
    mask, core, _fds, blocked, ignored = result.out.decode().splitlines()
    if os.environ.get("SANITIZE"):
        core = "1234"  # the sanitizer forbids core dumps by itself
    assert mask == "0027" and core == "1234" and int(blocked.split()[1], 16) == 0 and int(ignored.split()[1], 16) & 0x7fffffff == 0


def test_signals_are_blocked_and_ignored_as_they_were(place):
    result = run(place, "grep", "-E", "SigBlk|SigIgn", "/proc/self/status",
                 prefix=("env", "--block-signal=USR1,RTMIN", "--ignore-signal=PIPE,HUP"))
    blocked, ignored = (int(line.split()[1], 16) for line in result.out.decode().splitlines())
    expected = [signal.SIGUSR1, signal.SIGRTMIN], [signal.SIGPIPE, signal.SIGHUP]
    assert [blocked, ignored & 0x7fffffff] == [sum(1 << number - 1 for number in numbers) for numbers in expected]


@pytest.mark.parametrize("options", [(), MASK])
def test_who_ignores_sigchld_hears_of_the_end_all_the_same(place, options):
    result = place.run("exec", *options, "--", "sh", "-c", "exit 6", prefix=("env", "--ignore-signal=CHLD"))
    assert result.status == 6


def test_an_empty_command_is_none(place):
    result = run(place, "")
    assert result.status == 64 and result.said("no command given")


@pytest.mark.parametrize("init_template, status", [(TEMPLATE, 65)])
def test_a_template_of_exec_alone_is_not_for_init(place, init_template, status):
    result = place.init(init_template)
    assert result.status == status and result.said("connect-agent exec")


def test_references_of_exec_are_none_of_init(place):
    place.write(agent.TEMPLATE + "exec: {env: {A: op://prod/odd/lonely, B: op://prod/nothing/there}}\n")
    assert place.run("init").status == 0
    assert len(place.fake.requests("item")) == 3
    assert place.run("check", "--online").status == 66, "check looks at all of it"


# --- how it ends ---

@pytest.mark.parametrize("prefix", [(), PID_1])
@pytest.mark.parametrize("command, status", [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -KILL $$"], 137),
                                             (["sh", "-c", "kill -SEGV $$"], 139), (["/nowhere/program"], 127), (["/etc/passwd"], 126)])
def test_the_exit_status_is_that_of_the_command(place, prefix, command, status):
    assert run(place, *command, prefix=prefix).status == status


@pytest.mark.parametrize("content, status, reason", [
    # A program's head is enough for the kernel to refuse it, and for the message to say whose it is.
    (b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xf7\0" + bytes(44), 126, "a program for another machine and this machine is"),
    (b"\x7fELF\2\2\1" + bytes(9) + b"\0\2\0\x16" + bytes(44), 126, "a program for s390x and this machine is"),
    (b"true\n", 126, "first line #!"),
    (b"#!/no/such/shell\n", 127, 'first line names, "/no/such/shell"'),
])
def test_a_command_that_this_machine_cannot_run_is_explained(place, content, status, reason):
    program = place.disk / "program"
    program.write_bytes(content)
    program.chmod(0o755)
    result = run(place, program)
    assert result.status == status, result
    assert [r for r in result.reasons if r.startswith(f"{program} cannot be started: ") and reason in r], result


def test_before_anything_is_resolved(place):
    assert run(place, "true", X="op://prod/nothing/there").status == 66
    assert run(place, "true", X="op://prod").status == 65
    place.fake.revoke("agent")
    place.fake.fault({"status": 503})
    result = run(place, "true", CONNECT_AGENT_TIMEOUT=agent.IMPATIENT)
    assert result.status == 69 and b"503" in result.err.encode()
    assert place.run("exec").status == 64 and place.run("exec", "--").status == 64


# --- signals ---

TRAPS = "for s in HUP INT QUIT USR1 USR2 ALRM WINCH; do trap \"echo got $s\" $s; done; trap 'echo got TERM; exit 3' TERM; echo ready; while :; do sleep 1000 & wait; done\n"


def agent_pid(run_):
    """Of connect-agent itself, below unshare if that is what was started."""
    pid = run_.process.pid
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if "unshare" in pathlib.Path(f"/proc/{pid}/comm").read_text() and children else pid


@pytest.mark.parametrize("prefix", [(), PID_1])
def test_signals_reach_the_command(place, prefix):
    with Run(place, shell(place, TRAPS), prefix=prefix) as command:
        command.wait_line("ready")
        pid = agent_pid(command)
        for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "WINCH"):
            os.kill(pid, getattr(signal, f"SIG{name}"))
            command.wait_line(f"got {name}")
        os.kill(pid, signal.SIGTERM)
        command.wait_line("got TERM")
        assert command.end() == 3


def test_signals_reach_the_whole_group(place):
    inner = shell(place, "trap 'echo inner got TERM; exit' TERM; echo inner ready; while :; do sleep 1000 & wait; done\n", "inner.sh")
    outer = shell(place, f"trap : TERM; {inner} & wait; wait; echo outer done\n")
    with Run(place, outer) as command:
        command.wait_line("inner ready")
        command.process.send_signal(signal.SIGTERM)
        command.wait_line("inner got TERM")
        command.end()


def test_one_that_ignores_sigterm_is_killed_after_its_grace(place):
    place.write(TEMPLATE + "  grace: 100ms\n")
    with Run(place, shell(place, "trap '' TERM; echo ready; while :; do sleep 1000; done\n")) as command:
        command.wait_line("ready")
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 137


def test_a_stop_before_the_start(place):
    place.fake.fault({"hang": True})
    with Run(place, "true") as command:
        place.fake.wait_for("vaults", 1)
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 143 and not command.said("command started")


# --- orphans ---

def test_10000_grandchildren_leave_no_zombie(place):
    # A shell, for its forks are cheap.
    program = shell(place, f"i=0; while [ $i -lt 10000 ]; do (: &); i=$((i+1)); done; echo made; read line <{place.disk}/fifo\n")
    os.mkfifo(place.disk / "fifo")
    with Run(place, program, prefix=PID_1) as command:
        command.wait_line("made")
        pid = agent_pid(command)

        def children():
            return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

        command.wait(lambda: len(children()) == 2, "the end of the orphans: the command and the broker are left")
        (place.disk / "fifo").write_text("go on\n")
        assert command.end() == 0


def test_a_daemon_outlives_its_parents_and_hooks_keep_their_children(place):
    """Orphans are reaped while hooks run, whose children are waited for by others."""
    place.write(agent.TEMPLATE + f"    onChange:\n      - exec: {{command: [{place.disk}/hook]}}\nexec: {{onChange: none}}\n")
    shell(place, "exit 5\n", "hook")
    os.mkfifo(place.disk / "fifo")
    program = shell(place, f"echo ready\nwhile read line <{place.disk}/fifo; do i=0; while [ $i -lt 50 ]; do (true & true &); i=$((i+1)); done; echo did; done\n")
    with interval(place, program, prefix=PID_1) as command:
        command.wait_line("ready")
        for number in (1, 2, 3):
            place.fake.set_field("prod", "db", "username", f"canary-value-{number}")
            (place.disk / "fifo").write_text("go\n")
            command.wait_line("did", number)
        command.wait(lambda: command.said("hook failed"), "the hook")
        assert all("exit status 5" in e["reason"] for e in command.said("hook failed"))

    assert not command.said("nobody knows how")


# --- changes ---

def interval(place, *command, **kwargs):
    return Run(place, *command, CONNECT_AGENT_INTERVAL="1s", **kwargs)


PRINT = 'echo "started with $DB_USER"; trap "echo got HUP" HUP; trap "exit 0" TERM; while :; do sleep 1000 & wait; done\n'


def test_a_change_restarts_the_command(place):
    with interval(place, shell(place, PRINT), prefix=PID_1) as command:
        command.wait_line("started with canary-value-user")
        for value in ("one", "two"):
            place.fake.set_field("prod", "db", "username", f"canary-value-{value}")
            command.wait_line(f"started with canary-value-{value}")
        assert len([line for line in command.lines if "started" in line]) == 3
        place.fake.set_field("prod", "odd", "lonely", "canary-value-unrelated")
        overs = len(command.said("refresh over"))
        command.wait(lambda: len(command.said("refresh over")) >= overs + 3, "quiet refreshes")
        assert len(command.said("command started")) == 3, "only what it uses"


def test_a_change_signals_the_command(place):
    place.write(TEMPLATE + "  onChange: signal:HUP\n")
    with interval(place, shell(place, PRINT)) as command:
        command.wait_line("started")
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait_line("got HUP")
        assert len(command.said("command started")) == 1


def test_a_change_is_none_of_its_business(place):
    place.write(TEMPLATE + "  onChange: none\n")
    with interval(place, shell(place, PRINT)) as command:
        command.wait_line("started")
        overs = len(command.said("refresh over"))
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait(lambda: len(command.said("refresh over")) >= overs + 3, "refreshes")
        assert command.lines == ["started with canary-value-user"]


def test_a_stop_during_a_restart(place):
    stubborn = shell(place, "trap 'echo got TERM' TERM; echo started $DB_USER; while :; do sleep 1000 & wait; done\n")
    place.write(TEMPLATE + "  grace: 2s\n")
    with interval(place, stubborn) as command:
        command.wait_line("started")
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait_line("got TERM")
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 137 and len(command.said("command started")) == 1


@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGQUIT])
def test_an_interrupt_during_a_restart_is_the_end(place, interrupt):
    slow = shell(place, f"trap 'echo got TERM' TERM; trap 'exit 5' {interrupt.name[3:]}; echo started; while :; do sleep 1000 & wait; done\n")
    with interval(place, slow) as command:
        command.wait_line("started")
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait_line("got TERM")
        command.process.send_signal(interrupt)
        assert command.end() == 5 and len(command.said("command started")) == 1


def test_one_that_dies_at_once_after_a_restart_is_started_again(place):
    count = place.disk / "count"
    program = shell(place, f"echo x >>{count}; n=$(wc -l <{count}); [ $n -eq 2 ] && exit 9; echo start $n $DB_USER; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done\n")
    with interval(place, program) as command:
        command.wait_line("start 1 canary-value-user")
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait_line("start 3 canary-value-one")
        again = command.said("it is started again")
        assert len(again) == 1 and again[0]["status"] == 9 and again[0]["delay_ms"] == 1000


def test_one_that_is_gone_at_its_restart_is_told(place):
    program = shell(place, PRINT)
    with interval(place, program) as command:
        command.wait_line("started")
        program.unlink()
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        assert "No such file" in command.wait_for("the command is not started")["reason"]
        assert command.end() == 127


def test_a_stop_between_two_tries(place):
    count = place.disk / "count"
    with interval(place, shell(place, f"echo x >>{count}; [ $(wc -l <{count}) -gt 1 ] && exit 9; echo started; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done\n")) as command:
        command.wait_line("started")
        place.fake.set_field("prod", "db", "username", "canary-value-one")
        command.wait(lambda: [e for e in command.said("it is started again") if e["delay_ms"] == 4000], "the third try")
        command.process.send_signal(signal.SIGTERM)
        assert command.end() == 143


def test_one_that_dies_by_itself_ends_us(place):
    with interval(place, "sh", "-c", "exit 4") as command:
        command.wait_for("command started")
        assert command.end() == 4 and len(command.said("command started")) == 1


def test_a_new_template_counts(place):
    with interval(place, shell(place, PRINT.replace("$DB_USER", "$DB_USER $MORE"))) as command:
        command.wait_line("started with canary-value-user")
        place.write(TEMPLATE + "    MORE: more\n")
        command.wait_line("started with canary-value-user more")
        place.template.write_text("exec: 1\n")
        command.wait_for("the new template is wrong")
        assert command.process.poll() is None


# --- secrets ---

@pytest.mark.parametrize("options", [(), MASK])
def test_secrets_are_in_the_command_and_not_in_us(place, options):
    if os.environ.get("SANITIZE"):
        pytest.skip("the sanitizer's memory is larger than this machine's; the plain build is scanned")
    with Run(place, "sh", "-c", "echo ready $DB_USER; exec sleep 1000", options=options) as command:
        command.wait_line("ready " + (CONCEALED if options else "canary"))
        command.wait_for("refresh over")
        pid = command.process.pid
        assert agent.scan_memory(pid, [agent.CANARY.encode()]) == set()
        for name in ("environ", "cmdline"):
            assert agent.CANARY.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
        child = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[-1]
        assert agent.CANARY.encode() in pathlib.Path(f"/proc/{child}/environ").read_bytes()
        assert agent.CANARY.encode() not in pathlib.Path(f"/proc/{child}/cmdline").read_bytes()


# --- a terminal ---

@pytest.mark.parametrize("redirected", [False, True])
def test_control_c_reaches_the_command_once(place, redirected):
    """On a terminal the command stays in our group: the kernel signals it, and we do not do so again. What
    counts is the controlling terminal, wherever standard input comes from."""
    source = " </dev/tty" if redirected else ""
    program = shell(place, f"trap 'echo got INT' INT; echo ready; line=; while [ -z \"$line\" ]; do read line{source} || :; done; echo line $line\n")
    pid, terminal = pty.fork()
    if pid == 0:
        if redirected:
            os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.execve(os.environ["AGENT"], ["connect-agent", "exec", "--log-level", "error", "--", str(program)], place.environment())
    seen = b""

    def until(text):
        nonlocal seen
        while text not in seen:
            seen += os.read(terminal, 4096)

    until(b"ready")
    os.write(terminal, b"\x03")
    until(b"got INT")
    os.write(terminal, b"\nabc\n")
    until(b"line abc")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0 and seen.count(b"got INT") == 1


# --- install ---

def test_install_copies_a_program_that_runs(place):
    shared = place.disk / "shared"
    shared.mkdir()
    for _ in range(2):
        assert place.run("install", shared).status == 0
    copy = shared / "connect-agent"
    assert copy.stat().st_mode & 0o7777 == 0o755 and os.listdir(shared) == ["connect-agent"]
    assert copy.read_bytes() == pathlib.Path(os.environ["AGENT"]).read_bytes()
    assert subprocess.run([copy, "version"], capture_output=True, check=True).stdout.startswith(b"connect-agent ")


@pytest.mark.parametrize("directory, status, said", [
    ([], 64, "name a directory"), (["/nowhere/at/all"], 73, "No such file"), (["/proc"], 73, "make a file"), (["/etc/passwd"], 73, "Not a directory")])
def test_install_says_what_is_wrong(place, directory, status, said):
    result = place.run("install", *directory)
    assert result.status == status and result.said(said)


# --- --mask ---

def test_mask_conceals_values_on_both_outputs(place):
    place.write(TEMPLATE + "    BASIC: '{{ op://prod/db/username \":\" op://prod/db/password | base64 }}'\n    QUOTED: '{{ op://prod/db/password | urlencode }}'\n")
    program = shell(place, "echo out $URL; echo err $DB_USER >&2; echo $BASIC; echo $QUOTED; echo $FALLBACK; exit 3\n")
    result = place.run("exec", "--mask", "--", program)
    assert result.status == 3
    assert result.out == f"out postgres://{CONCEALED}@db/app\n{CONCEALED}\n{CONCEALED}\nhere\n"
    assert f"err {CONCEALED}\n" in result.err


def test_mask_knows_values_of_the_environment_and_of_outputs(place):
    place.write(agent.TEMPLATE + "exec: {env: {A: op://other/api/credential}}\n")
    result = place.run("exec", "--mask", "--", "sh", "-c", f"cat {place.directory}/app.env; echo $A $B; python3 -c 'import json, os; print(json.dumps(os.environ[\"C\"]))'",
                       B="op://prod/db/username", C="op://prod/db/password")
    assert result.status == 0 and result.out.endswith(f'{CONCEALED} {CONCEALED}\n"{CONCEALED}"\n') and f"PASSWORD='{CONCEALED}'\n" in result.out


@pytest.mark.parametrize("stream", [1, 2])
def test_mask_across_write_boundaries(place, stream):
    """The second half is written when somebody has seen what came before the first one."""
    program = shell(place, f"""
exec >&{stream}
printf 'ready canary-val'
while ! [ -e {place.disk}/go ]; do sleep 0.01; done
printf 'ue-user|canary-value-us|'
i=0; while [ $i -lt ${{#DB_USER}} ]; do printf %s "$(printf %s "$DB_USER" | cut -c $((i + 1)))"; i=$((i + 1)); done
""")
    place.write(TEMPLATE)
    process = subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "error", "--", str(program)], env=place.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert os.read(process.stdout.fileno(), 100) == b"ready "
    (place.disk / "go").touch()
    rest = process.stdout.read().decode()
    assert process.wait(30) == 0 and rest == f"{CONCEALED}|canary-value-us|{CONCEALED}"


def test_mask_passes_everything_else_byte_for_byte(place):
    data = bytes(range(256)) * 4096 + b"no line end"
    (place.disk / "data").write_bytes(data)
    result = subprocess.run([os.environ["AGENT"], "exec", "--mask", "--log-level", "error", "--", "sh", "-c", f"cat {place.disk}/data & cat {place.disk}/data >&2; wait"],
                            env=place.environment(), capture_output=True, timeout=60)
    assert result.returncode == 0 and result.stdout == data and result.stderr == data


def test_mask_into_a_file(place):
    """epoll takes no regular file."""
    with open(place.disk / "out", "wb") as out:
        process = subprocess.run([os.environ["AGENT"], "exec", "--mask", "--log-level", "error", "--", "sh", "-c", "seq 100000; echo $DB_USER"],
                                 env=place.environment(), stdout=out, stderr=out, timeout=60)
    lines = (place.disk / "out").read_text().splitlines()
    assert process.returncode == 0 and lines == [*map(str, range(1, 100001)), CONCEALED]


def test_mask_waits_for_a_slow_reader(place):
    """The command waits as it would without us: nothing piles up in our memory, nothing is lost, and following goes on."""
    place.write(TEMPLATE + "  onChange: none\n")
    program = shell(place, "seq 3000000\necho $DB_USER\n")
    process = subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "info", "--", str(program)], env=place.environment(CONNECT_AGENT_INTERVAL="1s"),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in process.stderr:
        if b"command started" in line:
            break
    asked = place.fake.counters()["total"]
    place.fake.wait_for("total", asked + 3)  # it asks on, though nobody reads
    resident = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096
    out, _ = process.communicate(timeout=120)
    lines = out.decode().splitlines()
    assert process.returncode == 0 and len(lines) == 3000001 and lines[-1] == CONCEALED
    print(f"resident while nobody reads: {resident} bytes")


@pytest.mark.parametrize("pages", range(4))
def test_mask_hears_signals_though_nobody_reads_the_pipe_of_both_outputs(place, pages):
    """There may be room for one of them alone, and the loop has found it for both; hence the pages."""
    read, write = os.pipe()
    os.write(write, bytes(4096 * pages))
    told = place.disk / "told"
    os.mkfifo(told)
    program = shell(place, f"trap 'echo stopped >{told}; exit 9' TERM; yes out & yes err >&2 & wait\n")
    with subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "error", "--", str(program)], env=place.environment(),
                          stdin=subprocess.DEVNULL, stdout=write, stderr=write, start_new_session=True) as process:
        with open(write, "wb", buffering=0) as room:
            wait_until(process, lambda: not select.select([], [room], [], 0)[1])
        process.send_signal(signal.SIGTERM)
        assert told.read_text() == "stopped\n"
        with open(read, "rb") as pipe:
            assert pipe.read(4096 * pages) == bytes(4096 * pages) and pipe.read()
    assert process.returncode == 9


def test_mask_waits_no_longer_than_the_grace_for_a_reader_after_a_stop(place):
    place.write(TEMPLATE + "  grace: 1s\n")
    with subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "info", "--", "sh", "-c", "trap 'exit 8' TERM; seq 20000; echo printed >&2; while :; do sleep 1000 & wait; done"],
                          env=place.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"printed\n" in process.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 8


@pytest.mark.parametrize("number", [signal.SIGWINCH, signal.SIGCONT, signal.SIGHUP])
def test_mask_loses_nothing_to_a_signal_after_the_end(place, number):
    """The command has ended, its last output has not been taken yet."""
    with subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "info", "--", "seq", "20000"], env=place.environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert any(b"the command has ended" in line for line in process.stderr)
        process.send_signal(number)
        status = pathlib.Path(f"/proc/{process.pid}/status")
        wait_until(process, lambda: re.search(r"ShdPnd:\t0+\n", status.read_text()))
        assert process.stdout.read().split() == [b"%d" % line for line in range(1, 20001)]
    assert process.returncode == 0


def test_mask_and_a_reader_that_is_gone(place):
    """The command learns of it as without us."""
    process = subprocess.Popen([os.environ["AGENT"], "exec", "--mask", "--log-level", "error", "--", "sh", "-c", "trap '' PIPE; while echo more; do :; done; exit 7"],
                               env=place.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.read(4)
    process.stdout.close()
    assert process.wait(60) == 7


def test_mask_old_and_new_values_after_a_change(place):
    program = shell(place, "echo old=canary-value-user new=canary-value-next; trap 'echo last canary-value-next $DB_USER; exit 0' TERM; while :; do sleep 1000 & wait; done\n")
    with Run(place, program, options=MASK, CONNECT_AGENT_INTERVAL="1s") as command:
        command.wait_line(f"old={CONCEALED} new=canary-value-next")
        place.fake.set_field("prod", "db", "username", "canary-value-next")
        command.wait_line(f"last {CONCEALED} {CONCEALED}")
        command.wait_line(f"old={CONCEALED} new={CONCEALED}")


def test_mask_of_more_than_there_is_room_for_starts_nothing():
    fixture = f"""
tokens: [{{name: agent, vaults: [prod]}}]
vaults: [{{name: prod, items: [{{title: files, files: [{{name: blob, size: {17 << 20}, seed: 7}}]}}]}}]
"""
    with agent.Place(fixture) as place:
        place.write("version: 1\noutputs: [{directory: {directory}, files: [{path: blob, content: op://prod/files/blob}]}]\n")
        result = place.run("exec", "--mask", "--", "echo", "started", CONNECT_AGENT_TIMEOUT="60s")
        assert result.status != 0 and not result.out and result.said("--mask: the lines of all values: larger than the limit of 16777216 bytes")
        assert place.run("exec", "--", "echo", "started", CONNECT_AGENT_TIMEOUT="60s").out == "started\n"


def test_mask_says_what_is_too_short(place):
    place.fake.set_field("prod", "db", "username", "ab")
    result = place.run("exec", "--mask", "--", "sh", "-c", "echo $DB_USER")
    assert result.status == 0 and result.out == "ab\n" and result.said("less than 4 bytes a line are not masked")


def test_mask_ends_with_the_command_though_others_hold_its_output(place):
    """A process that it left behind is no reason to wait; what was written before the end is not lost."""
    result = place.run("exec", "--mask", "--", "sh", "-c", "sleep 1000 & echo $! >&2; seq 5000; exit 5")
    os.kill(int(next(line for line in result.err.splitlines() if line.isdigit())), signal.SIGKILL)
    assert result.status == 5 and result.out.split() == [*map(str, range(1, 5001))]
