"""The manual pages: they are made from the program's tables; here they are read back, and checked against
what the program says of itself."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

PAGES = pathlib.Path(os.environ["AGENT"]).resolve().parents[1] / "docs" / "man"
READ_BY_PEOPLE = {"http_proxy", "https_proxy", "no_proxy"}


def page(name):
    return (PAGES / name).read_text()


def plain(name):
    text = re.sub(r"^\.\\\".*$", "", page(name), flags=re.M)
    return re.sub(r"\\f[A-Z]|\\&", "", text).replace("\\-", "-").replace("\\e", "\\")


def ask(*arguments):
    return subprocess.run([os.environ["AGENT"], *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
@pytest.mark.parametrize("name", ["connect-agent.1", "connect-agent-template.5"])
def test_the_page_is_well_formed(name):
    run = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGES / name], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stdout, run.stdout


def test_every_command_and_option_is_there_and_no_other():
    text = plain("connect-agent.1")
    known = set()
    for command in re.findall(r"^  ([a-z]+) ", ask("help"), re.M):
        assert f".SS connect-agent {command}" in text
        known |= set(re.findall(r"^ .*?--([a-z-]+)", ask("help", command), re.M))
    shown = set(re.findall(r"--([a-z][a-z-]+)", text))
    assert shown <= known, shown - known
    assert known - {"help"} <= shown, known - shown


def test_every_environment_variable_is_there_and_no_other():
    shown = set(re.findall(r"\b(?:CONNECT_AGENT|OP_CONNECT)_[A-Z_]+\b", plain("connect-agent.1")))
    root = pathlib.Path(__file__).resolve().parents[2] / "agent"
    known = set()
    for source in root.rglob("*.c"):
        known |= set(re.findall(r'"((?:CONNECT_AGENT|OP_CONNECT)_[A-Z_]+)"', source.read_text()))
    for_hooks = {"CONNECT_AGENT_DIRECTORY", "CONNECT_AGENT_GENERATION"}  # which are set, not read
    assert shown - for_hooks == known - {"CONNECT_AGENT_VERSION"} - for_hooks


def test_every_exit_status_is_there():
    text = plain("connect-agent.1")
    for status in re.findall(r"(\d\d) ", ask("help").split("Exit status:")[1]):
        assert re.search(rf"^\.B {status}$", text, re.M), status


def keys_of(schema):
    for name, value in schema.get("properties", {}).items():
        yield name
        yield from keys_of(value)
    for part in [schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", [])]:
        if isinstance(part, dict):
            yield from keys_of(part)


def test_every_key_filter_and_dialect_is_there():
    schema = json.loads(ask("schema"))
    text = plain("connect-agent-template.5")
    keys = set(keys_of(schema))
    assert len(keys) > 30
    for name in keys | set(schema["$defs"]["filters"]["enum"]):
        assert re.search(rf"^\.BR? {name}\b", text, re.M), name
    for name in schema["properties"]["outputs"]["items"]["properties"]["files"]["items"]["properties"]["dialect"]["enum"]:
        assert f" {name}" in text


def test_the_documentation_has_every_key_and_filter():
    schema = json.loads(ask("schema"))
    text = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "template.md").read_text()
    for name in set(keys_of(schema)) | set(schema["$defs"]["filters"]["enum"]):
        assert re.search(rf"(`|\n *- |\.|  ){name}\b", text) or f"\n{name}:" in text, name


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed (man-db)")
def test_man_shows_it():
    run = subprocess.run(["man", "-l", PAGES / "connect-agent.1"], capture_output=True, text=True, check=True,
                         env={"PATH": os.environ["PATH"], "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
    assert "connect-agent read REFERENCE" in run.stdout and "EXIT STATUS" in run.stdout and not run.stderr
