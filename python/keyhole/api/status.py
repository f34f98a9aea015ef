"""``/status``: what runs here."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole import __version__
from keyhole.api.dependencies import RunningServices
from keyhole.api.principal import Viewer

router = APIRouter(prefix="/status", tags=["status"])


class DnstapOutput(BaseModel):
    """What became of the messages of one output since Keyhole began."""

    target: str = Field(description="The file or socket.")
    is_working: bool = Field(description="Whether it takes what it is given.")
    sent: int
    dropped: int = Field(description="Messages for which there was no room.")


class Status(BaseModel):
    """What runs here."""

    version: str = Field(description="The version of Keyhole.")
    role: str = Field(description="resolver or forwarder.")
    listeners: dict[str, list[str]] = Field(description="Addresses by transport.")
    dnstap: list[DnstapOutput] = Field(description="Where dnstap goes; empty where it is off.")


@router.get("")
async def get_status(services: RunningServices, _: Viewer) -> Status:
    """What runs here, and where it listens."""
    states = services.dnstap.states() if services.dnstap else []
    return Status(
        version=__version__,
        role=services.settings.resolved.options.role,
        listeners=services.control_plane.addresses,
        dnstap=[DnstapOutput(**vars(one)) for one in states],
    )
