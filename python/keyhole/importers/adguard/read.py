"""Reads ``AdGuardHome.yaml`` of any schema version with the present form of lists and clients."""

from pathlib import Path

from keyhole.importers.adguard.clients import take_allowed, take_clients
from keyhole.importers.adguard.dns import take_dns
from keyhole.importers.adguard.filtering import take_filtering
from keyhole.importers.adguard.left import REASONS
from keyhole.importers.adguard.user_rules import take_user_rules
from keyhole.importers.archive import check_size
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.product_settings import Bundle, ListSource, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, read_yaml_file
from keyhole.importers.urls import list_url, take_refresh

FILTERS = "filters"
"""The key of the bundle with lists and user rules, for all clients with filtering."""


def read_adguard(file: Path, report: Report) -> Setup:
    """Reads the file; raises `ImporterError` where it is not AdGuard Home's."""
    check_size(file, MAX_STRUCTURED)
    root = read_yaml_file(file.read_bytes(), file.name, report)
    if not {"dns", "filters"} & set(root.value):
        raise ImporterError(
            f"{file.name} has neither dns nor filters; give the AdGuardHome.yaml of AdGuard Home"
        )
    setup = Setup("AdGuard Home", default_bundles=(FILTERS,), reasons=REASONS)
    setup.bundles[FILTERS] = Bundle(FILTERS, origin="filters and user_rules")
    take_dns(setup, report, root.under("dns"))
    _lists(setup, report, root, "filters", allow=False)
    _lists(setup, report, root, "whitelist_filters", allow=True)
    take_filtering(setup, report, root)
    take_clients(setup, report, root, FILTERS)
    take_user_rules(setup, report, root.texts("user_rules"), FILTERS)
    take_allowed(setup, report, root.under("dns"))
    for place in ("filtering", "dns"):
        section = root.under(place)
        if section.has("filters_update_interval"):
            hours = section.number("filters_update_interval", 24)
            take_refresh(setup, report, f"{place}.filters_update_interval", hours * 3600)
    _log(setup, report, root)
    _differences(report, root)
    return setup


def _lists(setup: Setup, report: Report, root: Section, key: str, *, allow: bool) -> None:
    for one in root.sections(key):
        with report.at(one.place):
            _list(setup, report, one, allow=allow)


def _list(setup: Setup, report: Report, one: Section, *, allow: bool) -> None:
    address, title = one.text("url"), one.text("name")
    one.ignore("id")  # numbers AdGuard's own copy
    name = address or title or one.path
    if not one.flag("enabled", True):
        report.left(Kind.LIST, name, "it is disabled", one.place)
        return
    try:
        url, changes = list_url(address)
    except ValueError as error:
        report.left(Kind.LIST, name, str(error), one.place)
        return
    source = ListSource(url, allow, title, f"{one.path}: {title}")
    setup.bundles[FILTERS].lists.append(source)
    report.add(Kind.LIST, name, changes, at=one.place)


def _log(setup: Setup, report: Report, root: Section) -> None:
    log, dns = root.under("querylog"), root.under("dns")
    enabled = log.flag("enabled", True) and dns.flag("querylog_enabled", True)
    key = "querylog.enabled" if log.has("enabled") else "dns.querylog_enabled"
    anonymous = dns.flag("anonymize_client_ip", False)
    if not enabled:
        setup.log = "none"
        report.taken(Kind.SETTING, f"{key} = false", "log: none")
    elif anonymous:
        setup.log = "anonymous"
        why = "log: anonymous, which records nothing about the client; AdGuard keeps its network"
        report.changed(Kind.SETTING, "dns.anonymize_client_ip", why)


def _differences(report: Report, root: Section) -> None:
    if root.under("dhcp").flag("enabled", False):
        why = "Keyhole is no DHCP server; use the router's"
        report.left(Kind.SETTING, "dhcp.enabled", why)
    report.changed(
        Kind.SETTING, "allow lists and exceptions in lists against user rules",
        "in AdGuard an exception wins over any block, in rules and in lists; in Keyhole every rule "
        "wins over every list",
    )  # fmt: skip
    report.changed(
        Kind.SETTING, "private addresses in answers",
        "AdGuard passes private addresses in answers for public names; Keyhole removes them (DNS "
        "rebinding) unless a policy says privateAddresses: allow",
    )  # fmt: skip
