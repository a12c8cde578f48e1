"""The staff's list of issues: what it tells, and to whom it refuses to."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import Request
from sqlalchemy import select, update

from newsletter.config import Discreet
from newsletter.rendering import Photo, RenderedEmail, Shell, Slot
from newsletter.site import Site
from newsletter.tables import (
    Attempt,
    AuditEntry,
    Bulletin,
    Delivery,
    DeliveryNote,
    DeliveryState,
    Edition,
    HandOver,
    Issue,
    IssueState,
    LogSearch,
    OutcomeKind,
    Reason,
    Stop,
)
from newsletter.web.app import serve
from newsletter.web.issues import PAGE_LENGTH
from newsletter.web.local import is_local
from subscribers.database import reading, writing
from subscribers.privacy import Purpose
from subscribers.tables import MailingList
from tests.conftest import NOON
from tests.pages import ask, everything_in, site_in

INDEX = b"c" * 16
BULLETIN = b"""Bread in the North.

The bakers of one town share what they have.

Please pray:
- Give thanks for the bakers.
- Pray that the flour lasts.
"""
DUE = NOON + timedelta(days=4)
COMPLETED = (
    (DeliveryState.SUBMITTED, None, 7),
    (DeliveryState.FAILED, Reason.ADDRESS_REFUSED, 1),
    (DeliveryState.UNKNOWN, Reason.ANSWER_LOST, 2),
    (DeliveryState.EXCLUDED, Reason.UNSUBSCRIBED, 3),
    (DeliveryState.EXCLUDED, Reason.SUPPRESSED, 1),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = site_in(tmp_path_factory.mktemp("site"))
    with writing(site.engine) as session:
        session.add(MailingList(id=1, name="weekly", title="Weekly <prayer>", created_at=NOON))
        session.flush()
        session.add(
            Bulletin(
                id=1,
                list_id=1,
                content_index=INDEX,
                source=site.keys.encrypt_bytes(BULLETIN, "bulletin.source", INDEX),
                file_name=site.keys.encrypt("north.txt", "bulletin.file_name", INDEX),
                language="en",
                added_at=NOON,
            )
        )
    yield site
    site.engine.dispose()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serve(site, lambda: NOON, "127.0.0.1", 0) as running:
        yield running.port


def _issue(
    site: Site,
    state: IssueState,
    deliveries: tuple[tuple[DeliveryState, Reason | None, int], ...] = (),
    practice: bool = True,
    languages: tuple[str, ...] = ("en",),
    outcome: OutcomeKind | None = None,
    pause_reason: str | None = None,
) -> int:
    people = iter(range(1, 1000))
    with writing(site.engine) as session:
        issue = Issue(
            bulletin_id=1,
            list_id=1,
            state=state,
            hold=False,
            version_hash=b"",
            due_at=DUE,
            created_at=NOON,
            practice=practice,
            pause_reason=pause_reason,
            audience_size=sum(count for _, _, count in deliveries) or None,
        )
        session.add(issue)
        session.flush()
        for no, language in enumerate(languages):
            session.add(_edition(site, issue.id, no, language))
        for delivery_state, reason, count in deliveries:
            session.add_all(
                Delivery(
                    issue_id=issue.id,
                    subscriber_id=next(people),
                    state=delivery_state,
                    reason=reason,
                    outcome=outcome if delivery_state is DeliveryState.SUBMITTED else None,
                )
                for _ in range(count)
            )
        return issue.id


def _edition(site: Site, issue_id: int, no: int, language: str) -> Edition:
    html = Shell(
        (
            f"<html lang={language}><p>",
            "</p><img src='cid:dot@photo'><a href='",
            "'>out</a><script>x()</script></html>",
        ),
        (Slot.GREETING, Slot.UNSUBSCRIBE),
    )
    email = RenderedEmail(
        "Pray & give thanks",
        html,
        Shell(("", "\nPray <now>.\n", ""), (Slot.GREETING, Slot.UNSUBSCRIBE)),
        language,
        photos=(Photo("dot@photo", "image/png", b"dot"),),
    )
    return Edition(
        issue_id=issue_id,
        no=no,
        bulletin_id=1,
        language=language,
        style="standard",
        email=site.keys.encrypt(email.to_json(), "edition.email", f"{issue_id}/{no}".encode()),
        hash=email.hash(),
    )


# --- what it tells ---------------------------------------------------------------------


def test_an_issue_under_a_quota_says_who_waits(site: Site) -> None:
    provider = site.settings.provider.model_copy(update={"per_day": 4})
    limited = replace(site, settings=site.settings.model_copy(update={"provider": provider}))
    number = _issue(site, IssueState.SENDING, ((DeliveryState.PENDING, None, 6),))

    with serve(limited, lambda: NOON, "127.0.0.1", 0) as running:
        page = ask(running.port, "GET", f"/staff/issues/{number}").text

    assert "4 more go on Monday 23 November, 2 wait until Tuesday 24 November" in page


def test_the_list_tells_state_and_counts_that_add_up(site: Site, port: int) -> None:
    number = _issue(site, IssueState.COMPLETED, COMPLETED)

    page = ask(port, "GET", "/staff/issues").text

    assert f"Issue {number}: <bdi>Weekly &lt;prayer&gt;</bdi>" in page
    assert "<strong>Completed</strong>" in page
    words = " ".join(page.split())
    assert (
        "14 people: 7 put into the practice mailbox, 2 not certain, 1 failed, 4 left out." in words
    )
    assert "Practice: nothing left this machine." in words


def test_an_issue_shows_its_report_as_a_sum(site: Site, port: int) -> None:
    number = _issue(site, IssueState.COMPLETED, COMPLETED)

    page = ask(port, "GET", f"/staff/issues/{number}").text

    rows = [
        ("Audience", 14),
        ("left out: unsubscribed", 3),
        ("left out: never to be mailed", 1),
        ("Deliveries", 10),
        ("put into the practice mailbox", 7),
        ("not certain", 2),
        ("failed", 1),
    ]
    for words, count in rows:
        assert f'<th scope="row">{words}</th><td>{count}</td>' in page
    assert "<strong>Practice:</strong> nothing left this machine." in page
    assert "Not certain for 2 people." in page
    assert "A practice mailbox reports nothing afterwards." in page


def test_who_is_probably_without_a_copy_and_who_has_two_is_said(site: Site, port: int) -> None:
    number = _issue(site, IssueState.COMPLETED, COMPLETED, practice=False)
    with writing(site.engine) as session:
        of_issue = select(Delivery.id).where(Delivery.issue_id == number)
        unknown = session.scalars(of_issue.where(Delivery.state == DeliveryState.UNKNOWN)).first()
        taken = session.scalars(of_issue.where(Delivery.state == DeliveryState.SUBMITTED)).first()
        times = dict.fromkeys(("started_at", "start_by", "answer_by"), NOON)
        late = Attempt(issue_id=number, worker_id=1, fence=1, size=2, **times)
        session.add(late)
        session.flush()
        session.execute(update(Delivery).where(Delivery.id == unknown).values(attempt_id=late.id))
        session.add(LogSearch(delivery_id=unknown, attempt_id=late.id, searches=1, silent=True))
        session.add(DeliveryNote(delivery_id=taken, attempt_id=late.id, at=NOON, reason=None))

    page = ask(port, "GET", f"/staff/issues/{number}").text

    assert "Of these, 1 was probably not accepted" in page
    assert "1 received it twice" in page


def test_a_real_issue_is_not_called_practice(site: Site, port: int) -> None:
    number = _issue(
        site, IssueState.COMPLETED, COMPLETED, practice=False, outcome=OutcomeKind.BOUNCED
    )

    page = ask(port, "GET", f"/staff/issues/{number}").text

    assert "Practice" not in page
    assert "handed over to the provider of that time" in page
    assert '<th scope="row">came back</th><td>7</td>' in page


def test_an_issue_that_has_not_begun_says_so(site: Site, port: int) -> None:
    scheduled = _issue(site, IssueState.SCHEDULED)
    cancelled = _issue(site, IssueState.CANCELLED)

    waiting = ask(port, "GET", f"/staff/issues/{scheduled}").text
    gone = ask(port, "GET", f"/staff/issues/{cancelled}").text

    assert "It has not begun." in waiting
    assert "nothing will leave this machine" in waiting
    assert "Friday 27 November 2026, 12:00" in waiting
    assert "It was cancelled before it began: nobody has it." in gone


def test_a_sending_issue_shows_what_waits_and_a_paused_one_why(site: Site, port: int) -> None:
    waiting = ((DeliveryState.PENDING, None, 5), (DeliveryState.IN_FLIGHT, None, 1))
    sending = _issue(site, IssueState.SENDING, waiting)
    paused = _issue(site, IssueState.PAUSED, waiting, pause_reason="The key is <wrong>.")

    going = ask(port, "GET", f"/staff/issues/{sending}").text
    stopped = ask(port, "GET", f"/staff/issues/{paused}").text

    assert '<th scope="row">being handed over now</th><td>1</td>' in going
    assert '<th scope="row">waiting</th><td>5</td>' in going
    assert "The key is &lt;wrong&gt;." in stopped


def test_the_list_is_cut_into_pages(site: Site, port: int) -> None:
    numbers = [_issue(site, IssueState.DRAFT) for _ in range(PAGE_LENGTH + 1)]

    newest = ask(port, "GET", "/staff/issues").text
    older = ask(port, "GET", f"/staff/issues?before={numbers[1]}").text
    none = ask(port, "GET", "/staff/issues?before=1").text
    nonsense = ask(port, "GET", "/staff/issues?before=x").text

    assert newest.count("<li>") == PAGE_LENGTH
    assert f'href="issues?before={numbers[1]}"' in newest
    assert f"Issue {numbers[0]}:" not in newest
    assert f"Issue {numbers[0]}:" in older
    assert "There are no older issues." in none
    assert nonsense == newest


def test_an_empty_site_says_how_an_issue_comes_to_be(tmp_path: Path) -> None:
    empty = site_in(tmp_path)
    with serve(empty, lambda: NOON, "127.0.0.1", 0) as running:
        page = ask(running.port, "GET", "/staff/issues").text
    empty.engine.dispose()

    assert "There is no issue yet." in page


# --- the email -------------------------------------------------------------------------


def test_the_email_is_shown_in_a_frame_that_can_do_nothing(site: Site, port: int) -> None:
    number = _issue(site, IssueState.SCHEDULED)

    page = ask(port, "GET", f"/staff/issues/{number}")
    email = ask(port, "GET", f"/staff/issues/{number}/email")

    assert f'<iframe src="{number}/email" title="The email as approved" sandbox></iframe>' in (
        page.text
    )
    assert page.headers["content-security-policy"].endswith("frame-src 'self'")
    assert "<script" not in page.text
    assert "Pray &amp; give thanks" in page.text
    assert "Pray &lt;now&gt;." in page.text
    policy = email.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "form-action 'none'", "frame-ancestors 'self'"} < set(
        policy
    )
    assert site.keys.token(Purpose.SAMPLE, 0) in email.text
    assert "<img src='data:image/png;base64,ZG90'>" in email.text
    assert "img-src data:" in policy


def test_each_edition_has_its_page(site: Site, port: int) -> None:
    number = _issue(site, IssueState.SCHEDULED, languages=("en", "fa"))

    page = ask(port, "GET", f"/staff/issues/{number}").text
    farsi = ask(port, "GET", f"/staff/issues/{number}/email?edition=1")

    assert f'href="{number}/email?edition=1">On its own, language fa</a>' in page
    assert "<html lang=fa>" in farsi.text


def test_a_discreet_edition_shows_its_own_links_in_both_parts(site: Site) -> None:
    number = _issue(site, IssueState.SCHEDULED)
    with writing(site.engine) as session:
        session.execute(update(Edition).where(Edition.issue_id == number).values(style="discreet"))
    discreet = Discreet(url="https://letters.example.net")
    settings = site.settings.model_copy(update={"discreet": discreet})

    with serve(replace(site, settings=settings), lambda: NOON, "127.0.0.1", 0) as running:
        paths = (f"/staff/issues/{number}", f"/staff/issues/{number}/email")
        shown = [ask(running.port, "GET", path).text for path in paths]

    assert all("https://letters.example.net/u/" in each for each in shown)
    assert not any(f"{site.settings.organisation.url}/u/" in each for each in shown)


def test_an_issue_without_editions_still_has_a_page(site: Site, port: int) -> None:
    number = _issue(site, IssueState.DRAFT, languages=())

    assert ask(port, "GET", f"/staff/issues/{number}").status == 200
    assert ask(port, "GET", f"/staff/issues/{number}/email").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/staff/issues/0",
        "/staff/issues/x",
        "/staff/issues/-1",
        "/staff/issues/" + "9" * 40,
        "/staff/issues/" + "9" * 5000,
        "/staff/issues/1e3",
        "/staff/issues/%D9%A3",
        "/staff/issues/x/email",
        "/staff/issues/1/email?edition=9",
        "/staff/issues/1/email?edition=x",
        "/staff/issues/",
        "/staff/issues//",
        "/staff/issues/1/",
        "/staff",
    ],
)
def test_what_does_not_exist_is_404(port: int, path: str) -> None:
    assert ask(port, "GET", path).status == 404


# --- to whom it refuses ----------------------------------------------------------------

SPELLINGS = (
    "/staff/issues",
    "/staff/issues/",
    "//staff/issues",
    "/staff//issues",
    "/Staff/Issues",
    "/staff/%69ssues",
    "/%73taff/issues",
    "/staff/./issues",
    "/x/../staff/issues",
    "/%2e/staff/issues",
    "/staff%2fissues",
    "/staff/issues?before=9",
    "/staff/issues/1",
    "/staff/issues/1/",
    "/staff/issues/%31",
    "/staff/issues/1/email",
    "/staff/issues/1/email?edition=0",
    "/staff/issues/./1/email",
    "/healthz/../staff/issues",
    "/u/../staff/issues/1",
)
REFUSED: tuple[Mapping[str, str], ...] = (
    {"Host": "prayer.example.org"},
    {"Host": "localhost.example.org"},
    {"Host": "127.0.0.1.nip.io:8000"},
    {"Host": "localhost."},
    {"Host": "[::1].example.org"},
    {"Host": "[::1"},
    {"Host": "127.1"},
    {"Host": "2130706433"},
    {"Host": ""},
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-Host": "localhost"},
    {"x-forwarded-proto": "https"},
    {"Forwarded": "for=127.0.0.1"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "127.0.0.1"},
)


@pytest.mark.parametrize("headers", REFUSED, ids=lambda headers: "=".join(*headers.items()))
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_staff_pages_open_for_nobody_else(
    site: Site, port: int, headers: Mapping[str, str], method: str
) -> None:
    _issue(site, IssueState.SCHEDULED)

    answers = {path: ask(port, method, path, headers=headers) for path in SPELLINGS}

    assert all(answer.status in (403, 404) for answer in answers.values()), answers
    assert answers["/staff/issues"].status == 403
    assert not any("Weekly" in answer.text for answer in answers.values())
    if method == "GET":
        assert "opens only on the computer that runs" in answers["/staff/issues"].text


def test_the_front_page_shows_others_no_way_in(port: int) -> None:
    answer = ask(port, "GET", "/", headers={"Host": "prayer.example.org"})

    assert answer.status == 200
    assert "staff" not in answer.text


OUR_BUTTON = {"Sec-Fetch-Site": "same-origin"}


def test_the_button_stops_an_issue_that_goes_out(site: Site, port: int) -> None:
    number = _issue(site, IssueState.SENDING, ((DeliveryState.PENDING, None, 3),))
    page = ask(port, "GET", f"/staff/issues/{number}").text

    answer = ask(port, "POST", f"/staff/issues/{number}/stop", headers=OUR_BUTTON)
    again = ask(port, "POST", f"/staff/issues/{number}/stop", headers=OUR_BUTTON)
    after = ask(port, "GET", f"/staff/issues/{number}").text

    assert f'<form method="post" action="{number}/stop"><button>Stop sending</button>' in page
    assert (answer.status, answer.headers["location"], again.status) == (303, f"../{number}", 303)
    assert "<strong>Paused</strong>" in after
    assert "Staff paused it." in after
    assert "Stop sending" not in after
    with reading(site.engine) as session:
        entries = session.scalars(
            select(AuditEntry.channel).where(AuditEntry.issue_id == number)
        ).all()
    assert entries == ["page"]


def test_the_button_holds_an_issue_that_has_not_begun(site: Site, port: int) -> None:
    number = _issue(site, IssueState.SCHEDULED)

    answer = ask(port, "POST", f"/staff/issues/{number}/stop", headers=OUR_BUTTON)

    assert answer.status == 303
    with reading(site.engine) as session:
        issue = session.get_one(Issue, number)
        assert (issue.state, issue.hold) == (IssueState.DRAFT, True)


def test_the_button_stops_an_issue_also_where_a_template_is_broken(site: Site, port: int) -> None:
    number = _issue(site, IssueState.SENDING, ((DeliveryState.PENDING, None, 3),))
    broken = site.folder / "templates/email/base.html.j2"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% if %}")

    answer = ask(port, "POST", f"/staff/issues/{number}/stop", headers=OUR_BUTTON)
    broken.unlink()

    assert answer.status == 303
    with reading(site.engine) as session:
        assert session.get_one(Issue, number).state is IssueState.PAUSED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        OUR_BUTTON | {"X-Forwarded-For": "127.0.0.1"},
        OUR_BUTTON | {"Host": "evil.example"},
    ],
)
def test_nobody_elses_button_stops_anything(
    site: Site, port: int, headers: Mapping[str, str]
) -> None:
    number = _issue(site, IssueState.SENDING, ((DeliveryState.PENDING, None, 3),))
    before = everything_in(site.engine)

    answer = ask(port, "POST", f"/staff/issues/{number}/stop", headers=headers)
    read = ask(port, "GET", f"/staff/issues/{number}/stop", headers=OUR_BUTTON)
    missing = ask(port, "POST", "/staff/issues/99999/stop", headers=OUR_BUTTON)

    assert (answer.status, read.status, missing.status) == (403, 405, 404)
    assert everything_in(site.engine) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_staff_pages_only_read(site: Site, port: int, method: str) -> None:
    number = _issue(site, IssueState.SCHEDULED)
    before = everything_in(site.engine)

    for path in (
        "/staff/issues",
        f"/staff/issues/{number}",
        f"/staff/issues/{number}/email",
    ):
        assert ask(port, method, path, "x=1").status == 405
    assert everything_in(site.engine) == before


@pytest.mark.parametrize(
    ("peer", "host", "version", "local"),
    [
        ("127.0.0.1", "127.0.0.1:8000", "1.1", True),
        ("127.9.9.9", "localhost", "1.1", True),
        ("::1", "[::1]:8000", "1.1", True),
        ("::ffff:127.0.0.1", "LOCALHOST:8000", "1.1", True),
        ("127.0.0.1", "127.0.0.1:8000", "1.0", False),  # as nginx asks, left to itself
        ("192.168.1.5", "127.0.0.1:8000", "1.1", False),
        ("::ffff:192.168.1.5", "localhost", "1.1", False),
        ("2001:db8::1", "[::1]", "1.1", False),
        ("not an address", "localhost", "1.1", False),
        (None, "localhost", "1.1", False),
        ("127.0.0.1", None, "1.1", False),
    ],
)
def test_local_means_peer_host_and_no_proxy(
    peer: str | None, host: str | None, version: str, local: bool
) -> None:
    headers = [] if host is None else [(b"host", host.encode())]
    request = Request(
        {
            "type": "http",
            "client": peer and (peer, 50000),
            "headers": headers,
            "http_version": version,
        }
    )

    assert is_local(request) is local


def test_two_host_names_are_one_too_many() -> None:
    hosts = [(b"host", b"localhost"), (b"host", b"prayer.example.org")]
    request = Request(
        {"type": "http", "client": ("127.0.0.1", 1), "headers": hosts, "http_version": "1.1"}
    )

    assert not is_local(request)


def test_an_issue_that_is_handed_over_before_its_time_says_when_it_goes_out(
    site: Site, port: int
) -> None:
    number = _issue(site, IssueState.SENDING, ((DeliveryState.SUBMITTED, None, 7),), practice=False)
    with writing(site.engine) as session:
        session.add(
            HandOver(
                issue_id=number,
                provider="sendgrid",
                batch_id="b1",
                send_at=DUE,
                stop=Stop.NONE,
                takes_slot=False,
            )
        )

    shown = ask(port, "GET", f"/staff/issues/{number}")

    assert "7 copies are handed over, to go out at Friday 27 November 2026" in shown.text
