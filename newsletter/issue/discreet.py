"""What keeps an issue back for the sake of those who read the discreet mail."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from newsletter.checks import Finding, ministry_named
from newsletter.checks.rules import remark
from newsletter.config import Settings
from newsletter.counted import counted
from newsletter.discreet import fault_in
from newsletter.issue.bulletins import read_stored
from newsletter.issue.editions import ministry_of
from newsletter.issue.readers import discreet_readers
from newsletter.tables import Bulletin as BulletinRow
from newsletter.tables import Edition, Issue
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import MailingList


def discreet_findings(
    session: Session,
    keys: Keys,
    settings: Settings,
    issue: Issue,
    editions: Sequence[Edition],
    rows: Sequence[BulletinRow],
) -> list[Finding]:
    """Return why somebody's discreet mail cannot be made; nothing where nobody reads it."""
    readers = discreet_readers(session, session.get_one(MailingList, issue.list_id))
    if not readers:
        return []
    if fault := fault_in(settings):
        return [_impossible(readers, f"cannot be made: {fault}")]
    ministry = ministry_of(session, settings)
    made = {each.bulletin_id for each in editions if each.style == Style.DISCREET.label}
    found: list[Finding] = []
    for row in rows:
        named = list(ministry_named(read_stored(keys, row), ministry, readers))
        if not named and row.id not in made:
            # The settings were completed since; or the words of a picture name the ministry.
            why = (
                f"is not there: newsletter issue schedule {issue.id} makes it, unless the words of "
                "a picture name the ministry"
            )
            named = [_impossible(readers, why)]
        found += named
    return found


def _impossible(readers: int, why: str) -> Finding:
    message = (
        f"{counted(readers)} of this list must not be seen to hear from us, and the discreet mail "
        f"for them {why}."
    )
    return remark("discreet-impossible", 1, message)
