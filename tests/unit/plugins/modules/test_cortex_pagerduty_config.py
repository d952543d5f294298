# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid

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
    api_key_of,
    configuration,
)

from ..conftest import Run, Stored, shown, state

READ_ONLY = configuration(TOKEN)
# The table of the documentation: what is stored, and what is sent with each update_token.
UPDATES = ("on_change", "always", "on_create")
WRITES: dict[str, tuple[Stored, tuple[str | None, ...]]] = {
    "nothing": (None, (POST, POST, POST)),
    "same token": (READ_ONLY, (None, PUT, None)),
    "another token": (configuration(OTHER_TOKEN), (PUT, PUT, None)),
    "same token, other flag": (configuration(TOKEN, False), (PUT, PUT, PUT)),
    "another token, other flag": (configuration(OTHER_TOKEN, False), (PUT, PUT, PUT)),
}


@pytest.mark.parametrize("validate", [False, True])
@pytest.mark.parametrize("update_token", UPDATES)
@pytest.mark.parametrize("stored", WRITES)
def test_present(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, update_token: str, validate: bool
) -> None:
    before, writes = WRITES[stored]
    workspace.configuration = before
    write = writes[UPDATES.index(update_token)]
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


@pytest.mark.parametrize("stored", WRITES)
def test_absent(config: Run, simulator: Simulator, workspace: Workspace, stored: str) -> None:
    before = workspace.configuration = WRITES[stored][0]
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


def test_token_with_same_last_four_is_missed_unless_always(config: Run, workspace: Workspace) -> None:
    workspace.configuration = READ_ONLY
    assert config(token=TWIN_TOKEN)["changed"] is False
    assert workspace.configuration == READ_ONLY
    assert config(token=TWIN_TOKEN, update_token="always")["changed"] is True
    assert workspace.configuration == configuration(TWIN_TOKEN)


def test_replacement_that_cannot_be_seen_is_not_claimed(config: Run, workspace: Workspace) -> None:
    """Each response is lost, and before and after look the same."""
    workspace.configuration = configuration(TWIN_TOKEN)
    workspace.fault("replace", times=None, drop=True)
    result = config(update_token="always", retries=1)
    assert workspace.requests == [GET, PUT, GET, PUT, GET]
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["diff"]["after"]["token"] == "may have been sent again"
    assert result["msg"].endswith("is_token_readonly=true (token may have been sent again).")


@pytest.mark.parametrize("is_done", [False, True])
def test_write_whose_outcome_cannot_be_found_out(config: Run, workspace: Workspace, is_done: bool) -> None:
    workspace.fault("add", drop=True, processed=is_done)
    # The first reading succeeds.
    workspace.fault("get")
    workspace.fault("get", times=None, status=503)
    result = config(retries=1)
    assert result["failed"] is True
    assert (result["changed"], result["configuration"], result["diff"]["after"]) == (True, None, {"state": "unknown"})
    assert "Reading the current configuration failed too. Could not read the PagerDuty configuration" in result["msg"]
    assert result["msg"].endswith("The current configuration is unknown: the write may have been applied.")


def test_refused_write_without_permission(config: Run, workspace: Workspace) -> None:
    workspace.may_configure = False
    result = config()
    assert (result["http_status"], result["error_type"]) == (403, "FORBIDDEN")
    assert uuid.UUID(result["request_id"])
    assert "'Configure integrations'" in result["msg"]
    assert result["msg"].endswith("Current configuration: none (unchanged).")


def test_unknown_api_key(config: Run) -> None:
    result = config(api_key=api_key_of("nobody"))
    assert result["http_status"] == 401
    assert "Check api_key" in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
