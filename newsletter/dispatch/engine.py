"""The dispatcher: one thread for each connection claims, intends, submits and records.

```text
while claim := ledger.claim():                  a batch: one row, a lease
    read its people, on a connection of our own
    for each turn of the provider's size:
        turn = ledger.turn(answers, next)       returns once it is durable
        answers = provider.submit(turn)         or "not sent", when the turn came too late
    ledger.release(answers)
```
The pace is asked in every turn; where it lets nobody through, the thread waits a little, or
gives the batch back.  A second look every second starts what is due, takes back what dead
processes held and ends what is done.  All of it is written by the one thread of `writer`.
A glance in between, which only reads, brings it forward when people let something go on.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.dispatch import course, handover, ledger, trial
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.forms import Forms
from newsletter.dispatch.freeze import ApprovalVoid, freeze, hold_back, refuse_names
from newsletter.dispatch.gate import Gate
from newsletter.dispatch.ledger import Claim, Deadlines, Turn
from newsletter.dispatch.people import People, read_people
from newsletter.dispatch.retry import Answered, answered, not_sent
from newsletter.dispatch.sweep import sweep
from newsletter.dispatch.undo import undo
from newsletter.dispatch.worker import Presence
from newsletter.dispatch.writer import Writer
from newsletter.errors import NotAllowed, Problem
from newsletter.message import MessageForm, Recipient
from newsletter.migrations import latest, refuse_newer_schema
from newsletter.original import Witness, claim_as_original, refuse_a_copy
from newsletter.providers.base import Connection, Hold, Outcome, Provider, boot_clock
from newsletter.quota import Limits
from newsletter.tables import DeliveryState
from subscribers.database import DatabaseUnavailable, reading, writing
from subscribers.privacy import Keys

START_WITHIN = timedelta(seconds=10)  # from the commit of an intent to its first byte
LOOK_EVERY = timedelta(seconds=1)
DRAIN = timedelta(seconds=25)  # after a stop: then connections are cut
CUT = timedelta(seconds=2)  # for what remains after that
KEEP = timedelta(seconds=2)  # a batch is kept while the pace makes it wait no longer
PATIENCE = timedelta(minutes=1)  # a single run waits so long for the pace, and no longer
GLANCE_EVERY = timedelta(seconds=0.2)  # in an idle service: two reads and no lock
_WAKE = timedelta(seconds=0.2)

Due = Callable[[Session, datetime], Sequence[int]]
Progress = Callable[[int, int, int], None]
"""Called with an issue's id, how many of its audience are settled, and how many there are."""

_log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What one run did."""

    started: list[int] = field(default_factory=list)  # issues
    completed: list[int] = field(default_factory=list)  # issues
    changes: Counter[DeliveryState] = field(default_factory=Counter)  # deliveries by new state
    left: int = 0  # pending or in flight at the end: they wait for a time or a person
    put_off: list[int] = field(default_factory=list)  # due issues that wait for something else
    paused: list[int] = field(default_factory=list)  # issues that wait for a person


class Dispatcher:
    """Hands issues over to one provider, on as many connections as it takes."""

    def __init__(
        self,
        engine: Engine,
        keys: Keys,
        settings: Settings,
        provider: Provider,
        clock: Callable[[], datetime],
        *,
        due: Due = course.due_issues,
        start_within: timedelta = START_WITHIN,
    ) -> None:
        """Prepare; nothing runs yet.

        `due` chooses the issues to start, in a transaction in which it may put off late ones.
        """
        self.engine = engine
        self.keys = keys
        self.settings = settings
        self.provider = provider
        self.clock = clock
        self.due = due
        self.start_within = start_within
        self.looked_at: datetime | None = None  # the last time that all was well with the database
        self.due_now = threading.Event()  # set: the connections look for batches at once
        self._schema = latest()  # of this program, whatever is installed over it meanwhile

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set, then finish what is on the way and return, within 30 s.

        Raises:
            DatabaseUnavailable: the database could not be written at the start.
            PutBack: it is a copy, and nobody has said what went out since.
            Problem: somebody upgraded the database beyond this program.
        """
        _Run(self, stop, until_idle=False, progress=_unseen).work()

    def run_once(
        self, progress: Progress | None = None, stop: threading.Event | None = None
    ) -> Tally:
        """Start what is due and work until nothing is left that needs no waiting.

        Raises:
            DatabaseUnavailable: the database could not be written; nothing was sent without a
                durable intent.
            PutBack: it is a copy, and nobody has said what went out since.
        """
        run = _Run(self, stop or threading.Event(), until_idle=True, progress=progress or _unseen)
        return run.work()

    def refuse_newer_schema(self) -> None:
        """Raise Problem when somebody upgraded the database beyond this program."""
        with reading(self.engine) as session:
            refuse_newer_schema(session, self._schema)

    def deadlines(self) -> Deadlines:
        """Return how long an intent of this moment is good for."""
        return Deadlines(self.clock(), boot_clock(), self.start_within, self.provider.answer_within)


def _unseen(_issue_id: int, _settled: int, _audience: int) -> None:
    return None


class _Run:
    """The threads of one dispatcher from start to stop."""

    def __init__(
        self, site: Dispatcher, stop: threading.Event, until_idle: bool, progress: Progress
    ) -> None:
        self._site = site
        self._stop = stop
        self._until_idle = until_idle
        self._progress = progress
        self._tally = Tally()
        self._counting = threading.Lock()
        self._settled: dict[int, tuple[int, int]] = {}  # issue -> settled, audience
        self._forms = Forms(site.engine, site.keys, site.settings)
        self._connections: set[Connection] = set()
        self._trials: set[int] = set()  # batches of ours, under way
        self._openings = 0  # how often a trial of ours ended, or the pace let us go on
        self._at_the_gate = threading.Lock()  # one thread waits for the pace, the others for it
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._waiting: set[int] = set()  # due issues that the last glance saw
        with writing(site.engine) as session:
            claim_as_original(session)
        provider, limits = site.provider, Limits.of(site.settings.provider)
        self._gate = Gate(provider, limits, site.settings.zone, site.clock())
        self._presence = Presence(site.engine, site.clock())
        with writing(site.engine) as session:
            self._witness = Witness(session, self._presence.id, self._presence.is_gone)
        self._writer = Writer(site.engine, self._undo)

    def work(self) -> Tally:
        count = self._site.provider.connections
        hands = [self._thread(f"connection-{no}", self._hand_over_batches) for no in range(count)]
        eyes = self._thread("look-out", self._look_out)
        try:
            self._look()
            for thread in (*hands, eyes):
                thread.start()
            self._wait_for(hands)
            self._site.due_now.set()  # who waits for work shall see that there is none any more
            self._drain(hands)
            if self._error is None:
                self._finish()
        finally:
            self._ended.set()
            self._writer.close(CUT)
            if eyes.is_alive():
                eyes.join(CUT.total_seconds())  # before we leave: what it does is done as ours
            self._witness.close()
            self._presence.leave()
        if self._error is not None:
            raise self._error
        return self._tally

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001  raised again by the thread that waits
                self._error = self._error or error

        return threading.Thread(target=guarded, name=name, daemon=True)

    def _stopping(self) -> bool:
        return self._stop.is_set() or self._error is not None

    def _wait_for(self, hands: Sequence[threading.Thread]) -> None:
        while not self._stopping() and (busy := [hand for hand in hands if hand.is_alive()]):
            busy[0].join(_WAKE.total_seconds())

    def _drain(self, hands: Sequence[threading.Thread]) -> None:
        """Let what is on the way finish; cut what takes too long, and let that be recorded."""
        _join(hands, DRAIN)
        with self._counting:
            for connection in self._connections:
                connection.close()
        _join(hands, CUT)

    def _finish(self) -> None:
        try:
            self._tidy()
        except DatabaseUnavailable:
            if self._until_idle:
                raise
            return  # stopped while the database was away; the next start tidies up
        with reading(self._site.engine) as session:
            self._tally.left = course.count_left(session)

    def _count(self, turn: Turn) -> None:
        if not turn.changes:
            return
        with self._counting:
            settled, audience = self._settled.get(turn.issue_id, (0, 0))
            for state, number in turn.changes.items():
                self._tally.changes[state] += number
                settled += number if state in course.SETTLED else 0
            self._settled[turn.issue_id] = (settled, audience)
            self._progress(turn.issue_id, settled, audience)

    def _count_from(self, session: Session, issue_id: int) -> None:
        with self._counting:
            if issue_id not in self._settled:
                self._settled[issue_id] = course.count_settled(session, issue_id)

    # --- hands: one thread for each connection -----------------------------------------------

    def _hand_over_batches(self) -> None:
        connection: Connection | None = None
        try:
            while not self._stopping():
                openings, before = self._openings, self._site.clock()
                claim = self._claim()
                if claim is not None:
                    connection = connection or self._connect()
                    self._hand_over(claim, connection)
                elif self._until_idle:
                    if not self._soon_more(openings, before):
                        return
                else:
                    self._disconnect(connection)  # servers do not like idle conversations
                    connection = None
        finally:
            self._disconnect(connection)

    def _claim(self) -> Claim | None:
        """Return a batch, None when there is none just now: then a second has passed."""
        if not self._until_idle and not self._site.due_now.wait(LOOK_EVERY.total_seconds()):
            return None
        if self._stopping():
            return None
        try:
            claim = self._writer.write(self._claim_in)
        except DatabaseUnavailable:
            if self._until_idle:
                raise
            self._stop.wait(LOOK_EVERY.total_seconds())
            return None
        if claim is None:
            self._site.due_now.clear()
        else:
            failpoint("claimed")
        return claim

    def _soon_more(self, openings: int, before: datetime) -> bool:
        """Wait a moment for the pace, a probe or a trial of ours; False if nothing comes soon.

        `openings` and `before` are of the moment before the claim that found nothing.
        """
        if self._trials or self._gate.probing:
            self._stop.wait(_WAKE.total_seconds())
            return True
        until, now = self._gate.shut_until, self._site.clock()
        if openings != self._openings:
            return True
        if until is None or not before < until <= before + PATIENCE:
            return False
        self._stop.wait(max(0.0, min(until - now, LOOK_EVERY).total_seconds()))
        return self._site.clock() > before  # it may stand still, in a test

    def _open(self) -> None:
        """Let everybody who waits for a trial or the pace look for work at once."""
        with self._counting:
            self._openings += 1
        self._site.due_now.set()

    def _hand_over(self, claim: Claim, connection: Connection) -> None:
        if not claim.is_trial:
            self._hand_over_batch(claim, connection)
            return
        try:
            self._hand_over_batch(claim, connection)
        finally:
            self._open()  # all connections go on at once
            self._trials.discard(claim.batch_id)

    def _hand_over_batch(self, claim: Claim, connection: Connection) -> None:
        answers: Answered | None = None
        try:
            form, people = self._prepare(claim)
        except DatabaseUnavailable:
            self._stop.wait(LOOK_EVERY.total_seconds())
        except Problem as problem:
            pause = partial(self._pause_in, claim=claim, sentence=str(problem))
            self._writer.write_at_last(pause, claim.issue_id, stops=True)
        else:
            answers = self._take_turns(claim, connection, form, people)
        release = partial(self._release_in, claim=claim, answers=answers)
        self._count(self._write_at_last(release, claim, answers))
        failpoint("released")

    def _take_turns(
        self, claim: Claim, connection: Connection, form: MessageForm, people: People
    ) -> Answered | None:
        """Hand the batch over; return the last answers, which are not recorded yet."""
        answers: Answered | None = None
        if people.absent or people.unusable:
            leave_out = partial(self._leave_out_in, claim=claim, people=people)
            self._count(self._write_at_last(leave_out, claim))
        size, at = self._site.provider.turn_size, 0
        while at < len(people.ids) and not self._stopping():
            turn = self._next_turn(claim, people.ids[at : at + size], answers)
            at += turn.allowed
            if not turn.goes_on or not turn.allowed:
                return None
            # Nobody's envelope is left open while the pace makes us wait.
            follows = at < len(people.ids) and not self._gate.spaces
            ahead = people.recipients[people.ids[at]] if follows else None
            answers = self._submit(connection, form, people, turn, ahead, claim.hold)
        return answers

    def _next_turn(self, claim: Claim, ids: Sequence[int], answers: Answered | None) -> Turn:
        """Record the answers and intend the next; waits while the pace asks for a little time.

        Asks again every second, so that a pause or a cancellation holds within one.
        """
        turn = self._ask(claim, ids, answers)
        while turn.goes_on and not turn.allowed and not self._stopping():
            before = self._site.clock()
            if turn.not_before is None or turn.not_before > before + KEEP:
                break
            first = self._at_the_gate.acquire(timeout=LOOK_EVERY.total_seconds())
            try:
                if first:
                    self._wait_for_pace(turn.not_before)
                turn = self._ask(claim, ids, None)
            finally:
                if first:
                    self._at_the_gate.release()
            if self._until_idle and self._site.clock() == before:
                break  # it stands still, in a test
        return turn

    def _ask(self, claim: Claim, ids: Sequence[int], answers: Answered | None) -> Turn:
        next_turn = partial(self._turn_in, claim=claim, ids=ids, answers=answers)
        turn = self._write_at_last(next_turn, claim, answers)
        self._count(turn)
        return turn

    def _wait_for_pace(self, until: datetime) -> None:
        """Wait until then, a second at most; less when a probe has been answered."""
        end = time.monotonic() + LOOK_EVERY.total_seconds()
        probing = self._gate.probing
        while (now := self._site.clock()) < until and time.monotonic() < end:
            if self._stop.wait(min(until - now, _WAKE).total_seconds()):
                return
            if probing and not self._gate.probing:
                return

    def _write_at_last(
        self, act: Callable[[Session], Turn], claim: Claim, answers: Answered | None = None
    ) -> Turn:
        stops = claim.is_trial or (answers is not None and answers.may_stop)
        return self._writer.write_at_last(act, claim.issue_id, stops)

    def _prepare(self, claim: Claim) -> tuple[MessageForm, People]:
        form = self._forms.form_for(claim)
        with reading(self._site.engine) as session:
            people = read_people(
                session,
                self._site.keys,
                claim,
                form.envelope.sender.website,
                self._site.clock(),
            )
            self._count_from(session, claim.issue_id)
        return form, people

    def _submit(
        self,
        connection: Connection,
        form: MessageForm,
        people: People,
        turn: Turn,
        ahead: Recipient | None,
        hold: Hold | None,
    ) -> Answered | None:
        if turn.intent is None:
            return None
        failpoint("intended")
        attempt_id = turn.intent.attempt_id
        recipients = [people.recipients[number] for number in turn.tries]
        if boot_clock() > turn.intent.start_by:
            return not_sent(attempt_id, turn.tries)
        self._witness.sees(attempt_id)
        outcomes: Sequence[Outcome] = ()
        try:
            intent = replace(turn.intent, hold=hold) if hold else turn.intent
            outcomes = connection.submit(form, recipients, intent, ahead)
        except Exception as error:  # noqa: BLE001  a mistake in a provider: anything may have left
            _log.error("the provider raised %s", type(error).__name__)
            connection.close()
        failpoint("submitted")
        return answered(attempt_id, turn.tries, outcomes, self._site.clock())

    def _connect(self) -> Connection:
        connection = self._site.provider.connect()
        with self._counting:
            self._connections.add(connection)
        return connection

    def _disconnect(self, connection: Connection | None) -> None:
        if connection is not None:
            with self._counting:
                self._connections.discard(connection)
            connection.close()

    # --- eyes: one thread that looks around every second, and glances in between ---------------

    def _look_out(self) -> None:
        looked = time.monotonic()
        while not self._ended.wait(min(GLANCE_EVERY, LOOK_EVERY).total_seconds()):
            try:
                if time.monotonic() - looked < LOOK_EVERY.total_seconds() and not self._glance():
                    continue
                looked = time.monotonic()
                self._look()
            except DatabaseUnavailable:
                continue  # the writer has logged it; those who hold answers keep trying

    def _look(self) -> None:
        self._site.refuse_newer_schema()
        self._presence.renew(self._site.clock())
        self._tidy()
        self._site.looked_at = self._site.clock()
        if not self._stop.is_set():
            for issue_id in self._writer.write(self._find_due_in):
                if self._writer.write(partial(self._start_in, issue_id=issue_id)):
                    self._tally.started.append(issue_id)
                    failpoint("frozen")
        if self._writer.write(self._is_due_in):
            self._site.due_now.set()

    def _glance(self) -> bool:
        """Return whether something was resumed, sent again or scheduled, or has become due.

        What was due before and does not start waits for something else: for the next look.
        """
        if self._until_idle or self._site.due_now.is_set():
            return False
        with reading(self._site.engine) as session:
            due = set(course.due_issues(session, self._site.clock()))
            is_new = not due <= self._waiting
            self._waiting = due
            return is_new or self._is_due_in(session)

    def _tidy(self) -> None:
        swept, completed = self._writer.write(self._tidy_in)
        with self._counting:
            self._tally.changes.update(swept)
            self._tally.completed.extend(completed)

    # --- what runs in the ledger's thread ------------------------------------------------------

    def _claim_in(self, session: Session) -> Claim | None:
        site = self._site
        if session.get_bind().dialect.name == "postgresql":
            refuse_a_copy(session)  # a dump may have been read in under a running process
        if self._gate.is_shut(site.clock()):
            return None
        claim = ledger.claim(
            session,
            self._presence.id,
            site.provider.repeatable,
            site.deadlines(),
            self._presence.is_gone,
            site.provider.name,
        )
        if claim is not None and claim.is_trial:
            self._trials.add(claim.batch_id)  # here, before others find nothing and leave
        return claim

    def _turn_in(
        self, session: Session, claim: Claim, ids: Sequence[int], answers: Answered | None
    ) -> Turn:
        site, now = self._site, self._site.clock()
        self._learn(session, claim, answers, now)
        grant = self._gate.take(session, len(ids), now)
        turn = ledger.turn(
            session,
            site.keys,
            claim,
            self._presence.id,
            ids[: grant.count],
            answers,
            site.deadlines(),
        )
        attempt_id = turn.intent.attempt_id if turn.intent else 0
        self._gate.use(session, grant, len(turn.tries), attempt_id, now)
        return replace(turn, allowed=grant.count, not_before=grant.not_before)

    def _learn(
        self, session: Session, claim: Claim, answers: Answered | None, now: datetime
    ) -> None:
        """Let the pace know of the answers; stop the issue when too many were in doubt."""
        shut = self._gate.is_shut(now)
        stops = self._gate.learn(session, answers, now)
        if stops is not None:
            keys, issue_id = self._site.keys, claim.issue_id
            course.pause(session, keys, issue_id, stops, now, provider_fails=True)
        if shut and not self._gate.is_shut(now):
            self._open()

    def _leave_out_in(self, session: Session, claim: Claim, people: People) -> Turn:
        return ledger.leave_out(session, claim, people.absent, people.unusable)

    def _release_in(self, session: Session, claim: Claim, answers: Answered | None) -> Turn:
        site, now = self._site, self._site.clock()
        self._learn(session, claim, answers, now)
        turn = ledger.release(session, site.keys, claim, answers, now)
        if claim.is_trial:
            trial.judge(session, site.keys, claim.issue_id, now)
        return turn

    def _pause_in(self, session: Session, claim: Claim, sentence: str) -> bool:
        return course.pause(session, self._site.keys, claim.issue_id, sentence, self._site.clock())

    def _tidy_in(self, session: Session) -> tuple[Counter[DeliveryState], list[int]]:
        site, now = self._site, self._site.clock()
        course.pause_the_other_kind(session, site.keys, site.provider.repeatable, now)
        was_shut = self._gate.shut_until is not None
        self._gate.look(session, now)
        if was_shut and self._gate.shut_until is None:
            self._open()
        swept = sweep(session, now, self._presence.is_gone)
        if swept[DeliveryState.UNKNOWN] and (stops := self._gate.process_died(session, now)):
            course.pause_all(session, site.keys, stops, now)
        trial.judge_ended(session, site.keys, now)
        completed = course.complete(session, now)
        for issue_id in completed:
            course.tell_completed(session, site.keys, issue_id, site.provider.label, now)
        return swept, completed

    def _find_due_in(self, session: Session) -> Sequence[int]:
        refuse_a_copy(session)
        return list(self._site.due(session, self._site.clock()))

    def _start_in(self, session: Session, issue_id: int) -> bool:
        site, now = self._site, self._site.clock()
        provider = site.provider
        try:
            with session.begin_nested():
                refuse_names(session, site.keys, issue_id)
                freeze(
                    session,
                    site.keys,
                    issue_id,
                    provider.repeatable,
                    provider.batch_limit,
                    provider.connections,
                    now,
                )
        except ApprovalVoid as problem:
            hold_back(session, site.keys, issue_id, str(problem), now)
        except NotAllowed as problem:  # moved, cancelled or started by somebody else meanwhile
            _log.info("issue %d does not start: %s", issue_id, problem)
        else:
            handover.tell_begun(session, site.keys, site.settings, issue_id, now)
            return True
        return False

    def _is_due_in(self, session: Session) -> bool:
        now = self._site.clock()
        return not self._gate.is_shut(now) and ledger.anything_due(
            session, self._site.provider.repeatable, now, self._site.provider.name
        )

    def _undo(self, session: Session, doubtful: Sequence[object]) -> None:
        now = self._site.clock()
        self._gate.hold_row(session)
        undo(session, doubtful, now)
        for result in doubtful:
            if isinstance(result, Turn) and result.intent is not None:
                self._gate.forget_probe(session, result.intent.attempt_id, now)


def _join(threads: Sequence[threading.Thread], patience: timedelta) -> None:
    deadline = time.monotonic() + patience.total_seconds()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
