import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from subscribers.address import UnusableAddress
from subscribers.consent import (
    Enrolment,
    Ground,
    Person,
    choose_language,
    choose_style,
    details,
    enrol,
    find,
    sealed_actor,
    subscribe,
    unsubscribe,
    unsubscribe_everywhere,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.style import Style, style_for
from subscribers.suppression import suppress
from subscribers.tables import (
    Basis,
    ConsentEvent,
    ConsentKind,
    Subscriber,
    Subscription,
    SubscriptionState,
    SuppressionReason,
)
from tests.conftest import NOON
from tests.people import CONSENT, add_list, join

LATER = NOON + timedelta(days=1)
ANNA = "Anna@example.org"
BEN = "ben@example.org"


def test_subscribing_is_recorded_with_its_ground(engine: Engine, keys: Keys) -> None:
    ground = Ground(Basis.SOFT_OPT_IN, "staff", sealed_actor(keys, "office@example.org"))
    with writing(engine) as session:
        made = subscribe(session, keys, add_list(session), Person(ANNA), ground, NOON)

    assert made is Enrolment.ADDED
    with reading(engine) as session:
        event = session.scalars(select(ConsentEvent)).one()
        assert (event.kind, event.basis, event.at, event.channel) == (
            ConsentKind.IMPORTED,
            Basis.SOFT_OPT_IN,
            NOON,
            "staff",
        )
        assert keys.decrypt(event.actor or b"", "consent_event.actor", b"") == "office@example.org"


def test_subscribing_again_changes_nothing(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        join(session, keys, weekly, ANNA)
        again = subscribe(session, keys, weekly, Person("anna@EXAMPLE.org"), CONSENT, LATER)

        assert again is Enrolment.ALREADY
        assert session.scalars(select(func.count()).select_from(ConsentEvent)).one() == 1
        assert session.scalars(select(Subscription.changed_at)).one() == NOON
        found = details(session, keys, ANNA)
        assert found is not None
        assert found.email == ANNA  # as it was typed first


def test_one_person_can_be_on_two_lists(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        join(session, keys, add_list(session, "weekly"), ANNA)
        join(session, keys, add_list(session, "urgent"), ANNA)

        assert session.scalars(select(func.count()).select_from(Subscriber)).one() == 1
        assert session.scalars(select(func.count()).select_from(Subscription)).one() == 2


def test_somebody_who_has_not_confirmed_stays_so(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        (number,) = join(session, keys, weekly, ANNA)
        session.get_one(Subscription, number).state = SubscriptionState.PENDING
        session.flush()
        again = subscribe(session, keys, weekly, Person(ANNA), CONSENT, LATER)

        assert again is Enrolment.ALREADY
        assert session.get_one(Subscription, number).state is SubscriptionState.PENDING


def test_nobody_who_left_or_is_suppressed_comes_back_by_us(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        unsubscribe(session, join(session, keys, weekly, ANNA)[0], "link", NOON)
        suppress(session, keys, BEN, SuppressionReason.HARD_BOUNCE, NOON)
        left = subscribe(session, keys, weekly, Person(ANNA, "Anna"), CONSENT, LATER)
        suppressed = subscribe(session, keys, weekly, Person(BEN, "Ben"), CONSENT, LATER)

        assert (left, suppressed) == (Enrolment.LEFT, Enrolment.SUPPRESSED)
        assert find(session, keys, BEN) is None  # nothing is kept of him but the suppression
        anna = details(session, keys, ANNA)
        assert anna is not None
        assert anna.name is None
        assert anna.lists[0].state is SubscriptionState.UNSUBSCRIBED


def test_what_we_know_is_completed_and_never_overwritten(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        subscribe(session, keys, weekly, Person(ANNA, language="sv"), CONSENT, NOON)
        later = Person(ANNA, "Anna Ek", "en", "Europe/Stockholm", "SE")
        subscribe(session, keys, weekly, later, CONSENT, LATER)
        subscribe(session, keys, weekly, Person(ANNA, "Somebody Else"), CONSENT, LATER)
        found = details(session, keys, ANNA)

    assert found is not None
    assert (found.name, found.language, found.timezone, found.country) == (
        "Anna Ek",
        "sv",
        "Europe/Stockholm",
        "SE",
    )


def test_more_people_than_one_look_up_holds_are_enrolled_once(engine: Engine, keys: Keys) -> None:
    people = [Person(f"person{n}@example.org") for n in range(2500)]
    named = {keys.address_index(person.address): person for person in people}
    with writing(engine) as session:
        weekly = add_list(session)
        first = enrol(session, keys, weekly, named, CONSENT, NOON)
        second = enrol(session, keys, weekly, named, CONSENT, LATER)

        assert set(first.values()) == {Enrolment.ADDED}
        assert set(second.values()) == {Enrolment.ALREADY}
        assert list(first) == list(named)
        assert session.scalars(select(func.count()).select_from(ConsentEvent)).one() == 2500


def test_two_who_enrol_the_same_people_at_once_make_them_once(engine: Engine, keys: Keys) -> None:
    named = {keys.address_index(a): Person(a) for a in (f"p{n}@example.org" for n in range(200))}
    with writing(engine) as session:
        weekly = add_list(session)
    answers: list[Enrolment] = []

    def work() -> None:
        with writing(engine) as session:
            answers.extend(enrol(session, keys, weekly, named, CONSENT, NOON).values())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(Enrolment.ADDED) == 200
    assert answers.count(Enrolment.ALREADY) == 400


def test_leaving_twice_is_the_same_as_once(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly = add_list(session)
        number, other = join(session, keys, weekly, ANNA, BEN)
        first = unsubscribe(session, number, "one-click", NOON)
        second = unsubscribe(session, number, "link", LATER)

        assert (first, second) == (True, False)
        assert session.get_one(Subscription, other).state is SubscriptionState.ACTIVE
        row = session.get_one(Subscription, number)
        assert (row.state, row.changed_at) == (SubscriptionState.UNSUBSCRIBED, NOON)
        left = select(ConsentEvent).where(ConsentEvent.kind == ConsentKind.UNSUBSCRIBED)
        event = session.scalars(left).one()
        assert (event.subscription_id, event.channel, event.actor) == (number, "one-click", None)


def test_an_unknown_subscription_cannot_be_left(engine: Engine) -> None:
    with writing(engine) as session:
        assert not unsubscribe(session, 12345, "link", NOON)


def test_leaving_everywhere_holds_for_lists_to_come(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        lists = [add_list(session, name) for name in ("weekly", "urgent", "yearly")]
        for number in lists[:2]:
            join(session, keys, number, ANNA, BEN)
        anna = find(session, keys, ANNA)
        assert anna is not None
        first = unsubscribe_everywhere(session, keys, anna.id, "staff", NOON, by="office")
        second = unsubscribe_everywhere(session, keys, anna.id, "preferences", LATER)
        later = subscribe(session, keys, lists[2], Person(ANNA), CONSENT, LATER)

        assert (first, second) == (True, False)
        assert later is Enrolment.SUPPRESSED
        found, other = details(session, keys, ANNA), details(session, keys, BEN)
        assert found is not None
        assert other is not None
        assert {one.state for one in found.lists} == {SubscriptionState.UNSUBSCRIBED}
        assert {one.state for one in other.lists} == {SubscriptionState.ACTIVE}
        assert other.suppression is None


def test_somebody_unknown_leaves_nothing(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        assert not unsubscribe_everywhere(session, keys, 12345, "preferences", NOON)


def test_a_chosen_style_is_kept_and_standard_is_no_mark(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        join(session, keys, add_list(session), ANNA)
        anna = find(session, keys, ANNA)
        assert anna is not None

        changes = [
            choose_style(session, anna.id, style)
            for style in (Style.STANDARD, Style.DISCREET, Style.DISCREET, Style.STANDARD)
        ]

        session.refresh(anna)
        assert changes == [False, True, False, True]
        assert anna.style is None


def test_a_chosen_language_is_kept_and_may_be_taken_back(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        join(session, keys, add_list(session), ANNA)
        anna = find(session, keys, ANNA)
        assert anna is not None

        changes = [
            (
                choose_language(session, anna.id, language),
                session.scalar(select(Subscriber.language)),
            )
            for language in (None, "fa", "fa", "pt-BR", None)
        ]

        assert changes == [
            (False, None),
            (True, "fa"),
            (False, "fa"),
            (True, "pt-BR"),
            (True, None),
        ]


@pytest.mark.parametrize(
    ("chosen", "forced", "style"),
    [
        (None, None, Style.STANDARD),
        (Style.PLAIN, None, Style.PLAIN),
        (Style.PLAIN, Style.LARGE, Style.LARGE),
        (Style.DISCREET, Style.LARGE, Style.DISCREET),
        (Style.PLAIN, Style.DISCREET, Style.DISCREET),
        (Style.PLAIN, Style.STANDARD, Style.STANDARD),
    ],
)
def test_a_list_forces_a_style_and_never_takes_the_discreet_one_away(
    chosen: Style | None, forced: Style | None, style: Style
) -> None:
    assert style_for(chosen, forced) is style


def test_details_show_one_person_and_no_other(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        urgent, weekly = add_list(session, "urgent"), add_list(session, "weekly")
        person = Person(ANNA, "Anna Ek", "sv", "Europe/Stockholm", "SE")
        subscribe(session, keys, weekly, person, CONSENT, NOON)
        a, b = *join(session, keys, urgent, ANNA), *join(session, keys, weekly, ANNA)
        join(session, keys, weekly, BEN)
        unsubscribe(session, a, "link", LATER)
        found = details(session, keys, " anna@example.org ")

    assert found is not None
    assert found.to_json() == {
        "email": ANNA,
        "name": "Anna Ek",
        "language": "sv",
        "timezone": "Europe/Stockholm",
        "country": "SE",
        "style": "standard",
        "since": "2026-11-23T12:00:00+00:00",
        "lists": [
            {
                "id": urgent,
                "list": "urgent",
                "title": "Urgent",
                "subscription_id": a,
                "state": "unsubscribed",
                "basis": "explicit-consent",
                "since": "2026-11-24T12:00:00+00:00",
                "style": None,
            },
            {
                "id": weekly,
                "list": "weekly",
                "title": "Weekly",
                "subscription_id": b,
                "state": "active",
                "basis": "explicit-consent",
                "since": "2026-11-23T12:00:00+00:00",
                "style": None,
            },
        ],
        "suppression": None,
    }


def test_nothing_is_said_of_a_stranger(engine: Engine, keys: Keys) -> None:
    with reading(engine) as session:
        assert details(session, keys, ANNA) is None
        assert find(session, keys, ANNA) is None
        with pytest.raises(UnusableAddress):
            find(session, keys, "anna")
