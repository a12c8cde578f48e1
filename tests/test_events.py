"""Events: kept once, applied in any order to one end, believed only as far as they go."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch import TreatAs, settle
from newsletter.events import apply_waiting, bounces, decide, held, keep
from newsletter.events.apply import AT_ONCE
from newsletter.events.fold import Evidence, evidence_of, outcome_of
from newsletter.events.store import opened
from newsletter.issue import Actor
from newsletter.original import take_the_place
from newsletter.providers.reported import EventKind, Reported
from newsletter.report import deliveries, report
from newsletter.tables import (
    Batch,
    BounceState,
    Delivery,
    DeliveryState,
    HardBounce,
    Issue,
    IssueState,
    Notice,
    OutcomeKind,
    ProviderEvent,
    Reason,
)
from subscribers import suppression
from subscribers.database import reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.tables import (
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from tests.audiences import address_of
from tests.faults.figures import Figures
from tests.faults.sizes import count
from tests.signed import (
    NOW,
    Became,
    Gone,
    add_attempt,
    addressee,
    became,
    new_issue,
    suppressed,
    told,
)

UNKNOWN, SUBMITTED = DeliveryState.UNKNOWN, DeliveryState.SUBMITTED


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Fresh rows in a database whose statements are compiled already."""
    return warm_engine


def tell(engine: Engine, keys: Keys, *events: Reported) -> int:
    """Keep these events and apply what waits; return how many were applied."""
    with writing(engine) as session:
        keep(session, keys, "sendgrid", events, NOW)
    return apply_waiting(engine, keys, NOW)


# --- what a set of events means -------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "outcome"),
    [
        ([], None),
        (["processed"], None),
        (["processed", "deferred"], OutcomeKind.DEFERRED),
        (["deferred", "delivered"], OutcomeKind.DELIVERED),
        (["delivered", "bounced"], OutcomeKind.BOUNCED),  # told later by the receiver
        (["deferred", "blocked"], OutcomeKind.BOUNCED),
        (["dropped-quota"], OutcomeKind.BOUNCED),
        (["delivered", "unsubscribed"], OutcomeKind.DELIVERED),
        (["bounced", "complained", "unsubscribed"], OutcomeKind.COMPLAINED),
    ],
)
def test_the_most_telling_event_is_the_outcome(
    kinds: list[str], outcome: OutcomeKind | None
) -> None:
    assert outcome_of(EventKind(kind) for kind in kinds) is outcome
    assert outcome_of(EventKind(kind) for kind in reversed(kinds)) is outcome


@pytest.mark.parametrize(
    ("kinds", "proof"),
    [
        ([], None),
        (["processed"], Evidence.TAKEN),
        (["bounced"], Evidence.TAKEN),
        (["dropped"], Evidence.DROPPED),
        (["dropped-bounced", "dropped-quota"], Evidence.DROPPED),
        (["dropped-quota"], Evidence.OVER_QUOTA),
        (["dropped-quota", "delivered"], Evidence.TAKEN),
    ],
)
def test_any_event_but_a_drop_proves_that_the_copy_was_taken(
    kinds: list[str], proof: Evidence | None
) -> None:
    assert evidence_of(EventKind(kind) for kind in kinds) is proof


# --- keeping --------------------------------------------------------------------------


def test_an_event_is_kept_once_and_sealed(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1)
    event = told(keys, EventKind.DELIVERED, gone.deliveries[0], gone.attempt_id, "Miriam@x.org")

    for _ in range(3):
        with writing(engine) as session:
            keep(session, keys, "sendgrid", [event, event], NOW)

    with reading(engine) as session:
        row = session.scalars(select(ProviderEvent)).one()
        assert (row.provider, row.event_id, row.kind) == ("sendgrid", event.event_id, "delivered")
        assert (row.delivery_id, row.attempt_id) == (gone.deliveries[0], gone.attempt_id)
        assert row.applied_at is None
        assert b"iriam" not in row.body
        assert opened(keys, row.event_id, row.body) == ("Miriam@x.org", event.raw)


def test_what_belongs_to_others_of_the_account_is_not_kept(engine: Engine, keys: Keys) -> None:
    foreign = Keys("a5" * 32)
    events = [
        told(foreign, EventKind.BOUNCED, 7, 1, "theirs@example.org"),
        told(keys, EventKind.DELIVERED, None, None, "theirs@example.org"),
        Reported("x", EventKind.COMPLAINED, NOW, token="%%", address="theirs@example.org"),
    ]

    with writing(engine) as session:
        assert keep(session, keys, "sendgrid", events, NOW) == 0
        assert session.scalars(select(ProviderEvent)).all() == []


# --- unknowns -------------------------------------------------------------------------


@pytest.mark.transition("n")
@pytest.mark.parametrize("kind", ["processed", "deferred", "delivered", "blocked", "bounced"])
def test_proof_of_acceptance_settles_an_unknown(engine: Engine, keys: Keys, kind: str) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)

    tell(engine, keys, told(keys, EventKind(kind), gone.deliveries[0], gone.attempt_id))

    assert became(engine, gone.deliveries[0]).state is SUBMITTED
    assert became(engine, gone.deliveries[0]).reason is None
    assert became(engine, gone.deliveries[1]).state is UNKNOWN


@pytest.mark.transition("o")
def test_a_drop_for_want_of_quota_is_pending_again_and_stops_the_issue(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    dropped = told(keys, EventKind.DROPPED_QUOTA, gone.deliveries[0], gone.attempt_id)

    tell(engine, keys, dropped)

    found = became(engine, gone.deliveries[0])
    assert (found.state, found.reason) == (DeliveryState.PENDING, Reason.OVER_QUOTA)
    with reading(engine) as session:
        issue = session.get_one(Issue, gone.issue_id)
        assert issue.state is IssueState.PAUSED
        assert "quota" in (issue.pause_reason or "")
        assert session.scalars(select(Batch.due_at)).one() == NOW
        assert len(session.scalars(select(Notice)).all()) == 1


def test_an_issue_is_stopped_for_its_quota_only_once(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 2)
    tell(engine, keys, told(keys, EventKind.DROPPED_QUOTA, gone.deliveries[0], gone.attempt_id))
    with writing(engine) as session:
        session.execute(update(Issue).values(state=IssueState.SENDING))

    tell(engine, keys, told(keys, EventKind.DROPPED_QUOTA, gone.deliveries[1], gone.attempt_id))

    with reading(engine) as session:
        assert session.get_one(Issue, gone.issue_id).state is IssueState.SENDING
    assert suppressed(engine, keys) == {}


@pytest.mark.transition("p")
@pytest.mark.parametrize(
    ("kind", "issue_state", "state", "reason"),
    [
        ("dropped", IssueState.SENDING, DeliveryState.FAILED, Reason.DROPPED),
        ("dropped-bounced", IssueState.COMPLETED, DeliveryState.FAILED, Reason.DROPPED),
        ("dropped-quota", IssueState.COMPLETED, DeliveryState.FAILED, Reason.DROPPED),
        ("dropped-quota", IssueState.CANCELLED, DeliveryState.EXCLUDED, Reason.CANCELLED),
    ],
)
def test_a_drop_settles_an_unknown_for_good(
    engine: Engine,
    keys: Keys,
    kind: str,
    issue_state: IssueState,
    state: DeliveryState,
    reason: Reason,
) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN, issue_state=issue_state)

    tell(engine, keys, told(keys, EventKind(kind), gone.deliveries[0], gone.attempt_id))

    assert became(engine, gone.deliveries[0]) == Became(state, reason, OutcomeKind.BOUNCED)


def test_proof_that_comes_after_a_drop_wins_as_it_would_before_it(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    for number, kinds in zip(
        gone.deliveries,
        (["dropped", "processed"], ["processed", "dropped"]),
        strict=True,
    ):
        for kind in kinds:
            tell(engine, keys, told(keys, EventKind(kind), number, gone.attempt_id))

    assert became(engine, gone.deliveries[0]) == became(engine, gone.deliveries[1])
    assert became(engine, gone.deliveries[0]).state is SUBMITTED


def test_an_event_waits_until_the_copy_is_no_longer_in_flight(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 2, DeliveryState.IN_FLIGHT)
    numbers = gone.deliveries
    early = tell(engine, keys, told(keys, EventKind.PROCESSED, numbers[0], gone.attempt_id))
    with writing(engine) as session:
        session.execute(update(Delivery).values(state=UNKNOWN, reason=Reason.PROCESS_DIED))

    later = apply_waiting(engine, keys, NOW)

    assert (early, later) == (0, 1)
    assert became(engine, numbers[0]).state is SUBMITTED


@pytest.mark.parametrize(
    "state",
    [
        DeliveryState.PENDING,
        DeliveryState.SUBMITTED,
        DeliveryState.FAILED,
        DeliveryState.EXCLUDED,
    ],
)
def test_events_move_no_delivery_that_is_known(
    engine: Engine, keys: Keys, state: DeliveryState
) -> None:
    gone = new_issue(engine, keys, 1, state)

    for kind in ("dropped", "dropped-quota", "processed", "delivered"):
        tell(engine, keys, told(keys, EventKind(kind), gone.deliveries[0], gone.attempt_id))

    assert became(engine, gone.deliveries[0]).state is state
    assert became(engine, gone.deliveries[0]).outcome is OutcomeKind.BOUNCED


def test_only_the_last_attempt_settles_and_both_are_on_record(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    [number] = gone.deliveries
    with writing(engine) as session:  # a person had it sent again, and that answer was lost too
        second = add_attempt(session, gone.issue_id, [number], UNKNOWN)

    tell(engine, keys, told(keys, EventKind.DELIVERED, number, gone.attempt_id))
    between = became(engine, number)
    tell(engine, keys, told(keys, EventKind.DELIVERED, number, second))

    assert (between.state, between.outcome) == (UNKNOWN, OutcomeKind.DELIVERED)
    assert became(engine, number).state is SUBMITTED
    with reading(engine) as session:
        told_of = report(session, gone.issue_id)
        attempts = session.scalars(select(ProviderEvent.attempt_id).order_by(ProviderEvent.id))
        assert list(attempts) == [gone.attempt_id, second]
    assert told_of.twice == 1
    assert any("received it twice" in said for said in told_of.sentences("SendGrid", True))


@pytest.mark.transition("x")
@pytest.mark.parametrize(
    ("kinds", "state"), [(["delivered"], SUBMITTED), (["dropped"], DeliveryState.PENDING)]
)
def test_who_turns_out_to_have_it_before_it_is_sent_again_gets_no_second_copy(
    engine: Engine, keys: Keys, kinds: list[str], state: DeliveryState
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    [number, other] = gone.deliveries
    with writing(engine) as session:  # as `settle` leaves those who are sent it again
        session.execute(
            update(Delivery).values(state=DeliveryState.PENDING, reason=None, attempt_id=None)
        )

    for kind in kinds:
        tell(engine, keys, told(keys, EventKind(kind), number, gone.attempt_id))

    assert became(engine, number).state is state
    assert became(engine, other).state is DeliveryState.PENDING


def test_a_restored_database_believes_events_of_attempts_made_after_its_copy(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 3, UNKNOWN)
    first, second, third = gone.deliveries
    with writing(engine) as session:  # as a copy that took the original's place
        session.execute(update(Delivery).values(reason=Reason.PUT_BACK, attempt_id=None))
        take_the_place(session)
    made_since = gone.attempt_id + 1
    address = addressee(engine, keys, third)

    tell(engine, keys, told(keys, EventKind.DELIVERED, first, made_since))
    tell(engine, keys, told(keys, EventKind.DROPPED, second, made_since))
    tell(engine, keys, told(keys, EventKind.COMPLAINED, third, made_since + 1, address))

    assert became(engine, first).state is SUBMITTED
    assert became(engine, second).state is DeliveryState.FAILED
    assert became(engine, third).outcome is OutcomeKind.COMPLAINED
    assert address in suppressed(engine, keys)


def test_both_copies_that_arrived_are_counted_after_a_person_had_it_sent_again(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    number, other = gone.deliveries
    with writing(engine) as session:
        ruth, later = Actor("ruth@example.org", "command"), NOW + timedelta(hours=1)
        settle(session, keys, gone.issue_id, TreatAs.SEND_AGAIN, ruth, lambda *_: True, later)
        second = add_attempt(session, gone.issue_id, gone.deliveries, SUBMITTED)

    for attempt_id in (gone.attempt_id, second):
        tell(engine, keys, told(keys, EventKind.DELIVERED, number, attempt_id))
    tell(engine, keys, told(keys, EventKind.DELIVERED, other, second))

    with reading(engine) as session:
        assert report(session, gone.issue_id).twice == 1
        reasons = [row.reason for row in deliveries(session, keys, gone.issue_id)]
    assert [reason.partition(":")[0] for reason in reasons] == ["Received twice", ""]


# --- what is none of ours -------------------------------------------------------------


def test_events_of_other_deliveries_attempts_and_practice_change_nothing(
    engine: Engine, keys: Keys
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    other = new_issue(engine, keys, 1, SUBMITTED, "other")
    practice = new_issue(engine, keys, 1, SUBMITTED, "practice", practice=True)
    address = address_of(1)
    events = [
        told(keys, EventKind.BOUNCED, 4711, gone.attempt_id, address),
        told(keys, EventKind.COMPLAINED, gone.deliveries[0], 4711, address),
        told(keys, EventKind.COMPLAINED, gone.deliveries[0], None, address),
        told(keys, EventKind.BOUNCED, gone.deliveries[0], other.attempt_id, address),
        told(keys, EventKind.BOUNCED, practice.deliveries[0], practice.attempt_id, address),
    ]
    before = _everything(engine)

    assert tell(engine, keys, *events) == len(events)
    assert _everything(engine) == before


def test_a_late_bounce_without_a_delivery_is_matched_by_its_address(
    engine: Engine, keys: Keys
) -> None:
    new_issue(engine, keys, 2)
    strangers = ["stranger@example.org", "not an address", ""]

    tell(
        engine,
        keys,
        told(keys, EventKind.BOUNCED, None, None, "PERSON1@Example.org"),
        *(told(keys, EventKind.BOUNCED, None, None, address) for address in strangers),
    )

    assert suppressed(engine, keys) == {address_of(1): SuppressionReason.HARD_BOUNCE}
    with reading(engine) as session:
        assert len(session.scalars(select(Suppression)).all()) == 1


# --- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("bounced", SuppressionReason.HARD_BOUNCE),
        ("dropped-bounced", SuppressionReason.HARD_BOUNCE),
        ("complained", SuppressionReason.COMPLAINT),
        ("dropped-complained", SuppressionReason.COMPLAINT),
        ("unsubscribed", SuppressionReason.UNSUBSCRIBED_EVERYWHERE),
        ("dropped-unsubscribed", SuppressionReason.UNSUBSCRIBED_EVERYWHERE),
        ("blocked", None),
        ("deferred", None),
        ("dropped", None),
        ("dropped-quota", None),
        ("processed", None),
        ("delivered", None),
    ],
)
def test_only_what_is_about_the_address_suppresses_it(
    engine: Engine, keys: Keys, kind: str, reason: SuppressionReason | None
) -> None:
    gone = new_issue(engine, keys, 2)
    number = gone.deliveries[0]
    address = addressee(engine, keys, number)

    tell(engine, keys, told(keys, EventKind(kind), number, gone.attempt_id, address))

    assert suppressed(engine, keys) == ({address: reason} if reason else {})
    leaves = reason not in (None, SuppressionReason.HARD_BOUNCE)
    with reading(engine) as session:
        states = list(session.scalars(select(Subscription.state).order_by(Subscription.id)))
        channels = list(session.scalars(select(ConsentEvent.channel)))
    assert states.count(SubscriptionState.UNSUBSCRIBED) == int(leaves)
    assert channels == ["provider"] * int(leaves)


def _everything(engine: Engine) -> dict[str, list[Any]]:
    """Return all that events can change, but not the history of how it came about."""
    with reading(engine) as session:
        return {
            "deliveries": _rows(
                session,
                select(
                    Delivery.id, Delivery.state, Delivery.reason, Delivery.outcome, Delivery.due_at
                ),
            ),
            "issues": _rows(session, select(Issue.id, Issue.state)),
            "batches": _rows(session, select(Batch.id, Batch.due_at)),
            "subscriptions": _rows(session, select(Subscription.id, Subscription.state)),
            "suppressions": _rows(
                session,
                select(Suppression.address_index, Suppression.reason, Suppression.provider),
            ),
            "bounces": _rows(
                session, select(HardBounce.pile, HardBounce.address_index, HardBounce.state)
            ),
        }


def _rows(session: Session, chosen: Any) -> list[Any]:
    return sorted((tuple(row) for row in session.execute(chosen)), key=repr)


def _story(keys: Keys, gone: Gone) -> list[Reported]:
    """Return events of all kinds, some of them about one and the same copy."""
    first = gone.deliveries
    story = [
        told(keys, EventKind(kind), number, gone.attempt_id, address_of(number))
        for number, kinds in zip(
            first,
            [
                ["processed", "deferred", "delivered", "unsubscribed", "complained"],
                ["dropped", "processed", "bounced", "delivered"],
                ["dropped-quota"],
                ["dropped-quota", "dropped-bounced", "complained"],
                ["processed", "delivered", "blocked"],
                ["dropped-unsubscribed", "dropped-complained"],
            ],
            strict=False,
        )
        for kind in kinds
    ]
    bounced = [
        told(keys, EventKind.BOUNCED, number, gone.attempt_id, address_of(number))
        for number in first[6:12]
    ]
    return story + bounced


@pytest.mark.fault("F12")
def test_any_order_and_any_repetition_come_to_one_end(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch, figures: Figures
) -> None:
    monkeypatch.setattr(bounces, "FEW", 5)
    gone = new_issue(engine, keys, 12, UNKNOWN)
    story = _story(keys, gone)
    tell(engine, keys, *story)
    expected = _everything(engine)
    orders = 0

    @settings(max_examples=count(6, 500), deadline=None)  # on each of two databases
    @given(st.permutations(3 * story), st.lists(st.integers(0, 3 * len(story)), max_size=4))
    def come_to_it(shuffled: Sequence[Reported], cuts: Sequence[int]) -> None:
        nonlocal orders
        orders += 1
        _empty(engine)
        assert new_issue(engine, keys, 12, UNKNOWN) == gone
        for start, end in pairwise([0, *sorted(cuts), len(shuffled)]):
            tell(engine, keys, *shuffled[start:end])
        assert _everything(engine) == expected

    come_to_it()

    assert len(expected["suppressions"]) == 3
    figures("F12", orders=orders, events=orders * 3 * len(story), other_ends=0)


def _empty(engine: Engine) -> None:
    from subscribers.database import Base

    with writing(engine) as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        if engine.dialect.name == "sqlite":
            session.connection().exec_driver_sql("DELETE FROM sqlite_sequence")
        else:
            names = ", ".join(table.name for table in Base.metadata.sorted_tables)
            session.connection().exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")


def test_more_events_than_one_transaction_takes_are_all_applied(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.events.apply.AT_ONCE", 7)
    gone = new_issue(engine, keys, 30)
    events = [
        told(keys, EventKind.DELIVERED, number, gone.attempt_id) for number in gone.deliveries
    ]

    assert AT_ONCE > 7
    assert tell(engine, keys, *events) == 30
    assert apply_waiting(engine, keys, NOW) == 0
    with reading(engine) as session:
        assert report(session, gone.issue_id).outcome[OutcomeKind.DELIVERED] == 30


def test_the_report_counts_each_copy_by_its_outcome(engine: Engine, keys: Keys) -> None:
    gone = new_issue(engine, keys, 6)
    kinds = ["delivered", "deferred", "bounced", "complained", "dropped", "unsubscribed"]

    for number, kind in zip(gone.deliveries, kinds, strict=True):
        for each in ("processed", kind, "processed"):
            tell(engine, keys, told(keys, EventKind(each), number, gone.attempt_id))

    with reading(engine) as session:
        found = report(session, gone.issue_id)
    assert found.to_json()["outcome"] == {
        "delivered": 2,
        "deferred": 1,
        "bounced": 2,
        "complained": 1,
    }
    assert found.adds_up
    assert found.twice == 0


# --- too many at once -----------------------------------------------------------------


def _bounce(keys: Keys, gone: Gone, numbers: Sequence[int]) -> list[Reported]:
    return [
        told(keys, EventKind.BOUNCED, number, gone.attempt_id, address_of(number))
        for number in numbers
    ]


def test_bounces_that_pile_up_wait_for_a_person_and_the_first_are_taken_back(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "FEW", 4)
    gone = new_issue(engine, keys, 8)
    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[:3]))
    before = suppressed(engine, keys)

    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[3:5]))

    assert len(before) == 3
    assert suppressed(engine, keys) == {}
    with reading(engine) as session:
        [pile] = held(session, keys)
        assert (pile.issue_id, pile.day, pile.host) == (gone.issue_id, None, "example.org")
        assert len(pile.addresses) == 5
        assert session.scalars(select(func.count()).select_from(Notice)).one() == 1


@pytest.mark.parametrize("accept", [True, False])
def test_a_persons_decision_holds_for_what_comes_after_it(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch, accept: bool
) -> None:
    monkeypatch.setattr(bounces, "FEW", 4)
    gone = new_issue(engine, keys, 8)
    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[:5]))

    with writing(engine) as session:
        other = decide(session, keys, accept, NOW, issue_id=99)
        decided = decide(session, keys, accept, NOW, issue_id=gone.issue_id, by="ruth")
        assert held(session, keys) == []
    at_once = suppressed(engine, keys)
    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[:7]))

    assert (other, decided) == (0, 5)
    assert len(at_once) == (5 if accept else 0)
    assert len(suppressed(engine, keys)) == (7 if accept else 0)
    with reading(engine) as session:
        assert held(session, keys) == []


def test_what_else_keeps_an_address_suppressed_stays(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "FEW", 3)
    gone = new_issue(engine, keys, 5)
    people = [address_of(number) for number in gone.deliveries]
    late = told(keys, EventKind.BOUNCED, None, None, people[0])  # a day's pile of its own
    with writing(engine) as session:
        reason = SuppressionReason.STAFF
        suppression.suppress(session, keys, people[1], reason, NOW, note="asked", by="ruth")
    tell(engine, keys, late)

    tell(engine, keys, *_bounce(keys, gone, gone.deliveries))

    assert suppressed(engine, keys) == {
        people[0]: SuppressionReason.HARD_BOUNCE,
        people[1]: SuppressionReason.STAFF,
    }


def test_a_large_issue_bears_more_bounces_than_a_small_one(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "FEW", 2)
    gone = new_issue(engine, keys, 10)
    with writing(engine) as session:
        session.execute(update(Issue).values(audience_size=500))  # 10 at a host, 25 at all

    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[:9]))
    below = len(suppressed(engine, keys))
    tell(engine, keys, *_bounce(keys, gone, gone.deliveries[9:]))

    assert (below, len(suppressed(engine, keys))) == (9, 0)


def test_somebody_erased_is_neither_shown_nor_suppressed(
    engine: Engine, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounces, "FEW", 2)
    gone = new_issue(engine, keys, 2)
    tell(engine, keys, *_bounce(keys, gone, gone.deliveries))
    with writing(engine) as session:
        session.execute(table_of(Subscription).delete())
        session.execute(table_of(Subscriber).delete())

        assert held(session, keys) == []
        assert decide(session, keys, True, NOW) == 2
        assert session.scalars(select(Suppression)).all() == []
        states = set(session.scalars(select(HardBounce.state)))
    assert states == {BounceState.ACCEPTED}
