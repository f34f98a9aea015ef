"""Metrics of control, and whether it is ready."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from itertools import chain

from keyhole.control.engine_state import EngineState
from keyhole.control.list_refresh.report import statuses
from keyhole.control.list_refresh.status import ListStatus
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import METRICS
from keyhole.control.proof.reports import KeptReport
from keyhole.control.services import Services
from keyhole.errors import KeyholeError
from keyhole.http.health import HealthServer
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.metrics import (
    ControlReport,
    EngineReport,
    EventReport,
    ListReport,
    PromiseReport,
    control_metrics,
    process_metrics,
    render,
)

RETRY_SECONDS = 5.0


@asynccontextmanager
async def serve_health(services: Services, notify: Notify) -> AsyncIterator[None]:
    """Serves metrics while the block runs. A listener that cannot be had is a part that failed, and
    is tried again."""
    health = services.settings.written.health.control
    loop = asyncio.get_running_loop()

    def show(accept: str) -> tuple[bytes, str]:
        # In a thread: the state is read on the loop, the page is made here.
        report = asyncio.run_coroutine_threadsafe(_report(services), loop).result()
        kiali = services.kiali.metrics() if services.kiali is not None else ()
        return render(chain(control_metrics(report), kiali, process_metrics("control")), accept)

    async def why_not_ready() -> str:
        problem = services.control_plane.reconciler.in_force is None
        return "no documents are in force: every query is refused" if problem else ""

    def report(text: str, details: tuple[str, ...]) -> None:
        notify(Notice(Severity.ERROR, text, details))

    server = HealthServer(health, show, why_not_ready, report)
    task = asyncio.create_task(_listen(services, server))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await server.stop()


async def _listen(services: Services, server: HealthServer) -> None:
    parts = services.control_plane.parts
    while not server.is_listening:
        with parts.recorded(METRICS, OSError):
            await server.start()
        if not server.is_listening:
            await asyncio.sleep(RETRY_SECONDS)
    parts.works(METRICS)


async def _report(services: Services) -> ControlReport:
    plane = services.control_plane
    has = {one.engine: one.has_it for one in plane.withdrawals.deliveries()}
    return ControlReport(
        parts=[(one.name, one.state.value) for one in plane.attention()],
        engines=[
            EngineReport(one.name, one.state, one.silent, has.get(one.name, True), _behind(one))
            for one in plane.engines()
        ],
        lists=[_list(one) for one in statuses(services.lists, plane.reconciler.in_force)],
        certificates=await asyncio.to_thread(_ends, services),
        events=[
            EventReport(one.kind, one.since is None, one.sent, one.lost, one.waiting)
            for one in (services.events.states() if services.events else ())
        ],
        findings=services.findings.counts() if services.findings else {},
        proofs=[_proof(one) for one in (services.proofs.known if services.proofs else ())],
    )


def _proof(one: KeptReport) -> PromiseReport:
    """A skipped promise is not known to hold, nor to be broken."""
    report = one.report
    held = {line.id: not line.is_wrong for line in report.lines if line.verdict != "skip"}
    return PromiseReport(report.target, report.started.timestamp(), held)


def _behind(one: EngineState) -> int | None:
    """A control that started afresh counts from a lower number; then only its state says it."""
    if one.number is None or one.wanted is None:
        return None
    return max(0, one.wanted - one.number)


def _list(one: ListStatus) -> ListReport:
    times = [url.checked_at for url in one.urls if url.checked_at is not None]
    checked = min(times) if times and len(times) == len(one.urls) else None
    return ListReport(one.name, one.state, one.taken, one.skipped, checked)


def _ends(services: Services) -> dict[str, datetime]:
    """What cannot be read is left out; it is a part that needs attention."""
    folder, given = services.data.identity, services.settings.server_identity
    files = {
        "listeners": given.certificate if given else folder / "server.pem",
        "issuer": folder / "issuer.pem",
        "root": folder / "root.pem",
    }
    found = {}
    for what, file in files.items():
        with suppress(KeyholeError):
            found[what] = read_certificates(file)[0].not_valid_after_utc
    return found
