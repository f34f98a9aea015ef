"""``/engines``: the state of all engines, on this machine and on others."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.pagination import Page
from keyhole.api.principal import Operator, Viewer

router = APIRouter(prefix="/engines", tags=["engines"])


class Engine(BaseModel):
    """The state of one engine."""

    name: str = Field(description="Its SPIFFE ID, or local for the engine on this machine.")
    state: Literal["in force", "behind", "away", "never seen"] = Field(
        description="in force: it uses the newest snapshot. behind: it uses an older one. away: it "
        "has not reported for a while; if it runs, it serves with its last snapshot."
    )
    number: int | None = Field(description="The snapshot that it uses, if known.")
    wanted: int | None = Field(description="The snapshot that it should use.")
    why: str = Field(description="Why it rejected that; empty if it did not.")
    version: str = Field(description="Its version of Keyhole.")
    pid: int | None = Field(description="Its process ID on its machine.")
    addresses: dict[str, list[str]] = Field(description="Listening addresses by transport.")
    silent: Annotated[float, Field(ge=0)] | None = Field(
        description="Seconds since its last report; null if it never reported."
    )


class Delivery(BaseModel):
    """Whether one engine decides by the newest revocations, tokens and removed trust."""

    engine: str = Field(description="Its SPIFFE ID, or local for the engine on this machine.")
    has_it: bool = Field(description="Whether it has said so.")
    why: str = Field(description="Why it does not yet; empty if it does.")


@router.get("")
async def get_engines(services: RunningServices, _: Viewer) -> Page[Engine]:
    """Lists all engines, the local one first."""
    return Page(items=[Engine(**vars(one)) for one in services.control_plane.engines()])


@router.post("/delivery")
async def deliver_revocations(services: RunningServices, _: Operator) -> Page[Delivery]:
    """Sends revocations, tokens and removed trust to all engines, whatever documents are invalid.

    Returns when each of them has it, after ten seconds at the latest.
    """
    deliveries = await services.control_plane.withdrawals.deliver()
    return Page(items=[Delivery(**vars(one)) for one in deliveries])
