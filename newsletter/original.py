"""Whether this database is the one that dispatches, or a copy of it that was put back.

A copy knows nothing of what went out after it was made, and would send it again.  So it
dispatches nothing until a person has said what went out since.  It is told by

- a mark that `copy_database` leaves in the copies it makes;
- PostgreSQL: a row that knows which transaction wrote it.  Rows that a dump brought back were
  written by another;
- SQLite: *witnesses*, small files beside the database that no copy of it holds.  Each process
  that dispatches keeps one, `newsletter.db.witness.<worker id>`: the epoch, the newest attempt
  it was about to hand over, and which file of the disk it is itself.  A database that lacks
  them, is of another epoch or knows less than they do is a copy; so is one that came back
  together with its witnesses, which then lie elsewhere.
"""

import fcntl
import os
import secrets
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Engine, func, insert, literal_column, null, select, text
from sqlalchemy.orm import Session

from newsletter.errors import NotAllowed, Problem
from newsletter.tables import Attempt, Original, Worker
from subscribers.database import EPOCH, MICROSECOND, insert_new, table_of, values_of

SKIPPED_IDS = 1_000_000_000
"""How many ids a copy leaves out.  Links and reports of mails that went out after it was made
carry ids that the copy never gave: they must not come to name somebody else."""

_TOUCHED = 5  # seconds: further apart, somebody else than us wrote a witness
_LOOKS = 10  # at the witnesses, while other processes take over
_LINE = b"%b %020d %020d %020d\n"
_GETVERSION = 0x80087601  # FS_IOC_GETVERSION, ioctl_iflags(2)
_NEVER_AGAIN = ("delivery", "subscriber", "subscription")  # whose ids stand in mails


class PutBack(NotAllowed):
    """The database is a copy, and nobody has said yet what went out after it was made."""


def why_a_copy(session: Session) -> str | None:
    """Return what shows that this database is a copy, as the beginning of a sentence, or None.

    In a read transaction it must be the first thing asked: processes that dispatch meanwhile
    add to what it compares.
    """
    file = _file_of(session)
    try:
        seen = _witnesses(file) if file else ()  # first: the database only ever knows more
    except (OSError, ValueError):
        return "A witness file beside the database cannot be read"
    row = session.execute(_this_row(session)).one_or_none()
    if row is not None and row.copied_at is not None:
        return f"This database is a copy that was made on {row.copied_at:%d %B %Y at %H:%M} UTC"
    if _is_postgresql(session):
        return None if row is None or row.xid == row.xmin else "This database was read from a dump"
    return _told_by(seen, session, row.epoch if row else None) if file else None


def refuse_a_copy(session: Session) -> None:
    """Do nothing where the database is the original.

    Raises:
        PutBack: it is a copy.
    """
    if why := why_a_copy(session):
        raise PutBack(
            f"{why}: nothing is sent from it until somebody says what went out since. "
            "See newsletter restored."
        )


def claim_as_original(session: Session) -> None:
    """Make this database the one that dispatches, unless another has been.  Harmless twice.

    Raises:
        PutBack: it is a copy.
    """
    refuse_a_copy(session)
    if session.scalar(select(_original.c.id)) is None:
        file = _file_of(session)
        known = _witnesses(file) if file else ()  # of a start that was cut short
        _become_original(session, known[0].epoch if known else _new_epoch())


def take_the_place(session: Session) -> None:
    """Make a copy the original: the only way back to dispatching, taken when people decided.

    Older copies, and the former original if it should ever come back, are copies from now on.
    """
    session.execute(_original.delete())
    for path in _paths(file) if (file := _file_of(session)) else ():
        path.unlink(missing_ok=True)
    _skip_ids(session)
    _become_original(session, _new_epoch())


class Witness:
    """This process's file beside a SQLite database, kept until a later process takes over."""

    def __init__(
        self, session: Session, worker_id: int, is_gone: Callable[[Session, int], bool]
    ) -> None:
        """Write it, durable, with what the others know; drop those of processes that are gone.

        In a write transaction, so that one process at a time does.
        """
        self._handle: int | None = None
        file = _file_of(session)
        if file is None:
            return
        others = _witnesses(file)
        self._epoch = others[0].epoch.encode()
        newest = max(seen.attempt_id for seen in others)
        self._handle, self._number = _write(file, worker_id, self._epoch, newest)
        for seen in others:
            if seen.worker_id != worker_id and is_gone(session, seen.worker_id):
                seen.path.unlink(missing_ok=True)

    def sees(self, attempt_id: int) -> None:
        """Note an attempt, before the first byte of it leaves.

        Not synced: only an older database put back after a power cut could gain by the gap.
        """
        if self._handle is not None:
            line = _LINE % (self._epoch, attempt_id, int(time.time()), self._number)
            os.pwrite(self._handle, line, 0)

    def close(self) -> None:
        """Let go of the file, which stays; harmless twice."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None


def copy_database(engine: Engine, target: Path, now: datetime) -> None:
    """Copy a SQLite database while others write, marked as a copy, for this user only.

    One consistent moment, whole and checked when this returns.  `target` must not exist.

    Raises:
        Problem: it could not be written, or the database is damaged.
    """
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        source = engine.raw_connection()
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            source.driver_connection.backup(copy)  # type: ignore[union-attr]  # SQLite's own
            _mark(copy, now)
            sound = copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        finally:
            copy.close()
            source.close()
    except FileExistsError:
        raise Problem(f"There is a file {target} already: choose another name.") from None
    except (OSError, sqlite3.Error):
        target.unlink(missing_ok=True)
        raise Problem(
            f"The copy {target} could not be written: check that its folder exists, may be "
            "written to and has space left."
        ) from None
    if not sound:
        target.unlink()
        raise Problem("The database file is damaged: restore it from an earlier backup.")


_original = table_of(Original)
_attempt = table_of(Attempt)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _this_row(session: Session) -> Any:
    writer = literal_column("xmin::text::bigint", BigInteger)
    return select(_original, (writer if _is_postgresql(session) else null()).label("xmin"))


def _become_original(session: Session, epoch: str) -> None:
    # The file first: a crash between the two leaves a copy, and not one that sends.
    if (file := _file_of(session)) is not None and not _paths(file):
        handle, _ = _write(file, 0, epoch.encode(), _newest_attempt(session))
        os.close(handle)
    # A transaction's number, as xmin shows it, has 32 bits.
    number = text("SELECT txid_current() % 4294967296")
    xid = session.scalar(number) if _is_postgresql(session) else None
    insert_new(session, Original, id=1, epoch=epoch, xid=xid)


def _new_epoch() -> str:
    return secrets.token_hex(16)


def _newest_attempt(session: Session) -> int:
    return session.scalar(select(func.max(_attempt.c.id))) or 0


# --- witnesses --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What one witness says."""

    path: Path
    worker_id: int
    epoch: str
    attempt_id: int
    lies_elsewhere: bool  # it is a copy of the file that we wrote


def _told_by(seen: Sequence[_Seen], session: Session, epoch: str | None) -> str | None:
    if not seen:
        return None if epoch is None else "This database was put here without its witness files"
    if epoch is not None and any(each.epoch != epoch for each in seen):
        return "This database is a copy of another time"
    knows_less = max(each.attempt_id for each in seen) > _newest_attempt(session) or max(
        each.worker_id for each in seen
    ) > (session.scalar(select(func.max(Worker.id))) or 0)
    if knows_less:
        return "This database is older than what was sent from here"
    if any(each.lies_elsewhere for each in seen):
        return "This site's folder is a copy"
    return None


def _witnesses(file: Path) -> Sequence[_Seen]:
    for _ in range(_LOOKS):
        try:
            return [_read(path) for path in _paths(file)]
        except FileNotFoundError:
            continue  # another process has just taken over
    raise OSError


def _paths(file: Path) -> Sequence[Path]:
    start = f"{file.name}.witness."
    found = [path for path in file.parent.iterdir() if path.name.startswith(start)]
    return [path for path in found if path.name.removeprefix(start).isdigit()]


def _read(path: Path) -> _Seen:
    with path.open(encoding="ascii") as opened:
        epoch, attempt_id, at, number = opened.read().split()
        changed = os.fstat(opened.fileno()).st_ctime
        same = _number(opened.fileno()) == int(number)
    # Some file systems number a file anew at each mount, and a chown sets the time of the last
    # change: only the two together show a copy.
    moved = not same and abs(changed - int(at)) > _TOUCHED
    return _Seen(path, int(path.suffix[1:]), epoch, int(attempt_id), moved)


def _write(file: Path, worker_id: int, epoch: bytes, attempt_id: int) -> tuple[int, int]:
    """Write a witness, whole and durable; return its handle and its number."""
    path = file.with_name(f"{file.name}.witness.{worker_id}")
    unfinished = path.with_name(path.name + ".part")
    handle = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    number = _number(handle)
    os.pwrite(handle, _LINE % (epoch, attempt_id, int(time.time()), number), 0)
    os.fsync(handle)
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
    return handle, number


def _number(handle: int) -> int:
    """Return the number that no other file on this disk has had or will have.

    Inodes are used again; the generation tells the files that had one after another apart.
    Where a file system keeps none (tmpfs, overlayfs), it is the inode alone.
    """
    generation = bytearray(8)
    with suppress(OSError):
        fcntl.ioctl(handle, _GETVERSION, generation)
    return (os.fstat(handle).st_ino << 32 | int.from_bytes(generation[:4], sys.byteorder)) % 10**20


def _file_of(session: Session) -> Path | None:
    bind = session.get_bind()
    return _sqlite_file(bind.engine.url.database) if bind.dialect.name == "sqlite" else None


def _sqlite_file(name: str | None) -> Path | None:
    return Path(name) if name and name != ":memory:" else None


# --- the copy ---------------------------------------------------------------------------------


def _mark(copy: sqlite3.Connection, now: datetime) -> None:
    """Mark a copy.  One of an older schema, made before an upgrade, has no place for it."""
    copy.execute("PRAGMA journal_mode = DELETE")
    copy.execute("PRAGMA secure_delete = ON")
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'original'").fetchone() is None:
        return
    copy.execute("BEGIN")
    copy.execute(
        "INSERT INTO original (id, epoch, copied_at) VALUES (1, '', ?)"
        " ON CONFLICT (id) DO UPDATE SET copied_at = excluded.copied_at",
        ((now - EPOCH) // MICROSECOND,),  # as Instant stores it
    )
    copy.execute("COMMIT")


def _skip_ids(session: Session) -> None:
    gap = {"gap": SKIPPED_IDS}
    if _is_postgresql(session):
        for table in (*_NEVER_AGAIN, "attempt"):
            session.execute(
                text(
                    "SELECT setval(s, nextval(s) + :gap) FROM"
                    " (SELECT pg_get_serial_sequence(:table, 'id')::regclass AS s) AS it"
                ),
                gap | {"table": table},
            )
        _skip_attempts(session)
        return
    for table in _NEVER_AGAIN:
        session.execute(
            text(
                "INSERT INTO sqlite_sequence (name, seq) SELECT :table, 0 WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name = :table)"
            ),
            {"table": table},
        )
        session.execute(
            text("UPDATE sqlite_sequence SET seq = seq + :gap WHERE name = :table"),
            gap | {"table": table},
        )
    _skip_attempts(session)


def _skip_attempts(session: Session) -> None:
    """Show where the numbers of attempts go on; SQLite continues from the highest that is there."""
    newest = session.execute(select(_attempt).order_by(_attempt.c.id.desc()).limit(1)).one_or_none()
    if newest is not None:
        unused = {"worker_id": 0, "fence": 0, "size": 0, "void": True, "reference": None}
        session.execute(
            insert(_attempt).values(values_of(newest) | unused | {"id": newest.id + SKIPPED_IDS})
        )
