"""HTTP/1.1 as every server here speaks it: uvicorn's protocol with exact limits.

The library limits a header only while it is incomplete, so one that arrives in a single read could
have any size (RFC 9112 section 5.4 leaves the limit to the server).
"""

import json
import re
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_OCTETS = 16 * 1024
"""The most octets of a request line and its headers, and of the trailers of a body."""
# RFC 9110 section 7.2: a host, which may be empty, and a port. The library counts the headers.
_HOST = re.compile(
    rb"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d*)?"
)
_NOT_HTTP = {
    "type": "urn:keyhole:problem:not_http",
    "title": "Bad Request",
    "status": 400,
    "detail": "This is not a request of HTTP/1.1 (RFC 9112), or its request line and headers have "
    f"more than {HEADER_OCTETS:,} octets",
    "problems": [],
}
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(.*)")


class HttpProtocol(H11Protocol):
    """HTTP/1.1 on one connection; requests that break a limit or RFC 9112 get 400."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.conn = _Connection(h11.SERVER, HEADER_OCTETS)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP with a problem document (RFC 9457), as every other error has;
        the library would answer with plain text."""
        body = json.dumps(_NOT_HTTP).encode()
        headers = [
            ("content-type", "application/problem+json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        refused = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
        for event in (refused, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event))
        self.transport.close()


class _Connection(h11.Connection):
    """Checks each event before the server sees it."""

    def next_event(self) -> Any:
        """The next event; raises ``h11.RemoteProtocolError`` for one that is refused."""
        before = len(self._receive_buffer)
        event = super().next_event()
        # Counted as they arrive: the library drops blanks and the extensions of a last chunk.
        fault = _fault(event, before - len(self._receive_buffer))
        if fault is not None:
            raise h11.RemoteProtocolError(fault)
        return _in_origin_form(event) if isinstance(event, h11.Request) else event


def _in_origin_form(request: h11.Request) -> h11.Request:
    """A request whose target is a whole URL, as proxies are asked, is one for its path; then the
    host in the URL counts, and not the header (RFC 9112 section 3.2.2)."""
    found = _ABSOLUTE.fullmatch(request.target)
    if found is None:
        return request
    host, path = found.groups()
    if not host or not _HOST.fullmatch(host):
        raise h11.RemoteProtocolError("the target names no host")
    headers = [(name, host if name == b"host" else value) for name, value in request.headers]
    return h11.Request(
        method=request.method,
        target=path if path.startswith(b"/") else b"/" + path,
        headers=headers,
        http_version=request.http_version,
    )


def _fault(event: Any, octets: int) -> str | None:
    if not isinstance(event, h11.Request | h11.EndOfMessage):
        return None
    if isinstance(event, h11.Request):
        # RFC 9112 section 3.2: a server answers an invalid Host with 400.
        hosts = [value for name, value in event.headers if name == b"host"]
        if len(hosts) > 1 or not all(_HOST.fullmatch(host) for host in hosts):
            return "the header host is not one host"
    return None if octets <= HEADER_OCTETS else "the header is too large"
