# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed and written of a task, with every output turned on, is nothing or Ansible's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.secrets.leaks import PAYLOADS, leaks_below, leaks_in
from tests.e2e.secrets.playbook import everything_debugged
from tests.simulator import Simulator
from tests.support.cortex import OTHER_TOKEN, TOKEN, api_key_of
from tests.support.marks import path_without_shell_characters

from .playbook import AS_MODULE, Controller, Run, config, info, plays

pytestmark = path_without_shell_characters

SECRETS = {"the API key": api_key_of("loud"), "the token": TOKEN, "the other token": OTHER_TOKEN}
# Takes the place of a bug: an exception that nobody expects, with secrets in its text.
BUG = """
import requests

def request(self, *arguments, **options):
    raise LookupError(f"{arguments} {options} {vars(self.auth)}")

requests.Session.request = request
"""
# Values are in a file of variables: Ansible shows the lines of a playbook around a task that fails.
TASKS = {
    "refused": config(token="{{ new_token }}"),
    "written": config(token="{{ old_token }}"),
    "rolled_back": config(token="{{ new_token }}", validate=True, rollback=True, previous_token="{{ old_token }}"),
    "invalid": config(token="{{ new_token }}\n"),
    "read": info(validate=True, timeout=2345.5),
}
# Of these Ansible prints all arguments of a module twice.
REJECTED = {
    "misspelled": config(tokn="{{ new_token }}", base_url="https://user:{{ old_token }}@127.0.0.1"),
    "of_no_use": info(token="{{ new_token }}"),
}
FAILED = {"refused", "rolled_back", "invalid", "misspelled", "of_no_use"}


def play_loudly(
    folder: Path, tasks: dict[str, dict[str, Any]], keywords: dict[str, Any], bug: str = ""
) -> tuple[Path, Run]:
    """Run tasks, and return the folder with all that was written."""
    with Simulator(tls=True) as simulator:
        simulator.reject_token(TOKEN)
        workspace = simulator.add_workspace(api_key_of("loud"), "loud")
        workspace.fault("add", status=400, body={"message": "{token} {api_key}", "type": "{token}"})
        controller = Controller(folder, simulator)
        controller.env |= everything_debugged(controller.written)
        controller.env["PYTHONPATH"] += f":{controller.given}"
        (controller.given / "sitecustomize.py").write_text(bug)
        (controller.given / "variables.yml").write_text(f"new_token: {TOKEN}\nold_token: {OTHER_TOKEN}\n")
        loud = plays(loud=[task | keywords | {"register": name, "ignore_errors": True} for name, task in tasks.items()])
        run = controller.play(loud, "-e", "@variables.yml", loud={"ansible_python_interpreter": controller.python})
    assert leaks_below(controller.written, SECRETS) == []
    return controller.written, run


def test_no_trace_of_a_task_in_process(tmp_path: Path) -> None:
    """Not even of an argument that is no secret."""
    written, run = play_loudly(tmp_path, TASKS | REJECTED, {})
    assert {name for name, result in run.results["loud"].items() if result["failed"]} == FAILED
    assert run.pythons == []
    assert list(written.rglob(PAYLOADS)) == []
    assert not (written / "journal").exists()


def test_of_a_module_only_ansibles_own_is_shown(tmp_path: Path) -> None:
    """What it prints of a module that it starts, and what it sends to a host."""
    written, run = play_loudly(tmp_path, TASKS, AS_MODULE)
    assert {name for name, result in run.results["loud"].items() if result["failed"]} == FAILED & TASKS.keys()
    payloads = list(written.rglob(PAYLOADS))
    assert len(run.pythons) == len(payloads) == len(TASKS)
    assert all(leaks_in(payload.read_text(), SECRETS) for payload in payloads)
    assert "Invoked with" in (written / "journal").read_text()


@pytest.mark.parametrize("keywords", [{}, AS_MODULE], ids=["in process", "as a module"])
def test_unexpected_exception_is_named_without_its_text(tmp_path: Path, keywords: dict[str, Any]) -> None:
    tasks = {name: TASKS[name] for name in ("written", "read")}
    _written, run = play_loudly(tmp_path, tasks, keywords, BUG)
    message = "An unexpected error occurred: LookupError in sitecustomize.py, line 5. Report it at "
    assert [result["msg"].startswith(message) for result in run.results["loud"].values()] == [True, True]
