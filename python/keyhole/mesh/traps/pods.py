"""Traps in pods: what the cluster refuses to run, and what a sidecar would not see."""

from collections.abc import Iterator

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import PodTemplate, Tree, World, inner, listed, texts

_LOW = 1024
_AGENT = 1337
_INJECTED = ("istio-proxy", "istio-init", "istio-validation")
"""The containers that injection adds to a pod, or changes if a template already has them."""
_BIND = "NET_BIND_SERVICE"
_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
    *("persistentVolumeClaim", "projected", "secret"),
}
"""The volumes that PodSecurity restricted takes."""


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
        if world.mode_of(pod) == "sidecar" and _is_the_agent(pod):
            yield found(
                "user-of-the-sidecar",
                pod.owner,
                f"user or group {_AGENT} is the sidecar's own, and its traffic does not go through "
                "the mesh",
                "run as another user, such as 65532",
            )


def _is_the_agent(pod: PodTemplate) -> bool:
    own = [one for one in pod.containers if one.get("name") not in _INJECTED]
    contexts = [inner(one, "securityContext") for one in (pod.spec, *own)]
    return any(_AGENT in (one.get("runAsUser"), one.get("runAsGroup")) for one in contexts)


def _refused(pod: PodTemplate) -> str:
    """Why PodSecurity restricted refuses a pod; empty if it does not."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.spec.get(key):
            return f"it has {key}"
    for volume in listed(pod.spec, "volumes"):
        if kinds := volume.keys() - _VOLUMES - {"name"}:
            return f"the volume {volume.get('name')} is a {min(kinds)}"
    of_pod = inner(pod.spec, "securityContext")
    return next(filter(None, (_refused_container(one, of_pod) for one in pod.containers)), "")


def _refused_container(container: Tree, of_pod: Tree) -> str:
    own, name = inner(container, "securityContext"), container.get("name")
    capabilities = inner(own, "capabilities")
    # What a container says counts more than what its pod says.
    both = {**of_pod, **own}
    if own.get("privileged"):
        return f"the container {name} is privileged"
    if not both.get("runAsNonRoot") or both.get("runAsUser") == 0:
        return f"the container {name} may run as root"
    if inner(both, "seccompProfile").get("type") not in ("RuntimeDefault", "Localhost"):
        return f"the container {name} has no seccomp profile"
    if own.get("allowPrivilegeEscalation") is not False:
        return f"the container {name} may raise its privileges"
    if "ALL" not in texts(capabilities, "drop"):
        return f"the container {name} keeps capabilities"
    if more := {*texts(capabilities, "add")} - {_BIND}:
        return f"the container {name} adds the capability {min(more)}"
    if any(port.get("hostPort") for port in listed(container, "ports")):
        return f"the container {name} takes a port of its node"
    return ""


def low_ports(world: World) -> Iterator[Finding]:
    """A port below 1024 needs a capability."""
    for pod in world.pods():
        for container in pod.containers:
            for port in listed(container, "ports"):
                number = port.get("containerPort")
                if isinstance(number, int) and number < _LOW:
                    dropped = texts(inner(container, "securityContext", "capabilities"), "drop")
                    added = texts(inner(container, "securityContext", "capabilities"), "add")
                    if "ALL" in dropped and _BIND not in added:
                        yield found(
                            "port-needs-a-capability",
                            pod.owner,
                            f"the container {container.get('name')} listens at {number} without "
                            "the capability for it",
                            "listen at 5300, and let the Service lead port 53 there",
                        )


RULES = (pods_that_are_refused, low_ports)
