"""A disk that forgets, at a power cut, what nobody had synced.

SQLite runs on it through a VFS of apsw, and the product's own engine through a thin DBAPI on top:
every statement and every PRAGMA is the product's.  A cut does not stop the run: it takes an
image of what a disk would hold if the power went at that moment.

The model is harsh.  Of the writes since the last sync of a file each is lost with even odds, and
of the rest some are torn at a sector.  A file that was never synced may not be there, and one
that was removed may be back until something is synced after it.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
from sqlalchemy import Engine, create_engine, event

from subscribers import database

SECTOR = 512
Image = dict[str, bytes]
"""What the disk holds after a cut: contents by file name, without their folder."""


@dataclass
class _File:
    durable: bytes | None  # None: no directory holds it yet
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)  # None: a truncation
    removed: bool = False


class Disk:
    """Knows what was synced.  `at_cut` gets an image, at moments that the dice choose."""

    def __init__(
        self, dice: random.Random, odds: float, cuts: int, at_cut: Callable[[Image], None]
    ) -> None:
        self._dice = dice
        self._odds = odds
        self._left = cuts
        self._at_cut = at_cut
        self._files: dict[str, _File] = {}
        self._lock = threading.RLock()
        self.armed = False
        self.name = f"cut-{id(self)}"
        self._vfs = _Vfs(self)

    def engine(self, path: Path, journal_mode: str, synchronous: str) -> Engine:
        """Return the product's engine on this disk, then with that journal and sync."""
        engine = create_engine(
            f"sqlite:///{path}",
            module=Dbapi,
            creator=lambda: Dbapi.connect(str(path), self.name),
            hide_parameters=True,
        )
        event.listen(engine, "connect", database._prepare_sqlite)

        def otherwise(connection: Any, _record: object) -> None:
            connection.cursor().execute(f"PRAGMA journal_mode = {journal_mode}")
            connection.cursor().execute(f"PRAGMA synchronous = {synchronous}")

        event.listen(engine, "connect", otherwise)
        event.listen(engine, "begin", database._begin_sqlite)
        return engine

    def opened(self, path: str) -> None:
        """A file that was there before is durable; a new one is not, until it is synced."""
        with self._lock:
            name = Path(path).name
            known = self._files.get(name)
            if known is None or known.removed:
                there = Path(path).exists() and known is None
                self._files[name] = _File(Path(path).read_bytes() if there else None)

    def write(self, path: str, offset: int, data: bytes | None) -> None:
        """Something was written, or the file was cut at `offset`."""
        with self._lock:
            self._files[Path(path).name].unsynced.append((offset, data))
            self._maybe_cut()

    def sync(self, path: str) -> None:
        """Everything written to this file is durable, and so is every directory."""
        with self._lock:
            self._maybe_cut()
            file = self._files[Path(path).name]
            for offset, data in file.unsynced:
                file.durable = _with(file.durable or b"", offset, data)
            file.unsynced.clear()
            file.durable = file.durable or b""
            self._sync_directory()
            self._maybe_cut()

    def remove(self, path: str, synced: bool) -> None:
        """A file was removed; it may come back until something is synced."""
        with self._lock:
            if file := self._files.get(Path(path).name):
                file.removed = True
            if synced:
                self._sync_directory()
            self._maybe_cut()

    def _sync_directory(self) -> None:
        self._files = {name: file for name, file in self._files.items() if not file.removed}

    def _maybe_cut(self) -> None:
        if self.armed and self._left and self._dice.random() < self._odds:
            self._left -= 1
            self._at_cut(self._image())

    def _image(self) -> Image:
        image = {}
        for name, file in self._files.items():
            lost = (file.removed or file.durable is None) and self._dice.random() < 0.5
            if not lost:
                image[name] = self._survives(file)
        return image

    def _survives(self, file: _File) -> bytes:
        content = file.durable or b""
        for offset, data in file.unsynced:
            if self._dice.random() < 0.5:
                continue
            if data is not None and self._dice.random() < 0.2:
                data = data[: SECTOR * self._dice.randint(0, len(data) // SECTOR)]
            content = _with(content, offset, data)
        return content


def _with(content: bytes, offset: int, data: bytes | None) -> bytes:
    if data is None:
        return content[:offset]
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or path.endswith("-shm"):
            return apsw.VFSFile("", name, flags)
        self._disk.opened(path)
        return _VfsFile(self._disk, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.remove(filename, syncdir)


class _VfsFile(apsw.VFSFile):
    def __init__(self, disk: Disk, path: str, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = path
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._disk.write(self._path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disk.write(self._path, newsize, None)

    def xSync(self, _flags: int) -> None:  # noqa: N802
        self._disk.sync(self._path)  # the real file need not survive anything


class Dbapi:
    """As much of the DBAPI (PEP 249) as SQLAlchemy needs, on apsw."""

    paramstyle = "qmark"
    sqlite_version = apsw.sqlite_lib_version()
    sqlite_version_info = tuple(int(part) for part in sqlite_version.split("."))
    Error = apsw.Error
    Binary = bytes

    @staticmethod
    def connect(path: str, vfs: str) -> "_Connection":
        """Open a database through a VFS."""
        return _Connection(apsw.Connection(path, vfs=vfs))


class _Connection:
    isolation_level: str | None = None

    def __init__(self, inner: apsw.Connection) -> None:
        self.inner = inner

    def cursor(self) -> "_Cursor":
        return _Cursor(self.inner)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "_Cursor":
        cursor = self.cursor()
        cursor.execute(sql, parameters)
        return cursor

    def commit(self) -> None:
        if self.inner.in_transaction:
            self.inner.execute("COMMIT")

    def rollback(self) -> None:
        if self.inner.in_transaction:
            self.inner.execute("ROLLBACK")

    def close(self) -> None:
        self.inner.close()

    def create_function(self, name: str, arguments: int, act: Any, **_rest: object) -> None:
        self.inner.create_scalar_function(name, act, arguments)


class _Cursor:
    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self.lastrowid = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        cursor = self._connection.cursor()
        cursor.exec_trace = self._describe
        self._rows = list(cursor.execute(sql, tuple(parameters)))
        self.rowcount = self._connection.changes()
        self.lastrowid = self._connection.last_insert_rowid()

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            self.execute(sql, row)

    def _describe(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        columns = cursor.get_description()  # known here only: not once an empty result is over
        self.description = [(column[0], *(None,) * 6) for column in columns] or None
        return True

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        taken, self._rows = self._rows[: size or 1], self._rows[size or 1 :]
        return taken

    def fetchall(self) -> list[Any]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []
