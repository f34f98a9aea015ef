"""Traps at the ways in and out of the cluster."""

import re
from collections.abc import Iterator

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.mesh.strict import ROOT
from keyhole.mesh.traps.upstreams import documents, is_in_network, outside, pods_with

_LISTED_ONLY = "REGISTRY_ONLY"
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"


def missing_service_entry(world: World) -> Iterator[Finding]:
    """With REGISTRY_ONLY, an upstream that no ServiceEntry names is a black hole."""
    whole = _is_registry_only(world)
    for one, tree in documents(world):
        sidecars = _sidecars_of(world, one)
        limited = [
            sidecar
            for sidecar in sidecars
            if (inner(sidecar.spec, "outboundTrafficPolicy").get("mode") or whole) == _LISTED_ONLY
        ]
        is_limited = bool(limited) or (whole and not sidecars)
        if not is_limited or world.mode(one.namespace) == "ambient":
            continue
        entries = [each for each in world.of("ServiceEntry") if _is_seen(each, one.namespace)]
        for address, port in outside(tree):
            naming = [each for each in entries if names(each, address, port)]
            if not naming:
                yield found(
                    "upstream-without-a-service-entry",
                    one,
                    f"{address} with port {port} is in no ServiceEntry for this namespace, and "
                    "REGISTRY_ONLY lets nothing else out",
                    "add a ServiceEntry with resolution: STATIC, this address and this port",
                )
                continue
            for sidecar in limited:
                if not any(
                    lists(sidecar, each.namespace, texts(each.spec, "hosts")) for each in naming
                ):
                    yield found(
                        "upstream-without-a-service-entry",
                        sidecar,
                        f"its egress lists no host of the ServiceEntry {naming[0].name}, so "
                        f"{address} is not reached",
                        f"add ./{(texts(naming[0].spec, 'hosts') or ['HOST'])[0]} to its hosts",
                    )


def _is_registry_only(world: World) -> str:
    """`_LISTED_ONLY` if the configuration of the whole mesh says so."""
    for one in world.of("ConfigMap"):
        if one.namespace != ROOT or not re.fullmatch(r"istio(-.*)?", one.name):
            continue
        text = str(inner(one.tree, "data").get("mesh", ""))
        if re.search(rf"(?m)^outboundTrafficPolicy:\s*\n\s+mode:\s*{_LISTED_ONLY}\s*$", text):
            return _LISTED_ONLY
    return ""


def _sidecars_of(world: World, config: Manifest) -> list[Manifest]:
    """The Sidecars of the pods that mount a config map; without such pods, all of its namespace."""
    pods = pods_with(world, config)
    if not pods:
        return [one for one in world.of("Sidecar") if one.namespace == config.namespace]
    return sidecars_of(world, config.namespace, pods)


def sidecars_of(world: World, namespace: str, pods: list[PodTemplate]) -> list[Manifest]:
    """The Sidecars of some pods of a namespace."""
    mine = [one for one in world.of("Sidecar") if one.namespace == namespace]
    selectors = {one.name: inner(one.spec, "workloadSelector", "labels") for one in mine}
    chosen = [
        one for one in mine for pod in pods if (labels := selectors[one.name]).items()
        and labels.items() <= pod.labels.items()
    ]  # fmt: skip
    # The one of the namespace counts only where none is for the pod.
    return chosen or [one for one in mine if not selectors[one.name]]


def _is_seen(entry: Manifest, namespace: str) -> bool:
    shown = texts(entry.spec, "exportTo") or ["*"]
    return bool({"*", namespace} & {*shown}) or (entry.namespace == namespace and "." in shown)


def names(entry: Manifest, address: str, port: int) -> bool:
    """Whether an entry has an address, or a network that holds it, and a port."""
    ports = [one.get("number") for one in listed(entry.spec, "ports")]
    ends = [str(end.get("address")) for end in listed(entry.spec, "endpoints")]
    written = [*texts(entry.spec, "addresses"), *ends]
    return port in ports and any(is_in_network(address, one) for one in written)


def lists(sidecar: Manifest, namespace: str, hosts: list[str]) -> bool:
    """Whether the egress of a Sidecar lists a host of a namespace."""
    egress = listed(sidecar.spec, "egress")
    for written in (host for rule in egress for host in texts(rule, "hosts")):
        space, _, name = written.partition("/")
        # ~ is no namespace: nothing is listed, as ~/* says.
        if space not in ("*", namespace) and not (space == "." and namespace == sidecar.namespace):
            continue
        for host in hosts:
            if name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:])):
                return True
    return not egress


def entry_by_dns(world: World) -> Iterator[Finding]:
    """A proxy that resolves an upstream asks whom it is the upstream of."""
    servers = {str(inner(tree, "spec").get("serverName")) for _, tree in documents(world)}
    for one in world.of("ServiceEntry"):
        if one.spec.get("resolution") in ("DNS", "DNS_ROUND_ROBIN") and servers & {
            *texts(one.spec, "hosts")
        }:
            yield found(
                "upstream-found-by-dns",
                one,
                "the proxy looks the upstream up by DNS, and so through Keyhole itself",
                "use resolution: STATIC with the addresses of the upstream",
            )


def registry_only_in_ambient(world: World) -> Iterator[Finding]:
    """ztunnel knows no REGISTRY_ONLY."""
    for one in world.of("Sidecar"):
        if world.mode(one.namespace) == "ambient":
            yield found(
                "sidecar-in-ambient",
                one,
                "a Sidecar has no effect in ambient: unknown addresses are let through",
                "limit egress by NetworkPolicy, or by an egress waypoint",
            )
    for one in world.of("EnvoyFilter"):
        contexts = {
            str(inner(patch, "match").get("context")) for patch in listed(one.spec, "configPatches")
        }
        is_of_sidecars = bool(contexts & {"SIDECAR_INBOUND", "SIDECAR_OUTBOUND"})
        if is_of_sidecars and world.mode(one.namespace) == "ambient":
            yield found(
                "sidecar-in-ambient",
                one,
                "an EnvoyFilter for sidecars has no effect in ambient, so nothing tells Keyhole "
                "who asks",
                "use the Gateway of resolver.identity=proxy, as mesh render prints it",
            )


def gateway_refused(world: World) -> Iterator[Finding]:
    """The pod that istiod makes for a Gateway lacks what PodSecurity restricted wants."""
    restricted = {
        one.name
        for one in world.of("Namespace")
        if one.labels.get("pod-security.kubernetes.io/enforce") == "restricted"
    }
    overlays = {
        (one.namespace, one.name)
        for one in world.of("ConfigMap")
        if "seccompProfile" in str(inner(one.tree, "data").get("deployment", ""))
    }
    for one in world.of("Gateway"):
        if not is_of_gateway_api(one):
            continue
        if one.namespace not in restricted or one.spec.get("gatewayClassName") != "istio":
            continue
        name = str(inner(one.spec, "infrastructure", "parametersRef").get("name"))
        if (one.namespace, name) not in overlays:
            yield found(
                "gateway-refused-by-restricted",
                one,
                "the pod of this Gateway has no seccomp profile, and PodSecurity restricted "
                "refuses it",
                "give spec.infrastructure.parametersRef a ConfigMap whose key deployment sets "
                "securityContext.seccompProfile, or use another namespace",
            )


def allow_list_without_source(world: World) -> Iterator[Finding]:
    """Without externalTrafficPolicy Local, a gateway sees the address of a node."""
    for one in world.of("AuthorizationPolicy"):
        sources = [
            inner(source, "source")
            for rule in listed(one.spec, "rules")
            for source in listed(rule, "from")
        ]
        if not any(source.keys() & {"ipBlocks", "notIpBlocks"} for source in sources):
            continue
        names = {
            str(reference.get("name"))
            for reference in listed(one.spec, "targetRefs")
            if reference.get("kind") == "Gateway"
        }
        selected = inner(one.spec, "selector", "matchLabels")
        names.add(str(selected.get(_GATEWAY_NAME)))
        for gateway in world.of("Gateway"):
            is_meant = gateway.namespace == one.namespace and gateway.name in names
            if is_meant and is_of_gateway_api(gateway) and not _is_local(world, gateway):
                yield found(
                    "allow-list-sees-nodes",
                    one,
                    "the Service of the gateway has no externalTrafficPolicy: Local, so ipBlocks "
                    "are compared with addresses of nodes",
                    "set it in the ConfigMap of parametersRef, key service; behind a proxy that "
                    "writes X-Forwarded-For use remoteIpBlocks",
                )
        for service in _services_of_gateways(world, one.namespace, selected):
            if service.spec.get("externalTrafficPolicy") != "Local":
                yield found(
                    "allow-list-sees-nodes",
                    one,
                    f"the Service {service.name} of the gateway has no externalTrafficPolicy: "
                    "Local, so ipBlocks are compared with addresses of nodes",
                    "set it in that Service; behind a proxy that writes X-Forwarded-For use "
                    "remoteIpBlocks",
                )


def _services_of_gateways(world: World, namespace: str, labels: Tree) -> Iterator[Manifest]:
    """Services that bring traffic from outside to the pods of a policy."""
    for one in world.of("Service"):
        selector = inner(one.spec, "selector")
        if (
            labels
            and one.namespace == namespace
            and one.spec.get("type") in ("LoadBalancer", "NodePort")
            and labels.items() <= selector.items()
        ):
            yield one


def is_of_gateway_api(gateway: Manifest) -> bool:
    """Whether a Gateway is not Istio's own kind of that name."""
    return str(gateway.tree.get("apiVersion")).startswith("gateway.networking.k8s.io/")


def _is_local(world: World, gateway: Manifest) -> bool:
    name = inner(gateway.spec, "infrastructure", "parametersRef").get("name")
    return any(
        "externalTrafficPolicy: Local" in str(inner(one.tree, "data").get("service", ""))
        for one in world.of("ConfigMap")
        if (one.namespace, one.name) == (gateway.namespace, name)
    )


RULES = (
    missing_service_entry,
    entry_by_dns,
    registry_only_in_ambient,
    gateway_refused,
    allow_list_without_source,
)
