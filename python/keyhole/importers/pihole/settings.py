"""``pihole.toml``: upstreams, local records, and the answer for blocked names."""

from keyhole.importers.addresses import plain_address
from keyhole.importers.hosts import cname_records, host_records
from keyhole.importers.pihole.dnsmasq import take_dnsmasq
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_upstreams

_RELAY = ("mask.icloud.com", "mask-h2.icloud.com")


def take_settings(setup: Setup, report: Report, root: Section) -> None:
    """Adds all settings."""
    dns = root.under("dns")
    setup.servers += take_upstreams(setup, report, dns.texts("upstreams"))
    _records(setup, report, dns)
    for text in dns.texts("revServers"):
        _forwarding(report, text)
    _blocking(setup, report, dns)
    _special_names(setup, report, dns)
    _privacy(setup, report, root)
    take_dnsmasq(setup, report, root.under("misc").texts("dnsmasq_lines"), "misc.dnsmasq_lines")
    _rest(report, root)


def _records(setup: Setup, report: Report, dns: Section) -> None:
    for line in dns.texts("hosts"):
        host_records(setup, report, line, "dns.hosts")
    for line in dns.texts("cnameRecords"):
        cname_records(setup, report, line, "dns.cnameRecords")
    if line := dns.text("hostRecord"):
        take_dnsmasq(setup, report, [f"host-record={line}"], "dns.hostRecord")


def _forwarding(report: Report, text: str) -> None:
    enabled, _, rest = text.partition(",")
    network, server, *domain = [*rest.split(","), ""]
    if enabled.strip().lower() != "true":
        report.left(Kind.FORWARDING, text, "it is disabled")
        return
    about = f"names of {network}" + (f" and below {domain[0]}" if domain and domain[0] else "")
    report.left(
        Kind.FORWARDING, text,
        f"it forwards {about} to {server} without encryption; Keyhole's upstreams are encrypted, "
        "and selected by policy, not by name; write a Record for each name that you need",
    )  # fmt: skip


def _blocking(setup: Setup, report: Report, dns: Section) -> None:
    blocking = dns.under("blocking")
    if not blocking.flag("active", True):
        setup.observe_only = True
        report.changed(
            Kind.SETTING, "dns.blocking.active = false",
            "blocking was off, so every policy has mode: observe, which only records what it would "
            "block; remove those lines to block",
        )  # fmt: skip
    mode = blocking.text("mode", "NULL").upper()
    name = f"dns.blocking.mode = {mode}"
    match mode:
        case "NULL":
            report.taken(Kind.SETTING, name, "answer: null")
        case "NX":
            setup.answer = "nxdomain"
            report.taken(Kind.SETTING, name, "answer: nxdomain")
        case "IP" | "IP_NODATA_AAAA":
            _own_address(setup, report, dns, name)
        case _:
            why = "answer: null (0.0.0.0 and ::), because Keyhole has no empty answer"
            report.changed(Kind.SETTING, name, why)


def _own_address(setup: Setup, report: Report, dns: Section, name: str) -> None:
    reply = dns.under("reply", "blocking")
    address = plain_address(reply.text("IPv4")) if reply.flag("force4", False) else None
    if address is not None:
        setup.answer = address
        why = f"answer: {address}, for A alone; other types get an empty answer"
    else:
        why = "answer: null (0.0.0.0 and ::), not Pi-hole's own address"
    report.changed(Kind.SETTING, name, why)


def _special_names(setup: Setup, report: Report, dns: Section) -> None:
    special = dns.under("specialDomains")
    if special.flag("iCloudPrivateRelay", True) and special.value:
        title = "dns.specialDomains.iCloudPrivateRelay"
        rule = NameRule(_RELAY, answer="nxdomain", title=title, origin=title)
        setup.bundles["special"] = Bundle("special", rules=[rule], for_all=True, origin=title)
        report.taken(Kind.RULE, title, f"{' and '.join(_RELAY)} do not exist, for all clients")
    for key in ("mozillaCanary", "designatedResolver"):
        if special.flag(key, True) and special.value:
            report.taken(Kind.SETTING, f"dns.specialDomains.{key}", "Keyhole always does this")


def _privacy(setup: Setup, report: Report, root: Section) -> None:
    level = root.under("misc").number("privacylevel", 0)
    if level <= 0:
        return
    setup.log = "none"
    why = "log: none; Keyhole can hide the client (log: anonymous) or all, not names alone"
    report.changed(Kind.SETTING, f"misc.privacylevel = {level}", why)


def _rest(report: Report, root: Section) -> None:
    dns = root.under("dns")
    if dns.flag("dnssec", False):
        why = "Keyhole does not validate; choose an upstream that does"
        report.left(Kind.SETTING, "dns.dnssec", why)
    local = dns.under("domain").text("name")
    if local and root.value:
        why = (
            f"names below {local} without a Record are sent to upstreams, where most of them do "
            "not exist"
        )
        report.left(Kind.SETTING, f"dns.domain.name = {local}", why)
    if root.under("dhcp").flag("active", False):
        why = "Keyhole is no DHCP server; use the router's"
        report.left(Kind.SETTING, "dhcp.active", why)
    if root.value:
        why = (
            "Pi-hole passes private addresses in answers for public names; Keyhole removes them "
            "(DNS rebinding) unless a policy says privateAddresses: allow"
        )
        report.changed(Kind.SETTING, "private addresses in answers", why)
    others = [
        key for key in ("webserver", "database", "resolver", "ntp", "files") if key in root.value
    ]
    if others:
        why = "they configure Pi-hole's own programs; see keyhole.yaml for Keyhole's"
        report.left(Kind.SETTING, ", ".join(others), why)
