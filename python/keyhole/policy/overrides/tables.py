"""Who is meant by a decision about one client: entries of the tables that choose policies."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from keyhole.model.address import Network, read_network
from keyhole.model.overrides import Decision, read_client
from keyhole.model.snapshot import Snapshot
from keyhole.model.snapshot_identity import Identity, SubjectNetwork, Subjects, Token
from keyhole.model.subject import Subject
from keyhole.policy.longest_prefix import NetworkTable, paths_above

Entry = TypeVar("Entry", Identity, Token, SubjectNetwork)
Place = Callable[[int, Sequence[Decision]], int]
"""Gives the index of the policy that is another one with decisions in front."""

_DEFAULT = "default"
"""What the engine calls the subject of whoever no other policy means."""


class Tables:
    """The tables of a snapshot, as decisions about clients change them."""

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
        """The tables with a policy of its own for every client that is named."""
        return self._subjects.model_copy(
            update={
                "identities": _placed(self._identities(), place),
                "tokens": _placed(self._tokens(), place),
                "networks": _placed(self._addresses(), place),
            }
        )

    def policies(self) -> list[int]:
        """The policies of the clients that are named, each once; empty where nothing speaks for
        them."""
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
            yield (self._spoken(token) if ours else token), ours

    def _addresses(self) -> Iterator[tuple[SubjectNetwork, list[Decision]]]:
        named = {subject.network for _, subject in self._named if subject.kind == "cidr"}
        for network in sorted({*self._networks, *named}, key=_order):
            entry = self._networks.get(network) or self._added(network)
            ours = self._about(None, entry.client)
            ours += [
                one
                for one, subject in self._named
                if subject.kind == "cidr" and _lies_in(network, subject.network)
            ]
            ours.sort(key=lambda one: one.number, reverse=True)
            yield (self._spoken(entry) if ours else entry), ours

    def _added(self, network: Network) -> SubjectNetwork:
        """What counts for a network without an entry: that of the smallest one around it."""
        around = next(self._covering.covering(network), None)
        if around is None:
            return SubjectNetwork(network=str(network), client=None, policy=None, subject=_DEFAULT)
        return around.model_copy(update={"network": str(network)})

    def _spoken(self, entry: Entry) -> Entry:
        """The entry with the policy that speaks for it, if any does."""
        if entry.policy is not None:
            return entry
        return entry.model_copy(update={"policy": self._default, "subject": _DEFAULT})

    def _about(self, shown: Subject | None, client: str | None) -> list[Decision]:
        """The decisions about whoever shows this, or is called so."""
        called = Subject("client", client) if client is not None else None
        return [one for one, subject in self._named if subject in (shown, called)]


def _placed(entries: Iterator[tuple[Entry, list[Decision]]], place: Place) -> list[Entry]:
    return [
        entry.model_copy(update={"policy": place(entry.policy, ours)})
        if ours and entry.policy is not None
        else entry
        for entry, ours in entries
    ]


def _lies_in(network: Network, other: Network) -> bool:
    return (
        network.version == other.version
        and network.prefixlen >= other.prefixlen
        and network.network_address in other
    )


def _order(network: Network) -> tuple[int, int, int]:
    return network.version, int(network.network_address), network.prefixlen
