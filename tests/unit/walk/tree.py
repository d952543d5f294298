# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One controller: every history of responses that any other clients and a number of faults can lead to.

Each history is run once, from its beginning. The histories of a task are a tree. Two places in such trees, of one task
or of two, are the same *position* if whatever may still come back leads to the same further requests and to the same
end: so a walk may treat them as one. That is decided here from the leaves upwards.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from .alone import Alone
from .invariants import MAX_REQUESTS, MAX_REQUESTS_PER_FAULT, Story, broken
from .run import Product, Run, Wire, run
from .tasks import Task
from .world import CUT_OFF, NO_CONNECTION, WRITES, Reply, Request, World, alike_faults, faults, responses


class End(NamedTuple):
    """How a run ends, as far as it matters to others.

    :ivar status: ``ok``, ``refused`` (by a verdict, or by an option that does not fit what is stored), ``failed`` or
        ``killed``.
    :ivar wanted: what the task wants to be stored; "anything" if it only reads.
    :ivar changed: whether it says so.
    """

    status: str
    wanted: World | str
    changed: bool


class Fault(NamedTuple):
    """Faults that lead to the same position: their names, the effects that are possible, the position."""

    names: tuple[str, ...]
    effects: tuple[bool, ...]
    after: int


class Position(NamedTuple):
    """A request that is being sent, and where what comes back leads to.

    :ivar is_undo: it belongs to a rollback.
    :ivar after: the next position for each response, by its kind and its value.
    """

    request: Request
    is_undo: bool
    after: tuple[tuple[tuple[str, Any], int], ...]
    faults: tuple[Fault, ...]


class Positions:
    """All positions, numbered; those that come later are further from the end.

    A position belongs to a number of faults that may still happen. ``lower`` leads to the same place with one less.
    """

    def __init__(self) -> None:
        self.all: list[Position | End] = []
        self.lower: dict[int, int] = {}
        self._numbers: dict[Position | End, int] = {}

    def add(self, position: Position | End) -> int:
        number = self._numbers.setdefault(position, len(self.all))
        if number == len(self.all):
            self.all.append(position)
        return number

    def absorb(self, other: Positions) -> list[int]:
        """Add all positions of another table; return their new numbers."""
        new: list[int] = []
        for position in other.all:
            if isinstance(position, Position):
                position = position._replace(
                    after=tuple((reply, new[after]) for reply, after in position.after),
                    faults=tuple(fault._replace(after=new[fault.after]) for fault in position.faults),
                )
            new.append(self.add(position))
        self.lower.update((new[upper], new[lower]) for upper, lower in other.lower.items())
        return new


class Failure(NamedTuple):
    """An invariant that does not hold, and the run that shows it."""

    invariant: str
    run: Run


class Tree:
    """Walks all histories of tasks.

    :param thorough: for so many faults in a run all kinds are tried; for further ones, one of those that a controller
        may conclude the same from.
    """

    def __init__(self, product: Product, wire: Wire, thorough: int = 1) -> None:
        self._thorough = thorough
        self._product = product
        self._wire = wire
        self.positions = Positions()
        self.runs = 0
        self.failures: dict[str, Failure] = {}
        self.longest = 0

    def walk(self, task: Task, number_of_faults: int) -> int:
        """Run each history of a task; return the position where it begins."""
        self._task = task
        self._budget = number_of_faults
        return self._expand((), number_of_faults, Alone.begin(task), False, None)[-1]

    def _expand(
        self, history: tuple[Reply, ...], budget: int, alone: Alone, has_verdict: bool, rest: list[Request] | None
    ) -> tuple[int, ...]:
        """Return the positions after a history, for each number of faults that may still happen.

        :param has_verdict: Cortex has said whether the stored token is valid: a write from now on is an undoing one.
        :param rest: the requests that follow if the first possible response comes back each time, if that is known.
        """
        if rest is None:
            self._run = run(self._product, self._task, history, self._wire)
            self.runs += 1
            rest = [step.request for step in self._run.steps[len(history) :]]
        if not rest or len(history) > MAX_REQUESTS + MAX_REQUESTS_PER_FAULT * self._budget:
            return (self._end(self._run, self._budget - budget, alone),) * (budget + 1)
        request = rest[0]
        is_cut_off = CUT_OFF in history
        normal = [NO_CONNECTION] if is_cut_off else responses(request)
        after = []
        for number, reply in enumerate(normal):
            further = alone.meet(request, reply) if is_cut_off else alone.respond(request, reply)
            has_another = has_verdict or (request.operation == "validate" and reply.kind == "verdict")
            after.append(self._expand((*history, reply), budget, further, has_another, None if number else rest[1:]))
        broken_off = []
        may_fail = budget and not is_cut_off
        for group in self._faults(request, budget) if may_fail else []:
            further = alone.meet(request, group[0])
            then = self._expand((*history, group[0]), budget - 1, further, has_verdict, None)
            broken_off += [(fault.name, fault.effects, then) for fault in group]
        if may_fail:
            # Whoever is killed in a rollback has refused the token.
            killed = End("refused" if has_verdict else "killed", _wanted(self._task), changed=True)
            effects = (False, True) if request.operation in WRITES else (False,)
            broken_off.append(("killed", effects, (self.positions.add(killed),) * budget))
        is_undo = has_verdict and request.operation in WRITES
        numbers = []
        for left in range(budget + 1):
            replies = tuple(((reply.kind, reply.value), each[left]) for reply, each in zip(normal, after, strict=True))
            places = [(name, effects, each[left - 1]) for name, effects, each in broken_off] if left else []
            numbers.append(self.positions.add(Position(request, is_undo, replies, _grouped(places))))
        self.positions.lower.update((upper, lower) for lower, upper in pairwise(numbers))
        return tuple(numbers)

    def _faults(self, request: Request, budget: int) -> list[list[Reply]]:
        is_thorough = self._budget - budget < self._thorough
        return [[fault] for fault in faults(request)] if is_thorough else alike_faults(request)

    def _end(self, run: Run, number_of_faults: int, alone: Alone) -> int:
        story = Story(run, number_of_faults)
        self.longest = max(self.longest, len(run.steps))
        invariant = broken(story) or alone.broken(story)
        if invariant:
            known = self.failures.get(invariant.__name__)
            if known is None or len(known.run.steps) > len(run.steps):
                self.failures[invariant.__name__] = Failure(invariant.__name__, run)
        status = "refused" if story.failed and story.is_refused else "failed" if story.failed else "ok"
        changed = bool(run.result.get("changed"))
        return self.positions.add(End(status, _wanted(run.task), changed))


def _wanted(task: Task) -> World | str:
    return "anything" if task.is_info or task.check_mode else task.wanted


def _grouped(places: list[tuple[str, tuple[bool, ...], int]]) -> tuple[Fault, ...]:
    groups: dict[tuple[tuple[bool, ...], int], list[str]] = {}
    for name, effects, after in places:
        groups.setdefault((effects, after), []).append(name)
    return tuple(Fault(tuple(names), effects, after) for (effects, after), names in groups.items())
