"""All that is known of one client."""

from ipaddress import ip_address, ip_network

from keyhole.control.clients.asked import AskedClient, ClientKey
from keyhole.control.clients.listing import Known, moment
from keyhole.control.clients.model import (
    ActivityPoint,
    AddressUse,
    ClientDetail,
    ClientKind,
    NameCount,
)
from keyhole.control.error import NotThereError
from keyhole.graph.counts import ordered
from keyhole.model.spiffe import SCHEME, read_spiffe_id
from keyhole.querylog.history import Activity, Asker, EdgeCriteria

_MICROS = 1_000_000
_PREFIXES: tuple[ClientKind, ...] = ("token", "anonymous", "claimed", "uncounted")


def key_of_id(id_: str) -> ClientKey:
    """The client of an ID; raises ``NotThereError`` for what is none."""
    word, colon, rest = id_.partition(":")
    if id_.startswith(SCHEME):
        return ClientKey("identity", _spiffe(id_))
    if colon and rest and word in _PREFIXES:
        kind: ClientKind = word
        return ClientKey(kind, _spiffe(rest) if kind == "claimed" else rest)
    try:
        if "/" in id_:
            return ClientKey("network", str(ip_network(id_)))
        return ClientKey("address", str(ip_address(id_)))
    except ValueError:
        raise NotThereError(
            f"{id_[:80]!r} is no client; give spiffe://example.org/..., token:NAME, an address or "
            "a network"
        ) from None


def _spiffe(text: str) -> str:
    try:
        return read_spiffe_id(text)
    except ValueError as error:
        raise NotThereError(str(error)) from None


def asker_of(key: ClientKey) -> Asker | None:
    """The client in the history; none where it has no rows there."""
    match key.kind:
        case "identity" | "claimed" | "token" | "address" | "anonymous":
            return Asker(key.kind, key.value)
    return None


def detail_of(
    key: ClientKey,
    asked: AskedClient | None,
    known: Known,
    activity: Activity | None,
    wanted: EdgeCriteria,
) -> ClientDetail:
    """One client with its activity in a time span."""
    asked = asked or AskedClient()
    client = known.summary(key, asked)
    counts, activity = asked.counts, activity or Activity([], [], [])
    is_identity = key.kind in ("identity", "claimed")
    identities, tokens, networks = _credentials(known, key, client.client)
    return ClientDetail(
        client=client,
        since=moment(wanted.since),
        until=moment(wanted.until),
        by_outcome=ordered(counts.outcomes),
        by_reason=ordered(counts.reasons),
        by_transport=ordered(counts.transports),
        policies=ordered(counts.policies),
        names=[
            NameCount(name=one.value, queries=one.total, withheld=one.withheld)
            for one in activity.names
        ],
        addresses=[
            AddressUse(address=one.address, queries=one.queries, last_seen=moment(one.last))
            for one in activity.addresses
        ],
        step=(wanted.step or wanted.until - wanted.since) // _MICROS,
        series=[
            ActivityPoint(time=moment(at), by_outcome=outcomes) for at, outcomes in activity.series
        ],
        certificates=known.certificates.of(key.value) if is_identity else [],
        tokens=tokens,
        identities=identities,
        networks=networks,
    )


def _credentials(
    known: Known, key: ClientKey, client: str | None
) -> tuple[list[str], list[str], list[str]]:
    """Identities, tokens and networks that are this client, by its document or alone."""
    subjects = known.subjects
    if client is None or subjects is None:
        own = [key.value]
        is_identity = key.kind in ("identity", "claimed")
        return (own if is_identity else []), (own if key.kind == "token" else []), []
    return (
        [one.id for one in subjects.identities if one.client == client],
        [one.name for one in subjects.tokens if one.client == client],
        [one.network for one in subjects.networks if one.client == client],
    )
