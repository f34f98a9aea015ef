"""Opens what runs beside the engine: the database, and what keeps lists fresh."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from keyhole.control.authentication import open_authentication
from keyhole.control.changes import Changes
from keyhole.control.control_plane import ControlPlane
from keyhole.control.data_folder import DataFolder
from keyhole.control.dnstap import dnstap
from keyhole.control.error import ControlError
from keyhole.control.list_refresh import ListRefresher
from keyhole.control.list_refresh.refresher import own_addresses
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.overrides import DecisionService, OverrideStore, PauseService
from keyhole.control.query_history import query_history
from keyhole.control.services import Services
from keyhole.control.settings import Settings
from keyhole.errors import KeyholeError
from keyhole.store import Database


@asynccontextmanager
async def open_services(
    node: ControlPlane, data: DataFolder, tell: Notify
) -> AsyncIterator[Services]:
    """The use cases of a running Keyhole, until the block is left."""
    listeners = [one for ones in node.addresses.values() for one in ones]
    api = [str(one) for one in node.settings.written.api.listen]
    linked = node.fleet.addresses if node.fleet else []
    own = own_addresses([*listeners, *node.enrollment, *linked, *api])
    lists = ListRefresher(node.settings, data, node.application, own, tell)
    await asyncio.to_thread(lists.begin)
    queries = query_history(node.settings, data, tell)
    tasks = [asyncio.create_task(lists.keep())]
    if queries is not None:
        tasks.append(asyncio.create_task(queries.keep()))
    if node.fleet is not None:
        node.fleet.queries = queries
    tapped = dnstap(node.settings, data, tell)
    if tapped is not None:
        tasks.append(asyncio.create_task(tapped.keep()))
    changes = await open_changes(node, data, tell)
    remembering = await open_overrides(changes, data, node, tell)
    if remembering is not None:
        tasks.append(asyncio.create_task(remembering.keep()))
    for task in tasks:
        task.add_done_callback(lambda ended: _tell_of_mistake(ended, tell))
    believing = await open_authentication(node.settings, changes, tell)
    try:
        yield Services(
            node.settings,
            data,
            node,
            lists,
            queries,
            changes,
            believing,
            pausing=PauseService(remembering) if remembering else None,
            deciding=DecisionService(remembering) if remembering else None,
            dnstap=tapped,
        )
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if queries is not None:
            await asyncio.to_thread(queries.close)
        if changes is not None:
            changes.database.close()


def _tell_of_mistake(task: asyncio.Task[None], tell: Notify) -> None:
    """It never ends by itself; if it does, that must not happen in silence."""
    if not task.cancelled() and (error := task.exception()) is not None:
        text = "something is not kept up any more, by a mistake in Keyhole; DNS goes on"
        tell(Notice(Severity.BAD, text, (repr(error), "restart keyhole, and report this")))


async def open_changes(node: ControlPlane, data: DataFolder, tell: Notify) -> Changes | None:
    """Documents and how they change; none, with a notice, where the database cannot be used.

    DNS serves already then, from the copy of the stored documents that is on the disk.
    """
    try:
        database = await asyncio.to_thread(open_database, node.settings, data)
        changes = Changes(database, node.settings, data, node.application)
        await changes.begin()
    except KeyholeError as error:
        text = "changes by command and by API are refused until keyhole up is started again"
        tell(Notice(Severity.BAD, text, tuple(str(error).splitlines())))
        return None
    return changes


async def open_overrides(
    changes: Changes | None, data: DataFolder, node: ControlPlane, tell: Notify
) -> OverrideStore | None:
    """Pauses and decisions; none, with a notice, where the database cannot be used. The engine goes
    on with those that it knows, up to their end."""
    if changes is None:
        return None
    remembering = OverrideStore(changes.database, data, node.application, tell)
    try:
        await remembering.begin()
    except KeyholeError as error:
        text = "pauses and decisions are refused until keyhole up is started again"
        tell(Notice(Severity.BAD, text, tuple(str(error).splitlines())))
        return None
    return remembering


def open_database(settings: Settings, data: DataFolder) -> Database:
    """The database that the settings name; raises ``StoreError`` or ``ControlError``."""
    where = settings.resolved.database
    if where is None:
        return Database.in_file(data.database)
    if isinstance(where, str):
        return Database(where)
    try:
        return Database(where.read_text().strip())
    except OSError as error:
        raise ControlError(f"cannot read database.url_file {where}: {error.strerror}") from error
