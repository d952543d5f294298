# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers on one workspace: every interleaving of their requests, with every fault at every place.

A state is what is stored, the position of either controller, and a few facts that no controller knows. Equal states are
visited once; the number of schedules is the number of ways through the states.

There are many states, so they are numbers in NumPy's arrays, and each step is taken for a whole array at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .tasks import Task
from .tree import End, Position, Positions
from .world import (
    NO_CONNECTION,
    OWN,
    PREVIOUS,
    THIRD,
    TWIN,
    WRITES,
    Stored,
    World,
    describe_request,
    describe_world,
    respond,
)

#: The tokens in the world of two controllers. The last four characters of A and A2 are the same.
A, A2, B, C = "A", "A2", "B", "C"
WORLDS: list[World] = [None, *(Stored(token, flag) for token in (A, A2, B, C) for flag in (False, True))]
NUMBERS = {world: number for number, world in enumerate(WORLDS)}
#: A controller by its own token and its previous token: what each token of the world is to it.
Role = dict[str, str]
ROLES: dict[tuple[str, str], Role] = {
    (A, C): {A: OWN, A2: TWIN, C: PREVIOUS, B: THIRD},
    (A, B): {A: OWN, A2: TWIN, B: PREVIOUS, C: THIRD},
    (A2, C): {A2: OWN, A: TWIN, C: PREVIOUS, B: THIRD},
    (A2, B): {A2: OWN, A: TWIN, B: PREVIOUS, C: THIRD},
    (B, C): {B: OWN, C: PREVIOUS, A: THIRD, A2: THIRD},
    (B, A): {B: OWN, A: PREVIOUS, A2: PREVIOUS, C: THIRD},
}
#: Every pair of roles, but for pairs that differ from one of these in the names of the tokens only.
PAIRS = [
    ((A, C), (A, C)),
    ((A, C), (A, B)),
    ((A, C), (A2, C)),
    ((A, C), (A2, B)),
    ((A, C), (B, C)),
    ((A, C), (B, A)),
    ((A, B), (B, A)),
]
#: In this one the controllers cannot be exchanged.
UNLIKE = ((A, C), (B, A))

# What no controller knows, as bits: another one has written since it read last; it has overwritten what it had not
# read; a write of it took effect; what it has written was stored when it got the verdict.
DIRTY, BLIND, WROTE, JUDGED = 1, 2, 4, 8
UNDONE = DIRTY | BLIND | JUDGED
ALL = 15

#: What a controller cannot tell apart, since the API has neither versions nor conditional requests.
SAME_LOOK = "Another client stores what looks the same"
IN_BETWEEN = "Another client writes between the read and the write of a rollback"
UNSEEN = "Another client writes between the read and the write of a task that is rolled back later"
REVERTED = "Another client restores what was there, after a write whose response was lost"
INDISTINGUISHABLE = (SAME_LOOK, IN_BETWEEN, UNSEEN, REVERTED)
#: What must not happen.
OTHERS_VERDICT = "A rollback follows a verdict on the token of another client"
NOT_AS_BOTH_WANT = "Two controllers want the same, and do not end with it"
# In an array, a set of findings is a number; this is the bit of each.
FINDINGS = {name: 1 << number for number, name in enumerate((*INDISTINGUISHABLE, OTHERS_VERDICT, NOT_AS_BOTH_WANT))}

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# States that are stepped from together: enough for NumPy to be fast, few enough for the memory.
CHUNK = 200_000
# In a number that stands for an origin, a request counts so much: more than there are starts.
REQUEST = 1 << 32


class Edge(NamedTuple):
    """One thing that may become of a request.

    :ivar schedules: how many there are that are alike.
    :ivar world: the number of what is stored afterwards.
    """

    schedules: int
    after: int
    world: int
    takes_effect: bool
    is_read: bool
    is_rejected: bool
    is_undo: bool
    is_fault: bool
    name: str


class Edges:
    """What may become of each request of a controller in a role, whatever is stored: a column for each field."""

    def __init__(self, positions: Sequence[Position | End], role: tuple[str, str]) -> None:
        self._seen_as = ROLES[role]
        self._tokens = {OWN: role[0], PREVIOUS: role[1]}
        edges: list[Edge] = []
        first = [0]
        for position in positions:
            for world in WORLDS:
                if isinstance(position, Position):
                    edges += self._of(position, world)
                first.append(len(edges))
        #: Where the edges of each position and what is stored begin.
        self.first = np.array(first)
        columns = [np.array(column) for column in zip(*(edge[:-1] for edge in edges), strict=True)]
        self.schedules, self.after, self.world, self.takes_effect = columns[:4]
        self.is_read, self.is_rejected, self.is_undo, self.is_fault = columns[4:]
        self.names = [edge.name for edge in edges]

    def _of(self, position: Position, world: World) -> Iterator[Edge]:
        request = position.request
        same = NUMBERS[world]
        written, is_effective = same, False
        seen = world and Stored(self._seen_as[world.token], world.is_token_readonly)
        after = dict(position.after)
        cut_off = after.get((NO_CONNECTION.kind, NO_CONNECTION.value))
        if cut_off is not None:
            yield Edge(1, cut_off, same, False, False, False, position.is_undo, False, NO_CONNECTION.name)
            return
        for reply, _seen_after in respond(request, seen):
            if request.operation in WRITES and reply.kind == "accepted" and (world or request.sent):
                written, is_effective = NUMBERS[self.named(request.sent)], True
            yield Edge(
                schedules=1,
                after=after[reply.kind, reply.value],
                world=written,
                takes_effect=is_effective,
                is_read=reply.kind == "shows",
                is_rejected=request.operation == "validate" and reply.value is False,
                is_undo=position.is_undo,
                is_fault=False,
                name=_shown(world) if reply.kind == "shows" else reply.name,
            )
        for fault in position.faults:
            for takes_effect in {has_effect and is_effective for has_effect in fault.effects}:
                yield Edge(
                    schedules=len(fault.names),
                    after=fault.after,
                    world=written if takes_effect else same,
                    takes_effect=takes_effect,
                    is_read=False,
                    is_rejected=False,
                    is_undo=position.is_undo,
                    is_fault=True,
                    name=fault.names[0] + (", but done" if takes_effect else ""),
                )

    def named(self, sent: World) -> World:
        """Return a configuration of the controller with the name that its token has in the world of both."""
        return sent and sent._replace(token=self._tokens[sent.token])


def _shown(world: World) -> str:
    return describe_world(world and world._replace(token=f"…{world.token[0].lower()}"))


class States(NamedTuple):
    """States, one in each row.

    :ivar world: the number of what is stored.
    :ivar writer: who wrote it: 1 or 2; 0 if it was there at first.
    :ivar positions: where the first and the second controller are.
    :ivar facts: what is so for the first and for the second controller, as bits.
    """

    world: Ints
    writer: Ints
    positions: tuple[Ints, Ints]
    facts: tuple[Ints, Ints]


class Steps(NamedTuple):
    """Whatever may become of the next request of one controller in each of some states, one in each row.

    :ivar source: the row of the state.
    :ivar edge: the number of the edge.
    :ivar after: the state after it.
    :ivar findings: what that shows, as bits.
    """

    source: Ints
    edge: Ints
    after: States
    findings: Ints


class Visits(NamedTuple):
    """States, one in each row, and how they are reached.

    :ivar codes: the states, each as one number.
    :ivar schedules: the number of ways from all starts.
    :ivar origins: the least number of requests, and the number of the start that they are counted from, as one number.
    """

    codes: Ints
    schedules: Ints
    origins: Ints


class Row(NamedTuple):
    """A row of a schedule."""

    who: str
    request: str
    outcome: str
    stored: str


class Root(NamedTuple):
    """Tasks that begin at the same position: one of them, and how many there are."""

    position: int
    task: Task
    number: int


class Start(NamedTuple):
    """Where schedules begin: with which tasks, and what is stored, by its number."""

    first: Root
    second: Root
    world: int


class Outcome(NamedTuple):
    """What all schedules of two controllers come to.

    :ivar nearest: what is found: after how many requests at the least, and from which start.
    """

    states: int
    schedules: int
    nearest: dict[str, tuple[int, Start]]


class Pair:
    """Two controllers in given roles."""

    def __init__(
        self, positions: Positions, roles: tuple[tuple[str, str], tuple[str, str]], number_of_faults: int
    ) -> None:
        self._number_of_faults = number_of_faults
        self._positions = positions.all
        self._edges = [Edges(positions.all, role) for role in roles]
        size = len(positions.all)
        self._lower = np.arange(size)
        self._lower[list(positions.lower)] = list(positions.lower.values())
        self._is_end = np.array([isinstance(position, End) for position in positions.all])
        # For each position: the facts that still make a difference, and the number of requests to the farthest end.
        self._kept, self._height = np.zeros(size, int), np.zeros(size, int)
        for number, position in enumerate(positions.all):
            if isinstance(position, End):
                self._kept[number] = 0 if position.changed else WROTE
            else:
                after = [each for _reply, each in position.after] + [fault.after for fault in position.faults]
                self._kept[number] = (UNDONE if position.is_undo else 0) | np.bitwise_or.reduce(self._kept[after])
                self._height[number] = 1 + self._height[after].max()
        self._is_refused, self._is_ok = (self._has_status(status) for status in ("refused", "ok"))
        self._wanted = [self._numbers_of_wanted(edges) for edges in self._edges]
        # Of the numbers that states are written as.
        bits = ALL + 1
        self._shape = (2 * int(self._height.max()) + 1, size, size, len(WORLDS), 3, bits, bits)

    def _has_status(self, status: str) -> Bools:
        return np.array([isinstance(each, End) and each.status == status for each in self._positions])

    def _numbers_of_wanted(self, edges: Edges) -> Ints:
        """Return the number of what a controller wants at each end, -1 if it is anything."""
        return np.array(
            [
                NUMBERS[edges.named(each.wanted)] if isinstance(each, End) and not isinstance(each.wanted, str) else -1
                for each in self._positions
            ]
        )

    def walk(self, starts: list[Start]) -> Outcome:
        """Visit every state. Those farther from the end come first, so whatever leads to a state comes before it."""
        # By the distance from the end, of both together.
        pending: list[list[Visits]] = [[] for _height in range(self._shape[0])]
        schedules = np.array([start.first.number * start.second.number for start in starts])
        self._put(pending, Visits(self._encode(_begin(starts)), schedules, np.arange(len(starts))))
        states = total = 0
        nearest: dict[str, int] = {}
        for todo in reversed(pending):
            if not todo:
                continue
            visits = _merged(Visits(*(np.concatenate(column) for column in zip(*todo, strict=True))))
            todo.clear()
            states += len(visits.codes)
            # Far from the largest number, since one step multiplies it by less than a thousand.
            assert visits.schedules.sum(dtype=float) < 2.0**53
            # Whatever is left at last is an end.
            total = int(visits.schedules.sum())
            for low in range(0, len(visits.codes), CHUNK):
                self._step(Visits(*(column[low : low + CHUNK] for column in visits)), pending, nearest)
        # Every step has led nearer to the end.
        assert not any(pending)
        return Outcome(
            states, total, {name: (origin // REQUEST, starts[origin % REQUEST]) for name, origin in nearest.items()}
        )

    def _step(self, visits: Visits, pending: list[list[Visits]], nearest: dict[str, int]) -> None:
        """Put whatever comes after states among what is to be visited, and note what is found."""
        states = self._decode(visits.codes)
        for who in (0, 1):
            steps = self.steps(states, who)
            origins = visits.origins[steps.source] + REQUEST
            for name, bit in FINDINGS.items():
                found = origins[steps.findings & bit != 0]
                if found.size:
                    nearest[name] = min(nearest.get(name, int(found[0])), int(found.min()))
            schedules = visits.schedules[steps.source] * self._edges[who].schedules[steps.edge]
            self._put(pending, Visits(self._encode(steps.after), schedules, origins))

    def _put(self, pending: list[list[Visits]], visits: Visits) -> None:
        visits = _merged(visits)
        heights, *_rest = np.unravel_index(visits.codes, self._shape)
        first = np.flatnonzero(np.diff(heights, prepend=-1))
        parts = (np.split(column, first)[1:] for column in visits)
        for height, *part in zip(heights[first], *parts, strict=True):
            pending[height].append(Visits(*part))

    def _encode(self, states: States) -> Ints:
        """Return each state as a number, which begins with its distance from the end."""
        first, second = states.positions
        height = self._height[first] + self._height[second]
        fields = (height, first, second, states.world, states.writer, *states.facts)
        return np.ravel_multi_index(fields, self._shape)

    def _decode(self, codes: Ints) -> States:
        _height, first, second, world, writer, *facts = np.unravel_index(codes, self._shape)
        return States(world, writer, (first, second), (facts[0], facts[1]))

    def steps(self, states: States, who: int) -> Steps:
        """Return whatever may happen next if a controller goes on."""
        edges = self._edges[who]
        # The edges of a state stand one after the other.
        place = states.positions[who] * len(WORLDS) + states.world
        number = edges.first[place + 1] - edges.first[place]
        source = np.repeat(np.arange(len(place)), number)
        edge = np.arange(len(source)) + np.repeat(edges.first[place] - np.cumsum(number) + number, number)

        after, other = edges.after[edge], states.positions[1 - who][source]
        own, others = states.facts[who][source], states.facts[1 - who][source]
        world, writer = states.world[source], states.writer[source]
        is_own = writer == who + 1
        takes_effect, is_undo = edges.takes_effect[edge], edges.is_undo[edge]
        undoes = takes_effect & is_undo & (world != NUMBERS[None])
        findings = np.where(undoes, self._judge_undo(is_own, own), 0)
        own = np.where(edges.is_read[edge], own & ~DIRTY, own)
        own = np.where(edges.is_rejected[edge], np.where(is_own, own | JUDGED, own & ~JUDGED), own)
        own = np.where(takes_effect & ~is_undo, np.where(own & DIRTY, own | BLIND, own & ~BLIND), own)
        own = np.where(takes_effect, own | WROTE, own)
        others = np.where(takes_effect & (edges.world[edge] != world), others | DIRTY, others)
        writer = np.where(takes_effect, who + 1, writer)
        other = np.where(edges.is_fault[edge], self._lower[other], other)
        # What makes no difference any more is forgotten.
        own &= self._kept[after]
        others &= self._kept[other]
        is_reverted = self._is_end[after] & (own != 0)
        findings |= np.where(is_reverted, FINDINGS[REVERTED], 0)
        own = np.where(is_reverted, 0, own)
        writer = np.where((writer != 0) & ((self._kept[after] | self._kept[other]) & UNDONE == 0), 1, writer)
        positions, facts = ((after, other), (own, others)) if who == 0 else ((other, after), (others, own))
        states = States(edges.world[edge], writer, positions, facts)
        findings |= np.where(self._ends_badly(states), FINDINGS[NOT_AS_BOTH_WANT], 0)
        return Steps(source, edge, states, findings)

    def _judge_undo(self, is_own: Bools, facts: Ints) -> Ints:
        of_others = np.where(facts & DIRTY, FINDINGS[IN_BETWEEN], FINDINGS[SAME_LOOK])
        of_own = np.where(facts & BLIND, FINDINGS[UNSEEN], 0)
        return np.where(is_own, np.where(facts & JUDGED, of_own, FINDINGS[OTHERS_VERDICT]), of_others)

    def _ends_badly(self, states: States) -> Bools:
        """Return whether two controllers want the same, and do not end with exactly that, or fail without a fault each.

        What was there at first may have stayed, where it is as they want it as far as can be seen.
        """
        first, second = states.positions
        wanted = self._wanted[0][first]
        want_the_same = self._is_end[first] & self._is_end[second] & (wanted == self._wanted[1][second])
        is_judged: Bools = want_the_same & (wanted != -1) & ~self._is_refused[first] & ~self._is_refused[second]
        fail = (~self._is_ok[first]).astype(int) + ~self._is_ok[second]
        is_as_wanted = (states.writer == 0) | (states.world == wanted)
        is_bad: Bools = (fail > self._number_of_faults) | ((fail < len(self._edges)) & ~is_as_wanted)
        return is_judged & is_bad

    def schedule(self, start: Start, finding: str) -> list[Row]:
        """Return a shortest schedule from a start to a finding."""
        layers: list[tuple[States, Ints]] = []
        states = _begin([start])
        while True:
            both = [self.steps(states, who) for who in (0, 1)]
            # In each row: who goes on, from which state, with which edge, and what that shows.
            rows = np.concatenate(
                [
                    np.stack([np.full_like(steps.source, who), steps.source, steps.edge, steps.findings], axis=1)
                    for who, steps in enumerate(both)
                ]
            )
            found = np.flatnonzero(rows[:, 3] & FINDINGS[finding])
            if found.size:
                return self._rows([*layers, (states, rows[found])])
            codes, first = np.unique(np.concatenate([self._encode(steps.after) for steps in both]), return_index=True)
            layers.append((states, rows[first]))
            states = self._decode(codes)

    def _rows(self, layers: list[tuple[States, Ints]]) -> list[Row]:
        """Return the way to the first row of the last layer."""
        shown: list[Row] = []
        number = 0
        for states, rows in reversed(layers):
            who, source, edge, _findings = (int(each) for each in rows[number])
            position = self._positions[states.positions[who][source]]
            assert isinstance(position, Position)
            edges = self._edges[who]
            request = describe_request(position.request._replace(sent=edges.named(position.request.sent)))
            stored = describe_world(WORLDS[edges.world[edge]])
            shown.append(Row(("first", "second")[who], request, edges.names[edge], stored))
            number = source
        return shown[::-1]


def _begin(starts: list[Start]) -> States:
    first = np.array([start.first.position for start in starts])
    second = np.array([start.second.position for start in starts])
    none = np.zeros(len(starts), int)
    return States(np.array([start.world for start in starts]), none, (first, second), (none, none))


def _merged(visits: Visits) -> Visits:
    """Return each state once, in order."""
    order = np.argsort(visits.codes)
    codes = visits.codes[order]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    return Visits(
        codes[first],
        np.add.reduceat(visits.schedules[order], first),
        np.minimum.reduceat(visits.origins[order], first),
    )


def starts(roots: list[Root], roles: tuple[tuple[str, str], tuple[str, str]]) -> Iterator[Start]:
    """Yield where to begin with a pair of roles: with which pairs of tasks, and what is stored."""
    for index, first in enumerate(roots):
        for second in roots if roles == UNLIKE else roots[index:]:
            # A previous token that a task has not got makes no difference.
            others = [roles[0][1] != C, roles[1][1] != C]
            if all(
                not other or root.task.previous == PREVIOUS for other, root in zip(others, (first, second), strict=True)
            ):
                yield from (Start(first, second, world) for world in range(len(WORLDS)))
