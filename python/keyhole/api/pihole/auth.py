"""``/api/auth``: a token in place of the password gives the number of a seat."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from keyhole.accounts import ClientInfo, RateLimitedError
from keyhole.api.pihole.responses import PiholeError, answer, begin
from keyhole.api.pihole.sessions import VALID_SECONDS, PiholeSessions

auth = APIRouter(prefix="/auth", dependencies=[Depends(begin)], include_in_schema=False)

SID_HEADERS = ("x-ftl-sid", "sid")
"""By which clients say their seat: Pi-hole's own, and its short form."""
LONGEST = 512


def _seats(request: Request) -> PiholeSessions:
    seats = getattr(request.app.state, "seats", None)
    if not isinstance(seats, PiholeSessions):
        raise PiholeError(503, "not_possible", "nobody can log in now")
    return seats


Seated = Annotated[PiholeSessions, Depends(_seats)]


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in a body, whatever its media type says: some clients name it plain text."""
    try:
        found = json.loads(await request.body())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise PiholeError(400, "bad_request", "Invalid request body data (no valid JSON)")
    return found


Body = Annotated[dict[str, Any], Depends(body_of)]


@auth.post("")
async def log_in(request: Request, seats: Seated, body: Body) -> Response:
    """Gives a seat to whoever has the secret of a token."""
    password = body.get("password")
    if not isinstance(password, str):
        raise PiholeError(400, "bad_request", "No password found in JSON payload")
    host = request.client.host if request.client else "nowhere"
    visit = ClientInfo(host, request.headers.get("user-agent", ""))
    sid = None
    try:
        if len(password) <= LONGEST:
            sid = await run_in_threadpool(seats.sit, password, visit)
    except RateLimitedError as error:
        raise PiholeError(429, "too_many_requests", str(error)) from None
    if sid is None:
        return answer(request, _session(None, "password incorrect"), 401)
    return answer(request, _session(sid, "app-password correct"))


@auth.get("")
async def look(request: Request, seats: Seated) -> Response:
    """Whether the seat that is named still holds."""
    sid = sid_of(request)
    host = request.client.host if request.client else "nowhere"
    token = await run_in_threadpool(seats.token_of, sid, host) if sid else None
    if token is None:
        return answer(request, _session(None, None), 401)
    return answer(request, _session(sid, "valid"))


@auth.delete("")
async def log_out(request: Request, seats: Seated) -> Response:
    """Gives a seat up."""
    sid = sid_of(request)
    if sid is None or not seats.leave(sid):
        raise PiholeError(401, "unauthorized", "Unauthorized")
    return Response(status_code=204)


def sid_of(request: Request) -> str | None:
    """The seat that a request names."""
    found = next((request.headers[one] for one in SID_HEADERS if one in request.headers), None)
    return found if found and len(found) <= LONGEST else None


def _session(sid: str | None, message: str | None) -> dict[str, Any]:
    validity = VALID_SECONDS if sid else -1
    return {
        "session": {
            "valid": sid is not None,
            "totp": False,
            "sid": sid,
            # Cookies are not taken, so nobody can be tricked into sending one.
            "csrf": None,
            "validity": validity,
            "message": message,
        }
    }
