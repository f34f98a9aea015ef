"""Networks as ranges of addresses, for looking up many addresses as they stand in the log."""

import socket
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

_MAPPED = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address in IPv6 form (RFC 4291 section 2.5.5.2)."""


class AddressRanges:
    """Tells in less than a microsecond or two whether an address lies in one of many networks."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        # Packed addresses of one length are in the order of their numbers.
        ranges: dict[int, list[tuple[bytes, bytes]]] = {4: [], 16: []}
        for one in networks:
            first = one.network_address.packed
            ranges[len(first)].append((first, one.broadcast_address.packed))
        self._starts: dict[int, list[bytes]] = {}
        self._ends: dict[int, list[bytes]] = {}
        for length, found in ranges.items():
            joined: list[tuple[bytes, bytes]] = []
            for first, last in sorted(found):
                # Two networks overlap only where one contains the other.
                if not joined or joined[-1][1] < first:
                    joined.append((first, last))
            self._starts[length] = [first for first, _ in joined]
            self._ends[length] = [last for _, last in joined]

    def __contains__(self, address: str) -> bool:
        packed = _packed(address)
        if packed is None:
            return False
        at = bisect_right(self._starts[len(packed)], packed) - 1
        return at >= 0 and packed <= self._ends[len(packed)][at]


def _packed(address: str) -> bytes | None:
    """The octets of an address; none for other text."""
    try:
        return socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        pass
    try:
        found = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):
        return None
    return found[12:] if found.startswith(_MAPPED) else found
