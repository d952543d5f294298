# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks everything, on all processors, and tells what was found."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .pairs import PAIRS, WORLDS, Pair, Root, Row, starts
from .run import Product, wired
from .tasks import Task, all_tasks
from .tree import Failure, Positions, Tree
from .world import describe_world


class Walk(NamedTuple):
    """All histories of one controller, with a number of faults.

    :ivar roots: where the tasks begin.
    :ivar failures: by the name of the invariant that does not hold: a shortest run.
    """

    number_of_faults: int
    positions: Positions
    roots: list[Root]
    runs: int
    longest: int
    failures: dict[str, Failure]


class Finding(NamedTuple):
    """What two controllers can come to: their tasks, what is stored at first, and a shortest schedule."""

    name: str
    first: Task
    second: Task
    stored: str
    rows: list[Row]


class Schedules(NamedTuple):
    """All schedules of two controllers, with a number of faults."""

    states: int
    schedules: int
    findings: dict[str, Finding]


def in_parallel(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Apply a function to each item in processes of their own, one for each processor; yield in order."""
    # Forked processes find what they need in memory.
    with multiprocessing.get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool:
        yield from pool.imap(function, items)


def walk_tasks(product: Product, number_of_faults: int) -> Walk:
    """Walk all histories of all tasks."""
    tasks = all_tasks()
    walked = Walk(number_of_faults, Positions(), [], 0, 0, {})
    runs, longest = 0, 0
    by_position: dict[int, list[Task]] = {}
    one_task = functools.partial(_walk_task, product, number_of_faults)
    for task, (tree, root) in zip(tasks, in_parallel(one_task, tasks), strict=True):
        numbers = walked.positions.absorb(tree.positions)
        by_position.setdefault(numbers[root], []).append(task)
        runs, longest = runs + tree.runs, max(longest, tree.longest)
        merge(walked.failures, tree.failures)
    roots = [Root(position, alike[0], len(alike)) for position, alike in by_position.items()]
    return walked._replace(roots=roots, runs=runs, longest=longest)


class WalkedTree(NamedTuple):
    """What is left of a tree that was walked."""

    positions: Positions
    runs: int
    longest: int
    failures: dict[str, Failure]


def _walk_task(product: Product, number_of_faults: int, task: Task) -> tuple[WalkedTree, int]:
    with wired() as wire:
        tree = Tree(product, wire)
        root = tree.walk(task, number_of_faults)
    return WalkedTree(tree.positions, tree.runs, tree.longest, tree.failures), root


def merge(known: dict[str, Failure], more: dict[str, Failure]) -> None:
    """Add failures, and keep the shortest of each kind."""
    for name, failure in more.items():
        if name not in known or len(failure.run.steps) < len(known[name].run.steps):
            known[name] = failure


def walk_pairs(walk: Walk) -> Schedules:
    """Walk all schedules of two controllers."""
    states, schedules, findings = 0, 0, dict[str, Finding]()
    for each in in_parallel(functools.partial(_walk_pair, walk), range(len(PAIRS))):
        states, schedules = states + each.states, schedules + each.schedules
        for name, finding in each.findings.items():
            if name not in findings or len(finding.rows) < len(findings[name].rows):
                findings[name] = finding
    return Schedules(states, schedules, findings)


def _walk_pair(walk: Walk, number: int) -> Schedules:
    roles = PAIRS[number]
    pair = Pair(walk.positions, roles, walk.number_of_faults)
    states, schedules, nearest = pair.walk(list(starts(walk.roots, roles)))
    findings = {
        name: Finding(
            name, start.first.task, start.second.task, describe_world(WORLDS[start.world]), pair.schedule(start, name)
        )
        for name, (_requests, start) in nearest.items()
    }
    return Schedules(states, schedules, findings)
