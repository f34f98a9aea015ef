"""Whom the programs of this machine ask for names: Keyhole, or somebody else."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from keyhole.control.doctor.case import Case
from keyhole.control.doctor.finding import Finding, note, warning, works
from keyhole.model.address import Endpoint, read_listener
from keyhole.system.regular_file import read_regular

RESOLV_CONF = Path("/etc/resolv.conf")
RESOLVED = Path("/run/systemd/resolve/resolv.conf")
"""The servers that systemd-resolved asks, where resolv.conf names its stub alone."""
_STUBS = ("127.0.0.53", "127.0.0.54")
_MAX_OCTETS = 64 * 1024
_PORT = 53


def look_at_resolver(
    case: Case, file: Path = RESOLV_CONF, behind: Path = RESOLVED
) -> Iterator[Finding]:
    """Nothing here is wrong: a Keyhole may be there for other machines alone."""
    try:
        servers = _servers(file)
    except OSError as error:
        yield note(str(file), f"cannot be read ({error.strerror}), so it names no server")
        return
    shown = ", ".join(servers) or "no server"
    through = ""
    if servers and set(servers) <= {*_STUBS}:
        try:
            servers = _servers(behind)
        except OSError:
            yield note(str(file), f"names {shown}: systemd-resolved, whose servers are not shown")
            return
        through = f" through systemd-resolved ({shown})"
        shown = ", ".join(servers) or "no server"
    if case.settings is None:
        yield note(str(file), f"programs of this machine ask {shown}{through}")
        return
    ours = [one for one in case.settings.written.listen.udp if one.port == _PORT]
    others = [one for one in servers if not _is_ours(one, ours)]
    if len(others) == len(servers):
        seen = f"programs of this machine ask {shown}{through}, not Keyhole"
        yield note(str(file), seen, _how(ours))
    elif others:
        yield warning(
            str(file),
            f"programs of this machine ask Keyhole and others ({shown}){through}: what these are "
            "asked is in the clear, and not filtered",
            f"leave these out: {', '.join(others)}",
        )
    elif case.status is None:
        seen = f"programs of this machine ask Keyhole ({shown}){through}, which does not run"
        yield warning(str(file), seen, "start it: keyhole up; until then they find no name")
    elif not all(_is_ours(one, _listening(case.status)) for one in servers):
        yield warning(
            str(file),
            f"programs of this machine ask Keyhole ({shown}){through}, which does not listen there",
            "settings are read at the start alone: start it again",
        )
    else:
        yield works(str(file), f"programs of this machine ask Keyhole ({shown}){through}")


def _listening(status: Mapping[str, Any]) -> list[Endpoint]:
    """Where the running Keyhole takes queries over UDP at the port of resolv.conf."""
    there = [read_listener(one) for one in status["listeners"].get("udp", ())]
    return [one for one in there if one.port == _PORT]


def _how(ours: list[Endpoint]) -> str:
    if not ours:
        return (
            "they ask port 53 alone: to have them ask Keyhole, write 127.0.0.1:53 under listen.udp "
            "and listen.tcp first"
        )
    address = "127.0.0.1" if ours[0].ip.is_unspecified else ours[0].address
    return (
        f"to have them ask Keyhole, write nameserver {address} there, or DNS={address} for "
        "systemd-resolved (/etc/systemd/resolved.conf)"
    )


def _is_ours(server: str, ours: list[Endpoint]) -> bool:
    try:
        address = ip_address(server.partition("%")[0])
    except ValueError:
        return False
    return any(one.ip == address or (one.ip.is_unspecified and address.is_loopback) for one in ours)


def _servers(file: Path) -> list[str]:
    text = read_regular(file, _MAX_OCTETS).decode(errors="replace")
    lines = (line.split() for line in text.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
