"""What lies inside what: networks, and the paths of identities."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from keyhole.model.address import Network
from keyhole.model.spiffe import SCHEME

Value = TypeVar("Value")


class NetworkTable(Generic[Value]):
    """Networks with a value each, found by what lies inside them."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int, int], Value] = {}
        # Few lengths of prefix are in use, so few are looked up.
        self._lengths: dict[int, list[int]] = {4: [], 6: []}

    def add(self, network: Network, value: Value) -> None:
        """Adds a network; the first value that it was given stays."""
        key = (network.version, network.prefixlen, int(network.network_address))
        self._values.setdefault(key, value)
        lengths = self._lengths[network.version]
        if network.prefixlen not in lengths:
            lengths.append(network.prefixlen)
            lengths.sort(reverse=True)

    def covering(self, network: Network) -> Iterator[Value]:
        """The values of all networks in which this one lies, itself included, smallest first."""
        address = int(network.network_address)
        for length in self._lengths[network.version]:
            if length <= network.prefixlen:
                spare = network.max_prefixlen - length
                key = (network.version, length, address >> spare << spare)
                if key in self._values:
                    yield self._values[key]


def paths_above(identity: str) -> Iterator[str]:
    """The beginnings of a SPIFFE ID below which it lies, longest first, the trust domain last."""
    path = identity
    while len(path) > len(SCHEME) and "/" in path.removeprefix(SCHEME):
        path = path.rpartition("/")[0]
        yield path
