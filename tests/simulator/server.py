# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server: connections, TLS, its thread, and the interface for tests written in Python."""

from __future__ import annotations

import asyncio
import datetime
import logging
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any, Literal

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import Field, validate_call

from .api import Api
from .control import control_application
from .state import State
from .validation import STRICT, Settings

#: What may be wrong with the certificate.
BadCertificate = Literal["expired", "wrong-host", "self-signed"]

_BACKLOG = 4096
_MAXIMUM_BODY_BYTES = 16 * 1024**2
_GRACE_SECONDS = 0.1

_log = logging.getLogger(__name__)
# The parser's message quotes a malformed request, including its API key. The client is told anyway, or is gone.
_UNLOGGED = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
_log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _UNLOGGED)))


class Simulator(State):
    """A Cortex (and PagerDuty) to test against, served by a thread of its own.

    `tls`: with a good certificate (True) or a bad one; `prefix`: the path below which Cortex responds; `clock`:
    monotonic seconds, for the rate limits; `settings`: see README.md. Raises ValueError when one makes no sense. `url`
    is Cortex's base URL, with the prefix.
    """

    @validate_call(config=STRICT)
    def __init__(
        self,
        tls: bool | BadCertificate = False,
        *,
        prefix: str = "",
        port: Annotated[int, Field(ge=0, le=65535)] = 0,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> None:
        super().__init__(Settings(**settings), clock)
        self._tls = tls
        self._prefix = f"/{prefix.strip('/')}".rstrip("/")
        self._port = port
        #: The certificate authority's PEM file; None without TLS.
        self.ca_path: str | None = None

    def start(self) -> Simulator:
        """Listen and serve. Raises OSError when the address cannot be had."""
        try:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=_BACKLOG)
        except OSError as error:
            raise OSError(f"cannot listen on port {self._port}: {error}") from error
        self.resources.enter_context(listener)
        origin = f"{'https' if self._tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        self.url = origin + self._prefix
        self.pagerduty_url, self.control_url = f"{origin}/pagerduty", f"{origin}/_control"
        application = web.Application(client_max_size=_MAXIMUM_BODY_BYTES)
        application.add_subapp("/_control", control_application(self))
        application.router.add_route("*", "/{path:.*}", Api(self, self._prefix).handle)
        context = self._make_tls_context() if self._tls else None
        started: Future[Callable[[], object]] = Future()
        serving = _serve(application, listener, context, started)
        thread = threading.Thread(target=asyncio.run, args=(serving,), name="cortex-simulator", daemon=True)
        thread.start()
        stop = started.result()
        self.resources.callback(thread.join)
        self.resources.callback(stop)  # the last one is called first
        return self

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _make_tls_context(self) -> ssl.SSLContext:
        import trustme

        directory = self.resources.enter_context(tempfile.TemporaryDirectory(prefix="cortex-simulator-"))
        authority = trustme.CA()
        self.ca_path = str(Path(directory, "ca.pem").resolve())
        authority.cert_pem.write_to_path(self.ca_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self._tls == "self-signed":
            stranger = trustme.CA()
            certificate = trustme.LeafCert(stranger.private_key_pem.bytes(), stranger.cert_pem.bytes(), [])
        else:
            names = {"localhost", "127.0.0.1"}
            if self._tls == "wrong-host":
                names = {"other.example.com"}
            yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
            certificate = authority.issue_cert(*names, not_after=yesterday if self._tls == "expired" else None)
        certificate.configure_cert(context)
        return context


async def _serve(
    application: web.Application,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    started: Future[Callable[[], object]],
) -> None:
    """Serve until the function that `started` gets is called."""
    stop = asyncio.Event()
    runner = web.AppRunner(application, access_log=None, logger=_log, shutdown_timeout=_GRACE_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=context, backlog=_BACKLOG).start()
    loop = asyncio.get_running_loop()
    started.set_result(lambda: loop.call_soon_threadsafe(stop.set))
    await stop.wait()
    transports = [connection.transport for connection in runner.server.connections] if runner.server else []
    await runner.cleanup()
    for transport in transports:
        # A closed TLS connection would go on waiting for the client's farewell.
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)
