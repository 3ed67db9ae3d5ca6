"""Templates that are wrong: init and check say so alike, with file, line and column, exit status 65;
what was published before stays untouched (the fixture `good` looks), and no request is made."""

import os

import pytest

import agent
from wrong_templates import ENV, WRONG

@pytest.mark.parametrize("text, where, said", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong_template(good, text, where, said):
    good.fake.reset_log()
    good.write(text)
    try:
        checked = good.run("check")
        tried = good.run("init")
    finally:
        good.write(agent.TEMPLATE)
    for result in (checked, tried):
        assert result.status == 65, result
        name = str(good.template).replace(".", r"\.")
        assert result.said(rf"{name}:{where or ''}"), result
        assert result.said(said), result
    assert good.fake.counters()["total"] == 0, "a wrong template made requests"


def test_no_template(good):
    for command in ("check", "init"):
        result = good.run(command, "-c", "/nonexistent/template.yaml")
        assert result.status == 65, result
        assert result.said("/nonexistent/template.yaml") and result.said("CONNECT_AGENT_TEMPLATE")


def test_template_is_a_directory(good):
    result = good.run("check", "-c", "/")
    assert result.status == 65 and result.said("directory"), result


def test_template_is_a_fifo(good):
    fifo = good.disk / "fifo"
    os.mkfifo(fifo)
    try:
        result = good.run("check", "-c", fifo)
    finally:
        fifo.unlink()
    assert result.status == 65 and result.said("not a regular file"), result


def test_template_too_large(good):
    big = good.disk / "big.yaml"
    big.write_text("# " + "x" * (1 << 20))
    result = good.run("check", "-c", big)
    assert result.status == 65 and result.said("1048576"), result


def test_template_deeply_nested(good):
    deep = good.disk / "deep.yaml"
    deep.write_text("a: " + "[" * 5000 + "]" * 5000)
    result = good.run("check", "-c", deep)
    assert result.status == 65, result


def test_output_inside_another(good):
    text = ("version: 1\noutputs:\n"
            "  - {directory: /run/a, files: [{path: x, content: y}]}\n"
            "  - {directory: /run/a/b, files: [{path: x, content: y}]}\n")
    path = good.disk / "nested.yaml"
    path.write_text(text)
    result = good.run("check", "-c", path)
    assert result.status == 65 and result.said("nested.yaml:4:17: .*line 3"), result


def test_all_mistakes_are_told_in_one_run(good):
    path = good.disk / "many.yaml"
    path.write_text(ENV.replace("{directory}", "/run/x")
                    + "          A: op://x\n          B: op://y\n          C: {vale: z}\n")
    result = good.run("check", "-c", path)
    assert result.status == 65
    lines = [line.split(":")[1] for line in result.err.splitlines() if line.startswith("/")]
    assert list(dict.fromkeys(lines)) == ["8", "9", "10"], result


# The command line.


@pytest.mark.parametrize("arguments, said", [
    ([], "no command given"),
    (["inti"], 'did you mean "init"'),
    (["init", "--tiemout", "1s"], "did you mean --timeout"),
    (["init", "--timeout", "soon"], '--timeout: "soon" is not a duration'),
    (["init", "--timeout"], "--timeout needs a value"),
    (["init", "--log-level", "loud"], "error, warn, info or debug"),
    (["init", "extra"], 'unexpected argument "extra"'),
    (["init", "--interval", "1"], "--interval"),
    (["help", "nothing"], 'no command "nothing"'),
    (["help", "inti"], 'did you mean "init"'),
], ids=lambda value: "-".join(value) if isinstance(value, list) else None)
def test_wrong_usage(good, arguments, said):
    result = good.run(*arguments)
    assert result.status == 64, result
    assert result.said(said.replace("(", r"\(")), result


def test_help_lists_every_command_and_option(good):
    result = good.run("help")
    assert result.status == 0 and all(c in result.out for c in ("init", "check", "version"))
    result = good.run("init", "--help")
    assert result.status == 0
    for option in ("--config", "--timeout", "--log-level", "--connect-host", "OP_CONNECT_TOKEN_FILE"):
        assert option in result.out, option
