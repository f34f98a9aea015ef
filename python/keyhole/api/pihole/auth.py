"""``/api/auth``: a token in place of the password gives the number of a session."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from keyhole.accounts import ClientInfo, RateLimitedError
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.pihole.sessions import VALID_SECONDS, PiholeSessions

auth = APIRouter(prefix="/auth", dependencies=[Depends(start_timer)], include_in_schema=False)

SID_HEADERS = ("x-ftl-sid", "sid")
"""By which clients say their session: Pi-hole's own, and its short form."""
LONGEST = 512


def _sessions(request: Request) -> PiholeSessions:
    sessions = getattr(request.app.state, "pihole_sessions", None)
    if not isinstance(sessions, PiholeSessions):
        raise PiholeError(503, "not_possible", "nobody can log in now")
    return sessions


Sessions = Annotated[PiholeSessions, Depends(_sessions)]


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
async def log_in(request: Request, sessions: Sessions, body: Body) -> Response:
    """Gives a session to whoever has the secret of a token."""
    password = body.get("password")
    if not isinstance(password, str):
        raise PiholeError(400, "bad_request", "No password found in JSON payload")
    host = request.client.host if request.client else "nowhere"
    client = ClientInfo(host, request.headers.get("user-agent", ""))
    sid = None
    try:
        if len(password) <= LONGEST:
            sid = await run_in_threadpool(sessions.open, password, client)
    except RateLimitedError as error:
        raise PiholeError(429, "too_many_requests", str(error)) from None
    if sid is None:
        return json_response(request, _session(None, "password incorrect"), 401)
    return json_response(request, _session(sid, "app-password correct"))


@auth.get("")
async def look(request: Request, sessions: Sessions) -> Response:
    """Whether the session that is named still holds."""
    sid = sid_of(request)
    host = request.client.host if request.client else "nowhere"
    token = await run_in_threadpool(sessions.token_of, sid, host) if sid else None
    if token is None:
        return json_response(request, _session(None, None), 401)
    return json_response(request, _session(sid, "valid"))


@auth.delete("")
async def log_out(request: Request, sessions: Sessions) -> Response:
    """Gives a session up."""
    sid = sid_of(request)
    if sid is None or not sessions.close(sid):
        raise PiholeError(401, "unauthorized", "Unauthorized")
    return Response(status_code=204)


def sid_of(request: Request) -> str | None:
    """The session that a request names."""
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
