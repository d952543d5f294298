# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import GET, TOKEN, VALIDATE, configuration

from ..conftest import Run, Stored, shown


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("stored", [None, configuration(TOKEN), configuration(TOKEN, False)])
def test_configuration(info: Run, workspace: Workspace, stored: Stored, check_mode: bool) -> None:
    workspace.configuration = stored
    result = info(check_mode=check_mode)
    assert result == {"changed": False, "configuration": shown(stored), "validation": None}
    assert workspace.requests == [GET]


@pytest.mark.parametrize("is_valid", [False, True])
def test_verdict_is_reported_and_never_fails(
    info: Run, simulator: Simulator, workspace: Workspace, is_valid: bool
) -> None:
    workspace.configuration = configuration(TOKEN)
    if not is_valid:
        simulator.reject_token(TOKEN)
    result = info(validate=True)
    assert "failed" not in result
    assert result["validation"]["is_valid"] is is_valid
    assert workspace.requests == [GET, VALIDATE]


@pytest.mark.parametrize(
    ("verdicts", "is_valid"),
    [
        ([], False),
        ([{"isValid": True}], True),
        ([{"isValid": True}, {"isValid": True, "alias": "b"}], True),
        ([{"isValid": True, "alias": "a", "message": "fine"}, {"isValid": False, "message": "no"}], False),
    ],
)
def test_verdicts(info: Run, workspace: Workspace, verdicts: list[dict[str, Any]], is_valid: bool) -> None:
    workspace.configuration = configuration(TOKEN)
    workspace.fault("validate", body={"configurations": verdicts})
    assert info(validate=True)["validation"] == {
        "is_valid": is_valid,
        "configurations": [
            {"alias": each.get("alias"), "is_valid": each["isValid"], "message": each.get("message")}
            for each in verdicts
        ],
    }


@pytest.mark.parametrize(
    "verdict",
    [{}, {"isValid": None}, {"isValid": "true"}, {"isValid": True, "alias": 1}, {"isValid": True, "message": []}],
)
def test_odd_verdict_is_no_verdict(info: Run, workspace: Workspace, verdict: dict[str, Any]) -> None:
    workspace.configuration = configuration(TOKEN)
    workspace.fault("validate", body={"configurations": [verdict]})
    result = info(validate=True)
    assert "base_url does not look like the Cortex API." in result["msg"]
    # What had been read is given nevertheless.
    assert result["configuration"] == {"is_token_readonly": True, "last_four": "ab12"}


def test_failure_says_what_the_api_said(info: Run, workspace: Workspace) -> None:
    body = {"type": "FORBIDDEN", "message": "No.", "details": "Not you.", "requestId": "2b7e6a04"}
    workspace.fault("get", status=403, body=body)
    result = info()
    assert (result["failed"], result["changed"]) == (True, False)
    assert (result["http_status"], result["request_id"], result["error_type"]) == (403, "2b7e6a04", "FORBIDDEN")
    assert "Cortex responded with HTTP 403: No; Not you. The API key needs" in result["msg"]


@pytest.mark.parametrize("last_four", ["", "a", "漢字é1", "b 2\n", "\x1b[2J"])
def test_any_four_characters_are_shown_as_they_are(info: Run, workspace: Workspace, last_four: str) -> None:
    workspace.fault("get", body={"isTokenReadonly": True, "lastFour": last_four})
    assert info()["configuration"]["last_four"] == last_four


def test_more_than_four_characters_are_refused(info: Run, workspace: Workspace) -> None:
    workspace.fault("get", body={"isTokenReadonly": True, "lastFour": "Tvab12"})
    result = info()
    assert "lastFour of at most four characters" in result["msg"]
    assert "Tvab12" not in str(result)


# "There is no configuration", as Cortex may say it.
CORTEX_404 = [
    {"message": "No configuration"},
    {"message": "There are no PagerDuty Configurations."},
    {"message": "gone", "type": "NOT_FOUND"},
    {"message": "gone", "details": "nothing there"},
    {"message": "gone", "requestId": "2b7e6a04"},
    {"message": "gone", "httpStatus": 404},
    {"message": "gone", "gatewayHttpStatus": 404, "type": None},
    {"message": "", "type": "NOT_FOUND"},
]


@pytest.mark.parametrize("body", CORTEX_404, ids=str)
def test_404_of_cortex_is_a_missing_configuration(info: Run, workspace: Workspace, body: dict[str, Any]) -> None:
    workspace.fault("get", status=404, body=body)
    result = info()
    assert ("failed" in result, result["configuration"]) == (False, None)


@pytest.mark.parametrize("body", CORTEX_404[:3], ids=str)
def test_404_of_cortex_in_each_operation(config: Run, workspace: Workspace, body: dict[str, Any]) -> None:
    """The first configuration is added, one that has gone needs no deletion, and none can be validated."""
    workspace.fault("get", status=404, body=body)
    assert "failed" not in config()
    workspace.fault("delete", status=404, body=body)
    removed = config(state="absent")
    assert ("failed" in removed, removed["changed"]) == (False, True)
    workspace.fault("validate", status=404, body=body)
    assert "Another client removed it" in config(validate=True)["msg"]


@pytest.mark.parametrize(
    "body",
    [
        {"message": "no such route"},
        {"message": "no Route matched with those values"},
        {"message": "The reconfigurations are over."},
        {"message": "no such route", "type": None, "path": "/api"},
        {"detail": "Not Found"},
        {"error": {"message": "No configuration"}},
        {"type": "NOT_FOUND"},
        {"type": 404, "message": "no such route"},
        {"message": 404, "type": "NOT_FOUND"},
        {"type": "NOT_FOUND", "message": None},
        {"type": "about:blank", "title": "Not Found", "status": 404},
        [{"type": "NOT_FOUND", "message": "no such route"}],
        "NOT_FOUND",
    ],
)
def test_404_that_is_not_cortex_is_no_missing_configuration(info: Run, workspace: Workspace, body: Any) -> None:
    workspace.fault("get", status=404, body=body)
    result = info()
    assert (result["failed"], result["http_status"]) == (True, 404)
    assert "base_url does not look like the Cortex API." in result["msg"]
