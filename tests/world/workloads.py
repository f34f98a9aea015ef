"""Pods as the controller of StatefulSets makes them out of a template."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Object = dict[str, Any]


def pods_of(objects: list[Object]) -> Iterator[Object]:
    """The first pod of each StatefulSet."""
    for one in objects:
        if one["kind"] == "StatefulSet":
            yield _first(one)


def _first(one: Object) -> Object:
    template = deepcopy(one["spec"]["template"])
    name, pod = f"{one['metadata']['name']}-0", template["spec"]
    metadata = {**template["metadata"], "name": name, "namespace": one["metadata"]["namespace"]}
    for claim in one["spec"].get("volumeClaimTemplates", ()):
        volume = claim["metadata"]["name"]
        source = {"claimName": f"{volume}-{name}"}
        pod.setdefault("volumes", []).append({"name": volume, "persistentVolumeClaim": source})
    pod.update(hostname=name, subdomain=one["spec"]["serviceName"])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}
