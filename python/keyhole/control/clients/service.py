"""The use case behind the list of clients."""

import asyncio
from dataclasses import dataclass

from keyhole.control.clients.asked import AskedClients, asked_clients
from keyhole.control.clients.certificates import IssuedCertificates
from keyhole.control.clients.detail import asker_of, detail_of, key_of_id
from keyhole.control.clients.listing import Known, summaries
from keyhole.control.clients.model import ClientDetail, ClientSummary
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.engine_state import LOCAL
from keyhole.control.error import InvalidError
from keyhole.control.graph import graph_source
from keyhole.control.query_history import QueryHistory
from keyhole.graph.proof import UNPROVED
from keyhole.graph.query_lock import proof_rules
from keyhole.graph.source import Source
from keyhole.identity import read_tokens
from keyhole.learned_names import LearnedName
from keyhole.model.snapshot import Snapshot
from keyhole.policy.client_names import ClientNames, Meant, names_in
from keyhole.policy.subject_match import SubjectTables
from keyhole.querylog.history import Claims, ClientSet, EdgeCriteria, Lease
from keyhole.querylog.history.protection import ProofRules

_MICROS = 1_000_000


@dataclass(frozen=True)
class Clients:
    """The clients of a time span, the busiest first; how many queries there were, and how many of
    them belong to clients that are too many to be told apart."""

    items: list[ClientSummary]
    queries: int
    left_out: int


class ClientService:
    """Lists the clients of one Keyhole, and says all that is known of one."""

    def __init__(
        self, control_plane: ControlPlane, queries: QueryHistory, data: DataFolder
    ) -> None:
        self._control_plane = control_plane
        self._queries = queries
        self._data = data
        self._tables: tuple[Snapshot, SubjectTables] | None = None

    async def list_clients(self, wanted: EdgeCriteria) -> Clients:
        """All clients of a time span, and those that are only declared.

        Raises ``OSError``, ``duckdb.Error`` and ``IdentityError``.
        """
        source, snapshot = self._state()

        def read() -> Clients:
            asked = self._asked(wanted, source)
            items = summaries(asked, self._known(snapshot))
            return Clients(items, asked.total.queries, asked.left_out)

        return await asyncio.to_thread(read)

    async def detail(self, id_: str, wanted: EdgeCriteria) -> ClientDetail:
        """One client by its ID, also one that has never asked.

        Raises ``NotThereError`` for what is no ID of a client, and as `list_clients` does.
        """
        key = key_of_id(id_)
        source, snapshot = self._state()

        def read() -> ClientDetail:
            asked = self._asked(wanted, source)
            known = self._known(snapshot)
            asker = asker_of(key)
            history = self._queries.history()
            activity = None if asker is None else history.activity(asker, claims(source), wanted)
            return detail_of(key, asked.clients.get(key), known, activity, wanted)

        return await asyncio.to_thread(read)

    @property
    def names(self) -> ClientNames:
        """The names that the documents in force give to clients, and those that were learned; call
        it in a thread."""
        compiled = self._control_plane.reconciler.in_force
        learned = self._control_plane.learned_names
        return names_in(compiled.snapshot if compiled else None, learned)

    def find(self, word: str, since: int | None, until: int | None) -> ClientSet | str:
        """The clients that a word means, or the word itself where it is the value of a column:
        a SPIFFE ID, a token, an address, or the beginning of one with ``*``.

        Times are microseconds of Unix time. Raises `InvalidError` for a word that means no client,
        and as `list_clients` does.
        """
        compiled = self._control_plane.reconciler.in_force
        snapshot = compiled.snapshot if compiled else None
        names = self.names
        meant = None if word.endswith("*") else names.meant(word)
        if meant is None:
            if word.endswith("*") or self._queries.history().has_token(word):
                return word
            raise InvalidError(names.not_known(word))
        if meant.address is not None:
            return meant.address
        if meant.client is None and meant.identities:
            return word
        return self._set(meant, names, (since, until), proof_rules(snapshot))

    def _set(
        self,
        meant: Meant,
        names: ClientNames,
        span: tuple[int | None, int | None],
        rules: ProofRules,
    ) -> ClientSet:
        ranges, client = meant.ranges, meant.client

        def has(address: str) -> bool:
            is_near = ranges is not None and address in ranges
            return is_near and (client is None or names.name_of(None, None, address) == client)

        since = -(2**62) if span[0] is None else span[0]
        until = 2**62 if span[1] is None else span[1]
        there = self._queries.history().addresses(since, until) if ranges is not None else []
        return ClientSet(
            identities=meant.identities,
            path=meant.path,
            tokens=meant.tokens,
            addresses=tuple(sorted(one for one in there if has(one))),
            has_address=has,
            leases=tuple(_lease(one) for one in meant.learned),
            rules=rules,
        )

    def _state(self) -> tuple[Source, Snapshot | None]:
        """What belongs to the event loop."""
        source, _ = graph_source(LOCAL, self._control_plane, self._queries)
        compiled = self._control_plane.reconciler.in_force
        return source, compiled.snapshot if compiled else None

    def _asked(self, wanted: EdgeCriteria, source: Source) -> AskedClients:
        return asked_clients(self._queries.history().askers(wanted), source)

    def _known(self, snapshot: Snapshot | None) -> Known:
        return Known(
            tables=self._tables_of(snapshot) if snapshot else None,
            subjects=snapshot.subjects if snapshot else None,
            certificates=IssuedCertificates.read(self._data.identity),
            tokens=tuple(read_tokens(self._data.identity)),
            admits_networks=self._control_plane.settings.resolved.admits_networks,
            names=names_in(snapshot, self._control_plane.learned_names),
        )

    def _tables_of(self, snapshot: Snapshot) -> SubjectTables:
        # Kept: a snapshot may name 100,000 networks.
        kept = self._tables
        if kept is None or kept[0] is not snapshot:
            kept = self._tables = (snapshot, SubjectTables(snapshot))
        return kept[1]


def _lease(one: LearnedName) -> Lease:
    until = None if one.until is None else int(one.until * _MICROS)
    return Lease(one.address, int(one.since * _MICROS), until)


def claims(source: Source) -> Claims:
    """How queries are told whose identity was only claimed."""
    return Claims(tuple(sorted(UNPROVED)), source.expired_policy)
