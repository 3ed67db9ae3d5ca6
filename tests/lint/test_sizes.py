#!/usr/bin/env python3
"""sizes.py finds functions and counts their lines and branches."""

import sys

import sizes

# Text, (name, first line, lines, complexity) of each function in it.
CASES = [
    ("int f(void)\n{\n    return 1;\n}\n", [("f", 1, 4, 1)]),
    ("static const char *g(int a,\n                     int b)\n{\n    return a && b ? \"{\" : \"if\";\n}\n",
     [("g", 1, 5, 3)]),
    ("/* if (x) { */\n#define A(x) { if (x) \\\n  for (;;) }\nvoid h(void) {\n // while {\n}\n",
     [("h", 4, 3, 1)]),
    ("struct s { int a; };\nenum { A, B };\nstatic const struct s t[] = {{1}, {f(2)}};\n", []),
    ("void k(void) { switch (1) { case 1: break; case 'a': case '\"': for (;;) while (0) {} } }\n",
     [("k", 1, 1, 6)]),
    ("void a(void);\nvoid b(void)\n{\n}\n\nint c(void)\n{\n    if (1) {\n    }\n}\n",
     [("b", 2, 3, 1), ("c", 6, 5, 2)]),
    ("__attribute__((noinline)) static int d(int x)\n{\n    return x || x;\n}\n", [("d", 1, 4, 2)]),
    ("static int (*const table[])(void) = {a, b};\nint e(int (*call)(void))\n{\n}\n", [("e", 2, 3, 1)]),
]

failed = 0
for text, wanted in CASES:
    got = list(sizes.functions_of(text))
    if got != wanted:
        print(f"{text}\nwanted {wanted}\ngot    {got}")
        failed += 1
print(f"sizes' own test: {len(CASES) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
