"""What a mail server's reply means, step by step.  Pure.

```text
step         2yz       3yz        4yz                5yz
greeting     goes on   try later  try later          sender fault
STARTTLS     goes on   try later  try later          sender fault
AUTH         goes on   goes on    try later (1)      sender fault
MAIL         goes on   try later  try later          sender fault (2)
RCPT         goes on   try later  try later          refused: this address (3)
DATA         try later goes on    try later          refused: this message (3)
final dot    accepted  unknown    try later          refused: this message (3)
```
1. 432 wants the password changed: sender fault.
2. With SMTPUTF8, a refusal of that very thing: this person's address is unusable.
3. Sender fault when it is about us or the sender's domain: 530, 534, 535, 538 (sign in first),
   521, 5.7.x, 5.1.7, 5.1.8, words about what our account may send (credits, a daily limit), and
   before the dot 500, 502, 503, 504 (not understood).

A reply in 22z speaks of the conversation, not of the message: out of turn, so unknown after
the dot and "try later" before it.  421, 450, 451, 452 and 454 ask us to slow down, unless
they speak of one mailbox only (4.2.1, 4.2.2).
"""

import re
from dataclasses import replace
from enum import Enum

from newsletter.providers.base import Answer, Outcome, is_used_up
from newsletter.providers.smtp.wire import Reply
from newsletter.tables import Reason


class Step(Enum):
    """What a reply answers; the value says what a permanent refusal means for the sender."""

    HELLO = "will not talk to us ({n}): ask whoever runs it to let this machine send."
    STARTTLS = "refuses encryption ({n}): check port and security under [provider.smtp]."
    AUTH = (
        "refused the user name or the password ({n}): check username under [provider.smtp] "
        "and SMTP_PASSWORD."
    )
    MAIL = (
        "refused our sender address ({n}): check email under [sender], or sender_email of the "
        "list, and that the server lets us send for it."
    )
    MAIL_UTF8 = (  # MAIL with SMTPUTF8 (RFC 6531)
        "refused our sender address, or to write beyond ASCII ({n}): check email under [sender], "
        "or sender_email of the list, and that the server lets us send for it."
    )
    RCPT = "refused this address ({n})."
    DATA = "refused the message ({n})."
    DOT = "refused the message after reading it ({n})."


_BEFORE_MESSAGES = frozenset({Step.HELLO, Step.STARTTLS, Step.AUTH})
_ABOUT_US = _BEFORE_MESSAGES | {Step.MAIL, Step.MAIL_UTF8}
_SIGN_IN_FIRST = frozenset({530, 534, 535, 538})  # RFC 4954
_NOT_UNDERSTOOD = frozenset({500, 502, 503, 504})
_NO_MAIL_HERE = 521  # RFC 7504
_PASSWORD_TOO_OLD = 432  # RFC 4954
_SLOW_DOWN = frozenset({421, 450, 451, 452, 454})
_OF_ONE_MAILBOX = frozenset({"4.2.1", "4.2.2"})  # resting, or full
_OF_ONE_ADDRESS = ("5.1.", "5.2.")
_BAD_SENDER = frozenset({"5.1.7", "5.1.8"})  # often said at RCPT: Postfix waits for it
_NEW_OWNER = frozenset({"5.7.17", "5.7.18"})  # RFC 7293: of this one mailbox
_ASCII_ONLY = frozenset({"5.6.7", "5.6.9"})  # RFC 6531, 3.5
_NO_SUCH_PARAMETER = frozenset({501, 504, 555})
_QUEUED_AS = re.compile(r"\bqueued as ([A-Za-z0-9.-]{4,60})(?!\S)")

NO_UTF8 = Outcome(
    0,
    Answer.REFUSED,
    Reason.ADDRESS_UNUSABLE,
    "The mail server takes no letters outside ASCII before the @: ask for another address.",
)


def goes_on(step: Step, reply: Reply, want: int = 2) -> bool:
    """Whether a reply is the hoped-for one; `want` is its first digit."""
    return reply.code // 100 == want and (step is Step.STARTTLS or reply.code // 10 != 22)


def judge(step: Step, reply: Reply, server: str) -> Outcome:
    """Return what a reply means that does not let us go on; at the dot, any reply."""
    if step is Step.DOT and goes_on(step, reply):
        return Outcome(0, Answer.ACCEPTED, reference=_queue_name(reply))
    number = f"{reply.code} {reply.status}".rstrip()
    kind = reply.code // 100
    if kind == 4 and (step, reply.code) != (Step.AUTH, _PASSWORD_TOO_OLD):
        asks = reply.code in _SLOW_DOWN and reply.status not in _OF_ONE_MAILBOX
        given = later(f"{server} asks us to come again later ({number}).", reply.words)
        return replace(given, slow_down=asks)
    if kind in (4, 5):
        return _judge_refusal(step, reply, server, number)
    sentence = f"{server} gave an answer out of turn ({number})."
    if step is Step.DOT:
        return Outcome(0, Answer.UNKNOWN, Reason.ANSWER_LOST, sentence, reply.words)
    return later(sentence, reply.words)


def later(sentence: str, reply: str = "") -> Outcome:
    """Return that nobody took it, and that another time may be better."""
    return Outcome(0, Answer.TRY_LATER, Reason.TRY_LATER, sentence, reply)


def sender_fault(sentence: str, reply: str = "") -> Outcome:
    """Return that nobody took it, for a reason that holds for everybody."""
    return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, sentence, reply)


def _judge_refusal(step: Step, reply: Reply, server: str, number: str) -> Outcome:
    if reply.code in _SIGN_IN_FIRST and step not in _BEFORE_MESSAGES:
        return sender_fault(
            f"{server} wants a sign-in first ({number}): set username under [provider.smtp] "
            "and SMTP_PASSWORD.",
            reply.words,
        )
    if reply.status in _ASCII_ONLY or (step is Step.MAIL_UTF8 and reply.code in _NO_SUCH_PARAMETER):
        return replace(NO_UTF8, reply=reply.words)
    sentence = f"{server} {step.value.format(n=number)}"
    if step in _ABOUT_US:
        return sender_fault(sentence, reply.words)
    # 550 5.7.26 and its kin are about our domain or our right to send; counted against the
    # subscribers, one bad hour in the DNS would wipe out a list.
    if reply.status.startswith("5.7.") and reply.status not in _NEW_OWNER:
        return sender_fault(
            f"{server} refuses our mail by its rules ({number}): ask whoever runs it; often "
            "SPF, DKIM or DMARC of the sender's domain is missing.",
            reply.words,
        )
    if reply.status in _BAD_SENDER:
        return sender_fault(f"{server} {Step.MAIL.value.format(n=number)}", reply.words)
    if reply.code == _NO_MAIL_HERE:
        return sender_fault(f"{server} {Step.HELLO.value.format(n=number)}", reply.words)
    if is_used_up(reply.words) and not reply.status.startswith(_OF_ONE_ADDRESS):
        return sender_fault(
            f"{server} lets this account send no more just now ({number}): wait for the next "
            "period or raise its limit, then resume.",
            reply.words,
        )
    if reply.code in _NOT_UNDERSTOOD and step is not Step.DOT:
        return sender_fault(
            f"{server} did not follow us ({number}): check host and port under [provider.smtp].",
            reply.words,
        )
    reason = Reason.ADDRESS_REFUSED if step is Step.RCPT else Reason.MESSAGE_REFUSED
    return Outcome(0, Answer.REFUSED, reason, sentence, reply.words)


def _queue_name(reply: Reply) -> str | None:
    # Only the name: the rest of the line may hold an address.
    found = _QUEUED_AS.search(reply.lines[-1])
    return found.group(1) if found else None
