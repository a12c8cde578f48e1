"""What a provider tells afterwards, in our words, whoever it is and however it tells."""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


class EventKind(enum.StrEnum):
    """What became of one copy.  At most 20 letters: the names stand in the database."""

    PROCESSED = "processed"  # the provider took the copy
    DEFERRED = "deferred"  # the receiver puts it off; the provider keeps trying
    DELIVERED = "delivered"  # the receiving host took it
    BLOCKED = "blocked"  # refused for our name, for what it says, or for a full mailbox
    SOFT_BOUNCED = "soft-bounced"  # given up for now: a full mailbox, a host that was away
    BOUNCED = "bounced"  # refused for good: there is no such address
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    # Taken, and then not sent on: by the provider's own choice
    DROPPED = "dropped"
    DROPPED_QUOTA = "dropped-quota"  # the account had no room for it
    DROPPED_BOUNCED = "dropped-bounced"  # for an earlier bounce, or because it is no address
    DROPPED_UNSUBSCRIBED = "dropped-unsubscribed"
    DROPPED_COMPLAINED = "dropped-complained"

    __hash__ = str.__hash__  # so that what the database holds is found under its kind


@dataclass(frozen=True)
class Reported:
    """One event as a provider reports it; whether it is about a copy of ours is not known yet."""

    event_id: str  # the provider's own, at most 120 characters
    kind: EventKind
    happened_at: datetime
    token: str | None = None  # of the delivery, as it came back
    attempt_id: int | None = None
    address: str | None = field(default=None, repr=False)
    raw: bytes = field(default=b"", repr=False)  # what came; may hold anything


class NotGenuine(Exception):
    """What came was not signed by the provider, or is nothing that it would sign."""


class NoAnswer(Exception):
    """The provider did not say; the sentence is for staff.

    `forbidden`: our key lacks the right, so that asking again soon is useless.  `stopped`: we
    hung up ourselves, which is nobody's fault.
    """

    def __init__(
        self,
        sentence: str,
        retry_after: timedelta | None = None,
        *,
        forbidden: bool = False,
        stopped: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
        self.forbidden = forbidden
        self.stopped = stopped


@dataclass(frozen=True)
class Listed:
    """An address that the provider itself will not mail."""

    address: str = field(repr=False)
    kind: EventKind  # BOUNCED, UNSUBSCRIBED or COMPLAINED
    since: datetime


@dataclass(frozen=True)
class Logged:
    """A message in the provider's log."""

    message_id: str
    address: str = field(repr=False)
    kind: EventKind
    created_at: datetime
    raw: bytes = field(default=b"", repr=False)


class Records(Protocol):
    """What a provider can be asked afterwards.  Used by one thread."""

    name: str  # as `Provider.name`
    label: str
    log_limit: int  # an answer with as many messages may have left others out

    def logged(
        self, after: datetime, before: datetime, *, issue_id: int, address: str | None = None
    ) -> Sequence[Logged] | None:
        """Return the copies of an issue that the log holds for that time, or one person's.

        None if it cannot be asked for this address.

        Raises:
            NoAnswer: the provider did not say.
        """

    def attempt_of(self, message_id: str) -> tuple[str, int] | None:
        """Return the delivery's token and the attempt that a message carries, None if untold.

        Raises:
            NoAnswer: the provider did not say.
        """

    def log_reaches(self, moment: datetime) -> bool:
        """Return whether the log knows of anything later than `moment`.

        Raises:
            NoAnswer: the provider did not say.
        """

    def listed(self, since: datetime | None) -> Iterator[Sequence[Listed]]:
        """Yield, page by page, whom the provider will not mail, from `since` on or all.

        Raises:
            NoAnswer: the provider did not say; what came before holds.
        """

    def close(self) -> None:
        """End what is under way; may be called from another thread."""
