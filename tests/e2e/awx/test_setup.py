# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup, with the modules of awx.awx, against a stand-in for the controller."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.cortexapps.cortex.tests.awx import downloads
from ansible_collections.cortexapps.cortex.tests.awx.controller import Controller
from ansible_collections.cortexapps.cortex.tests.awx.rules import role_options

Run = Callable[..., subprocess.CompletedProcess[str]]
Setup = Callable[..., "Done"]

PLAYBOOKS = ["playbooks/awx_setup.yml", "playbooks/pagerduty_audit.yml", "playbooks/pagerduty_rollout.yml"]
CONTROLLER_TOKEN = "oauth_8Zk3QmWv7TnRb2YxLs5JdHf9Gp4Ca6Xe"
SHARED_KEY = "ck_live_shared_7Qm2vXw9LrT4bNz6KsY8dFh3JpG5aC1e"
TOKEN = "u+7FzQkLmN2pRsTvab12"
OLD_TOKEN = "y_NbxKq81LtWzGh4cd34"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [CONTROLLER_TOKEN, SHARED_KEY, TOKEN, OLD_TOKEN, VAULT_PASSWORD]
LOOKUP = "{{ lookup('ansible.builtin.env', 'KEY_OF_BILLING') }}"
ENVIRONMENT = {"CORTEX_API_KEY": SHARED_KEY, "PAGERDUTY_TOKEN": TOKEN}

WORKFLOW = "Cortex PagerDuty check, approval, rollout"
CHECK, ROLLOUT, AUDIT = (f"Cortex PagerDuty {name}" for name in ("check", "rollout", "audit"))
SCHEDULE = "Cortex PagerDuty nightly audit"


def encrypt(text: str) -> str:
    """Encrypt with Ansible Vault."""
    encrypted: bytes = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(text)
    return encrypted.decode()


# payments takes the Cortex credential, billing has a lookup, search an encrypted key.
ENCRYPTED_KEY = encrypt(SHARED_KEY)
VARIABLES = f"""
awx_execution_environment_image: registry.example.com/cortex-ee:1.0.0
awx_workspaces:
  - name: payments
  - name: billing
    variables:
      cortex_pagerduty_api_key: !unsafe "{LOOKUP}"
      cortex_pagerduty_base_url: https://api.eu.cortex.io
  - name: search
    variables:
      cortex_pagerduty_api_key:
        __ansible_vault: {json.dumps(ENCRYPTED_KEY)}
awx_credentials: [Vault password]
"""
# A fleet without a Cortex credential.
FLEET = f"""
awx_execution_environment_image: registry.example.com/cortex-ee:1.0.0
awx_inventory_variables: {{cortex_pagerduty_api_key: !unsafe "{LOOKUP}"}}
awx_workspaces: [{{name: payments}}, {{name: billing}}]
"""


class Done:
    """What came of a run of the playbook."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        # Of all that is printed, what a reader of a failed test wants.
        shown = ("TASK ", "changed: ", "failed: ", "fatal: ", "[ERROR]", "[WARNING]", "ERROR!", "localhost ")
        self.output = "\n".join(line[:1000] for line in process.stdout.splitlines() if line.startswith(shown))
        self.everything = process.stdout
        self.succeeded = process.returncode == 0
        self.changed = sum(map(int, re.findall(r"changed=(\d+) ", process.stdout)))

    def items(self, task: str) -> list[str]:
        """Return the items that a task has changed, or in check mode would have."""
        (output,) = re.findall(rf"^TASK \[\S+ : {re.escape(task)}\].*\n((?:(?!TASK ).*\n)*)", self.everything, re.MULTILINE)
        return re.findall(r"^changed: \[localhost\] => \(item=(.*?)\)", output, re.MULTILINE)


@pytest.fixture(scope="module")
def link(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections in which this clone is one."""
    folder = tmp_path_factory.mktemp("link")
    place = folder / "ansible_collections" / "cortexapps" / "cortex"
    place.parent.mkdir(parents=True)
    place.symlink_to(downloads.ROOT)
    return folder


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller(PLAYBOOKS, CONTROLLER_TOKEN) as controller:
        add_vault_credential(controller)
        yield controller


@pytest.fixture
def setup(run: Run, link: Path, tmp_path: Path) -> Setup:
    """Run the playbook on a controller, with all that it prints, and make sure that no secret is in there."""

    def setup(
        controller: Controller,
        variables: str = VARIABLES,
        *options: str | Path,
        env: dict[str, str] | None = None,
        program: Path | str = "ansible-playbook",
        **extra: Any,
    ) -> Done:
        path = tmp_path / "awx.yml"
        path.write_text(variables)
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": f"{link}:{downloads.awx_collection()}",
            "ANSIBLE_PIPELINING": "true",
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": controller.token,
        }
        controller.requests.clear()
        process = run(
            program,
            "-vvv",
            "--diff",
            "cortexapps.cortex.awx_setup",
            *("-e", f"@{path}", "-e", json.dumps(extra)),
            *options,
            env={**settings, **(ENVIRONMENT if env is None else env)},
        )
        assert [secret for secret in SECRETS if secret in process.stdout] == []
        return Done(process)

    return setup


def add_vault_credential(controller: Controller, organization: str = "Default") -> None:
    controller.create(
        "credentials",
        {
            "name": "Vault password",
            "credential_type": controller.one("credential_types", "Vault")["id"],
            "organization": controller.one("organizations", organization)["id"],
            "inputs": {"vault_password": VAULT_PASSWORD},
        },
    )


def test_it_makes_everything_once_and_removes_it(controller: Controller, setup: Setup) -> None:
    before = made(controller)
    first = setup(controller)
    assert first.succeeded, first.output
    assert made(controller) == {
        "credential_types": ["Cortex", "PagerDuty", "Vault"],
        "credentials": ["Cortex API key", "PagerDuty token for Cortex", "Vault password"],
        "execution_environments": ["Cortex (Default)"],
        "hosts": ["billing", "payments", "search"],
        "inventories": ["Cortex workspaces"],
        "job_templates": [AUDIT, CHECK, ROLLOUT],
        "projects": ["Cortex"],
        "schedules": [SCHEDULE],
        "workflow_job_template_nodes": ["approval", "check", "rollout"],
        "workflow_job_templates": [WORKFLOW],
    }
    content_is_right(controller)

    # One secret is missing this time, which is no reason to touch the credential that is there.
    second = setup(controller, env=ENVIRONMENT | {"PAGERDUTY_TOKEN": ""})
    assert (second.succeeded, second.changed, controller.writes) == (True, 0, []), second.output

    foretold = setup(controller, VARIABLES, "--check", awx_state="absent")
    assert (foretold.succeeded, controller.writes) == (True, [])
    removed = setup(controller, awx_state="absent")
    assert removed.succeeded, removed.output
    assert made(controller) == before
    assert foretold.changed == removed.changed

    again = setup(controller, awx_state="absent")
    assert (again.succeeded, again.changed, controller.writes) == (True, 0, []), again.output


def made(controller: Controller) -> dict[str, list[str]]:
    """Return the names of what is on the controller, without what it comes with and its history."""
    others = {"organizations", "instance_groups", "project_updates", "workflow_approval_templates"}
    return {
        kind: sorted(controller.names(kind))
        for kind, objects in controller.objects.items()
        if objects and kind not in others
    }


def content_is_right(controller: Controller) -> None:
    """Assert what a user of AWX relies on; it is looked at together, because a run takes long."""
    cortex = controller.one("credential_types", "Cortex")
    assert cortex["injectors"] == {"env": {"CORTEX_API_KEY": "{{ api_key }}", "CORTEX_BASE_URL": "{{ base_url }}"}}
    assert secrets(controller, "Cortex API key") == {"api_key": SHARED_KEY, "base_url": "https://api.getcortexapp.com"}
    assert secrets(controller, "PagerDuty token for Cortex") == {"token": TOKEN}
    # The job evaluates the lookup and decrypts the key.
    assert variables(controller, "billing")["cortex_pagerduty_api_key"] == LOOKUP
    assert variables(controller, "search") == {"cortex_pagerduty_api_key": {"__ansible_vault": ENCRYPTED_KEY}}

    survey = yaml.safe_load((downloads.ROOT / "extensions/awx/rollout_survey.yml").read_text())
    for name, job_type, credentials in [
        (CHECK, "check", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (ROLLOUT, "run", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (AUDIT, "run", ["Cortex API key", "Vault password"]),
    ]:
        template = controller.one("job_templates", name)
        assert (template["job_type"], template["diff_mode"], template["allow_simultaneous"]) == (job_type, True, False)
        assert controller.associated(template, "credentials") == credentials
        asked = controller.surveys.get(template["id"])
        assert (template["survey_enabled"], asked) == ((False, None) if name == AUDIT else (True, survey))
    audit = controller.one("job_templates", AUDIT)
    assert json.loads(audit["extra_vars"]) == {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": True}
    schedule = controller.one("schedules", SCHEDULE)
    assert (schedule["unified_job_template"], schedule["enabled"]) == (audit["id"], True)
    assert controller.surveys[controller.one("workflow_job_templates", WORKFLOW)["id"]] == survey
    assert graph(controller) == GRAPH


def secrets(controller: Controller, credential: str) -> Any:
    return controller.secrets[controller.one("credentials", credential)["id"]]


def variables(controller: Controller, host: str) -> Any:
    return json.loads(controller.one("hosts", host)["variables"])


GRAPH = {
    "check": (CHECK, {"success_nodes": ["approval"]}),
    "approval": ("Approve the Cortex PagerDuty rollout", {"success_nodes": ["rollout"]}),
    "rollout": (ROLLOUT, {}),
}


def graph(controller: Controller) -> dict[str, Any]:
    """Return what each node of the workflow runs, and what follows it."""
    nodes = controller.objects["workflow_job_template_nodes"].values()
    kinds = ("success_nodes", "failure_nodes", "always_nodes")
    links = {node["identifier"]: {kind: controller.associated(node, kind) for kind in kinds} for node in nodes}
    return {
        node["identifier"]: (
            controller.any(node["unified_job_template"])["name"],
            {kind: names for kind, names in links[node["identifier"]].items() if names},
        )
        for node in nodes
    }


def node(controller: Controller, identifier: str, job: str | None = None) -> dict[str, Any]:
    """Add a node to the workflow."""
    workflow = controller.one("workflow_job_templates", WORKFLOW)["id"]
    template = controller.one("job_templates", job)["id"] if job else None
    values = {"identifier": identifier, "workflow_job_template": workflow, "unified_job_template": template}
    return controller.create("workflow_job_template_nodes", values)


def of_single_workspaces(controller: Controller) -> None:
    """A check and a rollout of one workspace before and after the same approval, and a rollout whose approval is gone."""
    approval = controller.one("workflow_job_template_nodes", "approval")
    controller.link(node(controller, "check: billing", CHECK), "success_nodes", approval)
    controller.link(approval, "success_nodes", node(controller, "rollout: billing", ROLLOUT))
    node(controller, "rollout: search", ROLLOUT)


def past_the_approval(controller: Controller) -> None:
    check, rollout = (controller.one("workflow_job_template_nodes", name) for name in ("check", "rollout"))
    controller.link(check, "failure_nodes", rollout)
    controller.link(check, "always_nodes", node(controller, "0d4e8a43-3b0c-4a44-9d4b-8d1c0c7c3f5e", AUDIT))


def without_the_approval(controller: Controller) -> None:
    approval = controller.one("workflow_job_template_nodes", "approval")
    controller.answer("DELETE", approval["url"], {}, {})


def job_instead_of_the_approval(controller: Controller) -> None:
    approval = controller.one("workflow_job_template_nodes", "approval")
    template = controller.one("job_templates", AUDIT)["id"]
    controller.answer("PATCH", approval["url"], {}, {"unified_job_template": template})


def the_other_way_round(controller: Controller) -> None:
    check, rollout = (controller.one("workflow_job_template_nodes", name) for name in ("check", "rollout"))
    without_the_approval(controller)
    controller.link(rollout, "success_nodes", check)


@pytest.mark.parametrize(
    ("change", "strangers"),
    [
        (of_single_workspaces, ["check: billing", "rollout: billing", "rollout: search"]),
        (past_the_approval, ["0d4e8a43-3b0c-4a44-9d4b-8d1c0c7c3f5e"]),
        (without_the_approval, []),
        (job_instead_of_the_approval, ["approval"]),
        (the_other_way_round, []),
    ],
)
def test_no_rollout_starts_without_the_check_and_the_approval(
    controller: Controller, setup: Setup, change: Callable[[Controller], None], strangers: list[str]
) -> None:
    """Whatever was done to the graph. A node that nothing precedes starts at once, and also after a denial."""
    assert setup(controller).succeeded
    change(controller)
    workflow = controller.one("workflow_job_templates", WORKFLOW)
    assert controller.run(workflow, {"check": "failed", "approval": "failed"}) != ["check"]

    foretold = setup(controller, VARIABLES, "--check")
    assert (foretold.succeeded, controller.writes) == (True, []), foretold.output
    assert sorted(foretold.items("Remove all other nodes")) == strangers

    done = setup(controller)
    assert done.succeeded, done.output
    assert graph(controller) == GRAPH
    assert controller.run(workflow, {"check": "failed"}) == ["check"]
    assert controller.run(workflow, {"approval": "pending"}) == ["check", "approval"]
    assert controller.run(workflow, {"approval": "failed"}) == ["check", "approval"]
    assert controller.run(workflow, {}) == ["check", "approval", "rollout"]
    # The job that had stood in for the approval is still there.
    assert sorted(controller.names("job_templates")) == [AUDIT, CHECK, ROLLOUT]
