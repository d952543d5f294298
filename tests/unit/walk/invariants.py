# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold in every run of one controller, whatever the others do and whatever goes wrong.

Each invariant is a function of a story: what a run sent, what came back, and what it reported. It returns whether it
holds. None of them uses code of the product.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from .run import Run, Step
from .tasks import RETRIES, Task
from .world import OWN, SECRETS, WRITES, Look, Stored, World, look

#: Nothing is known about what is stored.
UNKNOWN = Look("unknown", False)
#: A rollback that is not possible.
NOTHING = Stored("nothing", False)
#: The requests of a run without faults, and what each fault may add.
MAX_REQUESTS, MAX_REQUESTS_PER_FAULT = 8, 2
MAX_WAIT = 60 + 30


class Story:
    """A run, and what follows from what its controller was told."""

    def __init__(self, run: Run, number_of_faults: int) -> None:
        self.run = run
        self.task: Task = run.task
        self.steps = run.steps
        self.result = run.result
        self.number_of_faults = number_of_faults
        self.failed: bool = run.result.get("failed", False)
        self.verdict: Step | None = None
        self.preflight: bool | None = None
        #: Before each step, what was shown last.
        self.shown: list[Look | None] = []
        #: For each step, whether it belongs to a rollback.
        self.undoes: list[bool] = []
        #: What is stored, as far as the controller knows.
        self.known: Look | None = UNKNOWN
        #: The last write of the token that was accepted, or found by reading what is stored: its number.
        self.own_write: int | None = None
        self.rolled_back = False
        self._follow()

    def _follow(self) -> None:
        shown: Look | None = UNKNOWN
        unknown: int | None = None
        for number, (request, reply, _waited) in enumerate(self.steps):
            self.shown.append(shown)
            self.undoes.append(self.verdict is not None)
            kind = reply.kind
            if kind == "shows":
                shown = self.known = reply.value
                if unknown is not None and shown == look(self.steps[unknown].request.after):
                    self._found(unknown)
                unknown = None
            elif kind == "accepted":
                self.known = look(request.after)
                self._found(number)
            elif kind == "exists":
                self.known = UNKNOWN
            elif kind == "nothing":
                self.known = None
            elif kind == "verdict":
                if request.operation == "abilities":
                    self.preflight = reply.value
                else:
                    self.verdict = self.steps[number]
            elif kind == "unknown" and request.operation in WRITES:
                self.known = UNKNOWN
                unknown = number

    def _found(self, number: int) -> None:
        if self.undoes[number]:
            self.rolled_back = True
        else:
            self.own_write = number

    def writes(self) -> Iterator[tuple[int, Step]]:
        """Yield the writes with their numbers."""
        return ((number, step) for number, step in enumerate(self.steps) if step.request.operation in WRITES)

    @property
    def last_shown(self) -> Look | None:
        """What was shown last, at the end."""
        shown = [step.reply.value for step in self.steps if step.reply.kind == "shows"]
        return shown[-1] if shown else UNKNOWN

    def wrong_previous_token(self, shown: Look | None) -> bool:
        """Return whether ``previous_token`` cannot be what is shown."""
        is_used = self.task.state == "present" and self.task.rollback and self.task.validate and self.task.previous
        last_fours = [_last_four(OWN), _last_four(self.task.previous or OWN)]
        return bool(is_used and shown and shown.last_four not in last_fours)

    @property
    def was_stopped(self) -> bool:
        """Whether the options and the world say that nothing may be written."""
        shown = self.last_shown
        if shown is UNKNOWN or self.task.write_for(shown) not in ("add", "replace"):
            return False
        return self.wrong_previous_token(shown) or self.preflight is False

    @property
    def is_predicted(self) -> bool:
        """Whether this is a run in check mode that would write."""
        shown = self.last_shown
        if not self.task.check_mode or shown is UNKNOWN or self.was_stopped:
            return False
        write = self.task.write_for(shown)
        return write == "delete" or (write is not None and (not self.task.preflight or self.preflight is True))

    def undo_target(self) -> World:
        """Return what a rollback has to store, None for nothing at all; NOTHING if it is not possible."""
        assert self.own_write is not None
        reads = [step.reply.value for step in self.steps[: self.own_write] if step.reply.kind == "shows"]
        writes = [step.request.operation for step in self.steps[: self.own_write + 1]]
        if not any(reads) and "replace" not in writes:
            return None
        replaced = [read for read in reads if read][-1]
        if not self.task.previous or replaced.last_four == _last_four(OWN):
            return NOTHING
        flag = self.task.previous_flag
        return Stored(self.task.previous, replaced.is_token_readonly if flag is None else flag)

    @property
    def is_refused(self) -> bool:
        """Whether PagerDuty, a verdict or an option that does not fit what is stored ended the run."""
        return self.was_stopped or (self.verdict is not None and self.verdict.reply.value is not True)

    @property
    def must_be_changed(self) -> bool:
        """Whether a write took effect, or the controller cannot exclude it."""
        if self.is_predicted:
            return True
        for number, (request, reply, _waited) in self.writes():
            if reply.kind == "accepted":
                return True
            if reply.kind == "unknown":
                after = [step.reply.value for step in self.steps[number:] if step.reply.kind == "shows"]
                # What was there before is there still: it did not take effect, or not yet.
                if not after or after[0] != self.shown[number] or look(request.after) in after:
                    return True
        return False

    @property
    def may_be_changed(self) -> bool:
        """Whether a write was sent that was not refused."""
        return self.is_predicted or any(step.reply.kind in ("accepted", "unknown") for _number, step in self.writes())

    @property
    def before(self) -> Look | None:
        """What was shown last before the first write that took effect, or may have."""
        for number, step in self.writes():
            if step.reply.kind in ("accepted", "unknown"):
                return self.shown[number]
        return self.last_shown

    @property
    def after(self) -> Look | None:
        """What is stored in the end, as far as the controller knows (in check mode: as it would be)."""
        return look(self.task.wanted) if self.is_predicted else self.known


def _last_four(token: str) -> str:
    shown = look(Stored(token, False))
    assert shown
    return shown.last_four


# What is sent


def reads_first(story: Story) -> bool:
    """The first request reads what is stored."""
    return not story.steps or story.steps[0].request.operation == "get"


def sends_only_known_requests(story: Story) -> bool:
    """Each request is one of the API, with the right host and secret, a timeout and a verified certificate."""
    return not story.run.mistakes


def writes_only_after_a_read(story: Story) -> bool:
    """Each write follows a successful read, or repeats a write that certainly was not carried out.

    So after a write with an unknown outcome none is sent before the configuration was read.
    """
    for number, step in story.writes():
        earlier = [each for each in story.steps[:number] if each.request.operation != "abilities"]
        if not earlier:
            return False
        request, reply, _waited = earlier[-1]
        is_again = request == step.request and reply.kind == "refused" and reply.may_retry
        if reply.kind != "shows" and not is_again:
            return False
    return True


def writes_what_the_table_says(story: Story) -> bool:
    """Each write is the one that the table of the documentation says for what was read last."""
    for number, step in story.writes():
        if not story.undoes[number]:
            operation = story.task.write_for(story.shown[number])
            if step.request.operation != operation or step.request.sent != story.task.wanted:
                return False
    return True


def reading_tasks_write_nothing(story: Story) -> bool:
    """Check mode and info send no write."""
    return not (story.task.check_mode or story.task.is_info) or not any(story.writes())


def looks_again_after_a_conflict(story: Story) -> bool:
    """An addition that is refused because there is a configuration by now is followed by a read."""
    return all(
        following.request.operation == "get"
        for (_request, reply, _waited), following in pairwise(story.steps)
        if reply.kind == "exists"
    ) and (not story.steps or story.steps[-1].reply.kind != "exists")


def asks_pagerduty_before_it_writes(story: Story) -> bool:
    """With preflight the token is written only after PagerDuty has accepted it.

    PagerDuty is asked only before such a write, once, and again only if it gave no verdict.
    """
    has_verdict = False
    accepted = False
    for number, (request, reply, _waited) in enumerate(story.steps):
        if request.operation == "abilities":
            shown = story.shown[number]
            is_due = story.task.preflight and not has_verdict and shown is not UNKNOWN
            if not is_due or story.task.write_for(shown) not in ("add", "replace"):
                return False
            has_verdict = reply.kind == "verdict"
            accepted = has_verdict and reply.value
        elif request.sent == Stored(OWN, story.task.flag) and story.task.preflight and not accepted:
            return False
    return True


def writes_over_the_previous_token_only(story: Story) -> bool:
    """With a previous token to go back to, nothing is asked or written where another token than that is stored."""
    return not any(
        story.wrong_previous_token(story.shown[number])
        for number, step in enumerate(story.steps)
        if step.request.operation in ("abilities", *WRITES) and not story.undoes[number]
    )


def validates_what_is_stored(story: Story) -> bool:
    """Validation is sent if it is asked for, once, when nothing is left to write; never for what is to be absent."""
    task = story.task
    has_verdict = False
    for number, (request, reply, _waited) in enumerate(story.steps):
        if request.operation != "validate":
            continue
        if not task.validate or task.state == "absent" or has_verdict:
            return False
        has_verdict = reply.kind == "verdict"
        last = next(s for s in reversed(story.steps[:number]) if s.request.operation not in ("abilities", "validate"))
        if task.is_info:
            is_due = last.reply.kind == "shows" and last.reply.value is not None
        else:
            is_due = last.reply.kind == "accepted" or _nothing_is_left(story, number)
        if not is_due:
            return False
    return True


def rolls_back_its_own_write_only(story: Story) -> bool:
    """After a verdict only a rollback is sent: with `rollback`, for a verdict of not valid on a write of this task.

    It begins with a read, and undoes the write only if that shows exactly what this task has written.
    """
    task = story.task
    for number, step in enumerate(story.steps):
        if not story.undoes[number]:
            continue
        assert story.verdict
        may_undo = task.rollback and task.validate and story.verdict.reply.value is False
        if not may_undo or story.own_write is None or story.undo_target() == NOTHING:
            return False
        operation = step.request.operation
        if operation == "get":
            continue
        target = story.undo_target()
        if operation != ("replace" if target else "delete") or step.request.sent != target:
            return False
        if story.shown[number] != look(task.wanted):
            return False
    return True


def does_not_leave_out_a_rollback(story: Story) -> bool:
    """A verdict of not valid is followed by the rollback, if that is asked for and possible."""
    task = story.task
    verdict = story.verdict
    is_due = task.rollback and verdict is not None and verdict.reply.value is False and story.own_write is not None
    if not is_due or task.is_info or story.undo_target() == NOTHING:
        return True
    assert verdict
    after = story.steps[story.steps.index(verdict) + 1 :]
    if not after:
        return False
    shows_own = after[-1].reply.kind == "shows" and after[-1].reply.value == look(task.wanted)
    # The last of some reads shows the own write: it is undone, unless the attempts are used up.
    return not shows_own or any(step.request.operation in WRITES for step in after)


def comes_to_an_end(story: Story) -> bool:
    """A run without faults sends at most eight requests, and each fault adds at most two."""
    return len(story.steps) <= MAX_REQUESTS + MAX_REQUESTS_PER_FAULT * story.number_of_faults


def waits_before_it_retries(story: Story) -> bool:
    """After a fault that may pass there is a wait, as long as the server asks for, and never a very long one."""
    for (_request, reply, _before), (_next, _reply, waited) in pairwise(story.steps):
        least = reply.wait or 0.1
        if reply.may_retry and not least <= waited <= MAX_WAIT:
            return False
        if not reply.may_retry and waited:
            return False
    return True


def gives_up_only_for_a_reason(story: Story) -> bool:
    """A task fails only for a fault that does not pass, for more faults than retries, or for a reason of its own.

    That is a token that is not valid or not accepted, a previous token that is not the stored one, or another client
    that removes the configuration: before it is validated, or again after it was in the way of an addition.
    """
    if not story.failed or story.is_refused:
        return True
    replies = [reply for _request, reply, _waited in story.steps if reply.is_fault]
    if any(not reply.may_retry for reply in replies) or len(replies) > RETRIES:
        return True
    kinds = [reply.kind for _request, reply, _waited in story.steps]
    return "nothing" in kinds or ("exists" in kinds and story.last_shown is None) or kinds.count("exists") > 1


def repeats_only_what_may_pass(story: Story) -> bool:
    """A fault that does not pass is not tried again: neither the request nor, after a read, the write."""
    for number, (request, reply, _waited) in enumerate(story.steps):
        if reply.is_fault and not reply.may_retry:
            later = story.steps[number + 1 :]
            is_repeated = bool(later) and later[0].request == request
            writes_again = any(
                step.request.operation in WRITES and story.undoes[position] == story.undoes[number]
                for position, step in enumerate(later, number + 1)
            )
            if is_repeated or writes_again:
                return False
    return True


def repeats_no_more_often_than_asked(story: Story) -> bool:
    """After a fault that may pass, a request is sent again `retries` times at most, and a write after a read too."""
    in_a_row = 0
    unknown = {False: 0, True: 0}
    for number, (request, reply, _waited) in enumerate(story.steps):
        is_again = number > 0 and request == story.steps[number - 1].request
        in_a_row = in_a_row + 1 if is_again else 0
        if request.operation in WRITES:
            if unknown[story.undoes[number]] > RETRIES:
                return False
            unknown[story.undoes[number]] += reply.kind == "unknown"
        if in_a_row > RETRIES:
            return False
    return True


# What is reported


def _nothing_is_left(story: Story, upto: int) -> bool:
    """Return whether what was read last before a step, or what was found after a write, is what is wanted."""
    shown = story.shown[upto] if upto < len(story.steps) else story.last_shown
    if shown is UNKNOWN:
        return False
    if story.task.write_for(shown) is None:
        return True
    return story.own_write is not None and shown == look(story.task.wanted)


def succeeds_only_if_it_is_as_asked(story: Story) -> bool:
    """A task that succeeds knows that what is stored is what was asked for, and valid if that was to be checked."""
    if story.failed:
        return True
    task = story.task
    if not task.is_info and not story.is_predicted:
        others = ("abilities", "validate")
        cortex = [step for step in story.steps if step.request.operation not in others]
        if not cortex or (cortex[-1].reply.kind != "accepted" and not _nothing_is_left(story, len(story.steps))):
            return False
        if task.validate and task.state == "present":
            return story.verdict is not None and story.verdict.reply.value is True
    if task.is_info and task.validate and story.last_shown:
        return story.verdict is not None or story.known is None
    return bool(story.steps) and story.last_shown is not UNKNOWN and not story.was_stopped


def reports_what_it_learned(story: Story) -> bool:
    """`configuration` and `diff.after` are what was stored when the controller last learned it, or unknown."""
    result = story.result
    shown, after = _value(result["configuration"]), story.after
    if story.task.is_info:
        return shown == (None if after is UNKNOWN or (story.failed and after is None) else after)
    return shown == (None if after is UNKNOWN else after) and _state(result["diff"]["after"]) == after


def reports_what_was_before(story: Story) -> bool:
    """`diff.before` is what was stored before the first write that took effect, or may have."""
    return story.task.is_info or _state(story.result["diff"]["before"]) == story.before


def reports_each_change(story: Story) -> bool:
    """`changed` is true if a write took effect, or may have; it is false only if none did."""
    changed = story.result["changed"]
    return changed in (True, False) and story.must_be_changed <= changed <= story.may_be_changed


def reports_verdicts(story: Story) -> bool:
    """`validation` is Cortex's verdict and `preflight` PagerDuty's; null where there is none."""
    verdict = story.verdict
    said = story.result["validation"]
    if (said is None) != (verdict is None) or (verdict and said["is_valid"] != bool(verdict.reply.value)):
        return False
    return story.task.is_info or story.result["preflight"] == story.preflight


def reports_rollbacks(story: Story) -> bool:
    """`rolled_back` and the message say whether the write was undone."""
    if story.task.is_info:
        return True
    says = "Rolled back: " in story.result.get("msg", "")
    is_denied = "othing was rolled back" in story.result.get("msg", "")
    is_restored = story.result["diff"]["after"].get("token") == "restored"
    is_removed = story.rolled_back and story.undo_target() is None
    was_validated = any(step.request.operation == "validate" for step in story.steps)
    is_explained = says or is_denied or "The rollback " in story.result.get("msg", "")
    if story.task.rollback and was_validated and is_explained != story.failed:
        return False
    if says and is_removed != ("Rolled back: the configuration is removed again." in story.result["msg"]):
        return False
    return (
        story.result["rolled_back"] == story.rolled_back == says
        and is_restored == (story.rolled_back and not is_removed)
        and not (says and is_denied)
    )


def reports_tokens_that_were_sent_again(story: Story) -> bool:
    """A task says in the diff that the token was sent again, if it has sent a replacement and that token is stored."""
    if story.task.is_info:
        return True
    diff = story.result["diff"]
    result = diff["after"].get("token")
    if diff["before"].get("token") != ("stored" if result else None):
        return False
    if story.failed and (story.rolled_back or story.after != look(story.task.wanted)):
        return story.rolled_back or result is None
    if story.is_predicted:
        return bool(result == ("sent again" if story.task.write_for(story.last_shown) == "replace" else None))
    step = story.steps[story.own_write] if story.own_write is not None else None
    if step and step.reply.kind == "unknown" and story.before == look(story.task.wanted):
        return bool(result == "may have been sent again")
    return bool(result == ("sent again" if step and step.request.operation == "replace" else None))


def ends_a_message_with_what_is_stored(story: Story) -> bool:
    """The message of a failure ends with what is stored now, or that it is unknown, or that nothing was changed."""
    if not story.failed or story.task.is_info:
        return True
    msg = story.result["msg"]
    after = story.after
    if after is UNKNOWN:
        if story.result["changed"]:
            return bool(msg.endswith("The current configuration is unknown: the write may have been applied."))
        return bool(msg.endswith("Nothing was changed."))
    stored = "none"
    if after:
        stored = f"a token ending in {after.last_four}, is_token_readonly={str(after.is_token_readonly).lower()}"
    start = f"Current configuration: {stored}"
    token = story.result["diff"]["after"].get("token")
    note = ""
    if after == story.before:
        note = f" (token {token})" if token else "" if story.result["changed"] else " (unchanged)"
    return bool(msg.endswith(f"{start}{note}."))


def names_the_status(story: Story) -> bool:
    """`http_status` is one that Cortex responded with in this run."""
    statuses = [step.reply.status for step in story.steps if step.request.operation != "abilities"]
    return "http_status" not in story.result or story.result["http_status"] in statuses


def fails_with_a_message(story: Story) -> bool:
    """A task that fails says why, in the words of the product and not of an exception."""
    msg = story.result.get("msg", "")
    return bool(msg) == story.failed and "unexpected error" not in msg


def shows_no_secret(story: Story) -> bool:
    """No result, message or warning contains an API key or a token."""
    shown = json.dumps([story.result, story.run.warnings])
    return not any(secret in shown for secret in SECRETS)


def _value(configuration: dict[str, Any] | None) -> Look | None:
    return Look(configuration["last_four"], configuration["is_token_readonly"]) if configuration else None


def _state(state: dict[str, Any]) -> Look | None:
    if state["state"] == "present":
        return _value(state)
    return UNKNOWN if state["state"] == "unknown" else None


INVARIANTS: list[Callable[[Story], bool]] = [
    reads_first,
    sends_only_known_requests,
    writes_only_after_a_read,
    writes_what_the_table_says,
    looks_again_after_a_conflict,
    reading_tasks_write_nothing,
    asks_pagerduty_before_it_writes,
    writes_over_the_previous_token_only,
    validates_what_is_stored,
    rolls_back_its_own_write_only,
    does_not_leave_out_a_rollback,
    comes_to_an_end,
    waits_before_it_retries,
    gives_up_only_for_a_reason,
    repeats_only_what_may_pass,
    repeats_no_more_often_than_asked,
    succeeds_only_if_it_is_as_asked,
    reports_what_it_learned,
    reports_what_was_before,
    reports_each_change,
    reports_verdicts,
    reports_rollbacks,
    reports_tokens_that_were_sent_again,
    ends_a_message_with_what_is_stored,
    names_the_status,
    fails_with_a_message,
    shows_no_secret,
]


def broken(story: Story) -> Callable[[Story], bool] | None:
    """Return the first invariant that does not hold."""
    for invariant in INVARIANTS:
        try:
            holds = invariant(story)
        except (LookupError, AttributeError, TypeError, StopIteration, AssertionError):
            # A story that an invariant does not even understand.
            holds = False
        if not holds:
            return invariant
    return None
