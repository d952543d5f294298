# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else writes to the same workspace while a task runs.

All that two clients can do to each other is walked in tests/unit/walk. This is what only real requests show, what only
more than one failure brings about, and a write that Cortex applies late.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.module_utils._converge import Convergence
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import CONFIG_ARGUMENTS
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    API_KEY,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    VALIDATE,
    configuration,
)

from .conftest import Run, Stored, shown, state, without_note

OURS, THEIRS = configuration(TOKEN), configuration(OTHER_TOKEN)


@pytest.mark.parametrize(
    ("theirs", "options", "changed", "sent"),
    [
        (OURS, {}, False, [GET, POST, GET]),
        (THEIRS, {}, True, [GET, POST, GET, PUT]),
        (configuration(TOKEN, False), {}, True, [GET, POST, GET, PUT]),
        (THEIRS, {"update_token": "on_create"}, False, [GET, POST, GET]),
    ],
    ids=["the same", "another token", "another flag", "another token that is kept"],
)
def test_appears_between_reading_and_adding(
    config: Run, workspace: Workspace, theirs: Stored, options: dict[str, Any], changed: bool, sent: list[str]
) -> None:
    workspace.fault("get", afterwards={"configuration": theirs})
    result = config(**options)
    assert workspace.requests == sent
    assert workspace.configuration == (OURS if changed else theirs)
    assert (result.get("failed", False), result["changed"]) == (False, changed)
    assert result["configuration"] == shown(workspace.configuration)
    # What was there before this task's own write.
    assert without_note(result["diff"]["before"]) == state(theirs)


GONE: dict[str, Any] = {"afterwards": {"configuration": None}}


@pytest.mark.parametrize(
    ("options", "faults", "changed", "sent"),
    [
        (
            {},
            [
                ("get", {"times": None}),
                ("add", {"times": None, "status": 409, "afterwards": {"configuration": THEIRS}}),
                ("replace", {"times": None, "status": 404, **GONE}),
            ],
            False,
            [GET, POST, GET, PUT, GET, POST, GET],
        ),
        (
            {"update_token": "on_create", "validate": True},
            [("add", {"drop": True, "afterwards": {"configuration": THEIRS}}), ("get", {}), ("get", GONE)],
            True,
            [GET, POST, GET, VALIDATE],
        ),
        (
            {"validate": True},
            [("add", {"drop": True}), ("get", {}), ("get", {"afterwards": {"configuration": OURS}}), ("get", GONE)],
            True,
            [GET, POST, GET, POST, GET, VALIDATE],
        ),
        (
            {"update_token": "always", "retries": 1},
            [
                ("add", {"drop": True, "processed": True}),
                ("replace", {"body": {"configurations": [{"isTokenReadonly": False, "lastFour": "zz99"}]}, **GONE}),
            ],
            True,
            [GET, POST, GET, PUT, GET],
        ),
    ],
    ids=[
        "two that undo each other come to an end",
        "a write that may have been applied stays a change",
        "a write that was applied late is a change",
        "only the newest read says what was written",
    ],
)
def test_what_was_added_is_gone(
    config: Run,
    workspace: Workspace,
    options: dict[str, Any],
    faults: list[tuple[str, dict[str, Any]]],
    changed: bool,
    sent: list[str],
) -> None:
    for operation, fields in faults:
        workspace.fault(operation, **fields)
    result = config(**options)
    assert workspace.requests == sent
    assert (result["failed"], result["changed"]) == (True, changed)
    assert result["configuration"] == shown(workspace.configuration)


@pytest.mark.parametrize("stored", [None, THEIRS], ids=["adding", "replacing"])
def test_two_controllers_converge_at_the_same_time(simulator: Simulator, workspace: Workspace, stored: Stored) -> None:
    workspace.configuration = stored
    # Both have read before one of them writes.
    workspace.fault("get", times=2, processed=True, delay=0.3)

    def converge_once(_number: int) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in CONFIG_ARGUMENTS["argument_spec"].items()}
        given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True}
        return Convergence({**defaults, **given}, check_mode=False).outcome()

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(converge_once, range(2)))
    assert workspace.configuration == OURS
    assert [result["configuration"] for result in results] == [shown(OURS)] * 2
    assert workspace.requests[:2] == [GET, GET]
    assert workspace.requests.count(POST) == (0 if stored else 2)
    # An addition that came second found the wanted configuration.
    assert sorted(result["changed"] for result in results) == ([True, True] if stored else [False, True])
