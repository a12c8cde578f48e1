"""One fault in the middle of an issue, and what has to become of everybody."""

from collections import Counter
from datetime import timedelta

from sqlalchemy import Engine, func, select, update

from newsletter.providers.base import Answer
from newsletter.tables import Attempt, Delivery, DeliveryState, Issue, IssueState, Reason
from subscribers.database import reading, writing
from tests.contract.vendors import Meaning
from tests.faults.oracle import Verdict, compare, prepare
from tests.faults.processes import Work, dispatcher_for
from tests.faults.receivers import Receiver

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
LATER = timedelta(days=2)

BECOMES = {
    Answer.ACCEPTED: SUBMITTED,
    Answer.REFUSED: FAILED,
    Answer.TRY_LATER: PENDING,
    Answer.SENDER_FAULT: PENDING,
    Answer.UNKNOWN: UNKNOWN,
}


def check_fault(
    engine: Engine,
    receiver: Receiver,
    work: Work,
    meaning: Meaning,
    people: int,
    hit: int,
    *,
    may_heal: bool = False,
) -> Verdict:
    """Dispatch an issue in which one call meets the fault that is planned; then finish it.

    `hit` is how many the call carried and the fault concerns; with `may_heal` the provider may
    begin a new conversation for them instead, since nothing of theirs had left.  Nobody may be
    handed over twice, nobody lost.
    """
    answer, reason = meaning
    [issue_id] = prepare(engine, people)
    dispatcher_for(work, engine).run_once()
    first = states_of(engine, issue_id)
    expected = BECOMES[answer]
    if expected is PENDING:
        assert first[PENDING] >= hit or (may_heal and first[SUBMITTED] == people)
    else:
        assert first[expected] >= hit
        assert first[UNKNOWN] == (hit if expected is UNKNOWN else 0)
    assert first[FAILED] == (hit if expected is FAILED else 0)
    assert reasons_of(engine, issue_id, expected) <= {None, reason}
    assert (issue_state(engine, issue_id) is IssueState.PAUSED) == (answer is Answer.SENDER_FAULT)

    receiver.usual()
    resume(engine, issue_id)
    dispatcher_for(work._replace(ahead=LATER), engine).run_once()
    found = compare(engine, issue_id, receiver)
    assert issue_state(engine, issue_id) is IssueState.COMPLETED
    assert (found.twice, found.lost) == (0, 0)
    left = hit if expected in (FAILED, UNKNOWN) else 0
    assert found.states[SUBMITTED] == people - left
    return found


def states_of(engine: Engine, issue_id: int) -> Counter[DeliveryState]:
    with reading(engine) as session:
        return Counter(session.scalars(select(Delivery.state).where(Delivery.issue_id == issue_id)))


def reasons_of(engine: Engine, issue_id: int, state: DeliveryState) -> set[Reason | None]:
    with reading(engine) as session:
        here = (Delivery.issue_id == issue_id, Delivery.state == state)
        return set(session.scalars(select(Delivery.reason).where(*here)))


def issue_state(engine: Engine, issue_id: int) -> IssueState:
    with reading(engine) as session:
        return session.get_one(Issue, issue_id).state


def attempts_of(engine: Engine, issue_id: int) -> int:
    with reading(engine) as session:
        return session.scalars(
            select(func.count()).select_from(Attempt).where(Attempt.issue_id == issue_id)
        ).one()


def resume(engine: Engine, issue_id: int) -> None:
    """Do what a person does when the fault of the sender is put right."""
    with writing(engine) as session:
        session.execute(
            update(Issue)
            .where(Issue.id == issue_id, Issue.state == IssueState.PAUSED)
            .values(state=IssueState.SENDING)
        )
