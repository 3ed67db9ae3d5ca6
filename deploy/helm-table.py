#!/usr/bin/env python3
"""Writes the table of values into the README of the Helm chart, from the comments of its values.yaml.

usage: deploy/helm-table.py [--check]      --check: only say whether the table is the one that would be written
"""

import json
import pathlib
import re
import sys

CHART = pathlib.Path(__file__).resolve().parents[1] / "helm" / "connect-agent"
BEGIN, END = "<!-- table: deploy/helm-table.py -->\n", "<!-- end of the table -->\n"
LINE = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w.-]*):(?: (?P<value>.*))?$")


def fail(message):
    sys.exit(f"helm-table: {message}")


def entries(lines):
    """(path, value or None, description) of each key that has a comment of its own; deeper lines belong to it."""
    stack, comment = [], []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            comment.append(text[1:].strip())
            continue
        found = LINE.match(line)
        if found and not text.startswith("- "):
            depth = len(found["indent"]) // 2
            stack = stack[:depth] + [found["key"]]
            if comment:
                yield number, ".".join(stack), found["value"], " ".join(comment)
        if text == "" and comment and not found:
            comment = []  # a comment of its own, of the file
            continue
        comment = []


def block(lines, number):
    """The value that begins after the line, as one line of JSON."""
    import yaml  # not needed for scalars

    indent = len(lines[number - 1]) - len(lines[number - 1].lstrip())
    end = number
    while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    return json.dumps(yaml.safe_load("\n".join(lines[number:end])))


def leaves(lines):
    """Every path that has to be in the table: keys that hold no further keys with comments."""
    found = list(entries(lines))
    paths = {path for _, path, _, _ in found}
    stack = []
    for number, line in enumerate(lines, 1):
        match = LINE.match(line)
        if not match or line.strip().startswith("- "):
            continue
        stack = stack[: len(match["indent"]) // 2] + [match["key"]]
        path = ".".join(stack)
        inside = any(path.startswith(f"{one}.") for one in paths)
        if match["value"] is not None and path not in paths and not inside:
            fail(f"values.yaml:{number}: {path} has no comment above it that says what it is for")
    return found


def table(text):
    lines = text.splitlines()
    rows = ["| Value | Default | Means |", "|---|---|---|"]
    for number, path, value, description in leaves(lines):
        shown = value if value is not None else block(lines, number)
        cells = [f"`{path}`", f"`{shown}`", description]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit(__doc__)
    path = CHART / "README.md"
    before = path.read_text()
    head, begin, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        fail(f"{path} has no place for the table: the lines {BEGIN.strip()} and {END.strip()}")
    after = head + BEGIN + table((CHART / "values.yaml").read_text()) + END + tail
    if arguments and before != after:
        fail(f"{path}: the table is not that of values.yaml: run deploy/helm-table.py")
    if not arguments:
        path.write_text(after)


if __name__ == "__main__":
    main(sys.argv[1:])
