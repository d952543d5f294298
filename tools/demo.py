# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: rollouts, rotations, invalid tokens, an audit and a removal, with the real playbooks and modules.

Everything goes over HTTPS to a simulator of the API on this machine. After each step, the demo prints the requests that
were sent, and the end of the token in each workspace. The exit status is 1 if a step did not end as expected.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.simulator import Simulator, Workspace
from tests.support.environment import short_folder

TOKEN = "u+EXAMPLEfirst04ab12"
NEW_TOKEN = "u+EXAMPLEsecond5cd34"
THIRD_TOKEN = "u+EXAMPLEthird06ef56"
FOURTH_TOKEN = "u+EXAMPLEfourth7gh78"
BAD_TOKEN = "u+EXAMPLErejectedbad"
READ_ONLY = True
ROLLOUT = "cortexapps.cortex.pagerduty_rollout -e cortex_pagerduty_token"
LINE = "=" * 100

ROTATION = "rotation.yml"
ROTATION_PLAYBOOK = """\
- name: Rotate the PagerDuty token of a Cortex workspace
  hosts: payments
  connection: local
  gather_facts: false
  tasks:
    - name: Check, store and validate the new token, and restore the old one if the new one is not valid
      cortexapps.cortex.cortex_pagerduty_config:
        api_key: "{{ cortex_pagerduty_api_key }}"
        base_url: "{{ cortex_pagerduty_base_url }}"
        ca_path: "{{ cortex_pagerduty_ca_path }}"
        token: "{{ new_token }}"
        is_token_readonly: "{{ cortex_pagerduty_is_token_readonly }}"
        preflight: true
        preflight_url: "{{ cortex_pagerduty_preflight_url }}"
        validate: true
        rollback: true
        previous_token: "{{ old_token }}"
"""
NOT_VALID = {"configurations": [{"isValid": False, "message": "The token belongs to another PagerDuty account"}]}
# A title and the arguments of ansible-playbook, by turns. An exclamation mark: the playbook must fail.
STEPS = f"""\
Check mode: what a rollout to three workspaces would do. It writes nothing.
  {ROLLOUT}={TOKEN} --check --diff
The same for real: one configuration is added, two are replaced, and Cortex validates all three.
  {ROLLOUT}={TOKEN} --diff
Again: nothing changes.
  {ROLLOUT}={TOKEN} --diff
A rotation in two batches: one workspace, then the others. PagerDuty is asked about the new token first.
  {ROLLOUT}={NEW_TOKEN} -e cortex_pagerduty_preflight=true -e cortex_rollout_serial=1,2 --diff
A token that PagerDuty does not accept. The preflight rejects it, and nothing is written.
! {ROLLOUT}={BAD_TOKEN} -e cortex_pagerduty_preflight=true -e cortex_rollout_serial=1
The same token without preflight. Cortex says that it is not valid, and the previous one is restored.
! {ROLLOUT}={BAD_TOKEN} -e cortex_pagerduty_previous_token={NEW_TOKEN} -e cortex_rollout_serial=1
A rotation with preflight and rollback as one task, in a playbook of your own.
  {ROTATION} -e new_token={THIRD_TOKEN} -e old_token={NEW_TOKEN} --diff
The same task with a token that PagerDuty accepts and Cortex does not. The task restores the previous token.
! {ROTATION} -e new_token={FOURTH_TOKEN} -e old_token={THIRD_TOKEN} --diff
An audit: the configuration of each workspace, and whether it is valid.
  cortexapps.cortex.pagerduty_audit
Removal.
  cortexapps.cortex.pagerduty_rollout -e cortex_pagerduty_state=absent --diff
""".splitlines()


def main() -> int:
    """Run all steps; return the exit status."""
    unexpected = []
    with short_folder() as folder, Simulator(tls=True) as simulator:
        (folder / "workspaces.json").write_text(json.dumps(workspaces(simulator)))
        (folder / ROTATION).write_text(ROTATION_PLAYBOOK)
        simulator.reject_token(BAD_TOKEN)
        for number, (title, arguments) in enumerate(zip(STEPS[::2], STEPS[1::2], strict=True), 1):
            print(f"\n{LINE}\n{number}. {title}", flush=True)
            if run(arguments.strip("! "), folder, simulator) is arguments.startswith("!"):
                unexpected.append(number)
            counts = Counter(simulator.requests)
            print("Requests:", ", ".join(f"{count} x {request}" for request, count in counts.items()))
            print("Tokens:", ", ".join(map(stored, simulator.workspaces.values())), flush=True)
            simulator.clear_log()
    print(LINE)
    print(f"Not as expected: {unexpected}" if unexpected else "All steps ended as expected.")
    return 1 if unexpected else 0


def workspaces(simulator: Simulator) -> dict[str, object]:
    """Create three workspaces, and return the inventory in which each is a host."""
    hosts = {}
    for name, configuration in {
        "payments": None,
        "checkout": {"token": "u+EXAMPLEcheckoutoldk", "is_token_readonly": READ_ONLY},
        "search": {"token": "u+EXAMPLEsearch00olds", "is_token_readonly": not READ_ONLY},
    }.items():
        key = f"ck_live_{name}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
        simulator.add_workspace(key, name, configuration)
        hosts[name] = {"cortex_pagerduty_api_key": key}
    connection = {
        "cortex_pagerduty_base_url": simulator.url,
        "cortex_pagerduty_ca_path": simulator.ca_path,
        "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
        "cortex_pagerduty_is_token_readonly": READ_ONLY,
    }
    return {"cortex": {"hosts": hosts, "vars": connection}}


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return an environment for ansible-playbook, which keeps its temporary files in a folder."""
    temporary = dict.fromkeys(("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TEMP"), str(folder))
    return {**os.environ, **temporary, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false", **variables}


def stored(workspace: Workspace) -> str:
    """Describe the configuration of a workspace."""
    configuration = workspace.configuration
    return f"{workspace.name} ...{configuration['token'][-4:]}" if configuration else f"{workspace.name} none"


def run(arguments: str, folder: Path, simulator: Simulator) -> bool:
    """Run a playbook; return whether it succeeded."""
    playbook, *options = arguments.split()
    command = ["ansible-playbook", playbook, "-i", "workspaces.json", "-e", "cortex_workspaces=cortex", *options]
    print(f"   {' '.join(command)}\n{LINE}", flush=True)
    if playbook == ROTATION:
        print(ROTATION_PLAYBOOK, end="", flush=True)
    if f"new_token={FOURTH_TOKEN}" in options:
        simulator.fault("validate", body=NOT_VALID)
    # The preflight is PagerDuty's part: it knows nothing of the CA in cortex_pagerduty_ca_path.
    env = environment(folder, SSL_CERT_FILE=simulator.ca_path or "")
    return subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
