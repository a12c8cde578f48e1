"""Counts in sentences that people read."""

from datetime import timedelta


def counted(count: int, one: str = "person", many: str = "people") -> str:
    """Return a count with the words that go with it: "1 person", "4,312 people"."""
    return f"{count:,} {one if count == 1 else many}"


def about(span: timedelta) -> str:
    """Return a span as people say it: "40 seconds", "25 minutes", "14 hours", "3 days"."""
    seconds = span.total_seconds()
    for unit, name, fewest in ((86_400, "day", 2), (3_600, "hour", 2), (60, "minute", 2)):
        if seconds >= fewest * unit:
            return f"{round(seconds / unit)} {name}s"
    count = max(1, round(seconds))
    return counted(count, "second", "seconds")
