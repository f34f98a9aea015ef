"""The cookies: one for a session, one for the state of an OpenID Connect login."""

from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import Scope

_SESSION = "keyhole"
_LOGIN_STATE = "keyhole-oidc"
# A browser accepts a cookie with this prefix only from the host itself, over TLS (RFC 6265bis
# section 4.1.3.2), so other hosts of the same domain cannot set it.
_HOST_PREFIX = "__Host-"


def set_session(response: Response, scope: Scope, secret: str, seconds: int) -> None:
    """Sets the session cookie. Scripts cannot read it; requests from other sites do not have it."""
    _set(response, scope, _SESSION, secret, seconds, strict=True)


def set_login_state(response: Response, scope: Scope, sealed: str, seconds: int) -> None:
    """Sets the login state. It must survive the redirect from the provider, another site."""
    _set(response, scope, _LOGIN_STATE, sealed, seconds, strict=False)


def read_session(scope: Scope) -> str | None:
    """The secret of the session, if the request has the cookie."""
    return _read(scope, _SESSION)


def read_login_state(scope: Scope) -> str | None:
    """The sealed login state, if the request has the cookie."""
    return _read(scope, _LOGIN_STATE)


def clear_session(response: Response, scope: Scope) -> None:
    """Deletes the session cookie."""
    _set(response, scope, _SESSION, "", 0, strict=True)


def clear_login_state(response: Response, scope: Scope) -> None:
    """Deletes the login state."""
    _set(response, scope, _LOGIN_STATE, "", 0, strict=False)


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
    return f"{_HOST_PREFIX}{name}" if scope["scheme"] == "https" else name


def _read(scope: Scope, name: str) -> str | None:
    cookies = b"; ".join(value for key, value in scope["headers"] if key == b"cookie")
    return cookie_parser(cookies.decode("latin-1")).get(_named(scope, name)) or None
