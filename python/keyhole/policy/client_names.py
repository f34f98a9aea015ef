"""Names of clients: which Client document a query belongs to, and which clients a word means."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from keyhole.model.snapshot import Snapshot
from keyhole.model.suggestion import suggest
from keyhole.policy.subject_match import PolicyMatch, SubjectTables

_SHORT = re.compile(r"([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")
"""A workload by namespace and account, as ``shop/web``."""


@dataclass(frozen=True)
class Meant:
    """The clients that a word means; a query belongs to one by its best credential."""

    client: str | None = None
    """The Client document."""
    identities: tuple[str, ...] = ()
    path: str | None = None
    """The end of SPIFFE IDs, in any trust domain: ``/ns/shop/sa/web``."""
    tokens: tuple[str, ...] = ()
    networks: bool = False
    """Whether the document names networks: `ClientNames.name_of` tells which addresses."""
    address: str | None = None


@dataclass
class ClientNames:
    """The names that the documents in force give to clients."""

    tables: SubjectTables | None
    members: Mapping[str, Meant]
    """What each Client document names, but its networks."""
    tokens: frozenset[str]
    _names: dict[tuple[str | None, str | None, str | None], str | None] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> "ClientNames":
        """Those of a snapshot; none without one."""
        if snapshot is None:
            return cls(None, {}, frozenset())
        subjects = snapshot.subjects
        identities: dict[str, list[str]] = {}
        tokens: dict[str, list[str]] = {}
        for one in subjects.identities:
            if one.client is not None:
                identities.setdefault(one.client, []).append(one.id)
        for token in subjects.tokens:
            if token.client is not None:
                tokens.setdefault(token.client, []).append(token.name)
        networks = {one.client for one in subjects.networks if one.client is not None}
        members = {
            name: Meant(
                name,
                tuple(identities.get(name, ())),
                tokens=tuple(tokens.get(name, ())),
                networks=name in networks,
            )
            for name in sorted({*identities, *tokens, *networks})
        }
        every = frozenset(one.name for one in subjects.tokens)
        return cls(SubjectTables(snapshot), members, every)

    def name_of(self, identity: str | None, token: str | None, address: str | None) -> str | None:
        """The Client document of a client: by its identity, else by its token, else by its
        address."""
        key = (identity, token if identity is None else None, address)
        if identity is not None or token is not None:
            key = (key[0], key[1], None)
        if key not in self._names:
            if len(self._names) >= _MAX_KEPT:
                self._names.clear()
            match = self._match(*key)
            self._names[key] = match.client if match else None
        return self._names[key]

    def _match(
        self, identity: str | None, token: str | None, address: str | None
    ) -> PolicyMatch | None:
        if self.tables is None:
            return None
        if identity is not None:
            return self.tables.identity(identity)
        if token is not None:
            return self.tables.token(token)
        try:
            return None if address is None else self.tables.address(address)
        except ValueError:  # A network, for clients that were turned away.
            return None

    def meant(self, word: str) -> Meant | None:
        """The clients that a word means: the name of a Client document (also ``client:NAME``), the
        name of a token (also ``token:NAME``), a SPIFFE ID or its short form ``shop/web``, or an
        address. None where it is nothing of these, or a token that is no more."""
        kind, colon, name = word.partition(":")
        if colon and kind == "client":
            return self.members.get(name)
        if colon and kind == "token":
            return Meant(tokens=(name,))
        if word.startswith("spiffe://"):
            return Meant(identities=(word,))
        if (address := _address(word)) is not None:
            return Meant(address=address)
        if word in self.members:
            return self.members[word]
        if word in self.tokens:
            return Meant(tokens=(word,))
        if found := _SHORT.fullmatch(word):
            return Meant(path=f"/ns/{found[1]}/sa/{found[2]}")
        return None

    def not_known(self, word: str) -> str:
        """What is wrong with a word that means no client, and what would be right."""
        valid = [*self.members, *sorted(self.tokens)]
        plain = word.partition(":")[2] if word.startswith("client:") else word
        return (
            f"{word[:60]} is no client here: give the name of a Client document or of a token, a "
            f"SPIFFE ID, its short form such as shop/web, or an address; {suggest(plain, valid)}"
        )


_MAX_KEPT = 10_000
_kept: list[tuple[Snapshot, ClientNames]] = []


def names_in(snapshot: Snapshot | None) -> ClientNames:
    """As `ClientNames.of`, kept for the two snapshots that were asked for last: one may name
    100,000 networks, and a lab has two Keyholes."""
    if snapshot is None:
        return ClientNames.of(None)
    for known, names in list(_kept):
        if known is snapshot:
            return names
    names = ClientNames.of(snapshot)
    _kept[:] = [(snapshot, names), *_kept[:1]]
    return names


def with_name(client: str | None, shown: str) -> str:
    """Who a client is, with the name of its Client document in front."""
    return shown if client is None or client == shown else f"{client} ({shown})"


def _address(word: str) -> str | None:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return None
