"""Names of clients: which Client document a query belongs to, and which clients a word means."""

import copy
import ipaddress
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from keyhole.learned_names import NOTHING_LEARNED, LearnedName, LearnedNames, Source, skeleton
from keyhole.model.address import Network, read_network
from keyhole.model.snapshot import Snapshot
from keyhole.model.snapshot_identity import Subjects
from keyhole.model.suggestion import suggest
from keyhole.policy.address_ranges import AddressRanges
from keyhole.policy.longest_prefix import NetworkTable

_SHORT = re.compile(r"([A-Za-z0-9._-]+)/([A-Za-z0-9._-]+)")
"""A workload by namespace and account, as ``shop/web``."""
_MAX_KEPT = 10_000
_UNKNOWN = ""
"""In place of a name: it was not looked up yet. No document has it."""


@dataclass(frozen=True)
class ClientName:
    """What a client is called, and who says so."""

    name: str
    source: Literal["document"] | Source

    def beside(self, shown: str) -> str:
        """The name with who the client is: ``tv (10.0.0.7)``, or ``tv (10.0.0.7, dhcp)``."""
        if self.source == "document":
            return with_name(self.name, shown)
        return f"{self.name} ({shown}, {self.source})"


@dataclass(frozen=True)
class Meant:
    """The clients that a word means; a query belongs to one by its best credential."""

    client: str | None = None
    """The Client document."""
    identities: tuple[str, ...] = ()
    path: str | None = None
    """The end of SPIFFE IDs, in any trust domain: ``/ns/shop/sa/web``."""
    tokens: tuple[str, ...] = ()
    address: str | None = None
    ranges: AddressRanges | None = None
    """The networks; of a Client document some of their addresses may belong to another one:
    `ClientNames.name_of` tells."""
    learned: tuple[LearnedName, ...] = ()
    """The addresses that have or had this name, where no document and no credential has it."""


class _Taken:
    """What names of documents, tokens and identities look like: computed when it is first asked
    for, once for all copies with other learned names."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    @cached_property
    def skeletons(self) -> frozenset[str]:
        return frozenset(map(skeleton, self._names))


class ClientNames:
    """The names that documents give to clients, and below them those that were learned."""

    def __init__(self, subjects: Subjects | None, learned: LearnedNames = NOTHING_LEARNED) -> None:
        self._learned = learned
        self.is_empty = subjects is None
        """Whether nothing is known: there is no snapshot."""
        subjects = subjects or Subjects(
            identities=[], below=[], tokens=[], networks=[], expired=None
        )
        self._identities = {one.id: one.client for one in subjects.identities if one.client}
        accounts = {one.id.rpartition("/")[2] for one in subjects.identities}
        self._tokens = {one.name: one.client for one in subjects.tokens}
        # Only those with a name: a snapshot may have 100,000 networks. The smallest one around an
        # address that has a name gives it, as in the subjects of policies.
        self._table = NetworkTable[str]()
        self._networks: dict[str, list[Network]] = {}
        for one in subjects.networks:
            if one.client is not None:
                network = read_network(one.network)
                self._table.add(network, one.client)
                self._networks.setdefault(one.client, []).append(network)
        self._addresses: dict[str, str | None] = {}
        self._taken = _Taken((*self.clients, *self._tokens, *accounts))

    @property
    def clients(self) -> list[str]:
        """The Client documents."""
        tokens = (one for one in self._tokens.values() if one is not None)
        return sorted({*self._identities.values(), *tokens, *self._networks})

    def name_of(self, identity: str | None, token: str | None, address: str | None) -> str | None:
        """The Client document of a client: by its identity, else by its token, else by its
        address."""
        if identity is not None:
            return self._identities.get(identity)
        if token is not None:
            return self._tokens.get(token)
        return None if address is None or not self._networks else self._of_address(address)

    def name_of_subject(self, client: str) -> str | None:
        """The Client document of one client as decisions write it (`read_client`); None for a
        network, which may have many clients."""
        kind, _, name = client.partition(":")
        if kind == "client":
            return name
        if kind == "token":
            return self.name_of(None, name, None)
        if kind == "spiffe":
            return self.name_of(client, None, None)
        return self.name_of(None, None, client)

    def named(
        self, identity: str | None, token: str | None, address: str | None, at: float | None = None
    ) -> ClientName | None:
        """What a client is called: by a document, else what was learned of its address. ``at`` is
        when it asked, in seconds of Unix time; now if left out.

        Who shows a credential is known by that, and an address may be of many then. A learned name
        that reads like a document, a token or an identity is not shown: its client chose it.
        """
        document = self.name_of(identity, token, address)
        if document is not None:
            return ClientName(document, "document")
        if identity is not None or token is not None or address is None or not self._learned:
            return None
        moment = time.time() if at is None else at
        found = (one for one in self._learned.at(address, moment) if not self._is_alike(one.name))
        return next((ClientName(one.name, one.source) for one in found), None)

    def with_learned(self, learned: LearnedNames) -> "ClientNames":
        """The same documents, with these names below them."""
        if learned is self._learned:
            return self
        other = copy.copy(self)
        other._learned = learned
        return other

    def _is_shown(self, one: LearnedName) -> bool:
        has_document = self.name_of(None, None, one.address) is not None
        return not has_document and not self._is_alike(one.name)

    def _is_alike(self, name: str) -> bool:
        both = skeleton(name), skeleton(name.partition(".")[0])
        return not self._taken.skeletons.isdisjoint(both)

    def _of_address(self, address: str) -> str | None:
        # Other threads may empty it at any time.
        found = self._addresses.get(address, _UNKNOWN)
        if found is _UNKNOWN:
            found = next(self._around(address), None)
            if len(self._addresses) >= _MAX_KEPT:
                self._addresses.clear()
            self._addresses[address] = found
        return found or None

    def _around(self, address: str) -> Iterator[str]:
        try:
            plain = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:  # A network, for clients that were turned away.
            return
        plain = getattr(plain, "ipv4_mapped", None) or plain
        yield from self._table.covering(ipaddress.ip_network(plain))

    def meant(self, word: str) -> Meant | None:
        """The clients that a word means: the name of a Client document (also ``client:NAME``), the
        name of a token (also ``token:NAME``), a SPIFFE ID or its short form ``shop/web``, an
        address or a network, or a learned name. None where it is nothing of these, or a token that
        is no more."""
        kind, colon, name = word.partition(":")
        if colon and kind == "client":
            return self._document(name)
        if colon and kind == "token":
            return Meant(tokens=(name,))
        if word.startswith("spiffe://"):
            return Meant(identities=(word,))
        if (found := _by_address(word)) is not None:
            return found
        if (document := self._document(word)) is not None:
            return document
        if word in self._tokens:
            return Meant(tokens=(word,))
        if short := _SHORT.fullmatch(word):
            return Meant(path=f"/ns/{short[1]}/sa/{short[2]}")
        learned = tuple(one for one in self._learned.called(word) if self._is_shown(one))
        return Meant(learned=learned) if learned else None

    def _document(self, name: str) -> Meant | None:
        identities = tuple(id_ for id_, client in self._identities.items() if client == name)
        tokens = tuple(token for token, client in self._tokens.items() if client == name)
        networks = self._networks.get(name)
        if not identities and not tokens and networks is None:
            return None
        ranges = None if networks is None else AddressRanges(networks)
        return Meant(name, identities, tokens=tokens, ranges=ranges)

    def not_known(self, word: str) -> str:
        """What is wrong with a word that means no client, and what would be right."""
        valid = [*self.clients, *sorted(self._tokens)]
        plain = word.partition(":")[2] if word.startswith("client:") else word
        return (
            f"{word[:60]} is no client here: give the name of a Client document or of a token, a "
            "SPIFFE ID, its short form such as shop/web, an address or a network; "
            f"{suggest(plain, valid)}"
        )


_kept: list[tuple[Snapshot, ClientNames]] = []
_making = threading.Lock()


def names_in(snapshot: Snapshot | None, learned: LearnedNames = NOTHING_LEARNED) -> ClientNames:
    """The names by a snapshot, and those that were learned. The former are kept for the two
    snapshots that were asked for last, since a lab has two Keyholes. Call it in a thread: a
    snapshot may name many networks."""
    if snapshot is None:
        return ClientNames(None, learned)
    with _making:
        for known, names in _kept:
            if known is snapshot:
                return names.with_learned(learned)
        made = ClientNames(snapshot.subjects)
        _kept[:] = [(snapshot, made), *_kept[:1]]
        return made.with_learned(learned)


def with_name(client: str | None, shown: str) -> str:
    """Who a client is, with the name of its Client document in front."""
    return shown if client is None or client == shown else f"{client} ({shown})"


def _by_address(word: str) -> Meant | None:
    try:
        return Meant(address=str(ipaddress.ip_address(word)))
    except ValueError:
        pass
    try:
        return Meant(ranges=AddressRanges([ipaddress.ip_network(word, strict=False)]))
    except ValueError:
        return None
