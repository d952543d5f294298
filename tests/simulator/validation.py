# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shapes of requests by users and clients. Pydantic checks them; a ValidationError is a ValueError."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, TypeAdapter, ValidationError
from typing_extensions import TypedDict

#: Nothing is converted (1 is not true), and nothing unknown is accepted.
STRICT = ConfigDict(strict=True, extra="forbid")

#: A string that UTF-8 can encode: Pydantic accepts any string that has no constraint.
Text = Annotated[str, Field(max_length=1024**2)]
#: A part of a URL path.
Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
#: The value of a header. A control character could end it.
HeaderValue = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
#: What is sent after "Bearer ".
ApiKey = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Seconds = Annotated[float, Field(ge=0, le=3600)]
RequestsAMinute = Annotated[int, Field(ge=1)]
_UnauthorizedShape = Literal["401-empty", "401-html", "401-problem"]
_Behavior = Literal["errors-without-type", "put-refuses-to-create", "post-replaces", "delete-204", "delete-404"]
Deviation = Literal[_Behavior, _UnauthorizedShape]


class _Configuration(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]  # as Pydantic documents it
    token: Text
    is_token_readonly: bool


#: What a workspace stores: ``{"token": str, "is_token_readonly": bool}``.
Configuration = Annotated[dict[str, Any], PlainValidator(TypeAdapter(_Configuration).validate_python)]


class Changes(TypedDict, total=False):
    """The values of a workspace that can change."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # as Pydantic documents it
    configuration: Configuration | None
    may_configure: bool


class ConfigurationRequest(BaseModel):
    """The body of a write: the contract's schema, which allows more properties."""

    model_config = ConfigDict(strict=True)
    isTokenReadonly: bool  # noqa: N815
    token: Text


class Settings(BaseModel):
    """How the simulator behaves apart from faults: README.md describes the fields."""

    model_config = STRICT
    rate_limit: RequestsAMinute | None = None
    pagerduty_rate_limit: RequestsAMinute | None = None
    latency: Seconds = 0
    deviations: list[Deviation] = []


class Start(BaseModel):
    """A file of workspaces. Those who add a workspace check its fields."""

    model_config = STRICT
    workspaces: list[dict[str, Any]] | None = None
    rejected_tokens: list[Text] | None = None


async def read_json(request: web.Request) -> Any:
    """Return the value in the body of a request. Raises ValueError when it is not JSON."""
    try:
        return json.loads((await request.read()).decode(), parse_constant=int)  # which refuses NaN, as JSON does
    except web.HTTPRequestEntityTooLarge:
        raise ValueError("the body is too large") from None
    except (RecursionError, web.RequestPayloadError):
        raise ValueError("the body cannot be decoded") from None


def explain(error: Exception) -> str:
    """Return the fault in one line."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    return "; ".join(f"{'.'.join(map(str, each['loc'][:2]))}: {each['msg']}" for each in error.errors())
