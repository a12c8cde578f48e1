"""Sending: many people in one request, the merge fields filled in by SendGrid.

One personalization for each person, one content for all with substitutions in it.  There is
no idempotency key, so a lost answer leaves everybody of that request unknown; only what was
certainly refused as a whole (400) is asked for again, in parts.
"""

import http.client
import json
import math
import re
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from newsletter import config
from newsletter.message import MessageForm, Recipient, photo_name
from newsletter.providers.base import (
    NOT_REACHED,
    TOO_LATE,
    UNUSABLE,
    Answer,
    Hold,
    Intent,
    Outcome,
    boot_clock,
    in_words,
    is_usable,
    is_used_up,
)
from newsletter.providers.sendgrid.line import (
    ANSWER_SECONDS,
    Line,
    NothingLeft,
    Said,
    check,
    tls_context,
)
from newsletter.tables import Reason

# SendGrid's pages contradict one another; these hold on all of them.
MAX_SUBSTITUTIONS = 48_000  # bytes of tags and values in one request
MAX_PERSONAL = 800  # characters of one person; escaped and in both parts, under 10,000 bytes
MAX_BODY = 20_000_000  # bytes of JSON

_TRACKING = {"click_tracking": {"enable": False, "enable_text": False}} | {
    kind: {"enable": False} for kind in ("open_tracking", "subscription_tracking", "ganalytics")
}
_SANDBOX = {"mail_settings": {"sandbox_mode": {"enable": True}}}


class SendGrid:
    """SendGrid, with the key and the settings of this site."""

    name = "sendgrid"
    label = "SendGrid"
    repeatable = False
    answer_within = timedelta(seconds=2 * ANSWER_SECONDS + 30)

    def __init__(self, settings: config.SendGrid, key: str) -> None:
        """Read the settings; opens nothing.

        Raises:
            Problem: there is no key, it is no key, or it would cross a network in the clear.
        """
        check(settings.base_url, key)
        self.connections = settings.connections
        self.batch_limit = self.turn_size = settings.batch_size
        self._host = settings.base_url
        self._key = key
        self._context = tls_context(settings.base_url)

    def connect(self) -> "SendGridConnection":
        """Return a new conversation; opens nothing yet."""
        return SendGridConnection(self._line(), self.batch_limit)

    def _line(self) -> Line:
        return Line(self._host, self._key, self._context)


class Sandbox(SendGrid):
    """SendGrid, looking at mails without sending them: nobody gets what it accepts."""

    def connect(self) -> "SendGridConnection":
        """Return a conversation in which nothing is sent."""
        return _SandboxConnection(self._line(), 1)


class SendGridConnection:
    """One thread's conversation with SendGrid."""

    def __init__(self, line: Line, most: int) -> None:
        self.line = line
        self._most = most

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Hand over one copy for each recipient, in as few requests as the limits allow."""
        outcomes: list[Outcome] = []
        rest: Outcome | None = None
        people = []
        for recipient in recipients:
            if refusal := _refusal(recipient):
                outcomes.append(refusal.of(recipient.delivery_id))
            else:
                people.append(recipient)
        more = _held(intent.hold) if intent.hold else None
        for request in requests_for(form, people, intent.attempt_id, self._most, more):
            answers = request.all_get(rest) if rest else self._hand_over(request, intent)
            rest = rest or _left_for_the_rest(answers)
            outcomes += answers
        return outcomes

    def close(self) -> None:
        self.line.cut()

    def _hand_over(self, request: "Request", intent: Intent) -> list[Outcome]:
        said = self._post(request, intent)
        if isinstance(said, Outcome):
            return request.all_get(said)
        if _blames_nobody(said) and len(request.people) > 1:
            return self._find_out_whose(request, said, intent)
        return _judge(said, request)

    def _find_out_whose(self, request: "Request", said: Said, intent: Intent) -> list[Outcome]:
        """Settle a 400 that names nobody.  It took nobody, so everybody may be asked for again.

        Two people are asked for alone.  If neither is taken, what we wrote is at fault; else
        the copies at fault are found by halves, and all the others go.
        """
        last = len(request.people) - 1
        outcomes, silent = list[Outcome](), list[Request]()
        for probe in (request.only(0, 1), request.only(last, last + 1)):
            answers = self._sift(probe, intent)
            if answers is None:
                silent.append(probe)
                continue
            outcomes += answers
            if rest := _left_for_the_rest(answers):
                return outcomes + request.others_get(rest, outcomes)
        if len(silent) == 2:
            return request.all_get(_our_fault(said, _faults(said.body)))
        for probe in silent:
            answers = self._ask_again(probe, intent)
            outcomes += answers
            if rest := _left_for_the_rest(answers):
                return outcomes + request.others_get(rest, outcomes)
        return outcomes + self._sift_all(request.only(1, last), intent)

    def _sift_all(self, request: "Request", intent: Intent) -> list[Outcome]:
        """Ask for all, and for halves of whatever is refused without a name."""
        waiting, outcomes = [request], list[Outcome]()
        while waiting:
            part = waiting.pop()
            if not part.people:
                continue
            answers = self._sift(part, intent)
            half = len(part.people) // 2
            if answers is None and half:
                waiting += [part.only(half, len(part.people)), part.only(0, half)]
                continue
            answers = answers or self._ask_again(part, intent)
            outcomes += answers
            if rest := _left_for_the_rest(answers):
                return outcomes + [o for left in waiting for o in left.all_get(rest)]
        return outcomes

    def _sift(self, request: "Request", intent: Intent) -> list[Outcome] | None:
        """Return the answers, None for a 400 that names nobody."""
        said = self._post(request, intent)
        if isinstance(said, Outcome):
            return request.all_get(said)
        return None if _blames_nobody(said) else _judge(said, request)

    def _ask_again(self, request: "Request", intent: Intent) -> list[Outcome]:
        """Return the answers for one person who was refused alone and without a word.

        Others were taken with the same content, so it lies in this copy, unless SendGrid only
        stumbled: nobody fails for that.
        """
        return self._sift(request, intent) or request.all_get(_UNTAKEN)

    def _post(self, request: "Request", intent: Intent) -> Said | Outcome:
        """Return what SendGrid said, or what everybody gets when it said nothing."""
        if boot_clock() > intent.start_by:
            return TOO_LATE
        patience = min(ANSWER_SECONDS, max(1.0, intent.answer_by - boot_clock()))
        try:
            return self.line.call(
                "post",
                "mail/send",
                request.body,
                start_by=intent.start_by,
                patience=patience,
            )
        except NothingLeft as nothing:
            return nothing.outcome
        except (OSError, http.client.HTTPException) as error:
            return _lost(f"SendGrid gave no whole answer ({in_words(error)}).")


class _SandboxConnection(SendGridConnection):
    """In sandbox mode a good mail is answered with 200: nobody gets it, nothing is counted."""

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        """Ask about each copy; `ACCEPTED` means that SendGrid would take it."""
        asked = (
            request
            for reader in recipients
            for request in requests_for(form, [reader], intent.attempt_id, 1, _SANDBOX)
        )
        return [answer for request in asked for answer in self._look_at(request, intent)]

    def _look_at(self, request: "Request", intent: Intent) -> list[Outcome]:
        said = self._post(request, intent)
        if isinstance(said, Outcome):
            return request.all_get(said)
        if said.status == 200:
            return request.all_get(Outcome(0, Answer.ACCEPTED))
        # A 202 would mean that the mail goes out: SendGrid did not see the switch.
        return _judge(said, request) if said.status != 202 else request.all_get(_TAKEN)


_TAKEN = Outcome(
    0,
    Answer.UNKNOWN,
    Reason.ANSWER_LOST,
    "SendGrid took the trial for a mail to send: look into its mailbox.",
)


def _held(hold: Hold) -> dict[str, Any]:
    # Not a second too early, and SendGrid takes whole ones only.
    return {"send_at": math.ceil(hold.send_at.timestamp()), "batch_id": hold.batch_id}


def _refusal(person: Recipient) -> Outcome | None:
    """Return why nobody should ask SendGrid to take this copy, None if it may."""
    if not is_usable(person.address):
        return UNUSABLE
    links = len(person.unsubscribe_url) + len(person.preferences_url)
    if len(person.name or "") + links > MAX_PERSONAL:
        return Outcome(
            0,
            Answer.REFUSED,
            Reason.MESSAGE_REFUSED,
            "The name or the links of this copy are longer than SendGrid takes: shorten the name.",
        )
    return None


def _left_for_the_rest(answers: Sequence[Outcome]) -> Outcome | None:
    """Return what the next requests of a turn get, if this one's answer forbids them."""
    kinds = {outcome.answer for outcome in answers}
    if kinds == {Answer.UNKNOWN}:
        return NOT_REACHED
    return answers[0] if kinds in ({Answer.SENDER_FAULT}, {Answer.TRY_LATER}) else None


# --- what is sent ---------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """One call: one personalization for each of `people`, and what is the same for all."""

    people: Sequence[Recipient]
    personalizations: Sequence[str]  # JSON, in the order of the people
    shared: str  # the rest of the JSON object, without its opening brace

    @property
    def body(self) -> bytes:
        """The JSON that goes out."""
        return f'{{"personalizations":[{",".join(self.personalizations)}],{self.shared}'.encode()

    def only(self, start: int, end: int) -> "Request":
        """Return the request for some of these people."""
        return Request(self.people[start:end], self.personalizations[start:end], self.shared)

    def all_get(self, outcome: Outcome) -> list[Outcome]:
        """Return one and the same outcome for everybody."""
        return [outcome.of(person.delivery_id) for person in self.people]

    def others_get(self, outcome: Outcome, settled: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcome for everybody of whom nothing is settled yet."""
        known = {each.delivery_id for each in settled}
        return [each for each in self.all_get(outcome) if each.delivery_id not in known]


def requests_for(
    form: MessageForm,
    people: Sequence[Recipient],
    attempt_id: int,
    most: int,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Request]:
    """Yield the requests that carry one copy for each of `people`, within every limit.

    At most `most` people, 48,000 bytes of substitutions and 20 MB of JSON in each, and no
    address twice, however its capitals are written.  `more` is added to each body.
    """
    if not people:
        return
    content, substitutions, sizes = _fill(form, people)
    shared = json.dumps(_shared(form, content) | dict(more or {}))[1:]
    whole = Request(people, _personalizations(form, people, substitutions, attempt_id), shared)
    first, used, length = 0, 0, len(shared)
    addresses: set[str] = set()
    for at, person in enumerate(people):
        size, written = sizes[at], len(whole.personalizations[at]) + 1
        address = person.address.lower()
        full = (
            at - first == most
            or used + size > MAX_SUBSTITUTIONS
            or length + written > MAX_BODY
            or address in addresses
        )
        if full and at > first:
            yield whole.only(first, at)
            first, used, length = at, 0, len(shared)
            addresses.clear()
        used += size
        length += written
        addresses.add(address)
    yield whole.only(first, len(people))


def _fill(
    form: MessageForm, people: Sequence[Recipient]
) -> tuple[list[dict[str, str]], list[str], list[int]]:
    """Return the content with tags in its slots, and for each person the values and their size.

    Values are the inside of a JSON object; sizes are in bytes of tags and values.  What is
    the same in everybody's link, all but the token, stays in the content: the limit on
    substitutions then holds four times as many people.
    """
    values = [form.values_for(person) for person in people]
    # Unguessable, so that nobody's name can hold one; the % keep one from holding another.
    mark = secrets.token_urlsafe(6)
    tags: dict[tuple[str, ...], str] = {}
    places: dict[tuple[str, ...], str] = {}  # what stands in the content for a column of values
    content = []
    for kind, shell, side in (
        ("text/plain", form.email.text, 1),
        ("text/html", form.email.html, 0),
    ):
        if not side and form.email.text_only:
            continue
        pieces = [shell.literals[0]]
        for slot, literal in zip(shell.slots, shell.literals[1:], strict=True):
            column = tuple([value[side][slot] for value in values])
            if column not in places:
                same = _same_beginning(column)
                rest = tuple([value[len(same) :] for value in column]) if same else column
                places[column] = same + tags.setdefault(rest, f"%{mark}{len(tags)}%")
            pieces += (places[column], literal)
        content.append({"type": kind, "value": "".join(pieces)})
    if not tags:
        return content, [""] * len(people), [0] * len(people)
    columns = [[f'"{tag}":{quoted(value)}' for value in column] for column, tag in tags.items()]
    length_of_tags = sum(map(len, tags.values()))
    sizes = [length_of_tags + _size(row) for row in zip(*tags, strict=True)]
    return content, list(map(",".join, zip(*columns, strict=True))), sizes


def _size(values: Sequence[str]) -> int:
    together = "".join(values)
    return len(together) if together.isascii() else len(together.encode())


def _same_beginning(links: Sequence[str]) -> str:
    """Return what links begin with, up to their last slash, if it is the same in all."""
    beginning = links[0][: links[0].rfind("/") + 1]
    if beginning.startswith(("https://", "http://")) and all(
        link.startswith(beginning) and len(link) > len(beginning) for link in links
    ):
        return beginning
    return ""


def _shared(form: MessageForm, content: list[dict[str, str]]) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "from": {"email": form.sender_email, "name": form.sender_name},
        "subject": form.subject,
        "content": content,  # text before HTML, or it is refused
        "categories": [form.category],  # kept by SendGrid for long and seen by its staff: opaque
        # Left out, the defaults of the account would count: all four, always.
        "tracking_settings": _TRACKING,
    }
    if form.email.photos:
        shared["attachments"] = [
            {
                "content": b64encode(photo.data).decode("ascii"),
                "type": photo.media_type,
                "filename": photo_name(no, photo),
                "disposition": "inline",
                "content_id": photo.content_id,
            }
            for no, photo in enumerate(form.email.photos, start=1)
        ]
    if form.reply_to:
        shared["reply_to"] = {"email": form.reply_to}
    return shared


def _personalizations(
    form: MessageForm, people: Sequence[Recipient], substitutions: Sequence[str], attempt_id: int
) -> list[str]:
    """Return the JSON of each: put together from pieces, five times as fast as from objects."""
    alike = json.dumps(form.shared_headers)[1:-1]
    made = []
    for person, values in zip(people, substitutions, strict=True):
        name = _one_line(person.name or "")
        to = f',"name":{quoted(name)}' if name else ""
        own = ",".join(
            f"{quoted(name)}:{quoted(value)}" for name, value in form.own_headers(person).items()
        )
        headers = f"{alike},{own}" if alike and own else alike or own
        made.append(
            f'{{"to":[{{"email":{quoted(person.address)}{to}}}],'
            # Come back with every event.  The prefix keeps them apart from SendGrid's own fields.
            f'"custom_args":{{"pb_d":"{person.token}","pb_a":"{attempt_id}"}}'
            f"{_object('headers', headers)}{_object('substitutions', values)}}}"
        )
    return made


def _object(name: str, inside: str) -> str:
    """Return one more member of a JSON object, nothing if it would be empty."""
    return f',"{name}":{{{inside}}}' if inside else ""


def _one_line(name: str) -> str:
    if name.isprintable():
        return name.strip()
    return "".join(letter if letter.isprintable() else " " for letter in name).strip()


# --- what comes back ------------------------------------------------------------------


def _judge(said: Said, request: Request) -> list[Outcome]:
    """Return what an answer means for everybody in the request."""
    if said.status == 400:
        return _judge_faults(said, request)
    return request.all_get(_judge_status(said))


def _judge_status(said: Said) -> Outcome:
    status = said.status
    if status == 202:
        reference = (said.headers.get("X-Message-Id") or "").strip()
        if re.fullmatch(r"[!-~]{1,200}", reference):
            return Outcome(0, Answer.ACCEPTED, reference=reference)
        # A head cut short after its first line looks just like this.
        return _lost("SendGrid took the hand-over without naming it.", str(said))
    if status == 429:
        return Outcome(
            0,
            Answer.TRY_LATER,
            Reason.TRY_LATER,
            "SendGrid asks us to slow down (429).",
            str(said),
            retry_after=said.wait(),
            slow_down=True,
        )
    # 408 is given by machines between us and SendGrid, which may have passed it all on.
    if 300 <= status < 500 and status != 408:
        return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, _words_for(said), str(said))
    return _lost(f"SendGrid answered {status}, which does not tell whether it took it.", str(said))


def _words_for(said: Said) -> str:
    text = said.body.lower()
    if said.status in (401, 403) and is_used_up(text.decode(errors="replace")):
        return (
            f"The credits at SendGrid are used up ({said.status}): buy more or wait for the next "
            "period, then resume."
        )
    if said.status == 403 and (b"sender identity" in text or b"from address" in text):
        return (
            "SendGrid does not know the sender's address as verified (403): verify [sender] email, "
            "or sender_email of the list, or their domain, at SendGrid."
        )
    return _SENTENCES.get(
        said.status,
        f"SendGrid refused the hand-over ({said.status}): check base_url under "
        "[provider.sendgrid].",
    )


_SENTENCES = {
    401: "SendGrid refused the key (401): put a valid one into SENDGRID_API_KEY.",
    403: "SendGrid forbids sending with this key (403): give it the right to send mail, and check "
    "that the account is in order.",
    413: "SendGrid finds the mail too large (413): shorten the bulletin.",
}


def _judge_faults(said: Said, request: Request) -> list[Outcome]:
    """Return what a 400 means: nobody was taken, and those it names are refused.

    A fault that names nobody, or all alike for something else than their address, lies in
    what we wrote: the people are not failed for it.
    """
    faults = _faults(said.body)
    named = {fault.person for fault in faults}
    alike = len(named) == len(request.people) and any(f.part != "to" for f in faults)
    if not faults or not named <= set(range(len(request.people))) or alike:
        return request.all_get(_our_fault(said, faults))
    return [
        (_refused([f for f in faults if f.person == at]) if at in named else _IN_BAD_COMPANY).of(
            person.delivery_id
        )
        for at, person in enumerate(request.people)
    ]


def _blames_nobody(said: Said) -> bool:
    """Whether a 400 tells neither whose copy it is about nor which part that all share."""
    return said.status == 400 and all(
        fault.person < 0 and fault.part in ("None", "personalizations")
        for fault in _faults(said.body)
    )


@dataclass(frozen=True)
class _Fault:
    person: int  # the index of a personalization, -1 if it names none
    part: str  # "to", "substitutions", ...; or the whole field if it names nobody
    message: str


def _faults(body: bytes) -> list[_Fault]:
    """Return what a 400 complains about: {"errors": [{"message", "field" or null}]}."""
    try:
        errors = json.loads(body)["errors"]
        fields = [(str(error.get("field")), str(error.get("message"))) for error in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    found = [(_PERSON.match(field), field, message) for field, message in fields]
    return [
        _Fault(int(match[1]), match[2] or "", message) if match else _Fault(-1, field, message)
        for match, field, message in found
    ]


_PERSON = re.compile(r"personalizations[.\[](\d{1,4})\]?(?:\.(\w+))?")

_IN_BAD_COMPANY = Outcome(
    0,
    Answer.TRY_LATER,
    Reason.TRY_LATER,
    "SendGrid refused somebody else in the same hand-over, and so took nobody of it.",
    retry_after=timedelta(),
)


def _refused(faults: Sequence[_Fault]) -> Outcome:
    reply = "\n".join(f"400 {fault.message}" for fault in faults)[:2000]
    if any(fault.part == "to" for fault in faults):
        sentence = "SendGrid refused this address (400)."
        return Outcome(0, Answer.REFUSED, Reason.ADDRESS_REFUSED, sentence, reply)
    sentence = "SendGrid refused this person's copy (400)."
    return Outcome(0, Answer.REFUSED, Reason.MESSAGE_REFUSED, sentence, reply)


_UNTAKEN = _refused(())


def _our_fault(said: Said, faults: Sequence[_Fault]) -> Outcome:
    sentence = (
        "SendGrid refused the sender (400): correct [sender], or that of the list under [lists]."
        if any(fault.part.startswith(("from", "reply_to")) for fault in faults)
        else "SendGrid refused the hand-over as a whole (400), for nobody's address: see its "
        "words in the deliveries, and report it if the settings are right."
    )
    return Outcome(0, Answer.SENDER_FAULT, Reason.TRY_LATER, sentence, str(said))


def _lost(sentence: str, reply: str = "") -> Outcome:
    return Outcome(0, Answer.UNKNOWN, Reason.ANSWER_LOST, sentence, reply)
