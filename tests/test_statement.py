"""Statements that the driver runs by itself, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, PoolProxiedConnection, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.tables import Pace
from subscribers import database
from subscribers.database import DatabaseUnavailable, Pen, open_engine, reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.statement import Statement, place
from subscribers.tables import MailingList, Subscription, SubscriptionState
from tests.audiences import MONDAY, add_list, add_people

_list = table_of(MailingList)
_subscription = table_of(Subscription)
_pace = table_of(Pace)

_STATES = Statement(
    lambda numbers: (
        select(_subscription.c.subscriber_id, _subscription.c.state)
        .where(
            _subscription.c.subscriber_id.in_(numbers),
            _subscription.c.state.in_((SubscriptionState.ACTIVE, SubscriptionState.PENDING)),
            _subscription.c.changed_at <= place("now"),
        )
        .order_by(_subscription.c.subscriber_id)
    )
)
_CHANGE = Statement(
    lambda _: (
        update(_subscription)
        .where(_subscription.c.subscriber_id == place("person"))
        .values(state=place("new_state"), changed_at=place("now"))
    )
)
_ADD = Statement(
    lambda _: (
        insert(_list)
        .values(name=place("name"), title="A list", created_at=place("created_at"))
        .returning(_list.c.id)
    )
)

_ON = Statement(
    lambda _: select(_pace.c.provider).where(
        or_(_pace.c.day == place("today"), _pace.c.month == place("other"))
    )
)


def names(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return sorted(session.scalars(select(MailingList.name)))


def test_values_go_in_as_everywhere_and_rows_come_back_plain(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        people = add_people(session, keys, add_list(session), 3)

        active = int(SubscriptionState.ACTIVE)
        assert _STATES.run(session, people[:2], now=MONDAY) == [(n, active) for n in people[:2]]
        assert _STATES.run(session, people, now=MONDAY - timedelta(seconds=1)) == []
        assert _STATES.run(session, (), now=MONDAY) == []


def test_a_date_goes_in_as_everywhere(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(Pace(provider="smtp", day=MONDAY.date()))
        session.flush()

        assert _ON.run(session, today=MONDAY.date(), other=None) == [("smtp",)]
        assert _ON.run(session, today=MONDAY.date() + timedelta(days=1), other=None) == []


def test_a_statement_without_rows_gives_none(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        (person,) = add_people(session, keys, add_list(session), 1)
        soon = MONDAY + timedelta(microseconds=1)

        left = SubscriptionState.UNSUBSCRIBED
        assert _CHANGE.run(session, person=person, new_state=left, now=soon) == []

        row = session.scalars(select(Subscription)).one()
        assert (row.state, row.changed_at) == (left, soon)


def _write_and_fail(pen: Pen) -> None:
    with pen.writing() as session:
        _ADD.run(session, name="never", created_at=MONDAY)
        raise KeyError("a mistake")


def test_it_belongs_to_the_transaction_of_its_session(engine: Engine) -> None:
    pen = Pen(engine)
    with pen.writing() as session:
        _ADD.run(session, name="weekly", created_at=MONDAY)
        session.add(MailingList(name="monthly", title="Another", created_at=MONDAY))
    with pytest.raises(KeyError):
        _write_and_fail(pen)
    with pen.writing() as session:
        assert session.scalar(select(func.count()).select_from(MailingList)) == 2
    pen.put_down()
    pen.put_down()

    assert names(engine) == ["monthly", "weekly"]


def test_errors_are_those_of_sqlalchemy_and_quote_no_row(engine: Engine) -> None:
    with writing(engine) as session:
        add_list(session, "weekly")

    with pytest.raises(IntegrityError) as caught, writing(engine) as session:
        _ADD.run(session, name="weekly", created_at=MONDAY)

    assert "weekly" not in str(caught.value)
    assert names(engine) == ["weekly"]


def test_a_server_that_went_away_is_said_in_words_and_found_again(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    pen = Pen(engine)

    def end_it(session: Session) -> None:
        number = session.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})

    def write_in_vain() -> None:
        with pen.writing() as session:
            end_it(session)
            _ADD.run(session, name="lost", created_at=MONDAY)

    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        write_in_vain()
    with pen.writing() as session:
        _ADD.run(session, name="weekly", created_at=MONDAY)

    assert names(engine) == ["weekly"]
    pen.put_down()
    engine.dispose()


@pytest.mark.parametrize(("kept_for", "taken"), [(timedelta(hours=1), 1), (timedelta(), 2)])
def test_a_pen_keeps_its_connection_while_it_is_used(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, kept_for: timedelta, taken: int
) -> None:
    monkeypatch.setattr(database, "KEPT_FOR", kept_for)
    pen, connections = Pen(engine), set[PoolProxiedConnection]()

    for name in ("weekly", "monthly"):
        with pen.writing() as session:
            _ADD.run(session, name=name, created_at=MONDAY)
            connections.add(session.connection().connection)
    pen.put_down()

    assert len(connections) == taken
