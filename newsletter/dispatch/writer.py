"""The ledger's thread: the only one that commits, as many requests together as are waiting."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.orm import Session

from subscribers.database import DatabaseUnavailable, Pen

RETRY_EVERY = timedelta(seconds=1)
LONGEST_GATHER = timedelta(milliseconds=10)  # a commit may have waited for a lock, or frozen a list

T = TypeVar("T")
_log = logging.getLogger(__name__)


class _Request:
    """What one thread wants written.  A Future would do, at ten times the cost."""

    __slots__ = ("_done", "_error", "_result", "act", "issue_id", "lasting", "stops")

    def __init__(
        self,
        act: Callable[[Session], Any],
        lasting: bool,
        issue_id: int | None = None,
        stops: bool = False,
    ) -> None:
        self.act = act
        self.lasting = lasting  # tried again until it is written
        self.issue_id = issue_id  # whose row it locks
        self.stops = stops  # it may change that row
        self._result: Any = None
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def succeed(self, result: object) -> None:
        self._result = result
        self._done.release()

    def fail(self, error: BaseException) -> None:
        self._error = error
        self._done.release()

    def wait(self) -> Any:
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._result


class Writer:
    """Runs requests in its own thread, commits, and only then gives the results back.

    While the database cannot be written, lasting requests are kept and tried every second;
    the others fail at once.  `undo` gets the results of a commit of which nobody knows whether
    it happened, in the next transaction, before anything else.
    """

    def __init__(self, engine: Engine, undo: Callable[[Session, Sequence[object]], None]) -> None:
        self._pen = Pen(engine)
        self._undo = undo
        self._changed = threading.Condition()
        self._waiting: list[_Request] = []
        self._wanted = 1  # requests that wake the thread
        self._company = 1  # who wrote last time, or waited meanwhile
        self._patience = 0.0  # seconds
        self._doubtful: list[object] = []
        self._closed: BaseException | None = None
        self._told: str | None = None  # why it cannot be written, said once and not every second
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def write(self, act: Callable[[Session], T]) -> T:
        """Return what `act` returned, once it is durable.

        Raises:
            DatabaseUnavailable: it could not be written; nothing of it remains.
        """
        return cast(T, self._wait_for(_Request(act, lasting=False)))

    def write_at_last(
        self, act: Callable[[Session], T], issue_id: int | None = None, stops: bool = False
    ) -> T:
        """Like `write`, but try every second until it is durable or the writer is closed.

        `act` may run several times, and must be right when a former run was committed after all.
        `issue_id` says which issue it locks, `stops` that it may change that issue.
        """
        return cast(T, self._wait_for(_Request(act, True, issue_id, stops)))

    def close(self, patience: timedelta) -> None:
        """Write what is waiting, once more at most, and end the thread; harmless twice.

        Returns after `patience` even when the database still makes the thread wait.
        """
        self._close(DatabaseUnavailable("The dispatcher has stopped: start it again."))
        self._thread.join(patience.total_seconds())

    def _wait_for(self, request: _Request) -> Any:
        with self._changed:
            if self._closed is not None:
                raise self._closed
            self._waiting.append(request)
            if len(self._waiting) >= self._wanted:
                self._changed.notify_all()
        return request.wait()

    def _run(self) -> None:
        kept: list[_Request] = []
        while requests := kept + self._collect(wait=not kept):
            together, later = _of_one_issue(requests)
            failed = self._commit(together)
            kept = failed + later
            if failed and self._pause_or_closed():
                break
        for request in kept:
            request.fail(DatabaseUnavailable("The database could not be written before the stop."))
        self._pen.put_down()

    def _collect(self, wait: bool) -> list[_Request]:
        with self._changed:
            if wait and len(self._waiting) < self._company:
                self._sleep(self._company, self._patience)
            while wait and not self._waiting and self._closed is None:
                self._sleep(1, None)
            requests, self._waiting = self._waiting, []
            return requests

    def _sleep(self, wanted: int, patience: float | None) -> None:
        """Wait until so many requests are there, or the patience or everything is over."""
        self._wanted = wanted
        if self._closed is None:
            self._changed.wait(patience)

    def _expect(self, answered: int, took: float) -> None:
        """Wait for as many as there were, for half as long as the commit took.

        With a slow disk, those who were just answered come back long before the next commit is
        through, and would wait for the one after it.
        """
        self._company = answered + len(self._waiting)
        self._patience = min(took / 2, LONGEST_GATHER.total_seconds())

    def _pause_or_closed(self) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed is not None, RETRY_EVERY.total_seconds()
            )

    def _commit(self, requests: list[_Request]) -> list[_Request]:
        """Write all in one transaction; return those to be tried again."""
        results: list[Any] = []
        complete = False
        began = time.monotonic()
        try:
            with self._pen.writing() as session:
                self._undo(session, self._doubtful)
                results.extend(request.act(session) for request in requests)
                complete = True
        except (DatabaseUnavailable, OperationalError, InternalError) as error:
            if complete:  # it was the commit that failed
                self._doubtful.extend(results)
            return self._keep(requests, error)
        except BaseException as error:  # noqa: BLE001  a mistake of ours: all who wait must know
            self._close(error)  # first: whoever is woken must find it closed
            for request in requests:
                request.fail(error)
            return []
        self._doubtful.clear()
        if self._told is not None:
            self._told = None
            _log.info("the ledger can be written again")
        self._expect(len(requests), time.monotonic() - began)
        for request, result in zip(requests, results, strict=True):
            request.succeed(result)
        return []

    def _keep(
        self, requests: list[_Request], error: DatabaseUnavailable | DBAPIError
    ) -> list[_Request]:
        if not isinstance(error, DatabaseUnavailable):
            error = DatabaseUnavailable(
                "The database could not be written: check that it runs and has room, "
                "then try again."
            )
        if str(error) != self._told:
            self._told = str(error)
            _log.warning("the ledger cannot be written, it is tried every second: %s", error)
        for request in requests:
            if not request.lasting:
                request.fail(error)
        return [request for request in requests if request.lasting]

    def _close(self, error: BaseException) -> None:
        with self._changed:
            self._closed = self._closed or error
            self._changed.notify_all()


def _of_one_issue(requests: Sequence[_Request]) -> tuple[list[_Request], list[_Request]]:
    """Return what one commit shall hold, in order, and what is left for the next.

    A transaction that locked one issue never waits for another, and whoever may change the
    issue locks it so from the beginning: otherwise two processes wait for each other, which
    PostgreSQL notices only after a second.
    """
    issue_id = next((each.issue_id for each in requests if each.issue_id is not None), None)
    together = [each for each in requests if each.issue_id in (None, issue_id)]
    later = [each for each in requests if each.issue_id not in (None, issue_id)]
    return sorted(together, key=lambda each: not each.stops), later
