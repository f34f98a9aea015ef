"""Whether the mesh lets nobody reach a Service without mutual TLS."""

from collections.abc import Mapping

from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, is_outside, listed

ROOT = "istio-system"
"""The namespace whose PeerAuthentication is for the whole mesh."""
_EXCLUDED = "traffic.sidecar.istio.io/excludeInboundPorts"
_INCLUDED = "traffic.sidecar.istio.io/includeInboundPorts"
_OWN_TLS = "tls"


def is_strict(world: World, service: Manifest) -> bool:
    """Whether each pod behind a Service takes mutual TLS alone, at each port that leads to it.

    Ports over which Keyhole ends TLS itself are left out. A Service without pods is as strict as
    its namespace.
    """
    mode = world.mode_behind(service)
    if not mode:
        return False
    pods = world.pods_behind(service)
    if any(is_outside(pod, mode) for pod in pods):
        return False
    if not pods:
        return _is_enforced(_modes(world, service.namespace, {}, ""))
    return all(
        is_captured(pod, port) and is_strict_at(world, pod, port)
        for pod in pods
        for port in ports_inside(service, pod)
    )


def is_strict_at(world: World, pod: PodTemplate, port: str) -> bool:
    """Whether a pod takes mutual TLS alone at one of its ports."""
    return _is_enforced(_modes(world, pod.owner.namespace, pod.labels, port))


def ports_inside(service: Manifest, pod: PodTemplate, *, own_tls: bool = False) -> set[str]:
    """The numbers of the ports of a pod behind a Service, without those of UDP: those over which
    Keyhole ends TLS itself, or the others."""
    wanted = [
        str(port.get("targetPort", port.get("port")))
        for port in listed(service.spec, "ports")
        if port.get("protocol") != "UDP" and _is_own_tls(port) == own_tls
    ]
    named = {
        str(port.get("name")): str(port.get("containerPort"))
        for container in pod.containers
        for port in listed(container, "ports")
    }
    return {named.get(port, port) for port in wanted}


def _is_own_tls(port: Tree) -> bool:
    # What appProtocol says counts more than the name.
    word = str(port.get("appProtocol") or str(port.get("name", "")).split("-")[0])
    return word in (_OWN_TLS, "https")


def is_captured(pod: PodTemplate, port: str) -> bool:
    """Whether the sidecar gets the traffic of a port at all."""
    included = _listed_in(pod, _INCLUDED)
    return port not in _listed_in(pod, _EXCLUDED) and (
        _INCLUDED not in pod.annotations or bool(included & {"*", port})
    )


def _listed_in(pod: PodTemplate, annotation: str) -> set[str]:
    return {one.strip() for one in str(pod.annotations.get(annotation, "")).split(",")}


def _is_enforced(modes: set[str]) -> bool:
    # Of two policies of one rank the older counts; here they must say the same.
    return modes == {"STRICT"}


def _modes(world: World, namespace: str, labels: Mapping[str, str], port: str) -> set[str]:
    """What the most specific policies say of a port: those of the pod, then of its namespace,
    then of the mesh. A policy that leaves it open asks those of the next rank."""
    policies = list(world.of("PeerAuthentication"))
    own = [one for one in policies if one.namespace == namespace]
    ranks = (
        [one for one in own if (selector := _selector(one)) and selector.items() <= labels.items()],
        [one for one in own if not _selector(one)],
        [one for one in policies if one.namespace == ROOT and not _selector(one)],
    )
    for number, rank in enumerate(ranks):
        said = {_said(one, port if number == 0 else "") for one in rank} - {"UNSET"}
        if said:
            return said
    return set()


def _said(one: Manifest, port: str) -> str:
    # A level for a port counts only where a selector names the pods.
    levels = {str(key): level for key, level in inner(one.spec, "portLevelMtls").items()}
    at_port = str(inner(levels, port).get("mode") or "UNSET")
    whole = str(inner(one.spec, "mtls").get("mode") or "UNSET")
    return whole if at_port == "UNSET" else at_port


def _selector(one: Manifest) -> Tree:
    return inner(one.spec, "selector", "matchLabels")
