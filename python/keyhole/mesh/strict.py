"""Whether the mesh lets nobody reach a Service without mutual TLS."""

from collections.abc import Iterator, Mapping

from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed

_ROOT = "istio-system"
"""The namespace whose PeerAuthentication is for the whole mesh."""
_INJECT = "sidecar.istio.io/inject"
_DATA_PLANE = "istio.io/dataplane-mode"
_EXCLUDED = "traffic.sidecar.istio.io/excludeInboundPorts"
_INCLUDED = "traffic.sidecar.istio.io/includeInboundPorts"
_OWN_TLS = "tls"


def is_strict(world: World, service: Manifest) -> bool:
    """Whether each pod behind a Service takes mutual TLS alone, at each port that leads to it.

    Ports over which Keyhole ends TLS itself are left out. A Service without pods is as strict as
    its namespace.
    """
    mode = world.mode(service.namespace)
    if not mode:
        return False
    pods = world.pods_behind(service)
    if any(is_outside(pod, mode) for pod in pods):
        return False
    ports = list(_ports(service))
    if not pods:
        return _is_enforced(_modes(world, service.namespace, {}, ""))
    return all(
        _is_captured(pod, port) and _is_enforced(_modes(world, service.namespace, pod.labels, port))
        for pod in pods
        for port in _inside(pod, ports)
    )


def is_outside(pod: PodTemplate, mode: str) -> bool:
    """Whether a pod in a namespace of a mesh is left out of it."""
    if pod.spec.get("hostNetwork"):
        return True
    if mode == "ambient":
        return pod.labels.get(_DATA_PLANE) == "none"
    words = (pod.labels.get(_INJECT), pod.annotations.get(_INJECT))
    return any(str(word).lower() == "false" for word in words)


def _ports(service: Manifest) -> Iterator[str]:
    """The ports of pods, by number or name, behind those of a Service."""
    for port in listed(service.spec, "ports"):
        words = (str(port.get("appProtocol")), str(port.get("name", "")).split("-")[0])
        if port.get("protocol") != "UDP" and _OWN_TLS not in words:
            yield str(port.get("targetPort", port.get("port")))


def _inside(pod: PodTemplate, ports: list[str]) -> Iterator[str]:
    """The numbers of ports, some of which are names of a container's."""
    named = {
        str(port.get("name")): str(port.get("containerPort"))
        for container in pod.containers
        for port in listed(container, "ports")
    }
    return (named.get(port, port) for port in ports)


def _is_captured(pod: PodTemplate, port: str) -> bool:
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
        [one for one in policies if one.namespace == _ROOT and not _selector(one)],
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
