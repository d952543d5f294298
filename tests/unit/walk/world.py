# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world of the walk: what may be stored, how Cortex and PagerDuty respond, and what may go wrong with a request.

What an operation does and what it responds with are the simulator's own rules, without its server.
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

from tests.simulator.faults import Answer, Fault
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


def _reply(name: str, kind: str, answer: Answer, **fields: Any) -> Reply:
    return Reply(name, kind, status=answer.status, body=answer.body, headers=tuple(answer.headers.items()), **fields)


@functools.cache
def respond(request: Request, world: World) -> list[tuple[Reply, World]]:
    """Return every way in which a request can be carried out and answered, and what is stored afterwards.

    Whether PagerDuty accepts a token may change at any time, so there is a verdict of either kind.
    """
    operation = request.operation
    if operation == "abilities":
        return [
            (_reply("accepted", "verdict", list_abilities("any", []), value=True), world),
            (_reply("rejected", "verdict", list_abilities("any", ["any"]), value=False), world),
        ]
    stored = world and {"token": TOKENS[world.token], "is_token_readonly": world.is_token_readonly}
    sent = request.sent and {
        "token": TOKENS[request.sent.token],
        "isTokenReadonly": request.sent.is_token_readonly,
    }
    replies = []
    for rejected in ([], TOKENS.values()) if operation == "validate" and world else ([],):
        answer, _stored = carry_out(operation, stored, sent=sent, rejected_tokens=rejected)
        replies.append((answer, world if _stored == stored else request.sent, not rejected))
    if operation == "validate" and world:
        return [
            (_reply("valid" if valid else "not valid", "verdict", answer, value=valid), world)
            for answer, world, valid in replies
        ]
    ((answer, after, _valid),) = replies
    if operation == "get":
        return [(_reply(describe_look(look(world)), "shows", answer, value=look(world)), after)]
    if answer.status == 200:
        return [(_reply("done", "accepted", answer, value=look(request.after)), after)]
    return [(_reply(f"refused: {answer.status}", "exists" if operation == "add" else "nothing", answer), after)]


def describe_look(shown: Look | None) -> str:
    """Return what is shown, for a table."""
    return f"…{shown.last_four}, {_access(shown.is_token_readonly)}" if shown else "none"


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
_LOST = {"effects": (False, True), "may_retry": True}
# By name: what a controller may conclude, the fields of the simulator's fault, and those of the reply.
_FAULTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "503": ("unknown", {"status": 503}, _LOST),
    "500": ("unknown", {"status": 500, "body": _ERROR}, _LOST),
    "502": ("unknown", {"status": 502, "body": "Bad Gateway"}, _LOST),
    "504": ("unknown", {"status": 504}, _LOST),
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
        answer = Fault("get", **fields).answer(None, {})
        replies.append(
            _reply(name, "verdict" if is_verdict else kind, answer, value=False if is_verdict else None, **properties)
        )
    if request.operation == "validate":
        answer = Answer.json(200, {"configurations": []})
        replies.append(_reply("200 without a verdict", "verdict", answer, effects=(True,)))
    if request.operation in WRITES:
        other = {"isTokenReadonly": True, "lastFour": "gh78"}
        answer = Answer.json(200, {"configurations": [other]})
        replies.append(_reply("200 with another configuration", "unknown", answer, effects=(True,)))
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
    """Return every response to a request that is carried out and answered, whatever is stored."""
    replies = {}
    for world in WORLDS:
        for reply, _after in respond(request, world):
            # Errors have a number of their own each.
            replies.setdefault((reply.name, reply.kind, reply.value), reply)
    return list(replies.values())


def parse_sent(body: bytes | str | None) -> World:
    """Return the configuration in the body of a request. Raises ValueError if there is none."""
    if body is None:
        return None
    content = json.loads(body)
    names = {secret: name for name, secret in TOKENS.items()}
    return Stored(names[content["token"]], content["isTokenReadonly"])
