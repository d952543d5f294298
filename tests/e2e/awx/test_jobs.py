# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rollout and audit by ansible-runner, as AWX runs jobs, against the simulator of the Cortex API."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.e2e.awx.downloads import ROOT
from tests.e2e.awx.rules import injected
from tests.simulator import Simulator
from tests.support.cortex import TOKEN

Run = Callable[..., subprocess.CompletedProcess[str]]
Load = Callable[[str], Any]
Launch = Callable[..., "Job"]

API = "/api/v1/pagerduty"
CONFIGURATION = f"{API}/configuration"
ROLLOUT = "playbooks/pagerduty_rollout.yml"
AUDIT = "playbooks/pagerduty_audit.yml"
PAYMENTS_KEY = "ck_live_payments_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E"
CHECKOUT_KEY = "ck_live_checkout_4Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U"
SEARCH_KEY = "ck_live_search_9Lt3CzM6pVg1YqHx8WbNk5Rd2Jf7Sa4D"
OLD_TOKEN = "y_NbxKq81LtWzGh4cd34"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY, TOKEN, OLD_TOKEN, VAULT_PASSWORD]
REJECTED_TOKEN = "u+EXAMPLExxxxxxxbad1"
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
        done = run(*command, timeout=300 + 5 * len(hosts))
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
    # Each failure gives the reason.
    reasons = [line for line in audit.output.splitlines() if line.startswith("fatal: ")]
    assert ["The PagerDuty configuration is not valid. " in line for line in reasons] == [True] * 3, audit.output


def test_a_blank_credential_is_no_credential(simulator: Simulator, launch: Launch) -> None:
    workspace = simulator.add_workspace(PAYMENTS_KEY, name="payments")
    complete = {"cortex_pagerduty_api_key": PAYMENTS_KEY, "cortex_pagerduty_base_url": simulator.url}
    without_key = {"cortex_pagerduty_base_url": simulator.url}
    answers = ANSWERS | {"cortex_rollout_serial": "100%"}

    job = launch(ROLLOUT, {"complete": complete, "without_key": without_key}, answers=answers)
    assert not job.succeeded
    assert job.output.count("api_key") > 0
    assert "state is present but all of the following are missing: token" in job.output
    assert simulator.requests == []

    job = launch(ROLLOUT, {"complete": complete}, answers=answers, token=TOKEN)
    assert job.succeeded, job.output
    assert workspace.configuration == {"token": TOKEN, "is_token_readonly": True}


def test_a_rotation_goes_back_to_the_previous_token_of_the_credential(simulator: Simulator, launch: Launch) -> None:
    old = {"token": OLD_TOKEN, "is_token_readonly": True}
    workspace = simulator.add_workspace(PAYMENTS_KEY, name="payments", configuration=old)
    simulator.reject_token(REJECTED_TOKEN)
    credentials = {"api_key": PAYMENTS_KEY, "base_url": simulator.url, "token": REJECTED_TOKEN}
    job = launch(ROLLOUT, {"payments": {}}, answers=ANSWERS, previous_token=OLD_TOKEN, **credentials)
    assert not job.succeeded
    assert workspace.configuration == old
    assert f"PUT {CONFIGURATION}" in workspace.requests

    answers = ANSWERS | {"cortex_pagerduty_rollback": "false"}
    job = launch(ROLLOUT, {"payments": {}}, answers=answers, previous_token=OLD_TOKEN, **credentials)
    assert not job.succeeded
    assert workspace.configuration == {"token": REJECTED_TOKEN, "is_token_readonly": True}


def slice_of(names: list[str], number: int, count: int) -> list[str]:
    """Return the hosts that AWX gives to a slice: each `count`th by name, from its number on."""
    return sorted(names)[number - 1 :: count]


def test_slices_side_by_side_reach_every_workspace_once(simulator: Simulator, launch: Launch, is_long: bool) -> None:
    names = [f"team-{number:04}" for number in range(1000 if is_long else 40)]
    keys = {name: f"ck_live_{name}_7Qm2ZrT9xWc4LhVb8NsKd3Yf6Gj1Pa5E" for name in names}
    old, wanted = {"token": OLD_TOKEN, "is_token_readonly": True}, {"token": TOKEN, "is_token_readonly": True}
    # Each state in each slice.
    before = {name: [None, old, wanted][number % 3] for number, name in enumerate(names)}
    writes = {name: [["POST"], ["PUT"], []][number % 3] for number, name in enumerate(names)}
    for name in names:
        simulator.add_workspace(keys[name], name=name, configuration=before[name])

    def run_slice(number: int) -> Job:
        hosts = {name: {"cortex_pagerduty_api_key": keys[name]} for name in slice_of(names, number, 4)}
        return launch(ROLLOUT, hosts, answers=ANSWERS, cmdline="--forks 5", base_url=simulator.url, token=TOKEN)

    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(run_slice, range(1, 5)))

    assert [job.succeeded for job in jobs] == [True] * 4, "".join(job.output for job in jobs)
    changed = [name for job in jobs for name in job.changed]
    assert sorted(changed) == [name for name in names if before[name] != wanted]
    for name in names:
        workspace = simulator.workspaces[name]
        assert workspace.configuration == wanted
        written = [f"{method} {CONFIGURATION}" for method in writes[name]]
        assert workspace.requests == [f"GET {API}/default-configuration", *written, f"POST {CONFIGURATION}/validate"]
    # The batches are those of a slice: each has its own canary.
    order = [entry["workspace"] for entry in simulator.log]
    for number in range(1, 5):
        canary, *others = slice_of(names, number, 4)
        assert max(index for index, name in enumerate(order) if name == canary) < min(map(order.index, others))
