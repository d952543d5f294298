# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PagerDuty's one operation that is used here: whether it accepts a token.

``GET /abilities`` lists the abilities of an account, and every REST API key may read it
(https://developer.pagerduty.com/api-reference/, "List abilities").
"""

from __future__ import annotations

from ._client import Client, default_ca_store
from ._diagnosis import Operation, Service
from ._errors import PreflightError, RequestError, TokenRejectedError

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
ABILITIES = Operation("GET", "/abilities", "The token could not be checked with PagerDuty", is_safe=True)


def check_token(token: str, *, preflight_url: str, timeout: float, retries: int) -> None:
    """Ask PagerDuty whether it accepts a token. Nothing that it sends gets into a message.

    :param preflight_url: where PagerDuty's REST API is.
    :param timeout: seconds for connecting and for each read of one attempt.
    :param retries: attempts after the first.
    :raises TokenRejectedError: when it does not.
    :raises PreflightError: when it could not be asked.
    """
    client = Client(
        PAGERDUTY,
        base_url=preflight_url,
        authorization=f"Token token={token}",
        verify=default_ca_store(),
        timeout=timeout,
        retries=retries,
        secrets=[token],
    )
    try:
        status, content = client.call(ABILITIES)
        abilities = content.get("abilities") if isinstance(content, dict) else None
        if status != 200 or not isinstance(abilities, list):
            raise client.unexpected(ABILITIES, status, "without a list of abilities")
    except RequestError as error:
        if error.http_status in (401, 403):
            url = f"{preflight_url.rstrip('/')}{ABILITIES.path}"
            what = f"PagerDuty does not accept the token (GET {url}: HTTP {error.http_status})."
            raise TokenRejectedError(what, _CHECK) from None
        raise PreflightError(*error.sentences, _CHECK) from None
    finally:
        client.close()
