"""Section C, decisions: a block of some types, names behind aliases, and what is told of them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.rdatatype
import dns.resolver
import pytest
from dns.rdtypes.svcbbase import ParamKey

from tests.world.ask import TRANSPORTS, Reply
from tests.world.certificates import Authority
from tests.world.ports import free_port
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.upstream import ADDRESS, Upstream, Zone
from tests.world.zone import ADDRESS_6

NAME = "dual-1.shop.example.org"
GOTO, TARGET = "goto.shop.example.org", "x.track.example.net"
ALIASES = {
    GOTO: TARGET,
    "first.shop.example.org": "second.shop.example.org",
    "second.shop.example.org": "dual-2.track.example.net",
    "service.shop.example.org": TARGET,
    **{f"log-{number}.shop.example.org": TARGET for number in range(1, 4)},
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
    # The record that shows whether documents are in force.
    spec["rules"] = [*spec.get("rules", ()), {"allow": ["probe.example.org"]}]
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
    "a rule for all names": {
        "rules": [
            {"allow": ["resolver.example.org", "upstream.example.org"]},
            {"block": ["/./"], "types": ["AAAA"]},
        ]
    },
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
        reply = resolver.server.ask(NAME, "AAAA", transport, is_proved=True)
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
        empty = ask("empty.example.org", kind, is_proved=True)
        _has_no_data(empty, "empty.example.org")
    assert ask("twice.example.org", "A").rcode == "NXDOMAIN", "no type of it is allowed"
    assert ask("shut.example.org", "AAAA").rcode == "REFUSED", "this was written so"
    assert ask("shut.example.org", "A").addresses == [ADDRESS]
    typed = ask("typed.example.org", "AAAA", is_proved=True)
    _has_no_data(typed, "typed.example.org")


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
        reply = resolver.server.ask("private-1.shop.example.org", "A", transport, is_proved=True)
        _has_no_data(reply, "private-1.shop.example.org")
        assert reply.errors[0][1].startswith("private_address")


def test_a_service_that_leads_to_a_blocked_name_does_not_deny_the_other_types(
    resolver: Resolver,
) -> None:
    """C3: only the HTTPS record leads to the blocked name."""
    _use(resolver, lists={"ads": "||track.example.net^\n"})
    reply = resolver.server.ask("service.shop.example.org", "HTTPS", is_proved=True)
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


def _row(resolver: Resolver, name: str, **params: str) -> dict[str, Any]:
    """The newest query for a name in the history, once it is there."""

    def found() -> list[dict[str, Any]]:
        answer = resolver.api("GET", "/queries", params={"name": name, "limit": "1", **params})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    resolver.wait_for(found, f"the query for {name} is found")
    return found()[0]


def _explained(resolver: Resolver, name: str, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(resolver.command("explain", name, "--json", *words).stdout)
    return told


def _plain(text: str) -> str:
    """The output of a command without its line breaks."""
    return " ".join(text.split())


def test_log_and_api_name_the_blocked_target_its_line_and_what_to_allow(
    resolver: Resolver,
) -> None:
    """C2: the place is that of the target's entry, not of something about the asked name."""
    name = f"cname-log.{TARGET}"
    _use(
        resolver, lists={"ads": f"# why\n||elsewhere.example^\n{_TRACK}", "more": "||b.example^\n"}
    )
    assert resolver.server.ask(name, "A", "doh").rcode == "NXDOMAIN", "it is below the target"
    via = "log-1.shop.example.org"
    assert resolver.server.ask(via).addresses == []
    row = _row(resolver, via, outcome="blocked")
    place = str(resolver.documents / "ads.txt")
    assert row["reason"] == "blocked_target"
    assert (row["target"], row["list"], row["rule"]) == (TARGET, "ads", None)
    assert (row["file"], row["line"], row["allow"]) == (place, 3, via)
    # A name that is listed itself has a place as well, and leads to nothing.
    row = _row(resolver, name)
    assert (row["reason"], row["file"], row["line"]) == ("blocked_by_list", place, 3)
    assert (row["target"], row["allow"]) == (None, None)
    shown = _plain(resolver.command("log", "--name", via).stdout)
    assert f"because it leads to {TARGET} by ads in {place}:3" in shown
    assert f"to allow it: keyhole allow {via}" in shown
    events = [json.loads(one) for one in resolver.command("log", "--json").stdout.splitlines()]
    assert {"target": TARGET, "line": 3, "allow": via}.items() <= events[-1].items()
    shown = _plain(resolver.command("log", "--since", "1h", "--name", via, "--why").stdout)
    assert f"in {place}:3" in shown
    export = resolver.api("GET", "/queries/export", params={"name": via, "format": "csv"}).text
    (exported,) = csv.DictReader(io.StringIO(export))
    assert (exported["target"], exported["line"], exported["allow"]) == (TARGET, "3", via)


def test_the_rule_that_blocks_a_target_is_told_and_what_no_decision_allows(
    resolver: Resolver,
) -> None:
    """C2: a decision would not help against an important rule, so nothing is advised."""
    for number, important in enumerate((False, True), 2):
        name = f"log-{number}.shop.example.org"
        _use(resolver, rules=[{"block": [TARGET], "important": important}])
        assert resolver.server.ask(name).addresses == []
        row = _row(resolver, name)
        assert (row["reason"], row["target"], row["list"]) == ("blocked_target", TARGET, None)
        assert row["rule"].endswith("spec.rules[0]")
        assert row["allow"] == (None if important else name)
        told = _explained(resolver, name)
        assert told["cause"]["matched"] == [TARGET], "matched against the target, not the name"
        assert told["allow"] == row["allow"]


def test_explain_names_the_blocked_target_and_the_chain_that_leads_there(
    resolver: Resolver,
) -> None:
    """C2: with list, file and line of the target, and what to allow."""
    _use(resolver, lists={"ads": f"||elsewhere.example^\n{_TRACK}"})
    name, second = "first.shop.example.org", "second.shop.example.org"
    target = "dual-2.track.example.net"
    told = _explained(resolver, name)
    assert (told["outcome"], told["reason"], told["target"]) == (
        "blocked",
        "blocked_target",
        target,
    )
    cause = told["cause"]
    assert (cause["list"], cause["line"], cause["entry"]) == ("ads", 2, "||track.example.net^")
    assert cause["file"] == str(resolver.documents / "ads.txt")
    assert (told["chain"], told["allow"]) == ([name, second, target], name)
    shown = resolver.command("explain", name)
    assert shown.returncode == 1
    text = _plain(shown.stdout)
    assert f"leads to {name} -> {second} -> {target}" in text
    assert f"to allow it keyhole allow {name}" in text
    assert "ads.txt:2" in text


def test_explain_says_that_an_allow_reaches_what_the_name_leads_to(resolver: Resolver) -> None:
    """C1, C2: the chain is shown, and what allows the names on it."""
    _use(resolver, lists={"ads": _TRACK, "ours": f"{GOTO}\n"})
    told = _explained(resolver, GOTO)
    assert (told["outcome"], told["chain"]) == ("answered", [GOTO, TARGET])
    (entry,) = [
        entry
        for step in told["steps"]
        for entry in step["detail"].get("entries", [])
        if entry.get("inherited")
    ]
    assert (entry["list"], entry["line"]) == ("ours", 1)
    text = _plain(resolver.command("explain", GOTO).stdout)
    assert f"{GOTO} leads to {TARGET}" in text
    assert "allows what its name leads to" in text


def test_explain_of_an_alias_that_is_declared_here_names_the_target(resolver: Resolver) -> None:
    """C2: an alias of a local record leads there as well, and a rule wins over the record."""
    resolver.write(document("Record", "door", name="door.example.org", cname=TARGET))
    _use(resolver, rules=[{"block": [TARGET]}])
    told = _explained(resolver, "door.example.org")
    assert (told["reason"], told["target"]) == ("blocked_target", TARGET)
    assert told["cause"]["matched"] == [TARGET]
    assert told["chain"] == ["door.example.org", TARGET]
    (resolver.documents / "record-door.yaml").unlink()


def test_an_alias_that_is_declared_here_leads_to_listed_names(resolver: Resolver) -> None:
    """C1, C12: who declares it wants it answered, whatever lists say of what it leads to."""
    records = {"door": TARGET, "far-door": GOTO, "inner": "door.example.org", "*.apps": TARGET}
    for name, target in records.items():
        file = name.removeprefix("*.")
        resolver.write(document("Record", file, name=f"{name}.example.org", cname=target))
    lists = {"ads": f"{_TRACK}||track.example.net^$important\n||door.example.org^\n"}
    names = ("door.example.org", "far-door.example.org", "inner.example.org", "x.apps.example.org")
    for more in ({}, {"default": "deny"}):
        _use(resolver, lists=lists, **more)
        for transport in TRANSPORTS:
            for name in names:
                assert resolver.server.ask(name, "A", transport).addresses == [ADDRESS], name
            # The names behind it stay blocked for who asks for them by another way.
            assert resolver.server.ask(TARGET, "A", transport).addresses == []
            assert resolver.server.ask(GOTO, "A", transport).addresses == []
    _use(resolver, lists=lists)
    told = _explained(resolver, "far-door.example.org")
    assert (told["outcome"], told["chain"]) == ("answered", ["far-door.example.org", GOTO, TARGET])
    assert "local records: allows" in _plain(resolver.command("explain", names[1]).stdout)
    for name in records:
        (resolver.documents / f"record-{name.removeprefix('*.')}.yaml").unlink()


def test_explain_asks_an_upstream_only_where_it_may(
    resolver: Resolver, upstream: Upstream, tmp_path: Path
) -> None:
    """C2: not with --no-lookup, not for a draft, and never for a name that is blocked."""
    _use(resolver, rules=[{"block": ["shut.shop.example.org"]}], upstreams=PATIENT)
    draft = tmp_path / "draft"
    draft.mkdir()
    for file in resolver.documents.glob("*"):
        (draft / file.name).write_bytes(file.read_bytes())
    name = "unasked.shop.example.org"
    for words in (("--no-lookup",), ("--documents", str(draft))):
        told = _explained(resolver, name, *words)
        assert (told["reason"], told["looked_up"]) == ("forwarded", False)
    assert _explained(resolver, "shut.shop.example.org")["reason"] == "blocked_by_rule"
    assert upstream.times_asked(name) == upstream.times_asked("shut.shop.example.org") == 0
    assert _explained(resolver, name)["looked_up"]
    assert upstream.times_asked(name) == 1


def test_explain_says_so_where_no_upstream_answers(resolver: Resolver) -> None:
    """C2: what the name leads to is unknown then, and the verdict is about the name alone."""
    resolver.write(resolver.upstream(free_port()))
    _use(resolver)
    told = _explained(resolver, "www.shop.example.org")
    assert (told["outcome"], told["reason"], told["looked_up"]) == ("answered", "forwarded", False)
    assert told["steps"][-1]["result"].startswith("not known")


_COVERS = {
    "adblock": "||example.org^\n",
    "adblock for names below": "||*.example.org^\n",
    "an expression": "/\\.example\\.org$/\n",
    "wildcard": "*.example.org\n*.example.net\n",
    "dnsmasq": "address=/example.org/\n",
    "unbound": 'local-zone: "example.org" always_nxdomain\n',
    "rpz": "example.org CNAME .\n*.example.org CNAME .\n",
    "important": "||example.org^$important\n",
    "one type": "||example.org^$dnstype=A\n",
}
_SERVER = "upstream.example.org"


@pytest.mark.parametrize("form", _COVERS)
def test_an_entry_that_covers_a_name_of_keyhole_itself_spares_that_name_alone(
    resolver: Resolver, form: str
) -> None:
    """C14: the entry blocks all else that it means, below that name too."""
    _use(resolver, lists={"ads": _COVERS[form]})
    for transport in TRANSPORTS:
        assert resolver.server.ask(_SERVER, "A", transport).addresses == [ADDRESS]
        assert resolver.server.ask("other.example.org", "A", transport).addresses == []
        assert resolver.server.ask(f"below.{_SERVER}", "A", transport).addresses == []


def test_an_entry_for_a_name_of_keyhole_itself_is_left_out_and_told(resolver: Resolver) -> None:
    """C14: with everything below it, it blocks what lies below; for the name alone, nothing."""
    hosts = f"0.0.0.0 {_SERVER}\n0.0.0.0 b.example\n"
    _use(resolver, lists={"ads": f"||{_SERVER}^\n", "hosts": hosts})
    assert resolver.server.ask(_SERVER).addresses == [ADDRESS]
    assert resolver.server.ask(f"below.{_SERVER}").addresses == []
    assert resolver.server.ask("b.example").addresses == []
    found = {one["name"]: one for one in resolver.api("GET", "/lists").json()["items"]}
    assert (found["ads"]["taken"], found["hosts"]["taken"]) == (1, 1)
    assert found["hosts"]["skipped"] == 1
