"""``/api/dns/blocking``: whether names are blocked, and for how long they are not."""

import math
import time

from fastapi import APIRouter, Depends, Request, Response

from keyhole.api.documents import actor
from keyhole.api.pihole.answer import PiholeError, answer, begin
from keyhole.api.pihole.auth import Body
from keyhole.api.principal import Operator, Viewer
from keyhole.api.state import Pauses
from keyhole.control.standing import Pausing
from keyhole.model.standing import LONGEST_PAUSE

blocking = APIRouter(prefix="/dns/blocking", dependencies=[Depends(begin)], include_in_schema=False)


@blocking.get("")
def get_blocking(request: Request, pausing: Pauses, _: Viewer) -> Response:
    """Whether names are blocked now."""
    return answer(request, _state(pausing))


@blocking.post("")
async def set_blocking(request: Request, pausing: Pauses, caller: Operator, body: Body) -> Response:
    """Pauses blocking everywhere, or ends every pause.

    There is no pause without an end here: without a timer it lasts as long as one may.
    """
    wanted, timer = body.get("blocking"), body.get("timer")
    if not isinstance(wanted, bool):
        raise PiholeError(400, "body_error", 'No "blocking" boolean in body data')
    who = actor(caller, request)
    if wanted:
        if timer is not None:
            hint = "leave timer out: names are blocked until somebody pauses that"
            raise PiholeError(400, "bad_request", "Blocking has no timer here", hint)
        await pausing.resume(who)
    else:
        await pausing.pause(_seconds(timer), who, why="by the API of Pi-hole")
    return answer(request, _state(pausing))


def _seconds(timer: object) -> int:
    if timer is None:
        return LONGEST_PAUSE
    if isinstance(timer, bool) or not isinstance(timer, int | float) or not math.isfinite(timer):
        raise PiholeError(400, "bad_request", "timer is a number of seconds, or null")
    if not 0 < timer <= LONGEST_PAUSE:
        raise PiholeError(400, "bad_request", f"timer is from 1 to {LONGEST_PAUSE} seconds")
    return math.ceil(timer)


def _state(pausing: Pausing) -> dict[str, object]:
    ends = [one.pause.until for one in pausing.pauses() if one.pause.policy is None]
    if not ends:
        return {"blocking": "enabled", "timer": None}
    return {"blocking": "disabled", "timer": round(max(0.0, max(ends) - time.time()), 1)}
