# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup, with the modules of awx.awx, against a stand-in for the controller.

Each run takes as long as the two dozen modules in it, so each test looks at all that its runs tell. Some are by the
oldest supported ansible-core.
"""

from __future__ import annotations

import copy
import functools
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from tests.e2e.docs.examples import in_document
from tests.support.cortex import API_KEY, THIRD_TOKEN, TOKEN, api_key_of
from tests.support.environment import ROOT, isolated, short_folder
from tests.support.programs import run
from tests.support.vault import encrypt

from .controller import APPROVALS, LINKS, NODES, Controller, Object
from .downloads import awx_collection

# A run that failed, what was `unguarded` after each write of the next one, and the controller after that.
FirstSetup = tuple["Done", list[list[str]], Controller]

PLAYBOOK = "playbooks/pagerduty_rollout.yml"
CONTROLLER_TOKEN = "oauth_8Zk3QmWv7TnRb2YxLs5JdHf9Gp4Ca6Xe"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
NEW_KEY = api_key_of("payments")
SECRETS = [CONTROLLER_TOKEN, API_KEY, NEW_KEY, TOKEN, THIRD_TOKEN, VAULT_PASSWORD]
ENVIRONMENT = {"CORTEX_API_KEY": API_KEY, "PAGERDUTY_TOKEN": TOKEN}
LOOKUP = "{{ lookup('ansible.builtin.env', 'KEY_OF_BILLING') }}"

WORKFLOW = "Cortex PagerDuty check, approval, rollout"
CHECK, ROLLOUT, AUDIT = (f"Cortex PagerDuty {name}" for name in ("check", "rollout", "audit"))
SCHEDULE = "Cortex PagerDuty nightly audit"
RULE = "DTSTART;TZID=UTC:20260201T040000 RRULE:FREQ=WEEKLY;INTERVAL=1"
UNPREDICTABLE = "The skipped tasks refer to objects that would be made first."

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
        (output,) = re.findall(rf"^TASK \[\S+ : {task}\].*\n((?:(?!TASK ).*\n)*)", self.everything, re.MULTILINE)
        return sorted(re.findall(r"^changed: \[localhost\] => \(item=(.*?)\)", output, re.MULTILINE))


def set_up(
    controller: Controller,
    variables: str,
    *options: str | Path,
    env: Mapping[str, str] = MappingProxyType(ENVIRONMENT),
    playbook: str | Path = "cortexapps.cortex.awx_setup",
    programs: Path = Path(sys.executable).parent,
    **extra: Any,
) -> Done:
    """Run the playbook by the programs of an ansible-core; no secret is in what it prints at -vvvvv."""
    controller.requests.clear()
    with short_folder() as folder:
        (folder / "awx.yml").write_text(variables)
        (folder / "password").write_text(VAULT_PASSWORD)
        settings = isolated(folder)
        settings |= {
            "ANSIBLE_COLLECTIONS_PATH": f"{settings['ANSIBLE_COLLECTIONS_PATH']}{os.pathsep}{awx_collection()}",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": CONTROLLER_TOKEN,
            **env,
        }
        arguments = ("-vvvvv", "--diff", playbook, "-e", f"@{folder / 'awx.yml'}", "-e", json.dumps(extra), *options)
        process = run(programs / "ansible-playbook", *arguments, cwd=folder, env=settings)
    assert [secret for secret in SECRETS if secret in process.stdout] == []
    return Done(process)


def new_controller() -> Controller:
    """Return a controller with what the users of this collection make themselves."""
    controller = Controller()
    add_credential(controller, "Vault password")
    return controller


@pytest.fixture
def controller() -> Iterator[Controller]:
    with new_controller().running() as controller:
        yield controller


@pytest.fixture(scope="module")
def first_setup(oldest_core: Path) -> FirstSetup:
    """The setup with VARIABLES on a new controller: until a failed sync, then all of it."""
    moments: list[list[str]] = []
    controller = new_controller()
    with controller.running():
        controller.sync_fails = True
        failed = set_up(controller, ONE_WORKSPACE, programs=oldest_core)
        controller.sync_fails = False
        controller.after_write = lambda: moments.append(unguarded(controller))
        done = set_up(controller, VARIABLES)
    assert done.succeeded, done.output
    controller.after_write = lambda: None
    return failed, moments, controller


@pytest.fixture
def ready(first_setup: FirstSetup) -> Iterator[Controller]:
    """A controller on which the playbook has run with VARIABLES."""
    with copy.deepcopy(first_setup[-1]).running() as controller:
        yield controller


def add_credential(controller: Controller, name: str, organization: str = "Default") -> None:
    """Add a credential with the password of a vault."""
    values = {"credential_type": controller.one("credential_types", "Vault")["id"]}
    values["organization"] = controller.one("organizations", organization)["id"]
    controller.create("credentials", {"name": name, **values, "inputs": {"vault_password": VAULT_PASSWORD}})


def made(controller: Controller) -> dict[str, list[str]]:
    """Return the names of what is on the controller, without what it comes with and its history."""
    others = {"organizations", "instance_groups", "project_updates", APPROVALS}
    return {kind: names for kind in controller.objects if kind not in others and (names := controller.names(kind))}


#: What all job templates have in common.
JOBS = {
    **{f"ask_{name}_on_launch": False for name in ("credential", "inventory", "job_type", "limit", "variables")},
    "diff_mode": True,
    "allow_simultaneous": False,
}
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


def test_a_failed_sync_is_said_in_the_words_of_the_guide_and_the_next_run_goes_on(first_setup: FirstSetup) -> None:
    failed, moments, controller = first_setup
    assert not failed.succeeded
    assert "Project update failed" in failed.everything
    assert "Project update failed" in GUIDE
    # No more can be launched while it is being made.
    assert [moment for moment in moments if moment] == []
    # What the first run has made stays as it is.
    assert {write.split("/")[3] for write in controller.writes if write.startswith("PATCH ")} == {NODES}


def test_it_makes_everything_once(ready: Controller) -> None:
    assert made(ready) == EVERYTHING
    for name, file in {"Cortex": "cortex", "PagerDuty": "pagerduty"}.items():
        wanted = yaml.safe_load((ROOT / f"extensions/awx/{file}_credential_type.yml").read_text())
        assert wanted == {key: ready.one("credential_types", name)[key] for key in wanted}
    assert secrets(ready, "Cortex API key") == {"api_key": API_KEY, "base_url": "https://api.getcortexapp.com"}
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN}
    # The job evaluates the lookup and decrypts the key.
    assert variables(ready, "billing")["cortex_pagerduty_api_key"] == LOOKUP
    assert variables(ready, "search") == {"cortex_pagerduty_api_key": {"__ansible_vault": ENCRYPTED_KEY}}
    environment = ready.one("execution_environments", "Cortex (Default)")
    assert environment == environment | {"image": "registry.example.com/cortex-ee:1.0.0", "pull": "missing"}
    project = ready.one("projects", "Cortex")
    url = "https://github.com/cortexapps/ansible-collection-cortex.git"
    assert project == project | {"scm_type": "git", "scm_url": url}

    survey = yaml.safe_load((ROOT / "extensions/awx/rollout_survey.yml").read_text())
    for name, playbook, job_type, credentials in [
        (CHECK, "rollout", "check", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (ROLLOUT, "rollout", "run", ["Cortex API key", "PagerDuty token for Cortex", "Vault password"]),
        (AUDIT, "audit", "run", ["Cortex API key", "Vault password"]),
    ]:
        template = ready.one("job_templates", name)
        is_audit = name == AUDIT
        wanted = {
            **JOBS,
            "playbook": f"playbooks/pagerduty_{playbook}.yml",
            "job_type": job_type,
            "project": project["id"],
            "inventory": ready.one("inventories", "Cortex workspaces")["id"],
            "execution_environment": environment["id"],
            "survey_enabled": not is_audit,
        }
        assert {key: template[key] for key in template if key in wanted or key.startswith("ask_")} == wanted
        assert sorted(item["name"] for item in ready.linked(template, "credentials")) == credentials
        assert ready.surveys.get(template["id"]) == (None if is_audit else survey)
    audit = ready.one("job_templates", AUDIT)
    assert json.loads(audit["extra_vars"]) == {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": True}
    schedule = ready.one("schedules", SCHEDULE)
    assert (schedule["unified_job_template"], schedule["enabled"]) == (audit["id"], True)
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    assert (workflow["survey_enabled"], ready.surveys[workflow["id"]]) == (True, survey)
    assert graph(ready) == GRAPH

    again = set_up(ready, VARIABLES)
    assert (again.succeeded, again.changed, ready.writes) == (True, 0, []), again.output


def secrets(controller: Controller, credential: str, organization: str = "Default") -> Any:
    return controller.secrets[controller.one("credentials", credential, organization)["id"]]


def variables(controller: Controller, host: str) -> Any:
    return json.loads(controller.one("hosts", host)["variables"])


#: What `graph` returns after each setup.
GRAPH: dict[str, tuple[Any, ...]] = {
    "check": (CHECK, ["approval"], [], []),
    "approval": ("Approve the Cortex PagerDuty rollout", ["rollout"], [], []),
    "rollout": (ROLLOUT, [], [], []),
}


def graph(controller: Controller, organization: str = "Default") -> Any:
    """Return what each node of the workflow starts, and its followers by each of LINKS."""

    def followers(node: Object, link: str) -> list[str]:
        return [each["identifier"] for each in controller.linked(node, link)]

    return {
        name: (controller.any(node["unified_job_template"])["name"], *(followers(node, link) for link in LINKS))
        for name, node in controller.nodes(controller.one("workflow_job_templates", WORKFLOW, organization)).items()
    }


def unguarded(controller: Controller) -> list[str]:
    """Return what a rollout can start without, in any workflow: the success of a check, or an approval."""
    jobs, approvals = controller.objects["job_templates"], controller.objects[APPROVALS]
    checks = {number for number, job in jobs.items() if job["job_type"] == "check"}
    rollouts = {number for number, job in jobs.items() if job["playbook"] == PLAYBOOK} - checks
    nodes = list(controller.objects[NODES].values())
    found = []
    for name, guards in {"check": checks, "approval": set(approvals)}.items():
        followers = {each["id"] for node in nodes for link in LINKS for each in controller.linked(node, link)}
        waiting = [node for node in nodes if node["id"] not in followers]
        while waiting:
            node = waiting.pop()
            template = node["unified_job_template"]
            found += [name] if template in rollouts else []
            # A node without a template starts nothing, and counts as failed.
            stops = template is None or template in guards
            waiting += [each for link in LINKS[stops:] for each in controller.linked(node, link)]
    return found


def add_node(controller: Controller, workflow: Object, identifier: str, job: str) -> Object:
    template = controller.one("job_templates", job)["id"]
    values = {"identifier": identifier, "workflow_job_template": workflow["id"], "unified_job_template": template}
    return controller.create(NODES, values)


def test_it_writes_what_differs_and_check_mode_says_so(ready: Controller, oldest_core: Path) -> None:
    """Where nodes lead past the approval, a job is in its place, and another client has added what is its own."""
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    audit = ready.one("job_templates", AUDIT)["id"]
    nodes = ready.nodes(workflow)
    nodes["approval"]["unified_job_template"] = audit
    ready.associate(add_node(ready, workflow, "check: billing", CHECK), "success_nodes", nodes["approval"])
    ready.associate(nodes["approval"], "success_nodes", add_node(ready, workflow, "rollout: billing", ROLLOUT))
    add_node(ready, workflow, "rollout: search", ROLLOUT)
    ready.associate(nodes["check"], "failure_nodes", nodes["rollout"])
    ready.associate(nodes["check"], "always_nodes", add_node(ready, workflow, "0d4e8a43-3b0c-4a44", AUDIT))
    for name in ("of another client", "search again"):
        ready.create("hosts", {"name": name, "inventory": ready.one("inventories", "Cortex workspaces")["id"]})
    ready.create("schedules", {"name": "of another client", "unified_job_template": audit, "rrule": RULE})
    add_credential(ready, "Cortex vault password")
    workspaces = yaml.safe_load(ANSIBLE_VAULT)["awx_workspaces"]
    changed: dict[str, Any] = {
        "env": {"CORTEX_API_KEY": NEW_KEY, "PAGERDUTY_TOKEN": THIRD_TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": TOKEN},
        "awx_update_secrets": True,
        "awx_schedule": "Audit",
        "awx_schedule_rrule": RULE,
    }
    # This one takes the Cortex credential.
    text = ANSIBLE_VAULT.replace("awx_workspaces:\n", "awx_workspaces:\n  - name: search again\n")
    foretold = set_up(ready, text, "--check", **changed)
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output

    assert unguarded(ready)
    done = set_up(ready, text, programs=oldest_core, **changed)
    assert done.succeeded, done.output
    for told in (foretold, done):
        assert told.items("Remove the hosts of workspaces that are no longer named") == ["billing", "search"]
        assert told.items("Remove the schedules of the audit that are no longer named") == [SCHEDULE]
        others = ["0d4e8a43-3b0c-4a44", "approval", "check: billing", "rollout: billing", "rollout: search"]
        assert told.items("Remove all other nodes") == others
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": THIRD_TOKEN, "previous_token": TOKEN}
    assert secrets(ready, "Cortex API key")["api_key"] == NEW_KEY
    for item in workspaces:
        assert variables(ready, item["name"]) == item["variables"]
    assert ready.names("hosts") == ["checkout", "of another client", "payments", "search again"]
    assert ready.names("schedules") == ["Audit", "of another client"]
    assert ready.one("schedules", "Audit")["rrule"] == RULE
    assert graph(ready) == GRAPH
    # The job that stood in for the approval is still there, under its own name.
    assert ready.names("job_templates") == [AUDIT, CHECK, ROLLOUT]
    kinds = {"credentials", "hosts", "job_templates", "schedules", NODES}
    assert {request.split("/")[3] for request in ready.writes} == kinds


def test_check_mode_on_an_empty_controller_says_what_it_cannot_predict(controller: Controller) -> None:
    done = set_up(controller, VARIABLES, "--check")
    assert (done.succeeded, controller.writes) == (True, []), done.output
    assert done.items("Create the credential types") == ["cortex", "pagerduty"]
    assert UNPREDICTABLE in done.everything
    assert "no_log" not in done.everything


def test_check_mode_fails_for_nothing_that_is_missing(ready: Controller) -> None:
    """Without the secrets in the environment: blank ones must not be written."""
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    ready.delete(NODES, ready.nodes(workflow)["rollout"]["id"])
    done = set_up(ready, VARIABLES, "--check", env={}, awx_update_secrets=True)
    assert (done.succeeded, done.changed, ready.writes) == (True, 1, []), done.output
    assert UNPREDICTABLE in done.everything


def test_it_removes_everything_once(ready: Controller) -> None:
    """By an administrator of the organization, while another one has objects with the same names and types."""
    ready.is_system_administrator = False
    platform = ready.create("organizations", {"name": "Platform"})["id"]
    ready.create("inventories", {"name": "Cortex workspaces", "organization": platform})
    ready.create("workflow_job_templates", {"name": WORKFLOW, "organization": platform})
    project = ready.create("projects", {"name": "Cortex", "organization": platform})["id"]
    ready.create("job_templates", {"name": CHECK, "project": project, "playbook": PLAYBOOK})
    key = {"credential_type": ready.one("credential_types", "Cortex")["id"], "inputs": {"api_key": API_KEY}}
    default = ready.one("organizations", "Default")["id"]
    names = [("Cortex API key", platform), ("Search", default)]
    users = [ready.create("credentials", {"name": name, "organization": number, **key}) for name, number in names]
    # Of another type.
    add_credential(ready, "Cortex API key")
    foretold = set_up(ready, VARIABLES, "--check", awx_state="absent")
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output

    removed = set_up(ready, VARIABLES, awx_state="absent")
    assert removed.succeeded, removed.output
    assert foretold.changed == removed.changed
    reasons = {
        "Cortex": "it is used by Cortex API key in Platform, Search in Default",
        "PagerDuty": "only a system administrator can remove it",
    }
    for told, (name, reason) in itertools.product((foretold, removed), reasons.items()):
        assert f"The credential type {name} stays: {reason}." in told.everything
    assert made(ready) == {
        "credential_types": ["Cortex", "PagerDuty", "Vault"],
        "credentials": ["Cortex API key", "Cortex API key", "Search", "Vault password"],
        "inventories": ["Cortex workspaces"],
        "job_templates": [CHECK],
        "projects": ["Cortex"],
        "workflow_job_templates": [WORKFLOW],
    }

    ready.is_system_administrator = True
    for credential in users:
        ready.delete("credentials", credential["id"])
    types = [ready.one("credential_types", name)["id"] for name in ("Cortex", "PagerDuty")]
    again = set_up(ready, VARIABLES, awx_state="absent")
    assert again.succeeded, again.output
    assert ready.writes == [f"DELETE /api/v2/credential_types/{number}/" for number in types]


def test_an_organization_behind_the_gateway_has_a_fleet_and_names_of_its_own(ready: Controller) -> None:
    """The API is below another path, as the gateway of Ansible Automation Platform 2.5 has it; the token from a vault.

    Its administrator sets it up: only a system administrator may make the types, and these exist. Most names are those
    of another organization. A workflow is there, the other way round.
    """
    others = f"""
awx_pagerduty_token: !vault {json.dumps(encrypt(TOKEN, VAULT_PASSWORD))}
awx_job_slice_count: 2
awx_forks: 20
awx_instance_groups: [default]
awx_organization: Platform
awx_job_template_rollout: PagerDuty to Cortex
awx_audit_notification: Chat
awx_approval_timeout: 3600
awx_execution_environment_credential: Registry
awx_project_credential: Git
awx_project_branch: 1.0.0
"""
    ready.is_system_administrator = False
    platform = ready.create("organizations", {"name": "Platform"})["id"]
    for name in ("Cortex keys in HashiCorp Vault", "Registry", "Git"):
        add_credential(ready, name, "Platform")
    # The name of the notification template is there in both organizations.
    for organization in ready.objects["organizations"]:
        ready.create("notification_templates", {"name": "Chat", "organization": organization})
    workflow = ready.create("workflow_job_templates", {"name": WORKFLOW, "organization": platform})
    rollout, check, approval = (add_node(ready, workflow, name, ROLLOUT) for name in ("rollout", "check", "approval"))
    approval["unified_job_template"] = ready.create(APPROVALS, {"name": "Wait"})["id"]
    ready.associate(rollout, "success_nodes", check)
    ready.associate(check, "always_nodes", approval)

    env = ENVIRONMENT | {"CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/"}
    done = set_up(ready, HASHICORP_VAULT + others, env=env)
    assert done.succeeded, done.output
    assert {request.split()[1][:19] for request in ready.requests} == {"/api/controller/v2/"}
    assert graph(ready) == GRAPH
    assert graph(ready, "Platform") == {**GRAPH, "rollout": ("PagerDuty to Cortex", [], [], [])}
    platform_one = functools.partial(ready.one, organization="Platform")
    template = platform_one("job_templates", "PagerDuty to Cortex")
    environment = platform_one("execution_environments", "Cortex (Platform)")
    inventory = platform_one("inventories", "Cortex workspaces")
    used = {"inventory": inventory["id"], "execution_environment": environment["id"]}
    assert template == template | used | {"job_slice_count": 2, "forks": 20}
    assert [item["name"] for item in ready.linked(template, "instance_groups")] == ["default"]
    assert environment["credential"] == platform_one("credentials", "Registry")["id"]
    project = platform_one("projects", "Cortex")
    assert project == project | {"credential": platform_one("credentials", "Git")["id"], "scm_branch": "1.0.0"}
    assert ready.any(approval["unified_job_template"])["timeout"] == 3600
    # The lookup of the inventory is for all workspaces, so there is no Cortex credential.
    credentials = {item["name"]: item["organization"] for item in ready.linked(template, "credentials")}
    assert credentials == {"Cortex keys in HashiCorp Vault": platform, "PagerDuty token for Cortex": platform}
    assert secrets(ready, "PagerDuty token for Cortex", "Platform") == {"token": TOKEN}
    key = json.loads(inventory["variables"])["cortex_pagerduty_api_key"]
    assert key.startswith("{{ lookup('community.hashi_vault.vault_kv2_get', ")
    chat = platform_one("notification_templates", "Chat")
    assert ready.linked(platform_one("job_templates", AUDIT), "notification_templates_error") == [chat]
    assert ready.names("hosts") == sorted([*EVERYTHING["hosts"], "checkout", "payments"])
    assert ready.names("job_templates") == sorted([*EVERYTHING["job_templates"], AUDIT, CHECK, "PagerDuty to Cortex"])
    assert ready.names("schedules") == [SCHEDULE, SCHEDULE]
    assert ready.names("credentials").count("Cortex API key") == 1


FLEET = """
awx_execution_environment_image: image
awx_workspaces: [{name: payments}, {name: billing}]
"""
LOOKED_UP = FLEET + f'awx_inventory_variables: {{cortex_pagerduty_api_key: !unsafe "{LOOKUP}"}}\n'
IN_CLEAR_TEXT = "Use an !unsafe lookup or __ansible_vault for cortex_pagerduty_api_key"
SECRET_VARIABLES = {f"cortex_pagerduty_{name}": API_KEY for name in ("api_key", "token", "previous_token")}
MISSING = "awx_credentials: [Vault]\nawx_execution_environment_credential: Registry\nawx_project_credential: Git"
#: The variables, and what a message or several of them say.
IMPOSSIBLE = {
    "no_image": ("awx_workspaces: [{name: payments}]", "Set awx_execution_environment_image to an image"),
    "no_workspace": ("awx_execution_environment_image: image", "name at least one workspace in awx_workspaces"),
    "one_key_for_two": (FLEET, "these would share the Cortex credential: payments, billing[.]"),
    "in_clear": (
        FLEET + f"awx_inventory_variables: {json.dumps(SECRET_VARIABLES)}",
        f"{IN_CLEAR_TEXT}, cortex_pagerduty_token, cortex_pagerduty_previous_token[.]",
    ),
    "decrypted_key": (re.sub("__ansible_vault:(.*)", r"!vault \1", VARIABLES), f"{IN_CLEAR_TEXT}[.]"),
    "no_credentials": (LOOKED_UP + MISSING, "Default has 0 credentials with the name Vault[.].* Registry[.].* Git[.]"),
    "no_chat": (LOOKED_UP + "awx_audit_notification: Chat", "has 0 notification templates with the name Chat[.]"),
    "no_token": (LOOKED_UP + "awx_pagerduty_token: ''", "0 credentials with the name PagerDuty token for Cortex[.]"),
    "no_organization": (LOOKED_UP + "awx_organization: Platform", "The organization Platform could not be read"),
}


def test_what_cannot_work_is_said_before_anything_is_made(controller: Controller, tmp_path: Path) -> None:
    """The role fails for each host, which has one impossible file as its variables."""
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "roles": ["cortexapps.cortex.awx"]}
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(yaml.safe_dump([play]))
    (tmp_path / "host_vars").mkdir()
    for name, (text, _message) in IMPOSSIBLE.items():
        (tmp_path / "host_vars" / f"{name}.yml").write_text(text)
    done = set_up(controller, "{}", "-i", ",".join(IMPOSSIBLE), playbook=playbook)
    assert controller.writes == []
    outputs = re.split(r"^(?=\w+: \[)", done.everything, flags=re.MULTILINE)
    said = {name: "".join(text for text in outputs if re.match(rf"f\w+: \[{name}\]", text)) for name in IMPOSSIBLE}
    wanted = {name: message for name, (_text, message) in IMPOSSIBLE.items()}
    assert {name: said[name] for name in said if not re.search(wanted[name], said[name], re.S)} == {}


def test_without_awx_awx_it_says_what_to_install(tmp_path: Path, oldest_core: Path) -> None:
    for programs in dict.fromkeys((Path(sys.executable).parent, oldest_core)):
        done = run(programs / "ansible-playbook", "cortexapps.cortex.awx_setup", cwd=tmp_path, env=isolated(tmp_path))
        assert done.returncode == 2
        assert "This needs the collection awx.awx (ansible-galaxy collection install awx.awx)" in done.stdout
