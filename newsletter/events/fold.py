"""What a set of events means.  Pure: of a set, and so the same in any order, however often."""

import enum
from collections.abc import Iterable

from newsletter.providers.reported import EventKind
from newsletter.tables import OutcomeKind

DROPS = frozenset(
    {
        EventKind.DROPPED,
        EventKind.DROPPED_QUOTA,
        EventKind.DROPPED_BOUNCED,
        EventKind.DROPPED_UNSUBSCRIBED,
        EventKind.DROPPED_COMPLAINED,
    }
)
_DROPPED = dict.fromkeys(DROPS, OutcomeKind.BOUNCED)

# From the most telling to the least.  Whoever leaves or complains has the mail before them;
# whatever did not arrive counts as bounced, for whichever reason.
_OUTCOMES = {
    EventKind.COMPLAINED: OutcomeKind.COMPLAINED,
    EventKind.UNSUBSCRIBED: OutcomeKind.DELIVERED,
    EventKind.BOUNCED: OutcomeKind.BOUNCED,
    EventKind.BLOCKED: OutcomeKind.BOUNCED,
    EventKind.SOFT_BOUNCED: OutcomeKind.BOUNCED,
    **_DROPPED,
    EventKind.DELIVERED: OutcomeKind.DELIVERED,
    EventKind.DEFERRED: OutcomeKind.DEFERRED,
    EventKind.PROCESSED: None,
}


class Evidence(enum.Enum):
    """What the events of one attempt prove about one copy."""

    TAKEN = "taken"  # the provider had it: proof of acceptance
    DROPPED = "dropped"  # it was not sent on, and will not be
    OVER_QUOTA = "over_quota"  # it was not sent on, and can be handed over again


def outcome_of(kinds: Iterable[EventKind]) -> OutcomeKind | None:
    """Return what became of a copy, by the most telling of its events."""
    had = set(kinds)
    return next((_OUTCOMES[kind] for kind in _OUTCOMES if kind in had), None)


def evidence_of(kinds: Iterable[EventKind]) -> Evidence | None:
    """Return what the events of one attempt prove, None if there are none.

    Anything but a drop proves that the copy was on its way.
    """
    had = set(kinds)
    if had - DROPS:
        return Evidence.TAKEN
    if had - {EventKind.DROPPED_QUOTA}:
        return Evidence.DROPPED
    return Evidence.OVER_QUOTA if had else None
