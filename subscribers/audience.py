"""Who would get an issue now: the one rule, in SQL, so that counting decrypts nothing."""

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session

from subscribers.tables import Subscriber, Subscription, SubscriptionState, Suppression

# Whoever left is counted too, as an exclusion: a report must show that they were left out on
# purpose.  Those who have not confirmed yet were never in it.
IN_AUDIENCE = (SubscriptionState.ACTIVE, SubscriptionState.UNSUBSCRIBED)


def audience(list_id: int) -> Subquery:
    """Return the audience of a list, one row a person, in no order.

    Columns: subscriber_id, subscription_id, state, suppressed (the address is never to be
    mailed, which wins over the state), language, style (the one that they chose, if any).
    """
    return (
        select(
            Subscription.subscriber_id.label("subscriber_id"),
            Subscription.id.label("subscription_id"),
            Subscription.state.label("state"),
            Suppression.address_index.is_not(None).label("suppressed"),
            Subscriber.language.label("language"),
            Subscriber.style.label("style"),
        )
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Subscription.list_id == list_id, Subscription.state.in_(IN_AUDIENCE))
        .subquery("audience")
    )


def head_counts(session: Session, list_id: int) -> dict[str | None, int]:
    """Return how many people of a list would be written to now, by the language they speak."""
    people = audience(list_id)
    counts = (
        select(people.c.language, func.count().label("people"))
        .where(people.c.state == SubscriptionState.ACTIVE, ~people.c.suppressed)
        .group_by(people.c.language)
    )
    return {row.language: row.people for row in session.execute(counts)}


def head_count(session: Session, list_id: int) -> int:
    """Return how many people of a list would be written to now."""
    people = audience(list_id)
    count = (
        select(func.count())
        .select_from(people)
        .where(people.c.state == SubscriptionState.ACTIVE, ~people.c.suppressed)
    )
    return session.scalars(count).one()
