"""Custom lines of dnsmasq's configuration: aliases, addresses, host records."""

import re
from collections.abc import Iterable, Sequence

from keyhole.importers.addresses import is_count, plain_address
from keyhole.importers.forwarding import take_forwarding
from keyhole.importers.hosts import cname_records, host_record
from keyhole.importers.names import names_above
from keyhole.importers.policy_fields import take_private_name, take_types
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.model.name import read_name

_BLOCKS = {"": "nxdomain", "#": "null", "0.0.0.0": "null", "::": "null"}  # noqa: S104
"""The answers of ``address=/NAME/...`` that block."""
_RECORDS = ("txt-record", "ptr-record", "srv-host", "mx-host", "naptr-record", "caa-record")


def take_dnsmasq(setup: Setup, report: Report, lines: Iterable[str], origin: str) -> None:
    """Adds and reports what the lines configure."""
    texts = []
    for line in lines:
        if text := without_comment(line):
            texts.append(text)
            report.derive(text, line)
    above = answered_names(texts)
    for text in texts:
        with report.at(report.find(text)):
            take_line(setup, report, text, above, origin)


def answered_names(texts: Iterable[str]) -> frozenset[str]:
    """The names that lines ``address=/NAME/...`` answer, for `take_line`."""
    settings = (text.partition("=") for text in texts)
    return frozenset(
        name.strip(".").lower()
        for key, _, value in settings
        if key.strip() == "address"
        for name in value.strip().split("/")[1:-1]
    )


def take_line(setup: Setup, report: Report, text: str, above: frozenset[str], origin: str) -> None:
    """Adds and reports what one line configures; ``above`` are the `answered_names` of all."""
    key, _, value = (part.strip() for part in text.partition("="))
    match key:
        case "cname":
            cname_records(setup, report, value, origin)
        case "host-record":
            _host_record(setup, report, value, origin)
        case "address":
            _address(setup, report, text, value, origin)
        case "server" | "local" if value.endswith("/#"):
            _exempt(setup, report, text, above, origin)
        case "server" | "rev-server" | "local":
            _server(setup, report, text)
        case word if word in _RECORDS:
            why = "only addresses and aliases are imported; write a Record with txt or ptr"
            report.left(Kind.RECORD, f"{origin}: {text}", why)
        case _:
            _setting(setup, report, text, key, value, origin)


def _setting(setup: Setup, report: Report, text: str, key: str, value: str, origin: str) -> None:
    match key:
        case "stop-dns-rebind":
            report.taken(Kind.SETTING, text, "privateAddresses: block")
        case "rebind-domain-ok":
            for name in filter(None, value.split("/")):
                take_private_name(setup, report, f"{key}=/{name}/", name)
        case "filter-A" | "filter-AAAA":
            take_types(setup, report, text, [key.removeprefix("filter-")])
        case "filter-rr":
            take_types(setup, report, text, value.split(","))
        case "bogus-priv":
            why = "Keyhole always answers names of private addresses by itself (RFC 6303)"
            report.taken(Kind.SETTING, text, why)
        case _:
            why = "Keyhole has no such setting, or this line alone does not determine it"
            report.left(Kind.SETTING, f"{origin}: {text}", why)


def without_comment(line: str) -> str:
    """The line up to a ``#`` at its start or behind a blank, as dnsmasq reads it."""
    return re.sub(r"(^|\s)#.*", "", line).strip()


def _host_record(setup: Setup, report: Report, value: str, origin: str) -> None:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    ttl = int(parts.pop()) if len(parts) > 1 and is_count(parts[-1]) else None
    names = [part for part in parts if plain_address(part) is None]
    addresses = [part for part in parts if plain_address(part)]
    if not names or not addresses:
        report.left(Kind.RECORD, value, "it has no name or no address")
    if len(addresses) > 2:
        why = "dnsmasq takes one address of each family; write a line for each other one"
        report.left(Kind.RECORD, value, why)
        return
    for index, name in enumerate(names):
        for address in addresses:
            host_record(setup, report, name, address, origin, ttl=ttl, is_first=index == 0)


def _address(setup: Setup, report: Report, text: str, value: str, origin: str) -> None:
    """``/NAME/ADDRESS`` answers for a name and all below it; without an address it blocks them."""
    _, *names, address = value.split("/") if value.startswith("/") else ["", value]
    if not names:
        report.left(Kind.SETTING, text, "it gives the same answer for every name")
        return
    if address not in _BLOCKS and plain_address(address) is None:
        report.left(Kind.RECORD, text, f"{address} is not an IP address")
        return
    for written in names:
        name = written.removeprefix(".")
        if address in _BLOCKS:
            title = _title("address", written, address, text, names)
            _block(setup, report, name, title, _BLOCKS[address], origin)
        else:
            host_record(setup, report, name, address, origin, is_first=False, also_below=True)


def _title(key: str, name: str, value: str, text: str, names: Sequence[str]) -> str:
    """The line for one of its names, as an item is called: the whole line for each would have the
    square of its length."""
    return text if len(names) == 1 else f"{key}=/{name}/{value}"


def _block(setup: Setup, report: Report, name: str, text: str, answer: str, origin: str) -> None:
    try:
        matches = (read_name(name), f"*.{read_name(name)}")
    except ValueError as error:
        report.left(Kind.RULE, text, str(error))
        return
    bundle = setup.bundles.setdefault("special", Bundle("special", for_all=True, origin=origin))
    bundle.rules.append(NameRule(matches, answer=answer, title=text, origin=origin))
    report.taken(Kind.RULE, text, "for everybody")


def _exempt(setup: Setup, report: Report, text: str, above: frozenset[str], origin: str) -> None:
    """``server=/NAME/#`` exempts a name from a line for a name above it (dnsmasq, --server)."""
    key, _, value = (part.strip() for part in text.partition("="))
    _, *names, _ = value.split("/")
    for name in names:
        title = _title(key, name, "#", text, names)
        try:
            found = read_name(name.removeprefix("."))
        except ValueError as error:
            report.left(Kind.RULE, title, str(error))
            continue
        if above.isdisjoint(names_above(found)):
            why = "it exempts names from lines for a name above them, and there is none"
            report.left(Kind.RULE, title, why)
            continue
        bundle = setup.bundles.setdefault("special", Bundle("special", for_all=True, origin=origin))
        bundle.rules.append(NameRule((found, f"*.{found}"), True, title=title, origin=origin))
        why = f"an allow rule for {found} and all below it, which also wins over every list"
        report.changed(Kind.RULE, title, why)


def _server(setup: Setup, report: Report, text: str) -> None:
    """``/NAME/NAME/ADDRESS``, or for reverse names ``NETWORK,ADDRESS``; an address alone is an
    upstream for all names."""
    key, _, value = (part.strip() for part in text.partition("="))
    if value.startswith("/") and value.endswith("/"):
        why = (
            "these names are answered from local data alone there; write a Record for each, and a "
            "rule that blocks the others"
        )
        report.left(Kind.FORWARDING, text, why)
    elif value.startswith("/"):
        _, *names, server = value.split("/")
        take_forwarding(setup, report, text, names, [server])
    elif key == "rev-server":
        network, _, server = value.partition(",")
        take_forwarding(setup, report, text, [network], [server.strip()])
    else:
        why = "it is an upstream without encryption; write an Upstream with protocol dot or doh"
        report.left(Kind.FORWARDING, text, why)
