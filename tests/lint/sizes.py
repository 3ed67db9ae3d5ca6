#!/usr/bin/env python3
"""Checks sizes of the C code: functions, files, headers, complexity, and the median of functions.
Prints a table with the longest functions.

A function's size is its lines from the one with its name to its closing brace. Its complexity is
1 and one more for each if, for, while, case, ?, && and || in it (macros count as they are written).
"""

import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("agent", "tests/fake")

FUNCTION_LINES = 80
FUNCTION_MEDIAN = 18
FUNCTION_COMPLEXITY = 15
FILE_LINES = 500
HEADER_LINES = 80
MAIN_LINES = 100
LONGEST_SHOWN = 5

# Comments, strings, characters and preprocessor lines, of which no character may count as code.
NOISE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#(?:\\\n|/\*.*?\*/|[^\n])*""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
TOKEN = re.compile(r"\w+|&&|\|\||[^\s\w]|\n")
BRANCHES = {"if", "for", "while", "case", "?", "&&", "||"}
NOT_NAMES = {"if", "for", "while", "switch", "return", "sizeof", "__attribute__", "_Static_assert"}


def tokens_of(text):
    """(line, token) of the code, without noise."""
    bare = NOISE.sub(lambda match: " 0 " + "\n" * match.group().count("\n"), text)
    line = 1
    for token in TOKEN.findall(bare):
        if token == "\n":
            line += 1
        else:
            yield line, token


def name_of(declaration):
    """(line, name) where these tokens before a brace declare a function, else None."""
    words = [token for _, token in declaration]
    if "(" not in words or "=" in words or "typedef" in words:
        return None
    for (line, token), following in zip(declaration, words[1:]):
        if following == "(" and re.fullmatch(r"[A-Za-z_]\w*", token) and token not in NOT_NAMES:
            return line, token
    return None


def functions_of(text):
    """Yields (name, first line, lines, complexity) of every function of a C text."""
    declaration, depth, current, complexity = [], 0, None, 1
    for line, token in tokens_of(text):
        if token == "{":
            if depth == 0:
                current, complexity = name_of(declaration), 1
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                if current is not None:
                    yield current[1], current[0], line - current[0] + 1, complexity
                declaration, current = [], None
        elif depth == 0:
            declaration = [] if token == ";" else [*declaration, (line, token)]
        elif token in BRANCHES:
            complexity += 1


def limit_of(file):
    """(limit, what the file is)."""
    if file.suffix == ".h":
        return HEADER_LINES, "header"
    if file == ROOT / "agent/main.c":
        return MAIN_LINES, "main.c"
    return FILE_LINES, "file"


def check_file(file, text):
    """Returns (functions as rows for the table, mistakes)."""
    path = file.relative_to(ROOT)
    rows, mistakes = [], []
    limit, kind = limit_of(file)
    lines = text.count("\n")
    if lines > limit:
        mistakes.append(f"{path}:1: {lines} lines, a {kind} has at most {limit}: split it by purpose")
    for name, line, size, complexity in functions_of(text):
        rows.append((size, complexity, f"{path}:{line}", name))
        if size > FUNCTION_LINES:
            mistakes.append(f"{path}:{line}: {name} has {size} lines, at most {FUNCTION_LINES}")
        if complexity > FUNCTION_COMPLEXITY:
            mistakes.append(
                f"{path}:{line}: {name} has complexity {complexity}, at most "
                f"{FUNCTION_COMPLEXITY}: move a part out, or make it a table"
            )
    return rows, mistakes


def check_part(part):
    """Prints the part's table; returns its mistakes."""
    files = sorted((ROOT / part).rglob("*.[ch]"))
    rows, mistakes, lines = [], [], 0
    for file in files:
        text = file.read_text("utf-8")
        lines += text.count("\n")
        more_rows, more_mistakes = check_file(file, text)
        rows += more_rows
        mistakes += more_mistakes
    if not rows:
        return mistakes + [f"{part}: no function found"]
    rows.sort(reverse=True)
    sizes = [row[0] for row in rows]
    median = statistics.median(sizes)
    if median > FUNCTION_MEDIAN:
        mistakes.append(f"{part}: the median of functions is {median} lines, at most {FUNCTION_MEDIAN}")
    ninth = sorted(sizes)[len(sizes) * 9 // 10]
    print(f"{part}: {len(files)} files, {lines} lines, {len(rows)} functions; "
          f"median {median:g} lines, 9 of 10 under {ninth + 1}, highest complexity {max(row[1] for row in rows)}")
    print("  lines  complexity")
    for size, complexity, place, name in rows[:LONGEST_SHOWN]:
        print(f"  {size:5}  {complexity:10}  {place} {name}")
    return mistakes


def main():
    mistakes = [mistake for part in PARTS for mistake in check_part(part)]
    for mistake in mistakes:
        print(mistake)
    print(f"sizes: {len(mistakes)} mistakes")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
