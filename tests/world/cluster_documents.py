"""Documents as objects of Kubernetes, for tests without a server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from keyhole.mesh.documents.resource import Resource
from keyhole.mesh.objects import Tree
from keyhole.model.document import API_VERSION


def tree_of(kind: str, namespace: str, name: str, spec: Any, generation: int = 1) -> Tree:
    """What a server sends."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"{kind}-{namespace}-{name}",
        "generation": generation,
        "resourceVersion": str(generation),
    }
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def resource(kind: str, namespace: str, name: str, spec: Any, generation: int = 1) -> Resource:
    """The same, read."""
    return Resource.read(kind, tree_of(kind, namespace, name, spec, generation))


class ScriptedApi:
    """Answers as a server might, one answer after the other; then nothing more comes.

    An exception among the answers is raised. ``asked`` is what was asked for, in order.
    """

    def __init__(
        self, lists: list[Tree | Exception], watches: list[list[Tree | Exception]]
    ) -> None:
        self._lists = lists
        self._watches = watches
        self.asked: list[str] = []
        self.is_idle = asyncio.Event()

    async def get(self, path: str, asked: dict[str, str]) -> Tree:
        """The next list."""
        self.asked.append(f"list {asked.get('continue', '')}".strip())
        found = self._lists.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def watch(self, path: str, asked: dict[str, str]) -> AsyncIterator[Tree]:
        """The events of the next watch; the last one stays open."""
        assert asked["allowWatchBookmarks"] == "true"
        self.asked.append(f"watch {asked['resourceVersion']}")
        if not self._watches:
            self.is_idle.set()
            await asyncio.Event().wait()
        for one in self._watches.pop(0):
            if isinstance(one, Exception):
                raise one
            yield one


def page(version: str, *items: Tree, following: str = "") -> Tree:
    """A part of a list."""
    more = {"continue": following} if following else {}
    return {"metadata": {"resourceVersion": version, **more}, "items": list(items)}
