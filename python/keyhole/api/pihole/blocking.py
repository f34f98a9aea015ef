"""``/api/dns/blocking``: the state of blocking, and pausing it."""

import math
import time

from fastapi import APIRouter, Depends, Request, Response

from keyhole.api.dependencies import Pauses
from keyhole.api.documents import actor_of
from keyhole.api.pihole.auth import Body
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.principal import Operator, Viewer
from keyhole.control.overrides import PauseService
from keyhole.model.overrides import MAX_PAUSE

router = APIRouter(
    prefix="/dns/blocking", dependencies=[Depends(start_timer)], include_in_schema=False
)


@router.get("")
def get_blocking(request: Request, pauses: Pauses, _: Viewer) -> Response:
    """Whether blocking is enabled now."""
    return json_response(request, state_of(pauses))


@router.post("")
async def set_blocking(request: Request, pauses: Pauses, caller: Operator, body: Body) -> Response:
    """Pauses blocking in all policies, or ends all pauses.

    Every pause has an end: without a timer it lasts for the maximum duration.
    """
    enable, timer = body.get("blocking"), _timer(body.get("timer"))
    if not isinstance(enable, bool):
        raise PiholeError(400, "body_error", 'No "blocking" boolean in body data')
    who = actor_of(caller, request)
    if enable:
        if timer is not None:
            hint = "leave timer out: blocking stays enabled until it is paused"
            raise PiholeError(400, "bad_request", "Blocking has no timer here", hint)
        await pauses.resume(who)
    else:
        seconds = MAX_PAUSE if timer is None else timer
        await pauses.pause(seconds, who, why="by the API of Pi-hole")
    return json_response(request, state_of(pauses))


def _timer(written: object) -> int | None:
    """Whole seconds; ``None`` without a timer, which Pi-hole's clients also express as 0."""
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise PiholeError(400, "bad_request", "timer is a number of seconds, or null")
    # This also refuses NaN, and huge numbers before they are converted.
    if not written <= MAX_PAUSE:
        raise PiholeError(400, "bad_request", f"timer is at most {MAX_PAUSE} seconds")
    return math.ceil(written) if written > 0 else None


def state_of(pauses: PauseService) -> dict[str, object]:
    """Whether blocking is enabled now, and for how long it is not."""
    ends = [one.pause.until for one in pauses.active() if one.pause.policy is None]
    if not ends:
        return {"blocking": "enabled", "timer": None}
    return {"blocking": "disabled", "timer": round(max(0.0, max(ends) - time.time()), 1)}
