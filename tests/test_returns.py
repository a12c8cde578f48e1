"""Mails that came back become events: once, of our own copies only, and fair to the people."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy import Engine, func, select, update

from newsletter.events import apply_waiting, take_returns
from newsletter.events.store import opened
from newsletter.providers.reported import NoAnswer
from newsletter.report import report
from newsletter.tables import (
    Delivery,
    DeliveryNote,
    DeliveryState,
    Issue,
    Notice,
    OutcomeKind,
    ProviderEvent,
    Reason,
)
from subscribers.database import DatabaseUnavailable, reading, table_of, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import Subscriber, Subscription, SuppressionReason
from tests import returned
from tests.audiences import MONDAY, add_issue, address_of
from tests.returned import Copy, copy_of
from tests.signed import NOW, Gone, add_attempt, addressee, became, new_issue, suppressed

UNKNOWN, SUBMITTED = DeliveryState.UNKNOWN, DeliveryState.SUBMITTED


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Fresh rows in a database whose statements are compiled already."""
    return warm_engine


@dataclass
class Letterbox:
    """A mailbox in memory.  `breaks`: putting away fails, as after a power cut."""

    mails: list[bytes] = field(default_factory=list)
    understood: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    breaks: NoAnswer | None = None
    open: set[str] = field(default_factory=set)

    def waiting(self, at_once: int) -> Iterator[list[tuple[str, bytes]]]:
        done = self.understood + self.left
        waiting = [(str(at), mail) for at, mail in enumerate(self.mails) if at not in done]
        for start in range(0, len(waiting), at_once):
            self.open = {name for name, _ in waiting[start : start + at_once]}
            yield waiting[start : start + at_once]
        self.open = set()

    def file(self, understood: Sequence[str], left: Sequence[str]) -> None:
        assert {*understood, *left} == self.open
        if self.breaks:
            raise self.breaks
        self.understood += map(int, understood)
        self.left += map(int, left)

    def close(self) -> None:
        self.mails.clear()


def take(engine: Engine, keys: Keys, *mails: bytes, now: datetime = NOW) -> Letterbox:
    """Let these mails come back and apply what follows."""
    letterbox = Letterbox(list(mails))
    take_returns(engine, keys, letterbox, lambda: now)
    apply_waiting(engine, keys, now)
    return letterbox


def the_copy(engine: Engine, keys: Keys, gone: Gone, at: int = 0) -> Copy:
    number = gone.deliveries[at]
    return copy_of(keys, number, addressee(engine, keys, number))


def told(engine: Engine) -> list[str]:
    """Return the keys of the notices that staff get."""
    with reading(engine) as session:
        return list(session.scalars(select(Notice.key).order_by(Notice.id)))


def kept(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalars(select(func.count()).select_from(ProviderEvent)).one()


# --- what a mail does -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "outcome", "reason"),
    [
        (returned.postfix, OutcomeKind.BOUNCED, SuppressionReason.HARD_BOUNCE),
        (returned.exchange, OutcomeKind.BOUNCED, SuppressionReason.HARD_BOUNCE),
        (returned.qmail, OutcomeKind.BOUNCED, SuppressionReason.HARD_BOUNCE),
        (returned.complaint, OutcomeKind.COMPLAINED, SuppressionReason.COMPLAINT),
        (returned.complaint_without_people, OutcomeKind.COMPLAINED, SuppressionReason.COMPLAINT),
        (returned.gmail, OutcomeKind.BOUNCED, None),
        (returned.delayed, OutcomeKind.DEFERRED, None),
        (returned.delivered, OutcomeKind.DELIVERED, None),
        (lambda copy: returned.delivered(copy, "relayed"), None, None),
        (lambda copy: returned.postfix(copy, "5.7.1", "554 5.7.1"), OutcomeKind.BOUNCED, None),
    ],
)
@pytest.mark.transition("n")
def test_a_report_tells_the_outcome_and_proves_that_the_copy_was_taken(
    engine: Engine,
    keys: Keys,
    write: Callable[[Copy], bytes],
    outcome: OutcomeKind | None,
    reason: SuppressionReason | None,
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    copy = the_copy(engine, keys, gone)

    letterbox = take(engine, keys, write(copy))

    found = became(engine, gone.deliveries[0])
    assert (found.state, found.reason, found.outcome) == (SUBMITTED, None, outcome)
    assert became(engine, gone.deliveries[1]).state is UNKNOWN
    assert suppressed(engine, keys) == ({copy.address: reason} if reason else {})
    assert letterbox.understood == [0]
    with reading(engine) as session:
        states = list(session.scalars(select(Subscription.state).order_by(Subscription.id)))
    assert len(set(states)) == (2 if reason is SuppressionReason.COMPLAINT else 1)


def test_only_the_report_is_stored_sealed_and_not_the_letter(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1)
    copy = the_copy(engine, keys, gone)

    take(engine, keys, returned.postfix(copy))

    with reading(engine) as session:
        row = session.scalars(select(ProviderEvent)).one()
        address, said = opened(keys, row.event_id, row.body)
        assert (row.provider, row.attempt_id) == ("smtp", gone.attempt_id)
        assert copy.address.encode() not in row.body
    assert address == copy.address
    assert b"Status: 5.1.1" in said
    assert b"Please pray" not in said


@pytest.mark.parametrize(
    "write",
    [
        lambda copy: returned.postfix(copy).replace(copy.token.encode(), b"x"),
        returned.complaint,
        returned.qmail,
    ],
)
def test_forged_and_foreign_tokens_change_nothing_and_are_left(
    engine: Engine, keys: Keys, write: Callable[[Copy], bytes]
) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    address = address_of(1)
    number = gone.deliveries[0]
    sealed = keys.token(Purpose.DELIVERY, number)
    changed = sealed[:5] + ("A" if sealed[5] != "A" else "B") + sealed[6:]
    forged = [
        copy_of(Keys("a5" * 32), number, address),
        Copy(changed, address),
        Copy(keys.token(Purpose.UNSUBSCRIBE, number), address),
        Copy(keys.token(Purpose.SAMPLE, number), address),
        copy_of(keys, 4711, address),
    ]

    letterbox = take(engine, keys, *map(write, forged))

    assert letterbox.left == list(range(len(forged)))
    assert became(engine, number).state is UNKNOWN
    assert (kept(engine), suppressed(engine, keys), told(engine)) == (0, {}, [])


def test_the_mails_own_recipient_counts_before_what_it_quotes(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 2)
    first, second = (the_copy(engine, keys, gone, at) for at in (0, 1))
    mail = returned.postfix(first).decode()
    head, middle, quoted = mail.partition("Content-Type: message/rfc822")
    quoted = quoted.replace(first.path, second.path).replace(first.token, second.token)

    take(engine, keys, (head + middle + quoted).encode())

    assert became(engine, gone.deliveries[0]).outcome is OutcomeKind.BOUNCED
    assert became(engine, gone.deliveries[1]).outcome is None


def test_replies_change_nothing_and_those_of_people_are_left(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    copy = the_copy(engine, keys, gone)

    letterbox = take(
        engine, keys, returned.out_of_office(copy), returned.letter(copy), returned.garbage()
    )

    assert (letterbox.understood, letterbox.left) == ([0], [1, 2])
    assert became(engine, gone.deliveries[0]).state is UNKNOWN
    assert kept(engine) == 0


def test_a_practice_issue_never_comes_back(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, practice=True)
    copy = the_copy(engine, keys, gone)

    letterbox = take(engine, keys, returned.postfix(copy), returned.gmail(copy, "5.7.1"))

    assert letterbox.left == [0, 1]
    assert (kept(engine), suppressed(engine, keys), told(engine)) == (0, {}, [])


def test_somebody_who_was_erased_has_an_outcome_still(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1)
    mail = returned.postfix(the_copy(engine, keys, gone))
    with writing(engine) as session:
        session.execute(table_of(Subscription).delete())
        session.execute(table_of(Subscriber).delete())

    take(engine, keys, mail)

    assert became(engine, gone.deliveries[0]).outcome is OutcomeKind.BOUNCED


def test_a_dead_end_behind_an_alias_is_not_the_persons_address(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1)
    copy = the_copy(engine, keys, gone)

    take(engine, keys, returned.postfix(copy, final="treasurer@example.com"))
    before = suppressed(engine, keys)
    take(engine, keys, returned.postfix(copy, final=copy.address.upper()))

    assert before == {}
    assert suppressed(engine, keys) == {copy.address: SuppressionReason.HARD_BOUNCE}


# --- what is about us -----------------------------------------------------------------


def test_a_refusal_of_ours_counts_against_nobody_and_is_told_once_a_day(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 3)
    mails = [
        returned.postfix(the_copy(engine, keys, gone, at), "5.7.26", "550 5.7.26")
        for at in range(3)
    ]

    take(engine, keys, *mails[:2])
    take(engine, keys, mails[2], now=NOW + timedelta(days=1))

    assert suppressed(engine, keys) == {}
    assert told(engine) == [
        f"refused-by-rules/{NOW + timedelta(days=days):%Y-%m-%d}" for days in (0, 1)
    ]


def test_a_mailbox_that_cannot_be_read_is_told_once_a_day(
    engine: Engine, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    gone = new_issue(engine, keys, 1)
    copy = the_copy(engine, keys, gone)
    letterbox = Letterbox([returned.postfix(copy)], breaks=NoAnswer("It is locked."))

    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            take_returns(engine, keys, letterbox, lambda: NOW)
    letterbox.breaks = NoAnswer("We hung up.", stopped=True)
    take_returns(engine, keys, letterbox, lambda: NOW + timedelta(days=1))

    assert told(engine) == [f"returns-unread/{NOW:%Y-%m-%d}"]
    assert "mailbox of bounces not read" in caplog.text
    assert copy.address not in caplog.text


# --- crashes --------------------------------------------------------------------------


def test_a_crash_between_storing_and_putting_away_does_no_harm(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 60, UNKNOWN)
    copies = [the_copy(engine, keys, gone, at) for at in range(55)]
    letterbox = Letterbox([returned.delivered(copy) for copy in copies])

    def dies() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_returns(engine, keys, letterbox, lambda: NOW, dies)
    stored = kept(engine)
    taken = take_returns(engine, keys, letterbox, lambda: NOW)
    apply_waiting(engine, keys, NOW)

    assert (stored, taken, kept(engine)) == (50, 55, 55)
    with reading(engine) as session:
        found = report(session, gone.issue_id)
    assert found.outcome[OutcomeKind.DELIVERED] == 55
    assert found.sending["unknown"] == 5


def test_mails_stay_while_the_database_is_away(keys: Keys, engine: Engine) -> None:
    letterbox = Letterbox([returned.out_of_office(copy_of(keys, 1))])

    def away() -> datetime:
        raise DatabaseUnavailable("The database is away.")

    letterbox.mails.append(returned.postfix(copy_of(keys, 1)))
    with pytest.raises(DatabaseUnavailable):
        take_returns(engine, keys, letterbox, away)

    assert letterbox.understood + letterbox.left == []


def test_a_report_of_a_copy_in_flight_waits_for_its_answer(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, DeliveryState.IN_FLIGHT)

    take(engine, keys, returned.gmail(the_copy(engine, keys, gone)))
    early = became(engine, gone.deliveries[0])
    with writing(engine) as session:
        session.execute(update(Delivery).values(state=UNKNOWN, reason=Reason.PROCESS_DIED))
    apply_waiting(engine, keys, NOW)

    assert early.state is DeliveryState.IN_FLIGHT
    assert became(engine, gone.deliveries[0]).state is SUBMITTED


def test_a_report_settles_the_attempt_that_it_is_about(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    [number] = gone.deliveries
    copy = the_copy(engine, keys, gone)
    later = MONDAY + timedelta(hours=6)
    with writing(engine) as session:  # a person had it sent again, and that answer was lost too
        session.add(
            DeliveryNote(
                delivery_id=number,
                attempt_id=gone.attempt_id,
                at=MONDAY,
                reason=Reason.ANSWER_LOST,
            )
        )
        second = add_attempt(session, gone.issue_id, [number], UNKNOWN, later)

    take(engine, keys, returned.delivered(copy), now=later)
    between = became(engine, number)
    mail = returned.delivered(copy).replace(
        returned.ARRIVED.encode(), format_datetime(later).encode()
    )
    take(engine, keys, mail, now=later)

    assert (between.state, between.outcome) == (UNKNOWN, OutcomeKind.DELIVERED)
    assert became(engine, number).state is SUBMITTED
    with reading(engine) as session:
        attempts = list(
            session.scalars(select(ProviderEvent.attempt_id).order_by(ProviderEvent.id))
        )
        assert report(session, gone.issue_id).twice == 1
    assert attempts == [gone.attempt_id, second]


def test_a_clock_that_is_wrong_costs_no_report(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    mail = returned.delivered(the_copy(engine, keys, gone))

    take(engine, keys, mail.replace(b"2026", b"2021"))

    assert became(engine, gone.deliveries[0]).state is SUBMITTED


@pytest.mark.parametrize("write", [returned.gmail, returned.postfix])
def test_a_copy_that_nobody_handed_over_is_not_judged(
    engine: Engine, keys: Keys, write: Callable[[Copy], bytes]
) -> None:
    gone = new_issue(engine, keys, 1)
    copy = the_copy(engine, keys, gone)
    with writing(engine) as session:  # as in a database from before the copy went out
        session.execute(update(Delivery).values(state=DeliveryState.PENDING, attempt_id=None))

    letterbox = take(engine, keys, write(copy))

    found = became(engine, gone.deliveries[0])
    assert (found.state, found.outcome) == (DeliveryState.PENDING, None)
    assert (letterbox.understood, kept(engine), suppressed(engine, keys)) == ([0], 1, {})


def test_a_restored_database_believes_a_mail_about_a_copy_made_since(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 1)
    copy = the_copy(engine, keys, gone)
    with writing(engine) as session:  # as people say of a copy: it may have gone out since
        session.execute(
            update(Delivery).values(
                state=DeliveryState.UNKNOWN, reason=Reason.PUT_BACK, attempt_id=None
            )
        )

    letterbox = take(engine, keys, returned.postfix(copy))

    found = became(engine, gone.deliveries[0])
    assert (found.state, found.outcome) == (SUBMITTED, OutcomeKind.BOUNCED)
    assert letterbox.understood == [0]
    assert set(suppressed(engine, keys)) == {copy.address}


def test_one_more_copy_names_its_own_attempt(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1)
    first = the_copy(engine, keys, gone)
    with writing(engine) as session:
        second = add_attempt(session, gone.issue_id, [], SUBMITTED)
    extra = Copy(f"{first.token}-{second}", first.address)

    letterbox = take(
        engine,
        keys,
        returned.delivered(first),
        returned.delivered(extra),
        returned.complaint_without_people(Copy(f"{first.token}-4711", first.address)),
    )

    assert letterbox.understood == [0, 1, 2]
    assert became(engine, gone.deliveries[0]).outcome is OutcomeKind.DELIVERED
    assert suppressed(engine, keys) == {}
    with reading(engine) as session:
        attempts = session.scalars(select(ProviderEvent.attempt_id).order_by(ProviderEvent.id))
        assert list(attempts) == [gone.attempt_id, second, 4711]


# --- soft bounces in a row ------------------------------------------------------------


def weekly(engine: Engine, keys: Keys, weeks: int, every: timedelta) -> list[Copy]:
    """Return the copies of one person in as many issues."""
    first = new_issue(engine, keys, 1)
    copies = [the_copy(engine, keys, first)]
    with writing(engine) as session:
        list_id, subscriber = session.execute(
            select(Issue.list_id, Delivery.subscriber_id).join(Delivery)
        ).one()
        for week in range(1, weeks):
            at = MONDAY + week * every
            issue_id = add_issue(session, keys, list_id)
            session.execute(update(Issue).where(Issue.id == issue_id).values(started_at=at))
            row = Delivery(issue_id=issue_id, subscriber_id=subscriber, state=SUBMITTED)
            session.add(row)
            session.flush()
            add_attempt(session, issue_id, [row.id], SUBMITTED, at)
            copies.append(copy_of(keys, row.id, address_of(subscriber)))
    return copies


@pytest.mark.parametrize(
    ("weeks", "every", "back", "dead"),
    [
        (5, timedelta(days=7), [0, 1, 2, 3, 4], True),
        (5, timedelta(days=7), [4, 2, 0, 1, 3], True),
        (8, timedelta(days=7), [1, 2, 3, 4, 5], True),  # and two later are still on their way
        (5, timedelta(days=7), [1, 2, 3, 4], False),
        (6, timedelta(days=7), [0, 1, 2, 4, 5], False),  # the fourth came through
        (5, timedelta(days=3), [0, 1, 2, 3, 4], False),  # a holiday of twelve days
    ],
)
def test_an_address_is_given_up_when_five_letters_in_a_row_come_back(
    engine: Engine, keys: Keys, weeks: int, every: timedelta, back: list[int], dead: bool
) -> None:
    copies = weekly(engine, keys, weeks, every)
    now = MONDAY + weeks * every

    for at in back:
        mail = returned.gmail(copies[at]).replace(
            returned.ARRIVED.encode(), format_datetime(MONDAY + at * every).encode()
        )
        take(engine, keys, mail, now=now)

    reason = SuppressionReason.HARD_BOUNCE
    assert suppressed(engine, keys) == ({copies[0].address: reason} if dead else {})
