"""Everything that runs in control, as the API and the commands find it."""

from dataclasses import dataclass

from keyhole.control.changes import Changes
from keyhole.control.data import DataFolder
from keyhole.control.dnstap import Dnstap
from keyhole.control.fresh import Freshness
from keyhole.control.node import Node
from keyhole.control.people import Believing
from keyhole.control.query_history import QueryHistory
from keyhole.control.settings import Settings
from keyhole.control.standing import Deciding, Pausing


@dataclass(frozen=True)
class Control:
    """The use cases of a running Keyhole, and what they work on."""

    settings: Settings
    data: DataFolder
    node: Node
    lists: Freshness
    queries: QueryHistory | None = None
    """What became of queries; none where the settings want no history."""
    changes: Changes | None = None
    """Documents and how they change; none where the database cannot be used."""
    believing: Believing | None = None
    """Who is believed besides people on this machine; none where the database cannot be used."""
    pausing: Pausing | None = None
    """Pauses of blocking; none where the database cannot be used."""
    deciding: Deciding | None = None
    """Decisions about names; none where the database cannot be used."""
    dnstap: Dnstap | None = None
    """Queries for programs that read dnstap; none where the settings want none."""
