# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader

from ..plugin_utils import _awx
from ..plugin_utils._awx_variables import find_mistakes
from ..plugin_utils._preconditions import MISSPELLED, find_similar

SPEC = {
    "state": {"type": "str", "required": True, "choices": ["present", "absent"]},
    "organization": {"type": "str", "required": True},
    "image": {"type": "str"},
    "verify": {"type": "bool", "default": False},
    "mark": {"type": "str", "required": True},
    "purposes": {"type": "dict", "required": True},
    "names": {"type": "dict", "required": True},
    "workspaces": {"type": "list", "elements": "dict", "required": True},
    "inventory_variables": {"type": "dict", "required": True},
    "references": {"type": "dict", "required": True},
    "given": {"type": "list", "elements": "str", "required": True},
    "base_url": {"type": "str", "required": True},
    "update_secrets": {"type": "bool", "required": True},
    "project_url": {"type": "str", "required": True},
    "types": {"type": "dict", "required": True},
    "numbers": {"type": "dict", "required": True},
    "known": {"type": "list", "elements": "str", "required": True},
}


class PlanError(Exception):
    """The message of a task that fails."""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller, and reads the API of AWX by the lookup of awx.awx."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(SPEC)
        options["base_url"] = options["base_url"].rstrip("/")
        # As AWX stores them.
        names = [str(workspace["name"]).strip() for workspace in options["workspaces"]]
        options["workspaces"] = [{**each, "name": name} for each, name in zip(options["workspaces"], names)]
        self._lookup = lookup_loader.get("awx.awx.controller_api", loader=self._loader, templar=self._templar)
        wanted = _awx.Wanted(**{field.name: options[field.name] for field in dataclasses.fields(_awx.Wanted)})
        try:
            if self._lookup is None:
                raise PlanError(
                    "The collection awx.awx is missing. Install it: ansible-galaxy collection install awx.awx"
                )
            _require(_find_misspelled(task_vars or {}, options["known"]))
            if options["state"] == "present":
                result.update(self._plan_setup(wanted, options))
            else:
                result.update(self._plan_removal(wanted, options))
        except PlanError as error:
            result.update(failed=True, msg=str(error))
        return result

    def _plan_setup(self, wanted: _awx.Wanted, options: dict[str, t.Any]) -> dict[str, t.Any]:
        problems = find_mistakes(wanted.workspaces, wanted.inventory_variables)
        problems += [
            f"{name} is {value}. It must be {minimum} or more."
            for name, value in options["numbers"].items()
            if int(value) < (minimum := int(name == "awx_job_slice_count"))
        ]
        if not options["image"]:
            problems.append("awx_execution_environment_image is not set. Set it to an image with this collection.")
        _require(problems)
        organization_id, found = self._find(wanted, options["organization"])
        problems = _awx.find_obstacles(wanted, found, options["organization"])
        name = wanted.names["environment"]
        # AWX knows these by their names alone.
        if any(item["organization"] != organization_id for item in self._read("execution_environments", name=name)):
            problems.append(f"The execution environment {name} belongs to another organization. Choose another name.")
        _require(problems)
        if not options["verify"]:
            self._require_no_jobs(found, ("workflow", "check", "rollout"))
        differences = _awx.find_differences(found)
        if options["verify"] and differences:
            raise PlanError(
                f"The workflow {wanted.names['workflow']} is not as it was set up. {' '.join(differences)} "
                "Another client may have changed it. Do not launch it, and run this again."
            )
        return {
            "organization_id": organization_id,
            "objects": _awx.describe_objects(wanted, found),
            "type_descriptions": _awx.describe_types(wanted, found),
            "references": {
                kind: {item["name"]: item["id"] for item in found.objects[kind] if item["name"] in names}
                for kind, names in wanted.references.items()
            },
            "needs_cortex_credential": wanted.needs_cortex_credential,
            "nodes_to_remove": _awx.order_for_removal(found.nodes) if differences else [],
            "is_graph_complete": not differences,
            "hosts": _awx.plan_hosts(wanted, found.hosts),
            "remove": _awx.plan_removal(wanted, found, {}, everything=False),
            "notes": _awx.make_notes(wanted, found),
        }

    def _plan_removal(self, wanted: _awx.Wanted, options: dict[str, t.Any]) -> dict[str, t.Any]:
        organization_id, found = self._find(wanted, options["organization"])
        self._require_no_jobs(found, ("workflow", *_awx.TEMPLATES, "project"))
        types = [item["id"] for item in found.objects["credential_types"] if wanted.mark in item["description"]]
        users = {number: self._read(f"credential_types/{number}/credentials") for number in types}
        removal = _awx.plan_removal(wanted, found, users, everything=True)
        notes = [f"The credential type {item['name']} stays: {item['stays']}." for item in removal if item["stays"]]
        remove = [item for item in removal if not item["stays"]]
        return {"organization_id": organization_id, "remove": remove, "notes": notes}

    def _find(self, wanted: _awx.Wanted, organization: str) -> tuple[int, _awx.Found]:
        """Read what the organization has of the objects that the role makes, and the graph of the workflow."""
        organizations = self._read("organizations", name=organization)
        if not organizations:
            raise PlanError(f"AWX has no organization {organization}, or you cannot see it. Set awx_organization.")
        number = organizations[0]["id"]
        kinds = {*_awx.OBJECTS.values(), *wanted.references}
        objects = {kind: self._read(kind, organization=number) for kind in sorted(kinds - {"schedules"})}
        types = self._read("credential_types")
        objects["credential_types"] = [item for item in types if not item["managed"]]
        audit = _awx.find(wanted, {**objects, "schedules": []}).used["audit"]
        objects["schedules"] = self._read(f"job_templates/{audit['id']}/schedules") if audit else []
        found = _awx.find(wanted, objects)
        workflow = found.used["workflow"]
        nodes = self._read(f"workflow_job_templates/{workflow['id']}/workflow_nodes") if workflow else []
        inventory = found.used["inventory"]
        hosts, groups = [
            self._read(f"inventories/{inventory['id']}/{kind}") if inventory else [] for kind in ("hosts", "groups")
        ]
        rollout = found.used["rollout"]
        rollouts = self._read("workflow_job_template_nodes", unified_job_template=rollout["id"]) if rollout else []
        return number, dataclasses.replace(found, nodes=nodes, hosts=hosts, groups=groups, rollouts=rollouts)

    def _require_no_jobs(self, found: _awx.Found, roles: t.Collection[str]) -> None:
        items = _awx.select(found, roles)
        ids = ",".join(str(item["id"]) for item in items)
        states = ",".join(_awx.ACTIVE)
        jobs = self._read("unified_jobs", unified_job_template__in=ids, status__in=states) if ids else []
        _require(_awx.find_active(items, jobs))

    def _read(self, endpoint: str, **query: t.Any) -> list[dict[str, t.Any]]:
        options = {"query_params": {"page_size": 200, **query}, "return_all": True, "max_objects": 100000}
        try:
            found: list[dict[str, t.Any]] = self._lookup.run([endpoint], **options)
        except AnsibleError as error:
            raise PlanError(
                f"AWX could not be read ({endpoint}): {str(error).rstrip('.')}. "
                "Check CONTROLLER_HOST and CONTROLLER_OAUTH_TOKEN in the environment."
            ) from None
        return found


def _find_misspelled(names: t.Iterable[str], known: t.Collection[str]) -> list[str]:
    own = [name for name in names if name.startswith("awx") and "__" not in name and name not in known]
    return [MISSPELLED.format(name, similar) for name in sorted(own) for similar in find_similar(name, known)[:1]]


def _require(problems: list[str]) -> None:
    if problems:
        raise PlanError(" ".join(problems))
