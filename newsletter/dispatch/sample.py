"""A test send: one copy of an issue's email to one person of the staff, counted nowhere."""

import secrets
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.issue import stored_email, style_of
from newsletter.message import MessageForm, Recipient, bulletin_envelope, bulletin_form
from newsletter.providers.base import Intent, Outcome, Provider, boot_clock
from newsletter.tables import Issue
from subscribers.address import read_address
from subscribers.database import reading
from subscribers.privacy import Keys, Purpose
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
) -> Outcome:
    """Hand one copy of the first edition to the provider and return its answer.

    The links in it lead to pages that act on nobody.

    Raises:
        UnusableAddress: `to` is no address.
        NotFound: no such issue.
    """
    address = read_address(to)
    with reading(engine) as session:
        form = _form(session, keys, settings, issue_id, now)
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
    session: Session, keys: Keys, settings: Settings, issue_id: int, now: datetime
) -> MessageForm:
    email, style = stored_email(session, keys, issue_id), style_of(session, issue_id)
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
    return bulletin_form(email, envelope, now)
