"""The answers of the tests' upstream for each name; see ``tests.world.upstream``."""

from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

ADDRESS = "198.18.0.7"
ADDRESS_6 = "2001:db8::7"
PRIVATE = "192.168.1.1"


@dataclass(frozen=True)
class Zone:
    """The address and TTL (in seconds) of all names, and the names that are aliases."""

    ttl: int = 300
    address: str = ADDRESS
    aliases: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    """The names that PTR records lead to, by their owner."""

    def replies(self, word: str, query: dns.message.Message) -> list[bytes]:
        """The messages to send, in order, for a name that begins with ``word``."""
        match word:
            case "silent" | "close":
                return []
            case "garbage":
                return [b"\xff" * 40]
            case "other":
                other = dns.message.make_query("elsewhere.example.org", "A")
                other.id = query.id
                return [self._reply("plain", one).to_wire() for one in (other, query)]
        return [self._reply(word, query).to_wire(max_size=65535)]

    def _reply(self, word: str, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query, recursion_available=True)
        name, kind = query.question[0].name, query.question[0].rdtype
        if word in ("servfail", "missing"):
            is_missing = word == "missing"
            reply.set_rcode(dns.rcode.NXDOMAIN if is_missing else dns.rcode.SERVFAIL)
            return reply
        reply.answer = self._answer(word, name, kind)
        if not reply.answer:
            soa = "ns.example.org. host.example.org. 1 3600 600 86400 60"
            reply.authority = [self._set(_zone_of(name), "SOA", soa)]
        return reply

    def _answer(self, word: str, name: dns.name.Name, kind: RdataType) -> list[dns.rrset.RRset]:
        alias = self.aliases.get(name.to_text(omit_final_dot=True).lower())
        pointer = self.pointers.get(name.to_text(omit_final_dot=True).lower())
        if kind == RdataType.PTR and pointer is not None:
            return [self._set(name, "PTR", pointer)]
        if word == "big":
            return [self._set(name, "TXT", *(f'"{n:03d}{"x" * 197}"' for n in range(15)))]
        if word == "cname":
            alias = dns.name.Name(name.labels[1:]).to_text()
        if word == "hint" and kind == RdataType.HTTPS:
            return [self._set(name, "HTTPS", f"1 . ipv4hint={PRIVATE}")]
        if word == "dual" and alias is None:
            return self._dual(name, kind)
        if alias is not None and kind == RdataType.HTTPS:
            return [self._set(name, "HTTPS", f"1 {alias.rstrip('.')}. ipv4hint={self.address}")]
        if alias is not None:
            target = dns.name.from_text(alias)
            words = target.labels[0].decode().partition("-")[0]
            return [self._set(name, "CNAME", target.to_text()), *self._answer(words, target, kind)]
        return self._addresses(name, kind, PRIVATE if word == "private" else self.address)

    def _dual(self, name: dns.name.Name, kind: RdataType) -> list[dns.rrset.RRset]:
        hints = f"mandatory=ipv4hint,ipv6hint alpn=h2 ipv4hint={self.address} ipv6hint={ADDRESS_6}"
        match kind:
            case RdataType.AAAA:
                return [self._set(name, "AAAA", ADDRESS_6)]
            case RdataType.HTTPS | RdataType.SVCB:
                return [self._set(name, RdataType.to_text(kind), f"1 . {hints}")]
        return self._addresses(name, kind)

    def _addresses(
        self, name: dns.name.Name, kind: RdataType, address: str | None = None
    ) -> list[dns.rrset.RRset]:
        return [self._set(name, "A", address or self.address)] if kind == RdataType.A else []

    def _set(self, name: dns.name.Name, kind: str, *values: str) -> dns.rrset.RRset:
        return dns.rrset.from_text(name, self.ttl, "IN", kind, *values)


def _zone_of(name: dns.name.Name) -> dns.name.Name:
    return name if name == dns.name.root else name.parent()
