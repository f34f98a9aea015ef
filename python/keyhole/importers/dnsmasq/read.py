"""Reads dnsmasq's settings: one option a line, as in its manual, without the dashes."""

import re
from collections.abc import Callable
from pathlib import Path

from keyhole.importers.addresses import is_count, plain_address
from keyhole.importers.config_files import config_lines
from keyhole.importers.dnsmasq.left import REASONS, SECRETS
from keyhole.importers.error import ImporterError
from keyhole.importers.hosts import HARDWARE_ADDRESS, host_record
from keyhole.importers.pihole.dnsmasq import answered_names, take_line, without_comment
from keyhole.importers.plain_records import ptr_record, txt_record
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.settings_file import Place
from keyhole.importers.upstreams import take_upstreams

MAIN, BESIDE = "dnsmasq.conf", "dnsmasq.d"
_CONVERTED = frozenset(
    [
        "address",
        "bogus-priv",
        "cname",
        "dhcp-host",
        "filter-A",
        "filter-AAAA",
        "filter-rr",
        "host-record",
        "local",
        "log-queries",
        "ptr-record",
        "rebind-domain-ok",
        "rev-server",
        "server",
        "stop-dns-rebind",
        "txt-record",
    ]
)
_UNKNOWN = "the importer does not know this option of dnsmasq"
_LEASE_TIME = re.compile(r"\d+[smhdw]?|infinite")
_PIECE = re.compile(
    r"""
    " (?P<quoted> (?: [^"\\] | \\.? )*+ ) (?P<end>"?)  # to its end: nothing is looked at twice
    | (?P<plain> [^,"]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
"""A string of a TXT record, in quotation marks or between commas."""


def read_dnsmasq(file: Path, report: Report) -> Setup:
    """Reads the file, or a folder with ``dnsmasq.conf`` and ``dnsmasq.d``; raises `ImporterError`
    where it is none of dnsmasq."""
    setup = Setup("dnsmasq", answer="nxdomain")
    lines = [
        (Place(name, _option(text), number), text)
        for name, content in config_lines(file, report, MAIN, BESIDE, _is_skipped)
        for number, line in content
        if (text := without_comment(line).removeprefix("--"))
    ]
    if not any(place.path in _CONVERTED or place.path in REASONS for place, _ in lines):
        raise ImporterError(
            f"{file.name} holds no option of dnsmasq; give dnsmasq.conf, or the folder with it "
            "and dnsmasq.d"
        )
    above = answered_names(text for _, text in lines)
    for place, text in lines:
        with report.at(place):
            _take(setup, report, place.path, text, above)
    if all(text != "stop-dns-rebind" for _, text in lines):
        why = (
            "Keyhole withholds private addresses in answers for public names; see rebind-domain-ok"
        )
        report.changed(Kind.SETTING, "without stop-dns-rebind", why)
    return setup


def _option(text: str) -> str:
    return text.partition("=")[0].strip()


def _is_skipped(name: str) -> bool:
    """As dnsmasq does in a folder, and Debian's package besides."""
    return name.startswith(".") or name.endswith(("~", "#")) or ".dpkg-" in name


def _take(setup: Setup, report: Report, key: str, text: str, above: frozenset[str]) -> None:
    value = text.partition("=")[2].strip()
    own: dict[str, Callable[[Setup, Report, str], None]] = {
        "dhcp-host": _static_lease,
        "txt-record": _txt,
        "ptr-record": _ptr,
    }
    if key in own:
        own[key](setup, report, value)
    elif key == "log-queries":
        report.taken(Kind.SETTING, text, "Keyhole logs each query, unless a policy says otherwise")
    elif key in ("server", "local") and value and not value.startswith("/"):
        take_upstreams(setup, report, [value.partition("@")[0]])
    elif key in _CONVERTED:
        take_line(setup, report, text, above, MAIN)
    else:
        why = REASONS.get(key, _UNKNOWN)
        # The value of an option that nobody knows may be a secret, too.
        is_shown = key in REASONS and key not in SECRETS
        report.left(Kind.SETTING, text if is_shown else key, why)


def _static_lease(setup: Setup, report: Report, value: str) -> None:
    """``MAC,NAME,ADDRESS,TIME`` in any order: dnsmasq answers the name with the address."""
    parts = [part.strip() for part in value.split(",")]
    addresses = [one.strip("[]") for one in parts if plain_address(one.strip("[]"))]
    names = [one for one in parts if one and not _is_no_name(one)]
    if len(names) != 1 or not addresses:
        why = f"it has no name with an address; {REASONS['dhcp-range']}"
        report.left(Kind.SETTING, f"dhcp-host={value}", why)
        return
    for index, address in enumerate(addresses):
        host_record(setup, report, names[0], address, MAIN, is_first=index == 0)


def _is_no_name(part: str) -> bool:
    return bool(
        ":" in part
        or plain_address(part.strip("[]"))
        or HARDWARE_ADDRESS.fullmatch(part)
        or _LEASE_TIME.fullmatch(part)
        or part == "ignore"
    )


def _txt(setup: Setup, report: Report, value: str) -> None:
    name, _, text = value.partition(",")
    pieces = [*_PIECE.finditer(text)]
    if any(one[0].startswith('"') and not one["end"] for one in pieces):
        report.left(Kind.RECORD, f"{name} TXT", "a quotation mark in it is not closed")
        return
    txt_record(setup, report, name, [one["quoted"] or one["plain"] or "" for one in pieces], MAIN)


def _ptr(setup: Setup, report: Report, value: str) -> None:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) == 3 and is_count(parts[2]):
        parts.pop()
    ptr_record(setup, report, parts[0], parts[1] if len(parts) == 2 else "", MAIN)
