"""The register of pseudonyms: sealed in the database, compiled when a bulletin is checked."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.errors import NotFound, UnreadableInput
from newsletter.issue.desk import Actor, record
from newsletter.names import Kind, Names, Pseudonym, fold, is_enough
from newsletter.tables import Pseudonym as Row
from subscribers.privacy import Keys

MOST_LETTERS = 200  # of what is real, and of what is published
_ENTRY, _ADDED_BY = "pseudonym.entry", "pseudonym.added_by"
_PADDING = 64


@dataclass(frozen=True)
class Entry:
    """One line of the register, as an administrator sees it."""

    id: int
    pseudonym: Pseudonym
    added_by: str
    added_at: datetime


def register(session: Session, keys: Keys, pseudonym: Pseudonym, by: Actor, now: datetime) -> int:
    """Add an entry, or give one that is there another published name; return its number.

    Raises:
        UnreadableInput: too short or too long, or what is to be published holds what is real.
    """
    index = _index(keys, pseudonym)
    others = [each for each in entries(session, keys) if _index(keys, each.pseudonym) != index]
    for sentence in _faults(pseudonym, [each.pseudonym for each in others]):
        raise UnreadableInput(sentence)
    row = session.scalar(select(Row).where(Row.real_index == index))
    if row is None:
        row = Row(real_index=index)
        session.add(row)
    text = json.dumps([pseudonym.kind, pseudonym.real, pseudonym.published], ensure_ascii=False)
    size = len(text.encode())
    row.entry = keys.encrypt(text + " " * (-size % _PADDING), _ENTRY, index)
    row.added_by = keys.encrypt(by.who, _ADDED_BY, index)
    row.added_at = now
    session.flush()
    record(session, keys, by, "pseudonym registered", now)
    return row.id


def entries(session: Session, keys: Keys) -> list[Entry]:
    """Return the register, in the order in which it grew."""
    rows = session.scalars(select(Row).order_by(Row.id)).all()
    return [
        Entry(
            row.id,
            _opened(keys, row.real_index, row.entry),
            keys.decrypt(row.added_by, _ADDED_BY, row.real_index),
            row.added_at,
        )
        for row in rows
    ]


def remove(session: Session, keys: Keys, entry_id: int, by: Actor, now: datetime) -> None:
    """Take an entry out of the register; what is real may be published from then on.

    Raises:
        NotFound: no such entry.
    """
    removed = session.execute(delete(Row).where(Row.id == entry_id).returning(Row.id)).all()
    if not removed:
        raise NotFound(
            f"There is no pseudonym {entry_id}: newsletter pseudonym list shows the numbers."
        )
    record(session, keys, by, "pseudonym removed", now)


def names_of(session: Session, keys: Keys) -> Names | None:
    """Return the register ready to be looked for; None while it is empty."""
    rows = session.execute(select(Row.real_index, Row.entry).order_by(Row.id)).all()
    return _compiled(keys, tuple((row.real_index, row.entry) for row in rows)) if rows else None


# Opening and compiling 500 entries takes longer than checking a bulletin against them.
@lru_cache(maxsize=2)
def _compiled(keys: Keys, rows: tuple[tuple[bytes, bytes], ...]) -> Names:
    return Names(_opened(keys, index, sealed) for index, sealed in rows)


def _opened(keys: Keys, index: bytes, sealed: bytes) -> Pseudonym:
    kind, real, published = json.loads(keys.decrypt(sealed, _ENTRY, index))
    return Pseudonym(Kind(kind), real, published)


def _index(keys: Keys, pseudonym: Pseudonym) -> bytes:
    return keys.index("pseudonym", f"{pseudonym.kind}\0{' '.join(fold(pseudonym.real).split())}")


def _faults(pseudonym: Pseudonym, others: Sequence[Pseudonym]) -> Iterator[str]:
    if not is_enough(pseudonym):
        yield (
            f"This is too short for a {pseudonym.kind} and would be found in every bulletin: give "
            "more of it, or another --kind."
        )
    if max(len(pseudonym.real), len(pseudonym.published)) > MOST_LETTERS:
        yield f"What is registered has {MOST_LETTERS} letters at most: give a shorter part of it."
    if "\n" in pseudonym.real + pseudonym.published:
        yield "What is registered stands on one line: add each name on its own."
    if not pseudonym.published and pseudonym.kind in (Kind.NAME, Kind.PLACE):
        yield f"Say what is published in its place: a {pseudonym.kind} needs another one."
    if Names([pseudonym, *others]).find(pseudonym.published):
        yield "What is to be published holds what is real: choose another published name."
    if Names([pseudonym]).find("\n\n".join(other.published for other in others)):
        yield "This is published already, in place of something else: remove that entry first."
