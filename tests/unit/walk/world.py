# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world of the walk: what may be stored, how Cortex and PagerDuty respond, and what may go wrong with a request.

What an operation does and what it responds with are the simulator's own rules, without its server.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Collection
from typing import Any, NamedTuple

from tests.simulator.faults import Fault, Response
from tests.simulator.rules import carry_out, list_abilities

API_KEY = "ck_live_7Qm2vXw9LrT4bNz6KsY8dFh3JpG5aC1eU0iO"
#: The tokens from the point of view of one controller. Only their last four characters can be read back.
OWN, TWIN, PREVIOUS, THIRD = "own", "twin", "previous", "other"
TOKENS = {
    OWN: "u+7FzQkLmN2pRsTvab12",
    TWIN: "w3JkVnPq60XsBdMeab12",  # another token with the last four characters of OWN
    PREVIOUS: "y_NbxKq81LtWzGh4cd34",
    THIRD: "z8HtRw+5vYc2QmJpef56",
}
_NAMES_OF_TOKENS = {token: name for name, token in TOKENS.items()}
SECRETS = (API_KEY, *TOKENS.values())
WRITES = ("add", "replace", "delete")


class Stored(NamedTuple):
    """A configuration in Cortex, with the name of its token."""

    token: str
    is_token_readonly: bool


class Look(NamedTuple):
    """What Cortex shows of a configuration."""

    last_four: str
    is_token_readonly: bool


#: A workspace: what is stored in it, if anything.
World = Stored | None
WORLDS: list[World] = [None, *(Stored(token, flag) for token in TOKENS for flag in (False, True))]


def look(world: World) -> Look | None:
    """Return what Cortex shows of what is stored."""
    return world and Look(TOKENS[world.token][-4:], world.is_token_readonly)


class Request(NamedTuple):
    """A request of a controller: an operation by the simulator's name, and the configuration that it sends, if any."""

    operation: str
    sent: World = None

    @property
    def after(self) -> World:
        """What is stored once this write has taken effect."""
        return self.sent


class Reply(NamedTuple):
    """What comes back to a controller: a response, or none (``status`` is None).

    :ivar kind: what a controller may conclude: ``shows`` (what is stored), ``accepted`` (a write), ``exists`` (an
        addition was refused, since there is a configuration), ``verdict``, ``nothing`` (there is nothing to validate);
        and of a fault: ``refused`` (the request was not carried out) or ``unknown`` (it may have been).
    :ivar value: what is shown, or the verdict; None is an empty verdict.
    :ivar effects: whether a request with this fault was carried out: either, or both are possible.
    :ivar may_retry: the same request may succeed later.
    :ivar wait: seconds that the server asks for before that.
    """

    name: str
    kind: str
    value: Any = None
    status: int | None = None
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    effects: tuple[bool, ...] = ()
    may_retry: bool = False
    wait: float = 0

    @property
    def is_fault(self) -> bool:
        return bool(self.effects)


def _reply(name: str, kind: str, response: Response, **fields: Any) -> Reply:
    headers = tuple(response.headers.items())
    return Reply(name, kind, status=response.status, body=response.body, headers=headers, **fields)


@functools.cache
def respond(request: Request, world: World) -> list[tuple[Reply, World]]:
    """Return every way in which a request can be carried out, and what is stored afterwards.

    Whether PagerDuty accepts a token may change at any time, so there is a verdict of either kind.
    """
    operation = request.operation
    if operation == "abilities":
        verdicts = {"accepted": list_abilities("any", []), "rejected": list_abilities("any", ["any"])}
        return [(_reply(name, "verdict", verdicts[name], value=name == "accepted"), world) for name in verdicts]
    if operation == "validate" and world:
        verdicts = {"valid": _carry_out(request, world)[0], "not valid": _carry_out(request, world, TOKENS.values())[0]}
        return [(_reply(name, "verdict", verdicts[name], value=name == "valid"), world) for name in verdicts]
    response, after = _carry_out(request, world)
    if operation == "get":
        return [(_reply(describe_look(look(world)), "shows", response, value=look(world)), after)]
    if response.status == 200:
        return [(_reply("done", "accepted", response, value=look(after)), after)]
    return [(_reply(f"refused: {response.status}", "exists" if operation == "add" else "nothing", response), after)]


def _carry_out(request: Request, world: World, rejected_tokens: Collection[str] = ()) -> tuple[Response, World]:
    """Apply the simulator's rules."""
    stored, sent = None, None
    if world:
        stored = {"token": TOKENS[world.token], "is_token_readonly": world.is_token_readonly}
    if request.sent:
        sent = {"token": TOKENS[request.sent.token], "isTokenReadonly": request.sent.is_token_readonly}
    response, after = carry_out(request.operation, stored, sent=sent, rejected_tokens=rejected_tokens)
    return response, Stored(_NAMES_OF_TOKENS[after["token"]], after["is_token_readonly"]) if after else None


def describe_look(shown: Look | None) -> str:
    """Return what is shown, for a table."""
    if shown is None:
        return "none"
    name = next(name for name, token in TOKENS.items() if token.endswith(shown.last_four))
    return describe_world(Stored(f"…{name}", shown.is_token_readonly))


def describe_world(world: World) -> str:
    """Return what is stored, for a table."""
    return f"{world.token}, {_access(world.is_token_readonly)}" if world else "none"


def describe_request(request: Request) -> str:
    """Return a request, for a table."""
    name = _NAMES.get(request.operation, request.operation)
    return f"{name} {describe_world(request.sent)}" if request.sent else name


_NAMES = {"get": "GET", "add": "POST", "replace": "PUT", "delete": "DELETE", "abilities": "ask PagerDuty"}


def _access(is_token_readonly: bool) -> str:
    return "read-only" if is_token_readonly else "full access"


# A server may repeat what it was sent, and more.
_ECHO = " ".join(SECRETS)
_ERROR = {"type": "SIMULATED", "message": f"A simulated fault: {_ECHO}", "requestId": API_KEY}
_HTML = {"body": f"<html><body>Sign in {_ECHO}</body></html>", "content_type": "text/html"}
_LOST: dict[str, Any] = {"effects": (False, True), "may_retry": True}
# By name: what a controller may conclude, the fields of the simulator's fault, and those of the reply.
_FAULTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "503": ("unknown", {"status": 503, "body": "Service Unavailable"}, _LOST),
    "500": ("unknown", {"status": 500, "body": _ERROR}, _LOST),
    "502": ("unknown", {"status": 502, "body": "Bad Gateway"}, _LOST),
    "504": ("unknown", {"status": 504, "body": "Gateway Timeout"}, _LOST),
    "429": (
        "refused",
        {"status": 429, "headers": {"Retry-After": "7"}},
        {"effects": (False,), "may_retry": True, "wait": 7},
    ),
    "429 for an hour": ("refused", {"status": 429, "headers": {"Retry-After": "3600"}}, {"effects": (False,)}),
    "403": ("refused", {"status": 403, "body": _ERROR}, {"effects": (False,)}),
    "404 of a gateway": ("refused", {"status": 404, "body": {"message": "no Route matched"}}, {"effects": (False,)}),
    "302": ("unknown", {"status": 302, "headers": {"Location": "https://sso.example/"}}, {"effects": (False, True)}),
    "200 with HTML": ("unknown", {"status": 200, **_HTML}, {"effects": (False, True)}),
    "200 with other JSON": ("unknown", {"status": 200, "body": {"ok": _ECHO}}, {"effects": (False, True)}),
}
# No response: there was no connection at all, or it was lost.
NO_CONNECTION = Reply("no connection", "refused", effects=(False,), may_retry=True)
LOST = Reply("connection lost", "unknown", **_LOST)
#: From here on nothing gets through: each later request of the controller has no connection.
CUT_OFF = LOST._replace(name="connection lost for good")


@functools.cache
def faults(request: Request) -> list[Reply]:
    """Return what may go wrong with a request."""
    replies = [NO_CONNECTION, LOST, CUT_OFF]
    for name, (kind, fields, properties) in _FAULTS.items():
        is_verdict = request.operation == "abilities" and name == "403"
        response = Fault("get", **fields).respond(None, {})
        replies.append(
            _reply(name, "verdict" if is_verdict else kind, response, value=False if is_verdict else None, **properties)
        )
    if request.operation == "validate":
        response = Response.json(200, {"configurations": []})
        replies.append(_reply("200 without a verdict", "verdict", response, effects=(True,)))
    if request.operation in WRITES:
        other = {"isTokenReadonly": True, "lastFour": "gh78"}
        response = Response.json(200, {"configurations": [other]})
        replies.append(_reply("200 with another configuration", "unknown", response, effects=(True,)))
    return replies


@functools.cache
def alike_faults(request: Request) -> list[list[Reply]]:
    """Return what may go wrong with a request, with those together that a controller may conclude the same from."""
    groups: dict[Any, list[Reply]] = {}
    for fault in faults(request):
        groups.setdefault((fault.kind, fault.value, fault.may_retry, fault.effects, fault is CUT_OFF), []).append(fault)
    return list(groups.values())


@functools.cache
def responses(request: Request) -> list[Reply]:
    """Return every response to a request that is carried out, whatever is stored."""
    replies: dict[Any, Reply] = {}
    for world in WORLDS:
        for reply, _after in respond(request, world):
            # Each error has a request ID of its own.
            replies.setdefault((reply.name, reply.kind, reply.value), reply)
    return list(replies.values())


def parse_sent(body: bytes | str | None) -> World:
    """Return the configuration in the body of a request. Raises ValueError if there is none."""
    if body is None:
        return None
    content = json.loads(body)
    return Stored(_NAMES_OF_TOKENS[content["token"]], content["isTokenReadonly"])
