"""Who reads which edition: their best language, in the style that they chose or the list forces.

One rule: it says at the draft which editions are needed, and at the freeze who gets which.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, exists, func, literal, null, select
from sqlalchemy.orm import Session

from newsletter.languages import best_match
from newsletter.tables import Edition, Issue
from subscribers.audience import head_count
from subscribers.database import Code, table_of
from subscribers.style import Style, style_named
from subscribers.tables import MailingList, Subscriber, Subscription, SubscriptionState

_subscriber = table_of(Subscriber)


@dataclass(frozen=True)
class Choice:
    """What there is to read in an issue."""

    editions: Mapping[int, tuple[str, Style]]  # number: language and style, in their order
    forced: Style | None  # by the list
    spoken: Sequence[str]  # the languages of all subscribers, where that matters

    def of(self, language: ColumnElement[Any], chosen: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return SQL for the number of a subscriber's edition.

        A style without an edition is read in the standard one; who reads the discreet mail gets
        NULL where there is none, and never another.
        """
        discreet = self._shelf((Style.DISCREET,))
        # None of another language in the place of one that named the ministry.
        every = (there for there, _ in self.editions.values())
        shelf = {there: discreet.get(there) for there in every} if discreet else {}
        discreetly = self._best(language, shelf)
        if self.forced is Style.DISCREET:
            return discreetly
        otherwise = self._shelf(_instead_of(self.forced or Style.STANDARD))
        branches = [(_is(chosen, Style.DISCREET), discreetly)]
        for style in (Style.LARGE, Style.PLAIN):
            read = self._shelf(_instead_of(style))
            if self.forced is None and read != otherwise:
                branches.append((_is(chosen, style), self._best(language, read)))
        return case(*branches, else_=self._best(language, otherwise))

    def _shelf(self, styles: Sequence[Style]) -> dict[str, int]:
        """Return the edition of each language in the first of these styles that it has."""
        return dict(self._chosen(styles))

    def _chosen(self, styles: Sequence[Style]) -> Iterator[tuple[str, int]]:
        for language in dict.fromkeys(language for language, _ in self.editions.values()):
            ranks = [
                (styles.index(style), number)
                for number, (there, style) in self.editions.items()
                if there == language and style in styles
            ]
            if ranks:
                yield language, min(ranks)[1]

    def _best(
        self, language: ColumnElement[Any], shelf: Mapping[str, int | None]
    ) -> ColumnElement[Any]:
        """Return SQL for the best match; the first of them all suits whoever reads none of them."""
        if not shelf:
            return null()
        suits: dict[str, list[str]] = {there: [] for there in shelf}
        for spoken in self.spoken:
            if best := best_match(spoken, list(shelf)):
                suits[best].append(spoken)
        first, *others = shelf
        cases = [(language.in_(suits[there]), shelf[there]) for there in others if suits[there]]
        everybodys = literal(shelf[first], Integer)
        return case(*cases, else_=everybodys) if cases else everybodys


def choice_of(session: Session, issue_id: int, list_id: int) -> Choice:
    """Return what the people of a list can read in an issue."""
    rows = session.execute(
        select(Edition.no, Edition.language, Edition.style)
        .where(Edition.issue_id == issue_id)
        .order_by(Edition.no)
    )
    editions = {row.no: (row.language, style_named(row.style)) for row in rows}
    spoken: Sequence[str] = ()
    if len({language for language, _ in editions.values()}) > 1:
        found = session.scalars(select(_subscriber.c.language).distinct())
        spoken = [language for language in found if language]
    return Choice(editions, session.get_one(MailingList, list_id).style, spoken)


def styles_needed(
    session: Session, mailing_list: MailingList, languages: Sequence[str], *, discreet: bool
) -> list[list[Style]]:
    """Return the styles that the readers of each language need, first what most of them read.

    `discreet` asks for that one in any case: somebody may choose it until the issue begins.
    """
    forced = mailing_list.style
    needed = [[forced or Style.STANDARD] for _ in languages]
    rows = session.execute(
        select(_subscriber.c.language, _subscriber.c.style)
        .where(_chooses(mailing_list.id))
        .distinct()
        .order_by(_subscriber.c.style)
    )
    for spoken, style in rows:
        if style is Style.DISCREET or forced is None:
            needed[languages.index(best_match(spoken, languages) or languages[0])].append(style)
    if discreet:
        for styles in needed:
            styles.append(Style.DISCREET)
    return [list(dict.fromkeys(styles)) for styles in needed]


def languages_written(session: Session, list_ids: Iterable[int]) -> set[str]:
    """Return the languages that issues of these lists have been made in."""
    return set(
        session.scalars(
            select(Edition.language)
            .join(Issue, Issue.id == Edition.issue_id)
            .where(Issue.list_id.in_(list(list_ids)))
            .distinct()
        )
    )


def discreet_readers(session: Session, mailing_list: MailingList) -> int:
    """Return how many people of a list get the discreet mail and no other."""
    if mailing_list.style is Style.DISCREET:
        return head_count(session, mailing_list.id)
    chosen = _is(_subscriber.c.style, Style.DISCREET)
    count = select(func.count()).select_from(_subscriber)
    return session.scalars(count.where(_chooses(mailing_list.id), chosen)).one()


def _chooses(list_id: int) -> ColumnElement[bool]:
    return _subscriber.c.style.is_not(None) & exists(
        select(Subscription.id).where(
            Subscription.list_id == list_id,
            Subscription.subscriber_id == _subscriber.c.id,
            Subscription.state == SubscriptionState.ACTIVE,
        )
    )


def _is(chosen: ColumnElement[Any], style: Style) -> ColumnElement[bool]:
    return chosen == literal(style, Code(Style))


def _instead_of(style: Style) -> tuple[Style, ...]:
    return (style, Style.STANDARD, Style.LARGE, Style.PLAIN, Style.DISCREET)
