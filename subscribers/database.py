"""The database: one `Base`, the engine, transactions and the column types both packages use.

Every writer takes the write lock at BEGIN.  A deferred transaction that reads first and
writes later fails at once with SQLITE_BUSY_SNAPSHOT, whatever the busy timeout says.
"""

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Integer,
    SmallInteger,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from subscribers.errors import Problem

BUSY_TIMEOUT = timedelta(seconds=15)  # a freeze of a million people holds the lock for 4 s
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


E = TypeVar("E", bound=enum.IntEnum)


class Base(DeclarativeBase):
    """The one declarative base; its metadata is the whole schema."""


# SQLite numbers rows by itself only in a column declared INTEGER PRIMARY KEY.
BigKey = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as integer microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


class Code(TypeDecorator[E], Generic[E]):
    """A member of one IntEnum, stored as a small integer."""

    impl = SmallInteger
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: E | None, dialect: Dialect) -> int | None:
        return None if value is None else int(self.members(value))

    def process_result_value(self, value: int | None, dialect: Dialect) -> E | None:
        return None if value is None else self.members(value)


class DatabaseUnavailable(Problem):
    """The database cannot be read or written just now; nothing of the transaction remains."""


def open_engine(url: str) -> Engine:
    """Return an engine for SQLite (`sqlite:///path`) or PostgreSQL (`postgresql+psycopg://...`).

    SQLite gets WAL, synchronous=FULL (an intent must survive a power cut), foreign keys,
    secure_delete (a removed address must leave the file) and a busy timeout.  Statement
    parameters never appear in error texts.

    Raises:
        Problem: the URL names another kind of database, or its driver is not installed.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise Problem(
            "The database URL cannot be read: write sqlite:///newsletter.db or "
            "postgresql+psycopg://user@host/name under [database] url."
        ) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql+psycopg":
        try:
            return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
        except ImportError:
            raise Problem(
                "PostgreSQL needs its driver: install prayer-newsletter[postgresql]."
            ) from None
    raise Problem(
        f"The database kind {parsed.drivername!r} is not known: write sqlite:///newsletter.db "
        "or postgresql+psycopg://user@host/name under [database] url."
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT // timedelta(milliseconds=1)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open the one write transaction: committed at the end, rolled back on any error.

    Raises:
        DatabaseUnavailable: locked for longer than BUSY_TIMEOUT, disk full, server gone.
    """
    with _words_for_failures(), Session(engine, expire_on_commit=False) as session:
        with session.begin():
            session.connection()  # takes the lock now, not at the first statement
            yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a read transaction: one snapshot, never waits for a writer on SQLite."""
    reader = engine.execution_options(reading=True)
    with _words_for_failures(), Session(reader, expire_on_commit=False) as session:
        with session.begin():
            yield session


@contextmanager
def _words_for_failures() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        problem = in_words(error)
        if problem is None:
            raise
        raise problem from error


def in_words(error: DBAPIError) -> DatabaseUnavailable | None:
    """Return what a person can do about a failed statement, None for a mistake of ours."""
    text = str(error.orig)
    for sign, sentence in _FAILURES.items():
        if sign in text:
            return DatabaseUnavailable(sentence)
    if error.connection_invalidated:
        return DatabaseUnavailable(
            "The connection to the database broke: check that its server runs, then try again."
        )
    return None


_FAILURES = {
    "database is locked": "The database is in use by another process: try again in a moment, "
    "or stop the other process.",
    "disk is full": "The disk that holds the database is full: free some space, then try again.",
    "disk I/O error": "The disk that holds the database failed or is full: check it, "
    "then try again.",
    "unable to open database file": "The database file cannot be opened: check [database] url "
    "and that its folder exists and may be written to.",
    "readonly database": "The database file is read-only: give this user the right to write it.",
    "file is not a database": "The database file is damaged or no SQLite database: restore it "
    "from a backup.",
    "no such table": "The database is empty or of an older version: run newsletter upgrade.",
    "connection failed": "The database server does not answer: check [database] url and that "
    "the server runs.",
    "does not exist": "The database lacks a table: run newsletter upgrade.",
}


def values_of(row: Any) -> dict[str, Any]:
    """Return a Core row as a plain dict of column name to value."""
    return dict(row._mapping)
