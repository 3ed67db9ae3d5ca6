"""Filters, literals and variables in texts, in files that are really published. The results are
checked with other people's decoders."""

import base64
import html
import json
import shlex
import urllib.parse

import pytest

import agent

# Hostile on purpose: quotes, dollars, backslashes, line ends of two kinds, blanks around, beyond ASCII.
VALUE = ' canary-value-\'"$HOME`x`\\ <a&b> é\u2028😀\r\nsecond line\tend \n'

FIXTURE = f"""
tokens: [{{name: agent}}]
vaults:
  - name: prod
    items:
      - title: db
        fields:
          - {{label: hostile, value: {agent.flow_yaml(VALUE)}}}
          - {{label: user, value: canary-value-user}}
          - {{label: password, value: canary-value-pw}}
          - {{label: encoded, value: {base64.b64encode(VALUE.encode()).decode()}}}
          - {{label: folded, value: "{base64.encodebytes(VALUE.encode() * 4).decode().replace(chr(10), chr(92) + 'n')}"}}
          - {{label: url encoded, value: {base64.urlsafe_b64encode(b'canary-value-' + bytes(range(250, 256))).decode()}}}
          - {{label: not base64, value: "canary-value-!"}}
        files:
          - {{name: bytes, base64: /wBjYW5hcnktdmFsdWUtAP4=}}
          - {{name: long, size: 200000, seed: 3}}
          - {{name: mebibyte, size: 1048576, seed: 3}}
"""

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"


@pytest.fixture(scope="module")
def shared():
    with agent.Place(FIXTURE) as made:
        yield made


def write(place, text):
    result = place.init(HEAD + "      - path: x\n        template: |-\n          "
                        + text.replace("\n", "\n          ") + "\n")
    assert result.status == 0, result
    return place.published("x")


HOSTILE = "op://prod/db/hostile"
RAW = VALUE.encode()

FILTERS = [
    ("base64", RAW, base64.b64decode),
    ("base64url", RAW, lambda b: base64.urlsafe_b64decode(b + b"=" * (-len(b) % 4))),
    ("urlencode", RAW, urllib.parse.unquote_to_bytes),
    ("json", RAW, lambda b: json.loads(b'"' + b + b'"').encode()),
    ("xml", RAW, lambda b: html.unescape(b.decode()).encode()),
    ("sh", RAW, lambda b: shlex.split(b.decode())[0].encode()),
    ("trim", VALUE.strip().encode(), bytes),
    ("lines", VALUE.replace("\r\n", "\n").encode(), bytes),
    ("indent 3", b"".join(b"   " + line for line in RAW.splitlines(True)), bytes),
    ("upper", RAW.upper().replace("É".encode(), "é".encode()), bytes),
    ("lower", RAW.lower(), bytes),
    ("base64 | base64decode", RAW, bytes),
    ("trim | base64 | urlencode", VALUE.strip().encode(), lambda b: base64.b64decode(urllib.parse.unquote(b.decode()))),
]


@pytest.mark.parametrize("filters, expected, decode", FILTERS, ids=[f[0] for f in FILTERS])
def test_filter(shared, filters, expected, decode):
    written = write(shared, f"{{{{ {HOSTILE} | {filters} }}}}")
    assert decode(written) == expected


def test_xml_is_read_by_an_xml_parser(shared):
    from xml.etree import ElementTree
    written = write(shared, f'<a b="{{{{ {HOSTILE} | xml }}}}">{{{{ {HOSTILE} | xml }}}}</a>')
    element = ElementTree.fromstring(written)
    assert element.text == VALUE and element.get("b") == VALUE


@pytest.mark.parametrize("field", ["encoded", "folded"])
def test_base64decode(shared, field):
    times = 4 if field == "folded" else 1
    assert write(shared, f"{{{{ op://prod/db/{field} | base64decode }}}}") == RAW * times


def test_base64decode_takes_the_alphabet_of_urls(shared):
    assert write(shared, "{{ op://prod/db/url encoded | base64decode }}") == b"canary-value-" + bytes(range(250, 256))


def test_a_filter_works_on_several_terms(shared):
    written = write(shared, '{{ op://prod/db/user ":" op://prod/db/password | base64 }} and {{ "lit" | upper }}')
    assert written == base64.b64encode(b"canary-value-user:canary-value-pw") + b" and LIT"


def test_literals_and_bare_references(shared):
    written = write(shared, 'a={{ "{{ op://x }}" }} b=op://prod/db/user; c="op://prod/db/user" {{ "say \\"x\\"" }}')
    assert written == b'a={{ op://x }} b=canary-value-user; c="canary-value-user" say "x"'


def test_variables_in_references(shared):
    text = HEAD + ("      - {path: x, content: 'op://${STAGE:-none}/$item/USER'}\n"
                   "      - {path: y, template: '$STAGE {{ op://${ stage }/db/password }}'}\n"
                   "      - {path: z, content: 'op://${NONE:-prod}/db/user'}\n")
    result = shared.init(text, STAGE="prod", ITEM="db")
    assert result.status == 0, result
    assert shared.names() == {"x": b"canary-value-user", "y": b"$STAGE canary-value-pw", "z": b"canary-value-user"}


def test_a_variable_in_two_spellings_is_not_guessed(shared):
    text = HEAD + "      - {path: x, content: 'op://$Stage/db/user'}\n"
    result = shared.init(text, STAGE="prod", stage="dev")
    assert result.status == 65 and result.said(r"Stage is ambiguous"), result
    assert shared.init(text, STAGE="prod", stage="dev", Stage="prod").status == 0


# What a filter or a file cannot take: place, reason, advice; nothing is published.

CANNOT = [
    ("invalid-base64", "content: '{{ op://prod/db/not base64 | base64decode }}'", "6:48", "filter base64decode: .*cannot be decoded: not base64 at byte 13"),
    ("json-of-bytes", "content: 'x {{ op://prod/db/bytes | json }}'", "6:45", "filter json: is not valid UTF-8 at byte 0.*base64"),
    ("xml-of-bytes", "content: '{{ op://prod/db/bytes | xml }}'", "6:43", "filter xml: is not valid UTF-8"),
    ("sh-of-nul", "content: '{{ op://prod/db/bytes | sh }}'", "6:43", "filter sh: holds NUL"),
    ("json-file-of-bytes", "json: {a: op://prod/db/bytes}", "6:19", "not valid UTF-8.*base64"),
    ("yaml-file-of-bytes", "yaml: {a: [op://prod/db/bytes]}", "6:20", "not valid UTF-8"),
    ("properties-of-bytes", "properties: {a: {b: op://prod/db/bytes}}", "6:29", "value of a.b: is not valid UTF-8"),
    ("env-nul", "{dialect: sh, env: {A: op://prod/db/bytes}}", "6:", "variable A: holds NUL"),
    ("env-not-utf8", "{dialect: systemd, env: {A: op://prod/db/bytes}}", "6:", "variable A: "),
    ("env-longer-than-linux-takes", "{dialect: sh, env: {A: '{{ op://prod/db/long | base64 }}'}}", "6:", "variable A has .* bytes.*content"),
    ("env-of-a-mebibyte", "{dialect: compose, env: {A: '{{ op://prod/db/mebibyte | base64 }}'}}", "6:", "variable A has .* bytes"),
    ("docker-of-two-lines", "{dialect: docker, env: {A: op://prod/db/hostile}}", "6:", "line feed"),
]


@pytest.mark.parametrize("content, place, said", [c[1:] for c in CANNOT], ids=[c[0] for c in CANNOT])
def test_what_cannot_be_written(shared, content, place, said):
    write(shared, "before")
    before = shared.snapshot()
    content = content.strip("{}") if content.startswith("{dialect") else content
    lines = content.replace(", env:", "\n        env:") + ("}" if "dialect" in content else "")
    result = shared.init(HEAD + "      - path: x\n        " + lines + "\n")
    assert result.status == 65, result
    line = "7:" if "dialect" in content else place
    assert result.said(rf"template.yaml:{line}"), result
    assert result.said(said), result
    assert shared.snapshot() == before


def test_a_mebibyte_is_published_as_a_file(shared):
    result = shared.init(HEAD + "      - {path: x, content: op://prod/db/mebibyte}\n")
    assert result.status == 0 and len(shared.published("x")) == 1 << 20
