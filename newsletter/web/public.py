"""Pages for subscribers, reached from mailed links: leaving a list, and what we hold.

The token in the address is the only authority, so no page needs a cookie, and none could be
forged from another site without it.  GET and HEAD never change anything: mail scanners open
every link.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from newsletter.web.local import is_local
from newsletter.web.pages import Here, Web, error_page, number_in, page
from subscribers.address import masked
from subscribers.consent import unsubscribe, unsubscribe_everywhere
from subscribers.database import reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.tables import MailingList, Subscriber, Subscription, SubscriptionState

router = APIRouter()
_READ = ["GET", "HEAD"]
_FORM_FIELDS = 10
_LANGUAGES = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "español",
    "fa": "فارسی",
    "fr": "français",
    "ko": "한국어",
    "pt": "português",
    "ru": "русский",
    "ur": "اردو",
    "zh": "中文",
}


@dataclass(frozen=True)
class Held:
    """One subscription as its owner sees it."""

    id: int
    list_id: int
    title: str
    state: SubscriptionState

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
    subscriptions: tuple[Held, ...]

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
    return page(web, "public/unsubscribe.html.j2", person=person, held=person.subscriptions[0])


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
    return page(web, "public/unsubscribed.html.j2", person=person, held=held)


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
    """Leave the list whose number is in the field `list`; with `all`, every one, for good."""
    if _is_sample(web.site.keys, token):
        return page(web, "public/sample.html.j2")
    if web.site.keys.open_token(Purpose.PREFERENCES, token) is None:
        return error_page(web, 404)
    with writing(web.site.engine) as session:
        person = _person_of_preferences(session, web, token)
        if person is None:
            return error_page(web, 404)
        said = _leave(session, web, person, form)
        person = _person_of_preferences(session, web, token) or person
    return _preferences(web, person, said)


def _leave(session: Session, web: Web, person: Person, form: Mapping[str, str]) -> str:
    """Do what the form says; return the sentence that tells it, empty if it says nothing."""
    now = web.clock()
    if "all" in form:
        unsubscribe_everywhere(session, web.site.keys, person.id, "preferences", now)
        return "You have left all lists, and will not be put on another."
    number = number_in(form.get("list", ""))
    for held in person.subscriptions:
        if held.list_id == number:
            unsubscribe(session, held.id, "preferences", now)
            return f"You are unsubscribed from {held.title}."
    return ""


def _preferences(web: Web, person: Person, said: str) -> Response:
    language = (person.language or "").partition("-")[0].lower()
    return page(
        web,
        "public/preferences.html.j2",
        person=person,
        said=said,
        language=_LANGUAGES.get(language, person.language),
        language_code=language,
    )


# --- what a token opens ----------------------------------------------------------------


def _is_sample(keys: Keys, token: str) -> bool:
    return keys.open_token(Purpose.SAMPLE, token) is not None


def _person_of_link(session: Session, web: Web, token: str) -> Person | None:
    number = web.site.keys.open_token(Purpose.UNSUBSCRIBE, token)
    return None if number is None else _person(session, web, Subscription.id == number)


def _person_of_preferences(session: Session, web: Web, token: str) -> Person | None:
    number = web.site.keys.open_token(Purpose.PREFERENCES, token)
    return None if number is None else _person(session, web, Subscriber.id == number)


def _person(session: Session, web: Web, which: ColumnElement[bool]) -> Person | None:
    rows = session.execute(
        select(
            Subscriber.id.label("subscriber_id"),
            Subscriber.address,
            Subscriber.address_index,
            Subscriber.language,
            Subscriber.zone,
            Subscription.id,
            Subscription.list_id,
            Subscription.state,
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
    subscriptions = tuple(Held(row.id, row.list_id, row.title, row.state) for row in rows)
    return Person(first.subscriber_id, masked(address), first.language, first.zone, subscriptions)


def _plain(sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n")
