"""Section C, decisions: a block of some types, names behind aliases, and what is told of them."""

from collections.abc import Iterator
from typing import Any

import dns.rdatatype
import dns.resolver
import pytest
from dns.rdtypes.svcbbase import ParamKey

from tests.world.ask import TRANSPORTS, Reply
from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream, Zone
from tests.world.zone import ADDRESS_6

NAME = "dual-1.shop.example.org"
GOTO, TARGET = "goto.shop.example.org", "x.track.example.net"
ALIASES = {
    GOTO: TARGET,
    "first.shop.example.org": "second.shop.example.org",
    "second.shop.example.org": "dual-2.track.example.net",
    "service.shop.example.org": TARGET,
}


@pytest.fixture(scope="module")
def upstream(authority: Authority) -> Iterator[Upstream]:
    """One for the module: what it says of a name never changes."""
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(certificate, zone=Zone(aliases=ALIASES)) as one:
        yield one


@pytest.fixture
def resolver(reset_resolver: Resolver) -> Resolver:
    """One for this module."""
    return reset_resolver


def _use(resolver: Resolver, lists: dict[str, str] | None = None, **policy: Any) -> None:
    """Has it run with this policy and these block lists; a list whose name is ``ours`` allows."""
    documents = []
    for name, text in (lists or {}).items():
        (resolver.documents / f"{name}.txt").write_text(text)
        kind = "allow" if name == "ours" else "block"
        documents.append(document("List", name, kind=kind, files=[f"{name}.txt"]))
    spec = {"default": "allow", "upstreams": ["test"], "lists": list(lists or {}), **policy}
    if spec["default"] == "deny":  # the record that shows whether documents are in force
        spec["rules"] = [*spec["rules"], {"allow": ["probe.example.org"]}]
    resolver.write(*documents, document("Policy", "home", **spec))
    resolver.settle()


def _only(reply: Reply, kind: str) -> Any:
    """The single record of a type in the answer."""
    wanted = dns.rdatatype.from_text(kind)
    (found,) = [item for rrset in reply.message.answer for item in rrset if item.rdtype == wanted]
    return found


def _has_no_data(reply: Reply, name: str) -> None:
    assert (reply.rcode, reply.message.answer) == ("NOERROR", []), reply.message
    (soa,) = [one for one in reply.message.authority if one.rdtype == dns.rdatatype.SOA]
    asked = reply.message.question[0].name
    assert asked.is_subdomain(soa.name), f"the SOA of {soa.name} says nothing of {name}"


_ONE_TYPE: dict[str, dict[str, Any]] = {
    "a rule with types": {"rules": [{"block": [NAME], "types": ["AAAA"]}]},
    "an expression with types": {"rules": [{"block": ["/^dual-1/"], "types": ["AAAA"]}]},
    "a rule that says nxdomain": {
        "rules": [{"block": [NAME], "types": ["AAAA"], "answer": "nxdomain"}]
    },
    "a list with $dnstype": {"lists": {"ads": f"||{NAME}^$dnstype=AAAA\n"}},
    "a list of parents": {"lists": {"ads": "||shop.example.org^$dnstype=AAAA|MX\n"}},
    "a list with all types but one": {"lists": {"ads": f"||{NAME}^$dnstype=~A\n"}},
    "a list with an expression": {"lists": {"ads": "/^dual-[0-9]/$dnstype=AAAA\n"}},
    "a list with an exception for the other type": {
        "lists": {"ads": f"||{NAME}^\n@@||{NAME}^$dnstype=A\n"}
    },
    "a rule that allows the other type": {
        "rules": [{"allow": [NAME], "types": ["A"]}, {"block": [NAME]}]
    },
    "a default that denies": {
        "default": "deny",
        "rules": [{"allow": [NAME], "types": ["A"]}],
    },
}


@pytest.mark.parametrize("way", _ONE_TYPE)
def test_blocking_one_type_denies_that_type_and_not_the_name(resolver: Resolver, way: str) -> None:
    """C3: a resolver that hears NXDOMAIN holds the whole name for gone (RFC 2308, 8020)."""
    _use(resolver, **_ONE_TYPE[way])
    for transport in TRANSPORTS:
        reply = resolver.server.ask(NAME, "AAAA", transport)
        _has_no_data(reply, NAME)
        assert reply.errors, "the extended error says that it was withheld"
        assert resolver.server.ask(NAME, "A", transport).addresses == [ADDRESS]


@pytest.mark.parametrize("way", ["a rule with types", "a list with $dnstype"])
def test_a_client_that_keeps_answers_still_finds_the_other_type(
    resolver: Resolver, way: str
) -> None:
    """C3: dnspython's cache answers for every type of a name that it heard does not exist."""
    _use(resolver, **_ONE_TYPE[way])
    client = dns.resolver.Resolver(configure=False)
    client.nameservers, client.port = ["127.0.0.1"], resolver.server.udp
    client.cache = dns.resolver.Cache()
    with pytest.raises(dns.resolver.NoAnswer):
        client.resolve(NAME, "AAAA")
    assert [one.address for one in client.resolve(NAME, "A")] == [ADDRESS]


def test_a_block_of_the_whole_name_is_answered_as_configured(resolver: Resolver) -> None:
    """C3: only a block of some types has another answer by itself."""
    _use(
        resolver,
        lists={"ads": "||listed.example.org^\n||typed.example.org^$dnstype=AAAA\n"},
        rules=[
            {"block": ["gone.example.org"]},
            {"block": ["empty.example.org"], "answer": "nodata"},
            {"block": ["shut.example.org"], "types": ["AAAA"], "answer": "refused"},
            {"block": ["twice.example.org"], "types": ["AAAA"]},
            {"block": ["twice.example.org"]},
        ],
    )
    ask = resolver.server.ask
    for kind in ("A", "AAAA", "HTTPS", "TXT"):
        assert ask("gone.example.org", kind).rcode == "NXDOMAIN"
        assert ask("listed.example.org", kind).rcode == "NXDOMAIN"
        _has_no_data(ask("empty.example.org", kind), "empty.example.org")
    assert ask("twice.example.org", "A").rcode == "NXDOMAIN", "no type of it is allowed"
    assert ask("shut.example.org", "AAAA").rcode == "REFUSED", "this was written so"
    assert ask("shut.example.org", "A").addresses == [ADDRESS]
    _has_no_data(ask("typed.example.org", "AAAA"), "typed.example.org")


@pytest.mark.parametrize("kind", ["HTTPS", "SVCB"])
@pytest.mark.parametrize("way", ["a rule with types", "a list with $dnstype"])
def test_a_withheld_type_does_not_come_as_a_hint(resolver: Resolver, way: str, kind: str) -> None:
    """C3: a client may connect to a hint without asking for the address (RFC 9460 7.3)."""
    _use(resolver, **_ONE_TYPE[way])
    for _ in range(2):  # the second answer comes from the cache
        params = _only(resolver.server.ask(NAME, kind), kind).params
        assert params[ParamKey.IPV4HINT].addresses == (ADDRESS,)
        assert ParamKey.IPV6HINT not in params
        # A key that is mandatory and missing would make the record void (RFC 9460 8).
        assert params[ParamKey.MANDATORY].keys == (ParamKey.IPV4HINT,)
    _use(resolver)
    params = _only(resolver.server.ask(NAME, kind), kind).params
    assert params[ParamKey.IPV6HINT].addresses == (ADDRESS_6,)


def test_no_hint_is_left_where_addresses_are_denied(resolver: Resolver) -> None:
    """C3: by an allow rule for HTTPS alone, and where private addresses are withheld."""
    _use(resolver, default="deny", rules=[{"allow": [NAME], "types": ["HTTPS"]}])
    params = _only(resolver.server.ask(NAME, "HTTPS"), "HTTPS").params
    assert set(params) == {ParamKey.ALPN}
    _use(resolver)
    params = _only(resolver.server.ask("hint-1.shop.example.org", "HTTPS"), "HTTPS").params
    assert ParamKey.IPV4HINT not in params


def test_a_private_address_is_withheld_and_the_name_is_not_denied(resolver: Resolver) -> None:
    """C3: its addresses of the other family, and other types, may be public."""
    for transport in TRANSPORTS:
        reply = resolver.server.ask("private-1.shop.example.org", "A", transport)
        _has_no_data(reply, "private-1.shop.example.org")
        assert reply.errors[0][1].startswith("private_address")


def test_a_service_that_leads_to_a_blocked_name_does_not_deny_the_other_types(
    resolver: Resolver,
) -> None:
    """C3: only the HTTPS record leads to the blocked name."""
    _use(resolver, lists={"ads": "||track.example.net^\n"})
    reply = resolver.server.ask("service.shop.example.org", "HTTPS")
    _has_no_data(reply, "service.shop.example.org")
    # By CNAME, every type leads there: that is a block of the whole name.
    assert resolver.server.ask(GOTO).rcode == "NXDOMAIN"


_TRACK = "||track.example.net^\n"
_ALLOWED: dict[str, dict[str, Any]] = {
    "an exception of the same list": {"lists": {"ads": f"{_TRACK}@@||{GOTO}^\n"}},
    "an exception of another list": {"lists": {"ads": _TRACK, "more": f"@@||{GOTO}^\n"}},
    "an allow list": {"lists": {"ads": _TRACK, "ours": f"{GOTO}\n"}},
    "an allow rule": {"lists": {"ads": _TRACK}, "rules": [{"allow": [GOTO]}]},
    "an allow rule for all below": {
        "lists": {"ads": _TRACK},
        "rules": [{"block": ["*.track.example.net"]}, {"allow": ["*.shop.example.org"]}],
    },
    "an important exception": {
        "lists": {"ads": f"||track.example.net^$important\n@@||{GOTO}^$important\n"}
    },
}


@pytest.mark.parametrize("way", _ALLOWED)
def test_whoever_allows_a_name_allows_what_it_leads_to(resolver: Resolver, way: str) -> None:
    """C1: an exception for the asked name reaches the targets of its aliases."""
    _use(resolver, **_ALLOWED[way])
    for transport in TRANSPORTS:
        assert resolver.server.ask(GOTO, "A", transport).addresses == [ADDRESS]
        # The target itself stays blocked, and so does what else leads there.
        assert resolver.server.ask(TARGET, "A", transport).addresses == []
        assert resolver.server.ask(f"cname-1.{TARGET}", "A", transport).addresses == []


@pytest.mark.parametrize("client", [(), ("--client", "127.0.0.1")])
def test_a_decision_allows_what_the_name_leads_to(
    resolver: Resolver, client: tuple[str, ...]
) -> None:
    """C1: one command is enough, also behind a chain of aliases, and for one client."""
    _use(resolver, lists={"ads": _TRACK}, rules=[{"block": ["*.track.example.net"]}])
    for name, address in ((GOTO, ADDRESS), ("first.shop.example.org", ADDRESS)):
        assert resolver.server.ask(name).addresses == []
        allowed = resolver.command("allow", name, *client)
        assert allowed.returncode == 0, allowed.stderr
        assert resolver.server.ask(name).addresses == [address]
    for one in resolver.api("GET", "/decisions").json()["items"]:
        assert resolver.api("DELETE", f"/decisions/{one['number']}").is_success


def test_a_name_in_the_middle_of_a_chain_allows_what_comes_behind_it(resolver: Resolver) -> None:
    """C1: whoever is led to an allowed name gets what that name leads to."""
    _use(resolver, lists={"ads": _TRACK}, rules=[{"allow": ["second.shop.example.org"]}])
    assert resolver.server.ask("first.shop.example.org").addresses == [ADDRESS]
    assert resolver.server.ask(GOTO).addresses == []


_STILL_BLOCKED: dict[str, dict[str, Any]] = {
    "an important rule against an allow rule": {
        "rules": [{"allow": [GOTO]}, {"block": [TARGET], "important": True}]
    },
    "a rule against an exception of a list": {
        "lists": {"ads": f"@@||{GOTO}^\n"},
        "rules": [{"block": [TARGET]}],
    },
    "an important entry against an exception": {
        "lists": {"ads": f"||track.example.net^$important\n@@||{GOTO}^\n"}
    },
}


@pytest.mark.parametrize("way", _STILL_BLOCKED)
def test_a_block_of_the_target_with_precedence_over_the_allow_still_wins(
    resolver: Resolver, way: str
) -> None:
    """C1: an allow speaks of the target at its own place in the precedence, not above it."""
    _use(resolver, **_STILL_BLOCKED[way])
    reply = resolver.server.ask(GOTO)
    assert (reply.rcode, reply.errors[0][1]) == ("NXDOMAIN", "blocked_target")


def test_a_decision_to_block_the_target_wins_over_an_allow_rule(resolver: Resolver) -> None:
    """C1: what somebody decides now comes before what the policy says."""
    _use(resolver, rules=[{"allow": [GOTO]}])
    assert resolver.command("block", TARGET).returncode == 0
    assert resolver.server.ask(GOTO).addresses == []
    # A later decision comes before an earlier one.
    assert resolver.command("allow", GOTO).returncode == 0
    assert resolver.server.ask(GOTO).addresses == [ADDRESS]
    for one in resolver.api("GET", "/decisions").json()["items"]:
        assert resolver.api("DELETE", f"/decisions/{one['number']}").is_success
