"""A receiver of traces that takes everything and keeps nothing; its time does not count."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from bench.measure import running
from bench.setting import Setting


@contextmanager
def receiver(setting: Setting) -> Iterator[None]:
    """Runs one while the block runs. Who comes before it listens tries again."""
    command = [sys.executable, "-m", "bench.receiver", str(setting.ports.traces)]
    with running(command, "receiver", setting.folder):
        yield


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), _Requests).serve_forever()
