"""The repository as a project of AWX, the image of its jobs, and jobs by ansible-runner against the simulator."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2.sandbox
import pytest
import yaml

from tests.simulator import Simulator
from tests.support.cortex import OTHER_TOKEN, PUT, THIRD_TOKEN, TOKEN, api_key_of
from tests.support.environment import ROOT, isolated
from tests.support.programs import output_of, run
from tests.support.vault import encrypt

Launch = Callable[..., "Job"]

TITLE_OF_AUDIT = "Audit the PagerDuty configuration of Cortex workspaces"
ROLLOUT = "playbooks/pagerduty_rollout.yml"
AUDIT = "playbooks/pagerduty_audit.yml"
PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY = map(api_key_of, ("payments", "checkout", "search"))
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [PAYMENTS_KEY, CHECKOUT_KEY, SEARCH_KEY, TOKEN, OTHER_TOKEN, THIRD_TOKEN, VAULT_PASSWORD]
OLD = {"token": OTHER_TOKEN, "is_token_readonly": True}
NEW = {"token": TOKEN, "is_token_readonly": True}
# Answers as a survey gives them: strings.
ANSWERS: dict[str, Any] = {
    "cortex_workspaces": "all",
    "cortex_pagerduty_is_token_readonly": "true",
    "cortex_pagerduty_update_token": "on_change",
    "cortex_pagerduty_preflight": "false",
    "cortex_pagerduty_rollback": "as validate",
    "cortex_rollout_serial": "1,100%",
}


class Job:
    """What AWX keeps of a job."""

    def __init__(self, artifacts: Path) -> None:
        self.succeeded = (artifacts / "rc").read_text() == "0"
        self.output = (artifacts / "stdout").read_text()
        events = [path.read_text() for path in sorted((artifacts / "job_events").glob("*.json"))]
        (statistics,) = [event for event in map(json.loads, events) if event["event"] == "playbook_on_stats"]
        self.changed: dict[str, int] = statistics["event_data"]["changed"]
        self.artifacts: dict[str, Any] = statistics["event_data"].get("artifact_data", {})
        assert [secret for secret in SECRETS if secret in self.output + "".join(events)] == []


def render(template: str, inputs: dict[str, str]) -> str:
    """Return an environment variable that AWX injects for a credential; a field without a value is blank."""
    return jinja2.sandbox.ImmutableSandboxedEnvironment(autoescape=False).from_string(template).render(inputs)


@pytest.fixture(scope="module")
def installed(oldest_core: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a project sync has installed this collection, from collections/requirements.yml."""
    folder = tmp_path_factory.mktemp("requirements_collections")
    install = ("collection", "install", "-r", "collections/requirements.yml", "-p", folder)
    env = isolated(tmp_path_factory.mktemp("sync")) | {"ANSIBLE_COLLECTIONS_PATH": str(folder)}
    output_of(oldest_core / "ansible-galaxy", *install, cwd=ROOT, env=env)
    return folder


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def launch(installed: Path, tmp_path: Path) -> Launch:
    """Run a job with the hosts of an inventory, and the fields of the Cortex and the PagerDuty credential."""
    files = [ROOT / "extensions/awx" / f"{name}_credential_type.yml" for name in ("cortex", "pagerduty")]
    injectors = {k: v for file in files for k, v in yaml.safe_load(file.read_text())["injectors"]["env"].items()}

    def launch(playbook: str, hosts: dict[str, Any], answers: dict[str, Any], cmdline: str = "", **inputs: str) -> Job:
        folder = Path(tempfile.mkdtemp(prefix="job ", dir=tmp_path))
        inputs = dict.fromkeys(("api_key", "base_url", "token", "previous_token"), "") | inputs
        environment = {
            **{name: render(text, inputs) for name, text in injectors.items()},
            "ANSIBLE_COLLECTIONS_PATH": str(installed),
            "KEY_OF_CHECKOUT": CHECKOUT_KEY,
        }
        inventory = json.dumps({"all": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}})
        files = {
            "env/envvars": json.dumps(environment),
            "env/extravars": "".join(
                f"{name}: {'!unsafe ' * isinstance(value, str)}{json.dumps(value)}\n" for name, value in answers.items()
            ),
            "env/cmdline": cmdline,
            "env/passwords": json.dumps({r"Vault password:\s*?$": VAULT_PASSWORD}),
            "inventory/hosts": f"#!/usr/bin/env python3\nprint({inventory!r})\n",
        }
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        (folder / "inventory" / "hosts").chmod(0o700)
        command = ("ansible-runner", "run", folder, "--project-dir", ROOT, "-p", playbook, "--ident", "1")
        done = run(*command, cwd=folder, env=isolated(folder / "environment"))
        assert (folder / "artifacts" / "1" / "rc").is_file(), done.stdout
        return Job(folder / "artifacts" / "1")

    return launch


def test_check_rollout_rotation_and_audit_take_keys_and_tokens_from_each_place(
    simulator: Simulator, launch: Launch
) -> None:
    """The key of each workspace comes from another place: a variable, a lookup, a variable that is encrypted."""
    payments = simulator.add_workspace(PAYMENTS_KEY, name="payments")
    checkout = simulator.add_workspace(CHECKOUT_KEY, name="checkout", configuration=OLD)
    search = simulator.add_workspace(SEARCH_KEY, name="search", configuration=NEW)
    hosts: dict[str, dict[str, Any]] = {
        "checkout": {"cortex_pagerduty_api_key": "{{ lookup('ansible.builtin.env', 'KEY_OF_CHECKOUT') }}"},
        "payments": {"cortex_pagerduty_api_key": "{{ lookup('ansible.builtin.env', 'CORTEX_API_KEY') }}"},
        "search": {"cortex_pagerduty_api_key": {"__ansible_vault": encrypt(SEARCH_KEY, VAULT_PASSWORD)}},
    }
    credentials = {"api_key": PAYMENTS_KEY, "base_url": simulator.url, "token": TOKEN}

    # Of the job templates of the check and the rollout, and of AWX.
    answers = ANSWERS | {"cortex_rollout_approval": True, "awx_job_launch_type": "workflow", "awx_workflow_job_id": 7}
    answers["awx_workflow_job_name"] = "w"
    check = launch(ROLLOUT, hosts, answers, "--check --diff --ask-vault-pass", **credentials)
    assert check.succeeded, check.output
    assert check.changed == {"checkout": 1, "payments": 1}
    assert '+    "last_four": "ab12"' in check.output
    assert (payments.configuration, checkout.configuration) == (None, OLD)

    # Launched by itself or in another workflow, after a change of a credential, the project or the hosts, or with other
    # variables, the rollout does nothing.
    approved = answers | check.artifacts
    moved = {**hosts, "checkout": {**hosts["checkout"], "cortex_pagerduty_base_url": "https://api.eu.cortex.io"}}
    added = {"added": {"cortex_pagerduty_api_key": api_key_of("added")}}
    everything, without_search = (
        "checkout, payments, search. Their",
        {name: hosts[name] for name in hosts.keys() - {"search"}},
    )
    for job_hosts, values, inputs, message in [
        (hosts, answers, {}, "No check was approved for this rollout."),
        (hosts, approved | {"awx_workflow_job_id": 8}, {}, everything),
        (hosts, approved | {"awx_project_revision": "5f2c"}, {}, everything),
        (hosts, approved, {"token": THIRD_TOKEN}, everything),
        (moved | added, approved, {}, "for these workspaces: checkout, added. Their"),
        (without_search, approved, {}, "for these workspaces: search. Their"),
        (hosts, approved | {"cortex_rollout__failed": ["search"]}, {}, "not in the survey: cortex_rollout__failed."),
        (hosts, approved | {"cortex_rollout_approval": False}, {}, "cortex_rollout_approval must be true in"),
    ]:
        simulator.clear_log()
        refused = launch(ROLLOUT, job_hosts, values, "--ask-vault-pass", **credentials | inputs)
        assert (refused.succeeded, simulator.requests, message in refused.output) == (False, [], True), refused.output

    # Whoever adds a host by hand does not reach the workspace of the credential.
    by_hand = launch(ROLLOUT, {"added": {}, "payments": {}}, ANSWERS, **credentials)
    assert "CORTEX_API_KEY of the environment is one and the same workspace" in by_hand.output
    assert (by_hand.succeeded, simulator.requests) == (False, [])

    rollout = launch(ROLLOUT, hosts, approved, "--diff --ask-vault-pass", **credentials)
    assert rollout.succeeded, rollout.output
    assert rollout.changed == check.changed
    assert [workspace.configuration for workspace in (payments, checkout, search)] == [NEW] * 3

    simulator.reject_token(THIRD_TOKEN)
    simulator.clear_log()
    tokens = {"token": THIRD_TOKEN, "previous_token": TOKEN}
    rotation = launch(ROLLOUT, hosts, ANSWERS, "--ask-vault-pass", **credentials | tokens)
    assert not rotation.succeeded
    # The first workspace goes back to the previous token of the credential, and the others are not tried.
    assert [workspace.configuration for workspace in (payments, checkout, search)] == [NEW] * 3
    assert checkout.requests.count(PUT) == 2
    assert payments.requests + search.requests == []

    # Without a rollback, only where the survey says: the workspace keeps the invalid token.
    without = ANSWERS | {"cortex_pagerduty_rollback": "false", "cortex_workspaces": "payments"}
    # The only workspace of a play can take the key of the credential.
    kept = launch(ROLLOUT, {"payments": {}}, without, "--ask-vault-pass", **credentials | tokens)
    assert not kept.succeeded
    assert [payments.configuration, checkout.configuration] == [NEW | {"token": THIRD_TOKEN}, NEW]

    simulator.reject_token(TOKEN)
    strict = {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": "true"}
    audit = launch(AUDIT, hosts, strict, "--ask-vault-pass", **credentials | {"token": ""})
    assert not audit.succeeded
    assert audit.changed == {}
    assert sorted(re.findall("invalid  (....)       yes", audit.output)) == ["ab12", "ab12", "ef56"]
    # Each failure gives the reason.
    reasons = [line for line in audit.output.splitlines() if line.startswith("fatal: ")]
    assert ["The PagerDuty configuration is not valid. " in line for line in reasons] == [True] * 3, audit.output


def test_a_blank_credential_counts_as_none(simulator: Simulator, launch: Launch) -> None:
    without_token = {"cortex_pagerduty_api_key": PAYMENTS_KEY, "cortex_pagerduty_base_url": simulator.url}
    without_key = {"cortex_pagerduty_base_url": simulator.url, "cortex_pagerduty_token": TOKEN}
    answers = ANSWERS | {"cortex_rollout_serial": "100%"}
    job = launch(ROLLOUT, {"without_token": without_token, "without_key": without_key}, answers)
    assert not job.succeeded
    assert "api_key is missing." in job.output
    assert "token is missing." in job.output
    assert simulator.requests == []


def test_a_sync_by_the_oldest_ansible_core_installs_the_collection_and_a_playbook_runs_by_path_and_by_full_name(
    installed: Path, tmp_path: Path
) -> None:
    assert_complete(installed)
    playbooks = ("playbooks/pagerduty_audit.yml", "cortexapps.cortex.pagerduty_audit")
    env = isolated(tmp_path) | {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    assert output_of("ansible-playbook", "--list-tasks", *playbooks, cwd=ROOT, env=env).count(TITLE_OF_AUDIT) == 2


def test_the_image_contains_the_collection_and_requests(tmp_path: Path) -> None:
    """The build's steps that need no container: the build context, the installation in it, what that asks for."""
    env = isolated(tmp_path / "environment") | {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "none")}
    definition = ROOT / "extensions" / "awx" / "execution-environment.yml"
    output_of("ansible-builder", "create", "-f", definition, "-c", tmp_path, cwd=ROOT, env=env)
    files = {"COPYING", "README.md", "galaxy.yml", "requirements.txt"}
    folders = {"extensions", "meta", "playbooks", "plugins", "roles"}
    assert {path.name for path in (tmp_path / "_build" / "cortex").iterdir()} <= files | folders
    installed = tmp_path / "installed"
    install = ("collection", "install", "-r", "requirements.yml", "-p", installed)
    output_of("ansible-galaxy", *install, cwd=tmp_path / "_build", env=env)
    assert_complete(installed)
    # What ansible-builder ignores in silence, such as a wrong key, is missing here.
    found = yaml.safe_load(output_of("ansible-builder", "introspect", installed, "--sanitize", cwd=tmp_path, env=env))
    assert [re.split("[^A-Za-z0-9_-]", line)[0] for line in found["python"]] == ["requests"]


def assert_complete(folder: Path) -> None:
    collection = folder / "ansible_collections" / "cortexapps" / "cortex"
    for part in ("plugins", "roles", "playbooks", "extensions", "meta"):
        here = {path.relative_to(ROOT) for path in (ROOT / part).rglob("*") if path.is_file() and path.suffix != ".pyc"}
        there = {path.relative_to(collection) for path in (collection / part).rglob("*") if path.is_file()}
        assert there == here
