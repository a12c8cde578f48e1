"""What SendGrid posts to us: whether it is SendGrid, and what it says.

The signature is ECDSA over P-256 and SHA-256 of the timestamp header and the bytes of the
body as they came; parsed and written anew, they no longer verify.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter.errors import Problem
from newsletter.providers.reported import EventKind, NotGenuine, Reported

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

_KINDS = {
    "processed": EventKind.PROCESSED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.DROPPED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
}
_DROPS = {
    "bounced address": EventKind.DROPPED_BOUNCED,
    "invalid": EventKind.DROPPED_BOUNCED,
    "unsubscribed address": EventKind.DROPPED_UNSUBSCRIBED,
    "spam reporting address": EventKind.DROPPED_COMPLAINED,
    "recipient list over package quota": EventKind.DROPPED_QUOTA,
}
_STAMP = re.compile(r"[0-9]{10}", re.ASCII)
_EVENT_ID = re.compile(r"[!-~]{1,100}")
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


class Webhook:
    """Opens what comes in, with the public keys of the webhooks set up at SendGrid."""

    provider = "sendgrid"

    def __init__(self, public_keys: Sequence[str]) -> None:
        """Read the keys; several may hold at once, while one takes another's place.

        Raises:
            Problem: one of them is no public key of SendGrid's kind.
        """
        self._keys = [_public_key(key) for key in public_keys]

    def read(
        self, signatures: Sequence[str], timestamps: Sequence[str], body: bytes
    ) -> list[Reported]:
        """Return the events in a body; opens, clicks and what we do not know are left out.

        `signatures` and `timestamps` are the values of the two headers, one each or it is not
        genuine.  The timestamp may be of any age: SendGrid tries again for a day, and an event
        that came before changes nothing.

        Raises:
            NotGenuine: nobody with one of the keys signed it, or it is no list of events.
        """
        if len(signatures) != 1 or len(timestamps) != 1:
            raise NotGenuine
        # Ten digits exactly: nothing parts stamp and body, so a digit could change sides.
        if not _STAMP.fullmatch(timestamps[0]):
            raise NotGenuine
        self._verify(signatures[0], timestamps[0].encode("ascii") + body)
        try:
            entries = json.loads(body)
        except (ValueError, RecursionError):
            raise NotGenuine from None
        if not isinstance(entries, list):
            raise NotGenuine
        stamped = datetime.fromtimestamp(int(timestamps[0]), UTC)
        found = (_event(entry, stamped) for entry in entries if isinstance(entry, dict))
        return [event for event in found if event is not None]

    def _verify(self, signature: str, signed: bytes) -> None:
        try:
            der = base64.b64decode(signature, validate=True)
        except (ValueError, binascii.Error):
            raise NotGenuine from None
        for key in self._keys:
            try:
                key.verify(der, signed, ECDSA(SHA256()))
            except InvalidSignature:
                continue
            return
        raise NotGenuine


def _public_key(written: str) -> EllipticCurvePublicKey:
    try:
        key = load_der_public_key(base64.b64decode(written, validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise Problem(
            "A key under [provider.sendgrid] webhook_public_keys cannot be read: copy the "
            "verification key from SendGrid's Event Webhook settings again, in one piece."
        )
    return key


def _event(entry: dict[str, Any], stamped: datetime) -> Reported | None:
    kind = kind_of(entry)
    if kind is None:
        return None
    raw = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    event_id, token, attempt = entry.get("sg_event_id"), entry.get("pb_d"), entry.get("pb_a")
    if token is None and entry.get("event") == "group_unsubscribe":
        return None  # from a group of the account's other mail: we use none
    if not isinstance(event_id, str) or not _EVENT_ID.fullmatch(event_id):
        event_id = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return Reported(
        event_id=event_id,
        kind=kind,
        happened_at=_moment(entry.get("timestamp")) or stamped,
        token=token if isinstance(token, str) else None,
        attempt_id=_number(attempt),
        address=_address(entry.get("email")),
        raw=raw,
    )


def kind_of(entry: dict[str, Any]) -> EventKind | None:
    """Return our word for an event, None for those that we do not keep.

    Opens and clicks are among these: we never ask for them, and nobody is watched.
    """
    event = entry.get("event")
    kind = _KINDS.get(event) if isinstance(event, str) else None
    if kind is EventKind.BOUNCED and entry.get("type") == "blocked":
        return EventKind.BLOCKED
    if kind is EventKind.DROPPED:
        return drop_of(entry.get("reason"))
    return kind


def drop_of(reason: object) -> EventKind:
    """Return which kind of drop SendGrid's reason means."""
    if not isinstance(reason, str):
        return EventKind.DROPPED
    return _DROPS.get(reason.strip().casefold(), EventKind.DROPPED)


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 2**32:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _number(written: object) -> int | None:
    return int(written) if isinstance(written, str) and _NUMBER.fullmatch(written) else None


def _address(written: object) -> str | None:
    return written if isinstance(written, str) and 3 <= len(written) <= 320 else None
