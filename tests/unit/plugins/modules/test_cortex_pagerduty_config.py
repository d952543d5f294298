# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace

from ..conftest import DELETE, GET, OTHER_TOKEN, POST, PUT, TOKEN, TWIN_TOKEN, VALIDATE, Run

READ_ONLY = {"token": TOKEN, "is_token_readonly": True}
STORED = {
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


def shown(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    return stored and {"is_token_readonly": stored["is_token_readonly"], "last_four": stored["token"][-4:]}


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
    state_before = {"state": "present", **before_shown} if (before_shown := shown(before)) else {"state": "absent"}
    state_after = {"state": "present", **(shown(workspace.configuration) or {})}
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
    ("stored", "state", "update_token"),
    [
        *((stored, "present", update) for stored, update in itertools.product(STORED, ("on_change", "on_create"))),
        *((stored, "absent", "on_change") for stored in STORED),
    ],
)
def test_second_run_only_reads(
    config: Run, simulator: Simulator, workspace: Workspace, stored: str, state: str, update_token: str
) -> None:
    workspace.configuration = STORED[stored]
    config(state=state, update_token=update_token)
    simulator.clear_log()

    again = config(state=state, update_token=update_token)

    assert again["changed"] is False
    assert workspace.requests == [GET]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_token_with_same_last_four_is_missed_unless_always(config: Run, workspace: Workspace) -> None:
    workspace.configuration = READ_ONLY
    assert config(token=TWIN_TOKEN)["changed"] is False
    assert workspace.configuration == READ_ONLY
    assert config(token=TWIN_TOKEN, update_token="always")["changed"] is True
    assert workspace.configuration == {"token": TWIN_TOKEN, "is_token_readonly": True}
