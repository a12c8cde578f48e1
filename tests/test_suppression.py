from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from subscribers.address import UnusableAddress
from subscribers.consent import details
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.suppression import CannotLift, is_suppressed, suppress, unsuppress
from subscribers.tables import Suppression, SuppressionChange, SuppressionEvent, SuppressionReason
from tests.conftest import NOON

ANNA = "anna@example.org"
LATER = NOON + timedelta(days=1)
FINAL = (
    SuppressionReason.COMPLAINT,
    SuppressionReason.UNSUBSCRIBED_EVERYWHERE,
    SuppressionReason.ERASED,
)


def test_a_suppression_holds_in_capitals_and_for_that_person_only(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        suppress(session, keys, ANNA, SuppressionReason.STAFF, NOON)

    with reading(engine) as session:
        assert is_suppressed(session, keys, "ANNA@Example.ORG")
        assert not is_suppressed(session, keys, "ann@example.org")


def test_suppressing_twice_is_the_same_as_once(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        first = suppress(session, keys, ANNA, SuppressionReason.STAFF, NOON)
        second = suppress(session, keys, ANNA, SuppressionReason.HARD_BOUNCE, LATER)

        assert (first, second) == (True, False)
        assert session.scalars(select(Suppression.at)).one() == NOON
        assert len(session.scalars(select(SuppressionEvent)).all()) == 1


@pytest.mark.parametrize("reason", FINAL)
def test_a_reason_that_staff_cannot_lift_replaces_one_that_they_can(
    engine: Engine, keys: Keys, reason: SuppressionReason
) -> None:
    with writing(engine) as session:
        suppress(session, keys, ANNA, SuppressionReason.STAFF, NOON)
        stronger = suppress(session, keys, ANNA, reason, LATER, provider="sendgrid")
        weaker = suppress(session, keys, ANNA, SuppressionReason.STAFF, LATER)
        other = suppress(session, keys, ANNA, SuppressionReason.COMPLAINT, LATER)

        assert (stronger, weaker, other) == (True, False, False)
        row = session.scalars(select(Suppression)).one()
        assert (row.reason, row.at, row.provider) == (reason, LATER, "sendgrid")


@pytest.mark.parametrize("reason", FINAL)
def test_staff_cannot_lift_what_the_person_decided(
    engine: Engine, keys: Keys, reason: SuppressionReason
) -> None:
    with writing(engine) as session:
        suppress(session, keys, ANNA, reason, NOON)

    with pytest.raises(CannotLift, match="staff cannot lift"), writing(engine) as session:
        unsuppress(session, keys, ANNA, LATER, note="please")

    with reading(engine) as session:
        assert is_suppressed(session, keys, ANNA)


def test_staff_lift_what_staff_made_and_their_words_stay_on_record(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        suppress(session, keys, ANNA, SuppressionReason.STAFF, NOON, note="Moved", by="office")
        first = unsuppress(session, keys, ANNA, LATER, note="Came back", by="office")
        second = unsuppress(session, keys, ANNA, LATER)

        assert (first, second) == (True, False)
        assert not is_suppressed(session, keys, ANNA)
        events = session.scalars(select(SuppressionEvent).order_by(SuppressionEvent.id)).all()
    assert [event.change for event in events] == list(SuppressionChange)
    notes = [event.note or b"" for event in events]
    index = keys.address_index(ANNA)
    opened = [keys.decrypt(note, "suppression_event.note", index) for note in notes]
    assert opened == ["Moved", "Came back"]
    assert keys.decrypt(events[0].actor or b"", "suppression_event.actor", b"") == "office"


def test_staff_see_why_an_unknown_address_is_suppressed(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        suppress(session, keys, ANNA, SuppressionReason.STAFF, NOON, note="Asked by letter")
        found = details(session, keys, ANNA)

    assert found is not None
    assert found.to_json() == {
        "email": ANNA,
        "name": None,
        "language": None,
        "timezone": None,
        "country": None,
        "style": "standard",
        "since": None,
        "lists": [],
        "suppression": {
            "reason": "staff",
            "since": "2026-11-23T12:00:00+00:00",
            "note": "Asked by letter",
        },
    }


def test_what_is_no_address_is_refused(engine: Engine, keys: Keys) -> None:
    with reading(engine) as session:
        with pytest.raises(UnusableAddress):
            is_suppressed(session, keys, "anna")
