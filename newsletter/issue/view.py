"""What commands and pages say about an issue."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.checks import Severity
from newsletter.config import Settings
from newsletter.errors import NotFound
from newsletter.issue.decisions import UNSENT, count_approvals, findings
from newsletter.issue.desk import local_time
from newsletter.issue.editions import editions_of, subject_of
from newsletter.issue.held import held_sentence
from newsletter.tables import Issue, IssueState
from subscribers.audience import head_count
from subscribers.privacy import Keys
from subscribers.tables import MailingList


@dataclass(frozen=True)
class EditionView:
    """One language of an issue."""

    no: int
    bulletin_id: int
    language: str
    subject: str


@dataclass(frozen=True)
class IssueView:
    """An issue in words and numbers; holds no address."""

    id: int
    bulletin_id: int
    list_id: int
    list_name: str
    list_title: str
    state: IssueState
    hold: bool
    due_at: datetime | None
    when: str | None  # due_at in the organisation's zone, with its weekday
    starts_at: datetime | None  # of a scheduled issue: its time, or the end of the wait if later
    starts: str | None
    head_count: int  # who would get it now; once it began, its frozen audience
    editions: tuple[EditionView, ...]
    findings: int  # 0 once it began: too late to mend
    blockers: int
    approvals: int  # of exactly this version
    approvals_needed: int
    practice: bool
    pause_reason: str | None
    held: str | None  # of copies that a provider got before their time
    version_hash: bytes  # what an approver was shown


def describe(session: Session, keys: Keys, settings: Settings, issue_id: int) -> IssueView:
    """Return what people may know of an issue.

    Raises:
        NotFound: no such issue.
    """
    issue = session.get(Issue, issue_id)
    if issue is None:
        raise NotFound(f"There is no issue {issue_id}: check the number.")
    mailing_list = session.get_one(MailingList, issue.list_id)
    found = findings(session, keys, issue) if issue.state in UNSENT else []
    starts_at = _starts_at(issue)
    size = issue.audience_size
    return IssueView(
        id=issue.id,
        bulletin_id=issue.bulletin_id,
        list_id=issue.list_id,
        list_name=mailing_list.name,
        list_title=mailing_list.title,
        state=issue.state,
        hold=issue.hold,
        due_at=issue.due_at,
        when=local_time(issue.due_at, settings.zone) if issue.due_at else None,
        starts_at=starts_at,
        starts=local_time(starts_at, settings.zone) if starts_at else None,
        head_count=head_count(session, issue.list_id) if size is None else size,
        editions=tuple(
            EditionView(e.no, e.bulletin_id, e.language, subject_of(keys, e))
            for e in editions_of(session, issue_id)
        ),
        findings=len(found),
        blockers=sum(finding.severity is Severity.BLOCKER for finding in found),
        approvals=count_approvals(session, issue),
        approvals_needed=settings.approval.approvals,
        practice=issue.practice,
        pause_reason=issue.pause_reason,
        held=held_sentence(session, issue, settings.zone),
        version_hash=issue.version_hash,
    )


def _starts_at(issue: Issue) -> datetime | None:
    if issue.state is not IssueState.SCHEDULED or issue.due_at is None:
        return None
    return max(issue.due_at, issue.not_before or issue.due_at)
