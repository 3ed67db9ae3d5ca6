#!/usr/bin/env python3
"""Checks the floors of docs/architecture.md: includes in agent/ go downward only, peers do not know
each other, and each library has one place. Prints file:line and what to do."""

import pathlib
import re
import sys

AGENT = pathlib.Path(__file__).resolve().parents[2] / "agent"

PEERS = ("config", "connect", "render", "publish", "watch", "reload", "report")
BELOW_PEERS = ("model", "io", "base")

# What a folder may include: whole folders, or single headers. main.c is a floor of its own.
MAY_INCLUDE = {
    "main.c": ("cmd", "io/process.h"),
    "cmd": (
        "core",
        "config/config.h",
        "config/settings.h",
        "config/schema.h",
        "config/adhoc.h",
        "publish/copy.h",
        "publish/save.h",
        "report/health.h",  # the questions of `probe`
        "config/yaml.h",  # the library's version
        "connect/transport.h",  # the library's version
        *BELOW_PEERS,
    ),
    "core": (*PEERS, *BELOW_PEERS),
    **{peer: BELOW_PEERS for peer in PEERS},
    "model": ("base",),
    "io": ("base",),
    "base": (),
}

# The one place that may include a library's headers: a folder or a file.
LIBRARIES = {
    "curl/": "connect",
    "yaml.h": "config",
    "cjson/": "base/json.c",
    "sys/inotify.h": "watch",
    "microhttpd.h": "report",
}

GENERATED = ("version.h",)  # made by CMake; everyone may include it

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def folder_of(path):
    """"connect" of "connect/client.c"; "main.c" of "main.c"."""
    return path.split("/", 1)[0]


def blank_comments(text):
    """The text without comments, every line where it was."""
    return COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)


def is_within(path, place):
    return path == place or path.startswith(place.rstrip("/") + "/")


def check_system(path, header):
    """What is wrong with an #include <header> of the file, or None."""
    for library, place in LIBRARIES.items():
        if header == library or (library.endswith("/") and header.startswith(library)):
            if not is_within(path, place):
                return f"only {place} may include <{header}>: offer what you need from there"
    return None


def check_own(path, header):
    """What is wrong with an #include "header" of the file, or None."""
    if header in GENERATED:
        return None
    if "/" not in header or header.startswith("."):
        return f'write "{header}" from the root of agent/, as "folder/name.h"'
    here, there = folder_of(path), folder_of(header)
    if there not in MAY_INCLUDE:
        return f'"{there}" has no floor: add it here and to docs/architecture.md'
    allowed = MAY_INCLUDE[here]
    if here == there or any(is_within(header, place) for place in allowed):
        return None
    if here in PEERS and there in PEERS:
        return f"{here} and {there} are peers: bring them together in core/, or move what both need to model/"
    rule = ", ".join(allowed) or "nothing but itself"
    return f'{here} may not include "{header}", only: {rule}'


def check_order(path, includes, own_header):
    """Own header first, then the system's, then ours."""
    if own_header is not None and (not includes or includes[0][2] != own_header):
        line = includes[0][0] if includes else 1
        yield line, f'include "{own_header}" first: it must compile by itself'
    rest = includes[1:] if own_header is not None else includes
    seen_own = False
    for line, bracket, header in rest:
        if bracket == "<" and seen_own:
            yield line, f"<{header}> goes before our own headers"
        seen_own = seen_own or bracket == '"'


def check_text(path, text, has_header=False):
    """Yields (line, message) of a file below agent/. `has_header`: name.h stands beside name.c."""
    if folder_of(path) not in MAY_INCLUDE:
        yield 1, f'"{folder_of(path)}" has no floor: add it here and to docs/architecture.md'
        return
    code = blank_comments(text)
    includes = []
    for number, line in enumerate(code.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            includes.append((number, *found.groups()))
    for line, bracket, header in includes:
        message = (check_system if bracket == "<" else check_own)(path, header)
        if message:
            yield line, message
    if path.endswith(".h"):
        lines = [line.strip() for line in code.splitlines() if line.strip()]
        if lines[:1] != ["#pragma once"]:
            yield 1, "a header's first line of code is #pragma once"
    own_header = path[:-2] + ".h" if path.endswith(".c") and has_header else None
    yield from check_order(path, includes, own_header)


def main():
    files = sorted(AGENT.rglob("*.[ch]"))
    mistakes = 0
    for file in files:
        path = str(file.relative_to(AGENT))
        has_header = file.with_suffix(".h").exists()
        for line, message in check_text(path, file.read_text("utf-8"), has_header):
            print(f"agent/{path}:{line}: {message}")
            mistakes += 1
    print(f"floors: {len(files)} files, {mistakes} mistakes")
    return 1 if mistakes or not files else 0


if __name__ == "__main__":
    sys.exit(main())
