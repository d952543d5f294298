# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role awx decides, from what is wanted and what the API of AWX 24.6.1 lists. Nothing here reads or writes."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

import yaml

from ._awx_variables import API_KEY, BASE_URL, without

#: An object as the API of AWX represents it.
Object = t.Mapping[str, t.Any]

DEFAULT_BASE_URL = "https://api.getcortexapp.com"

#: The kind of each object that the role makes, in the order in which they are removed: AWX refuses to remove what
#: something else needs.
OBJECTS = {
    "workflow": "workflow_job_templates",
    "schedule": "schedules",
    "rollout": "job_templates",
    "check": "job_templates",
    "audit": "job_templates",
    "inventory": "inventories",
    "project": "projects",
    "environment": "execution_environments",
    "cortex": "credentials",
    "pagerduty": "credentials",
}
#: What messages call an object of each kind.
LABELS = {
    "workflow_job_templates": "workflow",
    "schedules": "schedule",
    "job_templates": "job template",
    "inventories": "inventory",
    "projects": "project",
    "execution_environments": "execution environment",
    "credentials": "credential",
}
#: The playbook and the job type of each job template.
TEMPLATES = {
    "check": ("playbooks/pagerduty_rollout.yml", "check"),
    "rollout": ("playbooks/pagerduty_rollout.yml", "run"),
    "audit": ("playbooks/pagerduty_audit.yml", "run"),
}
#: Settings of a job template that would keep the check from showing what the rollout does. They are blank.
RESTRICTIONS = ("limit", "job_tags", "skip_tags", "start_at_task")
#: The extra variables of the workflow and of those job templates that it starts.
EXTRA_VARIABLES: dict[str, Object] = {
    "workflow": {},
    "check": {"cortex_rollout_approval": True},
    "rollout": {"cortex_rollout_approval": True},
}
#: The nodes of the workflow, and what follows each on success.
GRAPH: dict[str, list[str]] = {"check": ["approval"], "approval": ["rollout"], "rollout": []}
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
#: What a node can set for its job.
NODE_PROMPTS = (
    *("extra_data", "inventory", "scm_branch", "job_type", "job_tags", "skip_tags", "limit", "diff_mode", "verbosity"),
    *("execution_environment", "forks", "job_slice_count", "timeout"),
)
#: The environment variable of each credential's secret.
SECRETS = {"cortex": "CORTEX_API_KEY", "pagerduty": "PAGERDUTY_TOKEN"}
#: The states of an object whose job or sync has not ended.
ACTIVE = ("new", "pending", "waiting", "running")
#: The states of a project that has no revision, or not the wanted one.
UNSYNCED = ("failed", "error", "canceled", "never updated")


@dataclass(frozen=True)
class Wanted:
    """The variables of the role awx, without secrets.

    `mark`: what the description of each object ends with, before its role. `purposes`: what it begins with.

    `names`: of each object, and of the types of the credentials as ``cortex_type`` and ``pagerduty_type``.
    `types`: the types of the credentials by their roles.
    `references`: of each kind, the names of what is used and not made. `given`: the credentials whose secret is given.
    """

    mark: str
    purposes: t.Mapping[str, str]
    names: t.Mapping[str, str]
    workspaces: t.Sequence[Object]
    inventory_variables: Object
    references: t.Mapping[str, t.Sequence[str]]
    given: t.Collection[str]
    base_url: str
    update_secrets: bool
    project_url: str
    image: str | None
    types: t.Mapping[str, Object]

    @property
    def workspace(self) -> str:
        """How the description of the Cortex credential ends, which contains the API key of one workspace."""
        return f"Workspace: {self.workspaces[0]['name']}."

    def marks(self, item: Object, role: str) -> bool:
        """Return whether the role awx has made an object, for this role in the setup."""
        return _is_made(item, f"{self.mark} ({role})")

    @property
    def needs_cortex_credential(self) -> bool:
        """Whether a workspace takes its API key from the Cortex credential."""
        return bool(without(API_KEY, self.workspaces, self.inventory_variables))


@dataclass(frozen=True)
class Found:
    """What the organization has: the object of each role or None, and all objects by their kinds.

    `others`: what is marked and not used, so that an earlier setup has made it. `nodes`: the nodes of the workflow.
    `hosts` and `groups`: those of the inventory. `rollouts`: the nodes of all workflows that start the rollout.
    """

    used: t.Mapping[str, Object | None]
    others: t.Sequence[tuple[str, Object]]
    objects: t.Mapping[str, t.Sequence[Object]]
    nodes: t.Sequence[Object] = ()
    hosts: t.Sequence[Object] = ()
    groups: t.Sequence[Object] = ()
    rollouts: t.Sequence[Object] = ()


def find(wanted: Wanted, objects: t.Mapping[str, t.Sequence[Object]]) -> Found:
    """Find the object of each role: that of the wanted name, else a marked one, which then has to be renamed."""
    types = {item["name"]: item["id"] for item in objects["credential_types"]}
    usable = {role: list(objects[kind]) for role, kind in OBJECTS.items()}
    for role in SECRETS:
        number = types.get(wanted.names[f"{role}_type"])
        usable[role] = [item for item in usable[role] if item["credential_type"] == number]
    used = {
        role: next((item for item in items if item["name"] == wanted.names[role]), None)
        for role, items in usable.items()
    }
    # One that has the name of another role is used for that one alone.
    named = [id(item) for item in used.values() if item is not None]
    marked = [
        (role, item)
        for role, kind in OBJECTS.items()
        for item in objects[kind]
        if wanted.marks(item, role) and id(item) not in named
    ]
    for role, item in marked:
        if used[role] is None and item in usable[role]:
            used[role] = item
    return Found(used, [(role, item) for role, item in marked if item is not used[role]], objects)


# Why nothing can be done, as sentences


def find_obstacles(wanted: Wanted, found: Found, organization: str) -> list[str]:
    """Return what keeps the setup from being made, as far as it can be known before."""
    return [
        *_find_unusable_names(wanted.names),
        *_find_other_objects(wanted, found),
        *_find_missing(wanted, found, organization),
        *_find_keys_of_others(wanted, found),
    ]


def select(found: Found, roles: t.Collection[str]) -> list[Object]:
    """Return the objects of these roles, those of an earlier setup too."""
    items = (*found.used.items(), *found.others)
    return [item for role, item in items if role in roles and item is not None]


def find_active(items: t.Sequence[Object], jobs: t.Sequence[Object]) -> list[str]:
    """Return what keeps the setup from being changed, or removed, because of the unfinished jobs of these objects.

    The status of an object is that of its last job, while another one may still wait.
    """
    active = {job["unified_job_template"] for job in jobs}
    names = [item["name"] for item in items if item["id"] in active]
    if not names:
        return []
    return [
        f"These are running or wait for an approval: {', '.join(names)}. "
        "Wait until they have ended, or cancel them in AWX, and run this again."
    ]


def _find_unusable_names(names: t.Mapping[str, str]) -> list[str]:
    # The module that makes a schedule finds a job template among projects and workflows too, by the name alone.
    groups = ((*TEMPLATES, "project", "workflow"), ("cortex", "pagerduty"), ("cortex_type", "pagerduty_type"))
    ids = [name for name in dict.fromkeys(names.values()) if _is_id(name)]
    blanks = [name for name in dict.fromkeys(names.values()) if name != name.strip()]
    problems = [f"The name '{name}' begins or ends with a space. Remove the space." for name in blanks]
    problems += [
        f"The modules of awx.awx take the name {name} for an id. Choose one that is not a number and has no ++ in it."
        for name in ids
    ]
    return problems + [
        f"The name {name} is given to more than one object. Each needs a name of its own."
        for roles in groups
        for name, count in Counter(names[role] for role in roles).items()
        if count > 1
    ]


def _is_id(name: str) -> bool:
    """Return whether the modules of awx.awx look for an object of this id or named URL, as they do first."""
    if "++" in name:
        return True
    try:
        int(name)
    except ValueError:
        return False
    return True


def _find_other_objects(wanted: Wanted, found: Found) -> list[str]:
    """Return which objects without a mark have a wanted name and are not what the role would make."""
    differing = [
        (LABELS[OBJECTS[role]], item["name"], what)
        for role, item in found.used.items()
        if item is not None and not wanted.marks(item, role) and (what := _find_difference(role, item, wanted, found))
    ]
    for role, wanted_type in wanted.types.items():
        item = _find_type(role, wanted, found)
        if item and not _is_made(item, wanted.mark) and _describe_type(item) != _describe_type(wanted_type):
            differing.append(("credential type", item["name"], "other fields"))
    # By this name, the module that makes the schedule finds these too.
    differing += [
        (LABELS[kind], item["name"], "the audit needs this name")
        for kind in ("projects", "workflow_job_templates")
        for item in found.objects[kind]
        if item["name"] == wanted.names["audit"]
    ]
    variables = {each["name"]: each.get("variables") or {} for each in wanted.workspaces}
    differing += [
        ("host", host["name"], "other variables")
        for host in found.hosts
        if host["description"] != wanted.mark
        and host["name"] in variables
        and _parse(host["variables"]) != variables[host["name"]]
    ]
    return [
        f"The {label} {name} exists, but is not what this playbook needs ({what}). Rename or remove it, or choose "
        "another name."
        for label, name, what in differing
    ]


def _find_difference(role: str, item: Object, wanted: Wanted, found: Found) -> str:
    """Return in what an object that another client has made is not the one of this role; blank if it is."""
    if role == "workflow":
        return ", ".join(_find_foreign_nodes(found))
    if role in TEMPLATES:
        settings = (item["playbook"], item["job_type"])
        return "" if settings == TEMPLATES[role] else ", ".join(settings)
    if role == "inventory" and not item["kind"]:
        return "" if _parse(item["variables"]) == wanted.inventory_variables else "other variables"
    if role == "cortex":
        stored = _base_url(item["inputs"])
        return stored if role in wanted.given and wanted.base_url not in ("", stored) else ""
    fields = {
        "project": ("scm_url", wanted.project_url),
        "environment": ("image", wanted.image),
        "inventory": ("kind", ""),
    }
    field, value = fields.get(role, ("name", wanted.names[role]))
    return "" if item[field] == value else str(item[field])


def _find_type(role: str, wanted: Wanted, found: Found) -> Object | None:
    name = wanted.names[f"{role}_type"]
    return next((item for item in found.objects["credential_types"] if item["name"] == name), None)


def _describe_type(item: Object) -> Object:
    """Return what a job gets from a credential of this type."""
    fields = {field["id"]: bool(field.get("secret")) for field in item["inputs"].get("fields", [])}
    return {"fields": fields, "injectors": item["injectors"]}


def _is_made(item: Object, mark: str) -> bool:
    return mark in (item.get("description") or "")


def _find_foreign_nodes(found: Found) -> list[str]:
    """Return the nodes that start neither an approval nor a playbook of this collection. The role would remove them."""
    templates = found.objects["job_templates"]
    own = {item["id"] for item in templates if (item["playbook"], item["job_type"]) in TEMPLATES.values()}
    return [
        node["identifier"]
        for node in found.nodes
        if node["unified_job_template"] not in (None, *own) and not _is_approval(node)
    ]


def _find_missing(wanted: Wanted, found: Found, organization: str) -> list[str]:
    needed = ["pagerduty"] + ["cortex"] * wanted.needs_cortex_credential
    problems = [
        f"{organization} has no credential with the name {wanted.names[role]}, and {SECRETS[role]} is not set. "
        f"Export {SECRETS[role]}, or create the credential in AWX."
        for role in needed
        if found.used[role] is None and role not in wanted.given
    ]
    for kind, names in wanted.references.items():
        counts = Counter(item["name"] for item in found.objects[kind])
        problems += [
            f"{organization} has {counts[name]} {kind.replace('_', ' ')} with the name {name}. It needs exactly one."
            for name in dict.fromkeys(names)
            if counts[name] != 1
        ]
    return problems


def _find_keys_of_others(wanted: Wanted, found: Found) -> list[str]:
    """Return where an API key would be used for another workspace, or sent to another Cortex, than its own."""
    cortex, problems = found.used["cortex"], []
    if not wanted.needs_cortex_credential:
        missing = without(BASE_URL, wanted.workspaces, wanted.inventory_variables)
        if missing and wanted.base_url not in ("", DEFAULT_BASE_URL):
            problems.append(
                f"CORTEX_BASE_URL is not used for workspaces with an API key in variables: {', '.join(missing)}. "
                f"Set {BASE_URL} for each of them, or in awx_inventory_variables."
            )
    elif cortex is not None:
        stored = _base_url(cortex["inputs"])
        if wanted.base_url not in ("", stored) and "cortex" not in wanted.given:
            problems.append(
                f"The API key of {cortex['name']} belongs to {stored}, and CORTEX_BASE_URL is {wanted.base_url}. "
                "Export CORTEX_API_KEY too, or unset CORTEX_BASE_URL."
            )
        if not _has_key_of_workspace(cortex, wanted, found) and not (
            "cortex" in wanted.given and plan_inputs("cortex", cortex, wanted)[1]
        ):
            problems.append(
                f"The API key of {cortex['name']} may not be that of the workspace {wanted.workspaces[0]['name']}. "
                "Export its CORTEX_API_KEY, and set awx_update_secrets."
            )
    return problems


def _has_key_of_workspace(cortex: Object, wanted: Wanted, found: Found) -> bool:
    """Return whether the credential contains the API key of the only workspace, as far as it can be known."""
    if _is_made(cortex, wanted.mark):
        description: str = cortex["description"]
        return description.endswith(wanted.workspace)
    # One that another client has made does not say so. It is that of the workspace that an earlier setup used it for.
    hosts = {host["name"]: host for host in found.hosts if host["description"] == wanted.mark}
    host = hosts.get(wanted.workspaces[0]["name"])
    return not hosts or (host is not None and API_KEY not in (_parse(host["variables"]) or {}))


# The graph of the workflow


def find_differences(found: Found) -> list[str]:
    """Return in what the workflow is not check, approval and rollout, one after the other; nothing if it is."""
    nodes = {node["identifier"]: node for node in found.nodes}
    if sorted(nodes) != sorted(GRAPH):
        return [f"It has the nodes {', '.join(nodes) or '-'}."]
    ids = {name: node["id"] for name, node in nodes.items()}
    differences = _find_changed_settings("workflow", found.used["workflow"] or {})
    for name, followers in GRAPH.items():
        node = nodes[name]
        links = [node["success_nodes"], node["failure_nodes"], node["always_nodes"]]
        if links != [[ids[each] for each in followers], [], []]:
            differences.append(f"Other nodes follow {name}.")
        if prompts := [each for each in NODE_PROMPTS if node.get(each) not in (None, "", {})]:
            differences.append(f"The node {name} sets {', '.join(prompts)}.")
        if name == "approval":
            differences += [] if _is_approval(node) else ["The node approval is not an approval."]
        else:
            differences += _find_template_differences(name, found.used[name], node)
    return differences


def _find_template_differences(role: str, template: Object | None, node: Object) -> list[str]:
    if template is None or template["id"] != node["unified_job_template"]:
        return [f"The node {role} has another job template."]
    return _find_changed_settings(role, template)


def _find_changed_settings(role: str, item: Object) -> list[str]:
    settings = dict(zip(("playbook", "job_type"), TEMPLATES.get(role, ())), **dict.fromkeys(RESTRICTIONS, ""))
    differing = [name for name, value in item.items() if name.startswith("ask_") and value]
    differing += [name for name, value in settings.items() if (item.get(name) or "") != value]
    differing += [] if _parse(item.get("extra_vars") or "") == EXTRA_VARIABLES[role] else ["extra_vars"]
    label = LABELS[OBJECTS[role]]
    return [f"The {label} {item['name']} differs in {', '.join(differing)}."] if differing else []


def order_for_removal(nodes: t.Sequence[Object]) -> list[str]:
    """Return the identifiers of nodes, each after all that follow it: no removal makes a node start by itself."""
    followers = {node["id"]: {each for link in LINKS for each in node[link]} for node in nodes}
    remaining = list(nodes)
    order: list[str] = []
    while remaining:
        # AWX allows no cycles.
        present = {node["id"] for node in remaining}
        leaves = [node for node in remaining if not followers[node["id"]] & present]
        # What a damaged graph starts without an approval goes before the approvals.
        leaf = min(leaves, key=_is_approval)
        remaining.remove(leaf)
        order.append(leaf["identifier"])
    return order


def _is_approval(node: Object) -> bool:
    template = node["summary_fields"].get("unified_job_template") or {}
    return template.get("unified_job_type") == "workflow_approval"


# What is written


def describe_objects(wanted: Wanted, found: Found) -> dict[str, dict[str, t.Any]]:
    """Return by what the modules of awx.awx find each object, and what they write.

    What was not made here gets no mark, so that it is never removed.
    """
    objects: dict[str, dict[str, t.Any]] = {}
    for role, kind in OBJECTS.items():
        item, name = found.used[role], wanted.names[role]
        number = item["id"] if item else None
        objects[role] = {
            "name": name,
            "id": number,
            "find": str(number or name),
            "description": f"{wanted.purposes[role]} {wanted.mark} ({role}).",
            "needs_sync": item is not None and item.get("status") in UNSYNCED,
        }
        if role == "cortex":
            objects[role]["description"] += f" {wanted.workspace}"
        if item is not None and not _is_made(item, wanted.mark):
            objects[role]["description"] = item.get("description") or ""
        objects[role]["is_named"] = item is not None and item["name"] == name
        if kind == "credentials":
            objects[role]["inputs"], objects[role]["write_secrets"] = plan_inputs(role, item, wanted)
    return objects


def describe_types(wanted: Wanted, found: Found) -> dict[str, str]:
    """Return the description of each credential type, with a mark unless it was there without one."""
    descriptions = {}
    for role, wanted_type in wanted.types.items():
        item = _find_type(role, wanted, found)
        kept = item is not None and not _is_made(item, wanted.mark)
        descriptions[role] = item["description"] if item and kept else f"{wanted_type['description']}. {wanted.mark}."
    return descriptions


def plan_hosts(wanted: Wanted, hosts: t.Sequence[Object]) -> dict[str, list[t.Any]]:
    """Return which hosts are new or changed, and which marked ones are no longer named."""
    existing = {host["name"]: host for host in hosts}
    plan: dict[str, list[t.Any]] = {"new": [], "changed": [], "obsolete": []}
    for workspace in wanted.workspaces:
        values = {"name": workspace["name"], "description": wanted.mark, "variables": workspace.get("variables") or {}}
        host = existing.pop(workspace["name"], None)
        if host is None:
            plan["new"].append(values)
        elif _parse(host["variables"]) != values["variables"]:
            plan["changed"].append({"id": host["id"], **values})
    removed = [host for host in existing.values() if host["description"] == wanted.mark]
    plan["obsolete"] = [{"id": host["id"], "name": host["name"]} for host in removed]
    return plan


def _parse(variables: str) -> t.Any:
    """Return the variables of an object, in JSON or YAML; None if they are neither."""
    try:
        return json.loads(variables.removeprefix("---").strip() or "{}")
    except ValueError:
        pass
    try:
        return yaml.safe_load(variables)
    except yaml.YAMLError:
        return None


def plan_inputs(role: str, existing: Object | None, wanted: Wanted) -> tuple[dict[str, str], bool]:
    """Return the inputs of a credential that are no new secrets, and whether to write those that are given.

    AWX takes ``$encrypted$``, which it returns, for the stored secret. A base URL that is not given stays. One that is
    given is written together with the key that it belongs to.
    """
    inputs = dict(existing["inputs"]) if existing else {}
    write = existing is None or wanted.update_secrets
    if role == "cortex":
        moves = wanted.base_url not in ("", _base_url(inputs))
        base_url = wanted.base_url if moves else inputs.get("base_url") or DEFAULT_BASE_URL
        return {**inputs, "base_url": base_url}, write or moves
    return {} if write else inputs, write


def _base_url(inputs: Object) -> str:
    stored: str = inputs.get("base_url") or DEFAULT_BASE_URL
    return stored.rstrip("/")


def plan_removal(
    wanted: Wanted, found: Found, users: t.Mapping[int, t.Sequence[Object]], *, everything: bool
) -> list[dict[str, t.Any]]:
    """Return what to remove, in this order, with a reason where it has to stay.

    `users`: the credentials of each credential type of this collection, in all organizations.
    """
    own = [(role, item) for role, item in found.used.items() if item is not None and _is_made(item, wanted.mark)]
    items = [*found.others, *(own if everything else [])]
    removal = [
        {
            "kind": kind,
            "id": item["id"],
            "name": item["name"],
            "credential_type": item.get("credential_type"),
            "stays": "",
        }
        for role, kind in OBJECTS.items()
        for of, item in items
        if of == role
    ]
    # AWX removes hosts with their inventory.
    if not (everything and "inventory" in dict(own)):
        remaining = replace(wanted, workspaces=[]) if everything else wanted
        hosts = plan_hosts(remaining, found.hosts)["obsolete"]
        removal += [{"kind": "hosts", **host, "stays": ""} for host in hosts]
    if everything:
        removed = {item["id"] for item in removal if item["kind"] == "credentials"}
        others = [item for items in users.values() for item in items if item["id"] not in removed]
        for item in found.objects["credential_types"]:
            if item["id"] in users:
                stays = _find_reason_to_stay(item, others)
                removal.append({"kind": "credential_types", "id": item["id"], "name": item["name"], "stays": stays})
    return removal


def _find_reason_to_stay(credential_type: Object, others: t.Sequence[Object]) -> str:
    """Return why a type cannot be removed. Another organization with one type needs both."""
    if others:
        organizations = [item["summary_fields"].get("organization", {}).get("name", "-") for item in others]
        users = [f"{item['name']} in {organization}" for item, organization in zip(others, organizations)]
        return f"both types are needed for {', '.join(users)}"
    if not credential_type["summary_fields"]["user_capabilities"]["delete"]:
        return "only a system administrator can remove it"
    return ""


def make_notes(wanted: Wanted, found: Found) -> list[str]:
    """Return what a setup changes that its tasks do not show, as sentences."""
    unwritten = {"cortex", "pagerduty"}.difference(wanted.given)
    unwritten |= set() if wanted.needs_cortex_credential else {"cortex"}
    written = {role: item for role, item in found.used.items() if item is not None and role not in unwritten}
    labels = {role: LABELS[kind] for role, kind in OBJECTS.items()}
    notes = [
        f"The {labels[role]} {item['name']} is renamed to {wanted.names[role]}."
        for role, item in written.items()
        if item["name"] != wanted.names[role]
    ]
    notes += [f"The {labels[role]} {item['name']} of an earlier setup is removed." for role, item in found.others]
    notes += [
        f"The credential {item['name']} keeps its secrets. To write {SECRETS[role]}, set awx_update_secrets."
        for role, item in written.items()
        if role in SECRETS and not plan_inputs(role, item, wanted)[1]
    ]
    notes += [
        f"The {labels[role]} {item['name']} has no mark of this playbook. Its settings are changed, and it is never "
        "removed."
        for role, item in written.items()
        if role in ("workflow", "schedule", *TEMPLATES) and not _is_made(item, wanted.mark)
    ]
    cortex, schedule = found.used["cortex"], found.used["schedule"]
    if cortex is not None and _is_made(cortex, wanted.mark) and not wanted.needs_cortex_credential:
        notes.append(f"The credential {cortex['name']} is not used: each workspace has an API key of its own.")
    disabled = [("schedule", schedule)] if schedule is not None else []
    own = {item["id"] for item in select(found, ["workflow"])}
    workflows = {item["id"]: item["name"] for item in found.objects["workflow_job_templates"]}
    others = {node["workflow_job_template"] for node in found.rollouts} - own
    notes += [
        f"The workflow {workflows.get(number, number)} starts the rollout too. Remove it from there: this playbook "
        "knows no approval of it."
        for number in sorted(others)
    ]
    names = {each["name"] for each in wanted.workspaces}
    disabled += [("host", host) for host in found.hosts if host["name"] in names]
    notes += [f"The {label} {item['name']} is disabled in AWX." for label, item in disabled if not item["enabled"]]
    notes += [
        f"The group {group['name']} sets variables that override those of the inventory: {', '.join(variables)}."
        for group in found.groups
        if (variables := _parse(group["variables"]))
    ]
    if "cortex" in written:
        before = written["cortex"]["inputs"].get("base_url")
        after = plan_inputs("cortex", written["cortex"], wanted)[0]["base_url"]
        if before != after:
            name = wanted.names["cortex"]
            notes.append(f"The base URL of the credential {name} changes from {before} to {after}, with its key.")
    return notes
