import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.bulletin import Bulletin
from newsletter.config import Provider, Sender, Settings, Smtp
from newsletter.errors import Problem
from newsletter.message import (
    SAMPLE_TOKEN,
    Envelope,
    Identity,
    MessageForm,
    Recipient,
    bulletin_envelope,
    bulletin_form,
    identity_of,
    notice_envelope,
    notice_form,
    sample_recipient,
)
from newsletter.rendering import (
    RenderedEmail,
    Shell,
    Slot,
    Templates,
    clean_name,
    merge,
    render,
    render_notice,
)
from newsletter.site import shipped_templates
from subscribers.style import Style
from tests.bulletins import ALL, LOOK

TEMPLATES = Templates([shipped_templates()])
DATE = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
ENVELOPE = Envelope(
    kind="bulletin",
    sender=Identity(
        name="Prayer Network",
        email="prayer@example.org",
        reply_to="office@example.org",
        website="https://prayer.example.org",
    ),
    practice=False,
    list_name="weekly",
    list_title="Weekly Prayer",
    list_id=3,
    issue_id=3,
)
SAMPLE = sample_recipient("https://prayer.example.org")


@cache
def rendered_in(language: str) -> RenderedEmail:
    (bulletin,) = (each for each in ALL if each.language == language)
    return render(bulletin, LOOK, TEMPLATES)


@cache
def notice() -> RenderedEmail:
    return render_notice("A slot is empty", ["Friday 27 November 2026, 07:00."], LOOK, TEMPLATES)


def small(subject: str = "Pray", text: str = "Hello\n") -> RenderedEmail:
    shell = Shell((text, "\n", "\n"), (Slot.GREETING, Slot.UNSUBSCRIBE))
    return RenderedEmail(subject, shell, shell, "en")


def envelope_with(**changes: object) -> Envelope:
    """Return the envelope with other fields, its own or the identity's."""
    of_sender = {name: changes.pop(name) for name in set(changes) & vars(ENVELOPE.sender).keys()}
    sender = replace(ENVELOPE.sender, **of_sender)  # type: ignore[arg-type]  # checked by replace
    return replace(ENVELOPE, sender=sender, **changes)  # type: ignore[arg-type]  # checked by replace


def form_of(rendered: RenderedEmail | None = None, **changes: object) -> MessageForm:
    return bulletin_form(rendered or small(), envelope_with(**changes), DATE)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def written_again(raw: bytes) -> bytes:
    """What a parser took apart, put together again as it was."""
    as_it_was = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)
    return email.message_from_bytes(raw, policy=as_it_was).as_bytes()


def parts(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML, with the line ends that were written."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    assert None not in bodies
    text, html = (body.get_content().replace("\r\n", "\n") for body in bodies if body)
    return text, html


# --- the bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
@pytest.mark.parametrize("name", ["Miriam", "김민준", "مریم", 'Ann "Lee", Ph.D.', None])
def test_a_copy_is_a_faultless_message_and_both_parts_come_back_exactly(
    bulletin: Bulletin, name: str | None
) -> None:
    rendered = rendered_in(bulletin.language)
    form = form_of(rendered)
    recipient = replace(SAMPLE, name=name)

    raw = form.copy_for(recipient)

    message = parsed(raw)
    in_html, in_text = form.values_for(recipient)
    faults = [part.defects for part in message.walk()]
    faults += [header.defects for header in message.values()]
    assert not any(faults)
    assert parts(message) == (merge(rendered.text, in_text), merge(rendered.html, in_html))
    assert message["Subject"] == rendered.subject
    assert written_again(raw) == raw


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_lines_end_in_crlf_and_are_short_and_plain_ascii(bulletin: Bulletin) -> None:
    raw = form_of(rendered_in(bulletin.language)).copy_for(replace(SAMPLE, name="김민준" * 20))

    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 76


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=120)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=3), st.text(max_size=80))
@example(["x" * 75, "y" * 76, "z" * 77], "n" * 80)
@example([" ", ". ", ".\n. \n\t\n "], ".")
@example(["=" * 26, "é" * 13, "\n"], "ü" * 40)
def test_any_text_and_any_name_come_back_exactly(literals: list[str], name: str) -> None:
    shell = Shell((*literals[:2], literals[2] + "\n"), (Slot.GREETING, Slot.UNSUBSCRIBE))
    form = form_of(RenderedEmail("s", shell, shell, "en"))
    recipient = replace(SAMPLE, name=name)

    raw = form.copy_for(recipient)

    in_html, in_text = form.values_for(recipient)
    assert parts(parsed(raw)) == (merge(shell, in_text), merge(shell, in_html))
    assert written_again(raw) == raw
    assert max(map(len, raw.split(b"\r\n"))) <= 200
    assert max(map(len, raw.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


DOTS = st.text(st.sampled_from(". .\n\r=xé"), max_size=90)


@settings(max_examples=300, deadline=None)
@given(st.lists(DOTS, min_size=3, max_size=3), DOTS, st.sampled_from(["en", "ko"]))
@example(["", "", ""], ".", "ko")
@example([".", "\n.", ".\r\n.\r\n"], "..", "ko")
@example(["x" * 75 + ".", "x" * 75 + "\n.", "." * 200], "." * 80, "ko")
def test_on_the_wire_every_dot_at_the_start_of_a_line_is_doubled(
    literals: list[str], name: str, language: str
) -> None:
    shell = Shell((*literals[:2], literals[2] + "\n"), (Slot.GREETING, Slot.UNSUBSCRIBE))
    form = form_of(RenderedEmail(".s", shell, shell, language), name="." + "é" * 40)
    recipient = replace(SAMPLE, name=name)

    wire = b"".join(form.pieces_for(recipient))

    lines = wire.split(b"\r\n")
    assert lines.pop() == b""
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert not any(line.startswith(b".") and line[1:2] != b"." for line in lines)
    unstuffed = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)
    assert unstuffed == form.copy_for(recipient)


def test_a_greeting_that_begins_with_a_dot_ends_no_message() -> None:
    shell = Shell(("Pray.", "\n"), (Slot.GREETING,))
    form = form_of(RenderedEmail("s", shell, shell, "ko"))

    wire = b"".join(form.pieces_for(replace(SAMPLE, name=".Anna")))

    assert b"=\r\n..Anna" in wire


def test_the_text_part_comes_first() -> None:
    message = parsed(form_of().copy_for(SAMPLE))

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in message.iter_parts()} == {"utf-8"}


def test_the_same_person_gets_the_same_bytes() -> None:
    assert form_of().copy_for(SAMPLE) == form_of().copy_for(SAMPLE)


def test_copies_differ_in_what_is_personal_and_nothing_else() -> None:
    form = form_of(rendered_in("en"))
    other = Recipient(
        2,
        "B-23456789012345678901-",
        "zoe@example.net",
        "Zoë",
        *("https://prayer.example.org/u/B-2", "https://prayer.example.org/p/B-2"),
    )

    first, second = parsed(form.copy_for(SAMPLE)), parsed(form.copy_for(other))

    differing = {name for name in first if first[name] != second[name]}
    assert differing == {"To", "Message-ID", "List-Unsubscribe"}
    for mine, theirs in zip(parts(first), parts(second), strict=True):
        assert mine.replace(SAMPLE_TOKEN, "B-2").replace("Miriam", "Zoë") == theirs


# --- headers ----------------------------------------------------------------------------------


def test_every_header_is_as_the_standards_say() -> None:
    message = parsed(form_of().copy_for(SAMPLE))

    headers = {name: str(value) for name, value in message.items()}
    boundary = headers.pop("Content-Type")
    assert re.fullmatch(r'multipart/alternative; boundary="=_[0-9a-f]{24}"', boundary)
    assert re.fullmatch("i3:l3:bulletin:[0-9a-f]{10}", headers.pop("Feedback-ID"))
    assert headers == {
        "From": "Prayer Network <prayer@example.org>",
        "Reply-To": "office@example.org",
        "To": "Miriam <miriam@example.org>",
        "Subject": "Pray",
        "Date": "Fri, 27 Nov 2026 07:00:00 +0000",
        "Message-ID": f"<{SAMPLE_TOKEN}@example.org>",
        "MIME-Version": "1.0",
        "List-Unsubscribe": f"<https://prayer.example.org/u/{SAMPLE_TOKEN}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": '"Weekly Prayer" <weekly.example.org>',
        "List-Owner": "<mailto:office@example.org>",
        "List-Help": "<https://prayer.example.org>",
        "Precedence": "bulk",
        "Content-Language": "en",
    }
    assert len(message.items()) == len(headers) + 2


def test_a_long_unsubscribe_link_is_written_raw_on_one_line() -> None:
    base = "https://prayer.example.org/" + "a" * 93
    recipient = sample_recipient(base)

    raw = form_of(website=base).copy_for(recipient)

    assert len(base) == 120
    assert f"\r\nList-Unsubscribe: <{base}/u/{SAMPLE_TOKEN}>\r\n".encode() in raw


@pytest.mark.parametrize("title", ["주간 기도", "=?utf-8?q?x?=", ""])
def test_no_structured_header_holds_encoded_words(title: str) -> None:
    raw = form_of(list_title=title, name="기도").copy_for(SAMPLE)

    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line for line in head if b"=?" in line and not line.startswith(b"From: ")] == []
    assert b"List-Id: <weekly.example.org>" in head


def test_a_notice_is_marked_as_a_machines_and_has_no_list_headers() -> None:
    form = notice_form(notice(), notice_envelope(Settings()), DATE)

    message = parsed(form.copy_for(replace(SAMPLE, name=None, unsubscribe_url="")))

    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "miriam@example.org"
    assert not any(name.startswith(("List-", "Precedence", "Feedback")) for name in message)
    assert form.headers_for(SAMPLE) == {
        "Auto-Submitted": "auto-generated",
        "Content-Language": "en",
        "X-Practice": "yes",
    }
    assert parts(message) == (notice().text.literals[0], notice().html.literals[0])


def test_practice_is_told_in_a_header() -> None:
    assert parsed(form_of(practice=True).copy_for(SAMPLE))["X-Practice"] == "yes"
    assert parsed(form_of(practice=False).copy_for(SAMPLE))["X-Practice"] is None


def test_a_test_mail_says_so_in_its_feedback_id() -> None:
    assert ":test:" in form_of(kind="test").headers_for(SAMPLE)["Feedback-ID"]


def test_headers_for_an_api_are_plain_strings_without_what_it_writes_itself() -> None:
    headers = form_of().headers_for(SAMPLE)

    assert set(headers) == {
        *("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "List-Owner", "List-Help"),
        *("Feedback-ID", "Precedence", "Content-Language"),
    }
    assert headers["List-Unsubscribe"] == f"<https://prayer.example.org/u/{SAMPLE_TOKEN}>"
    assert form_of().headers_for(SAMPLE) is not headers


def test_without_a_reply_address_or_a_website_their_headers_are_left_out() -> None:
    message = parsed(form_of(reply_to=None, website="").copy_for(SAMPLE))

    assert message["Reply-To"] is None
    assert message["List-Help"] is None
    assert message["List-Owner"] == "<mailto:prayer@example.org>"


def test_the_date_keeps_its_zone() -> None:
    date = datetime(2026, 11, 27, 7, 0, tzinfo=timezone(timedelta(hours=9)))

    message = parsed(bulletin_form(small(), ENVELOPE, date).copy_for(SAMPLE))

    assert message["Date"] == "Fri, 27 Nov 2026 07:00:00 +0900"


# --- subjects and names in every script -------------------------------------------------------

WORDS = (
    "prayer für größere señor été naïve Église",
    "صلاة من أجل الكنائس في الجبال لنصلِّ",
    "산골 교회를 위한 기도 여러분께",
    "请为山区教会祷告 朋友们 平安",
    "Молитва за общины Здравствуйте",
    "प्रार्थना करें परिवार के लिए",
    "🙏 👨‍👩‍👧 👍🏽 ✝️",
    '= ? _ =?utf-8?q?x?= =20 ?= " , <a@b> ( \\',
)
SUBJECTS = st.one_of(
    *(st.lists(st.sampled_from(words.split()), min_size=1, max_size=20) for words in WORDS),
    st.lists(st.sampled_from(" ".join(WORDS).split()), min_size=1, max_size=20),
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(SUBJECTS)
@example("x" * 1500)
@example("é " * 700 + "é")
@example("A single line of plain letters that is longer than one header line has room for")
def test_a_subject_in_any_script_comes_back(subject: str) -> None:
    raw = form_of(small(subject)).copy_for(SAMPLE)

    head = raw.partition(b"\r\n\r\n")[0]
    written = re.search(rb"\r\nSubject: ([^\r]*(?:\r\n [^\r]*)*)", head)
    assert written
    assert str(make_header(decode_header(written[1].decode()))) == subject
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert all(
        len(word) <= 75 for word in re.findall(rb"=\?[^ \r\n]*\?=", head) if b"utf-8" in word
    )
    if "=?" not in subject:
        assert parsed(written[0].lstrip() + b"\r\n\r\n")["Subject"] == subject


@settings(max_examples=100, deadline=None)
@given(st.one_of(SUBJECTS, st.text(max_size=90)))
@example('Lee, Ann "the singer" \\ (x) <y@z>')
@example("Ann\r\nBcc: everyone@example.org")
def test_a_name_in_any_script_comes_back_as_one_mailbox(name: str) -> None:
    raw = form_of().copy_for(replace(SAMPLE, name=name))

    head = raw.partition(b"\r\n\r\n")[0]
    assert head.count(b"\r\nTo: ") == 1
    assert b"\r\nBcc" not in head
    mailboxes = parsed(raw)["To"].addresses
    assert [mailbox.addr_spec for mailbox in mailboxes] == ["miriam@example.org"]
    assert display_name(raw, "To") == clean_name(name)


def display_name(raw: bytes, header: str) -> str:
    """The name as RFC 2047 has it: Python 3.11 keeps the space between encoded words."""
    plain = email.message_from_bytes(raw, policy=email.policy.compat32)[header]
    if "=?utf-8?b?" in plain:
        return str(make_header(decode_header(plain.rpartition("\r\n")[0])))
    return parseaddr(plain)[0]


@pytest.mark.parametrize("name", ["Gebetsgruppe Köln, e.V.", "기도 네트워크", "A" * 250, ""])
def test_the_senders_name_comes_back(name: str) -> None:
    raw = form_of(name=name).copy_for(SAMPLE)

    assert display_name(raw, "From") == name
    assert parsed(raw)["From"].addresses[0].addr_spec == "prayer@example.org"


@pytest.mark.parametrize("name", [None, "Jörg", "Anna"])
def test_an_address_beyond_ascii_stands_in_its_header_as_it_is(name: str | None) -> None:
    raw = form_of().copy_for(replace(SAMPLE, address="jörg.ö@example.org", name=name))

    to = re.search(rb"\r\nTo: ([^\r]*(?:\r\n [^\r]*)*)", raw)
    assert to
    assert to[1].endswith("jörg.ö@example.org".encode() + (b">" if name else b""))


def test_international_domains_are_written_in_ascii() -> None:
    form = form_of(email="prayer@straße.de", reply_to="büro@example.org".replace("ü", "u"))

    message = parsed(form.copy_for(replace(SAMPLE, address="miriam@bücher.de")))

    assert message["From"].addresses[0].addr_spec == "prayer@xn--strae-oqa.de"
    assert message["To"].addresses[0].addr_spec == "miriam@xn--bcher-kva.de"
    assert message["Message-ID"] == f"<{SAMPLE_TOKEN}@xn--strae-oqa.de>"


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Ann\r\nBcc: x@example.org"}, "the sender's name"),
        ({"name": "Ann\x00"}, "the sender's name"),
        ({"list_title": "Weekly\nPrayer"}, "the title of the list"),
        ({"list_name": "weekly\r\n"}, "the name of the list"),
        ({"email": "prayer"}, r"sender\.email"),
        ({"email": "prayer@example.org\nBcc: x"}, r"sender\.email"),
        ({"email": "jörg@example.org"}, r"sender\.email"),
        ({"reply_to": "office @example.org"}, r"sender\.reply_to"),
        ({"website": "https://prayer.example.org/a b"}, r"organisation\.url"),
        ({"website": "https://x.org/\r\nBcc:"}, r"organisation\.url"),
    ],
)
def test_a_setting_that_cannot_stand_in_a_header_is_a_sentence(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence):
        bulletin_form(small(), envelope_with(**changes), DATE)


def test_a_discreet_address_that_cannot_stand_in_a_header_is_called_by_its_setting() -> None:
    envelope = envelope_with(website="https://briefe.müller.example")

    with pytest.raises(Problem, match=r"discreet\.url"):
        bulletin_form(small(), replace(envelope, style=Style.DISCREET), DATE)


@pytest.mark.parametrize("control", ["\r", "\n", "\x00", "\x07", "\x85", "\u2028"])
def test_a_subject_with_a_control_character_is_refused(control: str) -> None:
    with pytest.raises(Problem, match="the subject"):
        form_of(small(f"Pray{control}Bcc: x@example.org"))


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "miriam"},
        {"address": "miriam@example.org\r\nBcc: x@example.org"},
        {"address": "a@example.org,b@example.org"},
        {"address": "jörg@example.org\r\nBcc: x"},
        {"address": "jö rg@example.org"},
        {"address": "jörg\u2028@example.org"},
        {"address": "ö" * 33 + "@example.org"},
        {"token": "a b"},
        {"token": "a>\r\nBcc: x"},
        {"token": ""},
        {"unsubscribe_url": ""},
        {"unsubscribe_url": "https://x.org/>\r\nBcc: x"},
        {"unsubscribe_url": "https://x.org/" + "a" * 1000},
    ],
)
def test_a_recipient_that_would_break_a_header_is_refused_unnamed(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^(an address|a link|the token) ") as refused:
        form_of().copy_for(replace(SAMPLE, **changes))  # type: ignore[arg-type]  # fields

    assert "@" not in str(refused.value)


def test_kinds_are_not_mixed_up() -> None:
    with pytest.raises(ValueError, match="around a bulletin"):
        bulletin_form(small(), notice_envelope(Settings()), DATE)
    with pytest.raises(ValueError, match="around a notice"):
        notice_form(notice(), ENVELOPE, DATE)


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        bulletin_form(small(), ENVELOPE, DATE.replace(tzinfo=None))


# --- what providers and previews use ----------------------------------------------------------


def test_a_form_tells_what_an_api_asks_for() -> None:
    form = form_of(rendered_in("en"))

    assert (form.subject, form.email) == ("Harvest in the hills", rendered_in("en"))
    assert (form.sender_name, form.sender_email) == ("Prayer Network", "prayer@example.org")
    assert form.reply_to == "office@example.org"
    assert form.values_for(SAMPLE)[1][Slot.UNSUBSCRIBE] == SAMPLE.unsubscribe_url


def test_the_envelope_comes_from_the_settings() -> None:
    sender = Sender(name="Anna", email="anna@example.net", reply_to="a@example.net")

    smtp = Smtp(return_path="bounces@example.net")

    envelope = bulletin_envelope(
        Settings(sender=sender, provider=Provider(smtp=smtp)),
        list_name="w",
        list_title="W",
        list_id=1,
        issue_id=2,
    )

    assert envelope == Envelope(
        "bulletin",
        Identity(
            *("Anna", "anna@example.net", "a@example.net", "http://127.0.0.1:8000"),
            "bounces@example.net",
        ),
        *(True, "w", "W", 1, 2),
    )


def test_a_list_with_a_sender_of_its_own_names_no_other_domain() -> None:
    settings = Settings.model_validate(
        {
            "sender": {
                "name": "Office",
                "email": "office@example.org",
                "reply_to": "o@example.org",
            },
            "lists": {
                "hills": {
                    "sender_name": "Hills",
                    "sender_email": "news@hills.example.net",
                    "reply_to": "",
                }
            },
        }
    )
    envelope = bulletin_envelope(settings, list_name="hills", list_title="H", list_id=1, issue_id=2)

    raw = bulletin_form(small(), envelope, DATE).copy_for(SAMPLE)

    head = raw.partition(b"\r\n\r\n")[0].decode()
    assert 'From: "Hills" <news@hills.example.net>' in head
    assert f"Message-ID: <{SAMPLE_TOKEN}@hills.example.net>" in head
    assert 'List-Id: "H" <hills.hills.example.net>' in head
    assert "List-Owner: <mailto:news@hills.example.net>" in head
    assert "Reply-To" not in head
    assert "office" not in head.lower()
    assert identity_of(settings).email == "office@example.org"


def test_the_sample_is_nobody() -> None:
    assert SAMPLE.delivery_id == 0
    assert SAMPLE.address.endswith("@example.org")
    assert len(SAMPLE_TOKEN) == 23
    assert (
        sample_recipient("https://x.org", "B" * 23).preferences_url == "https://x.org/p/" + "B" * 23
    )
