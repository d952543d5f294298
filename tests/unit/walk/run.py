# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one task of the product on a script of replies, without sockets and without waiting."""

from __future__ import annotations

import io
import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import RemoteDisconnected
from types import ModuleType
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError, ProtocolError

from tests.simulator.rules import OPERATIONS

from .tasks import CORTEX_URL, PAGERDUTY_URL, Task, parameters
from .world import API_KEY, CUT_OFF, NO_CONNECTION, OWN, TOKENS, Reply, Request, parse_sent, responses

# Far above what is allowed: a run that does not come to an end is to be seen as one.
MAX_REQUESTS = 60


class Step(NamedTuple):
    """A request, what came back, and the seconds that were waited before it."""

    request: Request
    reply: Reply
    waited: float


class Run(NamedTuple):
    """A run from its beginning to its end.

    :ivar result: the return values, as Ansible gets them.
    :ivar mistakes: what is wrong with how requests were sent.
    """

    task: Task
    steps: list[Step]
    result: dict[str, Any]
    warnings: list[str]
    mistakes: list[str]


class Product:
    """The code under test: the modules of ``plugins/module_utils``, or a mutated copy of them."""

    def __init__(self, converge: ModuleType, task: ModuleType, options: ModuleType) -> None:
        self._convergence = converge.Convergence
        self._inspection = task.Inspection
        self._defaults = [
            {name: option.get("default") for name, option in arguments["argument_spec"].items()}
            for arguments in (options.CONFIG_ARGUMENTS, options.INFO_ARGUMENTS)
        ]

    def task(self, task: Task) -> Any:
        """Return the object that runs a task."""
        kind = self._inspection if task.is_info else self._convergence
        return kind(parameters(task, self._defaults[task.is_info]), check_mode=task.check_mode)


_REQUEST = requests.Session.request


class _Body(io.BytesIO):
    """The body of a response, where requests looks for it."""

    enforce_content_length = False


class _NotSentError(Exception):
    """Ends what requests does with a call."""


class Endless(BaseException):
    """A run sends requests without end."""


class Wire(BaseAdapter):
    """Takes each request of a run, and returns what the script says; after its end, the first possible response."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Any, tuple[Request, list[str]]] = {}
        self.begin(())

    def begin(self, script: tuple[Reply, ...]) -> None:
        self.script = script
        self.steps: list[Step] = []
        self.mistakes: list[str] = []
        self.waited = 0.0

    def sleep(self, seconds: float) -> None:
        self.waited += seconds

    def request(self, session: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
        """Stand for `Session.request`. What requests makes of a call is found out once for each call that differs."""
        call = (method, url, repr(options), tuple(session.headers.items()), repr(vars(session.auth)))
        if call not in self._known:
            self._mistakes: list[str] = []
            with suppress(_NotSentError):
                _REQUEST(session, method, url, **options)
            self._known[call] = (self._asked, self._mistakes)
        asked, mistakes = self._known[call]
        self.mistakes += mistakes
        number = len(self.steps)
        if number == MAX_REQUESTS:
            raise Endless
        first = NO_CONNECTION if CUT_OFF in self.script else responses(asked)[0]
        reply = self.script[number] if number < len(self.script) else first
        self.steps.append(Step(asked, reply, self.waited))
        self.waited = 0.0
        if reply.status is None:
            raise _no_response(reply)
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.raw = _Body(reply.body)
        return response

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Note what is sent."""
        if not timeout:
            self._mistakes.append("a request has no timeout")
        if verify is False:
            self._mistakes.append("the certificate of the server is not verified")
        self._asked = self._read(request)
        raise _NotSentError

    def _read(self, request: requests.PreparedRequest) -> Request:
        """Return what a request asks for, and note what is wrong with how it is sent."""
        url = str(request.url)
        authorization = request.headers.get("Authorization")
        if url == f"{PAGERDUTY_URL}/abilities" and request.method == "GET":
            if authorization != f"Token token={TOKENS[OWN]}" or request.body or API_KEY in str(request.headers):
                self._mistakes.append("PagerDuty is not sent the token, or more than that")
            return Request("abilities")
        operation = OPERATIONS.get(url.removeprefix(CORTEX_URL), {}).get(str(request.method))
        if operation is None:
            self._mistakes.append(f"a request of no known operation: {request.method} {urlsplit(url).path}")
            return Request("unknown")
        if authorization != f"Bearer {API_KEY}":
            self._mistakes.append("Cortex is not sent the API key")
        try:
            sent = parse_sent(request.body)
        except (KeyError, TypeError, ValueError):
            self._mistakes.append("a body that is not a configuration")
            sent = None
        if (sent is not None) != (operation in ("add", "replace")):
            self._mistakes.append("a body where none belongs, or none where one belongs")
        return Request(operation, sent)


def _no_response(reply: Reply) -> requests.exceptions.ConnectionError:
    """Return what requests raises where there is no response."""
    if reply is NO_CONNECTION:
        refused = NewConnectionError(mock.Mock(host="cortex.example"), "[Errno 111] Connection refused")
        return requests.exceptions.ConnectionError(refused)
    lost = ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection without response"))
    return requests.exceptions.ConnectionError(lost)


@contextmanager
def wired() -> Iterator[Wire]:
    """Lead all requests of this process to a wire, all waits to its clock, and take chance and environment away."""
    wire = Wire()

    def request(session: requests.Session, *call: Any, **options: Any) -> requests.Response:
        return wire.request(session, *call, **options)

    with (
        mock.patch.object(requests.Session, "get_adapter", return_value=wire),
        mock.patch.object(requests.Session, "request", request),
        mock.patch.object(time, "sleep", wire.sleep),
        mock.patch.object(random, "uniform", lambda least, most: least),
        # A CA store that need not be looked for.
        mock.patch.dict(os.environ, {"REQUESTS_CA_BUNDLE": os.devnull}, clear=True),
    ):
        yield wire


def run(product: Product, task: Task, script: tuple[Reply, ...], wire: Wire) -> Run:
    """Run a task to its end."""
    wire.begin(script)
    try:
        running = product.task(task)
        result, warnings = running.outcome(), running.warnings
    except Endless:
        result, warnings = {"failed": True, "msg": "endless"}, []
        wire.mistakes.append(f"the run had not come to an end after {MAX_REQUESTS} requests")
    return Run(task, wire.steps, result, warnings, wire.mistakes)
