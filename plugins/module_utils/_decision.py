# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides the next step of a task, from its knowledge and its goal.

Pure: values in, values out. Nothing here sends, waits, or depends on the time, on chance or on the environment.
"""

from __future__ import annotations

import typing as t

from ._errors import Failure
from ._knowledge import (
    Attempts,
    CheckToken,
    Finish,
    Knowledge,
    Predict,
    Read,
    RequestFailed,
    ResponseDiffered,
    Step,
    Stored,
    Validate,
    Wait,
    Write,
    WriteConflicted,
)
from ._redaction import one_line
from ._values import Configuration, Verdict

# Seconds.
MAX_BACKOFF = 30
# Seconds of waiting in a task, all requests together.
MAX_WAITING = 600

READ_BACK_FAILED = "Reading the current configuration failed too."
WRONG_PREVIOUS_TOKEN = "previous_token does not match the stored token, which ends in {}."
SET_PREVIOUS_TOKEN = "Set it to the token that Cortex has now, or omit it."
GAVE_UP = "Gave up after {} attempts and {:.0f} s of waiting."
REMOVED_BY_ANOTHER = "Another client removed it before it could be validated."
NOT_VALID = "Cortex says that the stored PagerDuty token is not valid: {}."
NO_VERDICT = "Nothing was rolled back: Cortex gave no verdict."
NOT_WRITTEN = "Nothing was rolled back: this task did not write the token."
REPLACE_IT = "To replace it, run the task with a valid token."
NO_PREVIOUS_TOKEN = (
    "Nothing was rolled back: Cortex does not return the token that was stored before, and previous_token is not set."
)
SAME_LAST_FOUR = (
    "Nothing was rolled back: the token that was stored before had the same last four characters, so there is no token "
    "to go back to."
)
CHANGED_BY_ANOTHER = "Nothing was rolled back: another client changed the configuration."
ROLLBACK_GIVEN_UP = "The rollback was given up: another client changed the configuration."
ROLLBACK_FAILED = "The rollback failed."
REMOVED_AGAIN = "Rolled back: the configuration is removed again."
RESTORED = "Rolled back: the previous token is stored again."


class Goal(t.NamedTuple):
    """The goal of a task. It contains no token: a step says which one to send.

    :param desired: the configuration to store; None for none.
    :param update_token: the option of this name, as are those that follow.
    :param previous_last_four: the last four characters of ``previous_token``; None if it is not set.
    :param reads_only: the task only reads and validates the stored configuration.
    """

    desired: Configuration | None = None
    update_token: str = "on_change"
    preflight: bool = False
    validate: bool = False
    rollback: bool = False
    previous_last_four: str | None = None
    previous_is_token_readonly: bool | None = None
    retries: int = 0
    check_mode: bool = False
    reads_only: bool = False


def plan(stored: Stored, goal: Goal) -> Write | None:
    """Return the write that leads from the stored to the desired configuration; None if there is nothing to do."""
    if goal.reads_only:
        return None
    desired = goal.desired
    if desired is None:
        return Write("delete") if stored else None
    if not isinstance(stored, Configuration):
        return Write("add", desired)
    token_differs = stored.last_four != desired.last_four
    sends_token = goal.update_token == "always" or (goal.update_token == "on_change" and token_differs)
    if sends_token or stored.is_token_readonly != desired.is_token_readonly:
        return Write("replace", desired)
    return None


def next_step(knowledge: Knowledge, goal: Goal) -> Step:
    """Return the next step of a task."""
    if knowledge.failed:
        return _after_failed_request(knowledge, goal, knowledge.failed)
    if knowledge.missing:
        return _after_missing_configuration(goal, knowledge.missing)
    if knowledge.write_failed and not knowledge.is_fresh:
        return _after_failed_write(knowledge, goal, knowledge.write_failed)
    if knowledge.verdicts is not None:
        return _after_validation(knowledge, goal, knowledge.verdicts)
    if knowledge.is_settled:
        return _after_writing(knowledge, goal)
    if not knowledge.is_fresh:
        return Read()
    return _after_reading(knowledge, goal)


def _after_reading(knowledge: Knowledge, goal: Goal) -> Step:
    write = plan(knowledge.current, goal)
    failed = knowledge.write_failed
    # Cortex accepted the write, and its response was wrong: the stored configuration is as desired.
    is_as_desired = isinstance(failed, ResponseDiffered) and knowledge.current == goal.desired
    if write is None or is_as_desired:
        return _after_writing(knowledge, goal)
    other = _other_than_previous_token(knowledge.current, goal)
    if other:
        return Finish(Failure((WRONG_PREVIOUS_TOKEN.format(other.last_four), SET_PREVIOUS_TOKEN)))
    if write.after and goal.preflight and knowledge.preflight is None:
        return CheckToken()
    if goal.check_mode:
        return Predict(write)
    return _send(write, knowledge, goal)


def _other_than_previous_token(stored: Stored, goal: Goal) -> Configuration | None:
    """Return the stored configuration if a rollback would store another one."""
    if not (goal.validate and goal.rollback and goal.desired and goal.previous_last_four):
        return None
    if not isinstance(stored, Configuration) or stored.last_four in (goal.desired.last_four, goal.previous_last_four):
        return None
    return stored


def _after_writing(knowledge: Knowledge, goal: Goal) -> Step:
    is_predicted = goal.check_mode and knowledge.is_settled
    return Validate() if goal.validate and knowledge.current is not None and not is_predicted else Finish()


def _after_missing_configuration(goal: Goal, missing: RequestFailed) -> Step:
    if goal.reads_only:
        return Finish()
    return Finish(_without_verdict(missing.failure.extended(REMOVED_BY_ANOTHER), goal))


def _after_validation(knowledge: Knowledge, goal: Goal, verdicts: tuple[Verdict, ...]) -> Step:
    if goal.reads_only or is_valid(verdicts):
        return Finish()
    not_valid = _not_valid(verdicts)
    if knowledge.written is None or not goal.rollback:
        return Finish(not_valid.extended(*[NOT_WRITTEN] * goal.rollback, REPLACE_IT))
    if not verdicts:
        return Finish(not_valid.extended(NO_VERDICT))
    undo = plan_rollback(knowledge, goal)
    if isinstance(undo, str):
        return Finish(not_valid.extended(undo))
    if knowledge.rolled_back:
        return Finish(not_valid.extended(RESTORED if undo.after else REMOVED_AGAIN))
    if not knowledge.is_fresh:
        return Read()
    if knowledge.current != knowledge.written.after:
        return Finish(not_valid.extended(ROLLBACK_GIVEN_UP if knowledge.write_failed else CHANGED_BY_ANOTHER))
    return _send(undo, knowledge, goal)


def plan_rollback(knowledge: Knowledge, goal: Goal) -> Write | str:
    """Return the write that undoes the write of this task, or the sentence that says why there is none."""
    desired = t.cast(Configuration, goal.desired)
    if knowledge.replaced is None:
        return Write("delete")
    if goal.previous_last_four is None:
        return NO_PREVIOUS_TOKEN
    if knowledge.replaced.last_four == desired.last_four:
        return SAME_LAST_FOUR
    flag = goal.previous_is_token_readonly
    flag = knowledge.replaced.is_token_readonly if flag is None else flag
    return Write("replace", Configuration(flag, goal.previous_last_four), "previous_token")


def is_valid(verdicts: tuple[Verdict, ...]) -> bool:
    """Return whether there is a verdict, and all of them are good."""
    return bool(verdicts) and all(verdict.is_valid for verdict in verdicts)


# Failures


def _after_failed_request(knowledge: Knowledge, goal: Goal, failed: RequestFailed) -> Step:
    """Return the knowledge after a failed request that changes nothing. It may be repeated in any case."""
    if _is_final(failed.failure, knowledge.attempts, knowledge, goal):
        return Finish(_why_request_failed(knowledge, goal, failed))
    return failed.step if knowledge.has_waited else _wait(failed.failure, knowledge.attempts)


def _after_failed_write(knowledge: Knowledge, goal: Goal, failed: RequestFailed) -> Step:
    """Return the knowledge after a failed write. It is never repeated before the configuration was read again."""
    failure = failed.failure
    was_refused = not failure.outcome_unknown and not isinstance(failed, WriteConflicted)
    attempts = knowledge.write_attempts
    if was_refused and _is_final(failure, attempts, knowledge, goal):
        return _give_up(knowledge, goal, failed)
    may_wait = failure.is_retryable and not knowledge.has_waited and not _takes_too_long(failure, attempts, knowledge)
    return _wait(failure, attempts) if may_wait else Read()


def _send(write: Write, knowledge: Knowledge, goal: Goal) -> Step:
    """Return the step that sends a write, unless writes have failed too often."""
    failed = knowledge.write_failed
    if isinstance(failed, WriteConflicted):
        rejected = failed.step.operation
        # One conflict is a race. The same again has another reason.
        if rejected == write.operation or knowledge.conflicts.count(rejected) > 1:
            return _give_up(knowledge, goal, failed)
    elif failed and _is_final(failed.failure, knowledge.write_attempts, knowledge, goal):
        return _give_up(knowledge, goal, failed)
    return write


def _is_final(failure: Failure, attempts: Attempts, knowledge: Knowledge, goal: Goal) -> bool:
    is_used_up = attempts.failed > goal.retries or _takes_too_long(failure, attempts, knowledge)
    return not failure.is_retryable or is_used_up


def _takes_too_long(failure: Failure, attempts: Attempts, knowledge: Knowledge) -> bool:
    """Return whether the wait that is due would be more than a task may wait in all."""
    wait = _wait(failure, attempts)
    return not knowledge.has_waited and knowledge.waited + wait.retry_after + wait.backoff > MAX_WAITING


def _wait(failure: Failure, attempts: Attempts) -> Wait:
    """Return the wait that is due before the next request, which is longer after each failure."""
    return Wait(failure.retry_after, backoff=min(2.0 ** (attempts.failed - 1), MAX_BACKOFF))


def _why_request_failed(knowledge: Knowledge, goal: Goal, failed: RequestFailed) -> Failure:
    failure = _explained(failed.failure, knowledge.attempts, goal)
    if isinstance(failed.step, Validate):
        return _without_verdict(failure, goal)
    if knowledge.write_failed:
        failure = knowledge.write_failed.failure.extended(READ_BACK_FAILED, *failure.sentences)
    return _of_rollback(knowledge, failure)


def _give_up(knowledge: Knowledge, goal: Goal, failed: RequestFailed) -> Finish:
    return Finish(_of_rollback(knowledge, _explained(failed.failure, knowledge.write_attempts, goal)))


def _explained(failure: Failure, attempts: Attempts, goal: Goal) -> Failure:
    """Return a failure that says how often it was retried."""
    if not (failure.is_retryable and goal.retries):
        return failure
    return failure.extended(GAVE_UP.format(attempts.failed, attempts.waited))


def _of_rollback(knowledge: Knowledge, failure: Failure) -> Failure:
    """Return a failure as it is, or as that of a rollback if there are verdicts."""
    if not knowledge.verdicts:
        return failure
    return failure._replace(
        sentences=(*_not_valid(knowledge.verdicts).sentences, ROLLBACK_FAILED, *failure.sentences),
    )


def _not_valid(verdicts: tuple[Verdict, ...]) -> Failure:
    reasons = [verdict.message.rstrip(". ") for verdict in verdicts if verdict.message]
    reason = one_line("; ".join(reasons)) or ("it gives no reason" if verdicts else "it lists no verdict")
    return Failure((NOT_VALID.format(reason),))


def _without_verdict(failure: Failure, goal: Goal) -> Failure:
    return failure.extended(NO_VERDICT) if goal.rollback else failure
