"""Everything that runs in control, as the API and the commands find it."""

from dataclasses import dataclass

from keyhole.control.authentication import Authentication
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.dnstap import Dnstap
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.overrides import DecisionService, PauseService
from keyhole.control.query_history import QueryHistory
from keyhole.control.settings import Settings


@dataclass(frozen=True)
class Services:
    """The use cases of a running Keyhole, and what they work on."""

    settings: Settings
    data: DataFolder
    control_plane: ControlPlane
    lists: ListRefresher
    queries: QueryHistory | None = None
    """What became of queries; none where the settings want no history."""
    changes: Changes | None = None
    """Documents and how they change; none where the database cannot be used."""
    authentication: Authentication | None = None
    """Who is believed besides people on this machine; none where the database cannot be used."""
    pauses: PauseService | None = None
    """Pauses of blocking; none where the database cannot be used."""
    decisions: DecisionService | None = None
    """Decisions about names; none where the database cannot be used."""
    dnstap: Dnstap | None = None
    """Queries for programs that read dnstap; none where the settings want none."""
