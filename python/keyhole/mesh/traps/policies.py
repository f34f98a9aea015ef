"""Traps in policies: who is let in, and how the mesh reads it."""

from collections.abc import Iterator, Mapping

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.mesh.strict import is_strict
from keyhole.mesh.traps.dns import services_of_dns

_LAYER_7 = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
_REQUEST = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")


def _selected(selector: Mapping[str, object], namespace: str, pod: PodTemplate) -> bool:
    return namespace == pod.owner.namespace and selector.items() <= pod.labels.items()


def _labels(one: Manifest) -> Tree:
    return inner(one.spec, "selector", "matchLabels")


def _dns_pods(world: World) -> list[PodTemplate]:
    """The pods behind Services of DNS in a mesh."""
    return [
        pod
        for service in services_of_dns(world)
        if world.mode(service.namespace)
        for pod in world.pods_behind(service)
    ]


def _policies_of(world: World, pod: PodTemplate) -> list[Manifest]:
    return [
        one
        for one in world.of("AuthorizationPolicy")
        if "targetRefs" not in one.spec and _selected(_labels(one), one.namespace, pod)
    ]


def layer_7_on_dns(world: World) -> Iterator[Finding]:
    """A policy for DNS may only speak of connections."""
    told = set()
    for pod in _dns_pods(world):
        for one in _policies_of(world, pod):
            fields = sorted(_layer_7(one))
            if fields and one.name not in told:
                told.add(one.name)
                yield found(
                    "layer-7-in-a-dns-policy",
                    one,
                    f"{fields[0]} exists in HTTP only; for a connection of DNS the rule never "
                    "matches, and ztunnel refuses everything",
                    "use principals, namespaces and ports alone",
                )


def _layer_7(one: Manifest) -> Iterator[str]:
    for rule in listed(one.spec, "rules"):
        for source in listed(rule, "from"):
            yield from (key for key in _REQUEST if key in inner(source, "source"))
        for to in listed(rule, "to"):
            yield from (key for key in _LAYER_7 if key in inner(to, "operation"))
        yield from (str(when.get("key")) for when in listed(rule, "when"))


def ports_of_the_service_alone(world: World) -> Iterator[Finding]:
    """A policy sees the port of the pod, and behind a waypoint that of the Service."""
    for service in services_of_dns(world):
        if not world.mode(service.namespace):
            continue
        outside = {str(port.get("port")) for port in listed(service.spec, "ports")}
        inside = {
            str(port.get("targetPort", port.get("port"))) for port in listed(service.spec, "ports")
        }
        is_waypoint = service.labels.get("istio.io/use-waypoint", "none") != "none"
        for pod in world.pods_behind(service):
            for one in _policies_of(world, pod):
                yield from _ports(one, outside, inside, is_waypoint=is_waypoint)


def _ports(
    one: Manifest, outside: set[str], inside: set[str], *, is_waypoint: bool
) -> Iterator[Finding]:
    if one.spec.get("action", "ALLOW") != "ALLOW":
        return
    for rule in listed(one.spec, "rules"):
        for to in listed(rule, "to"):
            ports = set(texts(inner(to, "operation"), "ports"))
            if ports & outside and not ports & inside:
                yield found(
                    "service-port-in-a-policy",
                    one,
                    f"it allows port {min(ports & outside)} of the Service, and the proxy of the "
                    f"pod sees port {min(inside)}, so nobody gets in",
                    "name both ports, or none",
                )
            elif is_waypoint and ports & inside and not ports & outside:
                yield found(
                    "pod-port-in-a-policy",
                    one,
                    f"it allows port {min(ports & inside)} of the pod, and behind a waypoint the "
                    f"policy sees the port of the Service, {min(outside)}",
                    "name both ports, or none",
                )


def without_a_policy(world: World) -> Iterator[Finding]:
    """Without an ALLOW policy, the mesh lets every workload in."""
    for service in services_of_dns(world):
        if not world.mode(service.namespace):
            continue
        for pod in world.pods_behind(service):
            allowing = [
                one
                for one in _policies_of(world, pod)
                if one.spec.get("action", "ALLOW") == "ALLOW"
            ]
            if not allowing:
                yield found(
                    "open-to-the-mesh",
                    service,
                    "no AuthorizationPolicy selects its pods, so every workload may ask",
                    "add an ALLOW policy with the principals that may, and an empty one for all "
                    "else",
                )


def not_strict(world: World) -> Iterator[Finding]:
    """Without STRICT, connections in the clear are accepted."""
    for service in services_of_dns(world):
        if world.mode(service.namespace) and not is_strict(world, service):
            yield found(
                "not-strict",
                service,
                "mutual TLS is not a must for each pod and port of it, so queries in the clear are "
                "answered",
                "add a PeerAuthentication with mtls.mode: STRICT to the namespace, and let no "
                "other one, no level of a port and no pod be an exception",
            )


def disable_in_ambient(world: World) -> Iterator[Finding]:
    """Ambient ignores DISABLE."""
    for one in world.of("PeerAuthentication"):
        if world.mode(one.namespace) != "ambient":
            continue
        levels = inner(one.spec, "portLevelMtls")
        modes = [(port, inner(levels, port).get("mode")) for port in levels]
        modes.append(("all", inner(one.spec, "mtls").get("mode")))
        for port, mode in modes:
            if mode == "DISABLE":
                yield found(
                    "disable-in-ambient",
                    one,
                    f"ambient ignores DISABLE (port {port})",
                    "use PERMISSIVE, and an ALLOW rule for the port without principals",
                )


def strict_port_of_own_tls(world: World) -> Iterator[Finding]:
    """DNS over TLS that ends in the pod must be outside of the mesh's own mutual TLS."""
    for service in services_of_dns(world):
        mode = world.mode(service.namespace)
        for port in listed(service.spec, "ports"):
            if port.get("port") != 853 or not mode:
                continue
            inside = str(port.get("targetPort", 853))
            levels = [
                inner(one.spec, "portLevelMtls")
                for one in world.of("PeerAuthentication")
                if one.namespace == service.namespace
            ]
            given = [
                inner(level, key).get("mode") for level in levels for key in level
                if str(key) == inside
            ]  # fmt: skip
            if not given:
                yield found(
                    "own-tls-behind-strict",
                    service,
                    f"clients of port 853 show a certificate to Keyhole, and STRICT at port "
                    f"{inside} wants one of the mesh first",
                    f"add portLevelMtls for {inside}: "
                    + ("DISABLE" if mode == "sidecar" else "PERMISSIVE"),
                )


def both_targets(world: World) -> Iterator[Finding]:
    """A selector and a target together are refused."""
    for one in world.of("AuthorizationPolicy"):
        if "selector" in one.spec and "targetRefs" in one.spec:
            yield found(
                "selector-and-target",
                one,
                "the API server refuses a policy with both selector and targetRefs",
                "keep one of them",
            )


RULES = (
    layer_7_on_dns,
    ports_of_the_service_alone,
    without_a_policy,
    not_strict,
    disable_in_ambient,
    strict_port_of_own_tls,
    both_targets,
)
