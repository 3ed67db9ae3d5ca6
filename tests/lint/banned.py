#!/usr/bin/env python3
"""Finds what may not be in the tree: C functions that have a safer twin, notes to oneself, and host
names of package registries (a lock file that has them would tie builds to one)."""

import os
import pathlib
import re
import sys

from sizes import NOISE

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "build", "node_modules", "__pycache__", ".pytest_cache"}

FUNCTIONS = {
    "strcpy": "copy with a size: struct buf, or snprintf",
    "strcat": "struct buf",
    "sprintf": "snprintf, or buf_format",
    "vsprintf": "vsnprintf",
    "gets": "fgets",
    "strtok": "it keeps state: str_find and str_slice",
    "atoi": "it hides errors: base/parse.h, or strtol",
    "atol": "it hides errors: base/parse.h, or strtol",
    "alloca": "a limit and an array, or the heap",
    "system": "no shell: posix_spawn",
    "popen": "no shell: posix_spawn",
    "mktemp": "mkstemp",
    "tmpnam": "mkstemp",
    "sleep": "wait for an event",
    "usleep": "wait for an event",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FUNCTIONS) + r")\s*\(")

NOTE = re.compile(r"\b(" + "|".join(("TO" "DO", "FIX" "ME", "X" "XX")) + r")\b")

# In two parts each, so that this file passes its own check.
REGISTRIES = (
    ("npm", "js.org"), ("npm", "js.com"), ("yarn", "pkg.com"), ("py", "pi.org"), ("python", "hosted.org"),
    ("crates", ".io"), ("proxy.golang", ".org"), ("repo.maven", ".apache.org"), ("repo1.maven", ".org"),
    ("deb.debian", ".org"), ("security.debian", ".org"), ("archive.ubuntu", ".com"), ("node", "source.com"),
)
HOST = re.compile("|".join(re.escape(a + b) for a, b in REGISTRIES))


def files():
    for directory, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - NOT_OURS)
        for name in sorted(names):
            file = pathlib.Path(directory, name)
            if file.is_file():
                yield file


def blank(match):
    """Spaces for what is no code, every line where it was."""
    return " " + "\n" * match.group().count("\n")


def check_text(path, text):
    """Yields (line, message)."""
    if path.endswith((".c", ".h")):
        for number, line in enumerate(NOISE.sub(blank, text).splitlines(), 1):
            for match in CALL.finditer(line):
                yield number, f"{match[1]}() is banned: {FUNCTIONS[match[1]]}"
    for number, line in enumerate(text.splitlines(), 1):
        note = NOTE.search(line)
        if note:
            yield number, f"{note[1]}: do it now, or open an issue"
        host = HOST.search(line)
        if host:
            yield number, f"{host[0]} is a registry's host: builds get it from the machine's settings"


def main():
    count = mistakes = 0
    for file in files():
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        count += 1
        path = str(file.relative_to(ROOT))
        for line, message in check_text(path, text):
            print(f"{path}:{line}: {message}")
            mistakes += 1
    print(f"banned: {count} files, {mistakes} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
