"""To whom, fixed: one transaction turns a scheduled issue into deliveries and batches."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Subquery,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.counted import counted
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.handover import begins_early, drop_unused
from newsletter.dispatch.jobs import call_workers
from newsletter.dispatch.received import other_issues, reason_of, received_in
from newsletter.dispatch.trial import FIRST
from newsletter.errors import NotAllowed, NotFound
from newsletter.issue import blocking_lines, names_found
from newsletter.issue.readers import Choice, choice_of
from newsletter.rendering import RenderedEmail
from newsletter.tables import (
    Batch,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Reason,
    Trial,
)
from subscribers.audience import audience
from subscribers.database import table_of
from subscribers.privacy import KeyMismatch, Keys
from subscribers.tables import Subscriber, Subscription, SubscriptionState

SMALLEST_BATCH = 10
Span = tuple[int, int, int, int]  # an edition's number, its first id, its last, how many
_FREEZING = 1_734_689  # the advisory lock of PostgreSQL: an issue's ids must follow one another


class ApprovalVoid(NotAllowed):
    """What is stored is not what was approved."""


def freeze(
    session: Session,
    keys: Keys,
    issue_id: int,
    practice: bool,
    batch_limit: int,
    connections: int,
    now: datetime,
) -> int:
    """Give everyone in the audience their one delivery, pending or excluded; return how many.

    Everyone whose subscription to the list is active or ended is in the audience; those who
    left, are suppressed or have the bulletin already are excluded with that reason.  Batches
    are ranges of delivery ids of one edition, small enough that all `connections` have work; of
    a real issue to more than a hundred people, the first hundred are one batch, which goes alone.
    Repeating it changes nothing and returns the same number.  The workers are called to it.

    Raises:
        NotFound: there is no such issue.
        ApprovalVoid: the text, the audience or the time changed after the approval.
        NotAllowed: the issue is not scheduled, or not due; or another process fixes an audience
            at this moment.
    """
    _one_freeze_at_a_time(session)
    issue = session.execute(
        select(Issue.list_id, Issue.audience_size).where(Issue.id == issue_id)
    ).one_or_none()
    if issue is None:
        raise NotFound(f"There is no issue {issue_id}: newsletter issue show lists them.")
    if issue.audience_size is not None:
        return cast(int, issue.audience_size)
    _start(session, issue_id, practice, now)
    drop_unused(session, issue_id, now)
    _check_editions(session, keys, issue_id)
    choice = choice_of(session, issue_id, issue.list_id)
    others = () if practice else other_issues(session, issue_id)
    _insert_deliveries(session, issue_id, issue.list_id, others, choice)
    _insert_batches(session, issue_id, choice, batch_limit, connections, practice, now)
    size = _count_apart(session, issue_id, issue.list_id)
    session.execute(update(_issue).where(_issue.c.id == issue_id).values(audience_size=size))
    _tell_of_the_discreet(session, keys, issue_id, now)
    _refresh_statistics(session)
    call_workers(session, issue_id)
    failpoint("freeze-written")
    return size


def freeze_joined(
    session: Session,
    issue_id: int,
    list_id: int,
    practice: bool,
    batch_limit: int,
    connections: int,
    now: datetime,
) -> int:
    """Take into a begun issue's audience who subscribed since; return how many.

    They get their delivery as in the freeze, and batches of their own.  The caller holds the
    issue.

    Raises:
        NotAllowed: somebody subscribed at this very moment; it may be tried again.
    """
    _one_freeze_at_a_time(session)
    joined = count_joined(session, issue_id, list_id)
    last = session.scalar(select(func.max(_delivery.c.id))) or 0
    choice = choice_of(session, issue_id, list_id)
    others = () if practice else other_issues(session, issue_id)
    _insert_deliveries(session, issue_id, list_id, others, choice, only_joined=True)
    _insert_batches(session, issue_id, choice, batch_limit, connections, practice, now, after=last)
    rows = session.scalar(select(func.count()).where(_delivery.c.id > last))
    if rows != joined:
        raise NotAllowed("Somebody is subscribing at this moment: try again.")
    session.execute(
        update(_issue)
        .where(_issue.c.id == issue_id)
        .values(audience_size=_issue.c.audience_size + joined)
    )
    failpoint("joined-written")
    return joined


def count_joined(session: Session, issue_id: int, list_id: int) -> int:
    """Return how many are subscribed now and have no delivery of a begun issue."""
    people = audience(list_id)
    return (
        session.scalar(
            select(func.count()).select_from(people).where(_has_joined(people, issue_id))
        )
        or 0
    )


def check_approval(session: Session, keys: Keys, issue_id: int) -> None:
    """Do nothing where an issue that has begun is still the one that was approved.

    Raises:
        ApprovalVoid: what is stored is not what was approved, or it holds a name that was
            registered since.
    """
    approved = session.scalar(
        select(Issue.approved_hash == Issue.version_hash).where(Issue.id == issue_id)
    )
    if not approved:
        raise ApprovalVoid(f"Issue {issue_id} is not the one that was approved: draft it again.")
    _check_editions(session, keys, issue_id)
    refuse_names(session, keys, issue_id)


def refuse_names(session: Session, keys: Keys, issue_id: int) -> None:
    """Do nothing where an issue's bulletins hold nothing that the register keeps secret.

    Looked at each time something of it may go out: a name may have been registered since the
    approval.

    Raises:
        ApprovalVoid: they do.
    """
    if found := names_found(session, keys, issue_id):
        raise ApprovalVoid(
            f"Issue {issue_id} holds what the register of pseudonyms keeps secret"
            f"{blocking_lines(found)}: mend the bulletin and add it again."
        )


def hold_back(session: Session, keys: Keys, issue_id: int, sentence: str, now: datetime) -> None:
    """Make an issue that must not start a held draft again, and tell staff why."""
    session.execute(
        update(_issue)
        .where(_issue.c.id == issue_id, _issue.c.state == IssueState.SCHEDULED)
        .values(state=IssueState.DRAFT, hold=True, approved_hash=None)
    )
    notices.tell(
        session,
        keys,
        f"issue-held-back/{issue_id}/{now.isoformat()}",
        f"Issue {issue_id} did not start",
        [sentence, "Nobody received it."],
        now,
    )


_issue = table_of(Issue)
_delivery = table_of(Delivery)
_batch = table_of(Batch)
_subscriber = table_of(Subscriber)


def _one_freeze_at_a_time(session: Session) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    # Not waited for: whoever does so holds up the turns of its other issues meanwhile.
    if not session.scalar(select(func.pg_try_advisory_xact_lock(_FREEZING))):
        raise NotAllowed("Another process fixes an audience: this one is next in a moment.")


def _start(session: Session, issue_id: int, practice: bool, now: datetime) -> None:
    started = session.scalar(
        update(_issue)
        .where(
            _issue.c.id == issue_id,
            _issue.c.state == IssueState.SCHEDULED,
            _issue.c.approved_hash == _issue.c.version_hash,
            _issue.c.due_at <= now
            if practice
            else or_(_issue.c.due_at <= now, begins_early(_issue, now)),
            or_(_issue.c.not_before.is_(None), _issue.c.not_before <= now),
        )
        .values(state=IssueState.SENDING, practice=practice, started_at=now, pause_reason=None)
        .returning(_issue.c.id)
    )
    if started is None:
        raise _why_not(session, issue_id)


def _why_not(session: Session, issue_id: int) -> NotAllowed:
    issue = session.execute(
        select(Issue.state, Issue.version_hash, Issue.approved_hash).where(Issue.id == issue_id)
    ).one()
    if issue.state is not IssueState.SCHEDULED:
        state = issue.state.name.lower().replace("_", " ")
        return NotAllowed(f"Issue {issue_id} is {state}: only a scheduled issue can start.")
    if issue.version_hash != issue.approved_hash:
        return ApprovalVoid(
            f"Issue {issue_id} changed after it was approved: look at it again, then schedule it."
        )
    return NotAllowed(f"Issue {issue_id} is not due yet: move it if it shall start now.")


def _check_editions(session: Session, keys: Keys, issue_id: int) -> None:
    editions = session.execute(
        select(Edition.no, Edition.email, Edition.hash).where(Edition.issue_id == issue_id)
    ).all()
    if not editions:
        raise ApprovalVoid(f"Issue {issue_id} holds no email: draft it again.")
    for edition in editions:
        open_edition(keys, issue_id, edition.no, edition.email, edition.hash)


def open_edition(
    keys: Keys, issue_id: int, number: int, sealed: bytes, hashed: bytes
) -> RenderedEmail:
    """Return the email of an edition exactly as it was approved.

    Raises:
        ApprovalVoid: the stored bytes do not open, or are not those that were hashed.
    """
    try:
        email = RenderedEmail.from_json(
            keys.decrypt(sealed, "edition.email", f"{issue_id}/{number}".encode())
        )
    except KeyMismatch:
        email = None
    if email is None or email.hash() != hashed:
        raise ApprovalVoid(
            f"The stored email of issue {issue_id} is not the one that was approved: "
            "draft the issue again."
        )
    return email


def edition_for(session: Session, issue_id: int, list_id: int) -> ColumnElement[Any]:
    """Return SQL for the number of the edition that the subscriber in the query gets.

    NULL for somebody who reads the discreet mail where there is none.
    """
    choice = choice_of(session, issue_id, list_id)
    return choice.of(_subscriber.c.language, _subscriber.c.style)


def _insert_deliveries(
    session: Session,
    issue_id: int,
    list_id: int,
    others: tuple[int, ...],
    choice: Choice,
    *,
    only_joined: bool = False,
) -> None:
    people = audience(list_id)
    edition = choice.of(people.c.language, people.c.style)
    reason = reason_of(
        people.c.suppressed,
        people.c.state == SubscriptionState.ACTIVE,
        received_in(people.c.subscriber_id, others) if others else None,
        edition.is_(None),
    )
    judged = (
        select(people.c.subscriber_id, reason.label("reason"), edition.label("edition"))
        .where(_has_joined(people, issue_id) if only_joined else true())
        .subquery()
    )
    state = case((judged.c.reason.is_(None), DeliveryState.PENDING), else_=DeliveryState.EXCLUDED)
    # The excluded come last, so that the ids of each edition's batches follow one another.
    rows = select(literal(issue_id), judged.c.subscriber_id, state, judged.c.reason).order_by(
        state, judged.c.edition, judged.c.subscriber_id
    )
    columns = ["issue_id", "subscriber_id", "state", "reason"]
    session.execute(insert(_delivery).from_select(columns, rows))


def _has_joined(people: Subquery, issue_id: int) -> ColumnElement[bool]:
    has_delivery = exists().where(
        _delivery.c.issue_id == issue_id, _delivery.c.subscriber_id == people.c.subscriber_id
    )
    return and_(people.c.state == SubscriptionState.ACTIVE, ~has_delivery)


def _insert_batches(
    session: Session,
    issue_id: int,
    choice: Choice,
    batch_limit: int,
    connections: int,
    practice: bool,
    now: datetime,
    *,
    after: int = 0,
) -> None:
    """Divide the pending deliveries with ids over `after`: those of an edition lie together."""
    several = len(choice.editions) != 1
    read = choice.of(_subscriber.c.language, _subscriber.c.style)
    edition = (read if several else literal(next(iter(choice.editions)))).label("edition")
    pending = select(
        edition, func.min(_delivery.c.id), func.max(_delivery.c.id), func.count()
    ).where(
        _delivery.c.issue_id == issue_id,
        _delivery.c.state == DeliveryState.PENDING,
        _delivery.c.id > after,
    )
    if several:
        pending = pending.join(_subscriber, _subscriber.c.id == _delivery.c.subscriber_id)
    found = session.execute(pending.group_by(edition))
    spans: list[Span] = sorted((tuple(row) for row in found), key=itemgetter(1))
    _refuse_gaps(spans)
    people = sum(count for *_, count in spans)
    size = min(batch_limit, max(SMALLEST_BATCH, -(-people // (4 * connections))))
    if people > FIRST and not practice and not after:
        spans = _set_trial_apart(session, issue_id, spans, now)
    rows = [
        _batch_row(issue_id, number, first_id, min(first_id + size - 1, end), now)
        for number, begin, end, _ in spans
        for first_id in range(begin, end + 1, size)
    ]
    if rows:
        session.execute(insert(_batch), rows)


def _refuse_gaps(spans: Sequence[Span]) -> None:
    """Say no where somebody chose another edition between two statements, as PostgreSQL lets them.

    A batch would hold people of two editions, or of none.
    """
    whole = all(no is not None and end - begin + 1 == count for no, begin, end, count in spans)
    if not whole or any(one[2] >= following[1] for one, following in pairwise(spans)):
        raise NotAllowed("Somebody chooses how their mail comes at this moment: try again.")


def _tell_of_the_discreet(session: Session, keys: Keys, issue_id: int, now: datetime) -> None:
    """Tell staff of those who get no copy, for there is none that may be seen with them."""
    count = session.scalar(
        select(func.count()).where(
            _delivery.c.issue_id == issue_id,
            _delivery.c.reason == Reason.NO_DISCREET_EDITION,
        )
    )
    if count:
        notices.tell(
            session,
            keys,
            f"no-discreet-edition/{issue_id}",
            f"Issue {issue_id} has no discreet edition",
            [
                f"{counted(count)} of its list get the discreet mail and no other, since they, or "
                "somebody for the list, chose it after the issue was drafted. It has none, so they "
                "get nothing of it.",
                "The next issue has one where [discreet] is complete in the settings and the text "
                "does not name you.",
            ],
            now,
        )


def _set_trial_apart(
    session: Session, issue_id: int, spans: Sequence[Span], now: datetime
) -> list[Span]:
    """Make the first hundred of the largest edition a batch that goes alone; return the rest."""
    largest = max(spans, key=lambda span: span[3])
    number, begin, end, count = largest
    first = min(FIRST, count)
    batch_id = session.scalars(
        insert(_batch)
        .values(_batch_row(issue_id, number, begin, begin + first - 1, now))
        .returning(_batch.c.id)
    ).one()
    session.add(Trial(issue_id=issue_id, batch_id=batch_id))
    session.flush()
    left = (number, begin + first, end, count - first)
    return [left if span is largest else span for span in spans]


def _batch_row(
    issue_id: int, edition: int, first_id: int, last_id: int, now: datetime
) -> dict[str, object]:
    return {
        "issue_id": issue_id,
        "edition_no": edition,
        "due_at": now,
        "first_id": first_id,
        "last_id": last_id,
    }


def _count_apart(session: Session, issue_id: int, list_id: int) -> int:
    """Return the size of the audience, counted where it comes from; the rows must agree."""
    size = session.scalar(
        select(func.count()).where(
            Subscription.list_id == list_id,
            Subscription.state.in_((SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED)),
        )
    )
    rows = session.scalar(select(func.count()).where(_delivery.c.issue_id == issue_id))
    if size is None or size != rows:
        # Never seen; PostgreSQL would let somebody subscribe between the two statements.
        raise NotAllowed(
            f"The audience of issue {issue_id} changed while it was being fixed: "
            "it starts again by itself in a moment."
        )
    return size


def _refresh_statistics(session: Session) -> None:
    # Without them PostgreSQL plans the first claims for an empty table: 16 times slower.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE delivery, batch"))
