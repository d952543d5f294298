# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup, with the modules of awx.awx, against a stand-in of the controller."""

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
CHECKOUT_KEY = "ck_live_checkout_4Hn8XvB2kQs7RwJd5TmLc9Zg3Fy6Pe1U"
PAGERDUTY_TOKEN = "u+7FzQkLmN2pRsTvab12"
SECRETS = [CONTROLLER_TOKEN, SHARED_KEY, CHECKOUT_KEY, PAGERDUTY_TOKEN]
LOOKUP = "{{ lookup('ansible.builtin.env', 'KEY_OF_BILLING') }}"

VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"

# payments takes the shared credential, checkout has a credential of its own, billing has a look-up.
VARIABLES = f"""
awx_execution_environment_image: registry.example.com/cortex-ee:1.0.0
awx_workspaces:
  - name: payments
  - name: billing
    variables:
      cortex_pagerduty_api_key: !unsafe "{LOOKUP}"
  - name: checkout
    base_url: https://api.eu.cortex.io
    api_key: "{{{{ lookup('ansible.builtin.env', 'KEY_OF_CHECKOUT') }}}}"
"""
ENVIRONMENT = {"CORTEX_API_KEY": SHARED_KEY, "PAGERDUTY_TOKEN": PAGERDUTY_TOKEN, "KEY_OF_CHECKOUT": CHECKOUT_KEY}


class Done:
    """What came of a run of the playbook."""

    def __init__(self, process: subprocess.CompletedProcess[str]) -> None:
        # Of all that -vvv prints, what a reader of a failed test wants.
        shown = ("TASK ", "changed: ", "failed: ", "fatal: ", "[ERROR]", "[WARNING]", "ERROR!", "localhost ")
        self.output = "\n".join(line[:1000] for line in process.stdout.splitlines() if line.startswith(shown))
        self.succeeded = process.returncode == 0
        self.changed = sum(map(int, re.findall(r"changed=(\d+) ", process.stdout)))


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
        yield controller


@pytest.fixture
def setup(run: Run, link: Path, tmp_path: Path) -> Setup:
    """Run the playbook on a controller, with all it prints, and see to it that no secret is in there."""

    def setup(
        controller: Controller, variables: str = VARIABLES, *, env: dict[str, str] | None = None, **extra: Any
    ) -> Done:
        path = tmp_path / "awx.yml"
        path.write_text(variables)
        given = ["-e", f"@{path}", "-e", json.dumps(extra)]
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": f"{link}:{downloads.awx_collection()}",
            "ANSIBLE_PIPELINING": "true",
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": controller.token,
        }
        controller.requests.clear()
        process = run(
            "ansible-playbook",
            "-vvv",
            "--diff",
            "cortexapps.cortex.awx_setup",
            *given,
            env={**settings, **(ENVIRONMENT if env is None else env)},
        )
        assert [secret for secret in SECRETS if secret in process.stdout] == []
        return Done(process)

    return setup


def test_it_makes_everything_once_and_removes_it(controller: Controller, setup: Setup) -> None:
    first = setup(controller)
    assert first.succeeded, first.output
    assert made(controller) == {
        "credential_types": ["Cortex", "PagerDuty"],
        "credentials": ["Cortex API key", "Cortex API key: checkout", "PagerDuty token for Cortex"],
        "execution_environments": ["Cortex"],
        "hosts": ["billing", "checkout", "payments"],
        "inventories": ["Cortex workspaces"],
        "job_templates": ["Cortex PagerDuty audit", "Cortex PagerDuty check", "Cortex PagerDuty rollout"],
        "projects": ["Cortex"],
        "schedules": ["Cortex PagerDuty nightly audit", "Cortex PagerDuty nightly audit: checkout"],
        "workflow_job_template_nodes": ["approval", "check", "check: checkout", "rollout", "rollout: checkout"],
        "workflow_job_templates": ["Cortex PagerDuty check, approval, rollout"],
    }
    content_is_right(controller)

    # One secret is missing this time, which is no reason to touch the credential that is there.
    second = setup(controller, env=ENVIRONMENT | {"PAGERDUTY_TOKEN": ""})
    assert (second.succeeded, second.changed, controller.writes) == (True, 0, []), second.output

    removed = setup(controller, awx_state="absent")
    assert removed.succeeded, removed.output
    assert made(controller) == {}

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
    assert controller.secrets == {
        "Cortex API key": {"api_key": SHARED_KEY, "base_url": "https://api.getcortexapp.com"},
        "Cortex API key: checkout": {"api_key": CHECKOUT_KEY, "base_url": "https://api.eu.cortex.io"},
        "PagerDuty token for Cortex": {"token": PAGERDUTY_TOKEN},
    }
    # The look-up is the job's to make.
    assert variables(controller, "billing") == {"cortex_pagerduty_api_key": LOOKUP}
    assert variables(controller, "checkout") == {"cortex_pagerduty_base_url": "https://api.eu.cortex.io"}

    survey = yaml.safe_load((downloads.ROOT / "extensions/awx/rollout_survey.yml").read_text())
    for action, job_type, credentials in [
        ("check", "check", ["Cortex API key", "PagerDuty token for Cortex"]),
        ("rollout", "run", ["Cortex API key", "PagerDuty token for Cortex"]),
        ("audit", "run", ["Cortex API key"]),
    ]:
        template = controller.one("job_templates", f"Cortex PagerDuty {action}")
        assert (template["job_type"], template["diff_mode"], template["allow_simultaneous"]) == (job_type, True, False)
        assert controller.associated("job_templates", template["name"], "credentials") == credentials
        asked = controller.surveys.get(template["id"])
        assert (template["survey_enabled"], asked) == ((False, None) if action == "audit" else (True, survey))
    audit = controller.one("job_templates", "Cortex PagerDuty audit")
    assert json.loads(audit["extra_vars"]) == {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": True}

    workflow = controller.one("workflow_job_templates", "Cortex PagerDuty check, approval, rollout")
    assert controller.surveys[workflow["id"]] == survey
    approval = controller.one("workflow_job_template_nodes", "approval")
    assert controller.any(approval["unified_job_template"])["name"] == "Approve the Cortex PagerDuty rollout"
    assert approval["all_parents_must_converge"] is True
    for suffix, limit, credentials in [
        ("", "all:!checkout", []),
        (": checkout", "checkout", ["Cortex API key: checkout"]),
    ]:
        for action, followers in [("check", ["approval"]), ("rollout", [])]:
            node = controller.one("workflow_job_template_nodes", action + suffix)
            assert controller.any(node["unified_job_template"])["name"] == f"Cortex PagerDuty {action}"
            assert node["limit"] == limit
            assert controller.associated("workflow_job_template_nodes", action + suffix, "success_nodes") == followers
            assert controller.associated("workflow_job_template_nodes", action + suffix, "credentials") == credentials
        schedule = controller.one("schedules", f"Cortex PagerDuty nightly audit{suffix}")
        assert (schedule["limit"], schedule["enabled"]) == (limit, True)
        assert controller.associated("schedules", schedule["name"], "credentials") == credentials
    rollouts = ["rollout", "rollout: checkout"]
    assert controller.associated("workflow_job_template_nodes", "approval", "success_nodes") == rollouts


def variables(controller: Controller, host: str) -> Any:
    return json.loads(controller.one("hosts", host)["variables"])


def encrypt(text: str) -> str:
    """Encrypt with Ansible Vault."""
    encrypted: bytes = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(text)
    return encrypted.decode()


ENCRYPTED_KEY = encrypt(SHARED_KEY)
FLEET = f"""
awx_pagerduty_token: !vault {json.dumps(encrypt(PAGERDUTY_TOKEN))}
awx_execution_environment_image: registry.example.com/cortex-ee:1.0.0
awx_inventory_variables:
  cortex_pagerduty_api_key: !unsafe "{LOOKUP}"
awx_workspaces:
  - name: payments
    variables:
      cortex_pagerduty_api_key:
        __ansible_vault: {json.dumps(ENCRYPTED_KEY)}
awx_job_slice_count: 2
awx_instance_groups: [default]
awx_organization: Platform
awx_job_template_rollout: PagerDuty to Cortex
"""


def test_a_fleet_behind_the_gateway_with_other_names(setup: Setup, tmp_path: Path) -> None:
    """The API below another path, as the gateway of Ansible Automation Platform 2.5 has it; secrets from a vault."""
    password = tmp_path / "password"
    password.write_text(VAULT_PASSWORD)
    with Controller(PLAYBOOKS, CONTROLLER_TOKEN, prefix="/api/controller/") as controller:
        controller.create("organizations", {"name": "Platform"})
        done = setup(
            controller,
            FLEET,
            env={
                "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
                "CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/",
            },
        )
        assert done.succeeded, done.output
        assert {request.split()[1][:19] for request in controller.requests} == {"/api/controller/v2/"}
        template = controller.one("job_templates", "PagerDuty to Cortex")
        assert template["organization"] == controller.one("organizations", "Platform")["id"]
        assert template["job_slice_count"] == 2
        assert controller.associated("job_templates", template["name"], "instance_groups") == ["default"]
        assert controller.secrets == {"PagerDuty token for Cortex": {"token": PAGERDUTY_TOKEN}}
        # The look-up of the inventory serves all, so there is no Cortex credential.
        assert controller.names("credentials") == ["PagerDuty token for Cortex"]
        assert variables(controller, "payments") == {"cortex_pagerduty_api_key": {"__ansible_vault": ENCRYPTED_KEY}}
        inventory = controller.one("inventories", "Cortex workspaces")
        assert json.loads(inventory["variables"]) == {"cortex_pagerduty_api_key": LOOKUP}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("awx_workspaces: [{name: payments}]", "awx_execution_environment_image is not set."),
        ("awx_execution_environment_image: image", "awx_workspaces is empty."),
        (
            "{awx_execution_environment_image: image, awx_workspaces: [{name: payments}, {name: billing}]}",
            "these would share that of awx_cortex_api_key: payments, billing.",
        ),
        (VARIABLES + "awx_job_slice_count: 2", "have a credential, and so a job, of their own: checkout."),
    ],
    ids=["no image", "no workspace", "one key for two workspaces", "slices of single workspaces"],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    controller: Controller, setup: Setup, variables: str, message: str
) -> None:
    done = setup(controller, variables)
    assert not done.succeeded
    assert message in done.output
    assert controller.requests == []


@pytest.mark.parametrize("core", ["this ansible-core", "the oldest ansible-core"])
def test_without_awx_awx_it_says_what_to_install(run: Run, link: Path, core: str) -> None:
    programs = downloads.oldest_ansible_core() if core == "the oldest ansible-core" else None
    if core == "the oldest ansible-core" and programs is None:
        pytest.skip(f"{downloads.OLDEST_CORE} does not run on this Python")
    program = programs / "ansible-playbook" if programs else "ansible-playbook"
    done = run(program, "cortexapps.cortex.awx_setup", env={"ANSIBLE_COLLECTIONS_PATH": str(link)})
    assert done.returncode == 2
    assert 'install it with \\"ansible-galaxy collection install awx.awx\\".' in done.stdout
    assert "resolve" not in done.stdout


def test_ansible_lint_finds_nothing_but_an_argument_misspelt_for_this(run: Run, link: Path, tmp_path: Path) -> None:
    for name in (".ansible-lint", ".gitignore", ".yamllint", "galaxy.yml"):
        shutil.copy(downloads.ROOT / name, tmp_path / name)
    for name in ("changelogs", "collections", "extensions", "meta", "roles/awx"):
        shutil.copytree(downloads.ROOT / name, tmp_path / name)
    (tmp_path / "playbooks").mkdir()
    shutil.copy(downloads.ROOT / "playbooks" / "awx_setup.yml", tmp_path / "playbooks")
    tasks = tmp_path / "roles" / "awx" / "tasks" / "present.yml"
    tasks.write_text(tasks.read_text().replace("scm_branch:", "scm_brunch:"))
    env = {"ANSIBLE_COLLECTIONS_PATH": f"{link}:{downloads.awx_collection()}"}
    done = run("ansible-lint", "--offline", "--nocolor", "--format", "pep8", cwd=tmp_path, env=env)
    found = [line for line in done.stdout.splitlines() if re.match(r"\S+:\d+: ", line)]
    assert len(found) == 1, done.stdout
    assert "Unsupported parameters for (basic.py) module: scm_brunch." in found[0]
    assert "Unable to load module" not in done.stdout


def test_no_variable_is_one_that_awx_gives_to_each_job() -> None:
    """Else the playbook, run by AWX itself, would take the name of its own job template for one to make."""
    of_awx = re.compile(
        "awx_(user|schedule|inventory|job_template|workflow_job|parent_job_schedule|webhook|project|job)_"
        "(id|name|email|first_name|last_name|launch_type|user_id|user_name|event_guid|event_ref|payload|revision|scm_branch)"
        "|awx_(user|inventory|schedule|job_template|workflow_job)_name|awx_execution_node"
    )
    assert [name for name in role_options("awx") if of_awx.fullmatch(name)] == []
