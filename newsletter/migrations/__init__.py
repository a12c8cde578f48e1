"""The schema's history.  Alembic runs it; commands ask only `upgrade` and `check_schema`.

The history is one line: `versions/0001_first_tables.py`, `0002_...`; a revision's id is the
number at the beginning of its file name.  `python -m newsletter.migrations "what changed"`
writes the next one from the tables.  On PostgreSQL the tables of `job_tables` come along.
"""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, MetaData, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

import newsletter.tables  # noqa: F401  (fills the metadata)
import subscribers.tables  # noqa: F401
from newsletter.errors import Problem
from newsletter.migrations.job_tables import check_job_tables, upgrade_job_tables
from subscribers.database import in_words

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
VERSIONS = FOLDER / "versions"
VERSION_TABLE = "alembic_version"
_LOCK = 0x736368656D61  # "schema": two upgrades of one PostgreSQL come after each other


def latest() -> str:
    """Return the id of the newest revision that this program knows."""
    return max((path.name[:4] for path in VERSIONS.glob("[0-9]*.py")), default="0000")


def upgrade(engine: Engine) -> None:
    """Bring the schema to this version, all or nothing; harmless when it is there already.

    Makes the SQLite file if there is none, for this user only.

    Raises:
        Problem: the database is newer than this program, or cannot be written.
    """
    # Alembic takes as long to load as all the rest, and only this command needs it.
    from alembic import command

    if (file := _sqlite_file(engine)) and not file.exists():
        _make_file(file)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            _refuse_newer(_found(connection), latest())
            command.upgrade(alembic_config(connection), "head")
            upgrade_job_tables(connection)
    except DBAPIError as error:
        raise in_words(error) or error from error


def check_schema(engine: Engine) -> None:
    """Refuse a database whose schema is older or newer than this program.

    Looking makes no file.

    Raises:
        Problem: which of the two, and what to do; or there is no database at all.
    """
    if (file := _sqlite_file(engine)) and not (file.exists() and file.stat().st_size):
        raise Problem(
            f"There is no database at {file}: put it back from a backup, correct [database] url, "
            "or run newsletter upgrade to begin with an empty one."
        )
    _refuse_another_schema(found_version(engine))
    try:
        with engine.execution_options(reading=True).connect() as connection:
            check_job_tables(connection)
    except DBAPIError as error:
        raise in_words(error) or error from error


def refuse_newer_schema(session: Session, known: str) -> None:
    """Refuse to go on when the database was upgraded beyond the revision `known`.

    Raises:
        Problem: it was.
    """
    _refuse_newer(session.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")), known)  # noqa: S608


def found_version(engine: Engine) -> str | None:
    """Return the revision that a database is at; None where there is none, or no database.

    Raises:
        Problem: it cannot be read.
    """
    if (file := _sqlite_file(engine)) and not (file.exists() and file.stat().st_size):
        return None
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return _found(connection)
    except DBAPIError as error:
        raise in_words(error) or error from error


def alembic_config(connection: Connection, *folders: Path) -> "Config":
    """Return Alembic's configuration for an open transaction; `folders` hold the revisions."""
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    config.attributes["connection"] = connection
    for option, value in {
        "script_location": str(FOLDER),
        "version_locations": os.pathsep.join(str(folder) for folder in folders or (VERSIONS,)),
        "path_separator": "os",
        "file_template": "%(rev)s_%(slug)s",
    }.items():
        config.set_main_option(option, value.replace("%", "%%"))
    return config


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    table = Table(VERSION_TABLE, MetaData(), autoload_with=connection)
    return connection.scalar(select(table.c.version_num))


def _refuse_another_schema(found: str | None) -> None:
    _refuse_newer(found, latest())
    if found is None:
        raise Problem("The database holds no tables of ours yet: run newsletter upgrade.")
    if found < latest():
        raise Problem(
            "The database was made by an older version of this program: stop the service, make a "
            "backup, then run newsletter upgrade."
        )


def _refuse_newer(found: str | None, known: str) -> None:
    if found is not None and found > known:
        raise Problem(
            "The database was made by a newer version of this program: this program is too old "
            "for it, install the newer one."
        )


def _sqlite_file(engine: Engine) -> Path | None:
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def _make_file(file: Path) -> None:
    try:
        file.touch(mode=0o600)
    except OSError:
        raise Problem(
            f"The database file {file} cannot be made: check that its folder exists and may be "
            "written to."
        ) from None
