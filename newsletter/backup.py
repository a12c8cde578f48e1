"""A site in one file, and a site from such a file.

The file is a tar archive: `backup.json`, `newsletter.toml`, `templates/`, the logos that lie in
the site's folder, and the SQLite database as of one moment, marked as a copy.  `secret.key` is
not in it: without the key the file names no one.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from newsletter.config import SETTINGS_FILE, Settings, has_key, read_settings
from newsletter.errors import NotAllowed, Problem, UnreadableInput
from newsletter.migrations import latest
from newsletter.original import copy_database
from newsletter.site import Site, database_url
from subscribers.transfer import private_file

_ABOUT = "backup.json"
_DATABASE = "newsletter.db"
_TEMPLATES = "templates"
_FORMAT = 1


@dataclass(frozen=True)
class Restored:
    """A site made from a backup."""

    folder: Path
    made_at: datetime  # of the backup
    has_key: bool
    older_schema: bool


def back_up(site: Site, file: Path, now: datetime) -> None:
    """Write a backup of a site to `file`, for this user only, while others use the site.

    It appears whole or not at all, and takes the place of an older one.

    Raises:
        NotAllowed: the database is PostgreSQL, which has its own way.
        Problem: the file cannot be written, or the database is damaged.
    """
    if site.engine.dialect.name != "sqlite":
        raise NotAllowed(
            "PostgreSQL makes its own backups: pg_dump --format=custom, beside newsletter.toml and "
            "templates/. A database that such a dump was read into knows that it is a copy."
        )
    part = file.with_name(file.name + ".database")
    part.unlink(missing_ok=True)  # of a backup that was cut short
    copy_database(site.engine, part, now)
    try:
        with private_file(file) as opened:
            _write(site, part, opened, now)
            opened.flush()
            os.fsync(opened.fileno())
    finally:
        part.unlink(missing_ok=True)


def restore(file: Path, folder: Path) -> Restored:
    """Make a site in `folder` from a backup; its key must be put there by hand.

    Raises:
        UnreadableInput: the file is missing or no backup of ours.
        NotAllowed: a site, or a database of that name, is there already; nothing is changed.
        Problem: something cannot be written, or the settings in the backup do not fit.
    """
    folder = folder.resolve()
    if (folder / SETTINGS_FILE).exists() or (folder / _DATABASE).exists():
        raise NotAllowed(f"There is a site in {folder} already: name another folder.")
    made: list[Path] = []
    with _archive(file) as archive:
        about = _about(archive, file)
        try:
            _take_out(archive, folder, made)
        except BaseException as error:
            for path in reversed(made):
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise Problem(
                    f"The site in {folder} could not be written: check that the folder may be "
                    "written to and has space left."
                ) from None
            raise
    for name in ("bulletins", _TEMPLATES):
        (folder / name).mkdir(exist_ok=True)
    made_at = datetime.fromisoformat(str(about["made_at"]))
    return Restored(folder, made_at, has_key(folder), str(about["schema"]) < latest())


def _write(site: Site, database: Path, opened: BinaryIO, now: datetime) -> None:
    about = {"format": _FORMAT, "made_at": now.isoformat(), "schema": latest()}
    with tarfile.open(fileobj=opened, mode="w") as archive:
        _add(archive, _ABOUT, json.dumps(about).encode(), now)
        _add(archive, SETTINGS_FILE, (site.folder / SETTINGS_FILE).read_bytes(), now)
        templates = site.folder / _TEMPLATES
        for path in sorted(path for path in templates.rglob("*") if path.is_file()):
            name = PurePosixPath(_TEMPLATES, path.relative_to(templates).as_posix())
            _add(archive, str(name), path.read_bytes(), now)
        for logo in _logos(site.settings):
            if (site.folder / logo).is_file():
                _add(archive, str(logo), (site.folder / logo).read_bytes(), now)
        entry = _entry(_DATABASE, database.stat().st_size, now)
        with database.open("rb") as copy:
            archive.addfile(entry, copy)


def _logos(settings: Settings) -> set[PurePosixPath]:
    """Return the logos in the site's folder; what lies elsewhere is not ours to copy."""
    named = {settings.logo_of(name) for name in ("", *settings.lists)} - {""}
    paths = map(PurePosixPath, named)
    return {path for path in paths if not {"/", "..", _TEMPLATES} & set(path.parts)}


def _add(archive: tarfile.TarFile, name: str, content: bytes, now: datetime) -> None:
    archive.addfile(_entry(name, len(content), now), io.BytesIO(content))


def _entry(name: str, size: int, now: datetime) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(now.timestamp())
    return entry


@contextmanager
def _archive(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive
    except FileNotFoundError:
        raise UnreadableInput(f"There is no file {file}: check the name.") from None
    except (tarfile.TarError, EOFError, IsADirectoryError):
        raise UnreadableInput(f"{file} is no whole backup: name another one.") from None
    except PermissionError:
        raise UnreadableInput(f"{file} may not be read: check whose it is.") from None


def _about(archive: tarfile.TarFile, file: Path) -> dict[str, object]:
    try:
        entry = archive.extractfile(_ABOUT)
        about = json.loads(entry.read()) if entry else None
    except (KeyError, ValueError):
        about = None
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise UnreadableInput(f"{file} is no backup that this program can read: name another one.")
    return about


def _take_out(archive: tarfile.TarFile, folder: Path, made: list[Path]) -> None:
    """Write what a backup of ours holds, and nothing else that somebody put into the file."""
    folder.mkdir(parents=True, exist_ok=True)
    _copy_out(archive, SETTINGS_FILE, folder / SETTINGS_FILE, made)
    settings = read_settings(folder)
    url, logos = database_url(folder, settings), _logos(settings)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise NotAllowed(
            "The settings name a database that is no SQLite file: set [database] url, or the "
            "variable that wins over it, to sqlite:///newsletter.db first."
        )
    database = Path(url.database)
    if database.exists():
        raise NotAllowed(
            f"The settings in the backup name the database {database}, which is there already: "
            "move it away, or set NEWSLETTER__DATABASE__URL to another file."
        )
    for entry in archive:
        path = PurePosixPath(entry.name)
        is_ours = path in logos or (path.parts[0] == _TEMPLATES and ".." not in path.parts)
        if entry.isfile() and is_ours:
            target = folder.joinpath(*path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy_out(archive, entry.name, target, made)
    database.parent.mkdir(parents=True, exist_ok=True)
    _copy_out(archive, _DATABASE, database, made)


def _copy_out(archive: tarfile.TarFile, name: str, target: Path, made: list[Path]) -> None:
    try:
        content = archive.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise UnreadableInput("The file is no whole backup: name another one.")
    if target.exists():
        raise NotAllowed(f"There is a file {target} already: name another folder.")
    made.append(target)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while piece := content.read(1 << 20):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
