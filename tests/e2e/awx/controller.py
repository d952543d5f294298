# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the REST API of AWX 24.6.1, as far as the role and the modules of awx.awx use it.

It stores what it is given, lists it page by page, and rejects what AWX rejects, with AWX's words. `run` tells what a
workflow would start.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import threading
from collections.abc import Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.servers import listening

from .rules import credential_type_mistakes, survey_mistakes

Object = dict[str, Any]

ENCRYPTED = "$encrypted$"
UNIFIED = ("projects", "job_templates", "workflow_job_templates")
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
# Which field refers to an object of which kind.
REFERENCES: dict[str, tuple[str, ...]] = {
    "credential": ("credentials",),
    "credential_type": ("credential_types",),
    "execution_environment": ("execution_environments",),
    "inventory": ("inventories",),
    "organization": ("organizations",),
    "project": ("projects",),
    "unified_job_template": (*UNIFIED, "workflow_approval_templates"),
    "workflow_job_template": ("workflow_job_templates",),
}
# The lists below an object: of which kind they are, and by which of its fields.
SUBLISTS = {
    ("credential_types", "credentials"): ("credentials", "credential_type"),
    ("inventories", "hosts"): ("hosts", "inventory"),
    ("job_templates", "schedules"): ("schedules", "unified_job_template"),
    ("organizations", "credentials"): ("credentials", "organization"),
    ("workflow_job_templates", "workflow_nodes"): ("workflow_job_template_nodes", "workflow_job_template"),
}
# What goes when an object goes, and by which of its fields.
DEPENDENTS = {
    "inventories": [("hosts", "inventory")],
    "job_templates": [("schedules", "unified_job_template")],
    "workflow_job_templates": [("workflow_job_template_nodes", "workflow_job_template")],
}
# What a name is unique within.
SCOPES = {
    "credential_types": ("kind",),
    "credentials": ("organization", "credential_type"),
    "hosts": ("inventory",),
    "schedules": ("unified_job_template",),
    "workflow_job_template_nodes": ("workflow_job_template",),
    **dict.fromkeys((*UNIFIED, "inventories", "notification_templates"), ("organization",)),
}
# The required fields, and what AWX returns for others that were not given.
FIELDS: dict[str, tuple[tuple[str, ...], Object]] = {
    "organizations": (("name",), {}),
    "credential_types": (("name", "kind"), {"managed": False, "inputs": {}, "injectors": {}, "description": ""}),
    "credentials": (("name", "credential_type"), {"organization": None, "inputs": {}, "description": ""}),
    "execution_environments": (("name", "image"), {"organization": None, "pull": "", "credential": None}),
    "projects": (("name", "organization"), {"scm_type": "", "scm_url": "", "scm_branch": "", "scm_revision": ""}),
    "inventories": (
        ("name", "organization"),
        {"kind": "", "host_filter": None, "variables": "", "pending_deletion": False},
    ),
    "hosts": (("name", "inventory"), {"enabled": True, "variables": "", "description": ""}),
    "instance_groups": (("name",), {}),
    "notification_templates": (("name", "organization"), {}),
    "job_templates": (
        ("name", "project", "playbook"),
        {"ask_limit_on_launch": False, "ask_credential_on_launch": False, "extra_vars": "---"},
    ),
    "workflow_job_templates": (("name",), {"organization": None, "survey_enabled": False, "description": ""}),
    "workflow_job_template_nodes": (
        ("identifier", "workflow_job_template"),
        {"unified_job_template": None, "limit": None, "all_parents_must_converge": False},
    ),
    "workflow_approval_templates": (("name",), {"description": "", "timeout": 0}),
    "schedules": (("name", "rrule", "unified_job_template"), {"enabled": True, "limit": None, "description": ""}),
    "project_updates": ((), {}),
}


class RejectedError(Exception):
    """The response has a status of its own; the argument is its body."""

    def __init__(self, body: object, status: int = 400) -> None:
        super().__init__(body)
        self.body = body
        self.status = status


class Controller:
    """A controller with the organization "Default", the type "Vault", and nothing else in it.

    `playbooks`: what a sync of any project finds; `prefix`: where the API begins; `token`: the only one accepted;
    `url`: where it listens, while `running`.
    """

    def __init__(self, playbooks: list[str], token: str, prefix: str = "/api/") -> None:
        self.playbooks = playbooks
        self.token = token
        self.root = f"{prefix}v2/"
        self.is_system_administrator = True
        self.sync_fails = False
        self.requests: list[str] = []
        self.objects: dict[str, dict[int, Object]] = {kind: {} for kind in FIELDS}
        self.associations: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, Object] = {}
        # What AWX keeps encrypted: the secret inputs of a credential by its id.
        self.secrets: dict[int, Object] = {}
        self._last_id = 0
        self._lock = threading.Lock()
        self.url = ""
        self.create("organizations", {"name": "Default"})
        self.create("instance_groups", {"name": "default"})
        field = {"id": "vault_password", "label": "Vault Password", "type": "string", "secret": True}
        vault = {"fields": [field], "required": ["vault_password"]}
        self._insert("credential_types", {"name": "Vault", "kind": "vault", "managed": True, "inputs": vault})

    @contextlib.contextmanager
    def running(self) -> Iterator[Controller]:
        with listening(self._handler()) as self.url:
            yield self

    # What tests look at

    def names(self, kind: str) -> list[str]:
        return [name_of(item) for item in self.objects[kind].values()]

    def one(self, kind: str, name: str, organization: str = "Default") -> Object:
        """Return the object of a name; where the kind belongs to organizations, that of `organization`."""
        found = [item for item in self.objects[kind].values() if name_of(item) == name]
        if any("organization" in item for item in found):
            number = self.one("organizations", organization)["id"]
            found = [item for item in found if item["organization"] == number]
        (item,) = found
        return item

    def associated(self, item: Object, association: str) -> list[str]:
        """Return the names of what is associated with an object, sorted."""
        return sorted(name_of(self.any(number)) for number in self._linked(item["id"], association))

    def any(self, number: int) -> Object:
        return next(items[number] for items in self.objects.values() if number in items)

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if not request.startswith("GET ")]

    def run(self, workflow: Object, outcomes: Mapping[str, str]) -> list[str]:
        """Return the identifiers of the nodes that a launch starts, in order.

        `outcomes` tells of nodes whether they are "successful" (the default), "failed" (denied) or "pending".
        """
        nodes = self._nodes(workflow["id"])
        parents = {number for node in nodes for link in LINKS for number in self._linked(node["id"], link)}
        waiting = [node["id"] for node in nodes if node["id"] not in parents]
        started: list[str] = []
        seen: set[int] = set()
        while waiting:
            node = self.any(waiting.pop(0))
            if node["id"] in seen:
                continue
            seen.add(node["id"])
            # A node without a job template starts nothing, and counts as failed.
            outcome = "failed"
            if node["unified_job_template"] is not None:
                started.append(node["identifier"])
                outcome = outcomes.get(node["identifier"], "successful")
            if outcome != "pending":
                link = "success_nodes" if outcome == "successful" else "failure_nodes"
                waiting += [*self._linked(node["id"], link), *self._linked(node["id"], "always_nodes")]
        return started

    def link(self, parent: Object, link: str, child: Object) -> None:
        self._associate("workflow_job_template_nodes", parent["id"], link, child["id"])

    def save(self) -> bytes:
        """Return everything on the controller, for `restore`."""
        return pickle.dumps((self.objects, self.associations, self.surveys, self.secrets, self._last_id))

    def restore(self, saved: bytes) -> None:
        self.objects, self.associations, self.surveys, self.secrets, self._last_id = pickle.loads(saved)  # noqa: S301 - of a test

    # The API

    def respond(self, method: str, path: str, query: dict[str, str], body: Object) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        match method, path.removeprefix(self.root).strip("/").split("/"):
            case "GET", ["unified_job_templates"]:
                return 200, self._list(UNIFIED, query, path)
            case "GET", [kind] if kind in self.objects:
                return 200, self._list([kind], query, path)
            case "POST", [kind] if kind in self.objects:
                return 201, self._represent(kind, self.create(kind, body))
            case "GET", ["unified_job_templates", number]:
                return 200, self.any(int(number))
            case "GET" | "PATCH" | "DELETE", [kind, number] if kind in self.objects:
                return self._object(method, kind, int(number), body)
            case "GET" | "POST", [kind, number, "survey_spec"] if kind in self.objects:
                return self._survey(method, int(number), body)
            case "POST", ["workflow_job_template_nodes", number, "create_approval_template"]:
                approval = self.create("workflow_approval_templates", body)
                self._update_node(self.any(int(number)), {"unified_job_template": approval["id"]})
                return 201, approval
            case "GET", [kind, number, sublist] if (kind, sublist) in SUBLISTS:
                listed, field = SUBLISTS[kind, sublist]
                return 200, self._list([listed], {**query, field: number}, path)
            case "GET" | "POST", [kind, number, association] if kind in self.objects:
                return self._association(method, kind, int(number), association, body)
        raise RejectedError({"detail": f"Not found: {method} {path}"}, 404)

    def create(self, kind: str, body: Object) -> Object:
        required, _defaults = FIELDS[kind]
        if missing := [name for name in required if body.get(name) is None]:
            raise RejectedError({name: ["This field is required."] for name in missing})
        if kind == "workflow_job_template_nodes" and body.get("unified_job_template") is None:
            # Without a job template AWX drops all other fields.
            body = {name: value for name, value in body.items() if name in required}
        if kind == "job_templates":
            body = {**body, "organization": self.objects["projects"].get(body["project"], {}).get("organization")}
        return self._insert(kind, body)

    def _insert(self, kind: str, body: Object) -> Object:
        item = {**FIELDS[kind][1], **body}
        self._last_id = number = self._last_id + 1
        item.update(id=number, url=f"{self.root}{kind}/{number}/", type=kind.removesuffix("s"))
        if not item.get("managed"):
            self._check(kind, item)
        self.objects[kind][number] = item
        if kind == "projects":
            status = "failed" if self.sync_fails else "successful"
            item["current_update"] = self._insert("project_updates", {"status": status})["id"]
        return item

    def _represent(self, kind: str, item: Object) -> Object:
        """Return an object with what AWX adds to it."""
        summary: Object = {}
        related = {"survey_spec": f"{item['url']}survey_spec/"}
        shown = {**item, "related": related, "summary_fields": summary}
        if item.get("organization"):
            summary["organization"] = {"name": self.any(item["organization"])["name"]}
        match kind:
            case "projects":
                # While it lasts: here, until the response to the request that has started it.
                if update := item.pop("current_update", None):
                    summary["current_update"] = {"id": update}
                shown.pop("current_update", None)
            case "credential_types":
                may = self.is_system_administrator and not item["managed"]
                summary["user_capabilities"] = {"edit": may, "delete": may}
            case "workflow_job_template_nodes":
                shown.update({link: list(self._linked(item["id"], link)) for link in LINKS})
                if item["unified_job_template"] is not None:
                    template = self.any(item["unified_job_template"])
                    job_type = "workflow_approval" if template["type"] == "workflow_approval_template" else "job"
                    summary["unified_job_template"] = {"name": template["name"], "unified_job_type": job_type}
                    related["unified_job_template"] = template["url"]
        return shown

    def _list(self, kinds: Iterable[str], query: dict[str, str], path: str) -> Object:
        """Return a page of the objects that match a query such as ``{"name": "a"}`` or ``{"or__id": "1"}``."""
        query = dict(query)
        page, size = int(query.pop("page", 1)), min(int(query.pop("page_size", 25)), 200)
        items = [(kind, item) for kind in kinds for item in self.objects[kind].values()]
        found = [self._represent(kind, item) for kind, item in items if matches(item, query)]
        for kind, item in items:
            if item.get("pending_deletion"):
                self._delete(kind, item["id"])
        following = f"{path}?{urlencode({**query, 'page': page + 1, 'page_size': size})}"
        shown = found[(page - 1) * size : page * size]
        return {"count": len(found), "next": following if page * size < len(found) else None, "results": shown}

    def _object(self, method: str, kind: str, number: int, body: Object) -> tuple[int, Any]:
        if number not in self.objects[kind]:
            raise RejectedError({"detail": "Not found."}, 404)
        item = self.objects[kind][number]
        if method == "DELETE":
            return self._destroy(kind, item)
        if method == "PATCH":
            if kind == "credential_types" and self._in_use(number) and body.get("inputs") != item["inputs"]:
                raise forbidden("Modifications to inputs are not allowed for credential types that are in use")
            organization = body.get("organization")
            if kind == "execution_environments" and organization and organization != item["organization"]:
                message = "Cannot change the organization of an execution environment"
                raise RejectedError({"organization": [message]})
            changed = {**item, **body}
            self._check(kind, changed)
            if kind == "workflow_job_template_nodes":
                self._update_node(item, changed)
            item.update(changed)
        return 200, self._represent(kind, item)

    def _destroy(self, kind: str, item: Object) -> tuple[int, None]:
        if kind == "credential_types":
            self._check_administrator()
            if self._in_use(item["id"]):
                raise forbidden("Credential types that are in use cannot be deleted")
        if kind == "inventories":
            # AWX does this in the background; here it is gone after it was listed once more.
            if item["pending_deletion"]:
                raise RejectedError({"error": "Inventory is already pending deletion."})
            item["pending_deletion"] = True
            return 202, None
        self._delete(kind, item["id"])
        return 204, None

    def _delete(self, kind: str, number: int) -> None:
        for dependents, field in DEPENDENTS.get(kind, []):
            for dependent in [item["id"] for item in self.objects[dependents].values() if item[field] == number]:
                self._delete(dependents, dependent)
        item = self.objects[kind].pop(number)
        if kind == "workflow_job_template_nodes":
            self._update_node(item, {"unified_job_template": None})
        for node in self.objects["workflow_job_template_nodes"].values():
            if node["unified_job_template"] == number:
                node["unified_job_template"] = None
        for ids in self.associations.values():
            if number in ids:
                ids.remove(number)

    def _update_node(self, node: Object, values: Object) -> None:
        """Give a node another job template. An approval belongs to its node and goes with it."""
        old = node["unified_job_template"]
        node["unified_job_template"] = values["unified_job_template"]
        if old != node["unified_job_template"] and old in self.objects["workflow_approval_templates"]:
            del self.objects["workflow_approval_templates"][old]

    def _in_use(self, credential_type: int) -> bool:
        return any(item["credential_type"] == credential_type for item in self.objects["credentials"].values())

    def _check_administrator(self) -> None:
        if not self.is_system_administrator:
            raise forbidden("You do not have permission to perform this action.")

    def _check(self, kind: str, item: Object) -> None:
        for field, kinds in REFERENCES.items():
            if item.get(field) is not None and not any(item[field] in self.objects[each] for each in kinds):
                raise RejectedError({field: [f'Invalid pk "{item[field]}" - object does not exist.']})
        if kind not in ("workflow_approval_templates", "project_updates"):
            self._check_name(kind, item)
        match kind:
            case "credential_types":
                self._check_administrator()
                if mistakes := credential_type_mistakes(item):
                    raise RejectedError({"inputs": mistakes})
            case "credentials":
                self._encrypt(item)
            case "job_templates" if self.sync_fails or item["playbook"] not in self.playbooks:
                raise RejectedError({"playbook": ["Playbook not found for project."]})
            case "workflow_job_template_nodes" | "schedules" if item["limit"]:
                if not self.any(item["unified_job_template"]).get("ask_limit_on_launch"):
                    raise RejectedError({"limit": ["Field is not configured to prompt on launch."]})

    def _check_name(self, kind: str, item: Object) -> None:
        for other in self.objects[kind].values():
            same = all(other.get(field) == item.get(field) for field in SCOPES.get(kind, ()))
            if same and name_of(other) == name_of(item) and other["id"] != item["id"]:
                raise RejectedError({"__all__": [f"{kind} with this name already exists."]})

    def _encrypt(self, credential: Object) -> None:
        credential_type = self.objects["credential_types"][credential["credential_type"]]
        fields = {field["id"]: field for field in credential_type["inputs"]["fields"]}
        if unknown := set(credential["inputs"]) - set(fields):
            raise RejectedError({"inputs": [f"Additional properties are not allowed: {unknown}"]})
        secrets = self.secrets.get(credential["id"], {})
        given = {
            name: secrets.get(name) if value == ENCRYPTED else value for name, value in credential["inputs"].items()
        }
        # A blank secret is dropped.
        given = {name: value for name, value in given.items() if value or not fields[name].get("secret")}
        self.secrets[credential["id"]] = given
        credential["inputs"] = {
            name: ENCRYPTED if fields[name].get("secret") else value for name, value in given.items()
        }

    def _survey(self, method: str, number: int, body: Object) -> tuple[int, Any]:
        if method == "POST":
            if mistakes := survey_mistakes(body):
                raise RejectedError({"error": mistakes})
            self.surveys[number] = body
        return 200, self.surveys.get(number, {})

    def _association(self, method: str, kind: str, number: int, association: str, body: Object) -> tuple[int, Any]:
        if number not in self.objects[kind]:
            raise RejectedError({"detail": "Not found."}, 404)
        if method == "GET":
            items = list(map(self.any, self._linked(number, association)))
            return 200, {"count": len(items), "next": None, "results": items}
        if body.get("disassociate"):
            self._linked(number, association).remove(body["id"])
        else:
            self._associate(kind, number, association, body["id"])
        return 204, None

    def _associate(self, kind: str, number: int, association: str, other: int) -> None:
        if association in LINKS:
            self._check_link(number, association, other)
        if association == "credentials":
            if kind != "job_templates":
                template = self.any(self.objects[kind][number]["unified_job_template"])
                if not template.get("ask_credential_on_launch"):
                    raise RejectedError({"credentials": ["Field is not configured to prompt on launch."]})
            types = [self.any(each)["credential_type"] for each in self._linked(number, association)]
            if self.any(other)["credential_type"] in types:
                name = self.any(self.any(other)["credential_type"])["name"]
                raise RejectedError({"error": f"Cannot assign multiple {name} credentials."})
        self.any(other)
        self._linked(number, association).append(other)

    def _check_link(self, parent: int, association: str, child: int) -> None:
        if any(child in self._linked(parent, link) for link in LINKS if link != association):
            raise RejectedError({"Error": "Relationship not allowed."})
        reached, waiting = set(), [child]
        while waiting:
            reached.add(node := waiting.pop())
            waiting += [each for link in LINKS for each in self._linked(node, link) if each not in reached]
        if parent in reached:
            raise RejectedError({"Error": "Cycle detected."})

    def _linked(self, number: int, association: str) -> list[int]:
        return self.associations.setdefault((number, association), [])

    def _nodes(self, workflow: int) -> list[Object]:
        nodes = self.objects["workflow_job_template_nodes"].values()
        return [node for node in nodes if node["workflow_job_template"] == workflow]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                with controller._lock:
                    controller.requests.append(f"{self.command} {url.path}")
                    try:
                        if self.headers.get("Authorization") != f"Bearer {controller.token}":
                            raise RejectedError({"detail": "Authentication credentials were not provided."}, 401)
                        status, value = controller.respond(
                            self.command, url.path, dict(parse_qsl(url.query, keep_blank_values=True)), body
                        )
                    except RejectedError as rejected:
                        status, value = rejected.status, rejected.body
                    content = b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_request  # noqa: N815 - the names that http.server calls

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
                """Say nothing: the requests are in the controller's list."""

        return Handler


def name_of(item: Object) -> str:
    return str(item.get("identifier") or item.get("name"))


def forbidden(detail: str) -> RejectedError:
    return RejectedError({"detail": detail}, 403)


def matches(item: Object, query: dict[str, str]) -> bool:
    if unknown := [name for name in query if name.removeprefix("or__") not in item]:
        raise RejectedError({"detail": f"{item['type']} has no field named '{unknown[0]}'"})
    tests = {name: str(item[name.removeprefix("or__")]) == value for name, value in query.items()}
    alternatives = [test for name, test in tests.items() if name.startswith("or__")]
    needed = [test for name, test in tests.items() if not name.startswith("or__")]
    return all(needed) and (not alternatives or any(alternatives))
