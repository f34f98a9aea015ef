"""A strict resolver, and two workloads and a television that live at one address."""

from dataclasses import dataclass
from typing import Any

from tests.e2e.identity.certificates import Made
from tests.world import own_authority
from tests.world.ask import Server
from tests.world.callers import Caller
from tests.world.resolver import Resolver, document

WEB, PAYMENTS = "ns/shop/sa/web", "ns/shop/sa/payments"


@dataclass(frozen=True)
class Street:
    """The running resolver, and those who ask it."""

    resolver: Resolver
    web: Caller
    payments: Caller
    tv: Caller
    made: Made

    @property
    def server(self) -> Server:
        """Where it listens."""
        return self.resolver.server


def settle(resolver: Resolver, upstream: int, made: Made) -> Street:
    """Gives a resolver its policies and starts it. UDP and TCP serve by network, where nothing can
    be shown."""
    resolver.configure(
        authentication=dict.fromkeys(("dot", "doh", "doh_cleartext"), "strict"),
        listen=resolver.listen("mesh", "doh_cleartext"),
        mesh={"peers": ["127.0.0.1/32"], "trust_domains": [made.home.name]},
    )
    token = own_authority.create_token(resolver, "tv")
    home, partner = made.home, made.partner
    resolver.write(
        resolver.upstream(upstream),
        home.write(resolver.documents),
        partner.write(resolver.documents),
        _policy("home", home.id(WEB), partner.id(WEB), "token:tv"),
        _policy("payments", home.id(PAYMENTS), default="deny"),
        # An address for which a policy speaks, where a listener serves by network.
        _policy("machine", "cidr:127.0.0.1/32"),
    )
    resolver.start()
    web, payments = (Caller(certificate=home.svid(path)) for path in (WEB, PAYMENTS))
    return Street(resolver, web, payments, Caller(token=token), made)


def _policy(name: str, *subjects: str, default: str = "allow") -> dict[str, Any]:
    rules = [{"block": ["blocked.example.org"]}]
    return document(
        "Policy",
        name,
        subjects=list(subjects),
        default=default,
        upstreams=["test"],
        rules=rules if default == "allow" else [],
    )
