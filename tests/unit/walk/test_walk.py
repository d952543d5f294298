"""Walks every history of one client and every interleaving of two, on the pure core, with every fault.

README.md says how. ``--faults=2`` tries two faults at a time.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal

from .client import Broken, Product, walk_goal
from .invariants import INVARIANTS
from .mutations import all_mutations, find
from .pairs import INDISTINGUISHABLE, PAIRS, REVERTED, Finding, Machines, Pair
from .world import all_goals


class Walk(NamedTuple):
    """The result with a number of faults: the violated invariants, and the ends of two clients."""

    broken: dict[str, Broken]
    findings: dict[str, Finding]


@pytest.fixture(scope="session")
def walk(request: pytest.FixtureRequest) -> Walk:
    """With as many faults at a time as the command line says."""
    return _walk(request.config, request.config.getoption("--faults", default=1))


@pytest.fixture(scope="session")
def faultless(request: pytest.FixtureRequest) -> Walk:
    return _walk(request.config, 0)


@pytest.fixture(scope="session")
def found() -> dict[str, Broken | None]:
    """The violations with each mutation."""
    names = [mutation.name for mutation in all_mutations()]
    return dict(zip(names, _in_parallel(find, range(len(names))), strict=True))


def _walk(config: pytest.Config, faults: int) -> Walk:
    goals = all_goals()
    alone = _in_parallel(functools.partial(walk_goal, Product(), number_of_faults=faults), goals)
    broken = _shortest([each.broken for each in alone], key=lambda each: len(each.history))
    machines = Machines(Product())
    # A task that writes nothing does nothing to another one.
    writing = [goal for goal in goals if not (goal.reads_only or goal.check_mode)]
    roots = {machines.begin(goal, faults): goal for goal in reversed(writing)}
    both = _in_parallel(functools.partial(_walk_pair, machines, roots, faults), PAIRS)
    findings = _shortest([each for _states, each in both], key=lambda each: len(each.schedule))
    places, states = sum(each.places for each in alone), sum(states for states, _each in both)
    text = f"Walked with up to {faults} fault(s): {places:,} places of one client, {states:,} states of two."
    config.pluginmanager.getplugin("terminalreporter").write_line(f"\n{text}")
    return Walk(broken, findings)


def _shortest(tables: list[dict[str, Any]], key: Callable[[Any], int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in (item for table in tables for item in table.items()):
        if name not in found or key(each) < key(found[name]):
            found[name] = each
    return found


def _in_parallel(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Apply a function to each item in a process for each processor."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), multiprocessing.get_context("fork")) as pool:
        return list(pool.map(function, items))


def _walk_pair(machines: Machines, roots: dict[int, Goal], faults: int, roles: Any) -> tuple[int, dict[str, Finding]]:
    return Pair(machines, roles, roots, faults).walk()


MUTATIONS = {mutation.name for mutation in all_mutations()}


@pytest.mark.parametrize("invariant", [*(invariant.__name__ for invariant in INVARIANTS), "comes_to_an_end"])
def test_holds_at_every_moment_of_every_history(walk: Walk, invariant: str) -> None:
    broken = walk.broken.get(invariant)
    assert broken is None, _shown(broken)


def test_two_clients_meet_only_indistinguishable_cases(walk: Walk) -> None:
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
