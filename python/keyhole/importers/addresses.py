"""Addresses and networks of other products, as far as a document takes them."""

import ipaddress
from collections.abc import Iterable

from keyhole.model.address import read_address, read_network


def plain_address(text: str) -> str | None:
    """The address in its usual form; none where it is none, or one of an interface (``%eth0``)."""
    try:
        return str(read_address(text.strip()))
    except ValueError:
        return None


def client_network(text: str) -> str:
    """The address or network of a client, host bits taken off; raises ValueError where it is none
    that a client can have."""
    if "%" in text:
        raise ValueError("it is an address of one interface")
    network = ipaddress.ip_network(text.strip(), strict=False)
    read_network(str(network))
    return str(network.network_address if network.num_addresses == 1 else network)


class Networks:
    """Networks, as `client_network` writes them, and which of them lie around an address.

    What it costs grows with the lengths of prefixes that there are, not with the networks.
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
        """Those that hold all of an address or network, itself included, the largest first."""
        own = ipaddress.ip_network(address)
        found = []
        for length in sorted(self._lengths[own.version]):
            if length <= own.prefixlen:
                start = int(own.supernet(new_prefix=length).network_address)
                text = self._texts.get((own.version, length, start))
                found += [] if text is None else [text]
        return found


def is_count(text: str) -> bool:
    """Whether it is a number as programs write it, of reasonable size."""
    return text.isascii() and text.isdigit() and len(text) < 10
