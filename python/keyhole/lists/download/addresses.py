"""Decides to which addresses a download may connect: public ones, and those in the settings.

People who may change lists may not have access to this machine. Without this check, a URL in a List
could reach what only this machine can reach (server-side request forgery, SSRF).
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

from keyhole.lists.download.error import DownloadError
from keyhole.model.address import Address, Network

Resolve = Callable[[str, int], Sequence[str]]
"""Resolves a host name; raises ``OSError``."""

# RFC 6052 and RFC 8215: the last 32 bits hold an IPv4 address.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
# RFC 3056: the 32 bits after the first 16 hold an IPv4 address.
_SIX_TO_FOUR = ip_network("2002::/16")
# RFC 2765 section 2.1: IPv4-translated, the last 32 bits.
_SIIT = ip_network("::ffff:0:0:0/96")
# RFC 5214 section 6.1: interface identifiers that begin so hold an IPv4 address.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
# Not public, although ``is_global`` of some Python versions says so.
_NEVER = tuple(
    ip_network(one)
    for one in (
        *("100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4"),
        *("fec0::/10", "2001::/23", "100::/64", "100:0:0:1::/64", "5f00::/16"),
    )
)


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class AddressGuard:
    """Checks each connection; ``own`` are the addresses on which Keyhole itself listens, and
    ``remedy`` is how others are allowed."""

    allow: tuple[Network, ...] = ()
    own: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve = system_resolve
    remedy: str = (
        "to allow your own list servers, add their network to downloads.allow in keyhole.yaml"
    )

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, after each was checked.

        Raises `DownloadError` where the host has no address, or one that is not allowed, even among
        others that are: such a name is an attack or a mistake.
        """
        try:
            found = self.resolve(host, port)
        except OSError as error:
            raise DownloadError(f"{host} cannot be found: {error.strerror or error}") from error
        if not found:
            raise DownloadError(f"{host} has no address")
        for one in found:
            if why := self.refusal(one, port):
                raise DownloadError(f"{host} has the address {one}, {why}; {self.remedy}")
        return list(found)

    def refusal(self, address: str, port: int) -> str | None:
        """Why this address is refused; none where it is allowed."""
        ip = ip_address(address.partition("%")[0])
        for one in _equivalents(ip):
            if (str(one), port) in self.own:
                return "on which Keyhole itself listens"
        if any(ip in network for network in self.allow):
            return None
        for one in _equivalents(ip):
            if not one.is_global or one.is_multicast or any(one in network for network in _NEVER):
                return "which is not a public address"
        return None


def _equivalents(ip: Address) -> Iterable[Address]:
    """The address, and the IPv4 address that it may contain."""
    yield ip
    if isinstance(ip, IPv4Address):
        return
    number = int(ip)
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    is_isatap = number >> 32 & 0xFFFF_FFFF in _ISATAP
    if is_isatap or any(ip in network for network in (*_TRANSLATED, _SIIT)):
        yield IPv4Address(number & 0xFFFF_FFFF)
    if ip in _SIX_TO_FOUR:
        yield IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if number >> 32 == 0:
        yield IPv4Address(number & 0xFFFF_FFFF)  # IPv4-compatible, deprecated by RFC 4291
