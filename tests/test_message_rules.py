"""The rules of tests/message_rules.py: each can be broken, and all that goes out keeps them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from newsletter.config import Settings
from newsletter.dispatch import Dispatcher
from newsletter.dispatch.extra import submit_copy
from newsletter.dispatch.sample import submit_sample
from newsletter.issue import Actor
from newsletter.notices import submit_notices, tell
from newsletter.providers.base import Answer, Provider
from newsletter.providers.practice import Practice
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.smtp import SmtpRelay
from newsletter.tables import Issue
from subscribers.database import open_engine, writing
from subscribers.privacy import Keys
from tests.audiences import MONDAY, add_issue, add_list, add_people, address_of
from tests.bulletins import LOOK
from tests.copies import person
from tests.mails import SAYS, SETTINGS, bulletin, edition, mail, signer
from tests.message_rules import ALL, RULES, Kind, broken_rules
from tests.office import TEMPLATES
from tests.servers.sendgrid import KEY, sendgrid_server
from tests.servers.smtp import smtp_server

# --- every rule can be broken ---------------------------------------------------------

Spoil = tuple[Kind, bytes, bytes]  # of which kind, what is replaced (a pattern), and by what


SPOILT: dict[str, Spoil] = {
    "raw.crlf": ("bulletin", rb"\r\n--=_", b"\n--=_"),
    "raw.ends-in-crlf": ("bulletin", rb"\r\n\Z", b""),
    "raw.no-nul": ("bulletin", rb"Dear", b"D\0ar"),
    "raw.line-length": ("bulletin", rb"Precedence: ", b"Precedence: " + 1000 * b"x"),
    "raw.body-line-length": ("bulletin", rb"=\r\nhttps", b"https"),
    "raw.ascii": ("bulletin", rb"Subject: ", "Subject: ü".encode()),
    "hdr.required": ("notice", rb"Date: [^\r]*\r\n", b""),
    "hdr.once": ("notice", rb"To: ", b"To: a@example.org\r\nTo: "),
    "hdr.known": ("notice", rb"To: ", b"X-Mailer: ours\r\nTo: "),
    "hdr.no-defects": ("notice", rb"To: [^\r]*", b"To: Miriam <miriam.s@example.net"),
    "hdr.from": ("notice", rb"From: [^\r]*", b"From: prayer@localhost"),
    "hdr.to": ("notice", rb"To: ", b"To: other@example.net, "),
    "hdr.reply-to": ("notice", rb"Reply-To: ", b"Reply-To: other@example.org, "),
    "hdr.date": ("notice", rb"\+0000", b"-0000"),
    "hdr.message-id": ("notice", rb"(Message-ID: <[^@]*)@[^>]*", rb"\1@localhost"),
    "hdr.content-language": ("bulletin", rb"Content-Language: en", b"Content-Language: fa"),
    "hdr.encoded-words": ("notice", rb"Subject: ", b"Subject: =?utf-8?b?w7w=?= =?utf-8?b?ww==?= "),
    "hdr.no-encoded-words-in-structured": (
        "bulletin",
        rb"List-Unsubscribe: [^\r]*",
        b"List-Unsubscribe: =?utf-8?q?=3Chttps=3A//prayer=2Eexample=2Eorg/u/A=3E?=",
    ),
    "mime.alternative": ("bulletin", rb"text/plain", b"text/calendar"),
    "mime.utf-8": ("bulletin", rb'text/plain; charset="utf-8"', b'text/plain; charset="latin-1"'),
    "mime.text-is-no-stub": (
        "bulletin",
        rb"(?s)(printable\r\n\r\n).*?(\r\nLeave|\r\nUnsubscribe)",
        rb"\1Please look at the page.\r\n\2",
    ),
    "mime.text-has-every-link": ("bulletin", rb'href=3D"https?://', b'href=3D"https://other.'),
    "mime.says": ("bulletin", rb"1 Example Street", b"2 Example Street"),
    "privacy.nobody-watches": ("bulletin", rb"(<body[^>]*>)", rb'\1<img src=3D"https://x.org/o.gif">'),
    "privacy.address-only-in-to": ("bulletin", rb"Unsubscribe", b"miriam.s=\r\n%40example.net"),
    "privacy.opaque-identifiers": ("bulletin", rb"Message-ID: <", b"Message-ID: <miriam.s-"),
    "list-unsubscribe.syntax": ("bulletin", rb"(List-Unsubscribe: <http)s", rb"\1"),
    "list-unsubscribe-post.exact": ("test", rb"=One-Click", b"=one-click"),
    "list-unsubscribe.in-both-parts": ("bulletin", rb"(List-Unsubscribe: <[^>]*)", rb"\1x"),
    "list-id.syntax": ("bulletin", rb"<weekly\.example\.org>", b"<weekly.localhost>"),
    "list-owner.syntax": ("bulletin", rb"(List-Owner: <)mailto:", rb"\1"),
    "list-others.syntax": ("bulletin", rb"(List-Help: )<([^>]*)>", rb"\1\2"),
    "list.none": ("notice", rb"To: ", b"List-Help: <https://prayer.example.org>\r\nTo: "),
    "precedence.bulk": ("bulletin", rb"Precedence: bulk", b"Precedence: list"),
    "precedence.none": ("notice", rb"To: ", b"Precedence: bulk\r\nTo: "),
    "auto-submitted.generated": ("notice", rb"auto-generated", b"auto-replied"),
    "auto-submitted.none": ("test", rb"To: ", b"Auto-Submitted: auto-generated\r\nTo: "),
    "feedback-id.syntax": ("bulletin", rb"Feedback-ID: i2:", b"Feedback-ID: l1:"),
    "cfbl-address.syntax": ("bulletin", rb"To: ", b"CFBL-Address: <f@example.org>\r\nTo: "),
    "dkim.covers": ("bulletin", rb":\s*list-unsubscribe-post(?=[:;])", b""),
    "practice.says-so": ("notice", rb"X-Practice: yes", b"X-Practice: no"),
}  # fmt: skip


def test_each_rule_has_a_mail_that_breaks_it() -> None:
    names = [rule.name for rule in RULES]

    assert list(SPOILT) == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", SPOILT)
def test_a_rule_that_is_broken_is_named(name: str) -> None:
    kind, pattern, instead = SPOILT[name]
    good = mail(kind)
    spoilt = re.sub(pattern, instead, good)

    assert spoilt != good
    assert broken_rules(good, kind, says=SAYS) == []
    assert name in broken_rules(spoilt, kind, says=SAYS)


@pytest.mark.parametrize("kind", sorted(ALL))
def test_a_good_mail_breaks_no_rule(kind: Kind) -> None:
    assert broken_rules(mail(kind), kind, says=SAYS) == []


def test_a_bulletin_is_no_notice_and_a_notice_is_no_bulletin() -> None:
    assert {"list.none", "precedence.none"} <= set(broken_rules(mail("bulletin"), "notice"))
    assert {"list-id.syntax", "list-unsubscribe.syntax"} <= set(
        broken_rules(mail("notice"), "bulletin")
    )


# --- everything that goes out keeps them ----------------------------------------------

NAMES = [
    *(None, "Miriam", "김민준", "مریم السيد", "Zoë Ångström", 'Ann "Lee", Ph.D.', "a" * 80),
    *("=?utf-8?q?x?=", "<b>&amp;", "Ann\r\nBcc: x@example.org", "...", "\U0001f64f" * 40),
]


@pytest.mark.parametrize("language", ["en", "ar", "ko"])
@pytest.mark.parametrize("base", ["https://prayer.example.org", f"https://x.org/{'a' * 106}"])
def test_whatever_somebody_is_called_their_copy_keeps_every_rule(language: str, base: str) -> None:
    form = bulletin(language)

    for no, name in enumerate(NAMES):
        reader = replace(
            person(no, name=name),
            unsubscribe_url=f"{base}/u/{no}",
            preferences_url=f"{base}/p/{no}",
        )
        assert broken_rules(form.copy_for(reader), "bulletin", says=SAYS) == [], name


@dataclass(frozen=True)
class Road:
    """A provider, and the messages that the other end has."""

    provider: Provider
    arrived: Callable[[], list[bytes]]


@contextmanager
def practice(folder: Path) -> Iterator[Road]:
    mailbox = folder / "mailbox"
    yield Road(Practice(mailbox), lambda: [file.read_bytes() for file in mailbox.glob("new/*")])


@contextmanager
def signed_smtp(folder: Path) -> Iterator[Road]:
    with smtp_server(folder, scripted=True, offers=("PIPELINING",)) as server:
        relay = SmtpRelay(server.settings(), "", signer())
        yield Road(relay, lambda: [taken.data for taken in server.taken()])


@contextmanager
def sendgrid(folder: Path) -> Iterator[Road]:
    with sendgrid_server(folder) as server:
        road = SendGrid(server.settings(), KEY)
        yield Road(road, lambda: [copy.message() for copy in server.copies()])


ROADS = {"practice": practice, "smtp": signed_smtp, "sendgrid": sendgrid}


def kind_of(raw: bytes) -> Kind:
    """Return which kind of mail the product says it is."""
    if b"\r\nAuto-Submitted: " in raw:
        return "notice"
    return "test" if re.search(rb"\r\nFeedback-ID: [^\r]*:test:", raw) else "bulletin"


@pytest.mark.parametrize("kind", ROADS)
def test_all_that_arrives_keeps_every_rule(
    sqlite_url: str, keys: Keys, tmp_path: Path, kind: str
) -> None:
    engine = open_engine(sqlite_url)
    chosen = Settings.model_validate(
        SETTINGS.model_dump()
        | {
            "organisation": {
                "url": "https://prayer.example.org",
                "name": LOOK.organisation,
                "postal_address": LOOK.postal_address,
            },
            "provider": {"kind": kind},
            "staff": {"notify": ["anna@example.org", "ben@example.org"]},
        }
    )
    with writing(engine) as session:
        list_id = add_list(session)
        for language in ("sw", "ar-EG", "ko-KR"):
            add_people(session, keys, list_id, 8, language)
        issue_id = add_issue(session, keys, list_id, languages=("en", "ar", "ko"), edition=edition)
        tell(session, keys, "empty", "A slot is empty", ["Friday, 07:00.", "Add one."], MONDAY)

    with ROADS[kind](tmp_path) as road:
        with writing(engine) as session:
            session.get_one(Issue, issue_id).practice = kind == "practice"
        submit_sample(engine, keys, chosen, road.provider, issue_id, "anna@example.org", MONDAY)
        Dispatcher(engine, keys, chosen, road.provider, lambda: MONDAY).run_once()
        copy = submit_copy(
            *(engine, keys, chosen, road.provider, issue_id, address_of(1)),
            *(Actor("anna@example.org", "command"), lambda: MONDAY),
        )
        submit_notices(engine, keys, chosen, road.provider, TEMPLATES, MONDAY)
        arrived = road.arrived()
    engine.dispose()

    assert copy.outcome.answer is Answer.ACCEPTED
    assert Counter(map(kind_of, arrived)) == {"bulletin": 25, "test": 1, "notice": 4}
    languages = Counter(re.findall(rb"\r\nContent-Language: (\S+)", b"".join(arrived)))
    assert languages == {b"en": 8 + 1 + 1 + 4, b"ar": 8, b"ko": 8}
    for raw in arrived:
        assert broken_rules(raw, kind_of(raw), says=SAYS) == []
        assert (b"DKIM-Signature: " in raw) == (kind == "smtp")
