"""Traps on the way of a query: Services, clients and CoreDNS."""

import re
from collections.abc import Iterator

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, Tree, World, inner, listed, texts
from keyhole.mesh.strict import is_strict

_DNS = 53
_CAPTURE = "ambient.istio.io/dns-capture"
_FORWARD = re.compile(r"(?m)^\s*forward\s+(\S+)\s+(.+?)\s*(?:\{([^}]*)\}|$)")
_OF_REQUESTS = ("http", "http2", "https", "grpc", "grpc-web", "kubernetes.io/h2c", "mongo", "mysql")
_LEFT_OUT = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
"""Namespaces in which Istio injects nothing."""


def services_of_dns(world: World) -> Iterator[Manifest]:
    """Services with a port 53 that are not the cluster's own DNS."""
    for one in world.of("Service"):
        if one.namespace == "kube-system":
            continue
        if any(port.get("port") == _DNS for port in listed(one.spec, "ports")):
            yield one


def port_53_in_ambient(world: World) -> Iterator[Finding]:
    """Ambient captures port 53, so such a Service needs another port."""
    for one in services_of_dns(world):
        if world.mode_behind(one) != "ambient":
            continue
        targets = {
            port.get("targetPort") for port in listed(one.spec, "ports") if port["port"] == _DNS
        }
        if not any(
            port.get("targetPort") in targets and port.get("port") != _DNS
            for port in listed(one.spec, "ports")
        ):
            yield found(
                "port-53-in-ambient",
                one,
                "ambient takes all traffic to port 53 to the cluster's own DNS, so no client in "
                "the mesh reaches this Service",
                "add a second port, such as 5300, with the same targetPort, and let clients use it",
            )


def clients_captured(world: World) -> Iterator[Finding]:
    """A pod in ambient that asks on port 53 itself needs the annotation."""
    for pod in world.pods():
        servers = texts(inner(pod.spec, "dnsConfig"), "nameservers")
        if not servers or world.mode_of(pod) != "ambient":
            continue
        if str(pod.annotations.get(_CAPTURE)).lower() != "false":
            yield found(
                "client-captured-in-ambient",
                pod.owner,
                f"its nameserver is {servers[0]}, and ambient answers port 53 in its place",
                f'annotate the pod with {_CAPTURE}: "false"',
            )


def sidecar_asks_as_nobody(world: World) -> Iterator[Finding]:
    """The agent of a sidecar uses the nameserver of its pod, without mutual TLS."""
    ours = {str(one.spec.get("clusterIP")) for one in services_of_dns(world)}
    for pod in world.pods():
        if world.mode_of(pod) != "sidecar":
            continue
        servers = set(texts(inner(pod.spec, "dnsConfig"), "nameservers")) & ours
        if servers:
            yield found(
                "sidecar-asks-as-nobody",
                pod.owner,
                f"its nameserver is {min(servers)}; the sidecar looks istiod up there before it "
                "has a certificate, is refused, and never starts",
                "keep the cluster's nameserver, and ask Keyhole directly or through CoreDNS",
            )


def udp_in_the_mesh(world: World) -> Iterator[Finding]:
    """No mesh protects UDP."""
    pods = [pod for one in services_of_dns(world) for pod in world.pods_behind(one)]
    for one in world.of("Service"):
        udp = [port for port in listed(one.spec, "ports") if port.get("protocol") == "UDP"]
        is_dns = one in services_of_dns(world) or any(
            pod in pods for pod in (world.pods_behind(one) if udp else ())
        )
        if udp and is_dns and world.mode_behind(one):
            yield found(
                "udp-in-the-mesh",
                one,
                f"port {udp[0].get('port')} is UDP, which the mesh neither encrypts nor "
                "authenticates",
                "offer TCP alone; clients use TCP (dig +vc, use-vc, force_tcp) or DNS over TLS",
            )


def port_of_another_protocol(world: World) -> Iterator[Finding]:
    """Istio guesses the protocol of a port that does not tell it, and believes one that does."""
    for one in services_of_dns(world):
        if not world.mode_behind(one):
            continue
        ports = [port for port in listed(one.spec, "ports") if port.get("protocol") != "UDP"]
        # Other ports may lead to where port 53 leads.
        inside = {port.get("targetPort", _DNS) for port in ports if port.get("port") == _DNS}
        for port in ports:
            said = protocol_of(port)
            if port.get("targetPort", port.get("port")) not in inside or said in ("tcp", "tls"):
                continue
            if said in _OF_REQUESTS:
                yield found(
                    "protocol-is-another",
                    one,
                    f"port {port.get('port')} says {said}, so the proxy waits for requests of it "
                    "and ends each connection of DNS",
                    "set appProtocol: tcp, and a name that begins with tcp-",
                )
            else:
                yield found(
                    "protocol-is-guessed",
                    one,
                    f"port {port.get('port')} names no protocol, so the proxy waits for octets to "
                    "guess it, and Kiali complains",
                    "set appProtocol: tcp, and a name that begins with tcp-",
                )


def protocol_of(port: Tree) -> str:
    """The protocol that a port of a Service names; what appProtocol says counts more than its
    name."""
    return str(port.get("appProtocol") or str(port.get("name", "")).split("-")[0]).lower()


def core_dns(world: World) -> Iterator[Finding]:
    """The forwards in a Corefile."""
    ours = {str(one.spec.get("clusterIP")): one for one in services_of_dns(world)}
    for one in world.of("ConfigMap"):
        for text in (str(each) for each in inner(one.tree, "data").values()):
            for zone, targets, block in _FORWARD.findall(_without_comments(text)):
                yield from _forward(world, one, (zone, targets, block), ours)


def _forward(
    world: World,
    one: Manifest,
    forward: tuple[str, str, str],
    ours: dict[str, Manifest],
) -> Iterator[Finding]:
    zone, written, block = forward
    for target in written.split():
        address = re.sub(r"^\w+://", "", target).split("%")[0]
        address, _, port = address.partition(":")
        if address not in ours:
            continue
        service = ours[address]
        is_tls = target.startswith("tls://")
        if is_tls and ("tls_servername" not in block and "%" not in target):
            yield found(
                "tls-without-a-name",
                one,
                f"{target} has no server name, so CoreDNS takes no certificate of it",
                "add tls_servername with the name in the certificate",
            )
        if is_tls and not re.search(r"(?m)^\s*tls\s+\S+\s+\S+", block):
            yield found(
                "tls-without-a-certificate",
                one,
                f"CoreDNS shows no client certificate to {target}, which asks for one",
                "add tls CERTIFICATE KEY CA to the forward block",
            )
        if not is_tls and "force_tcp" not in block:
            yield found(
                "forward-over-udp",
                one,
                f"queries to {target} go over UDP, which a mesh does not carry",
                "add force_tcp to the forward block, or use tls://",
            )
        if not is_tls and _is_no_mesh(world, one.namespace) and is_strict(world, service):
            yield found(
                "core-dns-against-strict",
                one,
                f"CoreDNS is in {one.namespace}, which is not in the mesh, so its connections to "
                f"{target} have no identity, and STRICT refuses them",
                "forward to the TLS port with a client certificate: tls://ADDRESS:853",
            )
        if not is_tls and port in ("", "53") and world.mode(one.namespace) == "ambient":
            yield found(
                "loop-through-core-dns",
                one,
                f"ambient takes queries to {target} back to CoreDNS itself",
                "forward to the port that is not 53, or to tls://",
            )
        if zone == "." and "except" not in block and "kubernetes" not in _plugins(one):
            yield found(
                "cluster-names-leave",
                one,
                "names of the cluster are forwarded too",
                "add except cluster.local to the forward block",
            )


def _is_no_mesh(world: World, namespace: str) -> bool:
    """Whether nothing of a namespace is in the mesh, as far as the manifests say."""
    if namespace in _LEFT_OUT:
        return not world.mode(namespace)
    known = any(one.name == namespace for one in world.of("Namespace"))
    return known and not any(
        world.mode_of(pod) for pod in world.pods() if pod.owner.namespace == namespace
    )


def _plugins(one: Manifest) -> str:
    return "\n".join(str(each) for each in inner(one.tree, "data").values())


def _without_comments(text: str) -> str:
    return re.sub(r"(?m)#.*$", "", text)


RULES = (
    port_53_in_ambient,
    clients_captured,
    sidecar_asks_as_nobody,
    udp_in_the_mesh,
    port_of_another_protocol,
    core_dns,
)
