# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responds to HTTP requests by the rules of Cortex and PagerDuty, with the faults that await them.

The source of the rules is cortex-pagerduty.openapi.yaml beside this.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from .faults import Response
from .state import State, Workspace

_BASE = "/api/v1/pagerduty"
#: Cortex's operations by path and method.
_OPERATIONS = {
    f"{_BASE}/default-configuration": {"GET": "get"},
    f"{_BASE}/configuration": {"POST": "add", "PUT": "replace"},
    f"{_BASE}/configuration/validate": {"POST": "validate"},
    f"{_BASE}/configurations": {"DELETE": "delete"},
}
_ABILITIES_PATH = "/pagerduty/abilities"
_ABILITIES = ["sso", "advanced_reports", "teams", "read_only_users", "urgencies", "service_support_hours"]
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
            verbs = _OPERATIONS.get(path, {}) if is_inside else {}
            secret = _credentials(request, "bearer ", "")
            workspace = self._state.find(secret)
        operation = verbs.get(request.method)
        sent, mistake = await _read_configuration(request) if operation in ("add", "replace") else (None, None)
        agent = request.headers.get("User-Agent")
        described = {"operation": operation, "method": request.method, "path": path, "user_agent": agent}
        entry = self._state.begin(request.protocol, workspace, sent, described)
        response: Response | None
        if operation is not None:
            response = await self._respond(_Call(operation, secret, workspace, sent, mistake))
        elif verbs:
            response = _refusal(405, "METHOD_NOT_ALLOWED", f"{path} is for {', '.join(verbs)}", allow=", ".join(verbs))
        else:
            response = Response(404, _NOT_CORTEX, CIMultiDict({"Content-Type": "text/html"}))
        self._state.end(entry, response.status if response else None)
        return await _send(request, response)

    async def _respond(self, call: _Call) -> Response | None:
        """Return the response to send, None to drop the connection."""
        if call.workspace is not None:
            seconds = call.workspace.seconds_over_limit()
            if seconds is not None:
                problem = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "violations": []}
                problem["detail"] = "The rate limit of requests a minute is used up"
                return Response.json(429, problem, "application/problem+json", Retry_After=str(seconds))
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
        """Do what a request asks for, and return the normal response."""
        if call.operation == "abilities":
            return _list_abilities(call.secret, self._state.rejected_tokens)
        if call.workspace is None:
            return _refusal(401, "UNAUTHORIZED", "The API key is missing or unknown")
        with self._state.lock:
            stored = call.workspace.configuration
            if call.operation in ("get", "validate"):
                if stored is None:
                    return _refusal(404, "NOT_FOUND", "There is no PagerDuty configuration")
                is_valid = stored["token"] not in self._state.rejected_tokens
                return Response.json(200, _public(stored) if call.operation == "get" else _verdict(is_valid))
            if not call.workspace.may_configure:
                return _refusal(403, "FORBIDDEN", "The API key lacks the permission Configure integrations")
            if call.operation == "delete":
                call.workspace.configuration = None
                return Response.json(200, {"configurations": []})
            if call.sent is None:
                return _refusal(400, "BAD_REQUEST", "The request body is not a configuration", call.mistake)
            if call.operation == "add" and stored is not None:
                return _refusal(400, "BAD_REQUEST", "A PagerDuty configuration exists already")
            written = {"token": call.sent["token"], "is_token_readonly": call.sent["isTokenReadonly"]}
            call.workspace.configuration = written
            return Response.json(200, {"configurations": [_public(written)]})


def _list_abilities(token: str | None, rejected_tokens: Collection[str]) -> Response:
    """Return how PagerDuty responds to whoever asks with a token."""
    if not token or token in rejected_tokens:
        message = "Caller did not supply credentials or did not provide the correct credentials."
        return Response.json(401, {"error": {"message": message}})
    return Response.json(200, {"abilities": _ABILITIES})


def _public(stored: dict[str, Any]) -> dict[str, Any]:
    """Return what Cortex shows of a configuration: of a token the last four characters, all of a shorter one."""
    return {"isTokenReadonly": stored["is_token_readonly"], "lastFour": stored["token"][-4:]}


def _verdict(is_valid: bool) -> dict[str, Any]:
    rejection = {} if is_valid else {"message": "PagerDuty does not accept the token"}
    return {"configurations": [{"isValid": is_valid, **rejection}]}


def _refusal(status: int, kind: str, message: str, details: str | None = None, **headers: str) -> Response:
    """Return an error in Cortex's form."""
    error = {"type": kind, "message": message, "requestId": str(uuid.uuid4()), "httpStatus": status}
    return Response.json(status, error | ({"details": details} if details else {}), **headers)


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


async def _read_configuration(request: web.Request) -> tuple[dict[str, Any] | None, str | None]:
    """Return the ConfigurationRequest in the body of a request, or None and what is wrong with the body."""
    if request.content_type != "application/json":
        return None, "Content-Type: expected application/json"
    try:
        value = json.loads((await request.read()).decode(), parse_constant=int)  # which refuses NaN, as JSON does
    except web.HTTPRequestEntityTooLarge:
        return None, "the body is too large"
    except (ValueError, RecursionError):
        return None, "the body is not JSON"
    if not isinstance(value, dict):
        return None, "expected an object"
    for name, kind in (("isTokenReadonly", bool), ("token", str)):
        if not isinstance(value.get(name), kind):
            return None, f"{name}: expected a {'boolean' if kind is bool else 'string'}"
    return value, None


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
