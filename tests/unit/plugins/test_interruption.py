# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is ended in the middle: by its keyword ``timeout`` inside Ansible's process, or as a cancelled job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.tests.simulator import Fault, Simulator
from ansible_collections.cortexapps.cortex.tests.simulator.state import Workspace
from ansible_collections.cortexapps.cortex.tests.support.cortex import (
    ABILITIES,
    API_KEY,
    DELETE,
    GET,
    OTHER_TOKEN,
    POST,
    PUT,
    TOKEN,
    VALIDATE,
    configuration,
)
from ansible_collections.cortexapps.cortex.tests.support.waiting import wait_until

from .conftest import CONFIG, INFO, ROOT, WAYS, WHAT_IS_STORED, Run, Stored, Unknown, action, shown, state, without_note

OLD, WANTED = configuration(OTHER_TOKEN), configuration(TOKEN)
# A module's main() on the arguments in argv, without the collection being installed.
PROGRAM = f"""
import importlib.util, sys, json
spec = importlib.util.spec_from_file_location("paths", {str(ROOT / "tests" / "conftest.py")!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
from ansible_collections.cortexapps.cortex.plugins.modules import cortex_pagerduty_config
cortex_pagerduty_config.main()
"""


@pytest.mark.parametrize(
    ("operation", "is_done", "options", "stored", "wanted", "sent"),
    [
        ("get", True, {}, OLD, WANTED, [GET]),
        ("add", False, {}, None, WANTED, [GET, POST]),
        ("add", True, {}, None, WANTED, [GET, POST]),
        ("replace", False, {}, OLD, WANTED, [GET, PUT]),
        ("replace", True, {}, OLD, WANTED, [GET, PUT]),
        ("delete", False, {"state": "absent"}, OLD, None, [GET, DELETE]),
        ("delete", True, {"state": "absent"}, OLD, None, [GET, DELETE]),
        ("validate", True, {"validate": True}, OLD, WANTED, [GET, PUT, VALIDATE]),
    ],
)
def test_next_run_converges(
    config: Run,
    simulator: Simulator,
    workspace: Workspace,
    operation: str,
    is_done: bool,
    options: dict[str, Any],
    stored: Stored,
    wanted: Stored,
    sent: list[str],
) -> None:
    workspace.configuration = stored
    # Longer than the test takes: the response never comes.
    workspace.fault(operation, delay=600, drop=True, processed=is_done)
    given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True, **options}
    with start({**given, "_ansible_remote_tmp": "/tmp"}) as process:
        wait_until(lambda: len(workspace.requests) >= len(sent) or process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert workspace.requests == sent
    assert workspace.configuration in (stored, wanted)
    for secret in (API_KEY, TOKEN):
        assert secret.encode() not in out + err

    result = config(**options)

    assert "failed" not in result
    assert workspace.configuration == wanted
    assert config(**options)["changed"] is False


# What the keyword "timeout" does inside Ansible's process


class TimedOut(BaseException):
    """As Ansible's own, whose class is private: not an Exception."""


ROLLBACK = {"preflight": True, "validate": True, "rollback": True, "previous_token": OTHER_TOKEN}
SENT = [GET, ABILITIES, PUT, VALIDATE, GET, PUT]
# The operation that is interrupted, and what is known then: how many requests there were, what is stored.
MOMENTS: dict[str, tuple[str, int, Stored | Unknown]] = {
    "read": ("get", 1, "unknown"),
    "preflight": ("abilities", 2, OLD),
    "write": ("replace", 3, "unknown"),
    "validate": ("validate", 4, WANTED),
    "read of the rollback": ("get", 5, WANTED),
    "write of the rollback": ("replace", 6, "unknown"),
}
WITHOUT_CONTROLLER = pytest.mark.skipif("in process" not in WAYS, reason="ansible-test left out the controller")


@pytest.fixture
def alarm_after(simulator: Simulator) -> Iterator[Callable[[int], None]]:
    """A function that has the effect of Ansible's alarm when so many requests have arrived."""
    watchers: list[threading.Thread] = []

    def time_out(_signal: int, _frame: object) -> None:
        raise TimedOut

    def watch(requests: int) -> None:
        wait_until(lambda: len(simulator.log) >= requests)
        os.kill(os.getpid(), signal.SIGALRM)

    def start_watcher(requests: int) -> None:
        watchers.append(threading.Thread(target=watch, args=(requests,)))
        watchers[-1].start()

    before = signal.signal(signal.SIGALRM, time_out)
    yield start_watcher
    for watcher in watchers:
        watcher.join()
    signal.signal(signal.SIGALRM, before)


@WITHOUT_CONTROLLER
@pytest.mark.parametrize("is_done", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_timeout_ends_the_task_at_once(
    alarm_after: Callable[[int], None], simulator: Simulator, workspace: Workspace, moment: str, is_done: bool
) -> None:
    operation, requests, known = MOMENTS[moment]
    workspace.configuration = OLD
    workspace.fault("validate", body={"configurations": [{"isValid": False}]})
    skip = SENT[:requests].count(SENT[requests - 1]) - 1
    # Ahead of the verdict, and longer than the test takes.
    workspace.faults.insert(0, Fault(operation, skip=skip, delay=600, drop=True, processed=is_done))
    alarm_after(requests)
    urls = {"base_url": simulator.url, "preflight_url": simulator.pagerduty_url}
    given = {"api_key": API_KEY, "token": TOKEN, "is_token_readonly": True, **urls, **ROLLBACK}
    variables = dict(os.environ)
    result = action(CONFIG, given, timeout=7, environment=[{"NO_PROXY": "127.0.0.1"}]).run(task_vars={})

    assert simulator.requests == SENT[:requests]
    assert dict(os.environ) == variables
    assert (result["failed"], result["timedout"]) == (True, {"period": 7})
    assert result["msg"].startswith("The task timed out after 7 s, as its keyword timeout says. ")
    assert len(WHAT_IS_STORED.findall(result["msg"])) == 1
    assert result["changed"] is (PUT in SENT[:requests])
    assert ("may have been applied" in result["msg"]) is (SENT[requests - 1] == PUT)
    assert result["configuration"] == shown(known)
    assert without_note(result["diff"]["after"]) == state(known)
    assert result["preflight"] is (True if requests > 2 else None)
    assert (result["validation"] and result["validation"]["is_valid"]) is (False if requests > 4 else None)
    assert result["rolled_back"] is False


@WITHOUT_CONTROLLER
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 429}], ids=["lost", "rejected"])
def test_timeout_while_waiting_for_the_next_attempt(
    simulator: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    def time_out(_seconds: float) -> None:
        raise TimedOut

    monkeypatch.setattr(time, "sleep", time_out)
    workspace.fault("add", **fault)
    given = {"api_key": API_KEY, "base_url": simulator.url, "token": TOKEN, "is_token_readonly": True}
    result = action(CONFIG, given, timeout=7).run(task_vars={})
    assert workspace.requests == [GET, POST]
    assert (result["failed"], result["changed"], result["diff"]["after"]) == (True, True, {"state": "unknown"})


@WITHOUT_CONTROLLER
def test_timeout_while_information_is_gathered(
    alarm_after: Callable[[int], None], simulator: Simulator, workspace: Workspace
) -> None:
    workspace.configuration = OLD
    workspace.fault("validate", delay=600, drop=True)
    alarm_after(2)
    given = {"api_key": API_KEY, "base_url": simulator.url, "validate": True}
    result = action(INFO, given, timeout=7).run(task_vars={})
    assert result["msg"] == "The task timed out after 7 s, as its keyword timeout says."
    assert (result["failed"], result["changed"], result["timedout"]) == (True, False, {"period": 7})
    assert (result["configuration"], result["validation"]) == (shown(OLD), None)


@WITHOUT_CONTROLLER
def test_other_interruption_is_not_taken_for_a_timeout(
    simulator: Simulator, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    workspace.fault("get", status=503)
    variables = dict(os.environ)
    plugin = action(INFO, {"api_key": API_KEY, "base_url": simulator.url}, environment=[{"NO_PROXY": "127.0.0.1"}])
    with pytest.raises(KeyboardInterrupt):
        plugin.run(task_vars={})
    assert dict(os.environ) == variables


# A process that is ended


def start(arguments: dict[str, Any]) -> subprocess.Popen[bytes]:
    # Ansible itself may have been made importable in a way that a child process does not inherit.
    path = os.pathsep.join([str(Path(sys.modules[AnsibleModule.__module__].__file__ or "").parents[2]), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    process.stdin.close()
    process.stdin = None
    return process
