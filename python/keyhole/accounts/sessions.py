"""Sessions: a random secret in a cookie, and a row that can be deleted at any time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, or_, select, update

from keyhole.accounts.client_info import ClientInfo
from keyhole.accounts.error import NoSuchError
from keyhole.accounts.secret import digest, new_id, new_session_secret
from keyhole.model.role import Role
from keyhole.store.tables.people import PEOPLE, SESSIONS

_MAX_PER_NAME = 32
# The "last seen" time is written at most this often, to avoid a disk write per request.
_SEEN_SECONDS = 60


@dataclass(frozen=True)
class SessionLifetimes:
    """Session timeouts in seconds: ``idle`` without requests, and ``absolute``."""

    idle: int
    absolute: int


@dataclass(frozen=True)
class Session:
    """A login session; ``person`` is ``None`` for a login through an identity provider."""

    id: str
    person: str | None
    name: str
    role: Role
    created: int
    seen: int
    ends: int
    address: str
    agent: str
    must_change: bool = False
    """Whether the person must change the password first."""


def begin(
    connection: Connection,
    who: tuple[str | None, str, Role],
    client: ClientInfo,
    lifetimes: SessionLifetimes,
    now: int,
) -> tuple[str, str]:
    """Starts a session; ``who`` is the account (``None`` for an identity provider), the name and
    the role. Returns the secret, which is not stored, and the ID. Also deletes ended sessions."""
    person, name, role = who
    connection.execute(delete(SESSIONS).where(_is_over(lifetimes, now)))
    _make_room(connection, name)
    secret, session = new_session_secret(), new_id()
    connection.execute(
        insert(SESSIONS).values(
            digest=digest(secret),
            id=session,
            person=person,
            name=name,
            role=role.word,
            created=now,
            seen=now,
            ends=now + lifetimes.absolute,
            address=client.address,
            agent=client.shown_agent,
        )
    )
    return secret, session


def find(
    connection: Connection, secret: str, lifetimes: SessionLifetimes, now: int
) -> Session | None:
    """The session of a secret, unless it has ended or its account is disabled."""
    row = connection.execute(
        _live(lifetimes, now).where(SESSIONS.c.digest == digest(secret))
    ).first()
    return _session(row._mapping) if row else None


def needs_touch(session: Session, client: ClientInfo, now: int) -> bool:
    """Whether the "last seen" entry should be updated."""
    return now - session.seen >= _SEEN_SECONDS or session.address != client.address


def touch(connection: Connection, session: Session, client: ClientInfo, now: int) -> None:
    """Updates the "last seen" time and address."""
    connection.execute(
        update(SESSIONS).where(SESSIONS.c.id == session.id).values(seen=now, address=client.address)
    )


def live(
    connection: Connection, lifetimes: SessionLifetimes, now: int, *, name: str | None = None
) -> list[Session]:
    """Sessions that have not ended, newest first; all, or those of one name."""
    query = _live(lifetimes, now).order_by(SESSIONS.c.created.desc(), SESSIONS.c.id)
    if name is not None:
        query = query.where(SESSIONS.c.name == name)
    return [_session(row._mapping) for row in connection.execute(query)]


def goes_on(connection: Connection, session: str) -> bool:
    """Whether nobody has ended the session of that ID."""
    found = select(SESSIONS.c.id).where(SESSIONS.c.id == session)
    return connection.execute(found).first() is not None


def end(connection: Connection, session: str) -> str:
    """Ends the session of that ID; returns its name, or raises `NoSuchError`."""
    row = connection.execute(select(SESSIONS.c.name).where(SESSIONS.c.id == session)).first()
    if row is None:
        raise NoSuchError(f"there is no session {session}")
    connection.execute(delete(SESSIONS).where(SESSIONS.c.id == session))
    return str(row.name)


def end_secret(connection: Connection, secret: str) -> str | None:
    """Ends the session of that secret; returns its name, if there was one."""
    found = SESSIONS.c.digest == digest(secret)
    row = connection.execute(select(SESSIONS.c.name).where(found)).first()
    connection.execute(delete(SESSIONS).where(found))
    return str(row.name) if row else None


def end_all_of(connection: Connection, person: str) -> None:
    """Ends all sessions of an account."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.person == person))


def _live(lifetimes: SessionLifetimes, now: int) -> Select[Any]:
    return (
        select(SESSIONS, PEOPLE.c.role.label("now_role"), PEOPLE.c.one_time_until)
        .outerjoin(PEOPLE, SESSIONS.c.person == PEOPLE.c.name)
        .where(
            ~_is_over(lifetimes, now),
            or_(SESSIONS.c.person.is_(None), PEOPLE.c.is_disabled.is_(False)),
        )
    )


def _is_over(lifetimes: SessionLifetimes, now: int) -> Any:
    # If the clock is set back, a session does not expire early.
    return or_(SESSIONS.c.ends <= now, SESSIONS.c.seen <= now - lifetimes.idle)


def _make_room(connection: Connection, name: str) -> None:
    mine = (
        select(SESSIONS.c.id)
        .where(SESSIONS.c.name == name)
        .order_by(SESSIONS.c.created.desc(), SESSIONS.c.id)
    )
    ids = [row.id for row in connection.execute(mine)]
    if len(ids) >= _MAX_PER_NAME:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(ids[_MAX_PER_NAME - 1 :])))


def _session(row: Any) -> Session:
    return Session(
        id=row["id"],
        person=row["person"],
        name=row["name"],
        role=Role.of(row["now_role"] or row["role"]),
        created=row["created"],
        seen=row["seen"],
        ends=row["ends"],
        address=row["address"],
        agent=row["agent"],
        must_change=row["one_time_until"] is not None,
    )
