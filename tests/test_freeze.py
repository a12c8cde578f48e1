"""To whom, fixed: every test on SQLite and on PostgreSQL."""

import threading
from contextlib import suppress as suppress_errors
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from newsletter.dispatch.freeze import ApprovalVoid, freeze, hold_back
from newsletter.errors import NotAllowed, NotFound
from newsletter.tables import (
    Batch,
    Bulletin,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Notice,
    Reason,
)
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from subscribers.tables import SubscriptionState
from tests.audiences import (
    MONDAY,
    add_bulletin,
    add_issue,
    add_list,
    add_people,
    states_of,
    subscribe,
    suppress,
)

PENDING, EXCLUDED = DeliveryState.PENDING, DeliveryState.EXCLUDED


def freeze_now(
    session: Session, keys: Keys, issue_id: int, practice: bool = False, connections: int = 2
) -> int:
    return freeze(session, keys, issue_id, practice, 500, connections, MONDAY)


def reasons_of(session: Session, issue_id: int) -> dict[int, Reason | None]:
    rows = session.execute(
        select(Delivery.subscriber_id, Delivery.reason).where(Delivery.issue_id == issue_id)
    )
    return {row.subscriber_id: row.reason for row in rows}


def receive(
    session: Session, issue_id: int, state: DeliveryState, subscriber_id: int | None = None
) -> None:
    chosen = update(Delivery).where(Delivery.issue_id == issue_id)
    if subscriber_id is not None:
        chosen = chosen.where(Delivery.subscriber_id == subscriber_id)
    session.execute(chosen.values(state=state))


@pytest.mark.transition("a", "b")
def test_everyone_in_the_audience_has_one_delivery(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        active = add_people(session, keys, list_id, 20)
        left = add_people(session, keys, list_id, 2, state=SubscriptionState.UNSUBSCRIBED)
        add_people(session, keys, list_id, 3, state=SubscriptionState.PENDING)
        suppress(session, keys, active[0])
        suppress(session, keys, left[0])
        issue_id = add_issue(session, keys, list_id)

        size = freeze_now(session, keys, issue_id)

        reasons = reasons_of(session, issue_id)
        assert size == 22
        assert set(reasons) == {*active, *left}
        assert reasons[active[0]] is Reason.SUPPRESSED
        assert reasons[left[0]] is Reason.SUPPRESSED
        assert reasons[left[1]] is Reason.UNSUBSCRIBED
        assert states_of(session, issue_id) == {PENDING: 19, EXCLUDED: 3}


def test_the_issue_is_sending_from_then_on(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 3)
        issue_id = add_issue(session, keys, list_id)

        freeze_now(session, keys, issue_id, practice=True)

    with reading(engine) as session:
        issue = session.get_one(Issue, issue_id)
        assert (issue.state, issue.started_at, issue.audience_size) == (
            IssueState.SENDING,
            MONDAY,
            3,
        )
        assert issue.practice


def test_repeating_it_changes_nothing(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 30)
        issue_id = add_issue(session, keys, list_id)
        freeze_now(session, keys, issue_id)
    with writing(engine) as session:
        add_people(session, keys, list_id, 5)

        again = freeze_now(session, keys, issue_id)

        assert again == 30
        assert states_of(session, issue_id) == {PENDING: 30}
        assert session.scalars(select(Issue.audience_size)).one() == 30


def test_two_that_freeze_at_once_agree(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 200)
        issue_id = add_issue(session, keys, list_id)
    sizes = []

    def work() -> None:
        with suppress_errors(NotAllowed), writing(engine) as session:  # PostgreSQL: not both
            sizes.append(freeze_now(session, keys, issue_id))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(sizes) == {200}
    with reading(engine) as session:
        assert states_of(session, issue_id) == {PENDING: 200}


def test_batches_hold_every_pending_delivery_once(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        people = add_people(session, keys, list_id, 100)
        add_people(session, keys, list_id, 61, language="fa")
        for number in people[::7]:
            suppress(session, keys, number)
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa"))

        freeze_now(session, keys, issue_id)

        pending = session.scalars(
            select(Delivery.id).where(Delivery.state == PENDING).order_by(Delivery.id)
        ).all()
        batches = session.scalars(select(Batch).order_by(Batch.first_id)).all()
        held = [no for b in batches for no in range(b.first_id, b.last_id + 1)]
        assert held == list(pending)
        assert len(pending) == 161 - 15
        assert {b.edition_no for b in batches} == {0, 1}
        assert all(b.due_at == MONDAY for b in batches)


@pytest.mark.parametrize(
    ("people", "limit", "connections", "largest"),
    [(5, 500, 10, 5), (160, 500, 4, 10), (400, 500, 4, 25), (400, 20, 4, 20)],
)
def test_a_small_list_gives_work_to_all_connections(
    sqlite_url: str, keys: Keys, people: int, limit: int, connections: int, largest: int
) -> None:
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, people)
        issue_id = add_issue(session, keys, list_id)

        freeze(session, keys, issue_id, True, limit, connections, MONDAY)

        sizes = [b.last_id - b.first_id + 1 for b in session.scalars(select(Batch))]
        assert max(sizes) == largest
        assert sum(sizes) == people
    engine.dispose()


def test_an_empty_audience_has_no_batches(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))

        assert freeze_now(session, keys, issue_id) == 0
        assert session.scalars(select(Batch)).all() == []


def test_everyone_gets_the_edition_in_their_language(engine: Engine, keys: Keys) -> None:
    spoken = {None: 0, "en": 0, "en-GB": 0, "ko": 0, "f": 0, "fa": 1, "fa-AF": 1, "FA-af": 1}
    spoken |= {"pt": 2, "pt-PT": 2, "pt-BR": 3}
    with writing(engine) as session:
        list_id = add_list(session)
        people = {
            add_people(session, keys, list_id, 1, language)[0]: edition
            for language, edition in spoken.items()
        }
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa", "pt", "pt-BR"))

        freeze_now(session, keys, issue_id)

        editions = session.execute(
            select(Delivery.subscriber_id, Batch.edition_no).join(
                Batch, Delivery.id.between(Batch.first_id, Batch.last_id)
            )
        )
        assert {row.subscriber_id: row.edition_no for row in editions} == people


@pytest.mark.transition("b")
def test_who_may_have_the_bulletin_through_another_list_is_left_out(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        weekly, monthly = add_list(session), add_list(session, "monthly")
        both = add_people(session, keys, weekly, len(DeliveryState))
        subscribe(session, monthly, both)
        alone = add_people(session, keys, monthly, 1)
        bulletin_id = add_bulletin(session, weekly)
        first = add_issue(session, keys, weekly, bulletin_id)
        second = add_issue(session, keys, monthly, bulletin_id)
        freeze_now(session, keys, first)
        for number, state in zip(both, DeliveryState, strict=True):
            receive(session, first, state, number)

        freeze_now(session, keys, second)

        reasons = reasons_of(session, second)
        left_out = {
            state for number, state in zip(both, DeliveryState, strict=True) if reasons[number]
        }
        assert left_out == {
            DeliveryState.SUBMITTED,
            DeliveryState.IN_FLIGHT,
            DeliveryState.UNKNOWN,
        }
        assert {reasons[number] for number in both} == {None, Reason.ALREADY_RECEIVED}
        assert reasons[alone[0]] is None


@pytest.mark.parametrize("practised", ["first", "second"])
def test_practice_never_counts_as_received(engine: Engine, keys: Keys, practised: str) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 3)
        bulletin_id = add_bulletin(session, list_id)
        first, second = (add_issue(session, keys, list_id, bulletin_id) for _ in range(2))
        freeze_now(session, keys, first, practice=practised == "first")
        receive(session, first, DeliveryState.SUBMITTED)

        freeze_now(session, keys, second, practice=practised == "second")

        assert states_of(session, second) == {PENDING: 3}


@pytest.mark.parametrize("tie", ["replaced", "replaced twice", "older", "same text", "other"])
def test_versions_and_copies_are_the_same_bulletin(engine: Engine, keys: Keys, tie: str) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 2)
        old = add_bulletin(session, list_id, "old")
        between = add_bulletin(session, list_id, "between")
        new = add_bulletin(session, list_id, "old" if tie == "same text" else "new")
        if tie in ("replaced", "older"):
            session.execute(update(Bulletin).where(Bulletin.id == old).values(replaced_by=new))
        if tie == "replaced twice":
            session.execute(update(Bulletin).where(Bulletin.id == old).values(replaced_by=between))
            session.execute(update(Bulletin).where(Bulletin.id == between).values(replaced_by=new))
        earlier, later = (new, old) if tie == "older" else (old, new)
        first, second = (add_issue(session, keys, list_id, no) for no in (earlier, later))
        freeze_now(session, keys, first)
        receive(session, first, DeliveryState.SUBMITTED)

        freeze_now(session, keys, second)

        expected = {PENDING: 2} if tie == "other" else {EXCLUDED: 2}
        assert states_of(session, second) == expected


def test_a_change_after_the_approval_stops_the_start(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))
        session.execute(update(Issue).values(version_hash=b"w" * 32))

        with pytest.raises(ApprovalVoid, match="changed after it was approved"):
            freeze_now(session, keys, issue_id)

        assert session.scalars(select(Issue.state)).one() is IssueState.SCHEDULED


@pytest.mark.parametrize("damage", ["bytes", "hash", "gone"])
def test_an_email_that_is_not_the_approved_one_stops_the_start(
    engine: Engine, keys: Keys, damage: str
) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))
        if damage == "bytes":
            session.execute(update(Edition).values(email=b"\x01" + bytes(40)))
        if damage == "hash":
            session.execute(update(Edition).values(hash=b"w" * 32))
        if damage == "gone":
            session.delete(session.get_one(Edition, (issue_id, 0)))
            session.flush()

        with pytest.raises(ApprovalVoid):
            freeze_now(session, keys, issue_id)


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("state", IssueState.DRAFT, "is draft"),
        ("state", IssueState.AWAITING_APPROVAL, "awaiting approval"),
        ("due_at", MONDAY + timedelta(seconds=1), "not due yet"),
        ("not_before", MONDAY + timedelta(seconds=1), "not due yet"),
    ],
)
def test_an_issue_starts_only_when_it_may(
    engine: Engine, keys: Keys, column: str, value: object, match: str
) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))
        session.execute(update(Issue).values({column: value}))

        with pytest.raises(NotAllowed, match=match):
            freeze_now(session, keys, issue_id)


def test_an_issue_that_does_not_exist_is_named(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session, pytest.raises(NotFound, match="no issue 77"):
        freeze_now(session, keys, 77)


def test_an_issue_held_back_is_a_draft_and_staff_know(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))

        hold_back(session, keys, issue_id, "It changed.", MONDAY)
        hold_back(session, keys, issue_id, "It changed.", MONDAY)

        issue = session.get_one(Issue, issue_id)
        assert (issue.state, issue.hold, issue.approved_hash) == (IssueState.DRAFT, True, None)
        assert len(session.scalars(select(Notice.key)).all()) == 1
