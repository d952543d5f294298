# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed and written of a task, with every output turned on, is the same in both ways or Ansible's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.secrets.leaks import PAYLOADS, leaks_below, leaks_in
from tests.e2e.secrets.playbook import everything_debugged
from tests.simulator import Simulator
from tests.simulator.state import Workspace
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN
from tests.support.marks import path_without_shell_characters

from .playbook import AS_MODULE, SECRETS, Controller, config, info

pytestmark = path_without_shell_characters

# Their values are in a file of variables: Ansible shows the lines of a playbook around a task that fails.
VARIABLES = {"key": API_KEY, "new_token": TOKEN, "old_token": OTHER_TOKEN}
KEY, NEW_TOKEN, OLD_TOKEN = ("{{ " + name + " }}" for name in VARIABLES)
# Takes the place of a bug: an exception that nobody expects, with secrets in its text.
BUG = """
import requests

def request(self, *arguments, **options):
    raise LookupError(f"{arguments} {options} {self.auth._value}")

requests.Session.request = request
"""


@pytest.fixture
def options(controller: Controller) -> list[str | Path]:
    variables = controller.given / "variables.yml"
    variables.write_text("".join(f"{name}: {value}\n" for name, value in VARIABLES.items()))
    return ["-e", f"@{variables}"]


@pytest.fixture
def loud(controller: Controller) -> Controller:
    """A controller that writes all that it can."""
    controller.env |= everything_debugged(controller.written)
    return controller


def tasks(simulator: Simulator, workspace: Workspace) -> list[dict[str, Any]]:
    """Return tasks that succeed, fail, are rolled back, and are rejected."""
    simulator.reject_token(TOKEN)
    workspace.fault("add", status=400, body={"message": "{token} {api_key}", "type": "{token}"})
    rotation = {"validate": True, "rollback": True, "previous_token": OLD_TOKEN}
    return [
        config("refused", api_key=KEY, token=NEW_TOKEN),
        config("written", api_key=KEY, token=OLD_TOKEN),
        config("rolled_back", api_key=KEY, token=NEW_TOKEN, **rotation),
        config("invalid", api_key=KEY, token=NEW_TOKEN + "\n"),
        config("misspelled", api_key=KEY, tokn=NEW_TOKEN, base_url=f"https://user:{OLD_TOKEN}@127.0.0.1"),
        info("of_no_use", api_key=KEY, token=NEW_TOKEN),
        info("read", api_key=KEY, validate=True),
    ]


FAILED = {
    "refused": True,
    "written": False,
    "rolled_back": True,
    "invalid": True,
    "misspelled": True,
    "of_no_use": True,
    "read": False,
}


def test_no_trace_of_a_task_in_process(
    loud: Controller, simulator: Simulator, workspace: Workspace, options: list[str | Path]
) -> None:
    quiet = [task | {"ignore_errors": True} for task in tasks(simulator, workspace)]
    run = loud.play(*quiet, options=options)
    assert {name: run.results[name]["failed"] for name in FAILED} == FAILED
    assert leaks_below(loud.written, SECRETS) == []
    assert run.pythons == []
    assert list(loud.written.rglob(PAYLOADS)) == []
    assert not (loud.written / "journal").exists()


def test_no_argument_is_shown_by_debugging(loud: Controller, workspace: Workspace) -> None:
    """Not even one that is no secret."""
    loud.env |= {"ANSIBLE_VERBOSITY": "0", "ANSIBLE_LOG_VERBOSITY": "0", "ANSIBLE_INJECT_INVOCATION": "1"}
    run = loud.play(info("read", timeout=2345.5))
    assert run.results["read"]["invocation"]["module_args"]["timeout"] == 2345.5
    (loud.written / "registered.json").unlink()
    assert leaks_below(loud.written, {"an argument": "2345.5"}) == []


def test_of_a_module_only_ansibles_own_is_shown(
    loud: Controller, simulator: Simulator, workspace: Workspace, options: list[str | Path]
) -> None:
    """What it prints of a module that it starts, and what it sends to a host."""
    # Not those that Ansible rejects: of these it prints all arguments twice.
    accepted = [task for task in tasks(simulator, workspace) if task["register"] not in ("misspelled", "of_no_use")]
    modules = [task | AS_MODULE | {"ignore_errors": True} for task in accepted]
    run = loud.play(*modules, options=options)
    assert {name: result["failed"] for name, result in run.results.items()} == {
        task["register"]: FAILED[task["register"]] for task in accepted
    }
    assert leaks_below(loud.written, SECRETS) == []
    payloads = list(loud.written.rglob(PAYLOADS))
    assert len(run.pythons) == len(payloads) == len(modules)
    assert all(leaks_in(payload.read_text(), SECRETS) for payload in payloads)
    assert "Invoked with" in (loud.written / "journal").read_text()


def test_arguments_are_displayed_as_the_playbook_has_them(
    controller: Controller, workspace: Workspace, options: list[str | Path]
) -> None:
    controller.env["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"] = "1"
    hidden = config(api_key=KEY) | {"no_log": True}
    run = controller.play(config(api_key=KEY, token=NEW_TOKEN), hidden, options=options)
    assert run.status == 0
    assert f"token={NEW_TOKEN}" in run.output
    assert leaks_below(controller.written, SECRETS) == []
    literal = controller.play(config(api_key=KEY), options=options)
    assert f"token={TOKEN}" in literal.output


def test_unexpected_exception_is_named_without_its_text(
    loud: Controller, workspace: Workspace, options: list[str | Path]
) -> None:
    (loud.given / "sitecustomize.py").write_text(BUG)
    loud.env["PYTHONPATH"] += f":{loud.given}"
    bugs = [config("c", api_key=KEY, token=NEW_TOKEN), info("i", api_key=KEY)]
    modules = [task | AS_MODULE | {"register": f"{task['register']}_as_module"} for task in bugs]
    run = loud.play(*[task | {"ignore_errors": True} for task in (*bugs, *modules)], options=options)
    message = "An unexpected error occurred: LookupError in sitecustomize.py, line 5. Report it at "
    assert [result["msg"].startswith(message) for result in run.results.values()] == [True] * 4
    assert leaks_below(loud.written, SECRETS) == []
