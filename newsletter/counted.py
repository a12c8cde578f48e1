"""Counts in sentences that people read."""


def counted(count: int, one: str = "person", many: str = "people") -> str:
    """Return a count with the words that go with it: "1 person", "4,312 people"."""
    return f"{count:,} {one if count == 1 else many}"
