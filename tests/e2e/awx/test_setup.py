# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup, with the modules of awx.awx, against a stand-in for the controller.

Each run takes as long as the two dozen modules in it, so each test looks at all that its runs tell.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.docs.examples import in_document
from tests.support.cortex import API_KEY, OTHER_TOKEN, TOKEN
from tests.support.environment import ROOT, isolated, short_folder
from tests.support.marks import path_without_blanks
from tests.support.programs import run
from tests.support.vault import encrypt

from .controller import Controller
from .downloads import awx_collection
from .rules import credential_type_mistakes, role_options

Setup = Callable[..., "Done"]

PLAYBOOKS = ["playbooks/awx_setup.yml", "playbooks/pagerduty_audit.yml", "playbooks/pagerduty_rollout.yml"]
CONTROLLER_TOKEN = "oauth_8Zk3QmWv7TnRb2YxLs5JdHf9Gp4Ca6Xe"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [CONTROLLER_TOKEN, API_KEY, TOKEN, OTHER_TOKEN, VAULT_PASSWORD]
ENVIRONMENT = {"CORTEX_API_KEY": API_KEY, "PAGERDUTY_TOKEN": TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": OTHER_TOKEN}
LOOKUP = "{{ lookup('ansible.builtin.env', 'KEY_OF_BILLING') }}"

WORKFLOW = "Cortex PagerDuty check, approval, rollout"
CHECK, ROLLOUT, AUDIT = (f"Cortex PagerDuty {name}" for name in ("check", "rollout", "audit"))
SCHEDULE = "Cortex PagerDuty nightly audit"

# payments takes the Cortex credential, billing has a lookup, search an encrypted key.
ENCRYPTED_KEY = encrypt(API_KEY, VAULT_PASSWORD)
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
# The files that the guide has readers write.
GUIDE = (ROOT / "docs/docsite/rst/awx_guide.rst").read_text()
EXAMPLES = in_document("awx_guide.rst", GUIDE)
ONE_WORKSPACE, ANSIBLE_VAULT, HASHICORP_VAULT = [example.text for example in EXAMPLES if example.file == "awx.yml"]


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
        """Return the items that a task has changed, or in check mode would have, sorted."""
        (output,) = re.findall(
            rf"^TASK \[\S+ : {re.escape(task)}\].*\n((?:(?!TASK ).*\n)*)", self.everything, re.MULTILINE
        )
        return sorted(re.findall(r"^changed: \[localhost\] => \(item=(.*?)\)", output, re.MULTILINE))


def set_up(
    folder: Path,
    controller: Controller,
    variables: str = VARIABLES,
    *options: str | Path,
    env: Mapping[str, str] | None = None,
    playbook: str | Path = "cortexapps.cortex.awx_setup",
    programs: Path | None = None,
    **extra: Any,
) -> Done:
    """Run the playbook on a controller, and make sure that no secret is in what it prints at -vvvvv.

    `env` replaces the secrets in the environment; `programs` is the folder of another ansible-core.
    """
    (folder / "awx.yml").write_text(variables)
    (folder / "password").write_text(VAULT_PASSWORD)
    settings = isolated(folder)
    settings |= {
        "ANSIBLE_COLLECTIONS_PATH": f"{settings['ANSIBLE_COLLECTIONS_PATH']}{os.pathsep}{awx_collection()}",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
        "CONTROLLER_HOST": controller.url,
        "CONTROLLER_OAUTH_TOKEN": controller.token,
        **(ENVIRONMENT if env is None else env),
    }
    controller.requests.clear()
    program = programs / "ansible-playbook" if programs else "ansible-playbook"
    arguments = ("-vvvvv", "--diff", playbook, "-e", f"@{folder / 'awx.yml'}", "-e", json.dumps(extra), *options)
    process = run(program, *arguments, cwd=folder, env=settings)
    assert [secret for secret in SECRETS if secret in process.stdout] == []
    return Done(process)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return functools.partial(set_up, tmp_path)


@contextlib.contextmanager
def running_controller() -> Iterator[Controller]:
    """Run a controller with what the users of this collection make themselves."""
    controller = Controller(PLAYBOOKS, CONTROLLER_TOKEN)
    add_credential(controller, "Vault password")
    with controller.running():
        yield controller


@pytest.fixture
def controller() -> Iterator[Controller]:
    with running_controller() as controller:
        yield controller


@pytest.fixture(scope="module")
def everything() -> bytes:
    """What is on a controller after the playbook has run with VARIABLES."""
    with short_folder() as folder, running_controller() as controller:
        assert made(controller) == NOTHING
        done = set_up(folder, controller)
        assert done.succeeded, done.output
        return controller.save()


@pytest.fixture
def ready(controller: Controller, everything: bytes) -> Controller:
    """A controller on which the playbook has run with VARIABLES."""
    controller.restore(everything)
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


def made(controller: Controller) -> dict[str, list[str]]:
    """Return the names of what is on the controller, without what it comes with and its history."""
    others = {"organizations", "instance_groups", "project_updates", "workflow_approval_templates"}
    return {
        kind: sorted(controller.names(kind))
        for kind, objects in controller.objects.items()
        if objects and kind not in others
    }


#: What `made` returns before and after the setup with VARIABLES.
NOTHING = {"credential_types": ["Vault"], "credentials": ["Vault password"]}
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


def test_it_makes_everything_once(ready: Controller, setup: Setup) -> None:
    assert made(ready) == EVERYTHING
    cortex = ready.one("credential_types", "Cortex")
    assert cortex["injectors"] == {"env": {"CORTEX_API_KEY": "{{ api_key }}", "CORTEX_BASE_URL": "{{ base_url }}"}}
    assert secrets(ready, "Cortex API key") == {"api_key": API_KEY, "base_url": "https://api.getcortexapp.com"}
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN, "previous_token": OTHER_TOKEN}
    # The job evaluates the lookup and decrypts the key.
    assert variables(ready, "billing")["cortex_pagerduty_api_key"] == LOOKUP
    assert variables(ready, "search") == {"cortex_pagerduty_api_key": {"__ansible_vault": ENCRYPTED_KEY}}

    survey = yaml.safe_load((ROOT / "extensions/awx/rollout_survey.yml").read_text())
    for name, job_type, credentials in [
        (CHECK, "check", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (ROLLOUT, "run", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (AUDIT, "run", ["Cortex API key", "Vault password"]),
    ]:
        template = ready.one("job_templates", name)
        assert (template["job_type"], template["diff_mode"], template["allow_simultaneous"]) == (job_type, True, False)
        assert ready.associated(template, "credentials") == credentials
        asked = ready.surveys.get(template["id"])
        assert (template["survey_enabled"], asked) == ((False, None) if name == AUDIT else (True, survey))
    audit = ready.one("job_templates", AUDIT)
    assert json.loads(audit["extra_vars"]) == {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": True}
    schedule = ready.one("schedules", SCHEDULE)
    assert (schedule["unified_job_template"], schedule["enabled"]) == (audit["id"], True)
    assert ready.surveys[ready.one("workflow_job_templates", WORKFLOW)["id"]] == survey
    check_graph(ready)

    again = setup(ready)
    assert (again.succeeded, again.changed, ready.writes) == (True, 0, []), again.output


def secrets(controller: Controller, credential: str) -> Any:
    return controller.secrets[controller.one("credentials", credential)["id"]]


def variables(controller: Controller, host: str) -> Any:
    return json.loads(controller.one("hosts", host)["variables"])


def check_graph(controller: Controller) -> None:
    """Check that no rollout starts without the check and the approval."""
    kinds = ("success_nodes", "failure_nodes", "always_nodes")
    graph = {
        node["identifier"]: (
            controller.any(node["unified_job_template"])["name"],
            {kind: names for kind in kinds if (names := controller.associated(node, kind))},
        )
        for node in controller.objects["workflow_job_template_nodes"].values()
    }
    assert graph == {
        "check": (CHECK, {"success_nodes": ["approval"]}),
        "approval": ("Approve the Cortex PagerDuty rollout", {"success_nodes": ["rollout"]}),
        "rollout": (ROLLOUT, {}),
    }
    workflow = controller.one("workflow_job_templates", WORKFLOW)
    assert controller.run(workflow, {"check": "failed"}) == ["check"]
    assert controller.run(workflow, {"approval": "pending"}) == ["check", "approval"]
    assert controller.run(workflow, {"approval": "failed"}) == ["check", "approval"]
    assert controller.run(workflow, {}) == ["check", "approval", "rollout"]


def nodes(controller: Controller) -> list[dict[str, Any]]:
    """Return the nodes of the workflow that the playbook makes."""
    return [controller.one("workflow_job_template_nodes", name) for name in ("check", "approval", "rollout")]


def add_node(controller: Controller, identifier: str, job: str) -> dict[str, Any]:
    workflow = controller.one("workflow_job_templates", WORKFLOW)["id"]
    template = controller.one("job_templates", job)["id"]
    values = {"identifier": identifier, "workflow_job_template": workflow, "unified_job_template": template}
    return controller.create("workflow_job_template_nodes", values)


def remove(controller: Controller, item: dict[str, Any]) -> None:
    controller.respond("DELETE", item["url"], {}, {})


def lead_past_the_approval(controller: Controller) -> None:
    """Add nodes before and after the approval, put a job in its place, and link the check to the rollout."""
    check, approval, rollout = nodes(controller)
    controller.link(add_node(controller, "check: billing", CHECK), "success_nodes", approval)
    controller.link(approval, "success_nodes", add_node(controller, "rollout: billing", ROLLOUT))
    add_node(controller, "rollout: search", ROLLOUT)
    controller.link(check, "failure_nodes", rollout)
    controller.link(check, "always_nodes", add_node(controller, "0d4e8a43-3b0c-4a44-9d4b-8d1c0c7c3f5e", AUDIT))
    template = controller.one("job_templates", AUDIT)["id"]
    controller.respond("PATCH", approval["url"], {}, {"unified_job_template": template})


def test_it_writes_what_differs_and_check_mode_says_so(ready: Controller, setup: Setup) -> None:
    lead_past_the_approval(ready)
    inventory = ready.one("inventories", "Cortex workspaces")["id"]
    ready.create("hosts", {"name": "of another client", "inventory": inventory})
    add_credential(ready, "Cortex vault password")
    new = f"{TOKEN[:16]}wxyz"
    tokens = {"PAGERDUTY_TOKEN": new, "PAGERDUTY_PREVIOUS_TOKEN": TOKEN}
    rotated = {"env": tokens, "awx_update_secrets": True}
    foretold = setup(ready, ANSIBLE_VAULT, "--check", awx_schedule="Audit", **rotated)
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output

    done = setup(ready, ANSIBLE_VAULT, awx_schedule="Audit", **rotated)
    assert done.succeeded, done.output
    for told in (foretold, done):
        assert told.items("Remove the hosts of workspaces that are no longer named") == ["billing", "search"]
        assert told.items("Remove the schedules of the audit that are no longer named") == [SCHEDULE]
        others = ["0d4e8a43-3b0c-4a44-9d4b-8d1c0c7c3f5e", "approval", "check: billing", "rollout: billing"]
        assert told.items("Remove all other nodes") == [*others, "rollout: search"]
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": new, "previous_token": TOKEN}
    hosts = {item["name"]: item["variables"] for item in yaml.safe_load(ANSIBLE_VAULT)["awx_workspaces"]}
    assert {name: variables(ready, name) for name in hosts} == hosts
    assert sorted(ready.names("hosts")) == ["checkout", "of another client", "payments"]
    assert ready.names("schedules") == ["Audit"]
    check_graph(ready)
    # The job that stood in for the approval is still there, under its own name.
    assert sorted(ready.names("job_templates")) == [AUDIT, CHECK, ROLLOUT]
    assert {request.split("/")[3] for request in ready.writes} == {
        "credentials",
        "hosts",
        "job_templates",
        "schedules",
        "workflow_job_template_nodes",
    }


@path_without_blanks
def test_the_oldest_ansible_core_comes_to_the_same(ready: Controller, setup: Setup, oldest_core: Path) -> None:
    """Of a workflow the other way round, and without the previous token and the key of Cortex.

    That the key is missing is no reason to touch the credential that is there.
    """
    check, approval, rollout = nodes(ready)
    remove(ready, approval)
    ready.link(rollout, "success_nodes", check)
    add_node(ready, "rollout: search", ROLLOUT)
    done = setup(ready, env={"PAGERDUTY_TOKEN": TOKEN}, programs=oldest_core, awx_update_secrets=True)
    assert done.succeeded, done.output
    assert done.items("Remove all other nodes") == ["rollout: search"]
    check_graph(ready)
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN}
    assert secrets(ready, "Cortex API key")["api_key"] == API_KEY
    # Nothing else differs.
    assert {request.split("/")[3] for request in ready.writes} == {"credentials", "workflow_job_template_nodes"}


@pytest.fixture(params=["this ansible-core", "the oldest ansible-core"])
def programs(request: pytest.FixtureRequest) -> Path | None:
    """The folder of programs of another ansible-core; None: this one's."""
    if request.param == "this ansible-core":
        return None
    oldest: Path = request.getfixturevalue("oldest_core")
    return oldest


@path_without_blanks
def test_check_mode_on_an_empty_controller_says_what_it_cannot_predict(
    controller: Controller, setup: Setup, programs: Path | None
) -> None:
    done = setup(controller, VARIABLES, "--check", programs=programs)
    assert (done.succeeded, controller.writes) == (True, []), done.output
    assert done.items("Create the credential types") == ["cortex", "pagerduty"]
    assert "The skipped tasks refer to objects that would be made first." in done.everything
    assert "no_log" not in done.everything


def test_check_mode_fails_for_nothing_that_is_missing(ready: Controller, setup: Setup) -> None:
    _check, approval, _rollout = nodes(ready)
    remove(ready, approval)
    done = setup(ready, VARIABLES, "--check")
    assert (done.succeeded, ready.writes) == (True, []), done.output
    assert done.changed == 1  # nothing else differs
    assert "refer to objects that would be made first" in done.everything


def test_two_organizations_use_the_same_names(ready: Controller, setup: Setup) -> None:
    """The second is set up by its administrator: only a system administrator may make the types, and these exist."""
    ready.is_system_administrator = False
    ready.create("organizations", {"name": "Platform"})
    done = setup(ready, ONE_WORKSPACE, awx_organization="Platform")
    assert done.succeeded, done.output
    platform = ready.one("organizations", "Platform")["id"]
    template = ready.one("job_templates", ROLLOUT, "Platform")
    assert template["inventory"] == ready.one("inventories", "Cortex workspaces", "Platform")["id"]
    environment = ready.one("execution_environments", "Cortex (Platform)", "Platform")
    assert template["execution_environment"] == environment["id"]
    assert ready.associated(template, "credentials") == ["Cortex API key", "PagerDuty token for Cortex"]
    credentials = ready.associations[template["id"], "credentials"]
    assert {ready.any(number)["organization"] for number in credentials} == {platform}
    assert sorted(ready.names("hosts")) == ["billing", "payments", "payments", "search"]


def test_it_removes_everything_once(ready: Controller, setup: Setup) -> None:
    """By an administrator of the organization, while another one has objects with the same names and types."""
    ready.is_system_administrator = False
    platform = ready.create("organizations", {"name": "Platform"})["id"]
    others = {"inventories": "Cortex workspaces", "workflow_job_templates": WORKFLOW}
    for kind, name in others.items():
        ready.create(kind, {"name": name, "organization": platform})
    key = {"name": "Cortex API key", "credential_type": ready.one("credential_types", "Cortex")["id"]}
    credential = ready.create("credentials", {**key, "organization": platform, "inputs": {"api_key": API_KEY}})
    foretold = setup(ready, VARIABLES, "--check", awx_state="absent")
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output

    removed = setup(ready, awx_state="absent")
    assert removed.succeeded, removed.output
    assert foretold.changed == removed.changed
    for told in (foretold, removed):
        assert "The credential type Cortex stays: it is used by Cortex API key in Platform." in told.everything
        assert "The credential type PagerDuty stays: only a system administrator can remove it." in told.everything
    left = {kind: [name] for kind, name in others.items()} | {
        "credential_types": ["Cortex", "PagerDuty", "Vault"],
        "credentials": ["Cortex API key", "Vault password"],
    }
    assert made(ready) == left

    ready.is_system_administrator = True
    remove(ready, credential)
    types = [ready.one("credential_types", name)["url"] for name in ("Cortex", "PagerDuty")]
    again = setup(ready, awx_state="absent")
    assert again.succeeded, again.output
    assert ready.writes == [f"DELETE {url}" for url in types]


def test_a_fleet_behind_the_gateway_with_other_names(setup: Setup) -> None:
    """The API below another path, as the gateway of Ansible Automation Platform 2.5 has it; the token from a vault."""
    others = f"""
awx_pagerduty_token: !vault {json.dumps(encrypt(TOKEN, VAULT_PASSWORD))}
awx_job_slice_count: 2
awx_forks: 20
awx_instance_groups: [default]
awx_organization: Platform
awx_job_template_rollout: PagerDuty to Cortex
awx_audit_notification: Chat
"""
    controller = Controller(PLAYBOOKS, CONTROLLER_TOKEN, prefix="/api/controller/")
    controller.create("organizations", {"name": "Platform"})
    add_credential(controller, "Cortex keys in HashiCorp Vault", "Platform")
    # The name of the notification template is there in both organizations.
    for organization in controller.objects["organizations"]:
        controller.create("notification_templates", {"name": "Chat", "organization": organization})
    with controller.running():
        env = {"CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/"}
        done = setup(controller, HASHICORP_VAULT + others, env=env)
    assert done.succeeded, done.output
    assert {request.split()[1][:19] for request in controller.requests} == {"/api/controller/v2/"}
    template = controller.one("job_templates", "PagerDuty to Cortex", "Platform")
    assert (template["job_slice_count"], template["forks"]) == (2, 20)
    assert controller.associated(template, "instance_groups") == ["default"]
    # The lookup of the inventory is for all workspaces, so there is no Cortex credential.
    assert controller.names("credentials") == ["Cortex keys in HashiCorp Vault", "PagerDuty token for Cortex"]
    token = controller.one("credentials", "PagerDuty token for Cortex", "Platform")
    assert controller.secrets[token["id"]] == {"token": TOKEN}
    inventory = json.loads(controller.one("inventories", "Cortex workspaces", "Platform")["variables"])
    assert inventory["cortex_pagerduty_api_key"].startswith("{{ lookup('community.hashi_vault.vault_kv2_get', ")
    assert sorted(controller.names("hosts")) == ["checkout", "payments"]
    audit = controller.one("job_templates", AUDIT, "Platform")
    chat = controller.one("notification_templates", "Chat", "Platform")
    assert controller.associations[audit["id"], "notification_templates_error"] == [chat["id"]]


FLEET = """
awx_execution_environment_image: image
awx_workspaces: [{name: payments}, {name: billing}]
"""
LOOKED_UP = FLEET + f'awx_inventory_variables: {{cortex_pagerduty_api_key: !unsafe "{LOOKUP}"}}\n'
IN_CLEAR_TEXT = (
    "AWX stores variables in clear text. Use an !unsafe lookup or __ansible_vault for cortex_pagerduty_api_key."
)
IMPOSSIBLE = {
    "no_image": ("awx_workspaces: [{name: payments}]", "Set awx_execution_environment_image to an image"),
    "no_workspace": ("awx_execution_environment_image: image", "name at least one workspace in awx_workspaces"),
    "one_key_for_two_workspaces": (FLEET, "these would share the Cortex credential: payments, billing."),
    "key_in_clear_text": (
        FLEET + f"awx_inventory_variables: {{cortex_pagerduty_api_key: {API_KEY}}}",
        IN_CLEAR_TEXT,
    ),
    "decrypted_key": (
        VARIABLES.replace("__ansible_vault:", "").replace('"$ANSIBLE', '!vault "$ANSIBLE'),
        IN_CLEAR_TEXT,
    ),
    "no_credential": (LOOKED_UP + "awx_credentials: [Vault]", "Default has 0 credentials with the name Vault."),
    "no_notification_template": (
        LOOKED_UP + "awx_audit_notification: Chat",
        "Default has 0 notification templates with the name Chat.",
    ),
    "no_token": (
        LOOKED_UP + "awx_pagerduty_token: ''",
        "has 0 credentials with the name PagerDuty token for Cortex.",
    ),
    "no_organization": (LOOKED_UP + "awx_organization: Platform", "The organization Platform could not be read"),
}


def test_what_cannot_work_is_said_before_anything_is_made(controller: Controller, setup: Setup, tmp_path: Path) -> None:
    """The role fails for each host, which has one impossible file as its variables."""
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "roles": ["cortexapps.cortex.awx"]}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump([play]))
    folder = tmp_path / "host_vars"
    folder.mkdir()
    for name, (text, _message) in IMPOSSIBLE.items():
        (folder / f"{name}.yml").write_text(text)
    done = setup(controller, "{}", "-i", ",".join(IMPOSSIBLE), playbook=playbook)
    assert controller.writes == []
    outputs = re.split(r"^(?=\w+: \[)", done.everything, flags=re.MULTILINE)
    said = {name: "".join(text for text in outputs if re.match(rf"f\w+: \[{name}\]", text)) for name in IMPOSSIBLE}
    assert {name: said[name] for name, (_text, message) in IMPOSSIBLE.items() if message not in said[name]} == {}


def test_the_credential_type_of_the_guide_is_accepted() -> None:
    (inputs,) = [yaml.safe_load(example.text) for example in EXAMPLES if example.text.startswith("fields:")]
    (injectors,) = [yaml.safe_load(example.text) for example in EXAMPLES if example.text.startswith("env:")]
    mistakes = credential_type_mistakes({"name": "N", "kind": "cloud", "inputs": inputs, "injectors": injectors})
    assert mistakes == []


def test_a_failed_first_sync_is_said_in_the_words_of_the_guide(controller: Controller, setup: Setup) -> None:
    controller.sync_fails = True
    done = setup(controller, ONE_WORKSPACE)
    assert not done.succeeded
    assert "Project update failed" in done.everything
    assert "Project update failed" in GUIDE


@path_without_blanks
def test_without_awx_awx_it_says_what_to_install(tmp_path: Path, programs: Path | None) -> None:
    program = programs / "ansible-playbook" if programs else "ansible-playbook"
    done = run(program, "cortexapps.cortex.awx_setup", cwd=tmp_path, env=isolated(tmp_path))
    assert done.returncode == 2
    assert "This needs the collection awx.awx (ansible-galaxy collection install awx.awx)" in done.stdout


def test_ansible_lint_finds_nothing_but_an_argument_misspelt_for_this(tmp_path: Path) -> None:
    for name in (".ansible-lint", ".gitignore", ".yamllint", "galaxy.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("changelogs", "collections", "extensions", "meta", "roles/awx"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "playbooks").mkdir()
    shutil.copy(ROOT / "playbooks" / "awx_setup.yml", tmp_path / "playbooks")
    tasks = tmp_path / "roles" / "awx" / "tasks" / "present.yml"
    tasks.write_text(tasks.read_text().replace("scm_branch:", "scm_brunch:"))
    env = isolated(tmp_path.with_name("environment"))
    env["ANSIBLE_COLLECTIONS_PATH"] += f"{os.pathsep}{awx_collection()}"
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
