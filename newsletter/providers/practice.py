"""The practice provider: a Maildir on this machine, and nothing leaves it.

A file is named after its delivery's token, so that handing a delivery over again leaves one
copy.  Maildir: https://cr.yp.to/proto/maildir.html.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import (
    TOO_LATE,
    UNUSABLE,
    Answer,
    Connection,
    Intent,
    Outcome,
    boot_clock,
)

_STALE = timedelta(hours=36)  # what Maildir allows a file in tmp/


class Practice:
    """Fills the Maildir at `mailbox`."""

    name = "practice"
    label = "the practice mailbox (nothing leaves this machine)"
    connections = 2
    batch_limit = 500
    turn_size = 50
    repeatable = True
    answer_within = timedelta(seconds=60)

    def __init__(self, mailbox: Path) -> None:
        self._mailbox = mailbox

    def connect(self) -> Connection:
        """Return a way into the mailbox, which is made when the first copy comes."""
        return _Mailbox(self._mailbox)


class _Mailbox:
    """One thread's way into the Maildir; several of them, and readers, never meet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tmp, self._new, self._cur = (folder / name for name in ("tmp", "new", "cur"))
        self._read: dict[str, Path] = {}  # token -> where a reader put it
        self._read_at = 0  # mtime of cur/ in nanoseconds

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Write one file for each recipient, durable before it counts as accepted."""
        if boot_clock() > intent.start_by:
            return [
                replace(TOO_LATE, delivery_id=recipient.delivery_id) for recipient in recipients
            ]
        outcomes: list[Outcome] = []
        fault: Outcome | None = None
        try:
            self._open()
            for recipient in recipients:
                # one by one, so that those before an error count
                outcomes += [self._deliver(form, recipient, intent)]
        except OSError as error:
            fault = _fault(error)
        try:
            self._make_durable()
        except OSError as error:  # what is not durable is handed over again: a repeat overwrites
            fault, outcomes = _fault(error), []
        left = recipients[len(outcomes) :]
        return outcomes + [replace(fault, delivery_id=r.delivery_id) for r in left if fault]

    def close(self) -> None:
        """Nothing is kept open."""

    def _open(self) -> None:
        if not self._new.is_dir():
            # new/ comes last: another thread, or the next process, goes by it alone.
            for folder in (self._folder, self._tmp, self._cur, self._new):
                folder.mkdir(mode=0o700, exist_ok=True)
            _sync(self._folder.parent)
            _sync(self._folder)
        changed = self._cur.stat().st_mtime_ns
        if changed != self._read_at:
            self._read = {path.name.partition(":")[0]: path for path in self._cur.iterdir()}
            self._read_at = changed

    def _deliver(self, form: MessageForm, recipient: Recipient, intent: Intent) -> Outcome:
        try:
            copy = form.copy_for(recipient)
        except ValueError:  # what cannot stand in a header is in no one's power to deliver
            return replace(UNUSABLE, delivery_id=recipient.delivery_id)
        # The attempt keeps a process that was thought dead off the file of its successor.
        unfinished = self._tmp / f"{recipient.token}.{intent.attempt_id}"
        with open(unfinished, "wb", opener=_private) as file:
            file.write(copy)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._read.get(recipient.token, self._new / recipient.token))
        return Outcome(recipient.delivery_id, Answer.ACCEPTED)

    def _make_durable(self) -> None:
        _sync(self._new)
        if self._read:
            _sync(self._cur)
        self._clear_up()

    def _clear_up(self) -> None:
        """Remove what processes that died left unfinished, long ago."""
        before = time.time() - _STALE.total_seconds()
        for path in self._tmp.iterdir():
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
            except FileNotFoundError:
                continue  # another thread's, finished meanwhile


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fault(error: OSError) -> Outcome:
    cause = (error.strerror or type(error).__name__).lower()
    return Outcome(
        0,
        Answer.SENDER_FAULT,
        sentence=f"The practice mailbox cannot be written ({cause}): make room, or give this user "
        "the right to write there.",
        reply=cause,
    )
