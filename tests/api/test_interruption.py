# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that its keyword ``timeout`` ends inside Ansible's process: the result is true at any moment."""

from __future__ import annotations

import os
import time
from typing import Any
from unittest import mock

import pytest
import requests

from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import ABILITIES, API_KEY, GET, OTHER_TOKEN, PUT, TOKEN, VALIDATE, configuration
from tests.support.tasks import CONFIG, INFO, WHAT_IS_STORED, Stored, Unknown, action, shown, state, without_note

OLD, WANTED = configuration(OTHER_TOKEN), configuration(TOKEN)
ROLLBACK = {"preflight": True, "validate": True, "rollback": True, "previous_token": OTHER_TOKEN}
SENT = [GET, ABILITIES, PUT, VALIDATE, GET, PUT]
# What is stored, as far as it is known when each of them is interrupted.
KNOWN: list[Stored | Unknown] = ["unknown", OLD, "unknown", WANTED, WANTED, "unknown"]


class TimedOut(BaseException):
    """As Ansible's own, whose class is private: not an Exception."""


def run_for_seven_seconds(simulator: Simulator, **options: Any) -> dict[str, Any]:
    """Run a task with the keyword ``timeout``, and check that the environment is restored."""
    urls = {"base_url": simulator.url, "preflight_url": simulator.pagerduty_url}
    given = {"api_key": API_KEY, "token": TOKEN, "is_token_readonly": True, **urls, **options}
    variables = dict(os.environ)
    plugin = action(CONFIG, given, timeout=7, environment=[{"NO_PROXY": "127.0.0.1"}])
    result: dict[str, Any] = plugin.run(task_vars={})
    assert dict(os.environ) == variables
    assert (result["failed"], result["timedout"]) == (True, {"period": 7})
    assert result["msg"].startswith("The task timed out after 7 s, as its keyword timeout says. ")
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    return result


@pytest.mark.parametrize("number", range(6))
def test_timeout_ends_the_task_at_once(
    simulator: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    sent, known = SENT[: number + 1], KNOWN[number]
    workspace.configuration = OLD
    workspace.fault("validate", body={"configurations": [{"isValid": False}]})
    send = requests.adapters.HTTPAdapter.send

    def interrupted_send(*arguments: Any, **options: Any) -> requests.Response:
        response = send(*arguments, **options)
        if simulator.requests == sent:
            raise TimedOut
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", interrupted_send)
    result = run_for_seven_seconds(simulator, **ROLLBACK)
    assert simulator.requests == sent
    assert result["changed"] is (PUT in sent)
    assert ("may have been applied" in result["msg"]) is (sent[-1] == PUT)
    assert result["configuration"] == shown(known)
    assert without_note(result["diff"]["after"]) == state(known)
    assert result["preflight"] is (True if number > 1 else None)
    assert (result["validation"] and result["validation"]["is_valid"]) is (False if number > 3 else None)
    assert result["rolled_back"] is False


@pytest.mark.parametrize(("fault", "known"), [({"status": 429}, OLD), ({"drop": True}, "unknown")])
def test_timeout_while_waiting_after_a_write_reports_what_is_certain(
    simulator: Simulator,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    known: Stored | Unknown,
) -> None:
    """A write that was refused was not applied. What became of one that was lost is unknown."""
    monkeypatch.setattr(time, "sleep", mock.Mock(side_effect=TimedOut))
    workspace.configuration = OLD
    workspace.fault("replace", **fault)
    result = run_for_seven_seconds(simulator)
    assert workspace.requests == [GET, PUT]
    assert (result["changed"], result["configuration"]) == (known == "unknown", shown(known))
    assert result["diff"] == {"before": state(OLD), "after": state(known)}


def test_other_interruption_is_not_taken_for_a_timeout(
    simulator: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", mock.Mock(side_effect=KeyboardInterrupt))
    workspace.fault("get", status=503)
    variables = dict(os.environ)
    plugin = action(INFO, {"api_key": API_KEY, "base_url": simulator.url}, environment=[{"NO_PROXY": "127.0.0.1"}])
    with pytest.raises(KeyboardInterrupt):
        plugin.run(task_vars={})
    assert dict(os.environ) == variables
