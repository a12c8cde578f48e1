"""People in and out as CSV: checked row by row, the same again changes nothing."""

import csv
import difflib
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import available_timezones

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from subscribers.address import Address, clean_name, read_address
from subscribers.consent import Enrolment, Ground, Person, enrol, look_up, sealed_actor
from subscribers.database import reading, writing
from subscribers.errors import Problem, UnreadableInput
from subscribers.privacy import Keys
from subscribers.spreadsheet import Row, guarded, open_sheet
from subscribers.style import Style, style_named
from subscribers.tables import Basis, Subscriber, Subscription, Suppression

ROWS_AT_ONCE = 10_000  # in one transaction: a few tenths of a second with the write lock
EXPORT_COLUMNS = (
    *("email", "name", "language", "timezone", "country", "style", "state", "basis", "since"),
)

# What a column named state or status may say of people who must not be taken back in: our
# own words, and those of listmonk, Mailchimp and SendGrid.
_GONE = {
    "archived": Enrolment.LEFT,
    "blacklisted": Enrolment.SUPPRESSED,
    "blocklisted": Enrolment.SUPPRESSED,
    "bounced": Enrolment.SUPPRESSED,
    "cleaned": Enrolment.SUPPRESSED,
    "complained": Enrolment.SUPPRESSED,
    "disabled": Enrolment.LEFT,
    "suppressed": Enrolment.SUPPRESSED,
    "unsubscribed": Enrolment.LEFT,
}
_WAITING = {"pending", "unconfirmed"}
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken."""

    row: int  # as a spreadsheet shows it: the header is 1
    email: str  # as written
    reason: str  # one sentence


@dataclass
class ImportReport:
    """What became of the rows; each is counted once."""

    added: int = 0
    already: int = 0
    left: int = 0
    suppressed: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    not_taken: tuple[str, ...] = ()  # columns that mean nothing to us, as written

    @property
    def rows(self) -> int:
        """All rows that are not blank."""
        return self.added + self.already + self.left + self.suppressed + len(self.refused)

    def count(self, enrolment: Enrolment) -> None:
        """Count one row."""
        setattr(self, enrolment.value, getattr(self, enrolment.value) + 1)

    def to_json(self) -> dict[str, Any]:
        """Return what `subscribers import --json` prints."""
        return {
            "rows": self.rows,
            "added": self.added,
            "already": self.already,
            "left": self.left,
            "suppressed": self.suppressed,
            "refused": [vars(row) for row in self.refused],
        }


def import_csv(
    engine: Engine,
    keys: Keys,
    list_id: int,
    source: bytes | Path,
    basis: Basis,
    now: datetime,
    *,
    by: str | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda rows: None,
) -> ImportReport:
    """Subscribe the people of a CSV file to a list.

    Works in transactions of its own, ROWS_AT_ONCE rows each: a crash between two of them is
    mended by importing again, which changes nothing for those who are in.  A dry run writes
    nothing and returns the same numbers.  `progress` is told how many rows are done.

    Raises:
        UnreadableInput: the file as a whole cannot be taken; nothing was written.
        DatabaseUnavailable: the rows before are in; import again.
    """
    sheet = open_sheet(source)
    report = ImportReport(not_taken=sheet.not_taken)
    ground = Ground(basis, "import", sealed_actor(keys, by) if by else None)
    seen: set[bytes] = set()  # in a dry run, those whom an earlier transaction would have added
    rows = sheet.rows()
    while some := list(islice(rows, ROWS_AT_ONCE)):
        written, people = _checked(some, keys, report)
        if dry_run:
            with reading(engine) as session:
                _, standing = look_up(session, list_id, people)
        else:
            with writing(engine) as session:
                standing = enrol(session, keys, list_id, people, ground, now)
        for index in written:
            again = standing[index] is Enrolment.ADDED and index in seen
            report.count(Enrolment.ALREADY if again else standing[index])
            seen.add(index)
        if not dry_run:
            seen.clear()  # the database knows them now
        progress(report.rows)
    return report


def basis_named(name: str) -> Basis:
    """Return the basis that is written `name`.

    Raises:
        UnreadableInput: there is none of that name.
    """
    known = {basis.label: basis for basis in Basis}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}" if near else ""
        raise UnreadableInput(
            f"The basis {name!r} is not known{hint}: choose one of {', '.join(known)}."
        )
    return known[name]


# --- reading rows ---------------------------------------------------------------------


def _checked(
    rows: list[Row], keys: Keys, report: ImportReport
) -> tuple[list[bytes], dict[bytes, Person]]:
    """Return the address index of each row to be taken, and the people; count the others."""
    written: list[bytes] = []
    people: dict[bytes, Person] = {}
    for row in rows:
        email = row.cells["email"].strip()
        try:
            person = _person(row)
        except UnreadableInput as refusal:
            report.refused.append(RefusedRow(row.number, email, str(refusal)))
            continue
        if gone := _GONE.get(row.cells.get("state", "").strip().lower()):
            report.count(gone)
            continue
        index = keys.address_index(person.address)
        known = people.get(index)
        people[index] = _completed(known, person) if known else person
        written.append(index)
    return written, people


def _person(row: Row) -> Person:
    if row.fault:
        raise UnreadableInput(row.fault)
    cells = row.cells
    if cells.get("state", "").strip().lower() in _WAITING:
        raise UnreadableInput("This person has not confirmed yet.")
    address = read_address(cells["email"])
    return Person(
        address.wire,
        _name(cells, address),
        _language(cells.get("language", "").strip()),
        _zone(cells.get("timezone", "").strip()),
        _country(cells.get("country", "").strip()),
        _style(cells.get("style", "").strip()),
    )


def _completed(known: Person, again: Person) -> Person:
    """Return what two rows of one person say together; the first counts."""
    return Person(
        known.address,
        known.name or again.name,
        known.language or again.language,
        known.zone or again.zone,
        known.country or again.country,
        again.style if again.style is Style.DISCREET else known.style or again.style,
    )


def _name(cells: dict[str, str], address: Address) -> str | None:
    whole = clean_name(cells.get("name", ""))
    first = clean_name(cells.get("first_name", ""))
    last = clean_name(cells.get("last_name", ""))
    if first and last:
        return f"{first} {last}"
    if whole and first and first.casefold() not in whole.casefold():
        return f"{first} {whole}"  # "Vorname; Name": there the name is the family's
    return whole or first or last or address.name


@lru_cache(4096)
def _language(written: str) -> str | None:
    """Return a BCP 47 tag in its usual capitals: `pt-BR`, `zh-Hant`."""
    if not written:
        return None
    parts = _LANGUAGE.fullmatch(written.replace("_", "-"))
    if parts is None:
        raise UnreadableInput(
            "The language is not understood: write its code, such as en, fa or pt-BR."
        )
    language, script, region = parts.groups()
    tags = (language.lower(), script and script.title(), region and region.upper())
    return "-".join(tag for tag in tags if tag)


@lru_cache(4096)
def _zone(written: str) -> str | None:
    if not written:
        return None
    if zone := _zones().get(written.casefold().replace(" ", "_")):
        return zone
    raise UnreadableInput(
        "The time zone is not known: write it as in Europe/London or Asia/Tehran."
    )


@cache
def _zones() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones()}


@lru_cache(4096)
def _country(written: str) -> str | None:
    if not written:
        return None
    if code := _countries().get(written.casefold()):
        return code
    raise UnreadableInput("The country is not known: write its two letters, such as DE or IR.")


@lru_cache(64)
def _style(written: str) -> Style | None:
    return style_named(written) if written else None


@cache
def _countries() -> dict[str, str]:
    """Return ISO 3166-1 codes by code and by English name, from the time zone data."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab")
    lines = table.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line and not line.startswith("#")]
    codes = {code.casefold(): code for code, _ in pairs}
    return {name.casefold(): code for code, name in pairs} | codes


# --- export ---------------------------------------------------------------------------


def export_csv(session: Session, keys: Keys, list_id: int, file: BinaryIO) -> int:
    """Write everyone who is or was on a list as CSV; return how many.

    UTF-8 with BOM, CRLF (RFC 4180); cells that a spreadsheet would run as formulas begin with
    an apostrophe, which the import takes off again.  Rows are read and written one by one.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow(EXPORT_COLUMNS)
    count = 0
    for count, cells in enumerate(_exported(session, keys, list_id), 1):  # noqa: B007
        writer.writerow([guarded(cell) for cell in cells])
    text.detach()
    return count


def export_file(session: Session, keys: Keys, list_id: int, file: Path) -> int:
    """Write `export_csv` to `file`, for this user only; it appears whole or not at all.

    Raises:
        Problem: the file cannot be written.
    """
    with private_file(file) as opened:
        return export_csv(session, keys, list_id, opened)


@contextmanager
def private_file(file: Path) -> Iterator[BinaryIO]:
    """Open a file for this user only; it appears at the end, whole, or not at all.

    Raises:
        Problem: the file cannot be written.
    """
    part = file.with_name(file.name + ".part")
    try:
        part.unlink(missing_ok=True)  # of a process that was killed, or somebody else's
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            yield opened
        part.replace(file)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()  # half a file holds addresses, too
        if isinstance(error, OSError):
            raise Problem(
                f"The file {file} cannot be written: check that its folder exists, may be written "
                "to and has space left."
            ) from None
        raise


def _exported(session: Session, keys: Keys, list_id: int) -> Iterator[list[str]]:
    rows = session.execute(
        select(
            Subscriber.address_index,
            Subscriber.address,
            Subscriber.name,
            Subscriber.language,
            Subscriber.zone,
            Subscriber.country,
            Subscriber.style,
            Subscription.state,
            Subscription.basis,
            Subscription.changed_at,
            Suppression.address_index.is_not(None).label("suppressed"),
        )
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Subscription.list_id == list_id)
        .order_by(Subscription.id)
        .execution_options(yield_per=1000)
    )
    for row in rows:
        index = row.address_index
        yield [
            keys.decrypt(row.address, "subscriber.address", index),
            keys.decrypt(row.name, "subscriber.name", index) if row.name else "",
            row.language or "",
            row.zone or "",
            row.country or "",
            row.style.label if row.style else "",
            "suppressed" if row.suppressed else row.state.name.lower(),
            row.basis.label,
            row.changed_at.isoformat(timespec="seconds"),
        ]
