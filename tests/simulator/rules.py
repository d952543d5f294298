# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each operation does to a workspace, and the response. Source: cortex-pagerduty.openapi.yaml beside this.

Nothing here listens, waits or remembers: the simulator's server uses it, and so does the walk in tests/unit/walk.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from typing import Any

from .faults import Response

_BASE = "/api/v1/pagerduty"
#: By path and method.
OPERATIONS = {
    f"{_BASE}/default-configuration": {"GET": "get"},
    f"{_BASE}/configuration": {"POST": "add", "PUT": "replace"},
    f"{_BASE}/configuration/validate": {"POST": "validate"},
    f"{_BASE}/configurations": {"DELETE": "delete"},
}

#: A stored configuration, as {"token": str, "is_token_readonly": bool}; None: there is none.
Stored = dict[str, Any] | None

_ABILITIES = ["sso", "advanced_reports", "teams", "read_only_users", "urgencies", "service_support_hours"]


def last_four(token: str) -> str:
    """Return what the API shows of a token: its last four characters, all of a shorter one."""
    return token[-4:]


def read_configuration(content_type: str, body: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """Return the ConfigurationRequest that a body contains, or None and what is wrong with it."""
    if content_type != "application/json":
        return None, "Content-Type: expected application/json"
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None, "the body is not JSON"
    if not isinstance(value, dict):
        return None, "expected an object"
    for name, kind in (("isTokenReadonly", bool), ("token", str)):
        if not isinstance(value.get(name), kind):
            return None, f"{name}: expected a {'boolean' if kind is bool else 'string'}"
    return value, None


def carry_out(
    operation: str,
    stored: Stored,
    *,
    sent: dict[str, Any] | None = None,
    mistake: str | None = None,
    may_configure: bool = True,
    rejected_tokens: Collection[str] = (),
) -> tuple[Response, Stored]:
    """Return how Cortex responds to one of its operations, and what is stored afterwards.

    `sent` is the ConfigurationRequest of a write, None with the `mistake` that its body makes; PagerDuty does not
    accept `rejected_tokens`.
    """
    if operation in ("get", "validate"):
        if stored is None:
            return refusal(404, "NOT_FOUND", "There is no PagerDuty configuration"), None
        shown = _public(stored) if operation == "get" else _verdict(stored["token"] not in rejected_tokens)
        return Response.json(200, shown), stored
    if not may_configure:
        return refusal(403, "FORBIDDEN", "The API key lacks the permission Configure integrations"), stored
    if operation == "delete":
        return Response.json(200, {"configurations": []}), None
    if sent is None:
        return refusal(400, "BAD_REQUEST", "The request body is not a configuration", mistake), stored
    if operation == "add" and stored is not None:
        return refusal(400, "BAD_REQUEST", "A PagerDuty configuration exists already"), stored
    written = {"token": sent["token"], "is_token_readonly": sent["isTokenReadonly"]}
    return Response.json(200, {"configurations": [_public(written)]}), written


def list_abilities(token: str | None, rejected_tokens: Collection[str]) -> Response:
    """Return how PagerDuty responds to whoever asks with a token."""
    if not token or token in rejected_tokens:
        message = "Caller did not supply credentials or did not provide the correct credentials."
        return Response.json(401, {"error": {"message": message}})
    return Response.json(200, {"abilities": _ABILITIES})


def refusal(status: int, kind: str, message: str, details: str | None = None, **headers: str) -> Response:
    """Return an error in Cortex's form."""
    error = {"type": kind, "message": message, "requestId": str(uuid.uuid4()), "httpStatus": status}
    if details is not None:
        error["details"] = details
    return Response.json(status, error, **headers)


def rate_limited(seconds: int) -> Response:
    """Return the refusal of a request beyond the rate limit."""
    problem = {"type": "about:blank", "title": "Too Many Requests", "status": 429, "violations": []}
    problem["detail"] = "The rate limit of requests a minute is used up"
    return Response.json(429, problem, "application/problem+json", Retry_After=str(seconds))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _public(stored: dict[str, Any]) -> dict[str, Any]:
    return {"isTokenReadonly": stored["is_token_readonly"], "lastFour": last_four(stored["token"])}


def _verdict(is_valid: bool) -> dict[str, Any]:
    rejection = {} if is_valid else {"message": "PagerDuty does not accept the token"}
    return {"configurations": [{"isValid": is_valid, **rejection}]}
