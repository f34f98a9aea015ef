"""A signed root zone for a validator: insecure delegations, and proofs of what is not there."""

import dns.dnssec
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ed25519
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from tests.world.zone import ADDRESS

_HEAD = f"""
. 300 IN SOA a.root.example. host.example. 1 3600 600 86400 300
. 300 IN NS a.root.example.
signed. 300 IN A {ADDRESS}
"""
_WEEK = 7 * 86_400


class SignedRoot:
    """The answers of such a root, as a ``zone`` of `tests.world.upstream.Upstream`.

    It delegates ``insecure`` zones without DS records, and has ``signed. A``.
    """

    def __init__(self, insecure: list[str]) -> None:
        delegations = [f"{name}. 300 IN NS blackhole.example." for name in insecure]
        text = _HEAD + "\n".join(delegations) + "\n"
        self._zone = dns.zone.from_text(text, origin=".", relativize=False)
        private = ed25519.Ed25519PrivateKey.generate()
        key = dns.dnssec.make_dnskey(private.public_key(), "ED25519", flags=257)
        dns.dnssec.sign_zone(self._zone, keys=[(private, key)], lifetime=_WEEK)
        self.anchor = dns.dnssec.make_ds(dns.name.root, key, "SHA256").to_text()
        nodes = self._zone.nodes.items()
        nsec = [name for name, node in nodes if node.get_rdataset(RdataClass.IN, RdataType.NSEC)]
        self._sorted = sorted(nsec)
        self.asked: list[tuple[str, str]] = []

    def replies(self, _word: str, query: dns.message.Message) -> list[bytes]:
        """The one answer to a query."""
        name, kind = query.question[0].name, query.question[0].rdtype
        self.asked.append((name.to_text(omit_final_dot=True).lower(), kind.name))
        reply = dns.message.make_response(query, recursion_available=True)
        if self._sets(name, kind) and not (self._is_cut(name) and kind == RdataType.NS):
            reply.answer = self._sets(name, kind)
        else:
            exists = any(other.is_subdomain(name) for other in self._zone)
            reply.set_rcode(dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
            proofs = self._covering(name) if exists else [
                *self._covering(name), *self._covering(dns.name.from_text("*."))
            ]  # fmt: skip
            reply.authority = [*self._sets(dns.name.root, RdataType.SOA), *proofs]
        return [reply.to_wire(max_size=65535)]

    def _is_cut(self, name: dns.name.Name) -> bool:
        return name != dns.name.root and self._zone.get_rdataset(name, "NS") is not None

    def _sets(self, name: dns.name.Name, kind: RdataType) -> list[dns.rrset.RRset]:
        """The records of a name and type with their signature; empty where there are none."""
        found = self._zone.get_rrset(name, kind)
        signature = self._zone.get_rrset(name, RdataType.RRSIG, kind)
        return [one for one in (found, signature) if one is not None]

    def _covering(self, name: dns.name.Name) -> list[dns.rrset.RRset]:
        """The NSEC record of the name, or the one that says that it is not there."""
        before = [one for one in self._sorted if one <= name]
        return self._sets(before[-1], RdataType.NSEC)
