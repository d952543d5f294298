# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on a free port of this machine. Some keep what they are sent, and send what no server should."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

# Seconds without a byte.
_IDLE = 30


@contextlib.contextmanager
def listening(handler: Callable[..., socketserver.BaseRequestHandler]) -> Iterator[str]:
    """Run a server with a thread for each connection, and yield its URL. At the end it waits for its connections."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Recorder:
    """What a server was sent: the head of each request, and what a proxy relays."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[bytes] = []

    @property
    def text(self) -> str:
        return b"".join(self.received).decode("latin-1")

    def head(self, connection: socket.socket) -> bytes:
        """Receive the head of a request."""
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
            head += more
        self.received.append(head)
        return head

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each sends to the other, until one of them hangs up."""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while events := selector.select(_IDLE):
                for key, _mask in events:
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if key.fileobj is client:
                        self.received.append(data)
                    key.data.sendall(data)


@contextlib.contextmanager
def _recording(handle: Callable[[socket.socket, Recorder], None]) -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # The client may hang up at any time.
            with contextlib.suppress(OSError):
                handle(self.request, recorder)
                # What was sent arrives, also if the client has more to send.
                self.request.shutdown(socket.SHUT_WR)
                self.request.recv(65536)

    with listening(Handler) as recorder.url:
        yield recorder


@contextlib.contextmanager
def recording_server(respond: bytes | Callable[[socket.socket, bytes], None]) -> Iterator[Recorder]:
    """Run a server that responds to the head of a request with these bytes, or with what a function sends."""

    def handle(connection: socket.socket, recorder: Recorder) -> None:
        head = recorder.head(connection)
        if callable(respond):
            respond(connection, head)
        else:
            connection.sendall(respond)

    with _recording(handle) as recorder:
        yield recorder


@contextlib.contextmanager
def recording_proxy() -> Iterator[Recorder]:
    """Run an HTTP proxy that tunnels (CONNECT) and rejects everything else."""

    def tunnel(connection: socket.socket, recorder: Recorder) -> None:
        target = re.match(rb"CONNECT ([\w.]+):(\d+) ", recorder.head(connection))
        if not target:
            connection.sendall(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection((target[1].decode(), int(target[2]))) as server:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            recorder.relay(connection, server)

    with _recording(tunnel) as recorder:
        yield recorder


def json_response(body: bytes) -> bytes:
    """Return the bytes of a response with HTTP 200."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
