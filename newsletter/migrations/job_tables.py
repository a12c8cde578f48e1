"""The tables of the jobs: Procrastinate's own, made from its own files, on PostgreSQL only.

Nothing is imported from it here.  Its history is a folder of SQL files in the order of their
names; the comment on its table of jobs says up to which of them a database has come.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sqlalchemy import Connection, text

from newsletter.errors import Problem

TABLE = "procrastinate_jobs"


def upgrade_job_tables(connection: Connection) -> None:
    """Bring the tables to the release that is installed, in the caller's transaction.

    Raises:
        Problem: as `check_job_tables`, but an older release is what this mends.
    """
    if connection.dialect.name != "postgresql":
        return
    history = _history()
    found = _found(connection)
    _refuse_newer(found, history)
    if found is None:
        _run(connection, history[0].parents[1] / "schema.sql")
    for file in history:
        if found is not None and file.stem > found:
            _run(connection, file)
    connection.execute(text(f"COMMENT ON TABLE {TABLE} IS '{history[-1].stem}'"))


def check_job_tables(connection: Connection) -> None:
    """Refuse tables that are older or newer than the release that is installed.

    Raises:
        Problem: which of the two; or Procrastinate is missing, or was set up by somebody else.
    """
    if connection.dialect.name != "postgresql":
        return
    history = _history()
    found = _found(connection)
    _refuse_newer(found, history)
    if found != history[-1].stem:
        raise Problem(
            "The database holds no tables for the jobs of its workers, or older ones: stop the "
            "service, make a backup, then run newsletter upgrade."
        )


def _history() -> list[Path]:
    """Return the files of Procrastinate's history, in order."""
    try:
        installed = distribution("procrastinate")
    except PackageNotFoundError:
        raise Problem(
            "PostgreSQL needs Procrastinate: install prayer-newsletter[postgresql]."
        ) from None
    folder = Path(str(installed.locate_file("procrastinate/sql/migrations")))
    return sorted(folder.glob("[0-9]*.sql"))


def _found(connection: Connection) -> str | None:
    """Return the file up to which the database has come, None where there is no such table."""
    table, level = connection.execute(
        text("SELECT to_regclass(:name), obj_description(to_regclass(:name), 'pg_class')"),
        {"name": TABLE},
    ).one()
    if table is not None and level is None:
        raise Problem(
            "Another program keeps its Procrastinate jobs in this database: give the site a "
            "database of its own under [database] url."
        )
    return None if level is None else str(level)


def _refuse_newer(found: str | None, history: list[Path]) -> None:
    if found is not None and found > history[-1].stem:
        raise Problem(
            "The database was made with a newer Procrastinate than the one installed here: "
            "install prayer-newsletter[postgresql] of the same version on every machine."
        )


def _run(connection: Connection, file: Path) -> None:
    # Without parameters: a file holds many statements, and percent signs of its own.
    connection.exec_driver_sql(
        file.read_text(encoding="utf-8"), execution_options={"no_parameters": True}
    )
