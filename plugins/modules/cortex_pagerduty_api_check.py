#!/usr/bin/python
# -*- coding: utf-8 -*-

# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cortex_pagerduty_api_check
short_description: Compare the responses of Cortex with the description of its API
version_added: 1.0.0
description:
  - Sends each operation on the PagerDuty configuration to a workspace of Cortex, the internal developer portal of
    U(https://cortex.io), and compares the responses with what this collection expects. The playbook
    C(cortexapps.cortex.pagerduty_api_check) uses it.
  - Use a scratch workspace without a PagerDuty configuration. If it has one, the task fails and changes nothing.
    At the end, the workspace has none again.
  - In check mode it sends nothing.
author:
  - cortexapps.cortex contributors (@cortexapps)
extends_documentation_fragment:
  - cortexapps.cortex.connection
options:
  retries:
    description:
      - Each request is sent once, so this is ignored.
  token:
    description:
      - A PagerDuty REST API key that nothing else uses, such as one that is deleted afterwards. An invented one of 20
        characters works too, but Cortex then says that it is not valid.
      - If it is not set, the environment variable E(PAGERDUTY_TOKEN) is used.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Compare the responses of Cortex with the description of its API
  cortexapps.cortex.cortex_pagerduty_api_check:
    api_key: "{{ scratch_api_key }}"
    token: "{{ pagerduty_token }}"
  delegate_to: localhost
  register: api_check
"""

RETURN = r"""
report:
  description: A line for each request, without secrets.
  returned: always
  type: list
  elements: str
  sample: ["as described: GET default-configuration, nothing stored: HTTP 404"]
"""

import json
import typing as t
from contextlib import ExitStack, closing, suppress

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cortexapps.cortex.plugins.module_utils._converge import Task
from ansible_collections.cortexapps.cortex.plugins.module_utils._cortex import (
    ADD,
    CORTEX,
    DELETE,
    GET,
    REPLACE,
    VALIDATE,
    Cortex,
)
from ansible_collections.cortexapps.cortex.plugins.module_utils._errors import CortexError, Failure, RequestError
from ansible_collections.cortexapps.cortex.plugins.module_utils._http import Session
from ansible_collections.cortexapps.cortex.plugins.module_utils._http_errors import ErrorDescription, Operation
from ansible_collections.cortexapps.cortex.plugins.module_utils._masking import mask_result
from ansible_collections.cortexapps.cortex.plugins.module_utils._options import API_CHECK_SPEC, check_api_check
from ansible_collections.cortexapps.cortex.plugins.module_utils._redaction import Redactor

# The content of responses. A type stands for any of its values. An object may have more members than are listed.
ERROR = {"type": str, "message": str}
VERDICTS = {"configurations": [{"isValid": bool}]}


class Exchange(t.NamedTuple):
    """A request, and the response that is expected of it.

    :param state: the special feature of the request, or the stored configuration before it.
    :param flag: the value of ``isTokenReadonly``; None: the request has no body.
    """

    operation: Operation
    state: str
    status: int
    content: t.Any
    flag: bool | None = None


def exchanges(last_four: str) -> list[Exchange]:
    """Return all requests to a workspace without a configuration, in their order. The last ones remove it again."""

    def shown(flag: bool) -> dict[str, t.Any]:
        return {"isTokenReadonly": flag, "lastFour": last_four}

    def listed(*flags: bool) -> dict[str, t.Any]:
        return {"configurations": [shown(flag) for flag in flags]}

    return [
        Exchange(GET, "nothing stored", 404, ERROR),
        Exchange(VALIDATE, "nothing stored", 404, ERROR),
        Exchange(DELETE, "nothing stored", 200, listed()),
        Exchange(ADD, "nothing stored", 200, listed(True), True),
        Exchange(GET, "token stored", 200, shown(True)),
        Exchange(VALIDATE, "token stored", 200, VERDICTS),
        Exchange(ADD, "token stored", 400, ERROR, False),
        Exchange(GET, "after the second POST", 200, shown(True)),
        Exchange(REPLACE, "with another flag", 200, listed(False), False),
        Exchange(GET, "after the PUT", 200, shown(False)),
        Exchange(DELETE, "token stored", 200, listed()),
        Exchange(GET, "after the DELETE", 404, ERROR),
        Exchange(REPLACE, "nothing stored", 200, listed(True), True),
        Exchange(GET, "after the PUT", 200, shown(True)),
        Exchange(DELETE, "at the end", 200, listed()),
        Exchange(GET, "at the end", 404, ERROR),
    ]


class ApiCheck(Task):
    """Compares responses, and leaves the workspace as it was."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        super().__init__(params, check_mode)
        self._report: list[str] = []
        self._refusal: t.Any = None
        self._redactor = Redactor(filter(None, (params["api_key"], params["token"])))

    def values(self) -> dict[str, t.Any]:
        return {"changed": False, "report": self._report, **({"skipped": True} if self._check_mode else {})}

    def _converge(self) -> Failure | None:
        self.warnings += check_api_check(self._params)
        if self._check_mode:
            return None
        with ExitStack() as sessions:
            cortex = sessions.enter_context(closing(Cortex(self._params, [self._params["token"]])))
            if cortex.read() is not None:
                raise CortexError(
                    "The workspace has a PagerDuty configuration. Nothing was changed.",
                    "Use a scratch workspace without one.",
                )
            stranger = sessions.enter_context(closing(self._open("no-key-of-this-workspace")))
            self._try(stranger, Exchange(GET, "wrong API key", 401, ERROR))
            session = sessions.enter_context(closing(self._open(self._params["api_key"])))
            try:
                statuses = [self._try(session, exchange) for exchange in exchanges(self._params["token"][-4:])]
            except BaseException:
                with suppress(RequestError):
                    session.call(DELETE)
                raise
        if statuses[-1] != 404:
            raise CortexError("The PagerDuty configuration may still be stored in the workspace. Remove it.")
        return None

    def _open(self, api_key: str) -> Session:
        authorization = f"Bearer {api_key}"
        clean = self._redactor.clean
        return Session(CORTEX, self._params, authorization=authorization, describe=self._describe, clean=clean)

    def _describe(self, status: int, content: t.Any) -> ErrorDescription:
        self._refusal = content
        return ErrorDescription(f"Cortex responded with HTTP {status}.")

    def _try(self, session: Session, expected: Exchange) -> int:
        """Send a request, report how its response differs, and return its status.

        :raises RequestError: when there was no response.
        """
        operation, flag = expected.operation, expected.flag
        self._refusal = None
        try:
            body = None if flag is None else {"isTokenReadonly": flag, "token": self._params["token"]}
            status, content = session.call(operation, body)
        except RequestError as error:
            if error.failure.http_status is None:
                raise
            status, content = error.failure.http_status, self._refusal
        name = f"{operation.method} {operation.path.rpartition('/')[2]}, {expected.state}"
        if status == expected.status and matches(content, expected.content):
            self._report.append(f"as described: {name}: HTTP {status}")
        else:
            shown = "without JSON" if content is None else self._redactor.clean(json.dumps(content))
            described = json.dumps(expected.content, default=lambda kind: f"({kind.__name__})")
            self._report.append(f"DIFFERS: {name}: HTTP {status} {shown}, expected HTTP {expected.status} {described}")
        return status


def matches(content: t.Any, expected: t.Any) -> bool:
    """Return whether JSON is as expected."""
    if isinstance(expected, type):
        return isinstance(content, expected)
    if isinstance(expected, dict):
        is_object = isinstance(content, dict)
        return is_object and all(matches(content.get(name), value) for name, value in expected.items())
    if isinstance(expected, list):
        is_list = isinstance(content, list) and len(content) == len(expected)
        return is_list and all(map(matches, content, expected))
    return type(content) is type(expected) and bool(content == expected)


def main() -> None:
    module = AnsibleModule(argument_spec=API_CHECK_SPEC, supports_check_mode=True)
    task = ApiCheck(module.params, module.check_mode)
    result = mask_result(task.run(), module.params)
    for warning in task.warnings:
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
