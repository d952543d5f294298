"""A stand-in for the REST API of AWX 24.6.1, as far as the role and the modules of awx.awx use it.

It stores what it is given, lists it page by page, and has only those rules of AWX that the order or the scope of a
request can break. The graph of a workflow can be looked at after each write.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.support.servers import listening

Object = dict[str, Any]

ENCRYPTED = "$encrypted$"
PAGE = 3
NODES, APPROVALS = "workflow_job_template_nodes", "workflow_approval_templates"
UNIFIED = ("projects", "job_templates", "workflow_job_templates", APPROVALS)
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
BLANK = ("limit", "job_tags", "skip_tags", "start_at_task")
# What AWX creates or deletes in one request.
BULK = 100
# Below the API's own path, and below that of the gateway of Ansible Automation Platform.
ROOT = re.compile("/api/(?:controller/)?v2/")


# What an object of each kind has that was made without it.
KINDS: dict[str, Object] = {
    **{kind: {} for kind in ("organizations", "instance_groups", "notification_templates")},
    "credential_types": {"managed": False, "inputs": {}, "injectors": {}},
    "credentials": {"organization": None, "inputs": {}},
    "execution_environments": {"organization": None, "pull": "", "credential": None},
    "projects": {"organization": None, "scm_url": "", "scm_branch": "", "scm_revision": ""},
    "project_updates": {"status": "successful"},
    "inventories": {"organization": None, "kind": "", "variables": "", "pending_deletion": False},
    "hosts": {"enabled": True, "variables": ""},
    "groups": {"variables": ""},
    "job_templates": {"extra_vars": "---", "job_type": "run", "status": "never updated", **dict.fromkeys(BLANK, "")},
    "workflow_job_templates": {"organization": None, "survey_enabled": False, "status": "never updated"},
    NODES: {"unified_job_template": None, "extra_data": {}, **dict.fromkeys(BLANK)},
    APPROVALS: {"timeout": 0},
    "schedules": {"enabled": True},
}
# The lists below an object: of which kind they are, and by which of its fields.
SUBLISTS = {
    ("credential_types", "credentials"): ("credentials", "credential_type"),
    ("inventories", "hosts"): ("hosts", "inventory"),
    ("inventories", "groups"): ("groups", "inventory"),
    ("job_templates", "schedules"): ("schedules", "unified_job_template"),
    ("organizations", "credentials"): ("credentials", "organization"),
    ("workflow_job_templates", "workflow_nodes"): (NODES, "workflow_job_template"),
}


class RejectedError(Exception):
    """The response has a status of its own: the arguments are this and its body."""


class Controller:
    """A controller with the organization "Default", the type "Vault", and nothing else in it.

    `url`: where it listens, while `running`; `after_write`: what to call after each request that is not a GET.
    A copy has all that is on it.
    """

    def __init__(self) -> None:
        self.url = ""
        self.after_write: Callable[[], None] = lambda: None
        self.requests: list[str] = []
        self.objects: dict[str, dict[int, Object]] = {kind: {} for kind in KINDS}
        self.associations: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, Object] = {}
        # What AWX keeps encrypted: the inputs of a credential by its id.
        self.secrets: dict[int, Object] = {}
        self._last_id = 0
        self.create("organizations", {"name": "Default"})
        self.create("instance_groups", {"name": "default"})
        fields = [{"id": "vault_password", "label": "Vault Password", "type": "string", "secret": True}]
        vault = {"name": "Vault", "kind": "vault", "managed": True, "inputs": {"fields": fields}}
        self.create("credential_types", vault)

    @contextlib.contextmanager
    def running(self) -> Iterator[Controller]:
        with listening(functools.partial(_Handler, self)) as self.url:
            yield self

    # What tests look at

    def names(self, kind: str) -> list[str]:
        return sorted(item["name"] for item in self.objects[kind].values())

    def one(self, kind: str, name: str, organization: str = "Default") -> Object:
        """Return the object of a name; where the kind belongs to organizations, that of `organization`."""
        found = [item for item in self.objects[kind].values() if item["name"] == name]
        if any("organization" in item for item in found):
            number = self.one("organizations", organization)["id"]
            found = [item for item in found if item["organization"] == number]
        (item,) = found
        return item

    def any(self, number: int) -> Object:
        return next(items[number] for items in self.objects.values() if number in items)

    def linked(self, item: Object, association: str) -> list[Object]:
        """Return what is associated with an object."""
        return list(map(self.any, self._linked(item["id"], association)))

    def nodes(self, workflow: Object) -> dict[str, Object]:
        """Return the nodes of a workflow by their identifiers."""
        nodes = self.objects[NODES].values()
        return {node["identifier"]: node for node in nodes if node["workflow_job_template"] == workflow["id"]}

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if not request.startswith("GET ")]

    # The API

    def respond(self, method: str, url: str, query: dict[str, str], body: Object) -> tuple[int, Any]:
        """Return the status and the JSON of a response."""
        match method, ROOT.sub("", url).strip("/").split("/"):
            case "GET", ["unified_job_templates"]:
                return 200, self._list(UNIFIED, query, url)
            case "GET", ["unified_jobs"]:
                states, ids = (query[f"{name}__in"].split(",") for name in ("status", "unified_job_template"))
                items = [item for kind in UNIFIED for item in self.objects[kind].values() if str(item["id"]) in ids]
                jobs = [{"unified_job_template": item["id"]} for item in items if item.get("status") in states]
                return 200, {"count": len(jobs), "next": None, "results": jobs}
            case "POST", [_nodes, number, "create_approval_template"]:
                approval = self.create(APPROVALS, body)
                self.any(int(number))["unified_job_template"] = approval["id"]
                return 201, self._represent(APPROVALS, approval, url)
            case "POST", ["bulk", task]:
                return 201, self._bulk(task, body["hosts"], body.get("inventory"))
            case "GET", [kind] if kind in KINDS:
                return 200, self._list((kind,), query, url)
            case "POST", [kind] if kind in KINDS:
                return 201, self._represent(kind, self.create(kind, body), url)
            case "GET", [kind, number, sublist] if (kind, sublist) in SUBLISTS:
                listed, field = SUBLISTS[kind, sublist]
                return 200, self._list((listed,), {**query, field: number}, url)
            case method, [kind, number, *below] if int(number) in self.objects.get(kind, {}):
                return self._object(method, kind, self.objects[kind][int(number)], "".join(below), body, url)
        raise RejectedError(404, {"detail": f"Not found: {method} {url}"})

    def _bulk(self, task: str, hosts: list[Any], inventory: int | None) -> Object:
        if task == "host_delete":
            for host in hosts:
                self.delete("hosts", host)
            return {}
        names = [host["name"] for host in self.objects["hosts"].values() if host["inventory"] == inventory]
        names += [host["name"] for host in hosts]
        if len(hosts) > BULK or len(names) > len(set(names)):
            raise RejectedError(400, {"__all__": ["Hostnames must be unique, and not too many."]})
        return {"hosts": [self.create("hosts", {**host, "inventory": inventory}) for host in hosts]}

    def create(self, kind: str, body: Object) -> Object:
        self._last_id += 1
        item = {"name": body.get("identifier"), "description": "", **KINDS[kind], **body}
        item |= {"id": self._last_id, "type": kind.removesuffix("s")}
        if kind == "job_templates":
            item["organization"] = self.any(item["project"])["organization"]
        self._encrypt(kind, item)
        self.objects[kind][item["id"]] = item
        if kind == "projects":
            item["current_update"] = self.create("project_updates", {})["id"]
        return item

    def delete(self, kind: str, number: int) -> None:
        """Remove an object, and its hosts, schedules or nodes."""
        for (parent, _sublist), (dependents, field) in SUBLISTS.items():
            if parent == kind and dependents != "credentials":
                for each in [each for each, item in self.objects[dependents].items() if item[field] == number]:
                    self.delete(dependents, each)
        if self.objects[kind][number].get("status") in ("pending", "waiting", "running"):
            raise RejectedError(409, {"error": "Resource is being used by running jobs."})
        template = self.objects[kind].pop(number).get("unified_job_template")
        if kind == NODES and template in self.objects[APPROVALS]:
            del self.objects[APPROVALS][template]
        for node in self.objects[NODES].values():
            if node["unified_job_template"] == number:
                node["unified_job_template"] = None
        for ids in self.associations.values():
            if number in ids:
                ids.remove(number)

    def _object(self, method: str, kind: str, item: Object, below: str, body: Object, url: str) -> tuple[int, Any]:
        """Return the response to a request for an object, its survey or its associations."""
        match method, below:
            case "GET", "":
                return 200, self._represent(kind, item, url)
            case "PATCH", "":
                item |= body
                self._encrypt(kind, item)
                return 200, self._represent(kind, item, url)
            case "DELETE", "" if kind == "inventories":
                # AWX does this in the background; here it is gone after it was listed once more.
                item["pending_deletion"] = True
                return 202, None
            case "DELETE", "":
                self.delete(kind, item["id"])
            case "GET", "survey_spec":
                return 200, self.surveys.get(item["id"], {})
            case "POST", "survey_spec":
                self.surveys[item["id"]] = body
                return 200, body
            case "GET", _:
                items = self.linked(item, below)
                return 200, {"count": len(items), "next": None, "results": items}
            case "POST", _ if body.get("disassociate"):
                self._linked(item["id"], below).remove(body["id"])
            case "POST", _:
                self._linked(item["id"], below).append(body["id"])
        return 204, None

    def _represent(self, kind: str, item: Object, url: str) -> Object:
        """Return an object with what AWX adds to it, with URLs below the path that was asked for."""
        (root,) = re.findall(f"^{ROOT.pattern}", url)
        own = f"{root}{kind}/{item['id']}/"
        summary: Object = {}
        related = {"survey_spec": f"{own}survey_spec/"}
        # While it lasts: here, until the response to the request that has started it.
        if update := item.pop("current_update", None):
            summary["current_update"] = {"id": update}
        shown = {**item, "url": own, "related": related, "summary_fields": summary}
        if item.get("organization"):
            summary["organization"] = {"name": self.any(item["organization"])["name"]}
        if kind == "credential_types":
            summary["user_capabilities"] = {"delete": not item["managed"]}
        if kind == NODES:
            shown |= {link: list(self._linked(item["id"], link)) for link in LINKS}
            if number := item["unified_job_template"]:
                (of,) = [each for each in UNIFIED if number in self.objects[each]]
                job_type = "workflow_approval" if of == APPROVALS else "job"
                summary["unified_job_template"] = {"name": self.any(number)["name"], "unified_job_type": job_type}
                related["unified_job_template"] = f"{root}{of}/{number}/"
        return shown

    def _list(self, kinds: tuple[str, ...], query: dict[str, str], url: str) -> Object:
        """Return a page of the objects that match a query such as ``{"name": "a"}`` or ``{"or__id": "1"}``.

        A page has few objects whatever size is asked for, so a client that reads only the first one is noticed.
        """
        criteria = {name: value for name, value in query.items() if name not in ("page", "page_size")}
        items = [(kind, item) for kind in kinds for item in self.objects[kind].values() if matches(item, criteria)]
        start = (int(query.get("page", 1)) - 1) * PAGE
        shown = [self._represent(kind, item, url) for kind, item in items[start : start + PAGE]]
        for kind, item in items:
            if item.get("pending_deletion"):
                self.delete(kind, item["id"])
        following = f"{url}?{urlencode({**query, 'page': start // PAGE + 2})}"
        return {"count": len(items), "next": following if start + PAGE < len(items) else None, "results": shown}

    def _encrypt(self, kind: str, credential: Object) -> None:
        if kind != "credentials":
            return
        fields = self.objects["credential_types"][credential["credential_type"]]["inputs"]["fields"]
        secret = {field["id"]: bool(field.get("secret")) for field in fields}
        old = self.secrets.get(credential["id"], {})
        given = {name: old[name] if value == ENCRYPTED else value for name, value in credential["inputs"].items()}
        # A blank secret is dropped.
        given = {name: value for name, value in given.items() if value or not secret[name]}
        self.secrets[credential["id"]] = given
        credential["inputs"] = {name: ENCRYPTED if secret[name] else value for name, value in given.items()}

    def _linked(self, number: int, association: str) -> list[int]:
        return self.associations.setdefault((number, association), [])


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, controller: Controller, *arguments: Any) -> None:
        self.controller = controller
        super().__init__(*arguments)

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self.controller.requests.append(f"{self.command} {url.path}")
        try:
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            status, value = self.controller.respond(self.command, url.path, query, body)
        except RejectedError as rejected:
            status, value = rejected.args
        if self.command != "GET":
            self.controller.after_write()
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_request  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Say nothing: the requests are in the controller's list."""


def matches(item: Object, query: dict[str, str]) -> bool:
    """Return whether all criteria are met, and one of the alternatives, whose names begin with "or__"."""
    alternatives = [str(item.get(name[4:])) == value for name, value in query.items() if name.startswith("or__")]
    needed = [str(item.get(name)) == value for name, value in query.items() if not name.startswith("or__")]
    return all(needed) and any(alternatives or [True])
