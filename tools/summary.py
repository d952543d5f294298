# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the CPU time of the nox run that wrote .work/report.json, and how many tests passed and failed.

Tests of pytest count one by one, any other session as one. CPU time is user and system time of all processes.
"""

from __future__ import annotations

import json
import re
import resource
import xml.etree.ElementTree as ET
from collections import Counter

from .isolation import WORK

# What the shell of the Makefile writes with "times": of itself, and of all processes that it waited for.
TIMES = WORK / "times"


def save_cpu_time(session: str) -> None:
    """Save the CPU time of this process and its children as that of a session."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    folder = WORK / "cpu"
    folder.mkdir(exist_ok=True)
    (folder / session).write_text(str(sum(usage.ru_utime + usage.ru_stime for usage in usages)))


def count(session: str, result: str) -> Counter[str]:
    """Return how many tests of a session passed, failed and were skipped."""
    report = WORK / "junit" / f"{session}.xml"
    tests: Counter[str] = Counter()
    if report.is_file():
        for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - written by our own run
            tests.update({name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")})
    failed = tests["failures"] + tests["errors"]
    counts = Counter(passed=tests["tests"] - failed - tests["skipped"], failed=failed, skipped=tests["skipped"])
    if result not in {"success", "skipped"} and not failed:
        counts["failed"] += 1
    elif not tests:
        counts["passed" if result == "success" else "skipped"] += 1
    return counts


def main() -> None:
    sessions = {each["name"]: each["result"] for each in json.loads((WORK / "report.json").read_text())["sessions"]}
    cpu = {path.name: float(path.read_text()) for path in (WORK / "cpu").iterdir()}
    whole = sum(60 * int(minutes) + float(rest) for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", TIMES.read_text()))
    cpu["nox and its installation"] = whole - sum(cpu.values())
    print("\nCPU time, user and system:")
    for session, seconds in sorted(cpu.items(), key=lambda item: -item[1]):
        print(f"{seconds:6.1f} s  {session}")
    print(f"{whole:6.1f} s  in all, which is {whole / 60:.1f} minutes")
    counts = sum((count(session, result) for session, result in sessions.items()), Counter())
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")


if __name__ == "__main__":
    main()
