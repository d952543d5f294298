# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens after Cortex's verdict that the token is not valid, and what the previous token must be.

tests/unit/walk tries all that can come between; this is what the messages say of it. The faults of each request of a
rollback are in test_faults.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    DELETE,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    THIRD_TOKEN,
    TOKEN,
    TWIN_TOKEN,
    VALIDATE,
    configuration,
)

from .conftest import NULL, WHAT_IS_STORED, Run, Stored, shown, state, without_note

OLD, NEW, TWIN, THIRD = (configuration(token) for token in (OTHER_TOKEN, TOKEN, TWIN_TOKEN, THIRD_TOKEN))
FULL_OLD, FULL_NEW = configuration(OTHER_TOKEN, False), configuration(TOKEN, False)
ROLLBACK: dict[str, Any] = {"validate": True, "rollback": True}
RESTORE = {**ROLLBACK, "previous_token": OTHER_TOKEN}
REASON = "Cortex says that the stored PagerDuty token is not valid: PagerDuty does not accept the token."
VERDICT = {
    "is_valid": False,
    "configurations": [{"alias": None, "is_valid": False, "message": "PagerDuty does not accept the token"}],
}
RESTORED = "Rolled back: the previous token is stored again."
REMOVED = "Rolled back: the configuration is removed again."
NO_PREVIOUS_TOKEN = (
    "Nothing was rolled back: Cortex does not return the token that was stored before, and previous_token is not set."
)
NOT_WRITTEN = "Nothing was rolled back: this task did not write the token."
NO_VERDICT = "Nothing was rolled back: Cortex gave no verdict."
CONFLICT = "Nothing was rolled back: another client changed the configuration."
GIVEN_UP = "The rollback was given up: another client changed the configuration."
SAME_LAST_FOUR = (
    "Nothing was rolled back: the token that was stored before had the same last four characters, so there is no token "
    "to go back to."
)
WRONG_PREVIOUS_TOKEN = "previous_token is not the stored token, which ends in ef56."


@pytest.fixture(autouse=True)
def rejects_token(simulator: Simulator) -> None:
    """PagerDuty does not accept the token of the task, nor that of another client."""
    for each in (TOKEN, TWIN_TOKEN, THIRD_TOKEN):
        simulator.reject_token(each)


def check_failure(result: dict[str, Any], workspace: Workspace, says: str) -> None:
    """Check what holds for each failed task of this file: it reports what is stored, in one sentence too."""
    assert result["failed"] is True
    assert says in result["msg"]
    assert bool(re.search("roll(ed )?back", result["msg"])) is bool(re.search("roll(ed )?back", says))
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    stored = workspace.configuration
    what = f"a token ending in {stored['token'][-4:]}, is_token_readonly=" if stored else "none"
    assert f"Current configuration: {what}" in result["msg"]
    assert result["configuration"] == shown(stored)
    assert without_note(result["diff"]["after"]) == state(stored)
    assert result["rolled_back"] is (says in (RESTORED, REMOVED))


@dataclass
class Case:
    """A task that fails. `stored` is there at first and `after` in the end; `says` is in the message.

    `options` are added to RESTORE; `faults` are operations and fields of the simulator's faults.
    """

    stored: Stored
    sent: list[str]
    after: Stored
    says: str
    options: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: bool = True


def then(stored: Stored) -> dict[str, Any]:
    """Have another client store something after a response."""
    return {"afterwards": {"configuration": stored}}


ADDED, REPLACED = [GET, POST, VALIDATE], [GET, PUT, VALIDATE]
UNSET = {"previous_token": None}
ALWAYS = {"update_token": "always"}
CASES = {
    "added": Case(None, [*ADDED, GET, DELETE], None, REMOVED),
    "added, without previous_token": Case(None, [*ADDED, GET, DELETE], None, REMOVED, UNSET),
    "replaced, without previous_token": Case(OLD, REPLACED, NEW, NO_PREVIOUS_TOKEN, UNSET),
    "added, not to be rolled back": Case(None, ADDED, NEW, REASON, {"rollback": False}),
    "replaced, not to be rolled back": Case(OLD, REPLACED, NEW, REASON, {"rollback": False}),
    "not written": Case(NEW, [GET, VALIDATE], NEW, NOT_WRITTEN, changed=False),
    "not written in check mode": Case(NEW, [GET, VALIDATE], NEW, NOT_WRITTEN, {"check_mode": True}, changed=False),
    "no verdict": Case(OLD, REPLACED, NEW, NO_VERDICT, {"retries": 0}, {"validate": {"status": 503}}),
    "empty list of verdicts": Case(
        OLD, REPLACED, NEW, NO_VERDICT, faults={"validate": {"body": {"configurations": []}}}
    ),
    # Several requests are one write.
    "addition lost, not applied": Case(
        None, [GET, POST, GET, POST, VALIDATE, GET, DELETE], None, REMOVED, faults={"add": {"drop": True}}
    ),
    "addition lost, applied": Case(
        None,
        [GET, POST, GET, VALIDATE, GET, DELETE],
        None,
        REMOVED,
        faults={"add": {"drop": True, "processed": True}},
    ),
    # Not all that the task wrote was added, so it is not deleted, and the flag is that of the last read before.
    "appeared": Case(
        None, [GET, POST, GET, PUT, VALIDATE, GET, PUT], FULL_OLD, RESTORED, faults={"get": then(FULL_OLD)}
    ),
    "appeared, without previous_token": Case(
        None, [GET, POST, GET, PUT, VALIDATE], NEW, NO_PREVIOUS_TOKEN, UNSET, {"get": then(FULL_OLD)}
    ),
    "vanished": Case(
        FULL_OLD,
        [GET, PUT, GET, POST, VALIDATE, GET, PUT],
        FULL_OLD,
        RESTORED,
        faults={"replace": {"status": 404, **then(None)}},
    ),
    "other flag appeared": Case(
        OLD,
        [GET, PUT, GET, PUT, VALIDATE, GET, PUT],
        FULL_OLD,
        RESTORED,
        faults={"replace": {"drop": True, **then(FULL_OLD)}},
    ),
    "the same appeared": Case(
        None, [GET, POST, GET, VALIDATE], NEW, NOT_WRITTEN, faults={"get": then(NEW)}, changed=False
    ),
    # A token with the same last four characters is no token to go back to.
    "twin": Case(TWIN, REPLACED, NEW, SAME_LAST_FOUR, ALWAYS),
    "twin as previous_token": Case(TWIN, REPLACED, NEW, SAME_LAST_FOUR, {**ALWAYS, "previous_token": TWIN_TOKEN}),
    "twin, without previous_token": Case(TWIN, REPLACED, NEW, NO_PREVIOUS_TOKEN, {**ALWAYS, **UNSET}),
    "same token": Case(NEW, REPLACED, NEW, SAME_LAST_FOUR, ALWAYS),
    "other flag": Case(FULL_NEW, REPLACED, NEW, SAME_LAST_FOUR, {"update_token": "on_create"}),
    # Another client writes.
    "changed before the verdict": Case(OLD, [*REPLACED, GET], THIRD, CONFLICT, faults={"replace": then(THIRD)}),
    "removed before the verdict": Case(OLD, REPLACED, None, NO_VERDICT, faults={"replace": then(None)}),
    "changed after the verdict": Case(OLD, [*REPLACED, GET], THIRD, CONFLICT, faults={"validate": then(THIRD)}),
    "flag changed after the verdict": Case(
        None, [*ADDED, GET], FULL_NEW, CONFLICT, faults={"validate": then(FULL_NEW)}
    ),
    "restored after the verdict": Case(OLD, [*REPLACED, GET], OLD, CONFLICT, faults={"validate": then(OLD)}),
    "removed after the verdict": Case(None, [*ADDED, GET], None, CONFLICT, faults={"validate": then(None)}),
    "changed while it is deleted": Case(
        None, [*ADDED, GET, DELETE, GET], THIRD, GIVEN_UP, faults={"delete": {"drop": True, **then(THIRD)}}
    ),
    "changed while the old one is stored": Case(
        OLD, [*REPLACED, GET, PUT, GET], THIRD, GIVEN_UP, faults={"replace": {"skip": 1, "drop": True, **then(THIRD)}}
    ),
    # The previous token must be the stored one.
    "wrong previous_token": Case(THIRD, [GET], THIRD, WRONG_PREVIOUS_TOKEN, changed=False),
    "wrong previous_token in check mode": Case(
        THIRD, [GET], THIRD, WRONG_PREVIOUS_TOKEN, {"check_mode": True, "preflight": True}, changed=False
    ),
    "wrong previous_token after a conflict": Case(
        None, [GET, POST, GET], THIRD, WRONG_PREVIOUS_TOKEN, faults={"get": then(THIRD)}, changed=False
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_message_and_result_say_what_became_of_it(
    config: Run, simulator: Simulator, workspace: Workspace, case: Case
) -> None:
    workspace.configuration = case.stored
    for operation, fields in case.faults.items():
        workspace.fault(operation, **fields)
    result = config(**{**RESTORE, **case.options})
    assert simulator.requests == case.sent
    assert workspace.configuration == case.after
    assert result["changed"] is case.changed
    check_failure(result, workspace, case.says)


@pytest.mark.parametrize("flag", [None, NULL, True, False], ids=["unset", "null", "true", "false"])
@pytest.mark.parametrize("stored_flag", [True, False])
def test_previous_token_is_stored_again(
    config: Run, simulator: Simulator, workspace: Workspace, stored_flag: bool, flag: Any
) -> None:
    old = workspace.configuration = configuration(OTHER_TOKEN, stored_flag)
    # It is not validated again.
    simulator.reject_token(OTHER_TOKEN)
    result = config(**RESTORE, previous_is_token_readonly=flag)
    restored = configuration(OTHER_TOKEN, flag if isinstance(flag, bool) else stored_flag)
    assert workspace.configuration == restored
    assert simulator.requests == [GET, PUT, VALIDATE, GET, PUT]
    assert simulator.connections == 1
    assert result["msg"].startswith(f"{REASON} {RESTORED} Current configuration: ")
    check_failure(result, workspace, RESTORED)
    assert (result["changed"], result["validation"], result["preflight"]) == (True, VERDICT, None)
    assert result["diff"] == {
        "before": {**state(old), "token": "stored"},
        "after": {**state(restored), "token": "restored"},
    }


def test_rollback_that_fails_reports_the_new_token(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("replace", skip=1, status=403)
    result = config(**RESTORE)
    assert workspace.configuration == NEW
    check_failure(result, workspace, f"{REASON} The rollback failed. Could not replace the PagerDuty configuration")
    assert (result["changed"], result["validation"], result["http_status"]) == (True, VERDICT, 403)
    assert result["diff"] == {
        "before": {**state(OLD), "token": "stored"},
        "after": {**state(NEW), "token": "sent again"},
    }


# previous_token


def test_previous_token_that_equals_the_token(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    result = config(**ROLLBACK, previous_token=TOKEN)
    assert simulator.log == []
    assert result["failed"] is True
    assert result["msg"] == "previous_token equals token, so there would be nothing to go back to. Nothing was changed."


@pytest.mark.parametrize("previous_token", [TOKEN, OTHER_TOKEN], ids=["equal", "wrong"])
@pytest.mark.parametrize(
    "options", [{"validate": False}, {"rollback": False}, {"state": "absent"}], ids=["validate", "rollback", "absent"]
)
def test_previous_token_does_not_matter_without_a_rollback(
    config: Run, simulator: Simulator, workspace: Workspace, options: dict[str, Any], previous_token: str
) -> None:
    simulator.accept_token(TOKEN)
    workspace.configuration = THIRD
    result = config(**{**ROLLBACK, "previous_token": previous_token, **options})
    assert ("failed" in result, result["changed"]) == (False, True)
    assert workspace.configuration == (None if "state" in options else NEW)


@pytest.mark.parametrize(
    ("variable", "option", "says"),
    [
        (OTHER_TOKEN, None, RESTORED),
        ("", None, NO_PREVIOUS_TOKEN),
        (" ", None, "previous_token is empty or blank."),
        ("None", OTHER_TOKEN, RESTORED),
        (OTHER_TOKEN, NULL, NO_PREVIOUS_TOKEN),
    ],
    ids=["variable", "empty variable", "blank variable", "option", "null"],
)
def test_previous_token_from_the_environment(
    config: Run, workspace: Workspace, environment: pytest.MonkeyPatch, variable: str, option: Any, says: str
) -> None:
    workspace.configuration = OLD
    environment.setenv("PAGERDUTY_PREVIOUS_TOKEN", variable)
    result = config(**ROLLBACK, previous_token=option)
    assert says in result["msg"]
    assert result["rolled_back"] is (says == RESTORED)
