"""Takes away from the accounts of a backup what was taken away since."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Row, delete, select, update

from keyhole.control.backup.carried_over import CarriedOver
from keyhole.control.data_folder import DataFolder
from keyhole.control.settings import read_last_good_settings, read_settings
from keyhole.errors import KeyholeError
from keyhole.model.role import Role
from keyhole.store import Database
from keyhole.store.tables.people import API_TOKENS, PEOPLE, SESSIONS


@dataclass(frozen=True)
class _Since:
    """The accounts of the folder before: digests of API tokens, and roles of people who are not
    disabled."""

    digests: frozenset[str]
    roles: Mapping[str, Role]


def is_in_file(data: DataFolder, config: Path) -> bool | None:
    """Whether the accounts of a folder with these settings are in its own file; ``None`` where the
    settings cannot say it. A file that is there beside a server is one of earlier."""
    try:
        settings = read_settings(config)
    except KeyholeError:
        last = read_last_good_settings(config, data.settings_copy)
        if last is None:
            return None
        settings = last
    return settings.resolved.database is None


def carry_over_accounts(new: Path, old: Path | None, done: CarriedOver) -> bool:
    """Ends every session, and takes away API tokens, people and roles that are gone in the old
    database. Whether that could be read. Raises ``StoreError`` for the new one."""
    database = Database.in_file(new, may_be_new=False)
    try:
        since = _read(old) if old else None
        with database.begin() as connection:
            connection.execute(delete(SESSIONS))
            if since is not None:
                _api_tokens(connection, since, done)
                _people(connection, since, done)
    finally:
        database.close()
    return since is not None


def _api_tokens(connection: Connection, since: _Since, done: CarriedOver) -> None:
    for row in connection.execute(select(API_TOKENS)).all():
        if row.digest not in since.digests:
            done.api_tokens.append(row.name)
            connection.execute(delete(API_TOKENS).where(API_TOKENS.c.name == row.name))


def _people(connection: Connection, since: _Since, done: CarriedOver) -> None:
    people = [row for row in connection.execute(select(PEOPLE)).all() if not row.is_disabled]
    after = {row.name: _role(row, since) for row in people}
    stays = _who_stays(people, after)
    for row in people:
        role = after[row.name]
        change = update(PEOPLE).where(PEOPLE.c.name == row.name)
        if row is stays or (role is not None and role is _read_role(row)):
            continue
        if role is None:
            done.people.append(row.name)
            connection.execute(change.values(is_disabled=True))
        else:
            done.roles.append(row.name)
            connection.execute(change.values(role=role.word))
    if stays is not None:
        how = "was removed or disabled" if after[stays.name] is None else "got a lower role"
        done.notes.append(
            f"{stays.name} {how} since the backup and stays administrator: there is no other one; "
            "make another one, then disable this one"
        )


def _role(row: "Row[tuple[object, ...]]", since: _Since) -> Role | None:
    """The lower of both roles; none for who is gone."""
    later, before = since.roles.get(row.name), _read_role(row)
    return None if later is None or before is None else min(later, before)


def _read_role(row: "Row[tuple[object, ...]]") -> Role | None:
    """The role in the backup; none if there is no such role."""
    with suppress(ValueError):
        return Role.of(row.role)
    return None


def _who_stays(
    people: "list[Row[tuple[object, ...]]]", after: Mapping[str, Role | None]
) -> "Row[tuple[object, ...]] | None":
    """The administrator who must stay one, if no other would be left: without anybody who can
    change people, nobody could enable them again. Rather one who is still there, then the one who
    was here last."""
    if Role.ADMINISTRATOR in after.values():
        return None
    found = [row for row in people if row.role == Role.ADMINISTRATOR.word]
    found.sort(key=lambda row: (after[row.name] is None, -(row.last_login or 0), row.name))
    return found[0] if found else None


def _read(old: Path) -> _Since | None:
    """None if it cannot be read."""
    if not old.exists():
        return None
    try:
        url = f"{old.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as connection:
            digests = {row[0] for row in connection.execute("SELECT digest FROM api_tokens")}
            sql = "SELECT name, role FROM people WHERE NOT is_disabled"
            roles = {str(name): Role.of(str(role)) for name, role in connection.execute(sql)}
    except (sqlite3.Error, ValueError):
        return None
    return _Since(frozenset(digests), roles)
