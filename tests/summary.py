#!/usr/bin/env python3
"""Sums up CTest's JUnit files: prints skipped tests with their reasons, failed ones by name, and last
`N passed, N failed`. A CTest test that ran Criterion or pytest counts as many as that says.

usage: summary.py [--failed N] JUNIT.xml...      N: failures that no file has, such as sanitizer logs
"""

import argparse
import re
import sys
import xml.etree.ElementTree

CRITERION = re.compile(r"Synthesis: Tested: \d+ \| Passing: (\d+) \| Failing: (\d+) \| Crashing: \d+")
PYTEST = re.compile(r"^=*\s*((?:\d+ \w+(?:, )?)+) in [\d.]+s.*$", re.MULTILINE)
PYTEST_SKIPPED = re.compile(r"^SKIPPED \[\d+\] (.*)$", re.MULTILINE)


def count_criterion(output):
    """(passed, failed, skipped) of Criterion's last line, or None."""
    found = CRITERION.findall(output)
    if not found:
        return None
    passed, failed = map(int, found[-1])
    return passed, failed, 0  # a crash is one of the failed


def count_pytest(output):
    """(passed, failed, skipped) of pytest's last line, or None."""
    found = PYTEST.findall(output)
    if not found:
        return None
    count = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", found[-1])}
    return (
        count.get("passed", 0) + count.get("xfailed", 0),
        count.get("failed", 0) + count.get("error", 0) + count.get("xpassed", 0),
        count.get("skipped", 0),
    )


def count_test(case):
    """(passed, failed, skipped) of one test of CTest."""
    output = case.findtext("system-out") or ""
    status = case.get("status")
    if status in ("notrun", "disabled"):
        return 0, 0, 1
    passed, failed, skipped = count_criterion(output) or count_pytest(output) or (0, 0, 0)
    if status == "fail":
        return passed, max(failed, 1), skipped  # a crash or a timeout may have no count of its own
    return (passed, failed, skipped) if passed + failed + skipped else (1, 0, 0)


def add_file(path, total):
    """Adds the file's counts to the total, and prints what was skipped or failed."""
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        counts = count_test(case)
        for i, count in enumerate(counts):
            total[i] += count
        for reason in PYTEST_SKIPPED.findall(case.findtext("system-out") or ""):
            print(f"skipped: {case.get('name')}: {reason}")
        if counts[1]:
            print(f"failed: {case.get('name')} ({path}): {counts[1]}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--failed", type=int, default=0)
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    total = [0, arguments.failed, 0]
    for path in arguments.files:
        add_file(path, total)
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
