"""Which addresses a download may connect to: public ones, and those that the settings allow.

A document may come from people who may change lists and not the machine. Without this, a URL in it
would let them ask whatever only this machine can reach (server-side request forgery).
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

from keyhole.lists.download.error import DownloadError
from keyhole.model.address import Address, Network

Resolve = Callable[[str, int], Sequence[str]]
"""Finds the addresses of a name; raises ``OSError``."""

# RFC 6052 and RFC 8215: an IPv4 address stands in the last 32 bits.
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
# RFC 3056: the IPv4 address stands behind the first 16 bits.
_SIX_TO_FOUR = ip_network("2002::/16")
# Where ``is_global`` of some Python versions says otherwise.
_NEVER = tuple(
    ip_network(one)
    for one in (
        *("100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4"),
        *("fec0::/10", "2001::/23", "100::/64", "5f00::/16"),
    )
)


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that this machine finds."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class AddressGuard:
    """Decides for each connection; ``own`` are the addresses at which Keyhole itself listens."""

    allow: tuple[Network, ...] = ()
    own: frozenset[tuple[str, int]] = frozenset()
    resolve: Resolve = system_resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to for a host; each is checked, and only checked ones are given.

        Raises `DownloadError` where the host has no address, or one that must not be asked: a name
        that leads to both is a trick or a mistake.
        """
        try:
            found = self.resolve(host, port)
        except OSError as error:
            raise DownloadError(f"{host} cannot be found: {error.strerror or error}") from error
        if not found:
            raise DownloadError(f"{host} has no address")
        for one in found:
            if why := self.refusal(one, port):
                raise DownloadError(
                    f"{host} leads to {one}, {why}; list servers of your own need their network "
                    "in downloads.allow of keyhole.yaml"
                )
        return list(found)

    def refusal(self, address: str, port: int) -> str | None:
        """Why this address is not asked; none where it may be."""
        ip = ip_address(address.partition("%")[0])
        for one in _equivalents(ip):
            if (str(one), port) in self.own:
                return "where Keyhole itself listens"
        if any(ip in network for network in self.allow):
            return None
        for one in _equivalents(ip):
            if not one.is_global or one.is_multicast or any(one in network for network in _NEVER):
                return "which is not a public address"
        return None


def _equivalents(ip: Address) -> Iterable[Address]:
    """The address, and the IPv4 address that it may stand for."""
    yield ip
    if isinstance(ip, IPv4Address):
        return
    number = int(ip)
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    if any(ip in network for network in _TRANSLATED):
        yield IPv4Address(number & 0xFFFF_FFFF)
    if ip in _SIX_TO_FOUR:
        yield IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if number >> 32 == 0:
        yield IPv4Address(number & 0xFFFF_FFFF)  # the IPv4-compatible form, long obsolete
