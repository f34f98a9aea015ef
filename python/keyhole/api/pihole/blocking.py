"""``/api/dns/blocking``: whether names are blocked, and for how long they are not."""

import math
import time

from fastapi import APIRouter, Depends, Request, Response

from keyhole.api.dependencies import Pauses
from keyhole.api.documents import change_actor
from keyhole.api.pihole.auth import Body
from keyhole.api.pihole.responses import PiholeError, json_response, start_timer
from keyhole.api.principal import Operator, Viewer
from keyhole.control.overrides import PauseService
from keyhole.model.overrides import MAX_PAUSE

blocking = APIRouter(
    prefix="/dns/blocking", dependencies=[Depends(start_timer)], include_in_schema=False
)


@blocking.get("")
def get_blocking(request: Request, pauses: Pauses, _: Viewer) -> Response:
    """Whether names are blocked now."""
    return json_response(request, _state(pauses))


@blocking.post("")
async def set_blocking(request: Request, pauses: Pauses, caller: Operator, body: Body) -> Response:
    """Pauses blocking everywhere, or ends every pause.

    There is no pause without an end here: without a timer it lasts as long as one may.
    """
    wanted, timer = body.get("blocking"), _timer(body.get("timer"))
    if not isinstance(wanted, bool):
        raise PiholeError(400, "body_error", 'No "blocking" boolean in body data')
    who = change_actor(caller, request)
    if wanted:
        if timer is not None:
            hint = "leave timer out: names are blocked until somebody pauses that"
            raise PiholeError(400, "bad_request", "Blocking has no timer here", hint)
        await pauses.resume(who)
    else:
        seconds = MAX_PAUSE if timer is None else timer
        await pauses.pause(seconds, who, why="by the API of Pi-hole")
    return json_response(request, _state(pauses))


def _timer(written: object) -> int | None:
    """Whole seconds; none where no timer is meant, which Pi-hole's clients also say by 0."""
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise PiholeError(400, "bad_request", "timer is a number of seconds, or null")
    # What is no number at all is not within bounds either, and a huge one is never converted.
    if not written <= MAX_PAUSE:
        raise PiholeError(400, "bad_request", f"timer is at most {MAX_PAUSE} seconds")
    return math.ceil(written) if written > 0 else None


def _state(pauses: PauseService) -> dict[str, object]:
    ends = [one.pause.until for one in pauses.active() if one.pause.policy is None]
    if not ends:
        return {"blocking": "enabled", "timer": None}
    return {"blocking": "disabled", "timer": round(max(0.0, max(ends) - time.time()), 1)}
