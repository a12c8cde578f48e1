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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.received import same_bulletin, why_left_out
from newsletter.dispatch.retry import NOT_SENT, Answered, Verdict, in_issue
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

IsGone = Callable[[Session, int], bool]
"""Whether a worker, by its id, has certainly ended."""

SETTLED = (
    DeliveryState.SUBMITTED,
    DeliveryState.FAILED,
    DeliveryState.UNKNOWN,
    DeliveryState.EXCLUDED,
)
"""The states that nothing but an answer that comes late, or a person, changes."""

_EXCLUDED, _FAILED = DeliveryState.EXCLUDED, DeliveryState.FAILED
_PAUSE_REASON_LENGTH = 500  # of issue.pause_reason


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
    _sweep_range(session, row.issue_id, row.first_id, row.last_id, now, is_gone)
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
        _let_go(session, held.batch_id, held.issue_id, held.first_id, held.last_id, now)
    failpoint("release-written")
    return Turn(held.issue_id, changes)


def sweep(session: Session, now: datetime, is_gone: IsGone) -> Counter[DeliveryState]:
    """Take back what processes that are gone held, and settle overdue answers.

    Looks at every batch that somebody claimed, whatever state its issue is in, and ends what
    a cancelled issue left open.
    """
    claimed = session.execute(
        select(_batch)
        .where(_batch.c.due_at.is_not(None), _batch.c.worker_id.is_not(None))
        .order_by(_batch.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    swept: Counter[DeliveryState] = Counter()
    for row in claimed:
        found = _sweep_range(session, row.issue_id, row.first_id, row.last_id, now, is_gone)
        free = row.lease_until is None or row.lease_until < now or is_gone(session, row.worker_id)
        if free and (found or row.lease_until is not None):
            _let_go(session, row.id, row.issue_id, row.first_id, row.last_id, now)
        swept += found
    _close_cancelled(session)
    return swept


def complete(session: Session, now: datetime) -> list[int]:
    """End every issue in which nothing is pending, claimed or in flight; return their ids."""
    is_open = exists().where(_batch.c.issue_id == _issue.c.id, _batch.c.due_at.is_not(None))
    done = session.scalars(
        select(_issue.c.id)
        .where(
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _issue.c.audience_size.is_not(None),
            ~is_open,
        )
        .order_by(_issue.c.id)
        .with_for_update()
    ).all()
    if not done:
        return []
    # The lock first, then a fresh look: a late answer may just have opened a batch again.
    ended = session.scalars(
        update(_issue)
        .where(_issue.c.id.in_(done), ~is_open)
        .values(state=IssueState.COMPLETED, ended_at=now, pause_reason=None)
        .returning(_issue.c.id)
    )
    return sorted(ended)


def pause(session: Session, keys: Keys, issue_id: int, sentence: str, now: datetime) -> bool:
    """Stop an issue that is sending and tell staff why; False when it was not sending."""
    stopped = session.execute(
        update(_issue)
        .where(_issue.c.id == issue_id, _issue.c.state == IssueState.SENDING)
        .values(state=IssueState.PAUSED, pause_reason=sentence[:_PAUSE_REASON_LENGTH])
        .returning(_issue.c.id)
    ).all()
    if stopped:
        notices.tell(
            session,
            keys,
            f"issue-paused/{issue_id}/{now.isoformat()}",
            f"Issue {issue_id} has stopped",
            [
                sentence,
                "Nobody was marked as failed. When it is put right, resume the issue: "
                f"newsletter issue resume {issue_id}. It goes on where it stopped.",
            ],
            now,
        )
    return bool(stopped)


def pause_the_other_kind(session: Session, keys: Keys, practice: bool, now: datetime) -> None:
    """Stop what was begun as practice when the provider is real by now, and the other way round."""
    others = session.scalars(
        select(_issue.c.id).where(
            _issue.c.state == IssueState.SENDING, _issue.c.practice != practice
        )
    ).all()
    begun, ours = ("with a real provider", "practice") if practice else ("as practice", "real")
    for issue_id in others:
        sentence = (
            f"Issue {issue_id} was begun {begun}, and the provider in the settings is now "
            f"{ours}: set the provider back, or cancel the issue."
        )
        pause(session, keys, issue_id, sentence, now)


def count_left(session: Session) -> int:
    """Return how many deliveries of issues under way are pending or in flight."""
    waiting = (
        select(func.count())
        .select_from(_delivery)
        .join(_issue, _issue.c.id == _delivery.c.issue_id)
    )
    return session.scalars(
        waiting.where(
            _issue.c.state.in_((IssueState.SENDING, IssueState.PAUSED)),
            _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
    ).one()


def count_settled(session: Session, issue_id: int) -> tuple[int, int]:
    """Return how many of an issue's audience are settled, and how many there are."""
    settled = func.count().filter(_delivery.c.state.in_(SETTLED))
    row = session.execute(
        select(settled, func.count()).where(_delivery.c.issue_id == issue_id)
    ).one()
    return row[0], row[1]


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
    return changes


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
        update(_delivery)
        .where(
            _delivery.c.id.in_(numbers),
            _delivery.c.state == DeliveryState.PENDING,
            _why_left_out(held).is_(None),
        )
        .values(
            state=DeliveryState.IN_FLIGHT,
            reason=None,
            due_at=None,
            attempt_id=attempt_id,
            tries=_delivery.c.tries + 1,
        )
        .returning(_delivery.c.id, _delivery.c.tries)
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
    why = _why_left_out(held)
    excluded = session.execute(
        update(_delivery)
        .where(
            _delivery.c.id.in_(numbers),
            _delivery.c.state == DeliveryState.PENDING,
            why.is_not(None),
        )
        .values(state=DeliveryState.EXCLUDED, reason=why, due_at=None)
        .returning(_delivery.c.id)
    )
    return len(excluded.all())


def _why_left_out(held: Claim) -> ColumnElement[Reason | None]:
    return why_left_out(_delivery.c.subscriber_id, held.list_id, held.issue_id, held.bulletins)


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


def _sweep_range(
    session: Session, issue_id: int, first_id: int, last_id: int, now: datetime, is_gone: IsGone
) -> Counter[DeliveryState]:
    """Settle the deliveries in flight of one batch that nobody will answer for any more."""
    here = _in_batch(issue_id, first_id, last_id)
    in_flight = session.execute(
        select(_attempt.c.id, _attempt.c.worker_id, _attempt.c.answer_by)
        .join(_delivery, _delivery.c.attempt_id == _attempt.c.id)
        .where(*here, _delivery.c.state == DeliveryState.IN_FLIGHT)
        .distinct()
    ).all()
    died = [row.id for row in in_flight if is_gone(session, row.worker_id)]
    overdue = [row.id for row in in_flight if row.id not in died and row.answer_by < now]
    swept: Counter[DeliveryState] = Counter()
    if not died and not overdue:
        return swept
    practice = session.scalars(select(_issue.c.practice).where(_issue.c.id == issue_id)).one()
    for attempts, reason in ((died, Reason.PROCESS_DIED), (overdue, Reason.ANSWER_LOST)):
        # In practice the copy is a file named after the delivery: handing it over again
        # leaves one copy.  Anywhere else it may be on its way, and only a person may decide.
        fate = NOT_SENT if practice else Verdict(DeliveryState.UNKNOWN, reason)
        found = session.execute(
            update(_delivery)
            .where(
                *here,
                _delivery.c.state == DeliveryState.IN_FLIGHT,
                _delivery.c.attempt_id.in_(attempts),
            )
            .values(state=fate.state, reason=fate.reason)
            .returning(_delivery.c.id)
        )
        swept[fate.state] += len(found.all())
    return swept


def _in_batch(issue_id: int, first_id: int, last_id: int) -> tuple[ColumnElement[bool], ...]:
    # The sum keeps SQLite on the range of ids: the index of the issue is 40 times slower.
    return (_delivery.c.id.between(first_id, last_id), _delivery.c.issue_id + 0 == issue_id)


def _let_go(
    session: Session, batch_id: int, issue_id: int, first_id: int, last_id: int, now: datetime
) -> None:
    """End the lease; due again at the first retry or overdue answer in it, or never."""
    waits = case(
        (_delivery.c.state == DeliveryState.PENDING, func.coalesce(_delivery.c.due_at, now)),
        else_=_attempt.c.answer_by,
    )
    left = session.execute(
        select(
            func.min(waits, type_=_batch.c.due_at.type),
            func.count().filter(_delivery.c.state == DeliveryState.IN_FLIGHT),
        )
        .select_from(_delivery)
        .outerjoin(_attempt, _attempt.c.id == _delivery.c.attempt_id)
        .where(
            *_in_batch(issue_id, first_id, last_id),
            _delivery.c.state.in_((DeliveryState.PENDING, DeliveryState.IN_FLIGHT)),
        )
    ).one()
    due_at, in_flight = left
    values: dict[str, Any] = {"due_at": due_at, "lease_until": None}
    if not in_flight:
        values["worker_id"] = None  # the sweep need not look here any more
    session.execute(update(_batch).where(_batch.c.id == batch_id).values(values))


def _close_cancelled(session: Session) -> None:
    """Leave nothing pending, and no batch open, in an issue that was cancelled."""
    cancelled = session.scalars(
        select(_issue.c.id).where(
            _issue.c.state == IssueState.CANCELLED,
            exists().where(_batch.c.issue_id == _issue.c.id, _batch.c.due_at.is_not(None)),
        )
    ).all()
    if not cancelled:
        return
    session.execute(
        update(_delivery)
        .where(_delivery.c.issue_id.in_(cancelled), _delivery.c.state == DeliveryState.PENDING)
        .values(state=DeliveryState.EXCLUDED, reason=Reason.CANCELLED, due_at=None)
    )
    session.execute(
        update(_batch)
        .where(
            _batch.c.issue_id.in_(cancelled),
            _batch.c.due_at.is_not(None),
            _batch.c.worker_id.is_(None),
        )
        .values(due_at=None)
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
