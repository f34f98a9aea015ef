"""Manifests as objects: read from files, folders or a text, and found by kind and labels."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from keyhole.mesh.error import MeshError

_MAX_OCTETS = 8 << 20
_EXTENSIONS = (".yaml", ".yml", ".json")
_INJECT = "sidecar.istio.io/inject"
_DATA_PLANE = "istio.io/dataplane-mode"
_TEMPLATES = {"CronJob": ("jobTemplate", "spec", "template")}
WORKLOADS = (
    *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"),
    *("Job", "CronJob"),
)
"""Kinds that make pods."""
Tree = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """One object, and the file that it stands in."""

    file: str
    tree: Tree

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.tree.get("kind", ""))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        """Its namespace; ``default`` if it names none."""
        return str(self.metadata.get("namespace", "default"))

    @property
    def metadata(self) -> Tree:
        """Its metadata."""
        return _mapping(self.tree.get("metadata"))

    @property
    def spec(self) -> Tree:
        """What it asks for."""
        return _mapping(self.tree.get("spec"))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return _mapping(self.metadata.get("labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return _mapping(self.metadata.get("annotations"))


@dataclass(frozen=True)
class PodTemplate:
    """The pods of a workload, or a pod."""

    owner: Manifest
    metadata: Tree
    spec: Tree

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its pods."""
        return _mapping(self.metadata.get("labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of its pods."""
        return _mapping(self.metadata.get("annotations"))

    @property
    def containers(self) -> list[Tree]:
        """All containers, those that run first too."""
        return [*listed(self.spec, "initContainers"), *listed(self.spec, "containers")]


@dataclass(frozen=True)
class World:
    """All manifests that are checked together."""

    manifests: tuple[Manifest, ...] = field(default=())

    def of(self, *kinds: str) -> Iterator[Manifest]:
        """The objects of some kinds."""
        return (one for one in self.manifests if one.kind in kinds)

    def pods(self) -> Iterator[PodTemplate]:
        """The pods of all workloads."""
        for one in self.of(*WORKLOADS):
            template = inner(one.spec, *_TEMPLATES.get(one.kind, ("template",)))
            yield PodTemplate(
                one, _mapping(template.get("metadata")), _mapping(template.get("spec"))
            )
        for one in self.of("Pod"):
            yield PodTemplate(one, one.metadata, one.spec)

    def pods_behind(self, service: Manifest) -> list[PodTemplate]:
        """The pods that a Service leads to."""
        selector = _mapping(service.spec.get("selector"))
        return [
            pod
            for pod in self.pods()
            if selector
            and pod.owner.namespace == service.namespace
            and selector.items() <= pod.labels.items()
        ]

    def mode(self, namespace: str) -> str:
        """``sidecar`` or ``ambient`` as the label of the namespace says, or nothing."""
        for one in self.of("Namespace"):
            if one.name == namespace:
                if one.labels.get(_DATA_PLANE) == "ambient":
                    return "ambient"
                if one.labels.get("istio-injection") == "enabled" or "istio.io/rev" in one.labels:
                    return "sidecar"
        return ""

    def mode_of(self, pod: PodTemplate) -> str:
        """The same of a pod: its own labels count more than that of its namespace."""
        mode = _own_mode(pod) or self.mode(pod.owner.namespace)
        return "" if is_outside(pod, mode) else mode

    def mode_behind(self, service: Manifest) -> str:
        """The mode of the namespace of a Service, or where that says nothing of its pods."""
        modes = (_own_mode(pod) for pod in self.pods_behind(service))
        return self.mode(service.namespace) or next(filter(None, modes), "")


def is_outside(pod: PodTemplate, mode: str) -> bool:
    """Whether a pod in a namespace of a mesh is left out of it."""
    if pod.spec.get("hostNetwork"):
        return True
    if mode == "ambient":
        return pod.labels.get(_DATA_PLANE) == "none"
    return "false" in _injection(pod)


def _own_mode(pod: PodTemplate) -> str:
    """What the labels of a pod say, without those of its namespace."""
    if pod.labels.get(_DATA_PLANE) == "ambient":
        return "ambient"
    return "sidecar" if "true" in _injection(pod) else ""


def _injection(pod: PodTemplate) -> set[str]:
    # The annotation is the way of earlier versions of Istio, and still counts.
    return {str(words.get(_INJECT)).lower() for words in (pod.labels, pod.annotations)}


def listed(tree: Tree, key: str) -> list[Tree]:
    """The objects in a list, without what is none."""
    value = tree.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def inner(tree: Tree, *keys: str) -> Tree:
    """The object behind some keys; empty where there is none."""
    for key in keys:
        tree = _mapping(tree.get(key))
    return tree


def texts(tree: Tree, key: str) -> list[str]:
    """The texts in a list."""
    value = tree.get(key)
    return [str(one) for one in value] if isinstance(value, list) else []


def _mapping(value: object) -> Tree:
    return value if isinstance(value, dict) else {}


def read_paths(paths: Iterable[Path]) -> World:
    """Reads files, and all files of folders; raises `MeshError`."""
    found: list[Manifest] = []
    for path in paths:
        files = [path]
        if path.is_dir():
            files = sorted(one for one in path.rglob("*") if one.suffix in _EXTENSIONS)
            if not files:
                raise MeshError(f"{path} holds no manifest (.yaml, .yml or .json)")
        for file in files:
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise MeshError(f"{file} cannot be read: {error}") from error
            found += read_text(text, str(file))
    return World(tuple(found))


def read_text(text: str, name: str) -> list[Manifest]:
    """The objects in a text; raises `MeshError` if it is no YAML."""
    if len(text) > _MAX_OCTETS:
        raise MeshError(f"{name} is larger than 8 MiB; check its parts one by one")
    if "{{" in text and "{{-" in text:
        raise MeshError(f"{name} is a template of Helm; check what helm template prints")
    try:
        trees = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise MeshError(f"{name} is no YAML: {' '.join(str(error).split())}") from error
    found = []
    for tree in trees:
        if tree is None:
            continue
        items = tree.get("items") if isinstance(tree, dict) and tree.get("kind") == "List" else None
        for one in items if isinstance(items, list) else [tree]:
            if not isinstance(one, dict) or not isinstance(one.get("kind"), str):
                raise MeshError(f"{name} holds something without a kind; give manifests only")
            found.append(Manifest(name, one))
    return found
