import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.freeze import freeze
from newsletter.dispatch.reasons import SENTENCES
from newsletter.errors import NotFound
from newsletter.report import Report, deliveries, report, unknowns
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryState,
    IssueState,
    OutcomeKind,
    Reason,
)
from subscribers.database import table_of, writing
from subscribers.privacy import Keys
from subscribers.tables import Subscriber, Subscription, SubscriptionState
from tests.audiences import MONDAY, add_issue, add_list, add_people, address_of, suppress


def frozen_issue(session: Session, keys: Keys, practice: bool = False) -> int:
    """An issue for ten people: one left, one suppressed, eight pending in one batch."""
    list_id = add_list(session)
    people = add_people(session, keys, list_id, 9)
    add_people(session, keys, list_id, 1, state=SubscriptionState.UNSUBSCRIBED)
    suppress(session, keys, people[0])
    issue_id = add_issue(session, keys, list_id)
    freeze(session, keys, issue_id, practice, 500, 1, MONDAY)
    return issue_id


def settle(session: Session, place: int, **values: object) -> None:
    """Give the `place`th delivery these values."""
    number = session.scalars(select(Delivery.id).order_by(Delivery.id)).all()[place]
    session.execute(update(Delivery).where(Delivery.id == number).values(**values))


def test_the_json_is_the_one_of_the_interface(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        for place, state in enumerate(
            [DeliveryState.SUBMITTED] * 3
            + [DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.IN_FLIGHT]
        ):
            settle(session, place, state=state)
        settle(session, 0, outcome=OutcomeKind.BOUNCED)
        settle(session, 1, outcome=OutcomeKind.DELIVERED)

        found = report(session, issue_id)

    assert json.loads(json.dumps(found.to_json())) == {
        "issue": issue_id,
        "state": "sending",
        "practice": False,
        "audience": 10,
        "exclusions": {"unsubscribed": 1, "suppressed": 1},
        "deliveries": 8,
        "sending": {
            "pending": 2,
            "claimed": 0,
            "in_flight": 1,
            "submitted": 3,
            "failed": 1,
            "unknown": 1,
        },
        "outcome": {"delivered": 1, "deferred": 0, "bounced": 1, "complained": 0},
    }
    assert found.adds_up


def test_claimed_are_the_pending_ones_of_leased_batches(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        settle(session, 0, state=DeliveryState.IN_FLIGHT)
        session.execute(update(Batch).values(lease_until=MONDAY + timedelta(minutes=1)))

        found = report(session, issue_id)

    assert (found.sending["claimed"], found.sending["pending"]) == (7, 0)
    assert found.adds_up


def test_other_reasons_are_shown_when_there_are_any(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        settle(session, 0, state=DeliveryState.EXCLUDED, reason=Reason.CANCELLED)
        settle(session, 1, state=DeliveryState.EXCLUDED, reason=Reason.ALREADY_RECEIVED)

        exclusions = report(session, issue_id).to_json()["exclusions"]

    assert exclusions == {
        "unsubscribed": 1,
        "suppressed": 1,
        "already_received": 1,
        "cancelled": 1,
    }


def test_a_row_that_went_missing_shows(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        session.execute(delete(Delivery).where(Delivery.state == DeliveryState.EXCLUDED))

        found = report(session, issue_id)

    assert not found.adds_up
    assert any("do not add up" in sentence for sentence in found.sentences("SendGrid"))


def test_an_issue_that_has_not_started_has_nobody(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        found = report(session, add_issue(session, keys, add_list(session)))

    assert (found.audience, found.deliveries, found.adds_up) == (0, 0, True)
    assert found.sentences("SendGrid") == ["Nobody has been written to yet."]
    assert replace(found, practice=True).sentences("the practice mailbox") == [
        "Nobody has been written to yet.",
        "This is practice: nothing leaves this machine.",
    ]


def test_an_unknown_issue_is_named(engine: Engine) -> None:
    with writing(engine) as session, pytest.raises(NotFound, match="no issue 5"):
        report(session, 5)


def example(practice: bool = False, **sending: int) -> Report:
    counts = dict.fromkeys(("pending", "claimed", "in_flight", "submitted", "failed", "unknown"), 0)
    counts |= sending
    return Report(
        issue_id=1,
        state=IssueState.COMPLETED,
        practice=practice,
        audience=sum(counts.values()) + 4,
        exclusions={Reason.UNSUBSCRIBED: 3, Reason.SUPPRESSED: 1},
        sending=counts,
        outcome=dict.fromkeys(OutcomeKind, 0) | {OutcomeKind.BOUNCED: 2},
        unknown_because={Reason.PROCESS_DIED: counts["unknown"]},
    )


def test_a_screen_says_handed_over_never_delivered() -> None:
    sentences = example(submitted=1995, failed=1, unknown=2).sentences("SendGrid")

    assert sentences == [
        "2,002 in the audience, 1,998 to write to; left out: 3 unsubscribed, 1 never to be mailed.",
        "1,995 handed over to SendGrid, 1 failed.",
        "2 not certain: they may have it or not. A person decides; "
        "nothing is sent twice by itself.",
        "   2: The program ended before the answer came: it may have arrived.",
        "   Next: newsletter issue settle 1",
        "What became of them afterwards is not reported by SendGrid.",
    ]


def test_a_screen_says_that_it_was_practice() -> None:
    sentences = example(practice=True, submitted=5).sentences("the practice mailbox")

    assert sentences[-1] == "This was practice: nothing left this machine."


def test_a_screen_shows_what_is_still_to_come() -> None:
    sentences = example(submitted=1, pending=2, claimed=3, in_flight=4).sentences("SendGrid")

    assert sentences[1] == "1 handed over to SendGrid, 4 on the way, 5 waiting."


def test_outcomes_are_told_where_a_provider_reports_them() -> None:
    told = example(submitted=5)

    assert told.sentences("SendGrid", tells_outcome=True)[-1] == "Reported since: 2 bounced."


def test_the_unknown_are_listed_with_their_reason(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        attempt_id = session.execute(
            insert(table_of(Attempt))
            .values(
                issue_id=issue_id,
                worker_id=1,
                fence=1,
                started_at=MONDAY + timedelta(seconds=5),
                start_by=MONDAY,
                answer_by=MONDAY,
                size=1,
            )
            .returning(Attempt.id)
        ).scalar_one()
        settle(
            session,
            2,
            state=DeliveryState.UNKNOWN,
            reason=Reason.PROCESS_DIED,
            tries=1,
            attempt_id=attempt_id,
        )

        (only,) = unknowns(session, keys, issue_id)

    assert only.email == address_of(4)
    assert only.reason == SENTENCES[Reason.PROCESS_DIED]
    assert (only.attempts, only.at) == (1, MONDAY + timedelta(seconds=5))


def test_every_delivery_is_listed_and_the_erased_without_a_name(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = frozen_issue(session, keys)
        session.execute(delete(Subscription).where(Subscription.subscriber_id == 2))
        session.execute(delete(Subscriber).where(Subscriber.id == 2))

        rows = list(deliveries(session, keys, issue_id))

    assert {row.email for row in rows} == {"", *(address_of(no) for no in (1, *range(3, 11)))}
    assert sum(row.reason == "" for row in rows) == 8
    assert {row.at for row in rows} == {MONDAY}


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Reason)
