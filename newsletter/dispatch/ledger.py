"""Every statement that moves a delivery after the freeze.

```text
pending   -> in flight (turn) | excluded (turn) | failed (turn: no provider takes the address)
in flight -> submitted | failed | pending, not before t | unknown (an answer)
in flight -> unknown, or pending in practice (sweep: the process is gone, the answer overdue)
in flight -> pending (undo: nobody knows whether its commit happened, and no byte has left)
unknown   -> submitted | failed | pending (an answer that comes after all)
```
Rows are locked in one order, issue, batch, deliveries, so that processes do not deadlock.
Each function may be called again after its transaction failed, even when nobody knows
whether the commit went through.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsletter.dispatch.course import pause
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.handover import waits_for_its_time
from newsletter.dispatch.received import same_bulletin, why_left_out
from newsletter.dispatch.retry import Answered, Verdict, in_issue
from newsletter.dispatch.sweep import IsGone, let_go, sweep_range
from newsletter.dispatch.trial import waits_for_trial
from newsletter.providers.base import Hold, Intent
from newsletter.tables import (
    Attempt,
    Batch,
    Bulletin,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Edition,
    HandOver,
    Issue,
    IssueState,
    Reason,
    Trial,
)
from subscribers.database import EPOCH, MICROSECOND, table_of
from subscribers.privacy import Keys
from subscribers.statement import Statement, place
from subscribers.style import Style

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
    is_trial: bool = (
        False  # the issue's first hundred: nothing else of it goes before their answers
    )
    hold: Hold | None = None  # the provider gets it before its time
    discreet: bool = False  # the edition is


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

    @property
    def renew_before(self) -> datetime:
        """A lease that ends earlier is made longer; not in every turn, which would be a write."""
        return self.answer_by + self.start_within / 2

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
    allowed: int = 0  # how many of those asked for the pace let through
    not_before: datetime | None = None  # when to ask again, where it let nobody through
    batch_id: int = 0
    fence: int = 0  # with the batch, whose attempt it is


def claim(
    session: Session,
    worker_id: int,
    practice: bool,
    deadlines: Deadlines,
    is_gone: IsGone,
    provider: str,
) -> Claim | None:
    """Take the batch that is due first, or None: one row, no trace in the deliveries."""
    now = deadlines.now
    claimed = _CLAIM.run(
        session,
        practice=practice,
        provider=provider,
        now=now,
        this_worker=worker_id,
        until=deadlines.lease_until,
    )
    if not claimed:
        return None
    ((batch_id, issue_id, edition_no, first_id, last_id, fence),) = claimed
    sweep_range(session, issue_id, first_id, last_id, now, is_gone)
    ((list_id, trial_id, name, send_at, style),) = _ABOUT.run(
        session, this_issue=issue_id, this_edition=edition_no, now=now
    )
    return Claim(
        batch_id=batch_id,
        issue_id=issue_id,
        list_id=list_id,
        edition_no=edition_no,
        first_id=first_id,
        last_id=last_id,
        fence=fence,
        practice=practice,
        bulletins=() if practice else same_bulletin(session, issue_id),
        is_trial=trial_id == batch_id,
        hold=Hold(name, EPOCH + send_at * MICROSECOND) if name else None,
        discreet=style == Style.DISCREET.label,
    )


def anything_due(session: Session, practice: bool, now: datetime, provider: str) -> bool:
    """Return whether a claim would find something."""
    ((due,),) = _ANYTHING_DUE.run(session, practice=practice, provider=provider, now=now)
    return bool(due)


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
    state, lease_until, changes = _close_attempt(session, keys, held, answered, deadlines.now)
    if state is not IssueState.SENDING or lease_until is None:
        return Turn(held.issue_id, changes)
    if lease_until < deadlines.renew_before:
        _RENEW.run(session, this_batch=held.batch_id, until=deadlines.lease_until)
    intent, tries = _intend(session, held, worker_id, ids, deadlines)
    refused = [number for number in ids if number not in tries]
    if excluded := _exclude(session, held, refused):
        changes[_EXCLUDED] = excluded
    failpoint("turn-written")
    return Turn(
        held.issue_id, changes, True, intent, tries, batch_id=held.batch_id, fence=held.fence
    )


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
    _, lease_until, changes = _close_attempt(session, keys, held, answered, now)
    if lease_until is not None:
        let_go(session, held.batch_id, held.issue_id, held.first_id, held.last_id, now)
    failpoint("release-written")
    return Turn(held.issue_id, changes)


def _close_attempt(
    session: Session, keys: Keys, held: Claim, answered: Answered | None, now: datetime
) -> tuple[IssueState, datetime | None, Counter[DeliveryState]]:
    """Lock issue and batch, record the answers; return state, lease if it is ours, changes."""
    look = _LOOK if answered is None or answered.fault is None else _LOOK_TO_STOP
    ((code, fence, leased),) = look.run(session, this_batch=held.batch_id)
    state, ours = IssueState(code), fence == held.fence
    changes: Counter[DeliveryState] = Counter()
    if answered is not None:
        changes = _record(session, keys, answered, state, now)
        if not ours:
            _reopen(session, held, answered, now)
        if answered.fault is not None and pause(
            session, keys, held.issue_id, answered.fault, now, provider_fails=True
        ):
            state = IssueState.PAUSED
    return state, EPOCH + (leased or 0) * MICROSECOND if ours else None, changes


def _record(
    session: Session, keys: Keys, answered: Answered, state: IssueState, now: datetime
) -> Counter[DeliveryState]:
    changes: Counter[DeliveryState] = Counter()
    for said, numbers in _alike(answered.verdicts).items():
        given = in_issue(said, state)
        recorded = _become(session, answered.attempt_id, given, numbers)
        if recorded:
            changes[given.state] += len(recorded)
        if given.reason is not None or len(recorded) != len(numbers):
            late = _late(session, answered.attempt_id, given, set(numbers) - recorded)
            if given.state is DeliveryState.SUBMITTED:
                _spare(session, answered.attempt_id, late)
            noted = late if given.reason is None else late | recorded
            _write_notes(session, keys, answered, given.reason, sorted(noted), now)
    if answered.reference is not None:
        _REFER.run(session, this_attempt=answered.attempt_id, its_name=answered.reference)
    return changes


def _alike(verdicts: Mapping[int, Verdict]) -> dict[Verdict, list[int]]:
    """Return who got each verdict."""
    alike: dict[Verdict, list[int]] = {}
    last, numbers = None, []
    for number, given in verdicts.items():
        if given is not last:  # nearly all share one, and looking it up would cost more
            last, numbers = given, alike.setdefault(given, [])
        numbers.append(number)
    return alike


def _become(session: Session, attempt_id: int, given: Verdict, numbers: Sequence[int]) -> set[int]:
    """Give the verdict to those whose last attempt it is; return them."""
    recorded = _BECOME.run(
        session,
        numbers,
        this_attempt=attempt_id,
        new_state=given.state,
        new_reason=given.reason,
        new_due=given.due_at,
        uncounted=0 if given.counts else 1,
    )
    return {number for (number,) in recorded}


def _late(session: Session, attempt_id: int, given: Verdict, numbers: set[int]) -> set[int]:
    """Return those for whom the answer came too late to count, and so is kept as evidence."""
    if not numbers:
        return set()
    recorded_before = and_(_delivery.c.attempt_id == attempt_id, _delivery.c.state == given.state)
    return set(
        session.scalars(select(_delivery.c.id).where(_delivery.c.id.in_(numbers), ~recorded_before))
    )


def _spare(session: Session, attempt_id: int, numbers: set[int]) -> None:
    """Send nothing again to those who turn out to have it before their turn has come."""
    session.execute(
        update(_delivery)
        .where(
            _delivery.c.id.in_(numbers),
            _delivery.c.state == DeliveryState.PENDING,
            _delivery.c.attempt_id.is_(None),  # people had it sent again
        )
        .values(state=DeliveryState.SUBMITTED, attempt_id=attempt_id)
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
) -> tuple[Intent | None, dict[int, int]]:
    """Put under one new attempt whoever may still be sent to; return it, and their tries."""
    if not numbers:
        return None, {}
    _one_issue_of_a_bulletin_at_a_time(session, held)
    ((attempt_id,),) = _ATTEMPT.run(
        session,
        issue_id=held.issue_id,
        batch_id=held.batch_id,
        worker_id=worker_id,
        fence=held.fence,
        started_at=deadlines.now,
        start_by=deadlines.start_by,
        answer_by=deadlines.answer_by,
        size=len(numbers),
    )
    intended = _intending(held.bulletins, held.discreet).run(
        session,
        numbers,
        this_attempt=attempt_id,
        this_list=held.list_id,
        this_issue=held.issue_id,
    )
    tries = dict(intended)
    if len(tries) != len(numbers):
        _shrink(session, attempt_id, len(tries))
    return deadlines.intent(attempt_id) if tries else None, tries


def _shrink(session: Session, attempt_id: int, size: int) -> None:
    this = _attempt.c.id == attempt_id
    session.execute(
        update(_attempt).where(this).values(size=size) if size else delete(_attempt).where(this)
    )


def _exclude(session: Session, held: Claim, numbers: Sequence[int]) -> int:
    if not numbers:
        return 0
    excluded = _excluding(held.bulletins, held.discreet).run(
        session, numbers, this_list=held.list_id, this_issue=held.issue_id
    )
    return len(excluded)


def _one_issue_of_a_bulletin_at_a_time(session: Session, held: Claim) -> None:
    """Let two processes that send one bulletin to two lists see each other's intents.

    Only PostgreSQL needs it, where two transactions write at once, and only while another
    issue of the bulletin is being sent.
    """
    if held.bulletins and session.get_bind().dialect.name == "postgresql":
        _RIVALS.run(
            session, held.bulletins, this_bulletin=min(held.bulletins), this_issue=held.issue_id
        )


# --- the statements of every turn ---------------------------------------------------------------

_issue = table_of(Issue)
_edition = table_of(Edition)
_batch = table_of(Batch)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_note = table_of(DeliveryNote)
_bulletin = table_of(Bulletin)
_trial = table_of(Trial)
_held = table_of(HandOver)

_CLAIMABLE = (
    _batch.c.due_at <= place("now"),
    or_(_batch.c.lease_until.is_(None), _batch.c.lease_until < place("now")),
    _issue.c.state == IssueState.SENDING,
    _issue.c.practice == place("practice"),
    ~waits_for_trial(_batch),
    ~waits_for_its_time(_batch),
)
_DUE_FIRST = (
    select(_batch.c.id)
    .join(_issue, _issue.c.id == _batch.c.issue_id)
    .where(*_CLAIMABLE)
    .order_by(_batch.c.due_at, _batch.c.id)
    .limit(1)
    .with_for_update(of=_batch, skip_locked=True)
)
_CLAIM = Statement(
    lambda _: (
        update(_batch)
        .where(_batch.c.id == _DUE_FIRST.scalar_subquery())
        .values(
            fence=_batch.c.fence + 1, worker_id=place("this_worker"), lease_until=place("until")
        )
        .returning(
            *(_batch.c.id, _batch.c.issue_id, _batch.c.edition_no),
            *(_batch.c.first_id, _batch.c.last_id, _batch.c.fence),
        )
    )
)
_ABOUT = Statement(
    lambda _: (
        select(
            *(_issue.c.list_id, _trial.c.batch_id, _held.c.batch_id, _held.c.send_at),
            _edition.c.style,
        )
        .outerjoin(_trial, and_(_trial.c.issue_id == _issue.c.id, _trial.c.judged_at.is_(None)))
        .outerjoin(_held, and_(_held.c.issue_id == _issue.c.id, _held.c.send_at > place("now")))
        .outerjoin(
            _edition,
            and_(_edition.c.issue_id == _issue.c.id, _edition.c.no == place("this_edition")),
        )
        .where(_issue.c.id == place("this_issue"))
    )
)
_ANYTHING_DUE = Statement(
    lambda _: select(
        exists(
            select(1)
            .select_from(_batch)
            .join(_issue, _issue.c.id == _batch.c.issue_id)
            .where(*_CLAIMABLE)
        )
    )
)
_LOOK_AT = (
    select(_issue.c.state, _batch.c.fence, _batch.c.lease_until)
    .join(_batch, _batch.c.issue_id == _issue.c.id)
    .where(_batch.c.id == place("this_batch"))
)
# Many turns look at an issue at once; a pause or a cancellation committed before this moment
# is seen, a later one waits.  PostgreSQL locks in the order in which it is told.
_LOOK = Statement(lambda _: _LOOK_AT.suffix_with(_locking("SHARE"), dialect="postgresql"))
_LOOK_TO_STOP = Statement(lambda _: _LOOK_AT.suffix_with(_locking("UPDATE"), dialect="postgresql"))


def _locking(strength: str) -> str:
    return f"FOR {strength} OF issue FOR UPDATE OF batch"


_RENEW = Statement(
    lambda _: (
        update(_batch).where(_batch.c.id == place("this_batch")).values(lease_until=place("until"))
    )
)
# An answer counts for its own attempt only, and never over a verdict.
_BECOME = Statement(
    lambda numbers: (
        update(_delivery)
        .where(
            _delivery.c.id.in_(numbers),
            _delivery.c.attempt_id == place("this_attempt"),
            _delivery.c.state.in_((DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN)),
        )
        .values(
            state=place("new_state"),
            reason=place("new_reason"),
            due_at=place("new_due"),
            tries=_delivery.c.tries - place("uncounted"),
        )
        .returning(_delivery.c.id)
    )
)
_REFER = Statement(
    lambda _: (
        update(_attempt)
        .where(_attempt.c.id == place("this_attempt"))
        .values(reference=place("its_name"))
    )
)
_INTENT = (
    *("issue_id", "batch_id", "worker_id", "fence"),
    *("started_at", "start_by", "answer_by", "size"),
)
_ATTEMPT = Statement(
    lambda _: (
        insert(_attempt).values({name: place(name) for name in _INTENT}).returning(_attempt.c.id)
    )
)
_RIVALS = Statement(
    lambda bulletins: (
        select(_bulletin.c.id)
        .where(
            _bulletin.c.id == place("this_bulletin"),
            exists().where(
                Edition.bulletin_id.in_(bulletins),
                Edition.issue_id == _issue.c.id,
                _issue.c.id != place("this_issue"),
                _issue.c.state == IssueState.SENDING,
                ~_issue.c.practice,
            ),
        )
        .with_for_update(of=_bulletin)
    )
)


@lru_cache(maxsize=32)
def _intending(bulletins: tuple[int, ...], discreet: bool) -> Statement:
    why = _why_left_out(bulletins, discreet)
    return Statement(
        lambda numbers: (
            update(_delivery)
            .where(
                _delivery.c.id.in_(numbers),
                _delivery.c.state == DeliveryState.PENDING,
                why.is_(None),
            )
            .values(
                state=DeliveryState.IN_FLIGHT,
                reason=None,
                due_at=None,
                attempt_id=place("this_attempt"),
                tries=_delivery.c.tries + 1,
            )
            .returning(_delivery.c.id, _delivery.c.tries)
        )
    )


@lru_cache(maxsize=32)
def _excluding(bulletins: tuple[int, ...], discreet: bool) -> Statement:
    why = _why_left_out(bulletins, discreet)
    return Statement(
        lambda numbers: (
            update(_delivery)
            .where(
                _delivery.c.id.in_(numbers),
                _delivery.c.state == DeliveryState.PENDING,
                why.is_not(None),
            )
            .values(state=DeliveryState.EXCLUDED, reason=why, due_at=None)
            .returning(_delivery.c.id)
        )
    )


def _why_left_out(bulletins: tuple[int, ...], discreet: bool) -> ColumnElement[Reason | None]:
    return why_left_out(
        _delivery.c.subscriber_id,
        place("this_list"),
        place("this_issue"),
        bulletins,
        discreet=discreet,
    )
