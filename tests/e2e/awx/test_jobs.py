# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollout and audit by ansible-runner, as AWX runs jobs, against the simulator of the Cortex API."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator
from tests.support.cortex import GET, OTHER_TOKEN, POST, PUT, TOKEN, VALIDATE, api_key_of
from tests.support.environment import ROOT, isolated
from tests.support.programs import run
from tests.support.vault import encrypt

from .rules import injected

Load = Callable[[str], Any]
Launch = Callable[..., "Job"]

ROLLOUT = "playbooks/pagerduty_rollout.yml"
AUDIT = "playbooks/pagerduty_audit.yml"
PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY = map(api_key_of, ("payments", "checkout", "search"))
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY, TOKEN, OTHER_TOKEN, VAULT_PASSWORD]
OLD = {"token": OTHER_TOKEN, "is_token_readonly": True}
NEW = {"token": TOKEN, "is_token_readonly": True}
# Answers as a survey gives them: strings.
ANSWERS = {
    "cortex_workspaces": "all",
    "cortex_pagerduty_is_token_readonly": "true",
    "cortex_pagerduty_update_token": "on_change",
    "cortex_pagerduty_preflight": "false",
    "cortex_pagerduty_rollback": "true",
    "cortex_rollout_serial": "1,100%",
}


class Job:
    """What AWX keeps of a job."""

    def __init__(self, artifacts: Path) -> None:
        self.succeeded = (artifacts / "rc").read_text() == "0"
        self.output = (artifacts / "stdout").read_text()
        events = [path.read_text() for path in sorted((artifacts / "job_events").glob("*.json"))]
        self.everything = self.output + "".join(events)
        (statistics,) = [event for event in map(json.loads, events) if event["event"] == "playbook_on_stats"]
        self.changed: dict[str, int] = statistics["event_data"]["changed"]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def launch(installed: Path, load: Load, tmp_path: Path) -> Launch:
    """Run a job with the hosts of an inventory, and see to it that no secret is in what AWX shows of it."""
    cortex, pagerduty = load("cortex_credential_type.yml"), load("pagerduty_credential_type.yml")

    def launch(
        playbook: str,
        hosts: dict[str, dict[str, Any]],
        *,
        answers: dict[str, str],
        cmdline: str = "",
        api_key: str = "",
        base_url: str = "",
        token: str = "",
        previous_token: str = "",
        passwords: dict[str, str] | None = None,
    ) -> Job:
        folder = Path(tempfile.mkdtemp(prefix="job ", dir=tmp_path))
        env = folder / "env"
        env.mkdir()
        variables = {
            **injected(cortex, {"api_key": api_key, "base_url": base_url}),
            **injected(pagerduty, {"token": token, "previous_token": previous_token}),
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "KEY_OF_CHECKOUT": CHECKOUT_KEY,
        }
        (env / "envvars").write_text(json.dumps(variables))
        extra_vars = [f"{name}: !unsafe {json.dumps(text)}\n" for name, text in answers.items()]
        (env / "extravars").write_text("".join(extra_vars))
        (env / "cmdline").write_text(cmdline)
        (env / "passwords").write_text(json.dumps(passwords or {}))
        inventory = folder / "inventory" / "hosts"
        inventory.parent.mkdir()
        content = {"all": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}}
        inventory.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(content)!r})\n")
        inventory.chmod(0o700)
        command = ("ansible-runner", "run", folder, "--project-dir", ROOT, "-p", playbook, "--ident", "1")
        done = run(*command, cwd=folder, env=isolated(folder / "environment"), timeout=300 + 5 * len(hosts))
        assert (folder / "artifacts" / "1" / "rc").is_file(), done.stdout
        job = Job(folder / "artifacts" / "1")
        assert [secret for secret in SECRETS if secret in job.everything] == []
        return job

    return launch


def test_check_rollout_and_audit(simulator: Simulator, launch: Launch) -> None:
    """The key of each workspace comes from another place: the credential, a lookup, a variable that is encrypted."""
    payments = simulator.add_workspace(PAYMENTS_KEY, name="payments")
    checkout = simulator.add_workspace(CHECKOUT_KEY, name="checkout", configuration=OLD)
    search = simulator.add_workspace(SEARCH_KEY, name="search", configuration=NEW)
    hosts = {
        "checkout": {"cortex_pagerduty_api_key": "{{ lookup('ansible.builtin.env', 'KEY_OF_CHECKOUT') }}"},
        "payments": {},
        "search": {"cortex_pagerduty_api_key": {"__ansible_vault": encrypt(SEARCH_KEY, VAULT_PASSWORD)}},
    }
    credentials = {
        "api_key": PAYMENTS_KEY,
        "base_url": simulator.url,
        "token": TOKEN,
        "passwords": {r"Vault password:\s*?$": VAULT_PASSWORD},
    }

    check = launch(ROLLOUT, hosts, answers=ANSWERS, cmdline="--check --diff --ask-vault-pass", **credentials)
    assert check.succeeded, check.output
    assert check.changed == {"checkout": 1, "payments": 1}
    assert '+    "last_four": "ab12"' in check.output
    assert (payments.configuration, checkout.configuration) == (None, OLD)

    rollout = launch(ROLLOUT, hosts, answers=ANSWERS, cmdline="--diff --ask-vault-pass", **credentials)
    assert rollout.succeeded, rollout.output
    assert rollout.changed == check.changed
    assert [workspace.configuration for workspace in (payments, checkout, search)] == [NEW] * 3

    simulator.reject_token(TOKEN)
    strict = {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": "true"}
    audit = launch(AUDIT, hosts, answers=strict, cmdline="--ask-vault-pass", **credentials | {"token": ""})
    assert not audit.succeeded
    assert audit.changed == {}
    assert audit.output.count("invalid  ab12       yes") == 3
    # Each failure gives the reason.
    reasons = [line for line in audit.output.splitlines() if line.startswith("fatal: ")]
    assert ["The PagerDuty configuration is not valid. " in line for line in reasons] == [True] * 3, audit.output


def test_a_blank_credential_is_no_credential(simulator: Simulator, launch: Launch) -> None:
    without_token = {"cortex_pagerduty_api_key": PAYMENTS_KEY, "cortex_pagerduty_base_url": simulator.url}
    without_key = {"cortex_pagerduty_base_url": simulator.url, "cortex_pagerduty_token": TOKEN}
    answers = ANSWERS | {"cortex_rollout_serial": "100%"}
    job = launch(ROLLOUT, {"without_token": without_token, "without_key": without_key}, answers=answers)
    assert not job.succeeded
    assert "missing required arguments: api_key" in job.output
    assert "state is present but all of the following are missing: token" in job.output
    assert simulator.requests == []


def test_a_rotation_goes_back_to_the_previous_token_of_the_credential(simulator: Simulator, launch: Launch) -> None:
    workspace = simulator.add_workspace(PAYMENTS_KEY, name="payments", configuration=OLD)
    simulator.reject_token(TOKEN)
    credentials = {
        "api_key": PAYMENTS_KEY,
        "base_url": simulator.url,
        "token": TOKEN,
        "previous_token": OTHER_TOKEN,
    }
    job = launch(ROLLOUT, {"payments": {}}, answers=ANSWERS, **credentials)
    assert not job.succeeded
    assert workspace.configuration == OLD
    assert PUT in workspace.requests

    answers = ANSWERS | {"cortex_pagerduty_rollback": "false"}
    job = launch(ROLLOUT, {"payments": {}}, answers=answers, **credentials)
    assert not job.succeeded
    assert workspace.configuration == NEW


def slice_of(names: list[str], number: int, count: int) -> list[str]:
    """Return the hosts that AWX gives to a slice: each `count`th by name, from its number on."""
    return sorted(names)[number - 1 :: count]


def test_slices_side_by_side_reach_every_workspace_once(simulator: Simulator, launch: Launch, is_long: bool) -> None:
    names = [f"team-{number:04}" for number in range(1000 if is_long else 12)]
    slices = 4 if is_long else 2
    # Each state in each slice.
    before = {name: [None, OLD, NEW][number % 3] for number, name in enumerate(names)}
    requests = {
        name: [[GET, POST, VALIDATE], [GET, PUT, VALIDATE], [GET, VALIDATE]][n % 3] for n, name in enumerate(names)
    }
    for name in names:
        simulator.add_workspace(api_key_of(name), name=name, configuration=before[name])

    def run_slice(number: int) -> Job:
        hosts = {name: {"cortex_pagerduty_api_key": api_key_of(name)} for name in slice_of(names, number, slices)}
        return launch(ROLLOUT, hosts, answers=ANSWERS, cmdline="--forks 5", base_url=simulator.url, token=TOKEN)

    with ThreadPoolExecutor(slices) as pool:
        jobs = list(pool.map(run_slice, range(1, slices + 1)))

    assert [job.succeeded for job in jobs] == [True] * slices, "".join(job.output for job in jobs)
    changed = [name for job in jobs for name in job.changed]
    assert sorted(changed) == [name for name in names if before[name] != NEW]
    assert {name: simulator.workspaces[name].configuration for name in names} == dict.fromkeys(names, NEW)
    assert {name: simulator.workspaces[name].requests for name in names} == requests
    # The batches are those of a slice: each has its own canary.
    order = [entry["workspace"] for entry in simulator.log]
    for number in range(1, slices + 1):
        canary, *others = slice_of(names, number, slices)
        assert max(index for index, name in enumerate(order) if name == canary) < min(map(order.index, others))
