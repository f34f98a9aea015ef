"""A query of the log as the dnstap messages CLIENT_QUERY and CLIENT_RESPONSE."""

import ipaddress
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, repeat

from keyhole.model.record_type import RECORD_TYPES
from keyhole.querylog.dnstap import protobuf as pb
from keyhole.querylog.dnstap.policy import policy, wire_name
from keyhole.querylog.entry import LogEntry

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"

MAX_ALIKE = 1_000_000
"""Alike queries of one entry, at most: an engine writes one for each second."""
_CLIENT_QUERY, _CLIENT_RESPONSE = 5, 6
_PROTOCOLS = {"udp": 1, "tcp": 2, "dot": 3, "doh": 4, "doh_cleartext": 4, "mesh": 2}
_INET, _INET6 = 1, 2
_IN = 1
_RD, _QR_RD_RA = 0x0100, 0x8180
_HEADER = struct.Struct(">HHHHHH")
# Sent in ``extra``; ``identity`` and ``token`` only where the log has them.
_EXTRA = (
    "outcome", "reason", "answer", "policy", "rule", "list", "file", "line", "target", "allow",
    "observed", "upstream", "tls", "upstream_tls", "identity", "token", "snapshot", "count",
)  # fmt: skip


@dataclass(frozen=True)
class ReasonInfo:
    """What the catalogue says of a reason: its response code, if it has one of its own, and the
    stage that ends a query for it."""

    rcode: int | None
    stage: str


class Messages:
    """Makes messages of one server; ``reasons`` are those of the catalogue, by word."""

    def __init__(self, identity: str, version: str, reasons: Mapping[str, ReasonInfo]) -> None:
        self._head = pb.octets(1, identity.encode()) + pb.octets(2, version.encode())
        self._rcodes = {word: one.rcode for word, one in reasons.items() if one.rcode is not None}
        self._stages = {word: one.stage for word, one in reasons.items()}

    def of(self, entry: LogEntry) -> Iterator[bytes]:
        """The query, and the response unless none was sent; nothing for a refused TLS handshake.
        Alike queries that share an entry have messages of their own, all with its time."""
        if entry.name is None or entry.count <= 1:
            yield from self._of(entry)
            return
        messages = tuple(self._of(replace(entry, count=1)))
        yield from chain.from_iterable(repeat(messages, min(entry.count, MAX_ALIKE)))

    def _of(self, entry: LogEntry) -> Iterator[bytes]:
        if entry.name is None and entry.outcome == "refused" and entry.reason not in self._rcodes:
            return
        arrived = entry.time
        question = _question(entry.name, entry.kind)
        query = pb.octets(10, _HEADER.pack(0, _RD, 1, 0, 0, 0) + question) if question else b""
        yield self._dnstap(_CLIENT_QUERY, entry, _time(8, arrived), query)
        if entry.outcome == "dropped":
            return
        ended = arrived + timedelta(microseconds=entry.duration_us)
        times = _time(8, arrived) + _time(12, ended)
        rest = self._response(entry, question) + policy(entry, self._stages.get(entry.reason))
        yield self._dnstap(_CLIENT_RESPONSE, entry, times, rest)

    def _dnstap(self, kind: int, entry: LogEntry, times: bytes, rest: bytes) -> bytes:
        message = pb.number(1, kind) + _addressing(entry) + times + rest
        extra = pb.octets(3, _extra(entry)) if kind == _CLIENT_RESPONSE else b""
        return self._head + extra + pb.octets(14, message) + pb.number(15, 1)

    def _response(self, entry: LogEntry, question: bytes) -> bytes:
        rcode = self._rcodes.get(entry.reason)
        if rcode is None or not question:
            return b""
        # Extended codes (RFC 6891 section 6.1.3) do not fit into the header; it holds the low bits.
        header = _HEADER.pack(0, _QR_RD_RA | rcode & 0x0F, 1, 0, 0, 0)
        return pb.octets(14, header + question)


def _addressing(entry: LogEntry) -> bytes:
    """Transport, and the address if the log has it; the log has no ports."""
    found = b""
    if entry.client is not None:
        address = ipaddress.ip_address(entry.client)
        found += pb.number(2, _INET if address.version == 4 else _INET6)
    if (protocol := _PROTOCOLS.get(entry.transport)) is not None:
        found += pb.number(3, protocol)
    if entry.client is not None:
        found += pb.octets(4, address.packed)
    return found


def _time(field: int, time: datetime) -> bytes:
    """Seconds in a field, and nanoseconds in the next one."""
    seconds = int(time.replace(microsecond=0).timestamp())
    return pb.number(field, seconds) + pb.fixed32(field + 1, time.microsecond * 1_000)


def _extra(entry: LogEntry) -> bytes:
    document = entry.document
    fields = {key: document[key] for key in _EXTRA if document.get(key) is not None}
    return json.dumps(fields, separators=(",", ":")).encode()


@lru_cache(maxsize=8_192)
def _question(name: str | None, kind: str | None) -> bytes:
    """The question section (RFC 1035 section 4.1.2); empty where there was none."""
    if name is None or kind is None:
        return b""
    number = RECORD_TYPES.get(kind)
    if number is None:
        number = int(kind.removeprefix("TYPE"))
    return wire_name(name) + struct.pack(">HH", number, _IN)
