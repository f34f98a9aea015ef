"""``/upstreams``: what upstreams do, and a question to one of them."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.principal import Operator
from keyhole.api.problem import ApiProblem
from keyhole.api.turns import Turns
from keyhole.api.upstream_report import UpstreamCertificate, upstream_report
from keyhole.control import upstream_test

router = APIRouter(prefix="/upstreams", tags=["upstreams"])

_TURNS = Turns("other upstreams are tested already", at_once=2)


class UpstreamTest(BaseModel):
    """What came of asking one upstream."""

    name: str = Field(description="The name of its document.")
    is_answered: bool = Field(description="Whether it answered.")
    seconds: float | None = Field(
        description="The time from the question to its answer, without connecting; null without an "
        "answer."
    )
    error: str | None = Field(description="Why it did not answer; null if it did.")
    certificate: UpstreamCertificate | None = Field(
        description="The certificate that it showed; null if there was no handshake that succeeded."
    )


@router.post("/{name}/test")
async def ask_upstream(
    services: RunningServices,
    _: Operator,
    request: Request,
    name: Annotated[str, Path(max_length=63, description="The name of the upstream.")],
) -> UpstreamTest:
    """Asks one upstream in force for the root name servers, or for those of its first domain, on a
    connection of its own, with the same checks of its certificate as the engine of this machine."""
    compiled = services.control_plane.reconciler.in_force
    if compiled is None:
        raise ApiProblem(503, "not_possible_now", "no documents are in force yet")
    async with _TURNS.take(request):
        found = await asyncio.to_thread(upstream_test.ask_upstream, compiled, name)
    report = upstream_report(found.stats)
    return UpstreamTest(
        name=name,
        is_answered=found.is_answered,
        seconds=report.round_trip if found.is_answered else None,
        error=found.error,
        certificate=report.certificate,
    )
