"""``/events``: the receivers of events, and a test of the way to them."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.principal import Operator
from keyhole.api.problem import ApiProblem

router = APIRouter(prefix="/events", tags=["events"])


class EventTest(BaseModel):
    """What became of a test event at one receiver."""

    target: str = Field(description="Where the receiver is; of a webhook without the path.")
    is_delivered: bool = Field(description="Whether it has the event.")
    why: str | None = Field(description="Why it does not have it; null where it has.")


class EventTests(BaseModel):
    """What became of a test event."""

    receivers: list[EventTest] = Field(description="Each receiver.")


@router.post("/test")
async def send_test_event(services: RunningServices, _: Operator) -> EventTests:
    """Sends one test event to each receiver, and waits until it has it, at most 20 seconds."""
    if services.events is None:
        raise ApiProblem(
            409,
            "no_receiver",
            "no receiver is named; set events.syslog.server or events.webhook.url in keyhole.yaml, "
            "and start keyhole again",
        )
    found = await services.events.test()
    return EventTests(
        receivers=[
            EventTest(target=target, is_delivered=why is None, why=why)
            for target, why in found.items()
        ]
    )
