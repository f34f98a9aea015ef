"""The receivers of events, as ``/status`` shows them."""

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from keyhole.control.services import Services


class EventReceiver(BaseModel):
    """A receiver of events, since Keyhole started."""

    kind: str = Field(description="syslog or webhook.")
    target: str = Field(description="Where it is; of a webhook without the path.")
    events: list[str] = Field(description="The kinds of events that it is told.")
    is_working: bool = Field(description="Whether it takes events.")
    since: datetime | None = Field(description="Since when it takes none; null while it works.")
    why: str | None = Field(description="Why it takes none; null while it works.")
    sent: int = Field(description="Events that it has.")
    lost: int = Field(description="Events that found no place in its queue, or that it refused.")
    waiting: int = Field(description="Events that wait for it in memory.")


def event_receivers(services: Services) -> list[EventReceiver]:
    """The receivers and their counters."""
    states = services.events.states() if services.events else []
    return [
        EventReceiver(
            kind=one.kind,
            target=one.target,
            events=list(one.events),
            is_working=one.since is None,
            since=None if one.since is None else datetime.fromtimestamp(one.since, UTC),
            why=one.why,
            sent=one.sent,
            lost=one.lost,
            waiting=one.waiting,
        )
        for one in states
    ]
