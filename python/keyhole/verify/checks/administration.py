"""Administration: the API and the page, as anybody on the network sees them."""

import re
import secrets
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from keyhole.system.no_tls import trusting_nobody
from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Ended, broken_by
from keyhole.verify.error import VerifyError
from keyhole.verify.standards import NIST_207, rfc
from keyhole.verify.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REFUSED = (401, 403)
_ABSENT = (502, 503, 504)
"""What a proxy says where it reaches nobody (RFC 9110 section 15.6)."""
_BARRED = (400, 401, 403, 404, 405, 415, 421)
_STATUS, _HEALTH = "/api/v1/status", "/api/v1/health"
_OK, _API_SECONDS = 200, 10
_EVIL = "https://attacker.example"
_OURS = {"x-keyhole-request": "verify"}
OWASP = "OWASP ASVS 4.0"


@contextmanager
def api_client(target: Target) -> "Iterator[httpx2.Client]":
    """A client of the API, without credentials. Raises `VerifyError` unless its health is told: at
    another address each request is refused, too."""
    with plain_client(target, target.needs_api()) as client:
        if (status := client.get(_HEALTH).status_code) != _OK:
            raise VerifyError(f"{target.api}{_HEALTH}: HTTP {status}; is it the API of a Keyhole?")
        yield client


def plain_client(target: Target, url: str) -> httpx2.Client:
    """A client that believes the root of the target, and follows nobody elsewhere."""
    return httpx2.Client(
        base_url=url, verify=_trust(target, url), trust_env=False, timeout=_API_SECONDS
    )


def _trust(target: Target, url: str) -> ssl.SSLContext:
    if not url.startswith("https:"):
        return trusting_nobody()
    return ssl.create_default_context(cafile=str(target.api_ca) if target.api_ca else None)


def guarded_routes() -> list[tuple[str, str]]:
    """Method and path of each route that needs a role, with a word for each parameter."""
    # Imported here: the routes pull in the whole API.
    from keyhole.api.application import ALL_ROUTES

    found = [one.endpoint for one in ALL_ROUTES.all if not one.is_public]
    return [(method, re.sub(r"\{[^}]+\}", "verify", path)) for method, path in found]


@check(
    "admin-sign-in",
    "No route of the API answers without a sign-in",
    Threat.ADMINISTRATION,
    NIST_207,
    f"{OWASP} 4.1.1",
    tried="each route that needs a role, without credentials and with an invented token",
    expected="401 or 403 each time",
)
def sign_in(target: Target) -> Seen:
    """Each route of this version, so that a new one is not forgotten."""
    if target.closed_api is not None:
        return _closed(target, target.closed_api)
    broken, count = [], 0
    with api_client(target) as client:
        # A status that is not there is no sign-in: a path that leads elsewhere would be green.
        if (status := client.get(_STATUS).status_code) not in _REFUSED:
            broken.append(f"GET {_STATUS}: {status}")
        for method, path in guarded_routes():
            status = client.request(method, path, headers=_OURS).status_code
            count += 1
            if status not in (*_REFUSED, 404, 429):
                broken.append(f"{method} {path}: {status}")
        token = {"authorization": f"Bearer khp_{secrets.token_hex(16)}"}
        cookie = {"cookie": f"__Host-keyhole={secrets.token_hex(16)}"}
        for what, headers in (("an invented token", token), ("an invented cookie", cookie)):
            status = client.get(_STATUS, headers=headers).status_code
            if status not in (*_REFUSED, 429):
                broken.append(f"{what}: {status}")
    return Seen.of(broken, count, f"{count} routes, each refused")


def _closed(target: Target, url: str) -> Seen:
    """What stands before the API refuses all of it, what needs no sign-in too. Raises `VerifyError`
    where it says that there is nothing behind it: a dead API lets nobody in either."""
    places = [("GET", "/"), ("GET", _HEALTH), *guarded_routes()]
    broken, lost = [], []
    with plain_client(target, url) as client:
        for method, path in places:
            status = client.request(method, path, headers=_OURS).status_code
            if status in _ABSENT:
                lost.append(f"{method} {path}: {status}")
            elif status not in _REFUSED:
                broken.append(f"{method} {path}: {status}")
    if lost and not broken:
        raise VerifyError(f"nothing stands behind {url}: {lost[0]}")
    return Seen.of(broken, len(places), f"{len(places)} routes and pages, each refused")


def _tries(target: Target, tries: "Iterable[tuple[str, str, str, dict[str, str]]]") -> Seen:
    broken, seen = [], []
    with api_client(target) as client:
        for what, method, path, headers in tries:
            status = client.request(method, path, headers=headers).status_code
            seen.append(f"{what}: {status}")
            if status not in _BARRED:
                broken.append(seen[-1])
    return Seen.of(broken, len(seen), ", ".join(seen))


@check(
    "admin-host",
    "Another name for the page is refused",
    Threat.REBINDING,
    rfc(9110, "7.2"),
    tried="page, health and API with a Host that is not its own",
    expected="421 or another refusal",
)
def host(target: Target) -> Seen:
    """A page of the attacker's whose name leads here would be of the same origin."""
    other = {"host": "attacker.example"}
    return _tries(target, [(path, "GET", path, other) for path in ("/", "/api/v1/health")])


@check(
    "admin-cross-origin",
    "A page of another origin can change and read nothing",
    Threat.ADMINISTRATION,
    f"{OWASP} 4.2.2",
    f"{OWASP} 14.5.3",
    tried="a login and a change with the Origin of another site, as a form, and a preflight",
    expected="refused, and no header that would let it read",
)
def cross_origin(target: Target) -> Seen:
    """Fetch, section 3.2: without the headers of CORS a browser shows the answer to nobody."""
    foreign = {"origin": _EVIL, **_OURS}
    form = {"content-type": "text/plain", "sec-fetch-site": "cross-site"}
    preflight = {"origin": _EVIL, "access-control-request-method": "POST"}
    tries = [
        ("login", "POST", "/api/v1/session", foreign),
        ("form", "POST", "/api/v1/session", form),
        ("change", "POST", "/api/v1/documents", foreign),
        ("preflight", "OPTIONS", "/api/v1/documents", preflight),
    ]
    seen = _tries(target, tries)
    with api_client(target) as client:
        answers = [
            client.request("GET", path, headers={"origin": _EVIL})
            for path in ("/", "/api/v1/health", _STATUS)
        ]
    allowed = [one for one in answers if "access-control-allow-origin" in one.headers]
    broken = [f"{one.url.path} lets {_EVIL} read" for one in allowed]
    return seen if seen.held and not broken else Seen(False, "; ".join([seen.text, *broken]))


@check(
    "admin-shapes",
    "Odd spellings of a request get no further than plain ones",
    Threat.ADMINISTRATION,
    rfc(9110, "4.2.3"),
    f"{OWASP} 4.1.1",
    tried="method override, double and encoded slashes, another case, a parameter, a foreign "
    "X-Forwarded-For",
    expected="refused or not found",
)
def shapes(target: Target) -> Seen:
    """The door must see what the routes see."""
    host = urlsplit(target.needs_api()).netloc
    broken, seen = [], []
    with api_client(target) as client:
        if (plain := client.get(_STATUS).status_code) not in _REFUSED:
            raise VerifyError(f"the plain request for {_STATUS} got {plain}, not 401 or 403")
    for what, (line, more) in _SHAPES.items():
        request = f"{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n"
        head = _raw_answer(target, request.encode()).decode("latin-1").lower()
        status = head[9:12] if head.startswith("http/1.1 ") else "closed"
        seen.append(f"{what}: {status}")
        # The page itself may answer a path that is none of the API.
        if status.startswith("2") and "application/json" in head:
            broken.append(f"{what}: {status} with JSON")
    return Seen.of(broken, len(seen), ", ".join(seen))


_SHAPES = {
    "override": (f"POST {_STATUS}", "X-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n"),
    "//": ("GET //api/v1/status", ""),
    "absolute": (f"GET http://localhost{_STATUS}", ""),
    "encoded": ("GET /api%2fv1/status", ""),
    "dots": ("GET /api/v1/health/..%2fstatus", ""),
    "case": ("GET /API/V1/STATUS", ""),
    "slash": (f"GET {_STATUS}/", ""),
    "parameter": (f"GET {_STATUS};x=1", ""),
    "forwarded": (f"GET {_STATUS}", "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n"),
    "HEAD": (f"HEAD {_STATUS}", ""),
}
"""Request lines and headers; the plain request for the status is refused with JSON too, but not
with success."""


@check(
    "admin-upgrade",
    "No upgrade leads around the sign-in",
    Threat.ADMINISTRATION,
    rfc(9113, "3.1"),
    tried="an upgrade to h2c with a request for the status, and HTTP/2 by prior knowledge",
    expected="no 101, no answer with success",
)
def upgrade(target: Target) -> Seen:
    """RFC 9113 section 3.1 removed the upgrade; peers served it behind their sign-in."""
    parts = urlsplit(target.needs_api())
    host = parts.netloc
    request = (
        f"GET {_STATUS} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    ).encode()
    known = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with api_client(target):
        first = _raw_answer(target, request).partition(b"\r\n")[0]
    second = _raw_answer(target, known)
    broken = []
    if first.startswith((b"HTTP/1.1 101", b"HTTP/1.1 2")):
        broken.append(f"the upgrade got {first!r}")
    # A server that speaks HTTP/2 begins with a frame SETTINGS (RFC 9113 section 3.4).
    if second[3:4] == b"\x04" and not second.startswith(b"HTTP"):
        broken.append("it speaks HTTP/2 without TLS")
    return Seen.of(broken, 2, f"the upgrade got {first.decode('latin-1') or 'nothing'}")


def _raw_answer(target: Target, octets: bytes) -> bytes:
    """The first octets of the answer to octets that no HTTP library would send; none where the
    server ends the connection. Raises `VerifyError` where it is not reached or stays silent."""
    parts = urlsplit(target.needs_api())
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), 5) as plain:
            stream = plain
            if parts.scheme == "https":
                trust = _trust(target, target.needs_api())
                stream = trust.wrap_socket(plain, server_hostname=parts.hostname)
            stream.sendall(octets)
            return stream.recv(4096)
    except OSError as error:
        said = broken_by(error)
        if said.ended is Ended.CLOSED:
            return b""
        raise VerifyError(f"{target.api}: {said.why}") from error


CHECKS: tuple[Check, ...] = (sign_in, host, cross_origin, shapes, upgrade)
