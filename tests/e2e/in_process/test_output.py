# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed and written of a task with every output turned on, in each version of ansible-core."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.secrets.playbook import everything_debugged
from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, POST, TOKEN, api_key_of
from tests.support.leaks import PAYLOADS, leaks_below, leaks_in
from tests.support.marks import path_without_shell_characters

from .playbook import AS_MODULE, Controller, Run, config, info, plays

pytestmark = path_without_shell_characters

SECRETS = {"the API key": api_key_of("loud"), "the token": TOKEN, "the other token": OTHER_TOKEN}
# Takes the place of a bug (an exception that nobody expects, with secrets in its text), and of somebody who terminates
# Ansible when a write has just been applied.
BAD_LUCK = """
import os, requests, signal

request = requests.Session.request

def unlucky_request(self, *arguments, **options):
    if os.environ.get("TEST_BAD_LUCK") == "bug":
        raise LookupError(f"{arguments} {options} {vars(self.auth)}")
    response = request(self, *arguments, **options)
    if os.environ.get("TEST_BAD_LUCK") == arguments[0]:
        for process in (os.getppid(), os.getpid()):
            os.kill(process, signal.SIGTERM)
    return response

requests.Session.request = unlucky_request
"""
IN_BUG = {"environment": {"TEST_BAD_LUCK": "bug"}}
# Values are in a file of variables: Ansible shows the lines of a playbook around a task that fails.
TASKS = {
    "refused": config(token="{{ new_token }}"),
    "written": config(token="{{ old_token }}"),
    "rolled_back": config(token="{{ new_token }}", validate=True, rollback=True, previous_token="{{ old_token }}"),
    "invalid": config(token="{{ new_token }}\n"),
    "read": info(validate=True),
    "config_bug": config(token="{{ new_token }}") | IN_BUG,
    "info_bug": info() | IN_BUG,
}
# Of these Ansible prints all arguments of a module twice.
REJECTED = {
    "misspelled": config(tokn="{{ new_token }}", base_url="https://user:{{ old_token }}@127.0.0.1"),
    "of_no_use": info(token="{{ new_token }}"),
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(tls=True) as simulator:
        simulator.reject_token(TOKEN)
        simulator.add_workspace(api_key_of("loud"), "loud")
        yield simulator


@pytest.fixture
def controller(simulator: Simulator, tmp_path: Path) -> Controller:
    controller = Controller(tmp_path, simulator)
    controller.env |= everything_debugged(controller.written)
    controller.env["PYTHONPATH"] += f":{controller.given}"
    (controller.given / "sitecustomize.py").write_text(BAD_LUCK)
    (controller.given / "variables.yml").write_text(f"new_token: {TOKEN}\nold_token: {OTHER_TOKEN}\n")
    return controller


def play(controller: Controller, tasks: dict[str, dict[str, Any]], keywords: dict[str, Any]) -> Run:
    """Run tasks, and check that nothing but what Ansible sends to a host contains a secret."""
    loud = plays(loud=[task | keywords | {"register": name, "ignore_errors": True} for name, task in tasks.items()])
    run = controller.play(loud, "-e", "@variables.yml", loud={"ansible_python_interpreter": controller.python})
    assert leaks_below(controller.written, SECRETS) == []
    return run


@pytest.mark.parametrize("is_module", [False, True], ids=["in process", "as a module"])
def test_only_what_ansible_sends_to_a_host_contains_a_secret(
    simulator: Simulator, controller: Controller, is_module: bool
) -> None:
    body = {"message": "{token} {api_key}", "type": "{token}"}
    simulator.workspaces["loud"].fault("add", status=400, body=body)
    tasks, keywords = (TASKS, AS_MODULE) if is_module else (TASKS | REJECTED, {})
    run = play(controller, tasks, keywords)
    results, written = run.results["loud"], controller.written
    assert {name for name, result in results.items() if result["failed"]} == tasks.keys() - {"written", "read"}
    for name in ("config_bug", "info_bug"):
        message = "An unexpected error occurred: LookupError in sitecustomize.py, line 8. Report it at "
        assert results[name]["msg"].startswith(message)
    payloads = list(written.rglob(PAYLOADS))
    assert len(run.pythons) == len(payloads) == (len(TASKS) if is_module else 0)
    assert all(leaks_in(payload.read_text(), SECRETS) for payload in payloads)
    assert (written / "journal").exists() is is_module


def test_run_that_is_terminated_during_a_write_can_be_repeated(simulator: Simulator, controller: Controller) -> None:
    write = {"written": config(token="{{ old_token }}")}
    terminated = play(controller, write, {"environment": {"TEST_BAD_LUCK": "POST"}})
    assert (terminated.status, terminated.results) == (-signal.SIGTERM, {})
    again = play(controller, write, {})
    assert (again.status, again.results["loud"]["written"]["changed"]) == (0, False)
    assert simulator.workspaces["loud"].requests == [GET, POST, GET]
