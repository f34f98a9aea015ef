"""A signed root zone for the tests' upstream: a trust anchor, a genuine name and a forged one."""

from dataclasses import dataclass, field

import dns.dnssec
import dns.dnssectypes
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

GENUINE, FORGED = "genuine.example.org", "forged.example.org"
ADDRESS = "198.18.0.8"
_ALGORITHM = dns.dnssectypes.Algorithm.ECDSAP256SHA256
_TTL, _LIFE = 300, 86_400


def _set(name: str, kind: str, *values: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(dns.name.from_text(name), _TTL, "IN", kind, *values)


@dataclass
class SignedRoot:
    """Answers for ``GENUINE``, ``FORGED`` and the key of the root; all else has no records."""

    anchor: str = ""
    """The DNSKEY of the root, as a line of a trust anchor file."""
    _sets: dict[tuple[str, str], list[dns.rrset.RRset]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        # 257: a key that may be a trust anchor (RFC 4034 section 2.1.1).
        public = dns.dnssec.make_dnskey(key.public_key(), _ALGORITHM, flags=257)
        keys = dns.rrset.from_rdata(dns.name.root, _TTL, public)
        self.anchor = keys.to_text()

        def signed(content: dns.rrset.RRset, shown: dns.rrset.RRset) -> list[dns.rrset.RRset]:
            signature = dns.dnssec.sign(content, key, dns.name.root, public, lifetime=_LIFE)
            return [shown, dns.rrset.from_rdata(shown.name, _TTL, signature)]

        genuine, forged = _set(GENUINE, "A", ADDRESS), _set(FORGED, "A", ADDRESS)
        self._sets = {
            (".", "DNSKEY"): signed(keys, keys),
            (f"{GENUINE}.", "A"): signed(genuine, genuine),
            # The signature is that of another address.
            (f"{FORGED}.", "A"): signed(_set(FORGED, "A", "198.18.0.9"), forged),
        }

    def replies(self, _word: str, query: dns.message.Message) -> list[bytes]:
        """The message to send."""
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        reply = dns.message.make_response(query, recursion_available=True)
        found = self._sets.get((question.name.to_text().lower(), kind))
        if found is None:
            reply.set_rcode(dns.rcode.SERVFAIL)
        else:
            reply.answer = found
        return [reply.to_wire(max_size=65_535)]
