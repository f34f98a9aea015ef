"""Reads blocky's ``config.yml``, including deprecated key names."""

from pathlib import Path

from keyhole.importers.archive import check_size
from keyhole.importers.blocky.blocking import take_blocking
from keyhole.importers.blocky.clients import Clients
from keyhole.importers.blocky.local import take_local
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, read_yaml_file, scalar_text
from keyhole.importers.upstreams import take_upstreams

_KNOWN = {"upstreams", "upstream", "blocking", "customDNS", "conditional"}
_OTHERS = {
    "caching": "see cache in keyhole.yaml",
    "prometheus": "Keyhole has no such setting yet",
    "redis": "Keyhole needs no other service",
    "ports": "see listen in keyhole.yaml",
    "certFile": "see tls in keyhole.yaml",
    "bootstrapDns": "not needed: every Upstream lists its addresses",
    "filtering": "rules in Keyhole cannot answer one type of all names with an empty answer",
    "fqdnOnly": "Keyhole also sends names of one label to upstreams",
    "ecs": "Keyhole does not send client subnets to upstreams",
    "dns64": "Keyhole does not synthesize addresses",
    "rateLimit": "Keyhole limits connections, not queries per client; see limits in keyhole.yaml",
    "dnssec": "Keyhole does not validate; choose an upstream that does",
}


def read_blocky(file: Path, report: Report) -> Setup:
    """Reads the file; raises `ImporterError` where it is not blocky's."""
    check_size(file, MAX_STRUCTURED)
    root = Section(read_yaml_file(file.read_bytes(), file.name), report)
    if not _KNOWN & set(root.value):
        raise ImporterError(f"{file.name} has none of {', '.join(sorted(_KNOWN))}; give config.yml")
    setup = Setup("blocky")
    known = _bootstrap(root)
    clients = Clients(setup, report, root.under("clientLookup"))
    groups = root.under("upstreams", "groups")
    key, parent = ("groups", root.under("upstreams")) if groups.value else ("upstream", root)
    for name, _ in parent.entries(key):
        servers = take_upstreams(setup, report, parent.under(key).texts(name), addresses=known)
        if name == "default":
            setup.servers = servers
        elif servers:
            for client in clients.clients_of(name, "upstreams.groups"):
                client.servers = tuple(servers)
    take_blocking(setup, report, root.under("blocking"), clients)
    take_local(setup, report, root)
    _rest(setup, report, root)
    clients.finish()
    return setup


def _bootstrap(root: Section) -> dict[str, list[str]]:
    """The addresses of upstream names, from ``bootstrapDns``."""
    value = root.value.get("bootstrapDns")
    entries = value if isinstance(value, list) else [value]
    found: dict[str, list[str]] = {}
    for one in entries:
        if isinstance(one, dict) and isinstance(one.get("ips"), list):
            host = str(one.get("upstream", "")).partition("://")[2] or str(one.get("upstream", ""))
            host = host.removeprefix("tcp-tls:").partition("/")[0].partition(":")[0]
            found[host] = [text for ip in one["ips"] if (text := scalar_text(ip))]
    return found


def _rest(setup: Setup, report: Report, root: Section) -> None:
    if root.under("queryLog").text("type") == "none":
        setup.log = "none"
        report.taken(Kind.SETTING, "queryLog.type = none", "log: none")
    rebinding = root.under("rebindingProtection")
    if rebinding.flag("enable", False):
        report.taken(Kind.SETTING, "rebindingProtection", "privateAddresses: block")
        for name in rebinding.texts("allowedDomains"):
            why = "Keyhole allows private addresses per policy, not per name; write a Record for it"
            report.left(Kind.SETTING, f"rebindingProtection.allowedDomains {name}", why)
    else:
        why = (
            "blocky passes private addresses in answers for public names; Keyhole removes them "
            "(DNS rebinding) unless a policy says privateAddresses: allow"
        )
        report.changed(Kind.SETTING, "private addresses in answers", why)
    for key, why in _OTHERS.items():
        if key in root.value:
            report.left(Kind.SETTING, key, why)
