"""Accounts: one row for each person who logs in with a password."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update

from keyhole.accounts.error import ConflictError, NoSuchError
from keyhole.model.role import Role
from keyhole.store.tables.people import API_TOKENS, PEOPLE, PLACES

# Remembered client addresses per account; the oldest are deleted.
_MAX_PLACES = 32


@dataclass(frozen=True)
class Account:
    """An account, with its password hash and second factor."""

    name: str
    role: Role
    password: str
    one_time_until: int | None
    is_disabled: bool
    created: int
    last_login: int | None
    totp: str | None
    totp_draft: str | None

    @property
    def must_change(self) -> bool:
        """Whether the password is a one-time password, which only allows setting a new one."""
        return self.one_time_until is not None

    @property
    def has_code(self) -> bool:
        """Whether login needs a code as well."""
        return self.totp is not None


def lock(connection: Connection) -> None:
    """Locks the accounts against other writers until the transaction ends, so that data read now is
    still current when it is written. SQLite has only one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE"))


def find(connection: Connection, name: str) -> Account | None:
    """The account of that name, if any."""
    row = connection.execute(select(PEOPLE).where(PEOPLE.c.name == name)).first()
    return _account(row._mapping) if row else None


def get(connection: Connection, name: str) -> Account:
    """The account of that name; raises `NoSuchError` if there is none."""
    account = find(connection, name)
    if account is None:
        raise NoSuchError(f"there is no account {name}")
    return account


def everybody(connection: Connection) -> list[Account]:
    """All accounts by name."""
    rows = connection.execute(select(PEOPLE).order_by(PEOPLE.c.name))
    return [_account(row._mapping) for row in rows]


def add(
    connection: Connection,
    name: str,
    role: Role,
    password: str,
    *,
    one_time_until: int | None,
    now: int,
) -> None:
    """Creates an account; ``password`` is its hash."""
    if find(connection, name) is not None:
        raise ConflictError(f"there is an account {name} already")
    connection.execute(
        insert(PEOPLE).values(
            name=name,
            role=role.word,
            password=password,
            one_time_until=one_time_until,
            is_disabled=False,
            created=now,
            totp_step=0,
        )
    )


def change(connection: Connection, name: str, **values: Any) -> None:
    """Changes columns of an account; raises `NoSuchError` if there is none."""
    done = connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(**values))
    if done.rowcount == 0:
        raise NoSuchError(f"there is no account {name}")


def remove(connection: Connection, name: str) -> None:
    """Removes an account, its sessions, and the tokens that it created."""
    if connection.execute(delete(PEOPLE).where(PEOPLE.c.name == name)).rowcount == 0:
        raise NoSuchError(f"there is no account {name}")


def require_one_administrator(connection: Connection) -> None:
    """Raises `ConflictError` if no enabled administrator is left."""
    left = connection.execute(
        select(func.count())
        .select_from(PEOPLE)
        .where(PEOPLE.c.role == Role.ADMINISTRATOR.word, PEOPLE.c.is_disabled.is_(False))
    ).scalar_one()
    if not left:
        raise ConflictError("this would leave no administrator; add another one first")


def is_set_up(connection: Connection) -> bool:
    """Whether initial setup is complete: an account has a permanent password, or a token exists."""
    person = select(PEOPLE.c.name).where(PEOPLE.c.one_time_until.is_(None)).limit(1)
    token = select(API_TOKENS.c.name).limit(1)
    return any(connection.execute(query).first() is not None for query in (person, token))


def is_known_place(connection: Connection, name: str, place: str) -> bool:
    """Whether the person has logged in from this address range before."""
    query = select(PLACES.c.seen).where(PLACES.c.person == name, PLACES.c.place == place)
    return connection.execute(query).first() is not None


def remember_place(connection: Connection, name: str, place: str, now: int) -> None:
    """Stores the address range of a successful login; deletes the oldest beyond the limit."""
    known = (PLACES.c.person == name) & (PLACES.c.place == place)
    if connection.execute(update(PLACES).where(known).values(seen=now)).rowcount == 0:
        connection.execute(insert(PLACES).values(person=name, place=place, seen=now))
    newest = (
        select(PLACES.c.place)
        .where(PLACES.c.person == name)
        .order_by(PLACES.c.seen.desc(), PLACES.c.place)
        .limit(_MAX_PLACES)
    )
    kept = [row.place for row in connection.execute(newest)]
    connection.execute(delete(PLACES).where(PLACES.c.person == name, PLACES.c.place.not_in(kept)))


def _account(row: Any) -> Account:
    return Account(
        name=row["name"],
        role=Role.of(row["role"]),
        password=row["password"],
        one_time_until=row["one_time_until"],
        is_disabled=row["is_disabled"],
        created=row["created"],
        last_login=row["last_login"],
        totp=row["totp"],
        totp_draft=row["totp_draft"],
    )
