"""Completion scripts, in the shells they are for: keys are typed on a terminal, and what appears is read."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

SECONDS = 30
COMMANDS = ["init", "sidecar", "exec", "check", "read", "inject", "probe", "install", "schema", "completion", "help", "version"]


class Terminal:
    """A shell on a pseudo-terminal, with the agent's folder in its PATH."""

    def __init__(self, folder, *command):
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "$ ", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, keys):
        self.seen = ""
        os.write(self.fd, keys.encode())

    def expect(self, pattern):
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.seen, re.S):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 1)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace").replace("\r", "")


@pytest.fixture
def folder(tmp_path):
    os.symlink(os.environ["AGENT"], tmp_path / "connect-agent")
    for shell in ("bash", "zsh", "fish"):
        script = subprocess.run([os.environ["AGENT"], "completion", shell], capture_output=True, check=True).stdout
        (tmp_path / f"complete.{shell}").write_bytes(script)
    (tmp_path / "template-of-mine.yaml").touch()
    return tmp_path


def open_shell(shell, folder):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    if shell == "bash":
        terminal = Terminal(folder, "bash", "--norc", "--noprofile", "-i")
        terminal.type("bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'; . ./complete.bash; echo rea''dy\n")
    else:
        terminal = Terminal(folder, "zsh", "-f", "-i")
        terminal.type("unsetopt zle_bracketed_paste prompt_sp; autoload -U compinit; compinit -u -D; . ./complete.zsh; echo rea''dy\n")
    terminal.expect("ready")
    return terminal


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completes_on_a_terminal(folder, shell):
    with open_shell(shell, folder) as terminal:
        terminal.type("connect-agent comp\t")
        terminal.expect("connect-agent completion ")
        terminal.type("z\t")
        terminal.expect("zsh")
        terminal.type("\x15connect-agent \t")
        for command in COMMANDS:
            terminal.expect(rf"\b{command}\b")
        terminal.type("\x15connect-agent check --onl\t")
        terminal.expect("--online ")
        terminal.type("--log-level w\t")
        terminal.expect("warn ")
        terminal.type("-c template-of\t")
        terminal.expect("template-of-mine.yaml")
        terminal.type("\x15connect-agent read --connect-\t\t")
        terminal.expect("--connect-token-file")
        terminal.type("\x15connect-agent help ver\t")
        terminal.expect("version ")


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize("line, wanted, unwanted", [
    ("connect-agent ", COMMANDS, ["--online"]),
    ("connect-agent check --", ["--online", "--json", "--config"], ["--force"]),
    ("connect-agent read -", ["--no-newline", "-n", "-o"], ["--online"]),
    ("connect-agent check --log-level ", ["error", "warn", "info", "debug"], ["init"]),
    ("connect-agent completion ", ["bash", "zsh", "fish"], []),
    ("connect-agent init -c template-of", ["template-of-mine.yaml"], []),
    ("connect-agent help v", ["version"], ["init"]),
])
def test_fish_completes(folder, line, wanted, unwanted):
    script = f"source {folder}/complete.fish; complete -C '{line}'"
    run = subprocess.run(["fish", "--no-config", "-c", script], cwd=folder, capture_output=True, text=True, check=True,
                         env={"PATH": os.environ["PATH"], "HOME": str(folder)})
    assert not run.stderr
    offered = [row.split("\t")[0] for row in run.stdout.splitlines()]
    assert set(wanted) <= set(offered) and not set(unwanted) & set(offered), offered


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_the_script_for_bash_is_clean(folder):
    subprocess.run(["shellcheck", "-s", "bash", folder / "complete.bash"], check=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_option_of_every_command_is_there(folder, shell):
    script = (folder / f"complete.{shell}").read_text()
    for command in COMMANDS:
        text = subprocess.run([os.environ["AGENT"], "help", command], capture_output=True, text=True, check=True).stdout
        assert command in script
        for option in re.findall(r"^ .*?--([a-z-]+)", text, re.M):
            assert option in script, (command, option)


def test_the_commands_are_those_of_help():
    text = subprocess.run([os.environ["AGENT"], "help"], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  ([a-z]+) ", text, re.M) == COMMANDS


def test_a_shell_has_to_be_named():
    for arguments in ([], ["tcsh"]):
        run = subprocess.run([os.environ["AGENT"], "completion", *arguments], capture_output=True, text=True, check=False)
        assert run.returncode == 64 and "bash, zsh or fish" in run.stderr and not run.stdout
