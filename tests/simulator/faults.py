# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong on purpose: the description of a fault, and the response it makes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict

OPERATIONS = ("get", "add", "replace", "validate", "delete", "abilities")

#: Stands for a body that was not given: None is one (JSON's null).
_NOT_GIVEN: Any = object()


def checked_configuration(value: object) -> dict[str, Any] | None:
    """Return a copy of a configuration (or None). Raises ValueError when it is not one."""
    if value is None:
        return None
    if (
        not isinstance(value, Mapping)
        or value.keys() != {"token", "is_token_readonly"}
        or not isinstance(value["token"], str)
        or not isinstance(value["is_token_readonly"], bool)
    ):
        raise ValueError("configuration must be null or {token: string, is_token_readonly: boolean}")
    return dict(value)


@dataclass
class Response:
    """An HTTP response; `cut_after` is the number of body bytes after which the connection is closed early."""

    status: int
    body: bytes = b""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    cut_after: int | None = None

    @classmethod
    def json(cls, status: int, value: object, content_type: str = "application/json", **headers: str) -> Response:
        """Make a response with a JSON body; underscores in the names of `headers` stand for dashes."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), CIMultiDict({"Content-Type": content_type, **named}))


@dataclass
class Fault:
    """One fault. It lets `skip` requests of `operation` pass, hits the next `times` of them, then it is gone.

    Without `drop`, `status` and `body` the request is carried out and its normal response is sent, changed by the other
    fields. With any of the three the request is carried out only when `processed` is true.
    """

    #: One of `OPERATIONS`, or "any": every operation of Cortex.
    operation: str
    #: How many requests it hits; None: all, until it is cleared.
    times: int | None = 1
    #: How many requests pass before it hits the first one.
    skip: int = 0
    #: Whether the request has been carried out before the fault shows (before the delay, too).
    processed: bool = False
    #: Seconds to wait before the response.
    delay: float = 0
    #: Close the TCP connection without a response.
    drop: bool = False
    #: The status of the response; 200 when only `body` is given.
    status: int | None = None
    #: Headers to add to the response. {token} and {api_key} stand for the request's secrets.
    headers: dict[str, str] = field(default_factory=dict)
    #: The body: a string is sent as it is, anything else as JSON. {token} and {api_key} as in `headers`.
    body: Any = _NOT_GIVEN
    #: The content type; application/json when only `body` is given, also for a string.
    content_type: str | None = None
    #: Fill the body up with blanks (which keep JSON valid) to this size.
    pad_to_bytes: int = 0
    #: Compress the body, with Content-Encoding: gzip.
    gzip: bool = False
    #: How many bytes of the body to send before the connection is closed, though Content-Length promises all.
    truncate: int | None = None
    #: {"configuration": {...} or None}: a second writer stores this right after the response. That of
    #: "abilities" is stored in the workspace that the fault is queued for.
    afterwards: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.operation not in (*OPERATIONS, "any"):
            raise ValueError(f"operation must be one of {', '.join((*OPERATIONS, 'any'))}")
        _check("times", self.times is None or _is_integer(self.times, 1), "null or an integer from 1")
        _check("skip", _is_integer(self.skip, 0), "an integer from 0")
        for name in ("processed", "drop", "gzip"):
            _check(name, isinstance(getattr(self, name), bool), "true or false")
        number = isinstance(self.delay, (int, float)) and not isinstance(self.delay, bool)
        _check("delay", number and self.delay >= 0, "a number of seconds from 0")
        _check("status", self.status is None or _is_integer(self.status, 200, 599), "an integer from 200 to 599")
        texts = isinstance(self.headers, dict) and all(isinstance(text, str) for text in self.headers.values())
        _check("headers", texts, "a mapping of strings")
        _check("content_type", self.content_type is None or isinstance(self.content_type, str), "a string")
        _check("pad_to_bytes", _is_integer(self.pad_to_bytes, 0), "an integer from 0")
        _check("truncate", self.truncate is None or _is_integer(self.truncate, 0), "null or an integer from 0")
        if self.afterwards is not None:
            shape = isinstance(self.afterwards, dict) and self.afterwards.keys() == {"configuration"}
            _check("afterwards", shape, "{configuration: ...}")
            checked_configuration(self.afterwards["configuration"])

    @property
    def replaces_response(self) -> bool:
        """Whether the fault has a response of its own (or none at all) instead of the normal one."""
        return self.drop or self.status is not None or self.body is not _NOT_GIVEN

    def matches(self, operation: str) -> bool:
        """Tell whether the fault is meant for an operation."""
        return self.operation == operation or (self.operation == "any" and operation != "abilities")

    def describe(self) -> dict[str, Any]:
        """Return the fields that were given, as the control routes take them."""
        return {
            name: value
            for name, value in vars(self).items()
            if value is not _NOT_GIVEN and (name == "times" or value != getattr(type(self), name, None))
        }

    def respond(self, normal: Response | None, secrets: Mapping[str, str]) -> Response:
        """Make the response to send; `normal` is the normal one, where the request was carried out.

        `secrets` maps the names of the placeholders to what replaces them.
        """
        response = normal if normal is not None and not self.replaces_response else self._own_response(normal, secrets)
        headers = response.headers.copy()
        if self.content_type is not None:
            headers["Content-Type"] = self.content_type
        body = response.body.ljust(self.pad_to_bytes)
        if self.gzip:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        for name, text in self.headers.items():
            # A secret with a line break in it would end the header.
            headers[name] = "".join(
                character if character.isprintable() else " " for character in _filled_text(text, secrets)
            )
        return Response(response.status, body, headers, self.truncate)

    def _own_response(self, normal: Response | None, secrets: Mapping[str, str]) -> Response:
        status = 200 if self.status is None else self.status
        if self.body is not _NOT_GIVEN:
            content = _filled(self.body, secrets)
            text = content if isinstance(content, str) else json.dumps(content)
            # Lone surrogates let a string stand for bytes that are not UTF-8.
            body = text.encode("utf-8", "surrogateescape")
            return Response(status, body, CIMultiDict({"Content-Type": "application/json"}))
        if status < 300:
            return Response(status, normal.body, normal.headers) if normal else Response(status)
        if status < 400:
            return Response(status)
        if status == 429:
            problem = {"type": "about:blank", "title": "Too Many Requests", "status": status}
            return Response.json(status, problem, "application/problem+json")
        return Response.json(status, {"type": "SIMULATED", "message": "A simulated fault", "httpStatus": status})


def _check(name: str, correct: bool, expected: str) -> None:
    if not correct:
        raise ValueError(f"{name} must be {expected}")


def _is_integer(value: object, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _filled(value: object, secrets: Mapping[str, str]) -> object:
    """Replace the placeholders in every string of a JSON value."""
    if isinstance(value, str):
        return _filled_text(value, secrets)
    if isinstance(value, list):
        return [_filled(item, secrets) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, secrets) for key, item in value.items()}
    return value


def _filled_text(text: str, secrets: Mapping[str, str]) -> str:
    for name, secret in secrets.items():
        text = text.replace("{" + name + "}", secret)
    return text
