"""Reads blocky's ``config.yml``, including deprecated key names."""

from pathlib import Path

from keyhole.importers.archive import check_size
from keyhole.importers.blocky.blocking import take_blocking
from keyhole.importers.blocky.clients import Clients
from keyhole.importers.blocky.left import REASONS
from keyhole.importers.blocky.local import take_local
from keyhole.importers.blocky.rest import take_rest
from keyhole.importers.error import ImporterError
from keyhole.importers.limits import MAX_STRUCTURED
from keyhole.importers.product_settings import Setup
from keyhole.importers.report import Kind, Report
from keyhole.importers.typed_reader import Section, read_yaml_file, scalar_text
from keyhole.importers.upstreams import take_upstreams

_KNOWN = {"upstreams", "upstream", "blocking", "customDNS", "conditional"}


def read_blocky(file: Path, report: Report) -> Setup:
    """Reads the file; raises `ImporterError` where it is not blocky's."""
    check_size(file, MAX_STRUCTURED)
    root = read_yaml_file(file.read_bytes(), file.name, report)
    if not _KNOWN & set(root.value):
        raise ImporterError(f"{file.name} has none of {', '.join(sorted(_KNOWN))}; give config.yml")
    setup = Setup("blocky", reasons=REASONS)
    known = _bootstrap(root)
    clients = Clients(setup, report, root.under("clientLookup"))
    for parent, key in ((root, "upstream"), (root.under("upstreams"), "groups")):
        _upstreams(setup, report, parent, key, known, clients)
    take_blocking(setup, report, root.under("blocking"), clients)
    take_local(setup, report, root, known)
    take_rest(setup, report, root)
    clients.finish()
    return setup


def _upstreams(
    setup: Setup,
    report: Report,
    parent: Section,
    key: str,
    known: dict[str, list[str]],
    clients: Clients,
) -> None:
    """The groups of upstreams; ``default`` is for the clients of no other group."""
    for name, _ in parent.entries(key):
        section = parent.under(key)
        with report.at(report.place_of(section.place_of(name))):
            servers = take_upstreams(setup, report, section.texts(name), addresses=known)
            if name == "default":
                setup.servers = servers
            elif servers:
                for client in clients.clients_of(name, "upstreams.groups"):
                    client.servers = tuple(servers)
            else:
                why = f"none of its upstreams is taken, so its clients use the others: {name}"
                report.left(Kind.GROUP, f"upstreams for {name}", why)


def _bootstrap(root: Section) -> dict[str, list[str]]:
    """The addresses of upstream names, from ``bootstrapDns``."""
    value = root.value.get("bootstrapDns")
    entries = value if isinstance(value, list) else [value]
    found: dict[str, list[str]] = {}
    for at, one in enumerate(entries):
        if isinstance(one, dict) and isinstance(one.get("ips"), list):
            host = str(one.get("upstream", "")).partition("://")[2] or str(one.get("upstream", ""))
            host = host.removeprefix("tcp-tls:").partition("/")[0].partition(":")[0]
            root.file.mark(
                f"bootstrapDns[{at}]" if isinstance(value, list) else "bootstrapDns", one
            )
            found[host] = [text for ip in one["ips"] if (text := scalar_text(ip))]
    return found
