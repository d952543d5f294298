# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responds to HTTP requests by the rules of Cortex and PagerDuty, with the faults that await them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from .faults import Response
from .rules import OPERATIONS, carry_out, list_abilities, rate_limited, read_configuration, refusal
from .state import State, Workspace

_ABILITIES_PATH = "/pagerduty/abilities"

#: The response of a server that is not Cortex: an error that is not in Cortex's shape.
_NOT_CORTEX = b"<html><body><h1>Not Found</h1></body></html>"


@dataclass
class _Call:
    """One request, as far as its response depends on it. `mistake` says what is wrong with its body."""

    operation: str
    secret: str | None
    workspace: Workspace | None
    sent: dict[str, Any] | None
    mistake: str | None


class Api:
    """Responds to the requests to Cortex (below `prefix`) and to PagerDuty (below ``/pagerduty``)."""

    def __init__(self, state: State, prefix: str) -> None:
        self._state = state
        self._prefix = prefix

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Respond to a request, with the fault that awaits it if there is one."""
        path = request.path
        if path == _ABILITIES_PATH:
            verbs = {"GET": "abilities"}
            secret = _credentials(request, "token ", "token=")
            workspace = None
        else:
            is_inside = path.startswith(f"{self._prefix}/")
            path = path.removeprefix(self._prefix) if is_inside else path
            verbs = OPERATIONS.get(path, {}) if is_inside else {}
            secret = _credentials(request, "bearer ", "")
            workspace = self._state.find(secret)
        operation = verbs.get(request.method)
        sent, mistake = await _read_body(request) if operation in ("add", "replace") else (None, None)
        agent = request.headers.get("User-Agent")
        described = {"operation": operation, "method": request.method, "path": path, "user_agent": agent}
        entry = self._state.begin(request.protocol, workspace, sent, described)
        response: Response | None
        if operation is not None:
            response = await self._respond(_Call(operation, secret, workspace, sent, mistake))
        elif verbs:
            response = refusal(405, "METHOD_NOT_ALLOWED", f"{path} is for {', '.join(verbs)}", allow=", ".join(verbs))
        else:
            response = Response(404, _NOT_CORTEX, CIMultiDict({"Content-Type": "text/html"}))
        self._state.end(entry, response.status if response else None)
        return await _send(request, response)

    async def _respond(self, call: _Call) -> Response | None:
        """Return the response to send, None to drop the connection."""
        if call.workspace is not None:
            seconds = call.workspace.seconds_over_limit()
            if seconds is not None:
                return rate_limited(seconds)
        fault, workspace = self._state.take_fault(call.workspace, call.operation)
        if fault is None:
            return self._carry_out(call)
        secrets = _secrets(call)
        normal = self._carry_out(call) if fault.processed else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if normal is None and not fault.replaces_response:
            normal = self._carry_out(call)
        # Before the response goes out: whoever has it must find the second writer's state.
        if fault.afterwards is not None and workspace is not None:
            workspace.configuration = fault.afterwards["configuration"]
        return None if fault.drop else fault.respond(normal, secrets)

    def _carry_out(self, call: _Call) -> Response:
        with self._state.lock:
            if call.operation == "abilities":
                return list_abilities(call.secret, self._state.rejected_tokens)
            if call.workspace is None:
                return refusal(401, "UNAUTHORIZED", "The API key is missing or unknown")
            response, call.workspace.configuration = carry_out(
                call.operation,
                call.workspace.configuration,
                sent=call.sent,
                mistake=call.mistake,
                may_configure=call.workspace.may_configure,
                rejected_tokens=self._state.rejected_tokens,
            )
            return response


def _credentials(request: web.Request, scheme: str, mark: str) -> str | None:
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith(scheme):
        return None
    secret = header[len(scheme) :].strip()
    return secret.removeprefix(mark) if secret.startswith(mark) else None


def _secrets(call: _Call) -> dict[str, str]:
    """Return what replaces the placeholders of a fault, as things are before the request is carried out."""
    if call.operation == "abilities":
        return {"token": call.secret or "", "api_key": ""}
    stored = call.workspace.configuration if call.workspace else None
    token = call.sent["token"] if call.sent else stored["token"] if stored else ""
    return {"token": token, "api_key": call.secret or ""}


async def _read_body(request: web.Request) -> tuple[dict[str, Any] | None, str | None]:
    """Return the ConfigurationRequest of a request, or None and what is wrong with its body."""
    try:
        return read_configuration(request.content_type, await request.read())
    except web.HTTPRequestEntityTooLarge:
        return None, "the body is too large"


async def _send(request: web.Request, response: Response | None) -> web.StreamResponse:
    transport = request.transport
    if response is None:
        if transport is not None:
            transport.abort()
        return web.Response()
    if response.cut_after is None:
        return web.Response(status=response.status, body=response.body, headers=response.headers)
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(response.body)
    await stream.prepare(request)
    await stream.write(response.body[: response.cut_after])
    if transport is not None:
        transport.close()
    return stream
