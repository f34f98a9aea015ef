"""Checks the syntax of a request: its path, its headers, and their number and size.

It refuses everything that two programs could interpret differently, because that can bypass a
check: ``//``, ``..``, ``;``, encoded slashes, two Host headers.
"""

import re
from collections import Counter
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from keyhole.api.middleware.errors import header, refuse

MAX_HEADERS = 100
MAX_QUERY_OCTETS = 8 * 1024

# RFC 3986 section 3.3, without ; and without empty segments.
_PATH = re.compile(rb"/|(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})+)+/?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(/[^?#]*)?")
_NEVER_ENCODED = re.compile(rb"[\x00-\x1f\x7f/\\;]")
_ONCE = {
    b"authorization",
    b"content-length",
    b"content-type",
    b"host",
    b"origin",
    b"sec-fetch-site",
    b"transfer-encoding",
}


class RequestSyntax:
    """Refuses requests with an ambiguous syntax."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks the request line and the headers, but not the body."""
        refusal = _check_headers(scope) or _check_target(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refuse(scope, receive, send, *refusal)


def _check_headers(scope: Scope) -> tuple[int, str, str] | None:
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return 431, "too_many_headers", f"a request has at most {MAX_HEADERS} headers"
    counted = Counter(name for name, _ in headers)
    for name in _ONCE:
        if counted[name] > 1:
            return 400, "header_twice", f"the header {name.decode()} is there twice"
    if counted[b"transfer-encoding"] and counted[b"content-length"]:
        # RFC 9112 section 6.3: this may smuggle a second request.
        return 400, "two_lengths", "send content-length or transfer-encoding, not both"
    if not counted[b"host"]:
        return 400, "no_host", "the header host is missing"
    if len(scope["query_string"]) > MAX_QUERY_OCTETS:
        return 414, "query_too_long", f"a query has at most {MAX_QUERY_OCTETS} octets"
    return None


def _check_target(scope: Scope) -> tuple[int, str, str] | None:
    raw: bytes = scope["raw_path"]
    # RFC 9112 section 3.2.2: a server must accept the absolute form; its host is authoritative.
    absolute = _ABSOLUTE.fullmatch(raw)
    if absolute is not None:
        if absolute[1].decode("latin-1").lower() != (header(scope, b"host") or "").lower():
            return 400, "two_hosts", "the request names two hosts"
        raw = absolute[2] or b"/"
    decoded = _decoded(raw)
    if decoded is None:
        return 400, "path_not_plain", "write the path plainly, without //, .., ; or encoded slashes"
    scope["raw_path"], scope["path"] = raw, decoded
    return None


def _decoded(raw: bytes) -> str | None:
    if not _PATH.fullmatch(raw):
        return None
    for segment in raw.split(b"/"):
        octets = unquote_to_bytes(segment)
        if octets in (b".", b"..") or _NEVER_ENCODED.search(octets):
            return None
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        return None
