"""The statements of the pace: one row for each provider, taken in the transaction of a turn.

Without limits, and while the provider is content, a turn costs no statement; with limits it
costs one.  What another process learnt is seen within a second, by `look`.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    bindparam,
    case,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from newsletter.dispatch import pace
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.pace import Grant, Standing
from newsletter.dispatch.retry import Answered
from newsletter.providers.base import Provider
from newsletter.quota import Limits, month_of
from newsletter.tables import Attempt, Pace
from subscribers.database import MICROSECOND, Instant, insert_new, table_of
from subscribers.statement import Statement, place

_pace = table_of(Pace)
_attempt = table_of(Attempt)


@dataclass
class _Measured:
    """How fast copies are accepted without a limit; halved when the provider wants less."""

    since: datetime
    accepted: int = 0
    rate: float = 0.0

    def look(self, now: datetime) -> None:
        self.rate = self.now(now)
        self.since, self.accepted = now, 0

    def now(self, now: datetime) -> float:
        """Return copies a second, the better of the last look and since then."""
        return max(self.rate, self.accepted / max(1.0, (now - self.since).total_seconds()))


class Gate:
    """The pace of one provider as one process keeps it.

    All but `shut_until`, `spaces` and `probing` belongs to the ledger's thread.
    """

    def __init__(
        self,
        provider: Provider,
        limits: Limits,
        zone: ZoneInfo,
        now: datetime,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; `chance` chooses the jitter."""
        self._provider = provider.name
        self._label = provider.label
        self._patience = provider.answer_within
        self._repeatable = provider.repeatable
        self._limits = limits
        self._zone = zone
        self._chance = chance
        self._measured = _Measured(now)
        self._calm = True
        self._probes: set[int] = set()  # attempts of ours
        self.probing = False  # all wait for an answer to one of them
        self.shut_until: datetime | None = None

    @property
    def spaces(self) -> bool:
        """Whether one copy may have to wait after another."""
        return self._limits.per_second is not None or not self._calm

    def is_shut(self, now: datetime) -> bool:
        """Return whether nothing may go just now, as far as this process knows."""
        return self.shut_until is not None and self.shut_until > now

    def hold_row(self, session: Session) -> None:
        """Take the lock of the row first in a transaction, where it will be needed.

        Otherwise PostgreSQL would meet it in one order here and in another elsewhere.
        """
        if self._is_used and session.get_bind().dialect.name == "postgresql":
            session.execute(_lock(), {"this_provider": self._provider})

    def look(self, session: Session, now: datetime) -> None:
        """See what other processes learnt, and how fast it goes."""
        self._measured.look(now)
        row = session.execute(_one(), {"this_provider": self._provider}).one_or_none()
        fresh = pace.new_standing(now, self._zone)
        self._see(fresh if row is None else _standing(row, fresh), now)

    def take(self, session: Session, want: int, now: datetime) -> Grant:
        """Return how many of `want` may go; counted in the caller's transaction."""
        if not want or not self._is_used:
            return Grant(want)
        if self._calm and self._take_at_once(session, want, now):
            return Grant(self._most(want))
        standing = self._read(session, now)
        grant = pace.allowance(standing, self._limits, want, now, self._zone)
        if grant.count:
            probe_until = now + self._patience + timedelta(seconds=20)
            standing = pace.take(standing, self._limits, grant.count, now, self._zone, probe_until)
            self._write(session, standing)
        self._see(standing, now)
        return grant

    def use(
        self, session: Session, grant: Grant, intended: int, attempt_id: int, now: datetime
    ) -> None:
        """Note what became of a grant: who was intended, and in which attempt (0: none)."""
        if not self._is_used or intended == grant.count:
            if grant.probes:
                self._probes.add(attempt_id)
                self.probing = True
            return
        standing = pace.give_back(
            self._read(session, now), grant.count - intended, self._today(now)
        )
        if grant.probes:  # the only one was left out
            standing = pace.probe_again(standing, now)
        self._write(session, standing)
        self._see(standing, now)

    def learn(self, session: Session, answered: Answered | None, now: datetime) -> str | None:
        """Draw the lesson of some answers; return a sentence when their issue must stop."""
        if answered is None:
            return None
        self._measured.accepted += answered.accepted
        ours = answered.attempt_id in self._probes
        unused = _unused(answered) if self._limits.by_date else 0
        gives_back = unused > 0
        recovers = not self._calm and answered.accepted > 0
        if not (ours or gives_back or recovers or answered.doubtful or answered.slow_down):
            return None
        if self._repeatable and not gives_back:
            return None  # in practice nothing is ever in doubt
        before = standing = self._read(session, now)
        if gives_back:
            day = self._day_of(session, answered.attempt_id, now)
            standing = pace.give_back(standing, unused, day)
        standing = pace.recover(standing, answered.accepted)
        if answered.slow_down:
            standing = pace.slow_down(
                standing,
                self._limits,
                self._measured.now(now),
                answered.retry_after,
                now,
                self._chance(),
            )
        standing, stops = self._after_doubt(standing, answered, ours, now)
        if ours:  # it stays in the set: this may have to run again
            self.probing = False
        if standing != before:
            self._write(session, standing)
        self._see(standing, now)
        return stops

    def process_died(self, session: Session, now: datetime) -> str | None:
        """Count one death, however many people it left in doubt; return why all must stop."""
        standing, stops = self._doubt(self._read(session, now), now)
        self._write(session, standing)
        self._see(standing, now)
        return stops

    def forget_probe(self, session: Session, attempt_id: int, now: datetime) -> None:
        """Let another probe go: of this one nobody knows whether it was ever intended."""
        if attempt_id in self._probes:
            self.probing = False
            self._write(session, pace.probe_again(self._read(session, now), now))

    @property
    def _is_used(self) -> bool:
        return self._limits.any or not self._calm

    def _after_doubt(
        self, standing: Standing, answered: Answered, ours: bool, now: datetime
    ) -> tuple[Standing, str | None]:
        if standing.breaker_until is None:
            return self._doubt(standing, now) if answered.doubtful else (standing, None)
        if not ours:  # it was on its way before we began to doubt
            return standing, None
        if answered.doubtful:
            return self._doubt(standing, now)
        if answered.definite:
            return pace.mended(standing), None
        return pace.probe_again(standing, now), None

    def _doubt(self, standing: Standing, now: datetime) -> tuple[Standing, str | None]:
        standing = pace.doubt(standing, now)
        if standing.doubts < pace.RUN:
            return standing, None
        # Whoever resumes it begins with a probe, and with a run of their own.
        return replace(standing, doubts=0, breaker_until=now), (
            f"{pace.RUN} times in a row nobody could tell whether {self._label} took what we "
            "handed over: see whether it works, and whether this program keeps ending by itself."
        )

    def _take_at_once(self, session: Session, want: int, now: datetime) -> bool:
        """Do as `pace.allowance` and `pace.take` would, with one statement; False if it may not."""
        today, count = self._today(now), self._most(want)
        rate = self._limits.per_second
        taking = _TAKING if rate is None else _TAKING_SPACED
        found = taking.run(
            session,
            this_provider=self._provider,
            wanted=count,
            today=today,
            tomorrow=today + timedelta(days=1),
            this_month=month_of(today),
            most=_or_all(self._limits.on(today)),
            most_in_month=_or_all(self._limits.per_month),
            now=now,
            caught_up=now - pace.CATCH_UP,
            span=0 if rate is None else pace.span(count, rate) // MICROSECOND,
        )
        failpoint("pace-taken")
        return bool(found)

    def _most(self, want: int) -> int:
        rate = self._limits.per_second
        return want if rate is None else min(want, pace.at_once(rate))

    def _today(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    def _day_of(self, session: Session, attempt_id: int, now: datetime) -> date:
        started = session.scalar(select(_attempt.c.started_at).where(_attempt.c.id == attempt_id))
        return self._today(started or now)

    def _see(self, standing: Standing, now: datetime) -> None:
        self._calm = standing.is_calm
        self.shut_until = pace.allowance(standing, self._limits, 1, now, self._zone).not_before

    def _read(self, session: Session, now: datetime) -> Standing:
        row = session.execute(_lock(), {"this_provider": self._provider}).one_or_none()
        if row is None:
            insert_new(session, Pace, provider=self._provider)
            row = session.execute(_lock(), {"this_provider": self._provider}).one()
        return _standing(row, pace.new_standing(now, self._zone))

    def _write(self, session: Session, standing: Standing) -> None:
        session.execute(
            update(_pace)
            .where(_pace.c.provider == self._provider)
            .values(
                next_at=standing.next_at,
                per_second=_thousandths(standing.rate),
                recovers_to=_thousandths(standing.recovers_to),
                hold_until=standing.hold_until,
                day=standing.day,
                used=standing.used,
                month=standing.month,
                used_month=standing.used_month,
                breaker_until=standing.breaker_until,
                doubts=standing.doubts,
            )
        )
        failpoint("pace-written")


def _unused(answered: Answered) -> int:
    """Return how many the provider certainly did not take, and who come again."""
    return sum(1 for given in answered.verdicts.values() if given.due_at or not given.counts)


def _standing(row: Any, fresh: Standing) -> Standing:
    """Return a row as a standing; what it does not hold is as in a `fresh` one."""
    return Standing(
        day=row.day or fresh.day,
        month=row.month or fresh.month,
        used=row.used,
        used_month=row.used_month,
        next_at=row.next_at,
        rate=_by_thousand(row.per_second),
        recovers_to=_by_thousand(row.recovers_to),
        hold_until=row.hold_until,
        breaker_until=row.breaker_until,
        doubts=row.doubts,
    )


def _thousandths(rate: float | None) -> int | None:
    return None if rate is None else round(rate * 1000)


def _by_thousand(rate: int | None) -> float | None:
    return None if rate is None else rate / 1000


def _or_all(most: int | None) -> int:
    return 2**31 - 1 if most is None else most


# Built once: writing out such a statement takes longer than the database takes to run it.
@cache
def _one() -> Any:
    return select(_pace).where(_pace.c.provider == bindparam("this_provider"))


@cache
def _lock() -> Any:
    return _one().with_for_update()


def _taking(*, is_spaced: bool) -> ReturningUpdate[Any]:
    """Return the statement for a provider that is content: all of it, or no row."""
    wanted, now = place("wanted", Integer()), place("now", Instant())
    today, this_month = place("today", Date()), place("this_month", Date())
    is_today = _pace.c.day.in_((today, place("tomorrow", Date())))
    is_this_month = _pace.c.month == this_month
    used: ColumnElement[int] = case((is_today, _pace.c.used), else_=0) + wanted
    used_month: ColumnElement[int] = (
        case((or_(is_today, is_this_month), _pace.c.used_month), else_=0) + wanted
    )
    values: dict[str, Any] = {
        "day": case((is_today, _pace.c.day), else_=today),
        "month": case((is_today, _pace.c.month), else_=this_month),
        "used": used,
        "used_month": used_month,
    }
    conditions = [
        _pace.c.provider == place("this_provider"),
        _pace.c.per_second.is_(None),
        _pace.c.hold_until.is_(None),
        _pace.c.breaker_until.is_(None),
        used <= place("most"),
        used_month <= place("most_in_month"),
    ]
    if is_spaced:
        earliest = place("caught_up", Instant())
        begin = case((_pace.c.next_at > earliest, _pace.c.next_at), else_=earliest)
        begin = case((_pace.c.next_at.is_(None), now), else_=begin)
        values["next_at"] = begin + place("span", BigInteger())
        conditions.append(or_(_pace.c.next_at.is_(None), _pace.c.next_at <= now))
    return update(_pace).where(*conditions).values(values).returning(_pace.c.provider)


_TAKING = Statement(lambda _: _taking(is_spaced=False))
_TAKING_SPACED = Statement(lambda _: _taking(is_spaced=True))
