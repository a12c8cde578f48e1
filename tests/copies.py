"""An edition and the people it goes to, for tests of what hands them over."""

from collections.abc import Sequence
from datetime import UTC, datetime

from newsletter.message import Envelope, Identity, MessageForm, Recipient
from newsletter.providers.base import Intent, Outcome, Provider, boot_clock
from newsletter.rendering import RenderedEmail, Shell, Slot

SITE = "https://prayer.example.org"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EMAIL = RenderedEmail(
    "Beten für Nordkorea: 감사",
    Shell(
        ("<html><body><p>", "</p><p>Pray.</p><a href='", "'>leave</a><a href='", "'>x</a></html>"),
        (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES),
    ),
    Shell(
        ("", "\n\n.Pray.\n.\n..\n\nLeave: ", "\nChange: ", "\n"),
        (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES),
    ),
    "en",
)


def form(
    email: RenderedEmail = EMAIL,
    sender_email: str = "prayer@example.org",
    reply_to: str | None = "office@example.org",
    return_path: str = "",
) -> MessageForm:
    """Return an edition; the one place in these tests that makes a `MessageForm`."""
    envelope = Envelope(
        kind="bulletin",
        sender=Identity("Prayer Network", sender_email, reply_to, SITE, return_path),
        practice=False,
        list_name="weekly",
        list_title="Weekly prayer",
        list_id=3,
        issue_id=49,
    )
    return MessageForm(email, envelope, NOON)


def person(number: int, address: str | None = None, name: str | None = "Anna") -> Recipient:
    """Return somebody invented; `number` is the delivery, and part of the address."""
    token = f"A{number:022d}"
    return Recipient(
        number,
        token,
        address or f"reader{number}@example.net",
        name,
        f"{SITE}/u/{token}",
        f"{SITE}/p/{token}",
    )


def people(count: int) -> list[Recipient]:
    """Return so many different people."""
    return [person(number) for number in range(1, count + 1)]


def leave(start_within: float = 10, answer_within: float = 30) -> Intent:
    """Return leave to send; both deadlines in seconds from now."""
    now = boot_clock()
    return Intent(77, now + start_within, now + answer_within)


def hand_over(
    provider: Provider, recipients: Sequence[Recipient], intent: Intent | None = None
) -> list[Outcome]:
    """Hand over in one conversation, a turn at a time, and end it."""
    connection, size = provider.connect(), provider.turn_size
    try:
        return [
            outcome
            for at in range(0, len(recipients), size)
            for outcome in connection.submit(
                form(),
                recipients[at : at + size],
                intent or leave(),
                next(iter(recipients[at + size :]), None),
            )
        ]
    finally:
        connection.close()
