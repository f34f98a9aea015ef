"""What lines of the query log say for findings."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from keyhole.querylog.entry import LogEntry, read_line

_MARKS = (b'"octets":', b'"missing":')
"""Only lines that the screen speaks of have one: within a text, the quotation mark is escaped."""
_REFUSED = {"tunnel_throttled": "throttle", "tunnel_budget": "block", "tunnel_split": "split"}
_OBSERVED = "tunneling: "
_MISSING, _MISSING_OBSERVED = "missing_domains", "missing domains"
_IPV6_BITS = 56
"""Clients of one such network share an account: it is what one customer has."""


@dataclass(frozen=True)
class Signal:
    """A query that the screen speaks of."""

    kind: str
    client_kind: str
    client: str
    domain: str
    policy: str | None
    level: str
    second: int
    """Of Unix time."""
    octets: int
    """On the account with it; of the kind ``missing``, domains that do not exist."""
    name: str
    is_refused: bool
    count: int
    clients: int = 0
    """About how many clients the octets came from, where they are of all together."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What one finding is about."""
        return (self.kind, self.client_kind, self.client, self.domain)


def signals(lines: bytes) -> Iterator[Signal]:
    """Those of whole lines; others and damaged ones are passed over."""
    for line in _marked(lines):
        entry = read_line(line)
        if isinstance(entry, LogEntry) and (found := _signal(entry)) is not None:
            yield found


def marked(lines: bytes) -> bytes:
    """Those of whole lines that may say something."""
    return b"".join(line + b"\n" for line in _marked(lines))


def _marked(lines: bytes) -> Iterator[bytes]:
    # Each mark is searched onward from its last place alone: a piece has up to 32 MiB, and a mark
    # that it lacks must not be looked for again after each line.
    places = {mark: lines.find(mark) for mark in _MARKS}
    while (at := min((one for one in places.values() if one >= 0), default=-1)) >= 0:
        begin, end = lines.rfind(b"\n", 0, at) + 1, lines.find(b"\n", at)
        end = len(lines) if end < 0 else end
        yield lines[begin:end]
        for mark, place in places.items():
            if 0 <= place < end:
                places[mark] = lines.find(mark, end)


def _signal(entry: LogEntry) -> Signal | None:
    if entry.missing is not None:
        return _of_missing(entry)
    refused = _REFUSED.get(entry.reason)
    observed = entry.observed or ""
    level = refused or (observed.removeprefix(_OBSERVED) if observed.startswith(_OBSERVED) else "")
    if not level or entry.domain is None or entry.octets is None or entry.name is None:
        return None
    if level == "split":
        return _of_all(
            entry, entry.domain, entry.octets, entry.name, is_refused=refused is not None
        )
    return Signal(
        "tunnel",
        entry.client_ref.kind,
        _client(entry),
        entry.domain,
        entry.policy,
        level,
        int(entry.time.timestamp()),
        entry.octets,
        entry.name,
        refused is not None,
        entry.count,
    )


def _of_all(entry: LogEntry, domain: str, octets: int, name: str, *, is_refused: bool) -> Signal:
    """Of a channel that is split over many clients: who asked this one name is in the log."""
    return Signal(
        "split",
        "several",
        "",
        domain,
        entry.policy,
        "block" if is_refused else "alert",
        int(entry.time.timestamp()),
        octets,
        name,
        is_refused,
        entry.count,
        entry.clients or 0,
    )


def _of_missing(entry: LogEntry) -> Signal | None:
    """Of a client that asks for many domains that do not exist."""
    is_refused = entry.reason == _MISSING
    if entry.name is None or not (is_refused or entry.observed == _MISSING_OBSERVED):
        return None
    return Signal(
        "missing",
        entry.client_ref.kind,
        _client(entry),
        "",
        entry.policy,
        "throttle" if is_refused else "alert",
        int(entry.time.timestamp()),
        entry.missing or 0,
        entry.name,
        is_refused,
        entry.count,
    )


def _client(entry: LogEntry) -> str:
    client = entry.client_ref
    return _network(client.value) if client.kind == "address" else client.value


def _network(address: str) -> str:
    """The network whose clients share an account; an IPv4 address is one by itself."""
    found = ipaddress.ip_address(address)
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((int(found), _IPV6_BITS), strict=False))
