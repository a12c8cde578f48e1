"""A list, people, and a desk to decide at, for tests of issues, slots, notices and intake."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, select, update

from newsletter.config import ApprovalRules, Organisation, Settings, Staff
from newsletter.issue import Actor, Added, Desk, IssueView, add_bulletin, describe
from newsletter.rendering import Templates
from newsletter.schedule import draft_at, parse_cadence, set_cadence
from newsletter.site import shipped_templates
from newsletter.tables import Delivery, DeliveryState, Issue, IssueState, Notice
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.tables import Basis, MailingList, Subscriber, Subscription, SubscriptionState
from tests.conftest import NOON

RUTH = Actor("ruth@example.org", "command")
PAUL = Actor("paul@example.org", "command")
LEAH = Actor("leah@example.org", "link")

HARVEST = b"""Harvest in the hills

The families of the valley brought in their barley this week, and shared it with all who
came. The old mill runs again, and the children carried the sacks.

Please pray

* Thank God for the harvest of the valley.
* Pray that the families would reach home safely before the snow.
"""
HARVEST_MENDED = HARVEST.replace(b"before the snow", b"before the first frost")
HARVEST_BLOCKED = HARVEST.split(b"Please pray")[0]
NURSES = b"""Night shift at the clinic

Three nurses kept the only ward open while engineers repaired generators. Medicine arrived
by boat on Tuesday, and two doctors are still travelling.

Please pray

* Give thanks for medicine that arrived in time.
* Ask that tired nurses may sleep.
"""
LIBRARY = b"""Books across borders

A librarian printed Psalms for readers in four cities. Couriers walk at dawn; every parcel
so far found its owner.

Please pray

* Praise God because every parcel was delivered.
* Pray for couriers at checkpoints.
"""

IN_PERSIAN = (
    "برداشت در تپه‌ها\n\nخانواده‌های دره این هفته جوهای خود را آوردند و با همه قسمت کردند.\n\n"
    "دعا کنید\n\n• خدا را برای برداشت دره شکر کنید.\n"
    "• دعا کنید که خانواده‌ها پیش از برف سالم به خانه برسند.\n"
).encode()

TEMPLATES = Templates((Path(__file__).parent / "templates", shipped_templates()))


def desk_for(
    keys: Keys,
    approvals: int = 0,
    *,
    practice: bool = False,
    notify: tuple[str, ...] = (),
    language: str = "en",
) -> Desk:
    """Return a desk in London with a wait of ten minutes."""
    return Desk(keys, _settings(approvals, practice, notify, language), TEMPLATES)


@cache
def _settings(approvals: int, practice: bool, notify: tuple[str, ...], language: str) -> Settings:
    return Settings.model_validate(
        {
            "organisation": Organisation(
                timezone="Europe/London", postal_address="1 Example St", language=language
            ),
            "approval": ApprovalRules.model_validate({"approvals": approvals}),
            "staff": Staff(notify=notify),
            "provider": {"kind": "practice" if practice else "smtp"},
        }
    )


@dataclass
class Office:
    """Everything a test decides with; each call is one transaction."""

    engine: Engine
    desk: Desk
    now: datetime = NOON  # a Monday, at noon UTC

    def add_list(self, name: str = "weekly", cadence: str | None = "Fridays 07:00") -> int:
        """Make a list and return its number."""
        with writing(self.engine) as session:
            row = MailingList(name=name, title=name.title(), created_at=self.now)
            session.add(row)
            session.flush()
            if cadence:
                set_cadence(
                    session, row.id, parse_cadence(cadence, self.desk.settings.zone), self.now
                )
            return row.id

    def subscribe(self, list_id: int, people: int, language: str | None = None) -> None:
        """Put invented people on a list."""
        keys = self.desk.keys
        with writing(self.engine) as session:
            for i in range(people):
                index = keys.address_index(f"reader{list_id}{language or ''}-{i}@example.net")
                person = Subscriber(
                    address_index=index,
                    address=keys.encrypt(f"reader{i}@example.net", "subscriber.address", index),
                    key_id=keys.key_id,
                    language=language,
                    created_at=self.now,
                )
                session.add(person)
                session.flush()
                session.add(
                    Subscription(
                        list_id=list_id,
                        subscriber_id=person.id,
                        state=SubscriptionState.ACTIVE,
                        basis=Basis.EXPLICIT_CONSENT,
                        changed_at=self.now,
                    )
                )

    def add(
        self,
        list_id: int | None,
        source: bytes = HARVEST,
        name: str = "harvest.txt",
        by: Actor = RUTH,
    ) -> Added:
        """Add a bulletin."""
        with writing(self.engine) as session:
            return add_bulletin(
                session,
                self.desk,
                source=source,
                file_name=name,
                list_id=list_id,
                by=by,
                now=self.now,
            )

    def draft(
        self,
        list_id: int,
        bulletin_id: int,
        at: datetime | None = None,
        *,
        hold: bool = False,
        by: Actor = RUTH,
    ) -> int:
        """Draft an issue, in the next free slot unless `at` is given."""
        with writing(self.engine) as session:
            return draft_at(
                session,
                self.desk,
                bulletin_id=bulletin_id,
                list_id=list_id,
                at=at,
                hold=hold,
                by=by,
                now=self.now,
            )

    def issue(self, list_id: int, source: bytes = HARVEST, name: str = "harvest.txt") -> int:
        """Add a bulletin and draft it in the next free slot."""
        return self.draft(list_id, self.add(list_id, source, name).id)

    def view(self, issue_id: int) -> IssueView:
        """Describe an issue."""
        with reading(self.engine) as session:
            return describe(session, self.desk.keys, self.desk.settings, issue_id)

    def state(self, issue_id: int) -> IssueState:
        """Return where an issue stands."""
        return self.view(issue_id).state

    def begin(self, issue_id: int, state: IssueState = IssueState.SENDING) -> None:
        """Do to the issue what the freeze does, with no people."""
        with writing(self.engine) as session:
            session.execute(
                update(Issue)
                .where(Issue.id == issue_id)
                .values(state=state, started_at=self.now, audience_size=0)
            )

    def deliver(self, issue_id: int, *states: DeliveryState) -> None:
        """Give the issue one delivery in each of the states."""
        with writing(self.engine) as session:
            session.add_all(
                Delivery(issue_id=issue_id, subscriber_id=i, state=state, tries=0)
                for i, state in enumerate(states, 1)
            )

    def notices(self) -> list[str]:
        """Return the keys of all that staff were told."""
        with reading(self.engine) as session:
            return list(session.scalars(select(Notice.key).order_by(Notice.id)))

    def notice_texts(self) -> list[str]:
        """Return what each of them says."""
        with reading(self.engine) as session:
            rows = session.execute(select(Notice.key, Notice.body).order_by(Notice.id)).all()
        bodies = [self.desk.keys.decrypt(row.body, "notice.body", row.key.encode()) for row in rows]
        return [" ".join(json.loads(body)["paragraphs"]) for body in bodies]

    def later(self, **spans: float) -> None:
        """Let time pass."""
        self.now += timedelta(**spans)
