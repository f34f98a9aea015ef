"""Every certificate that a client may come with, and what should become of it."""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from tests.world.certificates import CLIENT, DAY, SERVER, Authority, Pair
from tests.world.trust import TrustDomain

WEB = "ns/shop/sa/web"


@dataclass(frozen=True)
class Made:
    """What the cases are made with: the home domain and a partner; two more domains that are
    trusted, but whose revocation lists have ended or leave an issuer out; and a stranger."""

    home: TrustDomain
    partner: TrustDomain
    overdue: TrustDomain
    silent: TrustDomain
    stranger: TrustDomain

    @property
    def trusted(self) -> tuple[TrustDomain, ...]:
        """The domains of which the resolver knows."""
        return (self.home, self.partner, self.overdue, self.silent)


@dataclass(frozen=True)
class Case:
    """A certificate, and its outcome.

    ``outcome`` is ``answered``, the word of the reason why each question is refused, or the TLS
    alert with which the handshake ends (RFC 8446 section 6.2).
    """

    name: str
    outcome: str
    make: Callable[[Made], Pair]


UNKNOWN_CA, BAD, UNSUPPORTED = "unknown ca", "bad certificate", "unsupported certificate"
EXPIRED, REVOKED = "certificate expired", "certificate revoked"


def _with(outcome: str, name: str, **changes: object) -> Case:
    """The good certificate with changes to its form."""
    return Case(name, outcome, lambda made: made.home.svid(WEB, **changes))


def _naming(outcome: str, name: str, *uris: str) -> Case:
    return _with(outcome, name, uris=uris)


def _self_signed(made: Made) -> Pair:
    return made.home.svid(WEB, signed_by_itself=True)


def _revoked(made: Made) -> Pair:
    pair = made.home.svid(WEB)
    made.home.revoked.append(pair)
    return pair


def _signed_by_a_leaf(made: Made) -> Pair:
    # The workload's own certificate as an authority: it has the right key, but not the right.
    changes = {"is_authority": False, "signs_certificates": False, "digital_signature": True}
    return made.home.below("leaf", **changes).svid(made.home.id(WEB))


def _constrained(made: Made) -> Pair:
    mine = x509.NameConstraints([x509.UniformResourceIdentifier(made.home.name)], None)
    return made.home.below("constrained issuer", constraints=mine).svid(made.home.id(WEB))


def _namesake(made: Made) -> Pair:
    # The names of root and issuer are those of the home domain; the keys are not.
    folder = made.stranger.root.folder
    root = Authority(folder / "false", f"{made.home.name} root")
    issuer = Authority(folder / "false-issuer", f"{made.home.name} issuer", parent=root)
    return issuer.svid(made.home.id(WEB))


CASES = (
    _with("answered", "good"),
    _with("answered", "good with a DNS name beside", names=("web.example.org",)),
    _with("answered", "good for clients and servers", purposes=(CLIENT, SERVER)),
    _with("answered", "good with RSA", key="rsa-2048"),
    _with("answered", "good with Ed25519", key="ed25519"),
    Case("good under the second root", "answered", lambda m: m.home.rsa.svid(m.home.id(WEB))),
    Case("good of the partner", "answered", lambda m: m.partner.svid(WEB)),
    _with("identity_expired", "expired", ends=-DAY),
    _with(EXPIRED, "not valid yet", begins=DAY),
    Case("self-signed", UNKNOWN_CA, _self_signed),
    Case("of another authority", UNKNOWN_CA, lambda m: m.stranger.issuer.svid(m.home.id(WEB))),
    Case("of a namesake authority", UNKNOWN_CA, _namesake),
    _with(UNKNOWN_CA, "with a broken signature", signature="broken"),
    _with(UNKNOWN_CA, "without its issuer", with_chain=False),
    _naming(BAD, "common name alone"),
    _with(BAD, "DNS name alone", uris=(), names=("web.example.org",)),
    _with(BAD, "address alone", uris=(), names=("127.0.0.1",)),
    _naming(BAD, "two identities", f"spiffe://keyhole.test/{WEB}", "spiffe://keyhole.test/ns/x"),
    _naming(BAD, "another kind of URI", f"https://keyhole.test/{WEB}"),
    _naming(BAD, "NUL in its identity", f"spiffe://keyhole.test/{WEB}\0.example.org"),
    _naming(BAD, "NUL behind its identity", f"spiffe://keyhole.test/{WEB}\0"),
    _naming(BAD, "identity without a path", "spiffe://keyhole.test"),
    _naming(BAD, "identity that climbs", f"spiffe://keyhole.test/ns/../{WEB}"),
    _naming(BAD, "identity with a query", f"spiffe://keyhole.test/{WEB}?admin"),
    _naming(BAD, "identity in capitals", f"SPIFFE://KEYHOLE.TEST/{WEB}"),
    _naming(BAD, "wildcard", "spiffe://keyhole.test/ns/shop/sa/*"),
    _naming(UNKNOWN_CA, "unknown trust domain", f"spiffe://elsewhere.test/{WEB}"),
    _naming(UNKNOWN_CA, "trust domain of the partner", f"spiffe://partner.test/{WEB}"),
    _with(UNSUPPORTED, "for servers alone", purposes=(SERVER,)),
    _with(UNSUPPORTED, "for no purpose", purposes=()),
    _with(UNSUPPORTED, "without digital signature", digital_signature=False),
    _with(UNSUPPORTED, "that may sign others", signs_certificates=True),
    _with(UNSUPPORTED, "an authority", is_authority=True, signs_certificates=True),
    _with(UNSUPPORTED, "weak key", key="rsa-1024"),
    Case("weak digest", UNSUPPORTED, lambda m: m.home.rsa.svid(m.home.id(WEB), signature="sha1")),
    Case("revoked", REVOKED, _revoked),
    Case("signed by a leaf", BAD, _signed_by_a_leaf),
    Case("of an issuer with constraints", BAD, _constrained),
    Case(
        "of an issuer that expired",
        EXPIRED,
        lambda m: m.home.below("expired issuer", ends=-DAY).svid(m.home.id(WEB)),
    ),
    Case("of a domain whose lists are overdue", UNKNOWN_CA, lambda m: m.overdue.svid(WEB)),
    Case("of a domain with a list too few", UNKNOWN_CA, lambda m: m.silent.svid(WEB)),
)
