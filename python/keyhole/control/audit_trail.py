"""Brings into the audit record what does not pass through the API: commands and files.

Commands that work in the folder of our authority leave entries in its journal. A file leaves none,
so what the documents and other files hold is compared with what was recorded last.
"""

import asyncio
from contextlib import suppress

from sqlalchemy import Connection

from keyhole.control.compile import Compiled
from keyhole.control.data_folder import DataFolder
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.observation import FileChange, ObservedFiles, changes_between
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.identity.journal import JournalEntry, drop_journal, read_journal
from keyhole.store import AuditEntry, Database, append
from keyhole.store.observed import ObservedItem, observed, write_observed

CHECK_SECONDS = 1.0
_JOURNAL = "journal"
_LISTS = "lists"
_TRUSTING = ("TrustDomain", "Upstream")
"""Kinds of documents whose trust ends while others are not valid."""


class AuditTrail:
    """The commands and files of one Keyhole."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        data: DataFolder,
        reconciler: Reconciler,
        notify: Notify,
    ) -> None:
        self._database = database
        self._data = data
        self._reconciler = reconciler
        self._notify = notify
        self._files = ObservedFiles(settings, data)
        self._recorded: dict[str, ObservedItem] | None = None
        """What was recorded last; none before the first time."""
        self._look = asyncio.Event()
        self._is_failing = False
        reconciler.on_change(self._look.set)

    async def run(self) -> None:
        """Records what has changed, at once at the start, until it is cancelled."""
        self._look.set()
        while True:
            try:
                await self._round()
                self._is_failing = False
            except (KeyholeError, OSError) as error:
                if not self._is_failing:
                    text = "changes by commands and files are not in the audit record yet"
                    details = tuple(str(error).splitlines())
                    self._notify(Notice(Severity.ERROR, text, details))
                self._is_failing = True
                self._look.set()
                await asyncio.sleep(CHECK_SECONDS)
            # At once after a change, so that one which is soon undone leaves a trace, too.
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._look.wait()

    async def _round(self) -> None:
        taken = await asyncio.to_thread(self.take_journal)
        if not self._look.is_set():
            return
        self._look.clear()
        reconciler, actions = self._reconciler, {one.action for one in taken}
        is_valid = reconciler.problem is None
        await asyncio.to_thread(self.observe, reconciler.in_force, actions, is_valid=is_valid)

    def take_journal(self) -> list[JournalEntry]:
        """Moves new entries of the journal into the audit record; each once."""
        entries = read_journal(self._data.identity)
        if not entries:
            return []
        with self._database.read() as connection:
            last = observed(connection).get(_JOURNAL)
        ids = [one.id for one in entries]
        new = entries[ids.index(last.digest) + 1 :] if last and last.digest in ids else entries
        if new:
            with self._database.begin() as connection:
                for one in new:
                    append(connection, _entry(one), one.time)
                write_observed(connection, [ObservedItem(_JOURNAL, ids[-1], "")])
        drop_journal(self._data.identity, ids[-1])
        return new

    def observe(
        self, compiled: Compiled | None, by_commands: set[str], *, is_valid: bool = True
    ) -> None:
        """Records each file that differs from what was recorded last.

        A command that has just changed a file of our authority has said so itself. While documents
        are not valid, those that act at once are recorded, and the others once they are in force.
        """
        now = self._files.read(self._reconciler.watched_files)
        if compiled is not None and compiled.plain.list_file is not None:
            now[_LISTS] = ObservedItem(_LISTS, compiled.plain.list_file.sha256, "")
        if now == self._recorded:
            return
        with self._database.begin() as connection:
            before = observed(connection)
            before.pop(_JOURNAL, None)
            if not is_valid:
                if not before:
                    return
                now = _acting_at_once(now, before)
            found = changes_between(before, now)
            gone = before.keys() - now.keys()
            write_observed(connection, [now[item] for one in found for item in one.items], gone)
            for one in found:
                if not (by_commands and self._files.is_of_authority(one)):
                    self._record(connection, one, is_first=not before)
        self._recorded = now

    def _record(self, connection: Connection, change: FileChange, *, is_first: bool) -> None:
        if change.place == "":
            detail = {"before": change.before.get(_LISTS), "after": change.after.get(_LISTS)}
            append(connection, AuditEntry("keyhole", "lists", "lists_compiled", detail=detail))
            return
        action = "file_found" if is_first else "file_changed"
        append(connection, AuditEntry(change.owner, "file", action, detail=change.detail()))


def _acting_at_once(
    now: dict[str, ObservedItem], before: dict[str, ObservedItem]
) -> dict[str, ObservedItem]:
    """What is there now of all that takes trust away although other documents are not valid, and
    the rest as it was."""
    acting = {item: one for item, one in now.items() if _acts_at_once(item)}
    return acting | {item: one for item, one in before.items() if not _acts_at_once(item)}


def _acts_at_once(item: str) -> bool:
    # A file beside the documents has its whole path as a name.
    return item.startswith(("/", *(f"{kind}/" for kind in _TRUSTING)))


def _entry(one: JournalEntry) -> AuditEntry:
    return AuditEntry(one.who, one.via, one.action, one.address, one.why, one.detail)
