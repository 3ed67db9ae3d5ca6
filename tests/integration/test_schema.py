"""The JSON Schema and `check` say the same of every template, as far as a schema can: an independent
validator (jsonschema) reads both. What a schema cannot say is listed, each with its reason."""

import json
import pathlib
import re
import signal

import pytest

from test_filters import FILTERS
from wrong_templates import WRONG

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (python3-yaml)")
jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed (python3-jsonschema)")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = sorted([*ROOT.glob("docs/cookbook/*.yaml"), *ROOT.glob("deploy/**/template*.yaml")])

SYNTAX = "the YAML reader sees it"
TEXT = "inside a string"
ACROSS = "between values"
NUMBER = "patterns are for strings, and this is a number to YAML"
BEYOND = {
    "empty": SYNTAX, "only-comments": SYNTAX, "not-yaml": SYNTAX, "tab-indentation": SYNTAX, "duplicate-key": SYNTAX,
    "anchor": SYNTAX, "alias": SYNTAX, "tag": SYNTAX, "two-documents": SYNTAX, "yaml-anchor": SYNTAX,
    "same-path-twice": ACROSS, "file-below-a-file": ACROSS, "properties-joined-twice": ACROSS, "output-holds-the-ca": ACROSS,
    "docker-literal-of-two-lines": ACROSS, "kubernetes-literal-with-quote": ACROSS,
    "mode-for-others": NUMBER, "json-odd-number": NUMBER,
    "reference-too-short": TEXT, "reference-bad-character": TEXT, "reference-bad-attribute": TEXT, "braces-unclosed": TEXT,
    "braces-unknown": TEXT, "filter-unknown": TEXT, "filter-of-another-program": TEXT, "filter-on-nothing": TEXT, "filter-without-braces": TEXT,
    "filter-missing": TEXT, "filter-without-its-number": TEXT, "ssh-format-unknown": TEXT, "variable-not-set": TEXT,
    "reference-in-block-text": TEXT, "json-reference-in-key": "keys of a subtree are free",
    "exec-reference": TEXT, "hook-check-in-plain": "two keys of different meaning",
    "hook-timeout-too-long": "patterns compare no numbers", "hook-command-relative": "a rule for one element",
    "properties-null": "a subtree is free", "template-file-missing": "a schema reads no files",
}


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it. Keys are strings, as in JSON."""


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("null", r"~|null|Null|NULL|", "~nN\0"), ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
]:
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first.replace("\0", "")) + [""])
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(re.sub("^0o", "", node.value), 16 if node.value.startswith("0x") else 10))


def keys_as_strings(value):
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): keys_as_strings(v) for k, v in value.items()}
    return [keys_as_strings(v) for v in value] if isinstance(value, list) else value


def load(text):
    return keys_as_strings(yaml.load(text, Loader=Core))


@pytest.fixture(scope="module")
def validator(shared):
    schema = json.loads(shared.run("schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_copy_in_docs_is_what_the_program_prints(shared):
    assert (ROOT / "docs" / "template.schema.json").read_text() == shared.run("schema").out, \
        "run: connect-agent schema > docs/template.schema.json"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_samples_are_valid_for_both(shared, validator, path):
    text = path.read_text()
    validator.validate(load(text))
    result = shared.run("check", "-c", path)
    assert result.status == 0, result
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert modeline, "the first line tells editors of the schema"
    assert (path.parent / modeline.group(1)).resolve() == ROOT / "docs" / "template.schema.json"


def test_there_are_samples():
    assert len(SAMPLES) >= 1


@pytest.mark.parametrize("name, text", [w[:2] for w in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_template_is_wrong_for_both(shared, validator, name, text):
    try:
        valid = validator.is_valid(load(text.replace("{directory}", "/run/x")))
    except yaml.YAMLError:
        valid = None
    if name in BEYOND:
        assert valid in (True, None) or BEYOND[name] == SYNTAX, f"{name}: the schema sees it after all"
    else:
        assert valid is False, f"{name}: `check` refuses it and the schema does not"


def test_what_is_beyond_the_schema_is_still_in_the_list():
    assert set(BEYOND) <= {row[0] for row in WRONG}


GOOD = """
version: 1
connect: {{host: "https://x:8443/prefix/", tokenFile: /t, requestTimeout: 1m30s}}
refresh: {{interval: 30s, maxStale: 24h}}
listen:
outputs:
  - {{directory: {directory}, layout: plain, mode: 0440, directoryMode: "0o750", owner: 1000:1000, allowDisk: true, files: [{file}]}}
"""
FILES = [
    "{path: a, content: x}", "{path: a, content: 5}", "{path: a/b.c, template: true, mode: 400, owner: 0}", "{path: a, json: }",
    "{path: a, yaml: [1, {a: op://v/i/f}], optional: true}", "{path: a, properties: {a: {b: [1]}}}", "{path: 5, content: x, default: y}",
    "{path: a, dialect: sh, env: {A: 1, B: {value: op://v/i/f, optional: true}, C: {value: x, default: ''}}}",
    "{path: ...a, content: x}", "{path: a..b, content: x}", "{path: .env, content: x}", "{path: a/.b, content: x, optional: false}",
]


@pytest.mark.parametrize("file", FILES)
def test_a_good_template_is_good_for_both(shared, validator, file):
    text = GOOD.format(directory=shared.directory, file=file)
    shared.template.write_text(text)
    checked = shared.run("check")
    errors = [error.message for error in validator.iter_errors(load(text))]
    assert (checked.status == 0) == (not errors), (checked, errors)


HOOKS = [
    *(f"signal: {{process: x, signal: '{prefix}{name}'}}" for prefix in ("", "SIG")
      for name in [*(s.name[3:] for s in signal.Signals if s.name[3:5] != "RT"), *range(0, 67), "hup", "IOT", "RTMIN"]),
    "signal: {exe: /usr/sbin/nginx}", "signal: {exe: nginx}", "signal: {pidFile: /run/x.pid, signal: 10}", "signal: {process: a/b}",
    "http: {url: http://x}", "http: {url: 'https://x:1/a?b=c@d', method: PUT, timeout: 1m}", "http: {url: 'http://x/#a'}",
    "http: {url: 'http://u@x'}", "http: {url: x}", "http: {url: http://x, method: post}",
    "exec: {command: [/x, 1, true, '', 'a {{directory}}/b {{ directory }}']}", "exec: {command: [/x, '{{ Directory }}']}",
    'exec: {command: [/x, "a\\nb op:/ {x}"]}', 'exec: {command: [/x, "a\\nop://b"]}', "exec: {command: [/x, null]}",
]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_good_or_wrong_for_both(shared, validator, hook):
    text = f"version: 1\noutputs:\n  - directory: /run/x\n    files: [{{path: a, content: x}}]\n    onChange:\n      - {hook}\n"
    shared.template.write_text(text)
    checked = shared.run("check")
    errors = [error.message for error in validator.iter_errors(load(text))]
    assert (checked.status == 0) == (not errors), (checked, errors)


def every_change(value):
    """The template with one thing at a time taken out, renamed or replaced."""
    if isinstance(value, dict):
        for key in value:
            rest = {k: v for k, v in value.items() if k != key}
            yield rest
            yield {**rest, key + "x": value[key]}
            for wrong in ([], {}, "", "-", None, 7, True):
                yield {**rest, key: wrong}
            for changed in every_change(value[key]):
                yield {**rest, key: changed}
    elif isinstance(value, list):
        for i, entry in enumerate(value):
            for changed in every_change(entry):
                yield [*value[:i], changed, *value[i + 1:]]


def test_what_check_takes_the_schema_takes(shared, validator):
    """Every template that is one change away from a good one: the schema must not refuse what is good,
    and what it takes and `check` refuses must be one of the things it cannot say."""
    good = load(GOOD.format(directory="/run/x", file="{path: a, dialect: sh, mode: '0400', env: {A: x, B: {value: y, optional: true}}}"))
    missed, count = [], 0
    for changed in every_change(good):
        text = json.dumps(changed)
        shared.template.write_text(text)
        result = shared.run("check", OP_CONNECT_HOST=None, OP_CONNECT_TOKEN_FILE=None)
        accepted, valid = result.status == 0, validator.is_valid(changed)
        count += 1
        assert valid or not accepted, f"check takes it, the schema does not: {text}"
        if valid and not accepted:
            missed.append(result.err.splitlines()[0].split(": ", 1)[1])
    assert count > 150
    known = ("mode", "port", "lets others", "empty", "octal", "numeric", "address", "URL", "host", "path")
    assert all(any(word in message for word in known) for message in missed), missed
    assert len(missed) < count / 10, missed


def test_every_filter_is_in_the_schema_and_tested(shared):
    names = json.loads(shared.run("schema").out)["$defs"]["filters"]["enum"]
    assert set(names) == {word for row in FILTERS for word in row[0].split() if word.isalnum() and not word.isdigit()}
