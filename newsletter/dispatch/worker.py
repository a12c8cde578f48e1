"""Which processes live: each dispatcher has a row, and holds a lock for as long as it lives.

The operating system (a file lock, beside SQLite) or the server (an advisory lock, on
PostgreSQL) frees the lock when the process ends, however it ends.  A free lock proves that
nobody will answer for what that process had in flight; a held one, even of a process that has
stood still for hours, proves nothing.
"""

import fcntl
import importlib.metadata
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from newsletter.errors import Problem
from newsletter.tables import Worker
from subscribers.database import writing

SEEN_EVERY = timedelta(seconds=10)
SEEN_LATELY = timedelta(seconds=30)
_LOCK_CLASS = 1_734_690  # of PostgreSQL's advisory locks with two keys: this and the worker's id


class Presence:
    """This process among the workers, from `enter` until `leave`."""

    def __init__(self, engine: Engine, now: datetime) -> None:
        """Take a worker id and its lock.

        Raises:
            DatabaseUnavailable: the row could not be written.
            Problem: on SQLite, where only one machine can see the locks: another one is at work.
        """
        self._engine = engine
        self.id = 0
        self._has_left = False
        self._locks = _locks_of(engine)
        self._seen_at = now
        self._enter(now)

    def is_gone(self, session: Session, worker_id: int) -> bool:
        """Return whether that process has certainly ended."""
        return worker_id != self.id and not self._locks.is_held(session, worker_id)

    def renew(self, now: datetime) -> None:
        """Enter under a new id if the lock was lost with its connection; not once we have left.

        Every second will do: the row is written every SEEN_EVERY.

        What was in flight under the old id becomes unknown like that of any process that is
        gone, and is settled when its answers come.
        """
        if self._has_left:
            return
        if not self._locks.is_ours():
            self._enter(now)
        elif now >= self._seen_at + SEEN_EVERY:
            with writing(self._engine) as session:
                session.execute(update(Worker).where(Worker.id == self.id).values(seen_at=now))
            self._seen_at = now

    def leave(self) -> None:
        """Free the lock; harmless twice."""
        self._has_left = True
        self._locks.free()

    def _enter(self, now: datetime) -> None:
        host, boot_id = socket.gethostname()[:255], _boot_id()
        with writing(self._engine) as session:
            if self._engine.dialect.name == "sqlite":
                _refuse_another_machine(session, host, boot_id, now)
            row = Worker(
                host=host,
                boot_id=boot_id,
                pid=os.getpid(),
                version=_version(),
                started_at=now,
                seen_at=now,
            )
            session.add(row)
            session.flush()
            # Locked before anybody can see the row, let alone a batch that names it.
            self._locks.take(row.id)
            self.id = row.id
        self._seen_at = now


def _refuse_another_machine(session: Session, host: str, boot_id: str, now: datetime) -> None:
    """Refuse to work beside a machine whose file locks we cannot see.

    A container that was made anew has another name, and a machine that was started anew another
    boot id; only where both differ is it another machine.
    """
    other = session.scalar(
        select(Worker.host)
        .where(
            Worker.host != host,
            Worker.boot_id != boot_id,
            Worker.seen_at > now - SEEN_LATELY,
        )
        .limit(1)
    )
    if other is not None:
        raise Problem(
            f"The machine {other} works on this site, and SQLite serves one machine only: stop the "
            f"service there and start again in {SEEN_LATELY.seconds} seconds, or move to "
            "PostgreSQL (see docs/how-to/several-machines.md)."
        )


def judge_from_outside(engine: Engine) -> Callable[[Session, int], bool]:
    """Return what tells a process that is no worker which workers have certainly ended."""
    locks = _locks_of(engine)
    return lambda session, worker_id: not locks.is_held(session, worker_id)


class _Locks(Protocol):
    def take(self, worker_id: int) -> None: ...
    def is_held(self, session: Session, worker_id: int) -> bool: ...
    def is_ours(self) -> bool: ...
    def free(self) -> None: ...


def _locks_of(engine: Engine) -> _Locks:
    return _FileLocks(engine) if engine.dialect.name == "sqlite" else _AdvisoryLocks(engine)


class _FileLocks:
    """One locked file for each process, in a folder beside the SQLite file."""

    def __init__(self, engine: Engine) -> None:
        database = Path(str(engine.url.database))
        self._folder = database.with_name(database.name + ".workers")
        self._ours: int | None = None
        self._path: Path | None = None

    def take(self, worker_id: int) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path = self._folder / str(worker_id)
        self._ours = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._ours, fcntl.LOCK_EX)

    def is_held(self, session: Session, worker_id: int) -> bool:
        path = self._folder / str(worker_id)
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            path.unlink(missing_ok=True)  # ids are never used again
            return False
        finally:
            os.close(file)

    def is_ours(self) -> bool:
        return self._ours is not None  # the system takes it away only with the process

    def free(self) -> None:
        if self._ours is not None and self._path is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._ours)
        self._ours = None


class _AdvisoryLocks:
    """A session lock on a connection of its own, which both ends notice when it breaks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ours: Connection | None = None

    def take(self, worker_id: int) -> None:
        self.free()
        connection = self._engine.connect()
        connection.execute(
            text("SELECT pg_advisory_lock(:lock_class, :id)"),
            {"lock_class": _LOCK_CLASS, "id": worker_id},
        )
        self._ours = connection

    def is_held(self, session: Session, worker_id: int) -> bool:
        return bool(
            session.scalar(
                text(
                    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND classid = :lock_class AND objid = :id AND objsubid = 2 AND database ="
                    " (SELECT oid FROM pg_database WHERE datname = current_database()))"
                ),
                {"lock_class": _LOCK_CLASS, "id": worker_id},
            )
        )

    def is_ours(self) -> bool:
        try:
            return self._ours is not None and self._ours.scalar(text("SELECT true")) is True
        except DBAPIError:
            self.free()  # asked again, a connection that broke is a mistake of ours
            return False

    def free(self) -> None:
        if self._ours is not None:
            if not self._ours.invalidated:
                # Free when this returns: a server takes its time to notice that we closed.
                with suppress(DBAPIError):
                    self._ours.execute(text("SELECT pg_advisory_unlock_all()"))
            self._ours.invalidate()  # closed for good: should it not be free, it is so now
            self._ours.close()
        self._ours = None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _version() -> str:
    try:
        return importlib.metadata.version("prayer-newsletter")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
