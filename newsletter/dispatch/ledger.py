"""Every statement that moves a delivery after the freeze.

```text
pending   -> in flight (turn) | excluded (turn) | failed (turn: no provider takes the address)
in flight -> submitted | failed | pending, not before t | unknown (an answer)
in flight -> unknown, or pending in practice (sweep: the process is gone, the answer overdue)
unknown   -> submitted | failed | pending (an answer that comes after all)
```
Rows are locked in one order, issue, batch, deliveries, so that processes do not deadlock.
Each function may be called again after its transaction failed, even when nobody knows
whether the commit went through.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from newsletter.dispatch.course import pause
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.received import same_bulletin, why_left_out
from newsletter.dispatch.retry import Answered, Verdict, in_issue
from newsletter.dispatch.sweep import IsGone, let_go, sweep_range
from newsletter.providers.base import Intent
from newsletter.tables import (
    Attempt,
    Batch,
    Bulletin,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Reason,
)
from subscribers.database import insert_new, table_of
from subscribers.privacy import Keys

_EXCLUDED, _FAILED = DeliveryState.EXCLUDED, DeliveryState.FAILED


@dataclass(frozen=True)
class Claim:
    """A batch that one thread holds until its lease is over."""

    batch_id: int
    issue_id: int
    list_id: int
    edition_no: int
    first_id: int
    last_id: int
    fence: int
    practice: bool
    bulletins: tuple[int, ...] = ()  # whose earlier copies count as received


@dataclass(frozen=True)
class Deadlines:
    """How long an intent made now is good for."""

    now: datetime
    boot: float  # the same moment on `boot_clock`, which no one can set and which counts suspend
    start_within: timedelta  # from now to the first byte
    answer_within: timedelta  # from the first byte to the answer

    @property
    def start_by(self) -> datetime:
        """No first byte leaves after it."""
        return self.now + self.start_within

    @property
    def answer_by(self) -> datetime:
        """A later answer counts as lost until it comes."""
        return self.start_by + self.answer_within

    @property
    def lease_until(self) -> datetime:
        """Long enough for the answer and for the commit that records it."""
        return self.answer_by + self.start_within

    def intent(self, attempt_id: int) -> Intent:
        """Return the leave to send, on the clock that the sender looks at."""
        start_by = self.boot + self.start_within.total_seconds()
        return Intent(attempt_id, start_by, start_by + self.answer_within.total_seconds())


@dataclass(frozen=True)
class Turn:
    """What one durable commit allowed and recorded."""

    issue_id: int
    changes: Counter[DeliveryState]  # deliveries that reached a state in this commit
    goes_on: bool = False  # the issue is still sending and the batch is still ours
    intent: Intent | None = None  # None: nothing may be sent
    tries: Mapping[int, int] = field(default_factory=dict)  # of those to send: id -> with this one


def claim(
    session: Session,
    worker_id: int,
    practice: bool,
    deadlines: Deadlines,
    is_gone: IsGone,
) -> Claim | None:
    """Take the batch that is due first, or None: one row, no trace in the deliveries."""
    now = deadlines.now
    due = (
        select(_batch.c.id)
        .join(_issue, _issue.c.id == _batch.c.issue_id)
        .where(*_claimable(practice, now))
        .order_by(_batch.c.due_at, _batch.c.id)
        .limit(1)
        .with_for_update(of=_batch, skip_locked=True)
        .scalar_subquery()
    )
    row = session.execute(
        update(_batch)
        .where(_batch.c.id == due)
        .values(fence=_batch.c.fence + 1, worker_id=worker_id, lease_until=deadlines.lease_until)
        .returning(_batch)
    ).one_or_none()
    if row is None:
        return None
    sweep_range(session, row.issue_id, row.first_id, row.last_id, now, is_gone)
    list_id = session.scalars(select(Issue.list_id).where(Issue.id == row.issue_id)).one()
    return Claim(
        batch_id=row.id,
        issue_id=row.issue_id,
        list_id=list_id,
        edition_no=row.edition_no,
        first_id=row.first_id,
        last_id=row.last_id,
        fence=row.fence,
        practice=practice,
        bulletins=() if practice else same_bulletin(session, row.issue_id),
    )


def anything_due(session: Session, practice: bool, now: datetime) -> bool:
    """Return whether a claim would find something."""
    due = select(1).select_from(_batch).join(_issue, _issue.c.id == _batch.c.issue_id)
    return bool(session.scalar(select(exists(due.where(*_claimable(practice, now))))))


def turn(
    session: Session,
    keys: Keys,
    held: Claim,
    worker_id: int,
    ids: Sequence[int],
    answered: Answered | None,
    deadlines: Deadlines,
) -> Turn:
    """Record the last answers and intend the next deliveries, in the caller's one commit.

    Only the deliveries that come back may be sent, and only once the commit is durable.
    Those of `ids` who left, were suppressed or received the bulletin elsewhere meanwhile are
    excluded.
    """
    state, ours, changes = _close_attempt(session, keys, held, answered, deadlines.now)
    if state is not IssueState.SENDING or not ours:
        return Turn(held.issue_id, changes)
    session.execute(
        update(_batch).where(_batch.c.id == held.batch_id).values(lease_until=deadlines.lease_until)
    )
    attempt_id, tries = _intend(session, held, worker_id, ids, deadlines)
    refused = [number for number in ids if number not in tries]
    changes += Counter({_EXCLUDED: _exclude(session, held, refused)})
    failpoint("turn-written")
    intent = deadlines.intent(attempt_id) if tries else None
    return Turn(held.issue_id, changes, True, intent, tries)


def leave_out(
    session: Session, held: Claim, absent: Sequence[int], unusable: Sequence[int]
) -> Turn:
    """Settle those of a batch to whom nothing can be sent.

    `absent` are no longer on the list and are excluded; `unusable` fail, since no provider
    could take their address.
    """
    excluded, failed = _exclude(session, held, absent), _fail_unusable(session, unusable)
    return Turn(held.issue_id, +Counter({_EXCLUDED: excluded, _FAILED: failed}))


def release(
    session: Session, keys: Keys, held: Claim, answered: Answered | None, now: datetime
) -> Turn:
    """Record the last answers and give the batch back; due again when something is left in it."""
    _, ours, changes = _close_attempt(session, keys, held, answered, now)
    if ours:
        let_go(session, held.batch_id, held.issue_id, held.first_id, held.last_id, now)
    failpoint("release-written")
    return Turn(held.issue_id, changes)


def undo(session: Session, doubtful: Sequence[object], now: datetime) -> None:
    """Take back intents and claims of a commit of which nobody knows whether it happened.

    No byte has left for them.  Taking an attempt's id for a void row waits for a transaction
    that is still open at the server: afterwards the old one is committed, or never will be.
    """
    for result in doubtful:
        if isinstance(result, Turn) and result.intent is not None:
            _void(session, result, result.intent.attempt_id, now)
        elif isinstance(result, Claim):
            session.execute(
                update(_batch)
                .where(_batch.c.id == result.batch_id, _batch.c.fence == result.fence)
                .values(lease_until=None)
            )


_issue = table_of(Issue)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_note = table_of(DeliveryNote)
_bulletin = table_of(Bulletin)


def _claimable(practice: bool, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        _batch.c.due_at <= now,
        or_(_batch.c.lease_until.is_(None), _batch.c.lease_until < now),
        _issue.c.state == IssueState.SENDING,
        _issue.c.practice == practice,
    )


def _close_attempt(
    session: Session, keys: Keys, held: Claim, answered: Answered | None, now: datetime
) -> tuple[IssueState, bool, Counter[DeliveryState]]:
    """Lock issue and batch, record the answers; return the state, whether it is ours, changes."""
    stops = answered is not None and answered.fault is not None
    # A pause or a cancellation committed before this moment is seen, a later one waits.
    state = session.scalars(
        select(_issue.c.state).where(_issue.c.id == held.issue_id).with_for_update(read=not stops)
    ).one()
    fence = session.scalars(
        select(_batch.c.fence).where(_batch.c.id == held.batch_id).with_for_update()
    ).one()
    ours = fence == held.fence
    changes: Counter[DeliveryState] = Counter()
    if answered is not None:
        changes = _record(session, keys, held, answered, state, now)
        if not ours:
            _reopen(session, held, answered, now)
        if answered.fault is not None and pause(session, keys, held.issue_id, answered.fault, now):
            state = IssueState.PAUSED
    return state, ours, changes


def _record(
    session: Session, keys: Keys, held: Claim, answered: Answered, state: IssueState, now: datetime
) -> Counter[DeliveryState]:
    alike: defaultdict[Verdict, list[int]] = defaultdict(list)
    for number, given in answered.verdicts.items():
        alike[in_issue(given, state)].append(number)
    changes: Counter[DeliveryState] = Counter()
    for given, numbers in alike.items():
        recorded = _become(session, answered.attempt_id, given, numbers)
        changes[given.state] += len(recorded)
        late = _late(session, answered.attempt_id, given, set(numbers) - recorded)
        if given.reason is not None:
            late |= recorded
        _write_notes(session, keys, answered, given.reason, sorted(late), now)
    if answered.reference is not None:
        session.execute(
            update(_attempt)
            .where(_attempt.c.id == answered.attempt_id)
            .values(reference=answered.reference)
        )
    return +changes  # without those that changed nobody


def _become(session: Session, attempt_id: int, given: Verdict, numbers: list[int]) -> set[int]:
    """Give the verdict to those whose last attempt it is; return them."""
    values: dict[str, Any] = {"state": given.state, "reason": given.reason, "due_at": given.due_at}
    if not given.counts:
        values["tries"] = _delivery.c.tries - 1
    return set(
        session.scalars(
            update(_delivery)
            .where(
                _delivery.c.id.in_(numbers),
                _delivery.c.attempt_id == attempt_id,
                _delivery.c.state.in_((DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN)),
            )
            .values(values)
            .returning(_delivery.c.id)
        )
    )


def _late(session: Session, attempt_id: int, given: Verdict, numbers: set[int]) -> set[int]:
    """Return those for whom the answer came too late to count, and so is kept as evidence."""
    if not numbers:
        return set()
    recorded_before = and_(_delivery.c.attempt_id == attempt_id, _delivery.c.state == given.state)
    return set(
        session.scalars(select(_delivery.c.id).where(_delivery.c.id.in_(numbers), ~recorded_before))
    )


def _write_notes(
    session: Session,
    keys: Keys,
    answered: Answered,
    reason: Reason | None,
    numbers: Sequence[int],
    now: datetime,
) -> None:
    notes = [
        {
            "delivery_id": number,
            "attempt_id": answered.attempt_id,
            "at": now,
            "reason": reason,
            "reply": _seal(keys, number, answered.replies.get(number)),
        }
        for number in numbers
    ]
    if notes:
        session.execute(insert(_note), notes)


def _seal(keys: Keys, delivery_id: int, reply: str | None) -> bytes | None:
    if not reply:
        return None
    return keys.encrypt(reply, "delivery_note.reply", str(delivery_id).encode())


def _reopen(session: Session, held: Claim, answered: Answered, now: datetime) -> None:
    """Make a batch due again that somebody else took, or ended, before a late "try later"."""
    due = [given.due_at or now for given in answered.verdicts.values() if _is_pending(given)]
    if due:
        session.execute(
            update(_batch)
            .where(
                _batch.c.id == held.batch_id,
                or_(_batch.c.due_at.is_(None), _batch.c.due_at > min(due)),
            )
            .values(due_at=min(due))
        )


def _is_pending(given: Verdict) -> bool:
    return given.state is DeliveryState.PENDING


def _fail_unusable(session: Session, numbers: Sequence[int]) -> int:
    if not numbers:
        return 0
    failed = session.execute(
        update(_delivery)
        .where(_delivery.c.id.in_(numbers), _delivery.c.state == DeliveryState.PENDING)
        .values(state=DeliveryState.FAILED, reason=Reason.ADDRESS_UNUSABLE, due_at=None)
        .returning(_delivery.c.id)
    )
    return len(failed.all())


def _intend(
    session: Session,
    held: Claim,
    worker_id: int,
    numbers: Sequence[int],
    deadlines: Deadlines,
) -> tuple[int, dict[int, int]]:
    """Put under one new attempt whoever may still be sent to; return its id and their tries."""
    if not numbers:
        return 0, {}
    _one_issue_of_a_bulletin_at_a_time(session, held)
    attempt_id = session.execute(
        insert(_attempt)
        .values(
            issue_id=held.issue_id,
            batch_id=held.batch_id,
            worker_id=worker_id,
            fence=held.fence,
            started_at=deadlines.now,
            start_by=deadlines.start_by,
            answer_by=deadlines.answer_by,
            size=len(numbers),
        )
        .returning(_attempt.c.id)
    ).scalar_one()
    intended = session.execute(
        _intending(asks_who_received=bool(held.bulletins)),
        {"this_attempt": attempt_id} | _about(held, numbers),
    ).all()
    tries = {row.id: row.tries for row in intended}
    if len(tries) < len(numbers):
        _shrink(session, attempt_id, len(tries))
    return attempt_id, tries


def _shrink(session: Session, attempt_id: int, size: int) -> None:
    this = _attempt.c.id == attempt_id
    session.execute(
        update(_attempt).where(this).values(size=size) if size else delete(_attempt).where(this)
    )


def _exclude(session: Session, held: Claim, numbers: Sequence[int]) -> int:
    if not numbers:
        return 0
    excluded = session.execute(
        _excluding(asks_who_received=bool(held.bulletins)), _about(held, numbers)
    )
    return len(excluded.all())


# Built once: writing out such a statement takes longer than the database takes to run it.
@cache
def _intending(*, asks_who_received: bool) -> ReturningUpdate[tuple[int, int]]:
    return (
        update(_delivery)
        .where(*_pending_among_numbers(), _why_left_out(asks_who_received).is_(None))
        .values(
            state=DeliveryState.IN_FLIGHT,
            reason=None,
            due_at=None,
            attempt_id=bindparam("this_attempt"),
            tries=_delivery.c.tries + 1,
        )
        .returning(_delivery.c.id, _delivery.c.tries)
    )


@cache
def _excluding(*, asks_who_received: bool) -> ReturningUpdate[tuple[int]]:
    why = _why_left_out(asks_who_received)
    return (
        update(_delivery)
        .where(*_pending_among_numbers(), why.is_not(None))
        .values(state=DeliveryState.EXCLUDED, reason=why, due_at=None)
        .returning(_delivery.c.id)
    )


def _pending_among_numbers() -> tuple[ColumnElement[bool], ...]:
    among = _delivery.c.id.in_(bindparam("numbers", expanding=True))
    return among, _delivery.c.state == DeliveryState.PENDING


def _why_left_out(asks_who_received: bool) -> ColumnElement[Reason | None]:
    return why_left_out(
        _delivery.c.subscriber_id,
        bindparam("this_list", type_=BigInteger),
        bindparam("this_issue", type_=BigInteger),
        bindparam("bulletins", expanding=True) if asks_who_received else None,
    )


def _about(held: Claim, numbers: Sequence[int]) -> dict[str, object]:
    """Return the parameters of `_intending` and `_excluding`."""
    values: dict[str, object] = {
        "numbers": numbers,
        "this_list": held.list_id,
        "this_issue": held.issue_id,
    }
    return values | ({"bulletins": held.bulletins} if held.bulletins else {})


def _one_issue_of_a_bulletin_at_a_time(session: Session, held: Claim) -> None:
    """Let two processes that send one bulletin to two lists see each other's intents.

    Only PostgreSQL needs it, where two transactions write at once, and only while another
    issue of the bulletin is being sent.
    """
    if not held.bulletins or session.get_bind().dialect.name != "postgresql":
        return
    rival = exists().where(
        Edition.bulletin_id.in_(held.bulletins),
        Edition.issue_id == _issue.c.id,
        _issue.c.id != held.issue_id,
        _issue.c.state == IssueState.SENDING,
        ~_issue.c.practice,
    )
    session.execute(
        select(_bulletin.c.id)
        .where(_bulletin.c.id == min(held.bulletins), rival)
        .with_for_update(of=_bulletin)
    )


def _void(session: Session, doubtful: Turn, attempt_id: int, now: datetime) -> None:
    was_free = insert_new(
        session,
        Attempt,
        id=attempt_id,
        issue_id=doubtful.issue_id,
        worker_id=0,
        fence=0,
        started_at=now,
        start_by=now,
        answer_by=now,
        size=0,
        void=True,
    )
    if was_free:
        return  # that commit never happened, and no longer can
    session.execute(update(_attempt).where(_attempt.c.id == attempt_id).values(void=True))
    session.execute(
        update(_delivery)
        .where(
            _delivery.c.id.in_(doubtful.tries),
            _delivery.c.attempt_id == attempt_id,
            _delivery.c.state == DeliveryState.IN_FLIGHT,
        )
        .values(state=DeliveryState.PENDING, attempt_id=None, tries=_delivery.c.tries - 1)
    )
