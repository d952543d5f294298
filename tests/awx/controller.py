# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in of the REST API of AWX, as far as the modules of awx.awx that the role uses ask for it.

It keeps what it is given, and refuses what AWX refuses and a mistake of the role could send: an unknown reference, a
second object of a name, an input that the credential type does not know, a playbook that the project does not list, and
a limit or a credential where the job template does not ask for it.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.cortexapps.cortex.tests.awx.rules import credential_type_mistakes, survey_mistakes

Object = dict[str, Any]

ENCRYPTED = "$encrypted$"
UNIFIED = ("projects", "job_templates", "workflow_job_templates")
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
# What goes when an object goes, and by which of its fields.
DEPENDENTS = {
    "credential_types": [("credentials", "credential_type")],
    "inventories": [("hosts", "inventory")],
    "job_templates": [("schedules", "unified_job_template"), ("workflow_job_template_nodes", "unified_job_template")],
    "workflow_job_templates": [("workflow_job_template_nodes", "workflow_job_template")],
}
# The required fields, and what AWX answers for others that were not given.
FIELDS: dict[str, tuple[tuple[str, ...], Object]] = {
    "organizations": (("name",), {}),
    "credential_types": (("name", "kind"), {"managed": False, "inputs": {}, "injectors": {}, "description": ""}),
    "credentials": (("name", "credential_type", "organization"), {"inputs": {}, "description": ""}),
    "execution_environments": (("name", "image"), {"pull": "", "credential": None}),
    "projects": (("name", "organization"), {"scm_type": "", "scm_url": "", "scm_branch": "", "scm_revision": ""}),
    "inventories": (("name", "organization"), {"kind": "", "host_filter": None, "variables": ""}),
    "hosts": (("name", "inventory"), {"enabled": True, "variables": "", "description": ""}),
    "instance_groups": (("name",), {}),
    "job_templates": (("name", "project", "playbook"), {"ask_limit_on_launch": False, "extra_vars": "---"}),
    "workflow_job_templates": (("name",), {"survey_enabled": False, "description": ""}),
    "workflow_job_template_nodes": (
        ("identifier", "workflow_job_template"),
        {"unified_job_template": None, "limit": None, "all_parents_must_converge": False},
    ),
    "workflow_approval_templates": (("name",), {"description": "", "timeout": 0}),
    "schedules": (("name", "rrule", "unified_job_template"), {"enabled": True, "limit": None}),
    "project_updates": ((), {}),
}


class RefusedError(Exception):
    """The request is answered with a status of its own; the argument is the answer's body."""

    def __init__(self, body: object, status: int = 400) -> None:
        super().__init__(body)
        self.body = body
        self.status = status


class Controller:
    """A controller with one organization, "Default", and nothing else in it.

    `playbooks`: what a sync of any project finds; `prefix`: where the API begins; `token`: the only one accepted.
    """

    def __init__(self, playbooks: list[str], token: str, prefix: str = "/api/") -> None:
        self.playbooks = playbooks
        self.token = token
        self.root = f"{prefix}v2/"
        self.requests: list[str] = []
        self.objects: dict[str, dict[int, Object]] = {kind: {} for kind in FIELDS}
        self.associations: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, Object] = {}
        # What AWX would keep encrypted: the inputs of a credential by its name.
        self.secrets: dict[str, Object] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.create("organizations", {"name": "Default"})
        self.create("instance_groups", {"name": "default"})

    def __enter__(self) -> Controller:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # What tests look at

    def names(self, kind: str) -> list[str]:
        return [item.get("name") or item["identifier"] for item in self.objects[kind].values()]

    def one(self, kind: str, name: str) -> Object:
        (found,) = [item for item in self.objects[kind].values() if name in (item.get("name"), item.get("identifier"))]
        return found

    def associated(self, kind: str, name: str, association: str) -> list[str]:
        """Return the names of what is associated with an object, sorted."""
        ids = self.associations.get((self.one(kind, name)["id"], association), [])
        return sorted(item.get("name") or item["identifier"] for item in map(self.any, ids))

    def any(self, number: int) -> Object:
        return next(items[number] for items in self.objects.values() if number in items)

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if not request.startswith("GET ")]

    # The API

    def answer(self, method: str, path: str, query: dict[str, str], body: Object) -> tuple[int, Any]:
        """Return the status and the JSON of an answer."""
        match method, path.removeprefix(self.root).strip("/").split("/"):
            case "GET", ["unified_job_templates"]:
                everything = {number: item for kind in UNIFIED for number, item in self.objects[kind].items()}
                return 200, listing(everything.values(), query)
            case "GET", [kind] if kind in self.objects:
                return 200, listing(self.objects[kind].values(), query)
            case "POST", [kind] if kind in self.objects:
                return 201, self.create(kind, body)
            case "GET", ["unified_job_templates", number]:
                return 200, self.any(int(number))
            case "GET" | "PATCH" | "DELETE", [kind, number] if kind in self.objects:
                return self._object(method, kind, int(number), body)
            case "GET" | "POST", [kind, number, "survey_spec"] if kind in self.objects:
                return self._survey(method, int(number), body)
            case "POST", ["workflow_job_template_nodes", number, "create_approval_template"]:
                approval = self.create("workflow_approval_templates", body)
                self.objects["workflow_job_template_nodes"][int(number)].update(
                    unified_job_template=approval["id"],
                    related={"unified_job_template": f"{self.root}workflow_approval_templates/{approval['id']}/"},
                )
                return 201, approval
            case "GET" | "POST", [kind, number, association] if kind in self.objects:
                return self._association(method, kind, int(number), association, body)
        raise RefusedError({"detail": f"Not found: {method} {path}"}, 404)

    def create(self, kind: str, body: Object) -> Object:
        required, defaults = FIELDS[kind]
        item = {**defaults, **body}
        if missing := [name for name in required if item.get(name) is None]:
            raise RefusedError({name: ["This field is required."] for name in missing})
        self._check(kind, item)
        number = next(self._ids)
        url = f"{self.root}{kind}/{number}/"
        item.update(
            id=number, url=url, type=kind[:-1], related={"survey_spec": f"{url}survey_spec/"}, summary_fields={}
        )
        if kind == "projects":
            update = self.create("project_updates", {"status": "successful"})
            item["summary_fields"] = {"current_update": {"id": update["id"]}}
        if kind == "job_templates":
            item["organization"] = self.objects["projects"][item["project"]]["organization"]
        if kind == "workflow_job_template_nodes":
            item["related"] = {}
        self.objects[kind][number] = item
        return item

    def _object(self, method: str, kind: str, number: int, body: Object) -> tuple[int, Any]:
        if number not in self.objects[kind]:
            raise RefusedError({"detail": "Not found."}, 404)
        if method == "DELETE":
            self._delete(kind, number)
            return 204, None
        item = self.objects[kind][number]
        if method == "PATCH":
            self._check(kind, {**item, **body}, number)
            item.update(body)
        return 200, item

    def _delete(self, kind: str, number: int) -> None:
        for dependents, field in DEPENDENTS.get(kind, []):
            for dependent in [item["id"] for item in self.objects[dependents].values() if item[field] == number]:
                self._delete(dependents, dependent)
        del self.objects[kind][number]
        for ids in self.associations.values():
            if number in ids:
                ids.remove(number)

    def _check(self, kind: str, item: Object, number: int | None = None) -> None:
        for field, kinds in REFERENCES.items():
            if item.get(field) is not None and not any(item[field] in self.objects[each] for each in kinds):
                raise RefusedError({field: [f'Invalid pk "{item[field]}" - object does not exist.']})
        identity = "identifier" if "identifier" in item else "name"
        scope = ("organization", "credential_type", "inventory", "workflow_job_template")
        for other in self.objects[kind].values() if identity in item else []:
            same = all(other.get(field) == item.get(field) for field in (identity, *scope))
            if same and other["id"] != number and kind != "workflow_approval_templates":
                raise RefusedError({"__all__": [f"{kind} with this {identity} already exists."]})
        if kind == "credential_types" and (mistakes := credential_type_mistakes(item)):
            raise RefusedError({"inputs": mistakes})
        if kind == "credentials":
            self._encrypt(item)
        if kind == "job_templates" and item["playbook"] not in self.playbooks:
            raise RefusedError({"playbook": ["Playbook not found for project."]})
        if kind in ("workflow_job_template_nodes", "schedules") and item["limit"]:
            self._check_asked(item, "limit")

    def _encrypt(self, credential: Object) -> None:
        credential_type = self.objects["credential_types"][credential["credential_type"]]
        fields = {field["id"]: field for field in credential_type["inputs"]["fields"]}
        if unknown := set(credential["inputs"]) - set(fields):
            raise RefusedError({"inputs": [f"Additional properties are not allowed: {unknown}"]})
        known = self.secrets.setdefault(credential["name"], {})
        known.update({name: value for name, value in credential["inputs"].items() if value != ENCRYPTED})
        credential["inputs"] = {
            name: ENCRYPTED if fields[name].get("secret") else value for name, value in credential["inputs"].items()
        }

    def _check_asked(self, item: Object, prompt: str) -> None:
        template = self.any(item["unified_job_template"])
        if not template.get(f"ask_{prompt}_on_launch"):
            raise RefusedError({prompt: ["Field is not configured to prompt on launch."]})

    def _survey(self, method: str, number: int, body: Object) -> tuple[int, Any]:
        if method == "POST":
            if mistakes := survey_mistakes(body):
                raise RefusedError({"error": mistakes})
            self.surveys[number] = body
        return 200, self.surveys.get(number, {})

    def _association(self, method: str, kind: str, number: int, association: str, body: Object) -> tuple[int, Any]:
        if number not in self.objects[kind]:
            raise RefusedError({"detail": "Not found."}, 404)
        ids = self.associations.setdefault((number, association), [])
        if method == "GET":
            return 200, listing(map(self.any, ids), {})
        if body.get("disassociate"):
            ids.remove(body["id"])
            return 204, None
        if association == "credentials" and kind in ("workflow_job_template_nodes", "schedules"):
            self._check_asked(self.objects[kind][number], "credential")
        self.any(body["id"])
        ids.append(body["id"])
        return 204, None

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
                            raise RefusedError({"detail": "Authentication credentials were not provided."}, 401)
                        status, answer = controller.answer(self.command, url.path, dict(parse_qsl(url.query)), body)
                    except RefusedError as refused:
                        status, answer = refused.status, refused.body
                    content = b"" if answer is None else json.dumps(answer).encode()
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


def listing(items: Iterable[Object], query: dict[str, str]) -> Object:
    """Return a page with the objects that match a query such as ``{"name": "a"}`` or ``{"or__id": "1"}``."""
    alternatives = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
    conditions = {name: value for name, value in query.items() if not name.startswith("or__")}
    found = [
        item
        for item in items
        if all(str(item[name]) == value for name, value in conditions.items())
        and (not alternatives or any(str(item.get(name)) == value for name, value in alternatives.items()))
    ]
    return {"count": len(found), "next": None, "results": found}
