"""The shop's front door: a small threaded HTTP server, and the client that knocks on it.

Lessons measure what a *caller* sees, so they need a real HTTP service in a process of its own. Its code is not the
subject; what its handler does is, and that stands in the lesson.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def serve(handle: Callable[[dict[str, Any]], int], port: int = 0) -> None:
    """Answer every POST with the status code that `handle(body)` returns; serve until the process ends.

    Listens on 127.0.0.1 only, on `port` or on a free one, and prints "port N" once it does. One thread a connection.
    A `handle` that raises answers 500. Raises OSError when the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status = handle(body)
            except Exception as error:
                print(f"{type(error).__name__}: {error}", flush=True)
                status = 500
            try:
                self.send_response_only(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except ConnectionError:
                pass  # the caller gave up before the answer was ready

        def log_message(self, *args: object) -> None:
            """Write no access log: it would be most of the output that a lesson keeps."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512  # the default of 5 makes the kernel drop connections in a burst

    with Server(("127.0.0.1", port), Handler) as server:
        print(f"port {server.server_port}", flush=True)
        server.serve_forever()


def post(port: int, body: dict[str, Any], *, timeout: float = 10.0) -> int:
    """POST `body` as JSON to 127.0.0.1:`port` and return the status code.

    Raises TimeoutError when no answer came within `timeout` seconds, ConnectionError when nobody listens or the
    service died before it answered.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/", json.dumps(body).encode())
        return connection.getresponse().status
    finally:
        connection.close()
