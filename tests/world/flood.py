"""Many queries at once, each for a new name."""

import random
import socket
import struct
from pathlib import Path

_HEADER = struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)
_QUESTION = struct.pack("!HH", 1, 1)
WINDOW = 64
"""Questions under way at a time: no more than a socket's buffer holds."""


def flood(port: int, count: int, below: str, *, seed: int) -> int:
    """Asks for ``count`` random names below a name over UDP; gives the number of answers.

    A datagram may be lost, on loopback too; there is no second try.
    """
    chance = random.Random(seed)
    suffix = b"".join(bytes([len(label)]) + label.encode() for label in below.split(".")) + b"\0"
    answered = asked = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        sock.settimeout(5)
        while asked < count:
            burst = min(WINDOW, count - asked)
            for number in range(burst):
                label = f"{chance.getrandbits(120):030x}".encode()
                packet = struct.pack("!H", number) + _HEADER + bytes([30]) + label + suffix
                sock.send(packet + _QUESTION)
            asked += burst
            answered += _receive(sock, burst)
    return answered


def _receive(sock: socket.socket, most: int) -> int:
    for count in range(most):
        try:
            sock.recv(4096)
        except TimeoutError:
            return count
    return most


def resident(pid: int) -> int:
    """Octets of memory that a process has in use (proc(5), VmRSS)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
