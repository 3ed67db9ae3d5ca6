"""The sidecar follows its template, the files that names, and its token, however they are changed."""

import os
import shutil
import subprocess

import pytest

import agent
from sidecar import Sidecar

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
ONE = HEAD + "      - {path: a, content: op://prod/db/username}\n"
TWO = HEAD + "      - {path: b, content: op://other/api/credential}\n"


@pytest.fixture
def place():
    with agent.Place() as made:
        yield made


def text(place, template):
    return template.replace("{directory}", str(place.directory))


# Each gets a folder for the template, puts `old` there, gives the path to start with and a function
# that changes it to `new`.


def in_place(folder, old):
    path = folder / "t.yaml"
    path.write_text(old)
    return path, path.write_text


def in_place_by_bits(folder, old):
    path = folder / "t.yaml"
    path.write_text(old)

    def change(new):
        with open(path, "w", buffering=1) as file:
            for line in new.splitlines(True):
                file.write(line)
                os.fsync(file.fileno())
    return path, change


def by_rename(folder, old):
    path = folder / "t.yaml"
    path.write_text(old)

    def change(new):
        (folder / "t.new").write_text(new)
        os.rename(folder / "t.new", path)
    return path, change


def deleted_and_made_again(folder, old):
    path = folder / "t.yaml"
    path.write_text(old)

    def change(new):
        path.unlink()
        path.write_text(new)
    return path, change


def kubernetes_volume(folder, old):
    """As the kubelet does it: a new dated folder, a new ..data link renamed over the old one."""
    for name, content in (("..2026_1", old),):
        (folder / name).mkdir()
        (folder / name / "t.yaml").write_text(content)
    (folder / "..data").symlink_to("..2026_1")
    (folder / "t.yaml").symlink_to("..data/t.yaml")

    def change(new):
        (folder / "..2026_2").mkdir()
        (folder / "..2026_2" / "t.yaml").write_text(new)
        (folder / "..data_tmp").symlink_to("..2026_2")
        os.rename(folder / "..data_tmp", folder / "..data")
        shutil.rmtree(folder / "..2026_1")
    return folder / "t.yaml", change


def chain_of_symlinks(folder, old):
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    (folder / "b" / "real-1").write_text(old)
    (folder / "b" / "second").symlink_to("real-1")
    (folder / "a" / "first").symlink_to("../b/second")
    (folder / "t.yaml").symlink_to(folder / "a" / "first")

    def change(new):
        (folder / "b" / "real-2").write_text(new)
        (folder / "b" / "next").symlink_to("real-2")
        os.rename(folder / "b" / "next", folder / "b" / "second")
    return folder / "t.yaml", change


def folder_renamed_away(folder, old):
    (folder / "now").mkdir()
    (folder / "now" / "t.yaml").write_text(old)

    def change(new):
        (folder / "next").mkdir()
        (folder / "next" / "t.yaml").write_text(new)
        os.rename(folder / "now", folder / "before")
        os.rename(folder / "next", folder / "now")
    return folder / "now" / "t.yaml", change


def hard_link_written_elsewhere(folder, old):
    """The same file under another name, as a single file that is bound into a container."""
    (folder / "host").mkdir()
    (folder / "container").mkdir()
    (folder / "host" / "t.yaml").write_text(old)
    os.link(folder / "host" / "t.yaml", folder / "container" / "t.yaml")
    return folder / "container" / "t.yaml", (folder / "host" / "t.yaml").write_text


WAYS = [in_place, in_place_by_bits, by_rename, deleted_and_made_again, kubernetes_volume, chain_of_symlinks, folder_renamed_away,
        hard_link_written_elsewhere]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_new_template_is_put_in_force(place, tmp_path, way):
    path, change = way(tmp_path, text(place, ONE))
    # A folder that comes later is not that which the sandbox was made with: test_sandbox.py.
    sandbox = "off" if way is folder_renamed_away else "on"
    with Sidecar(place, "-c", path, CONNECT_AGENT_SANDBOX=sandbox) as sidecar:
        sidecar.wait_for("refresh over")
        assert place.names() == {"a": b"canary-value-user"}
        change(text(place, TWO))
        sidecar.wait_published(2)
        assert place.names() == {"b": b"canary-value-api"}, "what the template no longer names is gone"
        assert len(sidecar.said("a new template is in force")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_single_file_that_is_bound_is_followed(place, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text(text(place, ONE))
    target.touch()
    subprocess.run(["mount", "--bind", source, target], check=True)
    try:
        with Sidecar(place, "-c", target) as sidecar:
            sidecar.wait_for("refresh over")
            source.write_text(text(place, TWO))
            sidecar.wait_published(2)
            assert place.names() == {"b": b"canary-value-api"}
    finally:
        subprocess.run(["umount", target], check=True)


def test_a_wrong_template_leaves_the_old_one_in_force(place, tmp_path):
    path, change = in_place(tmp_path, text(place, ONE))
    with Sidecar(place, "-c", path) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        for wrong in ("version: 2\n", "", text(place, ONE) + "      - {path: a, conten: x}\n", text(place, ONE) + "\x00"):
            said = len(sidecar.said("the old one stays in force"))
            change(wrong)
            sidecar.wait(lambda n=said: len(sidecar.said("the old one stays in force")) > n, "the refusal")
        assert "t.yaml:6:19: unknown key" in sidecar.said("unknown key")[0]["reason"]
        path.unlink()
        sidecar.wait_for("no template there")
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        assert place.names() == {"a": b"canary-value-later"}, "the old one is still followed"
        assert place.snapshot() != before
        change(text(place, TWO))
        sidecar.wait_for("a new template is in force")
        sidecar.wait(lambda: place.names() == {"b": b"canary-value-api"}, "the new file")


def test_a_template_that_leads_nowhere_leaves_the_generation(place, tmp_path):
    path, change = in_place(tmp_path, text(place, ONE))
    with Sidecar(place, "-c", path) as sidecar:
        sidecar.wait_for("refresh over")
        before = place.snapshot()
        change(text(place, ONE) + "      - {path: b, content: op://prod/db/none}\n")
        sidecar.wait_for("cannot refresh; what is published stays")
        assert place.snapshot() == before
        change(text(place, ONE) + "      - {path: b, content: op://prod/db/password}\n")
        sidecar.wait_published(2)
        assert set(place.names()) == {"a", "b"}


def test_a_template_file_is_followed(place, tmp_path):
    (tmp_path / "x.tpl").write_text("user {{ op://prod/db/username }}")
    path, _ = in_place(tmp_path, text(place, HEAD + "      - {path: a, templateFile: x.tpl}\n"))
    with Sidecar(place, "-c", path) as sidecar:
        sidecar.wait_for("refresh over")
        (tmp_path / "x.tpl").write_text("api {{ op://other/api/credential }}")
        sidecar.wait_published(2)
        assert place.names() == {"a": b"api canary-value-api"}


def test_the_same_bytes_are_no_change(place, tmp_path):
    path, change = in_place(tmp_path, text(place, ONE))
    with Sidecar(place, "-c", path) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.reset_log()
        for _ in range(3):
            change(text(place, ONE))
            os.utime(path)
        (tmp_path / "unrelated").write_text("x")
        change(text(place, TWO))  # the end of the wait
        sidecar.wait_for("a new template is in force")
        assert len(sidecar.said("the template has changed")) == 1


def test_a_change_during_a_refresh_starts_it_anew(place, tmp_path):
    path, change = in_place(tmp_path, text(place, ONE))
    rule = place.fake.fault({"hang": True}, match={"endpoint": "item"}, times=1)
    with Sidecar(place, "-c", path) as sidecar:
        place.fake.wait_for("item", 1)
        change(text(place, TWO))
        sidecar.wait_published()
        assert place.names() == {"b": b"canary-value-api"} and rule


def test_the_connect_block_can_change(place, tmp_path):
    elsewhere = text(place, ONE).replace("outputs:", "connect: {host: 'http://127.0.0.1:1'}\noutputs:")
    here = text(place, TWO).replace("outputs:", f"connect: {{host: '{place.fake.url}'}}\noutputs:")
    path, change = in_place(tmp_path, elsewhere)
    with Sidecar(place, "-c", path, OP_CONNECT_HOST=None) as sidecar:
        sidecar.wait_for("it is tried again")
        change(here)
        sidecar.wait_published()
        assert place.names() == {"b": b"canary-value-api"}


def test_a_new_token_is_seen_at_once(place):
    place.write(ONE)
    with Sidecar(place) as sidecar:
        sidecar.wait_for("refresh over")
        place.fake.rotate("agent", revoke_old=True)
        sidecar.wait_for("the token or a certificate has changed")
        sidecar.wait_for("refresh over", 2)
        place.fake.set_field("prod", "db", "username", "canary-value-later")
        sidecar.refresh()
        assert place.names() == {"a": b"canary-value-later"}
        assert not sidecar.said("refused")


def test_a_token_that_comes_later_is_waited_for(place, tmp_path):
    place.write(ONE)
    path = tmp_path / "not" / "yet" / "token"
    with Sidecar(place, OP_CONNECT_TOKEN_FILE=path) as sidecar:
        assert sidecar.wait_for("nothing published yet")["error"] == "token_file"
        path.parent.mkdir(parents=True)
        path.write_text(place.fake.token("agent"))
        sidecar.wait_published()
        assert place.names() == {"a": b"canary-value-user"}


class UserNamespace:
    """One with a limit of inotify instances of its own: whoever runs beside it neither notices nor changes it."""

    SCRIPT = 'limit=/proc/sys/user/max_inotify_instances; while read -r number && echo "$number" >$limit; do cat $limit; done'

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--user", "--map-root-user", "sh", "-c", self.SCRIPT],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.prefix = ["nsenter", f"--user=/proc/{self.holder.pid}/ns/user", "--preserve-credentials"]

    def allow(self, instances):
        """Is it in force?"""
        try:
            print(instances, file=self.holder.stdin, flush=True)
        except BrokenPipeError:
            return False
        return self.holder.stdout.readline() == f"{instances}\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.communicate()


def test_without_inotify_the_files_are_looked_at(place, tmp_path):
    path, change = in_place(tmp_path, text(place, ONE))
    with UserNamespace() as namespace:
        if not namespace.allow(0):
            pytest.skip(f"no user namespace in which inotify can be forbidden: {namespace.holder.communicate()[1].strip()}")
        with Sidecar(place, "-c", path, prefix=namespace.prefix) as sidecar:
            assert "Too many open files" in sidecar.wait_for("files are looked at now and then")["reason"]
            sidecar.wait_for("refresh over")
            change(text(place, TWO))
            sidecar.wait_published(2)
            assert place.names() == {"b": b"canary-value-api"}
            assert not sidecar.said("files are followed by events again")
            assert namespace.allow(8)
            sidecar.wait_for("files are followed by events again")
