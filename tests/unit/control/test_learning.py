"""Files of names that vanish or break, and which addresses are looked up, and where."""

import os
from pathlib import Path

import dns.message
import pytest

from keyhole.control.learning.files import MAX_OCTETS, NamesFile, NamesFiles
from keyhole.control.learning.reverse import (
    FAILURE_TTL,
    MAX_TTL,
    MIN_TTL,
    NO_NAME_TTL,
    Lookup,
    Zones,
    read_answer,
)
from keyhole.learned_names import Book

LEASES = "0 02:00:00:00:00:01 10.0.0.5 annas-laptop *\n"


def _break(file: Path, how: str) -> None:
    file.unlink()
    match how:
        case "damaged":
            file.write_text("<html>\n")
        case "too large":
            with file.open("wb") as made:
                made.truncate(MAX_OCTETS + 1)
        case "fifo":
            os.mkfifo(file)
        case "folder":
            file.mkdir()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("gone", "No such file"),
        ("damaged", "no leases"),
        ("too large", "larger than 8 MiB"),
        ("fifo", "a FIFO, not a regular file"),
        ("folder", "a folder, not a regular file"),
    ],
)
def test_a_file_that_breaks_keeps_its_last_good_names(tmp_path: Path, how: str, why: str) -> None:
    file, other = tmp_path / "dnsmasq.leases", tmp_path / "kea.csv"
    file.write_text(LEASES)
    other.write_text(LEASES.replace("10.0.0.5", "10.0.0.6"))
    files = NamesFiles([NamesFile(file, "dhcp"), NamesFile(other, "dhcp")])
    files.read()
    assert files.problems is None
    _break(file, how)
    files.read({file})
    assert {one.address for one in files.said("dhcp", [])} == {"10.0.0.5", "10.0.0.6"}
    assert why in str(files.problems)
    assert "the names that it had stay" in str(files.problems)
    # After a restart, what was known stays as well, and the other file is still followed.
    known = Book(files.said("dhcp", []))
    again = NamesFiles([NamesFile(file, "dhcp"), NamesFile(other, "dhcp")])
    again.read()
    assert "no name is learned from it" in str(again.problems)
    known.take("dhcp", again.said("dhcp", known.current()), 10**10)
    assert all(list(known.names().at(f"10.0.0.{at}", 10**10)) for at in (5, 6))
    # It is there again, without the lease.
    file.rmdir() if file.is_dir() else file.unlink(missing_ok=True)
    file.write_text("")
    again.read()
    assert again.problems is None
    assert [one.address for one in again.said("dhcp", known.current())] == ["10.0.0.6"]


def _answer(*records: str, code: str = "NOERROR") -> dns.message.Message:
    text = "\n".join(
        ["id 1", "opcode QUERY", f"rcode {code}", "flags QR", ";QUESTION",
         "5.0.0.10.in-addr.arpa. IN PTR", ";ANSWER",
         *(f"5.0.0.10.in-addr.arpa. {one}" for one in records)]
    )  # fmt: skip
    return dns.message.from_text(text)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (_answer("900 IN PTR Annas-Laptop.lan."), Lookup("annas-laptop.lan", 900)),
        (_answer("0 IN PTR a.lan."), Lookup("a.lan", MIN_TTL)),
        (_answer("9999999 IN PTR a.lan."), Lookup("a.lan", MAX_TTL)),
        (_answer("900 IN PTR 10.0.0.5.", "900 IN PTR b.lan."), Lookup("b.lan", 900)),
        (_answer("900 IN PTR \\027[2J.lan."), Lookup(None, 900)),
        (_answer(code="NXDOMAIN"), Lookup(None, NO_NAME_TTL)),
        (_answer(), Lookup(None, NO_NAME_TTL)),
        (_answer(code="SERVFAIL"), Lookup(None, FAILURE_TTL, "10.0.0.5: SERVFAIL")),
    ],
    ids=["name", "no ttl", "long ttl", "one is none", "control", "nxdomain", "nodata", "servfail"],
)
def test_an_answer_is_kept_for_its_ttl_within_bounds(
    answer: dns.message.Message, found: Lookup
) -> None:
    assert read_answer("10.0.0.5", answer) == found


def test_only_addresses_in_a_reverse_zone_of_an_upstream_are_looked_up() -> None:
    zones = Zones(["corp.example", "168.192.in-addr.arpa", "d.f.ip6.arpa"])
    assert [zones.has(one) for one in ("192.168.1.7", "10.0.0.5", "fd00::1", "fe80::1")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert not Zones(["corp.example"])
    assert not Zones()
