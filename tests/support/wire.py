# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures on the way to the simulator, which it cannot simulate."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
import urllib3.util.connection

FAILURES = {
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "silent": TimeoutError("timed out"),
    "unresolved": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
}


def untrusted(code: int, message: str = "") -> Exception:
    """Return the exception for a certificate that OpenSSL rejects with this code."""
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    return requests.exceptions.SSLError(error)


@contextmanager
def broken_wire(request: str, way: str) -> Iterator[None]:
    """Break the way of each request that is, for example, ``GET /path``.

    `way` is ``refused`` (nobody listens), ``silent`` (nobody accepts the connection), ``unresolved`` (the host name
    does not exist), ``untrusted`` (the server has another host's certificate), or ``impatient`` (the client waits a
    tenth of a second only for a response).
    """
    send = requests.adapters.HTTPAdapter.send

    def broken_send(adapter: Any, prepared: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = urlsplit(str(prepared.url))
        if f"{prepared.method} {url.path}" != request:
            return send(adapter, prepared, **options)
        if way == "untrusted":
            raise untrusted(62)
        if way == "impatient":
            return send(adapter, prepared, **{**options, "timeout": 0.1})
        prepared.url = url._replace(netloc="127.0.0.1:1").geturl()  # so that a new connection is needed
        with mock.patch.object(urllib3.util.connection, "create_connection", side_effect=FAILURES[way]):
            return send(adapter, prepared, **options)

    with mock.patch.object(requests.adapters.HTTPAdapter, "send", broken_send):
        yield
