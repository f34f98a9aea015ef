"""The services of the control process, for the API and the commands."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyhole.control.authentication import Authentication
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.dnstap import Dnstap
from keyhole.control.findings import FindingService
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.overrides import DecisionService, PauseService, QuarantineService
from keyhole.control.query_history import QueryHistory
from keyhole.control.settings import Settings

if TYPE_CHECKING:
    from keyhole.control.clients import ClientService
    from keyhole.control.credentials import CredentialService
    from keyhole.control.events.service import EventService
    from keyhole.control.evidence.service import EvidenceService
    from keyhole.control.explain import ExplainService
    from keyhole.control.graph import GraphService
    from keyhole.control.history_simulation import SimulationService
    from keyhole.control.in_the_clear import ClearService
    from keyhole.control.kiali import KialiFeed
    from keyhole.control.proof import ProofReports, ProofRunner


@dataclass(frozen=True)
class Services:
    """The services of a running Keyhole."""

    settings: Settings
    data: DataFolder
    control_plane: ControlPlane
    lists: ListRefresher
    credentials: "CredentialService"
    """Identities, enrollments and tokens of clients."""
    queries: QueryHistory | None = None
    """The query history; none if it is off."""
    changes: Changes | None = None
    """Documents and their changes; none if the database cannot be used."""
    authentication: Authentication | None = None
    """Accounts and logins for the network; none if the database cannot be used."""
    pauses: PauseService | None = None
    """Pauses of blocking; none if the database cannot be used."""
    decisions: DecisionService | None = None
    """Decisions about names; none if the database cannot be used."""
    quarantines: QuarantineService | None = None
    """Clients in quarantine; none if the database cannot be used."""
    dnstap: Dnstap | None = None
    """The dnstap output; none if it is off."""
    graph: "GraphService | None" = None
    """The graph of who asks whom; none if the query history is off."""
    clients: "ClientService | None" = None
    """Who asks; none if the query history is off."""
    clear: "ClearService | None" = None
    """What is in the clear; none if the query history is off."""
    explain: "ExplainService | None" = None
    """Explanations of queries; none before control runs."""
    simulations: "SimulationService | None" = None
    """Simulations of changes; none if the query history is off."""
    kiali: "KialiFeed | None" = None
    """The series for Kiali; none if they are off."""
    events: "EventService | None" = None
    """Events for other programs; none if no receiver is named."""
    evidence: "EvidenceService | None" = None
    """The evidence chain; none if it or the query history is off."""
    findings: FindingService | None = None
    """Findings; none without a database or a query log."""
    proofs: "ProofReports | None" = None
    """What keyhole verify found; none before control runs."""
    proof_runner: "ProofRunner | None" = None
    """Runs keyhole verify; none before control runs."""
