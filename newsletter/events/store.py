"""Events as they come in: kept before anybody is told that they were, and applied later."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.providers.reported import EventKind, Reported
from newsletter.tables import ProviderEvent
from subscribers.database import table_of
from subscribers.privacy import Keys, Purpose

SUPPRESSING = frozenset(
    {
        EventKind.BOUNCED,
        EventKind.DROPPED_BOUNCED,
        EventKind.UNSUBSCRIBED,
        EventKind.DROPPED_UNSUBSCRIBED,
        EventKind.COMPLAINED,
        EventKind.DROPPED_COMPLAINED,
    }
)
"""The kinds that say something about an address, and not only about one copy."""

_SEAL = "event.body"


def keep(
    session: Session, keys: Keys, provider: str, reported: Iterable[Reported], now: datetime
) -> int:
    """Store events in the caller's transaction; return how many are of any use to us.

    One that was stored before is left as it is.  One whose token is none of ours belongs to
    somebody else who uses the same account, and is not kept: it may name their people.
    Without any token only what is about an address is kept, as late bounces are.
    """
    events = list(reported)
    numbers = keys.open_tokens(Purpose.DELIVERY, [event.token or "" for event in events])
    rows = [
        {
            "provider": provider,
            "event_id": event.event_id,
            "kind": event.kind.value,
            "happened_at": event.happened_at,
            "received_at": now,
            "delivery_id": delivery_id,
            "attempt_id": event.attempt_id,
            "body": seal(keys, event.event_id, event.address, event.raw),
        }
        for event, delivery_id in zip(events, numbers, strict=True)
        if delivery_id is not None or (event.token is None and event.kind in SUPPRESSING)
    ]
    if rows:
        # In one order, so that two requests with the same events do not wait for each other.
        rows.sort(key=lambda row: str(row["event_id"]))
        insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
        session.execute(insert(table_of(ProviderEvent)).on_conflict_do_nothing(), rows)
    return len(rows)


def seal(keys: Keys, event_id: str, address: str | None, raw: bytes) -> bytes:
    """Return a body as it is stored: the address on a line of its own, then what came."""
    line = (address or "").replace("\n", " ").encode(errors="replace")
    return keys.encrypt_bytes(line + b"\n" + raw, _SEAL, event_id.encode())


def opened(keys: Keys, event_id: str, body: bytes) -> tuple[str, bytes]:
    """Return the address in a stored body, empty if there was none, and what came."""
    line, _, raw = keys.decrypt_bytes(body, _SEAL, event_id.encode()).partition(b"\n")
    return line.decode(), raw
