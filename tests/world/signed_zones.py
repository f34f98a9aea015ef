"""Zones signed in every way, right and wrong, for a server of zones to serve."""

import base64
import os
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import dns.dnssec
import dns.name
import dns.node
import dns.rdata
import dns.rdataset
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

TTL = 300
_DAY = 86_400
_IN = RdataClass.IN
_MAKERS: dict[str, Callable[[], object]] = {
    "ECDSAP256SHA256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECDSAP384SHA384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ED25519": ed25519.Ed25519PrivateKey.generate,
    "RSASHA256": lambda: rsa.generate_private_key(65_537, 2048),
    "RSASHA512": lambda: rsa.generate_private_key(65_537, 1024),
}


@dataclass
class Signing:
    """How a zone is signed."""

    algorithm: str = "ECDSAP256SHA256"
    denial: str = "nsec"
    """``nsec``, ``nsec3`` or ``optout``; ``none`` signs nothing."""
    iterations: int = 0
    salt: str = ""
    window: tuple[int, int] = (-_DAY, 7 * _DAY)
    """From when to when signatures are valid, seconds from now."""
    broken: bool = False
    """Every signature but those of the keys is one over other data."""
    colliding: int = 0
    """Keys with the tag of the real one, before it."""
    ds: str = "right"
    """What the parent says: ``right``, ``missing``, ``wrong`` or ``unknown`` (an algorithm)."""


@dataclass
class SignedZone:
    """One zone; `build` signs it with the DS records of those below it."""

    name: str
    text: str
    signing: Signing = field(default_factory=Signing)
    below: list["SignedZone"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.origin = dns.name.from_text(self.name)
        self.private = _MAKERS[self.signing.algorithm]()
        public = self.private.public_key()  # type: ignore[attr-defined]
        self.key = dns.dnssec.make_dnskey(public, self.signing.algorithm, flags=257)

    @property
    def ds(self) -> list[str]:
        """The DS records in the zone above."""
        kind = self.signing.ds
        if kind == "missing" or (self.signing.denial == "none" and kind == "right"):
            return []
        if kind == "unknown":
            return [f"12345 253 2 {'ab' * 32}"]
        if kind == "wrong":
            return [f"12345 13 2 {'cd' * 32}"]
        return [dns.dnssec.make_ds(self.origin, self.key, "SHA256").to_text()]

    def build(self) -> str:
        """The whole zone as text."""
        lines = [f"@ {TTL} IN SOA ns host 1 3600 600 86400 60", f"@ {TTL} IN NS ns", self.text]
        lines.append(f"ns {TTL} IN A 127.0.0.1")
        for one in self.below:
            lines.append(f"{one.name} {TTL} IN NS ns.{one.name}")
            lines.append(f"ns.{one.name} {TTL} IN A 127.0.0.1")
            lines += [f"{one.name} {TTL} IN DS {ds}" for ds in one.ds]
        zone = dns.zone.from_text("\n".join(lines), origin=self.origin, relativize=False)
        if self.signing.denial != "none":
            _Signer(self, zone).sign()
        return zone.to_text(relativize=False, sorted=True)


class _Signer:
    def __init__(self, signed: SignedZone, zone: dns.zone.Zone) -> None:
        self.signed, self.zone, self.how = signed, zone, signed.signing
        now = int(time.time())
        self.window = (now + self.how.window[0], now + self.how.window[1])

    def sign(self) -> None:
        keys = [*_colliding(self.signed.key, self.how.colliding), self.signed.key]
        apex = self.zone.find_node(self.signed.origin)
        apex.replace_rdataset(dns.rdataset.from_rdata_list(TTL, keys))
        names = self._own_names()
        if self.how.denial == "nsec":
            self._nsec(names)
        else:
            self._nsec3(names)
        for name in list(self.zone.nodes):
            self._sign_node(name)

    def _own_names(self) -> list[dns.name.Name]:
        """Names that are those of the zone: no glue."""
        return sorted(name for name in self.zone.nodes if self._cut_above(name) is None)

    def _cut_above(self, name: dns.name.Name) -> dns.name.Name | None:
        parent = name
        while parent != self.signed.origin:
            parent = parent.parent()
            if self._is_cut(parent):
                return parent
        return None

    def _is_cut(self, name: dns.name.Name) -> bool:
        node = self.zone.nodes.get(name)
        has_ns = node is not None and node.get_rdataset(_IN, RdataType.NS) is not None
        return name != self.signed.origin and has_ns

    def _types(self, name: dns.name.Name) -> set[RdataType]:
        node = self.zone.nodes.get(name)
        kinds = {one.rdtype for one in node.rdatasets} if node else set()
        return kinds & {RdataType.NS, RdataType.DS} if self._is_cut(name) else kinds

    def _nsec(self, names: list[dns.name.Name]) -> None:
        for name, after in zip(names, [*names[1:], names[0]], strict=True):
            kinds = [*self._types(name), RdataType.NSEC, RdataType.RRSIG]
            windows = " ".join(RdataType.to_text(kind) for kind in sorted(set(kinds)))
            self._add(name, f"NSEC {after} {windows}")

    def _nsec3(self, names: list[dns.name.Name]) -> None:
        is_out = self.how.denial == "optout"
        salt = self.how.salt or "-"
        parameters = f"1 0 {self.how.iterations} {salt}"
        self._add(self.signed.origin, f"NSEC3PARAM {parameters}")
        hashed: dict[str, dns.name.Name] = {}
        for name in names:
            if is_out and self._is_cut(name) and RdataType.DS not in self._types(name):
                continue
            # With the names between it and the apex, which exist without records.
            while True:
                digest = dns.dnssec.nsec3_hash(name, self.how.salt, self.how.iterations, 1)
                hashed[digest] = name
                if name == self.signed.origin:
                    break
                name = name.parent()
        order = sorted(hashed)
        for digest, after in zip(order, [*order[1:], order[0]], strict=True):
            kinds = self._types(hashed[digest])
            if kinds - {RdataType.NS} or RdataType.DS in kinds:
                kinds = kinds | {RdataType.RRSIG}
            words = " ".join(RdataType.to_text(kind) for kind in sorted(kinds))
            owner = dns.name.from_text(digest.lower(), self.signed.origin)
            flags = 1 if is_out else 0
            self._add(owner, f"NSEC3 1 {flags} {self.how.iterations} {salt} {after} {words}")

    def _add(self, name: dns.name.Name, text: str) -> None:
        kind, _, data = text.partition(" ")
        record = dns.rdata.from_text(_IN, kind, data)
        self.zone.find_node(name, create=True).replace_rdataset(
            dns.rdataset.from_rdata(TTL, record)
        )

    def _sign_node(self, name: dns.name.Name) -> None:
        if self._cut_above(name) is not None:
            return
        signed = (RdataType.DS, RdataType.NSEC) if self._is_cut(name) else None
        node = self.zone.find_node(name)
        for one in list(node.rdatasets):
            if one.rdtype == RdataType.RRSIG or (signed and one.rdtype not in signed):
                continue
            signature = self._signature(name, one)
            existing = node.get_rdataset(_IN, RdataType.RRSIG, one.rdtype, create=True)
            assert existing is not None
            existing.add(signature, TTL)

    def _signature(self, name: dns.name.Name, one: dns.rdataset.Rdataset) -> dns.rdata.Rdata:
        content = dns.rrset.from_rdata_list(name, TTL, list(one))
        if self.how.broken and one.rdtype == RdataType.A:
            content = dns.rrset.from_text(name, TTL, "IN", "A", "192.0.2.250")
        begin, end = self.window
        return dns.dnssec.sign(
            content, self.signed.private, self.signed.origin, self.signed.key,  # type: ignore[arg-type]
            inception=begin, expiration=end, verify=False,
        )  # fmt: skip


def _colliding(key: dns.rdata.Rdata, count: int) -> Iterable[dns.rdata.Rdata]:
    """Keys of the same tag and algorithm that have signed nothing."""
    tag = dns.dnssec.key_id(key)  # type: ignore[arg-type]
    head = struct.pack("!HBB", 257, 3, int(key.algorithm))  # type: ignore[attr-defined]
    made = 0
    while made < count:
        body = os.urandom(len(key.key) - 2)  # type: ignore[attr-defined]
        for low in range(65_536):
            octets = head + body + low.to_bytes(2, "big")
            total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
            if (total + (total >> 16)) & 0xFFFF == tag:
                text = f"257 3 {int(key.algorithm)} {base64.b64encode(octets[4:]).decode()}"  # type: ignore[attr-defined]
                yield dns.rdata.from_text("IN", "DNSKEY", text)
                made += 1
                break


_RECORDS = f"""
www {TTL} IN A 198.18.0.1
www {TTL} IN TXT "text" "MiXed"
mail {TTL} IN MX 10 WWW
srv {TTL} IN SRV 1 2 3 WWW
alias {TTL} IN CNAME www
*.wild {TTL} IN A 198.18.0.2
*.wild {TTL} IN TXT "wild"
taken.wild {TTL} IN TXT "no address here"
below.deep.ent {TTL} IN A 198.18.0.3
*.walias {TTL} IN CNAME www
"""


def world() -> list[SignedZone]:
    """A root and all zones below it; the root is the first."""
    kinds = {
        "nsec": Signing(),
        "nsec3": Signing("RSASHA256", "nsec3", salt="AABB"),
        "optout": Signing("ED25519", "optout"),
        "p384": Signing("ECDSAP384SHA384", "nsec3", iterations=5),
        "sha512": Signing("RSASHA512"),
        "expired": Signing(window=(-30 * _DAY, -_DAY)),
        "future": Signing(window=(3 * _DAY, 30 * _DAY)),
        "bogus": Signing(broken=True),
        "wrongds": Signing(ds="wrong"),
        "insecure": Signing(denial="none"),
        "nods": Signing(ds="missing"),
        "nosig": Signing(denial="none", ds="wrong"),
        "unknown": Signing(denial="none", ds="unknown"),
        "iter100": Signing("ED25519", "nsec3", iterations=100),
        "iter500": Signing("ED25519", "nsec3", iterations=500),
        "keytrap": Signing("ED25519", colliding=100),
    }
    zones = []
    for name, signing in kinds.items():
        cross = f"""
over {TTL} IN CNAME www.nsec3.dom.
tobogus {TTL} IN CNAME www.bogus.dom.
toinsecure {TTL} IN CNAME www.insecure.dom.
tonothing {TTL} IN CNAME nothing.nsec.dom.
move {TTL} IN DNAME nsec3.dom.
"""
        zones.append(SignedZone(f"{name}.dom.", _RECORDS + cross, signing))
    child = SignedZone("child.optout.dom.", _RECORDS, Signing(denial="none"))
    secure_child = SignedZone("secure.optout.dom.", _RECORDS, Signing())
    next(one for one in zones if one.name == "optout.dom.").below += [child, secure_child]
    test = SignedZone("dom.", _RECORDS, Signing("ED25519"), zones)
    plain = SignedZone("plain.", _RECORDS, Signing(denial="none"))
    root = SignedZone(".", "", Signing(), [test, plain])
    return [root, test, plain, *zones, child, secure_child]
