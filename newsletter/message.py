"""One person's copy as bytes: headers and both parts, encoded once for each edition.

Everything that is the same in every copy is MIME-encoded when a `MessageForm` is made;
`copy_for` only joins bytes.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from newsletter.rendering import RenderedEmail, Shell, Slot


@dataclass(frozen=True)
class Recipient:
    """The one person a copy is for.  Held in memory only."""

    delivery_id: int  # 0: a sample, in a preview, a test or a notice to staff
    token: str  # of the delivery; [A-Za-z0-9_-], 23 characters
    address: str  # as it goes on the wire: the domain in ASCII
    name: str | None
    unsubscribe_url: str  # empty for notices
    preferences_url: str


@dataclass(frozen=True)
class MessageForm:
    """What every copy of one edition shares."""

    email: RenderedEmail
    sender_name: str
    sender_email: str
    reply_to: str | None
    category: str  # opaque name of the issue at the provider

    @property
    def subject(self) -> str:
        """The subject, the same in every copy."""
        return self.email.subject

    def copy_for(self, recipient: Recipient) -> bytes:
        """Return the complete message for one person: CRLF lines, never longer than 998 bytes."""
        html_values, text_values = self.values_for(recipient)
        message = EmailMessage(SMTP.clone(max_line_length=76))
        message["From"] = Address(self.sender_name, addr_spec=self.sender_email)
        message["To"] = Address(recipient.name or "", addr_spec=recipient.address)
        message["Subject"] = self.subject
        message["Message-ID"] = f"<{recipient.token}@{self.sender_email.rpartition('@')[2]}>"
        for name, value in self.headers_for(recipient).items():
            message[name] = value
        message.set_content(_merge(self.email.text, text_values), cte="quoted-printable")
        message.add_alternative(
            _merge(self.email.html, html_values), subtype="html", cte="quoted-printable"
        )
        return message.as_bytes()

    def headers_for(self, recipient: Recipient) -> dict[str, str]:
        """Return the headers that an API provider is asked to add, without To, From, Subject."""
        return {
            "List-Unsubscribe": f"<{recipient.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }

    def values_for(self, recipient: Recipient) -> tuple[dict[Slot, str], dict[Slot, str]]:
        """Return what the slots hold for one person, in HTML and in text."""
        text = {
            Slot.GREETING: f"Dear {recipient.name}," if recipient.name else "Dear friends,",
            Slot.UNSUBSCRIBE: recipient.unsubscribe_url,
            Slot.PREFERENCES: recipient.preferences_url,
        }
        return {slot: html.escape(value) for slot, value in text.items()}, text


def _merge(shell: Shell, values: Mapping[Slot, str]) -> str:
    pieces = [shell.literals[0]]
    for slot, literal in zip(shell.slots, shell.literals[1:], strict=True):
        pieces += (values[slot], literal)
    return "".join(pieces)
