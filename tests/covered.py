"""Branch coverage of the product, counted in each process of the tests: `-p tests.covered`.

Each writes what it reached into `.coverage/`; `make test` adds that up.
"""

import importlib.util
import json
import os
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import slipcover
from slipcover.config import read_config
from slipcover.importer import SlipcoverLoader

_settings = read_config()
_counted = slipcover.Slipcover(
    branch=True, source=_settings["source"], exclude_also=_settings["exclude-also"]
)
_sources = slipcover.FileMatcher(sources=_settings["source"])
_located = importlib.util.spec_from_file_location


def _found(name: str, location: Any = None, **more: Any) -> ModuleSpec | None:
    """Count what is loaded by its path as well, as Alembic does."""
    spec = _located(name, location, **more)
    if spec and spec.loader and spec.origin and _sources.matches(spec.origin):
        spec.loader = SlipcoverLoader(_counted, spec.loader, spec.origin)
    return spec


importlib.util.spec_from_file_location = _found
slipcover.ImportManager(_counted, _sources).__enter__()


def pytest_sessionfinish() -> None:
    """Write what was reached in this process."""
    folder = Path(".coverage")
    folder.mkdir(exist_ok=True)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    (folder / f"{worker}.json").write_text(json.dumps(_counted.get_coverage()))
