# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody else writes to the same workspace while a task runs."""

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
    DELETE,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    VALIDATE,
)

from .conftest import Run, Stored, configuration, shown, state

OURS, THEIRS = configuration(TOKEN), configuration(OTHER_TOKEN)


@pytest.mark.parametrize(
    ("theirs", "changed", "sent"),
    [
        (OURS, False, [GET, POST, GET]),
        (THEIRS, True, [GET, POST, GET, PUT]),
        (configuration(TOKEN, False), True, [GET, POST, GET, PUT]),
    ],
    ids=["the same", "another token", "another flag"],
)
def test_appears_between_reading_and_adding(
    config: Run, workspace: Workspace, theirs: Stored, changed: bool, sent: list[str]
) -> None:
    workspace.fault("get", afterwards={"configuration": theirs})
    result = config()
    assert workspace.requests == sent
    assert workspace.configuration == OURS
    assert (result.get("failed", False), result["changed"]) == (False, changed)
    # What was there before this task's own write.
    assert {**result["diff"]["before"], "token": None} == {**state(theirs), "token": None}


def test_token_that_appears_is_kept_with_on_create(config: Run, workspace: Workspace) -> None:
    workspace.fault("get", afterwards={"configuration": THEIRS})
    result = config(update_token="on_create")
    assert workspace.requests == [GET, POST, GET]
    assert workspace.configuration == THEIRS
    assert (result["changed"], result["configuration"]) == (False, shown(THEIRS))


def test_two_that_undo_each_other_come_to_an_end(config: Run, workspace: Workspace) -> None:
    """An addition is refused because there is one, a replacement because there is none, and so on."""
    gone = {"status": 404, "afterwards": {"configuration": None}}
    workspace.fault("get", times=None)
    workspace.fault("add", times=None, status=409, afterwards={"configuration": THEIRS})
    workspace.fault("replace", times=None, **gone)
    result = config()
    assert result["failed"] is True
    assert workspace.requests == [GET, POST, GET, PUT, GET, POST, GET]
    assert result["configuration"] == shown(workspace.configuration)


def test_vanishes_between_reading_and_replacing(config: Run, workspace: Workspace) -> None:
    workspace.configuration = THEIRS
    workspace.fault("get", afterwards={"configuration": None})
    result = config()
    assert workspace.requests == [GET, PUT]
    assert workspace.configuration == OURS
    assert result["changed"] is True


def test_vanishes_between_reading_and_deleting(config: Run, workspace: Workspace) -> None:
    workspace.configuration = THEIRS
    workspace.fault("get", afterwards={"configuration": None})
    result = config(state="absent")
    assert workspace.requests == [GET, DELETE]
    assert (workspace.configuration, result["configuration"], result["changed"]) == (None, None, True)


def test_changes_between_replacing_and_validating(config: Run, simulator: Simulator, workspace: Workspace) -> None:
    workspace.configuration = THEIRS
    simulator.reject_token(OTHER_TOKEN)
    workspace.fault("replace", afterwards={"configuration": THEIRS})
    result = config(validate=True)
    assert workspace.requests == [GET, PUT, VALIDATE]
    assert result["failed"] is True
    assert (result["changed"], result["validation"]["is_valid"]) == (True, False)


def test_vanishes_between_reading_and_validating(config: Run, workspace: Workspace) -> None:
    workspace.configuration = OURS
    workspace.fault("get", afterwards={"configuration": None})
    result = config(validate=True)
    assert (result["failed"], result["changed"], result["configuration"]) == (True, False, None)
    assert result["http_status"] == 404
    assert "Another client removed it" in result["msg"]
    assert result["msg"].endswith("Current configuration: none.")


def test_vanishes_while_information_is_gathered(info: Run, workspace: Workspace) -> None:
    workspace.configuration = OURS
    workspace.fault("get", afterwards={"configuration": None})
    result = info(validate=True)
    assert workspace.requests == [GET, VALIDATE]
    assert (result.get("failed", False), result["configuration"], result["validation"]) == (False, None, None)


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


def test_a_write_that_may_have_been_applied_stays_a_change(config: Run, workspace: Workspace) -> None:
    """Its response was lost, another client's configuration was read after it, and then that was removed."""
    workspace.fault("add", drop=True, afterwards={"configuration": THEIRS})
    workspace.fault("get")
    workspace.fault("get", afterwards={"configuration": None})
    result = config(update_token="on_create", validate=True)
    assert workspace.requests == [GET, POST, GET, VALIDATE]
    assert (result["failed"], result["changed"], result["configuration"]) == (True, True, None)


def test_a_write_that_was_applied_late_is_a_change(config: Run, workspace: Workspace) -> None:
    """Its response was lost, and what is stored was read before it was applied: the second attempt finds it."""
    workspace.fault("add", drop=True)
    workspace.fault("get")
    workspace.fault("get", afterwards={"configuration": OURS})
    workspace.fault("get", afterwards={"configuration": None})
    result = config(validate=True)
    assert workspace.requests == [GET, POST, GET, POST, GET, VALIDATE]
    assert (result["failed"], result["changed"], result["configuration"]) == (True, True, None)


def test_only_the_newest_read_says_what_was_written(config: Run, workspace: Workspace) -> None:
    """An addition is found, but the replacement that follows is confirmed with something else, and then all is gone."""
    workspace.fault("add", drop=True, processed=True)
    other = {"isTokenReadonly": False, "lastFour": "zz99"}
    workspace.fault("replace", body={"configurations": [other]}, afterwards={"configuration": None})
    result = config(update_token="always", retries=1)
    assert workspace.requests == [GET, POST, GET, PUT, GET]
    assert (result["failed"], result["changed"], result["configuration"]) == (True, True, None)
