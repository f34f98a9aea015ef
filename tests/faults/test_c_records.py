"""Section C: records, private addresses by name, and how long a blocked answer is kept."""

import ssl
from collections.abc import Iterator

import dns.rdatatype
import httpx2
import pytest

from tests.world.ask import TRANSPORTS, Reply
from tests.world.certificates import Authority
from tests.world.process import call_keyhole
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.upstream import Upstream, Zone

# Each name of this upstream has a private address.
PRIVATE = "192.168.1.7"
ALIASES = {"evil.example.org": "1-2-3-4.plex.example", "goto.example.org": "x.blocked.example.org"}
KEPT = 77


@pytest.fixture(scope="module")
def private_upstream(authority: Authority) -> Iterator[Upstream]:
    zone = Zone(address=PRIVATE, aliases=ALIASES)
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1"), zone=zone) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def records(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, private_upstream: Upstream
) -> Iterator[Resolver]:
    resolver = Resolver(tmp_path_factory.mktemp("records") / "data", authority)
    (resolver.documents / "ads.txt").write_text("0.0.0.0 tracker.example.com\n")
    resolver.write(
        resolver.upstream(private_upstream.port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Record", "nas", name="nas.example.org", a=["10.1.2.3"], aaaa=["fd00::7"]),
        document("Record", "files", name="files.example.org", a=["10.1.2.3"], ttl=60),
        document("Record", "tv", name="tv.home.arpa", a=["10.1.2.4"], ttl=60),
        document("Record", "named", name="10.1.2.4", ptr="declared.home.arpa"),
        document("Record", "apps", name="*.apps.example.org", a=["10.1.2.5"]),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=PATIENT,
            privateAddresses={"allow": ["*.plex.example", "router.example.org", "/^nas[0-9]/"]},
            specialNames={"forward": ["corp", "*.corp", "*.168.192.in-addr.arpa"]},
            blockedTtl=KEPT,
            lists={"names": ["ads"], "answer": "null"},
            rules=[
                {"block": ["blocked.example.org", "*.blocked.example.org"]},
                {"block": ["walled.example.org"], "answer": "192.0.2.99"},
            ],
        ),
    )
    try:
        yield resolver.start()
    finally:
        resolver.stop()


@pytest.mark.parametrize("name", ["1-2-3-4.plex.example", "a.b.plex.example", "router.example.org",
                                  "nas7.example.org"])  # fmt: skip
def test_exempted_names_may_have_private_addresses(records: Resolver, name: str) -> None:
    """C13: on every transport."""
    for transport in TRANSPORTS:
        assert records.server.ask(name, transport=transport).addresses == [PRIVATE]


@pytest.mark.parametrize("name", ["plex.example", "x.router.example.org", "www.example.org",
                                  "evil.example.org"])  # fmt: skip
def test_all_other_names_may_not_even_by_an_alias_to_an_exempted_one(
    records: Resolver, name: str
) -> None:
    """C13: the name that is asked for counts, or everybody could use the exemption."""
    for transport in TRANSPORTS:
        reply = records.server.ask(name, transport=transport)
        assert (reply.addresses, [code for code, _ in reply.errors]) == ([], [17])


def test_hints_are_exempted_with_their_name(records: Resolver) -> None:
    """C13: also where addresses come as hints."""
    reply = records.server.ask("hint-1.plex.example", "HTTPS")
    assert "ipv4hint" in reply.message.to_text()
    assert "ipv4hint" not in records.server.ask("hint-1.example.org", "HTTPS").message.to_text()


def test_explain_says_what_happens_to_private_addresses(records: Resolver) -> None:
    """C13: it asks nobody, so it says so beforehand."""
    for name, words in {
        "x.plex.example": ["allowed for this name", "privateAddresses.allow"],
        "dc.corp": ["allowed for this name", "specialNames.forward"],
        "www.example.org": ["private addresses in the answer: withheld"],
    }.items():
        said = " ".join(records.command("explain", name).stdout.split())
        assert all(word in said for word in words), said


def test_special_names_leave_where_the_user_says_so(
    records: Resolver, private_upstream: Upstream
) -> None:
    """A16: a company's resolver serves its own names, with its own addresses."""
    for name in ("corp", "dc.corp"):
        assert records.server.ask(name).addresses == [PRIVATE]
    assert records.server.ask("1.1.168.192.in-addr.arpa", "PTR").rcode == "NOERROR"
    assert private_upstream.times_asked("1.1.168.192.in-addr.arpa") == 1
    for name in ("dc.lan", "1.1.10.in-addr.arpa"):
        assert records.server.ask(name).rcode == "NXDOMAIN"
        assert private_upstream.times_asked(name) == 0


@pytest.mark.parametrize("name", ["*.onion", "localhost", "x.invalid"])
def test_some_names_leave_whatever_the_user_says(records: Resolver, name: str) -> None:
    """A16: RFC 6761 and RFC 7686 leave no choice."""
    policy = document("Policy", "draft", default="allow", specialNames={"forward": [name]})
    file = records.folder.parent / "draft.json"
    file.write_text(str(policy).replace("'", '"'))
    said = call_keyhole("check", str(file))
    assert said.returncode != 0
    assert "never leaves this machine" in said.stdout + said.stderr


def _ttls(reply: Reply) -> set[int]:
    return {rrset.ttl for rrset in [*reply.message.answer, *reply.message.authority]}


@pytest.mark.parametrize("name", ["blocked.example.org", "walled.example.org", "goto.example.org",
                                  "tracker.example.com", "www.example.org"])  # fmt: skip
def test_a_blocked_answer_is_kept_as_long_as_the_policy_says(records: Resolver, name: str) -> None:
    """C15: by rule, by list, by a target, by an address, and for HTTP caches as well."""
    for transport in TRANSPORTS:
        reply = records.server.ask(name, transport=transport, is_proved=True)
        assert _ttls(reply) == {KEPT}
    (soa,) = [
        rrset[0]
        for rrset in records.server.ask("blocked.example.org", transport="tcp").message.authority
        if rrset.rdtype == dns.rdatatype.SOA
    ]
    assert soa.minimum == KEPT
    trust = ssl.create_default_context(cafile=str(records.server.ca))
    query = {"dns": "AAABAAABAAAAAAAAB2Jsb2NrZWQHZXhhbXBsZQNvcmcAAAEAAQ"}
    answer = httpx2.get(records.server.url, params=query, verify=trust, timeout=30)
    assert f"max-age={KEPT}" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("3.2.1.10.in-addr.arpa", ["files.example.org."]),
        (f"7.{'0.' * 29}d.f.ip6.arpa", ["nas.example.org."]),
        ("4.2.1.10.in-addr.arpa", ["declared.home.arpa."]),
        ("5.2.1.10.in-addr.arpa", []),
    ],
)
def test_the_address_of_a_record_has_its_name_unless_one_is_declared(
    records: Resolver, address: str, names: list[str]
) -> None:
    """C15: of several names the one whose document comes first; a wildcard names none."""
    for transport in TRANSPORTS:
        reply = records.server.ask(address, "PTR", transport)
        assert [one.to_text() for rrset in reply.message.answer for one in rrset] == names
    # What lies above it exists, so that caches do not deny it (RFC 8020).
    assert records.server.ask("1.10.in-addr.arpa", "PTR").rcode == "NOERROR"


@pytest.fixture(scope="module")
def strict(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, private_upstream: Upstream
) -> Iterator[Resolver]:
    """Denies by default, and has a list that blocks some of the records."""
    resolver = Resolver(tmp_path_factory.mktemp("strict") / "data", authority)
    (resolver.documents / "ads.txt").write_text(
        "||nas.example.org^\n||apps.example.org^$important\n||deep.example.org^\n||real.example.com^\n"
    )
    resolver.write(
        resolver.upstream(private_upstream.port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Record", "nas", name="nas.example.org", a=["10.1.2.3"]),
        document("Record", "apps", name="*.apps.example.org", a=["10.1.2.5"]),
        document("Record", "below", name="host.deep.example.org", a=["10.1.2.6"]),
        document("Record", "plain", name="plain.example.org", txt=["here"]),
        document("Record", "banned", name="banned.example.org", a=["10.1.2.7"]),
        document("Policy", "home", default="deny", upstreams=["test"], lists=["ads"],
                 rules=[{"block": ["banned.example.org"]}]),
    )  # fmt: skip
    try:
        yield resolver.start()
    finally:
        resolver.stop()


def test_a_record_is_answered_against_lists_and_a_default_that_denies(strict: Resolver) -> None:
    """C12: by its own name, by a wildcard, for each type, and for the name of its address."""
    for transport in TRANSPORTS:
        assert strict.server.ask("nas.example.org", "A", transport).addresses == ["10.1.2.3"]
        assert strict.server.ask("x.apps.example.org", "A", transport).addresses == ["10.1.2.5"]
        assert strict.server.ask("host.deep.example.org", "A", transport).addresses == ["10.1.2.6"]
        assert strict.server.ask("plain.example.org", "TXT", transport).message.answer
        assert strict.server.ask("3.2.1.10.in-addr.arpa", "PTR", transport).message.answer
    assert strict.server.ask("nas.example.org", "AAAA").rcode == "NOERROR"


def test_what_is_no_record_stays_withheld(strict: Resolver) -> None:
    """C12: a record opens its own name alone, and a rule that blocks it wins."""
    for name, rcode in {
        "www.example.org": "REFUSED",
        "x.nas.example.org": "NXDOMAIN",
        "real.example.com": "NXDOMAIN",
        "banned.example.org": "NXDOMAIN",
        "8.2.1.10.in-addr.arpa": "REFUSED",
    }.items():
        assert strict.server.ask(name).rcode == rcode, name


def test_a_blocked_name_above_a_record_does_not_deny_the_record(strict: Resolver) -> None:
    """C12: after NXDOMAIN, caches ask for nothing below (RFC 8020)."""
    reply = strict.server.ask("deep.example.org")
    assert (reply.rcode, reply.addresses, len(reply.errors)) == ("NOERROR", [], 1)


def test_explain_says_that_the_record_allows_the_name(strict: Resolver) -> None:
    """C12: with the line of the record."""
    done = strict.command("explain", "nas.example.org")
    said = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert "local records: allows" in said
    assert "Record/nas" in said
    assert "decided by a local record" in said


def test_check_warns_of_a_record_that_a_rule_hides(strict: Resolver) -> None:
    """C12: only of that one."""
    done = call_keyhole("check", str(strict.documents))
    said = " ".join((done.stdout + done.stderr).split())
    assert "Record/banned" in said
    assert "clients of Policy/home do not get it" in said
    assert said.count("do not get it") == 1
