"""Mails to one subscriber: the confirmation, the welcome and the goodbye."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from newsletter.config import Settings
from newsletter.message import (
    Envelope,
    Identity,
    Letter,
    bulletin_form,
    letter_envelope,
    letter_form,
    notice_form,
)
from newsletter.rendering import (
    RenderedEmail,
    Slot,
    merge,
    render_confirmation,
    render_goodbye,
    render_welcome,
    slot_values,
)
from newsletter.rendering.inlining import Reading
from newsletter.rendering.words import words_of
from subscribers.style import Style
from tests.bulletins import LOOK
from tests.mails import READER, SAYS, letter
from tests.message_rules import broken_rules
from tests.office import TEMPLATES

BASE = "https://prayer.example.org"
ACTION = f"{BASE}/confirm/abc"
LETTERS: tuple[Letter, ...] = ("confirmation", "welcome", "goodbye")


def read(email: RenderedEmail) -> tuple[str, str, list[str]]:
    """Return what both parts say, white space apart, and the links of the page."""
    in_html, in_text = slot_values("Miriam", email.language, f"{BASE}/u/a", f"{BASE}/p/a", ACTION)
    page, text = Reading(merge(email.html, in_html)), merge(email.text, in_text)
    return " ".join(page.text.split()), " ".join(text.split()), list(page.links)


def test_a_confirmation_asks_once_greets_nobody_and_offers_nothing_to_leave() -> None:
    email = render_confirmation("en", LOOK, TEMPLATES)
    page, text, links = read(email)

    assert email.subject == f"Please confirm: {LOOK.list_title}"
    assert links[0] == ACTION
    for part in (page, text):
        assert "Yes, send it to me" in part
        assert "If it was not you, do nothing" in part
        assert "Miriam" not in part  # whoever entered the address may have entered any name
        assert "nsubscribe" not in part
        assert "days" not in part  # nothing deletes a request by itself
    assert email.html.slots == email.text.slots == (Slot.ACTION,)


def test_a_welcome_says_what_comes_when_and_how_to_leave() -> None:
    page, text, links = read(render_welcome("en", LOOK, TEMPLATES, next_on=date(2026, 12, 4)))

    for part in (page, text):
        assert "Dear Miriam," in part
        assert "The next one: Friday 4 December." in part
        assert "press Unsubscribe" in part
        assert "Under Preferences, at the end of each message, you choose large print" in part
        assert "other mailing lists" not in part  # nobody can join one there
    assert {f"{BASE}/u/a", f"{BASE}/p/a"} <= set(links)


def test_a_welcome_to_a_list_without_a_plan_promises_no_day() -> None:
    assert "next one" not in read(render_welcome("en", LOOK, TEMPLATES))[1]


def test_a_goodbye_says_that_it_is_done_and_offers_the_way_back() -> None:
    page, text, links = read(render_goodbye("en", LOOK, TEMPLATES))

    assert links[0] == ACTION
    for part in (page, text):
        assert "is no longer sent to you. What was already on its way may still arrive." in part
        assert "If you forwarded a message, its reader may have pressed Unsubscribe." in part
        assert "Send it to me again" in part


@pytest.mark.parametrize("render_letter", [render_confirmation, render_welcome, render_goodbye])
def test_the_heading_of_a_letter_does_not_break_within_the_title_of_the_list(
    render_letter: Callable[..., RenderedEmail],
) -> None:
    html = "".join(render_letter("en", LOOK, TEMPLATES).html.literals)

    heading = html.partition("<h1")[2].partition("</h1>")[0]
    assert heading.endswith(f'<span class="whole" dir="auto">{LOOK.list_title}</span>')


def test_who_is_at_risk_reads_the_name_of_the_sender_in_its_place() -> None:
    look = replace(LOOK, list_title="", sender_name="Anna")
    email = render_welcome("ur", look, TEMPLATES, Style.DISCREET)

    # Left to itself the first letter would turn all of "Anna's letter" around.
    assert email.subject == "خوش آمدید: Anna کا خط"
    html = "".join(email.html.literals)
    assert re.search('dir="rtl"[^>]*>\u2068Anna\u2069 کا خط</span></h1>', html)
    assert "\u2068Anna\u2069 کا خط" in "".join(email.text.literals)


def test_in_chinese_no_space_stands_between_sentences() -> None:
    email = render_welcome("zh", LOOK, TEMPLATES, next_on=date(2026, 12, 4))

    for part in (email.html, email.text):
        assert "下一期：12月4日星期五。" in "".join(part.literals)
        assert not re.search("[。？！] ", "".join(part.literals))


def test_a_letter_in_a_language_without_words_is_in_english_from_left_to_right() -> None:
    email = render_goodbye("ps", LOOK, TEMPLATES)

    assert email.language == "en"
    assert '<html lang="en" dir="ltr">' in email.html.literals[0]


@pytest.mark.parametrize("kind", LETTERS)
@pytest.mark.parametrize("language", ["ar", "ko", "ru"])
def test_every_letter_keeps_the_rules_in_every_language(kind: Letter, language: str) -> None:
    reader = replace(READER, action_url=f"{BASE}/confirm/abc")
    raw = letter(kind, language).copy_for(reader)

    assert broken_rules(raw, kind, says=SAYS) == []
    assert words_of(language) != words_of("en")


def test_a_letter_comes_from_the_sender_of_its_list() -> None:
    settings = Settings.model_validate(
        {"lists": {"hills": {"sender_email": "news@hills.example.net"}}}
    )

    assert letter_envelope(settings, "welcome", "hills").sender.email == "news@hills.example.net"


def test_no_kind_of_mail_goes_into_the_envelope_of_another() -> None:
    email = render_goodbye("en", LOOK, TEMPLATES)
    moment = datetime(2026, 11, 27, tzinfo=UTC)
    sender = Identity("A", "a@example.org", None, BASE)

    for make, kind in (
        (bulletin_form, "goodbye"),
        (notice_form, "goodbye"),
        (letter_form, "notice"),
        (letter_form, "bulletin"),
    ):
        with pytest.raises(ValueError, match=f"envelope of a {kind}"):
            make(email, Envelope(kind, sender, practice=False), moment)  # type: ignore[arg-type]
