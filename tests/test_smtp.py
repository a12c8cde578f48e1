"""SMTP: what goes over the wire, and when a conversation is kept, ended or never begun."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from newsletter import config
from newsletter.errors import Problem
from newsletter.message import MessageForm
from newsletter.providers.base import Answer, Outcome
from newsletter.providers.returns import sign
from newsletter.providers.smtp import SmtpRelay
from newsletter.providers.smtp import connection as conversation
from newsletter.providers.smtp.wire import Lost, Wire
from newsletter.tables import Reason
from tests.copies import form, hand_over, leave, people, person
from tests.servers.process import certificate, trusting
from tests.servers.smtp import Fault, SmtpServer, smtp_server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    with smtp_server(tmp_path_factory.mktemp("smtp"), scripted=True) as server:
        yield server


@pytest.fixture
def server(running: SmtpServer) -> SmtpServer:
    running.forget()
    return running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A scripted server with STARTTLS and a sign-in, whose authority is trusted."""
    folder = tmp_path_factory.mktemp("guarded")
    with smtp_server(
        folder, security="starttls", username="anna", password="pässword", scripted=True
    ) as server:
        assert server.certificate is not None
        with trusting(server.certificate.authorities):
            yield server


@pytest.fixture
def guarded_server(guarded: SmtpServer) -> SmtpServer:
    guarded.forget()
    return guarded


# --- settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "password", "words"),
    [
        ({"host": "mail.example.org", "security": "none"}, "", "in the clear"),
        (
            {
                "host": "mail.example.org",
                "security": "none",
                "allow_plain": True,
                "username": "anna",
            },
            "geheim",
            "password",
        ),
        ({"host": "mail.example.org", "username": "anna"}, "", "SMTP_PASSWORD"),
    ],
)
def test_what_would_give_secrets_away_is_refused_before_anything_opens(
    written: dict[str, object], password: str, words: str
) -> None:
    with pytest.raises(Problem, match=words) as refused:
        SmtpRelay(config.Smtp.model_validate(written), password)

    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_text_is_allowed_where_it_stays_on_the_machine(host: str) -> None:
    relay = SmtpRelay(config.Smtp(host=host, security="none", username="anna"), "geheim")

    assert relay.label == f"the mail server {host}"


def test_plain_text_crosses_a_network_only_when_asked_for_and_without_a_password() -> None:
    settings = config.Smtp(host="mail.example.org", security="none", allow_plain=True)

    assert SmtpRelay(settings, "").connections == 10


# --- the wire -------------------------------------------------------------------------


def test_a_message_arrives_byte_for_byte(server: SmtpServer) -> None:
    reader = person(1, name="...")
    connection = SmtpRelay(server.settings(), "").connect()

    connection.submit(form(), [reader], leave())
    connection.close()

    [taken] = server.taken()
    assert taken.data == form().copy_for(reader)
    assert b"\r\n." in taken.data
    assert taken.sender == "prayer@example.org"
    assert taken.recipients == (person(1).address,)


def test_a_return_path_is_signed_for_each_copy_and_for_no_notice(server: SmtpServer) -> None:
    connection = SmtpRelay(server.settings(), "").connect()
    sample = replace(person(3), delivery_id=0)
    edition = form(return_path="bounces@example.org")

    connection.submit(edition, [*people(2), sample], leave())
    connection.close()

    paths = [taken.sender for taken in server.taken()]
    assert paths[:2] == [sign("bounces@example.org", each.token) for each in people(2)]
    assert paths[2] == "prayer@example.org"
    assert all(
        f"<{person(n).token}@example.org>".encode() in server.taken()[n - 1].data for n in (1, 2)
    )


def test_a_reply_without_time_left_is_lost() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(Lost, match="no answer in time"):
        Wire(ours).read_reply(0)


def test_a_reset_counts_as_news() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()

    with ours:
        assert Wire(ours).has_news()


def _fixed(message: bytes, sender_email: str = "prayer@example.org") -> MessageForm:
    """An edition whose every copy is the same bytes, dots doubled."""
    fixed = SimpleNamespace(
        sender_email=sender_email, return_path="", pieces_for=lambda _: [message]
    )
    return cast("MessageForm", fixed)


def test_the_queue_name_is_kept_and_nothing_else_of_the_answer(server: SmtpServer) -> None:
    relay = SmtpRelay(server.settings(), "")
    server.plan(Fault("dot", "250 2.0.0 took it for <reader2@example.net>\n", take=True, nth=2))

    outcomes = hand_over(relay, people(2))

    assert [o.reference for o in outcomes] == ["4Zx9Qq1k", None]


def test_our_name_tells_nothing_about_this_machine(server: SmtpServer) -> None:
    hand_over(SmtpRelay(server.settings(), ""), [person(1)])

    assert server.heard()[0] == "EHLO [127.0.0.1]"


def test_a_sender_that_is_no_address_fails_nobody(server: SmtpServer) -> None:
    connection = SmtpRelay(server.settings(), "").connect()

    [outcome] = connection.submit(_fixed(b"", "büro@example.org"), [person(1)], leave())

    assert outcome.answer is Answer.SENDER_FAULT
    assert "[sender] email" in outcome.sentence
    assert server.conversations() == 0


# --- encryption and sign-in -----------------------------------------------------------


def test_starttls_comes_before_everything_that_is_secret(guarded_server: SmtpServer) -> None:
    outcomes = hand_over(SmtpRelay(guarded_server.settings(), "pässword"), people(2))

    assert {o.answer for o in outcomes} == {Answer.ACCEPTED}
    assert {(taken.encrypted, taken.user) for taken in guarded_server.taken()} == {(True, "anna")}
    verbs = [line.split()[0] for line in guarded_server.heard()]
    assert verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert guarded_server.conversations() == 1


def test_a_server_that_knows_only_login_is_signed_in_to(guarded_server: SmtpServer) -> None:
    guarded_server.plan(Fault("ehlo", "250-mail.example.org\n250 AUTH LOGIN\n", nth=2))

    [outcome] = hand_over(SmtpRelay(guarded_server.settings(), "pässword"), [person(1)])

    assert outcome.answer is Answer.ACCEPTED
    assert "AUTH LOGIN" in guarded_server.heard()


def test_where_encryption_was_stripped_nothing_is_said(guarded_server: SmtpServer) -> None:
    guarded_server.plan(Fault("ehlo", "250-mail.example.org\n250 AUTH PLAIN LOGIN\n"))

    [outcome] = hand_over(SmtpRelay(guarded_server.settings(), "pässword"), [person(1)])

    assert outcome.answer is Answer.SENDER_FAULT
    assert "offers no encryption" in outcome.sentence
    assert guarded_server.heard() == ["EHLO [127.0.0.1]"]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("220 go ahead\n250 injected in the clear\n", Answer.TRY_LATER),
        ("454 4.7.0 TLS not available due to temporary reason\n", Answer.TRY_LATER),
        ("501 5.5.4 no\n", Answer.SENDER_FAULT),
    ],
)
def test_a_broken_go_ahead_ends_the_conversation(
    guarded_server: SmtpServer, reply: str, answer: Answer
) -> None:
    guarded_server.plan(Fault("starttls", reply))

    [outcome] = hand_over(SmtpRelay(guarded_server.settings(), "pässword"), [person(1)])

    assert outcome.answer is answer
    assert guarded_server.heard() == ["EHLO [127.0.0.1]", "STARTTLS"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_an_unknown_authority_stops_the_issue(
    guarded_server: SmtpServer, tmp_path: Path, security: str
) -> None:
    stranger = certificate(tmp_path)
    with smtp_server(tmp_path, security=security, shown=stranger) as server:  # type: ignore[arg-type]
        [outcome] = hand_over(SmtpRelay(server.settings(), ""), [person(1)])

    assert outcome.answer is Answer.SENDER_FAULT
    assert "certificate" in outcome.sentence


def test_a_certificate_for_another_name_stops_the_issue(tmp_path: Path) -> None:
    other = certificate(tmp_path, "mail.example.org")
    with smtp_server(tmp_path, security="tls", shown=other, scripted=True) as server:
        with trusting(other.authorities):
            [outcome] = hand_over(SmtpRelay(server.settings(), ""), [person(1)])

        assert outcome.answer is Answer.SENDER_FAULT
        assert "certificate" in outcome.sentence
        assert server.taken() == []


def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    shown = certificate(tmp_path)
    with smtp_server(tmp_path, security="tls", shown=shown, scripted=True) as server:
        with trusting(shown.authorities):
            outcomes = hand_over(SmtpRelay(server.settings(), ""), people(3))

        assert {o.answer for o in outcomes} == {Answer.ACCEPTED}
        assert [taken.encrypted for taken in server.taken()] == [True, True, True]
        assert server.conversations() == 1


def test_a_server_that_speaks_no_tls_is_tried_later(server: SmtpServer) -> None:
    settings = server.settings().model_copy(update={"security": "tls"})

    [outcome] = hand_over(SmtpRelay(settings, ""), [person(1)])

    assert outcome.answer is Answer.TRY_LATER
    assert "wrong version number" in outcome.sentence


def test_a_wrong_password_is_tried_once_for_a_whole_turn(guarded_server: SmtpServer) -> None:
    connection = SmtpRelay(guarded_server.settings(), "wrong").connect()

    outcomes = connection.submit(form(), people(3), leave())

    assert [(o.delivery_id, o.answer) for o in outcomes] == [
        (number, Answer.SENDER_FAULT) for number in (1, 2, 3)
    ]
    assert len([line for line in guarded_server.heard() if line.startswith("AUTH")]) == 1


# --- connections ----------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", 64 * "a" + ".example.org"])
def test_a_server_out_of_reach_is_tried_later_and_once(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    settings = config.Smtp(host=host, port=port, security="none", allow_plain=True)
    connection = SmtpRelay(settings, "").connect()

    outcomes = connection.submit(form(), people(2), leave())

    assert [(o.delivery_id, o.answer) for o in outcomes] == [
        (1, Answer.TRY_LATER),
        (2, Answer.TRY_LATER),
    ]
    assert "[provider.smtp]" in outcomes[0].sentence


def test_one_conversation_serves_many_messages(server: SmtpServer) -> None:
    hand_over(SmtpRelay(server.settings(), ""), people(20))

    assert len(server.taken()) == 20
    assert server.conversations() == 1


@pytest.mark.parametrize("at", ["mail", "rcpt", "data"])
def test_after_a_refusal_the_conversation_goes_on(server: SmtpServer, at: str) -> None:
    server.plan(Fault(at, "451 4.3.0 not now\n", nth=2))  # type: ignore[arg-type]

    outcomes = hand_over(SmtpRelay(server.settings(), ""), people(3))

    assert [o.answer for o in outcomes] == [Answer.ACCEPTED, Answer.TRY_LATER, Answer.ACCEPTED]
    assert "RSET" in server.heard()
    assert server.conversations() == 1


@pytest.mark.parametrize("reset", ["421 4.3.0 closing\n", "500 what?\n", ""])
def test_a_conversation_that_cannot_be_reset_is_begun_anew(server: SmtpServer, reset: str) -> None:
    closing = Fault("rset", reset, then="cut")
    server.plan(Fault("rcpt", "550 5.1.1 no\n", nth=1), closing)

    outcomes = hand_over(SmtpRelay(server.settings(), ""), people(2))

    assert [o.answer for o in outcomes] == [Answer.REFUSED, Answer.ACCEPTED]
    assert server.conversations() == 2


def test_a_server_that_ends_after_some_messages_loses_nobody(server: SmtpServer) -> None:
    server.plan(Fault("dot", "250 2.0.0 the last one\n", then="cut", take=True))
    connection = SmtpRelay(server.settings(), "").connect()

    outcomes: list[Outcome] = []
    for reader in people(4):
        outcomes += connection.submit(form(), [reader], leave())
        time.sleep(0.05)  # until the end has come through
    connection.close()

    assert {o.answer for o in outcomes} == {Answer.ACCEPTED}
    assert server.conversations() == 4


def test_a_conversation_long_unused_is_ended_and_begun_anew(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "IDLE_SECONDS", 0.0)

    hand_over(SmtpRelay(server.settings(), ""), people(2))

    assert server.conversations() == 2
    assert [line for line in server.heard() if line == "QUIT"] == ["QUIT", "QUIT"]


def test_after_a_lost_answer_the_rest_of_the_turn_waits(server: SmtpServer) -> None:
    server.plan(Fault("dot", then="cut", take=True))
    connection = SmtpRelay(server.settings(), "").connect()

    outcomes = connection.submit(form(), people(3), leave())

    assert [o.answer for o in outcomes] == [
        Answer.UNKNOWN,
        Answer.TRY_LATER,
        Answer.TRY_LATER,
    ]
    assert [taken.recipients for taken in server.taken()] == [(person(1).address,)]


# --- the final dot --------------------------------------------------------------------


def test_a_server_that_gives_up_in_the_middle_of_the_data_took_nothing(
    server: SmtpServer,
) -> None:
    server.plan(Fault("data", "354 go on\n421 4.4.2 closing after all\n"))

    [outcome] = hand_over(SmtpRelay(server.settings(), ""), [person(1)])

    assert outcome.answer is Answer.TRY_LATER
    assert "421 4.4.2" in outcome.sentence


def test_a_body_that_does_not_get_through_was_not_taken(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "BODY_SECONDS", 0.2)
    server.plan(Fault("body", wait=1, then="cut"))
    large = _fixed(200_000 * b"All nations will come and worship.\r\n")

    [outcome] = SmtpRelay(server.settings(), "").connect().submit(large, [person(1)], leave())

    assert outcome.answer is Answer.TRY_LATER
    assert "no answer in time" in outcome.sentence


def test_a_slow_server_is_not_given_the_message_after_start_by(server: SmtpServer) -> None:
    server.plan(Fault("rcpt", wait=0.3))
    connection = SmtpRelay(server.settings(), "").connect()

    [outcome] = connection.submit(form(), [person(1)], leave(start_within=0.15))
    again = connection.submit(form(), [person(2)], leave())
    connection.close()

    assert outcome.answer is Answer.TRY_LATER
    assert "too slow or asleep" in outcome.sentence
    assert [o.answer for o in again] == [Answer.ACCEPTED]
    assert [taken.recipients for taken in server.taken()] == [(person(2).address,)]
    assert server.conversations() == 2  # the first could not be ended but by leaving


def test_a_reply_that_drips_is_not_waited_for_for_ever(server: SmtpServer) -> None:
    server.plan(Fault("dot", "250-yes\n", then="silence", take=True))
    begun = time.monotonic()

    [outcome] = hand_over(SmtpRelay(server.settings(), ""), [person(1)], leave(answer_within=0.1))

    assert outcome.answer is Answer.UNKNOWN
    assert time.monotonic() - begun < 5


# --- closing from another thread ------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer", "reason"),
    [
        (Fault("connect", then="silence"), Answer.TRY_LATER, Reason.TRY_LATER),
        (Fault("mail", then="silence"), Answer.TRY_LATER, Reason.TRY_LATER),
        (Fault("dot", then="silence", take=True), Answer.UNKNOWN, Reason.ANSWER_LOST),
    ],
)
def test_closing_cuts_a_conversation_short(
    server: SmtpServer, fault: Fault, answer: Answer, reason: Reason
) -> None:
    server.plan(fault)
    connection = SmtpRelay(server.settings(), "").connect()
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.extend(connection.submit(form(), [person(1)], leave()))
    )

    thread.start()
    _until_it_hangs(server, fault)
    connection.close()
    thread.join(5)

    assert [(o.answer, o.reason) for o in outcomes] == [(answer, reason)]


def _until_it_hangs(server: SmtpServer, fault: Fault) -> None:
    last = {"connect": "", "mail": "MAIL", "dot": "DATA"}[fault.at]
    for _ in range(500):
        if server.conversations() and (not last or any(last in line for line in server.heard())):
            break
        time.sleep(0.01)
    time.sleep(0.1)


def test_a_closed_conversation_stays_closed(server: SmtpServer) -> None:
    connection = SmtpRelay(server.settings(), "").connect()
    connection.close()

    [outcome] = connection.submit(form(), [person(1)], leave())

    assert outcome.answer is Answer.TRY_LATER
    assert server.conversations() == 0


def test_closing_while_tls_begins_ends_it_before_the_message(
    guarded_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = SmtpRelay(guarded_server.settings(), "pässword").connect()
    encrypt = Wire.encrypt

    def closed_meanwhile(wire: Wire, context: ssl.SSLContext, host: str) -> None:
        monkeypatch.setattr(wire, "cut", lambda: None)  # the socket is between two hands
        connection.close()
        encrypt(wire, context, host)

    monkeypatch.setattr(Wire, "encrypt", closed_meanwhile)

    [outcome] = connection.submit(form(), [person(1)], leave())

    assert outcome.answer is Answer.TRY_LATER
    assert guarded_server.taken() == []


def test_closing_while_it_connects_ends_it_there(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = SmtpRelay(server.settings(), "").connect()
    reach = socket.create_connection

    def closed_meanwhile(*where: object) -> socket.socket:
        connection.close()
        return reach(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", closed_meanwhile)

    [outcome] = connection.submit(form(), [person(1)], leave())

    assert outcome.answer is Answer.TRY_LATER
    assert server.taken() == []
