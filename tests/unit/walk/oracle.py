"""The facts that a client can know from its requests and their outcomes, without any code of the product."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _knowledge as core
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration, Verdict

from .world import WORLDS, FaultKind, World, respond


class Told(NamedTuple):
    """The facts that a client was told so far, and their consequences."""

    shown: core.Stored = core.UNKNOWN  # by the last read
    known: core.Stored = core.UNKNOWN  # the stored configuration, as far as the client can know
    is_fresh: bool = False  # nothing was sent to Cortex or waited for since the last read
    under_way: core.Write | None = None  # a write without a response so far
    unresolved: core.Write | None = None  # a write whose outcome is unknown, as long as nothing was read since
    # the configurations of the writes whose outcome was unknown
    doubtful: frozenset[Configuration | None] = frozenset()
    first: core.Stored = core.UNKNOWN  # as shown before the first write that took effect, or may have
    must_be_changed: bool = False  # a write took effect, or the client cannot exclude it
    may_be_changed: bool = False  # a write was sent that was not refused
    seen: Configuration | None = None  # the last configuration that was shown
    # the last write before the verdict that was accepted, or found by reading what is stored
    own: core.Write | None = None
    was_found: bool = False  # the latter
    replaced: Configuration | None = None  # the last configuration that was shown before that
    undone: bool = False  # it was undone
    is_predicted: bool = False  # a write was taken for applied, in check mode
    preflight: bool | None = None
    verdicts: tuple[Verdict, ...] | None = None
    is_missing: bool = False
    failed: core.RequestFailed | None = None  # the last request, if it failed
    conflicted: bool = False  # the last request was rejected because another client came first
    waited: bool = False  # since then
    in_a_row: int = 0  # how often the last request, if it changes nothing, has failed in a row
    waits: int = 0  # how often it was waited for that
    failed_write: core.RequestFailed | None = None  # the last write, if it failed
    is_unread: bool = False  # nothing was read since then
    failed_writes: int = 0  # how many writes failed since the verdict, or before it
    all_waits: int = 0  # how often it was waited for anything
    write_waits: int = 0  # how often it was waited for those
    is_hopeless: bool = False  # something went wrong that does not pass, since the verdict or before it
    # how many writes were rejected because another client came first, since the verdict or before it
    conflicts: int = 0
    statuses: frozenset[int | None] = frozenset()  # of all responses that were not a success

    @property
    def before(self) -> core.Stored:
        return self.first if self.may_be_changed else self.shown

    @property
    def after(self) -> core.Stored:
        """The current configuration, as far as the client can know; in check mode, as it would be."""
        return core.UNKNOWN if self.under_way or self.unresolved else self.known

    def send(self, step: core.Request) -> Told:
        """Return the known facts once a request is on its way."""
        if isinstance(step, core.Write):
            return self._replace(under_way=step, is_fresh=False, failed_write=None)
        return self if isinstance(step, core.CheckToken) else self._replace(is_fresh=False)

    def hear(self, event: core.Event) -> Told:
        """Return the known facts after an event."""
        if isinstance(event, core.Waited):
            is_for_write = self.failed is None or isinstance(self.failed.step, core.Write)
            waits, write_waits = self.waits + (not is_for_write), self.write_waits + is_for_write
            told = self._replace(waited=True, is_fresh=False, all_waits=self.all_waits + 1)
            return told._replace(waits=waits, write_waits=write_waits)
        told = self._replace(under_way=None, failed=None, conflicted=False, waited=False)
        if isinstance(event, core.RequestFailed):
            return told._fail(self, event)
        told = told._replace(in_a_row=0, waits=0)
        if isinstance(event, core.StateRead):
            return told._read(event.stored)
        if isinstance(event, core.WriteAccepted | core.WritePredicted):
            told = told._change()._replace(must_be_changed=True, known=event.write.after)
            return told._found(event.write)._replace(is_predicted=isinstance(event, core.WritePredicted))
        if isinstance(event, core.TokenAccepted):
            return told._replace(preflight=True)
        assert isinstance(event, core.Validated)
        return told._replace(
            verdicts=event.verdicts,
            is_fresh=False,
            failed_write=None,
            failed_writes=0,
            write_waits=0,
            conflicts=0,
            is_hopeless=False,
        )

    def _fail(self, sent: Told, event: core.RequestFailed) -> Told:
        failure = event.failure
        told = self._replace(statuses=self.statuses | {failure.http_status})
        if isinstance(event, core.WriteConflicted):
            conflicts = self.conflicts + 1
            return told._replace(
                known=core.UNKNOWN, conflicted=True, conflicts=conflicts, failed_write=event, is_unread=True
            )
        if isinstance(event, core.ConfigurationMissing):
            return told._replace(known=None, is_missing=True)
        if isinstance(event, core.TokenRejected):
            return told._replace(preflight=False)
        told = told._replace(failed=event, is_hopeless=self.is_hopeless or not failure.is_retryable)
        if not isinstance(event.step, core.Write):
            return told._replace(in_a_row=self.in_a_row + 1)
        told = told._replace(failed_write=event, is_unread=True, failed_writes=self.failed_writes + 1)
        if failure.outcome_unknown:
            assert sent.under_way
            doubtful = self.doubtful | {event.step.after}
            return told._change()._replace(unresolved=event.step, doubtful=doubtful)
        return told

    def _read(self, stored: Configuration | None) -> Told:
        told = self
        if self.unresolved and stored == self.unresolved.after:
            told = told._found(self.unresolved)._replace(was_found=self.verdicts is None or self.was_found)
            if isinstance(self.failed_write, core.ResponseDiffered):
                # Cortex has accepted it, and only its response was wrong.
                told = told._replace(is_hopeless=False)
        # It took effect, or another client wrote: that cannot be told apart.
        differs = self.unresolved is not None and stored != self.shown
        return told._replace(
            shown=stored,
            known=stored,
            is_fresh=True,
            unresolved=None,
            is_unread=False,
            seen=stored or self.seen,
            must_be_changed=self.must_be_changed or differs or stored in self.doubtful,
        )

    def _change(self) -> Told:
        return self if self.may_be_changed else self._replace(may_be_changed=True, first=self.shown)

    def _found(self, write: core.Write) -> Told:
        if self.verdicts is not None:
            return self._replace(undone=True)
        return self._replace(own=write, was_found=False, replaced=self.seen)


# The table of the documentation


def write_for(goal: Goal, stored: core.Stored) -> core.Write | None:
    """Return the write for the stored configuration."""
    if goal.reads_only or stored is core.UNKNOWN:
        return None
    if goal.desired is None:
        return core.Write("delete") if stored else None
    if stored is None:
        return core.Write("add", goal.desired)
    assert isinstance(stored, Configuration)
    is_same_token = stored.last_four == goal.desired.last_four
    is_same_flag = stored.is_token_readonly == goal.desired.is_token_readonly
    sends_token = {"on_change": not is_same_token, "always": True, "on_create": False}[goal.update_token]
    return core.Write("replace", goal.desired) if sends_token or not is_same_flag else None


def is_wrong_previous_token(goal: Goal, stored: core.Stored) -> bool:
    """Return whether ``previous_token``, which a rollback would store, cannot be the stored token."""
    if goal.desired is None or not goal.rollback or not goal.validate or goal.previous_last_four is None:
        return False
    return isinstance(stored, Configuration) and stored.last_four not in {
        goal.desired.last_four,
        goal.previous_last_four,
    }


def undo_for(goal: Goal, told: Told) -> core.Write | None:
    """Return the write of the rollback; None if there cannot be one."""
    if told.replaced is None:
        return core.Write("delete")
    assert goal.desired
    if goal.previous_last_four is None or told.replaced.last_four == goal.desired.last_four:
        return None
    flag = goal.previous_is_token_readonly
    if flag is None:
        flag = told.replaced.is_token_readonly
    return core.Write("replace", Configuration(flag, goal.previous_last_four), "previous_token")


# Facts if there is no other client


class Truth(NamedTuple):
    """The configuration at first and now, and whether a write of the client took effect."""

    first: World
    now: World
    has_written: bool


#: Every truth in which what a client was told is possible without any other client.
Truths = frozenset[Truth]
AT_FIRST: Truths = frozenset(Truth(world, world, False) for world in WORLDS)


def responded(truths: Truths, request: core.Request, event: core.Event) -> Truths:
    """Return the possible facts after a request was carried out and led to an event."""
    return frozenset(
        Truth(truth.first, after, truth.has_written or isinstance(event, core.WriteAccepted))
        for truth in truths
        for possible, after in respond(request, truth.now)
        if possible == event
    )


def met(truths: Truths, request: core.Request, fault: FaultKind) -> Truths:
    """Return the possible facts after a fault."""
    if not isinstance(request, core.Write):
        return truths
    if isinstance(fault.event, core.WriteConflicted):
        return frozenset(truth for truth in truths if truth.now is None)
    return frozenset(
        Truth(truth.first, after, truth.has_written or has_effect)
        for truth in truths
        for has_effect in fault.effects
        for after in ([after for _event, after in respond(request, truth.now)] if has_effect else [truth.now])
    )
