"""The database: an SQLite file in the data folder, or a PostgreSQL server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from keyhole.store.error import StoreError
from keyhole.store.protection import Weakness, weakness_of
from keyhole.store.upgrade import upgrade

_WRITES = "keyhole_writes"
_BUSY_MILLISECONDS = 10_000


class Database:
    """Connections to the database, whose schema is upgraded when it is opened. Thread-safe."""

    def __init__(self, url: str | URL, *, may_be_new: bool = True) -> None:
        """Opens and upgrades it; raises `StoreError` if that fails, and for an empty database
        unless it ``may_be_new``."""
        self._url = _read_url(url)
        self._engine = _engine(self._url)
        try:
            with self.begin() as connection:
                upgrade(connection, may_be_new=may_be_new)
        except StoreError:
            self.close()
            raise

    @classmethod
    def in_file(cls, path: Path, *, may_be_new: bool = True) -> "Database":
        """The SQLite database in this file; a new one gets mode 0600."""
        create = os.O_CREAT if may_be_new else 0
        try:
            # SQLite would use the umask; its journal files inherit the mode of the file.
            os.close(os.open(path, os.O_RDWR | create | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            raise StoreError(f"cannot open {path}: {error.strerror}") from error
        return cls(URL.create("sqlite", database=str(path)), may_be_new=may_be_new)

    @property
    def name(self) -> str:
        """The URL, without the password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def weakness(self) -> Weakness | None:
        """What is weak about the protection of the connection; none if nothing is."""
        return weakness_of(self._url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that may write; rolled back if the block raises."""
        with self._store_errors(), self._engine.connect() as connection:
            connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read-only transaction with a consistent snapshot."""
        with self._store_errors(), self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StoreError(f"the database {self.name} cannot be used: {_why(error)}") from error


def _read_url(url: str | URL) -> URL:
    try:
        read = make_url(url)
    except ArgumentError:
        raise StoreError(
            "the URL of the database cannot be read; write postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    if read.get_backend_name() == "postgresql":
        return read.set(drivername="postgresql+psycopg")
    if read.get_backend_name() == "sqlite":
        return read
    raise StoreError(
        f"{read.get_backend_name()} is not supported; leave the URL out for SQLite, or give "
        "postgresql://USER:PASSWORD@HOST/NAME"
    )


_POSTGRESQL = {
    "connect_timeout": 10,
    # A server that vanishes without a word must not hold a thread for hours (tcp(7)).
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Arguments for libpq."""


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, pool_pre_ping=True, connect_args=_POSTGRESQL)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
    engine = create_engine(url, poolclass=NullPool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    # For this transaction only, so that it holds behind a pooler too.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_MILLISECONDS}ms'")


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver would begin transactions itself: too late, and not for reads.
    connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        # WAL with NORMAL may lose the last transactions when the power fails; a confirmed change
        # must not be lost.
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes may fail as busy; this one waits for the lock.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _why(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())
