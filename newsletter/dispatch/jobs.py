"""The bell that calls workers on other machines: Procrastinate, on PostgreSQL only.

A job says "work on issue S" and nothing more.  It is there if and only if the commit that made
the issue ready is, rings on every machine at once, and shows who is at work; the claims in our
rows decide who does what.  So a job that is lost, late or doubled harms nobody, and without any
the second look of each dispatcher finds the work within a second.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, bindparam, text
from sqlalchemy.orm import Session

from newsletter.dispatch.course import is_under_way
from newsletter.tables import IssueState
from subscribers.database import (
    CONNECT_TIMEOUT,
    DatabaseUnavailable,
    connection_arguments,
    reading,
    session_settings,
)

if TYPE_CHECKING:  # it takes a fifth of a second to load, and SQLite never needs it
    import procrastinate
    import psycopg

JOBS_PER_ISSUE = 8  # so many workers hear of an issue at once; more find it by themselves
LOOK_EVERY = timedelta(seconds=1)
RETRY_EVERY = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=3)

_WORK = "newsletter.work_on_issue"
_ISSUES = "newsletter-issues"
_UPKEEP = "newsletter-upkeep"  # a queue of its own: a long issue must not hold it up

_log = logging.getLogger(__name__)


def call_workers(session: Session, issue_id: int) -> None:
    """Call the workers to an issue that is being sent, if the caller's transaction commits.

    For the freeze, and for every decision that makes deliveries pending again.  Does nothing on
    SQLite.  Harmless when repeated, and takes back calls to issues that are over.

    Raises:
        DatabaseUnavailable: the connection broke; nothing of the transaction remains.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    import procrastinate

    session.execute(_CALL_OFF)
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
    connection = session.connection().connection.driver_connection
    about = {"issue_id": issue_id}
    job = app.configure_task(_WORK, queue=_ISSUES, connection=connection, task_kwargs=about)
    try:
        job.batch_defer(*([{}] * JOBS_PER_ISSUE))
    except procrastinate.exceptions.ConnectorException as error:
        raise DatabaseUnavailable(
            "The database did not take the call to the workers: check that it runs and has room, "
            "then try again."
        ) from error


# Without workers nobody takes the jobs; like this the last few issues are all that is ever kept.
_CALL_OFF = text(
    "DELETE FROM procrastinate_jobs j WHERE j.queue_name = :queue AND j.status = 'todo'"
    " AND NOT EXISTS (SELECT 1 FROM issue i"
    " WHERE i.id = CAST(j.args ->> 'issue_id' AS bigint) AND i.state = :sending)"
).bindparams(bindparam("queue", _ISSUES), bindparam("sending", int(IssueState.SENDING)))


@contextmanager
def answering_calls(
    engine: Engine, come: Callable[[], None], clock: Callable[[], datetime]
) -> Iterator[None]:
    """Be one of Procrastinate's workers meanwhile; `come` is called for each job.

    A job lasts while its issue has work now, here or elsewhere.  One thread holds it all; while
    the database is away it tries again every few seconds.
    """
    bell = _Bell(engine, come, clock)
    thread = threading.Thread(target=bell.run, name="jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        bell.stop.set()
        thread.join(_PATIENCE.total_seconds())  # longer, and the network is what it waits for


class _Bell:
    """The event loop of Procrastinate's workers, in a thread."""

    def __init__(
        self, engine: Engine, come: Callable[[], None], clock: Callable[[], datetime]
    ) -> None:
        self.stop = threading.Event()
        self._engine = engine
        self._come = come
        self._clock = clock

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                asyncio.run(self._take_jobs())
            except Exception as error:  # noqa: BLE001  the work goes on without the bell
                _log.warning("jobs cannot be taken error=%s", type(error).__name__)
                self.stop.wait(RETRY_EVERY.total_seconds())

    async def _take_jobs(self) -> None:
        app = self._app()
        async with app.open_async():
            takers = [
                asyncio.create_task(
                    app.run_worker_async(
                        queues=[queue],
                        name=queue,
                        concurrency=1,
                        delete_jobs="always",
                        listen_notify=queue == _ISSUES,
                        install_signal_handlers=False,
                    )
                )
                for queue in (_ISSUES, _UPKEEP)
            ]
            ended: set[asyncio.Task[None]] = set()
            while not ended and not self.stop.is_set():
                ended, _ = await asyncio.wait(
                    takers, timeout=0.2, return_when=asyncio.FIRST_COMPLETED
                )
            for taker in takers:
                taker.cancel()
            await asyncio.gather(*takers, return_exceptions=True)
            for taker in ended:
                taker.result()

    def _app(self) -> "procrastinate.App":
        import procrastinate

        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                kwargs=_arguments(self._engine),
                configure=_prepare,
                min_size=1,
                max_size=4,
                timeout=CONNECT_TIMEOUT.total_seconds(),
            )
        )
        app.task(name=_WORK, queue=_ISSUES)(self._work_on_issue)
        retry = app.task(
            name="newsletter.retry_stalled",
            queue=_UPKEEP,
            queueing_lock="newsletter.retry_stalled",
            pass_context=True,
        )(_retry_stalled)
        app.periodic(cron="* * * * *")(retry)
        return app

    async def _work_on_issue(self, issue_id: int) -> None:
        self._come()
        while not self.stop.is_set() and await asyncio.to_thread(self._is_under_way, issue_id):
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    def _is_under_way(self, issue_id: int) -> bool:
        try:
            with reading(self._engine) as session:
                return is_under_way(session, issue_id, self._clock())
        except DatabaseUnavailable:
            return True  # look again


async def _retry_stalled(context: "procrastinate.JobContext", timestamp: int) -> None:
    """Give the jobs of workers that have not been heard of for 30 s to others."""
    jobs = context.app.job_manager
    for job in await jobs.get_stalled_jobs():
        await jobs.retry_job(job)


async def _prepare(connection: "psycopg.AsyncConnection[Any]") -> None:
    await connection.execute(session_settings())
    await connection.commit()


def _arguments(engine: Engine) -> dict[str, Any]:
    """Return what psycopg needs to connect as the engine does."""
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return {**arguments, **connection_arguments()}
