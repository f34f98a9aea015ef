"""Traps at the ways in and out of the cluster, and in what the cluster refuses to run."""

from collections.abc import Iterator
from ipaddress import ip_address

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts

_HBONE = 15008
_LOW = 1024
_AGENT = 1337
_UPSTREAM = "kind: Upstream"
_PROBES = "169.254.7.127/32"


def _documents(world: World) -> Iterator[tuple[Manifest, Tree]]:
    """Upstream documents in config maps."""
    import yaml

    for one in world.of("ConfigMap"):
        for text in inner(one.tree, "data").values():
            if isinstance(text, str) and _UPSTREAM in text:
                try:
                    trees = list(yaml.safe_load_all(text))
                except yaml.YAMLError:
                    continue  # keyhole check says so
                for tree in trees:
                    if isinstance(tree, dict) and tree.get("kind") == "Upstream":
                        yield one, tree


def _outside(tree: Tree) -> list[str]:
    """The public addresses of an upstream."""
    public = []
    for written in texts(inner(tree, "spec"), "addresses"):
        address = written.rpartition(":")[0] if written.count(":") == 1 else written
        try:
            if ip_address(address.strip("[]")).is_global:
                public.append(address)
        except ValueError:
            continue
    return public


def missing_service_entry(world: World) -> Iterator[Finding]:
    """With REGISTRY_ONLY, an upstream that no ServiceEntry names is a black hole."""
    limited = {
        one.namespace
        for one in world.of("Sidecar")
        if inner(one.spec, "outboundTrafficPolicy").get("mode") == "REGISTRY_ONLY"
    }
    for one, tree in _documents(world):
        if one.namespace not in limited:
            continue
        known = {
            address
            for entry in world.of("ServiceEntry")
            for address in [
                *texts(entry.spec, "addresses"),
                *(str(end.get("address")) for end in listed(entry.spec, "endpoints")),
            ]
        }
        for address in _outside(tree):
            if address not in known:
                yield found(
                    "upstream-without-a-service-entry",
                    one,
                    f"{address} is in no ServiceEntry, and REGISTRY_ONLY lets nothing else out",
                    "add a ServiceEntry with resolution: STATIC and this address",
                )


def entry_by_dns(world: World) -> Iterator[Finding]:
    """A proxy that resolves an upstream asks whom it is the upstream of."""
    servers = {inner(tree, "spec").get("serverName") for _, tree in _documents(world)}
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


def network_policy_in_ambient(world: World) -> Iterator[Finding]:
    """In ambient, pods reach each other on port 15008, and probes come from one address."""
    for one in world.of("NetworkPolicy"):
        ingress = listed(one.spec, "ingress")
        selector = inner(one.spec, "podSelector", "matchLabels")
        # Pods of a gateway are not captured: they are the way into the mesh.
        is_gateway = "gateway.networking.k8s.io/gateway-name" in selector
        if world.mode(one.namespace) != "ambient" or not ingress or is_gateway:
            continue
        opens = [port.get("port") for rule in ingress for port in listed(rule, "ports")]
        if any("ports" not in rule for rule in ingress):
            continue
        if _HBONE not in opens:
            yield found(
                "network-policy-without-15008",
                one,
                "in ambient all traffic of the mesh comes to port 15008, which it does not open",
                "add an ingress rule for port 15008, TCP",
            )
        if _has_probes(world, one) and _PROBES not in [
            inner(peer, "ipBlock").get("cidr") for rule in ingress for peer in listed(rule, "from")
        ]:
            yield found(
                "network-policy-without-probes",
                one,
                "in ambient the probes of kubelet come from 169.254.7.127, which it does not let "
                "in",
                f"allow ipBlock {_PROBES} to the ports of the probes",
            )


def _has_probes(world: World, policy: Manifest) -> bool:
    selector = inner(policy.spec, "podSelector", "matchLabels")
    return any(
        container.keys() & {"readinessProbe", "livenessProbe", "startupProbe"}
        for pod in world.pods()
        if pod.owner.namespace == policy.namespace and selector.items() <= pod.labels.items()
        for container in pod.containers
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
        if not str(one.tree.get("apiVersion")).startswith("gateway.networking.k8s.io/"):
            continue
        if one.namespace not in restricted or one.spec.get("gatewayClassName") != "istio":
            continue
        name = inner(one.spec, "infrastructure", "parametersRef").get("name")
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
    lists = [
        one
        for one in world.of("AuthorizationPolicy")
        if any(
            "ipBlocks" in inner(source, "source")
            for rule in listed(one.spec, "rules")
            for source in listed(rule, "from")
        )
    ]
    for one in lists:
        for reference in listed(one.spec, "targetRefs"):
            gateway = next(
                (
                    each
                    for each in world.of("Gateway")
                    if (each.namespace, each.name) == (one.namespace, reference.get("name"))
                ),
                None,
            )
            if gateway is not None and not _is_local(world, gateway):
                yield found(
                    "allow-list-sees-nodes",
                    one,
                    "the Service of the gateway has no externalTrafficPolicy: Local, so ipBlocks "
                    "are compared with addresses of nodes",
                    "set it in the ConfigMap of parametersRef, key service; behind a proxy that "
                    "writes X-Forwarded-For use remoteIpBlocks",
                )


def _is_local(world: World, gateway: Manifest) -> bool:
    name = inner(gateway.spec, "infrastructure", "parametersRef").get("name")
    return any(
        "externalTrafficPolicy: Local" in str(inner(one.tree, "data").get("service", ""))
        for one in world.of("ConfigMap")
        if (one.namespace, one.name) == (gateway.namespace, name)
    )


def pods_that_are_refused(world: World) -> Iterator[Finding]:
    """What PodSecurity restricted refuses, and what a sidecar would not see."""
    restricted = {
        one.name
        for one in world.of("Namespace")
        if one.labels.get("pod-security.kubernetes.io/enforce") == "restricted"
    }
    for pod in world.pods():
        if pod.owner.namespace in restricted and (why := _refused(pod)):
            yield found(
                "pod-refused-by-restricted",
                pod.owner,
                why,
                "set runAsNonRoot, seccompProfile RuntimeDefault, allowPrivilegeEscalation: false "
                "and capabilities.drop: [ALL]; listen at 1024 or above",
            )
        if inner(pod.spec, "securityContext").get("runAsUser") == _AGENT and world.mode(
            pod.owner.namespace
        ):
            yield found(
                "user-of-the-sidecar",
                pod.owner,
                f"user {_AGENT} is the sidecar's own, and its traffic does not go through the mesh",
                "run as another user, such as 65532",
            )


def _refused(pod: PodTemplate) -> str:
    of_pod = inner(pod.spec, "securityContext")
    for container in pod.containers:
        own, name = inner(container, "securityContext"), container.get("name")
        if not own.get("runAsNonRoot", of_pod.get("runAsNonRoot")):
            return f"the container {name} may run as root"
        if "seccompProfile" not in own and "seccompProfile" not in of_pod:
            return f"the container {name} has no seccomp profile"
        if own.get("allowPrivilegeEscalation") is not False:
            return f"the container {name} may raise its privileges"
        if "ALL" not in texts(inner(own, "capabilities"), "drop"):
            return f"the container {name} keeps capabilities"
    return ""


def low_ports(world: World) -> Iterator[Finding]:
    """A port below 1024 needs a capability."""
    for pod in world.pods():
        for container in pod.containers:
            for port in listed(container, "ports"):
                number = port.get("containerPort")
                if isinstance(number, int) and number < _LOW:
                    dropped = texts(inner(container, "securityContext", "capabilities"), "drop")
                    if "ALL" in dropped:
                        yield found(
                            "port-needs-a-capability",
                            pod.owner,
                            f"the container {container.get('name')} listens at {number} without "
                            "the capability for it",
                            "listen at 5300, and let the Service lead port 53 there",
                        )


def too_wide_egress(world: World) -> Iterator[Finding]:
    """A forwarder that may reach everything is no egress rule."""
    for one in world.of("NetworkPolicy"):
        if "forwarder" not in one.name:
            continue
        for rule in listed(one.spec, "egress"):
            for peer in listed(rule, "to"):
                cidr = str(inner(peer, "ipBlock").get("cidr", ""))
                if cidr.endswith("/0"):
                    yield found(
                        "forwarder-reaches-everything",
                        one,
                        f"it may connect to {cidr}, so what leaves is not limited",
                        "name the addresses of the upstreams, each as ADDRESS/32",
                    )


RULES = (
    missing_service_entry,
    entry_by_dns,
    registry_only_in_ambient,
    network_policy_in_ambient,
    gateway_refused,
    allow_list_without_source,
    pods_that_are_refused,
    low_ports,
    too_wide_egress,
)
