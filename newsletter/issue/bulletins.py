"""Bulletins as stored: sealed, read again when needed, one version taking another's place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePath

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from newsletter.bulletin import MOSTLY, Bulletin, normal_text, read_bulletin, similarity
from newsletter.checks import Facts, Finding, check, names_at_risk
from newsletter.errors import NotFound
from newsletter.issue.desk import Actor
from newsletter.issue.register import names_of
from newsletter.issue.waivers import open_findings
from newsletter.languages import base_language, differ
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Delivery, DeliveryState, Edition, Issue, IssueState
from newsletter.verses import compared
from subscribers.privacy import Keys

LOOKED_AT = 50  # unsent bulletins of a list that a new one is compared with, newest first

UNSENT = frozenset({IssueState.DRAFT, IssueState.AWAITING_APPROVAL, IssueState.SCHEDULED})
_A_WEEK = timedelta(days=7)
_STARTED = (IssueState.SENDING, IssueState.PAUSED, IssueState.COMPLETED)
_MAY_HAVE_IT = (DeliveryState.IN_FLIGHT, DeliveryState.SUBMITTED, DeliveryState.UNKNOWN)

# ISO 639-1, and those of ISO 639-3 that have no code in it and many readers.  "notes.old.txt"
# is no language, so three letters are taken only from this list.
_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy
hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg
li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or
os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta
te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
ceb ckb cnh fil hak hmn ilo kab kmr ksw mai nan prs shn tpi yue
"""
_LANGUAGES = frozenset(_CODES.split())


def stem_and_language(file_name: str) -> tuple[str, str | None]:
    """Return the name without its endings, and the language (BCP 47) that one of them names.

    "harvest.fa.docx" gives ("harvest", "fa"), "harvest.txt" gives ("harvest", None).
    """
    stem = PurePath(PurePath(file_name).name).stem
    head, dot, tail = stem.rpartition(".")
    if dot and head and tail.replace("-", "").isalnum() and base_language(tail) in _LANGUAGES:
        return head, tail
    return stem, None


@dataclass(frozen=True)
class Written:
    """What a bulletin's file is called, and the language of its text."""

    stem: str
    named: str | None  # the language that the name tells
    language: str

    def has_the_readers_of(self, other: "Written") -> bool:
        """Whether both are in one language, and not for different readers of it.

        Where both names tell it, as in `harvest.pt.txt` and `harvest.pt-BR.txt`, somebody
        wanted two.
        """
        if self.named and other.named:
            return self.named.lower() == other.named.lower()
        return not differ(self.language, other.language)


def written(keys: Keys, row: BulletinRow) -> Written:
    """Return what a stored bulletin is called."""
    return Written(*stem_and_language(name_and_source(keys, row)[0]), row.language)


def content_index(keys: Keys, bulletin: Bulletin) -> bytes:
    """Return 16 keyed bytes that are equal for bulletins that say the same."""
    return keys.index("bulletin", normal_text(bulletin))


def find_bulletin(session: Session, bulletin_id: int) -> BulletinRow:
    """Return a stored bulletin.

    Raises:
        NotFound: no such bulletin.
    """
    row = session.get(BulletinRow, bulletin_id)
    if row is None:
        raise NotFound(f"There is no bulletin {bulletin_id}: check the number.")
    return row


def store(
    session: Session,
    keys: Keys,
    bulletin: Bulletin,
    *,
    source: bytes,
    file_name: str,
    list_id: int | None,
    by: Actor,
    now: datetime,
) -> BulletinRow:
    """Seal and store one version; a row of its own, whatever is there already."""
    content = content_index(keys, bulletin)
    row = BulletinRow(
        list_id=list_id,
        content_index=content,
        source=keys.encrypt_bytes(source, "bulletin.source", content),
        file_name=keys.encrypt(PurePath(file_name).name, "bulletin.file_name", content),
        language=bulletin.language,
        language_guessed=bulletin.language_guessed,
        author_index=by.index(keys),
        added_at=now,
    )
    session.add(row)
    session.flush()
    return row


def name_and_source(keys: Keys, row: BulletinRow) -> tuple[str, bytes]:
    """Return the file as it reached us."""
    return (
        keys.decrypt(row.file_name, "bulletin.file_name", row.content_index),
        keys.decrypt_bytes(row.source, "bulletin.source", row.content_index),
    )


def read_stored(keys: Keys, row: BulletinRow) -> Bulletin:
    """Return a stored bulletin, read again from its source."""
    name, source = name_and_source(keys, row)
    bulletin = read_bulletin(source, name, row.language)
    return replace(bulletin, language_guessed=row.language_guessed)


def known(session: Session, list_id: int | None, content: bytes) -> BulletinRow | None:
    """Return the bulletin of a list that says the same and has not been replaced."""
    return session.scalars(
        select(BulletinRow)
        .where(
            BulletinRow.content_index == content,
            BulletinRow.list_id.is_not_distinct_from(list_id),
            BulletinRow.replaced_by.is_(None),
        )
        .order_by(BulletinRow.id.desc())
        .limit(1)
    ).first()


def previous_version(
    session: Session, keys: Keys, bulletin: Bulletin, file_name: str, list_id: int | None
) -> BulletinRow | None:
    """Return the unsent bulletin that this one is a new version of.

    The same file name counts first, then mostly the same text; always the same list and
    language.
    """
    this = Written(*stem_and_language(file_name), bulletin.language)
    language = base_language(bulletin.language)
    rows = [
        (row, other)
        for row in unsent(session, list_id)
        if base_language(row.language) == language
        and this.has_the_readers_of(other := written(keys, row))
    ]
    for row, other in rows:
        if other.stem == this.stem:
            return row
    for row, _ in rows:
        if similarity(read_stored(keys, row), bulletin) >= MOSTLY:
            return row
    return None


def translations_of(session: Session, keys: Keys, row: BulletinRow) -> list[BulletinRow]:
    """Return the unsent bulletins beside one that are the same in other languages, in no issue.

    One that was added more than a week before or after is another, under a name used again.
    """
    this, waiting = written(keys, row), select(Issue.id).where(Issue.state.in_(UNSENT))
    in_issue = select(Edition.bulletin_id).where(Edition.issue_id.in_(waiting))
    taken = set(session.scalars(in_issue))
    found: dict[BulletinRow, Written] = {}
    for other in unsent(session, row.list_id):
        if other.id in taken or abs(other.added_at - row.added_at) > _A_WEEK:
            continue
        there = written(keys, other)
        if there.stem == this.stem and not any(
            there.has_the_readers_of(each) for each in (this, *found.values())
        ):
            found[other] = there
    return list(found)


def unsent(session: Session, list_id: int | None) -> Sequence[BulletinRow]:
    """Return a list's bulletins that have not begun to go out and are not replaced, newest first.

    Practice does not count.
    """
    begun = (
        select(Edition.bulletin_id)
        .join(Issue, Issue.id == Edition.issue_id)
        .where(Edition.bulletin_id == BulletinRow.id, ~Issue.practice, _has_begun())
    )
    return session.scalars(
        select(BulletinRow)
        .where(
            BulletinRow.list_id.is_not_distinct_from(list_id),
            BulletinRow.replaced_by.is_(None),
            ~begun.exists(),
        )
        .order_by(BulletinRow.id.desc())
        .limit(LOOKED_AT)
    ).all()


def already_sent_at(
    session: Session, row: BulletinRow, list_id: int, apart_from: int | None = None
) -> datetime | None:
    """Return when this bulletin, or a version it replaced, last went out to a list; else None.

    Practice does not count, nor does the issue `apart_from`, nor one that was cancelled
    before anybody could have it.
    """
    received = exists().where(Delivery.issue_id == Issue.id, Delivery.state.in_(_MAY_HAVE_IT))
    return session.scalar(
        select(func.max(func.coalesce(Issue.started_at, Issue.due_at)))
        .join(Edition, Edition.issue_id == Issue.id)
        .join(BulletinRow, BulletinRow.id == Edition.bulletin_id)
        .where(
            BulletinRow.content_index.in_(_contents(session, row)),
            Issue.list_id == list_id,
            ~Issue.practice,
            or_(
                Issue.state.in_(_STARTED),
                and_(Issue.state == IssueState.CANCELLED, received),
            ),
            Issue.id != (apart_from or 0),
        )
    )


def findings_of(
    session: Session,
    keys: Keys,
    row: BulletinRow,
    list_id: int | None,
    apart_from: int | None = None,
    html_bytes: int | None = None,
) -> list[Finding]:
    """Return what the checks say of a bulletin that is to go to a list, less what was waived.

    `html_bytes` is what its email weighs, where that is known.
    """
    facts = Facts(
        already_sent_at=already_sent_at(session, row, list_id, apart_from) if list_id else None,
        html_bytes=html_bytes,
        names=names_of(session, keys),
        file_name=name_and_source(keys, row)[0],
    )
    return open_findings(session, keys, row, check(compared(read_stored(keys, row)), facts))


def names_found(session: Session, keys: Keys, issue_id: int) -> list[Finding]:
    """Return what the register of pseudonyms keeps secret and an issue's bulletins hold."""
    if (names := names_of(session, keys)) is None:
        return []
    carried = select(Edition.bulletin_id).where(Edition.issue_id == issue_id)
    rows = session.scalars(
        select(BulletinRow).where(BulletinRow.id.in_(carried)).order_by(BulletinRow.id)
    ).all()
    found = []
    for row in rows:
        facts = Facts(names=names, file_name=name_and_source(keys, row)[0])
        at_risk = names_at_risk(read_stored(keys, row), facts)
        found += open_findings(session, keys, row, at_risk)
    return found


def _has_begun() -> ColumnElement[bool]:
    cancelled = and_(Issue.state == IssueState.CANCELLED, Issue.audience_size.is_not(None))
    return or_(Issue.state.in_(_STARTED), cancelled)


def _contents(session: Session, row: BulletinRow) -> set[bytes]:
    contents, ids = {row.content_index}, {row.id}
    while ids:
        older = session.execute(
            select(BulletinRow.id, BulletinRow.content_index).where(
                BulletinRow.replaced_by.in_(ids)
            )
        ).all()
        ids = {older_id for older_id, _ in older}
        contents |= {content for _, content in older}
    return contents
