"""Puts documents and certificates in force, at the start and after each change."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from keyhole.control.certificates import SERVER, Certificates
from keyhole.control.compile import (
    Compiled,
    compile_all,
    is_whole,
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
from keyhole.control.launcher import Launcher
from keyhole.control.local_engine import LocalEngine
from keyhole.control.missing_parts import (
    MissingError,
    documents_missing,
    is_used,
    overrides_missing,
    stored_missing,
)
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.parts import (
    CLIENT_TLS,
    DISK,
    DOCUMENTS,
    SERVER_TLS,
    SNAPSHOT,
    Health,
    Parts,
)
from keyhole.control.remade_snapshot import with_lists
from keyhole.control.settings import Settings
from keyhole.control.trust_context import accepts_mesh_identities, empty_trust_context
from keyhole.control.withdrawals import Trust, Withdrawals, remaining
from keyhole.engine.launch import Identity
from keyhole.errors import KeyholeError, ListError
from keyhole.identity import CertificateAndKey, IdentityError, identity_files
from keyhole.lists import drop_unused
from keyhole.policy import TrustContext

_PASSING_ERRORS = (IdentityError, ListError, UnwritableError, StuckError)
"""They may end without a change of any file."""


class Reconciler:
    """Sends snapshots and certificates to the engine; nothing else does."""

    def __init__(
        self,
        settings: Settings,
        data: DataFolder,
        engine: LocalEngine,
        notify: Notify,
        parts: Parts | None = None,
    ) -> None:
        self._parts = parts = parts or Parts(notify)
        self._settings = settings
        self._data = data
        self._engine = engine
        self._notify = notify
        self._certificates = Certificates(settings, data, parts)
        self._launcher = Launcher(settings, data, engine, self._certificates, parts)
        self._in_force: Compiled | None = None
        self._lock = asyncio.Lock()
        # Apart from the one above: a pause must not wait for a compilation.
        self._commit_lock = asyncio.Lock()
        self.documents = DocumentPool()
        self.withdrawals = Withdrawals(data, notify)
        """What was taken away, which needs no compilation."""
        self.withdrawals.add(LOCAL, engine.peer)
        self.is_behind = False
        self.is_compiling = False
        self._is_worth_retrying = False
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

    @property
    def own_mark(self) -> str:
        """What marks queries of Keyhole's own, known to the local engine alone."""
        return self._launcher.own_mark

    async def start(self) -> None:
        """Starts the engine and puts the documents in force.

        With a last good snapshot nothing else is needed: what cannot be used is recorded and tried
        again, and only an engine that cannot listen raises. Without one, invalid documents are only
        reported, and every query is refused until they are fixed; a certificate that cannot be used
        raises at a first start.
        """
        if self._check_snapshot():
            await self._launcher.start_last_good()
            with suppress(KeyholeError):  # compiling needs the same files, and reports it
                await self.withdrawals.begin()
            compiled, problem = await self._try_in_thread()
            last_good = None if compiled else read_last_good(self._data)
            known = compiled or last_good
            await self._withdraw(known, is_valid=compiled is not None)
            pairs = await self._usable(known.identities if known else {})
            with self._parts.recorded(SERVER_TLS, EngineRefusedError, EngineGoneError):
                await self._install(pairs)
            self.problem = problem
            if last_good is not None:
                self._remember(last_good)
                await self._send_again()
                await self._apply_last_overrides()
        else:
            certificates = self._certificates
            read = certificates.usable if is_used(self._data) else certificates.read
            # Creates our own authority if there is none: compiling needs it.
            read({})
            compiled, problem = self._try_first()
            clients = compiled.identities if compiled else {}
            pairs = read(clients)
            await self._withdraw(compiled, is_valid=compiled is not None)
            # The engine starts from the draft, so that it is ready as soon as it listens. The
            # commit below checks the draft, as for every change.
            if compiled is not None:
                write_durably(self._data.draft, compiled.octets)
            first = self._data.draft if compiled is not None else self._data.snapshot
            await self._launcher.start(clients, first)
            self._certificates.remember(pairs)
        if compiled is not None:
            problem = await self._commit_first(compiled)
        self.problem = problem
        self._record_documents(problem)
        if problem is not None:
            is_identity = isinstance(problem, IdentityError)
            what = "our authority cannot be read" if is_identity else "the documents are not valid"
            self._notify_error(f"{what}; {self._fallback_text()}", problem)

    async def _try_in_thread(self) -> tuple[Compiled | None, KeyholeError | None]:
        try:
            return await self.documents.run(self._try_first)
        except StuckError as error:
            return None, error

    def _try_first(self) -> tuple[Compiled | None, KeyholeError | None]:
        try:
            return self._compile_first(), None
        except KeyholeError as error:
            return None, error

    async def _commit_first(self, compiled: Compiled) -> KeyholeError | None:
        """Gives the reason if the engine does not take the snapshot."""
        try:
            await self._commit(compiled)
        except (EngineRefusedError, EngineGoneError) as error:
            self.is_behind = isinstance(error, EngineGoneError)
            return error
        except UnwritableError as error:
            # The engine serves the snapshot it started from; a full disk must not stop DNS.
            self.is_behind = True
            self._notify_error("the documents could not be written; tried again", error)
            self._parts.fail(DISK, str(error), is_said=True)
        return None

    def _check_snapshot(self) -> bool:
        """Whether there is a last good snapshot; records what is wrong with it."""
        is_good, has_copy = is_whole(self._data.snapshot), is_whole(self._data.snapshot_copy)
        if not is_good and not has_copy and self._data.last_good.exists():
            why = f"{self._data.snapshot} and its copy were gone when Keyhole started"
            self._parts.fail(SNAPSHOT, f"{why}; it is made again", Health.MENDED)
            return read_last_good(self._data) is not None
        if self._data.snapshot.exists() and not is_good:
            goes_on = "its copy serves" if has_copy else "every query is refused until it is made"
            why = f"{self._data.snapshot} was damaged when Keyhole started; {goes_on} again"
            self._parts.fail(SNAPSHOT, why, Health.MENDED)
        return is_good or has_copy

    def _record_documents(self, problem: KeyholeError | None) -> None:
        self._is_worth_retrying = isinstance(problem, _PASSING_ERRORS)
        if problem is None:
            self._parts.works(DOCUMENTS)
            return
        is_missing = isinstance(problem, MissingError)
        state = Health.MISSING if is_missing else Health.FAILED
        self._parts.fail(DOCUMENTS, f"{problem}\n{self._fallback_text()}", state, is_said=True)

    async def retry(self) -> bool:
        """Tries again what failed for a reason that no change of a file may end: a full disk, a
        wrong clock, an engine that was gone. Returns whether there was something."""
        if self.is_behind or self._is_worth_retrying:
            await self.apply()
            return True
        if await self._send_again():
            return True
        if self._parts.has_failed(SERVER_TLS) or self._parts.has_failed(CLIENT_TLS):
            await self.apply_certificates()
            return True
        return False

    async def _send_again(self) -> bool:
        """Sends the snapshot in force to an engine that could not start from its files; they are
        made again where they are gone. Returns whether that was needed."""
        try:
            # A change that is under way has other numbers for a moment.
            async with self._lock, self._commit_lock:
                about, in_force = self._engine.peer.about, self._in_force
                if in_force is None or about is None or about.number == in_force.number:
                    return False
                make = partial(with_lists, self._settings, self._data, in_force)
                whole = await self.documents.run(make)
                await self._commit(whole, is_valid=self.problem is None)
        except (KeyholeError, OSError) as error:
            why = f"{error}\nevery query is refused until the documents are valid"
            self._parts.fail(SNAPSHOT, why, Health.MISSING)
            return True
        self._parts.fail(SNAPSHOT, "its files were gone, and were made again", Health.MENDED)
        return True

    def exclusive(self) -> asyncio.Lock:
        """The lock to hold while compiling into the state folder: two compilations at once would
        overwrite each other's drafts."""
        return self._lock

    async def _apply_last_overrides(self) -> None:
        """Lays pauses and decisions over the last good snapshot, which has those of its time."""
        if overrides_missing(self._data) is None:
            await self.apply_overrides()

    async def _withdraw(self, known: Compiled | None, *, is_valid: bool) -> None:
        """Takes away what is no longer trusted, whatever else is wrong with the documents."""
        try:
            if known is None:
                await self.withdrawals.refresh()
                return
            if is_valid:
                trust = Trust.of(known.plain, self._data)
            else:
                read = partial(remaining, self._settings, self._data, known.plain)
                trust = await self.documents.run(read)
            await self.withdrawals.set_trust(trust)
        except StuckError:
            # What the documents say of trust is not known; the rest must not wait for it.
            with suppress(KeyholeError):
                await self.withdrawals.refresh()
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
        problem = await self._apply_files()
        self._record_documents(problem)
        return problem

    async def _apply_files(self) -> KeyholeError | None:
        await self.apply_certificates()
        try:
            # In a thread: compiling large lists takes seconds and must not block the event loop.
            compiled = await self.documents.run(self._compile)
            # Before the lock: a file may hang, and a pause does not wait for that.
            usable = await self._usable(compiled.identities, self._clients())
            async with self._commit_lock:
                compiled = await self._with_current_overrides(compiled)
                if self._in_force is not None and compiled.same_as(self._in_force):
                    # What was taken away while they were not valid may have come back.
                    await self._withdraw(compiled, is_valid=True)
                    await self.withdrawals.serve_removed()
                    self.is_behind = False
                    return None
                await self._install(usable)
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
        async with self._commit_lock:
            if self._in_force is None:
                return ControlError("the documents are not valid; this acts once they are fixed")
            compiled = await self._with_current_overrides(self._in_force)
            if compiled.same_as(self._in_force):
                return None
            try:
                await self._commit(compiled, is_valid=self.problem is None)
            except KeyholeError as error:
                self._notify_error("a pause or decision was not taken and is tried again", error)
                self.is_behind = True
                return error
        return None

    async def _with_current_overrides(self, compiled: Compiled) -> Compiled:
        """It as the next snapshot, with the pauses and decisions of this moment: they may have
        changed while it was compiled."""
        if self._in_force is None:
            return compiled
        overrides = await asyncio.to_thread(self._data.read_overrides)
        return compiled.with_overrides(overrides, self._in_force.number + 1)

    async def apply_certificates(self) -> None:
        """Renews our own certificates in time, and installs changed files in the engine."""
        try:
            installed = await self._install(await self._usable(self._clients()))
        except KeyholeError as error:
            self._notify_error("a certificate was not taken; the one before serves on", error)
            return
        for name, pair in installed.items():
            whose = "the listeners" if name == SERVER else name
            text = f"a new certificate serves {whose}, valid until {pair.expires:%Y-%m-%d}"
            self._notify(Notice(Severity.SUCCESS, text))

    async def _usable(
        self, clients: dict[str, Identity], before: dict[str, Identity] | None = None
    ) -> dict[str, CertificateAndKey]:
        """The certificates that can be used. Documents name those for upstreams, so their files may
        lie on a system that hangs; ours does not wait for them."""
        try:
            return await self.documents.run(self._certificates.usable, clients, before)
        except StuckError:
            return await asyncio.to_thread(self._certificates.own)

    def _refuse_missing(self) -> None:
        """Raises `MissingError` for documents that were there: without them, policies would be gone
        although nobody removed them."""
        for missing in (
            documents_missing(self._data, self._settings),
            stored_missing(self._data),
            overrides_missing(self._data),
        ):
            if missing is not None:
                raise missing.error()

    def _fallback_text(self) -> str:
        has_snapshot = is_whole(self._data.snapshot) or is_whole(self._data.snapshot_copy)
        if has_snapshot and not self._parts.has_failed(SNAPSHOT):
            return "the last good snapshot serves until this is fixed"
        return "every query is refused until this is fixed"

    def _compile(self, context: TrustContext | None = None) -> Compiled:
        self.find_files()
        self._refuse_missing()
        try:
            return compile_all(self._settings, self._data, context=context)
        except OSError as error:
            raise UnwritableError(f"cannot compile: {error.filename}: {error.strerror}") from error

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

    async def _commit(self, compiled: Compiled, *, is_valid: bool = True) -> None:
        """Commits to the engine; the snapshot becomes the last good one only after that.

        ``is_valid``: whether it is what the documents say now. Where it is not, as for a pause
        while they are not valid, what they take away stays taken away.
        """
        # First: the engine takes no root that this does not name, and what a document removes must
        # not wait for a disk that can be written.
        await self._withdraw(compiled, is_valid=is_valid)
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
        if is_valid:
            await self.withdrawals.serve_removed()
        if self._in_force is None or not _same_documents(compiled, self._in_force):
            # Before the snapshot: killed in between, the next start lays what stands over it again.
            write_durably(self._data.last_good, last_good_octets(compiled))
        rename_durably(self._data.draft, self._data.snapshot)
        with self._parts.recorded(DISK, UnwritableError):
            write_durably(self._data.snapshot_copy, compiled.octets)
        before = self._in_force.snapshot.list_file if self._in_force else None
        drop_unused(self._data.state, [compiled.snapshot.list_file, before])
        self._remember(compiled)

    def _remember(self, compiled: Compiled) -> None:
        self._in_force = compiled
        for callback in self._commit_callbacks:
            callback(compiled)

    async def _install(self, pairs: dict[str, CertificateAndKey]) -> dict[str, CertificateAndKey]:
        changed = self._certificates.changed(pairs)
        if changed:
            self._launcher.update(self._clients())
        for name, pair in changed.items():
            await self._engine.install_identity(name, pair.certificate, pair.key)
        self._certificates.remember(changed)
        return changed

    def _clients(self) -> dict[str, Identity]:
        return self._in_force.identities if self._in_force else {}

    def _notify_error(self, text: str, error: KeyholeError) -> None:
        self._notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))


def _same_documents(one: Compiled, other: Compiled) -> bool:
    numbered_alike = other.plain.model_copy(update={"number": one.number})
    return one.plain == numbered_alike and one.identities == other.identities
