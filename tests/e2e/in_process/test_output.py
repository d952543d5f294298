# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed and written of a task with every output turned on, in each version of ansible-core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.secrets.playbook import everything_debugged
from tests.simulator import Simulator
from tests.support.cortex import OTHER_TOKEN, TOKEN, api_key_of
from tests.support.leaks import PAYLOADS, leaks_below, leaks_in
from tests.support.marks import path_without_shell_characters

from .playbook import AS_MODULE, Controller, Run, config, info, plays

pytestmark = path_without_shell_characters

SECRETS = {"the API key": api_key_of("loud"), "the token": TOKEN, "the other token": OTHER_TOKEN}
# Takes the place of a bug: an exception that nobody expects, with secrets in its text.
BUG = """
import os, requests

request = requests.Session.request

def buggy_request(self, *arguments, **options):
    if "TEST_BUG" in os.environ:
        raise LookupError(f"{arguments} {options} {vars(self.auth)}")
    return request(self, *arguments, **options)

requests.Session.request = buggy_request
"""
IN_BUG = {"environment": {"TEST_BUG": "1"}}
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


@pytest.mark.parametrize("is_module", [False, True], ids=["in process", "as a module"])
def test_only_what_ansible_sends_to_a_host_contains_a_secret(tmp_path: Path, is_module: bool) -> None:
    tasks, keywords = (TASKS, AS_MODULE) if is_module else (TASKS | REJECTED, {})
    with Simulator(tls=True) as simulator:
        simulator.reject_token(TOKEN)
        workspace = simulator.add_workspace(api_key_of("loud"), "loud")
        workspace.fault("add", status=400, body={"message": "{token} {api_key}", "type": "{token}"})
        controller = Controller(tmp_path, simulator)
        controller.env |= everything_debugged(controller.written)
        controller.env["PYTHONPATH"] += f":{controller.given}"
        (controller.given / "sitecustomize.py").write_text(BUG)
        (controller.given / "variables.yml").write_text(f"new_token: {TOKEN}\nold_token: {OTHER_TOKEN}\n")
        loud = plays(loud=[task | keywords | {"register": name, "ignore_errors": True} for name, task in tasks.items()])
        run = controller.play(loud, "-e", "@variables.yml", loud={"ansible_python_interpreter": controller.python})
    results, written = run.results["loud"], controller.written
    assert {name for name, result in results.items() if result["failed"]} == tasks.keys() - {"written", "read"}
    for name in ("config_bug", "info_bug"):
        message = "An unexpected error occurred: LookupError in sitecustomize.py, line 8. Report it at "
        assert results[name]["msg"].startswith(message)
    assert leaks_below(written, SECRETS) == []
    payloads = list(written.rglob(PAYLOADS))
    assert len(run.pythons) == len(payloads) == (len(TASKS) if is_module else 0)
    assert all(leaks_in(payload.read_text(), SECRETS) for payload in payloads)
    assert (written / "journal").exists() is is_module
