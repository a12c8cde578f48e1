"""The alarm clock.  APScheduler wakes us; what is to be done stands in tables."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from newsletter.errors import Problem
from newsletter.providers.base import boot_clock

WATCH_EVERY = timedelta(seconds=1)
JUMP = timedelta(seconds=30)  # less is a correction that nobody notices

_LOG = logging.getLogger(__name__)


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """An interval, counted from now.

    That of APScheduler lists every run that was missed, and only then drops all but one: when
    the clock is set forward by a year, those are millions.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval


class AlarmClock:
    """Runs jobs at intervals, each once at a time, first when it starts.

    It decides nothing and remembers nothing.  A job that raises runs again; it is logged by
    its name, never with what it held.  What a person can put right is said in words, and once.
    When the time of day is set anew, all of them run at once: APScheduler waits for a time of
    day, and after a clock was set back by an hour it would do nothing for that hour.
    """

    def __init__(
        self,
        jobs: Mapping[str, tuple[timedelta, Callable[[], None]]],
        clock_was_set: Callable[[timedelta], None] = lambda _by: None,
    ) -> None:
        """Prepare; `clock_was_set` is told by how much, less than nothing when set back."""
        self._clock_was_set = clock_was_set
        self._names = tuple(jobs)
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._watch_clock, name="clock", daemon=True)
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(max(1, len(jobs)))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        for name, (interval, job) in jobs.items():
            self._scheduler.add_job(
                _guarded(name, job),
                _Every(interval),
                id=name,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Begin; returns at once."""
        self._scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Wait for the jobs that run, and end.  Harmless twice, and before the start."""
        if self._scheduler.running:
            self._ended.set()
            self._watch.join()
            self._scheduler.shutdown(wait=True)

    def _watch_clock(self) -> None:
        lead = _lead()
        while not self._ended.wait(WATCH_EVERY.total_seconds()):
            before, lead = lead, _lead()
            if before is None or lead is None or abs(by := lead - before) < JUMP:
                continue
            for name in self._names:
                self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))
            _guarded("clock", partial(self._clock_was_set, by))()


def _lead() -> timedelta | None:
    """Return by how much the time of day leads a clock that nobody can set.

    None if this process stood still between the two.
    """
    boot = boot_clock()
    lead = datetime.now(UTC).timestamp() - boot
    return timedelta(seconds=lead) if boot_clock() - boot < WATCH_EVERY.total_seconds() else None


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
