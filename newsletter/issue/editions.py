"""An issue's editions: rendered once, sealed as they will be sent, and bound by one hash."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.errors import NotFound
from newsletter.issue.bulletins import read_stored
from newsletter.issue.desk import Desk
from newsletter.languages import best_match
from newsletter.rendering import RenderedEmail, html_bytes, render, weight_of
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Edition, Issue
from subscribers.privacy import Keys
from subscribers.tables import MailingList

STANDARD = "standard"


def put_editions(
    session: Session, desk: Desk, issue: Issue, bulletins: Iterable[BulletinRow]
) -> None:
    """Render one edition for each bulletin, in the place of those that were there.

    Edition 0 serves everybody without an edition in their language, so the organisation's
    own language comes first, whichever was written first.
    """
    rows = list(bulletins)
    home = best_match(desk.settings.organisation.language, [row.language for row in rows])
    rows.sort(key=lambda row: row.language != home)
    look = desk.look(session.get_one(MailingList, issue.list_id))
    for no, row in enumerate(rows):
        email = render(read_stored(desk.keys, row), look, desk.templates)
        session.merge(_sealed(desk.keys, issue.id, no, row, email))  # editions only ever grow
    issue.bulletin_id = rows[0].id
    session.flush()


def stored_email(session: Session, keys: Keys, issue_id: int, no: int = 0) -> RenderedEmail:
    """Return one edition as it will be sent.

    Raises:
        NotFound: no such edition.
    """
    edition = session.get(Edition, (issue_id, no))
    if edition is None:
        raise NotFound(f"Issue {issue_id} has no edition {no}: check the numbers.")
    return _opened(keys, edition)


def editions_of(session: Session, issue_id: int) -> Sequence[Edition]:
    """Return an issue's editions in their order."""
    return session.scalars(
        select(Edition).where(Edition.issue_id == issue_id).order_by(Edition.no)
    ).all()


def subject_of(keys: Keys, edition: Edition) -> str:
    """Return an edition's subject."""
    return _opened(keys, edition).subject


def bulletins_of(session: Session, issue_id: int) -> Sequence[BulletinRow]:
    """Return the bulletins of an issue's editions in their order."""
    return session.scalars(
        select(BulletinRow)
        .join(Edition, Edition.bulletin_id == BulletinRow.id)
        .where(Edition.issue_id == issue_id)
        .order_by(Edition.no)
    ).all()


def weight_in(keys: Keys, edition: Edition) -> int:
    """Return what the HTML of a stored edition weighs in bytes."""
    return html_bytes(_opened(keys, edition))


def weigh(session: Session, desk: Desk, row: BulletinRow) -> int:
    """Return what the HTML of a bulletin would weigh in bytes, also where it is too heavy."""
    look = desk.look(session.get_one(MailingList, row.list_id) if row.list_id else None)
    return weight_of(read_stored(desk.keys, row), look, desk.templates)


def version_hash(editions: Iterable[Edition], list_id: int, due_at: datetime | None) -> bytes:
    """Return the SHA-256 that an approval binds: every edition's text, the audience, the time."""
    parts = {
        "editions": [[e.no, e.language, e.style, bytes(e.hash).hex()] for e in editions],
        "audience": {"list": list_id},
        "due_at": due_at.isoformat() if due_at else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).digest()


def _sealed(keys: Keys, issue_id: int, no: int, row: BulletinRow, email: RenderedEmail) -> Edition:
    return Edition(
        issue_id=issue_id,
        no=no,
        bulletin_id=row.id,
        language=row.language,
        style=STANDARD,
        email=keys.encrypt(email.to_json(), "edition.email", f"{issue_id}/{no}".encode()),
        hash=email.hash(),
    )


def _opened(keys: Keys, edition: Edition) -> RenderedEmail:
    row_name = f"{edition.issue_id}/{edition.no}".encode()
    return RenderedEmail.from_json(keys.decrypt(edition.email, "edition.email", row_name))
