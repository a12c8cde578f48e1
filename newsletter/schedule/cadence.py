"""Cadences and times as people write them, and the instants they mean.  Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from newsletter.config import known_zones
from newsletter.errors import NotAllowed, UnreadableInput
from newsletter.issue import local_time

ONE_WEEK = timedelta(days=7)

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CADENCE = re.compile(r"\s*([A-Za-z]+?)s?\s+(\d{1,2}):(\d{2})(?:\s+(\S+))?\s*")


@dataclass(frozen=True)
class Cadence:
    """A weekday and a local time, week after week."""

    weekday: int  # Monday is 0
    time: time  # naive: local in the zone
    zone: ZoneInfo

    def __str__(self) -> str:
        """Return it as it is written: "Fridays 07:00 Africa/Lagos"."""
        return f"{_DAYS[self.weekday]}s {self.time:%H:%M} {self.zone.key}"


@dataclass(frozen=True)
class When:
    """A time that a person wrote, and what they should know about it."""

    at: datetime
    note: str | None = None


def parse_cadence(text: str, default_zone: ZoneInfo) -> Cadence:
    """Return the cadence in `text`: "Fridays 07:00", "fri 7:00 Africa/Lagos".

    Raises:
        UnreadableInput: no weekday, no such time or zone.
    """
    parts = _CADENCE.fullmatch(text)
    weekday = _weekday(parts[1]) if parts else None
    if parts is None or weekday is None or int(parts[2]) > 23 or int(parts[3]) > 59:
        raise UnreadableInput(
            f"The cadence {text!r} cannot be read: write a weekday and a time, for example "
            "'Fridays 07:00' or 'Fridays 07:00 Africa/Lagos'."
        )
    if parts[4] and parts[4] not in known_zones():
        raise UnreadableInput(
            f"{parts[4]!r} is no time zone: write one like Europe/London or Africa/Lagos."
        )
    zone = ZoneInfo(parts[4]) if parts[4] else default_zone
    return Cadence(weekday, time(int(parts[2]), int(parts[3])), zone)


def parse_when(text: str, zone: ZoneInfo, now: datetime) -> When:
    """Return the instant in `text`: "now", or ISO 8601, local in `zone` unless it has an offset.

    Raises:
        UnreadableInput: it is no time.
        NotAllowed: it is past.
    """
    if text.strip().lower() == "now":
        return When(now)
    try:
        if not re.search(r"\d[T ]\d", text):
            raise ValueError("a date without a time")
        written = datetime.fromisoformat(text.strip())
        when = _local(written, zone) if written.tzinfo is None else When(written.astimezone(UTC))
    except (ValueError, OverflowError):  # the latter at both ends of the calendar
        raise UnreadableInput(
            f"The time {text!r} cannot be read: write it like 2026-11-27T07:00, or now."
        ) from None
    if when.at < now:
        raise NotAllowed(f"{local_time(when.at, zone)} is past: give a time to come, or now.")
    return when


def slot_at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the instant of a local date and time.

    In a gap of the local clock it moves forward; of a doubled hour it is the first pass.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def slots_from(cadence: Cadence, start: datetime) -> Iterator[tuple[date, datetime]]:
    """Yield the cadence's dates and instants after `start`, without end."""
    day = start.astimezone(cadence.zone).date() - ONE_WEEK  # a gap can carry one over midnight
    day += timedelta(days=(cadence.weekday - day.weekday()) % 7)
    while True:
        due_at = slot_at(day, cadence.time, cadence.zone)
        if due_at > start:
            yield day, due_at
        day += ONE_WEEK


def _weekday(word: str) -> int | None:
    if len(word) < 3:
        return None
    days = [i for i, day in enumerate(_DAYS) if day.lower().startswith(word.lower())]
    return days[0] if days else None


def _local(written: datetime, zone: ZoneInfo) -> When:
    at = written.replace(tzinfo=zone).astimezone(UTC)
    return When(at, clock_note(written, at, zone))


def clock_note(written: datetime, at: datetime, zone: ZoneInfo) -> str | None:
    """Say what a change of the clocks does to a naive local time."""
    if at.astimezone(zone).replace(tzinfo=None) != written:
        return (
            f"The clocks go forward then and {written:%H:%M} does not exist: "
            f"it becomes {local_time(at, zone)}."
        )
    second = written.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if second != at:
        return f"The clocks go back then and {written:%H:%M} comes twice: the first is taken."
    return None
