"""One person's copy as bytes: headers and both parts, encoded once for each edition.

Everything that is the same in every copy is MIME-encoded when a `MessageForm` is made;
`copy_for` only joins bytes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipient:
    """The one person a copy is for.  Held in memory only."""

    delivery_id: int  # 0: a sample, in a preview, a test or a notice to staff
    token: str  # of the delivery; [A-Za-z0-9_-], 23 characters
    address: str  # as it goes on the wire: the domain in ASCII
    name: str | None
    unsubscribe_url: str  # empty for notices
    preferences_url: str


class MessageForm:
    """What every copy of one edition shares."""

    def copy_for(self, recipient: Recipient) -> bytes:
        """Return the complete message for one person: CRLF lines, never longer than 998 bytes."""
        raise NotImplementedError
