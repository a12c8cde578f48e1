"""What a provider is: somebody who takes mail from us.

One file or folder for each vendor.  A vendor's errors stop here and become an `Outcome`.
"""

import enum
import ipaddress
import re
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.error import URLError

from newsletter.config import LOOPBACK_HOSTS
from newsletter.message import MessageForm, Recipient
from newsletter.tables import Reason


class Answer(enum.Enum):
    """A provider's answer for one delivery."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # this recipient or this message, for good
    TRY_LATER = "try_later"  # certain that nobody took it
    SENDER_FAULT = "sender_fault"  # our account, key or domain: nobody took it, the issue stops
    UNKNOWN = "unknown"  # the connection broke after the data, or nobody can tell


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery in one attempt."""

    delivery_id: int
    answer: Answer
    reason: Reason | None = None  # None when accepted
    sentence: str = ""  # for staff, without any address: what happened, what to do
    reply: str = ""  # the provider's own words; may hold an address, so stored sealed only
    reference: str | None = None  # the provider's id, when accepted
    retry_after: timedelta | None = None  # zero: not tried at all, so at once and uncounted
    slow_down: bool = False  # the provider asks this site, not this person, to come more slowly

    def of(self, delivery_id: int) -> "Outcome":
        """Return the same for another delivery; a third of the time that `replace` takes."""
        same = object.__new__(Outcome)
        same.__dict__.update(self.__dict__, delivery_id=delivery_id)
        return same


@dataclass(frozen=True)
class Hold:
    """The provider shall keep the copies until `send_at`, under the name of one batch."""

    batch_id: str
    send_at: datetime


@dataclass(frozen=True)
class Intent:
    """Leave to send, durable in the database before a provider sees it.

    Both deadlines are seconds of `boot_clock()`.
    """

    attempt_id: int  # 0 for samples and notices, which nobody counts
    start_by: float  # no byte that could make the provider accept leaves after it
    answer_by: float  # an answer later than this counts as lost
    hold: Hold | None = None  # only ever of the provider that takes the copies


# Answers that are the same for everybody; `TOO_LATE.of(7)` gives them to one.
TOO_LATE = Outcome(
    0,
    Answer.TRY_LATER,
    Reason.TRY_LATER,
    "This machine was too slow or asleep: nothing was handed over.",
)
NOT_REACHED = Outcome(
    0,
    Answer.TRY_LATER,
    Reason.TRY_LATER,
    "Sending stopped before the turn of this copy.",
    retry_after=timedelta(),
)
UNUSABLE = Outcome(
    0,
    Answer.REFUSED,
    Reason.ADDRESS_UNUSABLE,
    "No provider can take this address: correct it.",
)


def is_usable(address: str) -> bool:
    """Whether an address can go on the wire as it is.

    A dot-atom of ASCII (RFC 5321, 4.1.2) with a domain: at most 254 characters, 64 of them
    before the @.  Nothing in it can end a command or add one.
    """
    return len(address) <= 254 and _ON_THE_WIRE.fullmatch(address) is not None


_ON_THE_WIRE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def is_used_up(words: str) -> bool:
    """Whether a refusal, by its words, is about what our account may still send or has paid for.

    A mailbox that is full ("over quota") is its owner's matter and not meant.
    """
    return _USED_UP.search(words) is not None


_USED_UP = re.compile(
    r"\bcredits\b|messaging limits?\b"
    r"|\b(?:daily|hourly|monthly|sending|relay|relaying)\s+(?:\w+\s+){0,3}"
    r"(?:limit|quota)s?\s+(?:\w+\s+){0,3}(?:exceeded|reached)"
    r"|\bexceeded\s+(?:\w+\s+){0,3}(?:daily|hourly|monthly|sending)\b",
    re.IGNORECASE,
)


def is_loopback(host: str) -> bool:
    """Whether what is sent to `host` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_HOSTS


def in_words(error: Exception) -> str:
    """Return what the system calls a fault of the network: no host, no path, no address."""
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, ssl.SSLError):
        # Those that Python raises itself know no reason.
        reason: str | None = getattr(cause, "reason", None)
        return reason.lower().replace("_", " ") if reason else "TLS failed"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "the connection broke"


def boot_clock() -> float:
    """Return seconds since boot, counting the time a machine was suspended."""
    return time.clock_gettime(_BOOT_CLOCK)


_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Connection(Protocol):
    """One conversation with a provider, used by one thread; connects when first needed."""

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Hand over one copy for each recipient; return one outcome for each, in any order.

        Never raises for what a provider or the network does.  Never tries twice, unless it is
        certain that nobody was taken.  Looks at `intent.start_by` right before the first byte
        that could lead to acceptance.

        `ahead` is who probably comes first in the next call, with the same form, though a gate
        may still refuse them.  A provider may announce their address early; their message, or
        anything else that could make somebody accept one, waits for an intent of their own.
        """

    def close(self) -> None:
        """End the conversation; harmless twice.  May be called from another thread to cut it."""


class Holding(Protocol):
    """A provider that takes copies before their time, and can be told to let them go no further.

    Used by one thread.
    """

    name: str  # as `Provider.name`
    label: str
    ahead: timedelta  # how long before its time an issue is handed over; zero: never

    def new_batch(self) -> str:
        """Return a name under which copies can be held, and stopped together.

        Raises:
            NoAnswer: the provider gave none, or its clock and ours differ.
        """

    def stop(self, batch_id: str, start_by: float) -> bool | None:
        """Stop what is held, for good; return whether it is, None where nobody can tell.

        No byte leaves after `start_by`, on `boot_clock`.  Stopping twice is harmless.
        """

    def is_stopped(self, batch_id: str) -> bool | None:
        """Return whether a stop holds, None where nobody can tell; asks, and changes nothing."""

    def forget(self, batch_id: str) -> bool:
        """Let the provider forget a stop, long after the time of the copies; whether it did."""

    def close(self) -> None:
        """End what is under way; may be called from another thread."""


class Provider(Protocol):
    """A way for mail to leave, made once for each process from the settings."""

    name: str  # "practice", "smtp", "sendgrid": in settings, rows and metrics
    label: str  # on screens: "SendGrid", "the mail server mail.example.org", ...
    connections: int  # how many conversations at once
    batch_limit: int  # deliveries a batch may hold
    turn_size: int  # deliveries that one intent covers: what a crash leaves unknown, at most
    repeatable: bool  # handing the same delivery over again leaves one copy (practice only)
    answer_within: timedelta  # the longest that an answer may take

    def connect(self) -> Connection:
        """Return a new conversation; opens nothing yet."""
