"""An attacker between client and enrollment server, with its own certificate."""

import json
from http.server import BaseHTTPRequestHandler

from tests.world.certificates import Pair
from tests.world.http_server import HttpServer


class Interceptor(HttpServer):
    """Answers ``GET /v1/bundle`` with ``bundle``, and records every request."""

    def __init__(self, pair: Pair, bundle: str) -> None:
        self.requests: list[tuple[str, str]] = []
        answer = json.dumps({"trust_domain": "keyhole.internal", "bundle": bundle}).encode()
        requests = self.requests

        class Answers(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                requests.append((self.command, self.rfile.read(length).decode()))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _answer  # noqa: N815  (names that the library gave)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        super().__init__(Answers, pair=pair)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}"
