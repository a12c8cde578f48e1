"""One more copy for one person: an extra attempt on the delivery they have already.

```text
they have it (submitted, or received through another list): the delivery stays as it is
unknown, failed, cancelled:  -> unknown -> submitted | unknown | what it was
pending, in flight:          refused, their copy is on its way
left, suppressed:            refused
```
The intent makes the delivery *unknown*: whenever this process dies, that is the truth.  What
the provider answered is kept as a note on the delivery, and its attempt has the fence 0.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert, literal, select, update
from sqlalchemy.orm import Session

from newsletter.config import Settings
from newsletter.dispatch.failpoint import failpoint
from newsletter.dispatch.forms import Forms
from newsletter.dispatch.freeze import check_approval, edition_for
from newsletter.dispatch.ledger import Claim, Deadlines
from newsletter.dispatch.reasons import SENTENCES
from newsletter.dispatch.received import why_left_out
from newsletter.dispatch.reopen import begun_issue
from newsletter.dispatch.retry import verdict
from newsletter.dispatch.settle import find_person, unknowns
from newsletter.dispatch.worker import Presence
from newsletter.errors import NotAllowed
from newsletter.issue import Actor, record
from newsletter.issue.held import refuse_while_held
from newsletter.message import MessageForm, Recipient
from newsletter.original import Witness, claim_as_original
from newsletter.providers.base import Answer, Outcome, Provider, boot_clock
from newsletter.tables import Attempt, Delivery, DeliveryNote, DeliveryState, Issue, Reason
from subscribers.database import reading, table_of, writing
from subscribers.privacy import Keys, Purpose
from subscribers.style import Style
from subscribers.tables import Subscriber, Subscription

COPY_FENCE = 0  # of no claim: those begin at 1
_START_WITHIN = timedelta(seconds=30)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Copied:
    """What came of one more copy."""

    outcome: Outcome
    state: DeliveryState  # of the person's delivery, now


def submit_copy(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    provider: Provider,
    issue_id: int,
    to: str,
    by: Actor,
    clock: Callable[[], datetime],
) -> Copied:
    """Hand one more copy for one person of the audience over, and record what came of it.

    Raises:
        UnusableAddress: `to` is no address.
        NotFound: no such issue, or nobody in its audience has this address.
        NotAllowed: see the module; or it was begun as practice and is real now, or the
            other way round.
        PutBack: the database is a copy.
        ApprovalVoid: it is not what was approved.
    """
    with writing(engine) as session:
        claim_as_original(session)
    form, person = _prepare(engine, keys, settings, provider, issue_id, to)
    presence = Presence(engine, clock())
    try:
        with writing(engine) as session:
            witness = Witness(session, presence.id, presence.is_gone)
            intended = _intend(session, keys, provider, presence, issue_id, person, by, clock())
            failpoint("copy-written")
        failpoint("copy-intended")
        witness.sees(intended.attempt_id)
        witness.close()
        outcome = _submit(keys, provider, form, intended, person)
        failpoint("copy-submitted")
        with writing(engine) as session:
            state = _record(session, keys, intended, outcome, clock())
    finally:
        presence.leave()
    return Copied(outcome, state)


@dataclass(frozen=True)
class _Person:
    delivery_id: int
    subscriber_id: int
    style: Style  # of their copy
    recipient: Recipient


@dataclass(frozen=True)
class _Intended:
    """The copy that may be handed over, and what its delivery was before."""

    delivery_id: int
    attempt_id: int
    deadlines: Deadlines
    state: DeliveryState
    reason: Reason | None
    former_attempt: int | None

    @property
    def has_it(self) -> bool:
        """Whether the person had a copy for certain before."""
        return _has_it(self.state, self.reason)


_delivery = table_of(Delivery)
_attempt = table_of(Attempt)
_note = table_of(DeliveryNote)


def _has_it(state: DeliveryState, reason: Reason | None) -> bool:
    return state is DeliveryState.SUBMITTED or reason is Reason.ALREADY_RECEIVED


def _prepare(
    engine: Engine,
    keys: Keys,
    settings: Settings,
    provider: Provider,
    issue_id: int,
    to: str,
) -> tuple[MessageForm, _Person]:
    with reading(engine) as session:
        subscriber_id = find_person(session, keys, issue_id, to)
        list_id = session.scalars(select(Issue.list_id).where(Issue.id == issue_id)).one()
        row = session.execute(
            select(
                Delivery.id,
                Issue.list_id,
                Issue.practice,
                Subscription.id.label("subscription_id"),
                Subscriber.address,
                Subscriber.address_index,
                Subscriber.name,
                edition_for(session, issue_id, list_id).label("edition"),
            )
            .join(Issue, Issue.id == Delivery.issue_id)
            .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
            .outerjoin(
                Subscription,
                (Subscription.list_id == Issue.list_id)
                & (Subscription.subscriber_id == Subscriber.id),
            )
            .where(Delivery.issue_id == issue_id, Delivery.subscriber_id == subscriber_id)
        ).one()
    if row.practice != provider.repeatable:
        raise NotAllowed(
            f"Issue {issue_id} was begun {'as practice' if row.practice else 'for real'}, and the "
            "provider in the settings is now the other kind: set it back first."
        )
    if row.subscription_id is None:
        raise NotAllowed("This person is not on the list of the issue any more.")
    if row.edition is None:
        raise NotAllowed(f"This person gets no copy: {_within(Reason.NO_DISCREET_EDITION)}")
    place = Claim(0, issue_id, row.list_id, row.edition, row.id, row.id, COPY_FENCE, row.practice)
    form = Forms(engine, keys, settings).form_for(place)
    url = form.envelope.sender.website
    recipient = Recipient(
        delivery_id=row.id,
        token="",
        address=keys.decrypt(row.address, "subscriber.address", row.address_index),
        name=row.name and keys.decrypt(row.name, "subscriber.name", row.address_index),
        unsubscribe_url=f"{url}/u/{keys.token(Purpose.UNSUBSCRIBE, row.subscription_id)}",
        preferences_url=f"{url}/p/{keys.token(Purpose.PREFERENCES, subscriber_id)}",
    )
    return form, _Person(row.id, subscriber_id, form.envelope.style, recipient)


def _intend(
    session: Session,
    keys: Keys,
    provider: Provider,
    presence: Presence,
    issue_id: int,
    person: _Person,
    by: Actor,
    now: datetime,
) -> _Intended:
    """Put the copy under an attempt of its own, for which only this process answers."""
    issue = begun_issue(session, issue_id)
    check_approval(session, keys, issue_id)
    refuse_while_held(session, issue_id, now)
    was = session.execute(
        select(_delivery).where(_delivery.c.id == person.delivery_id).with_for_update()
    ).one()
    _refuse_who_gets_none(session, presence, issue, was.state, person, now)
    deadlines = Deadlines(now, boot_clock(), _START_WITHIN, provider.answer_within)
    attempt_id = session.execute(
        insert(_attempt)
        .values(
            issue_id=issue_id,
            worker_id=presence.id,
            fence=COPY_FENCE,
            started_at=now,
            start_by=deadlines.start_by,
            answer_by=deadlines.answer_by,
            size=1,
        )
        .returning(_attempt.c.id)
    ).scalar_one()
    intended = _Intended(was.id, attempt_id, deadlines, was.state, was.reason, was.attempt_id)
    if intended.has_it:
        # Corrected when the answer is there: if it never comes, this is the truth.
        _note_down(session, intended, Reason.PROCESS_DIED, now)
    else:
        if was.state is DeliveryState.UNKNOWN and was.attempt_id is not None:
            _note_down(session, intended, was.reason, now, attempt_id=was.attempt_id)
        session.execute(
            update(_delivery)
            .where(_delivery.c.id == was.id)
            .values(
                state=DeliveryState.UNKNOWN,
                reason=Reason.PROCESS_DIED,
                attempt_id=attempt_id,
                tries=_delivery.c.tries + 1,
                due_at=None,
            )
        )
    record(session, keys, by, "one more copy", now, issue_id=issue_id, list_id=issue.list_id)
    return intended


def _refuse_who_gets_none(
    session: Session,
    presence: Presence,
    issue: Issue,
    state: DeliveryState,
    person: _Person,
    now: datetime,
) -> None:
    if state in (DeliveryState.PENDING, DeliveryState.IN_FLIGHT):
        raise NotAllowed("This person's own copy has not been handed over yet: it comes by itself.")
    why = session.scalar(
        select(
            why_left_out(
                literal(person.subscriber_id),
                literal(issue.list_id),
                literal(issue.id),
                (),
                discreet=person.style is Style.DISCREET,
            )
        )
    )
    if why is not None:
        raise NotAllowed(f"This person gets no copy: {_within(why)}")
    doubt = unknowns(session, issue.id, presence.is_gone, now, person.subscriber_id)
    if doubt.waiting:
        raise NotAllowed(
            "This person's first copy may still be on its way: newsletter issue settle "
            f"{issue.id} says until when."
        )


def _within(reason: Reason) -> str:
    sentence = SENTENCES[reason]
    return f"{sentence[0].lower()}{sentence[1:]}"


def _submit(
    keys: Keys, provider: Provider, form: MessageForm, intended: _Intended, person: _Person
) -> Outcome:
    token = keys.copy_token(intended.delivery_id, intended.attempt_id)
    lost = Outcome(intended.delivery_id, Answer.UNKNOWN, Reason.ANSWER_LOST)
    connection = provider.connect()
    try:
        outcomes = connection.submit(
            form,
            [replace(person.recipient, token=token)],
            intended.deadlines.intent(intended.attempt_id),
        )
    except Exception as error:  # noqa: BLE001  a mistake in a provider: anything may have left
        _log.error("the provider raised %s", type(error).__name__)
        return lost
    finally:
        connection.close()
    return next((o for o in outcomes if o.delivery_id == intended.delivery_id), lost)


def _record(
    session: Session, keys: Keys, intended: _Intended, outcome: Outcome, now: datetime
) -> DeliveryState:
    """Record the answer; return the state that the delivery has now.

    When a person settled the delivery meanwhile, their word stands and the answer is a note.
    """
    given = verdict(outcome, 1, now)
    reason = given.reason or (None if outcome.answer is Answer.ACCEPTED else Reason.TRY_LATER)
    if outcome.reference is not None:
        session.execute(
            update(_attempt)
            .where(_attempt.c.id == intended.attempt_id)
            .values(reference=outcome.reference)
        )
    if intended.has_it:
        this = (
            _note.c.delivery_id == intended.delivery_id,
            _note.c.attempt_id == intended.attempt_id,
        )
        reply = _sealed(keys, intended, outcome)
        session.execute(update(_note).where(*this).values(reason=reason, reply=reply, at=now))
    elif not _become(session, intended, given.state, given.reason) or reason is not None:
        _note_down(session, intended, reason, now, _sealed(keys, intended, outcome))
    return session.scalars(select(Delivery.state).where(Delivery.id == intended.delivery_id)).one()


def _become(
    session: Session, intended: _Intended, state: DeliveryState, reason: Reason | None
) -> bool:
    values: dict[str, object] = {"state": state, "reason": reason}
    if state not in (DeliveryState.SUBMITTED, DeliveryState.UNKNOWN):
        # Certain that there is no further copy: what was true before still is.
        values = {
            "state": intended.state,
            "reason": intended.reason,
            "attempt_id": intended.former_attempt,
        }
    changed = session.execute(
        update(_delivery)
        .where(
            _delivery.c.id == intended.delivery_id,
            _delivery.c.attempt_id == intended.attempt_id,
            _delivery.c.state == DeliveryState.UNKNOWN,
        )
        .values(values)
        .returning(_delivery.c.id)
    )
    return changed.first() is not None


def _note_down(
    session: Session,
    intended: _Intended,
    reason: Reason | None,
    now: datetime,
    reply: bytes | None = None,
    attempt_id: int | None = None,
) -> None:
    session.execute(
        insert(_note).values(
            delivery_id=intended.delivery_id,
            attempt_id=attempt_id or intended.attempt_id,
            at=now,
            reason=reason,
            reply=reply,
        )
    )


def _sealed(keys: Keys, intended: _Intended, outcome: Outcome) -> bytes | None:
    name = str(intended.delivery_id).encode()
    return keys.encrypt(outcome.reply, "delivery_note.reply", name) if outcome.reply else None
