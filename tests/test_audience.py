from sqlalchemy import Engine, select

from subscribers.audience import audience, head_count
from subscribers.consent import unsubscribe
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.suppression import suppress
from subscribers.tables import Subscriber, Subscription, SubscriptionState, SuppressionReason
from tests.conftest import NOON
from tests.people import add_list, join


def test_the_audience_says_of_each_whether_they_are_left_out_and_why(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        weekly, urgent = add_list(session, "weekly"), add_list(session, "urgent")
        stays, left, suppressed, both, waits = join(
            session, keys, weekly, *(f"{who}@example.org" for who in "abcde")
        )
        join(session, keys, urgent, "a@example.org", "f@example.org")
        for number in (left, both):
            unsubscribe(session, number, "link", NOON)
        for address in ("c@example.org", "D@example.org", "f@example.org"):
            suppress(session, keys, address, SuppressionReason.STAFF, NOON)
        session.get_one(Subscription, waits).state = SubscriptionState.PENDING

    active, gone = SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED
    with reading(engine) as session:
        found = session.execute(select(audience(weekly))).all()
        assert {row.subscription_id: (row.state, row.suppressed) for row in found} == {
            stays: (active, False),
            left: (gone, False),
            suppressed: (active, True),
            both: (gone, True),
        }
        assert (head_count(session, weekly), head_count(session, urgent)) == (1, 1)
        assert head_count(session, 12345) == 0


def test_the_audience_joins_to_people(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        join(session, keys, weekly, "a@example.org")
        session.scalars(select(Subscriber)).one().language = "fa"

    with reading(engine) as session:
        people = audience(weekly)
        joined = select(Subscriber.id, people.c.language).join(
            people, people.c.subscriber_id == Subscriber.id
        )
        row = session.execute(joined).one()
        assert row.language == "fa"
