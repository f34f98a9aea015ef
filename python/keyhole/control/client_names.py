"""Names of the clients of queries, by the documents that are in force or were so last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyhole.control.compile import read_snapshot
from keyhole.control.data_folder import DataFolder
from keyhole.graph.query_lock import proof_rules
from keyhole.model.snapshot import Snapshot
from keyhole.policy.client_names import ClientNames, names_in
from keyhole.querylog.history.protection import ProofRules


@dataclass(frozen=True)
class QueryClients:
    """Tells which Client document names who sent a query."""

    names: ClientNames
    rules: ProofRules

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> "QueryClients":
        """By this snapshot."""
        return cls(names_in(snapshot), proof_rules(snapshot))

    @classmethod
    def of_folder(cls, data: DataFolder) -> "QueryClients":
        """By the last good snapshot of a folder, also while no Keyhole runs; they know nobody where
        there is none."""
        return cls.of(read_snapshot(data))

    def name_of(self, line: Mapping[str, Any]) -> str | None:
        """The Client document, by the fields of a line of the log. None where no document names the
        client, and where it only claimed its identity."""
        if line.get("identity") is not None and self.rules.is_claimed(line):
            return None
        return self.names.name_of(line.get("identity"), line.get("token"), line.get("client"))
