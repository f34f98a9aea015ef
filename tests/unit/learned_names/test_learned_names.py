"""What lease files and hosts files say, which names are shown, and when an address had one."""

from collections.abc import Callable

import pytest

from keyhole.learned_names import (
    Book,
    LearnedName,
    NamesFileError,
    clean_name,
    names_of_json,
    read_hosts,
    read_leases,
    skeleton,
)

CHANGED = 1_790_000_000.0
"""When a file was written last."""
DNSMASQ = """\
1790003600 02:00:00:00:00:01 10.0.0.5 annas-laptop 01:02:00:00:00:00:01
0 02:00:00:00:00:02 10.0.0.6 printer *
1790003600 02:00:00:00:00:03 10.0.0.7 * *
duid 00:01:00:01:2c:00:00:00:02:00:00:00:00:01
1790003600 12345678 fd00::5 annas-laptop 00:01:00:01
"""
ISC = """\
# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
lease 10.0.0.5 {
  starts 1 2026/09/21 12:00:00;
  ends 1 2026/09/21 13:00:00;
  binding state active;
  client-hostname "old-owner";
}
lease 10.0.0.5 {
  starts 1 2026/09/21 14:00:00;
  ends epoch 1790003600; # local time
  binding state active;
  hardware ethernet 02:00:00:00:00:01;
  client-hostname "Anna's Laptop";
}
lease 10.0.0.6 {
  starts 1 2026/09/21 12:00:00;
  ends never;
  binding state free;
  client-hostname "gone";
}
lease 10.0.0.8 {
  starts 1 2026/09/21 12:00:00;
"""
KEA = """\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
10.0.0.5,02:00:00:00:00:09,,3600,1789999999,1,0,0,old-owner,0,,0
10.0.0.5,02:00:00:00:00:01,01:02,3600,1790003600,1,0,0,annas-laptop.lan.,0,,0
10.0.0.6,02:00:00:00:00:02,,3600,1790003600,1,0,0,printer,0,,0
10.0.0.6,02:00:00:00:00:02,,0,1790000000,1,0,0,printer,0,,0
10.0.0.7,,,3600,1790003600,1,0,0,declined,1,,0
10.0.0.8,02:00:00:00:00:04,,3600,1790003600,1,0,0,a&#x2cb,0,,0
10.0.0.9,02:00:00
"""
KEA_6 = """\
address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context
fd00::5,00:01,3600,1790003600,1,1800,0,1,128,0,0,annas-laptop,,0,
fd00:1::,00:01,3600,1790003600,1,1800,2,1,64,0,0,a-whole-network,,0,
"""
NETWORKD = """\
{"BootID": "d7f5", "Address": [10, 0, 0, 1], "PrefixLength": 24, "Leases": [
 {"ClientId": [1, 2], "Address": [10, 0, 0, 5], "Hostname": "annas-laptop",
  "ExpirationRealtimeUSec": 1790003600000000},
 {"ClientId": [1, 3], "Address": [10, 0, 0, 6]}]}
"""
END = 1_790_003_600.0


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (DNSMASQ, {"10.0.0.5": ("annas-laptop", CHANGED, END),
                   "10.0.0.6": ("printer", CHANGED, None),
                   "fd00::5": ("annas-laptop", CHANGED, END)}),
        (ISC, {"10.0.0.5": ("annas-laptop", 1_789_999_200.0, END)}),
        (KEA, {"10.0.0.5": ("annas-laptop.lan", CHANGED, END)}),
        (KEA_6, {"fd00::5": ("annas-laptop", CHANGED, END)}),
        (NETWORKD, {"10.0.0.5": ("annas-laptop", CHANGED, END)}),
        ("", {}),
    ],
    ids=["dnsmasq", "isc", "kea", "kea6", "networkd", "empty"],
)  # fmt: skip
def test_the_last_lease_of_each_address_gives_its_name(
    text: str, known: dict[str, tuple[str, float, float | None]]
) -> None:
    found = {one.address: (one.name, one.since, one.until) for one in read_leases(text, CHANGED)}
    assert found == known


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        (lambda text: read_leases(text, 0), "<html>\n<body>no\n", "2 of 2 lines are no leases"),
        (lambda text: read_leases(text, 0), "address,hostname\n", "has no expire, valid_lifetime"),
        (lambda text: read_leases(text, 0), '{"Leases": [', "no JSON"),
        (lambda text: read_leases(text, 0), '{"Leases": 7}', "no array Leases"),
        (read_hosts, "ads.example.com\ntracker.example.com\n", "begin with no address"),
    ],
    ids=["html", "csv", "json", "array", "hosts"],
)
def test_what_is_no_file_of_names_says_what_is_wrong(
    read: Callable[[str], object], text: str, why: str
) -> None:
    with pytest.raises(NamesFileError, match=why):
        read(text)


def test_a_quotation_mark_in_a_name_takes_no_other_lease_along() -> None:
    lines = KEA.splitlines()
    evil = lines[1].replace("old-owner", '"evil').replace("10.0.0.5", "10.0.0.4")
    found = {
        one.address: one.name for one in read_leases("\n".join([lines[0], evil, *lines[1:]]), 0)
    }
    assert found["10.0.0.5"] == "annas-laptop.lan"


@pytest.mark.parametrize("head", ["\n" * 200_000, "address," + "x" * 200_000])
def test_a_strange_beginning_is_refused_at_once(head: str) -> None:
    """In quadratic time the first one would take minutes."""
    with pytest.raises(NamesFileError):
        read_leases(f"{head}\nno lease\n", 0)


def test_a_hosts_file_gives_the_first_name_that_can_be_shown() -> None:
    text = (
        "127.0.0.1 localhost ads.example.com\n::1 ip6-localhost\n0.0.0.0 tracker.example.com\n"
        "10.0.0.5\tlocalhost annas-laptop laptop # comment\n10.0.0.5 second\nfe80::1%eth0 router\n"
        "nonsense here\n"
    )
    found = {one.address: one.name for one in read_hosts(text)}
    assert found == {"10.0.0.5": "annas-laptop", "fe80::1": "router"}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Annas-Laptop.", "annas-laptop"),
        ("Anna's iPhone", "annas-iphone"),
        ("living_room tv", "living-room-tv"),
        ("*", None),
        ("", None),
        ("a" * 300, None),
        ("a" * 64, None),
        (".".join(["a" * 60] * 5), None),
        ("evil\x1b[2Jname", None),
        ("two\nlines", None),
        ("<script>alert(1)</script>", None),
        ("spiffe://keyhole.lab/ns/shop/sa/web", None),
        ("token:tv", None),
        ("p\u0430yments", None),  # with a Cyrillic a
        ("right\u202eto-left", None),
        ("\ufffd", None),
        ("10.0.0.1", None),
        ("10-0", None),
        ("0x7f.1", None),
        ("fd00::1", None),
        ("localhost", None),
        ("anonymous", None),
        ("a..b", None),
    ],
)
def test_only_plain_host_names_are_shown(written: str, shown: str | None) -> None:
    assert clean_name(written) == shown


def test_names_that_read_alike_have_one_skeleton() -> None:
    assert len({skeleton(one) for one in ("payments", "payrnents", "pay-ments", "PAYMENT5")}) == 1
    assert skeleton("laptop-1") == skeleton("laptop-l")
    assert skeleton("printer") != skeleton("scanner")


def _lease(name: str, since: float, until: float | None = None) -> LearnedName:
    return LearnedName("10.0.0.5", name, "dhcp", since, until)


def _at(book: Book, moment: float, address: str = "10.0.0.5") -> str | None:
    return next((one.name for one in book.names().at(address, moment)), None)


def test_an_address_had_each_name_in_its_time() -> None:
    book = Book()
    assert book.take("dhcp", [_lease("annas-laptop", 1_000, 5_000)], 1_000)
    # Renewed: the beginning stays, the end moves.
    assert book.take("dhcp", [_lease("annas-laptop", 4_000, 9_000)], 4_000)
    assert not book.take("dhcp", [_lease("annas-laptop", 4_000, 9_000)], 4_500)
    # Somebody else gets the address.
    assert book.take("dhcp", [_lease("bobs-phone", 7_000, 20_000)], 7_000)
    assert [_at(book, moment) for moment in (999, 1_000, 6_999, 7_000, 19_999, 20_000)] == [
        None, "annas-laptop", "annas-laptop", "bobs-phone", "bobs-phone", None,
    ]  # fmt: skip
    assert _at(book, 6_000, "::ffff:10.0.0.5") == "annas-laptop"
    # What ended is forgotten with the queries of that time.
    assert book.forget_before(7_001)
    assert _at(book, 6_000) is None
    # The commands and the next start know the same.
    again = Book(names_of_json(book.to_json()))
    assert again.current() == book.current()


def test_a_file_that_is_empty_for_a_moment_ends_no_name() -> None:
    """dnsmasq writes its file in place."""
    book = Book([_lease("annas-laptop", 1_000)])
    book.take("dhcp", [], 2_000)
    book.take("dhcp", [_lease("annas-laptop", 2_001)], 2_001)
    assert _at(book, 2_000.5) == "annas-laptop"
    # After a day it is a new lease, and what was between is not known.
    book.take("dhcp", [], 3_000)
    book.take("dhcp", [_lease("annas-laptop", 90_000)], 90_000)
    assert _at(book, 50_000) is None


def test_what_a_person_wrote_is_before_dhcp_and_dhcp_before_reverse() -> None:
    book = Book()
    book.add(LearnedName("10.0.0.5", "by-reverse", "reverse", 0, 100), 0)
    book.take("hosts", [LearnedName("10.0.0.5", "by-hosts", "hosts", 0)], 0)
    book.take("dhcp", [LearnedName("10.0.0.5", "by-dhcp", "dhcp", 10, 20)], 10)
    assert [_at(book, moment) for moment in (5, 15, 25)] == ["by-hosts"] * 3
    book.take("hosts", [], 30)
    assert [_at(book, moment) for moment in (5, 15, 25)] == ["by-reverse", "by-dhcp", "by-reverse"]
    # One address of a source does not end the others.
    book.add(LearnedName("10.0.0.6", "other", "reverse", 30, 100), 30)
    assert _at(book, 50) == "by-reverse"


def test_a_kept_file_that_somebody_changed_shows_nothing_that_may_not_be_shown() -> None:
    good = {"address": "10.0.0.5", "name": "tv", "source": "dhcp", "since": 1, "until": None}
    bad = [
        {**good, "name": "<b>"}, {**good, "address": "x"}, {**good, "source": "document"},
        {**good, "since": None}, {"address": "10.0.0.5"}, 7,
    ]  # fmt: skip
    assert [one.name for one in names_of_json([good, *bad])] == ["tv"]
    assert names_of_json({"names": [good]}) == []
