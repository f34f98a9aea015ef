"""Local records that are no addresses: TXT and PTR."""

from collections.abc import Sequence

from keyhole.importers.product_settings import LocalRecord, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.name import read_name, read_owner


def txt_record(setup: Setup, report: Report, name: str, pieces: Sequence[str], origin: str) -> None:
    """A name with a text, whose strings a client joins."""
    title = f"{name} TXT"
    try:
        owner = read_owner(name)
        text = "".join(pieces)
        if not text:
            raise ValueError("it has no text")
    except ValueError as error:
        report.left(Kind.RECORD, title, str(error))
        return
    report.derive(title, origin)
    setup.records.append(LocalRecord(owner, "txt", text, title=title, origin=origin))


def ptr_record(setup: Setup, report: Report, name: str, target: str, origin: str) -> None:
    """A name, usually of an address, that leads to another."""
    title = f"{name} PTR {target}".strip()
    try:
        owner, found = read_owner(name), read_name(target)
    except ValueError as error:
        report.left(Kind.RECORD, title, str(error))
        return
    report.derive(title, origin)
    setup.records.append(LocalRecord(owner, "ptr", found, title=title, origin=origin))
