"""The tables about people: who, on which list, with what consent, and who never again."""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base, BigKey, Code, Instant
from subscribers.style import Style


class SubscriptionState(enum.IntEnum):
    """One person on one list."""

    ACTIVE = 1
    UNSUBSCRIBED = 2
    PENDING = 3  # asked, not yet confirmed


class Basis(enum.IntEnum):
    """The ground in law on which a person is written to."""

    EXPLICIT_CONSENT = 1  # GDPR Art. 9(2)(a)
    REGULAR_CONTACT = 2  # GDPR Art. 9(2)(d)
    SOFT_OPT_IN = 3  # PECR reg. 22(3A)

    @property
    def label(self) -> str:
        """As written on the command line and in files: `explicit-consent`."""
        return self.name.lower().replace("_", "-")


class SuppressionReason(enum.IntEnum):
    """Why an address is never mailed."""

    STAFF = 1
    HARD_BOUNCE = 2
    COMPLAINT = 3
    UNSUBSCRIBED_EVERYWHERE = 4
    ERASED = 5


class ConsentKind(enum.IntEnum):
    """What happened to a subscription."""

    IMPORTED = 1
    UNSUBSCRIBED = 2
    RESUBSCRIBED = 3


class SuppressionChange(enum.IntEnum):
    """What happened to a suppression."""

    SUPPRESSED = 1
    LIFTED = 2


class SiteMark(Base):
    """One row about the database itself: which key wrote it."""

    __tablename__ = "site_mark"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    key_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)


class MailingList(Base):
    """A list that people subscribe to."""

    __tablename__ = "mailing_list"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)  # [a-z0-9-], in commands and folders
    title: Mapped[str] = mapped_column(String(200))  # what people read
    created_at: Mapped[datetime] = mapped_column(Instant)
    style: Mapped[Style | None] = mapped_column(Code(Style))  # forced; None: as each chose


class Subscriber(Base):
    """A person.  Address and name are sealed with the address index as row name."""

    __tablename__ = "subscriber"
    __table_args__ = (
        Index(
            "subscriber_styled",
            "style",
            postgresql_where=text("style IS NOT NULL"),
            sqlite_where=text("style IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # an id in an old mail never names another
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    address_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    address: Mapped[bytes] = mapped_column(LargeBinary)  # column name "subscriber.address"
    name: Mapped[bytes | None] = mapped_column(LargeBinary)  # column name "subscriber.name"
    key_id: Mapped[int] = mapped_column(SmallInteger)
    language: Mapped[str | None] = mapped_column(String(35))  # BCP 47
    zone: Mapped[str | None] = mapped_column(String(64))  # IANA
    country: Mapped[str | None] = mapped_column(String(2))  # ISO 3166-1, only as declared
    created_at: Mapped[datetime] = mapped_column(Instant)
    style: Mapped[Style | None] = mapped_column(Code(Style))  # chosen; None: standard


class Subscription(Base):
    """A person's consent to one list.  Its id is what unsubscribe links carry."""

    __tablename__ = "subscription"
    __table_args__ = (
        Index("subscription_of_list", "list_id", "subscriber_id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscriber.id"), index=True)
    state: Mapped[SubscriptionState] = mapped_column(Code(SubscriptionState))
    basis: Mapped[Basis] = mapped_column(Code(Basis))
    changed_at: Mapped[datetime] = mapped_column(Instant)


class ConsentEvent(Base):
    """What a person, or staff for them, did to a subscription; only ever added to."""

    __tablename__ = "consent_event"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscription.id"), index=True)
    kind: Mapped[ConsentKind] = mapped_column(Code(ConsentKind))
    basis: Mapped[Basis | None] = mapped_column(Code(Basis))
    at: Mapped[datetime] = mapped_column(Instant)
    channel: Mapped[str] = mapped_column(String(20))  # import, link, one-click, preferences, staff
    actor: Mapped[bytes | None] = mapped_column(LargeBinary)  # "consent_event.actor", row b""


class Suppression(Base):
    """An address never to be mailed, whichever list it is on; it outlives the person's row.

    Address and note are sealed with the address index as row name.
    """

    __tablename__ = "suppression"

    address_index: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    index_key_id: Mapped[int] = mapped_column(SmallInteger)
    address: Mapped[bytes | None] = mapped_column(LargeBinary)  # "suppression.address"
    reason: Mapped[SuppressionReason] = mapped_column(Code(SuppressionReason))
    note: Mapped[bytes | None] = mapped_column(LargeBinary)  # staff's words, "suppression.note"
    provider: Mapped[str | None] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Instant)


class SuppressionEvent(Base):
    """Each suppression and each lifting, with staff's words; only ever added to."""

    __tablename__ = "suppression_event"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    address_index: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)
    change: Mapped[SuppressionChange] = mapped_column(Code(SuppressionChange))
    reason: Mapped[SuppressionReason] = mapped_column(Code(SuppressionReason))
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[bytes | None] = mapped_column(LargeBinary)  # "suppression_event.actor", row b""
    note: Mapped[bytes | None] = mapped_column(LargeBinary)  # "suppression_event.note", the index
