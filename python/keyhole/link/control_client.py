"""HTTP client of an engine on another machine: mutual TLS with its own identity."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from keyhole.identity.credentials import CredentialFolder
from keyhole.link.command_poller import TIMEOUT_SECONDS
from keyhole.link.message import MessageError

MAX_SNAPSHOT_OCTETS = 512 * 2**20
"""Largest snapshot."""
_CHUNK = 2**20
STEP_OCTETS = 16 * 2**10
"""A body is sent in such steps, each with a deadline of its own: a slow line needs minutes for a
part of the query log."""
_BUFFER_OCTETS = 64 * 2**10
"""What the kernel keeps of a body that is sent, so that the answer is not waited for before."""
ANSWER_SECONDS = 150.0
"""How long the answer to a body may take: what is in that buffer goes first."""


@dataclass(frozen=True)
class ControlClient:
    """The URL of control, and the engine's credential folder (see ``keyhole enroll``)."""

    url: str
    identity: Path

    def connect(self) -> http.client.HTTPSConnection:
        """An unopened connection. Raises ``OSError`` if the folder cannot be read."""
        folder = CredentialFolder(self.identity)
        context = ssl.create_default_context(cafile=str(folder.bundle))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(folder.certificate, folder.key)
        parts = urlsplit(self.url)
        return http.client.HTTPSConnection(
            parts.hostname or "", parts.port or 443, timeout=TIMEOUT_SECONDS, context=context
        )

    def get(self, path: str) -> http.client.HTTPResponse:
        """The response to a GET on a new connection; the caller closes the response.

        Raises ``OSError``, and `MessageError` with the reason that control gives.
        """
        connection = self.connect()
        try:
            # The response then owns the socket, and closes it.
            connection.request("GET", path, headers={"connection": "close"})
            return _good(connection.getresponse())
        except BaseException:
            connection.close()
            raise

    def ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The JSON object in the response; raises as ``get`` does."""
        connection = self.connect()
        try:
            self._send(connection, method, path, body)
            found = json.loads(_good(connection.getresponse()).read(_CHUNK))
        finally:
            connection.close()
        if not isinstance(found, dict):
            raise MessageError("the answer of control is not a JSON object")
        return found

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None
    ) -> None:
        if not body:
            connection.request(method, path, body)
            return
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_OCTETS)
        steps = (body[at : at + STEP_OCTETS] for at in range(0, len(body), STEP_OCTETS))
        connection.request(method, path, steps, {"content-length": str(len(body))})
        connection.sock.settimeout(ANSWER_SECONDS)


def _good(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    if answer.status != 200:
        try:
            why = str(json.loads(answer.read(_CHUNK))["why"])
        except (ValueError, KeyError, TypeError):
            why = answer.reason
        raise MessageError(f"control answered {answer.status}: {why}")
    return answer
