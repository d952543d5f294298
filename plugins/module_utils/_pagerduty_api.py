# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PagerDuty's one operation that is used here: whether it accepts a token.

``GET /abilities`` lists the abilities of an account, and every REST API key may read it
(https://developer.pagerduty.com/api-reference/, "List abilities").
"""

from __future__ import annotations

import typing as t

from ._errors import Failure, RequestError, TokenRejectedError
from ._http import Session
from ._http_errors import ErrorDescription, Operation, Service
from ._redaction import Redactor

_CHECK = "Check token or preflight_url."
PAGERDUTY = Service(
    name="PagerDuty",
    url_option="preflight_url",
    credential="token",
    ca_hint="set REQUESTS_CA_BUNDLE to the CA that signed its certificate, or install that in the system's store",
    foreign_hint="preflight_url does not look like the PagerDuty API.",
    status_hints={},
    # It was sent the token.
    is_quoted=False,
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
            describe=lambda status, _content: ErrorDescription(f"PagerDuty responded with HTTP {status}."),
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
            status = error.failure.http_status or 0
            if status in (401, 403):
                what = f"PagerDuty does not accept the token (GET {self._url}: HTTP {status})."
                raise TokenRejectedError(Failure((what, _CHECK))) from None
            # Return values such as http_status are about Cortex.
            raise RequestError(error.failure.extended(_CHECK)._replace(http_status=None)) from None
