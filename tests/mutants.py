"""For `make mutants`, which runs session after session in one process: nothing is kept between.

Each mutant is tried on SQLite first, for speed; whoever lives is tried on PostgreSQL too, with
MUTANTS_ON=postgresql.
"""

import atexit
import os
from contextlib import ExitStack

import pytest

from newsletter.dispatch import ledger

ON_POSTGRESQL = os.environ.get("MUTANTS_ON") == "postgresql"


def pytest_configure() -> None:
    """Start one server for all sessions."""
    if ON_POSTGRESQL and "NEWSLETTER_TEST_POSTGRES" not in os.environ:
        from tests.conftest import own_server

        stack = ExitStack()
        os.environ["NEWSLETTER_TEST_POSTGRES"] = stack.enter_context(own_server())
        atexit.register(stack.close)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests on the other database alone."""
    others = [item for item in items if _is_on_postgresql(item) != ON_POSTGRESQL]
    items[:] = [item for item in items if _is_on_postgresql(item) == ON_POSTGRESQL]
    config.hook.pytest_deselected(items=others)


def _is_on_postgresql(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    given = "postgres_url" in getattr(item, "fixturenames", ())
    return given or parameters.get("database_url") == "postgresql"


def pytest_runtest_setup() -> None:
    """Let each test write the statements anew: it is seen to reach them, mistake and all."""
    ledger._intending.cache_clear()
    ledger._excluding.cache_clear()
