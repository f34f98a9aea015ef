"""``pihole.toml``: upstreams, local records, and the answer for blocked names."""

from keyhole.importers.addresses import plain_address
from keyhole.importers.forwarding import take_forwarding
from keyhole.importers.hosts import cname_records, host_records
from keyhole.importers.pihole.dnsmasq import take_dnsmasq
from keyhole.importers.policy_fields import take_blocked_ttl
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
        _forwarding(setup, report, text)
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
        with report.at(report.place_of("dns.hostRecord")):
            take_dnsmasq(setup, report, [f"host-record={line}"], "dns.hostRecord")


def _forwarding(setup: Setup, report: Report, text: str) -> None:
    """``ENABLED,NETWORK,SERVER[#PORT][,DOMAIN]``."""
    enabled, _, rest = text.partition(",")
    network, server, *names = [part.strip() for part in [*rest.split(","), ""]]
    if enabled.strip().lower() != "true":
        report.left(Kind.FORWARDING, text, "it is disabled")
        return
    take_forwarding(setup, report, text, [*filter(None, names), network], [server])


def _blocking(setup: Setup, report: Report, dns: Section) -> None:
    blocking = dns.under("blocking")
    if dns.has("blockTTL"):
        seconds = dns.number("blockTTL", -1)
        take_blocked_ttl(setup, report, f"dns.blockTTL = {seconds}", seconds)
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
        case "NODATA":
            setup.answer = "nodata"
            report.taken(Kind.SETTING, name, "answer: nodata")
        case "IP" | "IP_NODATA_AAAA":
            _own_address(setup, report, dns, name)
        case _:
            why = "the mode is unknown; answer: null (0.0.0.0 and ::) is used"
            report.changed(Kind.SETTING, name, why)


def _own_address(setup: Setup, report: Report, dns: Section, name: str) -> None:
    reply = dns.under("reply", "blocking")
    force4, force6 = reply.flag("force4", False), reply.flag("force6", False)
    own, own6 = reply.text("IPv4"), reply.text("IPv6")
    address = (plain_address(own) if force4 else None) or (plain_address(own6) if force6 else None)
    if address is not None:
        setup.answer = address
        why = f"answer: {address}, a single address; other types get an empty answer"
    else:
        why = "answer: null (0.0.0.0 and ::), not Pi-hole's own address"
    report.changed(Kind.SETTING, name, why)


def _special_names(setup: Setup, report: Report, dns: Section) -> None:
    special = dns.under("specialDomains")
    special_names = bool(special.value)
    if special.flag("iCloudPrivateRelay", True) and special_names:
        title = "dns.specialDomains.iCloudPrivateRelay"
        rule = NameRule(_RELAY, answer="nxdomain", title=title, origin=title)
        setup.bundles["special"] = Bundle("special", rules=[rule], for_all=True, origin=title)
        report.taken(Kind.RULE, title, f"{' and '.join(_RELAY)} do not exist, for all clients")
    for key in ("mozillaCanary", "designatedResolver"):
        if special.flag(key, True) and special_names:
            report.taken(Kind.SETTING, f"dns.specialDomains.{key}", "Keyhole always does this")
        elif special_names:
            why = "Keyhole always does this, so that browsers and phones keep to it"
            report.left(Kind.SETTING, f"dns.specialDomains.{key} = false", why)


def _privacy(setup: Setup, report: Report, root: Section) -> None:
    level = root.under("misc").number("privacylevel", 0)
    if level <= 0:
        return
    setup.log = "none"
    why = "log: none; Keyhole can hide the client (log: anonymous) or all, not names alone"
    report.changed(Kind.SETTING, f"misc.privacylevel = {level}", why)


_SWITCHES = (
    ("dns.CNAMEdeepInspect", True, "Keyhole always checks what an alias leads to"),
    ("dns.domainNeeded", False, "Keyhole also sends names of one label to upstreams"),
    ("dns.bogusPriv", True, "Keyhole always answers names of private addresses (RFC 6303)"),
    ("dns.ignoreLocalhost", False, "Keyhole records queries of all clients; see log of a Policy"),
    ("dns.dnssec", False, "write validate: on under upstreams of the policy"),
    ("dns.expandHosts", False, "write the whole name in a Record"),
    ("dns.EDNS0ECS", False, "Keyhole does not identify clients by a client subnet"),
    ("dhcp.active", False, "Keyhole is no DHCP server; use the router's"),
)
"""Switches, what Keyhole does, and why the other value is left."""


def _rest(report: Report, root: Section) -> None:
    for path, ours, why in _SWITCHES:
        *above, key = path.split(".")
        section = root.under(*above)
        if section.flag(key, ours) is not ours:
            report.left(Kind.SETTING, path, why)
    _local_domain(report, root.under("dns"), is_there=bool(root.value))
    why = "Keyhole is no DHCP server; the address is used for a client with this hardware address"
    for text in root.under("dhcp").texts("hosts"):
        report.left(Kind.SETTING, f"dhcp.hosts: {text}", why)
    if root.value:
        why = (
            "Pi-hole passes private addresses in answers for public names; Keyhole removes them "
            "(DNS rebinding) unless a policy says privateAddresses: allow"
        )
        report.changed(Kind.SETTING, "private addresses in answers", why)


def _local_domain(report: Report, dns: Section, *, is_there: bool) -> None:
    is_text = isinstance(dns.value.get("domain"), str)  # before Pi-hole 6.3
    place, key = (dns, "domain") if is_text else (dns.under("domain"), "name")
    local = place.text(key)
    if local and is_there:
        why = (
            f"names below {local} without a Record are sent to upstreams, where most of them do "
            "not exist"
        )
        report.left(Kind.SETTING, f"{place.place_of(key)} = {local}", why)
