"""Applies all changes of stored documents, by command, API or browser.

First it checks each document, all documents together, the compiled snapshot in the core, and that
nobody else changed the documents meanwhile. Then it writes to the database, and only then updates
the engine. If the process is killed in between, the next start completes what the database says.
"""

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from keyhole.config.declaration import Heading
from keyhole.config.documents import read_documents
from keyhole.control.changes.audit_detail import of_versions
from keyhole.control.changes.change_request import (
    ChangeRequest,
    Effect,
    EffectKind,
    Outcome,
    read_change_requests,
)
from keyhole.control.changes.document_record import DocumentRecord, declared_files, merged
from keyhole.control.changes.stored import StoredFiles
from keyhole.control.compile import Compiled, compile_all
from keyhole.control.data_folder import DataFolder
from keyhole.control.declared import KUBERNETES_FILE, declared_paths, has_copy
from keyhole.control.document_pool import READING, DocumentPool, StuckError
from keyhole.control.error import NotThereError, ReadOnlyError, StaleError
from keyhole.control.missing_parts import STORED, MissingError
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import Settings
from keyhole.engine import judge
from keyhole.errors import DocumentErrors, Problem
from keyhole.lists import lend_compiled
from keyhole.store import (
    Actor,
    AuditEntry,
    Database,
    Version,
    append,
    current,
    history,
    records,
    revision,
    write_version,
)
from keyhole.store.documents import changed_by

Key = tuple[str, str]
READERS = 4
"""Threads that read the documents for callers: only these hang with the system of a file."""
READ_SECONDS = 20.0
"""How long a caller waits for them."""
TRUST_KINDS = frozenset({"Client", "TrustDomain"})
"""Kinds whose documents give trust, so that to delete one takes it away."""


class Changes:
    """Reads and changes documents; safe to call from several tasks."""

    def __init__(
        self, database: Database, settings: Settings, data: DataFolder, reconciler: Reconciler
    ) -> None:
        self._database = database
        self._settings = settings
        self._data = data
        self._reconciler = reconciler
        self._lock = asyncio.Lock()
        # Also where it is a file or missing: its parent holds keys and what Keyhole keeps.
        self._beside = settings.documents
        self._files = StoredFiles(data, self._beside)
        self.sent = DocumentPool(what="reading documents that were sent")
        """Where documents that somebody sent are read."""
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="readers")
        self._late: Future[object] | None = None
        """What read the documents and was given up."""
        self._known: tuple[object, list[DocumentRecord]] | None = None
        """All documents, and the state of database and files that they are from."""

    @property
    def database(self) -> Database:
        """The database with the documents and the audit record."""
        return self._database

    @property
    def folder(self) -> Path:
        """The folder to which paths in stored documents are relative."""
        return self._beside

    async def begin(self) -> None:
        """Updates the copy of the stored documents from the database, and applies it.

        They differ if the process was killed between two writes, or the database was edited.
        """
        async with self._lock:
            if await asyncio.to_thread(self._repair):
                await self._reconciler.apply()

    async def read_requests(self, text: str, file: str) -> list[ChangeRequest]:
        """The documents of a YAML stream, as `read_change_requests`. They may name files, so this
        has a thread of its own and a deadline; raises `StuckError`."""
        return await self.sent.run(read_change_requests, text, file, self._beside)

    def documents(self) -> tuple[list[DocumentRecord], list[Problem]]:
        """All documents by kind and name, and the syntax errors of declared ones. Raises
        `StuckError` while their files cannot be read because a system hangs."""
        if (stuck := self._reconciler.documents.abandoned) is not None:
            raise StuckError(stuck)
        if self._late is not None and not self._late.done():
            raise StuckError(f"{READING} takes too long")
        reading = self._readers.submit(self._read_documents)
        try:
            return reading.result(READ_SECONDS)
        except TimeoutError:
            if reading.done():
                raise  # the work itself timed out
            if not reading.cancel():
                self._late = reading  # type: ignore[assignment]  # only asked whether it is done
            raise StuckError(f"{READING} takes too long") from None

    def _read_documents(self) -> tuple[list[DocumentRecord], list[Problem]]:
        by_file, problems = declared_files(declared_paths(self._settings, self._data))
        with self._database.read() as connection:
            state = (revision(connection), by_file)
            known = self._known
            if known is None or known[0] != state:
                every = [one for file in by_file for one in file]
                self._known = known = (state, merged(every, current(connection)))
        return known[1], problems

    def document(self, kind: str, name: str) -> DocumentRecord:
        """The effective document; raises `NotThereError`."""
        found = [one for one in self.documents()[0] if (one.kind, one.name) == (kind, name)]
        for one in found:
            if not one.is_shadowed:
                return one
        raise NotThereError(f"there is no {kind}/{name}")

    async def drift(self) -> tuple[list[Problem], list[DocumentRecord]]:
        """The errors in the files of the folder, and the stored documents that are shadowed,
        because a file declares them too."""
        found, problems = await asyncio.to_thread(self.documents)
        try:
            async with self._reconciler.exclusive():
                await self._reconciler.documents.run(compile_all, self._settings, self._data)
        except DocumentErrors as error:
            problems = [*error.problems]
        wrong = [one for one in problems if not one.is_advice]
        return wrong, [one for one in found if one.is_shadowed]

    def history(self, kind: str, name: str) -> list[Version]:
        """All stored versions, newest first; raises `NotThereError` if there are none."""
        with self._database.read() as connection:
            found = history(connection, kind, name)
        if not found:
            raise NotThereError(f"{kind}/{name} was never stored")
        return found

    async def apply(
        self,
        requests: Sequence[ChangeRequest],
        actor: Actor,
        *,
        action: str = "apply",
        message: str | None = None,
        is_dry: bool = False,
    ) -> Outcome:
        """Applies all requests or none.

        Raises ``DocumentErrors`` if the documents would not be valid together, ``ReadOnlyError``,
        ``StaleError`` and ``NotThereError``, and ``StoreError`` or ``UnwritableError`` if they
        cannot be stored. With ``is_dry`` it only checks.
        """
        async with self._lock:
            entry = AuditEntry(actor.name, actor.via, action, actor.address, message)
            async with self._reconciler.exclusive():
                outcome = await self._reconciler.documents.run(
                    self._store, list(requests), entry, is_dry
                )
            if outcome.change is None:
                return outcome
            problem = await self._reconciler.apply()
            why = str(problem) if problem else ""
            if problem is not None and all(_is_withdrawal(one) for one in requests):
                # What it says acts apart from the documents, and is in force once engines have it.
                left = [one for one in await self._reconciler.withdrawals.deliver() if one.why]
                why = "; ".join(f"{one.engine} has not got it: {one.why}" for one in left)
            return replace(outcome, is_in_force=not why, why=why)

    async def compile_draft(
        self, requests: Sequence[ChangeRequest], scratch: DataFolder
    ) -> Compiled:
        """What the documents would be compiled to with these changes; nothing changes. The lists
        are compiled into ``scratch``. Raises as ``apply``."""
        async with self._lock, self._reconciler.exclusive():
            return await self._reconciler.documents.run(
                self._compile_draft, list(requests), scratch
            )

    def _compile_draft(self, requests: list[ChangeRequest], scratch: DataFolder) -> Compiled:
        self._refuse_declared(requests)
        with self._database.read() as connection:
            before = current(connection, with_deleted=True)
        self._refuse_stale(requests, before)
        _, written = _effects(requests, before)
        after = {**before, **written}.values()
        draft = self._files.draft(one for one in after if not one.is_deleted)
        return self._compile_into(scratch, draft)

    async def roll_back(
        self, kind: str, name: str, actor: Actor, *, to: int | None = None, is_dry: bool = False
    ) -> Outcome:
        """Restores an earlier version of a document; without ``to`` the previous one."""
        versions = await asyncio.to_thread(self.history, kind, name)
        wanted = versions[0].version - 1 if to is None else to
        found = next((one for one in versions if one.version == wanted), None)
        if found is None and wanted != 0:
            raise NotThereError(
                f"{kind}/{name} has no version {wanted}; there are 1 to {versions[0].version}"
            )
        text = found.text if found and not found.is_deleted else None
        request = ChangeRequest(kind, name, text, versions[0].version)
        message = f"back to version {wanted}"
        return await self.apply([request], actor, action="rollback", message=message, is_dry=is_dry)

    async def undo(self, change: int, actor: Actor, *, is_dry: bool = False) -> Outcome:
        """Undoes a change; raises ``StaleError`` if one of its documents changed again since."""
        requests = await asyncio.to_thread(self._undo_requests, change)
        message = f"undoes change {change}"
        return await self.apply(requests, actor, action="rollback", message=message, is_dry=is_dry)

    def _undo_requests(self, change: int) -> list[ChangeRequest]:
        with self._database.read() as connection:
            written = changed_by(connection, change)
            now = current(connection, with_deleted=True)
            before = current(connection, with_deleted=True, up_to=change - 1)
        if not written:
            raise NotThereError(f"change {change} changed no document; keyhole audit lists them")
        requests = []
        for one in written:
            key = (one.kind, one.name)
            if now[key].version != one.version:
                raise StaleError(
                    f"{one.label} was changed again by change {now[key].change}; undo that first"
                )
            old = before.get(key)
            text = old.text if old and not old.is_deleted else None
            requests.append(ChangeRequest(one.kind, one.name, text, one.version))
        return requests

    def _store(self, requests: list[ChangeRequest], entry: AuditEntry, is_dry: bool) -> Outcome:
        self._refuse_declared(requests)
        with self._database.read() as connection:
            before, seen = current(connection, with_deleted=True), revision(connection)
        self._refuse_stale(requests, before)
        effects, written = _effects(requests, before)
        outcome = Outcome(tuple(effects))
        if not written:
            return outcome
        after = {key: one for key, one in before.items() if not one.is_deleted}
        for key, one in written.items():
            after[key] = one
        draft = self._files.draft(one for one in after.values() if not one.is_deleted)
        try:
            advice = self._compile(draft, is_dry=is_dry).advice
        except DocumentErrors as error:
            advice = self._advice_on_removal(requests, error)
        outcome = replace(outcome, advice=advice)
        if is_dry:
            return outcome
        labels = {f"{one.kind}/{one.name}": one.what for one in effects if one.what != "unchanged"}
        said = of_versions(before, written.values())
        entry = replace(entry, detail={**entry.detail, "documents": labels, **said})
        self._reconciler.documents.check()
        with self._database.begin() as connection:
            if revision(connection) != seen:
                raise StaleError("the documents were changed meanwhile; read them again and retry")
            change = append(connection, entry)
            for one in written.values():
                write_version(connection, replace(one, change=change))
        self._files.take(draft, change)
        return replace(outcome, change=change)

    def _advice_on_removal(
        self, requests: list[ChangeRequest], error: DocumentErrors
    ) -> tuple[str, ...]:
        """Advice where the change only takes trust away and nothing is wrong but what was wrong
        before it: a typo must not keep trust alive. Raises the error otherwise."""
        known = self._reconciler.problem
        before = known.problems if isinstance(known, DocumentErrors) else ()
        is_removal = all(one.text is None and one.kind in TRUST_KINDS for one in requests)
        if not is_removal or not _faults(error.problems) <= _faults(before):
            raise error
        return (
            "other documents are not valid; trust that this takes away ends now, and the rest acts "
            "when they are mended",
        )

    def _compile(self, draft: Path, *, is_dry: bool) -> Compiled:
        """Compiles the documents after the change, and checks them in the core."""
        if not is_dry:
            return self._checked(compile_all(self._settings, self._data, over=[draft]))
        with tempfile.TemporaryDirectory(prefix="keyhole-draft-") as folder:
            # A dry run must not change the list state of the running Keyhole.
            scratch = DataFolder(Path(folder))
            scratch.make()
            return self._compile_into(scratch, draft)

    def _compile_into(self, scratch: DataFolder, draft: Path) -> Compiled:
        lend_compiled(self._data.state, scratch.state)
        if has_copy(self._data):
            scratch.kubernetes.symlink_to(self._data.kubernetes.absolute())
        compiled = compile_all(
            self._settings,
            scratch,
            over=[draft],
            identity=self._data.identity,
            downloads=self._data.state,
        )
        return self._checked(compiled)

    @staticmethod
    def _checked(compiled: Compiled) -> Compiled:
        judge(compiled.octets, [])
        return compiled

    def _refuse_declared(self, requests: list[ChangeRequest]) -> None:
        read, _ = read_documents(declared_paths(self._settings, self._data))
        places = {(one.kind, one.name): _place(one) for one in read.headings}
        for request in requests:
            if place := places.get((request.kind, request.name)):
                raise ReadOnlyError(f"{request.label} is declared in {place}; change it there")

    def _refuse_stale(self, requests: list[ChangeRequest], before: dict[Key, Version]) -> None:
        for request in requests:
            version = before.get((request.kind, request.name))
            now = 0 if version is None or version.is_deleted else version.version
            if request.text is None and now == 0:
                raise NotThereError(f"there is no {request.label} to delete")
            # A caller who restores a deleted document has seen the version that deletes it.
            is_seen = request.seen in (None, now) or (version and request.seen == version.version)
            if not is_seen:
                raise StaleError(self._stale_message(request, version))

    def _stale_message(self, request: ChangeRequest, version: Version | None) -> str:
        if version is None:
            return f"{request.label} does not exist any more; look again, or overwrite it"
        with self._database.read() as connection:
            record = records(connection, before=version.change + 1, most=1)[0]
        what = "deleted" if version.is_deleted else f"changed to version {version.version}"
        return (
            f"{request.label} was {what} by {record.entry.who} at "
            f"{record.time:%Y-%m-%d %H:%M:%S} UTC, and version {request.seen} is what you saw; "
            "look again, or overwrite it"
        )

    def _repair(self) -> bool:
        """Whether the copy was not that of the database, and is now.

        Raises `MissingError` for a database that is older than the copy: it is not the one that
        was in use, and its people and decisions are not either.
        """
        with self._database.read() as connection:
            last, versions = revision(connection), current(connection)
        known = self._files.number()
        if known == last:
            return False
        if known is not None and known > last and self._data.installation.has(STORED):
            raise MissingError(
                f"the database {self._database.name} knows {last} changes of documents, and "
                f"{known} were made; restore the newest one, or run keyhole setup --new to go on "
                "with this one (lost then: the documents, people and decisions since)"
            )
        self._files.take(self._files.draft(versions.values()), last)
        return True


def _place(one: Heading) -> str:
    if one.file.startswith(KUBERNETES_FILE):
        return one.file
    return f"{one.file}:{one.line} of the documents folder"


def _is_withdrawal(request: ChangeRequest) -> bool:
    return request.text is None and request.kind == "TrustDomain"


def _faults(problems: Iterable[Problem]) -> set[tuple[str, str, str]]:
    """Errors by document, place and reason: the files of a draft have other names."""
    return {(one.document, one.path, one.why) for one in problems if not one.is_advice}


def _effects(
    requests: list[ChangeRequest], before: dict[Key, Version]
) -> tuple[list[Effect], dict[Key, Version]]:
    """The effect of each request, and the versions to write; their change has no number yet."""
    effects: list[Effect] = []
    written: dict[Key, Version] = {}
    for request in requests:
        key = (request.kind, request.name)
        old = before.get(key)
        is_there = old is not None and not old.is_deleted
        if is_there and old is not None and old.text == request.text:
            effects.append(Effect(request.kind, request.name, "unchanged", old.version))
            continue
        number = old.version + 1 if old else 1
        text = request.text or ""
        written[key] = Version(request.kind, request.name, number, text, request.text is None, 0)
        what: EffectKind = "changed" if is_there else "created"
        effects.append(
            Effect(request.kind, request.name, "deleted" if request.text is None else what, number)
        )
    return effects, written
