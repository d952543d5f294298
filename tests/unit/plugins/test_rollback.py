# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens after Cortex's verdict that the token is not valid, and what the previous token must be.

The faults of each request of a rollback are in test_faults.py.
"""

from __future__ import annotations

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
    TOKEN,
    TWIN_TOKEN,
    VALIDATE,
    configuration,
)

from .conftest import NULL, WHAT_IS_STORED, Run, Stored, shown, state

OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)
THIRD_TOKEN = "Qe7_mHs2+VdKxRpLef56"
THIRD = configuration(THIRD_TOKEN)
TWIN = configuration(TWIN_TOKEN)
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


@pytest.fixture(autouse=True)
def rejects_token(simulator: Simulator) -> None:
    """PagerDuty does not accept the token of the task, nor that of another client."""
    for each in (TOKEN, TWIN_TOKEN, THIRD_TOKEN):
        simulator.reject_token(each)


def check_failure(result: dict[str, Any], workspace: Workspace, says: str, *, rolled_back: bool = False) -> None:
    """Check what holds for each failed task of this file: it reports what is stored, in one sentence too."""
    assert result["failed"] is True
    assert says in result["msg"]
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    stored = workspace.configuration
    what = f"a token ending in {stored['token'][-4:]}, is_token_readonly=" if stored else "none"
    assert f"Current configuration: {what}" in result["msg"]
    assert result["configuration"] == shown(stored)
    assert {**result["diff"]["after"], "token": None} == {**state(stored), "token": None}
    assert result["rolled_back"] is rolled_back


# What a rollback does


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
    check_failure(result, workspace, RESTORED, rolled_back=True)
    assert (result["changed"], result["validation"], result["preflight"]) == (True, VERDICT, None)
    assert result["diff"] == {
        "before": {**state(old), "token": "stored"},
        "after": {**state(restored), "token": "restored"},
    }


@pytest.mark.parametrize(
    "options", [{}, {"previous_token": OTHER_TOKEN, "previous_is_token_readonly": False}], ids=["alone", "with options"]
)
def test_configuration_is_deleted_again(
    config: Run, simulator: Simulator, workspace: Workspace, options: dict[str, Any]
) -> None:
    result = config(**ROLLBACK, **options)
    assert workspace.configuration is None
    assert simulator.requests == [GET, POST, VALIDATE, GET, DELETE]
    assert result["msg"] == f"{REASON} {REMOVED} Current configuration: none."
    check_failure(result, workspace, REMOVED, rolled_back=True)
    assert (result["changed"], result["validation"]) == (True, VERDICT)
    assert result["diff"] == {"before": {"state": "absent"}, "after": {"state": "absent"}}


def test_new_token_stays_without_previous_token(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    result = config(**ROLLBACK, previous_is_token_readonly=True)
    assert workspace.requests == [GET, PUT, VALIDATE]
    assert workspace.configuration == NEW
    check_failure(result, workspace, NO_PREVIOUS_TOKEN)
    assert (result["changed"], result["validation"]) == (True, VERDICT)
    assert result["diff"]["after"]["token"] == "sent again"


@pytest.mark.parametrize("stored", [None, OLD], ids=["add", "replace"])
@pytest.mark.parametrize("missing", ["rollback", "validate"])
def test_nothing_is_rolled_back_unasked(config: Run, workspace: Workspace, stored: Stored, missing: str) -> None:
    workspace.configuration = stored
    result = config(**{**RESTORE, missing: False})
    assert workspace.configuration == NEW
    assert ("failed" in result, result["rolled_back"]) == (missing == "rollback", False)
    assert "ll back" not in result.get("msg", "")


@pytest.mark.parametrize("stored", [None, OLD], ids=["add", "replace"])
def test_valid_token_stays(config: Run, simulator: Simulator, workspace: Workspace, stored: Stored) -> None:
    simulator.accept_token(TOKEN)
    workspace.configuration = stored
    result = config(**RESTORE)
    assert workspace.configuration == NEW
    assert ("failed" in result, result["rolled_back"], result["validation"]["is_valid"]) == (False, False, True)


@pytest.mark.parametrize("stored", [None, OLD], ids=["add", "replace"])
def test_check_mode_predicts_the_write_alone(config: Run, workspace: Workspace, stored: Stored) -> None:
    workspace.configuration = stored
    result = config(**RESTORE, check_mode=True)
    assert workspace.requests == [GET]
    assert ("failed" in result, result["changed"], result["rolled_back"]) == (False, True, False)
    assert result["configuration"] == shown(NEW)


# Where nothing was written, or there is no verdict


def test_second_run_with_the_same_token_says_why_nothing_is_rolled_back(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("validate", status=503)
    first = config(**RESTORE, retries=0)
    check_failure(first, workspace, NO_VERDICT)
    assert (first["changed"], first["validation"], first["http_status"]) == (True, None, 503)
    assert workspace.requests == [GET, PUT, VALIDATE]

    second = config(**RESTORE)
    check_failure(second, workspace, NOT_WRITTEN)
    assert (second["changed"], second["validation"]) == (False, VERDICT)
    assert workspace.requests[3:] == [GET, VALIDATE]
    assert config(**RESTORE, check_mode=True)["msg"] == second["msg"]


def test_empty_list_of_verdicts(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("validate", body={"configurations": []})
    result = config(**RESTORE)
    assert workspace.requests == [GET, PUT, VALIDATE]
    check_failure(result, workspace, NO_VERDICT)
    assert result["validation"] == {"is_valid": False, "configurations": []}


# Which write is undone


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        ({"drop": True}, [GET, POST, GET, POST, VALIDATE, GET, DELETE]),
        ({"drop": True, "processed": True}, [GET, POST, GET, VALIDATE, GET, DELETE]),
        ({"status": 429}, [GET, POST, POST, VALIDATE, GET, DELETE]),
        ({"processed": True, "body": ""}, [GET, POST, GET, VALIDATE, GET, DELETE]),
    ],
    ids=["lost, not applied", "lost, applied", "rejected", "odd response"],
)
def test_addition_that_needs_several_requests_is_deleted(
    config: Run, workspace: Workspace, fault: dict[str, Any], sent: list[str]
) -> None:
    workspace.fault("add", **fault)
    check_failure(config(**RESTORE), workspace, REMOVED, rolled_back=True)
    assert (workspace.requests, workspace.configuration) == (sent, None)


@pytest.mark.parametrize("previous_token", [None, OTHER_TOKEN], ids=["without", "with"])
def test_configuration_that_appeared_is_not_deleted(
    config: Run, workspace: Workspace, previous_token: str | None
) -> None:
    """The task has lost a race, and replaces what another client has added."""
    theirs = configuration(OTHER_TOKEN, False)
    workspace.fault("get", afterwards={"configuration": theirs})
    result = config(**ROLLBACK, previous_token=previous_token)
    sent = [GET, POST, GET, PUT, VALIDATE]
    assert workspace.requests == ([*sent, GET, PUT] if previous_token else sent)
    assert workspace.configuration == (theirs if previous_token else NEW)
    says = RESTORED if previous_token else NO_PREVIOUS_TOKEN
    check_failure(result, workspace, says, rolled_back=bool(previous_token))


def test_configuration_that_vanished_is_restored(config: Run, workspace: Workspace) -> None:
    """Not every write of the task was a POST, so the configuration is not deleted."""
    old = workspace.configuration = configuration(OTHER_TOKEN, False)
    workspace.fault("replace", status=404, afterwards={"configuration": None})
    result = config(**RESTORE)
    assert workspace.requests == [GET, PUT, GET, POST, VALIDATE, GET, PUT]
    assert workspace.configuration == old
    check_failure(result, workspace, RESTORED, rolled_back=True)


def test_same_configuration_of_another_client_is_not_undone(config: Run, workspace: Workspace) -> None:
    """The addition was rejected, and what is there is what was wanted."""
    workspace.fault("get", afterwards={"configuration": NEW})
    result = config(**RESTORE)
    assert workspace.requests == [GET, POST, GET, VALIDATE]
    assert workspace.configuration == NEW
    check_failure(result, workspace, NOT_WRITTEN)
    assert result["changed"] is False


def test_flag_is_that_of_the_last_read_before_the_write(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    theirs = configuration(OTHER_TOKEN, False)
    workspace.fault("replace", drop=True, afterwards={"configuration": theirs})
    result = config(**RESTORE)
    assert workspace.requests == [GET, PUT, GET, PUT, VALIDATE, GET, PUT]
    assert workspace.configuration == theirs
    check_failure(result, workspace, RESTORED, rolled_back=True)


@pytest.mark.parametrize("previous_token", [OTHER_TOKEN, TWIN_TOKEN, None], ids=["another", "stored", "unset"])
@pytest.mark.parametrize(
    ("stored", "update_token"),
    [(TWIN, "always"), (NEW, "always"), (configuration(TOKEN, False), "on_create")],
    ids=["twin", "same token", "other flag"],
)
def test_token_with_the_same_last_four_is_no_token_to_go_back_to(
    config: Run, workspace: Workspace, stored: Stored, update_token: str, previous_token: str | None
) -> None:
    workspace.configuration = stored
    result = config(**ROLLBACK, update_token=update_token, previous_token=previous_token)
    assert workspace.requests == [GET, PUT, VALIDATE]
    assert workspace.configuration == NEW
    check_failure(result, workspace, SAME_LAST_FOUR if previous_token else NO_PREVIOUS_TOKEN)


# Another client writes in between

THEIRS = {
    "another token": THIRD,
    "another flag": configuration(TOKEN, False),
    "the old token": OLD,
    "nothing": None,
}
START = {"add": (None, [GET, POST, VALIDATE]), "replace": (OLD, [GET, PUT, VALIDATE])}


@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("write", START)
def test_write_of_another_client_after_the_verdict_stays(
    config: Run, workspace: Workspace, write: str, theirs: str
) -> None:
    workspace.configuration, sent = START[write]
    workspace.fault("validate", afterwards={"configuration": THEIRS[theirs]})
    result = config(**RESTORE)
    assert workspace.requests == [*sent, GET]
    assert workspace.configuration == THEIRS[theirs]
    check_failure(result, workspace, CONFLICT)
    assert (result["changed"], result["validation"]) == (True, VERDICT)


@pytest.mark.parametrize("theirs", ["another token", "another flag"])
@pytest.mark.parametrize("write", START)
def test_write_of_another_client_before_the_verdict_stays(
    config: Run, workspace: Workspace, write: str, theirs: str
) -> None:
    workspace.configuration, sent = START[write]
    workspace.fault(write, afterwards={"configuration": THEIRS[theirs]})
    result = config(**RESTORE)
    assert workspace.requests == [*sent, GET]
    assert workspace.configuration == THEIRS[theirs]
    check_failure(result, workspace, CONFLICT)


@pytest.mark.parametrize("write", START)
def test_deletion_by_another_client_before_the_verdict(config: Run, workspace: Workspace, write: str) -> None:
    workspace.configuration, sent = START[write]
    workspace.fault(write, afterwards={"configuration": None})
    result = config(**RESTORE)
    assert (workspace.requests, workspace.configuration) == (sent, None)
    check_failure(result, workspace, NO_VERDICT)
    assert "Another client removed it before it could be validated." in result["msg"]


@pytest.mark.parametrize("theirs", ["another token", "another flag"])
@pytest.mark.parametrize(
    ("write", "undo", "earlier"), [("add", "delete", 0), ("replace", "replace", 1)], ids=["delete", "store again"]
)
def test_write_of_another_client_during_the_rollback_stays(
    config: Run, workspace: Workspace, write: str, undo: str, earlier: int, theirs: str
) -> None:
    workspace.configuration, sent = START[write]
    workspace.fault(undo, skip=earlier, drop=True, afterwards={"configuration": THEIRS[theirs]})
    result = config(**RESTORE)
    assert workspace.requests == [*sent, GET, DELETE if undo == "delete" else PUT, GET]
    assert workspace.configuration == THEIRS[theirs]
    check_failure(result, workspace, GIVEN_UP)
    assert result["changed"] is True


@pytest.mark.parametrize(("write", "stored"), [("add", None), ("replace", OLD)])
def test_twin_of_another_client_cannot_be_told_apart(
    config: Run, workspace: Workspace, write: str, stored: Stored
) -> None:
    workspace.configuration = stored
    workspace.fault(write, afterwards={"configuration": TWIN})
    result = config(**RESTORE)
    assert workspace.configuration == stored
    check_failure(result, workspace, "Rolled back: ", rolled_back=True)


# A rollback that fails


@pytest.mark.parametrize(
    ("operation", "fault", "status"),
    [
        ("get", {"status": 503}, 503),
        ("get", {"body": "<html></html>"}, 200),
        ("replace", {"status": 403}, 403),
        ("replace", {"status": 503}, 503),
        ("replace", {"status": 404}, 404),
        ("replace", {"drop": True}, None),
    ],
)
def test_rollback_that_fails_reports_the_new_token(
    config: Run, workspace: Workspace, operation: str, fault: dict[str, Any], status: int | None
) -> None:
    workspace.configuration = OLD
    workspace.fault(operation, skip=1, times=None if operation == "replace" else 1, **fault)
    result = config(**RESTORE, retries=0)
    assert workspace.configuration == NEW
    check_failure(result, workspace, "The rollback failed. Could not ")
    assert REASON in result["msg"]
    assert (result["changed"], result["validation"], result.get("http_status")) == (True, VERDICT, status)
    assert result["diff"] == {
        "before": {**state(OLD), "token": "stored"},
        "after": {**state(NEW), "token": "sent again"},
    }


@pytest.mark.parametrize("is_applied", [False, True])
@pytest.mark.parametrize(
    ("write", "undo", "earlier"), [("add", "delete", 0), ("replace", "replace", 1)], ids=["delete", "store again"]
)
def test_rollback_whose_outcome_cannot_be_found_out(
    config: Run, workspace: Workspace, write: str, undo: str, earlier: int, is_applied: bool
) -> None:
    workspace.configuration, _sent = START[write]
    workspace.fault(undo, skip=earlier, drop=True, processed=is_applied)
    # The first read of the task and the first one of the rollback succeed.
    workspace.fault("get", skip=2, status=403)
    result = config(**RESTORE)
    assert (result["failed"], result["changed"], result["rolled_back"]) == (True, True, False)
    assert (result["configuration"], result["diff"]["after"]) == (None, {"state": "unknown"})
    assert {**result["diff"]["before"], "token": None} == {**state(START[write][0]), "token": None}
    assert result["msg"].endswith("The current configuration is unknown: the write may have been applied.")
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1


# previous_token


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("stored", "options"),
    [
        (THIRD, {}),
        (THIRD, {"update_token": "always"}),
        (configuration(THIRD_TOKEN, False), {"update_token": "on_create"}),
    ],
    ids=["on_change", "always", "on_create"],
)
def test_previous_token_must_be_the_stored_one(
    config: Run, workspace: Workspace, simulator: Simulator, stored: Stored, options: dict[str, Any], check_mode: bool
) -> None:
    workspace.configuration = stored
    result = config(**RESTORE, **options, preflight=True, check_mode=check_mode)
    assert simulator.requests == [GET]
    check_failure(result, workspace, "previous_token is not the stored token, which ends in ef56.")
    assert (result["changed"], result["preflight"]) == (False, None)
    assert result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize("stored", [THIRD, TWIN, None], ids=["kept", "same last four", "nothing"])
def test_previous_token_does_not_matter_where_it_is_not_needed(
    config: Run, simulator: Simulator, workspace: Workspace, stored: Stored
) -> None:
    """Nothing is written, or there is nothing to go back to."""
    for each in (TOKEN, TWIN_TOKEN, THIRD_TOKEN):
        simulator.accept_token(each)
    workspace.configuration = stored
    assert "failed" not in config(**RESTORE, update_token="on_create")
    assert workspace.requests == [GET] + [POST] * (stored is None) + [VALIDATE]


def test_previous_token_is_compared_after_a_conflict_too(config: Run, workspace: Workspace) -> None:
    workspace.fault("get", afterwards={"configuration": THIRD})
    result = config(**RESTORE)
    assert workspace.requests == [GET, POST, GET]
    assert workspace.configuration == THIRD
    check_failure(result, workspace, "previous_token is not the stored token, which ends in ef56.")
    assert result["changed"] is False


def test_previous_token_is_compared_after_an_unknown_outcome_too(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OLD
    workspace.fault("replace", drop=True, afterwards={"configuration": THIRD})
    result = config(**RESTORE)
    assert (workspace.requests, workspace.configuration) == ([GET, PUT, GET], THIRD)
    check_failure(result, workspace, "previous_token is not the stored token, which ends in ef56.")


@pytest.mark.parametrize("stored", [None, OLD, NEW])
def test_previous_token_that_equals_the_token(
    config: Run, simulator: Simulator, workspace: Workspace, stored: Stored
) -> None:
    workspace.configuration = stored
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
