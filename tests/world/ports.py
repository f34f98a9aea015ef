"""Free ports that no other test uses: not in this worker, and not in another run on this machine.

Programs such as `keyhole up` and unbound need ports that are chosen before they start. They lie
below the ports that the kernel uses for outgoing connections. A process claims them in blocks, so
that between the choice and the start nobody else takes the same one.
"""

import itertools
import random
import socket
from collections.abc import Iterator

_FIRST = 12_000
_BLOCK = 100
_BLOCKS = 200
# How many ports one lab takes from its base on.
LAB_PORTS = 12
_TRIES = _BLOCKS * _BLOCK
_claims: list[socket.socket] = []


def _claim(block: int) -> bool:
    """Whether the block belongs to this process now, until it ends: the kernel gives an abstract
    address (unix(7)) to one socket, and takes it back however the process ends."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0keyhole-test-ports-{block}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _candidates() -> Iterator[int | None]:
    """Ports of blocks that this process claims one after the other. Once none is left, those that
    other runs have given back meanwhile, then its own again: by then, most programs of earlier
    tests have ended. None where all blocks belong to other runs; the next one is looked for then,
    and not before."""
    own: list[int] = []
    while True:
        repeated = list(own)
        for block in random.sample(range(_BLOCKS), _BLOCKS):
            if _claim(block):
                start = _FIRST + block * _BLOCK
                own.append(start)
                yield from range(start, start + _BLOCK)
        for start in repeated:
            yield from range(start, start + _BLOCK)
        if not own:
            yield None


_ports = _candidates()


def _tries() -> Iterator[int]:
    """As many ports as there are; raises where other runs have all of them."""
    for port in itertools.islice(_ports, _TRIES):
        if port is None:
            raise RuntimeError("no port is free: all blocks belong to other runs")
        yield port


def free_port() -> int:
    """A port that is free now for both UDP and TCP on loopback."""
    for port in _tries():
        if _is_free(port):
            return port
    raise RuntimeError("no port is free")


def free_base() -> int:
    """The first of `LAB_PORTS` ports in a row that are free now."""
    row: list[int] = []
    for port in _tries():
        is_next = not row or port == row[-1] + 1
        row = [*(row if is_next else []), port] if _is_free(port) else []
        if len(row) == LAB_PORTS:
            return row[0]
    raise RuntimeError(f"no {LAB_PORTS} ports in a row are free")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
