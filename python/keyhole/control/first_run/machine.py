"""What this machine has: addresses in its network, and ports that somebody else has."""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from keyhole.config import Config
from keyhole.config.sections.listeners import TRANSPORTS
from keyhole.control.data_folder import DataFolder
from keyhole.control.doctor.case import Case, Running
from keyhole.control.doctor.finding import Finding, Sign
from keyhole.control.doctor.listeners import look_at_listeners
from keyhole.control.missing_parts import is_used
from keyhole.control.settings import settings_from
from keyhole.system.regular_file import read_regular

ROUTES = Path("/proc/net/route")
_ELSEWHERE = ("192.0.2.1", 9)
"""An address of nobody (RFC 5737). To connect a UDP socket sends nothing; it chooses the address
from which this machine would ask."""
_MAX_OCTETS = 2**20


def local_network(routes: Path = ROUTES) -> tuple[str, str] | None:
    """The address of this machine towards the internet, and the private network around it; none
    where there is none."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(_ELSEWHERE)
            address = IPv4Address(probe.getsockname()[0])
        lines = read_regular(routes, _MAX_OCTETS).decode().splitlines()[1:]
    except (OSError, UnicodeDecodeError):
        return None
    around = (_network(line.split()) for line in lines)
    found = [one for one in around if one is not None and address in one and one.prefixlen]
    if not found or not address.is_private or address.is_loopback:
        return None
    return str(address), str(max(found, key=lambda one: one.prefixlen))


def _network(words: list[str]) -> IPv4Network | None:
    """A line of /proc/net/route: numbers in hexadecimal, as the machine has them in memory."""
    with suppress(ValueError, IndexError):
        network, mask = (IPv4Address(bytes.fromhex(words[at])[::-1]) for at in (1, 7))
        return IPv4Network(f"{network}/{mask}")
    return None


def taken_ports(
    data: DataFolder, file: Path, config: Config, running: Running | None = None
) -> list[Finding]:
    """The addresses of settings that cannot be had, with who has them and what makes room.

    In a used folder, ``running`` is the Keyhole that has some of them; its other listeners, such as
    that of the API, stay as they are, and are not looked at.
    """
    case = Case(data, file, settings_from(file, config), running=running)
    wrong = [one for one in look_at_listeners(case) if one.sign is Sign.WRONG]
    if not is_used(data):
        return wrong
    return [one for one in wrong if one.about.partition(" ")[0] in TRANSPORTS]
