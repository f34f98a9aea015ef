"""``/engines``: who answers, here and on other machines, and by which snapshot."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.pagination import Page
from keyhole.api.principal import Viewer

router = APIRouter(prefix="/engines", tags=["engines"])


class Engine(BaseModel):
    """One engine."""

    name: str = Field(description="Its SPIFFE ID; local is the one beside control.")
    state: Literal["in force", "behind", "away", "never seen"] = Field(
        description="in force: it decides by the newest snapshot. behind: by an older one. away: "
        "it was not heard for a while, and serves on from what it has, if it runs."
    )
    number: int | None = Field(description="The snapshot by which it decides, as far as is known.")
    wanted: int | None = Field(description="The snapshot by which it is to decide.")
    why: str = Field(description="Why it did not take that; empty where it may still do so.")
    version: str = Field(description="The version of Keyhole that it runs.")
    pid: int | None = Field(description="Its process on its machine.")
    addresses: dict[str, list[str]] = Field(description="Where it listens, by transport.")
    silent: Annotated[float, Field(ge=0)] | None = Field(
        description="Seconds since it was heard last; null where it never was."
    )


@router.get("")
async def get_engines(services: RunningServices, _: Viewer) -> Page[Engine]:
    """All engines, the local one first."""
    return Page(items=[Engine(**vars(one)) for one in services.control_plane.engines()])
