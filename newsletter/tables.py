"""The tables about mail: bulletins, issues, deliveries, and when things happen.

Sealed columns hold AES-256-GCM of `subscribers.privacy`; the comment gives the row name
that was bound into them.  Where it is an id, the row is inserted first, then sealed.
"""

import enum
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from subscribers.database import Base, BigKey, Code, Instant


class IssueState(enum.IntEnum):
    """Where an issue stands; the names are those of the JSON interface."""

    DRAFT = 1
    AWAITING_APPROVAL = 2
    SCHEDULED = 3
    SENDING = 4
    PAUSED = 5
    COMPLETED = 6
    CANCELLED = 7


class DeliveryState(enum.IntEnum):
    """One issue to one person.  *Claimed*, in reports, is a pending row of a leased batch."""

    PENDING = 1
    IN_FLIGHT = 2
    SUBMITTED = 3
    FAILED = 4
    UNKNOWN = 5
    EXCLUDED = 6


class Reason(enum.IntEnum):
    """Why a delivery is not simply submitted.  `dispatch` gives each its sentence."""

    # left out on purpose (EXCLUDED); the lower-case names are the keys in reports
    UNSUBSCRIBED = 1
    SUPPRESSED = 2
    ALREADY_RECEIVED = 3
    CANCELLED = 4
    NO_DISCREET_EDITION = 5  # they read the discreet mail, and at their turn there was none
    # FAILED
    ADDRESS_REFUSED = 10  # the provider refused this recipient
    MESSAGE_REFUSED = 11  # the provider refused the message after seeing it
    GAVE_UP = 12  # "try later" until the tries were used up
    ADDRESS_UNUSABLE = 13  # no provider could take this address
    DROPPED = 14  # the provider took it, and told later that it did not send it
    LEFT_ALONE = 18  # nobody could tell, and a person left it at that
    # UNKNOWN
    ANSWER_LOST = 20  # the connection broke after the data, or the answer was unreadable
    PROCESS_DIED = 21  # the process that sent it ended before it recorded an answer
    PUT_BACK = 28  # the database is a copy: it may have gone out after the copy was made
    # PENDING again
    TRY_LATER = 30
    OVER_QUOTA = 31  # the provider took it, and dropped it because our account had no room
    # SUBMITTED, as a person said
    COUNTED_RECEIVED = 40  # nobody could tell, and a person counted it as received


class OutcomeKind(enum.IntEnum):
    """What the provider reported afterwards."""

    DELIVERED = 1
    DEFERRED = 2
    BOUNCED = 3
    COMPLAINED = 4


class OccurrenceState(enum.IntEnum):
    """One slot of a cadence."""

    PLANNED = 1  # nothing fills it yet, or the issue in `issue_id` does
    USED = 2  # its issue began
    EMPTY = 3  # it came and nothing was there: staff were told
    LATE = 4  # found later than `late_by`: waits for staff
    SKIPPED = 5  # a holiday


class Bulletin(Base):
    """One version of a bulletin as it reached us.  Read again from `source` when needed."""

    __tablename__ = "bulletin"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(ForeignKey("mailing_list.id"))
    content_index: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)  # keyed, of the text
    source: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "bulletin.source", content_index
    file_name: Mapped[bytes] = mapped_column(LargeBinary)  # "bulletin.file_name", content_index
    language: Mapped[str] = mapped_column(String(35))
    author_index: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # keyed, of who added it
    added_at: Mapped[datetime] = mapped_column(Instant)
    replaced_by: Mapped[int | None] = mapped_column(ForeignKey("bulletin.id"))
    language_guessed: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))


class Pseudonym(Base):
    """Something real, and what is published in its place.  Nothing of it can be read here.

    `entry` is JSON, filled up with spaces so that its length tells little of a name's.
    """

    __tablename__ = "pseudonym"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    real_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)  # keyed, as folded
    entry: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "pseudonym.entry", real_index
    added_by: Mapped[bytes] = mapped_column(LargeBinary)  # "pseudonym.added_by", real_index
    added_at: Mapped[datetime] = mapped_column(Instant)


class Feed(Base):
    """A feed that is looked at again and again."""

    __tablename__ = "feed"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    address_index: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)  # keyed, with list
    validators: Mapped[bytes | None] = mapped_column(LargeBinary)  # "feed.validators", its index
    next_at: Mapped[datetime] = mapped_column(Instant)  # not looked at before
    read_at: Mapped[datetime | None] = mapped_column(Instant)  # the last time that it was well
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # in a row


class FeedEntry(Base):
    """An entry of a feed that was decided about."""

    __tablename__ = "feed_entry"

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"), primary_key=True)
    entry_index: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)  # keyed, its id
    version: Mapped[bytes] = mapped_column(LargeBinary(16))  # keyed, of what it says
    bulletin_id: Mapped[int | None] = mapped_column(ForeignKey("bulletin.id"))  # None: not taken
    noted_at: Mapped[datetime] = mapped_column(Instant)


class Issue(Base):
    """One bulletin prepared for one audience at one time."""

    __tablename__ = "issue"
    __table_args__ = (Index("issue_due", "state", "due_at"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(ForeignKey("bulletin.id"), index=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"))
    state: Mapped[IssueState] = mapped_column(Code(IssueState))
    hold: Mapped[bool] = mapped_column(Boolean)  # staff keep it a draft
    version_hash: Mapped[bytes] = mapped_column(LargeBinary(32))  # of editions, audience, time
    approved_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    not_before: Mapped[datetime | None] = mapped_column(Instant)  # end of the wait before sending
    author_index: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    created_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    audience_size: Mapped[int | None] = mapped_column(Integer)  # counted apart at the freeze
    practice: Mapped[bool] = mapped_column(Boolean)
    pause_reason: Mapped[str | None] = mapped_column(String(500))  # a sentence without people


class Edition(Base):
    """The bytes as approved, one row for each language and style; never rendered again.

    `email` seals the JSON of a `RenderedEmail` under "edition.email" and the row name
    `b"<issue_id>/<no>"`.
    """

    __tablename__ = "edition"

    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    no: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 0 is everybody else's
    bulletin_id: Mapped[int] = mapped_column(ForeignKey("bulletin.id"), index=True)
    language: Mapped[str] = mapped_column(String(35))
    style: Mapped[str] = mapped_column(String(10))  # a label of `Style`
    email: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Approval(Base):
    """One person's yes to one exact version."""

    __tablename__ = "approval"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    by_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    by: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "approval.by", by_index
    version_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(Instant)


class Waiver(Base):
    """A finding that somebody let pass in one version of a bulletin.

    `finding_index` is keyed, of the bulletin's text, the rule, the line and the sentence; the
    sealed columns are bound to it.
    """

    __tablename__ = "waiver"
    __table_args__ = (Index("waiver_once", "bulletin_id", "finding_index", unique=True),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    bulletin_id: Mapped[int] = mapped_column(ForeignKey("bulletin.id"))
    finding_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    rule: Mapped[str] = mapped_column(String(40))
    line: Mapped[int] = mapped_column(Integer)
    message: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "waiver.message"
    by_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    by: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "waiver.by"
    channel: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Instant)


class AuditEntry(Base):
    """Who did what through which channel; only ever added to."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    who: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "audit_entry.who", row b""
    channel: Mapped[str] = mapped_column(String(20))  # command, folder, service, link
    act: Mapped[str] = mapped_column(String(40))  # "issue approved"
    issue_id: Mapped[int | None] = mapped_column(Integer, index=True)
    bulletin_id: Mapped[int | None] = mapped_column(Integer)
    list_id: Mapped[int | None] = mapped_column(Integer)


class Batch(Base):
    """Deliveries handed over together: an id range of one edition and one due time."""

    __tablename__ = "batch"
    __table_args__ = (
        Index(
            "batch_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
        Index("batch_of_issue", "issue_id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"))
    edition_no: Mapped[int] = mapped_column(SmallInteger)
    first_id: Mapped[int] = mapped_column(BigKey)
    last_id: Mapped[int] = mapped_column(BigKey)
    due_at: Mapped[datetime | None] = mapped_column(Instant)  # None: done
    fence: Mapped[int] = mapped_column(Integer, server_default="0")
    worker_id: Mapped[int | None] = mapped_column(Integer)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)


class Delivery(Base):
    """One issue to one person, for ever.  Ids are never used again."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("delivery_of_issue", "issue_id", "subscriber_id", unique=True),
        {"sqlite_autoincrement": True, "postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigKey, Identity(), primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"))
    subscriber_id: Mapped[int] = mapped_column(BigKey)  # no foreign key: erasing keeps the count
    state: Mapped[DeliveryState] = mapped_column(Code(DeliveryState))
    reason: Mapped[Reason | None] = mapped_column(Code(Reason))
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(Instant)  # of a retry
    attempt_id: Mapped[int | None] = mapped_column(BigKey)
    outcome: Mapped[OutcomeKind | None] = mapped_column(Code(OutcomeKind))


class Attempt(Base):
    """The durable intent to hand some deliveries to the provider in one call."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), index=True)
    batch_id: Mapped[int | None] = mapped_column(BigKey)
    worker_id: Mapped[int] = mapped_column(Integer, index=True)
    fence: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(Instant)
    start_by: Mapped[datetime] = mapped_column(Instant)  # no first byte after it
    answer_by: Mapped[datetime] = mapped_column(Instant)  # later, the answer counts as lost
    size: Mapped[int] = mapped_column(Integer)  # deliveries in it
    void: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    reference: Mapped[str | None] = mapped_column(String(200))  # the provider's id, when accepted


class DeliveryNote(Base):
    """What the provider said, only where it did not simply accept, or answered too late."""

    __tablename__ = "delivery_note"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(BigKey, index=True)
    attempt_id: Mapped[int | None] = mapped_column(BigKey)
    at: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[Reason | None] = mapped_column(Code(Reason))  # None: accepted, but late
    reply: Mapped[bytes | None] = mapped_column(LargeBinary)  # "delivery_note.reply", delivery id


class ProviderEvent(Base):
    """What a provider reported, as it came; applied later and once."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_once", "provider", "event_id", unique=True),
        Index(
            "event_to_apply",
            "id",
            postgresql_where=text("applied_at IS NULL"),
            sqlite_where=text("applied_at IS NULL"),
        ),
        Index("event_of_delivery", "delivery_id"),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    happened_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    delivery_id: Mapped[int | None] = mapped_column(BigKey)
    attempt_id: Mapped[int | None] = mapped_column(BigKey)
    body: Mapped[bytes] = mapped_column(LargeBinary)  # sealed, "event.body", event_id
    applied_at: Mapped[datetime | None] = mapped_column(Instant)


class BounceState(enum.IntEnum):
    """What a hard bounce did to its address."""

    SUPPRESSED = 1
    HELD = 2  # too many at once: a person decides
    ACCEPTED = 3  # a person said: suppressed
    DISCARDED = 4  # a person said: not suppressed


class HardBounce(Base):
    """One address that bounced for good, among those that are judged together."""

    __tablename__ = "hard_bounce"
    __table_args__ = (
        Index("hard_bounce_once", "pile", "address_index", unique=True),
        Index("hard_bounce_of_address", "address_index"),
        Index(
            "hard_bounce_held",
            "id",
            postgresql_where=text("state = 2"),
            sqlite_where=text("state = 2"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    pile: Mapped[str] = mapped_column(String(24))  # "i12": an issue's; else "d2026-11-23": a day's
    address_index: Mapped[bytes] = mapped_column(LargeBinary(16))
    host_index: Mapped[bytes] = mapped_column(LargeBinary(16))  # keyed, of the receiving host
    provider: Mapped[str] = mapped_column(String(20))
    noted_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[BounceState] = mapped_column(Code(BounceState))


class ProviderLook(Base):
    """When a provider's log or lists were last asked for, and how that went."""

    __tablename__ = "provider_look"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject: Mapped[str] = mapped_column(String(10), primary_key=True)  # lists, log
    succeeded_at: Mapped[datetime | None] = mapped_column(Instant)  # when the last good one began
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    next_at: Mapped[datetime | None] = mapped_column(Instant)  # not before it


class LogSearch(Base):
    """An unknown delivery that the provider's log was searched for in vain."""

    __tablename__ = "log_search"

    delivery_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    attempt_id: Mapped[int] = mapped_column(BigKey)
    searches: Mapped[int] = mapped_column(SmallInteger)
    next_at: Mapped[datetime | None] = mapped_column(Instant)  # None: no more
    silent: Mapped[bool] = mapped_column(Boolean)  # it knows what came later, and not this one


class Schedule(Base):
    """A cadence: weekday and local time in a zone."""

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("mailing_list.id"), unique=True)
    weekday: Mapped[int] = mapped_column(SmallInteger)  # Monday is 0
    local_time: Mapped[str] = mapped_column(String(5))  # HH:MM
    zone: Mapped[str] = mapped_column(String(64))  # IANA
    late_by_minutes: Mapped[int] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean)
    planned_from: Mapped[datetime] = mapped_column(Instant)  # slots before it are none of ours


class Occurrence(Base):
    """One slot: a schedule's date, for ever unique."""

    __tablename__ = "occurrence"

    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id"), primary_key=True)
    local_date: Mapped[date] = mapped_column(Date, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Instant, index=True)
    state: Mapped[OccurrenceState] = mapped_column(Code(OccurrenceState))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id"), index=True)
    reason: Mapped[str | None] = mapped_column(String(200))  # of a skip


class Notice(Base):
    """A mail to staff, waiting or gone.  `key` makes each thing be told once."""

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)  # "slot-empty/3/2026-11-27"
    created_at: Mapped[datetime] = mapped_column(Instant)
    body: Mapped[bytes] = mapped_column(LargeBinary)  # sealed JSON, "notice.body", key
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(Instant)  # None: handed over, or given up
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)


class Worker(Base):
    """A process that dispatches.  Its lock, not this row, says whether it lives."""

    __tablename__ = "worker"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigKey, Identity(), primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    boot_id: Mapped[str] = mapped_column(String(36))
    pid: Mapped[int] = mapped_column(Integer)
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class Trial(Base):
    """The first hundred of an issue, who go alone; the rest waits until they are judged."""

    __tablename__ = "trial"

    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    batch_id: Mapped[int] = mapped_column(BigKey)
    judged_at: Mapped[datetime | None] = mapped_column(Instant)


class Stop(enum.IntEnum):
    """How far the stop of copies is that a provider holds until their time."""

    NONE = 1
    WANTED = 2  # by a person; nobody has asked the provider yet
    ASKED = 3  # the provider may have been asked: only its answer tells
    CONFIRMED = 4  # nothing that it held goes out
    REFUSED = 5  # certainly not stopped: what it holds goes out


class HandOver(Base):
    """An issue that the provider gets before its time and holds until then.

    Stored before the first request that names its batch.
    """

    __tablename__ = "hand_over"

    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id"), primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    batch_id: Mapped[str] = mapped_column(String(100))  # the provider's, one for the whole issue
    send_at: Mapped[datetime] = mapped_column(Instant)
    stop: Mapped[Stop] = mapped_column(Code(Stop))
    asked_at: Mapped[datetime | None] = mapped_column(Instant)  # to stop, the last time
    takes_slot: Mapped[bool] = mapped_column(Boolean)  # the provider keeps a stop of it in mind


class Pace(Base):
    """Where a provider stands, shared by all processes; `dispatch.pace` says what it means."""

    __tablename__ = "pace"

    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    next_at: Mapped[datetime | None] = mapped_column(Instant)
    per_second: Mapped[int | None] = mapped_column(Integer)  # thousandths, as lowered
    recovers_to: Mapped[int | None] = mapped_column(Integer)  # thousandths
    hold_until: Mapped[datetime | None] = mapped_column(Instant)
    day: Mapped[date | None] = mapped_column(Date)
    used: Mapped[int] = mapped_column(Integer, server_default="0")
    month: Mapped[date | None] = mapped_column(Date)
    used_month: Mapped[int] = mapped_column(Integer, server_default="0")
    breaker_until: Mapped[datetime | None] = mapped_column(Instant)
    doubts: Mapped[int] = mapped_column(Integer, server_default="0")  # in a row


class Original(Base):
    """One row: what tells the database that dispatches from a copy of it.

    `newsletter.original` reads it; a copy dispatches nothing until a person says what went out
    after it was made.
    """

    __tablename__ = "original"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    epoch: Mapped[str] = mapped_column(String(32))  # also beside a SQLite file; new at each restore
    xid: Mapped[int | None] = mapped_column(BigInteger)  # PostgreSQL: what its xmin must be
    copied_at: Mapped[datetime | None] = mapped_column(Instant)  # set in a copy that we made
