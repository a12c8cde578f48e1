"""It adds up: what became of everyone in an issue's audience."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from newsletter.dispatch.reasons import SENTENCES
from newsletter.errors import NotFound
from newsletter.providers.reported import EventKind
from newsletter.tables import (
    Attempt,
    Batch,
    Delivery,
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
    twice: int = 0  # the provider told of two copies: a person had one sent again
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
        if self.sending["unknown"]:
            told.append(
                f"{self.sending['unknown']:,} not certain: they may have it or not. "
                "A person decides; nothing is sent twice by itself."
            )
        if self.silent:
            told.append(
                f"Of these, {self.silent:,} are probably not accepted: {provider}'s log knows "
                "what came later, and not them."
            )
        told.append(self._outcome_sentence(provider, tells_outcome))
        if self.twice:
            told.append(f"{self.twice:,} received it twice, after somebody had it sent again.")
        if self.practice:
            told.append("This was practice: nothing left this machine.")
        if not self.adds_up:
            told.append("These numbers do not add up: please report this as a fault.")
        return told

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
    for row in session.execute(_counts(issue_id)):
        if row.claimed:
            sending["claimed"] += row.number
            sending["pending"] -= row.number
        elif row.state is DeliveryState.EXCLUDED:
            exclusions[row.reason] = exclusions.get(row.reason, 0) + row.number
        else:
            sending[row.state.name.lower()] += row.number
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
        _received_twice(session, issue_id),
        _silent(session, issue_id) if sending["unknown"] else 0,
    )


def _received_twice(session: Session, issue_id: int) -> int:
    """Return how many copies arrived, as the provider tells, from more than one attempt each."""
    twice = (
        select(ProviderEvent.delivery_id)
        .join(Delivery, Delivery.id == ProviderEvent.delivery_id)
        .where(
            Delivery.issue_id == issue_id,
            Delivery.tries > 1,  # very few, so that hardly an event is read
            ProviderEvent.kind.in_(_ARRIVED),
        )
        .group_by(ProviderEvent.delivery_id)
        .having(func.count(ProviderEvent.attempt_id.distinct()) > 1)
        .subquery()
    )
    return session.scalars(select(func.count()).select_from(twice)).one()


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
    reason: str  # a sentence, or empty
    attempts: int
    at: datetime | None  # of the last attempt, else of the freeze


def deliveries(
    session: Session, keys: Keys, issue_id: int, state: DeliveryState | None = None
) -> Iterator[DeliveryRow]:
    """Yield an issue's deliveries, or those of one state, in the order they were sent in.

    Rows are fetched as they are read, so that a long list takes no memory.
    """
    chosen = (
        select(
            Delivery.state,
            Delivery.reason,
            Delivery.tries,
            func.coalesce(Attempt.started_at, Issue.started_at).label("at"),
            Subscriber.address,
            Subscriber.address_index,
            LogSearch.delivery_id.is_not(None).label("silent"),
        )
        .join(Issue, Issue.id == Delivery.issue_id)
        .outerjoin(Attempt, Attempt.id == Delivery.attempt_id)
        .outerjoin(Subscriber, Subscriber.id == Delivery.subscriber_id)
        .outerjoin(LogSearch, and_(LogSearch.delivery_id == Delivery.id, *_is_silent()))
        .where(Delivery.issue_id == issue_id)
        .order_by(Delivery.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    if state is not None:
        chosen = chosen.where(Delivery.state == state)
    for row in session.execute(chosen):
        yield DeliveryRow(
            email=_open(keys, row.address, row.address_index),
            state=row.state,
            reason=_reason(row.reason, row.silent),
            attempts=row.tries,
            at=row.at,
        )


def _reason(reason: Reason | None, silent: bool) -> str:
    sentence = SENTENCES[reason] if reason is not None else ""
    return f"{sentence} The provider's log does not know it: probably not." if silent else sentence


def unknowns(session: Session, keys: Keys, issue_id: int) -> list[DeliveryRow]:
    """Return those of whom nobody knows whether they have it: a person decides about each."""
    return list(deliveries(session, keys, issue_id, DeliveryState.UNKNOWN))


def _open(keys: Keys, address: bytes | None, index: bytes) -> str:
    return "" if address is None else keys.decrypt(address, "subscriber.address", index)
