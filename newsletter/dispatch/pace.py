"""How fast a provider is fed: limits, slowing down, recovering, stopping.  Pure: no clock.

One `Standing` for each provider holds for all processes.  A *hold* stops everything until
the provider wants more; a *rate* spaces what goes afterwards, and grows with every copy that
is accepted.  The *breaker* stops everything after an answer that leaves us in doubt; then
probes go, one person each, until one is answered.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.quota import Limits, begin_of, month_of

LOWEST = 0.1  # copies a second: slower than this nobody is asked to go
GAIN = 0.012  # a second for every accepted copy: a lowered rate doubles in about a minute
HOLD = timedelta(seconds=2)  # after "slow down" without a time
LONGEST_HOLD = timedelta(minutes=5)
JITTER = 0.1  # a hold lasts up to this much longer, so that sites do not come back together
CATCH_UP = timedelta(milliseconds=100)  # of being late, that may be made good

PROBE_SIZE = 1
PROBE_WAITS = tuple(timedelta(seconds=n) for n in (0, 2, 15, 60, 300))
"""From the first doubtful answer, and from each probe that failed, to the next probe."""
RUN = len(PROBE_WAITS) + 1  # doubtful answers in a row that pause an issue

FAR = timedelta(hours=1)  # nothing here lasts so long: a time beyond it is of a clock since set


@dataclass(frozen=True)
class Standing:
    """Where a provider stands; what was used belongs to `day` and `month`."""

    day: date
    month: date
    used: int = 0
    used_month: int = 0
    next_at: datetime | None = None  # the next copy, by the rate
    rate: float | None = None  # copies a second as lowered; None: not lowered
    recovers_to: float | None = None  # the rate at which it is no longer lowered
    hold_until: datetime | None = None
    breaker_until: datetime | None = None  # broken: the next probe, or the end of one under way
    doubts: int = 0  # in a row

    @property
    def is_calm(self) -> bool:
        """Whether nothing but the limits of the settings matters."""
        return self.rate is None and self.hold_until is None and self.breaker_until is None


@dataclass(frozen=True)
class Grant:
    """How many may go now.  With none, `not_before` says when to ask again."""

    count: int
    not_before: datetime | None = None
    probes: bool = False  # all others wait for its answer


def new_standing(now: datetime, zone: ZoneInfo) -> Standing:
    """Return where a provider stands that was never used."""
    today = now.astimezone(zone).date()
    return Standing(today, month_of(today))


def rate_of(standing: Standing, limits: Limits) -> float | None:
    """Return how many a second may go, None if nothing limits it."""
    rates = [rate for rate in (standing.rate, limits.per_second) if rate is not None]
    return min(rates, default=None)


def allowance(
    standing: Standing, limits: Limits, want: int, now: datetime, zone: ZoneInfo
) -> Grant:
    """Return how many of `want` may go now."""
    rate = rate_of(standing, limits)
    spaced = standing.next_at if rate is not None else None
    for until in (standing.breaker_until, standing.hold_until, spaced):
        if until is not None and now < until < now + FAR:
            return Grant(0, until)
    most = want
    if standing.breaker_until is not None:
        most = min(most, PROBE_SIZE)
    if rate is not None:
        most = min(most, at_once(rate))
    today = _of_today(standing, now, zone)
    left = limits.left(today.day, today.used, today.used_month)
    if left == 0:
        return Grant(0, _next_quota(today, limits, zone))
    count = most if left is None else min(most, left)
    return Grant(count, probes=standing.breaker_until is not None and count > 0)


def at_once(rate: float) -> int:
    """Return how many may go together: never more than a second's worth."""
    return max(1, int(rate))


def take(
    standing: Standing,
    limits: Limits,
    count: int,
    now: datetime,
    zone: ZoneInfo,
    probe_until: datetime,
) -> Standing:
    """Return the standing once `count` have been allowed; a probe has until `probe_until`."""
    if not count:
        return standing
    today = _of_today(standing, now, zone)
    rate = rate_of(standing, limits)
    return replace(
        today,
        used=today.used + count,
        used_month=today.used_month + count,
        next_at=None if rate is None else _next_after(standing.next_at, now) + span(count, rate),
        hold_until=None,  # it is over, or nothing could have been allowed
        breaker_until=None if standing.breaker_until is None else probe_until,
    )


def give_back(standing: Standing, count: int, day: date) -> Standing:
    """Return the standing when `count` of those allowed on `day` did not go after all."""
    return replace(
        standing,
        used=max(0, standing.used - count) if standing.day == day else standing.used,
        used_month=max(0, standing.used_month - count)
        if standing.month == month_of(day)
        else standing.used_month,
    )


def span(count: int, rate: float) -> timedelta:
    """Return how long `count` copies take at a rate."""
    return timedelta(seconds=count / rate)


def slow_down(
    standing: Standing,
    limits: Limits,
    measured: float,
    asked: timedelta | None,
    now: datetime,
    chance: float,
) -> Standing:
    """Return the standing after the provider asked for less.

    The rate is halved: the lowered one, else that of the settings, else `measured`.  Answers
    to what was on its way when the hold began do not halve it again.  `asked` is how long the
    provider wants nothing; `chance`, from 0 to 1, chooses the jitter.
    """
    wait = min(max(asked or HOLD, timedelta()), LONGEST_HOLD) * (1 + JITTER * chance)
    held = standing.hold_until is not None and now < standing.hold_until < now + FAR
    until = now + wait
    if held and standing.hold_until is not None:
        return replace(standing, hold_until=max(until, standing.hold_until))
    before = rate_of(standing, limits) or max(measured, 2 * LOWEST)
    full = standing.recovers_to or before
    return replace(standing, rate=max(LOWEST, before / 2), recovers_to=full, hold_until=until)


def recover(standing: Standing, accepted: int) -> Standing:
    """Return the standing after `accepted` copies: a lowered rate grows until it is as before."""
    if standing.rate is None:
        return standing
    rate = standing.rate + GAIN * accepted
    if standing.recovers_to is None or rate >= standing.recovers_to:
        return replace(standing, rate=None, recovers_to=None)
    return replace(standing, rate=rate)


def doubt(standing: Standing, now: datetime) -> Standing:
    """Return the standing after one more doubtful answer in a row: nothing until a probe."""
    doubts = standing.doubts + 1
    wait = PROBE_WAITS[min(doubts, len(PROBE_WAITS)) - 1]
    return replace(standing, doubts=doubts, breaker_until=now + wait)


def probe_again(standing: Standing, now: datetime) -> Standing:
    """Return the standing when a probe told nothing: the next may go at once."""
    return replace(standing, breaker_until=now)


def mended(standing: Standing) -> Standing:
    """Return the standing when a probe was answered."""
    return replace(standing, breaker_until=None, doubts=0)


def _of_today(standing: Standing, now: datetime, zone: ZoneInfo) -> Standing:
    """Return the standing with what was used today and this month.

    A day that has begun for another process, whose clock is a little ahead, is today.
    """
    today = now.astimezone(zone).date()
    if standing.day == today or standing.day == today + timedelta(days=1):
        return standing
    month = month_of(today)
    kept = standing.used_month if standing.month == month else 0
    return replace(standing, day=today, used=0, month=month, used_month=kept)


def _next_after(next_at: datetime | None, now: datetime) -> datetime:
    if next_at is None or next_at > now:
        return now
    return max(next_at, now - CATCH_UP)


def _next_quota(today: Standing, limits: Limits, zone: ZoneInfo) -> datetime:
    """Return the beginning of the next day on which something may go."""
    month_is_over = limits.per_month is not None and today.used_month >= limits.per_month
    if not month_is_over:
        return begin_of(today.day + timedelta(days=1), zone)
    return begin_of(month_of(today.month + timedelta(days=31)), zone)
