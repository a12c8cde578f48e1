"""What is taken back of a commit of which nobody knows whether it happened."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from newsletter.dispatch.ledger import Claim, Turn
from newsletter.tables import Attempt, Batch, Delivery, DeliveryState
from subscribers.database import insert_new, table_of

_batch = table_of(Batch)
_delivery = table_of(Delivery)
_attempt = table_of(Attempt)


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
    if was_free:  # that commit never happened, and no longer can
        _pass_over(session, attempt_id)
        return
    ours = session.scalar(
        update(_attempt)
        .where(
            _attempt.c.id == attempt_id,
            _attempt.c.batch_id == doubtful.batch_id,
            _attempt.c.fence == doubtful.fence,
        )
        .values(void=True)
        .returning(_attempt.c.id)
    )
    if ours is None:
        return  # that commit never happened, and a crashed server gave its number to another
    session.execute(
        update(_delivery)
        .where(
            _delivery.c.id.in_(doubtful.tries),
            _delivery.c.attempt_id == attempt_id,
            _delivery.c.state == DeliveryState.IN_FLIGHT,
        )
        .values(state=DeliveryState.PENDING, attempt_id=None, tries=_delivery.c.tries - 1)
    )


def _pass_over(session: Session, attempt_id: int) -> None:
    """See that no attempt is given this number again.

    PostgreSQL takes it back with the transaction when it crashes; SQLite looks at the rows.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    draw = text("SELECT nextval(pg_get_serial_sequence('attempt', 'id'))")
    while session.execute(draw).scalar_one() < attempt_id:
        pass
