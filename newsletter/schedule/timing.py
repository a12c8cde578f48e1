"""Issues and their time: given one, begun on it, or found late."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.counted import about
from newsletter.issue import (
    LATE_BY,
    UNSENT,
    Actor,
    Desk,
    draft,
    local_time,
    lock_issue,
    lock_list,
    move,
    schedule,
)
from newsletter.notices import tell
from newsletter.schedule.slots import Slot, fill, next_free_slot, plan_slots
from newsletter.tables import Issue, IssueState, Occurrence, OccurrenceState, Schedule
from subscribers.tables import MailingList

LATE_ENOUGH_TO_SAY = timedelta(minutes=15)

_BEGUN = (IssueState.SENDING, IssueState.PAUSED, IssueState.COMPLETED)


def draft_at(
    session: Session,
    desk: Desk,
    *,
    bulletin_id: int,
    list_id: int,
    at: datetime | None,
    hold: bool,
    by: Actor,
    now: datetime,
) -> int:
    """Make an issue for `at`, or for the next free slot; return its number.

    Raises:
        NotAllowed, NotFound: as `next_free_slot` and `newsletter.issue.draft`.
    """
    slot = next_free_slot(session, list_id, now) if at is None else None
    issue_id = draft(
        session,
        desk,
        bulletin_id=bulletin_id,
        list_id=list_id,
        due_at=slot.due_at if slot else at,
        hold=hold,
        by=by,
        now=now,
    )
    _take_slot(session, issue_id, slot, now)
    return issue_id


def schedule_at(
    session: Session, desk: Desk, issue_id: int, at: datetime | None, by: Actor, now: datetime
) -> IssueState:
    """Let a draft go out at `at`, at the time it has, or in the next free slot.

    Raises:
        NotAllowed, NotFound: as `next_free_slot` and `newsletter.issue.schedule`.
    """
    slot = None
    issue = _list_then_issue(session, issue_id)
    if at is None and issue.state in UNSENT and (issue.due_at is None or issue.due_at < now):
        slot = next_free_slot(session, issue.list_id, now)
    state = schedule(session, desk, issue_id, slot.due_at if slot else at, by, now)
    _take_slot(session, issue_id, slot, now)
    return state


def move_to(
    session: Session, desk: Desk, issue_id: int, at: datetime, by: Actor, now: datetime
) -> IssueState:
    """Give an unsent issue another time; its slot is free again.

    Raises:
        NotAllowed, NotFound: as `newsletter.issue.move`.
    """
    _list_then_issue(session, issue_id)
    state = move(session, desk, issue_id, at, by, now)
    _take_slot(session, issue_id, None, now)
    return state


def start_due(session: Session, now: datetime) -> list[int]:
    """Return the issues to begin now, in the order of their time.

    One found later than its list's late_by is not among them: staff decide.
    """
    due = _scheduled_and_due(session, now)
    return [issue.id for issue, late_by in due if now - _start_of(issue) <= late_by]


def look_at_slots(session: Session, desk: Desk, now: datetime) -> None:
    """Plan, and see what became of the slots whose time has come; tell staff, each thing once."""
    plan_slots(session, now)
    _note_used(session)
    _note_late(session, desk, now)
    _note_begun_late(session, desk, now)
    _note_empty(session, desk, now)


def _take_slot(session: Session, issue_id: int, slot: Slot | None, now: datetime) -> None:
    """Fill `slot`, or the free one of exactly the issue's own time if there is one.

    An extra issue, at a time of its own, leaves the regular slots alone.
    """
    issue = lock_issue(session, issue_id)
    holds = session.scalar(select(Occurrence.due_at).where(Occurrence.issue_id == issue_id))
    if holds is not None and issue.due_at == holds:
        return
    if slot is None:
        row = session.execute(
            select(Occurrence.schedule_id, Occurrence.local_date, Occurrence.due_at)
            .join(Schedule, Schedule.id == Occurrence.schedule_id)
            .where(
                Schedule.list_id == issue.list_id,
                Occurrence.due_at == issue.due_at,
                Occurrence.due_at > now,
                Occurrence.state == OccurrenceState.PLANNED,
                Occurrence.issue_id.is_(None),
            )
        ).first()
        slot = Slot(*row) if row else None
    if slot is not None:
        fill(session, slot, issue_id)


def _list_then_issue(session: Session, issue_id: int) -> Issue:
    """Hold list and issue in the order everybody takes them in, so that nobody waits in a ring."""
    list_id = session.scalar(select(Issue.list_id).where(Issue.id == issue_id))
    if list_id is not None:
        lock_list(session, list_id)
    return lock_issue(session, issue_id)


def _note_used(session: Session) -> None:
    begun = select(Issue.id).where(Issue.state.in_(_BEGUN))
    session.execute(
        update(Occurrence)
        .where(Occurrence.state != OccurrenceState.USED, Occurrence.issue_id.in_(begun))
        .values(state=OccurrenceState.USED)
        .execution_options(synchronize_session=False)
    )


def _scheduled_and_due(session: Session, now: datetime) -> list[tuple[Issue, timedelta]]:
    rows = session.execute(
        select(Issue, Schedule.late_by_minutes)
        .outerjoin(Schedule, Schedule.list_id == Issue.list_id)
        .where(Issue.state == IssueState.SCHEDULED, Issue.due_at <= now)
        .order_by(Issue.due_at, Issue.id)
        .execution_options(populate_existing=True)
    )
    return [
        (issue, LATE_BY if minutes is None else timedelta(minutes=minutes))
        for issue, minutes in rows
        if _start_of(issue) <= now
    ]


def _start_of(issue: Issue) -> datetime:
    """Return the end of an issue's wait, or its time if that is later."""
    return max(moment for moment in (issue.due_at, issue.not_before) if moment is not None)


def _note_late(session: Session, desk: Desk, now: datetime) -> None:
    for issue, late_by in _scheduled_and_due(session, now):
        if now - _start_of(issue) <= late_by:
            continue
        session.execute(
            update(Occurrence)
            .where(Occurrence.issue_id == issue.id, Occurrence.state == OccurrenceState.PLANNED)
            .values(state=OccurrenceState.LATE)
        )
        tell(
            session,
            desk.keys,
            f"late/{issue.id}/{issue.version_hash.hex()[:32]}",
            f"Issue {issue.id} is late and waits for you",
            [
                f"Issue {issue.id} for the list {_title(session, issue.list_id)} was due "
                f"{local_time(_start_of(issue), desk.settings.zone)}, and nothing was running to "
                "begin it. It is too late to go out without being asked for.",
                f"To send it now: newsletter issue move {issue.id} --at now. "
                f"To leave it: newsletter issue cancel {issue.id}.",
            ],
            now,
        )


def _note_begun_late(session: Session, desk: Desk, now: datetime) -> None:
    rows = session.scalars(
        select(Issue).where(
            Issue.state.in_(_BEGUN),
            Issue.started_at > now - timedelta(days=1),
            Issue.due_at.is_not(None),
        )
    )
    for issue in rows:
        began = issue.started_at
        if began is None or began - _start_of(issue) < LATE_ENOUGH_TO_SAY:
            continue
        zone = desk.settings.zone
        tell(
            session,
            desk.keys,
            f"begun-late/{issue.id}",
            f"Issue {issue.id} began late",
            [
                f"Issue {issue.id} for the list {_title(session, issue.list_id)} was due "
                f"{local_time(_start_of(issue), zone)} and began {local_time(began, zone)}."
            ],
            now,
        )


def _note_empty(session: Session, desk: Desk, now: datetime) -> None:
    rows = session.execute(
        select(Occurrence, Schedule, Issue.state)
        .join(Schedule, Schedule.id == Occurrence.schedule_id)
        .outerjoin(Issue, Issue.id == Occurrence.issue_id)
        .where(Occurrence.state == OccurrenceState.PLANNED, Occurrence.due_at <= now)
        .order_by(Occurrence.due_at)
        .execution_options(populate_existing=True)
    ).all()
    for slot, row, issue_state in rows:
        if issue_state is IssueState.SCHEDULED:
            continue  # it begins in a moment, or waits out its time to be stopped
        slot.state = OccurrenceState.EMPTY
        title = _title(session, row.list_id)
        when = local_time(slot.due_at, ZoneInfo(row.zone))
        what = (
            f"Issue {slot.issue_id}, which fills it, is {_words(issue_state)}."
            if issue_state is not None
            else "No issue fills it, and nothing is sent again in its place."
        )
        tell(
            session,
            desk.keys,
            f"slot-empty/{row.id}/{slot.local_date}",
            "A slot came up empty",
            [f"The slot of the list {title} on {when} came, and nothing went out.", what],
            now,
        )
    session.flush()


def _words(state: IssueState) -> str:
    return state.name.lower().replace("_", " ")


def _title(session: Session, list_id: int) -> str:
    return session.get_one(MailingList, list_id).title


def tell_clock_was_set(session: Session, desk: Desk, by: timedelta, now: datetime) -> None:
    """Tell staff that the time of day jumped; `by` is less than nothing when it was set back."""
    where = "forward" if by > timedelta() else "back"
    becomes = {
        "forward": "What became due by that may have begun too early; what is found too late "
        "waits for you.",
        "back": "What goes out at a time waits until the clock has come to it again.",
    }
    tell(
        session,
        desk.keys,
        f"clock-was-set/{now.isoformat()}",
        f"The clock of this machine was set {where}",
        [
            f"The clock of this machine was set {where} by {about(abs(by))}, and shows "
            f"{local_time(now, desk.settings.zone)} now. {becomes[where]} Nobody gets anything "
            "twice by it.",
            "See whether the time is right now, and let something keep it so, such as chrony.",
        ],
        now,
    )
