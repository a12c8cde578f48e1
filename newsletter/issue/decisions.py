"""Decisions about an issue.  Which of them its state allows stands in one table.

An unsent issue's state follows from four facts: do findings block it, is it held, has it
a time, has enough of the others approved exactly this version?  Whatever changes one of
them asks `_settle` for the state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.bulletin import carried, read_bulletin
from newsletter.checks import Finding, blocks
from newsletter.config import Settings
from newsletter.errors import NotAllowed
from newsletter.issue.bulletins import (
    UNSENT,
    content_index,
    find_bulletin,
    findings_of,
    known,
    names_found,
    previous_version,
    read_stored,
    stem_and_language,
    store,
    translations_of,
    written,
)
from newsletter.issue.desk import (
    Actor,
    Blocked,
    Desk,
    local_time,
    lock_issue,
    lock_list,
    record,
    refuse_unknown_lists,
)
from newsletter.issue.discreet import discreet_findings
from newsletter.issue.editions import (
    add_missing_editions,
    bulletins_of,
    editions_of,
    put_editions,
    version_hash,
    weight_in,
)
from newsletter.issue.held import refuse_while_stopping, want_stop
from newsletter.issue.wording import blocking_lines
from newsletter.tables import (
    Approval,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Occurrence,
    OccurrenceState,
    Reason,
)
from newsletter.tables import Bulletin as BulletinRow
from subscribers.privacy import Keys

_NOT_OVER = UNSENT | {IssueState.SENDING, IssueState.PAUSED}
LATE_BY = timedelta(hours=6)  # later than this, people decide

# What may be decided in which state.  Dispatch adds: scheduled begins, sending completes or
# pauses at a fault.
_ALLOWED: Mapping[str, frozenset[IssueState]] = {
    "scheduled": frozenset({IssueState.DRAFT}),
    "moved": UNSENT,
    "approved": frozenset({IssueState.AWAITING_APPROVAL}),
    "paused": frozenset({IssueState.AWAITING_APPROVAL, IssueState.SCHEDULED, IssueState.SENDING}),
    "resumed": frozenset({IssueState.DRAFT, IssueState.PAUSED}),
    "cancelled": UNSENT | {IssueState.SENDING, IssueState.PAUSED},
}


@dataclass(frozen=True)
class Added:
    """What became of a bulletin that was added."""

    id: int
    already: bool  # the same content was there
    replaced_in: tuple[int, ...] = ()  # unsent issues in which it took an older version's place
    joined: int | None = None  # the unsent issue that it joined as a further language
    previous_id: int | None = None  # the version it replaces


@dataclass(frozen=True)
class Named:
    """The issues that hold what the register keeps secret."""

    held: tuple[int, ...]  # they had not begun, and go nowhere until they are mended
    begun: tuple[int, ...]  # being sent, or paused: only people can stop them


@dataclass(frozen=True)
class Cancelled:
    """Who has a cancelled issue already; everybody else will not get it."""

    submitted: int
    not_certain: int
    on_the_way: int  # handed over just now: cannot be called back
    stopped: int


def add_bulletin(
    session: Session,
    desk: Desk,
    *,
    source: bytes,
    file_name: str,
    list_id: int | None,
    language: str | None = None,
    by: Actor,
    now: datetime,
) -> Added:
    """Store a bulletin, once for the same content on the same list.

    Another sensitivity or summary, or a file that holds other things unseen, is a new version.

    A new version of an unsent bulletin takes its place in its issue; a further language of
    one (`harvest.fa.txt` beside `harvest.txt`) joins its issue.  Both void the approval.
    What has begun to go out is never touched.

    Raises:
        UnreadableInput: the file cannot be read as a bulletin.
        NotFound: no such list.
    """
    named = stem_and_language(file_name)[1]
    home = desk.settings.organisation.language
    bulletin = read_bulletin(source, PurePath(file_name).name, language or named, home)
    if list_id is not None:
        lock_list(session, list_id)
    same = known(session, list_id, content_index(desk.keys, bulletin))
    if same is not None and carried(read_stored(desk.keys, same)) == carried(bulletin):
        return Added(same.id, already=True)
    previous = previous_version(session, desk.keys, bulletin, file_name, list_id)
    row = store(
        session,
        desk.keys,
        bulletin,
        source=source,
        file_name=file_name,
        list_id=list_id,
        by=by,
        now=now,
    )
    record(session, desk.keys, by, "bulletin added", now, bulletin_id=row.id, list_id=list_id)
    if previous is not None:
        replaced_in = _replace(session, desk, previous, row, by, now)
        return Added(row.id, False, replaced_in, previous_id=previous.id)
    return Added(row.id, False, joined=_join(session, desk, row, by, now))


def draft(
    session: Session,
    desk: Desk,
    *,
    bulletin_id: int,
    list_id: int,
    due_at: datetime | None,
    hold: bool,
    by: Actor,
    now: datetime,
) -> int:
    """Make an issue of a bulletin and return its number.

    Its translations that nothing blocks go with it.  It stays a draft while findings block it,
    while it is held or has no time; else it awaits approval; else it is scheduled, after the
    wait before sending.

    Raises:
        NotFound: no such bulletin or list.
        NotAllowed: a replaced version, a bulletin in an unsent issue of this list already, a
            time in the past, or settings for a list that is not there.
    """
    lock_list(session, list_id)
    refuse_unknown_lists(session, desk.settings)
    row = find_bulletin(session, bulletin_id)
    _check_free(session, row, list_id)
    _check_time(desk, due_at, now)
    rows = [
        row,
        *(
            each
            for each in translations_of(session, desk.keys, row)
            if not blocks(findings_of(session, desk.keys, each, list_id))
        ),
    ]
    for each in rows:
        if each.list_id is None:
            each.list_id = list_id
    issue = Issue(
        bulletin_id=row.id,
        list_id=list_id,
        state=IssueState.DRAFT,
        hold=hold,
        version_hash=b"",
        due_at=due_at,
        author_index=by.index(desk.keys),
        created_at=now,
        practice=desk.settings.practice,
    )
    session.add(issue)
    session.flush()
    put_editions(session, desk, issue, rows)
    _settle(session, desk, issue, now)
    _record(session, desk, by, "drafted", now, issue)
    return issue.id


def schedule(
    session: Session,
    desk: Desk,
    issue_id: int,
    due_at: datetime | None,
    by: Actor,
    now: datetime,
) -> IssueState:
    """Let a draft go out at `due_at`, or at the time it has; return its state.

    Raises:
        Blocked: findings block it; it carries them.
        NotAllowed: the state does not permit it, or the time is missing or past.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "scheduled")
    due_at = due_at or issue.due_at
    if due_at is None:
        raise NotAllowed(f"Issue {issue_id} has no time yet: give one with --at.")
    _check_time(desk, due_at, now)
    add_missing_editions(session, desk, issue)
    found = findings(session, desk.keys, desk.settings, issue)
    if blocks(found):
        raise Blocked(_blocked_sentence(issue_id, found), tuple(found))
    _set_time(session, issue, due_at)
    issue.hold = False
    _settle(session, desk, issue, now)
    _record(session, desk, by, "scheduled", now, issue)
    return issue.state


def move(
    session: Session, desk: Desk, issue_id: int, due_at: datetime, by: Actor, now: datetime
) -> IssueState:
    """Give an unsent issue another time, which voids its approval; return its state.

    A held or blocked draft stays a draft.  A slot that it filled is free again.

    Raises:
        NotAllowed: the state does not permit it, or the time is past.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "moved")
    _check_time(desk, due_at, now)
    _set_time(session, issue, due_at)
    add_missing_editions(session, desk, issue)
    _settle(session, desk, issue, now)
    _record(session, desk, by, "moved", now, issue)
    return issue.state


def approve(
    session: Session,
    desk: Desk,
    issue_id: int,
    by: Actor,
    now: datetime,
    seen: bytes | None = None,
) -> IssueState:
    """Say yes to exactly the version there is; return the state after it.

    With enough approvals the wait before sending begins.  The same person counts once.
    `seen` is the version hash the approver was shown, where it can have changed since.

    Raises:
        NotAllowed: the author of the bulletin or of the issue, another state, a time long
            past, or another version than was seen.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "approved")
    person = by.index(desk.keys)
    if person is None:
        raise NotAllowed(f"Nobody is named: approve issue {issue_id} with --by and an address.")
    if person in _authors(session, issue):
        raise NotAllowed(
            f"The author's own approval never counts: somebody else must approve issue {issue_id}."
        )
    if seen is not None and seen != issue.version_hash:
        raise NotAllowed(
            f"Issue {issue_id} has changed since it was shown: look at it again, then approve it."
        )
    if issue.due_at is not None and issue.due_at + LATE_BY < now:
        raise NotAllowed(
            f"The time of issue {issue_id}, {local_time(issue.due_at, desk.settings.zone)}, "
            "is long past: move it first, then approve it."
        )
    if person not in _approvers(session, issue):
        session.add(
            Approval(
                issue_id=issue.id,
                by_index=person,
                by=desk.keys.encrypt(by.who, "approval.by", person),
                version_hash=issue.version_hash,
                at=now,
            )
        )
        session.flush()
        _record(session, desk, by, "approved", now, issue)
    _settle(session, desk, issue, now)
    return issue.state


def pause(session: Session, desk: Desk, issue_id: int, by: Actor, now: datetime) -> IssueState:
    """Stop an issue: one being sent pauses, one not begun is a held draft again.

    What is being handed over at this moment still goes; what a provider holds until a time that
    is far enough is stopped there, by whoever dispatches.  Resuming the draft, at the same time,
    finds its approvals still there.

    Raises:
        NotAllowed: the state does not permit it.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "paused")
    if issue.state is IssueState.SENDING:
        issue.state = IssueState.PAUSED
        issue.pause_reason = "Staff paused it."
        want_stop(session, issue_id, now)
    else:
        issue.hold = True
        _settle(session, desk, issue, now)
    _record(session, desk, by, "paused", now, issue)
    return issue.state


def resume(session: Session, desk: Desk, issue_id: int, by: Actor, now: datetime) -> IssueState:
    """Go on with a paused issue; one that was paused before it began is scheduled again.

    Raises:
        Blocked: it has not begun, and findings block it, or it holds a name that was registered
            since; it carries the findings.
        NotAllowed: the state does not permit it, or its time has passed before it began.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "resumed")
    if issue.state is IssueState.DRAFT:
        return schedule(session, desk, issue_id, None, by, now)
    refuse_while_stopping(session, issue_id)
    if found := names_found(session, desk.keys, issue_id):
        raise Blocked(
            f"Issue {issue_id} holds what the register of pseudonyms keeps secret"
            f"{blocking_lines(found)}: cancel it, so that nobody else gets it.",
            tuple(found),
        )
    issue.state = IssueState.SENDING
    issue.pause_reason = None
    _record(session, desk, by, "resumed", now, issue)
    return issue.state


def cancel(session: Session, desk: Desk, issue_id: int, by: Actor, now: datetime) -> Cancelled:
    """End an issue for good and return who already has it.  A slot it filled is free again.

    Raises:
        NotAllowed: the state does not permit it.
        NotFound: no such issue.
    """
    issue = _held(session, issue_id, "cancelled")
    issue.state = IssueState.CANCELLED
    issue.ended_at = now
    session.flush()
    if issue.audience_size is not None:
        want_stop(session, issue_id, now)
    counts = _counts(session, issue_id)
    session.execute(
        update(Delivery)
        .where(Delivery.issue_id == issue_id, Delivery.state == DeliveryState.PENDING)
        .values(state=DeliveryState.EXCLUDED, reason=Reason.CANCELLED, due_at=None)
        .execution_options(synchronize_session=False)
    )
    _release_slot(session, issue_id)
    _record(session, desk, by, "cancelled", now, issue)
    return Cancelled(
        submitted=counts.get(DeliveryState.SUBMITTED, 0),
        not_certain=counts.get(DeliveryState.UNKNOWN, 0),
        on_the_way=counts.get(DeliveryState.IN_FLIGHT, 0),
        stopped=counts.get(DeliveryState.PENDING, 0),
    )


def hold_named(session: Session, desk: Desk, by: Actor, now: datetime) -> Named:
    """Look for the register's names in what is not over; take back what has not begun.

    An approval of it is void with that: its state follows from its findings again.
    """
    held, begun = [], []
    for issue_id in session.scalars(
        select(Issue.id).where(Issue.state.in_(_NOT_OVER)).order_by(Issue.id)
    ).all():
        issue = lock_issue(session, issue_id)
        if issue.state not in _NOT_OVER or not names_found(session, desk.keys, issue_id):
            continue
        if issue.state in UNSENT:
            if issue.state is not IssueState.DRAFT:
                _settle(session, desk, issue, now)
                _record(session, desk, by, "held for a name", now, issue)
            held.append(issue_id)
        else:
            begun.append(issue_id)
    return Named(tuple(held), tuple(begun))


def findings(session: Session, keys: Keys, settings: Settings, issue: Issue) -> list[Finding]:
    """Return what the checks say of all editions of an issue, less what was waived."""
    editions, rows = editions_of(session, issue.id), bulletins_of(session, issue.id)
    found = []
    for row in rows:
        weight = weight_in(keys, (each for each in editions if each.bulletin_id == row.id))
        found += findings_of(session, keys, row, issue.list_id, issue.id, weight)
    return found + discreet_findings(session, keys, settings, issue, editions, rows)


def restyle(session: Session, desk: Desk, list_id: int, by: Actor, now: datetime) -> None:
    """Let the unsent issues of a list follow the style that it forces, which voids approvals."""
    lock_list(session, list_id)
    for issue_id in session.scalars(
        select(Issue.id).where(Issue.list_id == list_id, Issue.state.in_(UNSENT))
    ).all():
        issue = lock_issue(session, issue_id)
        if issue.state in UNSENT:
            put_editions(session, desk, issue, bulletins_of(session, issue_id))
            _settle(session, desk, issue, now)
            _record(session, desk, by, "given another style", now, issue)


def settle_blocked(
    session: Session, desk: Desk, row: BulletinRow, act: str, by: Actor, now: datetime
) -> tuple[int, ...]:
    """Let drafts of a bulletin go on where nothing holds them back any more.

    Returns its unsent issues; `act` goes on the record of each.
    """
    settled = []
    for issue_id in _unsent_issues_of(session, row):
        issue = lock_issue(session, issue_id)
        if issue.state not in UNSENT:
            continue  # it began while we waited for it
        if issue.state is IssueState.DRAFT:
            _settle(session, desk, issue, now)
        _record(session, desk, by, act, now, issue)
        settled.append(issue_id)
    return tuple(settled)


def count_approvals(session: Session, issue: Issue) -> int:
    """Return how many people have approved exactly this version."""
    return len(_approvers(session, issue))


def _held(session: Session, issue_id: int, act: str) -> Issue:
    issue = lock_issue(session, issue_id)
    if issue.state in _ALLOWED[act]:
        return issue
    possible = [name for name, states in _ALLOWED.items() if issue.state in states]
    advice = f"it can be {' or '.join(possible)}" if possible else "nothing more can be done to it"
    state = issue.state.name.lower().replace("_", " ")
    raise NotAllowed(f"Issue {issue_id} is in the state {state} and cannot be {act}: {advice}.")


def _settle(session: Session, desk: Desk, issue: Issue, now: datetime) -> None:
    """Give an unsent issue the state that the facts ask for, and begin its wait anew."""
    issue.version_hash = version_hash(editions_of(session, issue.id), issue.list_id, issue.due_at)
    issue.practice = desk.settings.practice
    issue.state = _state(session, desk, issue, now)
    scheduled = issue.state is IssueState.SCHEDULED
    wait = timedelta(minutes=desk.settings.approval.wait_before_sending_minutes)
    issue.approved_hash = issue.version_hash if scheduled else None
    issue.not_before = now + wait if scheduled else None
    session.flush()


def _state(session: Session, desk: Desk, issue: Issue, now: datetime) -> IssueState:
    if issue.hold or issue.due_at is None or _is_blocked(session, desk, issue):
        return IssueState.DRAFT
    if issue.state is IssueState.DRAFT and issue.due_at < now:
        return IssueState.DRAFT  # mended after its time: people choose another
    if count_approvals(session, issue) < desk.settings.approval.approvals:
        return IssueState.AWAITING_APPROVAL
    return IssueState.SCHEDULED


def _is_blocked(session: Session, desk: Desk, issue: Issue) -> bool:
    return blocks(findings(session, desk.keys, desk.settings, issue))


def _replace(
    session: Session,
    desk: Desk,
    previous: BulletinRow,
    row: BulletinRow,
    by: Actor,
    now: datetime,
) -> tuple[int, ...]:
    previous.replaced_by = row.id
    replaced_in = []
    for issue_id in _unsent_issues_of(session, previous):
        issue = lock_issue(session, issue_id)
        if issue.state not in UNSENT:
            continue  # it began while we waited for it
        versions = [
            row if old.id == previous.id else old for old in bulletins_of(session, issue_id)
        ]
        put_editions(session, desk, issue, versions)
        _settle(session, desk, issue, now)
        _record(session, desk, by, "given a new version", now, issue)
        replaced_in.append(issue_id)
    return tuple(replaced_in)


def _unsent_issues_of(session: Session, row: BulletinRow) -> Sequence[int]:
    return session.scalars(
        select(Issue.id)
        .where(
            Issue.id.in_(select(Edition.issue_id).where(Edition.bulletin_id == row.id)),
            Issue.state.in_(UNSENT),
        )
        .order_by(Issue.id)
    ).all()


def _join(session: Session, desk: Desk, row: BulletinRow, by: Actor, now: datetime) -> int | None:
    if row.list_id is None:
        return None
    this = written(desk.keys, row)
    issues = session.scalars(
        select(Issue.id)
        .where(Issue.list_id == row.list_id, Issue.state.in_(UNSENT))
        .order_by(Issue.id.desc())
    ).all()
    for issue_id in issues:
        others = bulletins_of(session, issue_id)
        there = [written(desk.keys, other) for other in others]
        if all(other.stem != this.stem for other in there):
            continue
        if any(this.has_the_readers_of(other) for other in there):
            continue
        issue = lock_issue(session, issue_id)
        if issue.state in UNSENT:
            put_editions(session, desk, issue, [*others, row])
            _settle(session, desk, issue, now)
            _record(session, desk, by, "given a further language", now, issue)
            return issue_id
    return None


def _counts(session: Session, issue_id: int) -> dict[DeliveryState, int]:
    rows = session.execute(
        select(Delivery.state, func.count().label("people"))
        .where(Delivery.issue_id == issue_id)
        .group_by(Delivery.state)
    )
    return {row.state: row.people for row in rows}


def _check_free(session: Session, row: BulletinRow, list_id: int) -> None:
    if row.replaced_by is not None:
        raise NotAllowed(
            f"Bulletin {row.id} was replaced by bulletin {row.replaced_by}: draft that one."
        )
    holder = session.scalar(
        select(Issue.id)
        .join(Edition, Edition.issue_id == Issue.id)
        .where(
            Edition.bulletin_id == row.id,
            Issue.list_id == list_id,
            Issue.state.in_(UNSENT),
        )
        .limit(1)
    )
    if holder is not None:
        raise NotAllowed(
            f"Bulletin {row.id} is in issue {holder} already, which has not gone out: move or "
            "cancel that one."
        )


def _check_time(desk: Desk, due_at: datetime | None, now: datetime) -> None:
    if due_at is not None and due_at < now:
        raise NotAllowed(
            f"{local_time(due_at, desk.settings.zone)} is past: give a time to come, or now."
        )


def _set_time(session: Session, issue: Issue, due_at: datetime) -> None:
    if issue.due_at != due_at:
        issue.due_at = due_at
        _release_slot(session, issue.id)


def _release_slot(session: Session, issue_id: int) -> None:
    session.execute(
        update(Occurrence)
        .where(Occurrence.issue_id == issue_id, Occurrence.state != OccurrenceState.USED)
        .values(issue_id=None)
    )


def _authors(session: Session, issue: Issue) -> set[bytes | None]:
    return {issue.author_index, *(row.author_index for row in bulletins_of(session, issue.id))}


def _approvers(session: Session, issue: Issue) -> set[bytes]:
    return set(
        session.scalars(
            select(Approval.by_index).where(
                Approval.issue_id == issue.id, Approval.version_hash == issue.version_hash
            )
        )
    )


def _blocked_sentence(issue_id: int, found: list[Finding]) -> str:
    return (
        f"Issue {issue_id} is blocked by its findings{blocking_lines(found)}: mend the bulletin "
        "and add it again, and it takes this one's place."
    )


def _record(session: Session, desk: Desk, by: Actor, act: str, now: datetime, issue: Issue) -> None:
    record(
        session,
        desk.keys,
        by,
        f"issue {act}",
        now,
        issue_id=issue.id,
        bulletin_id=issue.bulletin_id,
        list_id=issue.list_id,
    )
