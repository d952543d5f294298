# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections of a session, where they differ from those of requests."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
import typing as t

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    # Without it no session is opened.
    HTTPAdapter = object  # type: ignore[assignment,misc]

# How often the timeout the headers and the body of a response may take together.
TIMEOUTS_OF_A_RESPONSE = 2


class ResponseTooSlowError(socket.timeout):
    """A response came bit by bit, and was not complete in time."""


class Adapter(HTTPAdapter):
    """Sends the requests of a session.

    :param context: how the server is verified; None for not at all.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__()

    def cert_verify(self, conn: t.Any, url: t.Any, verify: t.Any, cert: t.Any) -> None:
        """Prepare a pool of connections. All versions of requests call this before they use one."""
        if self._context:
            conn.cert_reqs, conn.ca_certs, conn.ca_cert_dir = "CERT_REQUIRED", None, None
            conn.conn_kw["ssl_context"] = self._context
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        if conn.ConnectionCls.response_class is not _Response:
            conn.ConnectionCls = type("Connection", (conn.ConnectionCls,), {"response_class": _Response})

    def proxy_manager_for(self, proxy: t.Any, **kwargs: t.Any) -> t.Any:
        if proxy.lower().startswith("https:"):
            kwargs["proxy_ssl_context"] = self._context
        return super().proxy_manager_for(proxy, **kwargs)


class _Response(http.client.HTTPResponse):
    """A response that is read as Python does it, but for its end and its beginning."""

    def __init__(self, sock: socket.socket, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))

    def begin(self) -> None:
        super().begin()
        # Python takes an interim response such as 103 (Early Hints) for the final one. With 101 HTTP ends.
        while 101 < self.status < 200:
            self.headers = None  # type: ignore[assignment]
            super().begin()


class _Reader(io.RawIOBase):
    """Reads from a socket until a response has taken too long.

    The timeout of a socket is for each read. A server that sends a byte from time to time could hold a task for days.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self._timeout = t.cast(float, sock.gettimeout())
        self._end = time.monotonic() + TIMEOUTS_OF_A_RESPONSE * self._timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise ResponseTooSlowError("timed out")
        self._sock.settimeout(min(left, self._timeout))
        try:
            return self._raw.readinto(buffer)
        except socket.timeout:
            if left < self._timeout:
                raise ResponseTooSlowError("timed out") from None
            raise
        finally:
            self._sock.settimeout(self._timeout)

    def close(self) -> None:
        self._raw.close()
        super().close()
