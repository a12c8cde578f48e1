"""The alarm clock.  APScheduler wakes us; what is to be done stands in tables."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from newsletter.errors import Problem

_LOG = logging.getLogger(__name__)


class AlarmClock:
    """Runs jobs at intervals, each once at a time, first when it starts.

    It decides nothing and remembers nothing.  A job that raises runs again; it is logged by
    its name, never with what it held.  What a person can put right is said in words, and once.
    """

    def __init__(self, jobs: Mapping[str, tuple[timedelta, Callable[[], None]]]) -> None:
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(max(1, len(jobs)))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for name, (interval, job) in jobs.items():
            self._scheduler.add_job(
                _guarded(name, job),
                "interval",
                seconds=interval.total_seconds(),
                id=name,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Begin; returns at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the jobs that run, and end.  Harmless twice, and before the start."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)


def _guarded(name: str, job: Callable[[], None]) -> Callable[[], None]:
    told: str | None = None

    def run() -> None:
        nonlocal told
        before, told = told, None
        try:
            job()
        except Problem as problem:
            told = str(problem)
            if told != before:
                _LOG.error("job failed job=%s: %s", name, problem)
        except Exception as error:  # noqa: BLE001  (a job must run again, whatever befell it)
            _LOG.error("job failed job=%s error=%s", name, type(error).__name__)

    return run
