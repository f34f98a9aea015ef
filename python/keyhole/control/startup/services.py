"""Starts the services of control, in the order in which they need each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from keyhole.control.authentication import open_authentication
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.dnstap import dnstap
from keyhole.control.explain import ExplainService
from keyhole.control.findings import FindingService, QuarantineByPolicy
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.list_refresh.refresher import own_addresses
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.overrides import DecisionService, PauseService, QuarantineService
from keyhole.control.parts import DISK, LIST_REFRESH
from keyhole.control.proof import ProofRunner
from keyhole.control.query_history import QueryHistory, query_history
from keyhole.control.services import Services
from keyhole.control.startup.database import open_changes, open_overrides
from keyhole.control.startup.history import (
    make_clear,
    make_clients,
    make_credentials,
    make_graph,
    make_kiali,
    make_name_learner,
    make_simulations,
)
from keyhole.control.startup.records import (
    make_audit_trail,
    make_cluster_documents,
    make_findings,
    open_events,
    open_evidence,
    open_proof,
    with_sources,
)


@asynccontextmanager
async def open_services(
    control_plane: ControlPlane, data: DataFolder, notify: Notify
) -> AsyncIterator[Services]:
    """Starts the services, and stops them at the end of the block."""
    settings = control_plane.settings
    listeners = [one for ones in control_plane.addresses.values() for one in ones]
    api = [str(one) for one in settings.written.api.listen]
    linked = control_plane.fleet.addresses if control_plane.fleet else []
    own = list(own_addresses([*listeners, *control_plane.enrollment, *linked, *api]))
    lists = ListRefresher(settings, data, control_plane.reconciler, own, notify)
    control_plane.pools[LIST_REFRESH] = lists.reading
    with control_plane.parts.recorded(DISK, OSError):
        await lists.begin()
    evidence = await open_evidence(control_plane, data)
    proofs, proof_runner = await open_proof(control_plane, data)
    intake = evidence.make_intake() if evidence else None
    queries = query_history(
        settings, data, notify, control_plane.parts, control_plane.clock, intake
    )
    if control_plane.fleet is not None:
        control_plane.fleet.queries = queries
    dnstap_feed = dnstap(settings, data, notify)
    graph = make_graph(control_plane, queries) if queries else None
    kiali = make_kiali(control_plane, queries, graph) if queries and graph else None
    events = open_events(control_plane, data, lists, own, notify)
    cluster = make_cluster_documents(control_plane, data)
    learner = make_name_learner(control_plane, data, queries)
    parts = (lists, queries, dnstap_feed, kiali, cluster, events, proofs, learner)
    tasks = [asyncio.create_task(part.run()) for part in parts if part is not None]
    changes = await open_changes(control_plane, data, notify)
    override_store = await open_overrides(changes, data, control_plane, notify)
    trail = make_audit_trail(control_plane, data, changes, events, notify)
    collector = make_findings(control_plane, data, notify, changes)
    proofs.database = changes.database if changes else None
    later = (override_store, trail, with_sources(evidence, queries, changes, events), collector)
    tasks += [asyncio.create_task(part.run()) for part in later if part is not None]
    for task in tasks:
        task.add_done_callback(lambda ended: _notify_crash(ended, notify))
    authentication = await open_authentication(settings, changes, notify, data)
    decisions = DecisionService(override_store) if override_store else None
    quarantines = QuarantineService(override_store) if override_store else None
    if collector and quarantines:
        collector.quarantine = QuarantineByPolicy(quarantines, notify)
    try:
        yield Services(
            settings,
            data,
            control_plane,
            lists,
            make_credentials(control_plane, data, queries),
            queries,
            changes,
            authentication,
            pauses=PauseService(override_store) if override_store else None,
            decisions=decisions,
            quarantines=quarantines,
            dnstap=dnstap_feed,
            graph=graph,
            clients=make_clients(control_plane, queries, data) if queries else None,
            clear=make_clear(control_plane, queries, lists, changes) if queries else None,
            explain=ExplainService(control_plane.reconciler),
            simulations=make_simulations(control_plane, data, queries, changes, decisions),
            kiali=kiali,
            events=events,
            evidence=evidence,
            findings=FindingService(collector) if collector else None,
            proofs=proofs,
            proof_runner=proof_runner,
        )
    finally:
        await _stop(proof_runner, tasks, queries, changes)


async def _stop(
    proof_runner: ProofRunner,
    tasks: list[asyncio.Task[None]],
    queries: QueryHistory | None,
    changes: Changes | None,
) -> None:
    """Stops each, whatever becomes of the others; the database last, which all of them use."""
    async with AsyncExitStack() as stack:
        if changes is not None:
            stack.callback(changes.database.close)
        if queries is not None:
            stack.push_async_callback(asyncio.to_thread, queries.close)
        stack.push_async_callback(_end, tasks)
        stack.push_async_callback(proof_runner.close)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Ends tasks, one after the other. The error of one that crashed was told when it did."""
    for task in tasks:
        task.cancel()
        await asyncio.wait([task])


def _notify_crash(task: asyncio.Task[None], notify: Notify) -> None:
    """Reports a task that ended by itself: none of them should."""
    if not task.cancelled() and (error := task.exception()) is not None:
        text = "a background task ended because of a bug in Keyhole; DNS goes on"
        notify(Notice(Severity.ERROR, text, (repr(error), "restart keyhole, and report this")))
