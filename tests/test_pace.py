"""How fast a provider is fed: every rule by tables, and any course of events by hypothesis."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.dispatch import pace
from newsletter.dispatch.pace import (
    CATCH_UP,
    FAR,
    GAIN,
    HOLD,
    LONGEST_HOLD,
    LOWEST,
    PROBE_WAITS,
    RUN,
    Grant,
    Standing,
    allowance,
    doubt,
    give_back,
    mended,
    new_standing,
    probe_again,
    rate_of,
    recover,
    slow_down,
    take,
)
from newsletter.quota import Limits, begin_of, month_of

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
FRESH = new_standing(NOW, UTC_ZONE)
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=15)


def allowed(standing: Standing, limits: Limits, want: int = 500, now: datetime = NOW) -> Grant:
    return allowance(standing, limits, want, now, UTC_ZONE)


def taken(standing: Standing, limits: Limits, count: int, now: datetime = NOW) -> Standing:
    return take(standing, limits, count, now, UTC_ZONE, LATER)


@pytest.mark.parametrize(
    ("standing", "limits", "count", "not_before"),
    [
        (FRESH, Limits(), 500, None),
        (FRESH, Limits(per_day=100), 100, None),
        (FRESH, Limits(per_second=14), 14, None),  # never more than a second's worth at once
        (FRESH, Limits(per_second=0.5), 1, None),
        (FRESH, Limits(per_second=14, per_day=9), 9, None),
        (replace(FRESH, used=100), Limits(per_day=100), 0, datetime(2026, 11, 24, tzinfo=UTC)),
        (
            replace(FRESH, used_month=100),
            Limits(per_day=900, per_month=100),
            0,
            datetime(2026, 12, 1, tzinfo=UTC),
        ),
        (
            replace(FRESH, used=200),
            Limits(warm_up_from=TODAY),
            0,
            datetime(2026, 11, 24, tzinfo=UTC),
        ),
        (replace(FRESH, used=100, day=TODAY - timedelta(days=1)), Limits(per_day=100), 100, None),
        # Another machine's clock is ahead of midnight: its day is ours.
        (replace(FRESH, used=90, day=TODAY + timedelta(days=1)), Limits(per_day=100), 10, None),
        (replace(FRESH, next_at=NOW + SECOND), Limits(per_second=1), 0, NOW + SECOND),
        (replace(FRESH, next_at=NOW + SECOND), Limits(), 500, None),
        (replace(FRESH, hold_until=NOW + SECOND), Limits(), 0, NOW + SECOND),
        (replace(FRESH, hold_until=NOW), Limits(), 500, None),
        (replace(FRESH, breaker_until=NOW + SECOND), Limits(), 0, NOW + SECOND),
        (replace(FRESH, rate=20.5), Limits(), 20, None),
        (replace(FRESH, rate=20.5), Limits(per_second=3), 3, None),
        # What is so far ahead was written before somebody set the clock.
        (replace(FRESH, hold_until=NOW + FAR), Limits(), 500, None),
    ],
)
def test_so_many_may_go(
    standing: Standing, limits: Limits, count: int, not_before: datetime | None
) -> None:
    assert allowed(standing, limits) == Grant(count, not_before)


def test_what_is_taken_counts_and_spaces_the_next() -> None:
    after = taken(FRESH, Limits(per_second=10, per_day=100), 10)

    assert (after.used, after.used_month, after.next_at) == (10, 10, NOW + SECOND)
    assert taken(after, Limits(per_second=10), 0) == after
    tomorrow = taken(after, Limits(per_day=100), 5, NOW + timedelta(days=1))
    assert (tomorrow.used, tomorrow.used_month) == (5, 15)
    next_month = taken(after, Limits(per_day=100), 5, NOW + timedelta(days=9))
    assert (next_month.used, next_month.used_month) == (5, 5)


def test_a_little_lateness_is_made_good_and_no_more() -> None:
    late = replace(FRESH, next_at=NOW - timedelta(milliseconds=30))
    idle = replace(FRESH, next_at=NOW - timedelta(hours=1))

    assert taken(late, Limits(per_second=10), 1).next_at == NOW + timedelta(milliseconds=70)
    assert taken(idle, Limits(per_second=1), 1).next_at == NOW + SECOND - CATCH_UP


def test_what_did_not_go_is_given_back_to_its_day() -> None:
    after = replace(FRESH, used=10, used_month=30)

    assert give_back(after, 4, TODAY).used == 6
    assert give_back(after, 4, TODAY).used_month == 26
    assert give_back(after, 4, TODAY - timedelta(days=1)).used == 10
    assert give_back(after, 4, date(2026, 10, 31)) == after
    assert give_back(after, 40, TODAY).used == 0


# --- slower, and faster again ---------------------------------------------------------------


def slowed(standing: Standing, limits: Limits | None = None, **more: object) -> Standing:
    given = {"measured": 80.0, "asked": None, "now": NOW, "chance": 0.0} | more
    return slow_down(standing, limits or Limits(), **given)  # type: ignore[arg-type]  # any of them


@pytest.mark.parametrize(
    ("limits", "measured", "rate", "full"),
    [
        (Limits(), 80.0, 40.0, 80.0),
        (Limits(per_second=10), 80.0, 5.0, 10.0),
        (Limits(), 0.0, LOWEST, 2 * LOWEST),
    ],
)
def test_the_rate_is_halved(limits: Limits, measured: float, rate: float, full: float) -> None:
    after = slowed(FRESH, limits, measured=measured)

    assert (after.rate, after.recovers_to) == (rate, full)
    assert after.hold_until == NOW + HOLD


def test_the_answers_to_what_was_on_its_way_do_not_halve_it_again() -> None:
    after = slowed(slowed(FRESH), now=NOW + SECOND, asked=timedelta(seconds=30))

    assert after.rate == 40.0
    assert after.hold_until == NOW + timedelta(seconds=31)


def test_a_second_refusal_halves_it_again_and_remembers_where_it_came_from() -> None:
    after = slowed(slowed(FRESH), now=NOW + 2 * HOLD)

    assert (after.rate, after.recovers_to) == (20.0, 80.0)


@pytest.mark.parametrize(
    ("asked", "chance", "wait"),
    [
        (None, 0.0, HOLD),
        (timedelta(seconds=30), 0.0, timedelta(seconds=30)),
        (timedelta(seconds=30), 1.0, timedelta(seconds=33)),
        (timedelta(hours=2), 0.0, LONGEST_HOLD),
    ],
)
def test_the_provider_says_how_long(
    asked: timedelta | None, chance: float, wait: timedelta
) -> None:
    assert slowed(FRESH, asked=asked, chance=chance).hold_until == NOW + wait


def test_it_never_stands_still() -> None:
    standing = FRESH
    for minute in range(50):
        standing = slowed(standing, now=NOW + timedelta(minutes=minute))

    assert standing.rate == LOWEST


def test_a_lowered_rate_doubles_in_about_a_minute_and_then_is_as_before() -> None:
    standing = slowed(FRESH, measured=80.0)
    seconds = 0
    while standing.rate is not None:
        standing = recover(standing, round(standing.rate))
        seconds += 1

    assert 50 <= seconds <= 70
    assert (standing.rate, standing.recovers_to) == (None, None)
    assert recover(FRESH, 7) == FRESH
    assert recover(slowed(FRESH), 1).rate == 40 + GAIN


# --- in doubt -------------------------------------------------------------------------------


def test_after_a_doubtful_answer_one_person_goes_and_all_wait_for_that_answer() -> None:
    broken = doubt(FRESH, NOW)

    grant = allowed(broken, Limits())
    probed = taken(broken, Limits(), grant.count)

    assert grant == Grant(1, probes=True)
    assert probed.breaker_until == LATER
    assert allowed(probed, Limits()) == Grant(0, LATER)
    assert mended(probed).is_calm
    assert allowed(probe_again(probed, NOW), Limits()).probes


def test_each_probe_that_fails_waits_longer_for_the_next() -> None:
    standing, waits = FRESH, []
    for _ in range(RUN):
        standing = doubt(standing, NOW)
        assert standing.breaker_until is not None
        waits.append(standing.breaker_until - NOW)

    assert waits == [*PROBE_WAITS, PROBE_WAITS[-1]]
    assert mended(standing).doubts == 0


# --- whatever happens -------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.integers(0, 400_000),  # milliseconds that pass
        st.integers(1, 60),  # how many want to go
        st.sampled_from(["accept", "accept", "accept", "slow", "doubt", "lost"]),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(
    STEPS,
    st.none() | st.floats(0.05, 40),
    st.none() | st.integers(1, 300),
    st.none() | st.integers(1, 900),
)
def test_never_more_than_the_limits_whatever_happens(
    steps: list[tuple[int, int, str]],
    per_second: float | None,
    per_day: int | None,
    per_month: int | None,
) -> None:
    limits = Limits(per_second, per_day, per_month)
    now = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)  # near the end of a month
    standing = new_standing(now, UTC_ZONE)
    went: list[tuple[datetime, int]] = []
    for passes, want, answer in steps:
        now += timedelta(milliseconds=passes)
        grant = allowed(standing, limits, want, now)
        standing = take(standing, limits, grant.count, now, UTC_ZONE, now + 20 * SECOND)
        went.append((now, grant.count))
        assert 0 <= grant.count <= want
        assert (grant.count == 0) == (grant.not_before is not None)
        if grant.count and answer == "slow":
            standing = slow_down(standing, limits, 50.0, None, now, 0.5)
        elif grant.count and answer == "doubt":
            standing = doubt(standing, now)
        elif grant.count and answer == "accept":
            standing = recover(standing, grant.count)
            standing = mended(standing) if grant.probes else standing

    for first, (begin, _) in enumerate(went):
        after = [(at, count) for at, count in went[first:] if count]
        for at, _ in after:
            people = sum(count for when, count in after if when < at)
            if per_second is not None and people:
                assert people <= per_second * ((at - begin) + 2 * CATCH_UP).total_seconds() + 1
    for limit, of in ((per_day, lambda at: at.date()), (per_month, lambda at: month_of(at.date()))):
        sums: dict[date, int] = {}
        for at, count in went:
            sums[of(at)] = sums.get(of(at), 0) + count
        assert limit is None or max(sums.values(), default=0) <= limit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 90), st.integers(0, 120), st.booleans())
def test_with_nothing_left_the_next_day_or_month_is_named(
    day: int, used: int, month_is_over: bool
) -> None:
    zone = ZoneInfo("America/New_York")
    now = NOW + timedelta(days=day)
    today = now.astimezone(zone).date()
    month = 200 if month_is_over else 0
    standing = Standing(today, month_of(today), used=used, used_month=month)

    grant = allowance(standing, Limits(per_day=100, per_month=200), 10, now, zone)

    if grant.count == 0:
        assert grant.not_before is not None
        assert grant.not_before > now
        again = allowance(standing, Limits(per_day=100, per_month=200), 10, grant.not_before, zone)
        assert again.count == 10
        assert grant.not_before == begin_of(grant.not_before.astimezone(zone).date(), zone)


def test_the_lower_rate_counts() -> None:
    assert rate_of(FRESH, Limits()) is None
    assert rate_of(replace(FRESH, rate=3.0), Limits(per_second=5)) == 3.0
    assert pace.at_once(0.2) == 1
