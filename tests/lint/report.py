#!/usr/bin/env python3
"""Prints how large the program is: sections and stripped size of the binary given, lines per floor."""

import collections
import os
import pathlib
import subprocess
import sys
import tempfile

AGENT = pathlib.Path(__file__).resolve().parents[2] / "agent"


def report_binary(binary):
    out = subprocess.run(["size", binary], check=True, capture_output=True, text=True).stdout
    text, data, bss = out.splitlines()[1].split()[:3]
    with tempfile.TemporaryDirectory() as scratch:
        stripped = os.path.join(scratch, "stripped")
        subprocess.run(["strip", "-o", stripped, binary], check=True)
        size = os.path.getsize(stripped)
    print(f"{os.path.basename(binary)}: text {text}, data {data}, bss {bss}; stripped {size} bytes")


def report_lines():
    files, lines = collections.Counter(), collections.Counter()
    for file in AGENT.rglob("*.[ch]"):
        floor = file.relative_to(AGENT).parts[0]
        files[floor] += 1
        lines[floor] += file.read_text("utf-8").count("\n")
    for floor, count in sorted(lines.items()):
        print(f"  {floor:8} {files[floor]:3} files {count:6} lines")
    print(f"  {'all':8} {files.total():3} files {lines.total():6} lines")


if len(sys.argv) != 2:
    sys.exit("usage: report.py BINARY")
report_binary(sys.argv[1])
report_lines()
