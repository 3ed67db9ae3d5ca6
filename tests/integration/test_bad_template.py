"""Templates that are wrong: init and check say so alike, with file, line and column, exit status 65;
what was published before stays untouched (the fixture `good` looks), and no request is made."""

import os

import pytest

import agent

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"
ENV = HEAD + "      - path: a.env\n        dialect: sh\n        env:\n"

# Name, template, place (line:column, or None), what the message must say.
WRONG = [
    ("empty", "", None, "empty"),
    ("only-comments", "# nothing\n", None, "empty"),
    ("not-yaml", "version: 1\noutputs: [\n", "", ""),
    ("tab-indentation", "version: 1\noutputs:\n\t- directory: /x\n", "3:1", ""),
    ("a-list", "- version: 1\n", "1:1", ""),
    ("no-version", HEAD.replace("version: 1\n", "") + "      - {path: a, content: x}\n", "", "version"),
    ("version-2", HEAD.replace("version: 1", "version: 2") + "      - {path: a, content: x}\n", "1:10", "version"),
    ("no-outputs", "version: 1\n", "", "outputs"),
    ("unknown-key", HEAD.replace("outputs", "outputz"), "2:1", 'did you mean "outputs"'),
    ("unknown-file-key", HEAD + "      - {path: a, contend: x}\n", "5:19", 'did you mean "content"'),
    ("duplicate-key", "version: 1\nversion: 1\n", "2:1", "version"),
    ("anchor", HEAD + "      - {path: &a a, content: x}\n", "5:16", "anchor"),
    ("alias", HEAD + "      - {path: *a, content: x}\n", "5:16", ""),
    ("tag", HEAD + "      - {path: !!str a, content: x}\n", "5:16", "tag"),
    ("two-documents", HEAD + "      - {path: a, content: x}\n---\nversion: 1\n", "", "document"),
    ("wrong-type", "version: 1\noutputs: yes\n", "2:10", "list"),
    ("list-for-a-duration", "version: 1\nrefresh: {interval: [1]}\n", "2:21", "duration"),
    ("bad-duration", "version: 1\nrefresh: {interval: 60}\n", "2:21", "duration"),
    ("bad-host", "version: 1\nconnect: {host: ftp://x}\n", "2:17", "http"),
    ("host-with-password", "version: 1\nconnect: {host: 'http://u:canary-value-p@x'}\n", "2:17", ""),
    ("relative-directory", HEAD.replace("{directory}", "run/x") + "      - {path: a, content: x}\n", "3:16", "absolute"),
    ("root-directory", HEAD.replace("{directory}", "/") + "      - {path: a, content: x}\n", "3:16", ""),
    ("absolute-path", HEAD + "      - {path: /etc/passwd, content: x}\n", "5:16", "relative"),
    ("dots-in-path", HEAD + "      - {path: ../x, content: x}\n", "5:16", r"\.\."),
    ("same-path-twice", HEAD + "      - {path: a, content: x}\n      - {path: a, content: y}\n", "6:16", "line 5"),
    ("file-below-a-file", HEAD + "      - {path: a, content: x}\n      - {path: a/b, content: y}\n", "6:16", "line 5"),
    ("no-content", HEAD + "      - {path: a}\n", "5:9", "content"),
    ("two-contents", HEAD + "      - {path: a, content: x, template: y}\n", "", "content.*template|template.*content"),
    ("env-without-dialect", HEAD + "      - path: a\n        env: {A: b}\n", "", "dialect"),
    ("unknown-dialect", HEAD + "      - {path: a, dialect: compos, env: {A: b}}\n", "5:28", 'did you mean "compose"'),
    ("mode-for-others", HEAD + "      - {path: a, content: x, mode: 0666}\n", "5:37", "others"),
    ("mode-not-octal", HEAD + "      - {path: a, content: x, mode: rw}\n", "5:37", "octal"),
    ("owner-by-name", HEAD + "      - {path: a, content: x, owner: app}\n", "5:38", "numeric|1000:1000"),
    ("variable-name", ENV + "          1A: x\n", "8:11", ""),
    ("variable-null", ENV + "          A:\n", "8:", ""),
    ("later-key", HEAD + "      - {path: a, json: {}}\n", "5:19", "not supported by this version"),
    ("later-block", HEAD + "      - {path: a, content: x}\nexec: {env: {}}\n", "6:1", "not supported by this version"),
    ("reference-too-short", ENV + "          A: op://prod/db\n", "8:", "op://vault/item/"),
    ("reference-bad-character", ENV + '          A: "{{ op://prod/d:b/x }}"\n', "8:29", "not allowed"),
    ("reference-bad-attribute", ENV + "          A: op://prod/db/x?attribute=valu\n", "8:39", "unknown attribute"),
    ("braces-unclosed", ENV + '          A: "x {{ op://prod/db/x"\n', "8:17", ""),
    ("braces-unknown", ENV + '          A: "x {{ .Values.x }}"\n', "8:17", ""),
    ("filter-unknown", ENV + '          A: "{{ op://prod/db/x | upper }}"\n', "8:", "unknown filter"),
    ("reference-in-block-text", HEAD + "      - path: a\n        template: |\n          fine\n          x {{ op://prod }}\n", "8:", "only a vault"),
    ("reference-in-key", ENV + "          op://prod/db/x: y\n", "8:11", ""),
    ("template-file-missing", HEAD + "      - {path: a, templateFile: nothing.tpl}\n", "5:33", "nothing.tpl"),
    ("optional-and-default", ENV + "          A: {value: x, optional: true, default: y}\n", "8:", "optional"),
]


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
    lines = [line.split(":")[1] for line in result.err.splitlines()]
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
