"""Starts the services of control: the database, list refresh, query history and accounts."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from keyhole.control.audit_trail import AuditTrail
from keyhole.control.authentication import open_authentication
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.dnstap import dnstap
from keyhole.control.error import ControlError
from keyhole.control.events.sources import AuditSource
from keyhole.control.explain import ExplainService
from keyhole.control.findings import FindingCollector, FindingService, QuarantineByPolicy
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.list_refresh.refresher import own_addresses
from keyhole.control.missing_parts import DATABASE as DATABASE_PART
from keyhole.control.missing_parts import MissingError, database_missing
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.overrides import (
    DecisionService,
    OverrideStore,
    PauseService,
    QuarantineService,
)
from keyhole.control.parts import DATABASE, DISK, LIST_REFRESH, SENT_DOCUMENTS, Health
from keyhole.control.query_history import QueryHistory, query_history
from keyhole.control.services import Services
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.store import Database
from keyhole.system.regular_file import read_regular

if TYPE_CHECKING:
    from keyhole.control.clients import ClientService
    from keyhole.control.cluster_documents import ClusterDocuments
    from keyhole.control.credentials import CredentialService
    from keyhole.control.events.service import EventService
    from keyhole.control.evidence.service import EvidenceService
    from keyhole.control.graph import GraphService
    from keyhole.control.history_simulation import SimulationService
    from keyhole.control.in_the_clear import ClearService
    from keyhole.control.kiali import KialiFeed
    from keyhole.control.learning.service import NameLearner
    from keyhole.control.proof import ProofReports, ProofRunner

MAX_SECRET = 64 * 1024
"""Octets of a file with a password or a URL."""


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
    evidence = await _evidence(control_plane, data)
    proofs, proof_runner = await _proof(control_plane, data)
    intake = evidence.make_intake() if evidence else None
    queries = query_history(
        settings, data, notify, control_plane.parts, control_plane.clock, intake
    )
    if control_plane.fleet is not None:
        control_plane.fleet.queries = queries
    dnstap_feed = dnstap(settings, data, notify)
    graph = _graph(control_plane, queries) if queries else None
    kiali = _kiali(control_plane, queries, graph) if queries and graph else None
    events = _events(control_plane, data, lists, own, notify)
    cluster = _cluster(control_plane, data)
    learner = _names(control_plane, data, queries)
    parts = (lists, queries, dnstap_feed, kiali, cluster, events, proofs, learner)
    tasks = [asyncio.create_task(part.run()) for part in parts if part is not None]
    changes = await open_changes(control_plane, data, notify)
    override_store = await open_overrides(changes, data, control_plane, notify)
    trail = _trail(control_plane, data, changes, events, notify)
    collector = _findings(control_plane, data, notify, changes)
    proofs.database = changes.database if changes else None
    later = (override_store, trail, _with_sources(evidence, queries, changes, events), collector)
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
            _credentials(control_plane, data, queries),
            queries,
            changes,
            authentication,
            pauses=PauseService(override_store) if override_store else None,
            decisions=decisions,
            quarantines=quarantines,
            dnstap=dnstap_feed,
            graph=graph,
            clients=_clients(control_plane, queries, data) if queries else None,
            clear=_clear(control_plane, queries, lists, changes) if queries else None,
            explain=ExplainService(control_plane.reconciler),
            simulations=_simulations(control_plane, data, queries, changes, decisions),
            kiali=kiali,
            events=events,
            evidence=evidence,
            findings=FindingService(collector) if collector else None,
            proofs=proofs,
            proof_runner=proof_runner,
        )
    finally:
        await proof_runner.close()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if queries is not None:
            await asyncio.to_thread(queries.close)
        if changes is not None:
            changes.database.close()


def _findings(
    control_plane: ControlPlane, data: DataFolder, notify: Notify, changes: Changes | None
) -> FindingCollector | None:
    """None without a database, and without a query log to find something in."""
    log = control_plane.settings.written.log
    if changes is None or not log.keep:
        return None
    collector = FindingCollector(
        changes.database,
        data.query_log.parent,
        (log.retention, log.anonymize_after),
        notify,
        control_plane.parts,
        control_plane.clock,
    )
    if control_plane.fleet is not None:
        control_plane.fleet.findings = collector
    return collector


def _names(
    control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
) -> "NameLearner":
    from keyhole.control.learning.service import NameLearner

    return NameLearner(control_plane, data, queries)


def _graph(control_plane: ControlPlane, queries: QueryHistory) -> "GraphService":
    # Imported here: loading DuckDB must not delay DNS at the start.
    from keyhole.control.graph import GraphService

    return GraphService(control_plane, queries)


def _credentials(
    control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
) -> "CredentialService":
    from keyhole.control.credentials import CredentialService

    return CredentialService(control_plane, data, queries)


def _clients(
    control_plane: ControlPlane, queries: QueryHistory, data: DataFolder
) -> "ClientService":
    from keyhole.control.clients import ClientService

    return ClientService(control_plane, queries, data)


def _clear(
    control_plane: ControlPlane,
    queries: QueryHistory,
    lists: ListRefresher,
    changes: Changes | None,
) -> "ClearService":
    from keyhole.control.in_the_clear import ClearService

    return ClearService(control_plane, queries, lists, changes.database if changes else None)


def _simulations(
    control_plane: ControlPlane,
    data: DataFolder,
    queries: QueryHistory | None,
    changes: Changes | None,
    decisions: DecisionService | None,
) -> "SimulationService | None":
    if queries is None:
        return None
    # Imported here: loading DuckDB must not delay DNS at the start.
    from keyhole.control.history_simulation import SimulationService

    return SimulationService(queries, control_plane.reconciler, changes, decisions, data)


def _kiali(
    control_plane: ControlPlane, queries: QueryHistory, graph: "GraphService"
) -> "KialiFeed | None":
    from keyhole.control.kiali import KialiFeed

    section = control_plane.settings.written.kiali
    return KialiFeed(section, graph, queries) if section.enabled else None


def _cluster(control_plane: ControlPlane, data: DataFolder) -> "ClusterDocuments | None":
    if not control_plane.settings.written.kubernetes.watch:
        return None
    # Imported here: most installations are no pods.
    from keyhole.control.cluster_documents import ClusterDocuments

    return ClusterDocuments(
        control_plane.settings, data, control_plane.reconciler, control_plane.parts
    )


def _trail(
    control_plane: ControlPlane,
    data: DataFolder,
    changes: Changes | None,
    events: "EventService | None",
    notify: Notify,
) -> AuditTrail | None:
    if changes is None:
        return None
    if events is not None:
        events.add_source(AuditSource(changes.database))
    settings, reconciler = control_plane.settings, control_plane.reconciler
    return AuditTrail(changes.database, settings, data, reconciler, notify)


def _with_sources(
    evidence: "EvidenceService | None",
    queries: QueryHistory | None,
    changes: Changes | None,
    events: "EventService | None",
) -> "EvidenceService | None":
    """The evidence chain with what it is about; none where nothing is kept."""
    if evidence is None or queries is None:
        return None
    evidence.use(queries, changes.database if changes else None)
    if events is not None:
        events.add_source(evidence)
    return evidence


async def _evidence(control_plane: ControlPlane, data: DataFolder) -> "EvidenceService | None":
    log = control_plane.settings.written.log
    if not (log.evidence and log.keep and log.history):
        return None
    from keyhole.control.evidence.export import remove_leftovers
    from keyhole.control.evidence.service import EvidenceService

    remove_leftovers(data.evidence)
    # A chain of years takes a moment to read.
    return await asyncio.to_thread(EvidenceService, data, control_plane.parts)


async def _proof(
    control_plane: ControlPlane, data: DataFolder
) -> "tuple[ProofReports, ProofRunner]":
    from keyhole.control.proof import ProofReports, ProofRunner

    reports = await asyncio.to_thread(ProofReports, data, control_plane.parts)
    return reports, ProofRunner(data, reports)


def _events(
    control_plane: ControlPlane,
    data: DataFolder,
    lists: ListRefresher,
    own: Iterable[tuple[str, int]],
    notify: Notify,
) -> "EventService | None":
    section = control_plane.settings.written.events
    if section.syslog.server is None and section.webhook.url is None:
        return None
    # Imported here: most installations have no receiver.
    from keyhole.control.events.make import make_events

    return make_events(control_plane, data, lists, own, notify)


def _notify_crash(task: asyncio.Task[None], notify: Notify) -> None:
    """Reports a task that ended by itself: none of them should."""
    if not task.cancelled() and (error := task.exception()) is not None:
        text = "a background task ended because of a bug in Keyhole; DNS goes on"
        notify(Notice(Severity.ERROR, text, (repr(error), "restart keyhole, and report this")))


async def open_changes(
    control_plane: ControlPlane, data: DataFolder, notify: Notify
) -> Changes | None:
    """Opens the documents; none, with a notice, if the database cannot be used.

    DNS already runs then, from the copy of the stored documents on the disk.
    """
    try:
        database = await asyncio.to_thread(open_database, control_plane.settings, data)
        changes = Changes(database, control_plane.settings, data, control_plane.reconciler)
        control_plane.pools[SENT_DOCUMENTS] = changes.sent
        await changes.begin()
    except (KeyholeError, OSError) as error:
        missing = isinstance(error, MissingError)
        text = "changes by command and by API are refused until keyhole up is started again"
        state = Health.MISSING if missing else Health.FAILED
        control_plane.parts.fail(DATABASE, f"{error}\n{text}", state)
        return None
    # Now there are a database and a copy of its documents.
    await control_plane.remember()
    return changes


async def open_overrides(
    changes: Changes | None, data: DataFolder, control_plane: ControlPlane, notify: Notify
) -> OverrideStore | None:
    """Opens pauses and decisions; none, with a notice, if the database cannot be used. The engine
    applies those it has until they end."""
    if changes is None:
        return None
    override_store = OverrideStore(
        changes.database,
        data,
        control_plane.reconciler,
        notify,
        control_plane.behind,
        control_plane.clock,
    )
    try:
        await override_store.begin()
    except (KeyholeError, OSError) as error:
        text = "pauses and decisions are refused until keyhole up is started again"
        notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
        return None
    return override_store


def open_database(settings: Settings, data: DataFolder) -> Database:
    """Opens the database of the settings; raises ``StoreError`` or ``ControlError``.

    One that was in use before is never made anew.
    """
    missing = database_missing(data, settings)
    if missing is not None:
        raise missing.error()
    is_new = not data.installation.has(DATABASE_PART)
    where = settings.resolved.database
    if where is None:
        return Database.in_file(data.database, may_be_new=is_new)
    if isinstance(where, str):
        return Database(where, may_be_new=is_new)
    try:
        url = read_regular(where, MAX_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ControlError(
            f"cannot read database.url_file {where}: {getattr(error, 'strerror', error)}"
        ) from error
    return Database(url, may_be_new=is_new)
