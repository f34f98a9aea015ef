"""One document as an object of Kubernetes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from keyhole.mesh.objects import Tree, inner, listed

READY = "Ready"


class Key(NamedTuple):
    """What tells one object from all others."""

    namespace: str
    kind: str
    name: str

    @property
    def file(self) -> str:
        """What stands in the place of a file in messages and on the page."""
        return f"kubernetes {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Resource:
    """One object, as the server gave it last."""

    key: Key
    uid: str
    generation: int
    """The number of this version of its spec."""
    spec: Any
    ready: Tree
    """The condition Ready in its status; empty if there is none."""
    document: str = ""
    """The name of the document, in its status."""
    conditions: tuple[Tree, ...] = ()
    """The other conditions in its status, which somebody else wrote."""
    is_going: bool = False
    """Whether it is deleted, and stays only until somebody has finished with it."""

    @classmethod
    def read(cls, kind: str, tree: Tree) -> "Resource":
        """Reads what the server sent."""
        metadata, status = inner(tree, "metadata"), inner(tree, "status")
        conditions = [one for one in listed(status, "conditions") if one.get("type") == READY]
        return cls(
            Key(str(metadata.get("namespace", "")), kind, str(metadata.get("name", ""))),
            str(metadata.get("uid", "")),
            int(metadata.get("generation") or 0),
            tree.get("spec"),
            conditions[0] if conditions else {},
            str(status.get("document") or ""),
            tuple(one for one in listed(status, "conditions") if one.get("type") != READY),
            "deletionTimestamp" in metadata,
        )
