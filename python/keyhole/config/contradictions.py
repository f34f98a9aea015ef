"""Settings that are valid one by one and contradict each other."""

from collections.abc import Iterator

from keyhole.config.advice import locate_in_config
from keyhole.config.sections import Config
from keyhole.config.sections.events import OF_QUERIES
from keyhole.config.source_tree import Location, Node
from keyhole.errors import Problem
from keyhole.model.address import is_address

_NO_CREDENTIALS = ("udp", "tcp")


def contradictions(config: Config, node: Node, file: str) -> list[Problem]:
    """All contradictions, each with its place."""
    found = [
        *_strict_cleartext(config),
        *_mesh_without_domains(config),
        *_dnstap_without_log(config),
        *_events_without_log(config),
        *_kiali_without_history(config),
        *_traces_beyond_a_forwarder(config),
        *_unknown_listeners(config),
        *_unknown_names(config),
    ]
    return [Problem(file, *locate_in_config(node, location), why) for location, why in found]


def _strict_cleartext(config: Config) -> Iterator[tuple[Location, str]]:
    for transport in _NO_CREDENTIALS:
        for index, listener in enumerate(config.listen.of(transport)):
            if config.admits_networks(transport, listener):
                continue
            wanted = config.authentication.of(transport)
            strict = "auto is strict" if wanted == "auto" else "it is strict"
            where = "off loopback" if wanted == "auto" else "here"
            why = (
                f"{strict} {where}, and clients of {transport} have no certificate or token to "
                f"show, so {listener} would refuse all; set authentication.{transport}: permissive "
                "to serve them by their network, or use dot or doh"
            )
            yield ["listen", transport, index], why
            break


def _mesh_without_domains(config: Config) -> Iterator[tuple[Location, str]]:
    if config.listen.mesh and not config.mesh.trust_domains:
        why = (
            f"{config.listen.mesh[0]} would refuse all; name the trust domains of the workloads "
            "behind its sidecars in mesh.trust_domains, such as cluster.local"
        )
        yield ["listen", "mesh"], why


def _dnstap_without_log(config: Config) -> Iterator[tuple[Location, str]]:
    for key in ("file", "socket"):
        if getattr(config.dnstap, key) is not None and not config.log.keep:
            why = "dnstap is made of the query log, and log.keep is 0B; keep one, such as 64MiB"
            yield ["dnstap", key], why


def _events_without_log(config: Config) -> Iterator[tuple[Location, str]]:
    events = config.events
    for name, receiver, target in (
        ("syslog", events.syslog, events.syslog.server),
        ("webhook", events.webhook, events.webhook.url),
    ):
        chosen = [one for one in OF_QUERIES if one in receiver.kinds and one != "findings"]
        if target is not None and chosen and not config.log.keep:
            why = (
                f"{chosen[0]} come from the query log, and log.keep is 0B; keep one, such as 64MiB"
            )
            yield ["events", name, "kinds"], why


def _kiali_without_history(config: Config) -> Iterator[tuple[Location, str]]:
    if not config.kiali.enabled:
        return
    if not config.log.keep or not config.log.history:
        key = "history" if config.log.keep else "keep"
        why = f"its series are made of the query history, and log.{key} is 0B; keep one"
        yield ["kiali", "enabled"], why
    if not config.health.control:
        why = "its series are on the metrics page of control, and health.control is empty"
        yield ["kiali", "enabled"], why


def _traces_beyond_a_forwarder(config: Config) -> Iterator[tuple[Location, str]]:
    if config.role == "forwarder" and config.traces.forwarders:
        why = "a forwarder tells no upstream about a trace; leave it out here"
        yield ["traces", "forwarders"], why


def _unknown_listeners(config: Config) -> Iterator[tuple[Location, str]]:
    known = [str(endpoint) for endpoint in (*config.listen.dot, *config.listen.doh)]
    for address in config.client_certificates.listeners:
        if address not in known:
            why = (
                f"{address} is not in listen.dot or listen.doh; there are "
                f"{', '.join(known) or 'no such listeners'}"
            )
            yield ["client_certificates", "listeners", address], why


def _unknown_names(config: Config) -> Iterator[tuple[Location, str]]:
    for name in config.client_certificates.names:
        location: Location = ["client_certificates", "names", name]
        if is_address(name):
            why = (
                f"{name} is an address, and a TLS client sends none as the server name; use "
                "listeners, or give a name"
            )
            yield location, why
        elif name not in config.tls.names:
            yield location, f"{name} is not in tls.names; add it there, so that clients find it"
