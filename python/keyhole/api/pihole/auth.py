"""``/api/auth``: login with a token in place of the password; it returns a session ID."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from keyhole.accounts import ClientInfo, RateLimitedError
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.pihole.sessions import VALID_SECONDS, PiholeSessions

router = APIRouter(prefix="/auth", dependencies=[Depends(start_timer)], include_in_schema=False)

SID_HEADERS = ("x-ftl-sid", "sid")
"""The headers with the session ID: Pi-hole's own one, and its short form."""
MAX_SECRET = 512


def _sessions(request: Request) -> PiholeSessions:
    sessions = getattr(request.app.state, "pihole_sessions", None)
    if not isinstance(sessions, PiholeSessions):
        raise PiholeError(503, "not_possible", "nobody can log in now")
    return sessions


Sessions = Annotated[PiholeSessions, Depends(_sessions)]


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object in a body. The media type is ignored: some clients send ``text/plain``."""
    try:
        value = json.loads(await request.body())
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise PiholeError(400, "bad_request", "Invalid request body data (no valid JSON)")
    return value


Body = Annotated[dict[str, Any], Depends(body_of)]


@router.post("")
async def log_in(request: Request, sessions: Sessions, body: Body) -> Response:
    """Opens a session for the secret of a token."""
    password = body.get("password")
    if not isinstance(password, str):
        raise PiholeError(400, "bad_request", "No password found in JSON payload")
    host = request.client.host if request.client else "nowhere"
    client = ClientInfo(host, request.headers.get("user-agent", ""))
    sid = None
    try:
        if len(password) <= MAX_SECRET:
            sid = await run_in_threadpool(sessions.open, password, client)
    except RateLimitedError as error:
        raise PiholeError(429, "too_many_requests", str(error)) from None
    if sid is None:
        return json_response(request, _session(None, "password incorrect"), 401)
    return json_response(request, _session(sid, "app-password correct"))


@router.get("")
async def get_session(request: Request, sessions: Sessions) -> Response:
    """Whether the session of the request is valid."""
    sid = sid_of(request)
    host = request.client.host if request.client else "nowhere"
    token = await run_in_threadpool(sessions.token_of, sid, host) if sid else None
    if token is None:
        return json_response(request, _session(None, None), 401)
    return json_response(request, _session(sid, "valid"))


@router.delete("")
async def log_out(request: Request, sessions: Sessions) -> Response:
    """Closes the session of the request."""
    sid = sid_of(request)
    if sid is None or not sessions.close(sid):
        raise PiholeError(401, "unauthorized", "Unauthorized")
    return Response(status_code=204)


def sid_of(request: Request) -> str | None:
    """The session ID of a request, if any."""
    sid = next((request.headers[one] for one in SID_HEADERS if one in request.headers), None)
    return sid if sid and len(sid) <= MAX_SECRET else None


def _session(sid: str | None, message: str | None) -> dict[str, Any]:
    validity = VALID_SECONDS if sid else -1
    return {
        "session": {
            "valid": sid is not None,
            "totp": False,
            "sid": sid,
            # There are no cookies, so there is nothing to forge. Some clients log in again before
            # each request where it is null.
            "csrf": sid,
            "validity": validity,
            "message": message,
        }
    }
