"""Custom lines of dnsmasq's configuration: aliases, addresses, host records."""

from collections.abc import Iterable

from keyhole.importers.addresses import is_count, plain_address
from keyhole.importers.hosts import cname_records, host_record
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.name import read_name


def take_dnsmasq(setup: Setup, report: Report, lines: Iterable[str], origin: str) -> None:
    """Adds and reports what the lines configure."""
    for line in lines:
        text = line.partition("#")[0].strip() if not line.startswith("server=") else line.strip()
        if not text:
            continue
        key, _, value = text.partition("=")
        match key.strip():
            case "cname":
                cname_records(setup, report, value, origin)
            case "host-record":
                _host_record(setup, report, value, origin)
            case "address":
                _address(setup, report, text, value, origin)
            case "server" | "rev-server" | "local":
                _server(report, text)
            case _:
                why = "Keyhole has no such setting, or this line alone does not determine it"
                report.left(Kind.SETTING, f"{origin}: {text}", why)


def _host_record(setup: Setup, report: Report, value: str, origin: str) -> None:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    ttl = int(parts.pop()) if len(parts) > 1 and is_count(parts[-1]) else None
    names = [part for part in parts if plain_address(part) is None]
    addresses = [part for part in parts if plain_address(part)]
    if not names or not addresses:
        report.left(Kind.RECORD, value, "it has no name or no address")
    for index, name in enumerate(names):
        for address in addresses:
            host_record(setup, report, name, address, origin, ttl=ttl, is_first=index == 0)


def _address(setup: Setup, report: Report, text: str, value: str, origin: str) -> None:
    """``/NAME/ADDRESS`` answers for a name and all below it; without an address it blocks them."""
    _, *names, address = value.split("/") if value.startswith("/") else ["", value]
    for name in names:
        if address in ("", "#"):
            _block(setup, report, name, text, origin)
        elif plain_address(address):
            host_record(setup, report, name, address, origin, is_first=False, also_below=True)
        else:
            report.left(Kind.RECORD, text, f"{address} is not an IP address")
    if not names:
        report.left(Kind.SETTING, text, "it gives the same answer for every name")


def _block(setup: Setup, report: Report, name: str, text: str, origin: str) -> None:
    try:
        matches = (read_name(name), f"*.{read_name(name)}")
    except ValueError as error:
        report.left(Kind.RULE, text, str(error))
        return
    bundle = setup.bundles.setdefault("special", Bundle("special", for_all=True, origin=origin))
    bundle.rules.append(NameRule(matches, answer="nxdomain", title=text, origin=origin))
    report.taken(Kind.RULE, text, "for everybody")


def _server(report: Report, text: str) -> None:
    report.left(
        Kind.FORWARDING, text,
        "it forwards some names without encryption; Keyhole's upstreams are encrypted, and "
        "selected by policy, not by name; write a Record for each name that you need",
    )  # fmt: skip
