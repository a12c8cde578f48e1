"""Editions by style: who reads which, and that a discreet one names nobody on its final bytes."""

import base64
import json
import quopri
import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, literal, select, update

from newsletter.bulletin import Columns
from newsletter.checks import Severity
from newsletter.config import Dkim, Settings
from newsletter.discreet import Ministry, Named, fault_in
from newsletter.dispatch.forms import Forms
from newsletter.dispatch.freeze import ApprovalVoid, edition_for, freeze
from newsletter.dispatch.ledger import Claim
from newsletter.dispatch.received import why_left_out
from newsletter.dispatch.sample import submit_sample
from newsletter.errors import NotFound, Problem
from newsletter.issue import Desk, describe, findings, restyle, schedule
from newsletter.message import MessageForm, Recipient, bulletin_envelope, bulletin_form
from newsletter.providers.practice import Practice
from newsletter.providers.sendgrid.sending import requests_for
from newsletter.providers.smtp import Signer, Signers
from newsletter.providers.smtp.dkim import SigningKey
from newsletter.rendering import Templates, discreet_look, html_bytes, render
from newsletter.site import shipped_templates
from newsletter.tables import Batch, Delivery, DeliveryState, Edition, Issue, IssueState, Reason
from subscribers.consent import choose_style
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys, Purpose
from subscribers.style import Style
from subscribers.tables import MailingList, Subscriber
from tests import mails
from tests.audiences import add_people
from tests.bulletins import ALL, LOOK
from tests.copies import NOON as SENT
from tests.copies import leave
from tests.message_rules import broken_rules
from tests.office import HARVEST, HARVEST_MENDED, PAUL, Office

STANDARD, LARGE, PLAIN, DISCREET = Style
MINISTRY = "Harvest Light Mission"
NAMES = (
    *(MINISTRY, "Office of the Mission", "harvestlight.example", "office@answers.example"),
    *("Weekly Letter of Light", "light-weekly", "3 Chapel Lane, Leeds", "Night Watch"),
)
SETTINGS = Settings.model_validate(
    {
        "organisation": {
            "name": MINISTRY,
            "postal_address": "3 Chapel Lane, Leeds",
            "url": "https://www.harvestlight.example",
        },
        "sender": {
            "name": "Office of the Mission",
            "email": "news@harvestlight.example",
            "reply_to": "office@answers.example",
        },
        "lists": {"light-weekly": {"sender_name": "Night Watch"}},
        "discreet": {
            "name": "Anna",
            "email": "letters@quiet.example",
            "url": "https://letters.quiet.example",
            "postal_address": "PO Box 1, Leeds",
            "return_path": "back@quiet.example",
        },
        "provider": {"kind": "smtp", "smtp": {"return_path": "b@harvestlight.example"}},
    }
)
TEMPLATES = Templates((shipped_templates(),))
UNSET = SETTINGS.model_copy(update={"discreet": Settings().discreet})


@pytest.fixture
def office(engine: Engine, keys: Keys) -> Office:
    return Office(engine, Desk(keys, SETTINGS, TEMPLATES))


@pytest.fixture
def small(sqlite_url: str, keys: Keys) -> Iterator[Office]:
    """The same on SQLite alone, for what has nothing to do with the database."""
    engine = open_engine(sqlite_url)
    yield Office(engine, Desk(keys, SETTINGS, TEMPLATES))
    engine.dispose()


def without_discreet(office: Office) -> Office:
    return Office(office.engine, Desk(office.desk.keys, UNSET, TEMPLATES))


def make_list(office: Office, style: Style | None = None) -> int:
    list_id = office.add_list("light-weekly", cadence=None)
    with writing(office.engine) as session:
        made = session.get_one(MailingList, list_id)
        made.title, made.style = "Weekly Letter of Light", style
    return list_id


def add(office: Office, list_id: int, style: Style | None, language: str | None = None) -> int:
    with writing(office.engine) as session:
        [number] = add_people(session, office.desk.keys, list_id, 1, language)
        session.execute(update(Subscriber).where(Subscriber.id == number).values(style=style))
    return number


def draft(office: Office, list_id: int, source: bytes = HARVEST) -> int:
    return office.draft(list_id, office.add(list_id, source).id, office.now)


def editions(office: Office, issue_id: int) -> list[tuple[str, str]]:
    with reading(office.engine) as session:
        view = describe(session, office.desk.keys, office.desk.settings, issue_id)
    return [(each.language, each.style) for each in view.editions]


def begin(office: Office, issue_id: int) -> None:
    with writing(office.engine) as session:
        session.execute(
            update(Issue)
            .where(Issue.id == issue_id)
            .values(
                state=IssueState.SCHEDULED,
                approved_hash=Issue.version_hash,
                due_at=office.now,
                not_before=None,
            )
        )
        freeze(session, office.desk.keys, issue_id, False, 500, 2, office.now)


def read_by(office: Office, issue_id: int) -> dict[int, str | Reason | None]:
    """Return the style of the edition that each person gets, or why they get none."""
    with reading(office.engine) as session:
        excluded = session.execute(
            select(Delivery.subscriber_id, Delivery.reason).where(
                Delivery.issue_id == issue_id, Delivery.state == DeliveryState.EXCLUDED
            )
        )
        found: dict[int, str | Reason | None] = {row[0]: row[1] for row in excluded}
        pending = session.execute(
            select(Delivery.subscriber_id, Edition.language, Edition.style)
            .join(Batch, Delivery.id.between(Batch.first_id, Batch.last_id))
            .join(
                Edition,
                (Edition.issue_id == Batch.issue_id) & (Edition.no == Batch.edition_no),
            )
            .where(Delivery.issue_id == issue_id, Delivery.state == DeliveryState.PENDING)
        )
        return found | {row[0]: f"{row.language} {row.style}" for row in pending}


def blockers(office: Office, issue_id: int) -> list[tuple[str, int, str]]:
    with reading(office.engine) as session:
        issue = session.get_one(Issue, issue_id)
        found = findings(session, office.desk.keys, office.desk.settings, issue)
    return [(f.rule, f.line, f.message) for f in found if f.severity is Severity.BLOCKER]


# --- which editions there are -----------------------------------------------------------------


def test_what_nobody_reads_is_not_made(small: Office) -> None:
    office = without_discreet(small)
    list_id = make_list(office)
    add(office, list_id, None)

    assert editions(office, draft(office, list_id)) == [("en", "standard")]


def test_a_style_is_made_in_the_language_of_whoever_chose_it(office: Office) -> None:
    office = without_discreet(office)
    list_id, other = make_list(office), office.add_list("other", cadence=None)
    add(office, list_id, LARGE, "de-AT")
    add(office, list_id, LARGE, "de")
    add(office, list_id, PLAIN, "ko")
    add(office, other, PLAIN, "de")
    issue_id = draft(office, list_id)

    office.add(list_id, HARVEST, "harvest.de.txt")

    assert editions(office, issue_id) == [
        ("en", "standard"),
        ("en", "plain"),
        ("de", "standard"),
        ("de", "large"),
    ]


def test_a_list_forces_one_style_and_nothing_else_is_made(small: Office) -> None:
    office = without_discreet(small)
    list_id = make_list(office, LARGE)
    add(office, list_id, PLAIN)

    assert editions(office, draft(office, list_id)) == [("en", "large")]


def test_where_it_is_set_up_the_discreet_edition_is_always_there(small: Office) -> None:
    list_id = make_list(small)

    assert editions(small, draft(small, list_id)) == [("en", "standard"), ("en", "discreet")]


def test_a_new_version_has_the_editions_of_its_own_readers(small: Office) -> None:
    office = without_discreet(small)
    list_id = make_list(office)
    number = add(office, list_id, LARGE)
    issue_id = draft(office, list_id)
    with writing(office.engine) as session:
        choose_style(session, number, STANDARD)

    office.add(list_id, HARVEST_MENDED)

    assert editions(office, issue_id) == [("en", "standard")]


def test_unsent_issues_follow_the_style_of_their_list(small: Office) -> None:
    list_id = make_list(small)
    issue_id = draft(small, list_id)
    with reading(small.engine) as session:
        before = session.get_one(Issue, issue_id).version_hash

    with writing(small.engine) as session:
        session.get_one(MailingList, list_id).style = DISCREET
        session.flush()
        restyle(session, small.desk, list_id, PAUL, small.now)

    assert editions(small, issue_id) == [("en", "discreet")]
    with reading(small.engine) as session:
        assert session.get_one(Issue, issue_id).version_hash != before


# --- who reads which --------------------------------------------------------------------------


@pytest.mark.parametrize("forced", [None, *Style])
def test_everyone_reads_their_language_in_their_style(office: Office, forced: Style | None) -> None:
    list_id = make_list(office, forced)
    people = {
        add(office, list_id, style, language): (style or STANDARD, language or "en")
        for style in (None, *Style)
        for language in (None, "de")
    }
    issue_id = draft(office, list_id)
    office.add(list_id, HARVEST, "harvest.de.txt")

    begin(office, issue_id)

    assert read_by(office, issue_id) == {
        number: f"{language} {(DISCREET if style is DISCREET else forced or style).label}"
        for number, (style, language) in people.items()
    }


def test_who_chooses_after_the_draft_reads_the_standard_or_the_discreet_one(
    office: Office,
) -> None:
    list_id = make_list(office)
    large, discreet, nobody = (add(office, list_id, None) for _ in range(3))
    issue_id = draft(office, list_id)
    with writing(office.engine) as session:
        choose_style(session, large, LARGE)
        choose_style(session, discreet, DISCREET)

    begin(office, issue_id)

    assert read_by(office, issue_id) == {
        large: "en standard",
        discreet: "en discreet",
        nobody: "en standard",
    }


def test_where_there_is_no_discreet_edition_its_readers_get_nothing_and_staff_are_told(
    office: Office,
) -> None:
    office = without_discreet(office)
    list_id = make_list(office)
    late, other = add(office, list_id, None), add(office, list_id, None)
    issue_id = draft(office, list_id)
    with writing(office.engine) as session:
        choose_style(session, late, DISCREET)

    begin(office, issue_id)

    assert read_by(office, issue_id) == {late: Reason.NO_DISCREET_EDITION, other: "en standard"}
    assert f"no-discreet-edition/{issue_id}" in office.notices()


def test_nobody_reads_another_language_for_want_of_a_discreet_edition(office: Office) -> None:
    list_id = make_list(office)
    people = [add(office, list_id, None, language) for language in ("en", "de", None)]
    issue_id = draft(office, list_id, HARVEST + f"\n{MINISTRY}\n".encode())
    office.add(list_id, HARVEST, "harvest.de.txt")
    with writing(office.engine) as session:
        for number in people:
            choose_style(session, number, DISCREET)

    begin(office, issue_id)

    none = Reason.NO_DISCREET_EDITION
    assert read_by(office, issue_id) == dict(zip(people, (none, "de discreet", none), strict=True))


def test_a_list_that_became_discreet_sends_nobody_the_standard_one(office: Office) -> None:
    office = without_discreet(office)
    list_id = make_list(office)
    number = add(office, list_id, None)
    issue_id = draft(office, list_id)
    with writing(office.engine) as session:
        session.get_one(MailingList, list_id).style = DISCREET

    begin(office, issue_id)

    assert read_by(office, issue_id) == {number: Reason.NO_DISCREET_EDITION}


@pytest.mark.parametrize("by_list", [False, True])
def test_whoever_turns_to_the_discreet_mail_while_it_goes_out_is_left_out(
    office: Office, by_list: bool
) -> None:
    list_id = make_list(office)
    number = add(office, list_id, None)
    chosen = select(
        *(
            why_left_out(literal(number), literal(list_id), literal(0), (), discreet=discreet)
            for discreet in (False, True)
        )
    )
    with writing(office.engine) as session:
        before = session.execute(chosen).one()

        if by_list:
            session.get_one(MailingList, list_id).style = DISCREET
        else:
            choose_style(session, number, DISCREET)
        session.flush()

        after = session.execute(chosen).one()
        assert (tuple(before), tuple(after)) == ((None, None), (Reason.NO_DISCREET_EDITION, None))


# --- what keeps an issue back -----------------------------------------------------------------


def test_a_text_that_names_the_ministry_is_blocked_for_the_sake_of_its_discreet_readers(
    small: Office,
) -> None:
    list_id = make_list(small)
    issue_id = draft(small, list_id, HARVEST.replace(b"The old mill", b"Harvest Light\nMission"))
    assert editions(small, issue_id) == [("en", "standard")]
    assert blockers(small, issue_id) == []

    add(small, list_id, DISCREET)

    assert blockers(small, issue_id) == [
        (
            "ministry-named",
            4,
            "Line 4 names the ministry (“Harvest Light Mission”), and 1 person of this list must "
            "not be seen to hear from it: write it without the name.",
        )
    ]


def test_incomplete_settings_block_an_issue_with_discreet_readers_until_they_are_complete(
    small: Office,
) -> None:
    office = without_discreet(small)
    list_id = make_list(office, DISCREET)
    add(office, list_id, None)
    issue_id = draft(office, list_id)

    assert blockers(office, issue_id) == [
        (
            "discreet-impossible",
            1,
            "1 person of this list must not be seen to hear from us, and the discreet mail for "
            "them cannot be made: name, email, url and postal_address must be set under "
            "[discreet].",
        )
    ]
    assert office.state(issue_id) is IssueState.DRAFT
    begin(office, issue_id)
    assert set(read_by(office, issue_id).values()) == {Reason.NO_DISCREET_EDITION}


def test_scheduling_makes_the_edition_that_the_settings_now_allow(small: Office) -> None:
    unset = without_discreet(small)
    list_id = make_list(unset)
    add(unset, list_id, DISCREET)
    issue_id = draft(unset, list_id)
    [(rule, _, message)] = blockers(small, issue_id)
    assert rule == "discreet-impossible"
    assert f"newsletter issue schedule {issue_id}" in message

    with writing(small.engine) as session:
        schedule(session, small.desk, issue_id, None, PAUL, small.now)

    assert editions(small, issue_id) == [("en", "standard"), ("en", "discreet")]
    assert blockers(small, issue_id) == []


@pytest.mark.parametrize(
    ("discreet", "fault"),
    [
        ({}, ""),
        ({"postal_address": ""}, "postal_address must be set under [discreet]"),
        ({"name": f"The {MINISTRY}"}, "name under [discreet] names the ministry"),
        (
            {"email": "anna@mail.harvestlight.example"},
            "email under [discreet] is of a domain that names the ministry",
        ),
        ({"url": "https://example"}, "url under [discreet] is of a domain that names the ministry"),
        (
            {"return_path": "b@harvestlight.example"},
            "return_path under [discreet] is of a domain that names the ministry",
        ),
        ({"postal_address": "3 Chapel Lane\u00a0, Leeds"}, "postal_address under [discreet] names"),
        ({"return_path": "night.watch@quiet.example"}, "return_path under [discreet] names"),
        ({"dkim": Dkim(rsa_selector="night-watch1")}, "dkim.rsa_selector under [discreet] names"),
        ({"dkim": Dkim(domain="night-watch.quiet.example")}, "dkim.domain under [discreet] names"),
        ({"dkim": Dkim(domain="quiet.example", ed25519_selector="autumn")}, ""),
    ],
)
def test_settings_that_name_the_ministry_make_no_discreet_mail(
    discreet: dict[str, object], fault: str
) -> None:
    changed = SETTINGS.discreet.model_copy(update=discreet)
    settings = SETTINGS.model_copy(update={"discreet": changed})

    assert fault_in(settings).startswith(fault)
    assert bool(fault_in(settings)) == bool(fault)


@pytest.mark.parametrize(
    ("own", "discreet", "belongs"),
    [
        ("news.wells.example", "letters.wells.example", True),  # beside one another
        ("news.wells.org.uk", "letters.wells.org.uk", True),
        ("a.b.wells.com", "c.wells.com", True),
        ("wells.org.uk", "quiet.org.uk", False),
        ("wells.com.br", "letters.quiet.com.br", False),
        ("wells.org", "quiet.org", False),
    ],
)
def test_a_domain_beside_the_ministrys_belongs_to_it(
    own: str, discreet: str, belongs: bool
) -> None:
    settings = Settings.model_validate(
        {
            "organisation": {"name": "Three Rivers", "url": "http://127.0.0.1:8000"},
            "sender": {"name": "Three Rivers", "email": f"office@{own}"},
            "discreet": {
                "name": "Anna",
                "email": f"anna@{discreet}",
                "url": f"https://{discreet}",
                "postal_address": "PO Box 1, Leeds",
            },
        }
    )

    assert bool(fault_in(settings)) == belongs


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Written by the harvest  light\nmission.", MINISTRY),
        ("HARVESTLIGHTMISSION", MINISTRY),
        ("see http://www.HarvestLight.example/x", "harvestlight.example"),
        ("anna@mail.harvestlight.example", "harvestlight.example"),
        ("In the weekly letter of light we said", "Weekly Letter of Light"),
        ("light-weekly", "light weekly"),
        ("the harvest, light of heart; mission schools", ""),
        ("myharvestlight.example harvestlight.example.net answers.example", ""),
        ("Each week we write", ""),
    ],
)
def test_a_name_is_found_however_it_is_written(text: str, name: str) -> None:
    ministry = Ministry(SETTINGS, [("light-weekly", "Weekly Letter of Light"), ("week", "Week")])

    found = ministry.named_in(f"First\n{text}", "en")

    assert found == ([Named(1, name)] if name else [])


# --- how they look ----------------------------------------------------------------------------


def test_large_print_is_larger_by_a_third_everywhere() -> None:
    [bulletin] = [each for each in ALL if each.language == "en"]
    standard, large = (
        "".join(render(bulletin, LOOK, TEMPLATES, style).html.literals)
        for style in (STANDARD, LARGE)
    )

    sizes = [
        [int(size) for size in re.findall(r"(?:font-size|line-height): ?(\d+)px", page)]
        for page in (standard, large)
    ]

    assert min(sizes[0]) < 17
    assert sizes[1] == [round(size * 22 / 17) for size in sizes[0]]
    assert re.search(r'class="story"[^>]*font-size: ?22px', large)


def test_large_print_has_one_column() -> None:
    [bulletin] = [each for each in ALL if each.language == "en"]
    blocks = (
        Columns(("Left.", "Below."), ("Right.",), 1, (1, 2, 3)),
        Columns(("North.", "Snow."), ("South.", "Rain."), 4, (4, 5, 6, 7), headed=True),
    )

    page = "".join(render(replace(bulletin, blocks=blocks), LOOK, TEMPLATES, LARGE).html.literals)

    assert 'class="column"' not in page
    assert re.findall(r'<p class="(group|text)[^>]*>(\w+\.)<', page) == [
        *(("text", word) for word in ("Left.", "Below.", "Right.")),
        *(("group", "North."), ("text", "Snow."), ("group", "South."), ("text", "Rain.")),
    ]


def test_plain_is_text_alone() -> None:
    [bulletin] = [each for each in ALL if each.language == "en"]
    email = render(bulletin, LOOK, TEMPLATES, PLAIN)

    assert email.text_only
    assert (html_bytes(email), email.photos) == (0, ())
    assert type(email).from_json(email.to_json()) == email


@pytest.mark.parametrize("language", ["en", "ar", "fa", "ko"])
def test_a_discreet_mail_tells_nothing_before_it_is_opened(language: str) -> None:
    bulletin = next(
        each for each in (*ALL, replace(ALL[1], language="fa")) if each.language == language
    )
    email = render(bulletin, discreet_look(SETTINGS), TEMPLATES, DISCREET, 14)

    subjects = {"en": "Letter 14", "ar": "رسالة 14", "fa": "نامهٔ ۱۴", "ko": "편지 14"}
    page, text = "".join(email.html.literals), "".join(email.text.literals)
    assert email.subject == subjects[language]
    assert f">{email.subject}</h1>" in page
    assert text.startswith(f"{email.subject}\n\n")
    assert bulletin.title not in "".join(email.html.literals[:1]) + email.text.literals[0]
    assert bulletin.title.split()[0] in page.partition("</h1>")[2]


@pytest.mark.parametrize("style", [LARGE, PLAIN, DISCREET])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_style_keeps_the_rules_of_mail(style: Style, language: str) -> None:
    raw = form_of(style, language).copy_for(mails.READER)

    assert broken_rules(raw, "bulletin", text_only=style is PLAIN) == []


def form_of(style: Style, language: str = "en") -> MessageForm:
    [bulletin] = [each for each in ALL if each.language == language]
    look = discreet_look(SETTINGS) if style is DISCREET else LOOK
    envelope = bulletin_envelope(
        SETTINGS, list_name="weekly", list_title="", list_id=1, issue_id=2, style=style
    )
    return bulletin_form(render(bulletin, look, TEMPLATES, style, 2), envelope, SENT)


def test_a_plain_copy_for_smtp_and_for_dkim_says_the_same() -> None:
    form = form_of(PLAIN)

    copy = form.copy_for(mails.READER)

    assert message_from_bytes(copy).get_content_type() == "text/plain"
    assert b"".join(form.pieces_for(mails.READER)).replace(b"\r\n..", b"\r\n.") == copy
    assert form.relaxed_for(mails.READER)[1].count(b"\r\n") == copy.partition(b"\r\n\r\n")[2].count(
        b"\r\n"
    )


def test_sendgrid_gets_text_alone_for_a_plain_edition() -> None:
    [request] = requests_for(form_of(PLAIN), [mails.READER], 1, 10)

    assert [part["type"] for part in json.loads(request.body)["content"]] == ["text/plain"]


# --- a discreet copy on its final bytes -------------------------------------------------------


def decodings(raw: bytes) -> Iterator[str]:
    """Yield a message in every way in which somebody could read it."""
    yield raw.decode("utf-8", "replace")
    yield quopri.decodestring(raw).decode("utf-8", "replace")
    message = message_from_bytes(raw)
    for part in message.walk():
        for name, value in part.items():
            yield f"{name}: {make_header(decode_header(value))}"
            yield re.sub(r"\r?\n[ \t]", "", str(value))
        yield bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    for run in re.findall(rb"[A-Za-z0-9+/\r\n]{24,}", raw):
        whole = re.sub(rb"[\r\n]", b"", run)
        for skipped in range(4):
            piece = whole[skipped : skipped + (len(whole) - skipped) // 4 * 4]
            yield base64.b64decode(piece).decode("utf-8", "replace")


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
    else:
        yield str(value)


def seen(texts: Iterator[str]) -> str:
    """Return everything in one, folded so that no spelling hides a name."""
    return re.sub(r"[\s_-]+", " ", re.sub(r"<[^>]+>", "", "\n".join(texts)).lower() + "\n").lower()


def assert_names_nobody(texts: list[str]) -> None:
    for text in (seen(iter(texts)), "\n".join(texts).lower()):
        for name in (*NAMES, "harvestlight"):
            assert name.lower() not in text
            assert name.lower().replace("-", " ") not in text
            assert name.lower().replace(" ", "") not in text


@pytest.fixture
def discreet(small: Office, keys: Keys) -> tuple[MessageForm, Recipient]:
    """A discreet edition as it is handed over, and its reader."""
    list_id = make_list(small)
    number = add(small, list_id, DISCREET)
    issue_id = draft(small, list_id)
    begin(small, issue_id)
    assert read_by(small, issue_id) == {number: "en discreet"}
    with reading(small.engine) as session:
        row = session.scalars(select(Batch).where(Batch.issue_id == issue_id)).one()
        claim = Claim(row.id, issue_id, list_id, row.edition_no, row.first_id, row.last_id, 1, True)
    form = Forms(small.engine, keys, SETTINGS).form_for(claim)
    url = form.envelope.sender.website
    token = keys.token(Purpose.UNSUBSCRIBE, 1)
    reader = Recipient(
        1,
        keys.token(Purpose.DELIVERY, 1),
        "mary@example.org",
        "Mary",
        f"{url}/u/{token}",
        f"{url}/p/{token}",
    )
    return form, reader


def test_smtp_carries_no_name_of_the_ministry(discreet: tuple[MessageForm, Recipient]) -> None:
    form, reader = discreet
    keys = (SigningKey("news", mails.rsa_key()), SigningKey("ed", mails.ed25519_key()))
    ours, quiet = Signer("harvestlight.example", keys), Signer("quiet.example", keys)

    signed = Signers(ours, quiet).signatures(form, reader, 1_795_600_000)
    raw = signed + b"".join(form.pieces_for(reader))

    assert signed.count(b"d=quiet.example") == 2
    assert Signers(ours, None).signatures(form, reader, 1_795_600_000) == b""
    assert_names_nobody([*decodings(raw), form.return_path])
    assert form.return_path == "back@quiet.example"
    assert broken_rules(signed + form.copy_for(reader), "bulletin", says=("Anna",)) == []


def test_sendgrid_gets_no_name_of_the_ministry(discreet: tuple[MessageForm, Recipient]) -> None:
    form, reader = discreet

    [request] = requests_for(form, [reader], 1, 10)

    assert_names_nobody([request.body.decode(), *strings_in(json.loads(request.body))])


def test_the_practice_mailbox_holds_no_name_of_the_ministry(
    discreet: tuple[MessageForm, Recipient], tmp_path: Path
) -> None:
    form, reader = discreet
    connection = Practice(tmp_path / "box").connect()

    connection.submit(form, [reader], leave())

    [file] = (tmp_path / "box" / "new").iterdir()
    assert_names_nobody([*decodings(file.read_bytes()), file.name])


def test_the_search_finds_a_name_in_the_standard_copy(small: Office) -> None:
    raw = form_of(STANDARD).copy_for(mails.READER)

    assert "harvestlight.example" in "\n".join(decodings(raw))


def test_a_name_that_came_up_after_the_approval_stops_the_discreet_edition(
    small: Office, keys: Keys
) -> None:
    list_id = make_list(small)
    add(small, list_id, DISCREET)
    issue_id = draft(small, list_id)
    begin(small, issue_id)
    with writing(small.engine) as session:
        session.get_one(MailingList, list_id).title = "The old mill"
    with reading(small.engine) as session:
        number = session.scalars(select(Edition.no).where(Edition.style == "discreet")).one()
    claim = Claim(0, issue_id, list_id, number, 1, 1, 1, True)

    with pytest.raises(ApprovalVoid, match="would name the ministry"):
        Forms(small.engine, keys, SETTINGS).form_for(claim)
    with pytest.raises(Problem, match="must be set under"):
        Forms(small.engine, keys, UNSET).form_for(claim)


@pytest.mark.parametrize(("forced", "wanted"), [(DISCREET, None), (None, DISCREET)])
def test_a_sample_of_the_discreet_edition_is_discreet(
    small: Office, keys: Keys, tmp_path: Path, forced: Style | None, wanted: Style | None
) -> None:
    issue_id = draft(small, make_list(small, forced))
    sample = partial(submit_sample, small.engine, keys, SETTINGS, Practice(tmp_path / "box"))

    sample(issue_id, "staff@example.org", small.now, wanted)

    [file] = (tmp_path / "box" / "new").iterdir()
    assert_names_nobody(list(decodings(file.read_bytes())))
    with pytest.raises(NotFound, match="has no large edition"):
        sample(issue_id, "staff@example.org", small.now, LARGE)


def test_one_more_copy_is_discreet_or_none(office: Office) -> None:
    list_id = make_list(office)
    number = add(office, list_id, None)
    issue_id = draft(office, list_id)
    with writing(office.engine) as session:
        choose_style(session, number, DISCREET)
        said = select(Subscriber.id, edition_for(session, issue_id, list_id))
        with_one = session.execute(said.where(Subscriber.id == number)).one()[1]
        session.execute(delete(Edition).where(Edition.no == with_one))
        said = select(Subscriber.id, edition_for(session, issue_id, list_id))
        without = session.execute(said.where(Subscriber.id == number)).one()[1]

    assert (with_one, without) == (1, None)
