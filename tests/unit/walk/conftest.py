# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks on all processors, and tells how much was walked."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal

from .client import Broken, Product, walk_goal
from .mutations import all_mutations, find
from .pairs import PAIRS, Finding, Machines, Pair
from .world import all_goals

_WALKED = pytest.StashKey[list[str]]()


class Walk(NamedTuple):
    """What was found with a number of faults: what does not hold, and what two clients can come to."""

    broken: dict[str, Broken]
    findings: dict[str, Finding]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=1, help="how many faults at a time the walk tries (default: 1)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_WALKED] = []


@pytest.fixture(scope="session")
def walk(request: pytest.FixtureRequest) -> Walk:
    """With as many faults at a time as the command line says."""
    return _walk(request.config, request.config.getoption("--faults", default=1))


@pytest.fixture(scope="session")
def faultless(request: pytest.FixtureRequest) -> Walk:
    return _walk(request.config, 0)


@pytest.fixture(scope="session")
def found() -> dict[str, Broken | None]:
    """What is noticed with each mutation."""
    names = [mutation.name for mutation in all_mutations()]
    return dict(zip(names, _in_parallel(find, range(len(names))), strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Iterator[None]:
    yield
    for text in config.stash[_WALKED]:
        terminalreporter.write_line(text)


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
    config.stash[_WALKED].append(text)
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
