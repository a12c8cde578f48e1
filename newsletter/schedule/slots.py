"""Slots in the database: planned, filled, left out; each for ever unique."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from newsletter.errors import NotAllowed, UnreadableInput
from newsletter.issue import LATE_BY, local_time, lock_list
from newsletter.schedule.cadence import Cadence, clock_note, slot_at, slots_from
from newsletter.tables import Issue, IssueState, Occurrence, OccurrenceState, Schedule
from subscribers.database import insert_new

PLANNED_AHEAD = 12  # slots of every cadence
LOOKED_AHEAD = 104  # slots: how far a free one is sought
LONGEST_BREAK = timedelta(days=366)


@dataclass(frozen=True)
class Slot:
    """One instant of a cadence."""

    schedule_id: int
    local_date: date
    due_at: datetime


@dataclass(frozen=True)
class SlotView:
    """One slot and what fills it, for people."""

    local_date: date
    due_at: datetime
    when: str
    state: OccurrenceState
    issue_id: int | None
    issue_state: IssueState | None
    reason: str | None  # of a break
    note: str | None  # around a change of the clocks


def cadence_of(session: Session, list_id: int) -> Cadence | None:
    """Return a list's cadence, None where it has none."""
    row = _active(session, list_id)
    return None if row is None else _cadence(row)


def set_cadence(
    session: Session, list_id: int, cadence: Cadence, now: datetime
) -> list[tuple[int, datetime]]:
    """Give a list its cadence; return the unsent issues that stay on slots of the old one.

    Empty slots to come are planned anew, and a break holds for its whole week.  Issues keep
    their time until staff move them.
    """
    lock_list(session, list_id)
    row = session.scalar(select(Schedule).where(Schedule.list_id == list_id))
    if row is None:
        row = Schedule(
            list_id=list_id, late_by_minutes=LATE_BY // timedelta(minutes=1), active=True
        )
        session.add(row)
    elif _cadence(row) == cadence and row.active:
        return []
    row.weekday, row.local_time = cadence.weekday, f"{cadence.time:%H:%M}"
    row.zone, row.active, row.planned_from = cadence.zone.key, True, now
    session.flush()
    breaks = _take_out_breaks(session, row, now)
    _plan(session, row, now)
    _put_back_breaks(session, row, breaks, now)
    return _on_old_times(session, row, now)


def plan_slots(session: Session, now: datetime) -> None:
    """Plan the next twelve slots of every cadence.  Harmless twice and from two processes."""
    lists = session.scalars(
        select(Schedule.list_id).where(Schedule.active).order_by(Schedule.list_id)
    ).all()
    for list_id in lists:
        lock_list(session, list_id)
        if row := _active(session, list_id):
            _plan(session, row, now)


def next_free_slot(session: Session, list_id: int, now: datetime) -> Slot:
    """Return the first slot to come that nothing fills; `fill` takes it.

    Raises:
        NotAllowed: the list has no cadence, or everything is full or a break for two years.
    """
    name = lock_list(session, list_id).name
    row = _active(session, list_id)
    if row is None:
        raise NotAllowed(
            f"The list {name} has no cadence: give a time with --at, or a cadence with "
            f"newsletter list change {name} --cadence 'Fridays 07:00'."
        )
    _plan(session, row, now)
    taken = {
        o.local_date
        for o in _future(session, row.id, now)
        if o.state is not OccurrenceState.PLANNED or o.issue_id is not None
    }
    for day, due_at in islice(slots_from(_cadence(row), now), LOOKED_AHEAD):
        if day not in taken:
            _put(session, row.id, day, due_at)
            return Slot(row.id, day, due_at)
    raise NotAllowed(f"The list {name} has no free slot within two years: give a time with --at.")


def fill(session: Session, slot: Slot, issue_id: int) -> None:
    """Let an issue fill a slot.

    Raises:
        NotAllowed: something else fills it, or it is a break or past.
    """
    filled = session.scalars(
        update(Occurrence)
        .where(
            Occurrence.schedule_id == slot.schedule_id,
            Occurrence.local_date == slot.local_date,
            Occurrence.state == OccurrenceState.PLANNED,
            Occurrence.issue_id.is_(None),
        )
        .values(issue_id=issue_id)
        .returning(Occurrence.local_date)
    ).all()
    if not filled:
        raise NotAllowed(f"The slot of {slot.local_date} is taken already: choose another time.")


def skip_dates(
    session: Session, list_id: int, first: date, until: date, reason: str, now: datetime
) -> list[date]:
    """Make the slots from `first` to `until` (both included, local dates) a break.

    Raises:
        NotAllowed: no cadence, no slot to come in those days, or issues fill some: staff move
            those first.
    """
    name = lock_list(session, list_id).name
    row = _active(session, list_id)
    if row is None:
        raise NotAllowed(f"The list {name} has no cadence: there is nothing to leave out.")
    if until < first or until - first > LONGEST_BREAK:
        raise UnreadableInput(f"From {first} until {until} is no break of up to a year.")
    _plan(session, row, now)
    days = list(_days_between(_cadence(row), first, until, now))
    if not days:
        raise NotAllowed(
            f"No slot of the list {name} to come lies between {first} and {until}: its cadence "
            f"is {_cadence(row)}."
        )
    inside = [o for o in _future(session, row.id, now) if first <= o.local_date <= until]
    issues = [o.issue_id for o in inside if o.issue_id is not None]
    if issues:
        raise NotAllowed(
            f"Slots of those days are filled by issue {', '.join(map(str, issues))}: move or "
            "cancel it first."
        )
    for day, due_at in days:
        _skip(session, row.id, day, due_at, reason)
    return [day for day, _ in days]


def slots_view(session: Session, list_id: int, now: datetime) -> list[SlotView]:
    """Return a list's next twelve slots, breaks among them, and what fills them.

    An issue still on a slot of an earlier cadence is shown too.  Writes nothing: slots that
    are not planned yet are shown all the same.
    """
    row = _active(session, list_id)
    if row is None:
        return []
    rows = {o.local_date: o for o in _future(session, row.id, now)}
    planned = dict(islice(slots_from(_cadence(row), now), PLANNED_AHEAD))
    last = max(planned)
    kept = {day: o.due_at for day, o in rows.items() if o.issue_id is not None and day <= last}
    return [
        _slot_view(session, row, day, due_at, rows.get(day))
        for day, due_at in sorted((planned | kept).items())
    ]


def _cadence(row: Schedule) -> Cadence:
    return Cadence(row.weekday, time.fromisoformat(row.local_time), ZoneInfo(row.zone))


def _active(session: Session, list_id: int) -> Schedule | None:
    return session.scalar(select(Schedule).where(Schedule.list_id == list_id, Schedule.active))


def _future(session: Session, schedule_id: int, now: datetime) -> Sequence[Occurrence]:
    return session.scalars(
        select(Occurrence)
        .where(Occurrence.schedule_id == schedule_id, Occurrence.due_at > now)
        .order_by(Occurrence.due_at)
        .execution_options(populate_existing=True)
    ).all()


def _plan(session: Session, row: Schedule, now: datetime) -> None:
    """Make the empty slots to come what the cadence, and today's rules of its zone, say."""
    wanted = dict(islice(slots_from(_cadence(row), now), PLANNED_AHEAD))
    kept = set()
    for old in _future(session, row.id, now):
        empty = old.state is OccurrenceState.PLANNED and old.issue_id is None
        if empty and wanted.get(old.local_date) != old.due_at:
            session.execute(delete(Occurrence).where(*_is(old.schedule_id, old.local_date)))
        else:
            kept.add(old.local_date)
    for day, due_at in wanted.items():
        if day not in kept:
            _put(session, row.id, day, due_at)


def _put(session: Session, schedule_id: int, day: date, due_at: datetime) -> None:
    insert_new(
        session,
        Occurrence,
        schedule_id=schedule_id,
        local_date=day,
        due_at=due_at,
        state=OccurrenceState.PLANNED,
    )


def _skip(session: Session, schedule_id: int, day: date, due_at: datetime, reason: str) -> None:
    _put(session, schedule_id, day, due_at)
    session.execute(
        update(Occurrence)
        .where(*_is(schedule_id, day), Occurrence.issue_id.is_(None))
        .values(state=OccurrenceState.SKIPPED, reason=reason)
    )


def _is(schedule_id: int, day: date) -> tuple[ColumnElement[bool], ...]:
    return (Occurrence.schedule_id == schedule_id, Occurrence.local_date == day)


def _days_between(
    cadence: Cadence, first: date, until: date, now: datetime
) -> Iterator[tuple[date, datetime]]:
    for day, due_at in slots_from(cadence, now):
        if day > until:
            return
        if day >= first:
            yield day, due_at


def _take_out_breaks(session: Session, row: Schedule, now: datetime) -> dict[date, str | None]:
    """Remove the breaks to come; return their reasons by the Monday of their week."""
    breaks = [o for o in _future(session, row.id, now) if o.state is OccurrenceState.SKIPPED]
    weeks = {_monday(o.local_date): o.reason for o in breaks}
    for old in breaks:
        session.execute(delete(Occurrence).where(*_is(old.schedule_id, old.local_date)))
    return weeks


def _put_back_breaks(
    session: Session, row: Schedule, weeks: Mapping[date, str | None], now: datetime
) -> None:
    for monday, reason in weeks.items():
        sunday = monday + timedelta(days=6)
        for day, due_at in _days_between(_cadence(row), monday, sunday, now):
            _skip(session, row.id, day, due_at, reason or "")


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _on_old_times(session: Session, row: Schedule, now: datetime) -> list[tuple[int, datetime]]:
    cadence = _cadence(row)
    return [
        (o.issue_id, o.due_at)
        for o in _future(session, row.id, now)
        if o.issue_id is not None
        and (
            o.local_date.weekday() != cadence.weekday
            or slot_at(o.local_date, cadence.time, cadence.zone) != o.due_at
        )
    ]


def _slot_view(
    session: Session, row: Schedule, day: date, due_at: datetime, planned: Occurrence | None
) -> SlotView:
    zone = ZoneInfo(row.zone)
    written = datetime.combine(day, time.fromisoformat(row.local_time))
    issue_id = planned.issue_id if planned else None
    on_cadence = slot_at(day, written.time(), zone) == due_at
    return SlotView(
        local_date=day,
        due_at=due_at,
        when=local_time(due_at, zone),
        state=planned.state if planned else OccurrenceState.PLANNED,
        issue_id=issue_id,
        issue_state=session.get_one(Issue, issue_id).state if issue_id is not None else None,
        reason=planned.reason if planned else None,
        note=clock_note(written, due_at, zone) if on_cadence else None,
    )
