"""Who may reach whom, computed from manifests as Istio and a network plugin read them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Object = dict[str, Any]
_HBONE = 15008
"""Where ambient carries all traffic of the mesh."""


@dataclass(frozen=True)
class Workload:
    """A pod: where it is, what it is called, and whether the mesh vouches for it."""

    namespace: str
    account: str
    labels: dict[str, str] = field(default_factory=dict)
    in_mesh: bool = True

    @property
    def principal(self) -> str:
        """Its identity."""
        return f"cluster.local/ns/{self.namespace}/sa/{self.account}"


def part(name: str, *, in_mesh: bool = True) -> Workload:
    """A part of Keyhole itself."""
    labels = {
        "app.kubernetes.io/name": f"keyhole-{name}",
        "app.kubernetes.io/instance": "keyhole",
        "app.kubernetes.io/part-of": "keyhole",
    }
    return Workload("keyhole", f"keyhole-{name}", labels, in_mesh)


class Rules:
    """The rules in some manifests; ``mode`` is that of the mesh."""

    def __init__(self, objects: list[Object], mode: str) -> None:
        self._objects = objects
        self._mode = mode

    def may_reach(self, source: Workload, target: Workload, port: int) -> bool:
        """Whether a connection to a port of a pod gets through to the program in it."""
        is_meshed = self._mode != "plain" and source.in_mesh and target.in_mesh
        wire = _HBONE if is_meshed and self._mode == "ambient" else port
        if not self._network_allows("Ingress", target, source, wire):
            return False
        if source.namespace == "keyhole" and not self._network_allows(
            "Egress", source, target, wire
        ):
            return False
        if self._mode == "plain":
            return True
        return self._mesh_allows(source if is_meshed else None, source, target, port)

    def may_leave(self, source: Workload, address: str, port: int) -> bool:
        """Whether a connection to an address outside of the cluster gets out."""
        if not self._leaves_by_network(source, address, port):
            return False
        return self._mode != "sidecar" or self._leaves_by_sidecar(source, address)

    def _of(self, kind: str) -> Iterator[Object]:
        for one in self._objects:
            if one["kind"] == kind:
                yield one

    def _network_allows(self, way: str, pod: Workload, other: Workload, port: int) -> bool:
        key = "from" if way == "Ingress" else "to"
        policies = [one["spec"] for one in self._policies(way, pod)]
        assert policies, f"nothing limits {way} of {pod.account}"
        return any(
            (key not in rule or any(_is_peer(peer, other) for peer in rule[key]))
            and port in _ports(rule, port)
            for spec in policies
            for rule in spec.get(way.lower()) or ()
        )

    def _policies(self, way: str, pod: Workload) -> Iterator[Object]:
        for one in self._of("NetworkPolicy"):
            selector = one["spec"]["podSelector"].get("matchLabels", {})
            if way in one["spec"]["policyTypes"] and selector.items() <= pod.labels.items():
                yield one

    def _leaves_by_network(self, source: Workload, address: str, port: int) -> bool:
        for one in self._policies("Egress", source):
            for rule in one["spec"].get("egress") or ():
                assert "to" in rule or _ports(rule, port) == {_HBONE}, f"{rule} lets all out"
                for peer in rule.get("to", ()):
                    block = peer.get("ipBlock")
                    if block and _is_in(address, block) and port in _ports(rule, port):
                        return True
        return False

    def _leaves_by_sidecar(self, source: Workload, address: str) -> bool:
        for one in self._of("Sidecar"):
            selector = one["spec"]["workloadSelector"]["labels"]
            if selector.items() <= source.labels.items():
                assert one["spec"]["outboundTrafficPolicy"]["mode"] == "REGISTRY_ONLY"
                hosts = {host.partition("/")[2] for host in one["spec"]["egress"][0]["hosts"]}
                return any(
                    entry["spec"]["hosts"][0] in hosts
                    and address in entry["spec"].get("addresses", ())
                    for entry in self._of("ServiceEntry")
                )
        return True

    def _mesh_allows(
        self, known: Workload | None, source: Workload, target: Workload, port: int
    ) -> bool:
        if known is None and self._mode_of(target, port) == "STRICT":
            return False
        if self._mode_of(target, port) == "DISABLE":
            # Outside of the mesh: the sidecar does not see it.
            return True
        allowing = [
            one["spec"]
            for one in self._of("AuthorizationPolicy")
            if one["metadata"]["namespace"] == target.namespace and _selects(one["spec"], target)
        ]
        return not allowing or any(
            _rule_allows(rule, known, port) for spec in allowing for rule in spec.get("rules", ())
        )

    def _mode_of(self, target: Workload, port: int) -> str:
        mode = "PERMISSIVE"
        for one in self._of("PeerAuthentication"):
            spec = one["spec"]
            selector = spec.get("selector", {}).get("matchLabels", {})
            if selector.items() <= target.labels.items():
                mode = spec["mtls"]["mode"] if not selector else mode
                levels = spec.get("portLevelMtls", {})
                if port in levels:
                    return str(levels[port]["mode"])
        return mode


def _selects(spec: Object, target: Workload) -> bool:
    if "targetRefs" in spec:
        return False
    selector = spec.get("selector", {}).get("matchLabels", {})
    return bool(selector.items() <= target.labels.items())


def _rule_allows(rule: Object, known: Workload | None, port: int) -> bool:
    sources = [one["source"] for one in rule.get("from", ())]
    is_source = not sources or any(_is_source(one, known) for one in sources)
    operations = [one["operation"] for one in rule.get("to", ())]
    is_port = not operations or any(str(port) in one["ports"] for one in operations)
    return is_source and is_port


def _is_source(source: Object, known: Workload | None) -> bool:
    if source == {"notPrincipals": ["*"]}:
        return known is None
    if unread := source.keys() - {"principals", "namespaces"}:
        raise AssertionError(f"this world does not know {sorted(unread)} of a source")
    return known is not None and (
        known.principal in source.get("principals", ())
        or known.namespace in source.get("namespaces", ())
    )


def _is_peer(peer: Object, other: Workload) -> bool:
    if "ipBlock" in peer:
        # Pods of this world have no addresses; networks of pods hold all of them.
        return ip_network(peer["ipBlock"]["cidr"]).is_private and not _is_link_local(peer)
    labels = peer.get("podSelector", {}).get("matchLabels", {})
    if not labels.items() <= other.labels.items():
        return False
    if "namespaceSelector" not in peer:
        return other.namespace == "keyhole"
    wanted = peer["namespaceSelector"]["matchLabels"]
    return bool(wanted == {"kubernetes.io/metadata.name": other.namespace})


def _is_link_local(peer: Object) -> bool:
    network = ip_network(peer["ipBlock"]["cidr"])
    return network.is_link_local or network.num_addresses == 1


def _is_in(address: str, block: Object) -> bool:
    where = ip_address(address)
    if where not in ip_network(block["cidr"]):
        return False
    return not any(where in ip_network(one) for one in block.get("except", ()))


def _ports(rule: Object, port: int) -> set[int]:
    return {one["port"] for one in rule["ports"]} if "ports" in rule else {port}
