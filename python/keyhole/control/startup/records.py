"""Starts what records and reports: evidence, proof, audit trail, findings, events; and what watches
the objects of Kubernetes."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from keyhole.control.audit_trail import AuditTrail
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.events.sources import AuditSource
from keyhole.control.findings import FindingCollector
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.notice import Notify
from keyhole.control.query_history import QueryHistory

if TYPE_CHECKING:
    from keyhole.control.cluster_documents import ClusterDocuments
    from keyhole.control.events.service import EventService
    from keyhole.control.evidence.service import EvidenceService
    from keyhole.control.proof import ProofReports, ProofRunner


def make_findings(
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


def make_audit_trail(
    control_plane: ControlPlane,
    data: DataFolder,
    changes: Changes | None,
    events: "EventService | None",
    notify: Notify,
) -> AuditTrail | None:
    """None without a database, which holds it."""
    if changes is None:
        return None
    if events is not None:
        events.add_source(AuditSource(changes.database))
    settings, reconciler = control_plane.settings, control_plane.reconciler
    return AuditTrail(changes.database, settings, data, reconciler, notify)


def with_sources(
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


async def open_evidence(control_plane: ControlPlane, data: DataFolder) -> "EvidenceService | None":
    """None where the settings keep no evidence, or no history to make it of."""
    log = control_plane.settings.written.log
    if not (log.evidence and log.keep and log.history):
        return None
    from keyhole.control.evidence.export import remove_leftovers
    from keyhole.control.evidence.service import EvidenceService

    remove_leftovers(data.evidence)
    # A chain of years takes a moment to read.
    return await asyncio.to_thread(EvidenceService, data, control_plane.parts)


async def open_proof(
    control_plane: ControlPlane, data: DataFolder
) -> "tuple[ProofReports, ProofRunner]":
    """The last reports of `keyhole verify`, and what makes a new one."""
    from keyhole.control.proof import ProofReports, ProofRunner

    reports = await asyncio.to_thread(ProofReports, data, control_plane.parts)
    return reports, ProofRunner(data, reports)


def open_events(
    control_plane: ControlPlane,
    data: DataFolder,
    lists: ListRefresher,
    own: Iterable[tuple[str, int]],
    notify: Notify,
) -> "EventService | None":
    """None where the settings name no receiver."""
    section = control_plane.settings.written.events
    if section.syslog.server is None and section.webhook.url is None:
        return None
    # Imported here: most installations have no receiver.
    from keyhole.control.events.make import make_events

    return make_events(control_plane, data, lists, own, notify)


def make_cluster_documents(
    control_plane: ControlPlane, data: DataFolder
) -> "ClusterDocuments | None":
    """None where the settings watch no objects of Kubernetes."""
    if not control_plane.settings.written.kubernetes.watch:
        return None
    # Imported here: most installations are no pods.
    from keyhole.control.cluster_documents import ClusterDocuments

    return ClusterDocuments(
        control_plane.settings, data, control_plane.reconciler, control_plane.parts
    )
