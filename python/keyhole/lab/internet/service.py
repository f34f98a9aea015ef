"""Turns the octets of a query into the octets of its answer, and logs each query."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from keyhole.lab.internet.mode import Mode, corrupt
from keyhole.lab.internet.names import reply_to

PADDING_BLOCK = 468  # RFC 8467 section 4.1


@dataclass(frozen=True)
class Outgoing:
    """Octets to send after a delay in seconds."""

    octets: bytes
    delay: float


class Service:
    """Answers queries in one mode. With a log file, it writes one JSON line for each query, so
    that a test can prove which queries were sent upstream."""

    def __init__(self, mode: Mode, delay: float, log: Path | None) -> None:
        self.mode = mode
        self._delay = delay
        self._log: TextIO | None = log.open("a", buffering=1) if log else None

    def answer(self, wire: bytes, transport: str) -> Outgoing | None:
        """The answer, or none when the octets are not a query."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            self._write({"transport": transport, "octets": len(wire), "malformed": True})
            return None
        if len(query.question) != 1:
            return None
        self._write(_log_entry(query, len(wire), transport))
        reply = reply_to(query)
        if self.mode is Mode.SERVFAIL:
            reply.message.set_rcode(dns.rcode.SERVFAIL)
            reply.message.answer = []
        if reply.message.edns < 0 and query.edns >= 0:
            reply.message.use_edns(0, payload=1232, pad=PADDING_BLOCK)
        delay = reply.delay + (self._delay if self.mode is Mode.SLOW else 0.0)
        return Outgoing(corrupt(self.mode, query, reply.message), delay)

    def _write(self, entry: dict[str, Any]) -> None:
        if self._log:
            self._log.write(json.dumps(entry) + "\n")


def _log_entry(query: dns.message.Message, octets: int, transport: str) -> dict[str, Any]:
    question = query.question[0]
    return {
        "transport": transport,
        "name": question.name.to_text(),
        "type": dns.rdatatype.to_text(question.rdtype),
        "id": query.id,
        "flags": dns.flags.to_text(query.flags),
        "octets": octets,
        "edns": query.edns,
        "edns_octets": query.payload if query.edns >= 0 else None,
        "dnssec_ok": bool(query.ednsflags & dns.flags.DO),
        "options": [int(option.otype) for option in query.options],
    }
