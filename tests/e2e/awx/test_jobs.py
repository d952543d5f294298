# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollout and audit by ansible-runner, as AWX runs jobs, against the simulator of the Cortex API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.cortexapps.cortex.tests.awx.downloads import ROOT
from ansible_collections.cortexapps.cortex.tests.awx.rules import injected
from ansible_collections.cortexapps.cortex.tests.simulator import Simulator

Run = Callable[..., subprocess.CompletedProcess[str]]
Load = Callable[[str], Any]
Launch = Callable[..., "Job"]

ROLLOUT = "playbooks/pagerduty_rollout.yml"
AUDIT = "playbooks/pagerduty_audit.yml"
PAYMENTS_KEY = "ck_live_payments_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
CHECKOUT_KEY = "ck_live_checkout_4Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U"
SEARCH_KEY = "ck_live_search_9Lt3CzM6pVg1YqHx8WbNk5Rd2Jf7Sa4D"
TOKEN = "u+7FzQkLmN2pRsTvab12"
OLD_TOKEN = "y_NbxKq81LtWzGh4cd34"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY, TOKEN, OLD_TOKEN, VAULT_PASSWORD]
# Answers as a survey gives them: text.
ANSWERS = {
    "cortex_workspaces": "all",
    "cortex_pagerduty_is_token_readonly": "true",
    "cortex_pagerduty_update_token": "on_change",
    "cortex_pagerduty_preflight": "false",
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
def launch(run: Run, installed: Path, load: Load, tmp_path: Path) -> Launch:
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
        passwords: dict[str, str] | None = None,
    ) -> Job:
        folder = tmp_path / f"job {len(list(tmp_path.iterdir()))}"
        env = folder / "env"
        env.mkdir(parents=True)
        variables = {
            **injected(cortex, {"api_key": api_key, "base_url": base_url}),
            **injected(pagerduty, {"token": token}),
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
        done = run("ansible-runner", "run", folder, "--project-dir", ROOT, "-p", playbook, "--ident", "1")
        assert (folder / "artifacts" / "1" / "rc").is_file(), done.stdout
        job = Job(folder / "artifacts" / "1")
        assert [secret for secret in SECRETS if secret in job.everything] == []
        return job

    return launch


def test_check_rollout_and_audit(simulator: Simulator, launch: Launch) -> None:
    """The key of each workspace comes from another place: the credential, a look-up, a variable that is encrypted."""
    old, wanted = {"token": OLD_TOKEN, "is_token_readonly": True}, {"token": TOKEN, "is_token_readonly": True}
    payments = simulator.add_workspace(PAYMENTS_KEY, name="payments")
    checkout = simulator.add_workspace(CHECKOUT_KEY, name="checkout", configuration=old)
    search = simulator.add_workspace(SEARCH_KEY, name="search", configuration=wanted)
    encrypted = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(SEARCH_KEY).decode()
    hosts = {
        "checkout": {"cortex_pagerduty_api_key": "{{ lookup('ansible.builtin.env', 'KEY_OF_CHECKOUT') }}"},
        "payments": {},
        "search": {"cortex_pagerduty_api_key": {"__ansible_vault": encrypted}},
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
    assert (payments.configuration, checkout.configuration) == (None, old)

    rollout = launch(ROLLOUT, hosts, answers=ANSWERS, cmdline="--diff --ask-vault-pass", **credentials)
    assert rollout.succeeded, rollout.output
    assert rollout.changed == check.changed
    assert [workspace.configuration for workspace in (payments, checkout, search)] == [wanted] * 3

    simulator.reject_token(TOKEN)
    strict = {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": "true"}
    audit = launch(AUDIT, hosts, answers=strict, cmdline="--ask-vault-pass", **credentials | {"token": ""})
    assert not audit.succeeded
    assert audit.changed == {}
    assert audit.output.count("invalid  ab12       yes") == 3


def test_a_blank_credential_is_no_credential(simulator: Simulator, launch: Launch) -> None:
    workspace = simulator.add_workspace(PAYMENTS_KEY, name="payments")
    complete = {"cortex_pagerduty_api_key": PAYMENTS_KEY, "cortex_pagerduty_base_url": simulator.url}
    without_key = {"cortex_pagerduty_base_url": simulator.url}
    answers = ANSWERS | {"cortex_rollout_serial": "100%"}

    job = launch(ROLLOUT, {"complete": complete, "without_key": without_key}, answers=answers)
    assert not job.succeeded
    assert "missing required arguments: api_key" in job.output
    assert "state is present but all of the following are missing: token" in job.output
    assert simulator.requests == []

    job = launch(ROLLOUT, {"complete": complete}, answers=answers, token=TOKEN)
    assert job.succeeded, job.output
    assert workspace.configuration == {"token": TOKEN, "is_token_readonly": True}


def test_slices_come_to_the_same_as_one_job(simulator: Simulator, launch: Launch) -> None:
    def fleet(prefix: str) -> dict[str, dict[str, Any]]:
        """Make five workspaces: two without a configuration, two with another token, one as it is wanted."""
        hosts = {}
        for number, token in enumerate([None, OLD_TOKEN, TOKEN, None, OLD_TOKEN]):
            key = f"ck_live_{prefix}{number}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
            configuration = token and {"token": token, "is_token_readonly": True}
            simulator.add_workspace(key, name=f"{prefix}{number}", configuration=configuration or None)
            hosts[f"{prefix}{number}"] = {"cortex_pagerduty_api_key": key}
        return hosts

    def state(hosts: dict[str, Any]) -> list[tuple[object, list[str]]]:
        return [(simulator.workspaces[name].configuration, simulator.workspaces[name].requests) for name in hosts]

    credentials = {"base_url": simulator.url, "token": TOKEN}
    whole, sliced = fleet("whole"), fleet("slice")
    job = launch(ROLLOUT, whole, answers=ANSWERS, **credentials)
    slices = [
        launch(ROLLOUT, {name: sliced[name] for name in list(sliced)[offset::2]}, answers=ANSWERS, **credentials)
        for offset in range(2)
    ]
    assert [each.succeeded for each in (job, *slices)] == [True] * 3, "".join(each.output for each in (job, *slices))
    assert state(sliced) == state(whole)
    wanted = {"token": TOKEN, "is_token_readonly": True}
    assert [configuration for configuration, _requests in state(sliced)] == [wanted] * 5
    assert sum(len(each.changed) for each in slices) == len(job.changed) == 4
