# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PagerDuty's one operation that is used here: whether it accepts a token.

``GET /abilities`` lists the abilities of an account (https://developer.pagerduty.com/api-reference/, "List abilities").
Whether every REST API key may read them is documented nowhere. Errors are ``{"error": {"message": …, "code": …}}`` (its
OpenAPI document, reference/REST/openapiv3.json of PagerDuty/api-schema), but a 401 may have an empty body: so did one
of type text/html in hashicorp/terraform#12854, and PagerDuty/go-pagerduty#469 has one that is not JSON. Waits after
HTTP 429 are those of https://developer.pagerduty.com/docs/rest-api-rate-limits.
"""

from __future__ import annotations

import typing as t

from ._errors import ApiError, Failure, RequestError, TokenRejectedError
from ._http import Session
from ._http_errors import RETRIED_STATUSES, ErrorDescription, Operation, Service
from ._redaction import Redactor

PAGERDUTY = Service(
    name="PagerDuty",
    url_option="preflight_url",
    credential="token",
    ca_advice="Set REQUESTS_CA_BUNDLE to a file with the certificate of that CA, or install it in the system's store.",
    foreign_hint="preflight_url does not look like the PagerDuty API.",
    status_hints={
        403: "It knows the token, but does not let it list abilities, so whether Cortex can work with it is unknown. "
        "Check the permissions of its user in PagerDuty, or set preflight: false.",
    },
    # It was sent the token.
    is_quoted=False,
    reset_header="ratelimit-reset",
)
ABILITIES = Operation("GET", "/abilities", "The token could not be checked with PagerDuty")


class PagerDuty:
    """PagerDuty's REST API, as a token sees it. Nothing that it sends gets into a message.

    :param connection: the connection options. Those about certificates are for Cortex only.
    :param preflight_url: where it is.
    """

    def __init__(self, connection: t.Mapping[str, t.Any], token: str, preflight_url: str) -> None:
        self._url = f"{preflight_url.rstrip('/')}{ABILITIES.path}"
        self._session = Session(
            PAGERDUTY,
            {**connection, "base_url": preflight_url, "validate_certs": True, "ca_path": None},
            authorization=f"Token token={token}",
            describe=_describe_error,
            clean=Redactor([token]).clean,
        )

    def close(self) -> None:
        self._session.close()

    def ask(self) -> None:
        """Ask PagerDuty whether it accepts the token.

        :raises TokenRejectedError: when it does not.
        :raises RequestError: when it could not be asked.
        """
        try:
            status, content = self._session.call(ABILITIES)
            abilities = content.get("abilities") if isinstance(content, dict) else None
            if status != 200 or not isinstance(abilities, list):
                raise self._session.unexpected(ABILITIES, status, "without a list of abilities")
        except RequestError as error:
            raise self._meaning(error) from None

    def _meaning(self, error: RequestError) -> RequestError:
        # Return values such as http_status are about Cortex.
        failure = error.failure._replace(http_status=None)
        status = error.failure.http_status
        if status == 401 and isinstance(error, ApiError):
            what = f"PagerDuty does not accept the token (GET {self._url}: HTTP 401)."
            return TokenRejectedError(Failure((what, "Check token or preflight_url.")))
        if failure.is_retryable or status in RETRIED_STATUSES:
            return RequestError(failure.extended("Run the task again later, or with preflight: false."))
        has_advice = status in PAGERDUTY.status_hints or not isinstance(error, ApiError)
        return RequestError(failure if has_advice else failure.extended("Check preflight_url."))


def _describe_error(status: int, content: t.Any) -> ErrorDescription | None:
    error = content.get("error") if isinstance(content, dict) else None
    is_its_own = isinstance(error, dict) and isinstance(error.get("message"), str)
    # A proxy that blocks PagerDuty or wants a login responds with a page, and not with nothing.
    if is_its_own or (status == 401 and content == ""):
        return ErrorDescription(f"PagerDuty responded with HTTP {status}.")
    return None
