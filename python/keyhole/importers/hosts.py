"""Local records in the forms of hosts files and dnsmasq."""

import re

from keyhole.importers.addresses import is_count, plain_address
from keyhole.importers.product_settings import LocalRecord, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.address import read_address
from keyhole.model.name import read_name, read_owner, reverse_name
from keyhole.model.record import MAX_TTL

HARDWARE_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
"""A MAC address, which Keyhole does not use to identify clients."""


def host_records(
    setup: Setup, report: Report, line: str, origin: str, *, ttl: int | None = None
) -> None:
    """``ADDRESS NAME NAME...``: each name gets the address, the address gets the first name."""
    address, *names = line.partition("#")[0].split() or [""]
    if plain_address(address) is None:
        report.left(Kind.RECORD, line, f"{address or 'nothing'} is not an IP address")
        return
    with report.at(report.here or report.find(line)):
        for index, name in enumerate(names):
            host_record(setup, report, name, address, origin, ttl=ttl, is_first=index == 0)
    if not names:
        report.left(Kind.RECORD, line, "it has no name")


def host_record(
    setup: Setup,
    report: Report,
    name: str,
    address: str,
    origin: str,
    *,
    ttl: int | None = None,
    is_first: bool = True,
    also_below: bool = False,
) -> None:
    """A name with its address; with ``is_first`` also the PTR record of the address."""
    title = f"{name} {address}"
    try:
        ip, owner = read_address(address), read_owner(name)
    except ValueError as error:
        report.left(Kind.RECORD, title, str(error))
        return
    kind = "a" if ip.version == 4 else "aaaa"
    report.derive(title, origin)
    changes: tuple[str, ...] = ()
    if also_below and owner.startswith("*."):
        changes = (f"it answers all names below {owner[2:]}; the star is taken literally there",)
    setup.records.append(
        LocalRecord(owner, kind, str(ip), ttl, title=title, changes=changes, origin=origin)
    )
    if also_below and not owner.startswith("*."):
        setup.records.append(LocalRecord(f"*.{owner}", kind, str(ip), ttl, origin=origin))
    is_somebody = not (ip.is_unspecified or ip.is_loopback or owner.startswith("*."))
    if is_first and is_somebody:  # the first name of an address wins
        reverse = reverse_name(str(ip))
        setup.records.append(LocalRecord(reverse, "ptr", owner, ttl, origin=origin))


def cname_records(setup: Setup, report: Report, line: str, origin: str) -> None:
    """``NAME,NAME...,TARGET[,TTL]``: each name is an alias of the target."""
    parts = [part.strip() for part in line.split(",")]
    ttl = None
    if len(parts) > 2 and is_count(parts[-1]):
        ttl = min(int(parts.pop()), MAX_TTL)
    if len(parts) < 2:
        report.left(Kind.RECORD, line, "it has no name or no target")
        return
    try:
        read_name(parts[-1])
    except ValueError as error:  # said once, and not for each name
        report.left(Kind.RECORD, line, str(error))
        return
    with report.at(report.here or report.find(line)):
        for name in parts[:-1]:
            cname_record(setup, report, name, parts[-1], origin, ttl=ttl)


def cname_record(
    setup: Setup, report: Report, name: str, target: str, origin: str, *, ttl: int | None = None
) -> None:
    """A CNAME record."""
    title = f"{name} is {target}"
    try:
        owner, canonical = read_owner(name), read_name(target)
        if owner == canonical:
            raise ValueError("a name cannot be an alias of itself")
    except ValueError as error:
        report.left(Kind.RECORD, title, str(error))
        return
    report.derive(title, origin)
    setup.records.append(LocalRecord(owner, "cname", canonical, ttl, title=title, origin=origin))
