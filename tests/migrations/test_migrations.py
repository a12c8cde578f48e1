import logging
import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import newsletter.migrations as migrations
from newsletter.errors import Problem
from newsletter.migrations import alembic_config, check_schema, latest, upgrade
from newsletter.migrations.__main__ import write_revision
from subscribers.database import Base, DatabaseUnavailable, open_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of each kind with nothing in it."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    else:
        engine = open_engine(request.getfixturevalue("empty_postgres_url"))
    yield engine
    engine.dispose()


def _differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        server = engine.dialect.name == "postgresql"  # SQLite has no identities to compare
        options = {
            "compare_type": True,
            "compare_server_default": server,
            "include_name": lambda name, *_: not str(name).startswith("procrastinate_"),
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))


_EVERYTHING = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version'"
    " AND tbl_name NOT LIKE 'alembic%' ORDER BY name",
    "postgresql": """
        SELECT c.relname, c.reloptions, a.attname, format_type(a.atttypid, a.atttypmod),
               a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid),
               (SELECT string_agg(pg_get_constraintdef(k.oid) || k.conname, ',' ORDER BY k.conname)
                  FROM pg_constraint k WHERE k.conrelid = c.oid),
               pg_get_indexdef(c.oid)
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind IN ('r', 'i')
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'alembic%'
           AND c.relname NOT LIKE '%procrastinate%'
         ORDER BY c.relname, a.attname""",
}


def _schema(engine: Engine) -> list[tuple[Any, ...]]:
    """Return all the database knows of its schema, down to partial indexes and fill factors."""
    with engine.connect() as connection:
        found = connection.execute(text(_EVERYTHING[engine.dialect.name]))
        return [tuple(_in_order(cell) for cell in row) for row in found]


def _in_order(cell: object) -> object:
    """Columns of a CREATE TABLE may come in any order; an added one shares a line in SQLite."""
    if not isinstance(cell, str):
        return cell
    lines = (line.strip(" \t,") for line in re.split(r"\n|,(?![^(]*\))", cell))
    return sorted(line for line in lines if line)


def test_the_migrations_end_at_the_tables_of_the_code(empty: Engine) -> None:
    Base.metadata.create_all(empty)
    made_by_code = _schema(empty)
    Base.metadata.drop_all(empty)

    upgrade(empty)

    assert _schema(empty) == made_by_code
    assert len(made_by_code) > 40
    assert _differences(empty) == []


def test_upgrading_again_changes_nothing(empty: Engine) -> None:
    upgrade(empty)
    before = _schema(empty)

    upgrade(empty)

    assert _schema(empty) == before
    check_schema(empty)


def test_two_upgrades_at_once_do_no_harm(empty: Engine) -> None:
    threads = [threading.Thread(target=upgrade, args=(empty,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    check_schema(empty)


def test_an_upgrade_that_fails_leaves_nothing(
    empty: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "versions"
    broken.mkdir()
    (broken / "0001_broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.create_table('half', sa.Column('id', sa.Integer()))\n"
        "    op.execute('SELECT * FROM never_made')\n"
    )
    monkeypatch.setattr(migrations, "VERSIONS", broken)

    with pytest.raises(DatabaseUnavailable):
        upgrade(empty)

    with empty.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_the_history_is_one_line_named_by_numbers(tmp_path: Path) -> None:
    with open_engine(f"sqlite:///{tmp_path / 'x.db'}").connect() as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
        revisions = list(script.walk_revisions())

    assert script.get_heads() == [latest()]
    for revision in revisions:
        assert Path(revision.path).name.startswith(f"{revision.revision}_")
    numbers = [int(revision.revision) for revision in reversed(revisions)]
    assert numbers == list(range(1, len(revisions) + 1))


def test_an_older_database_asks_for_an_upgrade(empty: Engine) -> None:
    upgrade(empty)
    _pretend(empty, "0000")

    with pytest.raises(Problem, match=r"older version .* run newsletter upgrade"):
        check_schema(empty)


def test_a_newer_database_is_left_alone(empty: Engine) -> None:
    upgrade(empty)
    _pretend(empty, "9999")

    for act in (check_schema, upgrade):
        with pytest.raises(Problem, match="this program is too old"):
            act(empty)


def test_a_database_without_our_tables_says_so(empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))

    with pytest.raises(Problem, match="no tables of ours"):
        check_schema(empty)


def _pretend(engine: Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})


@pytest.mark.parametrize("content", [None, b""])
def test_looking_makes_no_database_file(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "newsletter.db"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(Problem, match="There is no database at"):
        check_schema(open_engine(f"sqlite:///{file}"))

    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == (
        [] if content is None else [("newsletter.db", 0)]
    )


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    file.write_bytes(b"Dear friends, " * 500)
    engine = open_engine(f"sqlite:///{file}")

    for act in (check_schema, upgrade):
        with pytest.raises(DatabaseUnavailable, match="damaged or no SQLite"):
            act(engine)
    assert file.read_bytes() == b"Dear friends, " * 500


def test_a_new_database_file_is_for_this_user_only(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.db"
    engine = open_engine(f"sqlite:///{file}")
    before = os.umask(0)
    try:
        upgrade(engine)
        with engine.begin():
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
        engine.dispose()

    assert modes["newsletter.db"] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_database_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'missing' / 'newsletter.db'}")

    with pytest.raises(Problem, match="cannot be made: check that its folder exists"):
        upgrade(engine)


def test_an_upgrade_is_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    handlers = list(logging.getLogger().handlers)
    engine = open_engine(f"sqlite:///{tmp_path / 'newsletter.db'}")

    upgrade(engine)
    engine.dispose()

    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert logging.getLogger().handlers == handlers


def test_a_memory_database_can_be_upgraded() -> None:
    engine = open_engine("sqlite://")

    upgrade(engine)

    check_schema(engine)
    engine.dispose()


# --- writing the next revision --------------------------------------------------------


def test_no_revision_is_written_where_nothing_changed(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="nothing is written"):
        write_revision("nothing at all", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_command_says_that_nothing_changed() -> None:
    before = sorted(migrations.VERSIONS.glob("*.py"))

    command = [sys.executable, "-m", "newsletter.migrations", "nothing", "at", "all"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.endswith("nothing is written.\n")
    assert sorted(migrations.VERSIONS.glob("*.py")) == before


def test_the_next_revision_holds_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An earlier history: the same without the suppressions' events.
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    for file in migrations.VERSIONS.glob("*.py"):
        code = file.read_text()
        first = file.name.startswith("0001_")
        kept = _without_table(code, "suppression_event") if first else code
        (earlier / file.name).write_text(kept)
    number = int(latest()) + 1
    monkeypatch.setattr(migrations, "VERSIONS", earlier)
    monkeypatch.setattr("newsletter.migrations.__main__.VERSIONS", earlier)

    written = write_revision("Keep suppression's events!", tmp_path)

    assert written.name == f"{number:04}_keep_suppression_s_events.py"
    code = written.read_text()
    assert f'down_revision = "{number - 1:04}"' in code.replace("'", '"')
    assert code.count("create_table") == 1
    assert "subscribers" not in code  # history must not change with our column types


def _without_table(code: str, name: str) -> str:
    start = code.index(f'    op.create_table(\n        "{name}"')
    end = code.find("    op.create_table(", start + 1)
    return code[:start] + (code[end:] if end > 0 else "    # ###\n")
