"""``/api/info``: what clients ask first."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from keyhole import __version__
from keyhole.api.pihole.responses import json_response, start_timer
from keyhole.api.principal import Viewer

router = APIRouter(prefix="/info", dependencies=[Depends(start_timer)], include_in_schema=False)


@router.get("/login")
async def login(request: Request) -> Response:
    """Public facts for the login page."""
    return json_response(request, {"dns": True, "https_port": 0})


@router.get("/version")
async def version(request: Request, _: Viewer) -> Response:
    """Keyhole's version as that of each part of Pi-hole. Local and remote version are the same, so
    that clients announce no update."""
    number = f"v{__version__}"

    def part(**more: Any) -> dict[str, Any]:
        local = {"version": number, "branch": "master", "hash": "", **more}
        return {"local": local, "remote": {"version": number, "hash": ""}}

    parts = {"core": part(), "web": part(), "ftl": part(date="")}
    return json_response(request, {"version": {**parts, "docker": {"local": None, "remote": None}}})
