"""Pages for subscribers, reached from mailed links: leaving a list, and what we hold.

The token in the address is the only authority, so no page needs a cookie, and none could be
forged from another site without it.  GET and HEAD never change anything: mail scanners open
every link.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from newsletter.discreet import fault_in
from newsletter.issue import languages_written
from newsletter.languages import differ, own_name
from newsletter.rendering import TRANSLATED
from newsletter.web.local import is_local
from newsletter.web.pages import Here, Web, discreetly, error_page, number_in, page
from subscribers.address import masked
from subscribers.consent import (
    choose_language,
    choose_style,
    unsubscribe,
    unsubscribe_everywhere,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.style import Style, style_for
from subscribers.tables import MailingList, Subscriber, Subscription, SubscriptionState

router = APIRouter()
_READ = ["GET", "HEAD"]
_FORM_FIELDS = 10
_MAY_STILL = "A mail that had already left us may still arrive."
_STYLES = {
    Style.STANDARD: ("Standard", "as everybody gets it"),
    Style.LARGE: ("Large print", "bigger letters"),
    Style.PLAIN: ("Text only", "no layout, no pictures"),
    Style.DISCREET: ("Discreet", "a neutral sender and subject, and no names"),
}


@dataclass(frozen=True)
class Held:
    """One subscription as its owner sees it."""

    id: int
    list_id: int
    list_name: str  # in settings and commands; on no page
    title: str
    state: SubscriptionState
    forced: Style | None  # by the list, whatever its readers choose

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to unsubscribe from."""
        return self.state is SubscriptionState.UNSUBSCRIBED


@dataclass(frozen=True)
class Person:
    """What a preferences page shows; the address is masked, for links get forwarded."""

    id: int
    address: str
    language: str | None
    zone: str | None
    style: Style
    is_discreet: bool  # the mail that led here is, or another of theirs
    subscriptions: tuple[Held, ...]
    written: frozenset[str] = frozenset()  # the languages that their lists have been written in

    @property
    def has_left(self) -> bool:
        """Whether there is no list left to leave."""
        return all(held.is_over for held in self.subscriptions)


async def _posted(request: Request) -> Mapping[str, str]:
    """Return the text fields of a form, urlencoded or multipart; none if it is neither.

    A body that cannot be read does not make a POST to an unsubscribe link mean less.
    """
    try:
        async with request.form(max_files=_FORM_FIELDS, max_fields=_FORM_FIELDS) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except HTTPException:
        return {}


Posted = Annotated[Mapping[str, str], Depends(_posted)]


def _before(web: Web, person: Person) -> Web:
    """Return the pages as this person may see them, whichever address they were asked for at."""
    return discreetly(web) if person.is_discreet else web


@router.api_route("/", methods=_READ)
def home(request: Request, web: Here) -> Response:
    """Say whose pages these are."""
    return page(web, "public/home.html.j2", staff=is_local(request))


# --- one list --------------------------------------------------------------------------


@router.api_route("/u/{token}", methods=_READ)
def ask_to_unsubscribe(token: str, web: Here) -> Response:
    """Show the list and one button."""
    if _is_sample(web.site.keys, token):
        return page(web, "public/sample.html.j2")
    with reading(web.site.engine) as session:
        person = _person_of_link(session, web, token)
    if person is None:
        return error_page(web, 404)
    held, web = person.subscriptions[0], _before(web, person)
    return page(web, "public/unsubscribe.html.j2", of_list=held.list_name, person=person, held=held)


@router.post("/u/{token}")
def unsubscribe_by_link(token: str, form: Posted, web: Here) -> Response:
    """Unsubscribe at once, as often as asked.

    Mail providers post `List-Unsubscribe=One-Click` (RFC 8058) and get plain text: no
    cookie, no redirect, no question.  People press the button and get a page.
    """
    one_click = form.get("List-Unsubscribe", "").strip().lower() == "one-click"
    if _is_sample(web.site.keys, token):
        return _plain("A preview link.") if one_click else page(web, "public/sample.html.j2")
    if web.site.keys.open_token(Purpose.UNSUBSCRIBE, token) is None:
        return error_page(web, 404)
    with writing(web.site.engine) as session:
        person = _person_of_link(session, web, token)
        if person is None:
            return error_page(web, 404)
        held = person.subscriptions[0]
        unsubscribe(session, held.id, "one-click" if one_click else "link", web.clock())
    if one_click:
        return _plain("You are unsubscribed.")
    web = _before(web, person)
    return page(
        web, "public/unsubscribed.html.j2", of_list=held.list_name, person=person, held=held
    )


# --- all lists of a person -------------------------------------------------------------


@router.api_route("/p/{token}", methods=_READ)
def show_preferences(token: str, web: Here) -> Response:
    """Show a person's lists, with a button for each that can be left."""
    if _is_sample(web.site.keys, token):
        return page(web, "public/sample.html.j2")
    with reading(web.site.engine) as session:
        person = _person_of_preferences(session, web, token)
    if person is None:
        return error_page(web, 404)
    return _preferences(web, person, said="")


@router.post("/p/{token}")
def leave_lists(token: str, form: Posted, web: Here) -> Response:
    """Leave the list whose number is in the field `list`; with `all`, every one, for good.

    With `style` and `language`, or one of them, choose how mail comes from now on.
    """
    if _is_sample(web.site.keys, token):
        return page(web, "public/sample.html.j2")
    if web.site.keys.open_token(Purpose.PREFERENCES, token) is None:
        return error_page(web, 404)
    with writing(web.site.engine) as session:
        person = _person_of_preferences(session, web, token)
        if person is None:
            return error_page(web, 404)
        said = _leave(session, web, person, form) or _choose(session, web, person, form)
        person = _person_of_preferences(session, web, token) or person
    return _preferences(web, person, said)


def _leave(session: Session, web: Web, person: Person, form: Mapping[str, str]) -> str:
    """Do what the form says; return the sentence that tells it, empty if it says nothing."""
    now = web.clock()
    if "all" in form:
        unsubscribe_everywhere(session, web.site.keys, person.id, "preferences", now)
        return f"You have left all lists, and will not be put on another. {_MAY_STILL}"
    number = number_in(form.get("list", ""))
    for held in person.subscriptions:
        if held.list_id == number:
            unsubscribe(session, held.id, "preferences", now)
            return f"You are unsubscribed from {held.title}. {_MAY_STILL}"
    return ""


def _choose(session: Session, web: Web, person: Person, form: Mapping[str, str]) -> str:
    """Keep the style and the language that the form names, where they are offered."""
    styles = {style.label: style for style in _offered(web, person)}
    style, language = styles.get(form.get("style", "")), form.get("language")
    is_offered = language in ("", *_languages(web, person))
    said = []
    if style is not None and choose_style(session, person.id, style):
        said.append(f"{_STYLES[style][0]}: so your mail comes from now on.")
    if is_offered and choose_language(session, person.id, language or None):
        said.append(_in_language(language or ""))
    if said:
        said.append("One that is on its way may still come as before.")
    elif style is not None or is_offered:
        said.append("Nothing is changed: your mail comes as before.")
    if style is not None:
        said += [
            f"{held.title} goes to everybody in one style: {_STYLES[always][0]}."
            for held in person.subscriptions
            if not held.is_over and (always := style_for(style, held.forced)) is not style
        ]
    return " ".join(said)


def _in_language(chosen: str) -> str:
    if not chosen:
        return "From now on your mail comes in the language that everybody gets."
    # Isolated, so that a name in another direction leaves the comma where it is.
    name = f"\u2068{own_name(chosen)}\u2069"
    return f"From now on your mail comes in {name}, whenever it is written in that language."


def _offered(web: Web, person: Person) -> list[Style]:
    """Return the styles to choose from; the discreet one only where it can be made."""
    possible = person.style is Style.DISCREET or not fault_in(web.site.settings)
    return [style for style in _STYLES if style is not Style.DISCREET or possible]


def _languages(web: Web, person: Person) -> dict[str, bool]:
    """Return the languages to choose from, and whether their lists are written in it.

    Those that their lists are written in; those that the fixed words of mails are in, so that
    staff see what is wished for; and what they read until now, whatever that is.
    """
    written = {web.site.settings.organisation.language, *person.written}
    others = {tag for tag in ("en", *TRANSLATED) if all(differ(tag, there) for there in written)}
    known = {tag.lower() for tag in written | others}
    if person.language and person.language.lower() not in known:
        others.add(person.language)
    ordered = sorted(written | others, key=lambda tag: own_name(tag).casefold())
    return {tag: tag in written for tag in ordered}


def _preferences(web: Web, person: Person, said: str) -> Response:
    return page(
        _before(web, person),
        "public/preferences.html.j2",
        person=person,
        said=said,
        styles=[(style, *_STYLES[style]) for style in _offered(web, person)],
        languages=[
            (tag, own_name(tag), is_written) for tag, is_written in _languages(web, person).items()
        ],
    )


# --- what a token opens ----------------------------------------------------------------


def _is_sample(keys: Keys, token: str) -> bool:
    return keys.open_token(Purpose.SAMPLE, token) is not None


def _person_of_link(session: Session, web: Web, token: str) -> Person | None:
    number = web.site.keys.open_token(Purpose.UNSUBSCRIBE, token)
    return None if number is None else _person(session, web, Subscription.id == number)


def _person_of_preferences(session: Session, web: Web, token: str) -> Person | None:
    number = web.site.keys.open_token(Purpose.PREFERENCES, token)
    person = None if number is None else _person(session, web, Subscriber.id == number)
    if person is None:
        return None
    theirs = [held.list_id for held in person.subscriptions if not held.is_over]
    return replace(person, written=frozenset(languages_written(session, theirs)))


def _person(session: Session, web: Web, which: ColumnElement[bool]) -> Person | None:
    rows = session.execute(
        select(
            Subscriber.id.label("subscriber_id"),
            Subscriber.address,
            Subscriber.address_index,
            Subscriber.language,
            Subscriber.zone,
            Subscriber.style,
            MailingList.style.label("forced"),
            Subscription.id,
            Subscription.list_id,
            Subscription.state,
            MailingList.name,
            MailingList.title,
        )
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(which)
        .order_by(MailingList.title, MailingList.id)
    ).all()
    if not rows:
        return None
    first = rows[0]
    address = web.site.keys.decrypt(first.address, "subscriber.address", first.address_index)
    is_discreet = any(style_for(row.style, row.forced) is Style.DISCREET for row in rows)
    hidden = is_discreet or web.is_discreet
    return Person(
        first.subscriber_id,
        masked(address),
        first.language,
        first.zone,
        first.style or Style.STANDARD,
        is_discreet,
        tuple(
            Held(
                row.id,
                row.list_id,
                row.name,
                f"Letters {row.list_id}" if hidden else row.title,
                row.state,
                row.forced,
            )
            for row in rows
        ),
    )


def _plain(sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n")
