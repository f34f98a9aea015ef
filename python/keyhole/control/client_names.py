"""Names of the clients of queries, by the documents that are in force or were so last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keyhole.control.compile import read_snapshot
from keyhole.control.data_folder import DataFolder
from keyhole.control.learning.kept import read_kept
from keyhole.graph.query_lock import proof_rules
from keyhole.learned_names import NOTHING_LEARNED, LearnedNames
from keyhole.model.snapshot import Snapshot
from keyhole.policy.client_names import ClientName, ClientNames, names_in
from keyhole.querylog.entry import second_of
from keyhole.querylog.history.protection import ProofRules


@dataclass(frozen=True)
class QueryClients:
    """Tells which Client document names who sent a query."""

    names: ClientNames
    rules: ProofRules

    @classmethod
    def of(
        cls, snapshot: Snapshot | None, learned: LearnedNames = NOTHING_LEARNED
    ) -> "QueryClients":
        """By this snapshot, and these learned names."""
        return cls(names_in(snapshot, learned), proof_rules(snapshot))

    @classmethod
    def of_folder(cls, data: DataFolder) -> "QueryClients":
        """By the last good snapshot of a folder, also while no Keyhole runs; they know nobody where
        there is none."""
        return cls.of(read_snapshot(data), LearnedNames.of(read_kept(data.client_names)))

    def name_of(self, line: Mapping[str, Any]) -> str | None:
        """The Client document, by the fields of a line of the log. None where no document names the
        client, and where it only claimed its identity."""
        if line.get("identity") is not None and self.rules.is_claimed(line):
            return None
        return self.names.name_of(line.get("identity"), line.get("token"), line.get("client"))

    def named(self, line: Mapping[str, Any]) -> ClientName | None:
        """The same, and where no document names the client what was learned of its address: the
        name that it had when it asked."""
        if line.get("identity") is not None and self.rules.is_claimed(line):
            return None
        asked = (line.get("identity"), line.get("token"), line.get("client"))
        return self.names.named(*asked, at=second_of(line))
