#!/usr/bin/env python3
"""Runs clang-tidy or gcc -fanalyzer over the C files of a build's compile_commands.json, one
process for each file and as many at a time as there are cores.

usage: analyse.py tidy|analyzer BUILD-DIRECTORY [FILE...]
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RETURNS = ROOT / "tests/lint/returns.h"
DEFINES_RETURNS = ("agent/base/error.c", "agent/base/findings.c")

# Options of gcc 12 that clang 14 does not know.
GCC_ONLY = ("-ftrivial-auto-var-init=", "-fzero-call-used-regs=")

# What gcc -fanalyzer may not say about a file. gcc 12 takes a pointer for lost that is handed over
# into a structure behind another pointer (*into = copy); LeakSanitizer sees those files' real leaks.
ANALYZER_OFF = {
    "agent/config/file.c": ["-Wno-analyzer-malloc-leak"],
    "agent/config/settings.c": ["-Wno-analyzer-malloc-leak"],
}


def load(build):
    """{path relative to the project: (directory, arguments)} of the project's C files."""
    entries = json.loads((build / "compile_commands.json").read_text())
    found = {}
    for entry in entries:
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if file.is_relative_to(ROOT) and file.exists():
            arguments = shlex.split(entry["command"])
            found.setdefault(str(file.relative_to(ROOT)), (entry["directory"], arguments))
    return found


def without_output(arguments):
    """The command without -c, -o FILE and dependency files."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument in ("-c", "-MD", "-MMD"):
            skip = False
        elif argument in ("-o", "-MF", "-MT"):
            skip = True
        else:
            kept.append(argument)
    return kept


def with_returns(path, arguments):
    if path.startswith("agent/") and path not in DEFINES_RETURNS:
        return [arguments[0], "-include", str(RETURNS), *arguments[1:]]
    return arguments


def tidy_command(path, directory, arguments, scratch):
    arguments = [a for a in arguments if not a.startswith(GCC_ONLY)]
    place = scratch / path.replace("/", "_")
    place.mkdir()
    entry = {
        "directory": directory,
        "file": str(ROOT / path),
        "arguments": with_returns(path, arguments),
    }
    (place / "compile_commands.json").write_text(json.dumps([entry]))
    return ["clang-tidy", "--quiet", "-p", str(place), str(ROOT / path)]


def analyzer_command(path, _directory, arguments, _scratch):
    arguments = with_returns(path, without_output(arguments))
    return ["gcc", *arguments[1:], "-fanalyzer", "-Werror", *ANALYZER_OFF.get(path, ()),
            "-fdiagnostics-path-format=none", "-c", "-o", "/dev/null"]


def is_ours(tool, path):
    return path.startswith("agent/" if tool == "analyzer" else ("agent/", "tests/"))


def run(tool, build, only):
    commands = {path: entry for path, entry in load(build).items() if is_ours(tool, path)}
    missing = [str(f.relative_to(ROOT)) for f in (ROOT / "agent").rglob("*.c")]
    missing = sorted(set(missing) - set(commands))
    if only:
        commands, missing = {path: commands[path] for path in only}, []
    make = tidy_command if tool == "tidy" else analyzer_command
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        def check(item):
            path, (directory, arguments) = item
            command = make(path, directory, arguments, pathlib.Path(scratch))
            done = subprocess.run(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if tool == "analyzer" else subprocess.PIPE, check=False)
            return path, done

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for path, done in pool.map(check, sorted(commands.items())):
                if done.returncode != 0:
                    failed += 1
                    said = done.stdout or done.stderr
                    print(said.decode(errors="replace").replace(str(ROOT) + "/", ""), end="")
    for path in missing:
        print(f"{path}:1: not built, so not analysed: add it to agent/CMakeLists.txt")
    print(f"{tool}: {len(commands)} files, {failed} with findings")
    return 1 if failed or missing or not commands else 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("tidy", "analyzer"):
        sys.exit(__doc__)
    sys.exit(run(sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]))
