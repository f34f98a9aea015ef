"""``/status``: version, role, listeners and counters."""

from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole import __version__
from keyhole.api.dependencies import RunningServices
from keyhole.api.engines import Delivery
from keyhole.api.principal import Viewer
from keyhole.control.list_refresh.report import statuses
from keyhole.control.parts import PartState
from keyhole.control.services import Services
from keyhole.errors import KeyholeError

router = APIRouter(prefix="/status", tags=["status"])


class DnstapOutput(BaseModel):
    """Counters of one dnstap output since Keyhole started."""

    target: str = Field(description="The file or socket.")
    is_working: bool = Field(description="Whether messages can be written to it.")
    sent: int = Field(description="Messages sent.")
    dropped: int = Field(description="Messages dropped because the queue was full.")


class PartReport(BaseModel):
    """A part that needs attention, while DNS goes on."""

    name: str = Field(description="The part, such as database, clock or disk.")
    state: str = Field(
        description="failed (tried again), missing (was there and is gone) or mended (was found "
        "damaged at the start)."
    )
    why: str = Field(description="What is wrong, what goes on, and what would be right.")
    since: datetime = Field(description="When it was first seen.")


class ListLoss(BaseModel):
    """A list of which more than a tenth is left out."""

    name: str = Field(description="The name of the List document.")
    why: str = Field(description="How much is left out, and why most of it.")


class Status(BaseModel):
    """The status of this Keyhole."""

    version: str = Field(description="The version of Keyhole.")
    role: str = Field(description="resolver or forwarder.")
    listeners: dict[str, list[str]] = Field(description="Listening addresses by transport.")
    parts: list[PartReport] = Field(
        description="Parts that need attention; empty if everything works."
    )
    lists: list[ListLoss] = Field(
        description="Lists of which more than a tenth is left out; empty if there are none."
    )
    undelivered: list[Delivery] = Field(
        description="Engines that do not decide by the newest revocations, tokens and removed "
        "trust yet."
    )
    dnstap: list[DnstapOutput] = Field(description="The outputs of dnstap; empty if it is off.")
    counters: dict[str, int] | None = Field(
        description="Counters of the engine since its start, by the words of the reference page; "
        "null while no engine answers."
    )


@router.get("")
async def get_status(services: RunningServices, _: Viewer) -> Status:
    """Returns version, role, listeners, dnstap outputs and counters."""
    states = services.dnstap.states() if services.dnstap else []
    return Status(
        version=__version__,
        role=services.settings.resolved.options.role,
        listeners=services.control_plane.addresses,
        parts=[_report(one) for one in services.control_plane.attention()],
        lists=[
            ListLoss(name=one.name, why=one.lost)
            for one in statuses(services.lists, services.control_plane.reconciler.in_force)
            if one.lost
        ],
        undelivered=[
            Delivery(**vars(one))
            for one in services.control_plane.withdrawals.deliveries()
            if not one.has_it
        ],
        dnstap=[DnstapOutput(**vars(one)) for one in states],
        counters=await _counters(services),
    )


def _report(one: PartState) -> PartReport:
    since = datetime.fromtimestamp(one.since, UTC)
    return PartReport(name=one.name, state=one.state.value, why=one.why, since=since)


async def _counters(services: Services) -> dict[str, int] | None:
    try:
        stats = await services.control_plane.stats()
    except KeyholeError:
        return None
    return dict(stats["totals"])
