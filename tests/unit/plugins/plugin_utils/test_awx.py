from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.cortexapps.cortex.plugins.plugin_utils import _awx

Object = dict[str, Any]

NAMES = {role: role.title() for role in (*_awx.OBJECTS, "cortex_type", "pagerduty_type")}
URL, US, EU = "https://git.example.com", "https://api.getcortexapp.com", "https://api.eu.cortex.io"
TYPES = {"cortex": 101, "pagerduty": 102}
TYPE: Object = {"description": "By hand", "inputs": {}, "injectors": {}}
PURPOSES, HOSTS, USED = dict.fromkeys(_awx.OBJECTS, "For it."), [{"name": "payments"}], {"credentials": ["Vault"]}
WANTED = _awx.Wanted(
    "Made by it", PURPOSES, NAMES, HOSTS, {}, USED, ["cortex"], "", False, URL, "image", {"cortex": TYPE}
)


def objects(**changes: Object) -> dict[str, list[Object]]:
    """Return what a setup has made, with changes of the objects of some roles."""
    made: dict[str, list[Object]] = {kind: [] for kind in _awx.OBJECTS.values()}
    for number, (role, kind) in enumerate(_awx.OBJECTS.items(), 1):
        playbook, job_type = _awx.TEMPLATES.get(role, ("", ""))
        item: Object = {"id": number, "name": NAMES[role], "inputs": {}}
        item |= {"scm_url": URL, "kind": "", "variables": "---", "image": "image", "ask_limit_on_launch": False}
        item |= {"enabled": True, "description": f"Made by it ({role})." + " Workspace: payments." * (role == "cortex")}
        item |= {"playbook": playbook, "job_type": job_type, "credential_type": TYPES.get(role)}
        item |= dict.fromkeys(_awx.RESTRICTIONS, "")
        item["extra_vars"] = json.dumps(_awx.EXTRA_VARIABLES.get(role, {}))
        made[kind].append(item | changes.get(role, {}))
    made["credentials"].append({"id": 20, "name": "Vault", "credential_type": 2, "description": None})
    of_type = TYPE | {"summary_fields": {"user_capabilities": {"delete": True}}}
    made["credential_types"] = [{"id": n, "name": NAMES[f"{role}_type"], **of_type} for role, n in TYPES.items()]
    return made


def graph(edges: str = "check>approval approval>rollout", **changes: Object) -> list[Object]:
    """Return the nodes of a workflow, with changes of some."""
    pairs = [edge.split(">") for edge in edges.split()]
    names = list(dict.fromkeys(itertools.chain(*pairs)))
    nodes = []
    for number, name in enumerate(names):
        template = {"check": 4, "rollout": 3}.get(name, 30)
        summary = {"unified_job_template": {"unified_job_type": "workflow_approval"}} if name == "approval" else {}
        node = {"id": number, "identifier": name, "unified_job_template": template, "summary_fields": summary}
        links = [names.index(follower) for before, follower in pairs if before == name]
        nodes.append({**node, "success_nodes": links, "failure_nodes": [], "always_nodes": [], **changes.get(name, {})})
    return nodes


COMPLETE = graph()


def find(made: dict[str, list[Object]], nodes: list[Object] | None = None, **names: str) -> _awx.Found:
    found = _awx.find(replace(WANTED, names=NAMES | names), made)
    return replace(found, nodes=COMPLETE if nodes is None else nodes)


UNMARKED = {"description": ""}
KEYED: Object = {"inventory_variables": {"cortex_pagerduty_api_key": "{{ key }}"}}
HOST_BY_HAND: Object = UNMARKED | {"name": "payments", "variables": "a: 1"}
OTHER_KEY: Object = {"description": "Made by it (cortex). Workspace: payments.eu."}
KEY_OF_HOST = {"variables": '{"cortex_pagerduty_api_key": "{{ key }}"}'}
OWN_HOST: Object = {"id": 31, "name": "payments", "description": "Made by it", "variables": ""}
OLD_HOST: Object = {"id": 30, "name": "old", "description": "Made by it", "variables": ""}


@pytest.mark.parametrize(
    ("wanted", "found", "problem"),
    [
        ({}, find(objects()), None),
        # Known by their marks, or of the kind that would be made.
        ({}, find(objects(**{role: {"name": "Old"} for role in _awx.OBJECTS})), None),
        ({}, find(objects(**dict.fromkeys(_awx.OBJECTS, UNMARKED))), None),
        ({}, find(objects(check={"job_type": "run"})), None),
        ({"names": NAMES | {"check": "Rollout"}}, find(objects()), "The name Rollout is given to more than one object"),
        ({"names": NAMES | {"cortex": "Pagerduty"}}, find(objects()), "The name Pagerduty is given"),
        ({"names": NAMES | {"audit": "Project"}}, find(objects()), "The name Project is given"),
        ({"names": NAMES | {"inventory": "7"}}, find(objects()), "take the name 7 for an id"),
        ({"names": NAMES | {"workflow": " W"}}, find(objects()), "The name ' W' begins or ends with a space[.]"),
        ({"names": NAMES | {"check": "A++Default"}}, find(objects()), "take the name A[+]{2}Default for an id"),
        (
            {},
            find(objects(workflow={"name": "Audit"})),
            "workflow Audit exists, but .*the audit needs this name",
        ),
        (
            {},
            find(objects(), check="Rollout", rollout="Check"),
            "job template Check .*, check[)].* job template Rollout .*, run[)]",
        ),
        ({}, find(objects(), check="Audit", audit="Check"), "Audit exists, but .* Check exists, but"),
        (
            {},
            find(objects(check=UNMARKED | {"job_type": "run"})),
            "Check exists, but is not .* [(]playbooks/.*, run[)][.]",
        ),
        (
            {"project_url": US},
            find(objects(project=UNMARKED)),
            "Project exists, but is not .* [(]https://git.example.com[)][.]",
        ),
        ({}, find(objects(inventory=UNMARKED | {"kind": "smart"})), "Inventory exists, but is not .* [(]smart[)][.]"),
        (
            {},
            find(objects(inventory=UNMARKED | {"variables": "a: 1"})),
            "Inventory exists, but is not .* [(]other variables[)][.]",
        ),
        ({"image": "b"}, find(objects(environment=UNMARKED)), "Environment exists, but is not .* [(]image[)][.]"),
        ({"base_url": US}, find(objects(cortex=UNMARKED | {"inputs": {"base_url": f"{US}/"}})), None),
        ({"base_url": EU}, find(objects(cortex=UNMARKED)), f"Cortex exists, but is not .* [(]{US}[)][.]"),
        (
            {"types": {"cortex": TYPE | {"injectors": {"env": {}}}}},
            find(objects()),
            "Cortex_Type exists, but is not .* [(]other fields[)][.]",
        ),
        (
            KEYED,
            replace(find(objects()), hosts=[OLD_HOST | HOST_BY_HAND]),
            "The host payments exists, but is not .*other variables",
        ),
        (
            {},
            find(objects(workflow=UNMARKED), graph("deploy>approval")),
            "Workflow exists, but is not .* [(]deploy[)][.]",
        ),
        ({"base_url": EU, "given": []}, find(objects()), f"Cortex belongs to {US}, and CORTEX_BASE_URL is {EU}[.]"),
        ({"base_url": EU, **KEYED}, find(objects()), "not used for workspaces with .*: payments[.]"),
        # The credential says whose key it contains, or another client has made it.
        ({}, replace(find(objects()), hosts=[OLD_HOST]), None),
        ({}, find(objects(cortex=OTHER_KEY)), "may not be that of the workspace payments[.]"),
        ({"update_secrets": True}, find(objects(cortex=OTHER_KEY)), None),
        ({"update_secrets": True, "given": []}, find(objects(cortex=OTHER_KEY)), "may not be that of"),
        ({}, find(objects(cortex=UNMARKED)), None),
        ({}, replace(find(objects(cortex=UNMARKED)), hosts=[OLD_HOST]), "may not be that of the workspace payments[.]"),
        ({}, replace(find(objects(cortex=UNMARKED)), hosts=[OLD_HOST, OWN_HOST]), None),
        ({}, replace(find(objects(cortex=UNMARKED)), hosts=[OWN_HOST | KEY_OF_HOST]), "may not be that of"),
        ({"given": []}, find(objects(cortex=UNMARKED | {"name": "Key"})), "no credential .* Cortex, .*CORTEX_API_KEY"),
        ({"references": {"credentials": ["Git"]}}, find(objects()), "Default has 0 credentials with the name Git[.]"),
    ],
)
def test_faults_are_known_before_it_begins(wanted: Any, found: _awx.Found, problem: str | None) -> None:
    problems = " ".join(_awx.find_obstacles(replace(WANTED, **wanted), found, "Default"))
    assert re.search(problem, problems) if problem else not problems


@pytest.mark.parametrize(
    ("made", "nodes", "difference"),
    [
        ({}, COMPLETE, None),
        ({}, [], "It has the nodes -[.]"),
        ({}, graph("check>approval approval>rollout rollout>x"), "It has the nodes check, approval, rollout, x[.]"),
        ({}, graph("check>approval check>rollout"), "Other nodes follow check[.] Other nodes follow approval[.]"),
        ({}, graph(check={"failure_nodes": [2]}), "Other nodes follow check[.]"),
        ({}, graph(rollout={"extra_data": {"a": 1}, "limit": ""}), "The node rollout sets extra_data[.]"),
        ({}, graph(approval={"summary_fields": {}}), "The node approval is not an approval[.]"),
        ({}, graph(check={"unified_job_template": 3}), "The node check has another job template[.]"),
        ({"check": {"job_type": "run"}}, COMPLETE, "The job template Check differs in job_type[.]"),
        ({"rollout": {"ask_limit_on_launch": True, "job_tags": "a"}}, COMPLETE, "differs in ask_limit_.*, job_tags[.]"),
        ({"rollout": {"extra_vars": "{}"}}, COMPLETE, "The job template Rollout differs in extra_vars[.]"),
        (
            {"workflow": {"ask_limit_on_launch": True}},
            COMPLETE,
            "The workflow Workflow differs in ask_limit_on_launch[.]",
        ),
    ],
)
def test_a_graph_is_complete_only_if_it_is_exactly_as_wanted(made: Any, nodes: Any, difference: str | None) -> None:
    differences = " ".join(_awx.find_differences(find(objects(**made), nodes)))
    assert re.search(difference, differences) if difference else not differences


def test_no_removal_of_a_node_makes_another_start_by_itself() -> None:
    """In every graph of four nodes, whatever the kind of its links."""
    every = list(itertools.combinations("abcd", 2))
    for edges in itertools.chain.from_iterable(itertools.combinations(every, count) for count in range(1, 7)):
        for link in _awx.LINKS:
            nodes = graph(" ".join(">".join(edge) for edge in edges))
            nodes = [{**node, "success_nodes": [], link: node["success_nodes"]} for node in nodes]
            order = _awx.order_for_removal(nodes)
            assert sorted(order) == sorted(node["identifier"] for node in nodes)
            assert [edge for edge in edges if order.index(edge[0]) < order.index(edge[1])] == []
    # What starts without the approval goes first.
    assert _awx.order_for_removal(graph("check>approval check>rollout")) == ["rollout", "approval", "check"]


def test_hosts_are_written_where_they_differ_and_removed_where_they_are_marked() -> None:
    wanted: list[Object] = [{"name": name, "variables": None} for name in ("new", "by hand", "differs")]
    wanted.append({"name": "same", "variables": {"a": 1}})
    there = {"same": "---\na: 1", "by hand": "a: {", "differs": '{"a": 2}', "gone": "", "another": ""}
    hosts: list[Object] = [
        {"id": n, "name": name, "variables": text, "description": WANTED.mark}
        for n, (name, text) in enumerate(there.items())
    ]
    plan = _awx.plan_hosts(replace(WANTED, workspaces=wanted), [*hosts[:4], {**hosts[4], "description": ""}])
    assert plan["new"] == [{"name": "new", "description": WANTED.mark, "variables": {}}]
    assert [(host["id"], host["name"]) for host in plan["changed"]] == [(1, "by hand"), (2, "differs")]
    assert plan["obsolete"] == [{"id": 3, "name": "gone"}]


STORED = {"api_key": "$encrypted$", "base_url": EU}


@pytest.mark.parametrize(
    ("role", "existing", "base_url", "update", "inputs", "writes"),
    [
        ("cortex", None, "", False, {"base_url": US}, True),
        ("cortex", None, EU, False, {"base_url": EU}, True),
        # What is not given stays, and a URL is not written without its key.
        ("cortex", STORED, "", False, STORED, False),
        ("cortex", STORED, EU, False, STORED, False),
        ("cortex", {**STORED, "base_url": f"{EU}/"}, EU, False, {**STORED, "base_url": f"{EU}/"}, False),
        ("cortex", STORED, US, False, {**STORED, "base_url": US}, True),
        ("cortex", STORED, "", True, STORED, True),
        ("pagerduty", {"token": "$encrypted$", "previous_token": "$encrypted$"}, "", True, {}, True),
        ("pagerduty", {"token": "$encrypted$"}, "", False, {"token": "$encrypted$"}, False),
    ],
)
def test_a_credential_keeps_the_values_that_are_not_given(
    role: str, existing: Object | None, base_url: str, update: bool, inputs: Object, writes: bool
) -> None:
    wanted = replace(WANTED, base_url=base_url, update_secrets=update)
    assert _awx.plan_inputs(role, existing and {"inputs": existing}, wanted) == (inputs, writes)


def test_marked_objects_are_renamed_or_removed_and_a_type_that_another_organization_needs_stays() -> None:
    schedule = UNMARKED | {"enabled": False}
    made = objects(check={"name": "Old"}, schedule=schedule, inventory=UNMARKED, cortex={"inputs": STORED})
    made["projects"][0]["status"] = "failed"
    made["job_templates"].append({**made["job_templates"][0], "id": 40, "name": "Copy"})
    hosts = [OLD_HOST | {"name": "payments", "enabled": False}]
    groups = [{"name": "eu", "variables": "---\na: 1\nb: 2"}, {"name": "us", "variables": ""}]
    made["workflow_job_templates"].append({"id": 60, "name": "Deploy", "description": ""})
    rollouts = [{"workflow_job_template": number} for number in (1, 60, 60)]
    found = replace(find(made), hosts=hosts, groups=groups, rollouts=rollouts)
    names = ["Workflow", "Copy", "Rollout", "Old", "Audit", "Project", "Environment", "Cortex", "Pagerduty", "payments"]
    assert _awx.make_notes(replace(WANTED, base_url=US, given=["cortex", "pagerduty"]), found) == [
        "The job template Old is renamed to Check.",
        "The job template Copy of an earlier setup is removed.",
        "The credential Pagerduty keeps its secrets. To write PAGERDUTY_TOKEN, set awx_update_secrets.",
        "The schedule Schedule has no mark of this playbook. Its settings are changed, and it is never removed.",
        "The workflow Deploy starts the rollout too. Remove it from there: this playbook knows no approval of it.",
        "The schedule Schedule is disabled in AWX.",
        "The host payments is disabled in AWX.",
        "The group eu sets variables that override those of the inventory: a, b.",
        f"The base URL of the credential Cortex changes from {EU} to {US}, with its key.",
    ]
    assert [item["name"] for item in _awx.plan_removal(WANTED, found, {}, everything=False)] == ["Copy"]
    described = _awx.describe_objects(WANTED, found)
    assert described["inventory"]["description"] == ""
    assert [role for role, each in described.items() if each["needs_sync"]] == ["project"]
    assert _awx.make_notes(replace(WANTED, workspaces=[], given=[]), find(objects())) == [
        "The credential Cortex is not used: each workspace has an API key of its own."
    ]
    assert _awx.describe_types(WANTED, found) == {"cortex": "By hand"}
    other: Object = {"id": 50, "name": "Key", "summary_fields": {"organization": {"name": "Platform"}}}
    for users, stays in ((list[Object](), ""), ([other], "both types are needed for Key in Platform")):
        removal = _awx.plan_removal(WANTED, found, {101: [{"id": 9}], 102: users}, everything=True)
        assert [item["name"] for item in removal[:-2]] == names
        reasons = {item["name"]: item["stays"] for item in removal[-2:]}
        assert reasons == {"Cortex_Type": stays, "Pagerduty_Type": stays}


def test_an_object_that_another_client_has_made_that_of_another_role_is_used_once() -> None:
    made = objects(check={"name": "Rollout", "job_type": "run"}, rollout={"name": "Check", "job_type": "check"})
    for templates, check in ((made["job_templates"], "Check"), (made["job_templates"][1:], None)):
        found = find({**made, "job_templates": templates})
        names = {role: item and item["name"] for role, item in found.used.items()}
        assert (names["check"], names["rollout"], found.others) == (check, "Rollout", [])
    assert _awx.describe_objects(WANTED, found)["rollout"]["description"] == "For it. Made by it (rollout)."
    removal = _awx.plan_removal(WANTED, found, {}, everything=True)
    assert [item["name"] for item in removal if item["kind"] == "job_templates"] == ["Rollout", "Audit"]


def test_nothing_is_changed_or_removed_while_a_job_runs_or_an_approval_waits() -> None:
    made = objects()
    made["job_templates"].append({**made["job_templates"][0], "id": 40, "name": "Copy"})
    items = _awx.select(find(made), ["workflow", "rollout"])
    assert [item["name"] for item in items] == ["Workflow", "Rollout", "Copy"]
    (problem,) = _awx.find_active(items, [{"unified_job_template": number} for number in (1, 40, 99)])
    assert "These are running or wait for an approval: Workflow, Copy. Wait" in problem
    assert _awx.find_active(items, [{"unified_job_template": 99}]) == []
