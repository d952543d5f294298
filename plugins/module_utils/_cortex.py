# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cortex's five operations on the PagerDuty configuration of a workspace, and the shapes of their responses.

Paths, statuses and shapes are those of https://docs.cortex.io/api/rest/integrations/pagerduty. What these pages leave
out is taken from the vendor's Terraform provider, where a development branch relies on it: a 404 in Cortex's own JSON
means that there is no configuration; POST is rejected where a configuration exists; PUT creates one where none exists.
Nobody here has tried that on the live service.
"""

from __future__ import annotations

import typing as t

from ._client import Client, default_ca_store
from ._diagnosis import Operation, Service
from ._errors import DifferentConfigurationError, NotFoundError

CORTEX = Service(
    name="Cortex",
    url_option="base_url",
    credential="API key",
    ca_hint="set ca_path to the CA that signed the server's certificate",
    foreign_hint="base_url does not look like the Cortex API.",
    status_hints={
        401: "Check api_key: it is invalid, expired, or belongs to another Cortex instance than base_url.",
        403: "The API key needs the permission 'Configure integrations'.",
        429: "The rate limit of the Cortex API (1000 requests a minute) was exceeded. Use fewer forks or smaller "
        "batches.",
    },
    is_quoted=True,
)

_PATH = "/api/v1/pagerduty"
GET = Operation("GET", f"{_PATH}/default-configuration", "Could not read the PagerDuty configuration", is_safe=True)
ADD = Operation("POST", f"{_PATH}/configuration", "Could not add the PagerDuty configuration", is_safe=False)
REPLACE = Operation("PUT", f"{_PATH}/configuration", "Could not replace the PagerDuty configuration", is_safe=False)
DELETE = Operation("DELETE", f"{_PATH}/configurations", "Could not delete the PagerDuty configuration", is_safe=False)
VALIDATE = Operation(
    "POST", f"{_PATH}/configuration/validate", "Could not validate the PagerDuty configuration", is_safe=True
)


class Configuration(t.NamedTuple):
    """What Cortex shows of a stored configuration."""

    is_token_readonly: bool
    last_four: str


class Verdict(t.NamedTuple):
    """What Cortex says about one stored configuration after it tried its token with PagerDuty."""

    alias: str | None
    is_valid: bool
    message: str | None


class Cortex:
    """The PagerDuty configuration of the workspace that an API key belongs to.

    The parameters are the connection options; their units are documented there.

    :param secrets: what must not be shown in any message besides the API key.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        validate_certs: bool = True,
        ca_path: str | None = None,
        timeout: float = 30,
        retries: int = 4,
        secrets: t.Iterable[str | None] = (),
    ) -> None:
        self.client = Client(
            CORTEX,
            base_url=base_url,
            authorization=f"Bearer {api_key}",
            verify=(ca_path or default_ca_store()) if validate_certs else False,
            timeout=timeout,
            retries=retries,
            secrets=[api_key, *filter(None, secrets)],
        )

    def __enter__(self) -> Cortex:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.client.close()

    def read(self) -> Configuration | None:
        """Return the stored configuration, None if there is none.

        :raises RequestError: when it could not be read.
        """
        try:
            status, content = self.client.call(GET)
        except NotFoundError:
            return None
        stored = self._configuration(GET, status, content)
        # This may be a token that no option contains.
        self.client.redactor.last_four = stored.last_four
        return stored

    def write(self, operation: Operation, token: str, is_token_readonly: bool, after: Configuration | None) -> None:
        """Send an addition, a replacement or a deletion.

        :param after: what must be stored after it.
        :raises RequestError: when it was not carried out, or its outcome is unknown.
        """
        body = None if operation is DELETE else {"isTokenReadonly": is_token_readonly, "token": token}
        try:
            status, content = self.client.call(operation, body)
        except NotFoundError:
            if operation is DELETE:
                return
            raise
        stored = [self._configuration(operation, status, item) for item in self._items(operation, status, content)]
        if stored != ([after] if after else []):
            raise DifferentConfigurationError(
                f"{operation.failure}: Cortex responded with another configuration than the one that was sent.",
                http_status=status,
                outcome_unknown=True,
            )

    def validate(self) -> list[Verdict]:
        """Have Cortex try the stored token with PagerDuty, and return its verdicts.

        :raises NotFoundError: when nothing is stored.
        :raises RequestError: when there is no verdict for another reason.
        """
        status, content = self.client.call(VALIDATE)
        return [self._verdict(status, item) for item in self._items(VALIDATE, status, content)]

    def _verdict(self, status: int, item: dict[str, t.Any]) -> Verdict:
        for name, kinds in {"isValid": (bool,), "alias": (str, type(None)), "message": (str, type(None))}.items():
            if not isinstance(item.get(name), kinds):
                raise self.client.unexpected(VALIDATE, status, f"with a verdict whose {name} is missing or invalid")
        alias, message = item.get("alias"), item.get("message")
        clean = self.client.redactor.clean
        return Verdict(alias and clean(alias), item["isValid"], message and clean(message))

    def _configuration(self, operation: Operation, status: int, item: t.Any) -> Configuration:
        is_token_readonly = item.get("isTokenReadonly") if isinstance(item, dict) else None
        last_four = item.get("lastFour") if isinstance(item, dict) else None
        # More than four characters would be a token shown in full.
        if not isinstance(is_token_readonly, bool) or not isinstance(last_four, str) or len(last_four) > 4:
            what = "without a boolean isTokenReadonly and a lastFour of at most four characters"
            raise self.client.unexpected(operation, status, what)
        return Configuration(is_token_readonly, last_four)

    def _items(self, operation: Operation, status: int, content: t.Any) -> list[dict[str, t.Any]]:
        items = content.get("configurations") if isinstance(content, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.client.unexpected(operation, status, "without a list of configurations")
        return items
