"""Which processes have a port of this machine, as the kernel shows it (proc(5), ``/proc/net``).

The sockets of everybody are listed with the user that they belong to; whose process has one is
shown to that user and to root alone.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Literal

from keyhole.system.regular_file import read_regular

PROC = Path("/proc")
_MAX_TABLE = 64 * 2**20
_MAX_WORDS = 64 * 1024
_LISTENS = "0A"
"""The state of a TCP socket that waits for connections (include/net/tcp_states.h)."""

Protocol = Literal["udp", "tcp"]
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Process:
    """A process with a socket."""

    pid: int
    name: str
    """As the kernel calls it: at most 15 letters."""
    command: tuple[str, ...]
    """Its command line; empty where it is not shown."""


@dataclass(frozen=True)
class Holder:
    """A socket that is in the way."""

    address: Address
    user: int
    process: Process | None
    """Who has it; none where this user is not shown that."""


@dataclass(frozen=True)
class _Entry:
    address: Address
    user: int
    inode: int


def holders_of(protocol: Protocol, address: Address, port: int, proc: Path = PROC) -> list[Holder]:
    """The sockets because of which nobody else can have this address and port; those whose process
    is known come first. Where the system does not say, there are none."""
    entries = [one for one in _entries(protocol, port, proc) if _meet(one.address, address)]
    if not entries:
        return []
    owners = _owners({one.inode for one in entries}, proc)
    found = {Holder(one.address, one.user, owners.get(one.inode)) for one in entries}
    return sorted(found, key=lambda one: (one.process is None, str(one.address), one.user))


def processes(proc: Path = PROC) -> Iterator[Process]:
    """All processes that are shown, each with its name."""
    for pid in _pids(proc):
        if (process := describe(pid, proc)) is not None:
            yield process


def describe(pid: int, proc: Path = PROC) -> Process | None:
    """A process by its number; none if it is gone."""
    folder = proc / str(pid)
    try:
        name = read_regular(folder / "comm", _MAX_WORDS).decode(errors="replace").strip()
    except OSError:
        return None
    words: list[str] = []
    with suppress(OSError):
        octets = read_regular(folder / "cmdline", _MAX_WORDS)
        words = [_printable(word) for word in octets.split(b"\0") if word]
    return Process(pid, _printable(name.encode()), tuple(words))


def user_of(pid: int, proc: Path = PROC) -> int | None:
    """The user of a process; none if it is gone."""
    try:
        return (proc / str(pid)).stat().st_uid
    except OSError:
        return None


def _printable(word: bytes) -> str:
    text = word.decode(errors="replace")
    return "".join(one if one.isprintable() else "?" for one in text)


def _entries(protocol: Protocol, port: int, proc: Path) -> Iterator[_Entry]:
    for table in (protocol, f"{protocol}6"):
        try:
            lines = read_regular(proc / "net" / table, _MAX_TABLE).decode().splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            with suppress(ValueError, IndexError):
                words = line.split()
                place, number = words[1].rsplit(":", 1)
                if int(number, 16) == port and (protocol == "udp" or words[3] == _LISTENS):
                    yield _Entry(_address(place), int(words[7]), int(words[9]))


def _address(text: str) -> Address:
    """An address as the kernel writes it: words of 32 bits in the order of this machine."""
    octets = bytes.fromhex(text)
    words = [octets[at : at + 4] for at in range(0, len(octets), 4)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    found = ip_address(b"".join(words))
    return getattr(found, "ipv4_mapped", None) or found


def _meet(theirs: Address, ours: Address) -> bool:
    if theirs.version != ours.version:
        # A socket on [::] may take IPv4 as well; the tables do not say whether it does.
        return ours.version == 4 and theirs.is_unspecified
    return theirs == ours or theirs.is_unspecified or ours.is_unspecified


def _owners(inodes: set[int], proc: Path) -> dict[int, Process]:
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, Process] = {}
    for pid in _pids(proc):
        for link in _links(proc / str(pid) / "fd"):
            inode = wanted.get(link)
            if inode is not None and inode not in found:
                process = describe(pid, proc)
                if process is not None:
                    found[inode] = process
    return found


def _links(folder: Path) -> Iterator[str]:
    try:
        opened = list(folder.iterdir())
    except OSError:
        return
    for one in opened:
        with suppress(OSError):
            yield str(one.readlink())


def _pids(proc: Path) -> list[int]:
    try:
        return sorted(int(one.name) for one in proc.iterdir() if one.name.isdigit())
    except OSError:
        return []
