"""What deciding needs: the site's facts, who acts, rows held against others, and the record."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.checks import Finding
from newsletter.config import Settings
from newsletter.errors import NotAllowed, NotFound
from newsletter.rendering import Look, Templates, check_overriding, look_of
from newsletter.site import Site, read_logo, shipped_templates
from newsletter.tables import AuditEntry, Issue
from subscribers.privacy import Keys
from subscribers.tables import MailingList

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Desk:
    """What is known of the site: made once in a process, shared by its threads."""

    keys: Keys
    settings: Settings
    templates: Templates
    logos: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)  # "": everybody's

    def look(self, mailing_list: MailingList | None) -> Look:
        """Return how the bulletins of a list look; None: one that is on no list yet."""
        name, title = (mailing_list.name, mailing_list.title) if mailing_list else ("", "")
        logo = self.logos.get(name, self.logos.get(""))
        return look_of(self.settings, title, name, logo)


def open_desk(site: Site) -> Desk:
    """Return the desk of a site, with its templates and logos read and tried.

    Raises:
        Problem: a template or a logo cannot be used.
    """
    templates = Templates(site.template_folders)
    check_overriding(templates)
    names = ("", *site.settings.lists)
    logos = {name: read_logo(site.folder, site.settings, name) for name in names}
    for name, logo in logos.items():
        look_of(site.settings, name, name, logo)  # decodes it
    return Desk(site.keys, site.settings, templates, logos)


def desk_for_stopping(site: Site) -> Desk:
    """Return the desk for what renders nothing, and works where a template or a logo does not."""
    return Desk(site.keys, site.settings, Templates((shipped_templates(),)))


@dataclass(frozen=True)
class Actor:
    """Who acts, and through which channel."""

    who: str  # an address, else the operating-system user; "" where nobody can be named
    channel: str  # command, folder, service, link

    def index(self, keys: Keys) -> bytes | None:
        """Return what tells one person from another; None where nobody can be named."""
        return keys.address_index(self.who.strip()) if self.who.strip() else None


class Blocked(NotAllowed):
    """Findings keep a bulletin back.  They may quote it, so they stay out of the message."""

    def __init__(self, message: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(message)
        self.findings = findings


def refuse_unknown_lists(session: Session, settings: Settings) -> None:
    """Do nothing where each list with settings of its own is there.

    Else its mail would go out in everybody's name, and nobody would notice.

    Raises:
        NotAllowed: one is not.
    """
    if not settings.lists:
        return
    known = session.scalars(select(MailingList.name)).all()
    for name in settings.lists:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            meant = f"; did you mean [lists.{near[0]}]? Correct" if near else ": correct"
            raise NotAllowed(
                f"There is no list {name}, which [lists.{name}] sets something for{meant} "
                "newsletter.toml."
            )


def lock_list(session: Session, list_id: int) -> MailingList:
    """Return a list, held until the transaction ends: its versions and slots are decided in turn.

    Raises:
        NotFound: no such list.
    """
    held = session.get(
        MailingList, list_id, populate_existing=True, with_for_update={"key_share": True}
    )
    if held is None:
        raise NotFound(f"There is no mailing list {list_id}: newsletter list show names them.")
    return held


def lock_issue(session: Session, issue_id: int) -> Issue:
    """Return an issue, held until the transaction ends.

    Raises:
        NotFound: no such issue.
    """
    held = session.get(Issue, issue_id, populate_existing=True, with_for_update={"key_share": True})
    if held is None:
        raise NotFound(f"There is no issue {issue_id}: check the number.")
    return held


def record(
    session: Session,
    keys: Keys,
    by: Actor,
    act: str,
    now: datetime,
    *,
    issue_id: int | None = None,
    bulletin_id: int | None = None,
    list_id: int | None = None,
) -> None:
    """Add to the record who did what; sealed, and never taken back."""
    session.add(
        AuditEntry(
            at=now,
            who=keys.encrypt(by.who, "audit_entry.who", b""),
            channel=by.channel,
            act=act,
            issue_id=issue_id,
            bulletin_id=bulletin_id,
            list_id=list_id,
        )
    )


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people say it: "Friday 27 November 2026, 07:00 Europe/London"."""
    local = at.astimezone(zone)
    return f"{local_day(local)} {local.year}, {local:%H:%M} {zone.key}"


def local_day(day: date) -> str:
    """Return a day as people say it: "Friday 27 November"."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
