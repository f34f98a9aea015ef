"""Responses and errors in Pi-hole's format."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from keyhole.api.problem import ApiProblem, status_of
from keyhole.errors import KeyholeError
from keyhole.http import incident_text

PREFIX = "/api"
_OWN_API = "/api/v1/"
_KEYS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    429: "too_many_requests",
}
ErrorHandler = Callable[[Request, Exception], Response | Awaitable[Response]]


class PiholeError(Exception):
    """Ends a request with an error of Pi-hole. ``key`` is for programs, ``message`` for people."""

    def __init__(self, status: int, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.key = key
        self.message = message
        self.hint = hint


def is_pihole(path: str) -> bool:
    """Whether a path belongs to Pi-hole's API, by its prefix."""
    return path.startswith(f"{PREFIX}/") and not path.startswith(_OWN_API)


def start_timer(request: Request) -> None:
    """A dependency of each route: responses include the time that they took."""
    request.state.started = time.monotonic()


def json_response(request: Request, body: dict[str, Any], status: int = 200) -> JSONResponse:
    """A JSON response, with the time that it took in seconds."""
    return JSONResponse({**body, "took": time.monotonic() - request.state.started}, status)


def error_response(
    status: int,
    key: str,
    message: str,
    hint: str | None = None,
    took: float = 0.0,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A response with an error."""
    error = {"key": key, "message": message, "hint": hint}
    return JSONResponse({"error": error, "took": took}, status, headers)


def key_of(status: int, word: str) -> str:
    """Pi-hole's key for a status; our own word if it has none."""
    return _KEYS.get(status, word)


def install_errors(app: FastAPI) -> None:
    """Makes the errors of these routes look like those of Pi-hole; others stay the same."""
    kinds = (
        *(PiholeError, ApiProblem, RequestValidationError, HTTPException, KeyholeError),
        Exception,
    )
    for kind in kinds:
        app.add_exception_handler(kind, _by_path(app.exception_handlers.get(kind)))


def _by_path(other_handler: Any) -> ErrorHandler:
    async def respond(request: Request, error: Exception) -> Response:
        if is_pihole(request.url.path):
            took = time.monotonic() - getattr(request.state, "started", time.monotonic())
            headers = dict(error.headers or {}) if isinstance(error, HTTPException) else None
            fields = _error_fields(error) or _internal(request.scope)
            return error_response(*fields, took=took, headers=headers)
        response: Response = await other_handler(request, error)
        return response

    return respond


def incident_response(scope: Scope, _: str) -> Response:
    """The response to an unexpected error."""
    return error_response(*_internal(scope))


def _internal(scope: Scope) -> tuple[int, str, str, str | None]:
    # The traceback stays internal; the server reports it to the operator.
    return 500, "internal_error", incident_text(scope), None


def _error_fields(error: Exception) -> tuple[int, str, str, str | None] | None:
    """None for an unexpected error."""
    match error:
        case PiholeError():
            return error.status, error.key, error.message, error.hint
        case ApiProblem():
            return error.status, key_of(error.status, error.word), error.detail, None
        case HTTPException():
            detail = str(error.detail).lower()
            return error.status_code, key_of(error.status_code, "not_possible"), detail, None
        case RequestValidationError():
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            return 400, "bad_request", f"{place}: {first['msg']}", None
        case KeyholeError():
            status = status_of(error)
            return status, key_of(status, "not_possible"), str(error), None
    return None
