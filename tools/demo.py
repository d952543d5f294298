# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: rollouts, rotations, invalid tokens, an audit and a removal, with the real playbooks and modules.

Everything goes over HTTPS to a simulator of the API on this machine. After each step, the demo prints the requests that
were sent, and the end of the token in each workspace. With --short, it leaves out what Ansible prints, except errors.
The exit status is 1 if a step did not end as expected.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.simulator import Simulator, Workspace
from tests.support.environment import short_folder

TOKEN = "u+EXAMPLEfirst04ab12"
NEW_TOKEN = "u+EXAMPLEsecond5cd34"
BAD_TOKEN = "u+EXAMPLErejectedbad"
READ_ONLY = True
LINE = "=" * 100


@dataclass(frozen=True)
class Step:
    """A run of ansible-playbook, and how many requests it sends."""

    title: str
    arguments: str
    requests: str
    #: In the environment as PAGERDUTY_TOKEN and PAGERDUTY_PREVIOUS_TOKEN.
    token: str = ""
    previous_token: str = ""
    must_fail: bool = False


ROLLOUT = "cortexapps.cortex.pagerduty_rollout"
BATCHES = f"{ROLLOUT} -e cortex_rollout_serial=1,2"
CHECKED = f"{BATCHES} -e cortex_pagerduty_preflight=true"
REMOVAL = f"{ROLLOUT} -e cortex_pagerduty_state=absent"
STEPS = (
    Step("Check mode: what a rollout to three workspaces would change", f"{ROLLOUT} --check", "3 GET", TOKEN),
    Step("The rollout: one configuration is added, two are replaced", ROLLOUT, "3 GET, 4 POST, 2 PUT", TOKEN),
    Step("The rollout again: nothing changes", ROLLOUT, "3 GET, 3 POST", TOKEN),
    Step("A rotation in two batches, with preflight", CHECKED, "6 GET, 3 POST, 3 PUT", NEW_TOKEN, TOKEN),
    Step("A bad token: the preflight rejects it", CHECKED, "2 GET", BAD_TOKEN, must_fail=True),
    Step("The same without preflight: rolled back", BATCHES, "2 GET, 1 POST, 2 PUT", BAD_TOKEN, NEW_TOKEN, True),
    Step("An audit: what each workspace has", "cortexapps.cortex.pagerduty_audit", "3 GET, 3 POST"),
    Step("The removal", REMOVAL, "3 DELETE, 3 GET"),
)


def main() -> int:
    """Run all steps; return the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--short", action="store_true", help="show only errors of what Ansible prints")
    is_short = parser.parse_args().short
    print("Starting the simulator...", flush=True)
    summary, status = [], 0
    with short_folder() as folder, Simulator(tls=True) as simulator:
        (folder / "workspaces.json").write_text(json.dumps(workspaces(simulator)))
        simulator.reject_token(BAD_TOKEN)
        for number, step in enumerate(STEPS, 1):
            print(f"\n{LINE}\nStep {number} of {len(STEPS)}. {step.title}.", flush=True)
            has_failed = not run(step, folder, simulator, is_short)
            counts = Counter(request.split()[0] for request in simulator.requests)
            sent = ", ".join(f"{count} {method}" for method, count in sorted(counts.items()))
            print(f"Requests: {sent}. Tokens: {', '.join(map(stored, simulator.workspaces.values()))}.", flush=True)
            outcome = "failed as expected" if step.must_fail else "ok"
            if (has_failed, sent) != (step.must_fail, step.requests):
                outcome, status = f"NOT AS EXPECTED ({step.requests})", 1
            summary.append(f"{number}. {step.title}: {outcome}. {sent}")
            simulator.clear_log()
    print(f"\n{LINE}\nSummary", *summary, f"{'Not all' if status else 'All'} steps ended as expected.", sep="\n")
    return status


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


def run(step: Step, folder: Path, simulator: Simulator, is_short: bool) -> bool:
    """Run a playbook, and show its output; return whether it succeeded."""
    command = f"ansible-playbook {step.arguments} -i workspaces.json -e cortex_workspaces=cortex --diff"
    tokens = {"PAGERDUTY_TOKEN": step.token, "PAGERDUTY_PREVIOUS_TOKEN": step.previous_token}
    for name, token in tokens.items():
        print(f"# {name} ends in {token[-4:]}\n" if token else "", end="")
    print(f"$ {command}\n{'' if is_short else LINE}", flush=True)
    # The preflight is PagerDuty's part: it knows nothing of the CA in cortex_pagerduty_ca_path.
    settings = {"SSL_CERT_FILE": simulator.ca_path or "", "PYTHONUNBUFFERED": "1"}
    if sys.stdout.isatty():
        settings["ANSIBLE_FORCE_COLOR"] = "1"
    env = environment(folder, **settings, **tokens)
    with subprocess.Popen(
        command.split(), cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            is_error = "fatal: [" in line or "[ERROR]" in line
            if is_error or not is_short:
                print(f"{'(expected) ' if is_error and step.must_fail else ''}{line}", end="", flush=True)
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
