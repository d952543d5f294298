# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests of a task: in check mode, after another client, and in a rollback.

What is decided, written, undone and said is tested without sockets in tests/unit/plugins/module_utils and
tests/unit/walk.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import ABILITIES, DELETE, GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE, configuration
from tests.support.tasks import ROOT, RunTask, Stored, shown, state, without_note

OLD, NEW = configuration(OTHER_TOKEN), configuration(TOKEN)


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
def test_check_mode_predicts_the_result_of_the_run(
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


def test_one_task_takes_one_connection_to_each_host(
    config: RunTask, simulator: Simulator, workspace: Workspace
) -> None:
    workspace.fault("abilities", status=429)
    config(preflight=True, validate=True)
    assert simulator.requests == [GET, ABILITIES, ABILITIES, GET, POST, VALIDATE]
    connections = {(entry["operation"] == "abilities", entry["connection"]) for entry in simulator.log}
    assert len(connections) == simulator.connections == 2
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert {entry["user_agent"] for entry in simulator.log} == {f"ansible-collection-cortexapps.cortex/{version}"}


GONE = {"status": 404, "afterwards": {"configuration": None}}


@pytest.mark.parametrize(
    ("options", "stored", "fault", "sent", "after"),
    [
        ({}, None, ("get", {"afterwards": {"configuration": OLD}}), [GET, POST, GET, PUT], NEW),
        ({}, OLD, ("replace", GONE), [GET, PUT, GET, POST], NEW),
        ({"state": "absent"}, OLD, ("delete", GONE), [GET, DELETE], None),
        ({"validate": True}, None, ("validate", GONE), [GET, POST, VALIDATE], None),
        # Nothing was added in between, so there is another reason.
        *(({}, None, ("add", {"status": status}), [GET, POST, GET], None) for status in (400, 409)),
    ],
    ids=["added", "replace", "delete", "validate", "400", "409"],
)
def test_task_decides_anew_after_another_client(
    config: RunTask,
    workspace: Workspace,
    options: dict[str, Any],
    stored: Stored,
    fault: tuple[str, dict[str, Any]],
    sent: list[str],
    after: Stored,
) -> None:
    workspace.configuration = stored
    workspace.fault(fault[0], **fault[1])
    result = config(**options)
    assert (workspace.requests, workspace.configuration) == (sent, after)
    assert result["configuration"] == shown(after)
    assert result["changed"] is (fault[0] != "add")
    assert result.get("failed", False) is (fault[0] in ("add", "validate"))
    if fault[0] == "validate":
        assert "Another client removed it before it could be validated. Current configuration: none." in result["msg"]


REASON = "Cortex says that the stored PagerDuty token is not valid: PagerDuty does not accept the token."
READ_ONLY, FULL = configuration(OTHER_TOKEN), configuration(OTHER_TOKEN, False)
REPLACED = [GET, PUT, VALIDATE, GET, PUT]


@pytest.mark.parametrize(
    ("stored", "options", "sent", "after", "says"),
    [
        (None, {}, [GET, POST, VALIDATE, GET, DELETE], None, "Rolled back: the configuration is removed again."),
        (FULL, {}, REPLACED, FULL, "Rolled back: the previous token is stored again."),
        (READ_ONLY, {"previous_is_token_readonly": False}, REPLACED, FULL, "Rolled back: the previous token is"),
    ],
    ids=["removed", "restored", "restored with its flag"],
)
def test_rollback_restores_the_configuration_from_before(
    config: RunTask,
    simulator: Simulator,
    workspace: Workspace,
    stored: Stored,
    options: dict[str, Any],
    sent: list[str],
    after: Stored,
    says: str,
) -> None:
    # The restored token is not validated again.
    for token in (TOKEN, OTHER_TOKEN):
        simulator.reject_token(token)
    workspace.configuration = stored
    result = config(validate=True, rollback=True, previous_token=stored and OTHER_TOKEN, **options)
    assert (workspace.requests, workspace.configuration) == (sent, after)
    assert result["msg"].startswith(f"{REASON} {says}")
    assert (result["failed"], result["changed"], result["rolled_back"]) == (True, True, True)
    assert result["configuration"] == shown(after)
    assert result["validation"]["is_valid"] is False
