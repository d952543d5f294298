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


def check(name: str, correct: object, expected: str) -> None:
    """Raise ValueError with what was expected of a value unless it is correct."""
    if not correct:
        raise ValueError(f"{name} must be {expected}")


def checked_configuration(value: Any) -> dict[str, Any] | None:
    """Return a copy of a configuration (or None). Raises ValueError when it is not one."""
    kinds = {"token": str, "is_token_readonly": bool}
    is_one = isinstance(value, Mapping) and {name: type(each) for name, each in value.items()} == kinds
    check("configuration", value is None or is_one, "null or {token: string, is_token_readonly: boolean}")
    return None if value is None else dict(value)


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
    """One fault: README.md describes the fields. Raises ValueError when one makes no sense."""

    operation: str
    times: int | None = 1
    skip: int = 0
    processed: bool = False
    delay: float = 0
    drop: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = _NOT_GIVEN
    content_type: str | None = None
    pad_to_bytes: int = 0
    gzip: bool = False
    truncate: int | None = None
    afterwards: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        operations = (*OPERATIONS, "any")
        check("operation", self.operation in operations, f"one of {', '.join(operations)}")
        check("times", self.times is None or _is_integer(self.times, 1), "null or an integer from 1")
        check("skip", _is_integer(self.skip, 0), "an integer from 0")
        for name in ("processed", "drop", "gzip"):
            check(name, isinstance(getattr(self, name), bool), "true or false")
        number = isinstance(self.delay, (int, float)) and not isinstance(self.delay, bool)
        check("delay", number and self.delay >= 0, "a number of seconds from 0")
        check("status", self.status is None or _is_integer(self.status, 200, 599), "an integer from 200 to 599")
        strings = isinstance(self.headers, dict) and all(isinstance(text, str) for text in self.headers.values())
        check("headers", strings, "a mapping of strings")
        check("content_type", self.content_type is None or isinstance(self.content_type, str), "a string")
        check("pad_to_bytes", _is_integer(self.pad_to_bytes, 0), "an integer from 0")
        check("truncate", self.truncate is None or _is_integer(self.truncate, 0), "null or an integer from 0")
        if self.afterwards is not None:
            shape = isinstance(self.afterwards, dict) and self.afterwards.keys() == {"configuration"}
            check("afterwards", shape, "{configuration: ...}")
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
            filled = _filled(text, secrets)
            headers[name] = "".join(character if character.isprintable() else " " for character in filled)
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


def _is_integer(value: object, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _filled(value: Any, secrets: Mapping[str, str]) -> Any:
    """Replace the placeholders in every string of a JSON value."""
    if isinstance(value, str):
        for name, secret in secrets.items():
            value = value.replace("{" + name + "}", secret)
    elif isinstance(value, list):
        return [_filled(item, secrets) for item in value]
    elif isinstance(value, dict):
        return {key: _filled(item, secrets) for key, item in value.items()}
    return value
