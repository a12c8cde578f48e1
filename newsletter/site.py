"""A site: the folder with its settings, its keys and its database, opened together."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from newsletter.config import (
    KEY_FILE,
    SETTINGS_FILE,
    Secrets,
    Settings,
    has_key,
    read_secrets,
    read_settings,
)
from newsletter.errors import Problem, UnreadableInput
from newsletter.migrations import check_schema, found_version, latest, upgrade
from newsletter.original import claim_as_original, copy_database, why_a_copy
from subscribers.database import insert_new, open_engine, reading, writing
from subscribers.privacy import KeyMismatch, Keys, new_site_key
from subscribers.tables import SiteMark


@dataclass(frozen=True)
class Site:
    """Everything a command needs; made once in a process, shared by its threads."""

    folder: Path
    settings: Settings
    secrets: Secrets
    keys: Keys
    engine: Engine

    @property
    def mailbox(self) -> Path:
        """The Maildir that the practice provider fills."""
        return self.folder / "mailbox"

    @property
    def bulletins(self) -> Path:
        """The folder that staff drop bulletins into."""
        return self.folder / self.settings.intake.folder

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where templates are looked for: the site's own first, then those we ship."""
        return (self.folder / "templates", shipped_templates())


def shipped_templates() -> Path:
    """Return the folder of templates, in a wheel or in a checkout."""
    package = Path(str(resources.files("newsletter")))
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"


def read_logo(folder: Path, settings: Settings, list_name: str) -> bytes | None:
    """Return the file with a list's logo, None where the settings name none.

    Raises:
        UnreadableInput: it is missing, cannot be read, or is far too large.
    """
    name = settings.logo_of(list_name)
    if not name:
        return None
    setting = "brand.logo"
    if list_name in settings.lists and settings.lists[list_name].logo:
        setting = f"lists.{list_name}.logo"
    path = folder / name
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_LOGO + 1)
    except OSError as error:
        raise UnreadableInput(
            f"The logo {path} cannot be read ({error.strerror}): correct the setting {setting}, "
            "or put the file there."
        ) from None
    if len(data) > _LARGEST_LOGO:
        raise UnreadableInput(
            f"The logo {path} is larger than {_LARGEST_LOGO // 1_000_000} MB: save it smaller."
        )
    return data


_LARGEST_LOGO = 5_000_000


def open_site(folder: Path) -> Site:
    """Open the site in `folder`.

    Raises:
        UnreadableInput: the settings or the key cannot be read.
        Problem: the database is missing, has another schema, or belongs to another key.
    """
    site = _read_site(folder)
    try:
        check_schema(site.engine)
        with reading(site.engine) as session:
            _refuse_another_key(session.get(SiteMark, 1), site)
    except BaseException:
        site.engine.dispose()
        raise
    return site


def upgrade_site(folder: Path, now: datetime | None = None) -> Path | None:
    """Bring the database of the site in `folder` to this version; make it where it is missing.

    Where an older SQLite database is there, it is copied first; returns the copy.

    Raises:
        Problem: like `open_site`, but an older schema is what this mends.
    """
    site = _read_site(folder)
    try:
        copy = _copy_before_upgrade(site.engine, now) if now else None
        upgrade(site.engine)
        with writing(site.engine) as session:
            fingerprint = site.keys.fingerprint()
            insert_new(session, SiteMark, id=1, key_fingerprint=fingerprint)
            _refuse_another_key(session.get(SiteMark, 1), site)
            if why_a_copy(session) is None:
                claim_as_original(session)
    finally:
        site.engine.dispose()
    return copy


def create_site(folder: Path, settings_toml: str) -> Site:
    """Make a site in `folder`: settings, key (0600), database, folders for people to use.

    Where it fails there is no site, and the same call makes it once the cause is mended.

    Raises:
        Problem: the folder already holds a site, in which nothing is changed; or something
            cannot be written.
    """
    folder = folder.resolve()
    settings_file = folder / SETTINGS_FILE
    if settings_file.exists():
        raise Problem(f"There is a site in {folder} already: choose another folder.")
    try:
        for name in ("bulletins", "templates"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if not has_key(folder):
            _write_key(folder / KEY_FILE)
        settings_file.write_text(settings_toml, encoding="utf-8")
        upgrade_site(folder)
        return open_site(folder)
    except BaseException as error:
        # A folder without settings is no site.  The key stays: the database may know it.
        with suppress(OSError):
            settings_file.unlink()
        if isinstance(error, OSError):
            raise Problem(
                f"The site {folder} cannot be made ({error.strerror}): check that the folder may "
                "be written to and that the disk has space, then try again."
            ) from None
        raise


def _write_key(path: Path) -> None:
    """Write a new key for this user only, whole or not at all."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(new_site_key() + "\n")
    except OSError:
        path.unlink()
        raise


def database_url(folder: Path, settings: Settings) -> URL:
    """Return the database URL with a relative SQLite path taken from the site's folder.

    Raises:
        UnreadableInput: it is none.
    """
    try:
        url = make_url(settings.database.url)
    except ArgumentError:
        raise UnreadableInput(
            "The database URL cannot be read: write sqlite:///newsletter.db or "
            "postgresql+psycopg://user@host/name under [database] url."
        ) from None
    if url.drivername.startswith("sqlite") and url.database and url.database != ":memory:":
        url = url.set(database=str(folder / url.database))
    return url


def _copy_before_upgrade(engine: Engine, now: datetime) -> Path | None:
    found = found_version(engine)
    if engine.dialect.name != "sqlite" or found is None or found >= latest():
        return None
    database = Path(str(engine.url.database))
    copy = database.with_name(f"{database.name}.before-{latest()}-{now:%Y%m%dT%H%M%S}")
    copy_database(engine, copy, now)
    return copy


def _read_site(folder: Path) -> Site:
    folder = folder.resolve()
    settings = read_settings(folder)
    secrets = read_secrets(folder)
    url = database_url(folder, settings)
    if url.drivername.startswith("sqlite") and url.database:
        _refuse_network(Path(url.database))
    engine = open_engine(url)
    return Site(folder, settings, secrets, Keys(secrets.site_key), engine)


def _refuse_network(file: Path) -> None:
    """Refuse a SQLite file on a network file system, where locks lie and a write may be lost."""
    try:
        mounts = [line.split() for line in Path(_MOUNTS).read_text().splitlines()]
    except OSError:
        return  # no Linux
    here = file.resolve()
    kinds = {Path(place.replace("\\040", " ")): kind for _, place, kind, *_ in mounts}
    mounted = next((place for place in (here, *here.parents) if place in kinds), None)
    if mounted is not None and kinds[mounted] in _NETWORK:
        raise Problem(
            f"The database {file} lies on a network file system ({kinds[mounted]}), where SQLite "
            "is not safe: put it on a disk of this machine, or use PostgreSQL."
        )


_MOUNTS = "/proc/self/mounts"
_NETWORK = {
    *("9p", "afs", "ceph", "cifs", "gfs2", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3"),
    *("smbfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
}


def _refuse_another_key(mark: SiteMark | None, site: Site) -> None:
    if mark is None:
        raise Problem("The database was never finished: run newsletter upgrade.")
    if mark.key_fingerprint != site.keys.fingerprint():
        raise KeyMismatch(
            f"The site key does not belong to the database of {site.folder}: put the {KEY_FILE} "
            "that was made with it back."
        )
