import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.model.address import (
    read_endpoint,
    read_listener,
    read_network,
    read_upstream_address,
    read_v4,
    read_v6,
)


@pytest.mark.parametrize(
    ("written", "with_port"),
    [
        ("9.9.9.9", "9.9.9.9:443"),
        ("9.9.9.9:8443", "9.9.9.9:8443"),
        ("2620:fe::fe", "[2620:fe::fe]:443"),
        ("[2620:fe::fe]", "[2620:fe::fe]:443"),
        ("[2620:FE:0::fe]:853", "[2620:fe::fe]:853"),
    ],
)
def test_an_address_is_read_with_or_without_its_port(written: str, with_port: str) -> None:
    assert read_upstream_address(written).with_port(443) == with_port


@given(st.ip_addresses(), st.integers(0, 65535))
def test_an_endpoint_reads_back_from_its_text(address: object, port: int) -> None:
    endpoint = read_endpoint(f"[{address}]:{port}")
    assert read_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("dns.example.org", "is a name; give an IP address"),
        ("192.0.2.1:99999", "is not a port"),
        ("192.0.2.1:", "is not a port"),
        ("192.0.2.300", "is not an address"),
        (":53", "0.0.0.0:53"),
        ("*:53", "write 0.0.0.0:53"),
        ("localhost:53", "write 127.0.0.1:53"),
        ("[2001:db8::1", "write"),
        ("[2001:db8::1]53", "write"),
        ("fe80::1%eth0", "without %"),
    ],
)
def test_what_is_no_address_is_refused_with_what_would_be_right(
    written: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        read_endpoint(written)


def test_an_upstream_is_one_machine_at_a_real_port() -> None:
    for written in ("0.0.0.0", "224.0.0.1", "192.0.2.1:0", "::"):
        with pytest.raises(ValueError, match=r"not the address of one machine|port 0"):
            read_upstream_address(written)


def test_a_listener_needs_its_port() -> None:
    with pytest.raises(ValueError, match=r"write 127\.0\.0\.1:5300"):
        read_listener("127.0.0.1")
    assert str(read_listener("[::]:0")) == "[::]:0"


def test_a_network_with_host_bits_is_refused_with_the_network_that_was_meant() -> None:
    with pytest.raises(ValueError, match=r"did you mean 192\.0\.2\.0/24\?"):
        read_network("192.0.2.7/24")
    with pytest.raises(ValueError, match="is not a network"):
        read_network("example.org")
    assert str(read_network("192.0.2.7")) == "192.0.2.7/32"


def test_an_address_of_the_other_family_is_refused_with_the_key_it_belongs_to() -> None:
    with pytest.raises(ValueError, match="belongs to aaaa"):
        read_v4("2001:db8::1")
    with pytest.raises(ValueError, match="belongs to a"):
        read_v6("192.0.2.1")
