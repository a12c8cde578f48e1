"""Stand-in: replaced when issues land; only names and meaning hold."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from newsletter.tables import Issue, IssueState
from subscribers.privacy import Keys
from subscribers.tables import MailingList


@dataclass(frozen=True)
class IssueView:
    """What commands and pages say about an issue."""

    id: int
    list_title: str
    state: IssueState
    when: str | None
    head_count: int
    practice: bool
    pause_reason: str | None


def describe(session: Session, keys: Keys, issue_id: int) -> IssueView:
    """Return what people may know of an issue."""
    issue = session.get_one(Issue, issue_id)
    return IssueView(
        issue.id,
        session.get_one(MailingList, issue.list_id).title,
        issue.state,
        issue.due_at.strftime("%A %-d %B %Y, %H:%M UTC") if issue.due_at else None,
        issue.audience_size or 0,
        issue.practice,
        issue.pause_reason,
    )
