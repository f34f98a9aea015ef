"""Forwarding by name between two real upstreams, over TLS and HTTPS."""

import json
from typing import Any

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream, Zone

CORP = "198.18.5.5"
_PRIVATE = "192.168.1.1"


def _asked(upstream: Upstream) -> set[str]:
    """The names that an upstream was asked for."""
    return {question.split()[0].rstrip(".") for question in upstream.questions}


def test_names_of_a_domain_go_to_its_upstream_alone_and_back_come_private_addresses(
    resolver: Resolver, upstream: Upstream, authority: Authority
) -> None:
    zone = Zone(address=CORP, aliases={"out.corp.example": "www.example.net"})
    pair = authority.issue("upstream.example.org")
    with Upstream(pair, zone=zone, protocol="doh") as corp:
        resolver.write(
            resolver.upstream(
                corp.port, "ad-servers", protocol="doh", domains=["corp.example", "10.0.0.0/8"]
            ),
            document("Policy", "home", default="allow"),
            document("Record", "own", name="own.corp.example", a=["192.0.2.9"]),
        )
        server = resolver.start().server
        for name, addresses in {
            "www.corp.example": [CORP],
            "private-nas.corp.example": [_PRIVATE],
            "own.corp.example": ["192.0.2.9"],
            # Behind the alias, what this upstream said of others is dropped.
            "out.corp.example": [ADDRESS],
            "www.example.org": [ADDRESS],
            "private-evil.example.org": [],
        }.items():
            assert server.ask(name).addresses == addresses, name
        assert server.ask("7.0.0.10.in-addr.arpa", "PTR").rcode == "NOERROR"
        assert server.ask("7.0.168.192.in-addr.arpa", "PTR").rcode == "NXDOMAIN"
        of_corp = {
            "www.corp.example",
            "private-nas.corp.example",
            "out.corp.example",
            "7.0.0.10.in-addr.arpa",
        }
        assert _asked(corp) == of_corp
        assert not _asked(upstream) & of_corp
        assert "www.example.net" in _asked(upstream)
        # The log and explain name who answered, and why.
        assert _logged(resolver, "www.corp.example") == "ad-servers"
        assert _logged(resolver, "www.example.org") == "test"
        told = json.loads(
            resolver.command("explain", "www.corp.example", "--json", "--no-lookup").stdout
        )
        steps = {step["what"]: step["result"] for step in told["steps"]}
        assert steps["forwarded by name"] == "corp.example -> ad-servers"
        # By hand it is asked for its own domain, too.
        tested = resolver.api("POST", "/upstreams/ad-servers/test").json()
        assert tested["is_answered"], tested
        assert "10.in-addr.arpa" in _asked(corp) or "corp.example" in _asked(corp)
    # It is gone: nobody else is asked in its place.
    gone = server.ask("other.corp.example")
    assert (gone.rcode, gone.addresses) == ("SERVFAIL", [])
    assert "other.corp.example" not in _asked(upstream)
    assert server.ask("more.example.org").addresses == [ADDRESS]


def _logged(resolver: Resolver, name: str) -> str | None:
    """The upstream in the row of the log for a name."""
    rows: list[dict[str, Any]] = []

    def has_row() -> bool:
        found = resolver.api("GET", "/queries", params={"name": name}).json()["items"]
        rows[:] = found
        return bool(found)

    resolver.wait_for(has_row, f"the log has {name}")
    upstream: str | None = rows[0]["upstream"]
    return upstream
