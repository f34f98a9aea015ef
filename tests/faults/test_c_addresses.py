"""Section C, C9: lists that speak of addresses in answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.test_c_lists import compiled
from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream, Zone
from tests.world.zone import ADDRESS_6

ALIASES = {"goto.example.org": "plain.example.net"}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Resolver]:
    """A resolver that each test gives its lists."""
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(certificate, zone=Zone(aliases=ALIASES)) as upstream:
        one = Resolver(tmp_path_factory.mktemp("listed") / "data", authority)
        one.write(one.upstream(upstream.port))
        try:
            yield one
        finally:
            one.stop()


def _use(resolver: Resolver, text: str, **policy: object) -> None:
    (resolver.documents / "list.txt").write_text(text)
    spec = {"default": "allow", "upstreams": ["test"], "lists": ["list"], **policy}
    resolver.write(
        document("List", "list", files=["list.txt"]),
        document("Record", "own", name="own.example.org", a=[ADDRESS]),
        document("Policy", "home", **spec),
    )
    resolver.start()


BLOCKS = {
    "adblock": f"||{ADDRESS}^\n",
    "adblock, the first numbers": "|198.18.*\n",
    "rpz": "$TTL 60\n24.0.0.18.198.rpz-ip CNAME .\n",
    "rpz, within a digit": "$TTL 60\n30.4.0.18.198.rpz-ip CNAME .\n",
    "dnsmasq": f"bogus-nxdomain={ADDRESS}\n",
}
SPARES = {
    "another address": "||198.18.0.70^\n||198.18.0.6^\n",
    "an exception": f"||198.18.0.*^\n@@||{ADDRESS}^\n",
    "an exception for the name": f"||{ADDRESS}^\n@@||plain.example.org^\n",
    "rpz-passthru for a longer prefix": "24.0.0.18.198.rpz-ip CNAME .\n"
    "32.7.0.18.198.rpz-ip CNAME rpz-passthru.\n",
    "rpz-passthru for the name": "24.0.0.18.198.rpz-ip CNAME .\n"
    "plain.example.org CNAME rpz-passthru.\n",
    "the other type": f"||{ADDRESS}^$dnstype=AAAA\n",
    "the name of the address": "7.0.18.198.in-addr.arpa\n",
}


@pytest.mark.parametrize("form", BLOCKS)
def test_an_answer_with_a_listed_address_is_withheld(listed: Resolver, form: str) -> None:
    _use(listed, BLOCKS[form])
    for name in ("plain.example.org", "goto.example.org"):
        for transport in ("udp", "doh"):
            reply = listed.server.ask(name, transport=transport)
            assert (reply.rcode, reply.addresses) == ("NOERROR", [])
            assert reply.errors == [(15, "blocked_target")]
    assert listed.server.ask("dual-1.example.org", "AAAA").addresses == [ADDRESS_6]
    assert listed.server.ask("own.example.org").addresses == [ADDRESS], "what a person declares"


@pytest.mark.parametrize("form", SPARES)
def test_other_answers_are_not(listed: Resolver, form: str) -> None:
    _use(listed, SPARES[form])
    assert listed.server.ask("plain.example.org").addresses == [ADDRESS]


def test_whoever_allows_the_name_allows_its_addresses(listed: Resolver) -> None:
    rules = [{"allow": ["plain.example.org", "goto.example.org"]}]
    _use(listed, f"||{ADDRESS}^\n", rules=rules)
    assert listed.server.ask("plain.example.org").addresses == [ADDRESS]
    assert listed.server.ask("goto.example.org").addresses == [ADDRESS]
    assert listed.server.ask("other.example.org").addresses == []
    for policy in ({"mode": "observe"}, {"lists": {"names": ["list"], "mode": "observe"}}):
        _use(listed, f"||{ADDRESS}^\n", **policy)
        assert listed.server.ask("other.example.org").addresses == [ADDRESS]


def test_a_listed_address_does_not_come_as_a_hint(listed: Resolver) -> None:
    _use(listed, f"||{ADDRESS}^\n||2001:db8:0:0::8^\n")
    (answer,) = listed.server.ask("dual-2.example.org", "HTTPS").message.answer
    assert "ipv4hint" not in answer[0].to_text()
    assert "ipv6hint" in answer[0].to_text()


def test_log_explain_and_search_name_the_address_and_its_line(listed: Resolver) -> None:
    _use(listed, f"a.example.org\n||{ADDRESS}^\n")
    listed.server.ask("told.example.org")
    said = listed.command("explain", "told.example.org").stdout
    assert ADDRESS in said
    assert "list.txt:2" in said
    (line,) = listed.command("log", "told.example.org").stdout.splitlines()
    for word in (f"because it leads to {ADDRESS}", "by list", "list.txt:2"):
        assert word in line
    assert "list.txt:2" in listed.command("lists", "search", ADDRESS).stdout


def test_a_list_of_addresses_loses_nothing(tmp_path: Path) -> None:
    report = compiled(tmp_path, "".join(BLOCKS.values()) + "||2001:db8::1^\n@@|192.0.2.1^\n")
    assert report["skipped"]["count"] == 0, report
