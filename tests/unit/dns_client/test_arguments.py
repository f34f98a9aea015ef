"""The arguments of ``keyhole dig`` have the same meaning as in BIND's dig."""

import dns.rdatatype
import pytest

from keyhole.dns_client.answer import Transport
from keyhole.dns_client.arguments import ArgumentError, choose_server, parse_arguments


@pytest.mark.parametrize(
    "words",
    [
        ["@192.0.2.1", "example.org", "MX", "+tcp"],
        ["example.org", "mx", "@192.0.2.1", "+tcp"],
        ["+tcp", "IN", "MX", "example.org.", "@192.0.2.1"],
    ],
)
def test_words_come_in_any_order(words: list[str]) -> None:
    request = parse_arguments(words, None)
    assert str(request.name) == "example.org."
    assert dns.rdatatype.to_text(request.kind) == "MX"
    assert (request.server, request.transport) == ("192.0.2.1", Transport.TCP)


def test_the_type_is_a_unless_said() -> None:
    assert dns.rdatatype.to_text(parse_arguments(["example.org"], None).kind) == "A"


def test_a_name_that_spells_a_type_can_be_asked_after_the_type() -> None:
    assert str(parse_arguments(["A", "mx"], None).name) == "mx."


def test_x_asks_for_the_name_of_an_address() -> None:
    request = parse_arguments([], "192.0.2.7")
    assert str(request.name) == "7.2.0.192.in-addr.arpa."
    assert dns.rdatatype.to_text(request.kind) == "PTR"


@pytest.mark.parametrize(
    ("words", "reverse", "why"),
    [
        ([], None, "give a name"),
        (["a.example.org", "b.example.org"], None, "neither a record type nor a second name"),
        (["a..example.org"], None, "not a DNS name"),
        (["example.org", "+bogus"], None, r"\+bogus is not known"),
        ([], "192.0.2.300", "not an IP address"),
    ],
)
def test_a_word_that_means_nothing_is_named(
    words: list[str], reverse: str | None, why: str
) -> None:
    with pytest.raises(ArgumentError, match=why):
        parse_arguments(words, reverse)


@pytest.mark.parametrize(
    ("text", "transport", "expected"),
    [
        (None, None, "127.0.0.1:5300"),
        (None, Transport.TLS, "127.0.0.1:8853"),
        ("192.0.2.1", None, "192.0.2.1:53"),
        ("192.0.2.1", Transport.TLS, "192.0.2.1:853"),
        ("192.0.2.1:5353", Transport.TCP, "192.0.2.1:5353"),
        ("2001:db8::1", None, "[2001:db8::1]:53"),
        ("[2001:db8::1]:8853", Transport.TLS, "[2001:db8::1]:8853"),
        ("tls://dns.example.org", None, "dns.example.org:853"),
        ("https://192.0.2.1/q", None, "https://192.0.2.1:443/q"),
        ("https://192.0.2.1:8443", None, "https://192.0.2.1:8443/dns-query"),
        ("192.0.2.1", Transport.HTTPS, "https://192.0.2.1:443/dns-query"),
    ],
)
def test_a_server_is_an_address_a_name_or_a_url(
    text: str | None, transport: Transport | None, expected: str
) -> None:
    assert str(choose_server(text, transport, None, None, None)) == expected


@pytest.mark.parametrize(
    ("text", "transport", "why"),
    [
        ("quic://192.0.2.1", None, "not known"),
        ("tls://192.0.2.1", Transport.HTTPS, "contradict"),
        ("192.0.2.1:none", None, "not a server"),
        ("", None, "give a server"),
    ],
)
def test_a_server_that_cannot_be_is_refused(
    text: str, transport: Transport | None, why: str
) -> None:
    with pytest.raises(ArgumentError, match=why):
        choose_server(text, transport, None, None, None)
