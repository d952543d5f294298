# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes below /_control by which a running simulator is set up and read. README.md shows them in use."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from .state import Scope, State, Workspace
from .validation import Changes, Settings, explain, read_json

_CHANGES = TypeAdapter(Changes)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class _Call:
    """A request to a control route; `content` is the JSON object in its body, empty when there is no body."""

    state: State
    request: web.Request
    content: dict[str, Any]

    @property
    def workspace(self) -> Workspace:
        """The workspace that the path names. Raises KeyError when there is no such workspace."""
        return self.state.workspaces[self.request.match_info["name"]]

    @property
    def queue(self) -> Scope:
        """Where the faults wait that the path is about: in a workspace, or those for all workspaces."""
        return self.workspace if "name" in self.request.match_info else self.state

    def add_workspace(self) -> dict[str, Any]:
        return self.state.add_workspace(**self.content).describe()

    def change_workspace(self) -> dict[str, Any]:
        self.workspace.change(_CHANGES.validate_python(self.content))
        return self.workspace.describe()

    def change_settings(self) -> dict[str, Any]:
        self.state.settings = Settings(**{**self.state.settings.model_dump(), **self.content})
        return self.state.settings.model_dump()

    def reject_tokens(self) -> dict[str, Any]:
        self.state.reject_tokens(**self.content)
        return {"tokens": sorted(self.state.rejected_tokens)}

    def show_log(self) -> dict[str, Any]:
        named = self.request.query.get("workspace")
        entries = [entry for entry in self.state.log if named in (None, entry["workspace"])]
        return {"requests": len(self.state.log), "connections": self.state.connections, "entries": entries}


#: Status of the response and what makes its content (204: nothing), by verb and path.
_ROUTES: dict[tuple[str, str], tuple[int, Callable[[_Call], object]]] = {
    ("GET", "/workspaces"): (200, lambda call: [each.describe() for each in call.state.workspaces.values()]),
    ("POST", "/workspaces"): (201, _Call.add_workspace),
    ("GET", "/workspaces/{name}"): (200, lambda call: call.workspace.describe()),
    ("PATCH", "/workspaces/{name}"): (200, _Call.change_workspace),
    ("DELETE", "/workspaces/{name}"): (204, lambda call: call.state.workspaces.pop(call.request.match_info["name"])),
    ("GET", "/rejected-tokens"): (200, lambda call: {"tokens": sorted(call.state.rejected_tokens)}),
    ("POST", "/rejected-tokens"): (200, _Call.reject_tokens),
    ("DELETE", "/rejected-tokens"): (204, lambda call: call.state.rejected_tokens.clear()),
    ("GET", "/log"): (200, _Call.show_log),
    ("DELETE", "/log"): (204, lambda call: call.state.clear_log()),
    ("GET", "/settings"): (200, lambda call: call.state.settings.model_dump()),
    ("PATCH", "/settings"): (200, _Call.change_settings),
    ("POST", "/reset"): (204, lambda call: call.state.reset()),
}
for _owner in ("", "/workspaces/{name}"):
    _ROUTES |= {
        ("GET", f"{_owner}/faults"): (200, lambda call: [fault.describe() for fault in call.queue.faults]),
        ("POST", f"{_owner}/faults"): (201, lambda call: call.queue.fault(**call.content).describe()),
        ("DELETE", f"{_owner}/faults"): (204, lambda call: call.queue.clear_faults()),
    }


def _is_trusted(request: web.Request) -> bool:
    """Return whether a request is not from a page of another site in a browser on this machine."""
    hosts, origins = request.headers.getall("Host", []), request.headers.getall("Origin", [])
    return all(re.fullmatch(r"(?i:localhost|127\.0\.0\.1)(:\d+)?", host) for host in hosts) and all(
        origin == f"{request.scheme}://{request.host}" for origin in origins
    )


def control_application(state: State) -> web.Application:
    """Make the application that serves the control routes."""

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        # The control routes need no key and show tokens.
        if not _is_trusted(request):
            message = "the control routes are for this machine only: Host and Origin must name the simulator"
            return web.json_response({"error": message}, status=403)
        try:
            return await handler(request)
        except (TypeError, ValueError) as error:
            return web.json_response({"error": explain(error)}, status=400)
        except KeyError as error:
            return web.json_response({"error": f"there is no {error.args[0]}"}, status=404)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)

    def handler(status: int, act: Callable[[_Call], object]) -> _Handler:
        async def handle(request: web.Request) -> web.Response:
            content = await read_json(request) if request.method in ("POST", "PATCH") and request.can_read_body else {}
            if not isinstance(content, dict):
                raise ValueError("expected a JSON object")
            with state.lock:
                made = act(_Call(state, request, content))
            return web.Response(status=status) if status == 204 else web.json_response(made, status=status)

        return handle

    application = web.Application(middlewares=[guard])
    for (verb, path), (status, act) in _ROUTES.items():
        application.router.add_route(verb, path, handler(status, act))
    return application
