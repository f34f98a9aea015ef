"""A block of free ports for one lab."""

import random
import socket
from dataclasses import dataclass

from keyhole.lab.error import LabError

BLOCK = 13
# Below the range from which Linux takes ports for outgoing connections (32768 and up).
_FIRST, _LAST = 20000, 32000
_TRIES = 200


@dataclass(frozen=True)
class Ports:
    """The ports of a lab, counted from a base. ``claim`` reserves the block for this lab."""

    base: int
    claim: socket.socket

    @property
    def dns(self) -> int:
        """The resolver over UDP and TCP."""
        return self.base

    @property
    def dot(self) -> int:
        """The resolver over TLS."""
        return self.base + 1

    @property
    def doh(self) -> int:
        """The resolver over HTTPS."""
        return self.base + 2

    @property
    def doh_browsers(self) -> int:
        """The resolver over HTTPS for clients that must not be asked for a certificate."""
        return self.base + 7

    @property
    def forwarder_dot(self) -> int:
        """The forwarder over TLS."""
        return self.base + 3

    @property
    def forwarder_doh(self) -> int:
        """The forwarder over HTTPS."""
        return self.base + 4

    @property
    def api(self) -> int:
        """The API of the resolver."""
        return self.base + 6

    @property
    def resolver_health(self) -> int:
        """Metrics of the resolver's engine."""
        return self.base + 8

    @property
    def control_health(self) -> int:
        """Metrics of the resolver's control."""
        return self.base + 9

    @property
    def forwarder_health(self) -> int:
        """Metrics of the forwarder's engine."""
        return self.base + 10

    @property
    def enrollment(self) -> int:
        """Where clients of the resolver get their certificates."""
        return self.base + 11

    @property
    def internet(self) -> int:
        """The lab's internet, a DoH upstream."""
        return self.base + 5


def choose_ports(base: int | None) -> Ports:
    """Takes the block that begins at ``base``, or any free one.

    Raises :class:`LabError` when a port of the given block is in use, naming it.
    """
    if base is not None:
        claim = _claim(base)
        if claim is None or (used := _first_used(base)) is not None:
            port = base + BLOCK - 1 if claim is None else used
            raise LabError(
                f"port {port} on 127.0.0.1 is in use; a lab needs the {BLOCK} ports from "
                f"--port-base on: give another base, or none to have a free block chosen"
            )
        return Ports(base, claim)
    blocks = range(_FIRST, _LAST, BLOCK)
    for candidate in random.sample(blocks, min(_TRIES, len(blocks))):
        claim = _claim(candidate)
        if claim is None:
            continue
        if _first_used(candidate) is None:
            return Ports(candidate, claim)
        claim.close()
    raise LabError(f"found no {BLOCK} free ports in a row; give --port-base")


def _claim(base: int) -> socket.socket | None:
    """Binds the last port of the block without listening, so that no second lab takes the block."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claim.bind(("127.0.0.1", base + BLOCK - 1))
    except OSError:
        claim.close()
        return None
    return claim


def _first_used(base: int) -> int | None:
    for port in range(base, base + BLOCK - 1):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                # A listener may use a port that has connections in TIME_WAIT.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return port
    return None
