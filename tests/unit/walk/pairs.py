"""Two clients on one workspace: every interleaving of their requests, with every fault at every place.

A client is a machine: its nodes are requests and ends, its edges are what a request can come to. Two nodes from which
the same can follow are one node, whatever led there and whichever goal it is. A state of both is a node of each, what
is stored, and a few facts that neither of them can know. Equal states are visited once.
"""

from __future__ import annotations

import functools
import operator
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _knowledge as core
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal

from .client import Product, possible_events
from .invariants import WAITED
from .oracle import is_wrong_previous_token
from .world import NOT_VALID, OWN, PREVIOUS, THIRD, TWIN, Content, World, faults, no_connection, respond, sent_by

#: The tokens in the world of two clients. The last four characters of A and A2 are the same.
A, A2, B, C = "A", "A2", "B", "C"
WORLDS: list[World] = [None, *(Content(token, flag) for token in (A, A2, B, C) for flag in (False, True))]
NUMBERS = {world: number for number, world in enumerate(WORLDS)}
NOTHING = NUMBERS[None]
#: A client by its own token and its previous token: what each token of the world is to it.
ROLES: dict[tuple[str, str], dict[str, str]] = {
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
#: In this one the clients cannot be exchanged.
UNLIKE = ((A, C), (B, A))

#: What a client cannot tell apart, since the API has neither versions nor conditional requests.
SAME_LOOK = "Another client stores what looks the same"
IN_BETWEEN = "Another client writes between the read and the write of a rollback"
UNSEEN = "Another client writes between the read and the write of a task that is rolled back later"
REVERTED = "Another client restores what was there, after a write whose response was lost"
INDISTINGUISHABLE = {SAME_LOOK, IN_BETWEEN, UNSEEN, REVERTED}
#: What must not happen.
OTHERS_VERDICT = "A rollback follows a verdict on the token of another client"
NOT_AS_BOTH_WANT = "Two clients want the same, and do not end with it"

# Facts that no client knows, as bits: another one has written since it read last; it has overwritten an unread state; a
# write of it took effect; its own configuration was stored when it got the verdict.
DIRTY, BLIND, WROTE, JUDGED = 1, 2, 4, 8
UNDONE = DIRTY | BLIND | JUDGED


class End(NamedTuple):
    """How a task ends, as far as it matters to others."""

    # ``ok``, ``refused`` (by a verdict, or by an option that does not fit what is stored), ``failed`` or ``killed``
    status: str
    wanted: World | str  # the configuration that the task wants; "anything" if it only reads
    changed: bool  # whether it says so


class FaultEdge(NamedTuple):
    """A fault: its name, whether the request can have been carried out, the node that it leads to."""

    name: str
    effects: tuple[bool, ...]
    after: int


class Node(NamedTuple):
    """A request that is being sent, and its possible outcomes."""

    request: core.Request
    is_undo: bool  # it is the write of a rollback
    after: tuple[tuple[core.Event, int], ...]  # the node after each event
    faults: tuple[FaultEdge, ...]
    lower: int | None  # the same place where one fault less may still happen


class Machines:
    """The nodes of all goals, numbered.

    :ivar kept: for each node the facts that still make a difference.
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self.nodes: list[Node | End] = []
        self.kept: list[int] = []
        self._numbers: dict[Node | End, int] = {}
        self._known: dict[tuple[Goal, core.Knowledge, int, bool], int] = {}

    def begin(self, goal: Goal, number_of_faults: int) -> int:
        """Return the node where a goal begins."""
        self._known.clear()
        return self._node(goal, core.Knowledge(), number_of_faults, False)

    def _node(self, goal: Goal, knowledge: core.Knowledge, budget: int, is_cut_off: bool) -> int:
        key = (goal, knowledge, budget, is_cut_off)
        if key not in self._known:
            self._known[key] = self._make(*key)
        return self._known[key]

    def _make(self, goal: Goal, knowledge: core.Knowledge, budget: int, is_cut_off: bool) -> int:
        learn = self._product.learn
        step = self._product.next_step(knowledge, goal)
        wanted: World | str = "anything"
        if not (goal.reads_only or goal.check_mode):
            wanted = goal.desired and Content(OWN, goal.desired.is_token_readonly)
        if isinstance(step, core.Finish):
            status = "ok" if step.failure is None else "refused" if _is_refused(goal, knowledge) else "failed"
            return self._intern(End(status, wanted, knowledge.changed))
        if isinstance(step, core.Wait | core.Predict):
            event: core.Event = core.Waited(WAITED) if isinstance(step, core.Wait) else core.WritePredicted(step.write)
            return self._node(goal, learn(knowledge, event), budget, is_cut_off)
        sent = learn(knowledge, core.WriteSent(step)) if isinstance(step, core.Write) else knowledge

        def after(event: core.Event, left: int, is_lasting: bool = False) -> int:
            return self._node(goal, learn(sent, event), left, is_lasting)

        is_rollback = knowledge.verdicts is not None
        is_undo = is_rollback and isinstance(step, core.Write)
        if is_cut_off:
            lost = no_connection(step)
            return self._intern(Node(step, is_undo, ((lost, after(lost, 0, True)),), (), None))
        lower, broken_off = None, []
        if budget:
            lower = self._node(goal, knowledge, budget - 1, False)
            # A client that is killed in a rollback has refused the token.
            killed = self._intern(End("refused" if is_rollback else "killed", wanted, changed=True))
            effects = (False, True) if isinstance(step, core.Write) else (False,)
            broken_off = [FaultEdge("killed", effects, killed)]
            broken_off += [
                FaultEdge(fault.name, fault.effects, after(fault.event, budget - 1, fault.is_lasting))
                for fault in faults(step)
            ]
        events = tuple((event, after(event, budget)) for event in possible_events(step))
        return self._intern(Node(step, is_undo, events, tuple(broken_off), lower))

    def _intern(self, node: Node | End) -> int:
        number = self._numbers.setdefault(node, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
            self.kept.append(self._facts(node))
        return number

    def _facts(self, node: Node | End) -> int:
        if isinstance(node, End):
            return 0 if node.changed else WROTE
        after = [number for _event, number in node.after] + [fault.after for fault in node.faults]
        return functools.reduce(operator.or_, (self.kept[each] for each in after), UNDONE if node.is_undo else 0)


def _is_refused(goal: Goal, knowledge: core.Knowledge) -> bool:
    """Return whether a verdict, PagerDuty, or an option that does not fit the stored configuration ended a task."""
    is_refused = knowledge.verdicts is not None or knowledge.preflight is False
    return is_refused or is_wrong_previous_token(goal, knowledge.current)


class Edge(NamedTuple):
    """One thing that a request can come to, where something is stored."""

    after: int  # the next node
    world: int  # the number of the configuration then
    takes_effect: bool
    is_read: bool
    is_rejected: bool
    is_undo: bool
    is_fault: bool
    name: str


class PairState(NamedTuple):
    """Where two clients are."""

    nodes: tuple[int, int]  # the node of either
    world: int  # the number of the configuration
    writer: int  # who wrote it: 0 or 1; -1 if it was there at first
    facts: tuple[int, int]  # of either, as bits


class Finding(NamedTuple):
    """A possible end of two clients: the goal of either, the configuration at first, and a shortest schedule."""

    name: str
    goals: tuple[Goal, Goal]
    stored: World
    schedule: list[str]


class Pair:
    """Two clients in given roles.

    :param roots: the goals that begin at a node, of which one stands for all.
    """

    def __init__(
        self, machines: Machines, roles: tuple[tuple[str, str], tuple[str, str]], roots: dict[int, Goal], faults: int
    ) -> None:
        self._nodes = machines.nodes
        self._kept = machines.kept
        self._roles = roles
        self._roots = roots
        self._faults = faults
        self._edges: tuple[dict[tuple[int, int], list[Edge]], ...] = ({}, {})
        self._reached: dict[PairState, tuple[PairState, str] | None] = {}

    def walk(self) -> tuple[int, dict[str, Finding]]:
        """Visit every state, those first that take the fewest requests; return their number, and the ends found."""
        findings: dict[str, Finding] = {}
        self._reached = dict.fromkeys(self._starts())
        todo = deque(self._reached)
        while todo:
            state = todo.popleft()
            for who in (0, 1):
                for edge in self._of(who, state):
                    after, found = self._step(state, who, edge)
                    if found and found not in findings:
                        findings[found] = self._finding(found, state, f"{who + 1}: {edge.name}")
                    if after not in self._reached:
                        self._reached[after] = (state, f"{who + 1}: {edge.name}")
                        todo.append(after)
        return len(self._reached), findings

    def _starts(self) -> Iterator[PairState]:
        # A previous token that a goal has not got makes no difference.
        others = [role[1] != C for role in self._roles]
        roots = list(self._roots.items())
        for index, (first, goal) in enumerate(roots):
            for second, other_goal in roots if self._roles == UNLIKE else roots[index:]:
                goals = (goal, other_goal)
                if all(not is_other or each.previous_last_four for is_other, each in zip(others, goals, strict=True)):
                    yield from (PairState((first, second), world, -1, (0, 0)) for world in range(len(WORLDS)))

    def _of(self, who: int, state: PairState) -> list[Edge]:
        place = (state.nodes[who], state.world)
        edges = self._edges[who]
        if place not in edges:
            node = self._nodes[place[0]]
            edges[place] = list(self._make_edges(self._roles[who], node, place[1])) if isinstance(node, Node) else []
        return edges[place]

    def _make_edges(self, role: tuple[str, str], node: Node, number: int) -> Iterator[Edge]:
        request, world = node.request, WORLDS[number]
        after = dict(node.after)
        lost = no_connection(request)
        if lost in after:
            yield Edge(after[lost], number, False, False, False, False, False, f"{request}: no connection")
            return
        written, is_effective = number, False
        for event, _after in respond(request, world and Content(ROLES[role][world.token], world.is_token_readonly)):
            if isinstance(event, core.WriteAccepted):
                written = NUMBERS[named(role, sent_by(event.write))]
                is_effective = world is not None or event.write.after is not None
            yield Edge(
                after[event],
                written,
                is_effective,
                isinstance(event, core.StateRead),
                event == core.Validated(NOT_VALID),
                node.is_undo,
                False,
                f"{request}: {type(event).__name__}",
            )
        for fault in node.faults:
            for takes_effect in {has_effect and is_effective for has_effect in fault.effects}:
                then = written if takes_effect else number
                name = f"{request}: {fault.name}{', but done' if takes_effect else ''}"
                yield Edge(fault.after, then, takes_effect, False, False, node.is_undo, True, name)

    def _step(self, state: PairState, who: int, edge: Edge) -> tuple[PairState, str | None]:
        """Return the state after an edge of one client, and the ends that it shows."""
        kept, found = self._kept, None
        if edge.takes_effect and edge.is_undo and state.world != NOTHING:
            found = self._judge_undo(state.writer == who, state.facts[who])
        own, others = _learned(state, who, edge)
        other = state.nodes[1 - who]
        if edge.is_fault:
            node = self._nodes[other]
            other = other if isinstance(node, End) or node.lower is None else node.lower
        # Facts that make no difference any more are forgotten.
        own &= kept[edge.after]
        others &= kept[other]
        if own and isinstance(self._nodes[edge.after], End):
            found, own = REVERTED, 0
        writer = who if edge.takes_effect else state.writer
        if writer >= 0 and not (kept[edge.after] | kept[other]) & UNDONE:
            writer = 0
        both, facts = (edge.after, other), (own, others)
        after = PairState(both[::-1] if who else both, edge.world, writer, facts[::-1] if who else facts)
        return after, NOT_AS_BOTH_WANT if self._ends_badly(after) else found

    def _judge_undo(self, is_own: bool, facts: int) -> str | None:
        if not is_own:
            return IN_BETWEEN if facts & DIRTY else SAME_LOOK
        if not facts & JUDGED:
            return OTHERS_VERDICT
        return UNSEEN if facts & BLIND else None

    def _ends_badly(self, state: PairState) -> bool:
        """Return whether two clients want the same, and do not end with exactly that, or fail without a fault each.

        What was there at first may have stayed, where it is as they want it as far as can be seen.
        """
        first, second = (self._nodes[number] for number in state.nodes)
        if not (isinstance(first, End) and isinstance(second, End)) or "anything" in (first.wanted, second.wanted):
            return False
        if "refused" in (first.status, second.status):
            return False
        wanted = [named(role, end.wanted) for role, end in zip(self._roles, (first, second), strict=True)]  # type: ignore[arg-type]
        if wanted[0] != wanted[1]:
            return False
        failed = (first.status != "ok") + (second.status != "ok")
        is_as_wanted = state.writer < 0 or WORLDS[state.world] == wanted[0]
        return failed > self._faults or (failed < 2 and not is_as_wanted)

    def _finding(self, name: str, state: PairState, last: str) -> Finding:
        steps = [last]
        before = self._reached[state]
        while before is not None:
            state, step = before
            steps.append(step)
            before = self._reached[state]
        goals = (self._roots[state.nodes[0]], self._roots[state.nodes[1]])
        return Finding(name, goals, WORLDS[state.world], steps[::-1])


def _learned(state: PairState, who: int, edge: Edge) -> tuple[int, int]:
    """Return the facts about the client that goes on, and about the other one."""
    own, others = state.facts[who], state.facts[1 - who]
    if edge.is_read:
        own &= ~DIRTY
    if edge.is_rejected:
        own = own | JUDGED if state.writer == who else own & ~JUDGED
    if edge.takes_effect:
        if not edge.is_undo:
            own = own | BLIND if own & DIRTY else own & ~BLIND
        own |= WROTE
        if edge.world != state.world:
            others |= DIRTY
    return own, others


def named(role: tuple[str, str], sent: World) -> World:
    """Return a configuration of a client with the name that its token has in the world of both."""
    return sent and sent._replace(token=role[0] if sent.token == OWN else role[1])
