# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Cortex and PagerDuty answer. Source: cortex-pagerduty.openapi.yaml beside this file."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from .faults import Answer
from .state import State, Workspace, last_four

_BASE = "/api/v1/pagerduty"
_OPERATIONS = {
    f"{_BASE}/default-configuration": {"GET": "get"},
    f"{_BASE}/configuration": {"POST": "add", "PUT": "replace"},
    f"{_BASE}/configuration/validate": {"POST": "validate"},
    f"{_BASE}/configurations": {"DELETE": "delete"},
}
_ABILITIES_PATH = "/pagerduty/abilities"
_ABILITIES = ["sso", "advanced_reports", "teams", "read_only_users", "urgencies", "service_support_hours"]

#: What a server that is not Cortex answers: an error that is not in Cortex's shape.
_NOT_CORTEX = b"<html><body><h1>Not Found</h1></body></html>"


@dataclass
class _Call:
    """One request, as far as its answer depends on it. `mistake` says what is wrong with its body."""

    operation: str
    secret: str | None
    workspace: Workspace | None
    sent: dict[str, Any] | None = None
    mistake: str | None = None


class Api:
    """Answers the requests to Cortex (below `prefix`) and to PagerDuty (below ``/pagerduty``).

    `connection_number` tells the number of a request's TCP connection.
    """

    def __init__(self, state: State, prefix: str, connection_number: Callable[[web.Request], int | None]) -> None:
        self._state = state
        self._prefix = prefix
        self._connection_number = connection_number

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, with the fault that awaits it if there is one."""
        connection = self._connection_number(request)
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
        sent, mistake = await _read_body(request) if operation in ("add", "replace") else (None, None)
        entry = self._state.begin(
            workspace, operation, request.method, path, connection, request.headers.get("User-Agent"), sent
        )
        answer: Answer | None
        if operation is not None:
            answer = await self._answer(_Call(operation, secret, workspace, sent, mistake))
        elif verbs:
            answer = _refusal(
                405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed here", allow=", ".join(verbs)
            )
        else:
            answer = Answer(404, _NOT_CORTEX, CIMultiDict({"Content-Type": "text/html"}))
        self._state.end(entry, answer.status if answer else None)
        return await _send(request, answer)

    async def _answer(self, call: _Call) -> Answer | None:
        """Return the answer to send, None to drop the connection."""
        if call.workspace is not None:
            seconds = call.workspace.seconds_over_limit()
            if seconds is not None:
                return _rate_limited(seconds)
        fault, workspace = self._state.take_fault(call.workspace, call.operation)
        if fault is None:
            return self._carry_out(call)
        secrets = _secrets(call)
        normal = self._carry_out(call) if fault.processed else None
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if normal is None and not fault.replaces_answer:
            normal = self._carry_out(call)
        # Before the answer goes out: whoever has it must find the second writer's state.
        if fault.afterwards is not None and workspace is not None:
            workspace.configuration = fault.afterwards["configuration"]
        return None if fault.drop else fault.answer(normal, secrets)

    def _carry_out(self, call: _Call) -> Answer:
        with self._state.lock:
            if call.operation == "abilities":
                return self._abilities(call.secret)
            if call.workspace is None:
                return _refusal(401, "UNAUTHORIZED", "The API key is missing or unknown")
            if call.operation == "get":
                return _get(call.workspace)
            if call.operation == "validate":
                return self._validate(call.workspace)
            if not call.workspace.may_configure:
                return _refusal(403, "FORBIDDEN", "The API key lacks the permission Configure integrations")
            if call.operation == "delete":
                call.workspace.configuration = None
                return Answer.json(200, {"configurations": []})
            return _write(call, call.workspace)

    def _abilities(self, token: str | None) -> Answer:
        if not token or token in self._state.rejected_tokens:
            message = "Caller did not supply credentials or did not provide the correct credentials."
            return Answer.json(401, {"error": {"message": message}})
        return Answer.json(200, {"abilities": _ABILITIES})

    def _validate(self, workspace: Workspace) -> Answer:
        stored = workspace.configuration
        if stored is None:
            return _no_configuration()
        verdict: dict[str, Any] = {"isValid": stored["token"] not in self._state.rejected_tokens}
        if not verdict["isValid"]:
            verdict["message"] = "PagerDuty does not accept the token"
        return Answer.json(200, {"configurations": [verdict]})


def _get(workspace: Workspace) -> Answer:
    stored = workspace.configuration
    return _no_configuration() if stored is None else Answer.json(200, _public(stored))


def _write(call: _Call, workspace: Workspace) -> Answer:
    if call.sent is None:
        return _refusal(400, "BAD_REQUEST", "The request body is not a configuration", call.mistake)
    if call.operation == "add" and workspace.configuration is not None:
        return _refusal(400, "BAD_REQUEST", "A PagerDuty configuration exists already")
    stored = {"token": call.sent["token"], "is_token_readonly": call.sent["isTokenReadonly"]}
    workspace.configuration = stored
    return Answer.json(200, {"configurations": [_public(stored)]})


def _public(stored: dict[str, Any]) -> dict[str, Any]:
    return {"isTokenReadonly": stored["is_token_readonly"], "lastFour": last_four(stored["token"])}


def _refusal(status: int, kind: str, message: str, details: str | None = None, **headers: str) -> Answer:
    error = {"type": kind, "message": message, "requestId": str(uuid.uuid4()), "httpStatus": status}
    if details is not None:
        error["details"] = details
    return Answer.json(status, error, **headers)


def _no_configuration() -> Answer:
    return _refusal(404, "NOT_FOUND", "There is no PagerDuty configuration")


def _rate_limited(seconds: int) -> Answer:
    problem = {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "The rate limit of requests a minute is used up",
        "violations": [],
    }
    return Answer.json(429, problem, "application/problem+json", Retry_After=str(seconds))


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
    if request.content_type != "application/json":
        return None, "Content-Type: expected application/json"
    try:
        value = json.loads((await request.read()).decode(), parse_constant=_refuse_constant)
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


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _send(request: web.Request, answer: Answer | None) -> web.StreamResponse:
    transport = request.transport
    if answer is None:
        if transport is not None:
            transport.abort()
        return web.Response()
    if answer.cut_after is None:
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: answer.cut_after])
    if transport is not None:
        transport.close()
    return response
