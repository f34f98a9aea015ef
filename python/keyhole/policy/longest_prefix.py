"""Longest-prefix match for networks and SPIFFE paths."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from keyhole.model.address import Network
from keyhole.model.spiffe import SCHEME

Value = TypeVar("Value")


class NetworkTable(Generic[Value]):
    """Networks with a value each, found by an address or network inside them."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int, int], Value] = {}
        # Only lengths in use are looked up, and they are few.
        self._lengths: dict[int, list[int]] = {4: [], 6: []}

    def add(self, network: Network, value: Value) -> None:
        """Adds a network; of two values, the first stays."""
        key = (network.version, network.prefixlen, int(network.network_address))
        self._values.setdefault(key, value)
        lengths = self._lengths[network.version]
        if network.prefixlen not in lengths:
            lengths.append(network.prefixlen)
            lengths.sort(reverse=True)

    def covering(self, network: Network) -> Iterator[Value]:
        """The values of all networks that contain this one, itself included, smallest first."""
        address = int(network.network_address)
        for length in self._lengths[network.version]:
            if length <= network.prefixlen:
                spare = network.max_prefixlen - length
                key = (network.version, length, address >> spare << spare)
                if key in self._values:
                    yield self._values[key]


def paths_above(identity: str) -> Iterator[str]:
    """The parent paths of a SPIFFE ID, longest first; the trust domain comes last."""
    path = identity
    while len(path) > len(SCHEME) and "/" in path.removeprefix(SCHEME):
        path = path.rpartition("/")[0]
        yield path
