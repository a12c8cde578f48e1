import enum
import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

import subscribers.database as database
from subscribers.database import (
    Code,
    DatabaseUnavailable,
    Instant,
    in_words,
    insert_new,
    open_engine,
    reading,
    table_of,
    values_of,
    writing,
)
from subscribers.errors import Problem
from subscribers.tables import MailingList, Subscriber
from tests.conftest import NOON


def _lists(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalars(select(func.count()).select_from(MailingList)).one()


def _add_list(session: Session, name: str) -> None:
    session.add(MailingList(name=name, title=name.title(), created_at=NOON))
    session.flush()


# --- column types ---------------------------------------------------------------------


def test_an_instant_comes_back_to_the_microsecond_in_utc(engine: Engine) -> None:
    east = datetime(2026, 3, 29, 2, 30, 0, 123457, tzinfo=timezone(timedelta(hours=9)))
    with writing(engine) as session:
        session.add(MailingList(name="weekly", title="Weekly", created_at=east))

    with reading(engine) as session:
        found = session.scalars(select(MailingList.created_at)).one()
    assert found == east
    assert found.tzinfo is UTC


def test_instants_before_1970_and_none_are_kept(engine: Engine) -> None:
    old = datetime(1948, 5, 14, 0, 0, 0, 1, tzinfo=UTC)
    kind = Instant()

    stored = kind.process_bind_param(old, engine.dialect)

    assert kind.process_result_value(stored, engine.dialect) == old
    assert kind.process_bind_param(None, engine.dialect) is None
    assert kind.process_result_value(None, engine.dialect) is None


def test_a_time_without_zone_cannot_be_stored(engine: Engine) -> None:
    naive = NOON.replace(tzinfo=None)

    with writing(engine) as session:
        session.add(MailingList(name="weekly", title="Weekly", created_at=naive))
        with pytest.raises(StatementError, match="naive"):
            session.flush()
        session.rollback()


def test_a_code_stores_members_only(engine: Engine) -> None:
    class Colour(enum.IntEnum):
        RED = 1

    kind = Code(Colour)

    assert kind.process_result_value(1, engine.dialect) is Colour.RED
    assert kind.process_bind_param(None, engine.dialect) is None
    assert kind.process_result_value(None, engine.dialect) is None
    with pytest.raises(ValueError, match="2 is not a valid"):
        kind.process_bind_param(2, engine.dialect)  # type: ignore[arg-type]  # the mistake


# --- transactions ---------------------------------------------------------------------


def test_what_fails_half_way_leaves_nothing(engine: Engine) -> None:
    def fail_half_way() -> None:
        with writing(engine) as session:
            _add_list(session, "weekly")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()

    assert _lists(engine) == 0


def test_a_reader_cannot_write(engine: Engine) -> None:
    with pytest.raises(DatabaseUnavailable, match="only be read"), reading(engine) as session:
        _add_list(session, "weekly")

    with writing(engine) as session:  # on the same pooled connection
        _add_list(session, "weekly")
    assert _lists(engine) == 1


def test_a_reader_sees_one_moment_and_waits_for_nobody(engine: Engine) -> None:
    with reading(engine) as early:
        before = early.scalars(select(func.count()).select_from(MailingList)).one()
        with writing(engine) as session:
            _add_list(session, "weekly")
        after = early.scalars(select(func.count()).select_from(MailingList)).one()

    assert (before, after) == (0, 0)
    assert _lists(engine) == 1


@pytest.mark.fault("F5")
def test_a_writer_that_reads_first_is_never_stale(engine: Engine) -> None:
    """A deferred transaction would end with SQLITE_BUSY_SNAPSHOT here, without any waiting."""
    started = threading.Barrier(4)

    def add(name: str) -> None:
        started.wait()
        with writing(engine) as session:
            count = session.scalars(select(func.count()).select_from(MailingList)).one()
            _add_list(session, f"{name}-{count}")

    threads = [threading.Thread(target=add, args=(f"list-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert _lists(engine) == 4


def test_insert_new_keeps_the_row_that_is_there(engine: Engine) -> None:
    with writing(engine) as session:
        first = insert_new(session, MailingList, name="weekly", title="First", created_at=NOON)
        second = insert_new(session, MailingList, name="weekly", title="Second", created_at=NOON)

        assert (first, second) == (True, False)
        assert session.scalars(select(MailingList.title)).one() == "First"


def test_a_row_becomes_a_dict(engine: Engine) -> None:
    with reading(engine) as session:
        row = session.execute(select(text("1 AS one"), text("2 AS two"))).one()

    assert values_of(row) == {"one": 1, "two": 2}


# --- SQLite ---------------------------------------------------------------------------


def test_every_sqlite_connection_is_durable_and_forgets(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 15_000,
    }

    with engine.connect() as first, engine.connect() as second:  # two of the pool
        for connection in (first.connection, second.connection):
            cursor = connection.cursor()
            found = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas}
            assert found == pragmas
    engine.dispose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", timedelta(milliseconds=50))


@pytest.mark.usefixtures("impatient")
@pytest.mark.fault("F5")
def test_a_locked_sqlite_file_is_one_sentence(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    other = open_engine(sqlite_url)

    with writing(other) as holder:
        _add_list(holder, "theirs")
        with pytest.raises(DatabaseUnavailable, match="in use by another process"):
            with writing(engine):
                pytest.fail("entered without the lock")

    assert _lists(engine) == 1
    engine.dispose()
    other.dispose()


@pytest.mark.fault("F6")
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_done(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with writing(engine) as session:
            for n in range(1000):
                _add_list(session, f"list-{n}" + "x" * 30)

    with pytest.raises(DatabaseUnavailable, match="is full: free some space") as full:
        fill()

    assert "xxx" not in str(full.value)
    assert _lists(engine) == 0
    with reading(engine) as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    engine.dispose()


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    file.write_bytes(b"This was a letter, not a database. " * 100)
    engine = open_engine(f"sqlite:///{file}")

    with pytest.raises(DatabaseUnavailable, match="damaged or no SQLite database"):
        _lists(engine)
    engine.dispose()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'missing' / 'newsletter.db'}")

    with pytest.raises(DatabaseUnavailable, match="cannot be opened"):
        _lists(engine)


def test_a_database_without_tables_asks_for_an_upgrade(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(DatabaseUnavailable, match="run newsletter upgrade"):
        _lists(engine)
    engine.dispose()


def test_ids_in_old_mails_never_name_another_person(engine: Engine) -> None:
    people = table_of(Subscriber)
    same = {"address": b"a", "key_id": 1, "created_at": NOON}
    with writing(engine) as session:
        first = session.scalars(
            people.insert().returning(people.c.id), [same | {"address_index": b"1"}]
        ).one()
        session.execute(people.delete())
        second = session.scalars(
            people.insert().returning(people.c.id), [same | {"address_index": b"2"}]
        ).one()

    assert second > first


# --- PostgreSQL -----------------------------------------------------------------------


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.mark.usefixtures("impatient")
def test_a_locked_row_on_postgresql_is_one_sentence(postgres: Engine) -> None:
    with writing(postgres) as session:
        _add_list(session, "weekly")
    change = text("UPDATE mailing_list SET title = 'x'")

    with writing(postgres) as holder:
        holder.execute(change)
        with pytest.raises(DatabaseUnavailable, match="in use by another process"):
            with writing(postgres) as session:
                session.execute(change)


def test_a_commit_on_postgresql_is_on_disk(postgres: Engine) -> None:
    with postgres.connect() as connection:
        connection.exec_driver_sql("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
        connection.commit()
    postgres.dispose()
    try:
        with postgres.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    finally:
        with postgres.connect() as connection:
            connection.exec_driver_sql("ALTER ROLE CURRENT_USER RESET synchronous_commit")
            connection.commit()


def test_a_server_that_ends_our_connection_is_one_sentence(postgres: Engine) -> None:
    end = text("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailable, match="server does not answer"):
        with writing(postgres) as session:
            session.execute(end)

    assert _lists(postgres) == 0  # the next transaction has a new connection


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    engine = open_engine("postgresql+psycopg://someone:s3cret-word@127.0.0.1:1/nothing")

    with pytest.raises(DatabaseUnavailable, match="server does not answer") as failure:
        _lists(engine)

    assert "s3cret-word" not in str(failure.value)
    assert "s3cret-word" not in str(failure.value.__cause__)


def test_a_database_that_does_not_exist_is_one_sentence(postgres: Engine) -> None:
    engine = open_engine(postgres.url.set(database="never_made"))

    with pytest.raises(DatabaseUnavailable, match="server does not answer or does not let"):
        _lists(engine)


def test_a_missing_table_on_postgresql_asks_for_an_upgrade(postgres: Engine) -> None:
    with pytest.raises(DatabaseUnavailable, match="run newsletter upgrade"):
        with reading(postgres) as session:
            session.execute(text("SELECT * FROM never_made"))


def test_a_missing_column_is_a_mistake_of_ours(engine: Engine) -> None:
    with pytest.raises(DBAPIError), reading(engine) as session:
        session.execute(text("SELECT never_made FROM mailing_list"))


# --- error texts ----------------------------------------------------------------------


def test_error_texts_never_hold_values(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with writing(engine) as session:
        _add_list(session, "canary")
        with pytest.raises(IntegrityError) as failure:
            _add_list(session, "canary")
        session.rollback()

    assert "unique" in str(failure.value).lower()
    assert "canary" not in str(failure.value)
    assert "canary" not in str(failure.value.orig)
    assert "canary" not in caplog.text


def test_other_mistakes_stay_what_they_are() -> None:
    plain = DBAPIError("SELECT 1", None, sqlite3.ProgrammingError("closed"))
    unknown = DBAPIError("SELECT 1", None, Exception("database does not exist"))

    assert in_words(plain) is None
    assert in_words(unknown) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://localhost/x", "'mysql' is not known"),
        ("postgresql://localhost/x", "'postgresql' is not known"),
        ("newsletter.db", "cannot be read"),
    ],
)
def test_another_kind_of_database_is_refused(url: str, said: str) -> None:
    with pytest.raises(Problem, match=said):
        open_engine(url)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(Problem, match=r"prayer-newsletter\[postgresql\]"):
        open_engine("postgresql+psycopg://localhost/x")


def test_a_plain_engine_would_show_values(sqlite_url: str) -> None:
    """Guards the guard: without `hide_parameters` the canary above would be seen."""
    engine = create_engine(sqlite_url)
    insert = text("INSERT INTO mailing_list(name, title, created_at) VALUES (:name, :name, 0)")

    with pytest.raises(IntegrityError, match="canary"), engine.begin() as connection:
        connection.execute(insert, [{"name": "canary"}] * 2)
    engine.dispose()
