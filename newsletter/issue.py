"""Stand-in: replaced when issues land; only names and meaning hold."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from newsletter.config import Settings
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
    starts: str | None
    head_count: int
    blockers: int
    approvals: int
    approvals_needed: int
    practice: bool
    pause_reason: str | None


def describe(session: Session, keys: Keys, settings: Settings, issue_id: int) -> IssueView:
    """Return what people may know of an issue."""
    issue = session.get_one(Issue, issue_id)
    when = issue.due_at.strftime("%A %-d %B %Y, %H:%M UTC") if issue.due_at else None
    return IssueView(
        issue.id,
        session.get_one(MailingList, issue.list_id).title,
        issue.state,
        when,
        when,
        issue.audience_size or 0,
        0,
        0,
        settings.approval.approvals,
        issue.practice,
        issue.pause_reason,
    )
