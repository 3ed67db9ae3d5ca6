"""Outputs that cannot be written: exit status 73, a message that says what to do, and what was
published stays untouched, byte and inode."""

import os
import shutil
import subprocess

import pytest

import agent

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")


def expect(result, status, pattern):
    assert result.status == status, result
    assert result.said(pattern), result


@pytest.fixture
def mount(place):
    """Mounts a small tmpfs at the output directory."""
    place.directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place.directory], check=True)
    yield place
    subprocess.run(["umount", place.directory], check=True)


def test_directory_on_disk_is_refused(place):
    place.directory = place.disk / "out"
    result = place.init(agent.TEMPLATE)
    expect(result, 73, "not tmpfs|tmpfs")
    assert result.said("allowDisk") and not place.directory.exists()


def test_directory_on_disk_is_allowed_when_said(place):
    place.directory = place.disk / "out"
    result = place.init(agent.TEMPLATE.replace("    files:", "    allowDisk: true\n    files:"))
    assert result.status == 0, result


def test_directory_that_is_a_file_is_left_alone(place):
    place.directory.write_text("mine")
    expect(place.init(agent.TEMPLATE), 73, "Not a directory; remove what is there, or choose another")
    assert place.directory.read_text() == "mine"


@root_only
def test_full_output_keeps_what_was_there(mount):
    assert mount.init(agent.TEMPLATE).status == 0
    before = mount.snapshot()
    mount.fake.set_file("prod", "files", "blob", os.urandom(100000))
    expect(mount.init(), 73, "full")
    assert mount.snapshot() == before


@root_only
def test_read_only_output_keeps_what_was_there(mount):
    assert mount.init(agent.TEMPLATE).status == 0
    mount.fake.set_field("prod", "db", "username", "canary-value-changed")
    before = mount.snapshot()
    subprocess.run(["mount", "-o", "remount,ro", mount.directory], check=True)
    expect(mount.init(), 73, "[Rr]ead-only")
    assert mount.snapshot() == before


@root_only
def test_directory_of_somebody_else(place):
    """As another user, whom the directory lets neither write nor chown."""
    place.directory.mkdir(mode=0o755)
    place.tmpfs.chmod(0o755)
    for path in (place.disk, place.disk / "fake", place.fake.tokens):
        path.chmod(0o755)
    place.fake.token_path("agent").chmod(0o644)
    place.write(agent.TEMPLATE)
    place.template.chmod(0o644)
    binary = place.tmpfs / "connect-agent"
    shutil.copy(os.environ["AGENT"], binary)
    binary.chmod(0o755)
    process = subprocess.run(
        ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", binary, "init"],
        env=place.environment(), capture_output=True, text=True, timeout=60, check=False)
    result = agent.Result(process.returncode, process.stdout, process.stderr)
    expect(result, 73, "65532|[Pp]ermission")
    assert os.listdir(place.directory) == []


def test_symlink_as_directory_is_refused(place):
    target = place.tmpfs / "target"
    target.mkdir()
    place.directory.symlink_to(target)
    expect(place.init(agent.TEMPLATE), 73, "symlink|symbolic link")
    assert os.listdir(target) == []


@pytest.mark.parametrize("layout", ["atomic", "plain"])
def test_symlink_in_the_way_is_refused(place, layout):
    template = agent.TEMPLATE.replace("    files:", f"    layout: {layout}\n    files:")
    victim = place.tmpfs / "victim"
    victim.write_text("untouched")
    place.directory.mkdir()
    (place.directory / "app.env").symlink_to(victim)
    before = place.snapshot()
    expect(place.init(template), 73, "app.env.*in the way|app.env.*symlink")
    assert victim.read_text() == "untouched" and place.snapshot() == before


@pytest.mark.parametrize("layout", ["atomic", "plain"])
def test_symlink_as_inner_directory_is_refused(place, layout):
    template = agent.TEMPLATE.replace("    files:", f"    layout: {layout}\n    files:")
    victim = place.tmpfs / "victim"
    victim.mkdir()
    place.directory.mkdir()
    (place.directory / "tls").symlink_to(victim)
    expect(place.init(template), 73, "tls.*in the way|tls.*symlink")
    assert os.listdir(victim) == []


def test_foreign_file_in_the_way_is_refused(place):
    place.directory.mkdir()
    (place.directory / "app.env").write_text("mine")
    before = place.snapshot()
    expect(place.init(agent.TEMPLATE), 73, "app.env.*in the way")
    assert place.snapshot() == before


def test_one_bad_output_of_two_publishes_neither(place):
    assert place.init(agent.TEMPLATE).status == 0
    place.fake.set_field("prod", "db", "username", "canary-value-changed")
    before = place.snapshot()
    second = f"""
  - directory: {place.disk}/other
    files: [{{path: x, content: op://prod/db/username}}]
"""
    expect(place.init(agent.TEMPLATE + second), 73, "tmpfs")
    assert place.snapshot() == before
