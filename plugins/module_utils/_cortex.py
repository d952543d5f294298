# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cortex's five operations on the PagerDuty configuration of a workspace, and the shapes of their responses and errors.

Paths, statuses and shapes are those of the vendor's API reference (https://docs.cortex.io/api) and of its OpenAPI
document (swagger.json of cortexapps/cortex-mcp). Details that these leave out are from a development branch of the
vendor's Terraform provider: a 404 in Cortex's own JSON means that there is no configuration; POST is rejected where a
configuration exists; PUT creates one where none exists; DELETE succeeds where there is nothing to delete. Nobody here
has tried that on the live service. tests/simulator/cortex-pagerduty.openapi.yaml has the details.
"""

from __future__ import annotations

import re
import typing as t

from ._errors import ApiError, ConflictError, DifferentConfigurationError, Failure, NotFoundError
from ._http import FOREVER, Response, Session
from ._http_errors import ErrorDescription, Operation, Service
from ._redaction import Redactor
from ._values import Configuration, Verdict

CORTEX = Service(
    name="Cortex",
    url_option="base_url",
    credential="API key",
    ca_advice="Set ca_path to a file with the certificate of that CA.",
    foreign_hint="base_url does not look like the Cortex API.",
    status_hints={
        401: "Check api_key: it is invalid, expired, or belongs to another Cortex instance than base_url (US cloud: "
        "https://api.getcortexapp.com, EU cloud: https://api.eu.cortex.io).",
        403: "The API key needs the permission 'Configure integrations'.",
        429: "The rate limit of the Cortex API (1000 requests a minute) was exceeded. Use fewer forks or smaller "
        "batches.",
    },
    is_quoted=True,
)

_PATH = "/api/v1/pagerduty"
GET = Operation("GET", f"{_PATH}/default-configuration", "Could not read the PagerDuty configuration")
ADD = Operation("POST", f"{_PATH}/configuration", "Could not add the PagerDuty configuration")
REPLACE = Operation("PUT", f"{_PATH}/configuration", "Could not replace the PagerDuty configuration")
DELETE = Operation("DELETE", f"{_PATH}/configurations", "Could not delete the PagerDuty configuration")
VALIDATE = Operation("POST", f"{_PATH}/configuration/validate", "Could not validate the PagerDuty configuration")

# What statuses of Cortex's own mean: there is no configuration, or another client came first, so that one exists by now
# or no longer.
_MEANINGS: dict[Operation, dict[int, type[ApiError]]] = {
    GET: {404: NotFoundError},
    ADD: {400: ConflictError, 409: ConflictError},
    REPLACE: {404: ConflictError},
    DELETE: {404: NotFoundError},
    VALIDATE: {404: NotFoundError},
}
# The fields of Cortex's errors apart from "message" (components.schemas.ErrorResponse in its API description).
_ERROR_FIELDS = {"type": str, "details": str, "requestId": str, "httpStatus": int, "gatewayHttpStatus": int}


class Cortex:
    """The PagerDuty configuration of the workspace that an API key belongs to.

    :param connection: the connection options; their units are documented there.
    :param secrets: the strings that must not be shown in any message, besides the API key.
    """

    def __init__(self, connection: t.Mapping[str, t.Any], secrets: t.Iterable[str | None] = ()) -> None:
        self._secrets = [connection["api_key"], *filter(None, secrets)]
        self._redactor = Redactor(self._secrets)
        self._session = Session(
            CORTEX,
            connection,
            authorization=f"Bearer {connection['api_key']}",
            describe=self._describe_error,
            clean=self._clean,
        )

    def close(self) -> None:
        self._session.close()

    def read(self) -> Configuration | None:
        """Return the stored configuration, None if there is none.

        :raises RequestError: when it could not be read.
        """
        try:
            response = self._call(GET)
        except NotFoundError:
            return None
        stored = self._configuration(GET, response.status, response.content)
        # This may be a token that no option contains.
        self._redactor = Redactor(self._secrets, stored.last_four)
        return stored

    def add(self, token: str, is_token_readonly: bool) -> None:
        """Add a configuration.

        :raises ConflictError: when there is one already.
        :raises DifferentConfigurationError: when Cortex responds with another configuration.
        :raises RequestError: when it was not added for another reason, or the outcome is unknown.
        """
        self._store(ADD, token, is_token_readonly)

    def replace(self, token: str, is_token_readonly: bool) -> None:
        """Replace the configuration.

        :raises ConflictError: when there is none.
        :raises DifferentConfigurationError: when Cortex responds with another configuration.
        :raises RequestError: when it was not replaced for another reason, or the outcome is unknown.
        """
        self._store(REPLACE, token, is_token_readonly)

    def delete(self) -> None:
        """Delete the configuration. If there is none, this is not an error.

        :raises RequestError: when it was not deleted, or the outcome is unknown.
        """
        try:
            response = self._call(DELETE)
        except NotFoundError:
            return
        self._check_stored(DELETE, response, [])

    def validate(self) -> tuple[Verdict, ...]:
        """Have Cortex try the stored token with PagerDuty, and return its verdicts.

        :raises NotFoundError: when nothing is stored.
        :raises RequestError: when there is no verdict for another reason.
        """
        response = self._call(VALIDATE)
        return tuple(self._verdict(response.status, item) for item in self._items(VALIDATE, response))

    def _store(self, operation: Operation, token: str, is_token_readonly: bool) -> None:
        response = self._call(operation, {"isTokenReadonly": is_token_readonly, "token": token})
        self._check_stored(operation, response, [Configuration(is_token_readonly, token[-4:])])

    def _check_stored(self, operation: Operation, response: Response, expected: list[Configuration]) -> None:
        items = self._items(operation, response)
        if [self._configuration(operation, response.status, item) for item in items] != expected:
            sentence = f"{operation.failure}: Cortex responded with another configuration than the one that was sent."
            raise DifferentConfigurationError(Failure((sentence,), http_status=response.status, outcome_unknown=True))

    def _call(self, operation: Operation, body: dict[str, t.Any] | None = None) -> Response:
        try:
            return self._session.call(operation, body)
        except ApiError as error:
            meaning = _MEANINGS[operation].get(error.failure.http_status or 0)
            if meaning:
                raise meaning(error.failure) from None
            raise

    def _verdict(self, status: int, item: dict[str, t.Any]) -> Verdict:
        for name, kinds in {"isValid": (bool,), "alias": (str, type(None)), "message": (str, type(None))}.items():
            if not isinstance(item.get(name), kinds):
                what = f"with a verdict whose {name} is missing or invalid"
                raise self._session.unexpected(VALIDATE, status, what)
        alias, message = item.get("alias"), item.get("message")
        return Verdict(alias and self._clean(alias), item["isValid"], message and self._clean(message))

    def _configuration(self, operation: Operation, status: int, item: t.Any) -> Configuration:
        is_token_readonly = item.get("isTokenReadonly") if isinstance(item, dict) else None
        last_four = item.get("lastFour") if isinstance(item, dict) else None
        # More than four characters would be a token shown in full.
        if not isinstance(is_token_readonly, bool) or not isinstance(last_four, str) or len(last_four) > 4:
            what = "without a boolean isTokenReadonly and a lastFour of at most four characters"
            raise self._session.unexpected(operation, status, what)
        # Surrogates and control characters can be neither shown nor encoded.
        return Configuration(is_token_readonly, "".join(char if char.isprintable() else "?" for char in last_four))

    def _items(self, operation: Operation, response: Response) -> list[dict[str, t.Any]]:
        items = response.content.get("configurations") if isinstance(response.content, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self._session.unexpected(operation, response.status, "without a list of configurations")
        return items

    def _clean(self, text: str) -> str:
        return self._redactor.clean(text)

    def _describe_error(self, status: int, content: t.Any) -> ErrorDescription | None:
        # Problem documents (RFC 9457) are Cortex's too, but its 404 is not one.
        if not isinstance(content, dict) or (status == 404 and not _is_cortex_error(content)):
            return None
        error_type = content.get("type")
        return ErrorDescription(
            f"Cortex responded with HTTP {status}: {self._said(content)}.",
            request_id=self._identifier(content.get("requestId")),
            # In RFC 9457 "about:blank" means that there is no type.
            error_type=self._identifier(None if error_type == "about:blank" else error_type),
            retry_after=_seconds(content.get("retryAfter")),
        )

    def _said(self, content: dict[str, t.Any]) -> str:
        """Return the message of Cortex's ErrorResponse or of a problem document (RFC 9457), in one line."""
        parts = [content.get(key) for key in ("message", "details", "title", "detail")]
        violations = content.get("violations")
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, dict):
                parts += [violation.get(key) for key in ("pointer", "title", "description")]
        strings = [part.strip().rstrip(". ") for part in parts if isinstance(part, str)]
        # As a whole: parts of a secret in several of them would not be found.
        return self._clean("; ".join(filter(None, strings))) or "no reason given"

    def _identifier(self, value: t.Any) -> str | None:
        """Return an identifier, which may look like a token of PagerDuty."""
        return self._redactor.clean(value, is_identifier=True) if isinstance(value, str) else None


def _seconds(value: t.Any) -> float:
    return min(value, FOREVER) if isinstance(value, (int, float)) and value > 0 else 0


def _is_cortex_error(content: dict[str, t.Any]) -> bool:
    """Return whether an object is an error of Cortex rather than one of a gateway.

    The OpenAPI document requires "message" and "type"; the Terraform provider's tests have a "message" alone.
    """
    message = content.get("message")
    if not isinstance(message, str):
        return False
    has_further_field = any(isinstance(content.get(name), kind) for name, kind in _ERROR_FIELDS.items())
    return has_further_field or bool(re.search(r"\bconfigurations?\b", message, re.IGNORECASE))
