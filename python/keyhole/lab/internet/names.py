"""Answers of the lab's internet: computed from the name, so always the same without zone data."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

TTL = 300
SLOW_SECONDS = 1.0
BLOCKED_EXAMPLE = "tracker.example.net"
_ZONE_SOA = "ns.example.net. hostmaster.example.net. 1 3600 600 86400 60"


@dataclass(frozen=True)
class Reply:
    """An answer, and the seconds to wait before it is sent."""

    message: dns.message.Message
    delay: float = 0.0


def reply_to(query: dns.message.Message) -> Reply:
    """The answer to a query; the first label of the name may select a special answer."""
    message = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    special = SPECIAL.get(question.name.labels[0].decode("ascii", "replace").lower())
    if special is None:
        _ordinary(message, question.name, question.rdtype)
        return Reply(message)
    return Reply(message, special.build(message, question.name, question.rdtype))


def address_of(name: dns.name.Name) -> IPv4Address:
    """The IPv4 address of a name, out of 198.18.0.0/15 (RFC 2544: never on the internet)."""
    return IPv4Address(int(IPv4Address("198.18.0.0")) + _digest(name) % 2**17)


def address6_of(name: dns.name.Name) -> IPv6Address:
    """The IPv6 address of a name, out of 2001:db8::/32 (RFC 3849: for documentation)."""
    return IPv6Address(int(IPv6Address("2001:db8::")) + _digest(name) % 2**64)


def _digest(name: dns.name.Name) -> int:
    text = name.canonicalize().to_text().encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest())


def _ordinary(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> None:
    match kind:
        case RdataType.A:
            _add(message, name, kind, str(address_of(name)))
        case RdataType.AAAA:
            _add(message, name, kind, str(address6_of(name)))
        case RdataType.TXT:
            _add(message, name, kind, f'"the lab says: {_printable(name)}"')
        case RdataType.MX:
            _add(message, name, kind, "10 mail.example.net.")
        case RdataType.NS:
            _add(message, name, kind, "ns.example.net.")
        case RdataType.PTR:
            _add(message, name, kind, "host.example.net.")
        case _:
            _no_data(message, name)


def _printable(name: dns.name.Name) -> str:
    # A name may contain any octet, but quotes and backslashes are syntax in the text of a TXT.
    text = name.to_text(omit_final_dot=True)
    return "".join(c if c.isalnum() or c in ".-_" else "?" for c in text)[:200]


def _add(message: dns.message.Message, owner: dns.name.Name, kind: RdataType, *values: str) -> None:
    message.answer.append(dns.rrset.from_text(owner, TTL, "IN", kind, *values))


def _no_data(message: dns.message.Message, name: dns.name.Name) -> None:
    # A negative answer takes its TTL from the SOA of its zone (RFC 2308 section 5).
    zone = name.parent() if len(name.labels) > 2 else name
    message.authority.append(dns.rrset.from_text(zone, 60, "IN", "SOA", _ZONE_SOA))


def _slow(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    _ordinary(message, name, kind)
    return SLOW_SECONDS


def _servfail(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    message.set_rcode(dns.rcode.SERVFAIL)
    no_authority = dns.edns.EDEOption(dns.edns.EDECode.NO_REACHABLE_AUTHORITY, "the lab says so")
    message.use_edns(0, payload=1232, options=[no_authority])
    return 0.0


def _nxdomain(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    message.set_rcode(dns.rcode.NXDOMAIN)
    _no_data(message, name)
    return 0.0


def _chain(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    owner = name
    for step in range(1, 5):
        target = dns.name.from_text(f"step{step}.chained.example.net.")
        _add(message, owner, RdataType.CNAME, target.to_text())
        owner = target
    _ordinary(message, owner, kind)
    return 0.0


def _cloaked(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    target = dns.name.from_text(f"{BLOCKED_EXAMPLE}.")
    _add(message, name, RdataType.CNAME, target.to_text())
    _ordinary(message, target, kind)
    return 0.0


def _big(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    if kind == RdataType.TXT:
        _add(message, name, kind, *(f'"{part:02} {"x" * 240}"' for part in range(16)))
    else:
        _ordinary(message, name, kind)
    return 0.0


def _rebind(message: dns.message.Message, name: dns.name.Name, kind: RdataType) -> float:
    if kind == RdataType.A:
        _add(message, name, kind, "192.168.1.1")
    else:
        _no_data(message, name)
    return 0.0


@dataclass(frozen=True)
class Special:
    """A first label that selects a special answer."""

    meaning: str
    build: Callable[[dns.message.Message, dns.name.Name, RdataType], float]


SPECIAL = {
    "slow": Special(f"answers after {SLOW_SECONDS:g} s", _slow),
    "servfail": Special("the internet fails", _servfail),
    "nx": Special("does not exist", _nxdomain),
    "chain": Special("a chain of four CNAMEs", _chain),
    "big": Special("4 KiB of TXT: too big for UDP", _big),
    "cloaked": Special("a CNAME to a blocked name", _cloaked),
    "rebind": Special("a private address for a public name", _rebind),
}
