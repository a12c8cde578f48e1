"""The one thread that commits."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, PoolProxiedConnection, event, select
from sqlalchemy.orm import Session

from newsletter.dispatch import writer as writer_module
from newsletter.dispatch.writer import Writer
from subscribers import database
from subscribers.database import DatabaseUnavailable, open_engine, reading
from subscribers.tables import MailingList
from tests.audiences import add_list

PATIENCE = timedelta(seconds=5)


def undo_nothing(_session: Session, _doubtful: Sequence[object]) -> None:
    return None


@pytest.fixture
def quick(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that does not wait long for a lock, and a writer that tries again soon."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", timedelta(milliseconds=50))
    monkeypatch.setattr(writer_module, "RETRY_EVERY", timedelta(milliseconds=20))
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def locked(tmp_path: Path, quick: Engine) -> Iterator[sqlite3.Connection]:
    """Somebody else who holds the database until they commit."""
    somebody = sqlite3.connect(
        tmp_path / "newsletter.db", isolation_level=None, check_same_thread=False
    )
    somebody.execute("BEGIN IMMEDIATE")
    yield somebody
    somebody.close()


def names(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return sorted(session.scalars(select(MailingList.name)))


def test_what_is_returned_is_durable(engine: Engine) -> None:
    writer = Writer(engine, undo_nothing)

    list_id = writer.write(lambda session: add_list(session, "weekly"))

    assert list_id > 0
    assert names(engine) == ["weekly"]
    writer.close(PATIENCE)


def test_those_who_wait_together_are_committed_together(quick: Engine) -> None:
    commits: list[int] = []
    writer = Writer(quick, lambda _session, _doubtful: commits.append(1))
    started, go = threading.Event(), threading.Event()

    def slow(_session: Session) -> None:
        started.set()
        go.wait(5)

    threads = [threading.Thread(target=writer.write, args=(slow,))]
    threads[0].start()
    started.wait(5)
    threads += [
        threading.Thread(target=writer.write, args=(lambda s, no=no: add_list(s, f"list-{no}"),))
        for no in range(5)
    ]
    for thread in threads[1:]:
        thread.start()
    while len(writer._waiting) < 5:
        time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join()

    assert names(quick) == [f"list-{no}" for no in range(5)]
    assert len(commits) == 2
    writer.close(PATIENCE)


def test_those_who_were_answered_together_are_waited_for(
    quick: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    writer = Writer(quick, lambda _session, _doubtful: commits.append(1))

    def expect_two(_answered: int, _took: float) -> None:
        writer._company, writer._patience = 2, 30.0

    monkeypatch.setattr(writer, "_expect", expect_two)
    writer.write(lambda session: add_list(session, "alone"))
    early = threading.Thread(target=writer.write, args=(lambda s: add_list(s, "early"),))
    early.start()
    while not writer._waiting:
        time.sleep(0.001)
    writer.write(lambda session: add_list(session, "late"))
    early.join(10)

    assert names(quick) == ["alone", "early", "late"]
    assert len(commits) == 2
    writer.close(PATIENCE)


@pytest.mark.parametrize(("answered", "took"), [(1, 0.0), (50, 0.002)])
def test_nobody_is_waited_for_without_end(quick: Engine, answered: int, took: float) -> None:
    writer = Writer(quick, undo_nothing)
    writer.write(lambda session: add_list(session, "first"))
    writer._expect(answered, took)

    writer.write(lambda session: add_list(session, "second"))

    assert names(quick) == ["first", "second"]
    writer.close(PATIENCE)


def test_a_locked_database_fails_what_can_wait_and_keeps_what_cannot(
    quick: Engine, locked: sqlite3.Connection
) -> None:
    writer = Writer(quick, undo_nothing)
    lasting = threading.Thread(
        target=writer.write_at_last, args=(lambda session: add_list(session, "kept"),)
    )
    lasting.start()

    with pytest.raises(DatabaseUnavailable, match="in use by another process"):
        writer.write(lambda session: add_list(session, "given-up"))
    locked.execute("COMMIT")
    lasting.join(10)

    assert not lasting.is_alive()
    assert names(quick) == ["kept"]
    writer.close(PATIENCE)


def test_why_it_cannot_be_written_is_logged_once_and_so_is_the_end_of_it(
    quick: Engine, locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "newsletter")
    tries: list[int] = []
    writer = Writer(quick, undo_nothing)
    event.listen(quick, "handle_error", lambda _context: tries.append(1))
    waiting = threading.Thread(
        target=writer.write_at_last, args=(lambda session: add_list(session, "kept"),)
    )
    waiting.start()
    while len(tries) < 3:
        time.sleep(0.001)
    locked.execute("COMMIT")
    waiting.join(10)
    writer.close(PATIENCE)

    first, last = caplog.messages
    assert "The database is in use by another process: try again in a moment" in first
    assert last == "the ledger can be written again"


def test_closing_ends_those_who_still_wait(quick: Engine, locked: sqlite3.Connection) -> None:
    writer = Writer(quick, undo_nothing)
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            writer.write_at_last(lambda session: add_list(session, "never"))
        except DatabaseUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not writer._waiting and not thread.is_alive():
        time.sleep(0.001)
    writer.close(PATIENCE)
    writer.close(PATIENCE)
    thread.join(10)

    assert len(errors) == 1
    with pytest.raises(DatabaseUnavailable):
        writer.write(lambda session: add_list(session, "too-late"))


def test_a_mistake_of_ours_reaches_everybody(engine: Engine) -> None:
    writer = Writer(engine, undo_nothing)

    def broken(_session: Session) -> None:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        writer.write(broken)
    with pytest.raises(KeyError):
        writer.write(lambda session: add_list(session, "after"))
    assert names(engine) == []


def test_a_doubtful_commit_is_told_to_the_next(
    quick: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[object]] = []
    commit = quick.dialect.do_commit
    lost = [True]

    def lose_the_answer(connection: PoolProxiedConnection) -> None:
        commit(connection)
        if lost:
            lost.clear()
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(quick.dialect, "do_commit", lose_the_answer)
    writer = Writer(quick, lambda _session, doubtful: told.append(list(doubtful)))

    def act(session: Session) -> str:
        if "weekly" not in session.scalars(select(MailingList.name)).all():
            add_list(session, "weekly")
        return "result"

    writer.write_at_last(act)
    writer.write_at_last(act)

    assert told == [[], ["result"], []]
    assert names(quick) == ["weekly"]
    writer.close(PATIENCE)


def test_a_commit_locks_one_issue_and_whoever_stops_it_comes_first(quick: Engine) -> None:
    done: list[str] = []
    writer = Writer(quick, lambda _session, _doubtful: done.append("|"))
    started, go = threading.Event(), threading.Event()

    def slow(_session: Session) -> None:
        started.set()
        go.wait(5)

    def ask(name: str, issue_id: int | None = None, stops: bool = False) -> threading.Thread:
        before = len(writer._waiting)
        act = (lambda _session: done.append(name), issue_id, stops)
        thread = threading.Thread(target=writer.write_at_last, args=act)
        thread.start()
        while len(writer._waiting) == before:
            time.sleep(0.001)
        return thread

    first = threading.Thread(target=writer.write, args=(slow,))
    first.start()
    started.wait(5)
    threads = [ask("a1", 1), ask("b1", 2), ask("any"), ask("a2 stops", 1, True), ask("b2", 2)]
    go.set()
    for thread in (first, *threads):
        thread.join()

    assert done == ["|", "|", "a2 stops", "a1", "any", "|", "b1", "b2"]
    writer.close(PATIENCE)
