"""The record of the receiver, held against the audience: nobody twice, nobody lost."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, select

from newsletter.report import report
from newsletter.tables import Attempt, Delivery, DeliveryState, IssueState, Pace, Reason
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys, Purpose
from tests.audiences import add_bulletin, add_issue, add_list, add_people, address_of
from tests.contract.vendors import Taken
from tests.faults.processes import SITE_KEY
from tests.faults.receivers import Receiver

KEYS = Keys(SITE_KEY)


@dataclass(frozen=True)
class Verdict:
    """What one comparison found.  Anything but zero in the first two is a broken promise."""

    twice: int
    lost: int  # counted as submitted, or left out, and the receiver knows better
    unknown: int
    states: Counter[DeliveryState]


def prepare(site: str | Engine, people: int, issues: int = 1) -> list[int]:
    """Make a list and so many issues for it that are due; return the numbers of the issues.

    The people are new each time, so that nobody has an issue already; what an earlier fault
    taught about the pace is forgotten.
    """
    engine = open_engine(site) if isinstance(site, str) else site
    due = datetime.now(UTC) - timedelta(hours=1)
    forget_pace(engine)
    with writing(engine) as session:
        list_id = add_list(session, f"list-{uuid.uuid4().hex[:8]}")
        add_people(session, KEYS, list_id, people)
        made = [
            add_issue(
                session,
                KEYS,
                list_id,
                add_bulletin(session, list_id, f"bulletin {number}"),
                due_at=due + timedelta(seconds=number),
            )
            for number in range(issues)
        ]
    if isinstance(site, str):
        engine.dispose()
    return made


def forget_pace(site: str | Engine) -> None:
    """Forget all of the pace: with each death in a row the next start waits longer."""
    engine = open_engine(site) if isinstance(site, str) else site
    with writing(engine) as session:
        session.execute(delete(Pace))
    if isinstance(site, str):
        engine.dispose()


def compare(
    engine: Engine, issue_id: int, receiver: Receiver, *, some_left: bool = False
) -> Verdict:
    """Compare one issue's deliveries with what its receiver took.

    The sums must hold, nobody may be twice in the record, and everybody who may have a copy
    must be counted as somebody who has one, or as unknown.  Practice is done again after a
    crash: where `some_left` meanwhile, they are left out although the mailbox holds their copy.
    """
    taken = receiver.taken()
    with reading(engine) as session:
        found = report(session, issue_id)
        rows = session.execute(
            select(Delivery.id, Delivery.subscriber_id, Delivery.state, Delivery.reason)
            .where(Delivery.issue_id == issue_id)
            .order_by(Delivery.id)
        ).all()
    tokens = KEYS.tokens(Purpose.DELIVERY, [row.id for row in rows])
    copies = {
        row.id: taken[Taken(address_of(row.subscriber_id), token)]
        for row, token in zip(rows, tokens, strict=True)
    }
    strangers = sum(n for copy, n in taken.items() if copy.token in tokens) - sum(copies.values())
    assert found.adds_up
    assert found.audience == len(rows) == len({row.subscriber_id for row in rows})
    assert strangers == 0, "a copy went to an address that is not its person's"
    return Verdict(
        twice=sum(n > 1 for n in copies.values()),
        lost=sum(
            (row.state is DeliveryState.SUBMITTED) != (copies[row.id] > 0)
            for row in rows
            if row.state not in (DeliveryState.UNKNOWN, DeliveryState.IN_FLIGHT)
            and not (some_left and row.reason is Reason.UNSUBSCRIBED)
        ),
        unknown=sum(row.state is DeliveryState.UNKNOWN for row in rows),
        states=Counter(row.state for row in rows),
    )


def check(
    url: str,
    issues: Sequence[int],
    receiver: Receiver,
    connections: int = 0,
    others: frozenset[DeliveryState] = frozenset(),
) -> int:
    """Hold completed issues to the promises; return how many deliveries are unknown.

    A process that died may leave one call for each of its `connections` unknown, no more (one
    message with SMTP, one request with SendGrid), and each has its evidence: whose attempt it
    was, when, and why nobody knows.  `others` may be in those states, and have no copy.
    """
    engine = open_engine(url)
    unknown = 0
    for issue_id in issues:
        found = compare(engine, issue_id, receiver)
        with reading(engine) as session:
            assert report(session, issue_id).state is IssueState.COMPLETED
        assert (found.twice, found.lost) == (0, 0)
        assert set(found.states) <= {DeliveryState.SUBMITTED, DeliveryState.UNKNOWN, *others}
        assert not (receiver.repeatable and found.unknown)
        unknown += found.unknown
    _check_evidence(engine, issues, connections, alone=receiver.to == "smtp")
    engine.dispose()
    return unknown


def _check_evidence(
    engine: Engine, issues: Sequence[int], connections: int, *, alone: bool
) -> None:
    with reading(engine) as session:
        rows = session.execute(
            select(Delivery.reason, Attempt.id, Attempt.worker_id, Attempt.size, Attempt.void)
            .outerjoin(Attempt, Attempt.id == Delivery.attempt_id)
            .where(Delivery.issue_id.in_(issues), Delivery.state == DeliveryState.UNKNOWN)
        ).all()
    calls: defaultdict[int, set[int]] = defaultdict(set)
    for row in rows:
        assert row.reason in (Reason.PROCESS_DIED, Reason.ANSWER_LOST)
        assert row.id is not None
        assert not row.void
        assert row.size == 1 or not alone
        calls[row.worker_id].add(row.id)
    assert all(len(attempts) <= connections for attempts in calls.values())
