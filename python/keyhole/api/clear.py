"""``/clear``: everything that is still unencrypted or unauthenticated."""

from fastapi import APIRouter

from keyhole.api.dependencies import InTheClear
from keyhole.api.history_times import history_errors
from keyhole.api.principal import Viewer
from keyhole.api.time_span import DuringSpan
from keyhole.control.in_the_clear import ClearReport

router = APIRouter(prefix="/clear", tags=["clear"])


@router.get("")
async def list_clear(clear: InTheClear, _: Viewer, wanted: DuringSpan) -> ClearReport:
    """Lists what is in the clear, each with the way to mend it: listeners, clients, upstreams and
    settings, with the queries of a time span. The counts are those of graph and log."""
    with history_errors():
        return await clear.report(wanted)
