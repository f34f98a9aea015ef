"""Every certificate that an upstream may come with, and whether it is to be believed."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from tests.world.certificates import CLIENT, DAY, Authority, Form, Pair
from tests.world.trust import TrustDomain

NAME = "upstream.example.org"
ID = "ns/dns/sa/upstream"
TRUSTED, UNTRUSTED = "answered", "upstream_untrusted"


@dataclass(frozen=True)
class Case:
    """A server certificate with its outcome: ``answered``, or the word of the reason.

    ``spec`` changes the upstream's document; ``tls`` are attributes of the server's TLS settings,
    and ``alpn`` is what it offers instead of the right protocol.
    """

    name: str
    outcome: str
    make: Callable[[TrustDomain, TrustDomain], Pair]
    spec: dict[str, Any] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)
    alpn: tuple[str, ...] | None = None

    def context(self, protocol: str) -> ssl.SSLContext:
        """The TLS settings of the server; our own library must not refuse what is bad."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        for key, value in self.tls.items():
            setattr(made, key, value)
        right = {"dot": "dot", "doh": "h2"}[protocol]
        made.set_alpn_protocols(list(self.alpn or (right,)))
        return made


def _with(outcome: str, name: str, **changes: Any) -> Case:
    form = Form(**{"names": (NAME,), **changes})
    return Case(name, outcome, lambda home, _: home.issuer.make(form))


def _by(outcome: str, name: str, make: Callable[[TrustDomain, TrustDomain], Authority]) -> Case:
    return Case(name, outcome, lambda home, stranger: make(home, stranger).issue(NAME))


def _revoked(home: TrustDomain, _: TrustDomain) -> Pair:
    pair = home.server(NAME)
    home.revoked.append(pair)
    return pair


def _leaf(home: TrustDomain, _: TrustDomain) -> Authority:
    return home.below("server", is_authority=False, signs_certificates=False)


def _constrained(home: TrustDomain, _: TrustDomain) -> Authority:
    elsewhere = x509.NameConstraints([x509.DNSName("example.com")], None)
    return home.below("issuer for example.com", constraints=elsewhere)


def _svid(home: TrustDomain, _: TrustDomain) -> Pair:
    return home.issuer.make(Form(uris=(home.id(ID),)))


def _revoked_svid(home: TrustDomain, stranger: TrustDomain) -> Pair:
    home.revoked.append(_svid(home, stranger))
    return home.revoked[-1]


_BY_ID = {"serverId": f"spiffe://keyhole.test/{ID}"}
_RSA = Form(names=(NAME,), signature="sha1")
_OLD = {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1_1}

CASES = (
    _with(TRUSTED, "good"),
    _with(TRUSTED, "good with a wildcard", names=("*.example.org",)),
    _with(TRUSTED, "good with RSA", key="rsa-2048"),
    _with(TRUSTED, "good for clients too", purposes=(CLIENT, *Form().purposes)),
    Case("good under the second root", TRUSTED, lambda home, _: home.rsa.issue(NAME)),
    Case(
        "good under TLS 1.2",
        TRUSTED,
        lambda home, _: home.server(NAME),
        tls={"maximum_version": ssl.TLSVersion.TLSv1_2},
    ),
    Case(
        "good by its address",
        TRUSTED,
        lambda home, _: home.server("127.0.0.1"),
        spec={"serverName": "127.0.0.1"},
    ),
    Case("good by its identity", TRUSTED, _svid, spec=_BY_ID),
    _with(UNTRUSTED, "expired", ends=-DAY),
    _with(UNTRUSTED, "not valid yet", begins=DAY),
    _with(UNTRUSTED, "self-signed", signed_by_itself=True),
    _by(UNTRUSTED, "of another authority", lambda _, stranger: stranger.issuer),
    _with(UNTRUSTED, "with a broken signature", signature="broken"),
    _with(UNTRUSTED, "without its issuer", with_chain=False),
    _with(UNTRUSTED, "common name alone", names=(), common_name=NAME),
    _with(UNTRUSTED, "another name", names=("downstream.example.org",)),
    _with(UNTRUSTED, "address alone", names=("127.0.0.1",)),
    _with(UNTRUSTED, "identity alone", names=(), uris=(f"spiffe://keyhole.test/{ID}",)),
    _with(UNTRUSTED, "wildcard too high", names=("*.org",)),
    _with(UNTRUSTED, "wildcard too low", names=(f"*.{NAME}",)),
    _with(UNTRUSTED, "wildcard inside a label", names=("up*.example.org",)),
    _with(UNTRUSTED, "NUL in its name", names=(f"{NAME}\0.example.com",)),
    _with(UNTRUSTED, "for clients alone", purposes=(CLIENT,)),
    _with(UNTRUSTED, "an authority", is_authority=True, signs_certificates=True),
    _with(UNTRUSTED, "weak key", key="rsa-1024"),
    Case("weak digest", UNTRUSTED, lambda home, _: home.rsa.make(_RSA)),
    Case("revoked", UNTRUSTED, _revoked),
    Case("revoked by its identity", UNTRUSTED, _revoked_svid, spec=_BY_ID),
    _by(UNTRUSTED, "signed by a leaf", _leaf),
    _by(UNTRUSTED, "of an issuer for other names", _constrained),
    _by(UNTRUSTED, "of an issuer that expired", lambda home, _: home.below("old", ends=-DAY)),
    _by(
        UNTRUSTED,
        "of an issuer without a list",
        lambda home, _: Authority(
            home.root.folder / "unlisted", "an issuer without a list", parent=home.root
        ),
    ),
    Case(
        "an identity of another authority",
        UNTRUSTED,
        lambda home, stranger: stranger.issuer.make(Form(uris=(home.id(ID),))),
        spec=_BY_ID,
    ),
    Case(
        "two identities",
        UNTRUSTED,
        lambda home, _: home.issuer.make(Form(uris=(home.id(ID), home.id("ns/dns/sa/two")))),
        spec=_BY_ID,
    ),
    Case(
        "another identity",
        UNTRUSTED,
        _svid,
        spec={"serverId": "spiffe://keyhole.test/ns/dns/sa/another"},
    ),
    Case(
        "a name where an identity is wanted",
        UNTRUSTED,
        lambda home, _: home.server(NAME),
        spec=_BY_ID,
    ),
    Case(
        "another pin",
        UNTRUSTED,
        lambda home, _: home.server(NAME),
        spec={"pins": ["A" * 43 + "="]},
    ),
    Case("TLS before 1.2", "upstream_unreachable", lambda home, _: home.server(NAME), tls=_OLD),
)
