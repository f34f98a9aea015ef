"""Free ports that no other test of this run uses.

Programs such as `keyhole up` and unbound need ports that are chosen before they start. Each pytest
worker has its own range, below the ports that the kernel uses for outgoing connections.
"""

import os
import random
import socket
from collections.abc import Iterator
from itertools import count, islice

_FIRST = 12_000
_WORKER_RANGE = 2_000
_WORKERS = 8
# How many ports one lab takes from its base on.
LAB_PORTS = 12


def _start() -> int:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    return _FIRST + worker * _WORKER_RANGE


def _candidates() -> Iterator[int]:
    start = _start()
    # A random start makes collisions between two runs on one machine unlikely. Those who had a port
    # in an earlier round have long ended.
    offset = random.randrange(_WORKER_RANGE)
    for step in count():
        yield start + (offset + step) % _WORKER_RANGE


_ports = _candidates()


def free_port() -> int:
    """A port that is free now for both UDP and TCP on loopback."""
    for port in islice(_ports, _WORKER_RANGE):
        if _is_free(port):
            return port
    raise RuntimeError("no free port is left in this worker's range")


def free_base() -> int:
    """The first of `LAB_PORTS` ports in a row that are free now."""
    end = _start() + _WORKER_RANGE
    for port in islice(_ports, _WORKER_RANGE):
        # What lies behind the end is of another worker.
        if port + LAB_PORTS <= end and all(_is_free(port + step) for step in range(LAB_PORTS)):
            for _ in range(LAB_PORTS):
                next(_ports)
            return port
    raise RuntimeError("no free range of ports is left in this worker's range")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
