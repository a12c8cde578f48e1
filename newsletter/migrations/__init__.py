"""The schema's history.  Alembic runs it; commands ask only these two."""

from sqlalchemy import Engine

import newsletter.tables  # noqa: F401
import subscribers.tables  # noqa: F401
from subscribers.database import Base


def upgrade(engine: Engine) -> None:
    """Bring the schema to this version; harmless when it is there already."""
    Base.metadata.create_all(engine)


def check_schema(engine: Engine) -> None:
    """Refuse a database whose schema is older or newer than this program.

    Raises:
        Problem: which of the two, and what to do.
    """
