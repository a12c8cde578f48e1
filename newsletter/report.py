"""Stand-in: replaced when the report lands; only names and meaning hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.tables import Delivery, DeliveryState, Issue, IssueState, OutcomeKind, Reason


@dataclass(frozen=True)
class Report:
    """Counts that add up: audience = exclusions + deliveries = exclusions + sum of sending."""

    issue: int
    state: IssueState
    practice: bool
    audience: int
    exclusions: Mapping[str, int]
    deliveries: int
    sending: Mapping[str, int]
    outcome: Mapping[str, int]


def report(session: Session, issue_id: int) -> Report:
    """Return what became of everyone in the audience of an issue."""
    issue = session.get_one(Issue, issue_id)
    rows = session.execute(
        select(Delivery.state, Delivery.reason, Delivery.outcome, func.count())
        .where(Delivery.issue_id == issue_id)
        .group_by(Delivery.state, Delivery.reason, Delivery.outcome)
    ).all()
    sending = dict.fromkeys(
        ("pending", "claimed", "in_flight", "submitted", "failed", "unknown"), 0
    )
    outcome = {kind.name.lower(): 0 for kind in OutcomeKind}
    exclusions: dict[str, int] = {}
    for state, reason, reported, count in rows:
        if state is DeliveryState.EXCLUDED:
            key = (reason or Reason.CANCELLED).name.lower()
            exclusions[key] = exclusions.get(key, 0) + count
        else:
            sending[state.name.lower()] += count
        if reported is not None:
            outcome[reported.name.lower()] += count
    deliveries = sum(sending.values())
    audience = deliveries + sum(exclusions.values())
    return Report(
        issue.id, issue.state, issue.practice, audience, exclusions, deliveries, sending, outcome
    )
