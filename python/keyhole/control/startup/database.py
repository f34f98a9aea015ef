"""Opens the database and what is kept in it: documents, pauses and decisions."""

import asyncio

from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.error import ControlError
from keyhole.control.missing_parts import DATABASE as DATABASE_PART
from keyhole.control.missing_parts import MissingError, database_missing
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.overrides import OverrideStore
from keyhole.control.parts import DATABASE, SENT_DOCUMENTS, Health
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.store import Database
from keyhole.system.regular_file import read_regular

MAX_SECRET = 64 * 1024
"""Octets of a file with a password or a URL."""


async def open_changes(
    control_plane: ControlPlane, data: DataFolder, notify: Notify
) -> Changes | None:
    """Opens the documents; none, with a notice, if the database cannot be used.

    DNS already runs then, from the copy of the stored documents on the disk.
    """
    try:
        database = await asyncio.to_thread(open_database, control_plane.settings, data)
        changes = Changes(database, control_plane.settings, data, control_plane.reconciler)
        control_plane.pools[SENT_DOCUMENTS] = changes.sent
        await changes.begin()
    except (KeyholeError, OSError) as error:
        missing = isinstance(error, MissingError)
        text = "changes by command and by API are refused until keyhole up is started again"
        state = Health.MISSING if missing else Health.FAILED
        control_plane.parts.fail(DATABASE, f"{error}\n{text}", state)
        return None
    # Now there are a database and a copy of its documents.
    await control_plane.remember()
    return changes


async def open_overrides(
    changes: Changes | None, data: DataFolder, control_plane: ControlPlane, notify: Notify
) -> OverrideStore | None:
    """Opens pauses and decisions; none, with a notice, if the database cannot be used. The engine
    applies those it has until they end."""
    if changes is None:
        return None
    override_store = OverrideStore(
        changes.database,
        data,
        control_plane.reconciler,
        notify,
        control_plane.behind,
        control_plane.clock,
    )
    try:
        await override_store.begin()
    except (KeyholeError, OSError) as error:
        text = "pauses and decisions are refused until keyhole up is started again"
        notify(Notice(Severity.ERROR, text, tuple(str(error).splitlines())))
        return None
    return override_store


def open_database(settings: Settings, data: DataFolder) -> Database:
    """Opens the database of the settings; raises ``StoreError`` or ``ControlError``.

    One that was in use before is never made anew.
    """
    missing = database_missing(data, settings)
    if missing is not None:
        raise missing.error()
    is_new = not data.installation.has(DATABASE_PART)
    where = settings.resolved.database
    if where is None:
        return Database.in_file(data.database, may_be_new=is_new)
    if isinstance(where, str):
        return Database(where, may_be_new=is_new)
    try:
        url = read_regular(where, MAX_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ControlError(
            f"cannot read database.url_file {where}: {getattr(error, 'strerror', error)}"
        ) from error
    return Database(url, may_be_new=is_new)
