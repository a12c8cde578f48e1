"""An issue's editions: rendered once, sealed as they will be sent, and bound by one hash."""

import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.discreet import Ministry, fault_in
from newsletter.errors import NotFound
from newsletter.issue.bulletins import read_stored
from newsletter.issue.desk import Desk
from newsletter.issue.readers import styles_needed
from newsletter.languages import best_match
from newsletter.rendering import RenderedEmail, discreet_look, html_bytes, render, weight_of
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Edition, Issue
from subscribers.privacy import Keys
from subscribers.style import Style, style_named
from subscribers.tables import MailingList


def put_editions(
    session: Session, desk: Desk, issue: Issue, bulletins: Iterable[BulletinRow]
) -> None:
    """Render each bulletin in every style that somebody reads, in the place of what was there.

    Edition 0 serves everybody without an edition in their language, so the organisation's
    own language comes first, whichever was written first.
    """
    for edition in editions_of(session, issue.id):
        session.delete(edition)
    session.flush()
    rows = list(bulletins)
    home = best_match(desk.settings.organisation.language, [row.language for row in rows])
    rows.sort(key=lambda row: row.language != home)
    issue.bulletin_id = rows[0].id
    _add(session, desk, issue, rows)


def add_missing_editions(session: Session, desk: Desk, issue: Issue) -> None:
    """Render what somebody reads by now and was not needed before; what is there stays."""
    _add(session, desk, issue, bulletins_of(session, issue.id))


def _add(session: Session, desk: Desk, issue: Issue, rows: Sequence[BulletinRow]) -> None:
    mailing_list = session.get_one(MailingList, issue.list_id)
    offered = not fault_in(desk.settings)
    languages = [row.language for row in rows]
    needed = styles_needed(session, mailing_list, languages, discreet=offered)
    there = {(edition.bulletin_id, edition.style) for edition in editions_of(session, issue.id)}
    for row, styles in zip(rows, needed, strict=True):
        # Where no discreet mail can be made, its readers get none; staff look at the standard one.
        for style in (*styles, Style.STANDARD):
            if (row.id, style.label) in there or (style is Style.DISCREET and not offered):
                continue
            if style not in styles and any(bulletin == row.id for bulletin, _ in there):
                continue
            if email := _rendered(session, desk, issue.id, row, style, mailing_list):
                session.add(_sealed(desk.keys, issue.id, len(there), row, style, email))
                there.add((row.id, style.label))
    session.flush()


def _rendered(
    session: Session,
    desk: Desk,
    issue_id: int,
    row: BulletinRow,
    style: Style,
    mailing_list: MailingList,
) -> RenderedEmail | None:
    """Return an edition; None for a discreet one that would name the ministry."""
    bulletin = read_stored(desk.keys, row)
    if style is not Style.DISCREET:
        return render(bulletin, desk.look(mailing_list), desk.templates, style)
    look = discreet_look(desk.settings)
    email = render(bulletin, look, desk.templates, style, issue_id)
    return None if names_the_ministry(ministry_of(session, desk.settings), email) else email


def ministry_of(session: Session, settings: Settings) -> Ministry:
    """Return whom no discreet mail of this site names: the settings, and all its lists."""
    lists = session.execute(select(MailingList.name, MailingList.title))
    return Ministry(settings, [(row.name, row.title) for row in lists])


def names_the_ministry(ministry: Ministry, email: RenderedEmail, *more: str) -> bool:
    """Whether an email, or one of `more` texts around it, names the ministry."""
    page = "".join(email.html.literals)
    texts = (email.subject, "".join(email.text.literals), page, re.sub("<[^>]+>", "", page), *more)
    return any(ministry.named_in(html.unescape(text), email.language) for text in texts)


def stored_email(session: Session, keys: Keys, issue_id: int, no: int = 0) -> RenderedEmail:
    """Return one edition as it will be sent.

    Raises:
        NotFound: no such edition.
    """
    edition = session.get(Edition, (issue_id, no))
    if edition is None:
        raise NotFound(f"Issue {issue_id} has no edition {no}: check the numbers.")
    return _opened(keys, edition)


def style_of(session: Session, issue_id: int, no: int = 0) -> Style:
    """Return the style of one edition that is there."""
    return style_named(session.get_one(Edition, (issue_id, no)).style)


def first_in_style(session: Session, issue_id: int, style: Style) -> int:
    """Return the number of an issue's first edition in a style.

    Raises:
        NotFound: there is none.
    """
    no = session.scalar(
        select(func.min(Edition.no)).where(
            Edition.issue_id == issue_id, Edition.style == style.label
        )
    )
    if no is None:
        raise NotFound(
            f"Issue {issue_id} has no {style.label} edition: newsletter issue show {issue_id} "
            "--json lists those it has."
        )
    return no


def editions_of(session: Session, issue_id: int) -> Sequence[Edition]:
    """Return an issue's editions in their order."""
    return session.scalars(
        select(Edition).where(Edition.issue_id == issue_id).order_by(Edition.no)
    ).all()


def subject_of(keys: Keys, edition: Edition) -> str:
    """Return an edition's subject."""
    return _opened(keys, edition).subject


def bulletins_of(session: Session, issue_id: int) -> Sequence[BulletinRow]:
    """Return the bulletins of an issue's editions in their order, each once."""
    first = (
        select(Edition.bulletin_id, func.min(Edition.no).label("no"))
        .where(Edition.issue_id == issue_id)
        .group_by(Edition.bulletin_id)
        .subquery()
    )
    return session.scalars(
        select(BulletinRow).join(first, first.c.bulletin_id == BulletinRow.id).order_by(first.c.no)
    ).all()


def weight_in(keys: Keys, editions: Iterable[Edition]) -> int:
    """Return what the HTML of the heaviest of some stored editions weighs in bytes."""
    return max(html_bytes(_opened(keys, edition)) for edition in editions)


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


def _sealed(
    keys: Keys, issue_id: int, no: int, row: BulletinRow, style: Style, email: RenderedEmail
) -> Edition:
    return Edition(
        issue_id=issue_id,
        no=no,
        bulletin_id=row.id,
        language=row.language,
        style=style.label,
        email=keys.encrypt(email.to_json(), "edition.email", f"{issue_id}/{no}".encode()),
        hash=email.hash(),
    )


def _opened(keys: Keys, edition: Edition) -> RenderedEmail:
    row_name = f"{edition.issue_id}/{edition.no}".encode()
    return RenderedEmail.from_json(keys.decrypt(edition.email, "edition.email", row_name))
