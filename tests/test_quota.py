"""How many may go on which day, by tables and by any order of days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.config import Provider
from newsletter.quota import (
    FORESEEN,
    WARM_UP,
    Limits,
    Share,
    Used,
    month_of,
    spread,
    warm_up_limit,
)

LONDON = ZoneInfo("Europe/London")
FRIDAY = date(2026, 11, 27)
AT_SEVEN = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
NOTHING_USED = Used(date(2026, 11, 23))


def alone(people: int, limits: Limits, start: datetime = AT_SEVEN) -> list[tuple[int, int]]:
    """Return day of the month and people for one issue with nothing before it."""
    (shares,) = spread([(start, people)], limits, LONDON, NOTHING_USED)
    return [(share.day.day, share.people) for share in shares]


@pytest.mark.parametrize(
    ("people", "limits", "expected"),
    [
        (14_312, Limits(per_day=10_000), [(27, 10_000), (28, 4_312)]),
        (10_000, Limits(per_day=10_000), [(27, 10_000)]),
        (5, Limits(per_second=0.01), [(27, 5)]),
        (14_312, Limits(), [(27, 14_312)]),
        (1_000, Limits(per_second=0.01), [(27, 612), (28, 388)]),  # 17 hours are left, then 24
        (250, Limits(per_day=100, per_month=180), [(27, 100), (28, 80), (1, 70)]),
        (700, Limits(warm_up_from=FRIDAY), [(27, 200), (28, 400), (29, 100)]),
        (700, Limits(per_day=300, warm_up_from=FRIDAY), [(27, 200), (28, 300), (29, 200)]),
        (0, Limits(per_day=5), []),
    ],
)
def test_an_issue_is_spread_over_days(
    people: int, limits: Limits, expected: list[tuple[int, int]]
) -> None:
    assert alone(people, limits) == expected


def test_a_day_is_one_of_the_organisations_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    late_in_london = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)

    (shares,) = spread([(late_in_london, 15)], Limits(per_day=10), tokyo, NOTHING_USED)

    assert shares == (Share(date(2026, 11, 28), 10), Share(date(2026, 11, 29), 5))


def test_what_was_used_today_and_what_goes_before_count() -> None:
    used = Used(FRIDAY, 30, 930)
    limits = Limits(per_day=100, per_month=1_000)

    first, second = spread([(AT_SEVEN, 60), (AT_SEVEN, 20)], limits, LONDON, used)

    assert first == (Share(FRIDAY, 60),)
    assert second == (Share(FRIDAY, 10), Share(date(2026, 12, 1), 10))


def test_nobody_is_foreseen_for_ever() -> None:
    (shares,) = spread([(AT_SEVEN, 10**6)], Limits(per_day=1), LONDON, NOTHING_USED)

    assert len(shares) == FORESEEN + 1
    assert sum(share.people for share in shares) == 10**6


@pytest.mark.parametrize(
    ("day", "most"),
    [(-30, WARM_UP[0]), (0, WARM_UP[0]), (1, WARM_UP[1]), (13, WARM_UP[13]), (14, None)],
)
def test_a_warm_up_grows_day_by_day_and_ends(day: int, most: int | None) -> None:
    assert warm_up_limit(FRIDAY, FRIDAY + timedelta(days=day)) == most
    assert list(WARM_UP) == sorted(WARM_UP)


def test_the_settings_are_the_limits() -> None:
    given = Provider(per_second=1.5, per_day=2, per_month=3, warm_up_from=FRIDAY)

    assert Limits.of(given) == Limits(1.5, 2, 3, FRIDAY)
    assert not Limits.of(Provider()).any
    assert not Limits(per_second=1).by_date


LIMITS = st.builds(
    Limits,
    per_second=st.none(),
    per_day=st.integers(50, 500),
    per_month=st.none() | st.integers(1_000, 5_000),
    warm_up_from=st.none() | st.dates(date(2026, 11, 1), date(2026, 12, 31)),
)
STARTS = st.datetimes(datetime(2026, 11, 23), datetime(2027, 1, 15), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(STARTS, st.integers(0, 2_000)), max_size=5), LIMITS)
def test_no_day_and_no_month_gets_more_than_its_limit(
    queue: list[tuple[datetime, int]], limits: Limits
) -> None:
    planned = spread(queue, limits, LONDON, NOTHING_USED)

    days: dict[date, int] = {}
    months: dict[date, int] = {}
    for share in (share for shares in planned for share in shares):
        days[share.day] = days.get(share.day, 0) + share.people
        months[month_of(share.day)] = months.get(month_of(share.day), 0) + share.people
    assert all(people <= (limits.on(day) or people) for day, people in days.items())
    assert all(people <= (limits.per_month or people) for people in months.values())
    assert [sum(s.people for s in shares) for shares in planned] == [n for _, n in queue]
