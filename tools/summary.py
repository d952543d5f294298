# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints how many tests passed and failed in the nox run that wrote .work/report.json: the last line of make test.

Tests of pytest count one by one, any other session as one.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter

from .isolation import WORK

counts: Counter[str] = Counter()
for session in json.loads((WORK / "report.json").read_text())["sessions"]:
    report = WORK / "junit" / f"{session['name']}.xml"
    tests: Counter[str] = Counter()
    if report.is_file():
        for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - written by our own run
            tests.update({name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")})
    failed = tests["failures"] + tests["errors"]
    counts["passed"] += tests["tests"] - failed - tests["skipped"]
    counts["failed"] += failed
    counts["skipped"] += tests["skipped"]
    if session["result"] not in {"success", "skipped"} and not failed:
        counts["failed"] += 1
    elif not tests:
        counts["passed" if session["result"] == "success" else "skipped"] += 1
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
