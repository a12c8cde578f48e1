"""A test send: one copy of an issue's email to one person of the staff, counted nowhere."""

import secrets
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.dispatch.forms import refuse_naming
from newsletter.issue import first_in_style, stored_email, style_of
from newsletter.message import MessageForm, Recipient, bulletin_envelope, bulletin_form
from newsletter.providers.base import Intent, Outcome, Provider, boot_clock
from newsletter.tables import Issue
from subscribers.address import read_address
from subscribers.database import reading
from subscribers.privacy import Keys, Purpose
from subscribers.style import Style
from subscribers.tables import MailingList

START_WITHIN_SECONDS = 30.0


def submit_sample(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    provider: Provider,
    issue_id: int,
    to: str,
    now: datetime,
    style: Style | None = None,
) -> Outcome:
    """Hand one copy to the provider and return its answer: of the first edition, or in a style.

    The links in it lead to pages that act on nobody.

    Raises:
        UnusableAddress: `to` is no address.
        NotFound: no such issue, or nothing of it is in this style.
        ApprovalVoid: a discreet copy would name the ministry.
    """
    address = read_address(to)
    with reading(engine) as session:
        form = _form(session, keys, settings, issue_id, now, style)
    # A token of its own for every sample: the same Message-ID twice would be dropped.
    token = keys.token(Purpose.SAMPLE, secrets.randbits(40))
    website = form.envelope.sender.website
    recipient = Recipient(
        0, token, address.wire, None, f"{website}/u/{token}", f"{website}/p/{token}"
    )
    started = boot_clock()
    intent = Intent(
        0,
        started + START_WITHIN_SECONDS,
        started + START_WITHIN_SECONDS + provider.answer_within.total_seconds(),
    )
    connection = provider.connect()
    try:
        return connection.submit(form, [recipient], intent)[0]
    finally:
        connection.close()


def _form(
    session: Session,
    keys: Keys,
    settings: Settings,
    issue_id: int,
    now: datetime,
    wanted: Style | None,
) -> MessageForm:
    no = 0 if wanted is None else first_in_style(session, issue_id, wanted)
    email, style = stored_email(session, keys, issue_id, no), style_of(session, issue_id, no)
    issue = session.get_one(Issue, issue_id)
    mailing_list = session.get_one(MailingList, issue.list_id)
    envelope = bulletin_envelope(
        settings,
        list_name=mailing_list.name,
        list_title=mailing_list.title,
        list_id=mailing_list.id,
        issue_id=issue_id,
        kind="test",
        style=style,
    )
    form = bulletin_form(email, envelope, now)
    if style is Style.DISCREET:
        refuse_naming(session, settings, form)
    return form
