"""Hard bounces: each suppresses its address, unless too many come at once.

A receiving host that refuses everybody for an hour, or a mistake of ours, looks like a
thousand dead addresses.  So hard bounces are judged in piles, one for each issue: when a
pile grows beyond a bound, all of it waits for a person, those too that had been suppressed
before the bound was reached.  The same bounces give the same result in any order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter import notices
from newsletter.tables import BounceState, HardBounce, Issue
from subscribers import suppression
from subscribers.address import read_address
from subscribers.database import insert_new, table_of
from subscribers.privacy import Keys
from subscribers.tables import Subscriber, SuppressionReason

FEW = 20  # fewer than this in a pile are never held
HOST_SHARE = 0.02  # of an issue's audience, at one receiving host
ISSUE_SHARE = 0.05  # of an issue's audience, at all hosts together
A_DAY = 100  # in a day's pile, at all hosts together: it has no audience

_bounce = table_of(HardBounce)
_JUDGED = (BounceState.ACCEPTED, BounceState.DISCARDED)


@dataclass(frozen=True)
class Bounce:
    """An address that bounced for good."""

    pile: str
    address: str = field(repr=False)
    provider: str


@dataclass(frozen=True)
class Pile:
    """Addresses of one pile at one receiving host that wait for a person."""

    name: str  # "i12" or "d2026-11-23"
    host: str
    addresses: tuple[str, ...] = field(repr=False)

    @property
    def issue_id(self) -> int | None:
        """The issue whose copies bounced, None where no copy of ours is known."""
        return int(self.name[1:]) if self.name.startswith("i") else None

    @property
    def day(self) -> str | None:
        """The day on which they bounced, where there is no issue."""
        return None if self.name.startswith("i") else self.name[1:]


def note_bounces(session: Session, keys: Keys, bounces: Iterable[Bounce], now: datetime) -> None:
    """Suppress addresses that bounced for good, or hold them; the same again changes nothing."""
    added: defaultdict[str, dict[bytes, Bounce]] = defaultdict(dict)
    for bounce in bounces:
        wire = read_address(bounce.address).wire
        index = keys.address_index(wire)
        new = insert_new(
            session,
            HardBounce,
            pile=bounce.pile,
            address_index=index,
            host_index=_host_index(keys, wire),
            provider=bounce.provider,
            noted_at=now,
            state=BounceState.HELD,
        )
        if new:
            added[bounce.pile][index] = bounce
    for pile, new_ones in sorted(added.items()):
        _judge(session, keys, pile, new_ones, now)


def is_noted(session: Session, keys: Keys, address: str) -> bool:
    """Return whether events told of this address before, so that a list adds nothing."""
    index = keys.address_index(read_address(address).wire)
    found = select(_bounce.c.id).where(_bounce.c.address_index == index).limit(1)
    return session.scalar(found) is not None


def held(session: Session, keys: Keys) -> list[Pile]:
    """Return what waits for a person, the oldest pile first.

    Of somebody who was erased meanwhile nothing is shown.
    """
    rows = session.execute(
        select(_bounce.c.pile, _bounce.c.host_index, Subscriber.address, Subscriber.address_index)
        .join(Subscriber, Subscriber.address_index == _bounce.c.address_index)
        .where(_bounce.c.state == BounceState.HELD)
        .order_by(_bounce.c.id)
    )
    together: defaultdict[tuple[str, bytes], list[str]] = defaultdict(list)
    for row in rows:
        address = keys.decrypt(row.address, "subscriber.address", row.address_index)
        together[row.pile, row.host_index].append(address)
    return [
        Pile(name, addresses[0].rpartition("@")[2], tuple(addresses))
        for (name, _), addresses in together.items()
    ]


def decide(
    session: Session,
    keys: Keys,
    accept: bool,
    now: datetime,
    *,
    issue_id: int | None = None,
    by: str | None = None,
) -> int:
    """Suppress what waits (`accept`), or let it be; return how many addresses that were.

    All of it, or that of one issue.  Later bounces of the same pile and host follow suit.
    """
    waiting = _bounce.c.state == BounceState.HELD
    if issue_id is not None:
        waiting &= _bounce.c.pile == f"i{issue_id}"
    rows = session.execute(
        select(_bounce.c.id, _bounce.c.address_index, _bounce.c.provider).where(waiting)
    ).all()
    state = BounceState.ACCEPTED if accept else BounceState.DISCARDED
    session.execute(update(_bounce).where(waiting).values(state=state))
    if accept:
        for row in rows:
            _suppress(session, keys, row.address_index, row.provider, now, by)
    return len({row.address_index for row in rows})


def _host_index(keys: Keys, wire: str) -> bytes:
    return keys.index("host", wire.rpartition("@")[2].lower())


def _judge(
    session: Session, keys: Keys, pile: str, new: dict[bytes, Bounce], now: datetime
) -> None:
    rows = session.execute(
        select(
            _bounce.c.id,
            _bounce.c.address_index,
            _bounce.c.host_index,
            _bounce.c.provider,
            _bounce.c.state,
        ).where(_bounce.c.pile == pile)
    ).all()
    by_host = Counter(row.host_index for row in rows)
    at_one_host, at_all = _bounds(session, pile)
    judged = {row.host_index: row.state for row in rows if row.state in _JUDGED}
    holds = {host for host, n in by_host.items() if n >= at_one_host or len(rows) >= at_all}
    becomes: defaultdict[BounceState, list[int]] = defaultdict(list)
    for row in rows:
        if row.state in _JUDGED:
            continue
        state = judged.get(row.host_index) or (
            BounceState.HELD if row.host_index in holds else BounceState.SUPPRESSED
        )
        if state is not row.state:
            becomes[state].append(row.id)
        if state in (BounceState.SUPPRESSED, BounceState.ACCEPTED) and row.address_index in new:
            _suppress(session, keys, row.address_index, row.provider, now)
    for state, ids in becomes.items():
        session.execute(update(_bounce).where(_bounce.c.id.in_(ids)).values(state=state))
    lifted = [
        row
        for row in rows
        if row.state is BounceState.SUPPRESSED and row.id in becomes[BounceState.HELD]
    ]
    _lift(session, keys, lifted, now)
    if holds - set(judged):
        _tell(session, keys, pile, sum(row.state in _JUDGED for row in rows), now)


def _bounds(session: Session, pile: str) -> tuple[float, float]:
    """Return from how many on a pile is held: at one host, and altogether."""
    if not pile.startswith("i"):
        return FEW, A_DAY
    size = session.scalar(select(Issue.audience_size).where(Issue.id == int(pile[1:]))) or 0
    return max(FEW, HOST_SHARE * size), max(FEW, ISSUE_SHARE * size)


def _suppress(
    session: Session,
    keys: Keys,
    index: bytes,
    provider: str,
    now: datetime,
    by: str | None = None,
) -> None:
    person = session.scalars(select(Subscriber).where(Subscriber.address_index == index)).first()
    if person is None:  # erased meanwhile: nobody writes to them
        return
    address = keys.decrypt(person.address, "subscriber.address", index)
    reason = SuppressionReason.HARD_BOUNCE
    suppression.suppress(session, keys, address, reason, now, provider=provider, by=by)


def _lift(session: Session, keys: Keys, rows: Sequence[Any], now: datetime) -> None:
    """Take back what the first bounces of a pile did, unless another pile holds on to it."""
    for row in rows:
        elsewhere = select(_bounce.c.id).where(
            _bounce.c.address_index == row.address_index,
            _bounce.c.state.in_((BounceState.SUPPRESSED, BounceState.ACCEPTED)),
        )
        if session.scalar(elsewhere.limit(1)) is None:
            suppression.withdraw(session, keys, row.address_index, row.provider, now)


def _tell(session: Session, keys: Keys, pile: str, judged: int, now: datetime) -> None:
    """Say so once, and once more for what came after a decision."""
    what = f"of issue {pile[1:]}" if pile.startswith("i") else f"told on {pile[1:]}"
    notices.tell(
        session,
        keys,
        f"bounces-wait/{pile}/{judged}",
        "Many addresses bounced at once: please decide",
        [
            f"So many hard bounces {what} came at once that something else than the addresses "
            "may be wrong. They are not suppressed until somebody decides.",
            "To see them: newsletter subscribers held. To stop writing to them: newsletter "
            "subscribers held --accept. To go on writing to them: newsletter subscribers held "
            "--discard.",
        ],
        now,
    )
