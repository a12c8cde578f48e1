"""Findings that somebody let pass, by name and for one exact text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.checks import Finding
from newsletter.issue.desk import Actor, local_time
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Edition
from newsletter.tables import Waiver as WaiverRow
from subscribers.privacy import Keys


@dataclass(frozen=True)
class Waiver:
    """One finding that was let pass.  It may quote the bulletin and names its person."""

    bulletin_id: int
    rule: str
    line: int
    message: str
    by: str
    at: datetime
    channel: str

    def sentence(self, zone: ZoneInfo) -> str:
        """Return who let what pass, and when; for staff."""
        return f"{self.by} let this pass on {local_time(self.at, zone)}: {self.message}"

    def to_json(self) -> dict[str, object]:
        """Return it ready to be dumped."""
        return {
            "rule": self.rule,
            "line": self.line,
            "message": self.message,
            "by": self.by,
            "at": self.at.isoformat(),
            "channel": self.channel,
        }


def waivers_of(session: Session, keys: Keys, row: BulletinRow) -> list[Waiver]:
    """Return what was let pass in one version of a bulletin, oldest first."""
    return _opened(
        keys,
        session.scalars(
            select(WaiverRow).where(WaiverRow.bulletin_id == row.id).order_by(WaiverRow.id)
        ),
    )


def waivers_in(session: Session, keys: Keys, issue_id: int) -> list[Waiver]:
    """Return what was let pass in the bulletins of an issue, oldest first."""
    carried = select(Edition.bulletin_id).where(Edition.issue_id == issue_id)
    return _opened(
        keys,
        session.scalars(
            select(WaiverRow).where(WaiverRow.bulletin_id.in_(carried)).order_by(WaiverRow.id)
        ),
    )


def open_findings(
    session: Session, keys: Keys, row: BulletinRow, findings: Iterable[Finding]
) -> list[Finding]:
    """Return the findings that nobody let pass."""
    waived = set(
        session.scalars(select(WaiverRow.finding_index).where(WaiverRow.bulletin_id == row.id))
    )
    return [each for each in findings if _index(keys, row, each) not in waived]


def store_waivers(
    session: Session,
    keys: Keys,
    row: BulletinRow,
    findings: Sequence[Finding],
    by: Actor,
    now: datetime,
) -> None:
    """Seal and store a waiver for each of the findings."""
    person = by.index(keys) or b""
    for index, finding in {_index(keys, row, each): each for each in findings}.items():
        session.add(
            WaiverRow(
                bulletin_id=row.id,
                finding_index=index,
                rule=finding.rule,
                line=finding.line,
                message=keys.encrypt(finding.message, "waiver.message", index),
                by_index=person,
                by=keys.encrypt(by.who, "waiver.by", index),
                channel=by.channel,
                at=now,
            )
        )
    session.flush()


def _index(keys: Keys, row: BulletinRow, finding: Finding) -> bytes:
    """Return 16 keyed bytes of the exact text, the place and what was said of it.

    A finding that says something else in the same line, such as another name, is another.
    """
    return keys.index(
        "waiver",
        f"{row.content_index.hex()}|{finding.rule}|{finding.line}|{finding.message}",
    )


def _opened(keys: Keys, rows: Iterable[WaiverRow]) -> list[Waiver]:
    return [
        Waiver(
            bulletin_id=row.bulletin_id,
            rule=row.rule,
            line=row.line,
            message=keys.decrypt(row.message, "waiver.message", row.finding_index),
            by=keys.decrypt(row.by, "waiver.by", row.finding_index),
            at=row.at,
            channel=row.channel,
        )
        for row in rows
    ]
