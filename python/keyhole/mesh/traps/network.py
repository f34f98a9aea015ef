"""Traps in NetworkPolicies: those of a pod count together, each rule of them opens something."""

from collections.abc import Iterator
from ipaddress import ip_network

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed
from keyhole.mesh.traps.upstreams import documents, is_in_network, outside, pods_with

_HBONE = 15008
_PROBE = "169.254.7.127"
_WIDE = 8
"""Networks with so many leading bits or fewer are half of the internet, or the like."""
_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")


def _policies(world: World, pod: PodTemplate, way: str) -> list[Manifest]:
    """Those that limit what comes to a pod (``Ingress``) or leaves it (``Egress``)."""
    return [
        one
        for one in world.of("NetworkPolicy")
        if one.namespace == pod.owner.namespace
        and way in _ways(one)
        and _selects(inner(one.spec, "podSelector"), pod)
    ]


def _ways(policy: Manifest) -> list[str]:
    given = policy.spec.get("policyTypes")
    if isinstance(given, list):
        return [str(one) for one in given]
    return ["Ingress", "Egress"] if "egress" in policy.spec else ["Ingress"]


def _selects(selector: Tree, pod: PodTemplate) -> bool:
    labels = inner(selector, "matchLabels")
    return labels.items() <= pod.labels.items() and all(
        _fits(one, pod) for one in listed(selector, "matchExpressions")
    )


def _fits(expression: Tree, pod: PodTemplate) -> bool:
    value = pod.labels.get(str(expression.get("key")))
    values = expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None


def _covers(rule: Tree, port: int, pod: PodTemplate) -> bool:
    """Whether a rule opens a port over TCP."""
    if "ports" not in rule:
        return True
    named = {
        one.get("name"): one.get("containerPort")
        for container in pod.containers
        for one in listed(container, "ports")
    }
    for one in listed(rule, "ports"):
        first = named.get(one.get("port"), one.get("port", port))
        if one.get("protocol", "TCP") != "TCP" or not isinstance(first, int):
            continue
        if first <= port <= int(one.get("endPort") or first):
            return True
    return False


def network_policy_in_ambient(world: World) -> Iterator[Finding]:
    """In ambient, pods reach each other on port 15008, and probes come from one address."""
    for pod in world.pods():
        # Pods of a gateway are not captured: they are the way into the mesh.
        if world.mode_of(pod) != "ambient" or _is_of_a_gateway(pod):
            continue
        if coming := _policies(world, pod, "Ingress"):
            rules = [rule for one in coming for rule in listed(one.spec, "ingress")]
            named = next((one for one in coming if listed(one.spec, "ingress")), coming[0])
            is_served = rules or _is_behind_a_service(world, pod)
            if is_served and not any(_covers(rule, _HBONE, pod) for rule in rules):
                yield found(
                    "network-policy-without-15008",
                    named,
                    f"in ambient all traffic of the mesh comes to port {_HBONE}, which no policy "
                    f"for the pods of {pod.owner.name} opens",
                    f"add an ingress rule for port {_HBONE}, TCP",
                )
            if shut := _ports_of_probes(pod) - {
                port for port in _ports_of_probes(pod) if _lets_probes(rules, port, pod)
            }:
                yield found(
                    "network-policy-without-probes",
                    named,
                    f"in ambient the probes of kubelet come from {_PROBE}, which no policy lets in "
                    f"to port {min(shut)} of {pod.owner.name}",
                    f"allow ipBlock {_PROBE}/32 to the ports of the probes",
                )
        leaving = [
            (one, rule)
            for one in _policies(world, pod, "Egress")
            for rule in listed(one.spec, "egress")
        ]
        to_pods = [one for one, rule in leaving if _is_for_pods(rule)]
        if to_pods and not any(_covers(rule, _HBONE, pod) for _, rule in leaving):
            yield found(
                "network-policy-without-15008",
                to_pods[0],
                f"in ambient all traffic to other pods of the mesh leaves for port {_HBONE}, which "
                f"no policy for the pods of {pod.owner.name} opens",
                f"add an egress rule for port {_HBONE}, TCP",
            )


def _is_of_a_gateway(pod: PodTemplate) -> bool:
    return "istio" in str(pod.labels.get("gateway.istio.io/managed", ""))


def _is_behind_a_service(world: World, pod: PodTemplate) -> bool:
    return any(pod in world.pods_behind(one) for one in world.of("Service"))


def _is_for_pods(rule: Tree) -> bool:
    return any(peer.keys() & {"podSelector", "namespaceSelector"} for peer in listed(rule, "to"))


def _ports_of_probes(pod: PodTemplate) -> set[int]:
    found = set()
    for container in pod.containers:
        named = {one.get("name"): one.get("containerPort") for one in listed(container, "ports")}
        for probe in (inner(container, name) for name in _PROBES):
            for way in ("httpGet", "tcpSocket", "grpc"):
                port = inner(probe, way).get("port")
                port = named.get(port, port)
                if isinstance(port, int):
                    found.add(port)
    return found


def _lets_probes(rules: list[Tree], port: int, pod: PodTemplate) -> bool:
    return any(
        _covers(rule, port, pod)
        and (
            not rule.get("from")
            or any(
                is_in_network(_PROBE, str(inner(peer, "ipBlock").get("cidr")))
                for peer in listed(rule, "from")
            )
        )
        for rule in rules
    )


def too_wide_egress(world: World) -> Iterator[Finding]:
    """A forwarder that may reach everything is no egress rule."""
    forwarders = [
        pod
        for one, tree in documents(world)
        if outside(tree)
        for pod in pods_with(world, one)
    ]  # fmt: skip
    for pod in forwarders:
        policies = _policies(world, pod, "Egress")
        if not policies and any(world.of("NetworkPolicy")):
            yield found(
                "forwarder-reaches-everything",
                pod.owner,
                "no NetworkPolicy limits what leaves its pods",
                "add one with policyTypes: [Egress] that names the addresses of the upstreams",
            )
        for one in policies:
            for rule in listed(one.spec, "egress"):
                if wide := _wide(rule):
                    yield found(
                        "forwarder-reaches-everything",
                        one,
                        f"its pods may connect to {wide}, so what leaves is not limited",
                        "name the addresses of the upstreams, each as ADDRESS/32",
                    )


def _wide(rule: Tree) -> str:
    """The network to which a rule opens too much; empty if it does not."""
    ports = {port.get("port") for port in listed(rule, "ports")}
    if not rule.get("to"):
        # Who gets there, the mesh decides.
        return "" if ports and ports <= {_HBONE} else "every address"
    for peer in listed(rule, "to"):
        cidr = str(inner(peer, "ipBlock").get("cidr", ""))
        try:
            if cidr and ip_network(cidr, strict=False).prefixlen < _WIDE:
                return cidr
        except ValueError:
            continue  # the API server says so
    return ""


RULES = (network_policy_in_ambient, too_wide_egress)
