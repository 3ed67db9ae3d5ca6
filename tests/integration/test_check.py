"""`check`: everything that is wrong in one run, with the line and a caret; the table of `--online`; the
JSON of `--json` as docs/check.md describes it."""

import json
import pathlib
import re

import pytest

import agent
from wrong_templates import ENV, HEAD

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed (python3-jsonschema)")

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "check.md"


def schema_of_report():
    """The shape as the documentation states it, so that it is what is tested."""
    return json.loads(re.search(r"```json\n(\{\n  \"\$schema\".*?)```", DOCS.read_text(), re.S).group(1))


def report_of(result):
    report = json.loads(result.out)
    jsonschema.Draft202012Validator(schema_of_report()).validate(report)
    return report


def write(place, name, text):
    path = place.disk / name
    path.write_text(text.replace("{directory}", str(place.directory)))
    return path


def test_a_caret_stands_under_what_is_meant(shared):
    path = write(shared, "caret.yaml", ENV + '          É: "é {{ op://prod/db/x | uper }}"\n          B: op://x\n')
    result = shared.run("check", "-c", path)
    assert result.status == 65
    lines = result.err.splitlines()
    assert 'cannot be the name of a variable' in lines[0]
    assert lines[1] == '     8 |           É: "é {{ op://prod/db/x | uper }}"'
    assert lines[2] == '       |           ^'
    assert lines[3].startswith(f'{path}:8:37: unknown filter "uper"; did you mean "upper"?')
    assert lines[5] == "       | " + " " * 36 + "^" and lines[4][9:][36:40] == "uper"
    assert lines[6].startswith(f"{path}:9:") and "only a vault" in lines[6]


def test_a_caret_in_a_template_file_and_in_a_long_line(shared):
    write(shared, "long.tpl", "first\n" + "x" * 500 + " {{ op://prod }} " + "y" * 500 + "\n")
    path = write(shared, "file.yaml", HEAD + "      - {path: a, templateFile: long.tpl}\n")
    result = shared.run("check", "-c", path)
    lines = result.err.splitlines()
    assert re.match(r".*long\.tpl:2:\d+: the reference names only a vault", lines[0]), result
    assert len(lines[1]) < 120
    assert lines[1][len(lines[2]) - 10:].startswith("prod }}") or lines[1][len(lines[2]) - 1:].startswith(" }}"), result


def test_a_line_that_may_hold_a_password_is_not_shown(shared):
    path = write(shared, "host.yaml", "version: 1\nconnect: {host: 'http://u:canary-value-p@x'}\n")
    result = shared.run("check", "-c", path)
    assert result.status == 65 and result.said("host.yaml:2:17") and "http://" not in result.err


def test_all_kinds_of_mistakes_in_one_run(shared):
    path = write(shared, "all.yaml", """
version: 2
conect: {host: http://x}
refresh: {interval: 1}
outputs:
  - directory: {directory}
    layout: swap
    files:
      - {path: ../a, content: x}
      - {path: b, env: {A: 1}}
      - {path: c, dialect: docker, env: {A: "x\\ny", B: op://v, C: "{{ op://a/b/c | nope }}"}}
      - {path: d, content: x, mode: 0777}
      - {path: d, json: {a: 0x1}}
""")
    result = shared.run("check", "-c", path)
    places = [line.split(":")[1] for line in result.err.splitlines() if line.startswith("/")]
    assert places == ["2", "3", "4", "7", "9", "10", "11", "11", "12", "13", "13"], result


def test_json_of_a_good_template(shared):
    shared.write(agent.TEMPLATE)
    result = shared.run("check", "--json")
    assert result.status == 0 and not result.err
    assert report_of(result) == {"template": str(shared.template), "ok": True, "outputs": 1, "files": 2, "findings": [], "dropped": 0}


def test_json_of_a_wrong_template(shared):
    path = write(shared, "wrong.yaml", ENV + "          A: op://x\n          B: {vale: z}\n")
    result = shared.run("check", "--json", "-c", path)
    report = report_of(result)
    assert result.status == 65 and report["ok"] is False and not result.err
    assert [(f["line"], f["column"], f["error"]) for f in report["findings"]] == [(8, 20, "template"), (9, 14, "template"), (9, 15, "template")]
    assert report["findings"][0]["file"] == str(path)


def test_json_tells_how_many_findings_are_left_out(shared):
    path = write(shared, "many.yaml", ENV + "".join(f"          A{i}: op://x\n" for i in range(100)))
    report = report_of(shared.run("check", "--json", "-c", path))
    assert len(report["findings"]) == 64 and report["dropped"] == 36
    assert "and 36 more" in shared.run("check", "-c", path).err


MIXED = HEAD + """      - path: a
        dialect: sh
        env:
          GOOD: op://prod/db/username
          LONG: op://prod/odd/multi
          GONE: op://prod/db/pasword
          TWIN: op://prod/twin/a
          HIDDEN: op://hiddenhiddenhiddenhiddenhi/x/y
          MAYBE: {value: op://prod/db/nothing, optional: true}
          DEFAULT: {value: op://prod/none/nothing, default: x}
"""


def test_online_shows_each_reference(shared):
    shared.fake.reset()
    shared.write(MIXED)
    result = shared.run("check", "--online", CONNECT_AGENT_TIMEOUT=agent.IMPATIENT)
    table = dict(re.match(r"(\S+) +(.*)", line).groups() for line in result.out.splitlines())
    assert table == {
        "op://prod/db/username": "ok  17 bytes", "op://prod/odd/multi": "ok  27 bytes", "op://prod/db/pasword": "missing",
        "op://prod/twin/a": "ambiguous", "op://hiddenhiddenhiddenhiddenhi/x/y": "no access",
        "op://prod/db/nothing": "missing, covered by `optional` or `default`",
        "op://prod/none/nothing": "missing, covered by `optional` or `default`"}
    assert result.status in (66, 77)
    assert result.said(r'template.yaml:10:17: .*did you mean "password"') and result.said(r"template.yaml:11:17: .*ambiguous: 2 match")
    assert not result.said("template.yaml:13:"), "what is covered is no finding"
    assert not shared.directory.exists() or not list(shared.directory.iterdir()), "check wrote something"


def test_online_as_json(shared):
    shared.fake.reset()
    shared.write(MIXED)
    report = report_of(shared.run("check", "--online", "--json", CONNECT_AGENT_TIMEOUT=agent.IMPATIENT))
    rows = {row["reference"]: row for row in report["references"]}
    assert [row["status"] for row in rows.values()] == ["ok", "ok", "missing", "ambiguous", "no access", "missing", "missing"]
    assert rows["op://prod/db/username"]["size"] == 17 and "message" not in rows["op://prod/db/username"]
    assert rows["op://prod/db/nothing"]["required"] is False and rows["op://prod/db/pasword"]["required"] is True
    assert "did you mean" in rows["op://prod/db/pasword"]["message"]
    assert len(report["findings"]) == 3


def test_online_finds_what_a_dialect_or_a_filter_cannot_take(shared):
    shared.fake.reset()
    shared.write(HEAD + "      - {path: a, dialect: docker, env: {A: op://prod/odd/multi, B: op://prod/db/username}}\n"
                 "      - {path: b, content: '{{ op://prod/db/username | base64decode }}'}\n")
    result = shared.run("check", "--online")
    assert result.status == 65, result
    assert result.said(r"template.yaml:5:45: file a: .*variable A.*line feed") and result.said(r"template.yaml:6:56: file b: filter base64decode")
    assert re.search(r"op://prod/odd/multi +ok", result.out)


def test_online_of_a_good_template(shared):
    shared.fake.reset()
    shared.write(agent.TEMPLATE)
    result = shared.run("check", "--online")
    assert result.status == 0 and result.out.endswith(": ok: outputs 1, files 2, references 4\n"), result
    assert report_of(shared.run("check", "--online", "--json"))["ok"] is True


@pytest.mark.parametrize("json_too", [False, True])
def test_online_without_a_server(shared, json_too):
    shared.write(agent.TEMPLATE)
    flags = ["--json"] if json_too else []
    result = shared.run("check", "--online", *flags, OP_CONNECT_HOST="http://127.0.0.1:1", CONNECT_AGENT_TIMEOUT=agent.IMPATIENT)
    assert result.status == 69, result
    if json_too:
        report = report_of(result)
        assert {row["status"] for row in report["references"]} == {"unknown"} and report["findings"][0]["error"] == "unreachable"
    else:
        assert result.said("template.yaml: .*127.0.0.1")


def test_online_needs_a_host(shared):
    shared.write(agent.TEMPLATE)
    result = shared.run("check", "--online", OP_CONNECT_HOST=None)
    assert result.status == 64 and result.said("OP_CONNECT_HOST"), result
