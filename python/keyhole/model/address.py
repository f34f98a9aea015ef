"""Addresses with ports, and networks, as people write them."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from keyhole.model.field_types import FieldType, text_of

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CORRECTIONS = {"*": str(IPv4Address(0)), "localhost": "127.0.0.1"}


@dataclass(frozen=True, order=True)
class Endpoint:
    """An address and perhaps a port; as text ``192.0.2.1:53`` or ``[2001:db8::1]:53``."""

    address: str
    port: int | None

    @property
    def ip(self) -> Address:
        """The address as a value."""
        return ipaddress.ip_address(self.address)

    def with_port(self, default: int) -> str:
        """The text with the written port or the default one."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{default if self.port is None else self.port}"

    def __str__(self) -> str:
        return self.address if self.port is None else self.with_port(self.port)


def read_address(written: object) -> Address:
    """An IP address alone."""
    text = text_of(written).strip()
    if "%" in text:
        raise ValueError(f"{text} names a network interface; give an address without %")
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text} is not an IP address") from None


def read_endpoint(written: object) -> Endpoint:
    """An address with or without a port: ``192.0.2.1``, ``192.0.2.1:53``, ``2001:db8::1``,
    ``[2001:db8::1]:53``."""
    text = text_of(written).strip()
    address, port = _split(text)
    if not address:
        raise ValueError(
            f"{text} has no address; for all addresses write 0.0.0.0{text} and [::]{text}"
        )
    if address in _CORRECTIONS:
        suffix = "" if port is None else f":{port}"
        raise ValueError(f"{address} is not an address; write {_CORRECTIONS[address]}{suffix}")
    return Endpoint(str(_ip(address, text)), None if port is None else _port(port, text))


def read_listener(written: object) -> Endpoint:
    """An address with its port; port 0 takes a free one."""
    endpoint = read_endpoint(written)
    if endpoint.port is None:
        raise ValueError(f"{written} has no port; write {endpoint.with_port(5300)} or another port")
    return endpoint


def read_upstream_address(written: object) -> Endpoint:
    """The address of one upstream, the port optional."""
    endpoint = read_endpoint(written)
    if endpoint.port == 0:
        raise ValueError(f"{written} has port 0; leave the port out for the usual one")
    if endpoint.ip.is_unspecified or endpoint.ip.is_multicast:
        raise ValueError(f"{endpoint.address} is not the address of one machine")
    return endpoint


def read_network(written: object) -> Network:
    """A network such as ``192.0.2.0/24``; an address alone is a network of one."""
    text = text_of(written).strip()
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        pass
    else:
        _refuse_mapped(network)
        return network
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text} is not a network; write one as 192.0.2.0/24") from None
    raise ValueError(f"{text} is an address inside a network; did you mean {meant}?")


def _refuse_mapped(network: Network) -> None:
    """Addresses are compared in their IPv4 form, so such a network would match none."""
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            raise ValueError(
                f"{network} is IPv4 in IPv6 form; write {mapped}/{network.prefixlen - 96}"
            )


PRIVATE_NETWORKS = tuple(
    read_network(text)
    for text in (
        "127.0.0.0/8",  # loopback, RFC 1122 section 3.2.1.3
        "::1/128",  # loopback, RFC 4291 section 2.5.3
        "10.0.0.0/8",  # RFC 1918 section 3
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",  # unique local, RFC 4193
    )
)
"""This machine, and networks that the public network does not reach."""
LINK_LOCAL_NETWORKS = (
    read_network("169.254.0.0/16"),  # RFC 3927
    read_network("fe80::/10"),  # RFC 4291 section 2.5.6
)
"""Networks that no router forwards."""
ADDRESS_V4_SCHEMA = {"type": "string", "format": "ipv4"}
ADDRESS_V6_SCHEMA = {"type": "string", "format": "ipv6"}
LISTENER = FieldType(
    read_listener,
    {"type": "string", "description": "address:port", "examples": ["127.0.0.1:5300", "[::1]:53"]},
)
UPSTREAM_ADDRESS = FieldType(
    read_upstream_address,
    {
        "type": "string",
        "description": "an address, the port optional",
        "examples": ["192.0.2.1", "[2001:db8::1]:853"],
    },
)
NETWORK = FieldType(
    read_network,
    {"type": "string", "description": "a network", "examples": ["192.0.2.0/24", "2001:db8::/32"]},
)


def read_v4(written: object) -> IPv4Address:
    """An IPv4 address."""
    address = read_address(written)
    if not isinstance(address, IPv4Address):
        raise ValueError(f"{written} is an IPv6 address; it belongs to aaaa")
    return address


def read_v6(written: object) -> IPv6Address:
    """An IPv6 address."""
    address = read_address(written)
    if not isinstance(address, IPv6Address):
        raise ValueError(f"{written} is an IPv4 address; it belongs to a")
    return address


def _split(text: str) -> tuple[str, str | None]:
    if "%" in text:
        raise ValueError(f"{text} names a network interface; give an address without %")
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text} is not an address; write [2001:db8::1]:53")
        return address, rest[1:] if rest else None
    if text.count(":") > 1:
        return text, None
    address, colon, port = text.partition(":")
    return address, port if colon else None


def _ip(address: str, text: str) -> Address:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        pass
    if any(c.isalpha() for c in address) and ":" not in address:
        raise ValueError(
            f"{address} is a name; give an IP address, so that no DNS is needed to find it"
        )
    raise ValueError(f"{text} is not an address; write 192.0.2.1, or [2001:db8::1]:53 with a port")


def _port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536):
        raise ValueError(f"{port or 'nothing'} in {text} is not a port; give 0 to 65535")
    return int(port)


def rate_limit_key(address: str, bits: int = 64) -> str:
    """The key under which failures of an address are counted: the address, and for IPv6 its /64,
    since one client has all of it. Other text is its own key, truncated."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, bits), strict=False))
    return str(ip)


def connection_key(address: str) -> str:
    """The key under which connections of an address are counted: the address, and for IPv6 its /56,
    which is what one site is given (RFC 6177)."""
    return rate_limit_key(address, 56)


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks; False for text that is no address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    plain = getattr(ip, "ipv4_mapped", None) or ip
    return any(plain in network for network in networks)


def is_address(text: str) -> bool:
    """Whether the text is an IP address, of either family, without a port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
