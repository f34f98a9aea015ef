"""Only encrypted upstreams are imported, each with addresses and a server name."""

import base64

import pytest

from keyhole.importers.dns_stamp import read_stamp
from keyhole.importers.product_settings import Server, Setup
from keyhole.importers.report import Disposition, Report
from keyhole.importers.upstreams import take_upstreams

QUAD9 = ("9.9.9.9", "149.112.112.112", "2620:fe::fe", "2620:fe::9")


def _take(*texts: str, **known: list[str]) -> tuple[list[Server], Report, Setup]:
    report, setup = Report(), Setup("x")
    addresses = {name.replace("_", "."): some for name, some in known.items()}
    return take_upstreams(setup, report, texts, addresses=addresses), report, setup


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("tls://dns.quad9.net", Server("dot", QUAD9, "dns.quad9.net")),
        ("tls://9.9.9.9", Server("dot", ("9.9.9.9",), "dns.quad9.net")),
        ("tls://192.0.2.53:8853", Server("dot", ("192.0.2.53:8853",), "192.0.2.53")),
        ("tls://dns.example.org@192.0.2.53#8853",
         Server("dot", ("192.0.2.53:8853",), "dns.example.org")),
        ("tls://[2001:db8::53]#8853", Server("dot", ("[2001:db8::53]:8853",), "2001:db8::53")),
        ("tcp-tls:192.0.2.53:853#dns.example.org",
         Server("dot", ("192.0.2.53",), "dns.example.org")),
        ("https://dns.quad9.net/dns-query", Server("doh", QUAD9, "dns.quad9.net")),
        ("https://dns.quad9.net:5053/other",
         Server("doh", ("9.9.9.9:5053", "149.112.112.112:5053", "[2620:fe::fe]:5053",
                        "[2620:fe::9]:5053"), "dns.quad9.net", "/other")),
        ("https://dns.example.org@192.0.2.53#8443/q",
         Server("doh", ("192.0.2.53:8443",), "dns.example.org", "/q")),
        ("h3://dns.google/dns-query",
         Server("doh", ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"),
                "dns.google")),
        ("https://dns.home.example/dns-query", Server("doh", ("192.0.2.7",), "dns.home.example")),
    ],
)  # fmt: skip
def test_an_encrypted_upstream_is_taken(text: str, server: Server) -> None:
    servers, report, _ = _take(text, dns_home_example=["192.0.2.7"])
    assert servers == [server]
    assert report.items[0].disposition is not Disposition.LEFT


@pytest.mark.parametrize(
    "text",
    ["9.9.9.9", "9.9.9.9#53", "udp://9.9.9.9", "tcp+udp:9.9.9.9", "192.0.2.1:5353",
     "[2001:db8::1]#53", "2001:db8::1", "router.example", "sdns://AAcAAAAAAAAABzguOC44Ljg"],
)  # fmt: skip
def test_one_in_the_clear_is_left_and_told_what_to_write(text: str) -> None:
    servers, report, _ = _take(text)
    assert servers == []
    assert report.items[0].disposition is Disposition.LEFT
    assert "not encrypted" in report.items[0].why


def test_the_encrypted_service_of_the_same_operator_is_suggested_once() -> None:
    _, report, setup = _take("9.9.9.9", "149.112.112.112")
    assert setup.suggestions == [Server("dot", QUAD9, "dns.quad9.net")]
    assert "serverName dns.quad9.net" in report.items[0].why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tls://dns.example.org", "only its name is known"),
        ("quic://dns.quad9.net", "QUIC"),
        ("doq://9.9.9.9", "QUIC"),
        ("ftp://9.9.9.9", "is not supported"),
        ("https://user:word@dns.example.org/dns-query", "password"),
        ("https://9.9.9.9/dns-query?a=b", "query"),
        ("tls://9.9.9.9:99999", "not a port"),
        ("tls://bad_name^.example", "holds '^'"),
        ("https://[::1/dns-query", ""),
        ("sdns://!!!", "not a DNS stamp"),
        ("sdns://", "not a DNS stamp"),
    ],
)
def test_what_cannot_be_asked_is_left_with_the_reason(text: str, why: str) -> None:
    servers, report, _ = _take(text)
    assert servers == []
    assert report.items[0].disposition is Disposition.LEFT
    assert why.lower() in report.items[0].why.lower()


def _stamp(protocol: int, *parts: bytes) -> str:
    octets = bytes([protocol]) + bytes(8) + b"".join(bytes([len(part)]) + part for part in parts)
    return "sdns://" + base64.urlsafe_b64encode(octets).decode().rstrip("=")


def test_a_stamp_of_doh_says_all_that_is_needed() -> None:
    text = _stamp(2, b"192.0.2.9:8443", b"", b"dns.example.org", b"/q")
    servers, _, _ = _take(text)
    assert servers == [Server("doh", ("192.0.2.9:8443",), "dns.example.org", "/q")]


def test_pins_of_a_stamp_are_left_and_that_is_told() -> None:
    text = _stamp(3, b"192.0.2.9", b"x" * 32, b"dns.example.org")
    assert read_stamp(text).pins == 1
    servers, report, _ = _take(text)
    assert servers == [Server("dot", ("192.0.2.9",), "dns.example.org")]
    assert "pins" in report.items[0].why
