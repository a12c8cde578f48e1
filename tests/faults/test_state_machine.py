"""The protocol under orders of events that no process test meets, with a scripted provider.

A few workers claim, intend, send, answer, die, stand still and come late; people leave; staff
pause, resume and cancel; commits fail, or nobody knows whether they did.  After every step what
the provider took is held against the rows.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch import course, ledger, retry
from newsletter.dispatch import sweep as sweep_module
from newsletter.dispatch.freeze import freeze
from newsletter.dispatch.ledger import Claim, Deadlines, Turn
from newsletter.dispatch.people import read_people
from newsletter.dispatch.retry import NOT_SENT, Answered, answered, not_sent
from newsletter.dispatch.sweep import sweep
from newsletter.dispatch.undo import undo
from newsletter.providers.base import Answer, Intent, Outcome
from newsletter.report import report
from newsletter.tables import Attempt, Delivery, DeliveryState, Issue, IssueState
from subscribers.database import open_engine
from subscribers.tables import Subscription, SubscriptionState
from tests.audiences import MONDAY, add_issue, add_list, add_people, suppress
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS
from tests.faults.sizes import SIZE, count

pytestmark = pytest.mark.fault("machine")

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
PEOPLE, BATCH = 12, 4
SOON = timedelta(seconds=10)
STEPS = 50

WHO = st.integers(0, 2)
SAID = st.tuples(
    st.sampled_from([Answer.ACCEPTED] * 9 + [Answer.TRY_LATER] * 2 + [*Answer, None]),
    st.booleans(),
)
ANSWERS = st.lists(SAID, min_size=4, max_size=4)
"""What the provider says to each of a call, and whether it took what it leaves in doubt.

None says nothing at all.
"""
KEPT = st.sampled_from(
    ["kept"] * 5 + ["failed", "kept, but nobody knows", "failed, for all we know"]
)
Said = Sequence[tuple[Answer | None, bool]]

_STOPPABLE = (IssueState.SENDING, IssueState.PAUSED)


class CommitFailed(Exception):
    """Raised where a commit fails; nothing of it remains."""


@dataclass
class Worker:
    """One process with one connection."""

    id: int
    claim: Claim | None = None
    intent: Intent | None = None  # durable, and not used yet
    tries: dict[int, int] = field(default_factory=dict)
    answers: Answered | None = None  # not recorded yet
    doubtful: list[object] = field(default_factory=list)  # of commits of which nobody knows

    @property
    def may_turn(self) -> bool:
        """Whether it holds a batch and waits for nothing."""
        return self.claim is not None and self.intent is None


class Dispatching(RuleBasedStateMachine):
    """Three workers on one issue; `engine` is set by the test."""

    engine: ClassVar[Engine]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now = MONDAY
        self.is_late = False
        self.workers = [Worker(id=number) for number in (1, 2, 3)]
        self.dead: set[int] = set()
        self.taken: Counter[int] = Counter()  # delivery -> copies that the provider has
        self.left: set[int] = set()  # people who may not be written to any more
        self.session = Session(self.engine, expire_on_commit=False)
        list_id = add_list(self.session)
        self.people = add_people(self.session, KEYS, list_id, PEOPLE)
        self.issue_id = add_issue(self.session, KEYS, list_id)
        freeze(self.session, KEYS, self.issue_id, False, BATCH, 1, MONDAY)

    def teardown(self) -> None:
        self.session.rollback()
        self.session.close()

    # --- what the engine does -------------------------------------------------------------

    @rule(who=WHO, said=ANSWERS)
    def hands_over(self, who: int, said: Said) -> None:
        """The usual way, all of it."""
        worker = self.workers[who]
        self.claims(who)
        if worker.claim is None:
            self.looks_around()
        self.takes_a_turn(who, 4, "kept")
        self.calls_the_provider(who, said)
        if worker.claim is not None and not self.readable(worker.claim):
            self.releases(who)

    @rule(who=WHO, said=ANSWERS)
    def hands_a_batch_over(self, who: int, said: Said) -> None:
        for _ in range(1 + BATCH // 4):
            self.hands_over(who, said)

    @precondition(lambda self: any(worker.claim is None for worker in self.workers))
    @rule(who=WHO)
    def claims(self, who: int) -> None:
        worker = self.workers[who]
        if worker.claim is None:
            with self.commit(worker):
                worker.claim = ledger.claim(
                    self.session, worker.id, False, self.deadlines(), self.is_gone, "scripted"
                )

    @precondition(lambda self: any(worker.may_turn for worker in self.workers))
    @rule(who=WHO, size=st.integers(1, 4), commit=KEPT)
    def takes_a_turn(self, who: int, size: int, commit: str) -> None:
        """Only a commit that is certain leads to a call."""
        worker = self.some(who, "may_turn")
        if worker is None or worker.claim is None:
            return
        with self.commit(worker, fails=commit.startswith("failed")):
            ids = self.readable(worker.claim)[:size]
            turn = ledger.turn(
                self.session, KEYS, worker.claim, worker.id, ids, worker.answers, self.deadlines()
            )
            self.check_turn(turn)
        if commit not in ("kept", "failed"):
            worker.doubtful.append(turn)
        elif commit == "kept":
            worker.answers = None
            worker.intent, worker.tries = turn.intent, dict(turn.tries)
            if not turn.goes_on:
                self.give_back(worker)

    def check_turn(self, turn: Turn) -> None:
        state = self.issue_state()
        assert (turn.intent is None) or state is IssueState.SENDING
        assert not {self.person_of(number) for number in turn.tries} & self.left

    @precondition(lambda self: any(worker.intent for worker in self.workers))
    @rule(who=WHO, said=ANSWERS)
    def calls_the_provider(self, who: int, said: Said) -> None:
        worker = self.some(who, "intent")
        if worker is None or worker.intent is None:
            return
        if self.boot() > worker.intent.start_by:
            worker.answers = not_sent(worker.intent.attempt_id, worker.tries)
        else:
            outcomes = []
            for number, (answer, took) in zip(worker.tries, said, strict=False):
                if answer is Answer.ACCEPTED or (answer in (Answer.UNKNOWN, None) and took):
                    self.taken[number] += 1
                if answer is not None:
                    outcomes.append(Outcome(number, answer, sentence="A reply."))
            worker.answers = answered(worker.intent.attempt_id, worker.tries, outcomes, self.now)
        worker.intent = None

    @precondition(lambda self: any(worker.intent for worker in self.workers))
    @rule(who=WHO, said=ANSWERS)
    def dies_in_a_call(self, who: int, said: Said) -> None:
        """The provider may have taken it; nobody hears the answer."""
        if (worker := self.some(who, "intent")) is not None:
            self.calls_the_provider(who, said)
            self.dies(self.workers.index(worker))

    @rule(who=WHO, said=ANSWERS)
    def dies_while_it_hands_over(self, who: int, said: Said) -> None:
        self.claims(who)
        self.takes_a_turn(who, 4, "kept")
        if self.workers[who].intent is not None:
            self.dies_in_a_call(who, said)

    @precondition(lambda self: any(worker.may_turn for worker in self.workers))
    @rule(who=WHO)
    def releases(self, who: int) -> None:
        if (worker := self.some(who, "may_turn")) is not None:
            self.give_back(worker)

    @precondition(lambda self: any(worker.claim for worker in self.workers))
    @rule(who=WHO)
    def dies(self, who: int) -> None:
        """Its lock is free at once; another process with another number takes its place."""
        self.dead.add(self.workers[who].id)
        self.workers[who] = Worker(id=max(worker.id for worker in self.workers) + 1)

    @rule()
    def looks_around(self) -> None:
        with self.commit():
            sweep(self.session, self.now, self.is_gone)
            course.complete(self.session, self.now)

    # --- what people and time do ----------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 9, 15, 31, 31, 3600, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.is_late = self.now - MONDAY > timedelta(seconds=20)

    @precondition(lambda self: self.is_late and self.issue_state() is IssueState.SENDING)
    @rule()
    def staff_pause(self) -> None:
        with self.commit():
            course.pause(self.session, KEYS, self.issue_id, "Stopped.", self.now)

    @precondition(lambda self: self.issue_state() is IssueState.PAUSED)
    @rule()
    def staff_resume(self) -> None:
        self.set_issue(IssueState.SENDING)

    @precondition(lambda self: self.is_late and self.issue_state() in _STOPPABLE)
    @rule()
    def staff_cancel(self) -> None:
        self.set_issue(IssueState.CANCELLED)

    @precondition(lambda self: len(self.left) < 4)
    @rule(which=st.integers(0, PEOPLE - 1))
    def somebody_leaves(self, which: int) -> None:
        self.left.add(self.people[which])
        self.session.execute(
            update(Subscription)
            .where(Subscription.subscriber_id == self.people[which])
            .values(state=SubscriptionState.UNSUBSCRIBED)
        )

    @precondition(lambda self: len(self.left) < 4)
    @rule(which=st.integers(0, PEOPLE - 1))
    def somebody_is_suppressed(self, which: int) -> None:
        if self.people[which] not in self.left:
            self.left.add(self.people[which])
            suppress(self.session, KEYS, self.people[which])

    # --- the promises ---------------------------------------------------------------------

    @invariant()
    def nobody_has_two_copies(self) -> None:
        Dispatching.steps += 1
        assert set(self.taken.values()) <= {1}

    @invariant()
    def everybody_is_in_one_place(self) -> None:
        found = report(self.session, self.issue_id)

        assert found.adds_up
        assert found.audience == PEOPLE

    @invariant()
    def nobody_who_has_a_copy_waits_for_one(self) -> None:
        for row in self.rows():
            copies = self.taken[row.id]
            if row.state is SUBMITTED:
                assert copies == 1
            elif copies:
                assert row.state in (IN_FLIGHT, UNKNOWN)

    @invariant()
    def what_is_unknown_has_evidence(self) -> None:
        for row in self.rows():
            if row.state is not PENDING:
                assert (row.reason is None) == (row.state in (IN_FLIGHT, SUBMITTED))
            if row.state in (IN_FLIGHT, SUBMITTED, UNKNOWN):
                attempt = self.session.get(Attempt, row.attempt_id)
                assert attempt is not None
                assert not attempt.void

    @invariant()
    def an_issue_that_is_over_holds_nothing_open(self) -> None:
        if self.issue_state() is IssueState.COMPLETED:
            open_ones = {row.state for row in self.rows()} & {PENDING, IN_FLIGHT}
            assert not open_ones

    # --- the rest -------------------------------------------------------------------------

    def give_back(self, worker: Worker) -> None:
        with self.commit(worker):
            assert worker.claim is not None
            ledger.release(self.session, KEYS, worker.claim, worker.answers, self.now)
        worker.claim = worker.answers = None

    @contextmanager
    def commit(self, worker: Worker | None = None, fails: bool = False) -> Iterator[None]:
        """One transaction; that of a worker first settles what it does not know."""
        try:
            with self.session.begin_nested():
                if worker is not None:
                    undo(self.session, worker.doubtful, self.now)
                yield
                if fails:
                    raise CommitFailed
        except CommitFailed:
            pass
        else:
            if worker is not None:
                worker.doubtful.clear()
        self.session.expire_all()

    def some(self, who: int, able: str) -> Worker | None:
        """Return one of the workers that can, the next one from `who` on."""
        turned = self.workers[who:] + self.workers[:who]
        return next((worker for worker in turned if getattr(worker, able)), None)

    def readable(self, claim: Claim) -> Sequence[int]:
        return read_people(self.session, KEYS, claim, "https://example.org", self.now).ids

    def rows(self) -> Sequence[Delivery]:
        return self.session.scalars(
            select(Delivery).where(Delivery.issue_id == self.issue_id).order_by(Delivery.id)
        ).all()

    def person_of(self, delivery_id: int) -> int:
        return self.session.get_one(Delivery, delivery_id).subscriber_id

    def issue_state(self) -> IssueState:
        return self.session.scalars(select(Issue.state).where(Issue.id == self.issue_id)).one()

    def set_issue(self, state: IssueState) -> None:
        with self.commit():
            self.session.execute(update(Issue).where(Issue.id == self.issue_id).values(state=state))

    def is_gone(self, _session: Session, worker_id: int) -> bool:
        return worker_id in self.dead

    def boot(self) -> float:
        return (self.now - MONDAY).total_seconds()

    def deadlines(self) -> Deadlines:
        return Deadlines(self.now, self.boot(), SOON, SOON)


def drive(url: str, steps: int, phases: Sequence[Phase] = tuple(Phase)) -> None:
    """Take so many steps, at least; a broken promise is an AssertionError."""
    Dispatching.engine = open_engine(url)
    Dispatching.steps = 0
    try:
        run_state_machine_as_test(
            Dispatching,
            settings=settings(
                max_examples=2 * steps // STEPS,  # many end early
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                derandomize=SIZE == "sample",  # else by --hypothesis-seed
                phases=phases,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        Dispatching.engine.dispose()


@pytest.mark.transition("a", "c", "d", "e", "f", "h", "i", "j", "k", "l", "n", "o", "p", "v")
def test_no_order_of_events_breaks_a_promise(sqlite_url: str, figures: Figures) -> None:
    steps = count(200, 10_000, 50_000)

    drive(sqlite_url, steps)

    figures("machine", steps=Dispatching.steps)
    assert Dispatching.steps >= steps


MISTAKES: dict[str, tuple[object, str, object]] = {
    "the sweep sends again": (sweep_module, "Verdict", lambda _state, _reason: NOT_SENT),
    "an unknown waits again": (retry, "verdict", lambda _outcome, _tries, _now: NOT_SENT),
}


@pytest.mark.skipif(SIZE == "sample", reason="takes its time")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_would_be_found(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    place, name, wrong = MISTAKES[mistake]
    monkeypatch.setattr(place, name, wrong)

    with pytest.raises(AssertionError):
        drive(sqlite_url, 2000, [Phase.generate])
