"""One conversation with a mail server, message after message.

With PIPELINING (RFC 2920) one write holds the end of a message and the envelope of the next:

```text
us      MAIL RCPT DATA          body 1 "." MAIL RCPT DATA           body 2 "." ...
server                250 250 354                     250 250 250 354
                      |                               |   `-- envelope of 2
                      |                               `-- the answer for 1
                      `-- envelope of 1
```
An envelope that is out early binds nobody: without a body and a final dot nothing can be
taken.  So it goes before the next intent is durable, its replies are read when that intent
is there, and it is dropped with the connection when somebody else comes.
"""

import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import NamedTuple

from newsletter import config
from newsletter.message import MessageForm, Recipient, is_international
from newsletter.providers.base import (
    NOT_REACHED,
    TOO_LATE,
    UNUSABLE,
    Answer,
    Intent,
    Outcome,
    boot_clock,
    is_usable,
)
from newsletter.providers.returns import sign
from newsletter.providers.smtp.dkim import Signer, Signers
from newsletter.providers.smtp.opening import (
    COMMAND_SECONDS,
    NotOpened,
    Offers,
    connect,
    open_conversation,
)
from newsletter.providers.smtp.replies import NO_UTF8, Step, goes_on, judge, later, sender_fault
from newsletter.providers.smtp.wire import Lost, Reply, Wire
from newsletter.tables import Reason

BODY_SECONDS = 180.0
DOT_SECONDS = 600.0
QUIT_SECONDS = 2.0
IDLE_SECONDS = 30.0  # a conversation unused for longer may be dead without saying so

_LET_IN_LATE = replace(
    NOT_REACHED, sentence="The mail server took long to let us in: nothing was handed over yet."
)


class _Then(Enum):
    """What becomes of a conversation when a message ended before its final dot."""

    KEEP = "nothing of the message was said"
    RESET = "the server has refused it and waits for commands"
    DROP = "it may wait for a body, or is over"


class _Ended(Exception):
    """A message came to its end before its final dot."""

    def __init__(self, outcome: Outcome, then: _Then = _Then.DROP) -> None:
        super().__init__(outcome.sentence)
        self.outcome = outcome
        self.then = then


class _Over(_Ended):
    """The server ended the conversation instead of hearing of the message."""


class _Envelope(NamedTuple):
    sender: str
    address: str

    def commands(self) -> tuple[tuple[Step, bytes], ...]:
        if self.address.isascii():
            mail, parameter = Step.MAIL, ""
        else:
            mail, parameter = Step.MAIL_UTF8, " SMTPUTF8"
        return (
            (mail, f"MAIL FROM:<{self.sender}>{parameter}\r\n".encode()),
            (Step.RCPT, f"RCPT TO:<{self.address}>\r\n".encode()),
            (Step.DATA, b"DATA\r\n"),
        )

    def at_once(self) -> bytes:
        return b"".join(line for _, line in self.commands())


class SmtpConnection:
    """A conversation with the mail server, begun anew when it has ended."""

    def __init__(
        self,
        settings: config.Smtp,
        password: str,
        context: ssl.SSLContext | None,
        signer: Signer | Signers | None = None,
    ) -> None:
        self._settings = settings
        self._password = password
        self._context = context
        self._signer = signer
        self._server = f"The mail server {settings.host}"
        self._wire: Wire | None = None
        self._offers: Offers = {}
        self._early: _Envelope | None = None  # on the wire, and its replies not read yet
        self._used_at = 0.0
        self._closed = False
        self._busy = threading.Lock()

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Hand over one message for each recipient, one after the other."""
        outcomes: list[Outcome] = []
        rest: Outcome | None = None
        with self._busy:
            for recipient, following in zip(recipients, [*recipients[1:], ahead], strict=False):
                outcome = rest or self._hand_over(form, recipient, intent, following)
                if outcome is TOO_LATE and outcomes:
                    outcome = NOT_REACHED  # those before took the time
                rest = rest or self._left_for_the_rest(outcome)
                outcomes.append(replace(outcome, delivery_id=recipient.delivery_id))
        return outcomes

    def close(self) -> None:
        self._closed = True
        if self._busy.acquire(blocking=False):
            try:
                self._quit()
            finally:
                self._busy.release()
        elif wire := self._wire:
            wire.cut()  # the thread that uses it notices, and closes it

    def _left_for_the_rest(self, outcome: Outcome) -> Outcome | None:
        """Return what the others of a turn get, once its time or its conversation is over."""
        if outcome is TOO_LATE or outcome.retry_after == timedelta():
            return NOT_REACHED
        if outcome.answer is Answer.UNKNOWN:
            return NOT_REACHED
        ended = outcome.answer is Answer.TRY_LATER and self._wire is None
        return outcome if ended or outcome.answer is Answer.SENDER_FAULT else None

    # --- one message ------------------------------------------------------------------

    def _hand_over(
        self, form: MessageForm, recipient: Recipient, intent: Intent, following: Recipient | None
    ) -> Outcome:
        if not is_usable(form.sender_email):
            return sender_fault("The sender's address is not plain ASCII: correct [sender] email.")
        envelope = self._envelope(form, recipient)
        if envelope is None:
            return UNUSABLE
        if boot_clock() > intent.start_by:
            self._take_back()
            return TOO_LATE
        try:
            pieces = self._pieces(form, recipient)
        except ValueError:  # what cannot stand in a header is in no one's power to deliver
            return UNUSABLE
        try:
            wire = self._announce(envelope, intent)
            self._write(wire, pieces, intent, self._may_go_early(form, following))
        except _Ended as ended:
            self._recover(ended.then)
            return ended.outcome
        except NotOpened as not_opened:
            self._drop()
            return not_opened.outcome
        except Lost as lost:
            self._drop()
            if self._closed:
                return NOT_REACHED
            return later(f"{self._server} broke off before it had the message ({lost}).")
        return self._answer_to_dot(wire, intent)

    def _pieces(self, form: MessageForm, recipient: Recipient) -> Sequence[bytes]:
        """Return the message for the wire, signed anew for each try where there are keys."""
        pieces = form.pieces_for(recipient)
        if self._signer is None:
            return pieces
        return [self._signer.signatures(form, recipient, int(time.time())), *pieces]

    def _write(
        self, wire: Wire, pieces: Sequence[bytes], intent: Intent, early: _Envelope | None
    ) -> None:
        """Let a message go, with its final dot and somebody's early envelope behind it."""
        if boot_clock() > intent.start_by:
            raise _Ended(TOO_LATE)
        if self._closed:  # while TLS began, say, when there was nothing to cut
            raise _Ended(NOT_REACHED)
        if not wire.write_message(pieces, early.at_once() if early else b"", BODY_SECONDS):
            # A server that ends a conversation in the middle of the data says so before the
            # dot, where it is certain that nothing was taken.
            raise _Ended(judge(Step.DATA, wire.read_reply(QUIT_SECONDS), self._server))
        self._early = early

    def _may_go_early(self, form: MessageForm, following: Recipient | None) -> _Envelope | None:
        if following is None or "PIPELINING" not in self._offers:
            return None
        envelope = self._envelope(form, following)
        return envelope if envelope and self._takes(envelope) else None

    def _answer_to_dot(self, wire: Wire, intent: Intent) -> Outcome:
        patience = min(DOT_SECONDS, max(1.0, intent.answer_by - boot_clock()))
        try:
            reply = wire.read_reply(patience)
        except Lost as lost:
            self._drop()
            return Outcome(
                0,
                Answer.UNKNOWN,
                Reason.ANSWER_LOST,
                f"{self._server} had the whole message and gave no answer ({lost}).",
            )
        outcome = judge(Step.DOT, reply, self._server)
        if reply.code == 421 or outcome.answer is Answer.UNKNOWN:
            self._drop()
        self._used_at = boot_clock()
        return outcome

    def _recover(self, then: _Then) -> None:
        """Make the conversation fit for the next message, or end it."""
        if self._wire is None or then is _Then.DROP:
            self._drop()
        elif then is _Then.RESET:
            try:
                if self._wire.command("RSET", COMMAND_SECONDS).code != 250:
                    self._drop()
            except Lost:
                self._drop()
        self._used_at = boot_clock()

    # --- its envelope -----------------------------------------------------------------

    def _envelope(self, form: MessageForm, recipient: Recipient) -> _Envelope | None:
        """Return the envelope of somebody's copy, None if no server can take their address."""
        address = recipient.address
        if not is_usable(address) and not is_international(address):
            return None
        if form.return_path and recipient.delivery_id:  # samples and notices bounce to their sender
            return _Envelope(sign(form.return_path, recipient.token), address)
        return _Envelope(form.sender_email, address)

    def _announce(self, envelope: _Envelope, intent: Intent) -> Wire:
        """Return the wire once the server waits for the body that belongs to `envelope`.

        A kept conversation that turns out to be over is begun anew, once: servers end them
        after some messages or some time, and nothing of this message can have been taken.
        """
        if wire := self._kept(envelope):
            try:
                return self._propose(wire, envelope)
            except (Lost, _Over):
                if self._closed or boot_clock() > intent.start_by:
                    raise
                self._drop()
        return self._propose(self._open(intent), envelope)

    def _propose(self, wire: Wire, envelope: _Envelope) -> Wire:
        if not self._takes(envelope):
            raise _Ended(NO_UTF8, _Then.KEEP)
        at_once = "PIPELINING" in self._offers
        if at_once and self._early is None:
            wire.write(envelope.at_once(), COMMAND_SECONDS)
        self._early = None
        self._hear(wire, envelope, at_once, COMMAND_SECONDS)
        return wire

    def _takes(self, envelope: _Envelope) -> bool:
        return envelope.address.isascii() or "SMTPUTF8" in self._offers

    def _hear(self, wire: Wire, envelope: _Envelope, written: bool, seconds: float) -> None:
        """Read what the server says to an envelope, writing it line by line unless `written`."""
        refused: tuple[Step, Reply] | None = None
        for step, line in envelope.commands():
            try:
                if not written:
                    wire.write(line, seconds)
                reply = wire.read_reply(seconds)
            except Lost:
                if refused is None:
                    raise
                raise _Ended(judge(*refused, self._server)) from None
            if not goes_on(step, reply, want=3 if step is Step.DATA else 2):
                refused = refused or (step, reply)
                if reply.code == 421 or not written:
                    break
        if refused is not None:
            raise self._refusal(*refused, reply)
        if wire.has_news():  # it thought better of it, or left
            raise _Ended(judge(Step.DATA, wire.read_reply(QUIT_SECONDS), self._server))

    def _refusal(self, step: Step, reply: Reply, last: Reply) -> _Ended:
        outcome = judge(step, reply, self._server)
        if step in (Step.MAIL, Step.MAIL_UTF8) and reply.code == 421:
            return _Over(outcome)
        # After a 354 the server takes all that comes for the body, RSET and QUIT as well.
        waits = all(said.code // 100 in (4, 5) and said.code != 421 for said in (reply, last))
        return _Ended(outcome, _Then.RESET if waits else _Then.DROP)

    def _take_back(self) -> None:
        """Undo an envelope that went early, for somebody who does not come next after all."""
        if self._wire is None or self._early is None:
            return
        envelope, self._early = self._early, None
        try:
            self._hear(self._wire, envelope, written=True, seconds=QUIT_SECONDS)
        except _Ended as refused:
            self._recover(refused.then)
        except Lost:
            self._drop()
        else:
            self._drop()

    # --- the conversation -------------------------------------------------------------

    def _kept(self, envelope: _Envelope) -> Wire | None:
        """Return the wire of before if it still serves for `envelope`."""
        if self._closed:
            raise _Ended(NOT_REACHED)
        if self._early != envelope:
            self._take_back()
        if boot_clock() - self._used_at > IDLE_SECONDS:
            self._quit()
        if self._wire and self._early is None and self._wire.has_news():
            self._drop()  # it said 421, or left without a word
        return self._wire

    def _open(self, intent: Intent) -> Wire:
        wire = self._wire = connect(self._settings)
        if self._closed:  # close() may have come before there was anything to cut
            raise _Ended(NOT_REACHED)
        self._offers = open_conversation(wire, self._settings, self._password, self._context)
        self._used_at = boot_clock()
        if self._used_at > intent.start_by:
            raise _Ended(_LET_IN_LATE, _Then.KEEP)
        return wire

    def _quit(self) -> None:
        if self._wire and self._early is None:
            with suppress(Lost):
                self._wire.command("QUIT", QUIT_SECONDS)
        self._drop()

    def _drop(self) -> None:
        self._early = None
        if self._wire:
            self._wire.close()
            self._wire = None
