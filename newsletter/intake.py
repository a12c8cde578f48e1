"""What staff drop into the folder becomes a bulletin and, if nothing blocks, an issue.

A file is first decided about in the database, in one transaction; only then does it move
to `taken/` or `refused/` beside it.  If we die in between, it is found again and known.
"""

import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.bulletin import LARGEST_BYTES, too_large
from newsletter.checks import Finding, Severity, blocks
from newsletter.counted import counted
from newsletter.errors import NotAllowed, Problem
from newsletter.forecast import foresee
from newsletter.issue import (
    UNSENT,
    Actor,
    Added,
    Desk,
    IssueView,
    add_bulletin,
    begun_without,
    blocking_lines,
    blocking_sentences,
    describe,
    find_bulletin,
    findings_of,
    weigh,
)
from newsletter.issue.bulletins import stem_and_language
from newsletter.languages import language_name
from newsletter.notices import tell
from newsletter.schedule import draft_at
from newsletter.site import Site
from newsletter.tables import Edition, Issue, IssueState
from newsletter.verses import open_verses
from subscribers.database import DatabaseUnavailable, writing
from subscribers.tables import MailingList

SETTLED_FOR = timedelta(seconds=5)  # a file that still grows is left alone

TAKEN, REFUSED = "taken", "refused"
_WHY = ".why.txt"
_UNFINISHED = (_WHY, "~", ".tmp", ".part", ".partial", ".crdownload", ".download", ".swp")
_FOLDER = Actor("", "folder")
_LOG = logging.getLogger(__name__)
_REFUSED, _STUCK = "A file was not taken", "A file cannot be read"
_STUCK_SENTENCE = (
    "A file in the folder for bulletins cannot be read or moved by the service: see that it may "
    "read and write there, and that the disk is not full."
)
_WHERE = {
    _REFUSED: "The file lies in the folder refused/ beside the others that were not taken, with "
    "its reason. Nothing else has changed: an earlier version that is in an issue stays in it and "
    "goes out as planned. If it should not, stop it with newsletter issue pause.",
    _STUCK: "It is left where it is. Once that is mended, put it there again.",
}

Stamp = tuple[int, int, int]  # inode, size in bytes, time of change in nanoseconds


@dataclass(frozen=True)
class Taken:
    """What became of one file."""

    path: Path  # where it lies now
    accepted: bool  # in taken/; else in refused/
    sentence: str  # as written beside it
    bulletin_id: int | None = None
    issue_id: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What was decided about one bulletin, in a transaction of its own."""

    accepted: bool
    sentence: str
    bulletin_id: int | None = None
    issue_id: int | None = None


class Intake:
    """Looks into the folder again and again; remembers what it saw between looks."""

    def __init__(
        self,
        site: Site,
        desk: Desk,
        clock: Callable[[], datetime],
        settled_for: timedelta = SETTLED_FOR,
    ) -> None:
        """With `settled_for` zero the first look takes what lies there."""
        self._site = site
        self._desk = desk
        self._clock = clock
        self._settled_for = settled_for
        self._seen: dict[Path, tuple[Stamp, datetime]] = {}
        self._stuck: dict[Path, Stamp] = {}

    def look(self) -> list[Taken]:
        """Take the files that have stopped growing; return what became of each.

        Raises:
            DatabaseUnavailable: nothing is lost, look again later.
        """
        now = self._clock()
        present = dict(_files(self._site.bulletins))
        settled = [path for path, stamp in present.items() if self._has_settled(path, stamp, now)]
        settled.sort(key=_originals_first)
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        self._stuck = {path: stamp for path, stamp in self._stuck.items() if path in present}
        taken = [self._take(path, present[path], now) for path in settled]
        return [one for one in taken if one is not None]

    def _has_settled(self, path: Path, stamp: Stamp, now: datetime) -> bool:
        if self._stuck.get(path) == stamp:
            return False
        before, since = self._seen.get(path, (None, now))
        if before != stamp:
            since = now
        self._seen[path] = (stamp, since)
        return now - since >= self._settled_for

    def _take(self, path: Path, stamp: Stamp, now: datetime) -> Taken | None:
        try:
            verdict = self._judge(path, stamp, now)
            return None if verdict is None else _move(path, verdict)
        except FileNotFoundError:
            return None  # another process, or the person who put it there, was faster
        except OSError as error:
            # Asked about again when it changes or we start anew; if it was decided already,
            # it is known then.
            _LOG.warning("file cannot be read or moved error=%s", type(error).__name__)
            self._tell(path, repr(stamp), _STUCK, _STUCK_SENTENCE, now)
            self._stuck[path] = stamp  # only once it is told: a full disk holds up both
            return None

    def _judge(self, path: Path, stamp: Stamp, now: datetime) -> Verdict | None:
        version = repr(stamp)
        try:
            source = _read(path, stamp)
            if source is None:
                return None
            version = hashlib.sha256(source).hexdigest()
            return self._decide(path, source, now)
        except DatabaseUnavailable:
            raise
        except Problem as problem:
            self._tell(path, version, _REFUSED, str(problem), now)
            return Verdict(False, str(problem))

    def _tell(self, path: Path, version: str, subject: str, sentence: str, now: datetime) -> None:
        """Tell staff once of a file; its name may say what must not be said, and is left out."""
        keys = self._desk.keys
        index = keys.index("refused file", f"{path.relative_to(self._site.bulletins)} {version}")
        with writing(self._site.engine) as session:
            tell(session, keys, f"file/{index.hex()}", subject, [sentence, _WHERE[subject]], now)

    def _decide(self, path: Path, source: bytes, now: datetime) -> Verdict:
        open_verses()  # made on first use: not while others wait for the database
        with writing(self._site.engine) as session:
            list_id = self._list_for(session, path)
            return decide(
                session,
                self._desk,
                source=source,
                file_name=path.name,
                list_id=list_id,
                by=_FOLDER,
                again="Mend it and put it back into the folder.",
                now=now,
            )

    def _list_for(self, session: Session, path: Path) -> int:
        lists = {name: id_ for id_, name in session.execute(_LISTS)}
        names = ", ".join(lists)
        folder = self._site.bulletins
        if path.parent != folder:
            if path.parent.name not in lists:
                raise NotAllowed(
                    f"There is no list {path.parent.name}: put the file into the folder of one "
                    f"of these: {names or 'none yet'}."
                )
            return lists[path.parent.name]
        if len(lists) != 1:
            raise NotAllowed(
                f"Nothing says which list this is for: put it into {folder.name}/LIST, where "
                f"LIST is one of these: {names}."
                if lists
                else "There is no mailing list yet: make one with newsletter list add NAME, "
                "then put the file back."
            )
        return next(iter(lists.values()))


def decide(
    session: Session,
    desk: Desk,
    *,
    source: bytes,
    file_name: str,
    list_id: int,
    by: Actor,
    again: str,
    now: datetime,
) -> Verdict:
    """Store a bulletin and, if nothing blocks it, put it into the next free slot.

    Staff are told of one that is blocked; `again` says how a mended one comes back.

    Raises:
        UnreadableInput: it cannot be read as a bulletin.
    """
    added = add_bulletin(
        session, desk, source=source, file_name=file_name, list_id=list_id, by=by, now=now
    )
    issue_id = _issue_of(session, desk, added)
    if issue_id is not None:
        return _already_in(session, desk, added, issue_id, now)
    row = find_bulletin(session, added.id)
    weight = weigh(session, desk, row)
    found = findings_of(session, desk.keys, row, list_id, html_bytes=weight)
    if blocks(found):
        return _blocked(session, desk, added.id, list_id, found, again, now)
    if (begun := begun_without(session, desk, row, now)) is not None:
        return _too_late(session, desk, added.id, list_id, begun, now)
    return _into_a_slot(session, desk, added.id, list_id, by, now)


def _issue_of(session: Session, desk: Desk, added: Added) -> int | None:
    """Return the issue a bulletin is in: an unsent one first, else the latest.

    What was sent for practice is there for practice only: it may go out for real.
    """
    rows = session.execute(
        select(Issue.id, Issue.state, Issue.practice)
        .join(Edition, Edition.issue_id == Issue.id)
        .where(Edition.bulletin_id == added.id)
        .order_by(Issue.id.desc())
    ).all()
    unsent = [row.id for row in rows if row.state in UNSENT]
    practice = desk.settings.practice
    others = [row.id for row in rows if practice or not row.practice]
    return next(iter(unsent + others), None)


def _already_in(
    session: Session, desk: Desk, added: Added, issue_id: int, now: datetime
) -> Verdict:
    view = describe(session, desk.keys, desk.settings, issue_id)
    if added.already:
        what = f"The same text was there already, as bulletin {added.id}"
    elif added.joined is not None:
        language = language_name(find_bulletin(session, added.id).language)
        what = f"Taken as bulletin {added.id}, a further language ({language})"
    else:
        what = f"Taken as bulletin {added.id}, a new version of {added.previous_id}"
    sentence = f"{what}: {_fate(session, desk, issue_id, now)}"
    return Verdict(added.already or not view.blockers, sentence, added.id, issue_id)


def _blocked(
    session: Session,
    desk: Desk,
    bulletin_id: int,
    list_id: int,
    found: list[Finding],
    again: str,
    now: datetime,
) -> Verdict:
    title = session.get_one(MailingList, list_id).title
    tell(
        session,
        desk.keys,
        f"blocked/{bulletin_id}",
        "A bulletin is blocked",
        [
            f"Bulletin {bulletin_id} for the list {title} goes nowhere until this is mended:",
            *blocking_sentences(found),
            again,
        ],
        now,
    )
    first = next(f.message for f in found if f.severity is Severity.BLOCKER)
    return Verdict(
        False,
        f"Bulletin {bulletin_id} is blocked{blocking_lines(found)}, mend it and put it back; "
        f"the first: {first}",
        bulletin_id,
    )


def _too_late(
    session: Session, desk: Desk, bulletin_id: int, list_id: int, begun: int, now: datetime
) -> Verdict:
    name = session.get_one(MailingList, list_id).name
    sentence = (
        f"Bulletin {bulletin_id} is a translation for issue {begun}, which has begun: it goes to "
        "nobody. To send it to the whole list all the same: newsletter issue draft "
        f"{bulletin_id} --list {name}"
    )
    tell(session, desk.keys, f"late/{bulletin_id}", "A translation came too late", [sentence], now)
    return Verdict(True, sentence, bulletin_id)


def _into_a_slot(
    session: Session, desk: Desk, bulletin_id: int, list_id: int, by: Actor, now: datetime
) -> Verdict:
    try:
        with session.begin_nested():
            issue_id = draft_at(
                session,
                desk,
                bulletin_id=bulletin_id,
                list_id=list_id,
                at=None,
                hold=False,
                by=by,
                now=now,
            )
    except NotAllowed as problem:
        tell(
            session,
            desk.keys,
            f"no-slot/{bulletin_id}",
            "A bulletin has no slot",
            [f"Bulletin {bulletin_id} was taken, but into no slot. {problem}"],
            now,
        )
        return Verdict(True, f"Taken as bulletin {bulletin_id}. {problem}", bulletin_id)
    sentence = f"Taken as bulletin {bulletin_id}: {_fate(session, desk, issue_id, now)}"
    return Verdict(True, sentence, bulletin_id, issue_id)


def _fate(session: Session, desk: Desk, issue_id: int, now: datetime) -> str:
    """Say what becomes of an issue, and when; practice is never left unsaid."""
    view = describe(session, desk.keys, desk.settings, issue_id)
    issue = f"issue {issue_id} for {view.list_title}"
    if view.practice:
        issue += " (practice: nothing leaves this machine)"
    if view.state is IssueState.SCHEDULED:
        goes = f"{issue} goes out {view.starts} to {counted(view.head_count)}."
        return " ".join([goes, *view.in_languages(), *_forecast(session, desk, view, now)])
    if view.state is IssueState.AWAITING_APPROVAL:
        waits = (
            f"{issue} waits for approval ({view.approvals} of {view.approvals_needed}) and is "
            f"due {view.when}."
        )
        return " ".join([waits, *view.in_languages(), *_forecast(session, desk, view, now)])
    if view.blockers:
        return f"{issue} is blocked and a draft again, due {view.when}: mend it."
    return f"{issue} {_FATES[view.state]}" + (f", due {view.when}." if view.when else ".")


def _forecast(session: Session, desk: Desk, view: IssueView, now: datetime) -> list[str]:
    forecast = foresee(session, desk.settings, view, now)
    return forecast.sentences() if forecast else []


_FATES = {
    IssueState.DRAFT: "is a draft",
    IssueState.SENDING: "is going out",
    IssueState.PAUSED: "has begun and is paused",
    IssueState.COMPLETED: "went out",
    IssueState.CANCELLED: "was cancelled",
}
_LISTS = select(MailingList.id, MailingList.name).order_by(MailingList.name)


def list_folder(folder: Path, path: Path) -> str:
    """Return the name of the list that a file is for by where it lies; "" where that is no list's.

    `folder` is the one for bulletins; what was taken or refused belongs to its list as before.
    """
    inner = path.resolve().parent
    if inner.name in (TAKEN, REFUSED):
        inner = inner.parent
    return inner.name if inner.parent == folder.resolve() else ""


def _files(folder: Path) -> Iterator[tuple[Path, Stamp]]:
    """Yield what lies in the folder and in its lists' folders, in the order of names."""
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            yield from (
                (inner, stamp) for inner in _entries(path) if (stamp := _stamp(inner)) is not None
            )
        elif (stamp := _stamp(path)) is not None:
            yield path, stamp


def _entries(folder: Path) -> list[Path]:
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in names if not _is_left_alone(name)]


def _originals_first(path: Path) -> tuple[Path, str, bool]:
    """Return the order in which files are taken: a translation joins its original's issue."""
    stem, named = stem_and_language(path.name)
    return path.parent, stem, named is not None


def _is_left_alone(name: str) -> bool:
    """Whether it is ours, or a program made it for itself and will take it away again."""
    return (
        name in (TAKEN, REFUSED)
        or name.startswith((".", "~", "#"))
        or name.lower().endswith(_UNFINISHED)
    )


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path, stamp: Stamp) -> bytes | None:
    """Return the file's bytes; None if it changed since it was looked at.

    Raises:
        NotAllowed: no plain file.
        UnreadableInput: too large.
        OSError: it went away, or may not be read.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotAllowed(
            "This is no file of its own but a link or a device: put the text itself here."
        )
    if stamp[1] > LARGEST_BYTES:
        raise too_large()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        source = file.read(LARGEST_BYTES + 1)
    return source if _stamp(path) == stamp and len(source) == stamp[1] else None


def _move(path: Path, verdict: Verdict) -> Taken:
    """Move a file beside its sentence, under a name of its own.

    Raises:
        OSError: it went away, or cannot be moved.
    """
    folder = path.parent / (TAKEN if verdict.accepted else REFUSED)
    folder.mkdir(exist_ok=True)
    target, why = _reserve(folder, path.name, verdict.sentence + "\n")
    try:
        path.rename(target)
    except OSError:
        why.unlink(missing_ok=True)
        raise
    return Taken(target, verdict.accepted, verdict.sentence, verdict.bulletin_id, verdict.issue_id)


def _reserve(folder: Path, name: str, sentence: str) -> tuple[Path, Path]:
    """Write the sentence beside a free name, which is ours from then on; return both paths."""
    stem, ending = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        target = folder / (name if number == 1 else f"{stem} ({number}){ending}")
        why = target.with_name(target.name + _WHY)
        number += 1
        if os.path.lexists(target):
            continue
        try:
            with why.open("x", encoding="utf-8") as file:
                file.write(sentence)
        except FileExistsError:
            continue
        return target, why
