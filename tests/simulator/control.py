# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes below /_control by which a running simulator is set up and read. README.md shows them in use."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .faults import Fault
from .state import State, Workspace, workspace_arguments

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_application(state: State, connection_number: Callable[[web.Request], int | None]) -> web.Application:
    """Make the application that serves the control routes, to loopback only.

    `connection_number` tells the number of a request's TCP connection.
    """

    @web.middleware
    async def discount(request: web.Request, handler: _Handler) -> web.StreamResponse:
        number = connection_number(request)
        if number is not None:
            state.discount_connection(number, request.secure)
        return await handler(request)

    application = web.Application(middlewares=[discount, _only_loopback, _explain_mistakes])
    control = _Control(state)
    application.add_routes(
        [
            web.get("/workspaces", control.list_workspaces),
            web.post("/workspaces", control.add_workspace),
            web.get("/workspaces/{name}", control.show_workspace),
            web.patch("/workspaces/{name}", control.change_workspace),
            web.delete("/workspaces/{name}", control.remove_workspace),
            web.get("/workspaces/{name}/faults", control.list_faults),
            web.post("/workspaces/{name}/faults", control.add_fault),
            web.delete("/workspaces/{name}/faults", control.clear_faults),
            web.get("/faults", control.list_faults),
            web.post("/faults", control.add_fault),
            web.delete("/faults", control.clear_faults),
            web.get("/rejected-tokens", control.list_rejected_tokens),
            web.post("/rejected-tokens", control.reject_tokens),
            web.delete("/rejected-tokens", control.accept_all_tokens),
            web.get("/log", control.show_log),
            web.delete("/log", control.clear_log),
            web.post("/reset", control.reset),
        ]
    )
    return application


@web.middleware
async def _only_loopback(request: web.Request, handler: _Handler) -> web.StreamResponse:
    # The control routes need no key and show tokens.
    if not ipaddress.ip_address((request.remote or "").partition("%")[0]).is_loopback:
        return web.json_response({"error": "the control routes are for loopback only"}, status=403)
    return await handler(request)


@web.middleware
async def _explain_mistakes(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (TypeError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=400)
    except KeyError as error:
        return web.json_response({"error": f"there is no {error.args[0]}"}, status=404)


class _Control:
    def __init__(self, state: State) -> None:
        self._state = state

    def _workspace(self, request: web.Request) -> Workspace:
        with self._state.lock:
            return self._state.workspaces[request.match_info["name"]]

    def _faults(self, request: web.Request) -> list[Fault]:
        """Return the queue that a request is about: a workspace's or the simulator's."""
        return self._workspace(request).faults if "name" in request.match_info else self._state.faults

    async def list_workspaces(self, request: web.Request) -> web.Response:
        with self._state.lock:
            return web.json_response([_shown(workspace) for workspace in self._state.workspaces.values()])

    async def add_workspace(self, request: web.Request) -> web.Response:
        return web.json_response(
            _shown(self._state.add_workspace(**workspace_arguments(await _object(request)))), status=201
        )

    async def show_workspace(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._workspace(request)))

    async def change_workspace(self, request: web.Request) -> web.Response:
        change = await _object(request)
        if not change.keys() <= {"configuration", "may_configure"}:
            raise ValueError("what can be changed is configuration and may_configure")
        if not isinstance(change.get("may_configure", True), bool):
            raise ValueError("may_configure must be true or false")
        workspace = self._workspace(request)
        with self._state.lock:
            if "configuration" in change:
                workspace.configuration = change["configuration"]
            workspace.may_configure = change.get("may_configure", workspace.may_configure)
        return web.json_response(_shown(workspace))

    async def remove_workspace(self, request: web.Request) -> web.Response:
        self._state.remove_workspace(request.match_info["name"])
        return web.Response(status=204)

    async def list_faults(self, request: web.Request) -> web.Response:
        with self._state.lock:
            return web.json_response([fault.describe() for fault in self._faults(request)])

    async def add_fault(self, request: web.Request) -> web.Response:
        workspace = self._workspace(request) if "name" in request.match_info else None
        fault = self._state.fault(workspace, **await _object(request))
        return web.json_response(fault.describe(), status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        with self._state.lock:
            self._faults(request).clear()
        return web.Response(status=204)

    async def list_rejected_tokens(self, request: web.Request) -> web.Response:
        with self._state.lock:
            return web.json_response({"tokens": sorted(self._state.rejected_tokens)})

    async def reject_tokens(self, request: web.Request) -> web.Response:
        content = await _object(request)
        tokens = content.get("tokens")
        if content.keys() != {"tokens"} or not isinstance(tokens, list) or not all(isinstance(t, str) for t in tokens):
            raise ValueError("expected {tokens: [string, ...]}")
        with self._state.lock:
            self._state.rejected_tokens.update(tokens)
        return await self.list_rejected_tokens(request)

    async def accept_all_tokens(self, request: web.Request) -> web.Response:
        with self._state.lock:
            self._state.rejected_tokens.clear()
        return web.Response(status=204)

    async def show_log(self, request: web.Request) -> web.Response:
        with self._state.lock:
            return web.json_response({**self._state.totals, "entries": self._state.log(request.query.get("workspace"))})

    async def clear_log(self, request: web.Request) -> web.Response:
        self._state.clear_log()
        return web.Response(status=204)

    async def reset(self, request: web.Request) -> web.Response:
        self._state.reset()
        return web.Response(status=204)


def _shown(workspace: Workspace) -> dict[str, Any]:
    return {
        "name": workspace.name,
        "configuration": workspace.configuration,
        "may_configure": workspace.may_configure,
        "faults": [fault.describe() for fault in workspace.faults],
    }


async def _object(request: web.Request) -> dict[str, Any]:
    content = await request.json()
    if not isinstance(content, dict):
        raise ValueError("expected a JSON object")
    return content
