"""How an issue will go out under the limits: on which days, to how many, and who waits.

Computed from the settings and the rows of the moment, so that people know before they approve.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.counted import about, counted
from newsletter.issue import UNSENT, IssueView, local_day, local_time
from newsletter.quota import Limits, Share, Used, month_of, spread
from newsletter.tables import Delivery, DeliveryState, Issue, IssueState, Pace
from subscribers.audience import head_count

_UNDER_WAY = frozenset({IssueState.SENDING, IssueState.PAUSED})
_NAMED_DAYS = 3  # days that are named one by one; then the last


@dataclass(frozen=True)
class Forecast:
    """When the people of an issue get their copy, if nothing unforeseen happens."""

    starts: datetime
    shares: tuple[Share, ...]  # a day each, in order; empty if nobody is left
    limits: Limits
    zone: ZoneInfo
    turns: str  # what decides whose turn comes later: "language", "style of mail", both or ""
    under_way: bool

    @property
    def first_day(self) -> date:
        """The day on which it starts."""
        return self.starts.astimezone(self.zone).date()

    @property
    def waiting(self) -> int:
        """How many wait for a later day than the one it starts on."""
        return sum(share.people for share in self.shares if share.day > self.first_day)

    @property
    def takes(self) -> timedelta | None:
        """How long it takes where only the rate limits it, None without a rate."""
        if self.limits.per_second is None:
            return None
        people = sum(share.people for share in self.shares)
        return timedelta(seconds=math.ceil(people / self.limits.per_second))

    def sentences(self) -> list[str]:
        """Return what people should know before they approve; nothing where all goes at once."""
        if not self.shares:
            return []
        by_date = self.limits.by_date and self.waiting > 0
        return [*(self._by_day() if by_date else ()), *self._by_rate(by_date=by_date)]

    def to_json(self) -> dict[str, Any]:
        """Return the object under "forecast"."""
        takes = self.takes
        return {
            "days": [
                {"date": share.day.isoformat(), "people": share.people} for share in self.shares
            ],
            "waiting": self.waiting,
            "seconds": int(takes.total_seconds()) if takes is not None else None,
            "sentences": self.sentences(),
        }

    def _by_day(self) -> list[str]:
        now, later = self._parts()
        go = ("more goes", "more go") if self.under_way else ("goes", "go")
        parts = [f"{counted(now, *go)} on {local_day(self.first_day)}"] if now else []
        if not now:
            parts.append(
                f"Nobody{' else' if self.under_way else ''} goes on {local_day(self.first_day)}"
            )
        parts += [
            f"{counted(share.people, 'waits', 'wait')} until {local_day(share.day)}"
            for share in later[:_NAMED_DAYS]
        ]
        if rest := later[_NAMED_DAYS:]:
            people = counted(sum(share.people for share in rest), "waits", "wait")
            parts.append(f"{people} longer, the last until {local_day(rest[-1].day)}")
        waits = "who were added to the list last"
        if self.turns:
            waits = f"whose {self.turns} comes later, and among them those {waits}"
        return [
            ", ".join(parts) + f": {self._why()}.",
            f"Who waits: the {self.waiting:,} {waits}. Nothing has to be done for them.",
        ]

    def _parts(self) -> tuple[int, list[Share]]:
        now = sum(share.people for share in self.shares if share.day == self.first_day)
        return now, [share for share in self.shares if share.day > self.first_day]

    def _why(self) -> str:
        limits = self.limits
        reasons = []
        if limits.per_day is not None:
            reasons.append(f"{limits.per_day:,} a day")
        if limits.per_month is not None:
            reasons.append(f"{limits.per_month:,} a month")
        if limits.warm_up_from is not None:
            reasons.append("the warm-up of the sender's domain")
        return "the limits under [provider] are " + " and ".join(reasons)

    def _by_rate(self, *, by_date: bool) -> list[str]:
        takes, rate = self.takes, self.limits.per_second
        if takes is None or rate is None:
            return []
        if by_date:
            return [f"On each day no more than {rate:g} a second go."]
        end = local_time((self.starts + takes).replace(second=0, microsecond=0), self.zone)
        return [f"At {rate:g} a second it takes about {about(takes)}, until {end}."]


def foresee(
    session: Session, settings: Settings, view: IssueView, now: datetime
) -> Forecast | None:
    """Return how an issue will go out, None where nothing limits it or nobody is left in it.

    Issues that go before it use up the days first.  One without a time is taken to start now.
    """
    limits = Limits.of(settings.provider)
    if not limits.any or view.state not in UNSENT | _UNDER_WAY:
        return None
    under_way = view.state in _UNDER_WAY
    people = _pending(session, view.id) if under_way else view.head_count
    starts = now if under_way else max(now, view.starts_at or view.due_at or now)
    queue = [*_before(session, view, starts, now), (starts, people)] if limits.by_date else []
    used = _used(session, settings.provider.kind, now, settings.zone)
    *_, shares = spread(queue or [(starts, people)], limits, settings.zone, used)
    return Forecast(starts.astimezone(UTC), shares, limits, settings.zone, _turns(view), under_way)


def _turns(view: IssueView) -> str:
    """Return in what the editions of an issue differ: one goes out after the other."""
    languages = {each.language for each in view.editions}
    styles = {each.style for each in view.editions}
    kinds = {"language": len(languages), "style of mail": len(styles)}
    return " or ".join(kind for kind, count in kinds.items() if count > 1)


def is_in_doubt(session: Session, provider: str) -> bool:
    """Return whether nobody knows just now if this provider works."""
    row = session.execute(select(Pace.breaker_until).where(Pace.provider == provider))
    return row.scalar() is not None


def _before(
    session: Session, view: IssueView, starts: datetime, now: datetime
) -> list[tuple[datetime, int]]:
    """Return the issues that use up the days before this one does, in their order."""
    mine = (view.state in UNSENT, view.due_at or starts, view.id)
    rows = session.execute(
        select(Issue.id, Issue.list_id, Issue.state, Issue.due_at)
        .where(
            Issue.id != view.id,
            Issue.practice == view.practice,
            or_(
                Issue.state == IssueState.SENDING,
                Issue.state.in_((IssueState.SCHEDULED, IssueState.AWAITING_APPROVAL)),
            ),
            Issue.due_at.is_not(None),
        )
        .order_by(Issue.due_at, Issue.id)
    ).all()
    queue = []
    for row in sorted(rows, key=lambda row: row.state in UNSENT):
        if (row.state in UNSENT, row.due_at, row.id) < mine:
            waiting = row.state in UNSENT
            people = head_count(session, row.list_id) if waiting else _pending(session, row.id)
            queue.append((max(now, row.due_at), people))
    return queue


def _pending(session: Session, issue_id: int) -> int:
    return session.scalars(
        select(func.count()).where(
            Delivery.issue_id == issue_id, Delivery.state == DeliveryState.PENDING
        )
    ).one()


def _used(session: Session, provider: str, now: datetime, zone: ZoneInfo) -> Used:
    """Return what a provider was given today and this month, as far as it was counted."""
    today = now.astimezone(zone).date()
    row = session.execute(
        select(Pace.day, Pace.used, Pace.month, Pace.used_month).where(Pace.provider == provider)
    ).one_or_none()
    if row is None:
        return Used(today)
    return Used(
        today,
        row.used if row.day == today else 0,
        row.used_month if row.month == month_of(today) else 0,
    )
