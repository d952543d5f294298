# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures on the way to the simulator, which it cannot simulate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import requests
import urllib3.util.connection

READ_TIMEOUT_SECONDS = 0.1


def untrusted(code: int, message: str = "") -> Exception:
    """Return the exception for a certificate that OpenSSL rejects with this code."""
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    return requests.exceptions.SSLError(error)


@contextmanager
def broken_wire(request: str, way: str, times: int | None = None) -> Iterator[None]:
    """Break the way of the next `times` requests (None: all) that are, for example, ``GET /path``.

    `way` is ``refused`` (nobody listens), ``silent`` (nobody accepts the connection), ``unresolved`` (the host name
    does not exist), ``untrusted`` (the server has another host's certificate), or ``impatient`` (the client waits a
    tenth of a second only for a response). All but the certificate happens below requests, in sockets.
    """
    left = times
    send = requests.adapters.HTTPAdapter.send
    connect = urllib3.util.connection.create_connection
    # Nobody listens at a port that is bound only, and nobody else gets it.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]

        def broken_send(adapter: Any, prepared: requests.PreparedRequest, **options: Any) -> requests.Response:
            nonlocal left
            url = urlsplit(str(prepared.url))
            if f"{prepared.method} {url.path}" == request and left != 0:
                left = None if left is None else left - 1
                if way == "untrusted":
                    raise untrusted(62)
                if way == "impatient":
                    options["timeout"] = READ_TIMEOUT_SECONDS
                else:
                    prepared.url = url._replace(netloc=f"127.0.0.1:{port}").geturl()
            return send(adapter, prepared, **options)

        def broken_connect(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
            if address[1] == port and way == "silent":
                raise TimeoutError("timed out")
            if address[1] == port and way == "unresolved":
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return connect(address, *arguments, **options)

        with (
            mock.patch.object(requests.adapters.HTTPAdapter, "send", broken_send),
            mock.patch.object(urllib3.util.connection, "create_connection", broken_connect),
        ):
            yield
