"""Puts documents and certificates in force, at the start and after each change."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.compile import (
    Compiled,
    compile_all,
    last_good_octets,
    read_last_good,
    referenced_files,
)
from keyhole.control.data_folder import DataFolder, rename_durably, write_durably
from keyhole.control.document_pool import DocumentPool, StuckError
from keyhole.control.engine_state import LOCAL
from keyhole.control.error import (
    ControlError,
    EngineGoneError,
    EngineRefusedError,
    UnwritableError,
)
from keyhole.control.local_engine import LocalEngine
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.settings import Settings
from keyhole.control.trust_context import accepts_mesh_identities, empty_trust_context
from keyhole.control.withdrawals import Withdrawals, remaining
from keyhole.engine.launch import Identity, Launch, Link, QueryLog
from keyhole.errors import KeyholeError
from keyhole.identity import CertificateAndKey, IdentityError, identity_files
from keyhole.lists import drop_unused
from keyhole.policy import TrustContext


class Reconciler:
    """Sends snapshots and certificates to the engine; nothing else does."""

    def __init__(
        self, settings: Settings, data: DataFolder, engine: LocalEngine, notify: Notify
    ) -> None:
        self._settings = settings
        self._data = data
        self._engine = engine
        self._notify = notify
        self._certificates = Certificates(settings, data)
        self._options = settings.options
        self._in_force: Compiled | None = None
        self._lock = asyncio.Lock()
        self.documents = DocumentPool()
        self.withdrawals = Withdrawals(settings, data, notify)
        """What was taken away, which needs no compilation."""
        self.withdrawals.add(LOCAL, engine.peer)
        self.is_behind = False
        self.is_compiling = False
        self.problem: KeyholeError | None = None
        """Why the files as they are now are not in force; none where they are."""
        self._referenced: frozenset[Path] = frozenset()
        self._change_callbacks: list[Callable[[], None]] = []
        self._commit_callbacks: list[Callable[[Compiled], None]] = []

    @property
    def in_force(self) -> Compiled | None:
        """The snapshot in force; none before the first one."""
        return self._in_force

    @property
    def watched_files(self) -> frozenset[Path]:
        """The files to watch: documents, lists, certificates, keys, tokens and revocations."""
        own = frozenset({self._settings.documents}) | identity_files(self._data.identity)
        return own | self._referenced | self._certificates.files(self._clients())

    def on_change(self, callback: Callable[[], None]) -> None:
        """Registers a callback that runs on the event loop after each reload of the documents."""
        self._change_callbacks.append(callback)

    def on_commit(self, callback: Callable[[Compiled], None]) -> None:
        """Registers a callback that gets each snapshot after the engine has committed it."""
        self._commit_callbacks.append(callback)

    def find_files(self) -> None:
        """Updates the set of files that the documents refer to."""
        self._referenced = referenced_files(self._settings, self._data)

    async def start(self) -> None:
        """Starts the engine and puts the documents in force.

        Raises if the engine cannot listen or a certificate cannot be used. Invalid documents are
        only reported: until they are fixed, the engine serves the last good snapshot, or without
        one refuses every query as not ready.
        """
        # Creates our own authority if there is none: compiling needs it.
        self._certificates.read({})
        compiled: Compiled | None = None
        problem: KeyholeError | None = None
        try:
            compiled = self._compile_first()
        except KeyholeError as error:
            problem = error
        last_good = None if compiled else read_last_good(self._data)
        pairs = self._read_certificates(compiled, last_good)
        await self._withdraw(compiled or last_good, is_valid=compiled is not None)
        if compiled is not None:
            write_durably(self._data.draft, compiled.octets)
        # Without a last good snapshot the engine starts from the draft, so that it is ready as soon
        # as it listens. The commit below checks the draft, as for every change.
        first = compiled is not None and not self._data.snapshot.exists()
        # A running engine may restart from the launch document, so that stays until then.
        if not self._engine.runs_already:
            self._write_launch(pairs, self._data.draft if first else self._data.snapshot)
        addresses = await self._engine.start()
        # A restarted engine must listen on the same ports, also if the first one was given port 0
        # and the system chose a free one.
        self._options = {**self._options, "listen": {**self._options["listen"], **addresses}}
        self._write_launch(pairs, self._data.snapshot)
        if self._engine.runs_already:
            await self._install(pairs)
        self._certificates.remember(pairs)
        if compiled is not None:
            try:
                await self._commit(compiled)
            except EngineRefusedError as error:
                problem = error
            except UnwritableError as error:
                # The engine serves the snapshot it started from; a full disk must not stop DNS.
                self.is_behind = True
                self._notify_error("the documents could not be written; tried again", error)
        elif last_good is not None:
            self._remember(last_good)
            await self.apply_overrides()
        self.problem = problem
        if problem is not None:
            is_identity = isinstance(problem, IdentityError)
            what = "our authority cannot be read" if is_identity else "the documents are not valid"
            self._notify_error(f"{what}; {self._fallback_text()}", problem)

    def exclusive(self) -> asyncio.Lock:
        """The lock to hold while compiling into the state folder: two compilations at once would
        overwrite each other's drafts."""
        return self._lock

    def _read_certificates(
        self, compiled: Compiled | None, last_good: Compiled | None
    ) -> dict[str, CertificateAndKey]:
        if compiled is not None:
            return self._certificates.read(compiled.identities)
        try:
            return self._certificates.read(last_good.identities if last_good else {})
        except IdentityError:
            return self._certificates.read({})

    async def _withdraw(self, known: Compiled | None, *, is_valid: bool) -> None:
        """Takes away what is no longer trusted, whatever else is wrong with the documents."""
        try:
            if known is None:
                await self.withdrawals.refresh()
                return
            own = str(self._data.identity)
            domains = [one for one in known.plain.trust.domains if one.origin != own]
            if not is_valid:
                domains = await self.documents.run(remaining, self._settings, self._data, domains)
            await self.withdrawals.set_domains(domains)
        except KeyholeError:
            return  # compiling needs the same files, and reports it

    async def apply(self) -> KeyholeError | None:
        """Puts changed files in force; an invalid change is reported and has no effect.

        Revocations, tokens and removed trust are taken first, and alone.

        Returns the reason if the change is not in force, or none. If the cause is not the change
        itself, such as a full disk, ``is_behind`` stays true until a later call succeeds.
        """
        with suppress(KeyholeError):  # compiling needs the same files, and tells it
            await self.withdrawals.refresh()
        async with self._lock:
            self.is_compiling = True
            try:
                self.problem = await self._apply()
                return self.problem
            finally:
                self.is_compiling = False
                for callback in self._change_callbacks:
                    callback()

    async def _apply(self) -> KeyholeError | None:
        await self.apply_certificates()
        try:
            # In a thread: compiling large lists takes seconds and must not block the event loop.
            await self.documents.run(self.find_files)
            compiled = await self.documents.run(compile_all, self._settings, self._data)
            if self._in_force is not None and compiled.same_as(self._in_force):
                self.is_behind = False
                return None
            await self._install(self._certificates.read(compiled.identities))
            await self._commit(compiled)
        except (EngineGoneError, UnwritableError, StuckError) as error:
            if not self.is_behind:
                text = "the change was not taken and is tried again; all is as before"
                self._notify_error(text, error)
            self.is_behind = True
            return error
        except KeyholeError as error:
            self.is_behind = False
            await self._withdraw(self._in_force, is_valid=False)
            self._notify_error("the change is not valid and was not taken; all is as before", error)
            return error
        self.is_behind = False
        text = f"snapshot {compiled.number} is in force: {compiled.summary}"
        self._notify(Notice(Severity.SUCCESS, text, compiled.advice))
        return None

    async def apply_overrides(self) -> KeyholeError | None:
        """Applies the current pauses and decisions to the documents in force.

        Reads no document, so an invalid document does not prevent it. Returns the reason if the
        overrides are not in force, or none.
        """
        async with self._lock:
            if self._in_force is None:
                return ControlError("the documents are not valid; this acts once they are fixed")
            overrides = await asyncio.to_thread(self._data.read_overrides)
            compiled = self._in_force.with_overrides(overrides)
            if compiled.same_as(self._in_force):
                return None
            try:
                await self._commit(compiled)
            except KeyholeError as error:
                self._notify_error("a pause or decision was not taken and is tried again", error)
                self.is_behind = True
                return error
        return None

    async def apply_certificates(self) -> None:
        """Renews our own certificates in time, and installs changed files in the engine."""
        try:
            installed = await self._install(self._certificates.read(self._clients()))
        except KeyholeError as error:
            self._notify_error("a certificate was not taken; the one before serves on", error)
            return
        for name, pair in installed.items():
            whose = "the listeners" if name == SERVER else name
            text = f"a new certificate serves {whose}, valid until {pair.expires:%Y-%m-%d}"
            self._notify(Notice(Severity.SUCCESS, text))

    def _fallback_text(self) -> str:
        if self._data.snapshot.exists():
            return "the last good snapshot serves until this is fixed"
        return "every query is refused until this is fixed"

    def _compile(self, context: TrustContext | None = None) -> Compiled:
        self.find_files()
        return compile_all(self._settings, self._data, context=context)

    def _compile_first(self) -> Compiled:
        """Compiles for the start.

        If the revocations cannot be read and there is no last good snapshot, no certificate and no
        token is accepted. With a mesh there is no snapshot at all: a sidecar could still present
        a revoked identity.
        """
        try:
            return self._compile()
        except IdentityError as error:
            if self._data.snapshot.exists() or accepts_mesh_identities(self._settings):
                raise
            text = "no certificate and no token is accepted until this is fixed"
            self._notify_error(text, error)
            return self._compile(empty_trust_context(self._settings, self._data.identity))

    async def _commit(self, compiled: Compiled) -> None:
        """Commits to the engine; the snapshot becomes the last good one only after that."""
        write_durably(self._data.draft, compiled.octets)
        for last in (False, False, True):
            try:
                await self._engine.commit(self._data.draft)
                break
            except EngineGoneError:
                # The engine is being restarted from the last good snapshot; try again.
                if last:
                    raise
            except EngineRefusedError:
                self._data.draft.unlink(missing_ok=True)
                raise
        if self._in_force is None or not _same_documents(compiled, self._in_force):
            # Before the snapshot: killed in between, the next start lays what stands over it again.
            write_durably(self._data.last_good, last_good_octets(compiled))
        rename_durably(self._data.draft, self._data.snapshot)
        before = self._in_force.snapshot.list_file if self._in_force else None
        drop_unused(self._data.state, [compiled.snapshot.list_file, before])
        self._remember(compiled)
        await self._withdraw(compiled, is_valid=True)

    def _remember(self, compiled: Compiled) -> None:
        self._in_force = compiled
        for callback in self._commit_callbacks:
            callback(compiled)

    async def _install(self, pairs: dict[str, CertificateAndKey]) -> dict[str, CertificateAndKey]:
        changed = self._certificates.changed(pairs)
        if changed:
            self._write_launch(pairs, self._data.snapshot)
        for name, pair in changed.items():
            await self._engine.install_identity(name, pair.certificate, pair.key)
        self._certificates.remember(changed)
        return changed

    def _clients(self) -> dict[str, Identity]:
        return self._in_force.identities if self._in_force else {}

    def _write_launch(self, pairs: dict[str, CertificateAndKey], snapshot: Path) -> None:
        identities = {
            name: Identity(pair.certificate.resolve(), pair.key.resolve())
            for name, pair in pairs.items()
        }
        keep = self._settings.resolved.log_keep
        log = QueryLog(self._data.query_log.resolve(), keep) if keep else None
        link = Link(str(self._data.link_socket.resolve()))
        launch = Launch(self._options, identities, snapshot.resolve(), log, link)
        launch.write(self._data.launch)

    def _notify_error(self, text: str, error: KeyholeError) -> None:
        self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))


def _same_documents(one: Compiled, other: Compiled) -> bool:
    numbered_alike = other.plain.model_copy(update={"number": one.number})
    return one.plain == numbered_alike and one.identities == other.identities
