"""Translations whose issue has begun: nobody is to get one as an issue of its own."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.issue.bulletins import written
from newsletter.issue.desk import Desk
from newsletter.issue.editions import bulletins_of
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Issue, IssueState

_BEGUN = frozenset({IssueState.SENDING, IssueState.PAUSED, IssueState.COMPLETED})
_COUNTS_AS_LATE = timedelta(days=1)


def begun_without(session: Session, desk: Desk, row: BulletinRow, now: datetime) -> int | None:
    """Return the issue that has just begun and that a bulletin is too late a translation for.

    One that is over counts for a day: a name such as `letter.txt` may come every week.
    """
    this = written(desk.keys, row)
    issues = session.scalars(
        select(Issue.id)
        .where(
            Issue.list_id == row.list_id,
            Issue.practice == desk.settings.practice,
            Issue.state.in_(_BEGUN),
            Issue.started_at > now - _COUNTS_AS_LATE,
        )
        .order_by(Issue.id.desc())
    ).all()
    for issue_id in issues:
        there = [written(desk.keys, other) for other in bulletins_of(session, issue_id)]
        if any(other.stem == this.stem for other in there) and not any(
            this.has_the_readers_of(other) for other in there
        ):
            return issue_id
    return None
