# Copyright (c) 2026 cortexapps.cortex contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that sends any bytes, also such as the simulator never would."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Listener:
    """A server on loopback. `received` is what each connection sent first, which is a request without a body."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.received: list[bytes] = []


@contextmanager
def listening(response: bytes | Callable[[socket.socket], None]) -> Iterator[Listener]:
    """Run a server that sends the same to each connection, or has a function do so, and then closes it.

    At the end it waits for its connections.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection: socket.socket = self.request
            # The client may hang up at any time.
            with suppress(OSError):
                listener.received.append(connection.recv(65536))
                if callable(response):
                    response(connection)
                else:
                    connection.sendall(response)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        listener = Listener(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


def json_response(body: bytes) -> bytes:
    """Return the bytes of a response with HTTP 200."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
