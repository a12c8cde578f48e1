"""Alembic runs this for each command; the connection and its transaction are the caller's."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Column

from subscribers.database import Base, Code, Instant


def plain_type(kind: str, thing: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our column types as what they are in the database: history must not change with us."""
    if kind == "type" and isinstance(thing, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(thing, Code):
        return "sa.SmallInteger()"
    return False


def default_differs(
    _context: Any, _found: Any, column: Column[Any], *_defaults: Any
) -> bool | None:
    """Say that an identity is as it should be: SQLite has none; leave the rest to Alembic."""
    return False if column.identity is not None else None


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # SQLite can do it too: our BEGIN is a real one
    render_item=plain_type,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_server_default=default_differs,
)
context.run_migrations()
