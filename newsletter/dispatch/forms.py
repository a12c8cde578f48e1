"""The message form of each edition: opened and encoded once, then shared by all threads."""

import threading

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.dispatch.freeze import ApprovalVoid, open_edition
from newsletter.dispatch.ledger import Claim
from newsletter.issue.editions import ministry_of, names_the_ministry
from newsletter.message import MessageForm, bulletin_envelope, bulletin_form
from newsletter.tables import Edition, Issue
from subscribers.database import reading
from subscribers.privacy import Keys
from subscribers.style import Style, style_named
from subscribers.tables import MailingList

_KEPT = 8  # forms of about 100 kB, with photos of at most 3 MB


class Forms:
    """The forms in use.  An edition of an issue that has started never changes."""

    def __init__(self, engine: Engine, keys: Keys, settings: Settings) -> None:
        self._engine = engine
        self._keys = keys
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[tuple[int, int], MessageForm] = {}

    def form_for(self, claim: Claim) -> MessageForm:
        """Return the form of a batch's edition.

        Raises:
            ApprovalVoid: the stored email is not the one that was approved.
            Problem: something in the settings cannot stand in a header.
        """
        edition = (claim.issue_id, claim.edition_no)
        with self._lock:
            if edition not in self._made:
                while len(self._made) >= _KEPT:
                    del self._made[next(iter(self._made))]
                self._made[edition] = self._make(*edition)
            return self._made[edition]

    def _make(self, issue_id: int, number: int) -> MessageForm:
        with reading(self._engine) as session:
            row = session.execute(
                select(
                    Edition.email,
                    Edition.hash,
                    Edition.style,
                    Issue.started_at,
                    MailingList.id,
                    MailingList.name,
                    MailingList.title,
                )
                .select_from(Edition)
                .join(Issue, Issue.id == Edition.issue_id)
                .join(MailingList, MailingList.id == Issue.list_id)
                .where(Edition.issue_id == issue_id, Edition.no == number)
            ).one_or_none()
        if row is None or row.started_at is None:
            raise ApprovalVoid(f"Edition {number} of issue {issue_id} is missing: draft it again.")
        envelope = bulletin_envelope(
            self._settings,
            list_name=row.name,
            list_title=row.title,
            list_id=row.id,
            issue_id=issue_id,
            style=style_named(row.style),
        )
        email = open_edition(self._keys, issue_id, number, row.email, row.hash)
        form = bulletin_form(email, envelope, row.started_at)
        if envelope.style is Style.DISCREET:
            with reading(self._engine) as session:
                refuse_naming(session, self._settings, form)
        return form


def refuse_naming(session: Session, settings: Settings, form: MessageForm) -> None:
    """Do nothing where a discreet form names the ministry nowhere, by the settings of today.

    Raises:
        ApprovalVoid: it does.
    """
    sender, headers = form.envelope.sender, form.shared_headers
    around = (form.sender_name, form.sender_email, sender.website, sender.return_path)
    if names_the_ministry(ministry_of(session, settings), form.email, *around, *headers.values()):
        raise ApprovalVoid(
            "The discreet mail would name the ministry, as the settings and lists are now: it is "
            "not handed over."
        )
