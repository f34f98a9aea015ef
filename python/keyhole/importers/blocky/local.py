"""Local records: mappings, zones and hosts files; reports conditional forwarding."""

import dns.exception
import dns.name
import dns.rdatatype
import dns.zone

from keyhole.importers.addresses import is_loopback, plain_address
from keyhole.importers.durations import seconds_of
from keyhole.importers.hosts import host_record, host_records
from keyhole.importers.limits import MAX_ITEMS
from keyhole.importers.product_settings import LocalRecord, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, scalar_text
from keyhole.model.name import read_name, read_owner
from keyhole.model.record import MAX_TTL

_TAKEN = {"A": "a", "AAAA": "aaaa", "CNAME": "cname", "TXT": "txt", "PTR": "ptr"}
_MAX_ZONE = 256 * 1024


def take_local(setup: Setup, report: Report, root: Section) -> None:
    """Adds the local records of ``customDNS`` and ``hostsFile``."""
    custom = root.under("customDNS")
    ttl = min(seconds_of(custom.text("customTTL", "1h")) or 3600, MAX_TTL)
    for name, value in custom.entries("mapping"):
        with report.at(report.place_of(f"customDNS.mapping.{name}")):
            if isinstance(value, list):
                value = ",".join(custom.under("mapping").texts(name))
            _mapping(setup, report, name, scalar_text(value) or "", ttl)
    if zone := custom.text("zone"):
        with report.at(report.place_of("customDNS.zone")):
            _zone(setup, report, zone)
    for place in ("customDNS", "conditional"):
        for name, value in root.under(place).entries("rewrite"):
            why = "Keyhole does not rewrite the name of a query; write a Record with cname"
            at = report.place_of(f"{place}.rewrite.{name}")
            report.left(Kind.SETTING, f"{place}.rewrite {name}: {value}", why, at)
    for name, value in root.under("conditional").entries("mapping"):
        why = (
            "it forwards some names to other servers; Keyhole selects upstreams by policy, not by "
            "name; write a Record for each name that you need"
        )
        at = report.place_of(f"conditional.mapping.{name}")
        report.left(Kind.FORWARDING, f"{name}: {value}", why, at)
    _hosts(setup, report, root.under("hostsFile"))


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


def _zone(setup: Setup, report: Report, text: str) -> None:
    """Adds a zone in master file format (RFC 1035 section 5). $INCLUDE and $GENERATE are refused:
    they read other files and make any number of records."""
    try:
        if len(text) > _MAX_ZONE:
            raise ValueError(f"it is longer than {_MAX_ZONE} characters")
        zone = dns.zone.from_text(
            text, origin=dns.name.root, relativize=False, check_origin=False,
            allow_include=False, allow_directives=["$TTL", "$ORIGIN"],
        )  # fmt: skip
    except (dns.exception.DNSException, ValueError, RecursionError) as error:
        why = f"it cannot be read: {str(error)[:200]}"
        report.left(Kind.RECORD, "customDNS.zone", why, report.place_of("customDNS.zone"))
        return
    for count, (name, ttl, data) in enumerate(zone.iterate_rdatas()):
        if count >= MAX_ITEMS:
            why = f"it is behind the first {MAX_ITEMS} records; more are not read"
            report.left(Kind.RECORD, "customDNS.zone", why)
            break
        kind = dns.rdatatype.to_text(data.rdtype)
        owner = name.to_text(omit_final_dot=True)
        title = f"{owner} {kind} {data.to_text()}"
        report.derive(title, "customDNS.zone")
        if kind not in _TAKEN:
            why = "a Record holds A, AAAA, CNAME, TXT and PTR"
            report.left(Kind.RECORD, title, why)
            continue
        try:
            value = _value(kind, data)
            record = LocalRecord(
                read_owner(owner), _TAKEN[kind], value, min(ttl, MAX_TTL), title=title,
                origin="customDNS.zone",
            )  # fmt: skip
        except ValueError as error:
            report.left(Kind.RECORD, title, str(error))
            continue
        setup.records.append(record)


def _value(kind: str, data: dns.rdata.Rdata) -> str:
    if kind == "TXT":
        return b"".join(data.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    text = data.to_text().rstrip(".")
    return read_name(text) if kind in ("CNAME", "PTR") else text
