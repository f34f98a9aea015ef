"""Answers and errors as Pi-hole's clients read them."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from keyhole.api.problem import ApiProblem, status_of
from keyhole.errors import KeyholeError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PiholeError(Exception):
    """Ends a request as Pi-hole would: ``key`` is for programs, ``message`` for people."""

    def __init__(self, status: int, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.key = key
        self.message = message
        self.hint = hint


def error_response(
    status: int, key: str, message: str, hint: str | None = None, took: float = 0.0
) -> JSONResponse:
    """The answer that carries an error."""
    error = {"key": key, "message": message, "hint": hint}
    return JSONResponse({"error": error, "took": took}, status)


class PiholeRoute(APIRoute):
    """A route whose answers say how long they took, and whose errors are those of Pi-hole."""

    def get_route_handler(self) -> Handler:
        """Wraps the handler of the route."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            began = time.monotonic()
            request.state.began = began
            try:
                return await inner(request)
            except PiholeError as error:
                said = (error.status, error.key, error.message, error.hint)
            except RequestValidationError as error:
                first = error.errors()[0]
                place = ".".join(str(step) for step in first["loc"])
                said = (400, "bad_request", f"{place}: {first['msg']}", None)
            except ApiProblem as error:
                said = (error.status, error.word, str(error), None)
            except KeyholeError as error:
                said = (status_of(error), "not_possible", str(error), None)
            return error_response(*said, took=time.monotonic() - began)

        return handle


def answer(request: Request, body: dict[str, Any], status: int = 200) -> JSONResponse:
    """A body with the time that it took."""
    return JSONResponse({**body, "took": time.monotonic() - request.state.began}, status)
