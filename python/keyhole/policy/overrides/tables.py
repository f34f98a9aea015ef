"""The entries of the subject tables that decisions about single clients change."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from keyhole.model.address import Network, read_network
from keyhole.model.overrides import Decision, read_client
from keyhole.model.snapshot import Snapshot
from keyhole.model.snapshot_identity import Identity, SubjectNetwork, Subjects, Token
from keyhole.model.subject import Subject
from keyhole.policy.longest_prefix import NetworkTable, paths_above

TableEntry = TypeVar("TableEntry", Identity, Token, SubjectNetwork)
Place = Callable[[int, Sequence[Decision]], int]
"""Returns the index of the copy of a policy with decisions first."""

_DEFAULT = "default"
"""The engine's name for the subject of clients of no other policy."""


class Tables:
    """The subject tables of a snapshot, changed by decisions about clients."""

    def __init__(self, snapshot: Snapshot, decisions: Sequence[Decision]) -> None:
        """Each decision names a client."""
        self._subjects = snapshot.subjects
        self._default = snapshot.default_policy
        self._named = [(one, read_client(one.client or "")) for one in decisions]
        self._networks: dict[Network, SubjectNetwork] = {
            read_network(one.network): one for one in self._subjects.networks
        }
        self._covering = NetworkTable[SubjectNetwork]()
        for network, one in self._networks.items():
            self._covering.add(network, one)

    def with_decisions(self, place: Place) -> Subjects:
        """The tables with an own policy for every client of a decision."""
        return self._subjects.model_copy(
            update={
                "identities": _placed(self._identities(), place),
                "tokens": _placed(self._tokens(), place),
                "networks": _placed(self._addresses(), place),
            }
        )

    def policies(self) -> list[int]:
        """The policies of the clients of the decisions, each once; empty if they have none."""
        found: dict[int, None] = {}
        for entries in (self._identities(), self._tokens(), self._addresses()):
            for entry, ours in entries:
                if ours and entry.policy is not None:
                    found[entry.policy] = None
        return list(found)

    def _identities(self) -> Iterator[tuple[Identity, list[Decision]]]:
        known = {one.id: one for one in self._subjects.identities}
        named = {subject.value for _, subject in self._named if subject.kind == "identity"}
        for one in sorted({*known, *named}):
            entry = known.get(one) or Identity(id=one, client=None, policy=None, subject=_DEFAULT)
            ours = self._about(Subject("identity", one), entry.client)
            if ours and entry.policy is None:
                policy, subject = self._of_path(one)
                entry = entry.model_copy(update={"policy": policy, "subject": subject})
            yield entry, ours

    def _of_path(self, identity: str) -> tuple[int | None, str]:
        below = {one.prefix: one for one in self._subjects.below}
        for path in paths_above(identity):
            if path in below:
                return below[path].policy, below[path].subject
        return self._default, _DEFAULT

    def _tokens(self) -> Iterator[tuple[Token, list[Decision]]]:
        for token in self._subjects.tokens:
            ours = self._about(Subject("token", token.name), token.client)
            yield (self._with_policy(token) if ours else token), ours

    def _addresses(self) -> Iterator[tuple[SubjectNetwork, list[Decision]]]:
        named = {subject.network for _, subject in self._named if subject.kind == "cidr"}
        for network in sorted({*self._networks, *named}, key=_order):
            entry = self._networks.get(network) or self._added(network)
            ours = self._about(None, entry.client)
            ours += [
                one
                for one, subject in self._named
                if subject.kind == "cidr" and _is_inside(network, subject.network)
            ]
            ours.sort(key=lambda one: one.number, reverse=True)
            yield (self._with_policy(entry) if ours else entry), ours

    def _added(self, network: Network) -> SubjectNetwork:
        """The entry for a new network: a copy of the smallest one around it."""
        around = next(self._covering.covering(network), None)
        if around is None:
            return SubjectNetwork(network=str(network), client=None, policy=None, subject=_DEFAULT)
        return around.model_copy(update={"network": str(network)})

    def _with_policy(self, entry: TableEntry) -> TableEntry:
        """The entry with its policy, or else with the default policy."""
        if entry.policy is not None:
            return entry
        return entry.model_copy(update={"policy": self._default, "subject": _DEFAULT})

    def _about(self, shown: Subject | None, client: str | None) -> list[Decision]:
        """The decisions about this subject or this client."""
        called = Subject("client", client) if client is not None else None
        return [one for one, subject in self._named if subject in (shown, called)]


def _placed(entries: Iterator[tuple[TableEntry, list[Decision]]], place: Place) -> list[TableEntry]:
    return [
        entry.model_copy(update={"policy": place(entry.policy, ours)})
        if ours and entry.policy is not None
        else entry
        for entry, ours in entries
    ]


def _is_inside(network: Network, other: Network) -> bool:
    return (
        network.version == other.version
        and network.prefixlen >= other.prefixlen
        and network.network_address in other
    )


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
