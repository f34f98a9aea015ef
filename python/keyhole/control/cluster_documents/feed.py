"""Watches the documents in Kubernetes, puts them in force, and says so in their status."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from keyhole.control.cluster_documents.copy import ClusterCopy
from keyhole.control.compile import compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.document_pool import StuckError
from keyhole.control.error import UnwritableError
from keyhole.control.parts import KUBERNETES, KUBERNETES_DOCUMENTS, KUBERNETES_STATUS, Parts
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import Settings
from keyhole.engine import judge
from keyhole.errors import DocumentErrors, Problem
from keyhole.lists import lend_compiled
from keyhole.mesh.documents.api import ACCOUNT, ClusterApi, NotThereError, path_of
from keyhole.mesh.documents.choice import Choice, Texts, choose
from keyhole.mesh.documents.delegation import EVERY, Delegation
from keyhole.mesh.documents.kinds import OBJECTS, PLURALS
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.mesh.documents.status import Verdict, verdict
from keyhole.mesh.documents.watch import Watch, Watched
from keyhole.mesh.documents.written import Written
from keyhole.mesh.error import MeshError
from keyhole.mesh.kubeconfig import ClusterAccess, in_pod, read_kubeconfig
from keyhole.model.document import API_VERSION

RETRY_SECONDS = 30.0
"""After what could not be done, and nothing else happens."""
SETTLE_SECONDS = 0.2
"""How long a change waits for those that come with it."""
_STAYS = "the last good documents stay in force"
Verdicts = Sequence[tuple[Resource, Verdict]]
Places = frozenset[tuple[str, str]]
Signature = tuple[frozenset[tuple[Key, str, int, bool]], Places]


class ClusterDocuments:
    """The documents in Kubernetes of one Keyhole."""

    def __init__(
        self, settings: Settings, data: DataFolder, reconciler: Reconciler, parts: Parts
    ) -> None:
        section = settings.written.kubernetes
        self._settings = settings
        self._data = data
        self._reconciler = reconciler
        self._parts = parts
        self._delegation = Delegation(
            section.namespace,
            section.namespaces,
            section.include,
            section.upstreams,
            section.trust_domains,
        )
        self._copy = ClusterCopy(data.kubernetes, settings.documents, self._delegation)
        self._wake = asyncio.Event()
        self._watched = Watched(self._wake.set, section.namespace)
        self._written = Written(self._delegation)
        self._broken = ""
        """Why the last round was not finished, where it was a fault of this program."""
        self._last: Texts = {}
        self._is_written = False
        """Whether the copy has these, and was made by the rules of now."""
        self._choice: Choice | None = None
        self._is_stale = False
        """Whether it is to be made anew, although no object has changed."""
        self._signature: Signature = (frozenset(), frozenset())
        """The objects for which that was chosen."""
        self._said: dict[Key, tuple[str, int, Verdict]] = {}
        """What was written into the status of an object, by its uid and version."""
        self._is_applying = False
        reconciler.on_change(self._look_again)

    def _look_again(self) -> None:
        """Other documents have changed, with which these have to be valid."""
        if not self._is_applying:
            self._is_stale = True
            self._wake.set()

    async def run(self) -> None:
        """Watches; never ends by itself."""
        await self._begin()
        while True:
            try:
                api = ClusterApi(await asyncio.to_thread(self._access))
                break
            except MeshError as error:
                self._parts.fail(KUBERNETES, f"{error}\n{_STAYS}")
                await asyncio.sleep(RETRY_SECONDS)
        try:
            async with asyncio.TaskGroup() as tasks:
                for watch in self._watches(api):
                    tasks.create_task(watch.run())
                tasks.create_task(self._follow(api))
        finally:
            await api.close()

    async def _begin(self) -> None:
        """Takes what is in force. Where the rules have changed since, it may say what nobody may
        say any more: it stays until the objects are read, and is no version to go back to."""
        found = await asyncio.to_thread(self._copy.read)
        self._is_written = await asyncio.to_thread(lambda: self._copy.is_current)
        has, own = self._delegation.has, self._delegation.own
        left = {key: text for key, text in found.items() if has(key.namespace)}
        if left != found:
            with self._parts.recorded(KUBERNETES_DOCUMENTS, UnwritableError):
                await asyncio.to_thread(self._copy.prune, left)
                await self._apply()
        self._last = {
            key: text for key, text in left.items() if self._is_written or key.namespace == own
        }

    def _access(self) -> ClusterAccess:
        file = self._settings.written.kubernetes.kubeconfig
        if file is not None:
            return read_kubeconfig(self._settings.file.absolute().parent / Path(file).expanduser())
        host = os.environ.get("KUBERNETES_SERVICE_HOST")
        if not host:
            raise MeshError(
                "this is no pod of Kubernetes; give kubernetes.kubeconfig, or take watch out"
            )
        return in_pod(ACCOUNT, host, os.environ.get("KUBERNETES_SERVICE_PORT", "443"))

    def _watches(self, api: ClusterApi) -> list[Watch]:
        others = self._delegation.namespaces
        places = [""] if EVERY in others else dict.fromkeys([self._delegation.own, *others])
        return [Watch(api, kind, place, self._watched) for kind in PLURALS for place in places]

    async def _follow(self, api: ClusterApi) -> None:
        is_done, took, faults = True, 0.0, 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if is_done else RETRY_SECONDS):
                    await self._wake.wait()
            # Whoever changes something all the time gets half of the time at most.
            await asyncio.sleep(max(SETTLE_SECONDS, took))
            self._wake.clear()
            self._report()
            begun = time.monotonic()
            try:
                if self._watched.is_complete:
                    is_done = await self._settle(api)
                faults = 0
            except Exception as error:  # noqa: BLE001  (it would end all watches, and nobody say so)
                self._broken = f"the documents cannot be taken: {type(error).__name__}: {error}"
                self._is_stale, is_done, faults = True, False, faults + 1
            else:
                self._broken = ""
            self._report()
            pause = min(2.0**faults, RETRY_SECONDS) if faults else 0.0
            took = min(max(time.monotonic() - begun, pause), RETRY_SECONDS)

    def _report(self) -> None:
        """Says whether all can be watched."""
        found = [*self._watched.failures.values(), *([self._broken] if self._broken else [])]
        why = "\n".join(dict.fromkeys(found))
        self._parts.set(KUBERNETES, f"{why}\n{_STAYS}" if why else None)

    async def _settle(self, api: ClusterApi) -> bool:
        """Puts in force what is there now; gives whether all of it was done."""
        objects = tuple(self._watched.objects.values())
        unread = frozenset(self._watched.waiting)
        signature = (
            frozenset((one.key, one.uid, one.generation, one.is_going) for one in objects),
            unread,
        )
        choice = None if self._is_stale or signature != self._signature else self._choice
        try:
            if choice is None:
                # Before: what changes while it chooses counts the next time.
                self._is_stale = False
                choice = self._choice = await self._choose(objects, unread)
                self._signature = signature
            await self._take(choice.texts)
        except (StuckError, UnwritableError) as error:
            self._is_stale = True
            self._parts.fail(KUBERNETES_DOCUMENTS, f"{error}\n{_STAYS}")
            return False
        if self._reconciler.is_behind:
            return False  # an engine or the disk: no fault of a document
        problem = str(self._reconciler.problem or "").partition("\n")[0]
        said = [
            (one, verdict(one, choice, self._delegation, problem))
            for one in objects
            if not one.is_going
        ]
        self._report_documents(said)
        is_said = await self._say(api, said)
        self._is_stale = self._is_stale or choice.is_passing
        return is_said and not choice.is_passing

    async def _choose(self, objects: Sequence[Resource], unread: Places) -> Choice:
        self._written.forget_all_but(one.key for one in objects)
        work = partial(
            choose,
            objects,
            self._last,
            self._delegation,
            self._check,
            written=self._written,
            unread=unread,
        )
        async with self._reconciler.exclusive():
            return await self._reconciler.documents.run(work)

    def _check(self, texts: Texts) -> Sequence[Problem]:
        """The errors of all documents with these, compiled beside those in force. Raises
        `StuckError` once nobody waits for them any more."""
        self._reconciler.documents.check()
        with _scratch() as folder:
            scratch = DataFolder(Path(folder))
            scratch.make()
            copy = ClusterCopy(scratch.kubernetes, self._settings.documents, self._delegation)
            copy.write(texts)
            lend_compiled(self._data.state, scratch.state)
            try:
                compiled = compile_all(
                    self._settings,
                    scratch,
                    over=self._data.stored_folders,
                    identity=self._data.identity,
                    downloads=self._data.state,
                )
            except DocumentErrors as error:
                return error.problems
            judge(compiled.octets, [])
        return ()

    async def _take(self, texts: Texts) -> None:
        if texts == self._last and self._is_written:
            return
        await asyncio.to_thread(self._copy.write, texts)
        self._last, self._is_written = texts, True
        await self._apply()

    async def _apply(self) -> None:
        self._is_applying = True
        try:
            await self._reconciler.apply()
        finally:
            self._is_applying = False

    def _report_documents(self, said: Verdicts) -> None:
        """Says what is wrong with the operator's own; others read it in their status."""
        own = self._delegation.own
        wrong = [
            f"{OBJECTS[one.key.kind]} {one.key.namespace}/{one.key.name}: {what.message}"
            for one, what in said
            if one.key.namespace == own and not what.is_ready
        ]
        self._parts.set(KUBERNETES_DOCUMENTS, "\n".join(sorted(wrong)) or None)

    async def _say(self, api: ClusterApi, said: Verdicts) -> bool:
        failed: list[str] = []
        for one, what in said:
            mark = (one.uid, one.generation, what)
            if what.is_said(one) or self._said.get(one.key) == mark:
                continue
            try:
                await self._write(api, one, what)
                self._said[one.key] = mark
            except NotThereError:
                continue  # deleted meanwhile
            except MeshError as error:
                failed.append(str(error))
        self._forget(said)
        self._parts.set(KUBERNETES_STATUS, failed[0] if failed else None)
        return not failed

    async def _write(self, api: ClusterApi, one: Resource, what: Verdict) -> None:
        namespace, kind, name = one.key
        now = datetime.now(UTC)
        place = path_of(API_VERSION, PLURALS[kind], namespace, name)
        await api.merge(f"{place}/status", what.status(one, now))
        if what.is_news(one):
            event = what.event(one, now, API_VERSION)
            await api.create(path_of("v1", "events", namespace), event)

    def _forget(self, kept: Verdicts) -> None:
        keys = {one.key for one, _ in kept}
        self._said = {key: mark for key, mark in self._said.items() if key in keys}


@contextmanager
def _scratch() -> Iterator[str]:
    """A folder for a while; raises `UnwritableError` where it cannot be used."""
    try:
        with tempfile.TemporaryDirectory(prefix="keyhole-kubernetes-") as folder:
            yield folder
    except OSError as error:
        why = f"cannot check the documents: {error.filename}: {error.strerror}"
        raise UnwritableError(why) from error
