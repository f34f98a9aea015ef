"""Errors of the API, as problem documents (RFC 9457)."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from keyhole.accounts import (
    AuthenticationError,
    BusyError,
    CodeRequiredError,
    ConflictError,
    NoSuchError,
    RateLimitedError,
)
from keyhole.accounts.oidc import OidcLoginError, ProviderError
from keyhole.control.error import (
    ControlError,
    InvalidError,
    NotThereError,
    ReadOnlyError,
    StaleError,
)
from keyhole.errors import DocumentErrors, KeyholeError, Problem
from keyhole.store import StoreError

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "Not valid",
    401: "Not authenticated",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    408: "Too slow",
    414: "Too long",
    421: "Misdirected",
    431: "Too large",
    422: "Not valid",
    428: "A condition is needed",
    429: "Too many requests",
    503: "Not possible now",
}


_KINDS: tuple[tuple[type[KeyholeError], int, str], ...] = (
    (InvalidError, 422, "not_valid"),
    (NotThereError, 404, "not_found"),
    (ReadOnlyError, 409, "declared_in_a_file"),
    (StaleError, 412, "changed_meanwhile"),
    (ControlError, 503, "not_possible_now"),
    (StoreError, 503, "not_possible_now"),
    (AuthenticationError, 401, "not_believed"),
    (CodeRequiredError, 401, "code_needed"),
    (RateLimitedError, 429, "too_often"),
    (BusyError, 503, "busy"),
    (NoSuchError, 404, "not_found"),
    (ConflictError, 409, "taken"),
    (OidcLoginError, 403, "not_vouched_for"),
    (ProviderError, 503, "provider_not_usable"),
)


class ProblemItem(BaseModel):
    """One thing that is wrong, and where."""

    place: str = Field(description="File, line, document and path, as far as they are known.")
    why: str = Field(description="What is wrong and what would be right.")


class ProblemDocument(BaseModel):
    """What is answered when something goes wrong (RFC 9457)."""

    type: str = Field(description="A word for programs, such as urn:keyhole:problem:not_found.")
    title: str = Field(description="The kind of the problem in a few words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what would be right.")
    problems: list[ProblemItem] = Field(
        default_factory=list, description="Each thing that is wrong, where there are several."
    )


class ApiProblem(Exception):  # noqa: N818  (named as the document that it becomes)
    """Ends a request with a problem document; ``word`` is for programs, ``detail`` for people."""

    def __init__(
        self, status: int, word: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.word = word
        self.detail = detail
        self.headers = headers or {}


def problem_response(
    status: int,
    word: str,
    detail: str,
    *,
    places: list[ProblemItem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The answer that carries a problem."""
    document = ProblemDocument(
        type=f"urn:keyhole:problem:{word}",
        title=_TITLES.get(status, "Not possible"),
        status=status,
        detail=detail,
        problems=places or [],
    )
    return JSONResponse(document.model_dump(), status, headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Has the application answer everything that goes wrong as a problem."""
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(KeyholeError, _keyhole)
    app.add_exception_handler(Exception, _mistake)


async def _api_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiProblem)
    return problem_response(error.status, error.word, error.detail, headers=error.headers)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [_place(one) for one in error.errors()]
    detail = f"{places[0].place}: {places[0].why}" if places else "the request is not valid"
    return problem_response(422, "not_valid", detail, places=places)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    word = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "not_possible")
    headers = dict(error.headers or {})
    return problem_response(error.status_code, word, str(error.detail).lower(), headers=headers)


def status_of(error: KeyholeError) -> int:
    """The status that says what is wrong."""
    if isinstance(error, DocumentErrors):
        return 422
    return next((status for kind, status, _ in _KINDS if isinstance(error, kind)), 400)


async def _keyhole(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DocumentErrors):
        places = [_shown(one) for one in error.problems if not one.is_advice]
        return problem_response(422, "documents_not_valid", str(error), places=places)
    for kind, status, word in _KINDS:
        if isinstance(error, kind):
            headers = _wait(error)
            return problem_response(status, word, str(error), headers=headers)
    return problem_response(400, "refused", str(error))


def _wait(error: KeyholeError) -> dict[str, str]:
    return {"retry-after": str(error.seconds)} if isinstance(error, RateLimitedError) else {}


async def _mistake(_: Request, __: Exception) -> JSONResponse:
    # A caller must not see how we are built; the operator is told by the server.
    detail = "a mistake in Keyhole; its operator has been told"
    return problem_response(500, "mistake", detail)


def _place(error: dict[str, Any]) -> ProblemItem:
    place = ".".join(str(step) for step in error["loc"])
    return ProblemItem(place=place, why=str(error["msg"]).lower())


def _shown(problem: Problem) -> ProblemItem:
    return ProblemItem(place=problem.place, why=problem.why)
