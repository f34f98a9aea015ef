"""Advice on ``keyhole.yaml``: settings that are valid and probably a mistake."""

from collections.abc import Iterator

from keyhole.config.sections import Config
from keyhole.config.sections.api import advise_on_api
from keyhole.config.sections.listeners import AUTHENTICATED, TRANSPORTS
from keyhole.config.source_tree import Location, Node, locate
from keyhole.errors import Problem
from keyhole.model.address import Endpoint

_ENCRYPTED = ("dot", "doh")
# A network with a shorter prefix than this counts as the whole internet.
_WIDEST = {4: 8, 6: 16}


def advise(config: Config, node: Node, file: str) -> list[Problem]:
    """All advice, each with its place."""
    return [
        Problem(file, *locate_in_config(node, location), why, is_advice=True)
        for location, why in _advices(config)
    ]


def locate_in_config(node: Node, location: Location) -> tuple[int, str, str]:
    """Line, document (none) and path of a place in a config."""
    line, path = locate(node, location)
    return line, "", path


def _advices(config: Config) -> Iterator[tuple[Location, str]]:
    outside = [
        (transport, endpoint)
        for transport in AUTHENTICATED
        for endpoint in config.listen.of(transport)
        if not endpoint.ip.is_loopback
    ]
    yield from _unreachable(config, outside)
    yield from _open_udp(config)
    yield from _udp_alone(config)
    yield from _unnamed(config, outside)
    yield from _mesh(config)
    yield from _never_asked(config)
    yield from advise_on_api(config.api)
    if not any(config.listen.of(transport) for transport in TRANSPORTS):
        yield ["listen"], "every listener is turned off, so no query can arrive"


def _unreachable(
    config: Config, outside: list[tuple[str, Endpoint]]
) -> Iterator[tuple[Location, str]]:
    clients = [network for network in config.clients if not network.is_loopback]
    if outside and not clients:
        transport, endpoint = outside[0]
        why = (
            f"{transport} listens on {endpoint}, and clients holds only this machine, so all "
            "others get no answer over UDP, and REFUSED elsewhere; add their networks, such as "
            "192.0.2.0/24"
        )
        yield ["clients"], why
    if clients and not outside and not config.listen.mesh:
        why = (
            f"{clients[0]} is served, and every listener is on loopback, so it cannot reach one; "
            "add an address of this machine to listen"
        )
        yield ["clients"], why


def _open_udp(config: Config) -> Iterator[tuple[Location, str]]:
    wide = [one for one in config.clients if one.prefixlen < _WIDEST[one.version]]
    outside = [endpoint for endpoint in config.listen.udp if not endpoint.ip.is_loopback]
    if wide and outside:
        why = (
            f"{outside[0]} answers {wide[0]} over UDP, where senders can be forged; it could be "
            "used to flood others, so name the networks that you serve"
        )
        yield ["listen", "udp"], why


def _udp_alone(config: Config) -> Iterator[tuple[Location, str]]:
    """What is cut over UDP is asked again over TCP of the same address and port (RFC 7766 section
    5), and whoever offers UDP must offer both."""
    for index, udp in enumerate(config.listen.udp):
        if not any(_has(tcp, udp) for tcp in config.listen.tcp):
            why = (
                f"nothing listens on {udp} over TCP, where clients ask again for what does not "
                f"fit over UDP, and would get no answer; add {udp} to listen.tcp"
            )
            yield ["listen", "udp", index], why


def _has(tcp: Endpoint, udp: Endpoint) -> bool:
    is_there = tcp.ip == udp.ip or (tcp.ip.is_unspecified and tcp.ip.version == udp.ip.version)
    return is_there and tcp.port == udp.port


def _unnamed(config: Config, outside: list[tuple[str, Endpoint]]) -> Iterator[tuple[Location, str]]:
    if config.tls.certificate is not None or config.tls.names:
        return
    everywhere = [
        transport
        for transport, endpoint in outside
        if transport in _ENCRYPTED and endpoint.ip.is_unspecified
    ]
    if everywhere:
        why = (
            f"{everywhere[0]} listens on every address, and its certificate knows no name for it; "
            "name what clients will use, such as dns.example.org or 192.0.2.1"
        )
        yield ["tls", "names"], why


def _mesh(config: Config) -> Iterator[tuple[Location, str]]:
    if config.mesh.trust_domains and config.authentication.doh_cleartext == "permissive":
        why = (
            "a client of whom its sidecar says nothing is served as the network of the sidecar; "
            "use auto or strict, so that it is refused"
        )
        yield ["authentication", "doh_cleartext"], why
    peers = [network for network in config.mesh.peers if not network.is_loopback]
    outside = [endpoint for endpoint in config.listen.mesh if not endpoint.ip.is_loopback]
    if config.mesh.trust_domains and not (config.listen.mesh or config.listen.doh_cleartext):
        why = "no sidecar can name its client: neither listen.mesh nor listen.doh_cleartext is set"
        yield ["mesh", "trust_domains"], why
    if outside and not peers:
        why = (
            f"mesh listens on {outside[0]}, and mesh.peers holds only this machine, so all others "
            "are closed; add the networks of the sidecars, or listen on loopback"
        )
        yield ["mesh", "peers"], why
    if outside and peers:
        why = (
            f"every host in {peers[0]} can send queries to {outside[0]} as any client, "
            "unencrypted; keep the mesh listener on loopback, beside its sidecar, if you can"
        )
        yield ["listen", "mesh"], why


def _never_asked(config: Config) -> Iterator[tuple[Location, str]]:
    """Where strict was written and no certificate can be shown, somebody may expect that it can."""
    wanted = config.client_certificates
    for transport in ("dot", "doh"):
        asks = [wanted.of_listener(transport, one) for one in config.listen.of(transport)]
        if config.authentication.of(transport) != "strict" or not asks:
            continue
        if {*asks, *wanted.names.values()} == {"never"}:
            why = (
                f"no {transport} listener asks for a client certificate, so only tokens are "
                f"accepted; for clients with certificates set client_certificates.{transport}: "
                "ask, or give them a listener or a name that asks"
            )
            yield ["authentication", transport], why
