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

from tests.e2e.awx import downloads
from tests.e2e.awx.controller import Controller
from tests.e2e.awx.rules import credential_type_mistakes, role_options
from tests.e2e.docs.examples import in_document
from tests.support.marks import path_without_blanks

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
        (output,) = re.findall(
            rf"^TASK \[\S+ : {re.escape(task)}\].*\n((?:(?!TASK ).*\n)*)", self.everything, re.MULTILINE
        )
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
    """A controller with what the users of this collection make themselves."""
    with Controller(PLAYBOOKS, CONTROLLER_TOKEN) as controller:
        add_credential(controller, "Vault password")
        yield controller


@pytest.fixture
def setup(run: Run, link: Path, tmp_path: Path) -> Setup:
    return setup_with(run, link, tmp_path)


def setup_with(run: Run, link: Path, folder: Path) -> Setup:
    """Return what runs the playbook on a controller, and makes sure that no secret is in what it prints at -vvvvv."""

    def setup(
        controller: Controller,
        variables: str = VARIABLES,
        *options: str | Path,
        env: dict[str, str] | None = None,
        program: Path | str = "ansible-playbook",
        **extra: Any,
    ) -> Done:
        path = folder / "awx.yml"
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
            "-vvvvv",
            "--diff",
            "cortexapps.cortex.awx_setup",
            *("-e", f"@{path}", "-e", json.dumps(extra)),
            *options,
            env={**settings, **(ENVIRONMENT if env is None else env)},
        )
        assert [secret for secret in SECRETS if secret in process.stdout] == []
        return Done(process)

    return setup


@pytest.fixture(scope="module")
def state(run: Run, link: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    """What is on a controller after the playbook has run with VARIABLES."""
    with Controller(PLAYBOOKS, CONTROLLER_TOKEN) as controller:
        add_credential(controller, "Vault password")
        done = setup_with(run, link, tmp_path_factory.mktemp("state"))(controller)
        assert done.succeeded, done.output
        return controller.state()


@pytest.fixture
def ready(controller: Controller, state: tuple[Any, ...]) -> Controller:
    """A controller on which the playbook has run with VARIABLES."""
    controller.restore(state)
    return controller


def add_credential(controller: Controller, name: str, organization: str = "Default") -> None:
    """Add a credential with the password of a vault."""
    controller.create(
        "credentials",
        {
            "name": name,
            "credential_type": controller.one("credential_types", "Vault")["id"],
            "organization": controller.one("organizations", organization)["id"],
            "inputs": {"vault_password": VAULT_PASSWORD},
        },
    )


def test_it_makes_everything_once_and_removes_it(controller: Controller, setup: Setup) -> None:
    before = made(controller)
    first = setup(controller)
    assert first.succeeded, first.output
    assert made(controller) == EVERYTHING
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


#: What `made` returns after the setup with VARIABLES.
EVERYTHING = {
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
    """Nodes of one workspace before and after the same approval, and a rollout whose approval is gone."""
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
    "change",
    [
        of_single_workspaces,
        past_the_approval,
        without_the_approval,
        job_instead_of_the_approval,
        the_other_way_round,
    ],
)
def test_no_rollout_starts_without_the_check_and_the_approval(
    ready: Controller, setup: Setup, change: Callable[[Controller], None]
) -> None:
    """Whatever was done to the graph. A node that nothing precedes starts at once, and also after a denial."""
    change(ready)
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    assert graph(ready) != GRAPH

    done = setup(ready)
    assert done.succeeded, done.output
    assert graph(ready) == GRAPH
    assert ready.run(workflow, {"check": "failed"}) == ["check"]
    assert ready.run(workflow, {"approval": "pending"}) == ["check", "approval"]
    assert ready.run(workflow, {"approval": "failed"}) == ["check", "approval"]
    assert ready.run(workflow, {}) == ["check", "approval", "rollout"]
    # The job that had stood in for the approval is still there, under its own name.
    assert sorted(ready.names("job_templates")) == [AUDIT, CHECK, ROLLOUT]


def test_what_is_no_longer_named_goes_and_check_mode_says_so(ready: Controller, setup: Setup) -> None:
    of_single_workspaces(ready)
    inventory = ready.one("inventories", "Cortex workspaces")["id"]
    ready.create("hosts", {"name": "of somebody else", "inventory": inventory})
    without_billing = VARIABLES.replace("name: billing", "name: orders").replace(LOOKUP, LOOKUP.lower())
    foretold = setup(ready, without_billing, "--check", awx_schedule="Audit")
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output
    assert foretold.items("Remove the hosts of workspaces that are no longer named") == ["billing"]
    assert foretold.items("Remove the schedules of the audit that are no longer named") == [SCHEDULE]
    assert sorted(foretold.items("Remove all other nodes")) == ["check: billing", "rollout: billing", "rollout: search"]

    done = setup(ready, without_billing, awx_schedule="Audit")
    assert done.succeeded, done.output
    assert sorted(ready.names("hosts")) == ["of somebody else", "orders", "payments", "search"]
    assert variables(ready, "orders")["cortex_pagerduty_api_key"] == LOOKUP.lower()
    assert ready.names("schedules") == ["Audit"]
    assert graph(ready) == GRAPH
    # Nothing but what differs was written.
    assert done.changed == 5


def test_check_mode_on_an_empty_controller_says_what_it_cannot_predict(controller: Controller, setup: Setup) -> None:
    done = setup(controller, VARIABLES, "--check")
    assert (done.succeeded, controller.writes) == (True, []), done.output
    assert done.items("Create the credential types") == ["cortex", "pagerduty"]
    assert "The skipped tasks refer to objects that would be made first." in done.everything
    assert "no_log" not in done.everything


@pytest.mark.parametrize("removed", ["nothing", "a node", "a job template"])
def test_check_mode_changes_nothing_and_fails_for_nothing_that_is_missing(
    ready: Controller, setup: Setup, removed: str
) -> None:
    if removed == "a node":
        without_the_approval(ready)
    if removed == "a job template":
        ready.answer("DELETE", ready.one("job_templates", ROLLOUT)["url"], {}, {})
    done = setup(ready, VARIABLES, "--check")
    assert (done.succeeded, ready.writes) == (True, []), done.output
    assert (done.changed == 0) == (removed == "nothing"), done.output
    assert ("refer to objects that would be made first" in done.everything) == (removed != "nothing")


def test_two_organizations_use_the_same_names(ready: Controller, setup: Setup) -> None:
    ready.create("organizations", {"name": "Platform"})
    add_credential(ready, "Vault password", "Platform")
    done = setup(ready, awx_organization="Platform")
    assert done.succeeded, done.output
    platform = ready.one("organizations", "Platform")["id"]
    template = ready.one("job_templates", ROLLOUT, "Platform")
    assert template["inventory"] == ready.one("inventories", "Cortex workspaces", "Platform")["id"]
    assert (
        template["execution_environment"] == ready.one("execution_environments", "Cortex (Platform)", "Platform")["id"]
    )
    credentials = ready.associations[template["id"], "credentials"]
    assert {ready.any(number)["organization"] for number in credentials} == {platform}
    assert len(credentials) == 3
    assert sorted(ready.names("hosts")) == ["billing", "billing", "payments", "payments", "search", "search"]

    for check in (["--check"], []):
        removed = setup(ready, VARIABLES, *check, awx_state="absent")
        assert removed.succeeded, removed.output
        for name, credential in [("Cortex", "Cortex API key"), ("PagerDuty", "PagerDuty token for Cortex")]:
            assert f"The credential type {name} stays: it is used by {credential} in Platform." in removed.everything
    assert made(ready) == {
        **EVERYTHING,
        "credentials": ["Cortex API key", "PagerDuty token for Cortex", "Vault password", "Vault password"],
        "execution_environments": ["Cortex (Platform)"],
    }


def test_an_administrator_of_the_organization_runs_it_once_the_types_exist(ready: Controller, setup: Setup) -> None:
    ready.is_system_administrator = False
    ready.answer("DELETE", ready.one("workflow_job_templates", WORKFLOW)["url"], {}, {})
    done = setup(ready)
    assert done.succeeded, done.output
    assert graph(ready) == GRAPH
    removed = setup(ready, awx_state="absent")
    assert removed.succeeded, removed.output
    assert "The credential type Cortex stays: only a system administrator can remove it." in removed.everything
    assert made(ready) == {"credential_types": ["Cortex", "PagerDuty", "Vault"], "credentials": ["Vault password"]}


def test_a_rotation_takes_the_previous_token_along(ready: Controller, setup: Setup) -> None:
    tokens = {"PAGERDUTY_TOKEN": TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": OLD_TOKEN}
    assert setup(ready, env=ENVIRONMENT | tokens, awx_update_secrets=True).succeeded
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN, "previous_token": OLD_TOKEN}
    again = setup(ready, env=ENVIRONMENT | tokens)
    assert (again.changed, ready.writes) == (0, [])
    assert setup(ready, env=ENVIRONMENT | {"PAGERDUTY_TOKEN": TOKEN}, awx_update_secrets=True).succeeded
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN}


def test_a_fleet_behind_the_gateway_with_other_names(setup: Setup, tmp_path: Path) -> None:
    """The API below another path, as the gateway of Ansible Automation Platform 2.5 has it; the token from a vault."""
    password = tmp_path / "password"
    password.write_text(VAULT_PASSWORD)
    others = f"""
awx_pagerduty_token: !vault {json.dumps(encrypt(TOKEN))}
awx_job_slice_count: 2
awx_forks: 20
awx_instance_groups: [default]
awx_organization: Platform
awx_job_template_rollout: PagerDuty to Cortex
awx_audit_notification: Chat
"""
    with Controller(PLAYBOOKS, CONTROLLER_TOKEN, prefix="/api/controller/") as controller:
        controller.create("organizations", {"name": "Platform"})
        # The name of the notification template is there in both organizations.
        for organization in controller.objects["organizations"]:
            controller.create("notification_templates", {"name": "Chat", "organization": organization})
        done = setup(
            controller,
            FLEET + others,
            env={
                "ANSIBLE_VAULT_PASSWORD_FILE": str(password),
                "CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/",
            },
        )
        assert done.succeeded, done.output
        assert {request.split()[1][:19] for request in controller.requests} == {"/api/controller/v2/"}
        template = controller.one("job_templates", "PagerDuty to Cortex", "Platform")
        assert (template["job_slice_count"], template["forks"]) == (2, 20)
        assert controller.associated(template, "instance_groups") == ["default"]
        # The lookup of the inventory is for all workspaces, so there is no Cortex credential.
        assert controller.names("credentials") == ["PagerDuty token for Cortex"]
        assert list(controller.secrets.values()) == [{"token": TOKEN}]
        inventory = controller.one("inventories", "Cortex workspaces", "Platform")
        assert json.loads(inventory["variables"]) == {"cortex_pagerduty_api_key": LOOKUP}
        audit = controller.one("job_templates", AUDIT, "Platform")
        chat = controller.one("notification_templates", "Chat", "Platform")
        assert controller.associations[audit["id"], "notification_templates_error"] == [chat["id"]]


IN_CLEAR_TEXT = (
    "AWX stores variables in clear text. Use an !unsafe lookup or __ansible_vault for cortex_pagerduty_api_key."
)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("awx_workspaces: [{name: payments}]", "Set awx_execution_environment_image to an image"),
        ("awx_execution_environment_image: image", "name at least one workspace in awx_workspaces"),
        (
            "{awx_execution_environment_image: image, awx_workspaces: [{name: payments}, {name: billing}]}",
            "these would share the Cortex credential: payments, billing.",
        ),
        (FLEET.replace(f'!unsafe "{LOOKUP}"', SHARED_KEY), IN_CLEAR_TEXT),
        (VARIABLES.replace("__ansible_vault:", "").replace('"$ANSIBLE', '!vault "$ANSIBLE'), IN_CLEAR_TEXT),
        (FLEET + "awx_credentials: [Vault]", "Default has 0 credentials with the name Vault."),
        (FLEET + "awx_audit_notification: Chat", "Default has 0 notification templates with the name Chat."),
        (FLEET + "awx_pagerduty_token: ''", "has 0 credentials with the name PagerDuty token for Cortex."),
        (FLEET + "awx_organization: Platform", "The organization Platform could not be read"),
    ],
    ids=[
        "no image",
        "no workspace",
        "one key for two workspaces",
        "a key in clear text",
        "a decrypted key",
        "no credential",
        "no notification template",
        "no token",
        "no organization",
    ],
)
def test_what_cannot_work_is_said_before_anything_is_made(
    controller: Controller, setup: Setup, tmp_path: Path, variables: str, message: str
) -> None:
    password = tmp_path / "password"
    password.write_text(VAULT_PASSWORD)
    done = setup(controller, variables, env=ENVIRONMENT | {"ANSIBLE_VAULT_PASSWORD_FILE": str(password)})
    assert not done.succeeded
    assert message in done.everything
    assert controller.writes == []


GUIDE = downloads.ROOT / "docs/docsite/rst/awx_guide.rst"
FILES = [example.text for example in in_document(GUIDE.name, GUIDE.read_text()) if example.file == "awx.yml"]


@pytest.mark.parametrize("text", FILES, ids=["one workspace", "Ansible Vault", "HashiCorp Vault"])
def test_the_files_of_the_guide_set_awx_up(controller: Controller, setup: Setup, text: str) -> None:
    for name in re.findall(r"^awx_credentials: \[(.*)\]", text, re.MULTILINE):
        add_credential(controller, name)
    done = setup(controller, text)
    assert done.succeeded, done.output
    assert graph(controller) == GRAPH
    assert sorted(controller.names("hosts")) == re.findall(r"- name: (checkout|payments)\n", text)[::-1]


def test_the_credential_type_of_the_guide_is_accepted() -> None:
    texts = [example.text for example in in_document(GUIDE.name, GUIDE.read_text())]
    (inputs,) = [yaml.safe_load(text) for text in texts if text.startswith("fields:")]
    (injectors,) = [yaml.safe_load(text) for text in texts if text.startswith("env:")]
    mistakes = credential_type_mistakes({"name": "N", "kind": "cloud", "inputs": inputs, "injectors": injectors})
    assert mistakes == []


def test_a_failed_first_sync_is_said_in_the_words_of_the_guide(controller: Controller, setup: Setup) -> None:
    controller.sync_fails = True
    for message in ("Project update failed", "Playbook not found for project."):
        done = setup(controller)
        assert not done.succeeded
        assert message in done.everything
        assert message in GUIDE.read_text()


@pytest.mark.parametrize("core", ["this ansible-core", "the oldest ansible-core"])
def test_without_awx_awx_it_says_what_to_install(run: Run, link: Path, core: str) -> None:
    program = program_of(core)
    done = run(program, "cortexapps.cortex.awx_setup", env={"ANSIBLE_COLLECTIONS_PATH": str(link)})
    assert done.returncode == 2
    assert "This needs the collection awx.awx (ansible-galaxy collection install awx.awx)" in done.stdout


def program_of(core: str) -> Path | str:
    """Return the ansible-playbook of this or the oldest ansible-core; skip if that cannot run."""
    if core == "this ansible-core":
        return "ansible-playbook"
    programs = downloads.oldest_ansible_core()
    if programs is None:
        pytest.skip(f"{downloads.OLDEST_CORE} does not run on this Python")
    return programs / "ansible-playbook"


@path_without_blanks
def test_the_oldest_ansible_core_comes_to_the_same(ready: Controller, setup: Setup) -> None:
    of_single_workspaces(ready)
    program = program_of("the oldest ansible-core")
    for check in (["--check"], []):
        done = setup(ready, VARIABLES, *check, program=program)
        assert done.succeeded, done.output
        assert sorted(done.items("Remove all other nodes")) == ["check: billing", "rollout: billing", "rollout: search"]
    assert graph(ready) == GRAPH


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
