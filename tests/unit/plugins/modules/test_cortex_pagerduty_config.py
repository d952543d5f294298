# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import uuid
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
)

from ..conftest import Run, Stored, shown, state

READ_ONLY = {"token": TOKEN, "is_token_readonly": True}
STORED: dict[str, Stored] = {
    "nothing": None,
    "same token": READ_ONLY,
    "another token": {"token": OTHER_TOKEN, "is_token_readonly": True},
    "same token, other flag": {"token": TOKEN, "is_token_readonly": False},
    "another token, other flag": {"token": OTHER_TOKEN, "is_token_readonly": False},
}
# The table of the documentation: stored, update_token -> the write that is sent.
WRITES = {
    ("nothing", "on_change"): POST,
    ("nothing", "always"): POST,
    ("nothing", "on_create"): POST,
    ("same token", "on_change"): None,
    ("same token", "always"): PUT,
    ("same token", "on_create"): None,
    ("another token", "on_change"): PUT,
    ("another token", "always"): PUT,
    ("another token", "on_create"): None,
    ("same token, other flag", "on_change"): PUT,
    ("same token, other flag", "always"): PUT,
    ("same token, other flag", "on_create"): PUT,
    ("another token, other flag", "on_change"): PUT,
    ("another token, other flag", "always"): PUT,
    ("another token, other flag", "on_create"): PUT,
}


@pytest.mark.parametrize("validate", [False, True])
@pytest.mark.parametrize(("stored", "update_token"), WRITES)
def test_present(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, update_token: str, validate: bool
) -> None:
    before = workspace.configuration = STORED[stored]
    write = WRITES[stored, update_token]
    options = {"update_token": update_token, "validate": validate}

    checked = config(check_mode=True, **options)

    assert workspace.requests == [GET] + [VALIDATE] * (validate and not write)
    assert workspace.configuration == before
    simulator.clear_log()

    done = config(**options)

    assert workspace.requests == [GET] + [write] * bool(write) + [VALIDATE] * validate
    assert workspace.configuration == (READ_ONLY if write else before)
    assert done["changed"] is bool(write)
    assert done["configuration"] == shown(workspace.configuration)
    assert bool(done["validation"]) is validate
    state_before, state_after = state(before), state(workspace.configuration)
    if write == PUT:
        state_before["token"] = "stored"
        state_after["token"] = "sent again"
    assert done["diff"] == {"before": state_before, "after": state_after}
    for value in ("changed", "configuration", "diff"):
        assert checked[value] == done[value]
    assert checked["validation"] == (None if write else done["validation"])


@pytest.mark.parametrize("stored", STORED)
def test_absent(config: Run, simulator: Simulator, workspace: Workspace, stored: str) -> None:
    before = workspace.configuration = STORED[stored]
    options = {"state": "absent", "token": None, "is_token_readonly": None, "validate": True}

    checked = config(check_mode=True, **options)

    assert workspace.requests == [GET]
    assert workspace.configuration == before
    simulator.clear_log()

    done = config(**options)

    assert workspace.requests == ([GET, DELETE] if before else [GET])
    assert workspace.configuration is None
    assert (done["changed"], done["configuration"], done["validation"]) == (bool(before), None, None)
    assert done["diff"]["after"] == {"state": "absent"}
    assert done["diff"]["before"]["state"] == ("present" if before else "absent")
    for value in ("changed", "configuration", "diff"):
        assert checked[value] == done[value]


@pytest.mark.parametrize(
    ("stored", "wanted", "update_token"),
    [
        *((stored, "present", update) for stored, update in itertools.product(STORED, ("on_change", "on_create"))),
        *((stored, "absent", "on_change") for stored in STORED),
    ],
)
def test_second_run_only_reads(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, wanted: str, update_token: str
) -> None:
    workspace.configuration = STORED[stored]
    config(state=wanted, update_token=update_token)
    simulator.clear_log()

    again = config(state=wanted, update_token=update_token)

    assert again["changed"] is False
    assert workspace.requests == [GET]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_token_with_same_last_four_is_missed_unless_always(config: Run, workspace: Workspace) -> None:
    workspace.configuration = READ_ONLY
    assert config(token=TWIN_TOKEN)["changed"] is False
    assert workspace.configuration == READ_ONLY
    assert config(token=TWIN_TOKEN, update_token="always")["changed"] is True
    assert workspace.configuration == {"token": TWIN_TOKEN, "is_token_readonly": True}


@pytest.mark.parametrize("update_token", ["on_change", "always"])
@pytest.mark.parametrize("stored", STORED)
def test_token_that_is_not_valid(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, update_token: str
) -> None:
    before = workspace.configuration = STORED[stored]
    simulator.reject_token(TOKEN)
    result = config(validate=True, update_token=update_token)
    write = WRITES[stored, update_token]
    assert workspace.requests == [GET] + [write] * bool(write) + [VALIDATE]
    assert result["failed"] is True
    assert result["changed"] is bool(write)
    assert result["configuration"] == shown(workspace.configuration) == shown(READ_ONLY)
    assert result["diff"]["before"]["state"] == ("present" if before else "absent")
    assert result["validation"]["is_valid"] is False
    assert "the stored PagerDuty token is not valid: PagerDuty does not accept the token." in result["msg"]
    note = "" if before != READ_ONLY else " (token sent again)" if write else " (unchanged)"
    assert result["msg"].endswith(f"Current configuration: a token ending in ab12, is_token_readonly=true{note}.")


def test_check_mode_validates_only_where_the_run_would_write_nothing(
    config: Run, simulator: Simulator, workspace: Workspace
) -> None:
    simulator.reject_token(TOKEN)
    assert "failed" not in config(check_mode=True, validate=True)
    workspace.configuration = READ_ONLY
    assert config(check_mode=True, validate=True)["failed"] is True
    assert workspace.requests == [GET, GET, VALIDATE]


def test_replacement_that_cannot_be_seen_is_not_claimed(config: Run, workspace: Workspace) -> None:
    """Each response is lost, and before and after look the same."""
    workspace.configuration = {"token": TWIN_TOKEN, "is_token_readonly": True}
    workspace.fault("replace", times=None, drop=True)
    result = config(update_token="always", retries=1)
    assert workspace.requests == [GET, PUT, GET, PUT, GET]
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["diff"]["after"]["token"] == "may have been sent again"
    assert result["msg"].endswith("is_token_readonly=true (token may have been sent again).")


def test_accepted_replacement_with_an_odd_response_is_not_sent_again(config: Run, workspace: Workspace) -> None:
    workspace.configuration = READ_ONLY
    workspace.fault("replace", processed=True, body={"configurations": []})
    result = config(update_token="always")
    assert workspace.requests == [GET, PUT, GET]
    assert "failed" not in result


@pytest.mark.parametrize(("operation", "stored"), [("add", None), ("replace", STORED["another token"])])
@pytest.mark.parametrize("is_done", [False, True])
def test_write_whose_outcome_cannot_be_found_out(
    config: Run, workspace: Workspace, operation: str, stored: dict[str, Any] | None, is_done: bool
) -> None:
    workspace.configuration = stored
    workspace.fault(operation, drop=True, processed=is_done)
    # The first reading succeeds.
    workspace.fault("get")
    workspace.fault("get", times=None, status=503)
    result = config(retries=1)
    assert result["failed"] is True
    assert (result["changed"], result["configuration"], result["diff"]["after"]) == (True, None, {"state": "unknown"})
    assert "Reading the current configuration failed too. Could not read the PagerDuty configuration" in result["msg"]
    assert result["msg"].endswith("The current configuration is unknown: the write may have been applied.")


def test_refused_addition_whose_cause_cannot_be_found_out(config: Run, workspace: Workspace) -> None:
    """It was refused, so nothing was changed, though what is stored is not known."""
    workspace.fault("get")
    workspace.fault("add", status=409)
    workspace.fault("get", times=None, status=403)
    result = config()
    assert (result["failed"], result["changed"], result["diff"]["after"]) == (True, False, {"state": "unknown"})
    assert result["msg"].endswith("Nothing was changed.")


def test_refused_write_without_permission(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    workspace.may_configure = False
    result = config()
    assert (result["http_status"], result["error_type"]) == (403, "FORBIDDEN")
    assert uuid.UUID(result["request_id"])
    assert "'Configure integrations'" in result["msg"]
    assert result["msg"].endswith("Current configuration: none (unchanged).")


def test_unknown_api_key(config: Run, simulator: Simulator) -> None:
    result = config(api_key="ck_live_unknown_0000000000000000000000000000")
    assert result["http_status"] == 401
    assert "Check api_key" in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
