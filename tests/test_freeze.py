"""To whom, fixed: every test on SQLite and on PostgreSQL."""

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextlib import suppress as suppress_errors
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text, update
from sqlalchemy.orm import Session

from newsletter.dispatch.freeze import (
    ApprovalVoid,
    _refuse_gaps,
    check_approval,
    count_joined,
    edition_for,
    freeze,
    freeze_joined,
    hold_back,
    refuse_names,
)
from newsletter.dispatch.received import other_issues
from newsletter.errors import NotAllowed, NotFound
from newsletter.issue import Actor
from newsletter.issue.register import register
from newsletter.names import Kind, Pseudonym
from newsletter.tables import (
    Batch,
    Bulletin,
    Delivery,
    DeliveryState,
    Edition,
    HandOver,
    Issue,
    IssueState,
    Notice,
    Reason,
    Stop,
    Trial,
)
from subscribers.database import open_engine, reading, table_of, writing
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import Basis, Subscriber, Subscription, SubscriptionState
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
SOON = timedelta(seconds=1)


def freeze_now(
    session: Session, keys: Keys, issue_id: int, practice: bool = False, connections: int = 2
) -> int:
    return freeze(session, keys, issue_id, practice, 500, connections, MONDAY)


def whole(sentence: str) -> str:
    """Return the pattern of this sentence, and of nothing more."""
    return f"^{re.escape(sentence)}$"


def reasons_of(session: Session, issue_id: int) -> dict[int, Reason | None]:
    rows = session.execute(
        select(Delivery.subscriber_id, Delivery.reason).where(Delivery.issue_id == issue_id)
    )
    return {row.subscriber_id: row.reason for row in rows}


def spans_of(session: Session, issue_id: int) -> list[tuple[int, int]]:
    """Return edition and size of each batch, in their order; they have to lie without a gap."""
    chosen = select(Batch).where(Batch.issue_id == issue_id).order_by(Batch.first_id)
    batches = session.scalars(chosen).all()
    for one, next_one in pairwise(batches):
        assert next_one.first_id == one.last_id + 1
    return [(batch.edition_no, batch.last_id - batch.first_id + 1) for batch in batches]


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
        session.execute(update(Issue).values(pause_reason="It waited.", not_before=None))

        freeze_now(session, keys, issue_id, practice=True)

    with reading(engine) as session:
        issue = session.get_one(Issue, issue_id)
        assert (issue.state, issue.started_at, issue.audience_size) == (
            IssueState.SENDING,
            MONDAY,
            3,
        )
        assert issue.practice
        assert issue.pause_reason is None


def test_the_batches_of_an_issue_hold_nobody_of_another(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 5)
        first, second = (
            add_issue(session, keys, list_id, add_bulletin(session, list_id, text))
            for text in ("one", "two")
        )
        for number in (first, second):
            freeze_now(session, keys, number)

        assert [spans_of(session, number) for number in (first, second)] == [[(0, 5)]] * 2


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


def test_the_people_of_an_edition_lie_together_however_they_subscribed(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        spoken = [add_people(session, keys, list_id, 1, ("en", "fa")[no % 2]) for no in range(24)]
        persian = {people[0] for people in spoken[1::2]}
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa"))

        freeze_now(session, keys, issue_id)

        assert spans_of(session, issue_id) == [(0, 10), (0, 2), (1, 10), (1, 2)]
        in_persian = session.scalars(
            select(Delivery.subscriber_id)
            .join(Batch, Delivery.id.between(Batch.first_id, Batch.last_id))
            .where(Batch.edition_no == 1)
        )
        assert set(in_persian) == persian


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
    spoken |= {"pt": 2, "pt-PT": 2, "pt-BR": 3, "pt-MZ": 2, "prs": 1, "PT_br": 3, "uk": 0, "": 0}
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
        said = session.execute(select(Subscriber.id, edition_for(session, issue_id, list_id)))
        assert {row[0]: row[1] for row in said} == people


def test_a_language_without_a_country_gets_the_edition_of_one(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 1)
        add_people(session, keys, list_id, 1, language="pt")
        issue_id = add_issue(session, keys, list_id, languages=("en", "pt-BR"))

        freeze_now(session, keys, issue_id)

        assert spans_of(session, issue_id) == [(0, 1), (1, 1)]


def test_deliveries_are_numbered_in_the_order_of_their_people(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        people = add_people(session, keys, add_list(session, "monthly"), 4)
        list_id = add_list(session)
        subscribe(session, list_id, people[::-1])
        issue_id = add_issue(session, keys, list_id)

        freeze_now(session, keys, issue_id)

        numbered = session.scalars(select(Delivery.subscriber_id).order_by(Delivery.id)).all()
        assert numbered == people


# --- styles -----------------------------------------------------------------------------------


def choose(session: Session, style: Style, *people: int) -> None:
    session.execute(update(Subscriber).where(Subscriber.id.in_(people)).values(style=style))


def test_everyone_gets_the_edition_in_their_style(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        discreet, standard, large = add_people(session, keys, list_id, 3)
        choose(session, Style.LARGE, large)
        choose(session, Style.DISCREET, discreet)
        issue_id = add_issue(session, keys, list_id, languages=("en",) * 3)
        for number, style in ((1, "large"), (2, "discreet")):
            session.execute(update(Edition).where(Edition.no == number).values(style=style))

        freeze_now(session, keys, issue_id)

        order = session.scalars(select(Delivery.subscriber_id).order_by(Delivery.id)).all()
        assert order == [standard, large, discreet]
        assert spans_of(session, issue_id) == [(0, 1), (1, 1), (2, 1)]
        said = session.execute(select(Subscriber.id, edition_for(session, issue_id, list_id)))
        assert {row[0]: row[1] for row in said} == {standard: 0, large: 1, discreet: 2}


def test_staff_are_told_how_many_get_nothing_for_want_of_a_discreet_edition(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        issues = []
        for name in ("weekly", "monthly"):
            list_id = add_list(session, name)
            without, left, reader = (add_people(session, keys, list_id, no) for no in (2, 1, 3))
            choose(session, Style.DISCREET, *without, *left)
            for number in left:
                suppress(session, keys, number)
            issues.append(add_issue(session, keys, list_id))
            freeze_now(session, keys, issues[-1])

        assert reasons_of(session, issues[-1]) == {
            **dict.fromkeys(without, Reason.NO_DISCREET_EDITION),
            **dict.fromkeys(left, Reason.SUPPRESSED),
            **dict.fromkeys(reader, None),
        }
        told = session.scalars(select(Notice).order_by(Notice.id)).all()
        assert [notice.created_at for notice in told] == [MONDAY, MONDAY]
        for issue_id, notice in zip(issues, told, strict=True):
            body = json.loads(keys.decrypt(notice.body, "notice.body", notice.key.encode()))
            assert body["subject"] == f"Issue {issue_id} has no discreet edition"
            assert body["paragraphs"] == [
                "2 people of its list get the discreet mail and no other, since they, or somebody "
                "for the list, chose it after the issue was drafted. It has none, so they get "
                "nothing of it.",
                "The next issue has one where [discreet] is complete in the settings and the text "
                "does not name you.",
            ]


def test_staff_are_told_nothing_where_everybody_gets_a_copy(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 2)
        freeze_now(session, keys, add_issue(session, keys, list_id))

        assert session.scalars(select(Notice)).all() == []


@pytest.mark.parametrize(
    ("spans", "refused"),
    [
        ([], False),
        ([(0, 1, 5, 5), (1, 6, 8, 3)], False),
        ([(0, 1, 5, 5), (1, 8, 9, 2)], False),  # those between are left out
        ([(0, 1, 5, 4), (1, 6, 8, 3)], True),  # one of the first is in none
        ([(0, 1, 6, 5), (1, 3, 8, 3)], True),  # one of the first is now among the second
        ([(0, 101, 105, 5), (1, 105, 108, 4)], True),
        ([(0, 1, 5, 5), (None, 6, 6, 1)], True),  # one turned to the discreet mail
    ],
)
def test_no_batch_holds_people_of_two_editions_or_of_none(
    spans: Sequence[tuple[int, int, int, int]], refused: bool
) -> None:
    said = whole("Somebody chooses how their mail comes at this moment: try again.")
    with pytest.raises(NotAllowed, match=said) if refused else nullcontext():
        _refuse_gaps(spans)


# --- the first hundred ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "persian", "sizes"),
    [
        (99, 1, [(0, 25), (0, 25), (0, 25), (0, 24), (1, 1)]),
        (100, 1, [(0, 100), (1, 1)]),
        (150, 60, [(0, 100), (0, 30), (0, 20), (1, 30), (1, 30)]),
        (60, 150, [(0, 30), (0, 30), (1, 100), (1, 30), (1, 20)]),
        (70, 60, [(0, 70), (1, 30), (1, 30)]),
    ],
)
def test_the_first_hundred_of_the_largest_edition_are_a_batch_that_goes_alone(
    engine: Engine,
    keys: Keys,
    english: int,
    persian: int,
    sizes: Sequence[tuple[int, int]],
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, english)
        add_people(session, keys, list_id, persian, language="fa")
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa"))

        freeze(session, keys, issue_id, False, 30, 1, MONDAY)

        assert spans_of(session, issue_id) == sizes
        first = session.execute(
            select(Trial.issue_id, Batch.due_at, Batch.last_id - Batch.first_id + 1).join(
                Batch, Batch.id == Trial.batch_id
            )
        ).all()
        largest = max(english, persian)
        alone = [(issue_id, MONDAY, min(100, largest))] if english + persian > 100 else []
        assert first == alone


def test_practice_goes_to_everybody_at_once(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 150)
        issue_id = add_issue(session, keys, list_id)

        freeze_now(session, keys, issue_id, practice=True)

        assert session.scalars(select(Trial)).all() == []
        assert spans_of(session, issue_id) == [(0, 19)] * 7 + [(0, 17)]


# --- who has it already -----------------------------------------------------------------------


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


def test_only_issues_of_the_same_bulletin_count_as_received(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        weekly, monthly = add_list(session), add_list(session, "monthly")
        people = add_people(session, keys, weekly, 3)
        subscribe(session, monthly, people)
        bulletin_id = add_bulletin(session, weekly)
        same = add_issue(session, keys, weekly, bulletin_id)
        another = add_issue(session, keys, weekly, add_bulletin(session, weekly, "another"))
        issue_id = add_issue(session, keys, monthly, bulletin_id)
        for number in (same, another):
            freeze_now(session, keys, number)
        receive(session, same, DeliveryState.SUBMITTED, people[0])
        receive(session, another, DeliveryState.SUBMITTED, people[1])

        freeze_now(session, keys, issue_id)

        assert other_issues(session, same) == (issue_id,)

        assert reasons_of(session, issue_id) == {
            people[0]: Reason.ALREADY_RECEIVED,
            people[1]: None,
            people[2]: None,
        }


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

        said = (
            f"Issue {issue_id} changed after it was approved: look at it again, then schedule it."
        )
        with pytest.raises(ApprovalVoid, match=whole(said)):
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

        said = (
            f"Issue {issue_id} holds no email: draft it again."
            if damage == "gone"
            else f"The stored email of issue {issue_id} is not the one that was approved: draft "
            "the issue again."
        )
        for look in (freeze_now, check_approval):
            with pytest.raises(ApprovalVoid, match=whole(said)):
                look(session, keys, issue_id)


def test_what_was_approved_is_looked_at_again_before_more_of_it_goes(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        one, other = add_issue(session, keys, list_id), add_issue(session, keys, list_id)
        session.execute(update(Issue).where(Issue.id == other).values(version_hash=b"w" * 32))

        check_approval(session, keys, one)
        said = f"Issue {other} is not the one that was approved: draft it again."
        with pytest.raises(ApprovalVoid, match=whole(said)):
            check_approval(session, keys, other)


def test_an_issue_with_a_name_that_was_registered_since_goes_no_further(
    engine: Engine, keys: Keys
) -> None:
    mill = Pseudonym(Kind.NAME, "The Old Mill", "Anna")
    text = "# Pray\n\nPray for rain.\n\nPray for The Old Mill.\n"
    with writing(engine) as session:
        list_id = add_list(session)
        bulletin_id = add_bulletin(session, list_id)
        row = session.get_one(Bulletin, bulletin_id)
        row.source = keys.encrypt_bytes(text.encode(), "bulletin.source", row.content_index)
        row.file_name = keys.encrypt("pray.md", "bulletin.file_name", row.content_index)
        issue_id = add_issue(session, keys, list_id, bulletin_id)
        check_approval(session, keys, issue_id)
        register(session, keys, mill, Actor("ruth@example.org", "command"), MONDAY)

        said = (
            f"Issue {issue_id} holds what the register of pseudonyms keeps secret (line 5): mend "
            "the bulletin and add it again."
        )
        for look in (check_approval, refuse_names):
            with pytest.raises(ApprovalVoid, match=whole(said)):
                look(session, keys, issue_id)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("state", IssueState.DRAFT, "draft: only a scheduled issue can start."),
        (
            "state",
            IssueState.AWAITING_APPROVAL,
            "awaiting approval: only a scheduled issue can start.",
        ),
        *(
            (column, MONDAY + SOON, "not due yet: move it if it shall start now.")
            for column in ("due_at", "not_before")
        ),
    ],
)
def test_an_issue_starts_only_when_it_may(
    engine: Engine, keys: Keys, column: str, value: object, said: str
) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))
        session.execute(update(Issue).values({column: value}))

        with pytest.raises(NotAllowed, match=whole(f"Issue {issue_id} is {said}")):
            freeze_now(session, keys, issue_id)


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=40)])
def test_what_the_provider_holds_until_its_time_may_start_early_and_is_forgotten_when_late(
    engine: Engine, keys: Keys, ahead: timedelta
) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session), due_at=MONDAY + ahead)
        session.execute(update(Issue).values(not_before=MONDAY))
        add_hand_over(session, issue_id, MONDAY + ahead)
        other = add_issue(session, keys, add_list(session, "monthly"))
        add_hand_over(session, other, MONDAY)

        freeze_now(session, keys, issue_id)

        held = session.scalars(select(HandOver.issue_id).order_by(HandOver.issue_id)).all()
        assert held == ([issue_id, other] if ahead else [other])


def test_practice_never_starts_early(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        due_at = MONDAY + timedelta(minutes=40)
        issue_id = add_issue(session, keys, add_list(session), due_at=due_at)
        session.execute(update(Issue).values(not_before=None))
        add_hand_over(session, issue_id, due_at)

        with pytest.raises(NotAllowed, match="not due yet"):
            freeze_now(session, keys, issue_id, practice=True)


def add_hand_over(session: Session, issue_id: int, send_at: datetime) -> None:
    row = HandOver(
        issue_id=issue_id,
        provider="sendgrid",
        batch_id="held-1",
        send_at=send_at,
        stop=Stop.NONE,
        takes_slot=True,
    )
    session.add(row)
    session.flush()


def test_an_issue_that_does_not_exist_is_named(engine: Engine, keys: Keys) -> None:
    said = whole("There is no issue 77: newsletter issue show lists them.")
    with writing(engine) as session, pytest.raises(NotFound, match=said):
        freeze_now(session, keys, 77)


def test_an_issue_held_back_is_a_draft_and_staff_know(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))

        hold_back(session, keys, issue_id, "It changed.", MONDAY)
        hold_back(session, keys, issue_id, "It changed.", MONDAY)

        issue = session.get_one(Issue, issue_id)
        assert (issue.state, issue.hold, issue.approved_hash) == (IssueState.DRAFT, True, None)
        notice = session.scalars(select(Notice)).one()
        body = json.loads(keys.decrypt(notice.body, "notice.body", notice.key.encode()))
        assert body["subject"] == f"Issue {issue_id} did not start"
        assert body["paragraphs"] == ["It changed.", "Nobody received it."]


def test_an_issue_that_is_held_back_again_is_told_again(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        issue_id = add_issue(session, keys, add_list(session))

        for hours in range(2):
            hold_back(session, keys, issue_id, "It changed.", MONDAY + timedelta(hours=hours))

        assert len(session.scalars(select(Notice)).all()) == 2


@contextmanager
def somebody_who_joins(
    engine: Engine, list_id: int, subscriber_id: int, when: str
) -> Iterator[None]:
    """Let somebody subscribe just before or after the deliveries are written.

    PostgreSQL allows that to others; here one more statement of the same transaction does it.
    """

    def join(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO delivery"):
            row = {
                "list_id": list_id,
                "subscriber_id": subscriber_id,
                "state": SubscriptionState.ACTIVE,
                "basis": Basis.EXPLICIT_CONSENT,
                "changed_at": MONDAY,
            }
            connection.execute(insert(table_of(Subscription)), row)

    event.listen(engine, f"{when}_cursor_execute", join)
    yield
    event.remove(engine, f"{when}_cursor_execute", join)


def test_an_audience_that_changes_while_it_is_fixed_is_not_begun(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 3)
        late = add_people(session, keys, add_list(session, "monthly"), 1)
        issue_id = add_issue(session, keys, list_id)

    with (
        pytest.raises(
            NotAllowed,
            match=whole(
                f"The audience of issue {issue_id} changed while it was being fixed: it starts "
                "again by itself in a moment."
            ),
        ),
        somebody_who_joins(engine, list_id, late[0], "after"),
        writing(engine) as session,
    ):
        freeze_now(session, keys, issue_id)

    with reading(engine) as session:
        assert session.get_one(Issue, issue_id).state is IssueState.SCHEDULED
        assert states_of(session, issue_id) == {}


def test_whoever_turns_to_the_discreet_mail_while_an_audience_is_fixed_makes_it_begin_again(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        people = add_people(session, keys, list_id, 3)
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa"))
    turns = update(table_of(Subscriber)).where(table_of(Subscriber).c.id == people[1])

    def turn(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO delivery"):
            connection.execute(turns.values(style=Style.DISCREET))

    event.listen(engine, "after_cursor_execute", turn)
    with pytest.raises(NotAllowed, match="try again"), writing(engine) as session:
        freeze_now(session, keys, issue_id)
    event.remove(engine, "after_cursor_execute", turn)

    with reading(engine) as session:
        assert session.get_one(Issue, issue_id).state is IssueState.SCHEDULED


# --- those who joined since -------------------------------------------------------------------


def join_now(session: Session, issue_id: int, list_id: int, practice: bool = False) -> int:
    return freeze_joined(session, issue_id, list_id, practice, 500, 2, MONDAY + timedelta(hours=1))


def test_who_joined_since_gets_a_delivery_and_a_batch_of_their_own(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id, monthly = add_list(session), add_list(session, "monthly")
        add_people(session, keys, list_id, 12)
        issue_id = add_issue(session, keys, list_id, languages=("en", "fa"))
        freeze_now(session, keys, issue_id)
        add_people(session, keys, monthly, 2)
        add_people(session, keys, list_id, 2, state=SubscriptionState.UNSUBSCRIBED)
        joined = add_people(session, keys, list_id, 3)
        persian = add_people(session, keys, list_id, 1, language="fa")
        suppress(session, keys, joined[0])

        assert count_joined(session, issue_id, list_id) == 4
        assert join_now(session, issue_id, list_id) == 4

        assert count_joined(session, issue_id, list_id) == 0
        assert states_of(session, issue_id) == {PENDING: 15, EXCLUDED: 1}
        assert reasons_of(session, issue_id)[joined[0]] is Reason.SUPPRESSED
        assert spans_of(session, issue_id) == [(0, 10), (0, 2), (0, 2), (1, 1)]
        assert session.get_one(Issue, issue_id, populate_existing=True).audience_size == 16
        last = session.scalars(select(Batch).order_by(Batch.id.desc())).first()
        assert last is not None
        assert last.due_at == MONDAY + timedelta(hours=1)
        assert session.get_one(Delivery, last.first_id).subscriber_id == persian[0]


def test_whoever_joins_while_the_others_are_taken_in_makes_it_begin_again(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        issue_id = add_issue(session, keys, list_id)
        freeze_now(session, keys, issue_id)
        add_people(session, keys, list_id, 3)
        late = add_people(session, keys, add_list(session, "monthly"), 1)

    with (
        pytest.raises(
            NotAllowed, match=whole("Somebody is subscribing at this moment: try again.")
        ),
        somebody_who_joins(engine, list_id, late[0], "before"),
        writing(engine) as session,
    ):
        join_now(session, issue_id, list_id)

    with reading(engine) as session:
        assert states_of(session, issue_id) == {}


@pytest.mark.parametrize("practice", [False, True])
def test_those_who_join_an_audience_of_nobody_are_taken_in(
    engine: Engine, keys: Keys, practice: bool
) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        issue_id = add_issue(session, keys, list_id)
        freeze_now(session, keys, issue_id, practice)
        add_people(session, keys, list_id, 101)

        assert join_now(session, issue_id, list_id, practice) == 101

        assert states_of(session, issue_id) == {PENDING: 101}
        assert len(session.scalars(select(Trial)).all()) == (0 if practice else 1)


def test_those_who_joined_are_no_trial_however_many_they_are(engine: Engine, keys: Keys) -> None:
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 5)
        issue_id = add_issue(session, keys, list_id)
        freeze_now(session, keys, issue_id)
        add_people(session, keys, list_id, 120)

        join_now(session, issue_id, list_id)

        assert session.scalars(select(Trial)).all() == []
        assert spans_of(session, issue_id) == [(0, 5)] + [(0, 15)] * 8


def test_who_joined_and_has_the_bulletin_already_is_left_out_but_not_of_practice(
    engine: Engine, keys: Keys
) -> None:
    with writing(engine) as session:
        weekly, monthly = add_list(session), add_list(session, "monthly")
        people = add_people(session, keys, weekly, 2)
        bulletin_id = add_bulletin(session, weekly)
        first = add_issue(session, keys, weekly, bulletin_id)
        real, practice = (add_issue(session, keys, monthly, bulletin_id) for _ in range(2))
        freeze_now(session, keys, first)
        receive(session, first, DeliveryState.SUBMITTED)
        freeze_now(session, keys, real)
        freeze_now(session, keys, practice, practice=True)
        subscribe(session, monthly, people)

        join_now(session, real, monthly)
        join_now(session, practice, monthly, practice=True)

        assert states_of(session, real) == {EXCLUDED: 2}
        assert states_of(session, practice) == {PENDING: 2}


# --- PostgreSQL -------------------------------------------------------------------------------


def test_two_audiences_are_not_fixed_at_once(postgres_url: str, keys: Keys) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 2)
        one, begun, other = (add_issue(session, keys, list_id) for _ in range(3))
        freeze_now(session, keys, begun)
    said = whole("Another process fixes an audience: this one is next in a moment.")

    with writing(engine) as first:
        freeze_now(first, keys, one)
        for _ in range(2):
            with pytest.raises(NotAllowed, match=said), writing(engine) as second:
                freeze_now(second, keys, other)
        with pytest.raises(NotAllowed, match=said), writing(engine) as second:
            join_now(second, begun, list_id)
    with writing(engine) as session:
        assert freeze_now(session, keys, other) == 2
    engine.dispose()


def test_the_server_counts_the_new_rows_and_the_workers_are_called(
    postgres_url: str, keys: Keys
) -> None:
    engine = open_engine(postgres_url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, 17)
        issue_id = add_issue(session, keys, list_id)
        freeze_now(session, keys, issue_id)

    counted = "SELECT relname, reltuples FROM pg_class WHERE relname IN ('delivery', 'batch')"
    called = "SELECT args FROM procrastinate_jobs WHERE status = 'todo'"
    with reading(engine) as session:
        rows = session.execute(text(counted)).all()
        assert {row.relname: row.reltuples for row in rows} == {"delivery": 17, "batch": 2}
        assert {row.args["issue_id"] for row in session.execute(text(called))} == {issue_id}
    engine.dispose()
