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
from tests.support.cortex import API_KEY, THIRD_TOKEN, TOKEN
from tests.support.environment import ROOT, isolated, short_folder
from tests.support.programs import run
from tests.support.vault import encrypt

from .controller import APPROVALS, LINKS, NODES, Controller, Object
from .downloads import awx_collection

PLAYBOOK = "playbooks/pagerduty_rollout.yml"
CONTROLLER_TOKEN = "oauth_8Zk3QmWv7TnRb2YxLs5JdHf9Gp4Ca6Xe"
VAULT_PASSWORD = "vault_3Fy8KqTz6WmRb2Nx"
SECRETS = [CONTROLLER_TOKEN, API_KEY, TOKEN, THIRD_TOKEN, VAULT_PASSWORD]
ENVIRONMENT = {"CORTEX_API_KEY": API_KEY, "PAGERDUTY_TOKEN": TOKEN}
LOOKUP = "{{ lookup('ansible.builtin.env', 'KEY_OF_BILLING') }}"

WORKFLOW = "Cortex PagerDuty check, approval, rollout"
CHECK, ROLLOUT, AUDIT = (f"Cortex PagerDuty {name}" for name in ("check", "rollout", "audit"))
SCHEDULE = "Cortex PagerDuty nightly audit"
RULE = "DTSTART;TZID=UTC:20260201T040000 RRULE:FREQ=WEEKLY;INTERVAL=1"

# billing has a lookup, search an encrypted key.
ENCRYPTED_KEY = encrypt(API_KEY, VAULT_PASSWORD)
VARIABLES = f"""
awx_execution_environment_image: registry.example.com/cortex-ee:1.0.0
awx_workspaces:
  - name: billing
    variables: {{cortex_pagerduty_api_key: !unsafe "{LOOKUP}"}}
  - name: search
    variables: {{cortex_pagerduty_api_key: {{__ansible_vault: {json.dumps(ENCRYPTED_KEY)}}}}}
awx_credentials: [Vault password]
"""
# The files that the guide has readers write.
EXAMPLES = in_document("awx_guide.rst", (ROOT / "docs/docsite/rst/awx_guide.rst").read_text())
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
    programs: Path = Path(sys.executable).parent,
    **extra: Any,
) -> Done:
    """Run the playbook by the programs of an ansible-core, and look for secrets in its output and at each graph."""
    controller.requests.clear()
    moments = [unguarded(controller)]
    controller.after_write = lambda: moments.append(unguarded(controller))
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
        arguments = ("-e", f"@{folder / 'awx.yml'}", "-e", json.dumps(extra), "-vvvvv", "--diff", *options)
        process = run(
            programs / "ansible-playbook", "cortexapps.cortex.awx_setup", *arguments, cwd=folder, env=settings
        )
    assert [secret for secret in SECRETS if secret in process.stdout] == []
    # Wherever it is stopped, no rollout can start that could not before.
    assert [after - before for before, after in itertools.pairwise(moments) if after - before] == []
    return Done(process)


@pytest.fixture
def controller() -> Iterator[Controller]:
    """A controller with what the users of this collection make themselves."""
    controller = Controller()
    add_credential(controller, "Vault password")
    with controller.running():
        yield controller


@pytest.fixture(scope="module")
def set_up_once(oldest_core: Path) -> Controller:
    """A controller on which the playbook has run for one workspace, and then with VARIABLES."""
    controller = Controller()
    add_credential(controller, "Vault password")
    with controller.running():
        for variables, programs in {ONE_WORKSPACE: oldest_core, VARIABLES: Path(sys.executable).parent}.items():
            done = set_up(controller, variables, programs=programs)
            assert done.succeeded, done.output
    return controller


@pytest.fixture
def ready(set_up_once: Controller) -> Iterator[Controller]:
    with copy.deepcopy(set_up_once).running() as controller:
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


def secrets(controller: Controller, credential: str, organization: str = "Default") -> Any:
    return controller.secrets[controller.one("credentials", credential, organization)["id"]]


def variables(controller: Controller, host: str) -> Any:
    return json.loads(controller.one("hosts", host)["variables"])


def graph(controller: Controller, organization: str = "Default") -> Any:
    """Return what each node of the workflow starts, and what follows it by each of LINKS."""
    nodes = controller.nodes(controller.one("workflow_job_templates", WORKFLOW, organization))
    return {
        name: (
            controller.any(node["unified_job_template"])["name"],
            *([each["identifier"] for each in controller.linked(node, link)] for link in LINKS),
        )
        for name, node in nodes.items()
    }


def unguarded(controller: Controller) -> set[tuple[str, int]]:
    """Return which nodes of a workflow can roll out without a check that succeeded, and without an approval."""
    jobs, approvals = controller.objects["job_templates"], controller.objects[APPROVALS]
    checks = {number for number, job in jobs.items() if job["job_type"] == "check"}
    rollouts = {number for number, job in jobs.items() if job["playbook"] == PLAYBOOK} - checks
    nodes = list(controller.objects[NODES].values())
    followers = {each["id"] for node in nodes for link in LINKS for each in controller.linked(node, link)}
    found = set()
    for name, guards in {"check": checks, "approval": set(approvals)}.items():
        waiting = [node for node in nodes if node["id"] not in followers]
        while waiting:
            node = waiting.pop()
            template = node["unified_job_template"]
            found |= {(name, node["id"])} if template in rollouts else set()
            # A node without a template starts nothing, and counts as failed.
            stops = template is None or template in guards
            waiting += [each for link in LINKS[stops:] for each in controller.linked(node, link)]
    return found


#: What `graph` returns after each setup.
GRAPH: dict[str, tuple[Any, ...]] = {
    "check": (CHECK, ["approval"], [], []),
    "approval": ("Approve the Cortex PagerDuty rollout", ["rollout"], [], []),
    "rollout": (ROLLOUT, [], [], []),
}
#: What each job template has, whatever another client has set, so that a rollout does what its check shows.
RUNS_AS_CHECKED = {
    **dict.fromkeys(("host_config_key", "job_tags", "limit", "skip_tags", "start_at_task", "webhook_service"), ""),
    **{
        f"ask_{name}_on_launch": False for name in ("variables", "limit", "credential", "inventory", "job_type", "tags")
    },
    "verbosity": 0,
}
#: What `made` returns after the setup with VARIABLES.
EVERYTHING = {
    "credential_types": ["Cortex", "PagerDuty", "Vault"],
    "credentials": ["Cortex API key", "PagerDuty token for Cortex", "Vault password"],
    "execution_environments": ["Cortex (Default)"],
    "hosts": ["billing", "search"],
    "inventories": ["Cortex workspaces"],
    "job_templates": [AUDIT, CHECK, ROLLOUT],
    "projects": ["Cortex"],
    "schedules": [SCHEDULE],
    "workflow_job_template_nodes": ["approval", "check", "rollout"],
    "workflow_job_templates": [WORKFLOW],
}


def test_it_makes_everything_once(ready: Controller) -> None:
    assert made(ready) == EVERYTHING
    assert secrets(ready, "Cortex API key") == {"api_key": API_KEY, "base_url": "https://api.getcortexapp.com"}
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": TOKEN}
    # The job evaluates the lookup and decrypts the key.
    assert variables(ready, "billing") == {"cortex_pagerduty_api_key": LOOKUP}
    assert variables(ready, "search") == {"cortex_pagerduty_api_key": {"__ansible_vault": ENCRYPTED_KEY}}
    wanted = {
        "execution_environment": ready.one("execution_environments", "Cortex (Default)")["id"],
        "inventory": ready.one("inventories", "Cortex workspaces")["id"],
        "project": ready.one("projects", "Cortex")["id"],
        "diff_mode": True,
    }
    survey = yaml.safe_load((ROOT / "extensions/awx/rollout_survey.yml").read_text())
    strict = {"cortex_workspaces": "all", "cortex_pagerduty_audit_strict": True}
    for name, playbook, job_type, credentials, extra_vars, of_template in [
        (CHECK, "rollout", "check", ["PagerDuty token for Cortex"], {"cortex_rollout_approval": True}, survey),
        (ROLLOUT, "rollout", "run", ["PagerDuty token for Cortex"], {"cortex_rollout_approval": True}, survey),
        (AUDIT, "audit", "run", [], strict, None),
    ]:
        template = ready.one("job_templates", name)
        wanted |= {"playbook": f"playbooks/pagerduty_{playbook}.yml", "job_type": job_type}
        assert template == template | wanted | RUNS_AS_CHECKED | {"survey_enabled": of_template is not None}
        assert [each["name"] for each in ready.linked(template, "credentials")] == [*credentials, "Vault password"]
        assert (ready.surveys.get(template["id"]), json.loads(template["extra_vars"])) == (of_template, extra_vars)
    assert ready.one("schedules", SCHEDULE)["unified_job_template"] == ready.one("job_templates", AUDIT)["id"]
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    assert (workflow["survey_enabled"], ready.surveys[workflow["id"]]) == (True, survey)
    assert graph(ready) == GRAPH

    again = set_up(ready, VARIABLES)
    assert (again.succeeded, again.changed, ready.writes) == (True, 0, []), again.output


def add_node(controller: Controller, workflow: Object, identifier: str, job: str) -> Object:
    template = controller.one("job_templates", job)["id"]
    values = {"identifier": identifier, "workflow_job_template": workflow["id"], "unified_job_template": template}
    return controller.create(NODES, values)


def link(controller: Controller, node: Object, association: str, other: Object) -> None:
    controller.associations.setdefault((node["id"], association), []).append(other["id"])


def test_it_writes_differences_and_check_mode_names_them(ready: Controller, oldest_core: Path) -> None:
    """Where the check writes, nodes lead past the approval, names and settings differ, and others have objects."""
    workflow, audit = ready.one("workflow_job_templates", WORKFLOW), ready.one("job_templates", AUDIT)
    inventory, rollout = ready.one("inventories", "Cortex workspaces"), ready.one("job_templates", ROLLOUT)
    nodes = ready.nodes(workflow)
    nodes["approval"]["unified_job_template"] = audit["id"]
    link(ready, add_node(ready, workflow, "check: billing", CHECK), "success_nodes", nodes["approval"])
    link(ready, nodes["approval"], "success_nodes", add_node(ready, workflow, "rollout: billing", ROLLOUT))
    link(ready, nodes["check"], "failure_nodes", nodes["rollout"])
    link(ready, nodes["check"], "always_nodes", add_node(ready, workflow, "0d4e8a43-3b0c-4a44", AUDIT))
    for item in (workflow, rollout, inventory, ready.one("schedules", SCHEDULE)):
        item["name"] = f"Old {item['name']}"
    ready.one("job_templates", CHECK)["job_type"] = "run"
    deletes = {"extra_vars": json.dumps({"cortex_pagerduty_state": "absent"}), "limit": "billing"}
    workflow |= deletes | {"ask_variables_on_launch": True}
    rollout |= dict.fromkeys(RUNS_AS_CHECKED, True) | deletes
    ready.create("hosts", {"name": "of another client", "inventory": inventory["id"]})
    ready.create("hosts", {**ready.one("hosts", "billing"), "name": "checkout"})
    ready.create("schedules", {"name": "of another client", "unified_job_template": audit["id"], "rrule": RULE})
    ready.create("job_templates", {**audit, "name": "Copy"})
    # It starts no rollout as long as the template of the rollout is a check.
    rollout["job_type"] = "check"
    copied = ready.create("workflow_job_templates", {**workflow, "name": "Copied workflow"})
    first, last = add_node(ready, copied, "first", CHECK), add_node(ready, copied, "last", "Old " + ROLLOUT)
    link(ready, first, "success_nodes", last)
    add_credential(ready, "Cortex vault password")
    changed: dict[str, Any] = {
        "env": {"PAGERDUTY_TOKEN": THIRD_TOKEN, "PAGERDUTY_PREVIOUS_TOKEN": TOKEN},
        "awx_update_secrets": True,
        "awx_schedule_rrule": RULE,
    }
    foretold = set_up(ready, ANSIBLE_VAULT, "--check", **changed)
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output

    assert unguarded(ready)
    done = set_up(ready, ANSIBLE_VAULT, programs=oldest_core, **changed)
    assert done.succeeded, done.output
    others = ["0d4e8a43-3b0c-4a44", "approval", "check", "check: billing", "rollout", "rollout: billing"]
    for told in (foretold, done):
        assert told.items("Remove the hosts of workspaces that are no longer named") == ["billing, search"]
        assert told.items("Remove the job templates") == ["Copy"]
        assert told.items("Remove the workflows") == ["Copied workflow"]
        assert told.items("Remove the nodes of .*") == others
        assert f"The job template Old {ROLLOUT} is renamed to {ROLLOUT}." in told.everything
    # Before anything that the nodes refer to is changed.
    assert [write.split("/")[3] for write in ready.writes[:6]] == [NODES] * 6
    assert secrets(ready, "PagerDuty token for Cortex") == {"token": THIRD_TOKEN, "previous_token": TOKEN}
    for item in yaml.safe_load(ANSIBLE_VAULT)["awx_workspaces"]:
        assert variables(ready, item["name"]) == item["variables"]
    assert (graph(ready), ready.one("schedules", SCHEDULE)["rrule"]) == (GRAPH, RULE)
    assert rollout == rollout | RUNS_AS_CHECKED | {"extra_vars": '{"cortex_rollout_approval": true}'}
    assert workflow == workflow | {"extra_vars": "{}", "limit": "", "ask_variables_on_launch": False}
    assert made(ready) == EVERYTHING | {
        "credentials": ["Cortex API key", "Cortex vault password", "PagerDuty token for Cortex", "Vault password"],
        "hosts": ["checkout", "of another client", "payments"],
        "schedules": [SCHEDULE, "of another client"],
    }


def test_check_mode_on_an_empty_controller_names_the_unpredictable(controller: Controller) -> None:
    done = set_up(controller, VARIABLES, "--check")
    assert (done.succeeded, controller.writes) == (True, []), done.output
    assert done.items("Create the credential types") == ["Cortex", "PagerDuty"]
    assert "predict the tasks that refer to objects that do not exist yet: Cortex PagerDuty" in done.everything
    assert "no_log" not in done.everything


def test_it_removes_everything_once(ready: Controller) -> None:
    """Under other names too, and not while it is used, nor what another organization has or needs."""
    platform = ready.create("organizations", {"name": "Platform"})["id"]
    ready.create("workflow_job_templates", {"name": WORKFLOW, "organization": platform})
    key = {"credential_type": ready.one("credential_types", "Cortex")["id"], "inputs": {"api_key": API_KEY}}
    needed = ready.create("credentials", {"name": "Cortex API key", "organization": platform, **key})
    workflow = ready.one("workflow_job_templates", WORKFLOW)
    workflow |= {"name": "Renamed", "status": "running"}
    ready.one("credential_types", "PagerDuty")["name"] = "Old"
    refused = set_up(ready, VARIABLES, awx_state="absent")
    assert (refused.succeeded, ready.writes) == (False, [])
    assert "These are running or wait for an approval: Renamed." in refused.everything

    workflow["status"] = "successful"
    foretold = set_up(ready, VARIABLES, "--check", awx_state="absent")
    assert (foretold.succeeded, ready.writes) == (True, []), foretold.output
    removed = set_up(ready, VARIABLES, awx_state="absent")
    assert removed.succeeded, removed.output
    assert foretold.changed == removed.changed
    for name in ("Cortex", "Old"):
        assert f"type {name} stays: both types are needed for Cortex API key in Platform." in removed.everything
    assert made(ready) == {
        "credential_types": ["Cortex", "Old", "Vault"],
        "credentials": ["Cortex API key", "Vault password"],
        "workflow_job_templates": [WORKFLOW],
    }

    ready.delete("credentials", needed["id"])
    types = [ready.one("credential_types", name)["id"] for name in ("Cortex", "Old")]
    again = set_up(ready, VARIABLES, awx_state="absent")
    assert again.succeeded, again.output
    assert ready.writes == [f"DELETE /api/v2/credential_types/{number}/" for number in types]


def test_an_organization_behind_the_gateway_has_a_fleet_and_names_of_its_own(ready: Controller) -> None:
    """Below the path of the gateway of Ansible Automation Platform 2.5; its name is another's id."""
    others = f"""
awx_pagerduty_token: !vault {json.dumps(encrypt(TOKEN, VAULT_PASSWORD))}
awx_job_slice_count: 2
awx_instance_groups: [default]
awx_organization: "1"
awx_audit_notification: Chat
awx_approval_timeout: 3600
awx_execution_environment_credential: Registry
awx_project_credential: Git
awx_project_branch: 1.0.0
"""
    platform = ready.create("organizations", {"name": "1"})["id"]
    for name in ("Cortex keys in HashiCorp Vault", "Registry", "Git"):
        add_credential(ready, name, "1")
    # The name of the notification template is there in both organizations.
    for organization in ready.objects["organizations"]:
        ready.create("notification_templates", {"name": "Chat", "organization": organization})

    env = ENVIRONMENT | {"CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": "/api/controller/"}
    done = set_up(ready, HASHICORP_VAULT + others, env=env, awx_workspaces=[{"name": f"w{n}"} for n in range(150)])
    assert done.succeeded, done.output
    assert {request.split()[1][:19] for request in ready.requests} == {"/api/controller/v2/"}
    # Only a system administrator may.
    assert not any("credential_types" in write for write in ready.writes)
    assert graph(ready) == graph(ready, "1") == GRAPH
    platform_one = functools.partial(ready.one, organization="1")
    template = platform_one("job_templates", ROLLOUT)
    environment = platform_one("execution_environments", "Cortex (1)")
    used = {"inventory": platform_one("inventories", "Cortex workspaces")["id"], "job_slice_count": 2}
    assert template == template | used | {"execution_environment": environment["id"]}
    assert [item["name"] for item in ready.linked(template, "instance_groups")] == ["default"]
    assert environment["credential"] == platform_one("credentials", "Registry")["id"]
    project = platform_one("projects", "Cortex")
    assert project == project | {"credential": platform_one("credentials", "Git")["id"], "scm_branch": "1.0.0"}
    approval = ready.nodes(platform_one("workflow_job_templates", WORKFLOW))["approval"]
    assert ready.any(approval["unified_job_template"])["timeout"] == 3600
    # The lookup of the inventory is for all workspaces, so there is no Cortex credential.
    credentials = {item["name"]: item["organization"] for item in ready.linked(template, "credentials")}
    assert credentials == {"Cortex keys in HashiCorp Vault": platform, "PagerDuty token for Cortex": platform}
    assert secrets(ready, "PagerDuty token for Cortex", "1") == {"token": TOKEN}
    chat = platform_one("notification_templates", "Chat")
    assert ready.linked(platform_one("job_templates", AUDIT), "notification_templates_error") == [chat]
    assert (len(ready.names("hosts")), ready.writes.count("POST /api/controller/v2/bulk/host_create/")) == (152, 2)
    assert ready.names("schedules") == [SCHEDULE, SCHEDULE]
    assert ready.names("credentials").count("Cortex API key") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE_WORKSPACE.replace("registry.example.com/cortex-ee:1.0.0", "'{{ registry }}'"), "'registry' is undefined"),
        (ONE_WORKSPACE + "awx_job_slice_count: 0", "awx_job_slice_count is 0. It must be 1 or more."),
        (ONE_WORKSPACE + "awx_credential: [Vault password]", "awx_credential is not a .* like awx_credentials[.]"),
        (ONE_WORKSPACE + "awx_organization: Platform", "AWX has no organization Platform, or"),
        (re.sub("{__ansible_vault: (.*)}}", r"!vault \1}", VARIABLES), "AWX stores variables in clear text[.]"),
    ],
)
def test_faults_are_named_before_anything_is_made(controller: Controller, text: str, message: str) -> None:
    """What else cannot work is in the unit tests."""
    done = set_up(controller, text)
    assert (done.succeeded, controller.writes) == (False, [])
    assert re.search(message, done.everything)


def test_without_awx_awx_it_names_the_missing_collection(tmp_path: Path, oldest_core: Path) -> None:
    for programs in dict.fromkeys((Path(sys.executable).parent, oldest_core)):
        done = run(programs / "ansible-playbook", "cortexapps.cortex.awx_setup", cwd=tmp_path, env=isolated(tmp_path))
        assert done.returncode == 2
        assert "awx.awx is missing. Install it: ansible-galaxy collection install awx.awx" in done.stdout
