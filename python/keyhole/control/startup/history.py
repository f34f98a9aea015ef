"""Makes the services that read the history of queries."""

from typing import TYPE_CHECKING

from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.overrides import DecisionService
from keyhole.control.query_history import QueryHistory

if TYPE_CHECKING:
    from keyhole.control.clients import ClientService
    from keyhole.control.credentials import CredentialService
    from keyhole.control.graph import GraphService
    from keyhole.control.history_simulation import SimulationService
    from keyhole.control.in_the_clear import ClearService
    from keyhole.control.kiali import KialiFeed
    from keyhole.control.learning.service import NameLearner


def make_name_learner(
    control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
) -> "NameLearner":
    """Names of clients from leases, hosts files and reverse look-ups."""
    from keyhole.control.learning.service import NameLearner

    return NameLearner(control_plane, data, queries)


def make_graph(control_plane: ControlPlane, queries: QueryHistory) -> "GraphService":
    """Who asks whom."""
    # Imported here: loading DuckDB must not delay DNS at the start.
    from keyhole.control.graph import GraphService

    return GraphService(control_plane, queries)


def make_credentials(
    control_plane: ControlPlane, data: DataFolder, queries: QueryHistory | None
) -> "CredentialService":
    """Identities, enrollments and the tokens of clients."""
    from keyhole.control.credentials import CredentialService

    return CredentialService(control_plane, data, queries)


def make_clients(
    control_plane: ControlPlane, queries: QueryHistory, data: DataFolder
) -> "ClientService":
    """The clients, and what each has asked."""
    from keyhole.control.clients import ClientService

    return ClientService(control_plane, queries, data)


def make_clear(
    control_plane: ControlPlane,
    queries: QueryHistory,
    lists: ListRefresher,
    changes: Changes | None,
) -> "ClearService":
    """Who still asks in the clear."""
    from keyhole.control.in_the_clear import ClearService

    return ClearService(control_plane, queries, lists, changes.database if changes else None)


def make_simulations(
    control_plane: ControlPlane,
    data: DataFolder,
    queries: QueryHistory | None,
    changes: Changes | None,
    decisions: DecisionService | None,
) -> "SimulationService | None":
    """What a change would have done to past queries; none without a history."""
    if queries is None:
        return None
    # Imported here: loading DuckDB must not delay DNS at the start.
    from keyhole.control.history_simulation import SimulationService

    return SimulationService(queries, control_plane.reconciler, changes, decisions, data)


def make_kiali(
    control_plane: ControlPlane, queries: QueryHistory, graph: "GraphService"
) -> "KialiFeed | None":
    """The graph for Kiali; none where the settings do not enable it."""
    from keyhole.control.kiali import KialiFeed

    section = control_plane.settings.written.kiali
    return KialiFeed(section, graph, queries) if section.enabled else None
