import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.model.idn import to_unicode
from keyhole.model.name import (
    as_logged,
    is_at_or_below,
    read_name,
    read_owner,
    read_server_name,
    reverse_name,
    without_escapes,
)

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = (
    st.lists(LABELS, min_size=1, max_size=8)
    .map(".".join)
    .filter(
        # All digits and dots may be an address, which is no name.
        lambda name: any(character.isalpha() for character in name)
    )
)


@given(NAMES)
def test_a_name_reads_as_itself_in_any_case_and_with_or_without_the_last_dot(name: str) -> None:
    assert read_name(name) == name
    assert read_name(name.upper() + ".") == name
    assert read_name(read_name(name)) == name


@given(st.text(max_size=300))
def test_any_text_is_a_name_of_legal_size_or_refused(text: str) -> None:
    try:
        name = read_name(text)
    except ValueError:
        return
    assert len(without_escapes(name)) <= 253
    plain = without_escapes(name)
    assert all(0 < len(label) <= 63 for label in plain.split("."))
    assert read_name(name) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え。example", "xn--r8jz45g.example"),
        ("_dns.example.org", "_dns.example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("उदाहरण.example", "xn--p1b6ci4b4b3a.example"),
        ("💩.example", "xn--ls8h.example"),
        ("\uff41.example", "a.example"),
    ],
)
def test_an_internationalized_name_becomes_its_a_labels(written: str, name: str) -> None:
    assert read_name(written) == name


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", "a name is wanted here"),
        (".", "a name is wanted here"),
        ("a b.example", "has a space in it"),
        ("a..example", "two dots in a row"),
        (".example.org", r"write \*\.example.org"),
        ("https://example.org/", "give only its name"),
        ("example.org:53", "without a port"),
        ("example.org/path", "has a slash"),
        ("||example.org^", "a line of a list"),
        ("192.0.2.1", "is an IP address"),
        ("2001:db8::1", "is an IP address"),
        ("*.example.org", "has a star"),
        ("exa$mple.org", "holds '\\$'"),
        ("a" * 64 + ".example", "a label has at most 63"),
        (".".join(["a" * 60] * 5), "a name has at most 253"),
        ("a\u200d.example", "internationalized"),
        ("\ufffd.example", "UTS 46"),
        ("a\\.example\\", "backslash"),
        ("a\\999.example", "up to 255"),
    ],
)
def test_what_is_no_name_is_refused_with_what_would_be_right(written: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        read_name(written)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("-dash.example.org", "-dash.example.org"),
        ("dash-.Example.org.", "dash-.example.org"),
        ("\\*.example.org", "\\*.example.org"),
        ("\\042.example.org", "\\*.example.org"),
        ("a\\.b\\032c.example.org", "a\\.b\\032c.example.org"),
        ("\\065.example.org", "a.example.org"),
    ],
)
def test_a_name_that_the_wire_may_carry_is_taken(written: str, name: str) -> None:
    assert read_name(written) == name
    assert read_name(name) == name


def test_the_name_of_a_host_is_stricter() -> None:
    for written in ("-a.example", "a-.example", "\\*.example"):
        with pytest.raises(ValueError, match=r"hyphen|no name of a host"):
            read_server_name(written)


def test_a_name_is_looked_for_as_the_log_has_it() -> None:
    assert as_logged("Bücher.Example.") == "xn--bcher-kva.example"
    assert as_logged("\\*.example.org") == "*.example.org"
    assert as_logged("a\\.b.example.org") == "a\\.b.example.org"
    assert as_logged("back\\\\slash.example.org") == "back\\\\slash.example.org"
    assert as_logged("a/b c.example.org") == "a/b c.example.org"
    assert as_logged(".") == "."
    assert to_unicode("www.xn--bcher-kva.example") == "www.bücher.example"
    assert to_unicode("xn--a.xn--0.example") == "xn--a.xn--0.example"


def test_the_owner_of_a_record_may_be_a_wildcard_in_front_only() -> None:
    assert read_owner("*.Lab.example.org") == "*.lab.example.org"
    with pytest.raises(ValueError, match="has a star"):
        read_owner("a.*.example.org")


def test_a_certificate_may_say_an_address_in_its_shortest_form() -> None:
    assert read_server_name("2001:DB8:0::1") == "2001:db8::1"
    assert read_server_name("[2001:db8::1]") == "2001:db8::1"
    assert read_server_name("DNS.example.org") == "dns.example.org"


def test_an_address_has_the_reverse_name_that_the_standards_give_it() -> None:
    assert reverse_name("192.0.2.7") == "7.2.0.192.in-addr.arpa"
    assert reverse_name("2001:db8::1").endswith("8.b.d.0.1.0.0.2.ip6.arpa")


def test_a_name_lies_below_whole_labels_only() -> None:
    assert is_at_or_below("a.example.org", "example.org")
    assert is_at_or_below("example.org", "example.org")
    assert not is_at_or_below("badexample.org", "example.org")


@pytest.mark.parametrize("name", [r"\000address", r"4.7.\000ADDRESS.", r"a.\000addres\115"])
def test_a_name_that_stands_for_addresses_is_refused_as_the_core_does(name: str) -> None:
    with pytest.raises(ValueError, match="name an address or a network"):
        read_name(name)
    assert as_logged(name)
