"""How many may go: by the second, the day and the month, and what that makes of an issue.

Pure.  A day is a day of the organisation's zone; so is a month.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from newsletter.config import Provider

WARM_UP = (
    *(200, 400, 800, 1_500, 3_000, 6_000, 10_000),
    *(20_000, 40_000, 70_000, 120_000, 200_000, 350_000, 500_000),
)
"""What a new sending domain may be given on its first days; no limit afterwards."""

FORESEEN = 1_000  # days; what lies behind them is put on the last

_DAY = timedelta(days=1)


def warm_up_limit(began: date, day: date) -> int | None:
    """Return the most for `day` in a warm-up that began on `began`, None once it is over.

    Days before the beginning count like the first.
    """
    at = max(0, (day - began).days)
    return WARM_UP[at] if at < len(WARM_UP) else None


@dataclass(frozen=True)
class Limits:
    """What the settings allow; None is no limit."""

    per_second: float | None = None
    per_day: int | None = None
    per_month: int | None = None
    warm_up_from: date | None = None

    @classmethod
    def of(cls, settings: Provider) -> "Limits":
        """Return the limits under [provider]."""
        return cls(settings.per_second, settings.per_day, settings.per_month, settings.warm_up_from)

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return self != Limits()

    @property
    def by_date(self) -> bool:
        """Whether a day or a month can be used up."""
        return self != Limits(per_second=self.per_second)

    def on(self, day: date) -> int | None:
        """Return the most for one day, None where there is no such limit."""
        limits = [self.per_day]
        if self.warm_up_from is not None:
            limits.append(warm_up_limit(self.warm_up_from, day))
        return min((limit for limit in limits if limit is not None), default=None)

    def left(self, day: date, used: int, used_month: int) -> int | None:
        """Return how many may still go on `day`, None if nothing limits it."""
        left = []
        if (most := self.on(day)) is not None:
            left.append(max(0, most - used))
        if self.per_month is not None:
            left.append(max(0, self.per_month - used_month))
        return min(left, default=None)


def month_of(day: date) -> date:
    """Return the first of the month."""
    return day.replace(day=1)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day of the zone begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True)
class Share:
    """Those of an issue whose turn comes on one day."""

    day: date
    people: int


@dataclass(frozen=True)
class Used:
    """What was given to the provider already, on `day` and in its month."""

    day: date
    people: int = 0
    in_month: int = 0


def spread(
    queue: Sequence[tuple[datetime, int]], limits: Limits, zone: ZoneInfo, used: Used
) -> list[tuple[Share, ...]]:
    """Return on which days the people of each issue get their copy.

    `queue` holds when an issue starts and to how many, in the order in which they are served.
    """
    by_day, by_month = (
        Counter({used.day: used.people}),
        Counter({month_of(used.day): used.in_month}),
    )
    return [_share_out(start, people, limits, zone, by_day, by_month) for start, people in queue]


def _share_out(
    start: datetime,
    people: int,
    limits: Limits,
    zone: ZoneInfo,
    by_day: Counter[date],
    by_month: Counter[date],
) -> tuple[Share, ...]:
    shares = []
    day = first = start.astimezone(zone).date()
    while people > 0:
        left = limits.left(day, by_day[day], by_month[month_of(day)])
        if limits.per_second is not None:
            begin, end = max(start, begin_of(day, zone)), begin_of(day + _DAY, zone)
            in_time = max(0, int(limits.per_second * (end - begin).total_seconds()))
            left = in_time if left is None else min(left, in_time)
        last = day - first >= timedelta(days=FORESEEN)
        count = people if left is None or last else min(people, left)
        if count:
            shares.append(Share(day, count))
        by_day[day] += count
        by_month[month_of(day)] += count
        people -= count
        day += _DAY
    return tuple(shares)
