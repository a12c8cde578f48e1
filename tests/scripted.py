"""A provider that does what a test says.  Its record is written before it answers: the oracle."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Answer, Intent, Outcome

Say = Callable[[Recipient], Outcome]
Before = Callable[[int], None]
"""Called with the number of the call, 1 for the first, before anything is recorded."""


def accepted(recipient: Recipient) -> Outcome:
    return Outcome(recipient.delivery_id, Answer.ACCEPTED)


def nothing(_call: int) -> None:
    return None


class Scripted:
    name = "scripted"
    label = "a scripted provider"
    batch_limit = 500

    def __init__(
        self,
        record: Path,
        say: Say = accepted,
        before: Before = nothing,
        after: Before = nothing,
        connections: int = 1,
        turn_size: int = 1,
        repeatable: bool = False,
        answer_within: timedelta = timedelta(seconds=30),
        line: Callable[[Recipient], object] = attrgetter("address"),
    ) -> None:
        self.record = record
        self.say = say
        self.before = before
        self.after = after
        self.connections = connections
        self.turn_size = turn_size
        self.repeatable = repeatable
        self.answer_within = answer_within
        self.line = line  # of the record
        self.calls = 0
        self.opened = 0
        self.open_now = 0
        self.announced: list[tuple[list[int], int | None]] = []  # whom a call is for, who is next
        self.cut = threading.Event()
        self._lock = threading.Lock()

    def connect(self) -> "_Conversation":
        self.opened += 1
        self.open_now += 1
        return _Conversation(self)

    def recorded(self) -> Counter[str]:
        """How often each address was taken."""
        return Counter(self.record.read_text().split()) if self.record.exists() else Counter()


class _Conversation:
    def __init__(self, provider: Scripted) -> None:
        self._provider = provider
        self._closed = False

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        provider = self._provider
        with provider._lock:
            provider.calls += 1
            call = provider.calls
            calling = [recipient.delivery_id for recipient in recipients]
            provider.announced.append((calling, ahead.delivery_id if ahead else None))
        provider.before(call)
        outcomes = []
        for recipient in recipients:
            outcome = provider.say(recipient)
            if outcome.answer in (Answer.ACCEPTED, Answer.UNKNOWN):
                form.copy_for(recipient)
                self._write_down(recipient)
            outcomes.append(outcome)
        provider.after(call)
        return outcomes

    def close(self) -> None:
        if not self._closed:
            self._provider.open_now -= 1
        self._closed = True
        self._provider.cut.set()

    def _write_down(self, recipient: Recipient) -> None:
        handle = os.open(self._provider.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, f"{self._provider.line(recipient)}\n".encode())
        os.close(handle)
