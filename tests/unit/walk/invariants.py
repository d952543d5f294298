"""The invariants at every moment of every task, for all actions of other clients and all faults."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction
from typing import Any, NamedTuple

from ansible_collections.cortexapps.cortex.plugins.module_utils import _knowledge as core
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration

from .oracle import Told, Truths, is_wrong_previous_token, undo_for, write_for
from .world import NOT_VALID, OWN, VALID, Content, World, look

MAX_WAIT, MAX_WAITING = 60 + 30, 600
#: Seconds of each wait: so many that two of them use the time up.
WAITED = 300.0


class Moment(NamedTuple):
    """A task before its next step, or while a write is under way.

    :ivar step: the next one; None while a write is under way.
    :ivar values: the return values, if it ended now.
    :ivar message: the message of its failure, if it ends with one.
    """

    goal: Goal
    told: Told
    truths: Truths
    step: core.Step | None
    values: dict[str, Any]
    message: str

    @property
    def failed(self) -> bool:
        return isinstance(self.step, core.Finish) and self.step.failure is not None

    @property
    def write(self) -> core.Write | None:
        """The write that is sent next, or would be in check mode."""
        step = self.step.write if isinstance(self.step, core.Predict) else self.step
        return step if isinstance(step, core.Write) else None

    @property
    def is_refused(self) -> bool:
        """Whether PagerDuty, a verdict or an option that does not fit what is stored says that nothing may be done."""
        told = self.told
        if told.verdicts is not None:
            return told.verdicts != VALID and not self.goal.reads_only
        write = write_for(self.goal, told.shown)
        sends_token = write is not None and write.after is not None
        return sends_token and (is_wrong_previous_token(self.goal, told.shown) or told.preflight is False)

    @property
    def has_nothing_to_write(self) -> bool:
        """Whether the desired configuration is stored, as far as the client can know."""
        known = self.told.known
        if known is core.UNKNOWN:
            return False
        return write_for(self.goal, known) is None or (self.told.own is not None and known == self.goal.desired)

    @property
    def may_undo(self) -> bool:
        told, goal = self.told, self.goal
        may_undo = goal.rollback and goal.validate and not goal.reads_only and told.verdicts == NOT_VALID
        return may_undo and told.own is not None and undo_for(goal, told) is not None


# Requests


def reads_first(moment: Moment) -> bool:
    """The first request reads the configuration. Nothing else is sent or reported as done before that succeeded."""
    return moment.told.shown is not core.UNKNOWN or isinstance(moment.step, core.Read | core.Wait) or moment.failed


def writes_only_directly_after_a_read(moment: Moment) -> bool:
    """A write follows the read that it was decided on: nothing was sent to Cortex or waited for in between.

    So a write is never repeated blindly, whether its outcome is unknown or it certainly was not carried out.
    """
    return not isinstance(moment.step, core.Write) or moment.told.is_fresh


def writes_what_the_table_says(moment: Moment) -> bool:
    """Each write is the one in the table of the documentation for the configuration that was read last."""
    if moment.write is None or moment.told.verdicts is not None:
        return True
    return moment.write == write_for(moment.goal, moment.told.shown)


def reading_tasks_write_nothing(moment: Moment) -> bool:
    """Check mode and info send no write."""
    return not isinstance(moment.step, core.Write) or not (moment.goal.check_mode or moment.goal.reads_only)


def looks_again_after_a_write_that_may_have_been_applied(moment: Moment) -> bool:
    """A write that may have been applied, or that another client was in the way of, is followed by a read."""
    told = moment.told
    is_due = told.is_unread and (told.conflicted or told.unresolved is not None)
    is_impossible = told.failed is not None and isinstance(told.failed.step, core.Read) and moment.failed
    return not is_due or isinstance(moment.step, core.Read | core.Wait) or is_impossible


def asks_pagerduty_before_it_writes(moment: Moment) -> bool:
    """With preflight the token is written only after PagerDuty has accepted it.

    PagerDuty is asked only before such a write, once, and again only if it gave no verdict.
    """
    goal, told = moment.goal, moment.told
    if isinstance(moment.step, core.CheckToken):
        write = write_for(goal, told.shown)
        return goal.preflight and told.preflight is None and write is not None and write.after is not None
    write = moment.write
    sends_token = write is not None and write.after is not None and write.token == "token"
    return not (sends_token and goal.preflight) or told.preflight is True


def writes_over_the_previous_token_only(moment: Moment) -> bool:
    """With a previous token to go back to, nothing is asked or written where another token than that is stored."""
    acts = isinstance(moment.step, core.CheckToken) or (moment.write is not None and moment.told.verdicts is None)
    return not acts or not is_wrong_previous_token(moment.goal, moment.told.shown)


def validates_what_is_stored(moment: Moment) -> bool:
    """Validation is sent if it is asked for, once, when nothing is left to write; never for an absent configuration."""
    goal, told = moment.goal, moment.told
    if not isinstance(moment.step, core.Validate):
        return True
    if not goal.validate or told.verdicts is not None or told.is_predicted:
        return False
    if goal.reads_only:
        return isinstance(told.known, Configuration)
    return goal.desired is not None and moment.has_nothing_to_write


def rolls_back_its_own_write_only(moment: Moment) -> bool:
    """After a verdict only a rollback is sent: with `rollback`, for a verdict of not valid on a write of this task.

    It begins with a read, and undoes the write only if that shows exactly what this task has written.
    """
    told, step = moment.told, moment.step
    if told.verdicts is None or step is None or isinstance(step, core.Finish):
        return True
    if not moment.may_undo or told.undone or told.own is None:
        return False
    if isinstance(step, core.Write):
        return step == undo_for(moment.goal, told) and told.shown == told.own.after
    return isinstance(step, core.Read | core.Wait)


def does_not_leave_out_a_rollback(moment: Moment) -> bool:
    """A verdict of not valid is followed by the rollback, if that is asked for and possible."""
    told = moment.told
    if not (isinstance(moment.step, core.Finish) and moment.may_undo):
        return True
    assert told.own
    is_overtaken = told.is_fresh and told.shown != told.own.after
    return told.undone or is_overtaken or told.failed is not None or told.failed_write is not None


def waits_before_it_retries(moment: Moment) -> bool:
    """After a fault that may pass there is one wait, as long as the server asks for, and never a very long one.

    All waits of a task together take ten minutes at most.
    """
    failed, step = moment.told.failed, moment.step
    is_due = failed is not None and failed.failure.is_retryable and not moment.told.waited and _may_wait(moment.told)
    if isinstance(step, core.Wait):
        assert failed
        return is_due and step.backoff > 0 and failed.failure.retry_after == step.retry_after <= MAX_WAIT - step.backoff
    return not is_due or moment.failed


def _may_wait(told: Told) -> bool:
    return told.all_waits * WAITED < MAX_WAITING


def repeats_only_what_may_pass(moment: Moment) -> bool:
    """A fault that does not pass is not tried again: neither the request nor, after a read, the write.

    Nor is a write that was rejected because another client came first, although what is stored asks for it again.
    """
    told = moment.told
    if isinstance(moment.step, core.Write):
        # One conflict is a race. The same again has another reason.
        return not (told.is_hopeless or _is_rejected_again(told, moment.step))
    return told.failed is None or told.failed.failure.is_retryable or moment.step != told.failed.step


def _is_rejected_again(told: Told, write: core.Write | None) -> bool:
    """Return whether a write is the one that was rejected last because another client came first."""
    conflict = told.failed_write.step if isinstance(told.failed_write, core.WriteConflicted) else None
    return isinstance(conflict, core.Write) and write is not None and conflict.operation == write.operation


def repeats_no_more_often_than_asked(moment: Moment) -> bool:
    """After a fault that may pass, a request is sent again `retries` times at most, and a write after a read too."""
    told = moment.told
    if isinstance(moment.step, core.Write):
        return told.failed_writes <= moment.goal.retries
    is_again = told.failed is not None and moment.step == told.failed.step
    return not is_again or told.in_a_row <= moment.goal.retries


def gives_up_only_for_a_reason(moment: Moment) -> bool:
    """A task fails only for a fault that does not pass, for more faults than retries, or for a reason of its own.

    That is a token that is not valid or not accepted, a previous token that is not the stored one, or another client
    that removes the configuration: before it is validated, or that seems to: the same write would be rejected again.
    """
    told, retries = moment.told, moment.goal.retries
    if not moment.failed or moment.is_refused or told.is_hopeless or told.is_missing:
        return True
    if told.in_a_row > retries or told.failed_writes > retries or not _may_wait(told):
        return True
    due = write_for(moment.goal, told.shown) if told.verdicts is None else None
    return told.conflicts > 1 or _is_rejected_again(told, due)


def succeeds_only_if_it_is_as_asked(moment: Moment) -> bool:
    """A task that succeeds knows that the desired configuration is stored, and valid if that was to be checked."""
    goal, told = moment.goal, moment.told
    if not isinstance(moment.step, core.Finish) or moment.failed:
        return True
    if goal.reads_only:
        is_validated = told.verdicts is not None or told.known is None
        return told.shown is not core.UNKNOWN and (not goal.validate or is_validated)
    if moment.is_refused or told.failed or not (moment.has_nothing_to_write or told.is_predicted):
        return False
    is_to_validate = goal.validate and goal.desired is not None and not told.is_predicted
    return not is_to_validate or told.verdicts == VALID


# Reports, at any moment


def reports_what_it_learned(moment: Moment) -> bool:
    """`configuration` and `diff.after` are the stored configuration when the client last learned it, or unknown."""
    shown, after = _configuration(moment.values["configuration"]), moment.told.after
    if moment.goal.reads_only:
        return shown == (None if after is core.UNKNOWN else after)
    return shown == (None if after is core.UNKNOWN else after) and _state(moment.values["diff"]["after"]) == after


def reports_what_was_before(moment: Moment) -> bool:
    """`diff.before` is the configuration before the first write that took effect, or may have."""
    return moment.goal.reads_only or _state(moment.values["diff"]["before"]) == moment.told.before


def reports_each_change(moment: Moment) -> bool:
    """`changed` is true if a write took effect, or may have; it is false only if none did."""
    told, changed = moment.told, moment.values["changed"]
    is_open = told.under_way is not None or told.unresolved is not None
    must, may = told.must_be_changed or is_open, told.may_be_changed or is_open
    return changed in (True, False) and must <= changed <= may


def reports_verdicts(moment: Moment) -> bool:
    """`validation` is Cortex's verdict and `preflight` PagerDuty's; null where there is none."""
    verdicts, said = moment.told.verdicts, moment.values["validation"]
    if (said is None) != (verdicts is None) or (said and said["is_valid"] != (verdicts == VALID)):
        return False
    return moment.goal.reads_only or moment.values["preflight"] == moment.told.preflight


def reports_rollbacks(moment: Moment) -> bool:
    """`rolled_back` and the diff say whether the write was undone."""
    told, values = moment.told, moment.values
    if moment.goal.reads_only:
        return True
    before, after = values["diff"]["before"], values["diff"]["after"]
    is_restored = after.get("token") == "restored"
    if (before.get("token") == "stored") != ("token" in after and before["state"] == "present"):
        return False
    return bool(values["rolled_back"] == told.undone) and is_restored == (told.undone and told.after is not None)


def reports_tokens_that_were_sent_again(moment: Moment) -> bool:
    """The diff says that the token was sent again where it would show no difference otherwise."""
    told = moment.told
    if moment.goal.reads_only or told.undone:
        return True
    diff = moment.values["diff"]
    is_same = told.own is not None and told.own.after == told.after == told.before
    note = ("may have been sent again" if told.was_found else "sent again") if is_same else None
    said = [diff[name].get("token") for name in ("before", "after")]
    return said == ["stored" if note else None, note]


def ends_a_message_with_what_is_stored(moment: Moment) -> bool:
    """The message of a failure ends with what is stored now, or that it is unknown, or that nothing was changed."""
    if not moment.failed or moment.goal.reads_only:
        return True
    after, changed = moment.told.after, moment.values["changed"]
    if after is core.UNKNOWN:
        sentence = "The current configuration is unknown: the write may have been applied."
        return moment.message.endswith(sentence if changed else "Nothing was changed.")
    stored = "none"
    if isinstance(after, Configuration):
        stored = f"a token ending in {after.last_four}, is_token_readonly={str(after.is_token_readonly).lower()}"
    note = ""
    if after == moment.told.before:
        token = moment.values["diff"]["after"].get("token")
        note = f" (token {token})" if token else "" if changed else " (unchanged)"
    return moment.message.endswith(f"Current configuration: {stored}{note}.")


def says_what_happened(moment: Moment) -> bool:
    """The message of a failure says each thing that the client knows of it, and nothing else."""
    goal, told = moment.goal, moment.told
    if not moment.failed:
        return moment.message == ""
    failed, verdicts = told.failed, told.verdicts
    last = failed or told.failed_write
    is_reading = failed is not None and isinstance(failed.step, core.Read)
    is_validating = failed is not None and isinstance(failed.step, core.Validate)
    due = write_for(goal, told.shown) if verdicts is None and failed is None and not told.is_unread else None
    is_wrong_token = due is not None and is_wrong_previous_token(goal, told.shown)
    undo = undo_for(goal, told) if told.own else None
    is_overtaken = told.own is not None and told.is_fresh and told.shown != told.own.after
    is_other_reason = told.undone or told.is_missing or is_wrong_token or (verdicts is not None and is_overtaken)
    is_writing = failed is None or isinstance(failed.step, core.Write)
    attempts, waits = (told.failed_writes, told.write_waits) if is_writing else (told.in_a_row, told.waits)
    gave_up = last is not None and last.failure.is_retryable and goal.retries > 0 and not is_other_reason
    asks_to_undo = goal.rollback and not goal.reads_only
    cannot_undo = asks_to_undo and verdicts == NOT_VALID and told.own is not None and undo is None
    gives_up_undoing = moment.may_undo and not told.undone
    has_no_verdict = told.is_missing or is_validating or (verdicts == () and told.own is not None)
    said = {
        f"Gave up after {attempts} attempts and {waits * WAITED:.0f} s of waiting.": gave_up,
        "Gave up after ": gave_up,
        "Reading the current configuration failed too. ": is_reading and told.is_unread,
        "previous_token does not match the stored token": is_wrong_token,
        "Another client removed it before it could be validated.": told.is_missing,
        "token is not valid: PagerDuty does not accept the token.": verdicts == NOT_VALID,
        "token is not valid: it lists no verdict.": verdicts == (),
        "Nothing was rolled back: this task did not write": asks_to_undo and verdicts is not None and not told.own,
        "To replace it, run the task with a valid token.": verdicts is not None and not (told.own and goal.rollback),
        "Nothing was rolled back: Cortex gave no verdict.": asks_to_undo and has_no_verdict,
        "Nothing was rolled back: Cortex does not return": cannot_undo and goal.previous_last_four is None,
        "had the same last four characters": cannot_undo and goal.previous_last_four is not None,
        "Nothing was rolled back: another client": gives_up_undoing and is_overtaken and not told.failed_write,
        "The rollback was given up: another client": gives_up_undoing and is_overtaken and bool(told.failed_write),
        "The rollback failed.": gives_up_undoing and not is_overtaken,
        "Rolled back: the previous token is stored again.": told.undone and told.after is not None,
        "Rolled back: the configuration is removed again.": told.undone and told.after is None,
    }
    return all((sentence in moment.message) == is_true for sentence, is_true in said.items())


def fails_with_a_message_and_its_status(moment: Moment) -> bool:
    """A task that fails says why; `http_status` is one that Cortex responded with in this task."""
    if not isinstance(moment.step, core.Finish) or moment.step.failure is None:
        return moment.message == ""
    status = moment.step.failure.http_status
    return bool(moment.step.failure.sentences) and (status is None or status in moment.told.statuses)


# Facts, if there is no other client


def tells_the_truth(moment: Moment) -> bool:
    """The reported configuration is the stored one, or unknown."""
    after = core.UNKNOWN if moment.told.is_predicted else moment.told.after
    return after is core.UNKNOWN or all(look(truth.now) == after for truth in moment.truths)


def says_changed_if_it_has_written(moment: Moment) -> bool:
    """`changed` is true if a write took effect, and false at the end if none can have."""
    has_written = {truth.has_written for truth in moment.truths}
    if moment.told.is_predicted or not has_written:
        return True
    changed = moment.values["changed"]
    is_open = moment.told.under_way is not None or moment.told.unresolved is not None
    return changed if True in has_written or is_open else not changed


def leaves_the_old_or_the_new(moment: Moment) -> bool:
    """In any case, the previous or the desired configuration is stored."""
    flag, desired = moment.goal.previous_is_token_readonly, moment.goal.desired
    wanted: World = desired and Content(OWN, desired.is_token_readonly)
    for first, now, _has_written in moment.truths:
        restored = first and first._replace(is_token_readonly=first.is_token_readonly if flag is None else flag)
        if now not in (first, wanted) and not (moment.told.verdicts is not None and now == restored):
            return False
    return True


def leaves_what_was_asked_for(moment: Moment) -> bool:
    """A task that succeeds leaves the desired configuration: a token that it must not or cannot tell apart may stay."""
    goal = moment.goal
    if not isinstance(moment.step, core.Finish) or moment.failed or goal.reads_only or goal.check_mode:
        return True
    wanted: World = goal.desired and Content(OWN, goal.desired.is_token_readonly)
    return all(
        now == wanted or (now == first and not has_written and write_for(goal, look(first)) is None)
        for first, now, has_written in moment.truths
    )


def restores_what_was_there(moment: Moment) -> bool:
    """A rollback leaves the previous configuration, with the desired flag."""
    flag = moment.goal.previous_is_token_readonly
    return not moment.told.undone or all(
        now == (first if flag is None or first is None else first._replace(is_token_readonly=flag))
        for first, now, _has_written in moment.truths
    )


def _configuration(value: dict[str, Any] | None) -> Configuration | None:
    return Configuration(value["is_token_readonly"], value["last_four"]) if value else None


def _state(state: dict[str, Any]) -> core.Stored:
    if state["state"] == "present":
        return _configuration(state)
    return core.UNKNOWN if state["state"] == "unknown" else None


#: All functions above but the helpers, whose names begin with an underscore.
INVARIANTS: list[Callable[[Moment], bool]] = [
    each
    for name, each in list(globals().items())
    if isfunction(each) and each.__module__ == __name__ and name[0] != "_"
]
