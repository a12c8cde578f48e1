"""What staff are told by mail, each thing once.

`tell` writes a notice in the caller's transaction, so that what happened and the word of
it stand or fall together; `submit_notices` hands the waiting ones over later.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.counted import counted
from newsletter.forecast import Forecast, foresee, is_in_doubt
from newsletter.issue import Desk, IssueView, blocking_sentences, describe, findings
from newsletter.message import MessageForm, Recipient, notice_envelope, notice_form
from newsletter.providers.base import Answer, Connection, Intent, Provider, boot_clock
from newsletter.rendering import Templates, look_of, render_notice
from newsletter.tables import Issue, IssueState, Notice
from subscribers.database import insert_new, reading, writing
from subscribers.privacy import Keys, Purpose

TRIES = 5
FIRST_WAIT = timedelta(minutes=2)  # doubled after every try
LEASE = timedelta(minutes=5)  # nobody else takes a notice up while we hand it over
STALE = timedelta(days=7)  # older news is not sent when staff are named at last
AT_ONCE = 20  # notices in one go

_SEAL = "notice.body"


@dataclass(frozen=True)
class _Waiting:
    """A notice taken up; `had` names who got it in an earlier try, as hexadecimal indexes."""

    id: int
    key: str
    tries: int  # this one included
    subject: str
    paragraphs: tuple[str, ...]
    had: frozenset[str]
    provider_fails: bool = False  # so another road is tried first, if there is one

    def sealed(self, keys: Keys) -> bytes:
        body = {
            "subject": self.subject,
            "paragraphs": self.paragraphs,
            "had": sorted(self.had),
            "provider_fails": self.provider_fails,
        }
        return keys.encrypt(json.dumps(body), _SEAL, self.key.encode())


def tell(
    session: Session,
    keys: Keys,
    key: str,
    subject: str,
    paragraphs: Sequence[str],
    now: datetime,
    *,
    provider_fails: bool = False,
) -> bool:
    """Leave a notice for staff unless `key` was told before; return whether it is new.

    `provider_fails`: it says that the provider itself fails, who might fail this too.  The
    subject shows on lock screens: no names, no addresses, no prayer text in it.
    """
    notice = _Waiting(0, key, 0, subject, tuple(paragraphs), frozenset(), provider_fails)
    return insert_new(
        session,
        Notice,
        key=key,
        created_at=now,
        body=notice.sealed(keys),
        tries=0,
        due_at=now,
    )


def tell_what_waits(session: Session, desk: Desk, now: datetime) -> None:
    """Tell staff of every issue that waits for an approval, and of drafts that cannot go out.

    Read from the rows, so it does not matter which program made the issue.
    """
    waiting = session.scalars(
        select(Issue.id)
        .where(Issue.state.in_((IssueState.AWAITING_APPROVAL, IssueState.DRAFT)), ~Issue.hold)
        .order_by(Issue.id)
    ).all()
    for issue_id in waiting:
        issue = session.get_one(Issue, issue_id)
        key = f"waits/{issue_id}/{issue.state.name.lower()}/{issue.version_hash.hex()[:32]}"
        if session.scalar(select(Notice.id).where(Notice.key == key)) is None:
            subject, paragraphs = _what_waits(session, desk, issue_id, now)
            tell(session, desk.keys, key, subject, paragraphs, now)


def submit_notices(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    provider: Provider,
    templates: Templates,
    now: datetime,
    second: Provider | None = None,
    lines: "Lines | None" = None,
) -> int:
    """Hand the waiting notices to everyone under [staff] notify; return how many are done.

    Whatever one road does not accept goes by the `second` at once, if there is one; where the
    provider itself is what fails, the second comes first.  What nobody accepted is tried
    again, TRIES times in all, and for those only who have not had it.  After a crash between
    the hand-over and its record, or when an answer is lost, staff may get a notice twice:
    that is safer than not at all.  Closing `lines` ends it from another thread; what was not
    handed over by then comes later.
    """
    lines, done = lines or Lines(), 0
    if lines.closed or not settings.staff.notify:
        return 0
    taken = _take_up(engine, keys, now)
    if not taken:
        return 0
    with reading(engine) as session:
        fails = is_in_doubt(session, provider.name)
    roads = [_Road(each, lines) for each in (provider, second) if each is not None]
    try:
        for notice in taken:
            if lines.closed:
                break
            # The first road last where it is what fails.
            ordered = roads[::-1] if fails or notice.provider_fails else roads
            done += _submit_one(engine, keys, settings, ordered, templates, notice, now)
    finally:
        lines.hang_up()
    return done


class Lines:
    """The conversations of `submit_notices`; `close` ends them from another thread, for good.

    A mail server may be silent for minutes, and whoever stops the service does not wait for it.
    """

    def __init__(self) -> None:
        self.closed = False
        self._open: list[Connection] = []
        self._changing = threading.Lock()

    def connect(self, provider: Provider) -> Connection:
        """Return a conversation that the next `hang_up` ends."""
        connection = provider.connect()
        with self._changing:
            self._open.append(connection)
            if self.closed:
                connection.close()
        return connection

    def hang_up(self) -> None:
        """End those that are open."""
        with self._changing:
            ended, self._open = self._open, []
        for connection in ended:
            connection.close()

    def close(self) -> None:
        """End those that are open, and each that is yet to come."""
        self.closed = True
        self.hang_up()


class _Road:
    """A way to staff, with one conversation that is opened when it is first needed."""

    def __init__(self, provider: Provider, lines: Lines) -> None:
        self.provider = provider
        self._lines = lines
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = self._lines.connect(self.provider)
        return self._connection


def _what_waits(
    session: Session, desk: Desk, issue_id: int, now: datetime
) -> tuple[str, list[str]]:
    view = describe(session, desk.keys, desk.settings, issue_id)
    if view.state is IssueState.AWAITING_APPROVAL:
        forecast = foresee(session, desk.settings, view, now)
        return f"Issue {issue_id} waits for approval", _approval_waits(view, forecast)
    found = findings(session, desk.keys, desk.settings, session.get_one(Issue, issue_id))
    if blocking := blocking_sentences(found):
        return f"Issue {issue_id} is blocked", [
            f"Issue {issue_id} for the list {view.list_title} does not go out "
            f"{_at(view)}until this is mended:",
            *blocking,
            "Mend the bulletin and add it again: it takes the place of this version.",
        ]
    return f"Issue {issue_id} needs a time", [
        f"Issue {issue_id} for the list {view.list_title} is a draft whose time has passed or "
        f"was never set: give it one with newsletter issue schedule {issue_id} --at TIME.",
    ]


def _approval_waits(view: IssueView, forecast: Forecast | None) -> list[str]:
    missing = view.approvals_needed - view.approvals
    return [
        f"Issue {view.id} for the list {view.list_title} goes out {_at(view)}"
        f"to {counted(view.head_count)}, once "
        f"{counted(missing, 'more person has', 'more people have')} approved it. "
        "The author does not count.",
        *view.in_languages(),
        *(forecast.sentences() if forecast else ()),
        f"To approve it: newsletter issue approve {view.id} --by YOUR-ADDRESS",
    ]


def _at(view: IssueView) -> str:
    return f"on {view.when} " if view.when else ""


def _take_up(engine: Engine, keys: Keys, now: datetime) -> list[_Waiting]:
    with reading(engine) as session:
        if session.scalar(select(Notice.id).where(Notice.due_at <= now).limit(1)) is None:
            return []  # the usual case takes no lock
    with writing(engine) as session:
        session.execute(
            update(Notice)
            .where(
                Notice.due_at <= now,
                or_(Notice.created_at < now - STALE, Notice.tries >= TRIES),
            )
            .values(due_at=None)
        )
        due = session.execute(
            select(Notice.id, Notice.key, Notice.body, Notice.tries, Notice.due_at)
            .where(Notice.due_at <= now)
            .order_by(Notice.id)
            .limit(AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        session.execute(
            update(Notice)
            .where(Notice.id.in_([row.id for row in due]))
            .values(due_at=now + LEASE, tries=Notice.tries + 1)
            .execution_options(synchronize_session=False)
        )
    return [_opened(keys, row.id, row.key, row.body, row.tries + 1) for row in due]


def _opened(keys: Keys, notice_id: int, key: str, sealed: bytes, tries: int) -> _Waiting:
    body = json.loads(keys.decrypt(sealed, _SEAL, key.encode()))
    return _Waiting(
        notice_id,
        key,
        tries,
        body["subject"],
        tuple(body["paragraphs"]),
        frozenset(body["had"]),
        body.get("provider_fails", False),  # those of earlier versions do not say
    )


def _submit_one(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    roads: Sequence[_Road],
    templates: Templates,
    notice: _Waiting,
    now: datetime,
) -> bool:
    email = render_notice(notice.subject, notice.paragraphs, look_of(settings, ""), templates)
    form = notice_form(email, notice_envelope(settings), now)
    had = set(notice.had)
    for address in settings.staff.notify:
        person = keys.address_index(address).hex()
        if person not in had and any(_accepted(keys, r, form, notice, address) for r in roads):
            had.add(person)
    missing = {keys.address_index(address).hex() for address in settings.staff.notify} - had
    _note(engine, keys, replace(notice, had=frozenset(had)), not missing, now)
    return not missing


def _accepted(keys: Keys, road: _Road, form: MessageForm, notice: _Waiting, address: str) -> bool:
    # The token makes the Message-ID, and the file name in a practice mailbox: the same in
    # every try, so that a repeat can be known for one.
    number = int.from_bytes(keys.index("notice", f"{notice.key}\0{address}")[:6], "big")
    recipient = Recipient(0, keys.token(Purpose.SAMPLE, number), address, None, "", "")
    started = boot_clock()
    patience = road.provider.answer_within.total_seconds()
    intent = Intent(0, started + 30, started + 30 + patience)
    outcomes = road.connection().submit(form, [recipient], intent)
    return all(outcome.answer is Answer.ACCEPTED for outcome in outcomes)


def _note(engine: Engine, keys: Keys, notice: _Waiting, done: bool, now: datetime) -> None:
    over = done or notice.tries >= TRIES
    with writing(engine) as session:
        session.execute(
            update(Notice)
            .where(Notice.id == notice.id)
            .values(
                body=notice.sealed(keys),
                due_at=None if over else now + FIRST_WAIT * 2 ** (notice.tries - 1),
                submitted_at=now if done else None,
            )
        )
