"""Reads Unbound's settings."""

from collections.abc import Sequence
from pathlib import Path

from keyhole.importers.addresses import plain_address
from keyhole.importers.config_files import config_lines
from keyhole.importers.error import ImporterError
from keyhole.importers.forwarding import take_forwarding
from keyhole.importers.policy_fields import take_private_name
from keyhole.importers.product_settings import Bundle, ListSource, Setup
from keyhole.importers.report import Disposition, Kind, Report
from keyhole.importers.unbound.clauses import Clause, Setting, read_clauses
from keyhole.importers.unbound.left import REASONS, SECRETS, SECTIONS
from keyhole.importers.unbound.local import (
    allow_data,
    take_local_data,
    take_pointer,
    take_zone,
    zones_of,
)
from keyhole.importers.upstreams import take_upstreams

MAIN, BESIDE = "unbound.conf", "unbound.conf.d"
_UNKNOWN = "the importer does not know this setting of Unbound"
_LISTS = "rpz"
_BLOCKING = ("", "nxdomain", "nodata", "drop")
_CONVERTED = frozenset(
    [
        "local-zone",
        "local-data",
        "local-data-ptr",
        "private-domain",
        "private-address",
        "log-queries",
    ]
)


def read_unbound(file: Path, report: Report) -> Setup:
    """Reads the file, or a folder with ``unbound.conf`` and ``unbound.conf.d``; raises
    `ImporterError` where it is none of Unbound."""
    setup = Setup("Unbound", answer="nxdomain")
    clauses = [
        clause
        for name, lines in config_lines(file, report, MAIN, BESIDE, _is_skipped)
        for clause in read_clauses(name, lines)
    ]
    settings = [one for clause in clauses for one in clause.settings]
    known = _CONVERTED | REASONS.keys()
    if not any(one.key in known or one.section != "server" for one in settings):
        raise ImporterError(
            f"{file.name} holds no setting of Unbound; give unbound.conf, or the folder with it "
            "and unbound.conf.d"
        )
    redirected = {
        one.value.split()[0].rstrip(".").lower()
        for one in settings
        if one.key == "local-zone" and one.value.split()[1:] == ["redirect"]
    }
    zones = zones_of(one.value for one in settings if one.key == "local-zone")
    for clause in clauses:
        match clause.section:
            case "server":
                for one in clause.settings:
                    with report.at(one.place):
                        _server(setup, report, one, redirected, zones)
            case "forward-zone":
                _forward(setup, report, clause)
            case "rpz":
                _rpz(setup, report, clause)
            case _:
                _leave(report, clause.settings)
    allow_data(setup)
    if not any(one.key == "private-address" for one in settings):
        why = "Keyhole withholds private addresses in answers for public names; see private-domain"
        report.changed(Kind.SETTING, "without private-address", why)
    return setup


def _is_skipped(name: str) -> bool:
    return not name.endswith(".conf")


def _server(
    setup: Setup, report: Report, one: Setting, redirected: set[str], zones: dict[str, str]
) -> None:
    match one.key:
        case "local-zone":
            take_zone(setup, report, one.text, one.value, zones)
        case "local-data":
            take_local_data(setup, report, one.value, redirected)
        case "local-data-ptr":
            take_pointer(setup, report, one.value)
        case "private-domain":
            take_private_name(setup, report, one.text, one.value)
        case "private-address":
            why = "privateAddresses: block, which is about every private network"
            report.changed(Kind.SETTING, one.text, why)
        case "log-queries":
            why = "Keyhole logs each query, unless a policy says otherwise"
            report.taken(Kind.SETTING, one.text, why)
        case key if key in REASONS:
            report.left(Kind.SETTING, key if key in SECRETS else one.text, REASONS[key])
        case key:
            # The value of a setting that nobody knows may be a secret.
            report.left(Kind.SETTING, key, _UNKNOWN)


def _forward(setup: Setup, report: Report, clause: Clause) -> None:
    """``forward-zone``: its servers for all names below it; ``.`` is for all other names."""
    encrypts = "yes" in (clause.value("forward-tls-upstream"), clause.value("forward-ssl-upstream"))
    servers = clause.all("forward-addr") + clause.all("forward-host")
    name = clause.value("name")
    if name == "." and setup.servers:
        why = "Unbound takes the first forward-zone for all names alone"
        report.left(Kind.FORWARDING, "forward-zone .", why, clause.settings[0].place)
        _leave(report, clause.settings)
        return
    texts = {one: _upstream(one.value, encrypts=encrypts) for one in servers}
    for one in servers:
        with report.at(one.place):
            report.derive(texts[one], one.text)
    with report.at(clause.settings[0].place if clause.settings else None):
        if name == ".":
            found = take_upstreams(setup, report, list(texts.values()))
            setup.servers += found
            is_taken = bool(found)
        else:
            title = f"forward-zone {name or 'without a name'}"
            take_forwarding(setup, report, title, [name], list(texts.values()))
            is_taken = report.items[-1].disposition is not Disposition.LEFT
    # Servers for all names have items of their own.
    parts = {"name", "forward-tls-upstream", "forward-ssl-upstream"}
    parts |= set() if name == "." else {"forward-addr", "forward-host"}
    for one in clause.settings:
        if one.key in parts and is_taken:
            report.taken(Kind.SETTING, one.text, "part of its forward-zone", one.place)
        elif one.key in parts:
            report.left(Kind.SETTING, one.text, "no server of it is taken", one.place)
    told = parts | {"forward-addr", "forward-host"}
    _leave(report, [one for one in clause.settings if one.key not in told])


def _upstream(text: str, *, encrypts: bool) -> str:
    """``ADDRESS@PORT#NAME`` as other products write it."""
    rest, _, name = text.partition("#")
    host, _, port = rest.partition("@")
    shown = f"[{host}]" if plain_address(host) and ":" in host else host
    at = f"{shown}:{port}" if port else shown
    protocol = "tls" if encrypts else "udp"
    return f"{protocol}://{at}{f'#{name}' if name else ''}"


def _rpz(setup: Setup, report: Report, clause: Clause) -> None:
    override = clause.value("rpz-action-override")
    urls = clause.all("url")
    is_block, is_allow = override in _BLOCKING, override == "passthru"
    if not urls or not (is_block or is_allow) or clause.all("tags"):
        _leave(report, clause.settings)
        return
    bundle = setup.bundles.setdefault(_LISTS, Bundle(_LISTS, for_all=True, origin=MAIN))
    title = clause.value("name")
    for one in urls:
        with report.at(one.place):
            report.derive(one.value, one.text)
            bundle.lists.append(ListSource(one.value, is_allow, title, MAIN))
    told = {*clause.all("name"), *clause.all("rpz-action-override")}
    for one in clause.settings:
        if one in told:
            report.taken(Kind.SETTING, one.text, "part of its list", one.place)
    told.update(urls)
    _leave(report, [one for one in clause.settings if one not in told])


def _leave(report: Report, settings: Sequence[Setting]) -> None:
    for one in settings:
        report.left(Kind.SETTING, f"{one.section}: {one.key}", SECTIONS[one.section], one.place)
