"""Two hops: a resolver, and behind it a forwarder that knows it by its certificate."""

import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import httpx2

from tests.world.ask import Reply
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream
from tests.world.waiting import ANSWER_SECONDS

RESOLVER, FORWARDER = "keyhole-resolver", "keyhole-forwarder"
"""The names of both in traces."""


@dataclass(frozen=True)
class Client:
    """The span of a client, and how it says so (W3C Trace Context)."""

    lot: int = field(default_factory=lambda: secrets.randbits(64))
    """The half of the trace id that decides about sampling."""
    head: str = field(default_factory=lambda: secrets.token_hex(8))
    span: str = field(default_factory=lambda: secrets.token_hex(8))
    flags: str = "00"

    @property
    def trace(self) -> str:
        """The id of the trace."""
        return f"{self.head}{self.lot:016x}"

    @property
    def header(self) -> str:
        """The header ``traceparent``."""
        return f"00-{self.trace}-{self.span}-{self.flags}"


class Hops:
    """Both, not started."""

    def __init__(self, make: Callable[[], Resolver], upstream: Upstream, folder: Path) -> None:
        self.resolver, self.forwarder = make(), make()
        domain = TrustDomain(folder / "domain")
        self.id = domain.id("ns/dns/sa/resolver")
        pair = domain.svid("ns/dns/sa/resolver")
        forwarder, resolver = self.forwarder, self.resolver
        forwarder.write(
            forwarder.upstream(upstream.port),
            domain.write(forwarder.documents),
            # Its settle() asks without a certificate.
            document("Policy", "home", default="allow", upstreams=PATIENT),
            self.carry(),
        )
        shown = {"certificate": str(pair.certificate), "key": str(pair.key)}
        there = {"serverName": "resolver.example.org", "clientCertificate": shown}
        resolver.write(
            resolver.upstream(forwarder.server.dot, "forwarder", **there),
            document(
                "Policy", "home", default="allow", upstreams={**PATIENT, "names": ["forwarder"]}
            ),
        )
        (resolver.documents / "upstream-test.yaml").unlink()
        self._there = there

    def carry(self, **more: Any) -> dict[str, Any]:
        """The policy of the forwarder for the resolver."""
        one = {"subjects": [self.id], "default": "allow", "upstreams": PATIENT, **more}
        return document("Policy", "carry", **one)

    def over_doh(self) -> None:
        """Has the resolver ask the forwarder over DoH, not DoT."""
        port = self.forwarder.server.doh
        self.resolver.write(
            self.resolver.upstream(
                port, "forwarder", protocol="doh", path="/dns-query", **self._there
            )
        )

    def start(self, endpoint: str, **traces: Any) -> None:
        """Starts both with traces of all queries; ``traces`` changes the settings of the
        resolver."""
        common = {"endpoint": endpoint, "share": "100%"}
        self.forwarder.configure(
            role="forwarder", traces={**common, "resolvers": [self.id], "share": "0%"}
        )
        self.resolver.configure(traces={**common, "forwarders": ["forwarder"], **traces})
        self.forwarder.start()
        self.resolver.start()

    def ask(self, name: str, client: Client | None = None, *, version: int = 2) -> Reply:
        """Asks the resolver over DoH as part of the trace of a client."""
        server = self.resolver.server
        query = dns.message.make_query(name, "A", use_edns=0)
        query.id = 0
        headers = {"content-type": "application/dns-message"}
        if client is not None:
            headers["traceparent"] = client.header
        trust = ssl.create_default_context(cafile=str(server.ca))
        with httpx2.Client(
            http1=version == 1,
            http2=version == 2,
            verify=trust,
            trust_env=False,
            timeout=ANSWER_SECONDS,
        ) as one:
            response = one.post(server.url, content=query.to_wire(), headers=headers)
        assert response.status_code == httpx2.codes.OK, response.text
        return Reply(dns.message.from_wire(response.content))
