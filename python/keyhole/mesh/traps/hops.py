"""Traps at a hop that the mesh alone encrypts: upstreams with ``insecure: mesh``.

Such queries leave Keyhole in the clear, so both ends must be in the mesh. Over HTTP/2 (protocol
``doh_cleartext``) the sidecar must also know that it is HTTP, and find a way by the authority.
"""

from collections.abc import Iterator

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.mesh.traps.dns import protocol_of
from keyhole.mesh.traps.egress import lists, names, sidecars_of
from keyhole.mesh.traps.upstreams import addresses_of, documents, pods_with

_OVER_HTTP = "doh_cleartext"
_HTTP2 = ("http2", "grpc", "grpc-web", "kubernetes.io/h2c")
_SETTINGS = "keyhole.yaml"
_CLUSTER = "svc.cluster.local"


def _hops(world: World) -> Iterator[tuple[Manifest, Tree, list[PodTemplate]]]:
    """Upstreams that count on a mesh, with the config map they stand in and the pods that ask."""
    for one, tree in documents(world):
        if inner(tree, "spec").get("insecure") == "mesh":
            yield one, tree, _askers(world, one)


def _askers(world: World, config: Manifest) -> list[PodTemplate]:
    """Who mounts these documents, and who gets them from there: the resolvers of a control."""
    mounting = pods_with(world, config)
    if not any(_settings(world, pod).get("role") == "resolver" for pod in mounting):
        return mounting
    engines = [
        pod
        for pod in world.pods()
        if pod.owner.namespace == config.namespace
        and pod not in mounting
        and inner(_settings(world, pod), "control")
    ]
    return mounting + engines


def _settings(world: World, pod: PodTemplate) -> Tree:
    """What ``keyhole.yaml`` of a pod says, as far as it can be read."""
    import yaml

    mounted = {inner(one, "configMap").get("name") for one in listed(pod.spec, "volumes")}
    for one in world.of("ConfigMap"):
        text = inner(one.tree, "data").get(_SETTINGS)
        if one.namespace != pod.owner.namespace or one.name not in mounted or not text:
            continue
        try:
            tree = yaml.safe_load(str(text))
        except yaml.YAMLError:
            continue  # keyhole check says so
        return tree if isinstance(tree, dict) else {}
    return {}


def _service_at(world: World, address: str) -> Manifest | None:
    for one in world.of("Service"):
        if address in (one.spec.get("clusterIP"), *texts(one.spec, "clusterIPs")):
            return one
    return None


def cleartext_outside(world: World) -> Iterator[Finding]:
    """Where one end is in no mesh, nothing encrypts the queries."""
    for one, tree, askers in _hops(world):
        for address, _ in addresses_of(tree):
            service = _service_at(world, address)
            servers = world.pods_behind(service) if service else []
            for pod in (*askers, *servers):
                if not world.mode_of(pod):
                    yield found(
                        "cleartext-outside-of-the-mesh",
                        one,
                        f"insecure: mesh sends queries to {address} in the clear, and the pods of "
                        f"{pod.owner.kind} {pod.owner.name} are in no mesh of Istio",
                        "put both ends into the mesh, or ask over dot with a certificate",
                    )


def without_a_sidecar(world: World) -> Iterator[Finding]:
    """Only sidecars read HTTP and say in it who asks."""
    for one, tree, askers in _hops(world):
        if inner(tree, "spec").get("protocol") != _OVER_HTTP:
            continue
        services = [_service_at(world, address) for address, _ in addresses_of(tree)]
        servers = [pod for service in services if service for pod in world.pods_behind(service)]
        for pod in (*askers, *servers):
            if world.mode_of(pod) == "ambient":
                yield found(
                    "http2-without-a-sidecar",
                    one,
                    f"the pods of {pod.owner.kind} {pod.owner.name} are in ambient, where nothing "
                    "writes into HTTP who asks, so the forwarder refuses every query",
                    "use protocol: tcp there",
                )


def without_a_way(world: World) -> Iterator[Finding]:
    """A sidecar leads a request by its authority: the address and port of a Service of HTTP/2."""
    for one, tree, askers in _hops(world):
        in_sidecars = [pod for pod in askers if world.mode_of(pod) == "sidecar"]
        if inner(tree, "spec").get("protocol") != _OVER_HTTP or not in_sidecars:
            continue
        for address, number in addresses_of(tree):
            entries = [entry for entry in world.of("ServiceEntry") if names(entry, address, number)]
            service = _service_at(world, address)
            ports = listed(service.spec, "ports") if service else []
            port = next((port for port in ports if port.get("port") == number), None)
            if service is None or port is None:
                if not entries:
                    yield found(
                        "http2-without-a-route",
                        one,
                        f"{address} with port {number} is no Service, so the sidecar has no route "
                        "for this authority",
                        "give the clusterIP of the forwarder's Service and its port",
                    )
                continue
            yield from _unlisted(world, one, in_sidecars, service)
            said = protocol_of(port)
            if said not in _HTTP2:
                yield found(
                    "http2-without-a-protocol",
                    service,
                    f"port {number} says {said or 'nothing'}, and Keyhole speaks HTTP/2 to it: the "
                    "sidecars do not tell the forwarder who asks, and it refuses every query",
                    "set appProtocol: http2, and a name that begins with http2-",
                )


def _unlisted(
    world: World, config: Manifest, askers: list[PodTemplate], service: Manifest
) -> Iterator[Finding]:
    host = f"{service.name}.{service.namespace}.{_CLUSTER}"
    for sidecar in sidecars_of(world, config.namespace, askers):
        if not lists(sidecar, service.namespace, [host]):
            yield found(
                "http2-without-a-route",
                sidecar,
                f"its egress lists no {host}, so its pods have no route to the forwarder",
                f"add {service.namespace}/{host} to its hosts",
            )


RULES = (cleartext_outside, without_a_sidecar, without_a_way)
