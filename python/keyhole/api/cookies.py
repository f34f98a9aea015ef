"""The cookies: one for a session, one for the way to an identity provider and back."""

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

_SESSION = "keyhole"
_WAY = "keyhole-oidc"
# With this prefix a browser keeps a cookie only from the host itself, over TLS (RFC 6265bis,
# section 4.1.3.2), so that no neighbor under the same domain can set one.
_HOST = "__Host-"


def set_session(response: Response, scope: Scope, secret: str, seconds: int) -> None:
    """Gives the browser a session; no script can read it, and no other site can send it."""
    _set(response, scope, _SESSION, secret, seconds, strict=True)


def set_login_state(response: Response, scope: Scope, sealed: str, seconds: int) -> None:
    """Gives the browser what it has to bring back from the provider, which is another site."""
    _set(response, scope, _WAY, sealed, seconds, strict=False)


def read_session(scope: Scope) -> str | None:
    """The secret that the browser brings, if any."""
    return _read(scope, _SESSION)


def read_login_state(scope: Scope) -> str | None:
    """What it brings back from the provider."""
    return _read(scope, _WAY)


def clear_session(response: Response, scope: Scope) -> None:
    """Has the browser forget the session."""
    _set(response, scope, _SESSION, "", 0, strict=True)


def clear_login_state(response: Response, scope: Scope) -> None:
    """Has it forget the way."""
    _set(response, scope, _WAY, "", 0, strict=False)


def _set(
    response: Response, scope: Scope, name: str, value: str, seconds: int, *, strict: bool
) -> None:
    is_secure = scope["scheme"] == "https"
    response.set_cookie(
        _named(scope, name),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="strict" if strict else "lax",
    )


def _named(scope: Scope, name: str) -> str:
    return f"{_HOST}{name}" if scope["scheme"] == "https" else name


def _read(scope: Scope, name: str) -> str | None:
    written = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
    return cookie_parser(written.decode("latin-1")).get(_named(scope, name)) or None
