"""SendGrid: the bodies that go out, and what its answers mean for each person."""

import json
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from newsletter import config
from newsletter.errors import Problem
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Answer, Outcome
from newsletter.providers.sendgrid import Sandbox, SendGrid, line, requests_for, sending
from newsletter.rendering import RenderedEmail, Shell
from newsletter.tables import Reason
from tests.copies import EMAIL, SITE, form, hand_over, leave, people, person
from tests.servers.process import certificate, trusting
from tests.servers.sendgrid import KEY, Mishap, SendGridServer, sendgrid_server

RESERVED = {
    "x-sg-id",
    "x-sg-eid",
    "received",
    "dkim-signature",
    "content-type",
    "content-transfer-encoding",
    "to",
    "from",
    "subject",
    "reply-to",
    "cc",
    "bcc",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SendGridServer]:
    with sendgrid_server(tmp_path_factory.mktemp("sendgrid")) as server:
        yield server


@pytest.fixture
def server(running: SendGridServer) -> SendGridServer:
    running.forget()
    return running


@pytest.fixture(scope="session")
def official(shared: Path) -> Draft202012Validator:
    """The schema of SendGrid's own specification."""
    specification = json.loads((shared / "sendgrid/tsg_mail_v3.json").read_text())
    body = specification["components"]["requestBodies"]["PostMailSend"]
    schema = body["content"]["application/json"]["schema"]
    # The one wrong type in it: the service takes an object here.
    schema["properties"]["custom_args"] = {"type": "object"}
    return Draft202012Validator(
        {**schema, "components": specification["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def bodies(
    edition: MessageForm, readers: Sequence[Recipient], most: int = 500
) -> list[dict[str, Any]]:
    """Return the bodies as they look after a trip through JSON."""
    return [
        json.loads(request.body)
        for request in requests_for(edition, readers, attempt_id=77, most=most)
    ]


# --- settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "key", "words"),
    [
        ("http://api.sendgrid.com", KEY, "in the clear"),
        ("https://", KEY, "base_url"),
        ("https://api.send grid.com", KEY, "base_url"),
        ("https://api.sendgrid.com", "", "There is no SendGrid key"),
        ("https://api.sendgrid.com", "SG.geheim\nX-Other: 1", "SENDGRID_API_KEY"),
        ("https://api.sendgrid.com", "SG.geheim\u200b", "SENDGRID_API_KEY"),
    ],
)
def test_what_cannot_work_or_would_give_the_key_away_is_refused(
    base_url: str, key: str, words: str
) -> None:
    with pytest.raises(Problem, match=words) as refused:
        SendGrid(config.SendGrid(base_url=base_url), key)

    assert "geheim" not in str(refused.value)


def test_the_host_is_the_one_of_the_settings(server: SendGridServer) -> None:
    eu = SendGrid(config.SendGrid(base_url="https://api.eu.sendgrid.com"), KEY)

    assert eu.connect().line.host == "https://api.eu.sendgrid.com"


def test_the_log_of_the_sdk_never_goes_below_info(server: SendGridServer) -> None:
    logger = logging.getLogger("python_http_client")
    logger.setLevel(logging.DEBUG)

    SendGrid(server.settings(), KEY).connect()

    assert logger.level == logging.INFO


# --- bodies ---------------------------------------------------------------------------


def test_bodies_fit_the_official_specification(official: Draft202012Validator) -> None:
    no_slots = RenderedEmail("Notice", Shell(("<p>x</p>",), ()), Shell(("x",), ()), "en")
    editions = [form(), form(reply_to=None), form(no_slots)]
    readers = [person(1, name=None), *people(500)[1:]]

    for edition in editions:
        for body in bodies(edition, readers):
            official.validate(body)


def test_the_specification_would_catch_a_wrong_body(official: Draft202012Validator) -> None:
    [body] = bodies(form(), people(1))
    body["personalizations"][0]["to"][0]["email"] = "nobody"

    assert not official.is_valid(body)


def test_bodies_keep_the_rules_that_no_schema_checks() -> None:
    [body] = bodies(form(), people(300))

    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert all(part["value"] for part in body["content"])
    assert body["subject"] == EMAIL.subject
    assert body["categories"] == [form().category]
    assert form().category.isascii()
    assert body["from"] == {"email": "prayer@example.org", "name": "Prayer Network"}
    assert body["reply_to"] == {"email": "office@example.org"}
    assert not {"asm", "send_at", "batch_id", "mail_settings", "custom_args"} & set(body)
    for number, reader in enumerate(body["personalizations"], start=1):
        assert set(reader) == {"to", "custom_args", "headers", "substitutions"}
        assert reader["to"] == [{"email": f"reader{number}@example.net", "name": "Anna"}]
        assert reader["custom_args"] == {"pb_d": person(number).token, "pb_a": "77"}
        assert all(type(value) is str and value for value in reader["headers"].values())
        assert not {name.lower() for name in reader["headers"]} & RESERVED
        assert all(type(value) is str and value for value in reader["substitutions"].values())


def test_nobody_is_tracked() -> None:
    [body] = bodies(form(), people(1))

    switches = body["tracking_settings"]
    assert set(switches) == {
        "click_tracking",
        "open_tracking",
        "subscription_tracking",
        "ganalytics",
    }
    assert {value for switch in switches.values() for value in switch.values()} == {False}
    assert set(switches["click_tracking"]) == {"enable", "enable_text"}


def test_only_the_copy_itself_names_the_person() -> None:
    [body] = bodies(form(), [person(1, "miriam@example.net", "Miriam"), person(2)])

    del body["personalizations"][0]["to"]
    body["personalizations"][0]["substitutions"].clear()
    assert "iriam" not in json.dumps(body)


def test_each_copy_reads_as_the_edition_says(server: SendGridServer) -> None:
    readers = [
        person(1, name="Anna & <b>Ole</b>"),
        person(2, name="%unsubscribe% {{ greeting }} -name- 100% $1 \\1"),
        person(3, name=None),
        person(4, name="김하늘 \U0001f54a"),
    ]

    hand_over(SendGrid(server.settings(), KEY), readers)

    copies = {copy.custom_args["pb_d"]: copy for copy in server.copies()}
    for reader in readers:
        html_values, text_values = form().values_for(reader)
        copy = copies[reader.token]
        assert copy.html == _merged(EMAIL.html, html_values)
        assert copy.text == _merged(EMAIL.text, text_values)
        assert copy.headers == form().headers_for(reader)
        assert copy.subject == EMAIL.subject


def _merged(shell: Shell, values: Any) -> str:
    rest = zip(shell.slots, shell.literals[1:], strict=True)
    return shell.literals[0] + "".join(values[slot] + literal for slot, literal in rest)


def test_a_name_with_line_breaks_adds_no_header() -> None:
    [body] = bodies(form(), [person(1, name="Anna\r\nBcc: y@example.net\u2028x")])

    assert body["personalizations"][0]["to"][0]["name"] == "Anna  Bcc: y@example.net x"


def test_links_spend_no_substitution_on_what_all_share() -> None:
    [body] = bodies(form(), people(200))

    tagged = body["personalizations"][0]["substitutions"].values()
    assert not any(SITE in value for value in tagged)
    assert f"{SITE}/u/%" in body["content"][0]["value"]
    assert f"{SITE}/p/%" in body["content"][1]["value"]


def test_links_to_different_places_stay_whole() -> None:
    elsewhere = Recipient(2, "B" * 23, "two@example.net", "Bo", "https://b.example/u/x", "p/y")

    [body] = bodies(form(), [person(1), elsewhere])

    assert "https://b.example/u/x" in body["personalizations"][1]["substitutions"].values()


names = st.one_of(st.none(), st.text(max_size=80), st.just(80 * "힣"), st.just(80 * "&"))


@settings(max_examples=40, deadline=None)
@given(st.lists(names, min_size=1, max_size=40), st.integers(1, 8), st.integers(1, 500))
def test_every_request_keeps_every_limit(few: list[str | None], times: int, most: int) -> None:
    readers = [person(n, name=name) for n, name in enumerate(times * few, start=1)]

    made = list(requests_for(form(), readers, 77, most))

    assert [reader for request in made for reader in request.people] == readers
    for request in made:
        personal = json.loads(request.body)["personalizations"]
        assert len(personal) == len(request.people) <= most
        sizes = [
            sum(len(t.encode()) + len(v.encode()) for t, v in p["substitutions"].items())
            for p in personal
        ]
        assert max(sizes) < 10_000
        assert sum(sizes) <= 48_000


def test_many_long_names_take_several_requests_of_one_turn(server: SendGridServer) -> None:
    readers = [person(number, name=60 * "힣") for number in range(1, 401)]

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    assert {o.answer for o in outcomes} == {Answer.ACCEPTED}
    assert len(server.bodies()) == len({o.reference for o in outcomes}) > 1
    assert len({copy.address for copy in server.copies()}) == 400


def test_no_request_holds_an_address_twice() -> None:
    readers = [person(1, "Anna@example.net"), person(2, "anna@EXAMPLE.net"), person(3)]

    made = bodies(form(), readers)

    assert [len(body["personalizations"]) for body in made] == [1, 2]


def test_a_body_that_grows_too_large_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_BODY", 60_000)

    made = bodies(form(), people(300))

    assert sum(len(body["personalizations"]) for body in made) == 300
    assert 1 < len(made) < 300
    assert all(len(json.dumps(body, separators=(",", ":"))) <= 60_000 for body in made)


def test_one_person_whose_copy_is_too_large_is_still_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MAX_BODY", 10)

    assert len(bodies(form(), people(2))) == 2


def test_a_copy_with_an_endless_name_is_refused_and_the_others_go(
    server: SendGridServer,
) -> None:
    readers = [person(1, name=900 * "x"), person(2)]

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    assert {o.delivery_id: o.reason for o in outcomes} == {1: Reason.MESSAGE_REFUSED, 2: None}


# --- answers --------------------------------------------------------------------------


def test_one_bad_address_is_refused_and_nobody_else_was_taken(server: SendGridServer) -> None:
    server.plan(refuse="reader3@")

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(5))

    by_id = {o.delivery_id: o for o in outcomes}
    assert by_id[3].answer is Answer.REFUSED
    assert by_id[3].reason is Reason.ADDRESS_REFUSED
    assert "valid address" in by_id[3].reply
    others = [by_id[number] for number in (1, 2, 4, 5)]
    assert {(o.answer, o.retry_after, o.reply) for o in others} == {
        (Answer.TRY_LATER, timedelta(), "")
    }
    assert server.copies() == []


def test_a_bad_address_holds_up_only_its_own_request(server: SendGridServer) -> None:
    server.plan(refuse="reader3@")
    readers = [person(number, name=60 * "힣") for number in range(1, 401)]

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    accepted = {o.delivery_id for o in outcomes if o.answer is Answer.ACCEPTED}
    assert accepted
    assert len(accepted) == len(server.copies())
    assert {o.answer for o in outcomes if o.delivery_id not in accepted} == {
        Answer.REFUSED,
        Answer.TRY_LATER,
    }


@pytest.mark.parametrize("at_fault", [(3,), (1,), (17, 18), (50,), (2, 25, 49)])
def test_a_fault_that_names_nobody_is_found_and_the_others_go(
    server: SendGridServer, at_fault: tuple[int, ...]
) -> None:
    readers = [person(n, f"choke{n}@example.net" if n in at_fault else None) for n in range(1, 51)]
    server.plan(choke="choke")

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    refused = {o.delivery_id: o.reason for o in outcomes if o.answer is Answer.REFUSED}
    accepted = {o.delivery_id for o in outcomes if o.answer is Answer.ACCEPTED}
    assert refused == dict.fromkeys(at_fault, Reason.MESSAGE_REFUSED)
    assert accepted == set(range(1, 51)) - set(at_fault)
    assert len(server.copies()) == len({copy.address for copy in server.copies()}) == len(accepted)
    assert len(server.requests()) <= 4 + 13 * len(at_fault)


@pytest.mark.parametrize("stumbles", [(1, 2), (1, 3), (1, 4, 5), (1, 4, 6)])
def test_nobody_fails_because_it_stumbled_twice(
    server: SendGridServer, stumbles: tuple[int, ...]
) -> None:
    server.plan(*(Mishap(400, body='{"errors": []}', nth=nth) for nth in stumbles))

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(4))

    assert [(o.delivery_id, o.answer) for o in sorted(outcomes, key=lambda o: o.delivery_id)] == [
        (number, Answer.ACCEPTED) for number in range(1, 5)
    ]
    assert len(server.copies()) == len({copy.address for copy in server.copies()}) == 4


@pytest.mark.parametrize("stumbles", [(1, 2, 4), (1, 3, 4)])
def test_trouble_at_the_second_look_ends_the_search(
    server: SendGridServer, stumbles: tuple[int, ...]
) -> None:
    *nameless, last = stumbles
    server.plan(
        *(Mishap(400, body='{"errors": []}', nth=nth) for nth in nameless),
        Mishap(503, nth=last, take=True),
    )

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(4))

    answers = Counter(o.answer for o in outcomes)
    assert answers == {Answer.ACCEPTED: 1, Answer.UNKNOWN: 1, Answer.TRY_LATER: 2}
    assert sorted(o.delivery_id for o in outcomes) == [1, 2, 3, 4]


def test_a_fault_in_every_copy_is_ours_and_found_with_two_more_questions(
    server: SendGridServer,
) -> None:
    server.plan(choke="reader")

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(50))

    assert {o.answer for o in outcomes} == {Answer.SENDER_FAULT}
    assert len(outcomes) == 50
    assert len(server.requests()) == 3


@pytest.mark.parametrize("nth", [2, 3, 4, 5])
def test_looking_for_a_fault_ends_at_any_other_trouble(server: SendGridServer, nth: int) -> None:
    server.plan(Mishap(503, nth=nth, take=True), choke="reader7@")

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(50))

    by_answer = Counter(o.answer for o in outcomes)
    assert sorted(o.delivery_id for o in outcomes) == list(range(1, 51))
    assert len(server.requests()) == nth
    assert len(server.copies()) == by_answer[Answer.ACCEPTED] + by_answer[Answer.UNKNOWN]
    assert by_answer[Answer.SENDER_FAULT] == 0


def test_a_mail_is_looked_at_without_sending(server: SendGridServer) -> None:
    def look(key: str = KEY) -> list[Answer]:
        return [o.answer for o in hand_over(Sandbox(server.settings(), key), people(2))]

    fine, wrong_key = look(), look("SG.wrong")
    server.plan(Mishap(202, {"X-Message-Id": "a1"}))
    taken_for_real = look()
    server.plan(Mishap(raw="HTTP/1.1 20"))
    cut_short = look()
    server.plan(Mishap(400, body='{"errors": [{"message": "no", "field": "from.email"}]}'))
    refused = hand_over(Sandbox(server.settings(), KEY), people(1))

    assert fine == [Answer.ACCEPTED, Answer.ACCEPTED]
    assert set(wrong_key) == {Answer.SENDER_FAULT}
    assert {*taken_for_real, *cut_short} == {Answer.UNKNOWN}
    assert "correct [sender]" in refused[0].sentence
    assert server.copies() == []


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        (["personalizations.1.headers.X"], ["try_later", "refused"]),
        (["personalizations.0.to", "personalizations.1.to"], ["refused", "refused"]),
        (["personalizations.0.headers", "personalizations.1.headers"], 2 * ["sender_fault"]),
        (["personalizations.1.to.0.email", "subject"], 2 * ["sender_fault"]),
    ],
)
def test_a_fault_is_blamed_on_those_it_names_unless_it_is_ours(
    server: SendGridServer, fields: list[str], answers: list[str]
) -> None:
    errors = [{"message": "no", "field": field} for field in fields]
    server.plan(Mishap(400, body=json.dumps({"errors": errors})))

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(2))

    assert [o.answer.value for o in outcomes] == answers


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (401, "Maximum credits exceeded", "credits at SendGrid are used up"),
        (401, "authorization required", "SENDGRID_API_KEY"),
        (403, "The from address does not match a verified Sender Identity", "verify"),
        (403, "access forbidden", "right to send mail"),
        (413, "too large", "shorten the bulletin"),
        (404, "not found", "base_url"),
    ],
)
def test_a_fault_of_the_sender_is_said_in_words(
    server: SendGridServer, status: int, message: str, words: str
) -> None:
    server.plan(Mishap(status, body=json.dumps({"errors": [{"message": message}]})))

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(2))

    assert {o.answer for o in outcomes} == {Answer.SENDER_FAULT}
    assert words in outcomes[0].sentence
    assert message in outcomes[0].reply


def test_a_wrong_sender_is_told_from_other_faults(server: SendGridServer) -> None:
    fault = {"message": "invalid", "field": "from.email"}
    server.plan(Mishap(400, body=json.dumps({"errors": [fault]})))

    [outcome] = hand_over(SendGrid(server.settings(), KEY), people(1))

    assert "correct [sender]" in outcome.sentence


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "90000"}, 300),
        ({"Date": "Mon, 23 Nov 2026 12:00:00 GMT", "X-RateLimit-Reset": "1795435220"}, 20),
        ({"Date": "Mon, 23 Nov 2026 12:00:00 GMT", "X-RateLimit-Reset": "1795435100"}, 0),
        ({"X-RateLimit-Reset": "99999999999999999999"}, 300),
        (
            {
                "Date": "Mon, 23 Nov 2026 12:00:00 GMT",
                "Retry-After": "Mon, 23 Nov 2026 12:01:00 GMT",
            },
            60,
        ),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_that_is_asked_for_is_passed_on(headers: dict[str, str], wait: int | None) -> None:
    message = Message()
    for name, value in headers.items():
        message[name] = value

    assert line.Said(429, message, b"").wait() == (
        None if wait is None else timedelta(seconds=wait)
    )


def test_too_many_requests_makes_the_whole_turn_wait(server: SendGridServer) -> None:
    server.plan(Mishap(429, {"Retry-After": "7"}))
    readers = [person(number, name=60 * "힣") for number in range(1, 401)]

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    assert {(o.answer, o.retry_after, o.slow_down) for o in outcomes} == {
        (Answer.TRY_LATER, timedelta(seconds=7), True)
    }
    assert len(server.requests()) == 1


def test_after_a_lost_answer_the_rest_of_the_turn_waits(server: SendGridServer) -> None:
    server.plan(Mishap(503))
    readers = [person(number, name=60 * "힣") for number in range(1, 401)]

    outcomes = hand_over(SendGrid(server.settings(), KEY), readers)

    assert {o.answer for o in outcomes} == {Answer.UNKNOWN, Answer.TRY_LATER}
    assert len(outcomes) == 400
    assert len(server.requests()) == 1


# --- the line -------------------------------------------------------------------------


def test_nothing_listening_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    provider = SendGrid(config.SendGrid(base_url=f"http://127.0.0.1:{port}"), KEY)

    outcomes = hand_over(provider, people(2))

    assert {o.answer for o in outcomes} == {Answer.TRY_LATER}
    assert "connection refused" in outcomes[0].sentence


def test_without_tls_no_authorities_are_read_and_none_are_trusted() -> None:
    context = line.tls_context("http://127.0.0.1:8025")

    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_over_tls_the_certificate_has_to_hold(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    with sendgrid_server(tmp_path, encrypted=True, shown=shown) as server:
        with trusting(shown.authorities):
            trusted = hand_over(SendGrid(server.settings(), KEY), people(2))
        untrusted = hand_over(SendGrid(server.settings(), KEY), people(2))

        assert {o.answer for o in trusted} == {Answer.ACCEPTED}
        assert {o.answer for o in untrusted} == {Answer.SENDER_FAULT}
        assert "certificate" in untrusted[0].sentence
        assert len(server.requests()) == 1


def test_a_server_that_speaks_no_tls_got_nothing(server: SendGridServer) -> None:
    provider = SendGrid(config.SendGrid(base_url=server.base_url.replace("http:", "https:")), KEY)

    outcomes = hand_over(provider, people(2))

    assert {o.answer for o in outcomes} == {Answer.TRY_LATER}


def test_a_server_that_never_gets_round_to_tls_got_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"

        [outcome] = hand_over(SendGrid(config.SendGrid(base_url=url), KEY), people(1))

    assert outcome.answer is Answer.TRY_LATER
    assert "no answer in time" in outcome.sentence


def test_start_by_holds_even_when_connecting_took_long(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.chain)
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        time.sleep(0.3)
        with sock, context.wrap_socket(sock, server_side=True) as secure:
            heard.append(secure.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener, trusting(shown.authorities):
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        provider = SendGrid(config.SendGrid(base_url=url), KEY)

        [outcome] = hand_over(provider, people(1), leave(start_within=0.15))
        thread.join(5)

    assert outcome.answer is Answer.TRY_LATER
    assert "too slow or asleep" in outcome.sentence
    assert heard == [b""]


def test_closing_cuts_a_call_short(server: SendGridServer) -> None:
    server.plan(Mishap(then="silence", take=True))
    connection = SendGrid(server.settings(), KEY).connect()
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.extend(connection.submit(form(), people(2), leave()))
    )

    thread.start()
    for _ in range(500):
        if server.bodies():
            break
        time.sleep(0.01)
    connection.close()
    thread.join(5)

    assert [o.answer for o in outcomes] == [Answer.UNKNOWN, Answer.UNKNOWN]


def test_what_is_not_encrypted_goes_through_no_proxy(
    server: SendGridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    outcomes = hand_over(SendGrid(server.settings(), KEY), people(1))

    assert outcomes[0].answer is Answer.ACCEPTED


def test_a_closed_client_sends_nothing(server: SendGridServer) -> None:
    connection = SendGrid(server.settings(), KEY).connect()
    connection.close()

    [outcome] = connection.submit(form(), people(1), leave())

    assert outcome.answer is Answer.TRY_LATER
    assert server.requests() == []


def test_requests_carry_the_key_and_nothing_from_call_to_call(server: SendGridServer) -> None:
    connection = SendGrid(server.settings(), KEY).connect()

    connection.submit(form(), [person(1)], leave())
    connection.submit(form(), [person(2)], leave())

    first, second = server.requests()
    assert first["path"] == "/v3/mail/send"
    assert first["headers"]["Authorization"] == f"Bearer {KEY}"
    assert first["headers"]["Content-Type"] == "application/json"
    assert {**first["headers"], "Content-Length": ""} == {
        **second["headers"],
        "Content-Length": "",
    }


def test_personal_headers_may_be_absent() -> None:
    parts = {name: getattr(form(), name) for name in _FORM_PARTS}
    bare = SimpleNamespace(**parts, shared_headers={}, own_headers=lambda _: {})

    [body] = bodies(cast("MessageForm", bare), people(1))

    assert "headers" not in body["personalizations"][0]


_FORM_PARTS = (
    "email",
    "subject",
    "sender_name",
    "sender_email",
    "reply_to",
    "category",
    "values_for",
)
