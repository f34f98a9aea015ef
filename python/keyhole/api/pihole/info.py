"""``/api/info``: what a client asks before it shows anything."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from keyhole import __version__
from keyhole.api.pihole.responses import json_response, start_timer
from keyhole.api.principal import Viewer

info = APIRouter(prefix="/info", dependencies=[Depends(start_timer)], include_in_schema=False)


@info.get("/login")
async def login(request: Request) -> Response:
    """What is known to everybody."""
    return json_response(request, {"dns": True, "https_port": 0})


@info.get("/version")
async def version(request: Request, _: Viewer) -> Response:
    """Keyhole's own version in the place of each of Pi-hole's parts: there is nothing newer that a
    client should tell of."""
    said = f"v{__version__}"

    def part(**more: Any) -> dict[str, Any]:
        local = {"version": said, "branch": "master", "hash": "", **more}
        return {"local": local, "remote": {"version": said, "hash": ""}}

    parts = {"core": part(), "web": part(), "ftl": part(date="")}
    return json_response(request, {"version": {**parts, "docker": {"local": None, "remote": None}}})
