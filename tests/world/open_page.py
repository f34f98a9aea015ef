"""The API and the page of `tests.world.wide_open`."""

import asyncio
import json
import secrets

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class OpenPage(asyncio.Protocol):
    """The API and the page: refuses everything, with the right headers, but for the vices."""

    def __init__(self, vices: set[str], asked: list[str]) -> None:
        """``asked`` are the names that its DNS was asked."""
        self._vices, self._asked = vices, asked
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if data.startswith(b"PRI * HTTP/2.0"):
            if "speaks HTTP/2 without TLS" in self._vices:
                self._transport.write(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            self._transport.close()
            return
        head, _, _ = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:])
        }
        method, path = lines[0].split(" ")[:2]
        status, body, more = self._respond(method, path, headers)
        text = {**_HEADERS, "content-type": "application/json", **more}
        text["content-length"] = str(len(body))
        if "sends no headers for browsers" in self._vices:
            text.pop("content-security-policy")
        rest = "".join(f"{name}: {value}\r\n" for name, value in text.items())
        sent = b"" if method == "HEAD" else body
        self._transport.write(f"HTTP/1.1 {status} Said\r\n{rest}\r\n".encode() + sent)

    def _respond(
        self, method: str, path: str, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        vices, more = self._vices, dict[str, str]()
        if "lets any origin read" in vices and "origin" in headers:
            more["access-control-allow-origin"] = headers["origin"]
        if headers.get("host", "").startswith("attacker") and "takes any Host" not in vices:
            return 421, b"{}", more
        if "has no such path" in vices:
            return 404, b"{}", more
        if path == "/metrics":
            names = self._asked if "tells names in metrics" in vices else []
            return 200, json.dumps({"queries": 7, "names": names}).encode(), more
        if "upgrade" in headers and "upgrades to h2c" in vices:
            return 101, b"", more
        if "x-http-method-override" in headers and "obeys method override" in vices:
            return 200, b"{}", more
        if "answers without sign-in" in vices and path == "/api/v1/status":
            return 200, b"{}", more
        if path in ("/", "/api/v1/health") and method == "GET":
            return 200, b'{"status": "ok"}', more
        if method == "POST":
            return self._respond_to_post(path, headers)
        return 401, b"{}", more

    def _respond_to_post(
        self, path: str, headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        if path == "/dns-query":
            return 200, b"", {}
        if path != "/api/v1/session" or "origin" in headers:
            return 401, b"{}", {}
        if "x-keyhole-request" not in headers:
            return 403, b"{}", {}
        flags = "" if "sets a weak cookie" in self._vices else "; HttpOnly; SameSite=Strict"
        session = "secret" if "gives one session" in self._vices else secrets.token_hex(8)
        return 200, b"{}", {"set-cookie": f"keyhole={session}; Path=/{flags}"}
