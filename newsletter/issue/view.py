"""What commands and pages say about an issue."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from newsletter.checks import Severity
from newsletter.config import Settings
from newsletter.counted import counted
from newsletter.errors import NotFound
from newsletter.issue.bulletins import UNSENT
from newsletter.issue.decisions import count_approvals, findings
from newsletter.issue.desk import local_time
from newsletter.issue.editions import editions_of, subject_of
from newsletter.issue.held import held_sentence
from newsletter.languages import best_match, language_name
from newsletter.tables import Batch, Edition, Issue, IssueState
from subscribers.audience import head_counts
from subscribers.privacy import Keys
from subscribers.tables import MailingList


@dataclass(frozen=True)
class EditionView:
    """One language of an issue, in one style."""

    no: int
    bulletin_id: int
    language: str
    style: str
    subject: str


@dataclass(frozen=True)
class Readers:
    """Those whose best match is one language of an issue; of its first, everybody else too."""

    language: str
    people: int


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
    readers: tuple[Readers, ...]  # by language, in the order of the editions
    missing: str  # the organisation's language, where the issue is not in it; else ""
    findings: int  # 0 once it began: too late to mend
    blockers: int
    approvals: int  # of exactly this version
    approvals_needed: int
    practice: bool
    pause_reason: str | None
    held: str | None  # of copies that a provider got before their time
    version_hash: bytes  # what an approver was shown

    def in_languages(self) -> list[str]:
        """Return sentences about who reads what; none for an issue in the one usual language."""
        if len(self.readers) < 2 and not self.missing:
            return []
        first, *others = [
            (language_name(each.language), counted(each.people)) for each in self.readers
        ]
        said = []
        if others:
            rest = "".join(f"; in {name}: {people}" for name, people in others)
            said.append(f"In {first[0]}, which serves everybody else, too: {first[1]}{rest}.")
        if self.missing:
            said.append(
                f"Nothing of it is in {language_name(self.missing)}, the language of the "
                f"organisation: whoever reads no other gets it in {first[0]}."
            )
        return said


def describe(session: Session, keys: Keys, settings: Settings, issue_id: int) -> IssueView:
    """Return what people may know of an issue.

    Raises:
        NotFound: no such issue.
    """
    issue = session.get(Issue, issue_id)
    if issue is None:
        raise NotFound(f"There is no issue {issue_id}: check the number.")
    mailing_list = session.get_one(MailingList, issue.list_id)
    found = findings(session, keys, settings, issue) if issue.state in UNSENT else []
    starts_at = _starts_at(issue)
    size = issue.audience_size
    editions = editions_of(session, issue_id)
    home = settings.organisation.language
    readers = _readers(session, issue, [edition.language for edition in editions] or [home])
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
        head_count=sum(each.people for each in readers) if size is None else size,
        editions=tuple(
            EditionView(e.no, e.bulletin_id, e.language, e.style, subject_of(keys, e))
            for e in editions
        ),
        readers=readers,
        missing="" if best_match(home, [each.language for each in readers]) else home,
        findings=len(found),
        blockers=sum(finding.severity is Severity.BLOCKER for finding in found),
        approvals=count_approvals(session, issue),
        approvals_needed=settings.approval.approvals,
        practice=issue.practice,
        pause_reason=issue.pause_reason,
        held=held_sentence(session, issue, settings.zone),
        version_hash=issue.version_hash,
    )


def _readers(session: Session, issue: Issue, offered: list[str]) -> tuple[Readers, ...]:
    people = dict.fromkeys(offered, 0)
    if issue.audience_size is None:
        for spoken, count in head_counts(session, issue.list_id).items():
            people[best_match(spoken, offered) or offered[0]] += count
    else:
        given = session.execute(
            select(Edition.language, func.sum(Batch.last_id - Batch.first_id + 1).label("people"))
            .join(Batch, and_(Batch.issue_id == Edition.issue_id, Batch.edition_no == Edition.no))
            .where(Edition.issue_id == issue.id)
            .group_by(Edition.language)
        )
        people |= {row.language: int(row.people) for row in given}
    return tuple(Readers(language, count) for language, count in people.items())


def _starts_at(issue: Issue) -> datetime | None:
    if issue.state is not IssueState.SCHEDULED or issue.due_at is None:
        return None
    return max(issue.due_at, issue.not_before or issue.due_at)
