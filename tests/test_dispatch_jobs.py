"""The bell for workers on other machines: what a job says, who hears it, and what is left over."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import procrastinate
import pytest
from sqlalchemy import Engine, inspect, text, update

from newsletter.config import Settings
from newsletter.dispatch import answering_calls, call_workers, freeze, jobs
from newsletter.dispatch.engine import Dispatcher
from newsletter.errors import Problem
from newsletter.migrations import check_schema, job_tables, upgrade
from newsletter.report import report
from newsletter.tables import Issue, IssueState
from subscribers.database import DatabaseUnavailable, open_engine, reading, writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, add_issue, add_list, add_people
from tests.scripted import Scripted


@pytest.fixture
def server(postgres_url: str) -> Iterator[Engine]:
    engine = open_engine(postgres_url)
    yield engine
    engine.dispose()


def prepare(engine: Engine, keys: Keys, people: int = 20, frozen: bool = True) -> int:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, people)
        issue_id = add_issue(session, keys, list_id, due_at=MONDAY)
    if frozen:
        with writing(engine) as session:
            freeze(session, keys, issue_id, False, 10, 1, MONDAY)
    return issue_id


def waiting(engine: Engine) -> list[tuple[str, Any]]:
    """Return status and arguments of every job, the housekeeping left out."""
    with reading(engine) as session:
        rows = session.execute(
            text("SELECT status, args FROM procrastinate_jobs WHERE task_name = :t ORDER BY id"),
            {"t": "newsletter.work_on_issue"},
        )
        return [(status, args) for status, args in rows]


def set_state(engine: Engine, issue_id: int, state: IssueState) -> None:
    with writing(engine) as session:
        session.execute(update(Issue).where(Issue.id == issue_id).values(state=state))


def eventually(holds: Callable[[], object], within: float = 20) -> None:
    limit = time.monotonic() + within
    while not holds():
        assert time.monotonic() < limit, "it did not come to pass"
        time.sleep(0.02)


@contextmanager
def listening(engine: Engine) -> Iterator[threading.Event]:
    called = threading.Event()
    with answering_calls(engine, called.set, lambda: MONDAY):
        yield called


def test_a_freeze_calls_the_workers_in_its_own_commit(server: Engine, keys: Keys) -> None:
    issue_id = prepare(server, keys, frozen=False)
    with writing(server) as session:
        freeze(session, keys, issue_id, False, 10, 1, MONDAY)
        before = waiting(server)

    assert before == []
    assert waiting(server) == [("todo", {"issue_id": issue_id})] * jobs.JOBS_PER_ISSUE


def test_a_freeze_that_is_rolled_back_calls_nobody(server: Engine, keys: Keys) -> None:
    issue_id = prepare(server, keys, frozen=False)
    with writing(server) as session:
        freeze(session, keys, issue_id, False, 10, 1, MONDAY)
        session.rollback()

    assert waiting(server) == []


def test_sqlite_calls_nobody_and_has_no_table_for_it(sqlite_url: str, keys: Keys) -> None:
    engine = open_engine(sqlite_url)
    issue_id = prepare(engine, keys)

    with writing(engine) as session:
        call_workers(session, issue_id)

    assert not [name for name in inspect(engine).get_table_names() if "procrastinate" in name]
    engine.dispose()


def test_a_call_takes_back_those_to_issues_that_are_over(server: Engine, keys: Keys) -> None:
    over = prepare(server, keys)
    set_state(server, over, IssueState.COMPLETED)
    with writing(server) as session:
        list_id = add_list(session, "other")
        add_people(session, keys, list_id, 5)
        issue_id = add_issue(session, keys, list_id)
        freeze(session, keys, issue_id, False, 10, 1, MONDAY)

    assert waiting(server) == [("todo", {"issue_id": issue_id})] * jobs.JOBS_PER_ISSUE


def test_a_call_that_is_not_taken_is_one_sentence(server: Engine, keys: Keys) -> None:
    issue_id = prepare(server, keys)

    with writing(server) as session:
        session.execute(text("ALTER FUNCTION procrastinate_defer_jobs_v1 RENAME TO gone"))
        with pytest.raises(DatabaseUnavailable, match="did not take the call"):
            call_workers(session, issue_id)
        session.rollback()


def test_a_job_is_held_while_its_issue_has_work_and_then_removed(
    server: Engine, keys: Keys
) -> None:
    issue_id = prepare(server, keys)

    with listening(server) as called:
        assert called.wait(20)
        during = [status for status, _ in waiting(server)]
        set_state(server, issue_id, IssueState.PAUSED)
        eventually(lambda: waiting(server) == [])

    assert during.count("doing") == 1  # the others are for other workers
    assert during.count("todo") == jobs.JOBS_PER_ISSUE - 1


def test_a_worker_that_stops_leaves_the_jobs_of_others(server: Engine, keys: Keys) -> None:
    prepare(server, keys)

    with listening(server) as called:
        assert called.wait(20)
    left = waiting(server)

    assert [status for status, _ in left] == ["todo"] * (jobs.JOBS_PER_ISSUE - 1)


def test_a_call_is_heard_at_once(server: Engine, keys: Keys) -> None:
    issue_id = prepare(server, keys, frozen=False)
    with listening(server) as called:
        eventually(lambda: workers(server) == 2)  # one for issues, one for upkeep
        with writing(server) as session:
            freeze(session, keys, issue_id, False, 10, 1, MONDAY)

        assert called.wait(20)


def workers(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(text("SELECT count(*) FROM procrastinate_workers")) or 0


def test_the_jobs_of_a_dead_worker_are_given_to_others(server: Engine, keys: Keys) -> None:
    prepare(server, keys)
    with writing(server) as session:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE id > 1"))
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL"))

    bell = jobs._Bell(server, lambda: None, lambda: MONDAY)
    app = bell._app()
    (periodic,) = app.periodic_registry.periodic_tasks.values()

    async def a_minute_passes() -> None:
        async with app.open_async():
            await periodic.task.configure().defer_async(timestamp=0)
            await app.run_worker_async(
                queues=["newsletter-upkeep"], wait=False, install_signal_handlers=False
            )

    asyncio.run(a_minute_passes())

    assert periodic.cron == "* * * * *"
    assert [status for status, _ in waiting(server)] == ["todo"]


def test_a_bell_that_breaks_is_hung_up_again(
    server: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "RETRY_EVERY", timedelta(seconds=0.05))
    real, tries = jobs._Bell._app, 0

    def breaks_once(bell: jobs._Bell) -> procrastinate.App:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise procrastinate.exceptions.ConnectorException
        return real(bell)

    monkeypatch.setattr(jobs._Bell, "_app", breaks_once)
    prepare(server, keys)

    with listening(server) as called:
        assert called.wait(20)

    assert "jobs cannot be taken error=ConnectorException" in caplog.text


def test_a_worker_whose_database_went_away_listens_again(
    server: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_EVERY", timedelta(seconds=0.05))
    issue_id = prepare(server, keys, frozen=False)
    with listening(server) as called:
        eventually(lambda: workers(server) == 2)
        with server.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        with writing(server) as session:
            freeze(session, keys, issue_id, False, 10, 1, MONDAY)

        assert called.wait(20)


def test_two_dispatchers_that_are_called_share_an_issue(
    server: Engine, keys: Keys, tmp_path: Path
) -> None:
    issue_id = prepare(server, keys, people=60, frozen=False)
    stop = threading.Event()

    def clock() -> datetime:
        return datetime.now(UTC)

    def work(no: int) -> None:
        provider = Scripted(tmp_path / f"record-{no}", after=lambda _call: time.sleep(0.01))
        dispatcher = Dispatcher(server, keys, Settings(), provider, clock)
        with answering_calls(server, dispatcher.due_now.set, clock):
            dispatcher.run(stop)

    both = [threading.Thread(target=work, args=(no,)) for no in range(2)]
    for thread in both:
        thread.start()

    def is_completed() -> bool:
        with reading(server) as session:
            return report(session, issue_id).state is IssueState.COMPLETED

    eventually(is_completed, within=40)
    stop.set()
    for thread in both:
        thread.join(40)

    records = [(tmp_path / f"record-{no}").read_text().split() for no in range(2)]
    assert all(records)
    assert len({*records[0], *records[1]}) == 60 == len(records[0]) + len(records[1])


# --- the tables ------------------------------------------------------------------------


def test_the_tables_are_of_the_release_that_is_installed(empty_postgres_url: str) -> None:
    engine = open_engine(empty_postgres_url)
    upgrade(engine)

    with engine.connect() as connection:
        level = connection.scalar(text("SELECT obj_description('procrastinate_jobs'::regclass)"))
    engine.dispose()

    assert level == job_tables._history()[-1].stem


def test_older_tables_ask_for_an_upgrade_and_get_what_is_missing(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(empty_postgres_url)
    upgrade(engine)
    upgrade(engine)
    later = tmp_path / "99.00.00_01_later.sql"
    later.write_text("CREATE TABLE procrastinate_later (share text DEFAULT '100 %'); SELECT 1;")
    history = [*job_tables._history(), later]
    monkeypatch.setattr(job_tables, "_history", lambda: history)

    with pytest.raises(Problem, match="run newsletter upgrade"):
        check_schema(engine)
    upgrade(engine)

    check_schema(engine)
    assert inspect(engine).has_table("procrastinate_later")
    monkeypatch.setattr(job_tables, "_history", lambda: history[:-1])
    for act in (check_schema, upgrade):
        with pytest.raises(Problem, match="newer Procrastinate"):
            act(engine)
    engine.dispose()


def test_the_jobs_of_another_program_are_left_alone(empty_postgres_url: str) -> None:
    engine = open_engine(empty_postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE procrastinate_jobs (id integer)"))

    with pytest.raises(Problem, match="a database of its own"):
        upgrade(engine)

    assert inspect(engine).get_table_names() == ["procrastinate_jobs"]
    engine.dispose()


def test_postgresql_without_procrastinate_is_one_sentence(
    server: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("newsletter.migrations.job_tables.distribution", missing)

    with pytest.raises(Problem, match=r"install prayer-newsletter\[postgresql\]"):
        check_schema(server)
