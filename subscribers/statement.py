"""Statements for the hot paths: written out once, then run by the driver itself.

`Session.execute` takes 60 to 150 us around a statement that the database runs in 5.  That is
nothing for a command or a page, and most of the time where every message costs five of them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, BindParameter, ClauseElement, Dialect, bindparam
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from subscribers.database import BEGUN, EPOCH, MICROSECOND, Code, Instant, run_by_driver

T = TypeVar("T")
_OPEN: Any = object()  # what stands in a place until it is filled


def place(name: str, type_: TypeEngine[T] | None = None) -> BindParameter[T]:
    """Return the place of a value that comes with each run; typed by what stands beside it."""
    return bindparam(name, _OPEN, type_)


class Statement:
    """One statement on both databases, in the transaction of a `Session`.

    `write` gets a parameter to be used once, in `column.in_(numbers)`, and returns the Core
    statement; it is called once for each number of numbers.  Values are given as to any
    statement; rows come back as the driver gives them, with integers for codes and instants.
    What the session holds and has not flushed stays unseen.
    """

    def __init__(self, write: Callable[[BindParameter[int]], ClauseElement]) -> None:
        self._write = write
        self._written: dict[tuple[str, int], _Written] = {}

    def run(
        self, session: Session, numbers: Sequence[int] = (), **values: Any
    ) -> list[tuple[Any, ...]]:
        """Return all rows; none for a statement that gives none.

        Raises:
            DBAPIError: as `Session.execute`.
        """
        connection = session.info.get(BEGUN) or session.connection()
        key = (connection.dialect.name, len(numbers))
        written = self._written.get(key)
        if written is None:
            written = self._written[key] = _Written(self._write, connection.dialect, len(numbers))
        form: Any = written.form.copy()
        for name, turned in written.turned:
            values[name] = turned(values[name])
        for at, name in written.slots:
            form[at] = values[name]
        for at, number in zip(written.numbers, numbers, strict=True):
            form[at] = number
        return run_by_driver(connection, written.text, form)


class _Written:
    """The text for one database and one number of numbers, and what its places want."""

    def __init__(
        self, write: Callable[[BindParameter[int]], ClauseElement], dialect: Dialect, count: int
    ) -> None:
        numbers = bindparam("numbers", [0] * count, BigInteger, expanding=True)
        compiled: Any = write(numbers).compile(
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        self.text = str(compiled)
        filled = {name: _plain(value) for name, value in compiled.params.items()}
        order = compiled.positiontup if compiled.positional else list(filled)
        named = not compiled.positional
        self.form = filled if named else [filled[name] for name in order]
        self.slots = [
            (name if named else at, name) for at, name in enumerate(order) if filled[name] is _OPEN
        ]
        turners = {name: _turner(compiled.binds[name].type, dialect) for _, name in self.slots}
        self.turned = [(name, turner) for name, turner in turners.items() if turner]
        expanded = [f"numbers_{no}" for no in range(1, count + 1)]
        self.numbers = expanded if named else [order.index(name) for name in expanded]


def _turner(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value of a type one that the driver knows; None if it knows it."""
    if isinstance(type_, Instant | Code):
        return _plain
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _plain(value: Any) -> Any:
    """Return a value as the driver knows it."""
    if type(value) is datetime:
        return (value - EPOCH) // MICROSECOND
    return int(value) if isinstance(value, IntEnum) else value
