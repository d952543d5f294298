# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: rollouts, rotations, invalid tokens, an audit and a removal, with the real playbooks and modules.

Everything goes over HTTPS to a simulator of the API on this machine. Each step lists the requests that it must send and
what the workspaces must contain afterwards. Both are checked, and the exit status is 1 if anything differs.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.simulator import Simulator
from tests.support.cortex import ABILITIES, DELETE, GET, POST, PUT, VALIDATE
from tests.support.environment import short_folder

TOKEN = "u+EXAMPLEfirst04ab12"
NEW_TOKEN = "u+EXAMPLEsecond5cd34"
THIRD_TOKEN = "u+EXAMPLEthird06ef56"
FOURTH_TOKEN = "u+EXAMPLEfourth7gh78"
BAD_TOKEN = "u+EXAMPLErejectedbad"
READ_ONLY = True


ROLLOUT = "cortexapps.cortex.pagerduty_rollout"
AUDIT = "cortexapps.cortex.pagerduty_audit"
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


class Step(NamedTuple):
    """What is run, and what it must do: the requests by name, and the last four characters in each workspace.

    `verdict` is what Cortex says of the token, whether PagerDuty accepts it or not.
    """

    title: str
    playbook: str
    variables: dict[str, object]
    requests: dict[str, int]
    stored: tuple[str | None, str | None, str | None]
    options: tuple[str, ...] = ()
    succeeds: bool = True
    verdict: object = None


STEPS = [
    Step(
        "Check mode: what a rollout to three workspaces would do. It writes nothing.",
        ROLLOUT,
        {"cortex_pagerduty_token": TOKEN},
        {GET: 3},
        (None, "oldk", "olds"),
        ("--check", "--diff"),
    ),
    Step(
        "The same for real: one configuration is added, two are replaced, and Cortex validates all three.",
        ROLLOUT,
        {"cortex_pagerduty_token": TOKEN},
        {GET: 3, POST: 1, PUT: 2, VALIDATE: 3},
        ("ab12", "ab12", "ab12"),
        ("--diff",),
    ),
    Step(
        "Again: nothing changes.",
        ROLLOUT,
        {"cortex_pagerduty_token": TOKEN},
        {GET: 3, VALIDATE: 3},
        ("ab12", "ab12", "ab12"),
        ("--diff",),
    ),
    Step(
        "A rotation in two batches: one workspace, then the others. PagerDuty is asked about the new token first.",
        ROLLOUT,
        {"cortex_pagerduty_token": NEW_TOKEN, "cortex_pagerduty_preflight": True, "cortex_rollout_serial": "1,2"},
        {ABILITIES: 3, GET: 3, PUT: 3, VALIDATE: 3},
        ("cd34", "cd34", "cd34"),
        ("--diff",),
    ),
    Step(
        "A token that PagerDuty does not accept. The preflight rejects it, and nothing is written.",
        ROLLOUT,
        {"cortex_pagerduty_token": BAD_TOKEN, "cortex_pagerduty_preflight": True, "cortex_rollout_serial": 1},
        {GET: 1, ABILITIES: 1},
        ("cd34", "cd34", "cd34"),
        succeeds=False,
    ),
    Step(
        "The same token without preflight. Cortex says that it is not valid, and the previous one is restored.",
        ROLLOUT,
        {
            "cortex_pagerduty_token": BAD_TOKEN,
            "cortex_pagerduty_previous_token": NEW_TOKEN,
            "cortex_rollout_serial": 1,
        },
        {GET: 2, PUT: 2, VALIDATE: 1},
        ("cd34", "cd34", "cd34"),
        succeeds=False,
    ),
    Step(
        "A rotation with preflight and rollback as one task, in a playbook of your own.",
        ROTATION,
        {"new_token": THIRD_TOKEN, "old_token": NEW_TOKEN},
        {GET: 1, ABILITIES: 1, PUT: 1, VALIDATE: 1},
        ("ef56", "cd34", "cd34"),
        ("--diff",),
    ),
    Step(
        "The same task with a token that PagerDuty accepts and Cortex does not. The task restores the previous token.",
        ROTATION,
        {"new_token": FOURTH_TOKEN, "old_token": THIRD_TOKEN},
        {GET: 2, ABILITIES: 1, PUT: 2, VALIDATE: 1},
        ("ef56", "cd34", "cd34"),
        ("--diff",),
        succeeds=False,
        verdict=NOT_VALID,
    ),
    Step(
        "An audit: the configuration of each workspace, and whether it is valid.",
        AUDIT,
        {},
        {GET: 3, VALIDATE: 3},
        ("ef56", "cd34", "cd34"),
    ),
    Step(
        "Removal.",
        ROLLOUT,
        {"cortex_pagerduty_state": "absent"},
        {GET: 3, DELETE: 3},
        (None, None, None),
        ("--diff",),
    ),
]


def main() -> int:
    """Run all steps; return the exit status."""
    with short_folder() as folder, Simulator(tls=True) as simulator:
        inventory = folder / "workspaces.json"
        inventory.write_text(json.dumps(workspaces(simulator)))
        (folder / ROTATION).write_text(ROTATION_PLAYBOOK)
        simulator.reject_token(BAD_TOKEN)
        sent: Counter[str] = Counter()
        differences = []
        for number, step in enumerate(STEPS, 1):
            print(f"\n{'=' * 100}\n{number}. {step.title}", flush=True)
            differences += [f"Step {number}: {text}" for text in run(step, inventory, simulator)]
            sent.update(simulator.requests)
            simulator.clear_log()
    print("=" * 100)
    for difference in differences:
        print(f"DIFFERED: {difference}")
    requests = ", ".join(f"{count} x {request}" for request, count in sorted(sent.items()))
    print(f"Sent in all: {requests}.")
    print("Everything came out as announced." if not differences else "Not everything came out as announced.")
    return 1 if differences else 0


def workspaces(simulator: Simulator) -> dict[str, object]:
    """Create three workspaces, and return the inventory in which each is a host."""
    stored = {
        "payments": None,
        "checkout": {"token": "u+EXAMPLEcheckoutoldk", "is_token_readonly": READ_ONLY},
        "search": {"token": "u+EXAMPLEsearch00olds", "is_token_readonly": not READ_ONLY},
    }
    keys = {name: f"ck_live_{name}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E" for name in stored}
    for name, configuration in stored.items():
        simulator.add_workspace(keys[name], name, configuration)
    connection = {
        "cortex_pagerduty_base_url": simulator.url,
        "cortex_pagerduty_ca_path": simulator.ca_path,
        "cortex_pagerduty_preflight_url": simulator.pagerduty_url,
        "cortex_pagerduty_is_token_readonly": READ_ONLY,
    }
    hosts = {name: {"cortex_pagerduty_api_key": key} for name, key in keys.items()}
    return {"cortex": {"hosts": hosts, "vars": connection}}


def run(step: Step, inventory: Path, simulator: Simulator) -> list[str]:
    """Run a step and return what differed from what it announces."""
    variables = {"cortex_workspaces": "cortex", **step.variables}
    command = ["ansible-playbook", step.playbook, "-i", inventory.name, "-e", json.dumps(variables), *step.options]
    print(f"   {shlex.join(command)}\n{'=' * 100}", flush=True)
    if step.playbook == ROTATION:
        print(ROTATION_PLAYBOOK, end="", flush=True)
    if step.verdict:
        simulator.fault("validate", body=step.verdict)
    folder = inventory.parent
    env = {
        **os.environ,
        # The preflight is PagerDuty's part: it knows nothing of the CA in cortex_pagerduty_ca_path.
        "SSL_CERT_FILE": simulator.ca_path or "",
        "TMPDIR": str(folder),
        "ANSIBLE_LOCAL_TEMP": str(folder),
        "ANSIBLE_REMOTE_TEMP": str(folder),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
    }
    status = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, check=False).returncode
    stored = tuple(
        workspace.configuration["token"][-4:] if workspace.configuration else None
        for workspace in (simulator.workspaces[name] for name in ("payments", "checkout", "search"))
    )
    requests = Counter(simulator.requests)
    differences = []
    if (status == 0) is not step.succeeds:
        differences.append(f"ansible-playbook ended with status {status}")
    if requests != Counter(step.requests):
        differences.append(f"sent {dict(requests)} instead of {step.requests}")
    if stored != step.stored:
        differences.append(f"the workspaces have {stored} instead of {step.stored}")
    return differences


if __name__ == "__main__":
    sys.exit(main())
