"""Upstreams in manifests: their documents, the pods that ask them, and their addresses."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from keyhole.mesh.objects import Manifest, PodTemplate, Tree, World, inner, listed, texts
from keyhole.model.address import read_upstream_address
from keyhole.model.upstream import PORTS

_UPSTREAM = "kind: Upstream"


def documents(world: World) -> Iterator[tuple[Manifest, Tree]]:
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


def outside(tree: Tree) -> list[tuple[str, int]]:
    """The public addresses of an upstream, with their ports."""
    return [(one, port) for one, port in addresses_of(tree) if ip_address(one).is_global]


def addresses_of(tree: Tree) -> list[tuple[str, int]]:
    """The addresses of an upstream, with their ports."""
    spec, found = inner(tree, "spec"), []
    for written in texts(spec, "addresses"):
        try:
            endpoint = read_upstream_address(written)
        except ValueError:
            continue  # keyhole check says so
        usual = PORTS.get(str(spec.get("protocol")), PORTS["doh"])
        found.append((str(endpoint.ip), endpoint.port or usual))
    return found


def pods_with(world: World, config: Manifest) -> list[PodTemplate]:
    """The pods that mount a config map."""
    return [
        pod
        for pod in world.pods()
        if pod.owner.namespace == config.namespace
        and any(
            inner(volume, "configMap").get("name") == config.name
            for volume in listed(pod.spec, "volumes")
        )
    ]


def is_in_network(address: str, network: str) -> bool:
    """Whether an address is another one, or in a network; not if that is neither."""
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return False
