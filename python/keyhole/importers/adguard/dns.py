"""The section ``dns``: upstreams, refused names and resolver options."""

from dataclasses import replace

from keyhole.importers.adguard.rule import AdblockRule, read_adblock_rule
from keyhole.importers.durations import seconds_of
from keyhole.importers.forwarding import PRIVATE_REVERSE, take_forwarding
from keyhole.importers.policy_fields import take_types
from keyhole.importers.product_settings import Bundle, NameRule, Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section
from keyhole.importers.upstreams import take_timeout, take_upstreams

_REFUSES = (
    ("use_dns64", "Keyhole does not synthesize addresses; use DNS64 on the network's gateway"),
    ("enable_dnssec", "write validate: on under upstreams of the policy"),
    ("serve_http3", "Keyhole serves HTTP/2 and HTTP/1.1"),
    ("use_http3_upstreams", "Keyhole uses HTTP/2 to upstreams"),
    ("cache_optimistic", "Keyhole's cache keeps to the TTL, but for stale answers in an outage"),
)
_MODES = {
    "parallel": "Keyhole asks upstreams in order, and a second one where the first is slow",
    "load_balance": "Keyhole asks upstreams in order, and does not spread queries over them",
    "fastest_addr": "Keyhole does not measure addresses of answers; it asks upstreams in order",
}
_LISTED = (
    ("bogus_nxdomain", "Keyhole does not replace answers that hold certain addresses"),
    ("ipset", "Keyhole does not change the firewall"),
)


def take_dns(setup: Setup, report: Report, dns: Section) -> None:
    """Adds upstreams and refused names."""
    upstreams: list[str] = []
    for text in dns.texts("upstream_dns"):
        if text.strip().startswith("[/"):
            domains, servers = read_forwarding(text)
            take_forwarding(setup, report, text, domains, servers)
        elif text.strip() and not text.strip().startswith("#"):
            upstreams.append(text)
    setup.servers += take_upstreams(setup, report, upstreams)
    _mode(setup, report, dns)
    fallbacks = take_upstreams(setup, report, dns.texts("fallback_dns"))
    setup.servers += [server for server in fallbacks if server not in setup.servers]
    if fallbacks:
        why = "they are tried after the other upstreams when those fail"
        report.taken(Kind.SETTING, "dns.fallback_dns", why)
    if file := dns.text("upstream_dns_file"):
        why = f"the upstreams are in {file} on that machine, not in this file; write Upstreams"
        report.left(Kind.SETTING, "dns.upstream_dns_file", why)
    for text in dns.texts("local_ptr_upstreams"):
        take_forwarding(setup, report, f"reverse names: {text}", PRIVATE_REVERSE, [text])
    dns.leave("bootstrap_dns", "not needed: every Upstream lists its addresses")
    _refused_names(setup, report, dns)
    _others(setup, report, dns)


def read_forwarding(text: str) -> tuple[list[str], list[str]]:
    """The domains and the servers of a line such as ``[/corp.example/lan/]10.0.0.1 10.0.0.2``."""
    domains, _, servers = text.strip().removeprefix("[/").partition("/]")
    return domains.split("/"), servers.split()


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


def _mode(setup: Setup, report: Report, dns: Section) -> None:
    mode = dns.text("upstream_mode")
    for key, old in (("all_servers", "parallel"), ("fastest_addr", "fastest_addr")):
        if dns.flag(key, False):  # before schema 27
            report.changed(Kind.SETTING, f"dns.{key}", _MODES[old])
    if text := dns.text("upstream_timeout"):
        take_timeout(setup, report, f"dns.upstream_timeout = {text}", seconds_of(text, bare=1))
    if mode:
        why = _MODES.get(mode, "the mode is unknown; Keyhole asks upstreams in order")
        report.changed(Kind.SETTING, f"dns.upstream_mode = {mode}", why)


def _others(setup: Setup, report: Report, dns: Section) -> None:
    if dns.flag("aaaa_disabled", False):
        place = report.place_of("dns.aaaa_disabled")
        take_types(setup, report, "dns.aaaa_disabled", ["AAAA"], place)
    for key, why in _REFUSES:
        if dns.flag(key, False):
            report.left(Kind.SETTING, f"dns.{key}", why)
    for key, why in _LISTED:
        if dns.texts(key):
            report.left(Kind.SETTING, f"dns.{key}", why, report.place_of(f"dns.{key}"))
    if dns.has("refuse_any"):
        why = "Keyhole answers queries for ANY with one small record (RFC 8482), always"
        report.changed(Kind.SETTING, "dns.refuse_any", why)
    subnet = dns.under("edns_client_subnet")
    if not subnet.flag("enabled", False):
        subnet.ignore(*subnet.value)  # Keyhole sends none either
