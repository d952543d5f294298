# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the walk finds, as parts of its page in the documentation. The rest of the page is written by hand."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .exploration import Finding, Schedules, Walk
from .mutations import Mutation
from .pairs import INDISTINGUISHABLE, Row
from .schedules import schedule
from .tree import Failure

PAGE = Path(__file__).resolve().parents[3] / "docs" / "docsite" / "rst" / "exhaustive_tests.rst"


def part(name: str) -> str:
    """Return a part of the page."""
    found = _pattern(name).search(PAGE.read_text(encoding="utf-8"))
    return found[2].strip("\n") if found else ""


def write(name: str, text: str) -> None:
    """Replace a part of the page."""
    page, number = _pattern(name).subn(
        lambda found: f"{found[1]}\n{text}\n\n{found[3]}", PAGE.read_text(encoding="utf-8")
    )
    if number != 1:
        raise ValueError(f"{PAGE.name} has {number} parts {name}")
    PAGE.write_text(page, encoding="utf-8")


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(^\.\. begin: {name}\n)(.*?)(^\.\. end: {name}$)", re.DOTALL | re.MULTILINE)


def numbers(walk: Walk, schedules: Schedules) -> str:
    """Return how much was walked."""
    rows = [
        ("Tasks, all pairs of which are walked", sum(root.number for root in walk.roots)),
        ("Runs of one task, each with other responses", walk.runs),
        ("Requests of the longest run", walk.longest),
        ("States of two controllers and the workspace", schedules.states),
        ("Schedules of two controllers", schedules.schedules),
    ]
    return _list_table([(name, f"{number:,}") for name, number in rows], ("", "Number"), "70 30")


def described(invariants: Iterable[Callable[..., Any]]) -> str:
    """Return what invariants say, as a list."""
    docs = [" ".join((inspect.getdoc(invariant) or "").split()) for invariant in invariants]
    return "\n".join(f"- {doc}".replace("`", "``") for doc in docs)


def cases(findings: dict[str, Finding]) -> str:
    """Return what cannot be told apart, each with a shortest schedule."""
    texts = []
    for name in INDISTINGUISHABLE:
        finding = findings[name]
        texts.append(
            f"{name}\n{'~' * len(name)}\n\n"
            f"- First controller: {finding.first.describe()}.\n"
            f"- Second controller: {finding.second.describe()}.\n"
            f"- Stored at first: {finding.stored}.\n\n"
            + _list_table(finding.rows, ("Who", "Request", "Response", "Stored afterwards"), "15 30 30 25")
        )
    return "\n\n".join(texts)


def mutations(found: dict[Mutation, Failure]) -> str:
    """Return which mutations there are, and what found each."""
    rows = []
    for mutation, failure in found.items():
        lines = [f"Task: {failure.run.task.describe()}", *_lines(schedule(failure.run))]
        rows.append(
            (mutation.name, failure.invariant.replace("_", " "), "\n       ".join(f"| {line}" for line in lines))
        )
    return _list_table(rows, ("Mutation", "Broken invariant", "Schedule that shows it"), "25 20 55")


def _lines(rows: list[Row]) -> list[str]:
    """Return a schedule of one task, with what is stored where that changes."""
    lines = []
    stored = rows[0].stored
    for row in rows:
        if row.outcome:
            change = f" (stored: {row.stored})" if row.stored != stored else ""
            lines.append(f"{row.request} → {row.outcome}{change}")
        else:
            lines.append(f"{row.who} {row.request}: {row.stored}".strip())
        stored = row.stored
    return lines


def _list_table(rows: Iterable[tuple[str, ...]], header: tuple[str, ...], widths: str) -> str:
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (header, *rows):
        lines += [f"   {'*' if number == 0 else ' '} - {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join(lines)
