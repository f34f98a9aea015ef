"""Watches the objects of one kind: a list, and then what changes.

When the server ends a watch, the next one goes on from the version that the last one came to. Where
the server does not know that any more (410 Gone), and after an error, the objects are listed again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from keyhole.mesh.documents.api import (
    ClusterApi,
    ForbiddenError,
    GoneError,
    TooLargeError,
    path_of,
)
from keyhole.mesh.documents.kinds import PLURALS
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Tree, inner, listed
from keyhole.model.document import API_VERSION

PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 60.0
_PAGE = 250


@dataclass
class Watched:
    """The objects of all watches, and what hinders them."""

    on_change: Callable[[], None]
    own: str = ""
    """Keyhole's own namespace, without which nothing is complete."""
    objects: dict[Key, Resource] = field(default_factory=dict)
    waiting: set[tuple[str, str]] = field(default_factory=set)
    """The watches, by kind and namespace, that have not listed yet."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Those of the waiting ones that may not list: a namespace that is deleted takes the right to
    read it along."""
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why a watch does not work at the moment."""

    @property
    def is_complete(self) -> bool:
        """Whether each watch has listed its objects once, except those of other namespaces that may
        not: one namespace keeps no other one waiting."""
        return all(one in self.forbidden and one[1] not in ("", self.own) for one in self.waiting)


class Watch:
    """The objects of one kind, in one namespace or in all (an empty name)."""

    def __init__(self, api: ClusterApi, kind: str, namespace: str, watched: Watched) -> None:
        self._api = api
        self._kind = kind
        self._path = path_of(API_VERSION, PLURALS[kind], namespace)
        self._place = (kind, namespace)
        self._watched = watched
        self._version = ""
        """The version to go on from; empty to list."""
        watched.waiting.add(self._place)

    async def run(self, pause: float = PAUSE_SECONDS) -> None:
        """Watches; never ends by itself."""
        wait = pause
        while True:
            try:
                if not self._version:
                    await self._list()
                async for event in self._events():
                    self._take(event)
                    wait = pause
            except GoneError:
                self._version = ""
            except ForbiddenError as error:
                self._version = ""
                self._watched.forbidden.add(self._place)
                self._say(f"{error}; what was read there last stays, and other namespaces go on")
            except MeshError as error:
                self._say(str(error))
                # Nobody knows how much was missed where what came could not be read.
                self._version = ""
            except Exception as error:  # noqa: BLE001  (it would end all other watches)
                self._say(f"{self._path}: {type(error).__name__}: {error}")
                self._version = ""
            else:
                wait = pause
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_PAUSE_SECONDS)

    async def _list(self) -> None:
        found: list[Tree] = []
        asked: dict[str, str] = {}
        limit = _PAGE
        while True:
            try:
                page = await self._api.get(self._path, {**asked, "limit": str(limit)})
            except TooLargeError:
                if limit == 1:
                    raise
                limit //= 2
                continue
            found += listed(page, "items")
            following = str(inner(page, "metadata").get("continue") or "")
            if not following:
                break
            asked["continue"] = following
        objects = [Resource.read(self._kind, one) for one in found]
        kind, namespace = self._place
        kept = self._watched.objects
        gone = [key for key in kept if key.kind == kind and namespace in ("", key.namespace)]
        for key in gone:
            del kept[key]
        kept.update({one.key: one for one in objects})
        self._version = str(inner(page, "metadata").get("resourceVersion") or "")
        self._watched.waiting.discard(self._place)
        self._watched.forbidden.discard(self._place)
        self._say(None)
        self._watched.on_change()

    def _events(self) -> AsyncIterator[Tree]:
        asked = {"resourceVersion": self._version, "allowWatchBookmarks": "true"}
        return self._api.watch(self._path, asked)

    def _take(self, event: Tree) -> None:
        tree = inner(event, "object")
        what = event.get("type")
        if what == "ERROR":
            said = f"{self._path}: {tree.get('message') or 'the watch ended with an error'}"
            raise GoneError(said) if tree.get("code") == 410 else MeshError(said)
        self._version = str(inner(tree, "metadata").get("resourceVersion") or self._version)
        if what == "BOOKMARK":
            return
        one = Resource.read(self._kind, tree)
        if what == "DELETED":
            self._watched.objects.pop(one.key, None)
        else:
            self._watched.objects[one.key] = one
        self._watched.on_change()

    def _say(self, why: str | None) -> None:
        if why is None:
            self._watched.failures.pop(self._place, None)
        elif self._watched.failures.get(self._place) != why:
            self._watched.failures[self._place] = why
            self._watched.on_change()
