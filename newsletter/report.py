"""It adds up: what became of everyone in an issue's audience."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from newsletter.counted import counted
from newsletter.dispatch.extra import COPY_FENCE
from newsletter.dispatch.reasons import SENTENCES
from newsletter.errors import NotFound
from newsletter.providers.reported import EventKind
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Issue,
    IssueState,
    LogSearch,
    OutcomeKind,
    ProviderEvent,
    Reason,
)
from subscribers.database import Code, table_of
from subscribers.privacy import Keys
from subscribers.tables import Subscriber

_noted_attempt = aliased(Attempt)
_ALWAYS_SHOWN = (Reason.UNSUBSCRIBED, Reason.SUPPRESSED)
_AT_ONCE = 1000  # rows fetched together


@dataclass(frozen=True)
class Report:
    """Counts of one moment.  audience = deliveries + exclusions; deliveries = sum of sending."""

    issue_id: int
    state: IssueState
    practice: bool
    audience: int  # counted apart, when it was frozen; 0 before
    exclusions: Mapping[Reason, int]
    sending: Mapping[str, int]  # pending, claimed, in_flight, submitted, failed, unknown
    outcome: Mapping[OutcomeKind, int]
    unknown_because: Mapping[Reason, int] = field(default_factory=dict)
    twice: int = 0  # have two copies: they were sent it again, and the first had arrived
    silent: int = 0  # of the unknown: the provider's log does not know them

    @property
    def deliveries(self) -> int:
        """Everyone in the audience who was not left out."""
        return sum(self.sending.values())

    @property
    def adds_up(self) -> bool:
        """Whether everyone of the frozen audience is in exactly one place; never false."""
        return self.audience == self.deliveries + sum(self.exclusions.values())

    def to_json(self) -> dict[str, Any]:
        """Return the object that `issue report --json` prints."""
        return {
            "issue": self.issue_id,
            "state": self.state.name.lower(),
            "practice": self.practice,
            "audience": self.audience,
            "exclusions": {reason.name.lower(): n for reason, n in self.exclusions.items()},
            "deliveries": self.deliveries,
            "sending": dict(self.sending),
            "outcome": {kind.name.lower(): n for kind, n in self.outcome.items()},
        }

    def sentences(self, provider: str, tells_outcome: bool = False) -> list[str]:
        """Return the report for a screen; `provider` is the label of who took the mail.

        `tells_outcome`: whether that provider reports what became of the mail afterwards.
        """
        if not self.audience:
            nobody = "Nobody has been written to yet."
            return [nobody, "This is practice: nothing leaves this machine."][: 1 + self.practice]
        told = [self._audience_sentence(), self._sending_sentence(provider)]
        told += self.unknown_sentences()
        told += self.silence_sentences(provider)
        told.append(self._outcome_sentence(provider, tells_outcome))
        told += self.twice_sentences()
        if self.practice:
            told.append("This was practice: nothing left this machine.")
        if not self.adds_up:
            told.append("These numbers do not add up: please report this as a fault.")
        return told

    def unknown_sentences(self) -> list[str]:
        """Return how many are not certain, why, and what a person can do; empty for none."""
        if not self.sending["unknown"]:
            return []
        return [
            f"{self.sending['unknown']:,} not certain: they may have it or not. "
            "A person decides; nothing is sent twice by itself.",
            *(f"   {count:,}: {SENTENCES[why]}" for why, count in self.unknown_because.items()),
            f"   Next: newsletter issue settle {self.issue_id}",
        ]

    def silence_sentences(self, provider: str) -> list[str]:
        """Return how many of the unknown the provider's log does not know; empty for none."""
        if not self.silent:
            return []
        return [
            f"Of these, {counted(self.silent, 'was', 'were')} probably not accepted: "
            f"{provider}'s log knows what came later, and not them."
        ]

    def twice_sentences(self) -> list[str]:
        """Return how many received it twice, and where to see who; empty for none."""
        if not self.twice:
            return []
        return [
            f"{self.twice:,} received it twice: it was sent again, and then it turned out that "
            "the first copy had arrived. "
            f"Who: newsletter issue deliveries {self.issue_id} --state submitted"
        ]

    def _audience_sentence(self) -> str:
        left_out = [
            f"{count:,} {_EXCLUDED[reason]}" for reason, count in self.exclusions.items() if count
        ]
        people = f"{self.audience:,} in the audience, {self.deliveries:,} to write to"
        return f"{people}; left out: {', '.join(left_out)}." if left_out else f"{people}."

    def _sending_sentence(self, provider: str) -> str:
        waiting = self.sending["pending"] + self.sending["claimed"]
        parts = [f"{self.sending['submitted']:,} handed over to {provider}"]
        for count, words in (
            (self.sending["failed"], "failed"),
            (self.sending["in_flight"], "on the way"),
            (waiting, "waiting"),
        ):
            if count:
                parts.append(f"{count:,} {words}")
        return ", ".join(parts) + "."

    def _outcome_sentence(self, provider: str, tells_outcome: bool) -> str:
        if not tells_outcome:
            return f"What became of them afterwards is not reported by {provider}."
        parts = [f"{count:,} {kind.name.lower()}" for kind, count in self.outcome.items() if count]
        return f"Reported since: {', '.join(parts) or 'nothing yet'}."


_EXCLUDED = {
    Reason.UNSUBSCRIBED: "unsubscribed",
    Reason.SUPPRESSED: "never to be mailed",
    Reason.ALREADY_RECEIVED: "received it already",
    Reason.CANCELLED: "cancelled",
    Reason.NO_DISCREET_EDITION: "without a discreet edition",
}


def report(session: Session, issue_id: int) -> Report:
    """Return what became of everyone in the issue's audience, counted from the rows.

    Raises:
        NotFound: there is no such issue.
    """
    issue = session.execute(
        select(Issue.state, Issue.practice, Issue.audience_size).where(Issue.id == issue_id)
    ).one_or_none()
    if issue is None:
        raise NotFound(f"There is no issue {issue_id}: check the number.")
    sending = dict.fromkeys(
        ("pending", "claimed", "in_flight", "submitted", "failed", "unknown"), 0
    )
    exclusions = dict.fromkeys(_ALWAYS_SHOWN, 0)
    outcome = dict.fromkeys(OutcomeKind, 0)
    because: dict[Reason, int] = {}
    for row in session.execute(_counts(issue_id)):
        if row.claimed:
            sending["claimed"] += row.number
            sending["pending"] -= row.number
        elif row.state is DeliveryState.EXCLUDED:
            exclusions[row.reason] = exclusions.get(row.reason, 0) + row.number
        else:
            sending[row.state.name.lower()] += row.number
        if row.state is DeliveryState.UNKNOWN and row.reason is not None:
            because[row.reason] = because.get(row.reason, 0) + row.number
        if row.outcome is not None:
            outcome[row.outcome] += row.number
    return Report(
        issue_id,
        issue.state,
        issue.practice,
        issue.audience_size or 0,
        exclusions,
        sending,
        outcome,
        because,
        received_twice(session, issue_id),
        _silent(session, issue_id) if sending["unknown"] else 0,
    )


def received_twice(session: Session, issue_id: int) -> int:
    """Return how many have a second copy that nobody meant to send.

    An answer came too late, or the provider told of the arrival of more than one attempt.
    """
    twice = union(_answered_late(issue_id), _arrived_twice(issue_id)).subquery()
    return session.scalars(select(func.count()).select_from(twice)).one()


def _answered_late(issue_id: int) -> Select[int]:
    return (
        select(Delivery.id)
        .join(DeliveryNote, DeliveryNote.delivery_id == Delivery.id)
        .join(_noted_attempt, _noted_attempt.id == DeliveryNote.attempt_id)
        .where(Delivery.issue_id == issue_id, *_second_copy(), _noted_attempt.fence != COPY_FENCE)
    )


def _arrived_twice(issue_id: int) -> Select[int]:
    # Very few were tried again, so that hardly an event is read.  A person's decision begins
    # with a fresh set of tries, and leaves a note.
    noted = select(DeliveryNote.delivery_id)
    return (
        select(Delivery.id)
        .join(ProviderEvent, ProviderEvent.delivery_id == Delivery.id)
        .join(_noted_attempt, _noted_attempt.id == ProviderEvent.attempt_id)
        .where(
            Delivery.issue_id == issue_id,
            or_(Delivery.tries > 1, Delivery.id.in_(noted)),
            ProviderEvent.kind.in_(_ARRIVED),
            _noted_attempt.fence != COPY_FENCE,
        )
        .group_by(Delivery.id)
        .having(func.count(ProviderEvent.attempt_id.distinct()) > 1)
    )


_ARRIVED = (EventKind.DELIVERED, EventKind.UNSUBSCRIBED, EventKind.COMPLAINED)


def _silent(session: Session, issue_id: int) -> int:
    """Return how many unknown copies the provider's log does not know, though it should."""
    return session.scalars(
        select(func.count())
        .select_from(LogSearch)
        .join(Delivery, Delivery.id == LogSearch.delivery_id)
        .where(Delivery.issue_id == issue_id, *_is_silent())
    ).one()


def _is_silent() -> tuple[ColumnElement[bool], ...]:
    return (
        LogSearch.silent.is_(True),
        LogSearch.attempt_id == Delivery.attempt_id,
        Delivery.state == DeliveryState.UNKNOWN,
    )


def _counts(issue_id: int) -> Any:
    """Return one statement, and so one moment: all by state, and how many of them are claimed."""
    delivery, batch = table_of(Delivery), table_of(Batch)
    by_state = (
        select(
            delivery.c.state,
            delivery.c.reason,
            delivery.c.outcome,
            literal(0).label("claimed"),
            func.count().label("number"),
        )
        .where(delivery.c.issue_id == issue_id)
        .group_by(delivery.c.state, delivery.c.reason, delivery.c.outcome)
    )
    claimed = (
        select(
            literal(DeliveryState.PENDING, Code(DeliveryState)),
            null(),
            null(),
            literal(1),
            func.count(),
        )
        .select_from(batch)
        .join(delivery, delivery.c.id.between(batch.c.first_id, batch.c.last_id))
        .where(
            batch.c.issue_id == issue_id,
            batch.c.lease_until.is_not(None),
            delivery.c.issue_id + 0 == issue_id,  # keeps SQLite on the range of ids
            delivery.c.state == DeliveryState.PENDING,
        )
    )
    return union_all(by_state, claimed)


@dataclass(frozen=True)
class DeliveryRow:
    """One line of `issue deliveries`; holds an address, so never logged."""

    email: str  # empty when the person was erased
    state: DeliveryState
    reason: str  # sentences, or empty
    attempts: int  # since a person last had it sent again
    at: datetime | None  # of the last attempt, else of the freeze
    claimed: bool = False  # pending, in a batch that a process holds

    @property
    def state_name(self) -> str:
        """The state as reports name it."""
        return "claimed" if self.claimed else self.state.name.lower()


def deliveries(
    session: Session,
    keys: Keys,
    issue_id: int,
    state: DeliveryState | None = None,
    *,
    claimed: bool | None = None,
) -> Iterator[DeliveryRow]:
    """Yield an issue's deliveries, or those of one state, in the order they were sent in.

    `claimed` tells the pending ones apart.  Rows are fetched as they are read, so that a long
    list takes no memory.

    Raises:
        NotFound: there is no such issue.
    """
    if session.scalar(select(Issue.id).where(Issue.id == issue_id)) is None:
        raise NotFound(f"There is no issue {issue_id}: check the number.")
    leased = session.execute(
        select(Batch.first_id, Batch.last_id).where(
            Batch.issue_id == issue_id, Batch.lease_until.is_not(None)
        )
    ).all()
    return _rows(
        session,
        keys,
        _chosen(issue_id, state),
        [(row.first_id, row.last_id) for row in leased],
        claimed,
    )


def _chosen(issue_id: int, state: DeliveryState | None) -> Any:
    chosen = (
        select(
            Delivery.id,
            Delivery.state,
            Delivery.reason,
            Delivery.tries,
            func.coalesce(Attempt.started_at, Issue.started_at).label("at"),
            Subscriber.address,
            Subscriber.address_index,
            LogSearch.delivery_id.is_not(None).label("silent"),
            _noted(*_second_copy(), _noted_attempt.fence != COPY_FENCE).label("twice"),
            Delivery.id.in_(_arrived_twice(issue_id)).label("both_arrived"),
            _noted(*_second_copy(), _noted_attempt.fence == COPY_FENCE).label("copied"),
            _noted(
                DeliveryNote.reason.in_((Reason.ANSWER_LOST, Reason.PROCESS_DIED)),
                _noted_attempt.fence == COPY_FENCE,
                DeliveryNote.attempt_id != func.coalesce(Delivery.attempt_id, 0),
            ).label("copy_in_doubt"),
        )
        .join(Issue, Issue.id == Delivery.issue_id)
        .outerjoin(Attempt, Attempt.id == Delivery.attempt_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(LogSearch, and_(LogSearch.delivery_id == Delivery.id, *_is_silent()))
        .where(Delivery.issue_id == issue_id)
        .order_by(Delivery.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    return chosen if state is None else chosen.where(Delivery.state == state)


def _rows(
    session: Session,
    keys: Keys,
    chosen: Any,
    leased: Sequence[tuple[int, int]],
    claimed: bool | None,
) -> Iterator[DeliveryRow]:
    for row in session.execute(chosen):
        held = row.state is DeliveryState.PENDING and any(
            first <= row.id <= last for first, last in leased
        )
        if claimed is None or held == claimed:
            yield DeliveryRow(
                email=_open(keys, row.address, row.address_index),
                state=row.state,
                reason=_in_words(row),
                attempts=row.tries,
                at=row.at,
                claimed=held,
            )


def _in_words(row: Any) -> str:
    said = [SENTENCES[row.reason]] if row.reason is not None else []
    if row.twice:
        said.append(
            "Received twice: an answer that came late says that the first copy was taken too."
            if row.state is DeliveryState.SUBMITTED
            else "An answer that came late says that it was taken after all."
        )
    elif row.both_arrived:
        said.append("Received twice: the provider reports that both copies arrived.")
    if row.silent:
        said.append("The provider's log does not know it: probably not.")
    if row.copied:
        said.append("One more copy was handed over.")
    if row.copy_in_doubt:
        said.append("One more copy may have arrived: its answer was lost.")
    return " ".join(said)


def _second_copy() -> tuple[ColumnElement[bool], ...]:
    """Return SQL for: this note tells of a copy taken besides what the delivery's state tells."""
    # A note without a reason is an acceptance that came when it could not count any more.
    other = DeliveryNote.attempt_id != func.coalesce(Delivery.attempt_id, 0)
    given_up = Delivery.state == DeliveryState.FAILED
    return DeliveryNote.reason.is_(None), or_(other, given_up)


def _noted(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(DeliveryNote.id)
        .join(_noted_attempt, _noted_attempt.id == DeliveryNote.attempt_id)
        .where(DeliveryNote.delivery_id == Delivery.id, *conditions)
    )


def unknowns(session: Session, keys: Keys, issue_id: int) -> list[DeliveryRow]:
    """Return those of whom nobody knows whether they have it: a person decides about each."""
    return list(deliveries(session, keys, issue_id, DeliveryState.UNKNOWN))


def _open(keys: Keys, address: bytes | None, index: bytes) -> str:
    return "" if address is None else keys.decrypt(address, "subscriber.address", index)
