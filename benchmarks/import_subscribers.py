"""Import people from a CSV file, beside the loop that one would write first.

    python benchmarks/import_subscribers.py [ROWS]

One row in a hundred is no address, two in a hundred come again.  The other loop checks with
email-validator and adds ORM objects, in one transaction and without any encryption.
"""

import csv
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from newsletter.migrations import upgrade
from subscribers.database import open_engine, writing
from subscribers.privacy import Keys, new_site_key
from subscribers.tables import Basis, MailingList
from subscribers.transfer import import_csv

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Base(DeclarativeBase):
    """The other loop's tables."""


class Contact(Base):
    """A person, in clear."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    language: Mapped[str]


class Membership(Base):
    """A person on a list."""

    __tablename__ = "membership"

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    list_id: Mapped[int]


def sample(rows: int) -> bytes:
    """Return a CSV file of `rows` people."""
    chance = random.Random(1)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["email", "name", "language"])
    for n in range(rows):
        person = chance.randrange(n + 1) if chance.random() < 0.02 else n
        address = f"person{person}@example.org" if chance.random() > 0.01 else f"person{person}"
        writer.writerow([address, f"Person Number {person}", chance.choice(["en", "fa", "ko"])])
    return text.getvalue().encode()


def ours(folder: Path, data: bytes) -> int:
    """Import with everything on: encryption, consent records, durable commits."""
    engine = open_engine(f"sqlite:///{folder / 'ours.db'}")
    upgrade(engine)
    with writing(engine) as session:
        weekly = MailingList(name="weekly", title="Weekly", created_at=NOW)
        session.add(weekly)
        session.flush()
        number = weekly.id
    report = import_csv(engine, Keys(new_site_key()), number, data, Basis.EXPLICIT_CONSENT, NOW)
    engine.dispose()
    return report.added


def theirs(folder: Path, data: bytes) -> int:
    """Import one by one."""
    engine = create_engine(f"sqlite:///{folder / 'theirs.db'}")
    Base.metadata.create_all(engine)
    added = 0
    with Session(engine) as session, session.begin():
        for row in csv.DictReader(io.StringIO(data.decode())):
            try:
                found = validate_email(row["email"], check_deliverability=False)
            except EmailNotValidError:
                continue
            email = found.normalized.lower()
            if session.scalars(select(Contact).where(Contact.email == email)).first() is None:
                contact = Contact(email=email, name=row["name"], language=row["language"])
                session.add(contact)
                session.flush()
                session.add(Membership(contact_id=contact.id, list_id=1))
                added += 1
    engine.dispose()
    return added


def rate(act: Callable[[Path, bytes], int], rows: int) -> float:
    """Return rows a second of processor time: the disk and the neighbours do not count."""
    data = sample(rows)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        added = act(Path(folder), data)
        took = time.process_time() - began
    speed = f"{rows / took:,.0f} rows a second of processor time"
    print(f"{act.__name__:>8}: {rows} rows, {added} added, {speed}")
    return rows / took


def main() -> None:
    """Print both rates and their ratio."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"   ratio: {rate(ours, rows) / rate(theirs, min(rows, 10_000)):.1f}")


if __name__ == "__main__":
    main()
