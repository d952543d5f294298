# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
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
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .api import Api
from .control import control_application
from .faults import Fault
from .state import State, Workspace

#: What `tls` may be: False, True (a good certificate), or what is wrong with the certificate.
BAD_CERTIFICATES = ("expired", "wrong-host", "self-signed")

_HIGHEST_PORT = 65535
_BACKLOG = 4096
_MAXIMUM_BODY_BYTES = 16 * 1024**2
_GRACE_SECONDS = 0.1

_log = logging.getLogger(__name__)
# What the parser says of a malformed request quotes it, the API key included; the client is told anyway.
_log.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))


class Simulator:
    """A Cortex (and PagerDuty) to test against, served by a thread of its own.

    `tls`: see `BAD_CERTIFICATES`; `rate_limit`: requests a minute for each API key (None: no limit); `prefix`: the path
    below which Cortex responds; `state_dir`: where the certificate authority is written (None: a temporary folder);
    `log_path`: a file to which log entries are appended as JSON lines; `clock`: monotonic seconds, for the rate limit.
    """

    def __init__(
        self,
        tls: bool | str = False,
        rate_limit: int | None = None,
        prefix: str = "",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state_dir: Path | None = None,
        log_path: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if tls not in (False, True, *BAD_CERTIFICATES):
            raise ValueError(f"tls must be True, False or one of {', '.join(BAD_CERTIFICATES)}")
        if not host:
            raise ValueError("host must not be empty")
        if not 0 <= port <= _HIGHEST_PORT:
            raise ValueError(f"port must be from 0 to {_HIGHEST_PORT}")
        self.state = State(rate_limit, log_path, clock)
        self._tls = tls
        self._prefix = f"/{prefix.strip('/')}".rstrip("/")
        self._host = host
        self._port = port
        self._state_dir = state_dir
        self._temporary_dir: tempfile.TemporaryDirectory[str] | None = None
        self._ca_path: Path | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        # By the identity of aiohttp's object for the connection, which no other open connection has.
        self._connection_numbers: dict[int, int] = {}

    # Life

    def start(self) -> Simulator:
        """Listen and serve. Raises OSError when the address cannot be had."""
        context = self._make_tls_context() if self._tls else None
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family, backlog=_BACKLOG)
        except (OSError, UnicodeError) as error:
            raise OSError(f"cannot listen on host {self._host!r}, port {self._port}: {error}") from error
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, context, ready)), name="cortex-simulator", daemon=True
        )
        self._thread.start()
        ready.wait()
        return self

    def close(self) -> None:
        """Stop serving; open connections are closed. May be called more than once."""
        if self._thread is not None:
            assert self._loop is not None
            assert self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None
        self.state.close()
        if self._temporary_dir is not None:
            self._temporary_dir.cleanup()
            self._temporary_dir = None

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Addresses

    @property
    def _origin(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port it listens on."""
        return self._host, self._port

    @property
    def url(self) -> str:
        """Cortex's base URL, with the prefix, without a trailing slash."""
        return self._origin + self._prefix

    @property
    def pagerduty_url(self) -> str:
        """PagerDuty's base URL."""
        return f"{self._origin}/pagerduty"

    @property
    def control_url(self) -> str:
        """Where the control routes begin."""
        return f"{self._origin}/_control"

    @property
    def ca_path(self) -> str | None:
        """The certificate authority's PEM file; None without TLS."""
        return None if self._ca_path is None else str(self._ca_path)

    # Content

    def add_workspace(
        self,
        api_key: str,
        name: str | None = None,
        configuration: dict[str, Any] | None = None,
        may_configure: bool = True,
    ) -> Workspace:
        """Create a workspace. Raises ValueError when its name or its API key is taken or not a proper one."""
        return self.state.add_workspace(api_key, name, configuration, may_configure)

    def load(self, path: Path) -> None:
        """Add what a YAML file describes (see README.md). Raises ValueError when it is not such a file."""
        self.state.load(path)

    @property
    def workspaces(self) -> dict[str, Workspace]:
        """The workspaces by name."""
        with self.state.lock:
            return dict(self.state.workspaces)

    def reject_token(self, token: str) -> None:
        """Have PagerDuty refuse a token from now on."""
        with self.state.lock:
            self.state.rejected_tokens.add(token)

    def accept_token(self, token: str) -> None:
        """Have PagerDuty accept a token again."""
        with self.state.lock:
            self.state.rejected_tokens.discard(token)

    def fault(self, operation: str, **fields: Any) -> Fault:
        """Queue a fault for the requests of all workspaces, and those with an unknown API key; return it.

        Raises ValueError or TypeError when a field is unknown or makes no sense.
        """
        return self.state.fault(None, operation, **fields)

    def reset(self) -> None:
        """Return to the state at the start: what `load` added, nothing else; the log is empty."""
        self.state.reset()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log entries of all requests, oldest first."""
        return self.state.log()

    @property
    def requests(self) -> list[str]:
        """All requests as ``"METHOD /path"``, those to PagerDuty too, oldest first."""
        return [f"{entry['method']} {entry['path']}" for entry in self.log]

    def clear_log(self) -> None:
        """Forget the log entries and begin the totals at zero."""
        self.state.clear_log()

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted since the log was cleared."""
        return self.state.totals["connections"]

    @property
    def handshakes(self) -> int:
        """How many TLS handshakes were completed since the log was cleared."""
        return self.state.totals["handshakes"]

    # Serving

    async def _serve(self, listener: socket.socket, context: ssl.SSLContext | None, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        application = web.Application(client_max_size=_MAXIMUM_BODY_BYTES)
        application.add_subapp("/_control", control_application(self.state, self._connection_number))
        api = Api(self.state, self._prefix, self._connection_number)
        application.router.add_route("*", "/{path:.*}", api.handle)
        runner = web.AppRunner(application, access_log=None, logger=_log, shutdown_timeout=_GRACE_SECONDS)
        await runner.setup()
        http = runner.server
        assert http is not None

        def accept() -> web.RequestHandler:
            """Count a connection: asyncio calls this for each, before the TLS handshake, which may fail."""
            connection = http()
            self._connection_numbers[id(connection)] = self.state.count_connection()
            return connection

        server = await self._loop.create_server(accept, sock=listener, ssl=context, backlog=_BACKLOG)
        ready.set()
        await self._stop.wait()
        server.close()
        transports = [connection.transport for connection in http.connections]
        await runner.cleanup()
        for transport in transports:
            # A closed TLS connection would go on waiting for the client's farewell.
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)

    def _connection_number(self, request: web.Request) -> int | None:
        return self._connection_numbers.get(id(request.protocol))

    def _make_tls_context(self) -> ssl.SSLContext:
        import trustme

        if self._state_dir is None:
            self._temporary_dir = tempfile.TemporaryDirectory(prefix="cortex-simulator-")
            directory = Path(self._temporary_dir.name)
        else:
            directory = self._state_dir
            directory.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        self._ca_path = (directory / "ca.pem").resolve()
        authority.cert_pem.write_to_path(str(self._ca_path))
        names = {"localhost", "127.0.0.1", "::1", self._host}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = _counting(self.state.count_handshake)
        if self._tls == "self-signed":
            stranger = trustme.CA()
            trustme.LeafCert(stranger.private_key_pem.bytes(), stranger.cert_pem.bytes(), []).configure_cert(context)
        elif self._tls == "wrong-host":
            authority.issue_cert("other.example.com").configure_cert(context)
        elif self._tls == "expired":
            yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
            authority.issue_cert(*names, not_after=yesterday).configure_cert(context)
        else:
            authority.issue_cert(*names).configure_cert(context)
        return context


def _counting(count: Callable[[], None]) -> type[ssl.SSLObject]:
    """Return a class for TLS connections that calls `count` for each completed handshake."""

    class Connection(ssl.SSLObject):
        def do_handshake(self) -> None:
            # Raises an exception as long as it is incomplete.
            super().do_handshake()
            count()

    return Connection
