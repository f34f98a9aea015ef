"""The routes of the enrollment server."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from keyhole.enrollment.message import (
    JSON,
    PROBLEM,
    BundleResponse,
    CertificateResponse,
    EnrollRequest,
    ProblemDetails,
    RenewRequest,
)
from keyhole.enrollment.refusals import Refusals
from keyhole.enrollment.throttle import Throttle
from keyhole.http import incident_text
from keyhole.identity.authority import IssuedCertificate
from keyhole.identity.enrollments import redeem
from keyhole.identity.error import IdentityError, RefusedError, RequestError
from keyhole.identity.renewal import renew
from keyhole.identity.trust import read_trust
from keyhole.model.service import Service

MAX_BODY_OCTETS = 64 * 1024
ADDRESS_FAILURES = 200
"""Failures on one route from one address within a minute, of all credentials together."""

Message = TypeVar("Message", bound=BaseModel)
Notify = Callable[[bool, str], None]
"""Called with whether it is good news, and a sentence for the operator."""


@dataclass(frozen=True)
class EnrollmentService:
    """Serves requests from the identity folder."""

    folder: Path
    grace: timedelta
    service: Service
    notify: Notify
    throttle: Throttle = field(default_factory=Throttle)
    """By route and credential."""
    addresses: Throttle = field(default_factory=lambda: Throttle(ADDRESS_FAILURES))
    """By route and address, with room for many clients behind one NAT."""
    refusals: Refusals = field(init=False)
    """What is said of requests that were refused; whoever serves has it summed up each minute."""

    def __post_init__(self) -> None:
        """Says refusals as bad news."""
        object.__setattr__(self, "refusals", Refusals(partial(self.notify, False)))

    def grant(self, spiffe: str, issued: IssuedCertificate) -> CertificateResponse:
        """The response with a new certificate."""
        trust = read_trust(self.folder)
        return CertificateResponse(
            spiffe=spiffe,
            certificate=issued.chain.decode(),
            trust_domain=trust.domain,
            bundle=trust.bundle_pem,
            service=self.service,
        )


def application(service: EnrollmentService) -> Starlette:
    """The routes; every error is answered as problem details (RFC 9457)."""

    async def bundle(_: Request) -> BaseModel:
        trust = await run_in_threadpool(read_trust, service.folder)
        return BundleResponse(trust_domain=trust.domain, bundle=trust.bundle_pem)

    async def enroll(request: Request) -> BaseModel:
        message = await _read(request, EnrollRequest)
        request.state.credential = _digest(message.secret)
        text, response = await run_in_threadpool(_enroll, service, message, _address(request))
        service.notify(True, text)
        return response

    async def renewal(request: Request) -> BaseModel:
        message = await _read(request, RenewRequest)
        request.state.credential = _digest(message.certificate)
        text, response = await run_in_threadpool(_renew, service, message, _address(request))
        service.notify(True, text)
        return response

    routes = [
        Route("/v1/bundle", _guarded(service, bundle), methods=["GET"]),
        Route("/v1/enroll", _guarded(service, enroll), methods=["POST"]),
        Route("/v1/renew", _guarded(service, renewal), methods=["POST"]),
    ]
    return Starlette(
        routes=routes, exception_handlers={HTTPException: _not_there, Exception: _incident}
    )


def _enroll(
    service: EnrollmentService, message: EnrollRequest, address: str
) -> tuple[str, CertificateResponse]:
    how = f"enrolled from {address}"
    one, issued = redeem(
        service.folder, message.secret, message.csr.encode(), how=how, address=address
    )
    text = f"{one.name} {how}: {_shown(one.spiffe, issued)}"
    return text, service.grant(one.spiffe, issued)


def _renew(
    service: EnrollmentService, message: RenewRequest, address: str
) -> tuple[str, CertificateResponse]:
    try:
        signature = base64.b64decode(message.signature, validate=True)
    except ValueError:
        # Also for letters outside ASCII, which are no binascii.Error.
        raise RequestError("the signature is not base64") from None
    how = f"renewed from {address}"
    spiffe, issued = renew(
        service.folder,
        message.certificate.encode(),
        message.csr.encode(),
        signature,
        grace=service.grace,
        how=how,
        address=address,
    )
    text = f"a certificate was {how}: {_shown(spiffe, issued)}"
    return text, service.grant(spiffe, issued)


def _guarded(
    service: EnrollmentService, answer: Callable[[Request], Awaitable[BaseModel]]
) -> Callable[[Request], Awaitable[Response]]:
    """Answers; turns errors into problem details that reveal nothing internal.

    Only what fails is throttled: a right request is served however many others behind the same
    address fail.
    """

    async def guarded(request: Request) -> Response:
        try:
            return _json(200, JSON, await answer(request))
        except HTTPException as error:
            return _failed(service, request, error.status_code, error.detail)
        except ClientDisconnect:
            return _problem(400, "the request is incomplete")
        except (RequestError, RefusedError) as error:
            status = 400 if isinstance(error, RequestError) else 403
            return _failed(service, request, status, str(error), error)
        except IdentityError as error:
            service.notify(False, f"no certificate can be issued: {error}")
            why = "this Keyhole cannot issue certificates now; its log says why"
            return _problem(503, why)

    return guarded


async def _incident(request: Request, _: Exception) -> Response:
    # The layer around this application reports it.
    return incident_response(request.scope, incident_text(request.scope))


def incident_response(_: Scope, text: str) -> Response:
    """The response to an unexpected error, which says nothing internal."""
    return _problem(500, text)


def _failed(
    service: EnrollmentService,
    request: Request,
    status: int,
    why: str,
    refusal: RequestError | RefusedError | None = None,
) -> Response:
    """Counts a failure by credential and by address; answers with the reason only while both have
    room. The operator hears of a refusal in each case."""
    address, route = _address(request), request.url.path
    credential = f"{route} {getattr(request.state, 'credential', '')}"
    seconds = max(
        service.throttle.wait(address, credential), service.addresses.wait(address, route)
    )
    if refusal is not None:
        known = refusal.known if isinstance(refusal, RefusedError) else ""
        service.refusals.add(address, why, known, is_throttled=bool(seconds))
    if seconds:
        why = f"too many such requests failed; try again in {seconds} seconds"
        return _problem(429, why, {"retry-after": str(seconds)})
    service.throttle.failed(address, credential)
    service.addresses.failed(address, route)
    return _problem(status, why)


def _digest(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()


async def _read(request: Request, model: type[Message]) -> Message:
    """Reads the body as a message; the limit holds whatever the headers say."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise HTTPException(415, f"send {JSON}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_OCTETS:
            raise HTTPException(413, f"a request has at most {MAX_BODY_OCTETS} octets")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the body"
        raise HTTPException(400, f"{place}: {first['msg'].lower()}") from None


def _address(request: Request) -> str:
    return request.client.host if request.client else "nowhere"


async def _not_there(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _problem(404, "no such route; the routes are /v1/bundle, enroll and renew")
    return _problem(error.status_code, error.detail.lower(), dict(error.headers or {}))


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    titles = {400: "Bad request", 403: "Refused", 404: "Not found", 429: "Too many failures"}
    title = titles.get(status, "Not possible")
    return _json(
        status, PROBLEM, ProblemDetails(title=title, status=status, detail=detail), headers
    )


def _json(
    status: int, kind: str, body: BaseModel, headers: dict[str, str] | None = None
) -> Response:
    fixed = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(
        body.model_dump_json().encode(), status, {**fixed, **(headers or {})}, media_type=kind
    )


def _shown(spiffe: str, issued: IssuedCertificate) -> str:
    return f"{spiffe}, until {issued.leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
