"""The table of writes and the sentences that users read. Every course of events is tested in tests/unit/walk."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._decision import Goal, next_step
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import Failure
from ansible_collections.cortexapps.cortex.plugins.module_utils._knowledge import (
    ConfigurationMissing,
    Event,
    Finish,
    Knowledge,
    Predict,
    Read,
    RequestFailed,
    StateRead,
    Validate,
    Validated,
    Wait,
    Waited,
    Write,
    WriteAccepted,
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


WAITED = Waited(8)


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


def test_read_back_that_fails_too_is_told_after_the_write() -> None:
    lost = RequestFailed(REPLACE, LOST)
    assert (
        said(PRESENT, StateRead(OLD), lost, WAITED, RequestFailed(Read(), FINAL))
        == "Lost. Reading the current configuration failed too. Refused."
    )


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
REMOVED = Failure(("Nothing there.",), http_status=404)
RESTORING = (*REPLACED, INVALID, StateRead(NEW))
OTHER_CLIENT = "another client changed the configuration."
NOT_SET = "Cortex does not return the token that was stored before, and previous_token is not set."
LAST_FOUR = "the token that was stored before had the same last four characters, so there is no token to go back to."
NOT_WRITTEN = "this task did not write the token. To replace it, run the task with a valid token."


@pytest.mark.parametrize(
    ("events", "changes", "says"),
    [
        ((*REPLACED, INVALID), {"rollback": False}, " To replace it, run the task with a valid token."),
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
    advice = " To replace it, run the task with a valid token." * isinstance(event, Validated)
    assert said(ROLLBACK._replace(rollback=False), *REPLACED, event) == message + advice


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
