"""Who lives and who is gone, told by locks that the system frees."""

import importlib.metadata
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from newsletter.dispatch import worker
from newsletter.dispatch.worker import SEEN_LATELY, Presence
from newsletter.errors import Problem
from newsletter.tables import Worker
from subscribers.database import DatabaseUnavailable, open_engine, reading
from tests.audiences import MONDAY

ENTER = """
import sys
from datetime import UTC, datetime
from newsletter.dispatch.worker import Presence
from subscribers.database import open_engine
print(Presence(open_engine(sys.argv[1]), datetime.now(UTC)).id, flush=True)
sys.stdin.read()
"""


def is_gone(engine: Engine, presence: Presence, worker_id: int) -> bool:
    with reading(engine) as session:
        return presence.is_gone(session, worker_id)


def is_soon_gone(engine: Engine, presence: Presence, worker_id: int) -> bool:
    """Whether it is gone once PostgreSQL has seen that the connection is: a moment later."""
    limit = time.monotonic() + 20
    while not is_gone(engine, presence, worker_id):
        if time.monotonic() > limit:
            return False
        time.sleep(0.01)
    return True


def test_one_that_left_is_gone(engine: Engine) -> None:
    me, other = Presence(engine, MONDAY), Presence(engine, MONDAY)

    assert not is_gone(engine, me, me.id)
    assert not is_gone(engine, me, other.id)
    other.leave()
    other.leave()
    assert is_gone(engine, me, other.id)
    me.leave()


def test_one_that_left_does_not_enter_again_because_somebody_looks_around_late(
    engine: Engine,
) -> None:
    me = Presence(engine, MONDAY)
    me.leave()

    me.renew(MONDAY)

    with reading(engine) as session:
        assert session.scalars(select(Worker.id)).all() == [me.id]


def test_one_that_was_killed_is_gone(engine: Engine) -> None:
    me = Presence(engine, MONDAY)
    url = engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", ENTER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        other = int(process.stdout.readline())
        lived = not is_gone(engine, me, other)
        process.kill()

    assert lived
    assert is_soon_gone(engine, me, other)
    assert is_gone(engine, me, other)
    me.leave()


def test_one_that_was_never_there_is_gone(engine: Engine) -> None:
    me = Presence(engine, MONDAY)

    assert is_gone(engine, me, me.id + 1)
    me.leave()


def test_a_row_says_who_it_is(engine: Engine) -> None:
    me = Presence(engine, MONDAY)

    with reading(engine) as session:
        row = session.scalars(select(Worker)).one()
        assert (row.id, row.started_at) == (me.id, MONDAY)
        assert row.host
        assert row.version
    me.leave()


def test_renewing_a_lock_that_holds_changes_nothing(engine: Engine) -> None:
    me = Presence(engine, MONDAY)
    before = me.id

    me.renew(MONDAY)

    assert me.id == before
    me.leave()


def test_a_lock_lost_with_its_connection_makes_a_new_worker(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    me, other = Presence(engine, MONDAY), Presence(engine, MONDAY)
    before = me.id
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = :id"),
            {"id": me.id},
        )

    me.renew(MONDAY)

    assert me.id != before
    assert is_soon_gone(engine, other, before)
    assert not is_gone(engine, other, me.id)
    me.leave()
    other.leave()
    engine.dispose()


def on_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    monkeypatch.setattr(worker, "_boot_id", lambda: "another boot")


def test_a_second_machine_is_refused_by_sqlite(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(sqlite_url)
    me = Presence(engine, MONDAY)
    me.renew(MONDAY + SEEN_LATELY)  # it lives
    on_another_machine(monkeypatch)

    with pytest.raises(Problem, match="SQLite serves one machine only"):
        Presence(engine, MONDAY + 2 * SEEN_LATELY - timedelta(seconds=1))
    Presence(engine, MONDAY + 2 * SEEN_LATELY).leave()  # nothing was heard of it since
    me.leave()
    engine.dispose()


def test_a_second_machine_is_welcome_on_postgresql(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgres_url)
    me = Presence(engine, MONDAY)
    on_another_machine(monkeypatch)

    other = Presence(engine, MONDAY)

    assert not is_gone(engine, me, other.id)
    me.leave()
    other.leave()
    engine.dispose()


@pytest.mark.parametrize("name", ["socket.gethostname", "newsletter.dispatch.worker._boot_id"])
def test_a_new_container_or_a_reboot_is_no_second_machine(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    engine = open_engine(sqlite_url)
    Presence(engine, MONDAY).leave()
    monkeypatch.setattr(name, lambda: "new")

    Presence(engine, MONDAY).leave()
    engine.dispose()


def test_the_row_says_when_it_was_last_heard_of(engine: Engine) -> None:
    me = Presence(engine, MONDAY)
    seen = []

    for seconds in (9, 10, 19, 20):
        me.renew(MONDAY + timedelta(seconds=seconds))
        with reading(engine) as session:
            seen.append(session.scalars(select(Worker.seen_at)).one() - MONDAY)

    assert [span.total_seconds() for span in seen] == [0, 10, 10, 20]
    me.leave()


def test_a_server_that_is_away_for_longer_is_asked_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgres_url)
    me = Presence(engine, MONDAY)
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE objid = :id"),
            {"id": me.id},
        )

    def away(_engine: Engine) -> None:
        raise DatabaseUnavailable("The database server does not answer.")

    with monkeypatch.context() as server:
        server.setattr(worker, "writing", away)
        for _ in range(2):  # each second, for as long as the server is away
            with pytest.raises(DatabaseUnavailable):
                me.renew(MONDAY)
    before = me.id
    me.renew(MONDAY)

    assert me.id != before
    assert me._locks.is_ours()
    me.leave()
    engine.dispose()


def test_lock_files_of_the_dead_are_cleared_up(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url)
    me, other = Presence(engine, MONDAY), Presence(engine, MONDAY)
    (tmp_path / "newsletter.db.workers/99").touch()

    assert is_gone(engine, me, 99)
    other.leave()
    assert [path.name for path in (tmp_path / "newsletter.db.workers").iterdir()] == [str(me.id)]
    me.leave()
    engine.dispose()


def test_a_program_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)

    assert worker._version() == "unknown"
