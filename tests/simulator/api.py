# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responds to HTTP requests by the rules of Cortex and PagerDuty, with the faults that await them.

The source of the rules is cortex-pagerduty.openapi.yaml beside this.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from .faults import Response
from .state import State, Workspace
from .validation import ConfigurationRequest, explain, read_json

_BASE = "/api/v1/pagerduty"
#: Cortex's operations by path and method.
_OPERATIONS = {
    f"{_BASE}/default-configuration": {"GET": "get"},
    f"{_BASE}/configuration": {"POST": "add", "PUT": "replace"},
    f"{_BASE}/configuration/validate": {"POST": "validate"},
    f"{_BASE}/configurations": {"DELETE": "delete"},
}
_ABILITIES_PATH = "/pagerduty/abilities"
#: The deviations by which Cortex misses a configuration that it otherwise does not need.
_MISSING = {"replace": "put-refuses-to-create", "delete": "delete-404"}
_HTML = CIMultiDict({"Content-Type": "text/html"})
#: The response of a server that is not Cortex: an error that is not in Cortex's shape.
_NOT_CORTEX = Response(404, b"<html><body><h1>Not Found</h1></body></html>", _HTML)
#: What a gateway may say to an unknown API key before Cortex does, by the deviation.
_UNAUTHORIZED = {
    "401-empty": Response(401),
    "401-html": Response(401, b"<html><body><h1>Unauthorized</h1></body></html>", _HTML),
    "401-problem": Response.problem(401, "Unauthorized"),
}


@dataclass
class _Call:
    """One request, as far as its response depends on it. `mistake` names the fault of its body."""

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
            secret = _credentials(request, r"token\s+token=")
            workspace = None
        else:
            is_inside = path.startswith(f"{self._prefix}/")
            path = path.removeprefix(self._prefix) if is_inside else path
            verbs = _OPERATIONS.get(path, {}) if is_inside else {}
            secret = _credentials(request, r"bearer\s+")
            workspace = self._state.find(secret)
        operation = verbs.get(request.method)
        sent, mistake = await _read_configuration(request) if operation in ("add", "replace") else (None, None)
        agent = request.headers.get("User-Agent")
        described = {"operation": operation, "method": request.method, "path": path, "user_agent": agent}
        entry = self._state.begin(request.protocol, workspace, sent, described)
        if self._state.settings.latency:
            await asyncio.sleep(self._state.settings.latency)
        response: Response | None = _NOT_CORTEX
        if operation is not None:
            response = await self._respond(_Call(operation, secret, workspace, sent, mistake))
        elif verbs:
            allowed = ", ".join(verbs)
            response = self._refuse(405, "UNCATEGORIZED", f"{path} is for {allowed}", allow=allowed)
        self._state.end(entry, response.status if response else None)
        return await _send(request, response)

    async def _respond(self, call: _Call) -> Response | None:
        """Return the response to send, None to drop the connection."""
        limits, response = self._count(call)
        if response is None:
            response = await self._respond_within_limits(call)
        if response is not None:
            for name, value in limits.items():
                response.headers.setdefault(name, value)
        return response

    def _count(self, call: _Call) -> tuple[dict[str, str], Response | None]:
        """Return the headers that tell of a rate limit, and the response to a request that exceeds it."""
        settings = self._state.settings
        if call.operation == "abilities" and settings.pagerduty_rate_limit and call.secret:
            limit = settings.pagerduty_rate_limit
            left, seconds = self._state.count_request("PagerDuty", call.secret, limit)
            values = {"limit": limit, "remaining": max(left, 0), "reset": seconds}
            headers = {f"ratelimit-{name}": str(value) for name, value in values.items()}
            excess = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}
            return headers, Response.json(429, excess) if left < 0 else None
        if call.workspace and settings.rate_limit:
            left, seconds = self._state.count_request("Cortex", call.workspace.api_key, settings.rate_limit)
            if left < 0:
                problem = Response.problem(429, "Too Many Requests", retryAfter=seconds)
                return {"Retry-After": str(seconds)}, problem
        return {}, None

    async def _respond_within_limits(self, call: _Call) -> Response | None:
        fault, workspace = self._state.take_fault(call.workspace, call.operation)
        if fault is None:
            return self._carry_out(call)
        secrets = _secrets(call)
        normal = self._carry_out(call) if fault.processed else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if normal is None and not fault.replaces_response:
            normal = self._carry_out(call)
        # Before the response goes out: a client that has it must find the second writer's state.
        if fault.afterwards is not None and workspace is not None:
            workspace.change(fault.afterwards)
        return None if fault.drop else fault.respond(normal, secrets)

    def _carry_out(self, call: _Call) -> Response:
        """Carry out a request, and return the normal response."""
        if call.operation == "abilities":
            return self._list_abilities(call.secret)
        deviations = self._state.settings.deviations
        if call.workspace is None:
            shapes = [_UNAUTHORIZED[name] for name in deviations if name in _UNAUTHORIZED]
            return (shapes or [self._refuse(401, "INTEGRATION_UNAUTHORIZED", "The API key is missing or unknown")])[0]
        with self._state.lock:
            stored = call.workspace.configuration
            if call.operation in ("get", "validate"):
                if stored is None:
                    return self._refuse(404, "NOT_FOUND", "No configuration")
                is_valid = stored["token"] not in self._state.rejected_tokens
                return Response.json(200, _public(stored) if call.operation == "get" else _verdict(is_valid))
            if not call.workspace.may_configure:
                return self._refuse(403, "FORBIDDEN", "The API key lacks the permission Configure integrations")
            if stored is None and _MISSING.get(call.operation) in deviations:
                return self._refuse(404, "NOT_FOUND", "No configuration")
            if call.operation == "delete":
                call.workspace.configuration = None
                return Response(204) if "delete-204" in deviations else Response.json(200, {"configurations": []})
            if call.sent is None:
                return self._refuse(400, "BAD_REQUEST", "The request body is not a configuration", call.mistake)
            if call.operation == "add" and stored is not None and "post-replaces" not in deviations:
                return self._refuse(400, "BAD_REQUEST", "pagerduty configuration already exists")
            call.workspace.configuration = call.sent
            return Response.json(200, {"configurations": [_public(call.sent)]})

    def _list_abilities(self, token: str | None) -> Response:
        """Return how PagerDuty responds to whoever asks with a token."""
        if token and token not in self._state.rejected_tokens:
            return Response.json(200, {"abilities": ["sso", "teams", "urgencies", "service_support_hours"]})
        message = "Caller did not supply credentials or did not provide the correct credentials."
        return Response.json(401, {"error": {"message": message}})

    def _refuse(self, status: int, kind: str, message: str, details: str | None = None, **headers: str) -> Response:
        """Return an error in Cortex's form, or as the vendor's own fake of Cortex has it."""
        error: dict[str, Any] = {"message": message}
        if "errors-without-type" not in self._state.settings.deviations:
            error |= {"type": kind, "requestId": str(uuid.uuid4()), "httpStatus": status}
            error |= {"details": details} if details else {}
        return Response.json(status, error, **headers)


def _public(stored: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as Cortex shows it: the last four characters of a token, all of a shorter one."""
    return {"isTokenReadonly": stored["is_token_readonly"], "lastFour": stored["token"][-4:]}


def _verdict(is_valid: bool) -> dict[str, Any]:
    rejection = {} if is_valid else {"message": "PagerDuty does not accept the token"}
    return {"configurations": [{"isValid": is_valid, **rejection}]}


def _credentials(request: web.Request, scheme: str) -> str | None:
    found = re.fullmatch(f"(?is:{scheme}(.*?)\\s*)", request.headers.get("Authorization", ""))
    return found and found[1]


def _secrets(call: _Call) -> dict[str, str]:
    """Return the values for the placeholders of a fault, from the state before the request is carried out."""
    if call.operation == "abilities":
        return {"token": call.secret or "", "api_key": ""}
    stored = call.workspace.configuration if call.workspace else None
    token = call.sent["token"] if call.sent else stored["token"] if stored else ""
    return {"token": token, "api_key": call.secret or ""}


async def _read_configuration(request: web.Request) -> tuple[dict[str, Any] | None, str | None]:
    """Return the configuration in the body of a request, or None and the fault of the body."""
    if request.content_type != "application/json":
        return None, "Content-Type: expected application/json"
    try:
        sent = ConfigurationRequest.model_validate(await read_json(request))
    except ValueError as error:
        return None, explain(error)
    return {"token": sent.token, "is_token_readonly": sent.isTokenReadonly}, None


async def _send(request: web.Request, response: Response | None) -> web.StreamResponse:
    transport = request.transport
    if response is None:
        if transport is not None:
            transport.abort()
        return web.Response()
    if response.cut_after is None:
        return web.Response(status=response.status, body=response.body, headers=response.headers.copy())
    stream = web.StreamResponse(status=response.status, headers=response.headers.copy())
    stream.content_length = len(response.body)
    await stream.prepare(request)
    await stream.write(response.body[: response.cut_after])
    if transport is not None:
        transport.close()
    return stream
