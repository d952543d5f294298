# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on purpose: the description of a fault, and the response it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from multidict import CIMultiDict
from pydantic import BaseModel, Field, JsonValue, field_validator

from .validation import STRICT, Changes, HeaderName, HeaderValue, Seconds

#: A client may get that many bytes, but the memory of the machine is limited.
_LARGEST_BODY_BYTES = 64 * 1024**2


@dataclass
class Response:
    """An HTTP response; `cut_after` is the number of body bytes after which the connection is closed early."""

    status: int
    body: bytes = b""
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    cut_after: int | None = None

    @classmethod
    def problem(cls, status: int, title: str, **more: object) -> Response:
        """Make a response with a problem document (RFC 9457)."""
        content = {"type": "about:blank", "title": title, "status": status, **more}
        return cls.json(status, content, "application/problem+json")

    @classmethod
    def json(cls, status: int, value: object, content_type: str = "application/json", **headers: str) -> Response:
        """Make a response with a JSON body."""
        return cls(status, json.dumps(value).encode(), CIMultiDict({"Content-Type": content_type, **headers}))


class Fault(BaseModel):
    """One fault: README.md describes the fields. Raises ValueError when one makes no sense."""

    model_config = STRICT
    operation: Literal["get", "add", "replace", "validate", "delete", "any", "abilities"]
    times: Annotated[int, Field(ge=1)] | None = 1
    skip: int = Field(default=0, ge=0)
    processed: bool = False
    delay: Seconds = 0
    drop: bool = False
    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[HeaderName, HeaderValue] = {}
    body: JsonValue = None  # JSON's null, if it is given
    content_type: HeaderValue | None = None
    pad_to_bytes: int = Field(default=0, ge=0, le=_LARGEST_BODY_BYTES)
    truncate: int | None = Field(default=None, ge=0)
    afterwards: Changes | None = None

    @field_validator("headers")
    @classmethod
    def _leave_the_framing(cls, headers: dict[str, str]) -> dict[str, str]:
        if not {"content-length", "transfer-encoding"}.isdisjoint(map(str.lower, headers)):
            raise ValueError("the simulator sets Content-Length and Transfer-Encoding; see truncate")
        return headers

    @field_validator("body")
    @classmethod
    def _can_be_encoded(cls, body: JsonValue) -> JsonValue:
        _encode(body, {})
        return body

    @property
    def has_body(self) -> bool:
        return "body" in self.model_fields_set

    @property
    def replaces_response(self) -> bool:
        """Whether the fault has a response of its own (or none at all) instead of the normal one."""
        return self.drop or self.status is not None or self.has_body

    def matches(self, operation: str) -> bool:
        """Tell whether the fault is meant for an operation."""
        return self.operation == operation or (self.operation == "any" and operation != "abilities")

    def describe(self) -> dict[str, Any]:
        """Return the fields that were given, as the control routes take them, and how often it is left to happen."""
        return {**self.model_dump(exclude_unset=True), "times": self.times}

    def respond(self, normal: Response | None, secrets: Mapping[str, str]) -> Response:
        """Make the response to send; `normal` is the normal one, where the request was carried out.

        `secrets` maps the names of the placeholders to what replaces them.
        """
        response = normal if normal is not None and not self.replaces_response else self._own_response(normal, secrets)
        headers = response.headers.copy()
        if self.content_type is not None:
            headers["Content-Type"] = self.content_type
        for name, text in self.headers.items():
            # A secret with a line break in it would end the header.
            filled = _fill(text, secrets)
            headers[name] = "".join(character if character.isprintable() else " " for character in filled)
        return Response(response.status, response.body.ljust(self.pad_to_bytes), headers, self.truncate)

    def _own_response(self, normal: Response | None, secrets: Mapping[str, str]) -> Response:
        status = 200 if self.status is None else self.status
        if self.has_body:
            return Response(status, _encode(self.body, secrets), CIMultiDict({"Content-Type": "application/json"}))
        if status < 300:
            return Response(status, normal.body, normal.headers) if normal else Response(status)
        if status < 400:
            return Response(status)
        if status == 429:
            return Response.problem(status, "Too Many Requests")
        return Response.json(status, {"type": "UNCATEGORIZED", "message": "A simulated fault", "httpStatus": status})


def _encode(body: JsonValue, secrets: Mapping[str, str]) -> bytes:
    """Return the bytes of a body, with its placeholders replaced. Raises ValueError when they cannot be sent."""
    if isinstance(body, str):
        # Lone surrogates let a string stand for bytes that are not UTF-8.
        return _fill(body, secrets).encode("utf-8", "surrogateescape")
    escaped = {name: json.dumps(secret)[1:-1] for name, secret in secrets.items()}
    return _fill(json.dumps(body, allow_nan=False), escaped).encode()


def _fill(text: str, secrets: Mapping[str, str]) -> str:
    for name, secret in secrets.items():
        text = text.replace("{" + name + "}", secret)
    return text
