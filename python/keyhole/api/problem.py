"""Errors of the API as problem documents (RFC 9457)."""

import re
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
from keyhole.control.overrides.quarantines import StandsError
from keyhole.errors import DocumentErrors, KeyholeError, Problem
from keyhole.http import incident_text
from keyhole.identity.error import FolderInUseError, TakenError
from keyhole.model.suggestion import not_valid
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
    (StandsError, 409, "stands"),
    (StaleError, 412, "changed_meanwhile"),
    (ControlError, 503, "not_possible_now"),
    (StoreError, 503, "not_possible_now"),
    (FolderInUseError, 503, "not_possible_now"),
    (TakenError, 409, "taken"),
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
    """One of several errors, with its place."""

    place: str = Field(description="File, line, document and path, as far as known.")
    file: str = Field("", description="The file, or the name of the text; empty if not known.")
    line: int = Field(0, description="The line in it, from 1; 0 if not known.")
    document: str = Field(
        "", description="Kind and name of the document, such as Policy/base; empty if not known."
    )
    path: str = Field(
        "",
        description="The path in the document, such as spec.rules[2].types; empty if it is not "
        "about one value.",
    )
    why: str = Field(description="What is wrong and what would be right.")


class ProblemDocument(BaseModel):
    """The response to a request that failed (RFC 9457)."""

    type: str = Field(description="Error code for programs, such as urn:keyhole:problem:not_found.")
    title: str = Field(description="The kind of error in a few words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What is wrong and what would be right.")
    problems: list[ProblemItem] = Field(
        default_factory=list, description="The single errors, if there are several."
    )


class ApiProblem(Exception):  # noqa: N818  (named after the document)
    """Ends a request with a problem document. ``word`` is for programs, ``detail`` for people."""

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
    items: list[ProblemItem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """A response with a problem document."""
    document = ProblemDocument(
        type=f"urn:keyhole:problem:{word}",
        title=_TITLES.get(status, "Not possible"),
        status=status,
        detail=detail,
        problems=items or [],
    )
    return JSONResponse(document.model_dump(), status, headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Makes the application respond to all errors with a problem document."""
    app.add_exception_handler(ApiProblem, _api_problem)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(KeyholeError, _keyhole_error)
    app.add_exception_handler(Exception, _internal_error)


async def _api_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiProblem)
    return problem_response(error.status, error.word, error.detail, headers=error.headers)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    items = [_request_item(one) for one in error.errors()]
    detail = f"{items[0].place}: {items[0].why}" if items else "the request is not valid"
    return problem_response(422, "not_valid", detail, items=items)


async def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    word = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "not_possible")
    headers = dict(error.headers or {})
    return problem_response(error.status_code, word, str(error.detail).lower(), headers=headers)


def status_of(error: KeyholeError) -> int:
    """The HTTP status for an error."""
    if isinstance(error, DocumentErrors):
        return 422
    return next((status for kind, status, _ in _KINDS if isinstance(error, kind)), 400)


async def _keyhole_error(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DocumentErrors):
        items = [document_item(one) for one in error.problems if not one.is_advice]
        return problem_response(422, "documents_not_valid", str(error), items=items)
    for kind, status, word in _KINDS:
        if isinstance(error, kind):
            headers = _retry_after(error)
            return problem_response(status, word, str(error), headers=headers)
    return problem_response(400, "refused", str(error))


def _retry_after(error: KeyholeError) -> dict[str, str]:
    return {"retry-after": str(error.seconds)} if isinstance(error, RateLimitedError) else {}


async def _internal_error(request: Request, _: Exception) -> JSONResponse:
    # The traceback stays internal; the server reports it to the operator.
    return problem_response(500, "mistake", incident_text(request.scope))


def _request_item(error: dict[str, Any]) -> ProblemItem:
    place = ".".join(str(step) for step in error["loc"])
    match error["type"]:
        case "extra_forbidden":
            why = f"there is no field {error['loc'][-1]} here"
        case "literal_error":
            valid = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
            why = not_valid(str(error["input"]), valid)
        case "value_error":
            why = str(error["ctx"]["error"])
        case _:
            why = str(error["msg"]).lower()
    return ProblemItem(place=place, why=why)


def document_item(problem: Problem) -> ProblemItem:
    """One error of a document, with its place in parts."""
    return ProblemItem(
        place=problem.place,
        file=problem.file,
        line=problem.line,
        document=problem.document,
        path=problem.path,
        why=problem.why,
    )
