"""The practice mailbox: a Maildir on this machine; nothing leaves it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import TOO_LATE, Answer, Intent, Outcome, boot_clock


class Practice:
    """A Maildir whose files are named by delivery token, so that a repeat overwrites."""

    name = "practice"
    label = "the practice mailbox (nothing leaves this machine)"
    connections = 1
    batch_limit = 500
    turn_size = 50
    repeatable = True
    answer_within = timedelta(minutes=1)

    def __init__(self, mailbox: Path) -> None:
        self._mailbox = mailbox

    def connect(self) -> "Practice":
        """Return a conversation; the mailbox is one itself."""
        return self

    def submit(
        self, form: MessageForm, recipients: Sequence[Recipient], intent: Intent
    ) -> list[Outcome]:
        """Put one file for each recipient into the mailbox."""
        if boot_clock() > intent.start_by:
            return [
                Outcome(r.delivery_id, TOO_LATE.answer, TOO_LATE.reason, TOO_LATE.sentence)
                for r in recipients
            ]
        for name in ("tmp", "new", "cur"):
            (self._mailbox / name).mkdir(parents=True, exist_ok=True)
        for recipient in recipients:
            waiting = self._mailbox / "tmp" / recipient.token
            waiting.write_bytes(form.copy_for(recipient))
            waiting.rename(self._mailbox / "new" / recipient.token)
        return [Outcome(r.delivery_id, Answer.ACCEPTED) for r in recipients]

    def close(self) -> None:
        """Nothing to end."""
