"""An HTTPS server on 127.0.0.1 that records the requests it serves."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.world.certificates import Pair

PAGE = "the page that only Keyhole leads to"


@dataclass
class WebSite:
    """Its port, and the Host and path of each request."""

    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def web_site(certificate: Pair) -> Iterator[WebSite]:
    """Serves one page under every path."""
    site = WebSite(0)

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.headers["Host"], self.path))
            body = f"<title>page</title><p>{PAGE}</p>\n".encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    class Server(http.server.ThreadingHTTPServer):
        def finish_request(self, request: object, client_address: object) -> None:
            # Here, and not at accept: a client that never speaks holds up nobody else.
            try:
                secured = context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
            except OSError:
                return
            with secured:
                super().finish_request(secured, client_address)

    with Server(("127.0.0.1", 0), Page) as server:
        site.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield site
        server.shutdown()
