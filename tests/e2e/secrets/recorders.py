# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that keep every byte they are sent: what must not reach them is not in it."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

# Seconds without a byte.
_PATIENCE = 30


class Recorder:
    """What a server was sent. `port` is where it listens, on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def text(self) -> str:
        return b"".join(self.received).decode("latin-1")


def _head(connection: socket.socket, recorder: Recorder) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            break
        recorder.received.append(more)
        head += more
    return head


def _relay(client: socket.socket, server: socket.socket, recorder: Recorder) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while events := selector.select(_PATIENCE):
            for key, _mask in events:
                assert isinstance(key.fileobj, socket.socket)
                data = key.fileobj.recv(65536)
                if not data:
                    return
                if key.fileobj is client:
                    recorder.received.append(data)
                key.data.sendall(data)


@contextlib.contextmanager
def _listening(serve: Callable[[socket.socket, Recorder], None]) -> Iterator[Recorder]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                serve(self.request, recorder)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        recorder = Recorder(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def recording_server(answer: Callable[[bytes], bytes]) -> Iterator[Recorder]:
    """Run a server that sends what `answer` makes of the head of a request, and hangs up."""

    def serve(connection: socket.socket, recorder: Recorder) -> None:
        connection.sendall(answer(_head(connection, recorder)))

    with _listening(serve) as recorder:
        yield recorder


@contextlib.contextmanager
def recording_proxy() -> Iterator[Recorder]:
    """Run an HTTP proxy that tunnels (CONNECT) and refuses everything else."""

    def serve(connection: socket.socket, recorder: Recorder) -> None:
        target = re.match(rb"CONNECT ([\w.]+):(\d+) ", _head(connection, recorder))
        if not target:
            connection.sendall(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection((target[1].decode(), int(target[2]))) as server:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(connection, server, recorder)

    with _listening(serve) as recorder:
        yield recorder
