# Copyright (c) 2026 cortexapps.cortex contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers on a free port of this machine. Some record requests, and send responses that no server should."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator


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
    """The head of each request to a server."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[bytes] = []


@contextlib.contextmanager
def recording_server(respond: bytes | Callable[[socket.socket, bytes], None]) -> Iterator[Recorder]:
    """Run a server that responds to the head of a request with these bytes, or by a function."""
    recorder = Recorder()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            # The client may hang up at any time.
            with contextlib.suppress(OSError):
                head = b""
                # Or until TLS begins.
                while not re.search(rb"\A\x16|\r\n\r\n", head) and (more := self.request.recv(65536)):
                    head += more
                recorder.received.append(head)
                if callable(respond):
                    respond(self.request, head)
                else:
                    self.request.sendall(respond)
                # The response arrives, even if the client has more to send.
                self.request.shutdown(socket.SHUT_WR)
                self.request.recv(65536)

    with listening(Handler) as recorder.url:
        yield recorder


def json_response(body: bytes) -> bytes:
    """Return the bytes of a response with HTTP 200."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
