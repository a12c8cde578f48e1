"""What staff are told before they approve: who goes on which day, and how long it takes."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from newsletter.forecast import Forecast, foresee
from newsletter.issue import describe
from newsletter.notices import submit_notices, tell_what_waits
from newsletter.providers.practice import Practice
from newsletter.tables import Delivery, DeliveryState, Issue, IssueState, Pace
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import Subscriber
from tests.office import LIBRARY, NURSES, Office, desk_for

PENDING, SUBMITTED = DeliveryState.PENDING, DeliveryState.SUBMITTED


def office_with(engine: Engine, keys: Keys, approvals: int = 0, **limits: object) -> Office:
    """Return an office of a site with limits."""
    desk = desk_for(keys, approvals, notify=("anna@example.org",))
    provider = desk.settings.provider.model_copy(update=limits)
    settings = desk.settings.model_copy(update={"provider": provider})
    return Office(engine, type(desk)(keys, settings, desk.templates))


def foreseen(office: Office, issue_id: int) -> Forecast | None:
    settings = office.desk.settings
    with reading(office.engine) as session:
        view = describe(session, office.desk.keys, settings, issue_id)
        return foresee(session, settings, view, office.now)


def sentences(office: Office, issue_id: int) -> list[str]:
    found = foreseen(office, issue_id)
    assert found is not None
    return found.sentences()


def issue_for(office: Office, people: int, source: bytes = NURSES) -> int:
    list_id = office.add_list(f"list{people}")
    office.subscribe(list_id, people)
    return office.issue(list_id, source)


def test_without_limits_there_is_nothing_to_say(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys)

    assert foreseen(office, issue_for(office, 3)) is None


def test_a_quota_says_who_goes_and_who_waits(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)

    said = sentences(office, issue_for(office, 8))

    assert said == [
        "5 go on Friday 27 November, 3 wait until Saturday 28 November: the limits under "
        "[provider] are 5 a day.",
        "Who waits: the 3 who were added to the list last. Nothing has to be done for them.",
    ]


def test_what_fits_into_a_day_needs_no_words(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    found = foreseen(office, issue_for(office, 5))

    assert found is not None
    assert (found.sentences(), found.waiting) == ([], 0)


def test_many_days_are_summed_up(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=1, per_month=100, warm_up_from=date(2026, 1, 1))

    said = sentences(office, issue_for(office, 8))

    assert "1 waits until Monday 30 November, 4 wait longer, the last until Friday 4" in said[0]
    assert "1 a day and 100 a month and the warm-up of the sender's domain" in said[0]


def test_the_issues_before_it_use_up_the_day(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    before, after = issue_for(office, 4), issue_for(office, 3, LIBRARY)

    assert sentences(office, before) == []
    assert sentences(office, after)[0].startswith(
        "1 goes on Friday 27 November, 2 wait until Saturday 28 November"
    )


def test_a_day_that_is_used_up_says_that_nobody_goes(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 3)
    office.now = datetime(2026, 11, 27, 6, 59, tzinfo=UTC)
    with writing(office.engine) as session:
        day, month = date(2026, 11, 27), date(2026, 11, 1)
        session.add(Pace(provider="smtp", day=day, used=5, month=month, used_month=5))

    assert sentences(office, issue_id)[0].startswith(
        "Nobody goes on Friday 27 November, 3 wait until Saturday 28 November"
    )


def test_an_issue_on_its_way_says_how_many_wait(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 12)
    office.begin(issue_id)
    office.deliver(issue_id, *[SUBMITTED] * 4, *[PENDING] * 8)
    with writing(office.engine) as session:
        month = office.now.date().replace(day=1)
        session.add(Pace(provider="smtp", day=office.now.date(), used=4, month=month, used_month=4))

    assert sentences(office, issue_id)[0].startswith(
        "1 more goes on Monday 23 November, 5 wait until Tuesday 24 November, 2 wait until"
    )


def test_what_is_over_is_not_foreseen(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 3)
    office.begin(issue_id, IssueState.COMPLETED)

    assert foreseen(office, issue_id) is None


def test_an_issue_with_nobody_left_needs_no_words(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 3)
    office.begin(issue_id)

    assert sentences(office, issue_id) == []


@pytest.mark.parametrize(
    ("per_second", "people", "takes"),
    [
        (1, 8, "8 seconds"),
        (8, 8, "1 second"),
        (0.05, 8, "3 minutes"),
        (0.01, 120, "3 hours"),
        (0.01, 3_000, "3 days"),
    ],
)
def test_a_rate_says_how_long_it_takes(
    warm_engine: Engine, keys: Keys, per_second: float, people: int, takes: str
) -> None:
    office = office_with(warm_engine, keys, per_second=per_second)
    issue_id = issue_for(office, 1)
    office.begin(issue_id)
    with writing(office.engine) as session:
        session.add_all(
            Delivery(issue_id=issue_id, subscriber_id=n, state=PENDING, tries=0)
            for n in range(people)
        )

    (said,) = sentences(office, issue_id)

    assert f"At {per_second:g} a second it takes about {takes}, until " in said


def test_with_a_quota_the_rate_is_told_beside_it(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5, per_second=14)

    assert sentences(office, issue_for(office, 8))[-1] == (
        "On each day no more than 14 a second go."
    )


def test_two_languages_say_whose_turn_comes_later(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    list_id = office.add_list()
    office.subscribe(list_id, 8)
    issue_id = office.issue(list_id, name="harvest.txt")
    office.add(list_id, LIBRARY, "harvest.fa.txt")

    assert "whose language comes later" in sentences(office, issue_id)[1]


def test_two_styles_of_one_language_say_so_too(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    list_id = office.add_list()
    office.subscribe(list_id, 8)
    with writing(office.engine) as session:
        first = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert first is not None
        first.style = Style.LARGE

    said = sentences(office, office.issue(list_id))[1]

    assert "the 3 whose style of mail comes later, and among them those who were added" in said


def test_an_approver_reads_it_in_the_notice(
    warm_engine: Engine, keys: Keys, tmp_path: Path
) -> None:
    office = office_with(warm_engine, keys, approvals=1, per_day=5)
    issue_for(office, 8)
    desk = office.desk
    with writing(office.engine) as session:
        tell_what_waits(session, desk, office.now)
    submit_notices(
        office.engine, keys, desk.settings, Practice(tmp_path), desk.templates, office.now
    )

    (letter,) = (tmp_path / "new").glob("*")
    words = letter.read_text().replace("=\n", "").replace("\n", " ")
    assert "5 go on Friday 27 November, 3 wait until Saturday 28 November" in words


def test_the_json_says_the_same(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5, per_second=2)
    found = foreseen(office, issue_for(office, 8))

    assert found is not None
    told = found.to_json()
    assert told["days"] == [
        {"date": "2026-11-27", "people": 5},
        {"date": "2026-11-28", "people": 3},
    ]
    assert (told["waiting"], told["seconds"]) == (3, 4)
    assert told["sentences"] == found.sentences()


def test_a_draft_without_a_time_is_taken_to_start_now(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 8)
    with writing(office.engine) as session:
        session.execute(update(Issue).values(due_at=None, state=IssueState.DRAFT))

    assert sentences(office, issue_id)[0].startswith("5 go on Monday 23 November")


def test_it_starts_no_earlier_than_now(warm_engine: Engine, keys: Keys) -> None:
    office = office_with(warm_engine, keys, per_day=5)
    issue_id = issue_for(office, 8)
    office.now = datetime(2026, 11, 28, 9, 0, tzinfo=UTC) + timedelta(hours=1)

    assert sentences(office, issue_id)[0].startswith("5 go on Saturday 28 November")
