"""``blocklist.config``, ``allowed.config`` and ``blocked.config``, version 1."""

from keyhole.importers.limits import MAX_ITEMS
from keyhole.importers.product_settings import ListSource, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.technitium.binary import BinaryReader, expect
from keyhole.importers.technitium.settings import BLOCKING
from keyhole.importers.urls import list_url, take_refresh
from keyhole.model.name import read_name


def take_block_lists(setup: Setup, report: Report, octets: bytes) -> None:
    """Adds the lists; ``!`` before an address marks an allow list, ``#`` a comment."""
    reader = BinaryReader(octets)
    expect(reader, b"BL", range(1, 2))
    addresses = [reader.text() for _ in range(reader.number(1))]
    hours = reader.number(4)
    take_refresh(setup, report, f"blockListUpdateIntervalHours = {hours}", hours * 3600)
    for address in addresses:
        if address.lstrip().startswith("#"):
            continue
        allow = address.startswith("!")
        try:
            url, changes = list_url(address.removeprefix("!"))
        except ValueError as error:
            report.left(Kind.LIST, address, str(error))
            continue
        setup.bundles[BLOCKING].lists.append(ListSource(url, allow, origin="blocklist.config"))
        report.add(Kind.LIST, address, changes)


def take_names(setup: Setup, report: Report, octets: bytes, *, allow: bool) -> None:
    """Adds allowed or blocked names, each with all below it."""
    reader = BinaryReader(octets)
    expect(reader, b"AZ" if allow else b"BZ", range(1, 2))
    count = reader.number(4)
    if count > MAX_ITEMS:
        raise ValueError(f"it has {count} names; at most {MAX_ITEMS} are supported")
    for _ in range(count):
        take_name(setup, report, reader.text(), BLOCKING, allow=allow)


def take_name(
    setup: Setup, report: Report, text: str, key: str, *, allow: bool, answer: str | None = None
) -> None:
    """Adds a name and all below it to a bundle."""
    title = f"{'allowed' if allow else 'blocked'} {text}"
    try:
        name = read_name(text)
    except ValueError as error:
        report.left(Kind.RULE, title, str(error))
        return
    bundle = setup.bundles[key]
    bundle.rules.append(
        NameRule(
            (name, f"*.{name}"),
            allow,
            answer=None if allow else answer,
            title=title,
            origin=f"{bundle.title}: {title}",
        )
    )
    report.taken(Kind.RULE, title)
