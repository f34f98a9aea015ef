"""Traps at a hop that the mesh alone encrypts: upstreams with ``insecure: mesh``.

Such queries leave Keyhole in the clear, so both ends must be in the mesh.
"""

from collections.abc import Iterator

from keyhole.mesh.finding import Finding, found
from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.mesh.traps.upstreams import addresses_of, documents, pods_with

_SETTINGS = "keyhole.yaml"


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


RULES = (cleartext_outside,)
