"""Files from a subtree: JSON, YAML and properties, read back by Python's json, PyYAML, and a reader of
Java properties (the JDK's own where there is one)."""

import json
import pathlib
import random
import shutil
import subprocess

import pytest

import agent

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (python3-yaml)")

HOSTILE = [
    "canary-value-plain", "", " canary-value- ", "canary-value-\"'\\", "canary-value-\n\r\t\f\b\x00".replace("\x00", ""),
    "true", "null", "~", "5432", "007", "1e3", "0x1f", "2001-01-01", "1:30", "yes", "- a", "? b", "a: b", "#c", "&a", "*a", "!a",
    "canary-value-é\u0085\u2028\u2029\ufeff\u00a0\x7f\x9f", "canary-value-😀𝕊", "{{", "%PDF", "@x", "`x`", "key=value", "!x:y", "\\u0041",
]
TREE = """
  text: op://prod/db/v0
  mixed: "user={{ op://prod/db/v0 }}!"
  number: 5432
  negative: -12.50e-3
  huge: 123456789012345678901234567890
  yes: true
  no: False
  none: null
  tilde: ~
  empty:
  "quoted number": "5432"
  quoted: 'true'
  list: [1, two, [3.5, {deep: op://prod/db/v0}], [], {}]
  nested:
    b: 1
    a: {c: 2}
  block: |
    line 1
    line 2 {{ op://prod/db/v0 }}
  "key \\"with\\" : # é": x
  "on": y
  "5": z
  "": w
"""
EXPECTED = {
    "text": HOSTILE[0], "mixed": f"user={HOSTILE[0]}!", "number": 5432, "negative": -0.0125,
    "huge": 123456789012345678901234567890, "yes": True, "no": False, "none": None, "tilde": None, "empty": None,
    "quoted number": "5432", "quoted": "true", "list": [1, "two", [3.5, {"deep": HOSTILE[0]}], [], {}],
    "nested": {"b": 1, "a": {"c": 2}}, "block": f"line 1\nline 2 {HOSTILE[0]}\n", 'key "with" : # é': "x", "on": "y", "5": "z", "": "w",
}
HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"


def fixture():
    fields = "".join(f"          - {{label: v{i}, value: {agent.flow_yaml(v)}}}\n" for i, v in enumerate(HOSTILE))
    return ("tokens: [{name: agent}]\nvaults:\n  - name: prod\n    items:\n      - title: db\n        fields:\n" + fields)


@pytest.fixture(scope="module")
def shared():
    with agent.Place(fixture()) as made:
        yield made


def publish(place, kind, tree):
    body = "\n".join("  " * 4 + line for line in tree.strip("\n").split("\n"))
    result = place.init(f"{HEAD}      - path: x\n        {kind}:\n{body}\n")
    assert result.status == 0, result
    return place.published("x").decode()


def hostile_tree(first="k"):
    return "".join(f"  {first}{i}: op://prod/db/v{i}\n" for i in range(len(HOSTILE)))


def strict_json(text):
    def pairs(found):
        assert len(dict(found)) == len(found), "a key twice"
        return dict(found)
    return json.loads(text, object_pairs_hook=pairs)


@pytest.mark.parametrize("kind, read", [("json", strict_json), ("yaml", yaml.safe_load)])
def test_types_and_order_are_kept(shared, kind, read):
    text = publish(shared, kind, TREE)
    found = read(text)
    assert found == EXPECTED
    assert list(found) == list(EXPECTED), "the order of keys"
    assert "12.50e-3" in text and "1234567890" * 3 in text, "numbers are written as they were"
    assert text.endswith("\n")


@pytest.mark.parametrize("kind, read", [("json", strict_json), ("yaml", yaml.safe_load)])
def test_a_reference_is_always_a_string(shared, kind, read):
    found = read(publish(shared, kind, hostile_tree()))
    assert found == {f"k{i}": v for i, v in enumerate(HOSTILE)}


@pytest.mark.parametrize("kind, read", [("json", strict_json), ("yaml", yaml.safe_load)])
@pytest.mark.parametrize("tree, expected", [("[]", []), ("{}", {}), ("op://prod/db/v0", HOSTILE[0]), ("[[[1]]]", [[[1]]]), ("~", None)])
def test_the_subtree_may_be_anything(shared, kind, read, tree, expected):
    result = shared.init(f"{HEAD}      - {{path: x, {kind}: {tree}}}\n")
    assert result.status == 0, result
    assert read(shared.published("x").decode()) == expected


KEYS = [value for value in HOSTILE if "{{" not in value]


def random_tree(chance, depth=0):
    kind = chance.randrange(7 if depth < 4 else 5)
    if kind < 2:
        return chance.choice(HOSTILE)
    if kind < 5:
        return [chance.randrange(-10**9, 10**9), chance.random(), chance.choice([True, False, None])][kind - 2]
    if kind == 5:
        return [random_tree(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {chance.choice(KEYS): random_tree(chance, depth + 1) for _ in range(chance.randrange(5))}


def as_template(tree):
    """Braces are the template's own."""
    return agent.flow_yaml(tree).replace('"{{"', '"{{ \\"{{\\" }}"')


def test_random_trees(shared):
    seed = random.randrange(10**9)
    print("seed", seed)
    chance = random.Random(seed)
    trees = [[random_tree(chance), random_tree(chance)] for _ in range(60)]
    files = "".join(f"      - {{path: {kind}{i}, {kind}: {as_template(tree)}}}\n"
                    for i, tree in enumerate(trees) for kind in ("json", "yaml"))
    result = shared.init(HEAD + files)
    assert result.status == 0, (seed, result)
    for i, tree in enumerate(trees):
        assert json.loads(shared.published(f"json{i}")) == tree, seed
        assert yaml.safe_load(shared.published(f"yaml{i}")) == tree, seed


JAVA = """
import java.io.*; import java.nio.charset.StandardCharsets; import java.util.*;
public class Read {
    public static void main(String[] a) throws Exception {
        Properties p = new Properties();
        try (InputStream in = new FileInputStream(a[0])) { p.load(in); }
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (String k : new TreeSet<>(p.stringPropertyNames())) {
            Base64.Encoder e = Base64.getEncoder();
            out.println(e.encodeToString(k.getBytes(StandardCharsets.UTF_8)) + " "
                + e.encodeToString(p.getProperty(k).getBytes(StandardCharsets.UTF_8)));
        }
    }
}
"""


def read_with_java(path, folder):
    import base64
    source = folder / "Read.java"
    source.write_text(JAVA)
    run = subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", str(source), str(path)], capture_output=True, check=True)
    rows = [line.split(" ") for line in run.stdout.decode().splitlines()]
    return {base64.b64decode(k).decode(): base64.b64decode(v).decode() for k, v in rows}


def read_with_python(path, _):
    javaproperties = pytest.importorskip("javaproperties", reason="neither java nor python3-javaproperties is installed")
    with open(path, "rb") as file:
        return javaproperties.load(file)


def test_properties(shared):
    read = read_with_java if shutil.which("java") else read_with_python
    tree = ("  spring:\n    datasource:\n      url: jdbc:postgresql://db/app\n      password: op://prod/db/v3\n      pool: 5\n"
            "  flag: true\n  hosts: [a, {name: b}]\n  'odd key:=#! é': x\n" + hostile_tree())
    text = publish(shared, "properties", tree)
    assert text.isascii()
    path = shared.disk / "x.properties"
    path.write_text(text)
    assert read(path, pathlib.Path(shared.disk)) == {
        "spring.datasource.url": "jdbc:postgresql://db/app", "spring.datasource.password": HOSTILE[3], "spring.datasource.pool": "5",
        "flag": "true", "hosts[0]": "a", "hosts[1].name": "b", "odd key:=#! é": "x",
        **{f"k{i}": v for i, v in enumerate(HOSTILE)}}
    keys = [line.split("=")[0] for line in text.splitlines()]
    assert keys[:4] == ["spring.datasource.url", "spring.datasource.password", "spring.datasource.pool", "flag"]


def test_optional_leaves_the_whole_file_out(shared):
    text = HEAD + "      - {path: x, json: {a: op://prod/db/none}, optional: true}\n      - {path: y, content: z}\n"
    assert shared.init(text).status == 0
    assert list(shared.names()) == ["y"]
    result = shared.init(text.replace(", optional: true", ""))
    assert result.status == 66 and result.said("no field or file"), result
