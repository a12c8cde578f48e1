"""An issue that went wrong for some, and what people may do about it, on a real database."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select, update

from newsletter.config import Settings
from newsletter.dispatch import (
    Dispatcher,
    Rest,
    Settled,
    TreatAs,
    Unknowns,
    find_person,
    send_rest,
    send_to_joined,
    settle,
    submit_copy,
    unknowns,
)
from newsletter.dispatch.extra import Copied
from newsletter.issue import Actor
from newsletter.message import Recipient
from newsletter.providers.base import Answer, Outcome
from newsletter.report import Report, deliveries, received_twice, report
from newsletter.tables import AuditEntry, Delivery, DeliveryNote, DeliveryState, Issue, IssueState
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, add_issue, add_list, add_people, address_of
from tests.scripted import Scripted, accepted

PENDING, IN_FLIGHT, SUBMITTED, FAILED, UNKNOWN, EXCLUDED = DeliveryState
RUTH = Actor("ruth@example.org", "command")


@dataclass
class Aftermath:
    """A site with one issue and a provider that answers each person as the test says."""

    engine: Engine
    keys: Keys
    folder: Path
    list_id: int
    issue_id: int
    people: list[int]
    now: datetime = MONDAY
    answers: dict[int, Answer] = field(default_factory=dict)  # by person; accepted by default
    gone: bool = True  # what the outside sees of the workers

    def provider(self, **more: object) -> Scripted:
        return Scripted(self.folder / "record", say=self._say, **more)  # type: ignore[arg-type]  # any field

    def _say(self, recipient: Recipient) -> Outcome:
        number = int(recipient.address.removeprefix("person").partition("@")[0])
        if number not in self.answers:
            return accepted(recipient)
        return Outcome(recipient.delivery_id, self.answers[number], reply="so it said")

    def send(self, **more: object) -> None:
        """Dispatch until nothing is left that needs no waiting."""
        Dispatcher(
            self.engine, self.keys, Settings(), self.provider(**more), lambda: self.now
        ).run_once()

    def taken(self) -> Counter[int]:
        """How often the receiving side took a copy for each person: the oracle."""
        taken = self.provider().recorded()
        return Counter({n: taken[address_of(n)] for n in self.people if taken[address_of(n)]})

    def settle(self, treat_as: TreatAs, person: int | None = None) -> Settled:
        with writing(self.engine) as session:
            return settle(
                session,
                self.keys,
                self.issue_id,
                treat_as,
                RUTH,
                lambda _session, _worker: self.gone,
                self.now,
                None
                if person is None
                else find_person(session, self.keys, self.issue_id, address_of(person)),
            )

    def unknowns(self) -> Unknowns:
        with reading(self.engine) as session:
            return unknowns(session, self.issue_id, lambda _session, _worker: self.gone, self.now)

    def send_rest(self) -> Rest:
        with writing(self.engine) as session:
            return send_rest(session, self.keys, self.issue_id, RUTH, self.now)

    def send_to_joined(self) -> int:
        with writing(self.engine) as session:
            return send_to_joined(
                session, self.keys, self.issue_id, self.provider(), RUTH, self.now
            )

    def copy(self, person: int, provider: Scripted | None = None) -> Copied:
        return submit_copy(
            self.engine,
            self.keys,
            Settings(),
            provider or self.provider(),
            self.issue_id,
            address_of(person),
            RUTH,
            lambda: self.now,
        )

    def report(self) -> Report:
        with reading(self.engine) as session:
            found = report(session, self.issue_id)
        assert found.adds_up
        return found

    def states(self) -> dict[DeliveryState, int]:
        counted = Counter(self.state_of(person) for person in self.people)
        assert self.report().audience == sum(counted.values())
        return dict(counted)

    def delivery(self, person: int) -> Delivery:
        with reading(self.engine) as session:
            return session.scalars(
                select(Delivery).where(
                    Delivery.issue_id == self.issue_id, Delivery.subscriber_id == person
                )
            ).one()

    def state_of(self, person: int) -> DeliveryState:
        return self.delivery(person).state

    def reason_in_words(self, person: int) -> str:
        with reading(self.engine) as session:
            rows = {row.email: row for row in deliveries(session, self.keys, self.issue_id)}
        return rows[address_of(person)].reason

    def twice(self) -> int:
        with reading(self.engine) as session:
            return received_twice(session, self.issue_id)

    def issue(self) -> Issue:
        with reading(self.engine) as session:
            return session.get_one(Issue, self.issue_id)

    def set_issue(self, state: IssueState) -> None:
        self.change(lambda: update(Issue).where(Issue.id == self.issue_id).values(state=state))

    def change(self, statement: Callable[[], object]) -> None:
        with writing(self.engine) as session:
            session.execute(statement())  # type: ignore[call-overload]  # any statement

    def evidence(self, person: int) -> None:
        """Note that an answer for the first copy came after all, as the ledger does."""
        with writing(self.engine) as session:
            first = session.scalars(
                select(DeliveryNote).where(DeliveryNote.delivery_id == self.delivery(person).id)
            ).first()
            session.add(
                DeliveryNote(
                    delivery_id=self.delivery(person).id,
                    attempt_id=first.attempt_id if first else None,
                    at=self.now,
                    reason=None,
                )
            )

    def acts(self) -> Mapping[str, str]:
        """What is on record: act -> channel."""
        with reading(self.engine) as session:
            rows = session.execute(select(AuditEntry.act, AuditEntry.channel, AuditEntry.who))
            for row in rows:
                assert self.keys.decrypt(row.who, "audit_entry.who", b"") == RUTH.who
            return {row.act: row.channel for row in session.scalars(select(AuditEntry))}

    def later(self, **spans: float) -> None:
        self.now += timedelta(**spans)


def aftermath(engine: Engine, keys: Keys, folder: Path, count: int = 5) -> Aftermath:
    """Return a site with an issue for so many people; nothing is sent yet."""
    with writing(engine) as session:
        list_id = add_list(session)
        people = add_people(session, keys, list_id, count)
        issue_id = add_issue(session, keys, list_id)
    return Aftermath(engine, keys, folder, list_id, issue_id, people)
