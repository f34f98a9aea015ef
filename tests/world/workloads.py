"""Pods as the controllers of StatefulSets and CronJobs make them out of a template."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

Object = dict[str, Any]


def pods_of(objects: list[Object]) -> Iterator[Object]:
    """The first pod of each StatefulSet and CronJob."""
    for one in objects:
        if one["kind"] == "StatefulSet":
            yield _first(one)
        elif one["kind"] == "CronJob":
            template = deepcopy(one["spec"]["jobTemplate"]["spec"]["template"])
            yield _pod(one, f"{one['metadata']['name']}-1", template)


def _pod(one: Object, name: str, template: Object) -> Object:
    metadata = {**template["metadata"], "name": name, "namespace": one["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _first(one: Object) -> Object:
    template = deepcopy(one["spec"]["template"])
    name, pod = f"{one['metadata']['name']}-0", template["spec"]
    for claim in one["spec"].get("volumeClaimTemplates", ()):
        volume = claim["metadata"]["name"]
        source = {"claimName": f"{volume}-{name}"}
        pod.setdefault("volumes", []).append({"name": volume, "persistentVolumeClaim": source})
    pod.update(hostname=name, subdomain=one["spec"]["serviceName"])
    return _pod(one, name, template)
