"""What SendGrid is asked afterwards: its log settles unknowns, its lists suppress."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import Engine, select, update

from newsletter import config
from newsletter.errors import Problem
from newsletter.events import apply_waiting, lists_are_fresh, lists_wanted, pull_lists, reconcile
from newsletter.message import category_of
from newsletter.original import take_the_place
from newsletter.providers.reported import EventKind, NoAnswer
from newsletter.providers.sendgrid import records as module
from newsletter.providers.sendgrid.records import SendGridRecords
from newsletter.report import deliveries, report
from newsletter.tables import (
    BounceState,
    Delivery,
    DeliveryState,
    HardBounce,
    Issue,
    IssueState,
    LogSearch,
    Notice,
    ProviderLook,
    Reason,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import SuppressionReason
from tests.audiences import MONDAY, address_of
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server
from tests.signed import Gone, became, new_issue, suppressed

UNKNOWN = DeliveryState.UNKNOWN
SOON, HOUR, DAY = timedelta(minutes=11), timedelta(minutes=65), timedelta(hours=25)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridServer]:
    with sendgrid_server(tmp_path_factory.mktemp("records")) as server:
        yield server


@pytest.fixture
def server(running: SendGridServer) -> SendGridServer:
    running.forget()
    return running


@pytest.fixture
def records(server: SendGridServer) -> SendGridRecords:
    return SendGridRecords(server.settings(), KEY)


@pytest.fixture
def engine(warm_engine: Engine) -> Engine:
    """Fresh rows in a database whose statements are compiled already."""
    return warm_engine


def message(
    keys: Keys,
    gone: Gone,
    at: int,
    status: str = "delivered",
    created_at: datetime = MONDAY + timedelta(seconds=1),
    attempt_id: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return the log's line about the issue's `at`th copy."""
    number = gone.deliveries[at]
    return {
        "from_email": "prayer@example.org",
        "sg_message_id": f"abc{number}.filter/1.0",
        "subject": "Pray",
        "to_email": address_of(number),
        "status": status,
        "sg_message_id_created_at": created_at.isoformat(),
        "categories": [category_of(gone.issue_id)],
        "custom_args": {
            "pb_d": keys.token(Purpose.DELIVERY, number),
            "pb_a": str(attempt_id or gone.attempt_id),
        },
    } | more


def later(keys: Keys, gone: Gone) -> dict[str, Any]:
    """Return a line about something that came much later than the lost attempt."""
    return message(keys, gone, 0, created_at=MONDAY + timedelta(minutes=40), to_email="x@x.org")


def search(engine: Engine, keys: Keys, records: SendGridRecords, after: timedelta) -> int:
    found = reconcile(engine, keys, records, MONDAY + after)
    apply_waiting(engine, keys, MONDAY + after)
    return found


def looked(server: SendGridServer) -> list[str]:
    return [str(request["path"]) for request in server.requests()]


# --- the log --------------------------------------------------------------------------


@pytest.mark.transition("n")
def test_unknowns_that_the_log_knows_are_submitted(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 4, UNKNOWN)
    server.plan(
        log=[message(keys, gone, at) for at in (0, 1)] + [message(keys, gone, 2, "dropped")]
    )

    early = search(engine, keys, records, timedelta(minutes=9))
    found = search(engine, keys, records, SOON)

    assert (early, found) == (0, 3)
    assert looked(server) == ["/v3/logs", "/v3/logs/abc1.filter%2F1.0"]
    states = [became(engine, number).state for number in gone.deliveries]
    submitted, failed = DeliveryState.SUBMITTED, DeliveryState.FAILED
    assert states == [submitted, submitted, failed, UNKNOWN]
    assert became(engine, gone.deliveries[2]).reason is Reason.DROPPED


def test_after_a_restore_the_log_tells_who_got_it_since_the_copy(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 5, UNKNOWN)
    with writing(engine) as session:
        session.execute(update(Delivery).values(reason=Reason.PUT_BACK, attempt_id=None))
        take_the_place(session)
    since, later_still = gone.attempt_id + 1, gone.attempt_id + 2
    strange = {"pb_d": keys.token(Purpose.DELIVERY, 12345), "pb_a": str(since)}
    server.plan(
        log=[
            message(keys, gone, 0, attempt_id=since),
            message(keys, gone, 1, "dropped", attempt_id=later_still),
            message(keys, gone, 2, custom_args=strange),
            message(keys, gone, 3, custom_args=None),  # category, person and time are not enough
        ]
    )

    found = [search(engine, keys, records, after) for after in (timedelta(minutes=1), SOON)]

    assert found == [2, 0]
    states = [became(engine, number).state for number in gone.deliveries]
    assert states == [DeliveryState.SUBMITTED, DeliveryState.FAILED, UNKNOWN, UNKNOWN, UNKNOWN]
    assert became(engine, gone.deliveries[2]).reason is Reason.PUT_BACK
    with reading(engine) as session:
        assert set(session.scalars(select(LogSearch.searches))) == {1}


def test_silence_is_shown_and_never_acted_on(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    server.plan(log=[message(keys, gone, 1), later(keys, gone)])

    def silent() -> int:
        with reading(engine) as session:
            return report(session, gone.issue_id).silent

    seen = []
    for after in (SOON, SOON, HOUR, HOUR, DAY, 2 * DAY):
        search(engine, keys, records, after)
        seen.append(silent())

    assert seen == [0, 0, 1, 1, 1, 1]
    assert became(engine, gone.deliveries[0]).state is UNKNOWN
    assert looked(server).count("/v3/logs") == 1 + 2 * 2
    with reading(engine) as session:
        said = report(session, gone.issue_id).sentences("SendGrid", True)
        [row] = deliveries(session, keys, gone.issue_id, UNKNOWN)
        assert session.scalars(select(LogSearch.next_at)).one() is None
    assert any("probably not accepted" in sentence for sentence in said)
    assert "probably not" in row.reason


def test_a_log_that_knows_nothing_later_proves_nothing(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    server.plan(log=[message(keys, gone, 1)])

    for after in (SOON, HOUR, DAY):
        search(engine, keys, records, after)

    with reading(engine) as session:
        assert report(session, gone.issue_id).silent == 0


def test_a_copy_that_another_site_sent_is_no_evidence(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 3, UNKNOWN)
    [first, second, third] = gone.deliveries
    server.plan(
        log=[
            message(keys, gone, 0, attempt_id=4711),
            message(keys, gone, 1, custom_args={"theirs": "x"}),
            message(keys, gone, 2, created_at=MONDAY + timedelta(hours=1)),
        ]
    )

    assert search(engine, keys, records, 2 * HOUR) == 0
    assert {became(engine, number).state for number in (first, second, third)} == {UNKNOWN}


def test_a_full_answer_is_followed_by_a_question_for_each(
    engine: Engine,
    keys: Keys,
    server: SendGridServer,
    records: SendGridRecords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SendGridRecords, "log_limit", 2)
    gone = new_issue(engine, keys, 5, UNKNOWN)
    at = [MONDAY + timedelta(seconds=s) for s in range(4)]
    server.plan(log=[message(keys, gone, n, created_at=at[n]) for n in range(4)])

    assert search(engine, keys, records, SOON) == 4
    assert became(engine, gone.deliveries[4]).state is UNKNOWN


def test_a_record_without_arguments_is_believed_by_category_person_and_time(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    server.plan(log=[message(keys, gone, 0, custom_args=None)])

    assert search(engine, keys, records, SOON) == 1


@pytest.mark.parametrize(
    ("mishap", "wait", "told"),
    [
        (Mishap(403), timedelta(days=1), 1),
        (Mishap(401), timedelta(days=1), 1),
        (Mishap(429, {"Retry-After": "290"}), timedelta(minutes=5), 0),
        (Mishap(500), timedelta(minutes=5), 0),
        (Mishap(200, body="<html>"), timedelta(minutes=5), 0),
        (Mishap(200, body="[]"), timedelta(minutes=5), 0),
        (Mishap(raw="HTTP/1.1 20"), timedelta(minutes=5), 0),
    ],
)
def test_a_log_that_does_not_answer_is_left_alone_for_a_while(
    engine: Engine,
    keys: Keys,
    server: SendGridServer,
    records: SendGridRecords,
    mishap: Mishap,
    wait: timedelta,
    told: int,
) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    server.plan(mishap, log=[message(keys, gone, 0)])
    refused = search(engine, keys, records, SOON)
    server.plan(log=[message(keys, gone, 0)])

    at_once = search(engine, keys, records, SOON + wait / 2)
    again = search(engine, keys, records, SOON + wait)

    assert (refused, at_once, again) == (0, 0, 1)
    with reading(engine) as session:
        notices = session.scalars(select(Notice.key)).all()
    assert len(notices) == told


def test_nothing_is_searched_after_thirty_days_or_in_practice(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 1, UNKNOWN)
    new_issue(engine, keys, 1, UNKNOWN, "practice", practice=True)
    server.plan(log=[message(keys, gone, 0)])

    assert search(engine, keys, records, timedelta(days=31)) == 0
    assert looked(server) in ([], ["/v3/logs"])
    assert became(engine, gone.deliveries[0]).state is UNKNOWN


def test_searches_for_what_is_settled_are_forgotten(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 2, UNKNOWN)
    search(engine, keys, records, SOON)
    with writing(engine) as session:
        settled = Delivery.id == gone.deliveries[0]
        session.execute(update(Delivery).where(settled).values(state=DeliveryState.FAILED))

    search(engine, keys, records, SOON)

    with reading(engine) as session:
        assert session.scalars(select(LogSearch.delivery_id)).all() == [gone.deliveries[1]]


def test_queries_fit_the_official_specification(
    server: SendGridServer, records: SendGridRecords, shared: Path
) -> None:
    specification = json.loads((shared / "sendgrid/tsg_logs_v3.json").read_text())
    schema = specification["components"]["schemas"]["EmailLogsGetMessagesByFilterRequest"]
    asked: list[dict[str, Any]] = []
    call = records._line.call

    def watched(method: str, path: str, body: bytes | None = None, *rest: Any, **more: Any) -> Any:
        if body:
            asked.append(json.loads(body))
        return call(method, path, body, *rest, **more)

    records._line.call = watched  # type: ignore[method-assign]  # listens in
    records.logged(MONDAY, MONDAY + HOUR, issue_id=7, address="a@example.org")
    records.log_reaches(MONDAY)

    for each in asked:
        Draft202012Validator(schema).validate(each)
    assert asked[0]["query"] == (
        "categories IN ('i7') AND "
        'sg_message_id_created_at >= TIMESTAMP "2026-11-23T12:00:00Z" AND '
        'sg_message_id_created_at <= TIMESTAMP "2026-11-23T13:05:00Z" AND '
        "to_email = 'a@example.org'"
    )


def test_an_address_that_cannot_stand_in_a_query_is_not_asked_for(
    server: SendGridServer, records: SendGridRecords
) -> None:
    assert records.logged(MONDAY, MONDAY, issue_id=1, address="o'brien@example.org") is None
    assert server.requests() == []


def test_what_the_log_says_oddly_is_passed_over(
    keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = Gone(1, 1, (1, 2))
    odd = [message(keys, gone, 0, status=status) for status in ("opened", "")]
    naive = message(keys, gone, 1, sg_message_id_created_at="2026-11-23T12:00:01")
    plain = {"messages": [*odd, naive, {}, 7]}
    server.plan(Mishap(200, body=json.dumps(plain)))

    [found] = records.logged(MONDAY, MONDAY + SOON, issue_id=1) or ()

    assert found.created_at == MONDAY + timedelta(seconds=1)
    server.plan(Mishap(200, body=json.dumps({"custom_args": {"pb_d": "x", "pb_a": "y"}})))
    assert records.attempt_of("m") == ("", 0)


# --- the lists ------------------------------------------------------------------------


def entry(number: int, created_at: datetime = MONDAY) -> dict[str, Any]:
    return {"created": int(created_at.timestamp()), "email": address_of(number).upper()}


def test_lists_are_pulled_page_by_page_and_again_from_where_they_ended(
    engine: Engine,
    keys: Keys,
    server: SendGridServer,
    records: SendGridRecords,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    new_issue(engine, keys, 9)
    lists = {
        "bounces": [entry(1), entry(2), entry(3)],
        "invalid_emails": [entry(4), {"created": 10**30}],
        "spam_reports": [entry(5), entry(3)],
        "unsubscribes": [entry(6), {"created": 1, "email": "stranger@example.org"}],
        "blocks": [entry(7)],
    }
    server.plan(lists=lists)

    first = pull_lists(engine, keys, records, MONDAY)
    after_first = suppressed(engine, keys)
    server.forget()
    server.plan(lists=lists)
    second = pull_lists(engine, keys, records, MONDAY + HOUR)

    assert (first, second) == (True, True)
    assert after_first == {
        address_of(1): SuppressionReason.HARD_BOUNCE,
        address_of(2): SuppressionReason.HARD_BOUNCE,
        address_of(3): SuppressionReason.COMPLAINT,
        address_of(4): SuppressionReason.HARD_BOUNCE,
        address_of(5): SuppressionReason.COMPLAINT,
        address_of(6): SuppressionReason.UNSUBSCRIBED_EVERYWHERE,
    }
    assert suppressed(engine, keys) == after_first
    since = int((MONDAY - timedelta(hours=1)).timestamp())
    assert all(f"start_time={since}" in path for path in looked(server))
    assert not any("blocks" in path for path in looked(server))


def test_after_a_clock_was_a_year_ahead_the_lists_are_pulled_again_and_whole(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    new_issue(engine, keys, 3)
    server.plan(lists={"unsubscribes": [entry(1)]})
    year = timedelta(days=365)
    pull_lists(engine, keys, records, MONDAY + year)

    with reading(engine) as session:
        assert lists_are_fresh(session, "sendgrid", MONDAY + year)
        assert not lists_are_fresh(session, "sendgrid", MONDAY)
        assert lists_wanted(session, "sendgrid", MONDAY)
    server.forget()
    server.plan(lists={"unsubscribes": [entry(1), entry(2)]})
    pull_lists(engine, keys, records, MONDAY)

    assert set(suppressed(engine, keys)) == {address_of(1), address_of(2)}
    assert not any("start_time" in path for path in looked(server))
    with reading(engine) as session:
        assert lists_are_fresh(session, "sendgrid", MONDAY)


def test_lists_that_failed_on_a_clock_a_year_ahead_hold_no_issue_up(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    server.plan(Mishap(503))
    pull_lists(engine, keys, records, MONDAY + timedelta(days=365))

    with reading(engine) as session:
        assert lists_wanted(session, "sendgrid", MONDAY)
        assert lists_are_fresh(session, "sendgrid", MONDAY)


def test_what_a_person_let_be_is_not_suppressed_by_the_list(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    gone = new_issue(engine, keys, 2)
    index = keys.address_index(address_of(1))
    with writing(engine) as session:
        session.add(
            HardBounce(
                pile=f"i{gone.issue_id}",
                address_index=index,
                host_index=b"h" * 16,
                provider="sendgrid",
                noted_at=MONDAY,
                state=BounceState.DISCARDED,
            )
        )
    server.plan(lists={"bounces": [entry(1), entry(2)]})

    pull_lists(engine, keys, records, MONDAY)

    assert set(suppressed(engine, keys)) == {address_of(2)}


@pytest.mark.parametrize(
    "mishap",
    [
        Mishap(500, path="/v3/suppression/spam"),
        Mishap(200, body="{}", path="/v3/suppression/spam"),
        Mishap(path="/v3/suppression/spam"),
    ],
)
def test_a_failed_pull_is_told_once_keeps_what_came_and_holds_nothing_up_for_long(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords, mishap: Mishap
) -> None:
    new_issue(engine, keys, 2)
    server.plan(mishap, lists={"bounces": [entry(1)], "spam_reports": [entry(2)]})

    def fresh(after: timedelta) -> bool:
        with reading(engine) as session:
            return lists_are_fresh(session, "sendgrid", MONDAY + after)

    def wanted(after: timedelta) -> bool:
        with reading(engine) as session:
            return lists_wanted(session, "sendgrid", MONDAY + after)

    before = (fresh(timedelta()), wanted(timedelta()))
    came = [pull_lists(engine, keys, records, MONDAY + timedelta(minutes=m)) for m in (0, 2)]
    waits = (fresh(timedelta(minutes=4)), wanted(timedelta(minutes=2)))
    goes_on = (fresh(timedelta(minutes=6)), wanted(timedelta(minutes=6)))
    server.plan(lists={"spam_reports": [entry(2)]})
    whole = pull_lists(engine, keys, records, MONDAY + timedelta(minutes=7))

    assert (before, came, waits, goes_on) == (
        (False, True),
        [False, False],
        (False, False),
        (True, True),
    )
    assert whole
    assert (fresh(timedelta(minutes=8)), wanted(timedelta(minutes=8))) == (True, False)
    assert (fresh(timedelta(hours=2)), wanted(timedelta(hours=2))) == (False, False)
    assert wanted(DAY)
    with writing(engine) as session:
        session.execute(update(Issue).values(state=IssueState.SCHEDULED))
    assert wanted(timedelta(hours=2))
    assert len(suppressed(engine, keys)) == 2
    with reading(engine) as session:
        assert len(session.scalars(select(Notice)).all()) == 1
        look = session.scalars(select(ProviderLook)).one()
    assert (look.failing_since, look.next_at) == (None, None)


@pytest.mark.parametrize("status", [401, 403])
def test_nothing_waits_for_a_key_that_may_not_read_the_lists(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords, status: int
) -> None:
    server.plan(Mishap(status, path="/v3/suppression"))

    assert not pull_lists(engine, keys, records, MONDAY)
    with reading(engine) as session:
        assert lists_are_fresh(session, "sendgrid", MONDAY)
        assert len(session.scalars(select(Notice)).all()) == 1


def test_hanging_up_is_nobodys_fault(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    new_issue(engine, keys, 1, UNKNOWN)
    records.close()

    assert not pull_lists(engine, keys, records, MONDAY)
    assert search(engine, keys, records, SOON) == 0
    with reading(engine) as session:
        assert session.scalars(select(Notice)).all() == []
        assert session.scalars(select(ProviderLook)).all() == []


def test_a_list_with_many_bounces_of_one_day_waits_for_a_person(
    engine: Engine, keys: Keys, server: SendGridServer, records: SendGridRecords
) -> None:
    new_issue(engine, keys, 45)
    yesterday = MONDAY - timedelta(days=1)
    bounced = [entry(n) for n in range(1, 22)] + [entry(n, yesterday) for n in range(22, 40)]
    server.plan(lists={"bounces": bounced})

    pull_lists(engine, keys, records, MONDAY)

    assert set(suppressed(engine, keys)) == {address_of(n) for n in range(22, 40)}


def test_nobody_listening_is_no_answer() -> None:
    nowhere = SendGridRecords(config.SendGrid(base_url="http://127.0.0.1:9"), KEY)

    with pytest.raises(NoAnswer, match="cannot be reached"):
        nowhere.log_reaches(datetime.now(UTC))
    nowhere.close()
    with pytest.raises(Problem, match="SENDGRID_API_KEY"):
        SendGridRecords(config.SendGrid(), "")
    assert EventKind("bounced") is EventKind.BOUNCED
