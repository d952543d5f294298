# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task sends, and what it says of it: check mode, other clients, unknown outcomes, rollbacks.

What is written and undone is decided, and tested, in tests/unit/plugins/module_utils, and for two clients in
tests/unit/walk. This is each sentence once, with the requests that led to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import (
    ABILITIES,
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
from tests.support.tasks import ROOT, WHAT_IS_STORED, RunTask, Stored, shown, state, without_note

OLD, NEW, TWIN, THIRD = (configuration(token) for token in (OTHER_TOKEN, TOKEN, TWIN_TOKEN, THIRD_TOKEN))


@pytest.mark.parametrize(
    ("stored", "options", "write"),
    [
        (None, {}, POST),
        (OLD, {}, PUT),
        (configuration(TOKEN, False), {"update_token": "on_create"}, PUT),
        (OLD, {"state": "absent", "token": None, "is_token_readonly": None}, DELETE),
    ],
    ids=["add", "replace", "replace for the flag", "delete"],
)
def test_check_mode_predicts_what_the_run_does(
    config: RunTask, simulator: Simulator, workspace: Workspace, stored: Stored, options: dict[str, Any], write: str
) -> None:
    def run(**more: Any) -> tuple[list[str], dict[str, Any]]:
        simulator.clear_log()
        result = config(validate=True, **options, **more)
        return workspace.requests, result

    workspace.configuration = stored
    after, verdict = (None, []) if write == DELETE else (NEW, [VALIDATE])
    sent, checked = run(check_mode=True)
    assert sent == [GET]
    sent, done = run()
    assert (sent, workspace.configuration) == ([GET, write, *verdict], after)
    assert (done["changed"], done["configuration"]) == (True, shown(after))
    assert [without_note(each) for each in done["diff"].values()] == [state(stored), state(after)]
    assert checked == {**done, "validation": None}
    sent, again = run()
    assert (sent, again["changed"], bool(again["validation"])) == ([GET, *verdict], False, bool(verdict))


def test_one_task_takes_one_connection_to_each_host(config: RunTask, simulator: Simulator) -> None:
    config(preflight=True, validate=True)
    assert simulator.requests == [GET, ABILITIES, POST, VALIDATE]
    connections = {(entry["operation"] == "abilities", entry["connection"]) for entry in simulator.log}
    assert len(connections) == simulator.connections == 2
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert {entry["user_agent"] for entry in simulator.log} == {f"ansible-collection-cortexapps.cortex/{version}"}


@dataclass
class Course:
    """How a task goes: what is stored at first, the requests, and what is stored then.

    `faults` are operations and fields of the simulator's faults, in this order.
    """

    stored: Stored
    sent: list[str]
    after: Stored
    options: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    changed: bool = True

    def run(self, config: RunTask, simulator: Simulator, workspace: Workspace, **options: Any) -> dict[str, Any]:
        """Run the task, and check all that its result must say of what is stored."""
        workspace.configuration = self.stored
        for operation, fields in self.faults:
            workspace.fault(operation, **fields)
        result = config(**{**options, **self.options})
        assert simulator.requests == self.sent
        assert (workspace.configuration, result["changed"]) == (self.after, self.changed)
        assert result["configuration"] == shown(self.after)
        assert without_note(result["diff"]["after"]) == state(self.after)
        if "msg" in result:
            assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
            last_four = f"a token ending in {self.after['token'][-4:]}, is_token_readonly=" if self.after else "none"
            assert f" Current configuration: {last_four}" in result["msg"]
        return result


def then(stored: Stored, **fields: Any) -> dict[str, Any]:
    """Have another client store something after a response."""
    return {**fields, "afterwards": {"configuration": stored}}


GONE = then(None, status=404)
REMOVED = "Another client removed it before it could be validated."


@pytest.mark.parametrize(
    ("course", "says"),
    [
        (Course(None, [GET, POST, GET], NEW, {}, [("get", then(NEW))], changed=False), ""),
        (Course(None, [GET, POST, GET, PUT], NEW, {}, [("get", then(OLD))]), ""),
        (Course(OLD, [GET, PUT, GET, POST], NEW, {}, [("replace", GONE)]), ""),
        (Course(OLD, [GET, DELETE], None, {"state": "absent"}, [("delete", GONE)]), ""),
        (Course(None, [GET, POST, VALIDATE], None, {"validate": True}, [("validate", GONE)]), REMOVED),
        *(
            # Nothing was added in between, so there is another reason.
            (Course(None, [GET, POST, GET], None, {}, [("add", {"status": status})], changed=False), f"HTTP {status}: ")
            for status in (400, 409)
        ),
    ],
    ids=["adds the same", "adds another", "removes the old", "deletes, too", "removes the new", "400", "409"],
)
def test_task_decides_anew_after_another_client(
    config: RunTask, simulator: Simulator, workspace: Workspace, course: Course, says: str
) -> None:
    result = course.run(config, simulator, workspace)
    assert result.get("failed", False) is bool(says)
    assert says in result.get("msg", "")


def test_outcome_that_cannot_be_read_back_is_unknown(config: RunTask, workspace: Workspace) -> None:
    workspace.fault("add", drop=True, processed=True)
    workspace.fault("get", skip=1, times=None, status=503)
    result = config(retries=1)
    assert workspace.requests == [GET, POST, GET, GET]
    assert (result["failed"], result["changed"], result["configuration"]) == (True, True, None)
    assert result["diff"] == {"before": {"state": "absent"}, "after": {"state": "unknown"}}
    assert "Reading the current configuration failed too. Could not read the PagerDuty configuration" in result["msg"]
    assert result["msg"].endswith("The current configuration is unknown: the write may have been applied.")


def test_replacement_that_cannot_be_seen_is_not_claimed(
    config: RunTask, simulator: Simulator, workspace: Workspace
) -> None:
    """Each response is lost, and before and after look the same."""
    faults = [("replace", {"times": None, "drop": True})]
    course = Course(TWIN, [GET, PUT, GET, PUT, GET], TWIN, {"update_token": "always", "retries": 1}, faults)
    result = course.run(config, simulator, workspace)
    assert result["diff"]["after"]["token"] == "may have been sent again"
    assert result["msg"].endswith("is_token_readonly=true (token may have been sent again).")


# Rollbacks

RESTORE: dict[str, Any] = {"validate": True, "rollback": True, "previous_token": OTHER_TOKEN}
UNSET = {"previous_token": None}
REASON = "Cortex says that the stored PagerDuty token is not valid: PagerDuty does not accept the token."
MESSAGE = "PagerDuty does not accept the token"
VERDICT = {"is_valid": False, "configurations": [{"alias": None, "is_valid": False, "message": MESSAGE}]}
RESTORED = "Rolled back: the previous token is stored again."
DELETED = "Rolled back: the configuration is removed again."
NOTHING = "Nothing was rolled back:"
NO_VERDICT = f"{NOTHING} Cortex gave no verdict."
SAME_LAST_FOUR = (
    "the token that was stored before had the same last four characters, so there is no token to go back to."
)
ADDED, REPLACED = [GET, POST, VALIDATE], [GET, PUT, VALIDATE]
FAILED = f"{REASON} The rollback failed. Could not"
ROLLBACKS = {
    DELETED: Course(None, [*ADDED, GET, DELETE], None, UNSET),
    RESTORED: Course(configuration(OTHER_TOKEN, False), [*REPLACED, GET, PUT], configuration(OTHER_TOKEN, False)),
    f"{NOTHING} Cortex does not return the token that was stored before, and previous_token is not set.": Course(
        OLD, REPLACED, NEW, UNSET
    ),
    f"{NOTHING} this task did not write the token.": Course(NEW, [GET, VALIDATE], NEW, changed=False),
    NO_VERDICT: Course(OLD, REPLACED, NEW, {"retries": 0}, [("validate", {"status": 503})]),
    f"it lists no verdict. {NO_VERDICT}": Course(
        OLD, REPLACED, NEW, {}, [("validate", {"body": {"configurations": []}})]
    ),
    f"{NOTHING} another client changed the configuration.": Course(
        OLD, [*REPLACED, GET], THIRD, {}, [("validate", then(THIRD))]
    ),
    "The rollback was given up: another client changed the configuration.": Course(
        OLD, [*REPLACED, GET, PUT, GET], THIRD, {}, [("replace", then(THIRD, skip=1, drop=True))]
    ),
    f"{NOTHING} {SAME_LAST_FOUR}": Course(
        TWIN, REPLACED, NEW, {"update_token": "always", "previous_token": TWIN_TOKEN}
    ),
    f"{FAILED} replace the PagerDuty configuration (PUT http://127.0.0.1:": Course(
        OLD, [*REPLACED, GET, PUT], NEW, {}, [("replace", {"skip": 1, "status": 403})]
    ),
    f"{FAILED} read the PagerDuty configuration (GET http://127.0.0.1:": Course(
        OLD, [*REPLACED, GET], NEW, {}, [("get", {"skip": 1, "status": 403})]
    ),
    "previous_token is not the stored token, which ends in ef56. "
    "To store previous_token would not restore what is there now.": Course(
        THIRD, [GET], THIRD, {"preflight": True}, changed=False
    ),
    # Without a rollback, nothing is said about one.
    f"{REASON} Current configuration: ": Course(OLD, REPLACED, NEW, {"rollback": False}),
}


@pytest.mark.parametrize("says", ROLLBACKS)
def test_message_says_what_was_undone_or_why_not(
    config: RunTask, simulator: Simulator, workspace: Workspace, says: str
) -> None:
    # What is restored is not validated again.
    for token in (TOKEN, TWIN_TOKEN, THIRD_TOKEN, OTHER_TOKEN):
        simulator.reject_token(token)
    result = ROLLBACKS[says].run(config, simulator, workspace, **RESTORE)
    assert result["failed"] is True
    assert result["rolled_back"] is (says in (RESTORED, DELETED))
    assert says in result["msg"]
    rolled_back = re.compile("[Rr]oll(?:ed )?back")
    assert rolled_back.findall(result["msg"]) == rolled_back.findall(says)
    if result["rolled_back"]:
        assert result["msg"].startswith(f"{REASON} {says} Current configuration: ")
        assert result["validation"] == VERDICT
    # That of the failed request of the rollback.
    assert result.get("http_status") == (403 if FAILED in says else 503 if says == NO_VERDICT else None)
