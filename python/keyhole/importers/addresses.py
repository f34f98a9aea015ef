"""Reads addresses and networks of other products into the forms that documents accept."""

import ipaddress
from collections.abc import Iterable

from keyhole.model.address import read_address, read_network


def plain_address(text: str) -> str | None:
    """The address in canonical form; none for other text and for scoped addresses (``%eth0``)."""
    try:
        return str(read_address(text.strip()))
    except ValueError:
        return None


def is_loopback(text: str) -> bool:
    """Whether it is an address of the machine itself."""
    known = plain_address(text)
    return known is not None and read_address(known).is_loopback


def client_network(text: str) -> str:
    """A client's address or network, without host bits; raises ValueError where it is invalid or
    has a zone (RFC 4007 section 11)."""
    if "%" in text:
        raise ValueError("it is an address with an interface zone (%)")
    network = ipaddress.ip_network(text.strip(), strict=False)
    read_network(str(network))
    return str(network.network_address if network.num_addresses == 1 else network)


class Networks:
    """A set of networks, as `client_network` writes them, that finds those covering an address.

    A lookup takes time proportional to the number of different prefix lengths.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts: dict[tuple[int, int, int], str] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for text in texts:
            network = ipaddress.ip_network(text)
            version, length = network.version, network.prefixlen
            self._texts[version, length, int(network.network_address)] = text
            self._lengths[version].add(length)

    def covering(self, address: str) -> list[str]:
        """The networks that contain all of an address or network, the largest first."""
        own = ipaddress.ip_network(address)
        found = []
        for length in sorted(self._lengths[own.version]):
            if length <= own.prefixlen:
                start = int(own.supernet(new_prefix=length).network_address)
                text = self._texts.get((own.version, length, start))
                found += [] if text is None else [text]
        return found


def is_count(text: str) -> bool:
    """Whether the text is a decimal number of at most nine digits."""
    return text.isascii() and text.isdigit() and len(text) < 10
