# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks every interleaving of two controllers with every fault, and every mutation of the product.

docs/docsite/rst/exhaustive_tests.rst explains it, and shows what it finds. ``pytest tests/unit/walk --write-walk``
writes that, and ``--faults=2`` tries two faults at a time.
"""

from __future__ import annotations

import pytest

from . import page
from .alone import Alone
from .exploration import Finding, Schedules, Walk, walk_pairs
from .invariants import INVARIANTS
from .mutations import MUTATIONS, Mutation
from .pairs import INDISTINGUISHABLE, REVERTED
from .schedules import schedule, table
from .tasks import Task
from .tree import Failure, Position
from .world import alike_faults

ALONE = Alone.begin(Task()).invariants()
NAMES = [invariant.__name__ for invariant in [*INVARIANTS, *ALONE]]


@pytest.mark.parametrize("invariant", NAMES)
def test_holds_in_every_run(walk: Walk, invariant: str) -> None:
    failure = walk.failures.get(invariant)
    assert failure is None, f"\n{failure and _shown(failure)}"


def test_two_controllers_meet_only_what_cannot_be_told_apart(schedules: Schedules) -> None:
    others = [finding for name, finding in schedules.findings.items() if name not in INDISTINGUISHABLE]
    assert not others, "\n" + "\n\n".join(map(_shown_finding, others))
    assert set(schedules.findings) == set(INDISTINGUISHABLE)


def test_two_controllers_without_a_fault(walk: Walk) -> None:
    """Both succeed where they want the same, and no write is ever reported as none."""
    roots = []
    for root in walk.roots:
        position = root.position
        for _fault in range(walk.number_of_faults):
            position = walk.positions.lower[position]
        roots.append(root._replace(position=position))
    findings = walk_pairs(walk._replace(number_of_faults=0, roots=roots)).findings
    assert set(findings) == set(INDISTINGUISHABLE) - {REVERTED}, "\n" + "\n\n".join(
        map(_shown_finding, findings.values())
    )


def test_alike_faults_lead_to_the_same_position(walk: Walk) -> None:
    """So that for a second fault one of each kind is enough."""
    for position in walk.positions.all:
        if isinstance(position, Position) and position.faults:
            after = {name: fault.after for fault in position.faults for name in fault.names}
            for group in alike_faults(position.request):
                assert len({after[fault.name] for fault in group}) == 1, (position.request, group)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_is_found(found: dict[Mutation, Failure | None], mutation: Mutation) -> None:
    assert found[mutation]


def test_page_shows_what_is_found(request: pytest.FixtureRequest, walk: Walk, schedules: Schedules) -> None:
    parts = {f"numbers with {walk.number_of_faults}": page.numbers(walk, schedules)}
    if walk.number_of_faults == 1:
        found: dict[Mutation, Failure | None] = request.getfixturevalue("found")
        parts |= {
            "invariants": page.described(INVARIANTS),
            "invariants alone": page.described(ALONE),
            "cases": page.cases(schedules.findings),
            "mutations": page.mutations({mutation: failure for mutation, failure in found.items() if failure}),
        }
    for name, text in parts.items():
        if request.config.getoption("--write-walk", default=False):
            page.write(name, text)
        assert page.part(name) == text


def _shown(failure: Failure) -> str:
    run = failure.run
    return f"{run.task.describe()}\n{table(schedule(run))}\n{run.result}\n{run.warnings} {run.mistakes}"


def _shown_finding(finding: Finding) -> str:
    return (
        f"{finding.name}\nfirst: {finding.first.describe()}\nsecond: {finding.second.describe()}\n"
        f"stored at first: {finding.stored}\n{table(finding.rows)}"
    )
