"""Write the next revision from the tables: `python -m newsletter.migrations "what changed"`."""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command

from newsletter.errors import Problem
from newsletter.migrations import VERSIONS, alembic_config, latest, upgrade
from subscribers.database import open_engine


def write_revision(what_changed: str, folder: Path = VERSIONS) -> Path:
    """Compare the tables with an up-to-date empty database, write what differs, return the file.

    Read it before you keep it: a renamed column looks like one dropped and one added.

    Raises:
        Problem: nothing differs.
    """
    number = f"{int(latest()) + 1:04}"
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_engine(f"sqlite:///{scratch}/empty.db")
        upgrade(engine)
        with engine.begin() as connection:
            command.revision(
                alembic_config(connection, VERSIONS, folder),
                re.sub(r"\W+", " ", what_changed).strip(),
                autogenerate=True,
                rev_id=number,
                version_path=folder,
                process_revision_directives=_nothing_if_empty,
            )
        engine.dispose()
    written = list(folder.glob(f"{number}_*.py"))
    if not written:
        raise Problem("The tables are as the newest revision leaves them: nothing is written.")
    return written[0]


def _nothing_if_empty(_context: Any, _revision: Any, scripts: list[Any]) -> None:
    if scripts[0].upgrade_ops.is_empty():
        scripts.clear()


if __name__ == "__main__":
    try:
        write_revision(" ".join(sys.argv[1:]))
    except Problem as problem:
        sys.exit(str(problem))
