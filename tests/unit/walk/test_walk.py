# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks every history of one client and every interleaving of two, on the pure core, with every fault.

README.md says how. ``--faults=2`` tries two faults at a time.
"""

from __future__ import annotations

import pytest

from .client import Broken
from .conftest import Walk
from .invariants import INVARIANTS
from .mutations import all_mutations
from .pairs import INDISTINGUISHABLE, REVERTED, Finding

MUTATIONS = {mutation.name for mutation in all_mutations()}


@pytest.mark.parametrize("invariant", [*(invariant.__name__ for invariant in INVARIANTS), "comes_to_an_end"])
def test_holds_at_every_moment_of_every_history(walk: Walk, invariant: str) -> None:
    broken = walk.broken.get(invariant)
    assert broken is None, _shown(broken)


def test_two_clients_meet_only_what_cannot_be_told_apart(walk: Walk) -> None:
    others = [finding for name, finding in walk.findings.items() if name not in INDISTINGUISHABLE]
    assert not others, "\n\n".join(map(_shown_finding, others))
    assert set(walk.findings) == INDISTINGUISHABLE


def test_two_clients_without_a_fault_succeed_and_report_each_write(faultless: Walk) -> None:
    others = [finding for name, finding in faultless.findings.items() if name not in INDISTINGUISHABLE - {REVERTED}]
    assert not others, "\n\n".join(map(_shown_finding, others))


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_mutation_is_noticed(found: dict[str, Broken | None], name: str) -> None:
    assert found[name]


def _shown(broken: Broken | None) -> str:
    return "\n".join(["", f"{broken.goal}", *broken.history]) if broken else ""


def _shown_finding(finding: Finding) -> str:
    first, second = finding.goals
    return "\n".join(
        ["", finding.name, f"1: {first}", f"2: {second}", f"stored at first: {finding.stored}", *finding.schedule]
    )
