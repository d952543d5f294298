# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The next step of a task. tests/unit/walk tries every history; these are the tables and sentences that users read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal, next_step
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import Failure
from ansible_collections.cortexapps.cortex.plugins.module_utils._knowledge import (
    CheckToken,
    ConfigurationMissing,
    Event,
    Finish,
    Knowledge,
    Predict,
    Read,
    RequestFailed,
    ResponseDiffered,
    StateRead,
    TokenAccepted,
    TokenRejected,
    Validate,
    Validated,
    Wait,
    Waited,
    Write,
    WriteAccepted,
    WriteConflicted,
    WriteSent,
    learn,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._values import Configuration, Verdict

NEW, OLD = Configuration(True, "ab12"), Configuration(True, "cd34")
FULL_NEW, FULL_OLD = NEW._replace(is_token_readonly=False), OLD._replace(is_token_readonly=False)
PRESENT = Goal(desired=NEW, retries=2)
ROLLBACK = PRESENT._replace(validate=True, rollback=True, previous_last_four="cd34")
ADD, REPLACE, DELETE = Write("add", NEW), Write("replace", NEW), Write("delete")
RESTORE = Write("replace", OLD, "previous_token")
INVALID = Validated((Verdict(None, False, "PagerDuty does not accept the token."),))

FINAL = Failure(("Refused.",), http_status=403)
NOT_NOW = Failure(("Not now.",), http_status=429, is_retryable=True, retry_after=7)
LOST = Failure(("Lost.",), outcome_unknown=True, is_retryable=True)
ODD = Failure(("Odd.",), http_status=200, outcome_unknown=True)


def after(*events: Event) -> Knowledge:
    """Return the knowledge after some events. A write is sent before it has an outcome."""
    knowledge = Knowledge()
    for event in events:
        write = getattr(event, "write", getattr(event, "step", None))
        if isinstance(write, Write):
            knowledge = learn(knowledge, WriteSent(write))
        knowledge = learn(knowledge, event)
    return knowledge


def said(goal: Goal, *events: Event) -> str:
    """Return the message of the failure that some events lead to."""
    step = next_step(after(*events), goal)
    assert isinstance(step, Finish)
    assert step.failure
    return step.failure.message


@pytest.mark.parametrize(
    ("stored", "updates", "expected"),
    [
        (None, ["on_change", "always", "on_create"], ADD),
        (NEW, ["on_change", "on_create"], None),
        (NEW, ["always"], REPLACE),
        (OLD, ["on_change", "always"], REPLACE),
        (OLD, ["on_create"], None),
        (FULL_NEW, ["on_change", "always", "on_create"], REPLACE),
        (FULL_OLD, ["on_change", "always", "on_create"], REPLACE),
    ],
)
def test_present_writes_as_the_table_says(
    stored: Configuration | None, updates: list[str], expected: Write | None
) -> None:
    for update_token in updates:
        goal = PRESENT._replace(update_token=update_token)
        assert next_step(after(StateRead(stored)), goal) == (expected or Finish())
        predicted = next_step(after(StateRead(stored)), goal._replace(check_mode=True))
        assert predicted == (Predict(expected) if expected else Finish())


@pytest.mark.parametrize(("stored", "expected"), [(OLD, DELETE), (None, Finish())])
def test_absent_deletes_the_configuration(stored: Configuration | None, expected: Any) -> None:
    # There is no preflight and no validation before a removal.
    goal = Goal(preflight=True, validate=True, rollback=True)
    assert next_step(after(StateRead(stored)), goal) == expected


def test_token_is_checked_once_before_the_first_write() -> None:
    goal = PRESENT._replace(preflight=True)
    assert next_step(Knowledge(), goal) == Read()
    assert next_step(after(StateRead(NEW)), goal) == Finish()
    assert next_step(after(StateRead(OLD)), goal) == CheckToken()
    assert next_step(after(StateRead(OLD), TokenAccepted()), goal) == REPLACE
    conflict = WriteConflicted(ADD, FINAL)
    assert next_step(after(StateRead(None), TokenAccepted(), conflict, StateRead(OLD)), goal) == REPLACE


def test_rejected_token_ends_the_task() -> None:
    rejected = TokenRejected(CheckToken(), FINAL._replace(http_status=None))
    assert said(PRESENT._replace(preflight=True), StateRead(OLD), rejected) == "Refused."


WAITED = Waited(8)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([RequestFailed(REPLACE, NOT_NOW)], Wait(7, 1)),
        ([RequestFailed(REPLACE, NOT_NOW), WAITED], Read()),
        ([RequestFailed(REPLACE, NOT_NOW), WAITED, StateRead(OLD)], REPLACE),
        ([RequestFailed(REPLACE, NOT_NOW), WAITED, StateRead(None)], ADD),
        ([RequestFailed(REPLACE, NOT_NOW), WAITED, StateRead(NEW)], Finish()),
        ([RequestFailed(REPLACE, LOST), WAITED], Read()),
        ([RequestFailed(REPLACE, LOST), WAITED, StateRead(NEW)], Finish()),
        ([RequestFailed(REPLACE, LOST), WAITED, StateRead(OLD)], REPLACE),
        # After a permanent error, the configuration is read at once.
        ([RequestFailed(REPLACE, ODD)], Read()),
        ([WriteConflicted(REPLACE, FINAL)], Read()),
    ],
)
def test_write_that_failed_is_sent_only_after_a_read_that_asks_for_it(events: list[Event], expected: Any) -> None:
    assert next_step(after(StateRead(OLD), *events), PRESENT) == expected


def test_preflight_that_waited_is_followed_by_a_read_and_not_repeated() -> None:
    goal = PRESENT._replace(preflight=True)
    failed: list[Event] = [StateRead(OLD), RequestFailed(CheckToken(), NOT_NOW)]
    assert next_step(after(*failed), goal) == Wait(7, 1)
    assert next_step(after(*failed, WAITED), goal) == CheckToken()
    assert next_step(after(*failed, WAITED, TokenAccepted()), goal) == Read()
    assert next_step(after(*failed, WAITED, TokenAccepted(), StateRead(OLD)), goal) == REPLACE


def test_waits_grow_and_have_a_bound() -> None:
    goal = Goal(reads_only=True, retries=20)
    events: list[Event] = []
    for expected in (1, 2, 4, 8, 16, 30, 30):
        events.append(RequestFailed(Read(), LOST))
        assert next_step(after(*events), goal) == Wait(0, expected)
        events.append(Waited(1))


def test_task_waits_ten_minutes_at_most_all_requests_together() -> None:
    goal = PRESENT._replace(retries=20)
    waited: list[Event] = [RequestFailed(Read(), NOT_NOW), Waited(400), StateRead(OLD)]
    refused = RequestFailed(REPLACE, NOT_NOW)
    assert next_step(after(*waited, refused), goal) == Wait(7, 1)
    # A wait that ends just in time, and the request after it.
    assert next_step(
        after(*waited, refused, Waited(192), StateRead(OLD), RequestFailed(Read(), NOT_NOW)), goal
    ) == Wait(7, 1)
    assert next_step(after(*waited, refused, Waited(193), StateRead(OLD)), goal) == REPLACE
    message = "Not now. Gave up after 2 attempts and 193 s of waiting."
    assert said(goal, *waited, refused, Waited(193), StateRead(OLD), refused) == message
    # The outcome of a write is read all the same.
    lost: list[Event] = [refused, Waited(200), StateRead(OLD), RequestFailed(REPLACE, LOST)]
    assert next_step(after(*waited, *lost), goal) == Read()
    assert next_step(after(*waited, *lost, StateRead(NEW)), goal) == Finish()
    assert said(goal, *waited, *lost, StateRead(OLD)) == "Lost. Gave up after 2 attempts and 200 s of waiting."


def test_message_says_how_often_a_request_was_tried_and_how_long_it_waited() -> None:
    lost = RequestFailed(Read(), LOST)
    assert said(PRESENT, lost, WAITED, lost, Waited(3), lost) == "Lost. Gave up after 3 attempts and 11 s of waiting."
    assert said(PRESENT._replace(retries=0), lost) == "Lost."
    # A read between two attempts of a write does not begin the count anew.
    refused = RequestFailed(REPLACE, NOT_NOW)
    again: list[Event] = [refused, WAITED, StateRead(OLD)]
    message = "Not now. Gave up after 3 attempts and 16 s of waiting."
    assert said(PRESENT, StateRead(OLD), *again, *again, refused) == message


def test_write_is_not_repeated_after_a_response_that_does_not_pass() -> None:
    assert said(PRESENT, StateRead(OLD), RequestFailed(REPLACE, FINAL)) == "Refused."
    assert said(PRESENT, StateRead(OLD), RequestFailed(REPLACE, ODD), StateRead(OLD)) == "Odd."
    # "always" cannot tell whether it was applied, but where Cortex has accepted it.
    always = PRESENT._replace(update_token="always")
    assert said(always, StateRead(OLD), RequestFailed(REPLACE, ODD), StateRead(NEW)) == "Odd."
    differed = after(StateRead(OLD), ResponseDiffered(REPLACE, ODD), StateRead(NEW))
    assert next_step(differed, always) == Finish()


def test_two_clients_that_undo_each_other_come_to_an_end() -> None:
    events: list[Event] = [StateRead(None)]
    for stored, write in ((OLD, ADD), (None, REPLACE), (OLD, ADD)):
        assert next_step(after(*events), PRESENT) == write
        events += [WriteConflicted(write, FINAL), StateRead(stored)]
    assert said(PRESENT, *events) == "Refused."
    assert said(PRESENT, StateRead(None), WriteConflicted(ADD, FINAL), StateRead(None)) == "Refused."


def test_read_back_that_fails_too_is_told_after_the_write() -> None:
    lost = RequestFailed(REPLACE, LOST)
    assert (
        said(PRESENT, StateRead(OLD), lost, WAITED, RequestFailed(Read(), FINAL))
        == "Lost. Reading the current configuration failed too. Refused."
    )


@pytest.mark.parametrize("stored", [OLD, NEW, None])
def test_previous_token_may_be_the_stored_one(stored: Configuration | None) -> None:
    assert not isinstance(next_step(after(StateRead(stored)), ROLLBACK._replace(update_token="always")), Finish)


@pytest.mark.parametrize("changes", [{}, {"check_mode": True}, {"preflight": True}])
def test_previous_token_must_be_the_stored_one(changes: dict[str, Any]) -> None:
    message = said(ROLLBACK._replace(**changes), StateRead(Configuration(True, "ef56")))
    assert message == (
        "previous_token does not match the stored token, which ends in ef56. Set it to the token that Cortex has now, "
        "or omit it."
    )


# After Cortex's verdict

REASON = "Cortex says that the stored PagerDuty token is not valid: PagerDuty does not accept the token."
ADDED = (StateRead(None), WriteAccepted(ADD))
REPLACED = (StateRead(OLD), WriteAccepted(REPLACE))
APPEARED = (StateRead(None), WriteConflicted(ADD, FINAL), StateRead(FULL_OLD))
VANISHED = (StateRead(OLD), RequestFailed(CheckToken(), NOT_NOW), WAITED, TokenAccepted(), StateRead(None))
REMOVED = Failure(("Nothing there.",), http_status=404)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (ADDED, Validate()),
        ((*ADDED, Validated((Verdict(None, True, None),))), Finish()),
        ((*ADDED, INVALID), Read()),
        ((*ADDED, INVALID, StateRead(NEW)), DELETE),
        ((*REPLACED, INVALID, StateRead(NEW)), RESTORE),
        # An addition that was lost is one write with the one that follows.
        ((StateRead(None), RequestFailed(ADD, LOST), WAITED, StateRead(NEW), INVALID, StateRead(NEW)), DELETE),
        # Not all that was written was added, so it is not deleted.
        ((*APPEARED, WriteAccepted(REPLACE), INVALID, StateRead(NEW)), Write("replace", FULL_OLD, "previous_token")),
        # What the preflight's wait hid was there before.
        ((*VANISHED, WriteAccepted(ADD), INVALID, StateRead(NEW)), RESTORE),
    ],
)
def test_rollback_begins_with_a_read_and_restores_the_previous_state(events: tuple[Event, ...], expected: Any) -> None:
    assert next_step(after(*events), ROLLBACK) == expected


@pytest.mark.parametrize(("flag", "expected"), [(None, OLD), (True, OLD), (False, FULL_OLD)])
def test_flag_to_go_back_to_is_the_option_or_the_stored_one(flag: bool | None, expected: Configuration) -> None:
    goal = ROLLBACK._replace(previous_is_token_readonly=flag)
    step = next_step(after(*REPLACED, INVALID, StateRead(NEW)), goal)
    assert step == Write("replace", expected, "previous_token")


RESTORING = (*REPLACED, INVALID, StateRead(NEW))
OTHER_CLIENT = "another client changed the configuration."
NOT_SET = "Cortex does not return the token that was stored before, and previous_token is not set."
LAST_FOUR = "the token that was stored before had the same last four characters, so there is no token to go back to."
NOT_WRITTEN = "this task did not write the token. To replace it, run the task with a valid token."


@pytest.mark.parametrize(
    ("events", "changes", "says"),
    [
        ((*REPLACED, INVALID), {"rollback": False}, ""),
        ((*REPLACED, INVALID), {"previous_last_four": None}, f" Nothing was rolled back: {NOT_SET}"),
        ((StateRead(FULL_NEW), WriteAccepted(REPLACE), INVALID), {}, f" Nothing was rolled back: {LAST_FOUR}"),
        ((StateRead(NEW), INVALID), {}, f" Nothing was rolled back: {NOT_WRITTEN}"),
        ((*REPLACED, INVALID, StateRead(OLD)), {}, f" Nothing was rolled back: {OTHER_CLIENT}"),
        (
            (*RESTORING, RequestFailed(RESTORE, LOST), WAITED, StateRead(None)),
            {},
            f" The rollback was given up: {OTHER_CLIENT}",
        ),
        # A write that was refused cannot have restored it: another client has.
        (
            (*RESTORING, RequestFailed(RESTORE, NOT_NOW), WAITED, StateRead(OLD)),
            {},
            f" The rollback was given up: {OTHER_CLIENT}",
        ),
        ((*REPLACED, INVALID, RequestFailed(Read(), FINAL)), {}, " The rollback failed. Refused."),
        ((*RESTORING, RequestFailed(RESTORE, FINAL)), {}, " The rollback failed. Refused."),
        ((*RESTORING, WriteAccepted(RESTORE)), {}, " Rolled back: the previous token is stored again."),
        (
            (*RESTORING, RequestFailed(RESTORE, LOST), WAITED, StateRead(OLD)),
            {},
            " Rolled back: the previous token is stored again.",
        ),
        (
            (*ADDED, INVALID, StateRead(NEW), WriteAccepted(DELETE)),
            {},
            " Rolled back: the configuration is removed again.",
        ),
    ],
)
def test_message_reports_the_rollback(events: tuple[Event, ...], changes: dict[str, Any], says: str) -> None:
    assert said(ROLLBACK._replace(**changes), *events) == f"{REASON}{says}"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (RequestFailed(Validate(), FINAL), "Refused."),
        (
            ConfigurationMissing(Validate(), REMOVED),
            "Nothing there. Another client removed it before it could be validated.",
        ),
        (Validated(()), "Cortex says that the stored PagerDuty token is not valid: it lists no verdict."),
    ],
)
def test_nothing_is_rolled_back_without_a_verdict(event: Event, message: str) -> None:
    assert said(ROLLBACK, *REPLACED, event) == f"{message} Nothing was rolled back: Cortex gave no verdict."
    assert said(ROLLBACK._replace(rollback=False), *REPLACED, event) == message


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ([(False, None)], "it gives no reason"),
        ([(True, None), (False, "expired.")], "expired"),
        ([(False, "one. "), (False, "two")], "one; two"),
    ],
)
def test_verdict_of_not_valid_has_cortex_s_reasons(verdicts: list[tuple[bool, str | None]], reason: str) -> None:
    event = Validated(tuple(Verdict(None, is_valid, message) for is_valid, message in verdicts))
    message = said(PRESENT._replace(validate=True), StateRead(NEW), event)
    replace = "To replace it, run the task with a valid token."
    assert message == f"Cortex says that the stored PagerDuty token is not valid: {reason}. {replace}"


def test_info_reports_a_verdict_and_does_not_fail() -> None:
    goal = Goal(reads_only=True, validate=True)
    assert next_step(after(StateRead(None)), goal) == Finish()
    assert next_step(after(StateRead(OLD)), goal) == Validate()
    assert next_step(after(StateRead(OLD), INVALID), goal) == Finish()
    assert next_step(after(StateRead(OLD), ConfigurationMissing(Validate(), REMOVED)), goal) == Finish()
    assert next_step(after(StateRead(OLD)), goal._replace(validate=False)) == Finish()


def test_check_mode_validates_only_where_nothing_would_be_written() -> None:
    goal = PRESENT._replace(validate=True, check_mode=True)
    assert next_step(after(StateRead(NEW)), goal) == Validate()
    assert next_step(after(StateRead(OLD)), goal) == Predict(REPLACE)
