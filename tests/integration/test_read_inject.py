"""`read` and `inject`, which take the place of `op read` and `op inject`: flags, the line end, file modes,
no overwriting. Nothing of it shows a secret anywhere but where it was asked for."""

import os
import subprocess

import pytest

import agent

PASSWORD = b"canary-value-pass'$word\""


class Place(agent.Place):
    """These commands take a template only when one is named, so here none is."""

    def environment(self, **changes):
        return super().environment(**{"CONNECT_AGENT_TEMPLATE": None, **changes})


@pytest.fixture(scope="module")
def shared():
    with Place() as made:
        yield made


@pytest.fixture
def folder(shared, tmp_path):
    yield tmp_path
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".connect-agent")], "a draft was left"


def read(place, *arguments, **environment):
    return place.run("read", *arguments, reveals=True, **environment)


def inject(place, text, *arguments, **environment):
    return place.run("inject", *arguments, stdin=text.encode(), reveals=True, **environment)


def test_read_prints_the_value_and_a_line_end(shared):
    result = read(shared, "op://prod/db/password")
    assert (result.status, result.out) == (0, PASSWORD + b"\n")


@pytest.mark.parametrize("flag", ["-n", "--no-newline"])
def test_read_without_a_line_end(shared, flag):
    assert read(shared, "op://prod/db/password", flag).out == PASSWORD
    assert read(shared, flag, "op://prod/db/password").out == PASSWORD


def test_read_is_quiet(shared):
    result = read(shared, "op://prod/db/password", CONNECT_AGENT_LOG_LEVEL=None)
    assert result.err == ""


def test_read_of_an_attachment_is_byte_for_byte(shared):
    whole = read(shared, "-n", "op://prod/files/blob").out
    assert len(whole) == 3000


@pytest.mark.parametrize("out, mode, wanted", [("-o", None, 0o600), ("--out-file", "0640", 0o640)])
def test_read_into_a_file(shared, folder, out, mode, wanted):
    path = folder / "secret"
    flags = ["--file-mode", mode] if mode else []
    result = read(shared, "op://prod/db/password", out, path, *flags)
    assert (result.status, result.out) == (0, b""), result
    assert path.read_bytes() == PASSWORD and path.stat().st_mode & 0o7777 == wanted


def test_a_file_that_is_there_is_not_replaced(shared, folder):
    path = folder / "secret"
    path.write_text("precious")
    before = path.stat()
    result = read(shared, "op://prod/db/password", "-o", path)
    assert result.status == 73 and result.said("is there already; --force replaces it"), result
    after = path.stat()
    assert path.read_text() == "precious" and (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    result = inject(shared, "x", "-o", path)
    assert result.status == 73 and path.read_text() == "precious"


@pytest.mark.parametrize("flag", ["-f", "--force"])
def test_force_replaces_it(shared, folder, flag):
    path = folder / "secret"
    path.write_text("precious")
    path.chmod(0o644)
    assert read(shared, "op://prod/db/password", "-o", path, flag).status == 0
    assert path.read_bytes() == PASSWORD and path.stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("make, said", [
    (lambda path: path.mkdir(), "no regular file"),
    (lambda path: path.symlink_to("elsewhere"), "no regular file"),
    (lambda path: os.mkfifo(path), "no regular file"),
])
def test_force_replaces_only_files(shared, folder, make, said):
    path = folder / "secret"
    make(path)
    before = path.lstat().st_ino
    result = read(shared, "op://prod/db/password", "-f", "-o", path)
    assert result.status == 73 and result.said(said) and path.lstat().st_ino == before, result


@pytest.mark.parametrize("path, said", [("/nonexistent/x", "cannot open its directory"), ("/dev/shm/", "not the path of a file"), ("", "not the path"), ("..", "not the path")])
def test_paths_that_cannot_be_written(shared, path, said):
    result = read(shared, "op://prod/db/password", "-o", path)
    assert result.status == 73 and result.said(said), result


def test_a_failed_read_leaves_the_file_alone(shared, folder):
    path = folder / "secret"
    path.write_text("precious")
    assert read(shared, "op://prod/db/none", "-f", "-o", path).status == 66
    assert path.read_text() == "precious" and len(list(folder.iterdir())) == 1


def test_a_full_standard_output_is_an_error(shared):
    with open("/dev/full", "wb") as full:
        process = subprocess.run([os.environ["AGENT"], "read", "op://prod/db/password"], env=shared.environment(),
                                 stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, check=False)
    assert process.returncode == 73 and b"standard output: No space left" in process.stderr


@pytest.mark.parametrize("reference, status, said", [
    ("op://prod/db/pasword", 66, 'did you mean "password"'),
    ("op://prod/twin/a", 66, "ambiguous: 2 match"),
    ("op://hiddenhiddenhiddenhiddenhi/x/y", 77, ""),
    ("op://prod", 64, "only a vault"),
    ("prod/db/password", 64, "begins with op://"),
    ("op://prod/db/pass{word", 64, "no reference can hold"),
    ("op://prod/db/pass|word", 64, ""),
    ("op://prod/db/$HOME", 64, "HOME is not set"),
    ("{{ op://prod/db/password }}", 64, "begins with op://"),
    ("op://prod/db/password?attribute=x", 64, "unknown attribute"),
])
def test_read_of_what_is_not_there(shared, reference, status, said):
    result = read(shared, reference, CONNECT_AGENT_TIMEOUT=agent.IMPATIENT)
    assert result.status == status and result.out == b"" and result.said(said.replace("(", r"\(")), result
    assert "connect-agent read: " in result.err


@pytest.mark.parametrize("arguments, said", [
    (["read"], "no reference given"), (["read", "op://a/b/c", "op://a/b/d"], "unexpected argument"),
    (["read", "op://a/b/c", "-x"], "no option -x"), (["read", "op://a/b/c", "-o"], "needs a value"),
    (["read", "op://a/b/c", "--file-mode", "rw"], "octal mode"), (["inject", "extra"], "unexpected argument"),
    (["inject", "--infile", "x"], "did you mean --in-file"), (["read", "op://a/b/c", "--online"], "no option --online"),
])
def test_wrong_usage(shared, arguments, said):
    result = shared.run(*arguments)
    assert result.status == 64 and result.said(said), result


def test_a_read_does_not_wait_for_what_is_missing(shared):
    shared.fake.reset_log()
    assert read(shared, "op://prod/db/none", CONNECT_AGENT_TIMEOUT="60s").status == 66
    assert shared.fake.counters()["item"] == 1


def test_inject_from_standard_input(shared):
    text = 'user: {{ op://prod/db/username }}\npw: "op://prod/db/password"\nkeep: {{ "{{ x }}" }} $ $5\nx: $STAGE ${STAGE}-${ none :-dflt}\n'
    result = inject(shared, text, STAGE="prod")
    assert result.status == 0, result
    assert result.out == b'user: canary-value-user\npw: "' + PASSWORD + b'"\nkeep: {{ x }} $ $5\nx: prod prod-dflt\n'


def test_inject_from_file_to_file(shared, folder):
    (folder / "in").write_text("op://$STAGE/db/username\n")
    result = shared.run("inject", "-i", folder / "in", "-o", folder / "out", "--file-mode", "0644", STAGE="prod")
    assert result.status == 0 and (folder / "out").read_bytes() == b"canary-value-user\n"
    assert (folder / "out").stat().st_mode & 0o7777 == 0o644
    result = shared.run("inject", "--in-file", folder / "in", "--out-file", folder / "out2", STAGE="prod")
    assert result.status == 0 and (folder / "out2").stat().st_mode & 0o7777 == 0o600


def test_inject_from_a_pipe(shared):
    command = f'"{os.environ["AGENT"]}" inject -i <(echo op://prod/db/username)'
    process = subprocess.run(["bash", "-c", command], env=shared.environment(), capture_output=True, check=False)
    assert process.stdout == b"canary-value-user\n", process.stderr


def test_inject_of_nothing_is_nothing(shared):
    result = inject(shared, "")
    assert (result.status, result.out) == (0, b""), result


def test_inject_of_bytes_keeps_them(shared):
    blob = bytes(range(256)).replace(b"$", b"").replace(b"{", b"")
    result = shared.run("inject", stdin=blob, reveals=True)
    assert result.out == blob


@pytest.mark.parametrize("text, status, said", [
    ("x\n  op://prod/db/none", 66, r"<standard input>:2:3: op://prod/db/none: no field"),
    ("x\n {{ op://prod }}", 65, r"<standard input>:2:14: the reference names only a vault"),
    ("a $NOT_SET_HERE", 65, r"<standard input>:1:3: a literal \$ is written .*NOT_SET_HERE is not set"),
    ("{{ .x }}", 65, "<standard input>:1:1: "),
    ("{{ op://prod/db/username | base64decode }}", 65, "filter base64decode"),
])
def test_inject_of_a_wrong_template(shared, folder, text, status, said):
    result = inject(shared, text, "-o", folder / "out")
    assert result.status == status and result.said(said), result
    assert not list(folder.iterdir())


def test_inject_of_a_file_that_is_not_there(shared):
    result = shared.run("inject", "-i", "/nonexistent")
    assert result.status == 65 and result.said("connect-agent inject: /nonexistent: No such file")


def test_the_connect_block_of_a_template_is_taken_when_it_is_named(shared, folder):
    (folder / "t.yaml").write_text(f"version: 1\nconnect: {{host: '{shared.fake.url}'}}\noutputs:\n"
                                   "  - {directory: /run/x, files: [{path: a, content: b}]}\n")
    environment = {"OP_CONNECT_HOST": None, "CONNECT_AGENT_TEMPLATE": None}
    result = read(shared, "op://prod/db/username", **environment)
    assert result.status == 64 and result.said("OP_CONNECT_HOST")
    result = read(shared, "op://prod/db/username", "-c", folder / "t.yaml", **environment)
    assert result.out == b"canary-value-user\n", result
    (folder / "t.yaml").write_text("version: 3\n")
    result = read(shared, "op://prod/db/username", "-c", folder / "t.yaml", **environment)
    assert result.status == 65 and result.said(r"t.yaml:1:10: template version")
