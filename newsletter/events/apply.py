"""The effects of events that were kept: each once, whatever the order they came in.

What a delivery becomes follows from all its events together, so that replays and another
order change nothing.  Events of a copy that is still in flight wait for its answer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Select, bindparam, exists, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.events.bounces import Bounce, note_bounces
from newsletter.events.fold import Evidence, evidence_of, outcome_of
from newsletter.events.store import SUPPRESSING, opened
from newsletter.providers.reported import EventKind
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    Issue,
    IssueState,
    OutcomeKind,
    ProviderEvent,
    Reason,
)
from subscribers import consent, suppression
from subscribers.address import UnusableAddress, read_address
from subscribers.database import reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.tables import Subscriber

AT_ONCE = 1000  # events in one transaction
CHANNEL = "provider"  # of consent events
_APPLYING = 1_734_691  # the advisory lock of PostgreSQL: one process at a time applies

_event = table_of(ProviderEvent)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_issue = table_of(Issue)
_batch = table_of(Batch)


def apply_waiting(engine: Engine, keys: Keys, now: datetime) -> int:
    """Apply every event that waits, in transactions of AT_ONCE; return how many were applied.

    Events of copies in flight are passed over: they wait for the answer.

    Raises:
        DatabaseUnavailable: the database could not be read or written; the rest still waits.
    """
    applied, after = 0, 0
    while _any_after(engine, after):
        with writing(engine) as session:
            _one_at_a_time(session)
            waiting = _waiting(session, after)
            if not waiting:
                break
            after = waiting[-1].id
            applied += _apply(session, keys, waiting, now)
    return applied


def _any_after(engine: Engine, after: int) -> bool:
    with reading(engine) as session:  # the usual answer is no, and takes no lock
        found = select(_event.c.id).where(_event.c.applied_at.is_(None), _event.c.id > after)
        return session.scalar(found.limit(1)) is not None


def _one_at_a_time(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _APPLYING})


def _waiting(session: Session, after: int) -> Sequence[Any]:
    return session.execute(
        select(
            _event.c.id,
            _event.c.provider,
            _event.c.event_id,
            _event.c.kind,
            _event.c.happened_at,
            _event.c.delivery_id,
            _event.c.attempt_id,
        )
        .where(_event.c.applied_at.is_(None), _event.c.id > after)
        .order_by(_event.c.id)
        .limit(AT_ONCE)
    ).all()


@dataclass(frozen=True)
class _Copy:
    """A delivery that events are about."""

    id: int
    issue_id: int
    state: DeliveryState
    reason: Reason | None
    attempt_id: int | None
    outcome: OutcomeKind | None
    issue_state: IssueState

    @property
    def waits_to_go_again(self) -> bool:
        """Whether people decided so, and its turn has not come yet."""
        return self.state is DeliveryState.PENDING and self.attempt_id is None


def _apply(session: Session, keys: Keys, waiting: Sequence[Any], now: datetime) -> int:
    portion = (
        _event.c.id.between(waiting[0].id, waiting[-1].id),
        _event.c.applied_at.is_(None),
    )
    copies = _copies(session, select(_event.c.delivery_id).where(*portion))
    attempts = select(_event.c.attempt_id).where(*portion)
    issues = _issues_of_attempts(session, attempts)
    if _know_again(session, waiting, copies, issues):
        copies = _copies(session, select(_event.c.delivery_id).where(*portion))
        issues = _issues_of_attempts(session, attempts)
    put_off = {row.id for row in waiting if _in_flight(copies.get(row.delivery_id))}
    ready = [row for row in waiting if row.id not in put_off]
    ours = [row for row in ready if _is_ours(row, copies, issues)]
    changed = {row.delivery_id: copies[row.delivery_id] for row in ours if row.delivery_id}
    events = _events_of(session, select(_event.c.delivery_id).where(*portion), changed)
    _fold_outcomes(session, changed, events)
    _settle(session, changed, events, now)
    _stop_over_quota(session, keys, ours, changed, now)
    _suppress(session, keys, [row for row in ours if row.kind in SUPPRESSING], changed, now)
    if ready:
        # One by one: in between others may have been kept, and those were not looked at.
        session.execute(
            update(_event).where(_event.c.id == bindparam("number")).values(applied_at=now),
            [{"number": row.id} for row in ready],
        )
    return len(ready)


def _copies(session: Session, numbers: Select[Any]) -> dict[int, _Copy]:
    """Lock the issues, as every turn does first, and return their deliveries.  No practice."""
    of_issue = select(_delivery.c.issue_id).where(_delivery.c.id.in_(numbers))
    states = {
        row.id: row.state
        for row in session.execute(
            select(_issue.c.id, _issue.c.state)
            .where(_issue.c.id.in_(of_issue), ~_issue.c.practice)
            .order_by(_issue.c.id)
            .with_for_update()
        )
    }
    rows = session.execute(
        select(
            _delivery.c.id,
            _delivery.c.issue_id,
            _delivery.c.state,
            _delivery.c.reason,
            _delivery.c.attempt_id,
            _delivery.c.outcome,
        ).where(_delivery.c.id.in_(numbers))
    )
    return {row.id: _Copy(*row, states[row.issue_id]) for row in rows if row.issue_id in states}


def _issues_of_attempts(session: Session, numbers: Select[Any]) -> dict[int, int]:
    rows = session.execute(
        select(_attempt.c.id, _attempt.c.issue_id).where(_attempt.c.id.in_(numbers))
    )
    return {row.id: row.issue_id for row in rows}


def _know_again(
    session: Session,
    waiting: Sequence[Any],
    copies: Mapping[int, _Copy],
    issues: Mapping[int, int],
) -> bool:
    """Learn from the events what a restored database cannot know: attempts made since its copy.

    Their numbers were left out when it took the original's place, so that they name nothing
    else.  Return whether anything was learnt.
    """
    named = [row for row in waiting if row.attempt_id is not None and row.delivery_id in copies]
    missing = {row.attempt_id: row for row in named if row.attempt_id not in issues}
    newest = (session.scalar(select(func.max(_attempt.c.id))) or 0) if missing else 0
    made_since = {number: row for number, row in missing.items() if number < newest}
    for number, row in made_since.items():
        values = {"id": number, "issue_id": copies[row.delivery_id].issue_id}
        times = dict.fromkeys(("started_at", "start_by", "answer_by"), row.happened_at)
        session.execute(insert(_attempt).values(**values, **times, worker_id=0, fence=1, size=0))
    doubtful = [row for row in named if copies[row.delivery_id].reason is Reason.PUT_BACK]
    for row in doubtful:
        session.execute(
            update(_delivery)
            .where(
                _delivery.c.id == row.delivery_id,
                func.coalesce(_delivery.c.attempt_id, 0) < row.attempt_id,
                exists().where(_attempt.c.id == row.attempt_id),
            )
            .values(attempt_id=row.attempt_id)
        )
    return bool(made_since or doubtful)


def _in_flight(copy: _Copy | None) -> bool:
    return copy is not None and copy.state is DeliveryState.IN_FLIGHT


def _is_ours(row: Any, copies: Mapping[int, _Copy], issues: Mapping[int, int]) -> bool:
    """Whether an event may have effects: it names a copy we made, in an attempt we made.

    One that names no copy at all is about an address.
    """
    if row.delivery_id is None:
        return True
    copy = copies.get(row.delivery_id)
    return copy is not None and issues.get(row.attempt_id) == copy.issue_id


def _events_of(
    session: Session, numbers: Select[Any], copies: Mapping[int, _Copy]
) -> Mapping[int, Sequence[tuple[EventKind, int]]]:
    """Return kind and attempt of all the events there are of these deliveries."""
    found = defaultdict(list)
    if copies:
        rows = session.execute(
            select(_event.c.delivery_id, _event.c.kind, _event.c.attempt_id, _attempt.c.issue_id)
            .join(_attempt, _attempt.c.id == _event.c.attempt_id)
            .where(_event.c.delivery_id.in_(numbers))
        )
        for delivery_id, kind, attempt_id, issue_id in rows.all():
            if delivery_id in copies and copies[delivery_id].issue_id == issue_id:
                found[delivery_id].append((_KINDS[kind], attempt_id))
    return found


_KINDS = {kind.value: kind for kind in EventKind}


def _fold_outcomes(
    session: Session,
    copies: Mapping[int, _Copy],
    events: Mapping[int, Sequence[tuple[EventKind, int]]],
) -> None:
    changes = [
        {"number": number, "now": outcome}
        for number, copy in copies.items()
        if (outcome := outcome_of(kind for kind, _ in events[number])) is not None
        and outcome is not copy.outcome
    ]
    if changes:
        session.execute(
            update(_delivery)
            .where(_delivery.c.id == bindparam("number"))
            .values(outcome=bindparam("now")),
            changes,
        )


# --- unknowns -------------------------------------------------------------------------

_SETTLED_BY_EVENTS = (Reason.DROPPED, Reason.OVER_QUOTA)


def _settle(
    session: Session,
    copies: Mapping[int, _Copy],
    events: Mapping[int, Sequence[tuple[EventKind, int]]],
    now: datetime,
) -> None:
    """Let the events of a delivery's last attempt decide what nobody knew.

    Also where earlier events had decided: a drop that comes before the proof of acceptance
    must not stay when the proof came the other way round.  And where people decided to send
    again: whoever turns out to have it before their turn comes needs no second copy.
    """
    alike = defaultdict(list)
    for number, copy in copies.items():
        if copy.waits_to_go_again and (attempt := _taken_in(events[number])) is not None:
            session.execute(
                update(_delivery)
                .where(_delivery.c.id == number)
                .values(state=DeliveryState.SUBMITTED, attempt_id=attempt)
            )
            continue
        open_ = copy.state is DeliveryState.UNKNOWN or copy.reason in _SETTLED_BY_EVENTS
        if not open_ or copy.state is DeliveryState.EXCLUDED:
            continue
        proof = evidence_of(kind for kind, attempt in events[number] if attempt == copy.attempt_id)
        if proof is not None:
            alike[_becomes(proof, copy.issue_state)].append(copy)
    for (state, reason), settled in alike.items():
        numbers = [copy.id for copy in settled]
        session.execute(
            update(_delivery)
            .where(_delivery.c.id.in_(numbers))
            .values(state=state, reason=reason, due_at=None)
        )
        if state is DeliveryState.PENDING:
            _open_batches(session, settled, now)


def _taken_in(events: Sequence[tuple[EventKind, int]]) -> int | None:
    """Return the last attempt of which the events prove that the provider had the copy."""
    kinds = defaultdict(set)
    for kind, attempt in events:
        kinds[attempt].add(kind)
    taken = [attempt for attempt in kinds if evidence_of(kinds[attempt]) is Evidence.TAKEN]
    return max(taken, default=None)


def _becomes(proof: Evidence, issue: IssueState) -> tuple[DeliveryState, Reason | None]:
    if proof is Evidence.TAKEN:
        return DeliveryState.SUBMITTED, None
    if proof is Evidence.OVER_QUOTA and issue in (IssueState.SENDING, IssueState.PAUSED):
        return DeliveryState.PENDING, Reason.OVER_QUOTA
    if proof is Evidence.OVER_QUOTA and issue is IssueState.CANCELLED:
        return DeliveryState.EXCLUDED, Reason.CANCELLED
    return DeliveryState.FAILED, Reason.DROPPED  # a person may send the rest


def _open_batches(session: Session, copies: Sequence[_Copy], now: datetime) -> None:
    for copy in copies:
        session.execute(
            update(_batch)
            .where(
                _batch.c.issue_id == copy.issue_id,
                _batch.c.first_id <= copy.id,
                _batch.c.last_id >= copy.id,
                or_(_batch.c.due_at.is_(None), _batch.c.due_at > now),
            )
            .values(due_at=now)
        )


def _stop_over_quota(
    session: Session,
    keys: Keys,
    rows: Iterable[Any],
    copies: Mapping[int, _Copy],
    now: datetime,
) -> None:
    """Pause an issue whose copies the provider drops for want of quota, once, and tell staff."""
    over = {copies[r.delivery_id].issue_id for r in rows if r.kind == EventKind.DROPPED_QUOTA}
    for issue_id in sorted(over):
        sentence = (
            "The provider takes mail and then drops it, because the quota of our account is used "
            "up: buy more or wait for the next period, then resume."
        )
        new = notices.tell(
            session,
            keys,
            f"over-quota/{issue_id}",
            f"Copies of issue {issue_id} were dropped",
            [
                sentence,
                f"newsletter issue report {issue_id} counts them as bounced. If the issue was "
                "still going out it is paused now.",
            ],
            now,
        )
        if new:
            session.execute(
                update(_issue)
                .where(_issue.c.id == issue_id, _issue.c.state == IssueState.SENDING)
                .values(state=IssueState.PAUSED, pause_reason=sentence)
            )


# --- addresses ------------------------------------------------------------------------


def _suppress(
    session: Session,
    keys: Keys,
    rows: Sequence[Any],
    copies: Mapping[int, _Copy],
    now: datetime,
) -> None:
    if not rows:
        return
    bodies = session.execute(
        select(_event.c.id, _event.c.event_id, _event.c.body).where(
            _event.c.id.in_([row.id for row in rows])
        )
    )
    addresses = {row.id: opened(keys, row.event_id, row.body)[0] for row in bodies}
    bounces = []
    for row in rows:
        person = find_person(session, keys, addresses[row.id])
        if person is None:
            continue
        match EventKind(row.kind):
            case EventKind.COMPLAINED | EventKind.DROPPED_COMPLAINED:
                complain(session, keys, person, row.provider, now)
            case EventKind.UNSUBSCRIBED | EventKind.DROPPED_UNSUBSCRIBED:
                consent.unsubscribe_everywhere(session, keys, person.id, CHANNEL, now)
            case _:
                copy = copies.get(row.delivery_id)
                pile = f"i{copy.issue_id}" if copy else f"d{row.happened_at:%Y-%m-%d}"
                bounces.append(Bounce(pile, addresses[row.id], row.provider))
    note_bounces(session, keys, bounces, now)


def find_person(session: Session, keys: Keys, address: str) -> Subscriber | None:
    """Return the subscriber with an address that came from outside, None if there is none."""
    try:
        wire = read_address(address).wire
    except UnusableAddress:
        return None
    index = keys.address_index(wire)
    return session.scalars(select(Subscriber).where(Subscriber.address_index == index)).first()


def complain(
    session: Session, keys: Keys, person: Subscriber, provider: str, now: datetime
) -> None:
    """Take somebody who reported our mail as unwanted off every list, for good."""
    address = keys.decrypt(person.address, "subscriber.address", person.address_index)
    suppression.complain(session, keys, address, provider, now)
    consent.unsubscribe_everywhere(session, keys, person.id, CHANNEL, now)
