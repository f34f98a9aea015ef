"""One verdict, whatever the transport, and the extended error names its reason."""

import dns.message
import dns.rdatatype
import pytest

from tests.conftest import BLOCKED_BY_LIST
from tests.world.ask import TRANSPORTS, Reply, Transport
from tests.world.resolver import Resolver
from tests.world.upstream import ADDRESS, Upstream

every_transport = pytest.mark.parametrize("transport", TRANSPORTS)

_BLOCKED = 15
_FILTERED = 17


def _only_error(reply: Reply) -> tuple[int, str]:
    assert len(reply.errors) == 1, reply.message
    return reply.errors[0]


@every_transport
def test_an_allowed_name_is_answered(shared_resolver: Resolver, transport: Transport) -> None:
    reply = shared_resolver.server.ask("allowed.example.org", transport=transport)
    assert reply.verdict == ("NOERROR", [ADDRESS], [])


@every_transport
@pytest.mark.parametrize("name", ["blocked.example.org", "deep.blocked.example.org",
                                  "BLOCKED.Example.ORG", "ad7.example.org"])  # fmt: skip
def test_a_name_blocked_by_a_rule_is_nxdomain_with_the_reason(
    shared_resolver: Resolver, transport: Transport, name: str
) -> None:
    reply = shared_resolver.server.ask(name, transport=transport)
    assert reply.rcode == "NXDOMAIN"
    code, text = _only_error(reply)
    assert code == _BLOCKED
    assert text.startswith("blocked_by_rule")


@every_transport
def test_a_name_blocked_by_a_list_is_nxdomain_with_the_reason(
    shared_resolver: Resolver, transport: Transport
) -> None:
    reply = shared_resolver.server.ask(BLOCKED_BY_LIST, transport=transport)
    assert reply.rcode == "NXDOMAIN"
    code, text = _only_error(reply)
    assert code == _BLOCKED
    assert text.startswith("blocked_by_list")


@every_transport
def test_an_alias_to_a_blocked_name_is_blocked(
    shared_resolver: Resolver, transport: Transport
) -> None:
    # Twice: the second answer comes from the cache, and the cache holds no verdicts.
    for _ in range(2):
        reply = shared_resolver.server.ask(f"cname-x.{BLOCKED_BY_LIST}", transport=transport)
        other = shared_resolver.server.ask("cname-1.refused.example.org", transport=transport)
        assert reply.addresses == []
        assert _only_error(reply)[0] == _BLOCKED
        assert _only_error(other)[1].startswith("blocked_target")
        assert other.addresses == []


@every_transport
def test_an_observed_name_is_answered(shared_resolver: Resolver, transport: Transport) -> None:
    reply = shared_resolver.server.ask("watched.example.org", transport=transport)
    assert (reply.rcode, reply.addresses) == ("NOERROR", [ADDRESS])


@every_transport
def test_each_rule_gives_its_own_answer(shared_resolver: Resolver, transport: Transport) -> None:
    server = shared_resolver.server
    assert server.ask("refused.example.org", transport=transport).rcode == "REFUSED"
    assert server.ask("null.example.org", transport=transport).addresses == ["0.0.0.0"]
    assert server.ask("null.example.org", "AAAA", transport).addresses == ["::"]
    assert server.ask("walled.example.org", transport=transport).addresses == ["192.0.2.99"]


@every_transport
def test_a_public_name_with_a_private_address_is_withheld(
    shared_resolver: Resolver, transport: Transport
) -> None:
    reply = shared_resolver.server.ask("private-1.example.org", transport=transport)
    # Not NXDOMAIN: the name exists, and its addresses of the other family may be public.
    assert (reply.rcode, reply.addresses) == ("NOERROR", [])
    assert _only_error(reply)[0] == _FILTERED


@every_transport
def test_a_local_record_never_leaves_the_machine(
    shared_resolver: Resolver, shared_upstream: Upstream, transport: Transport
) -> None:
    reply = shared_resolver.server.ask("printer.example.org", transport=transport)
    assert reply.verdict == ("NOERROR", ["192.0.2.7"], [])
    # The name exists, so another type is an empty answer and not somebody else's business.
    assert shared_resolver.server.ask("printer.example.org", "MX", transport).rcode == "NOERROR"
    assert shared_upstream.times_asked("printer.example.org") == 0


def test_a_search_engine_leads_to_its_restricted_entry_and_log_and_explain_say_so(
    shared_resolver: Resolver, shared_upstream: Upstream
) -> None:
    server = shared_resolver.server
    reply = server.ask("www.bing.com")
    assert (reply.rcode, reply.addresses) == ("NOERROR", [ADDRESS])
    assert "strict.bing.com" in str(reply.message)
    for kind in ("HTTPS", "SVCB"):
        empty = server.ask("www.bing.com", kind)
        assert (empty.rcode, empty.message.answer) == ("NOERROR", []), kind
    assert shared_upstream.times_asked("www.bing.com") == 0
    told = shared_resolver.command("explain", "www.bing.com").stdout
    assert "safe search: bing of the policy home" in " ".join(told.split())

    def rules() -> set[str]:
        found = shared_resolver.api("GET", "/queries", params={"name": "www.bing.com"}).json()
        return {str(row["rule"]) for row in found["items"]}

    shared_resolver.wait_for(lambda: rules() == {"safe search: bing"}, "the log names it")
    assert server.ask("v16.tiktokcdn.com").rcode == "NXDOMAIN"


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "x.invalid", "x.test", "host.local",
                                  "example.onion", "router.home.arpa", "_dns.resolver.arpa",
                                  "1.1.168.192.in-addr.arpa"])  # fmt: skip
def test_special_names_are_answered_here(
    shared_resolver: Resolver, shared_upstream: Upstream, name: str
) -> None:
    for transport in TRANSPORTS:
        assert shared_resolver.server.ask(name, "A", transport).rcode in ("NOERROR", "NXDOMAIN")
    assert shared_upstream.times_asked(name) == 0


@every_transport
@pytest.mark.parametrize("kind", ["AXFR", "IXFR"])
def test_zone_transfers_are_refused(
    shared_resolver: Resolver, transport: Transport, kind: str
) -> None:
    query = dns.message.make_query("example.org", "A", use_edns=0)
    query.question[0].rdtype = dns.rdatatype.from_text(kind)
    assert shared_resolver.server.ask("", "", transport, query).rcode == "REFUSED"
