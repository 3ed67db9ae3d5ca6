"""What the tests of the sandbox share: a program that was taken over (attack.c), its victims, and what this kernel has."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
ONE = HEAD + "      - {path: a, content: op://prod/db/username}\n"
TWO = HEAD + "      - {path: b, content: op://other/api/credential}\n"
STATIC = bool(os.environ.get("SANDBOX_STATIC"))
SECONDS = 60

no_sanitizer = pytest.mark.skipif(
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


def attack(place, victims, name, *prefix, template=ONE, **environment):
    """A run that is taken over. What came of the attack: done, an errno, or KILLED; and the run."""
    place.write(template)
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


def told(result):
    """The one line of the log about the sandbox."""
    lines = [e for e in result.events if "sandboxed" in e["message"]]
    assert len(lines) == 1, lines
    return lines[0]
