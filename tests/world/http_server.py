"""An HTTP server in a thread of this process, for tests that are asked by Keyhole."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.world.certificates import Pair


class HttpServer:
    """Serves on loopback within a ``with`` block; with ``pair`` over TLS."""

    def __init__(
        self, requests: type[BaseHTTPRequestHandler], port: int = 0, pair: Pair | None = None
    ) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), requests)
        self._server.daemon_threads = True
        if pair is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            # The thread of a request does its handshake, so that a failed one does not stop others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
