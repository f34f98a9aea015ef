"""Local records: mappings, zones and hosts files; and conditional forwarding."""

from collections.abc import Mapping
from dataclasses import replace

import dns.rdata
import dns.rdatatype

from keyhole.importers.addresses import is_loopback, plain_address
from keyhole.importers.durations import seconds_of
from keyhole.importers.forwarding import take_forwarding
from keyhole.importers.hosts import host_record, host_records
from keyhole.importers.limits import MAX_ITEMS
from keyhole.importers.product_settings import LocalRecord, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, scalar_text
from keyhole.importers.zone_text import ZoneEntry, read_zone_text
from keyhole.model.name import read_name, read_owner
from keyhole.model.record import MAX_TTL

_TAKEN = {"A": "a", "AAAA": "aaaa", "CNAME": "cname", "TXT": "txt", "PTR": "ptr"}
_MAX_ZONE = 256 * 1024


def take_local(setup: Setup, report: Report, root: Section, known: Mapping[str, list[str]]) -> None:
    """Adds the local records of ``customDNS`` and ``hostsFile``, and the upstreams of
    ``conditional``. ``known`` are the addresses of names."""
    custom = root.under("customDNS")
    ttl = min(seconds_of(custom.text("customTTL", "1h")) or 3600, MAX_TTL)
    for name, value in custom.entries("mapping"):
        with report.at(report.place_of(f"customDNS.mapping.{name}")):
            if isinstance(value, list):
                value = ",".join(custom.under("mapping").texts(name))
            _mapping(setup, report, name, scalar_text(value) or "", ttl)
    if zone := custom.text("zone"):
        with report.at(report.place_of("customDNS.zone")):
            _zone(setup, report, zone, ttl)
    for place in ("customDNS", "conditional"):
        for name, value in root.under(place).entries("rewrite"):
            why = "Keyhole does not rewrite the name of a query; write a Record with cname"
            at = report.place_of(f"{place}.rewrite.{name}")
            report.left(Kind.SETTING, f"{place}.rewrite {name}: {value}", why, at)
    _conditional(setup, report, root.under("conditional"), known)
    _hosts(setup, report, root.under("hostsFile"))


def _conditional(
    setup: Setup, report: Report, conditional: Section, known: Mapping[str, list[str]]
) -> None:
    for name, value in conditional.entries("mapping"):
        texts = conditional.under("mapping").texts(name) if isinstance(value, list) else [value]
        servers = [one.strip() for text in texts for one in (scalar_text(text) or "").split(",")]
        at = report.place_of(f"conditional.mapping.{name}")
        # A dot stands for names of one label (blocky's documentation of conditional).
        domains = [domain.strip().removesuffix(".") for domain in name.split(",")]
        take_forwarding(
            setup, report, f"{name}: {value}", domains, servers, addresses=known, place=at
        )


def _mapping(setup: Setup, report: Report, name: str, value: str, ttl: int) -> None:
    for part in value.split(","):
        try:
            host_record(
                setup, report, name, part.strip(), "customDNS.mapping",
                ttl=ttl, is_first=False, also_below=True,
            )  # fmt: skip
        except ValueError as error:
            report.left(Kind.RECORD, f"{name} {part.strip()}", str(error))


def _hosts(setup: Setup, report: Report, hosts: Section) -> None:
    ttl = min(seconds_of(hosts.text("hostsTTL", "1h")) or 3600, MAX_TTL)
    without_loopback = hosts.flag("filterLoopback", False)
    for source in [*hosts.texts("sources"), *hosts.texts("filePath")]:
        if "\n" not in source and not plain_address(source.split(" ")[0]):
            why = "only hosts inside config.yml are imported; write a Record for each name"
            report.left(Kind.RECORD, f"hostsFile: {source}", why)
            continue
        for line in report.inside(source):
            address = (line.partition("#")[0].split() or [""])[0]
            if without_loopback and is_loopback(address):
                report.left(Kind.RECORD, line.strip(), "hostsFile.filterLoopback leaves it out")
            elif address:
                host_records(setup, report, line.strip(), "hostsFile", ttl=ttl)


def _zone(setup: Setup, report: Report, text: str, ttl: int) -> None:
    """Adds the records of a zone; each item stands at its own line."""
    place = report.here
    if len(text) > _MAX_ZONE:
        why = f"it is longer than {_MAX_ZONE} characters"
        report.left(Kind.RECORD, "customDNS.zone", why, place)
        return
    first = place.line if place and "\n" in text.strip() else place and place.line - 1
    for count, entry in enumerate(read_zone_text(text, ttl)):
        if count >= MAX_ITEMS:
            why = f"it is behind the first {MAX_ITEMS} records; more are not read"
            report.left(Kind.RECORD, "customDNS.zone", why, place)
            break
        with report.at(replace(place, line=(first or 0) + entry.line) if place else None):
            _zone_entry(setup, report, entry)


def _zone_entry(setup: Setup, report: Report, entry: ZoneEntry) -> None:
    if entry.data is None:
        report.left(Kind.RECORD, entry.text, entry.why)
        return
    kind = dns.rdatatype.to_text(entry.data.rdtype)
    title = f"{entry.owner} {kind} {entry.data.to_text()}"
    report.derive(title, "customDNS.zone")
    try:
        if kind not in _TAKEN:
            raise ValueError("a Record holds A, AAAA, CNAME, TXT and PTR")
        value, owner = _value(kind, entry.data), read_owner(entry.owner)
    except ValueError as error:
        report.left(Kind.RECORD, title, str(error))
        return
    ttl = min(entry.ttl, MAX_TTL)
    setup.records.append(
        LocalRecord(owner, _TAKEN[kind], value, ttl, title=title, origin="customDNS.zone")
    )


def _value(kind: str, data: dns.rdata.Rdata) -> str:
    if kind == "TXT":
        return b"".join(data.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    text = data.to_text().rstrip(".")
    return read_name(text) if kind in ("CNAME", "PTR") else text
