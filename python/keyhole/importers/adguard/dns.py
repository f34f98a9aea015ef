"""The section ``dns``: upstreams, refused names and resolver options."""

from dataclasses import replace

from keyhole.importers.adguard.rule import AdblockRule, read_adblock_rule
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_upstreams

_REFUSES = (
    ("aaaa_disabled", "Keyhole cannot remove the addresses of one family from answers"),
    ("use_dns64", "Keyhole does not synthesize addresses; use DNS64 on the network's gateway"),
)
_LISTED = (
    ("bogus_nxdomain", "Keyhole does not replace answers that hold certain addresses"),
    ("ipset", "Keyhole does not change the firewall"),
)


def take_dns(setup: Setup, report: Report, dns: Section) -> None:
    """Adds upstreams and refused names."""
    upstreams: list[str] = []
    for text in dns.texts("upstream_dns"):
        if text.startswith("[/"):
            _forwarding(report, text)
        elif text.strip() and not text.startswith("#"):
            upstreams.append(text)
    setup.servers += take_upstreams(setup, report, upstreams)
    fallbacks = take_upstreams(setup, report, dns.texts("fallback_dns"))
    setup.servers += [server for server in fallbacks if server not in setup.servers]
    if fallbacks:
        why = "they are tried after the other upstreams when those fail"
        report.taken(Kind.SETTING, "dns.fallback_dns", why)
    if file := dns.text("upstream_dns_file"):
        why = f"the upstreams are in {file} on that machine, not in this file; write Upstreams"
        report.left(Kind.SETTING, "dns.upstream_dns_file", why)
    for text in dns.texts("local_ptr_upstreams"):
        _forwarding(report, f"reverse names, {text}")
    if dns.texts("bootstrap_dns"):
        why = "not needed: every Upstream lists its addresses"
        report.left(Kind.SETTING, "dns.bootstrap_dns", why)
    _refused_names(setup, report, dns)
    _others(report, dns)


def _forwarding(report: Report, text: str) -> None:
    report.left(
        Kind.FORWARDING, text,
        "it forwards some names to another server; Keyhole selects upstreams by policy, not by "
        "name; write a Record for each name that you need",
    )  # fmt: skip


def _refused_names(setup: Setup, report: Report, dns: Section) -> None:
    bundle = Bundle("refused", for_all=True, origin="dns.blocked_hosts")
    for text in dns.texts("blocked_hosts"):
        try:
            rule = read_adblock_rule(text)
            if rule is None:
                continue
            if replace(rule, text="", matches=(), notes=()) != AdblockRule(""):
                raise ValueError("it has an exception or modifiers; write a rule by hand")
        except ValueError as error:
            report.left(Kind.RULE, f"blocked_hosts: {text}", str(error))
            continue
        bundle.rules.append(
            NameRule(
                rule.matches, answer="refused", important=True, title=text, origin=bundle.origin
            )
        )
        report.taken(Kind.RULE, f"blocked_hosts: {text}", "refused, even if another rule allows it")
    if bundle.rules:
        setup.bundles["refused"] = bundle


def _others(report: Report, dns: Section) -> None:
    for key, why in _REFUSES:
        if dns.flag(key, False):
            report.left(Kind.SETTING, f"dns.{key}", why)
    for key, why in _LISTED:
        if dns.texts(key):
            report.left(Kind.SETTING, f"dns.{key}", why)
    if dns.under("edns_client_subnet").flag("enabled", False):
        why = "Keyhole does not send client subnets to upstreams"
        report.left(Kind.SETTING, "dns.edns_client_subnet", why)
    if dns.number("ratelimit", 0) > 0:
        why = "Keyhole limits connections, not queries per client; see limits in keyhole.yaml"
        report.left(Kind.SETTING, "dns.ratelimit", why)
