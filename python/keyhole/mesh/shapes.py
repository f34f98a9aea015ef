"""What a trap relies on in a manifest that no API server has looked at."""

from collections.abc import Iterator

from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import WORKLOADS, Manifest, Tree, World, inner, listed

_NUMBERS = ("endPort", "containerPort", "hostPort", "nodePort")
_WORDS = ("name", "key", "operator", "protocol", "port", "targetPort", "number")
_LISTS = ("values",)
_KINDS = (*WORKLOADS, "Pod", "Service", "NetworkPolicy", "AuthorizationPolicy", "ServiceEntry")
"""Kinds in which a key of `_WORDS` is a text or a number wherever it stands."""


def must_have_shape(world: World) -> None:
    """Raises `MeshError` with the object and its file where a field is of a kind that no version
    of Kubernetes takes, such as a list for a port."""
    for one in world.manifests:
        wrong = next(_wrong(one), "")
        if wrong:
            name = f"{one.kind} {one.namespace}/{one.name}"
            raise MeshError(f"{one.file}: {name} cannot be read: {wrong}")


def _wrong(one: Manifest) -> Iterator[str]:
    for key in ("labels", "annotations"):
        yield from _texts(one.metadata, key)
    if one.kind not in _KINDS:
        return
    yield from _fields(one.spec)
    if one.kind == "Service":
        for port in listed(one.spec, "ports"):
            if not _is_number(port.get("port")):
                yield "an entry of ports has no number as its port, such as port: 53"


def _texts(tree: Tree, key: str) -> Iterator[str]:
    for word, value in inner(tree, key).items():
        if isinstance(value, dict | list):
            yield f"{key}.{word} is no text"


def _fields(value: object) -> Iterator[str]:
    """What is wrong in a part of a ``spec``, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _fields(one)
    if not isinstance(value, dict):
        return
    for key in ("labels", "annotations", "matchLabels"):
        yield from _texts(value, key)
    for key, one in value.items():
        if key in _NUMBERS and not (one is None or _is_number(one)):
            yield f"{key} is no number: {one!r}"
        elif key in _WORDS and isinstance(one, dict | list):
            yield f"{key} is neither a text nor a number: {one!r}"
        elif key in _LISTS and not (one is None or isinstance(one, list)):
            yield f"{key} is no list: {one!r}"
        # Labels may have any name.
        elif key not in ("labels", "annotations", "matchLabels", "nodeSelector"):
            yield from _fields(one)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
