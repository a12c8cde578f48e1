"""The database: one `Base`, the engine, transactions and the column types both packages use.

Every writer takes the write lock at BEGIN.  A deferred transaction that reads first and
writes later fails at once with SQLITE_BUSY_SNAPSHOT, whatever the busy timeout says.
"""

import enum
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Dialect,
    Engine,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    create_engine,
    event,
    literal,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from subscribers.errors import Problem

BUSY_TIMEOUT = timedelta(seconds=15)  # a freeze of a million people holds the lock for 4 s
CONNECT_TIMEOUT = timedelta(seconds=10)
KEPT_FOR = timedelta(seconds=1)
POOL = 20  # open SQLite files kept for the next who reads
KEEPALIVES = {"idle": 10, "interval": 5, "count": 3}  # seconds, seconds, times
BROKEN_AFTER = timedelta(seconds=25)  # the sum of them
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BEGUN = "begun"  # in `Session.info`: the connection whose transaction a pen has begun


E = TypeVar("E", bound=enum.IntEnum)


class Base(DeclarativeBase):
    """The one declarative base; its metadata is the whole schema."""

    # Constraints have names of their own, so that a migration can change them on both databases.
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )


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


def open_engine(url: str | URL) -> Engine:
    """Return an engine for SQLite (`sqlite:///path`) or PostgreSQL (`postgresql+psycopg://...`).

    SQLite gets WAL, synchronous=FULL (an intent must survive a power cut), foreign keys,
    secure_delete (a removed address must leave the file) and a busy timeout; PostgreSQL the
    same timeout for locks, never a commit that is not on disk, and connections that both ends
    give up when the other has been silent for BROKEN_AFTER.  Statement parameters and
    row values never appear in error texts.  Nothing is opened yet.

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
        return _sqlite_engine(parsed)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql_engine(parsed)
    raise Problem(
        f"The database kind {parsed.drivername!r} is not known: write sqlite:///newsletter.db "
        "or postgresql+psycopg://user@host/name under [database] url."
    )


def _sqlite_engine(url: URL) -> Engine:
    # Opening the file again costs more than reading a batch, and each connection of the
    # dispatcher reads.
    # A database in memory has one connection a thread, and no such pool.
    pool = (
        {"pool_size": POOL, "max_overflow": -1}
        if url.database not in (None, "", ":memory:")
        else {}
    )
    engine = create_engine(url, hide_parameters=True, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_milliseconds(BUSY_TIMEOUT)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reading", False)
    if connection.info.get("query_only") != reads:  # kept for as long as the file is open
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
        connection.info["query_only"] = reads
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def run_by_driver(connection: Connection, text: str, arguments: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a statement in the driver's own SQL, past all of SQLAlchemy.

    Raises:
        DBAPIError: as from SQLAlchemy.
    """
    driver: Any = connection.connection.dbapi_connection
    dialect: Any = connection.dialect
    try:
        cursor = driver.execute(text, arguments)
        return cursor.fetchall() if cursor.description else []
    except dialect.dbapi.Error as error:
        lost = dialect.is_disconnect(error, driver, None)
        wrapped = DBAPIError.instance(
            text,
            None,
            error,
            dialect.dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        )
        _shorten(error, wrapped)
        if lost:
            connection.invalidate(error)
        raise wrapped from error


def _postgresql_engine(url: URL) -> Engine:
    try:
        engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args=connection_arguments()
        )
    except ImportError:
        raise Problem(
            "PostgreSQL needs its driver: install prayer-newsletter[postgresql]."
        ) from None
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "handle_error", _drop_row_values)
    return engine


def connection_arguments() -> dict[str, int]:
    """Return how long libpq waits: for a connection, and for the other end of a broken one."""
    return {
        "connect_timeout": CONNECT_TIMEOUT // timedelta(seconds=1),
        "tcp_user_timeout": _milliseconds(BROKEN_AFTER),
        **{f"keepalives_{name}": value for name, value in KEEPALIVES.items()},
    }


def session_settings() -> str:
    """Return SQL that tells the server the same about its end of a connection.

    What a machine that was cut off had locked is free after BROKEN_AFTER, not after two hours.
    On a local socket it sets nothing but the time-out for locks.
    """
    waits = {
        "lock_timeout": _milliseconds(BUSY_TIMEOUT),
        "tcp_user_timeout": _milliseconds(BROKEN_AFTER),
        **{f"tcp_keepalives_{name}": value for name, value in KEEPALIVES.items()},
    }
    settings = (f"set_config('{name}', '{value}', false)" for name, value in waits.items())
    return f"SELECT {', '.join(settings)}"


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.execute(session_settings())
    # A server may have been told to answer a commit before it is on disk.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.commit()


def _drop_row_values(context: ExceptionContext) -> None:
    if context.sqlalchemy_exception is not None:
        _shorten(context.original_exception, context.sqlalchemy_exception)


def _shorten(original: BaseException, wrapped: BaseException) -> None:
    """Keep only the first line of what PostgreSQL says: its DETAIL quotes the row."""
    said = getattr(getattr(original, "diag", None), "message_primary", None)
    if said:
        original.args = wrapped.args = (said,)


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """Open a write transaction: committed at the end, rolled back on any error.

    On SQLite there is one at a time; it takes the write lock here, not at the first statement.

    Raises:
        DatabaseUnavailable: locked for longer than BUSY_TIMEOUT, disk full, server gone.
    """
    with _words_for_failures(), Session(engine, expire_on_commit=False) as session:
        with session.begin():
            session.connection()
            yield session


class Pen:
    """What one thread writes with that writes again and again: it keeps its connection."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a write transaction like `writing`, in a quarter of the time.

        The session begins only when it is used for more than `Statement.run`.
        """
        with _words_for_failures():
            try:
                connection = self._ready()
                with connection.begin(), Session(connection, expire_on_commit=False) as session:
                    session.info[BEGUN] = connection
                    yield session
                    if session.in_transaction():
                        session.commit()  # what it holds, into the transaction of the connection
            except BaseException:
                self.put_down()  # it may be broken; the pool gives out none that is
                raise
            self._used_at = time.monotonic()

    def put_down(self) -> None:
        """Give the connection back; the next transaction takes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ready(self) -> Connection:
        if time.monotonic() - self._used_at > KEPT_FOR.total_seconds():
            self.put_down()  # a server may have ended it meanwhile
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Open a read transaction: one snapshot, no waiting for writers, and no writing.

    Raises:
        DatabaseUnavailable: the file or the server cannot be reached.
    """
    options: dict[str, Any] = (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if engine.dialect.name == "postgresql"
        else {"reading": True}
    )
    reader = engine.execution_options(**options)
    with _words_for_failures(), Session(reader, expire_on_commit=False) as session:
        with session.begin():
            yield session


def table_of(model: type[Base]) -> Table:
    """Return the Core table of `model`, for rows in bulk."""
    return cast("Table", model.__table__)


def insert_new(session: Session, model: type[Base], **values: object) -> bool:
    """Insert one row; return False, changing nothing, where its key is there already."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(table_of(model)).values(**values).on_conflict_do_nothing()
    return session.execute(statement.returning(literal(1))).first() is not None


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
    said = _sqlite_words(error) or _postgresql_words(error)
    return DatabaseUnavailable(said) if said else None


def _sqlite_words(error: DBAPIError) -> str | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_ERROR and "no such table" in str(error.orig):
        return _NO_TABLE
    return _SQLITE.get(code & 0xFF) if code else None  # the rest is the extended code


def _postgresql_words(error: DBAPIError) -> str | None:
    if error.orig is None or not type(error.orig).__module__.startswith("psycopg"):
        return None
    code: str | None = getattr(error.orig, "sqlstate", None)
    if code is None:  # the client's own failures: no connection, or it broke
        operational = type(error.orig).__name__ == "OperationalError"
        return _NO_SERVER if operational or error.connection_invalidated else None
    return next((said for sign, said in _POSTGRESQL.items() if code.startswith(sign)), None)


_NO_TABLE = "The database is empty or of an older version: run newsletter upgrade."
_IN_USE = (
    "The database is in use by another process: try again in a moment, or stop the other process."
)
_DISK_FULL = "The disk that holds the database is full: free some space, then try again."
_NO_SERVER = (
    "The database server does not answer or does not let this site in: check [database] url and "
    "that the server runs, then try again."
)
_DAMAGED = "The database file is damaged or no SQLite database: restore it from a backup."

_SQLITE = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_FULL: _DISK_FULL,
    sqlite3.SQLITE_IOERR: "The disk that holds the database failed or is full: check it, then "
    "try again.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened: check [database] url, and that "
    "its folder exists and may be written to.",
    sqlite3.SQLITE_READONLY: "The database may only be read here: give this user the right to "
    "write its file and folder.",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

# The beginnings of SQLSTATE codes (PostgreSQL, appendix A), the more exact ones first.
_POSTGRESQL = {
    "08": _NO_SERVER,
    "28": _NO_SERVER,
    "3D": _NO_SERVER,
    "57P": _NO_SERVER,
    "25006": "The database may only be read here: name the primary server under [database] url.",
    "40": _IN_USE,  # deadlock, serialization: nothing of the transaction remains
    "42501": "The database user may not do this: grant it all rights on the site's database.",
    "42P01": _NO_TABLE,
    "53100": _DISK_FULL,
    "53": "The database server has no room left for this: see its log, then try again.",
    "55P03": _IN_USE,
    "57014": _IN_USE,
    "58": "The database server's disk failed: see its log, then try again.",
}


def values_of(row: Any) -> dict[str, Any]:
    """Return a Core row as a plain dict of column name to value."""
    return dict(row._mapping)
