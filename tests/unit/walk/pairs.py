# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers on one workspace: every interleaving of their requests, with every fault at every place.

A state is what is stored, the position of either controller, and a few facts that no controller knows. Equal states are
visited once; the number of schedules is the number of ways through the states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .tasks import Task
from .tree import End, Position, Positions
from .world import (
    NO_CONNECTION,
    OWN,
    PREVIOUS,
    THIRD,
    TWIN,
    WRITES,
    Request,
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
BITS, ALL = 4, 15
FIRST, SECOND = 0, 1
#: The number of what is stored, who wrote it (0: it was there at first), the positions of both, the facts of both.
State = tuple[int, int, int, int, int]
UNDONE = DIRTY | BLIND | JUDGED

#: What a controller cannot tell apart, since the API has neither versions nor conditional requests.
SAME_LOOK = "Another client stores what looks the same"
IN_BETWEEN = "Another client writes between the read and the write of a rollback"
UNSEEN = "Another client writes between the read and the write of a task that is rolled back later"
REVERTED = "Another client restores what was there, after a write whose response was lost"
INDISTINGUISHABLE = (SAME_LOOK, IN_BETWEEN, UNSEEN, REVERTED)
#: What must not happen.
OTHERS_VERDICT = "A rollback follows a verdict on the token of another client"
NOT_AS_BOTH_WANT = "Two controllers want the same, and do not end with it"


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


class Row(NamedTuple):
    """A row of a schedule."""

    who: str
    request: str
    outcome: str
    stored: str


class Pair:
    """All schedules of two controllers in given roles."""

    def __init__(
        self, positions: Positions, roles: tuple[tuple[str, str], tuple[str, str]], number_of_faults: int
    ) -> None:
        self._number_of_faults = number_of_faults
        self._positions = positions.all
        self._lower = positions.lower
        self._roles = [ROLES[role] for role in roles]
        self._own = [role[0] for role in roles]
        self._previous = [role[1] for role in roles]
        self._edges: list[dict[tuple[int, int], list[Edge]]] = [{}, {}]
        self._is_end = [isinstance(position, End) for position in self._positions]
        self._kept = [0] * len(self._positions)
        for number, position in enumerate(self._positions):
            if isinstance(position, End):
                self._kept[number] = 0 if position.changed else WROTE
            else:
                after = [each for _reply, each in position.after] + [fault.after for fault in position.faults]
                self._kept[number] = UNDONE if position.is_undo else 0
                for each in after:
                    self._kept[number] |= self._kept[each]
        #: The number of schedules from each state on.
        self.states: dict[State, int] = {}
        #: From which states a finding is reached, and in how many requests.
        self.near: dict[State, dict[str, int]] = {}

    def edges(self, who: int, position: int, world: int) -> list[Edge]:
        """Return what may become of the request of a controller."""
        key = (position, world)
        known = self._edges[who].get(key)
        if known is None:
            known = self._edges[who][key] = list(self._find_edges(who, self._positions[position], WORLDS[world]))
        return known

    def _find_edges(self, who: int, position: Position | End, world: World) -> Iterator[Edge]:
        assert isinstance(position, Position)
        request = position.request
        same = NUMBERS[world]
        written, is_effective = same, False
        seen = world and Stored(self._roles[who][world.token], world.is_token_readonly)
        after = dict(position.after)
        cut_off = after.get((NO_CONNECTION.kind, NO_CONNECTION.value))
        if cut_off is not None:
            yield Edge(1, cut_off, same, False, False, False, position.is_undo, False, NO_CONNECTION.name)
            return
        for reply, _seen_after in respond(request, seen):
            if request.operation in WRITES and reply.kind == "accepted" and (world or request.sent):
                written, is_effective = NUMBERS[self._named(who, request)], True
            yield Edge(
                schedules=1,
                after=after[reply.kind, reply.value],
                world=written,
                takes_effect=is_effective,
                is_read=reply.kind == "shows",
                is_rejected=request.operation == "validate" and reply.value is False,
                is_undo=position.is_undo,
                is_fault=False,
                name=self._shown(world) if reply.kind == "shows" else reply.name,
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

    def _shown(self, world: World) -> str:
        return describe_world(world and world._replace(token=f"…{world.token[0].lower()}"))

    def _named(self, who: int, request: Request) -> World:
        if request.sent is None:
            return None
        return request.sent._replace(token=self._own[who] if request.sent.token == OWN else self._previous[who])

    def steps(self, state: State) -> Iterator[tuple[int, Edge, State, str | None]]:
        """Yield whatever may happen next: who goes on, with what outcome, to which state, and what that shows."""
        world, _writer, first, second, _facts = state
        for who, position in ((FIRST, first), (SECOND, second)):
            if not self._is_end[position]:
                for edge in self.edges(who, position, world):
                    yield who, edge, *self._follow(state, who, edge)

    def _follow(self, state: State, who: int, edge: Edge) -> tuple[State, str | None]:
        """Return the state after something happened, and what that shows."""
        world, writer, first, second, facts = state
        other = second if who == FIRST else first
        own, others = (facts & ALL, facts >> BITS) if who == FIRST else (facts >> BITS, facts & ALL)
        finding = None
        if edge.is_read:
            own &= ~DIRTY
        elif edge.is_rejected:
            own = own | JUDGED if writer == who + 1 else own & ~JUDGED
        elif edge.takes_effect:
            if edge.is_undo:
                finding = self._judge_undo(writer == who + 1, own) if world else None
            else:
                own = own | BLIND if own & DIRTY else own & ~BLIND
            own |= WROTE
            others |= DIRTY if edge.world != world else 0
            writer = who + 1
        if edge.is_fault:
            other = self._lower.get(other, other)
        # What makes no difference any more is forgotten.
        own &= self._kept[edge.after]
        others &= self._kept[other]
        if own and self._is_end[edge.after]:
            own, finding = 0, REVERTED
        if writer and not (self._kept[edge.after] | self._kept[other]) & UNDONE:
            writer = 1
        if who == FIRST:
            return (edge.world, writer, edge.after, other, own | others << BITS), finding
        return (edge.world, writer, other, edge.after, others | own << BITS), finding

    def _judge_undo(self, is_own: bool, facts: int) -> str | None:
        if not is_own:
            return IN_BETWEEN if facts & DIRTY else SAME_LOOK
        if not facts & JUDGED:
            return OTHERS_VERDICT
        return UNSEEN if facts & BLIND else None

    def count(self, state: State) -> int:
        """Return the number of schedules from a state on, and note what is found on the way."""
        known = self.states.get(state)
        if known is not None:
            return known
        total = 0
        near: dict[str, int] = {}
        for _who, edge, after, finding in self.steps(state):
            total += edge.schedules * self.count(after)
            if finding:
                near[finding] = 1
            for each, distance in self.near.get(after, {}).items():
                if near.get(each, 99) > distance + 1:
                    near[each] = distance + 1
        if not total:
            total = 1
            if self._ends_badly(state):
                near[NOT_AS_BOTH_WANT] = 0
        self.states[state] = total
        if near:
            self.near[state] = near
        return total

    def _ends_badly(self, state: State) -> bool:
        """Return whether two controllers want the same, and do not end with exactly that, or fail without a fault each.

        What was there at first may have stayed, where it is as they want it as far as can be seen.
        """
        world, writer, *numbers, _facts = state
        ends = [self._positions[number] for number in numbers]
        statuses, wanted = [], []
        for who, end in enumerate(ends):
            assert isinstance(end, End)
            statuses.append(end.status)
            wanted.append(self._wanted(who, end.wanted))
        if wanted[0] != wanted[1] or wanted[0] == "anything" or "refused" in statuses:
            return False
        if sum(status != "ok" for status in statuses) > self._number_of_faults:
            return True
        return bool("ok" in statuses and writer and WORLDS[world] != wanted[0])

    def _wanted(self, who: int, wanted: World | str) -> World | str:
        return wanted._replace(token=self._own[who]) if isinstance(wanted, Stored) else wanted

    def schedule(self, start: State, finding: str) -> list[Row]:
        """Return a shortest schedule from a state to a finding."""
        rows: list[Row] = []
        state, found = start, None
        while found != finding and self.near[state][finding]:
            left = self.near[state][finding] - 1
            who, edge, after, found = next(
                step
                for step in self.steps(state)
                if (step[3] == finding and not left) or self.near.get(step[2], {}).get(finding) == left
            )
            position = self._positions[state[2 + who]]
            assert isinstance(position, Position)
            sent = self._named(who, position.request)
            request = describe_request(position.request._replace(sent=sent))
            rows.append(Row(("first", "second")[who], request, edge.name, describe_world(WORLDS[edge.world])))
            state = after
        return rows


class Root(NamedTuple):
    """Tasks that begin at the same position: one of them, and how many there are."""

    position: int
    task: Task
    number: int


def starts(roots: list[Root], roles: tuple[tuple[str, str], tuple[str, str]]) -> Iterator[tuple[Root, Root]]:
    """Yield the pairs of tasks to walk in a pair of roles."""
    for index, first in enumerate(roots):
        for second in roots if roles == UNLIKE else roots[index:]:
            # A previous token that a task has not got makes no difference.
            others = [roles[0][1] != C, roles[1][1] != C]
            if all(
                not other or root.task.previous == PREVIOUS for other, root in zip(others, (first, second), strict=True)
            ):
                yield first, second
