"""Traps in policies: who is let in, and how the mesh reads it."""

import re
from collections.abc import Iterator, Mapping

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.mesh.strict import ROOT, is_captured, is_strict, is_strict_at, ports_inside
from keyhole.mesh.traps.dns import services_of_dns

_LAYER_7 = ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths")
_OF_CONNECTIONS = ("source.", "destination.", "connection.", "remote.ip")
"""Beginnings of the conditions that a connection without requests has."""
_EVERYBODY = re.compile(r"\*|[^/]+/(ns/)?\*|[0-9a-fA-F.:]+/0")
_REQUEST = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")


def _selected(selector: Mapping[str, object], namespace: str, pod: PodTemplate) -> bool:
    # Policies in the namespace of istiod are for the pods of all others.
    return namespace in (ROOT, pod.owner.namespace) and selector.items() <= pod.labels.items()


def _labels(one: Manifest) -> Tree:
    return inner(one.spec, "selector", "matchLabels")


def _dns_pods(world: World) -> list[PodTemplate]:
    """The pods behind Services of DNS in a mesh."""
    return [
        pod
        for service in services_of_dns(world)
        if world.mode_behind(service)
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
        keys = (str(when.get("key")) for when in listed(rule, "when"))
        yield from (key for key in keys if not key.startswith(_OF_CONNECTIONS))


def ports_of_the_service_alone(world: World) -> Iterator[Finding]:
    """A policy sees the port of the pod, and behind a waypoint that of the Service."""
    for service in services_of_dns(world):
        if not world.mode_behind(service):
            continue
        outside = {str(port.get("port")) for port in listed(service.spec, "ports")}
        is_waypoint = service.labels.get("istio.io/use-waypoint", "none") != "none"
        for pod in world.pods_behind(service):
            inside = _all_inside(service, pod)
            for one in _allowing(world, pod) if inside else ():
                yield from _ports(one, outside, inside, is_waypoint=is_waypoint)


def _all_inside(service: Manifest, pod: PodTemplate) -> set[str]:
    return ports_inside(service, pod) | ports_inside(service, pod, own_tls=True)


def _ports(
    one: Manifest, outside: set[str], inside: set[str], *, is_waypoint: bool
) -> Iterator[Finding]:
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


def _allowing(world: World, pod: PodTemplate) -> list[Manifest]:
    return [
        one
        for one in _policies_of(world, pod)
        if one.spec.get("action", "ALLOW") == "ALLOW" and one.spec.get("provider") is None
    ]


def without_a_policy(world: World) -> Iterator[Finding]:
    """Without an ALLOW policy, the mesh lets every workload in; and a rule may do the same."""
    for service in services_of_dns(world):
        if not world.mode_behind(service):
            continue
        for pod in world.pods_behind(service):
            allowing = _allowing(world, pod)
            if not allowing:
                yield found(
                    "open-to-the-mesh",
                    service,
                    "no AuthorizationPolicy selects its pods, so every workload may ask",
                    "add an ALLOW policy with the principals that may, and an empty one for all "
                    "else",
                )
            inside = ports_inside(service, pod)
            for one in allowing:
                if any(_is_open(rule) and _opens(rule, inside) for rule in _rules(one)):
                    yield found(
                        "open-to-the-mesh",
                        one,
                        "a rule of it names nobody, so every workload may ask",
                        "name the principals that may, and no * alone",
                    )
            yield from _closed_ports(service, pod, allowing)


def _rules(one: Manifest) -> list[Tree]:
    return listed(one.spec, "rules")


def _is_open(rule: Tree) -> bool:
    """Whether a rule lets every workload in, or whoever is in no mesh."""
    return "when" not in rule and (
        "from" not in rule or any(_is_anybody(inner(one, "source")) for one in listed(rule, "from"))
    )


def _is_anybody(source: Tree) -> bool:
    """Whether each of its fields that name somebody names everybody; fields of a source count
    together. Fields that leave somebody out (``notNamespaces``) let all others in."""
    # Not to have an identity is the opposite of a restriction, too.
    naming = [texts(source, key) for key in source if not key.startswith("not") and source[key]]
    return all(any(_is_everybody(one) for one in names) for names in naming)


def _is_everybody(written: str) -> bool:
    """Whether a name of a source is ``*``, all of a trust domain, or all addresses."""
    return _EVERYBODY.fullmatch(written) is not None


def _opens(rule: Tree, ports: set[str]) -> bool:
    """Whether a rule is about one of these ports."""
    operations = [inner(one, "operation") for one in listed(rule, "to")]
    return not operations or any(
        (set(texts(one, "ports")) or ports) & (ports - set(texts(one, "notPorts")))
        for one in operations
    )


def _closed_ports(
    service: Manifest, pod: PodTemplate, allowing: list[Manifest]
) -> Iterator[Finding]:
    """Ports of a Service that no rule opens."""
    rules = [rule for one in allowing for rule in _rules(one)]
    if not allowing:
        return
    # A rule about the port of the Service has a trap of its own.
    outside = {str(port.get("port")) for port in listed(service.spec, "ports")}
    for port in sorted(ports_inside(service, pod)):
        if not any(_opens(rule, {port, *outside}) for rule in rules):
            yield found(
                "port-that-no-policy-opens",
                service,
                f"policies select its pods, and none allows port {port}, so nobody may ask there",
                f"add {port} to the ports of the rule for its clients",
            )
    for port in sorted(ports_inside(service, pod, own_tls=True)):
        if not any(_is_open(rule) and _opens(rule, {port}) for rule in rules):
            yield found(
                "own-tls-without-a-rule",
                service,
                f"clients of DNS over TLS have no identity of the mesh, and no rule lets them to "
                f"port {port}",
                f"add an ALLOW rule for port {port} without a source: Keyhole asks for a "
                "certificate there",
            )


def principal_with_a_scheme(world: World) -> Iterator[Finding]:
    """Principals are written without the scheme of their URI."""
    for one in world.of("AuthorizationPolicy"):
        written = [
            name
            for rule in _rules(one)
            for source in listed(rule, "from")
            for key in ("principals", "notPrincipals")
            for name in texts(inner(source, "source"), key)
        ]
        if wrong := [name for name in written if name.startswith("spiffe://")]:
            yield found(
                "principal-with-a-scheme",
                one,
                f"{wrong[0]} is compared with what follows spiffe://, so it is nobody",
                f"write {wrong[0].removeprefix('spiffe://')}",
            )


def not_strict(world: World) -> Iterator[Finding]:
    """Without STRICT, connections in the clear are accepted."""
    for service in services_of_dns(world):
        if world.mode_behind(service) and not is_strict(world, service):
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
        modes_there = {one.labels.get("istio.io/dataplane-mode") for one in world.of("Namespace")}
        # That of istiod's namespace is for all others.
        is_for_all = one.namespace == ROOT and "ambient" in modes_there
        if world.mode(one.namespace) != "ambient" and not is_for_all:
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
        mode = world.mode_behind(service)
        for pod in world.pods_behind(service) if mode else ():
            for port in sorted(ports_inside(service, pod, own_tls=True)):
                if is_captured(pod, port) and is_strict_at(world, pod, port):
                    yield found(
                        "own-tls-behind-strict",
                        service,
                        f"clients of DNS over TLS show a certificate to Keyhole, and STRICT at "
                        f"port {port} wants one of the mesh first",
                        f"add portLevelMtls for {port}: "
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
    principal_with_a_scheme,
    not_strict,
    disable_in_ambient,
    strict_port_of_own_tls,
    both_targets,
)
