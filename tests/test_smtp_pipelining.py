"""SMTP with PIPELINING: an envelope goes ahead, a message never does, and nobody is lost."""

import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from newsletter import config
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Answer, Outcome, boot_clock
from newsletter.providers.smtp import SmtpConnection, SmtpRelay
from newsletter.providers.smtp import connection as conversation
from newsletter.providers.smtp.opening import connect
from newsletter.providers.smtp.wire import Lost, Wire
from newsletter.rendering import Shell
from newsletter.tables import Reason
from tests.copies import EMAIL, form, hand_over, leave, people, person
from tests.servers.process import trusting
from tests.servers.smtp import Fault, Manner, SmtpServer, smtp_server

OFFERS = ("PIPELINING", "SMTPUTF8")
JOSE = "jos\u00e9@example.net"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    folder = tmp_path_factory.mktemp("pipelining")
    with smtp_server(folder, scripted=True, offers=OFFERS) as server:
        yield server


@pytest.fixture
def server(running: SmtpServer) -> SmtpServer:
    running.forget()
    return running


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a busy machine where two seconds are enough for a mail server."""
    monkeypatch.setattr(conversation, "QUIT_SECONDS", 30.0)


@contextmanager
def talking(server: SmtpServer) -> Iterator[SmtpConnection]:
    connection = SmtpRelay(server.settings(), "").connect()
    try:
        yield connection
    finally:
        connection.close()


def answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    return [outcome.answer for outcome in outcomes]


def taken(server: SmtpServer) -> list[str]:
    return [message.recipients[0] for message in server.taken()]


def addresses(*numbers: int) -> list[str]:
    return [person(number).address for number in numbers]


def eventually(claim: Callable[[], bool]) -> None:
    """Wait for what the server does after we have left; it takes no time to speak of."""
    for _ in range(3000):
        if claim():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


# --- one write for each message -------------------------------------------------------


def test_the_next_envelope_rides_behind_the_final_dot() -> None:
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock:

            def say_and_hear(said: bytes, until: bytes) -> None:
                sock.sendall(said)
                heard.append(b"")
                while not heard[-1].endswith(until):
                    heard[-1] += sock.recv(65536)

            say_and_hear(b"220 hello\r\n", b"\r\n")
            say_and_hear(b"250-hello\r\n250 PIPELINING\r\n", b"DATA\r\n")
            # Not a word about the first message before the next envelope is here.
            say_and_hear(b"250 a\r\n250 b\r\n354 c\r\n", b"DATA\r\n")
            say_and_hear(b"250 d\r\n250 e\r\n250 f\r\n354 g\r\n", b"\r\n.\r\n")
            say_and_hear(b"250 h\r\n", b"QUIT\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        settings = config.Smtp(host="127.0.0.1", port=port, security="none")
        outcomes = hand_over(SmtpRelay(settings, ""), people(2))
        thread.join(5)

    assert answers(outcomes) == 2 * [Answer.ACCEPTED]
    assert heard[1].splitlines() == [
        b"MAIL FROM:<prayer@example.org>",
        b"RCPT TO:<reader1@example.net>",
        b"DATA",
    ]
    first = b"".join(form().pieces_for(person(1))) + b".\r\n"
    assert heard[2] == first + heard[1].replace(b"reader1", b"reader2")


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("manner", ["as it comes", "one packet", "byte by byte"])
def test_however_the_answers_arrive_each_finds_its_message(
    server: SmtpServer, manner: Manner, size: int
) -> None:
    server.plan(Fault("rcpt", "550 5.1.1 no\n", to="reader3@"), manner=manner)
    relay = SmtpRelay(server.settings(messages_per_intent=size), "")

    outcomes = hand_over(relay, people(9))

    refused = [o.delivery_id for o in outcomes if o.answer is Answer.REFUSED]
    assert (refused, relay.turn_size) == ([3], size)
    assert [message.data for message in server.taken()] == [
        form().copy_for(reader) for reader in people(9) if reader.delivery_id != 3
    ]
    assert server.conversations() == 1


def test_over_tls_large_messages_follow_one_another(tmp_path: Path) -> None:
    large = form(replace(EMAIL, text=Shell(("All nations.\n.\n" * 6000,), ())))
    with smtp_server(tmp_path, security="starttls", scripted=True, offers=OFFERS) as server:
        assert server.certificate
        with trusting(server.certificate.authorities), talking(server) as connection:
            outcomes = connection.submit(large, people(4), leave(), person(5))

        assert answers(outcomes) == 4 * [Answer.ACCEPTED]
        assert [message.data for message in server.taken()] == [
            large.copy_for(reader) for reader in people(4)
        ]
        assert {message.encrypted for message in server.taken()} == {True}
        assert server.conversations() == 1


def test_one_tls_context_serves_the_whole_process(server: SmtpServer) -> None:
    settings = server.settings().model_copy(update={"security": "tls"})

    assert SmtpRelay(settings, "")._context is SmtpRelay(settings, "")._context
    assert SmtpRelay(server.settings(), "")._context is None


# --- whose envelope went ahead --------------------------------------------------------


def test_somebody_else_comes_and_the_early_envelope_ends_without_a_byte(
    server: SmtpServer,
) -> None:
    with talking(server) as connection:
        first = connection.submit(form(), [person(1)], leave(), person(2))
        second = connection.submit(form(), [person(3)], leave())

    assert answers(first + second) == 2 * [Answer.ACCEPTED]
    assert taken(server) == addresses(1, 3)
    eventually(lambda: server.abandoned() == [(person(2).address, 0)])
    assert server.conversations() == 2


def test_nobody_comes_and_the_conversation_ends_without_a_byte(server: SmtpServer) -> None:
    with talking(server) as connection:
        connection.submit(form(), [person(1)], leave(), person(2))

    eventually(lambda: server.ended() == 1)
    assert server.abandoned() in ([], [(person(2).address, 0)])  # it may not get that far
    assert server.dots() == taken(server) == addresses(1)
    assert "QUIT" not in server.heard()


def test_whoever_went_ahead_comes_too_late_and_again_later(server: SmtpServer) -> None:
    with talking(server) as connection:
        connection.submit(form(), [person(1)], leave(), person(2))
        [late] = connection.submit(form(), [person(2)], leave(start_within=-0.001))
        eventually(lambda: server.abandoned() == [(person(2).address, 0)])
        [again] = connection.submit(form(), [person(2)], leave())

    assert (late.answer, again.answer) == (Answer.TRY_LATER, Answer.ACCEPTED)
    assert taken(server) == addresses(1, 2)


def test_an_envelope_that_went_too_long_ago_is_not_used(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "IDLE_SECONDS", 0.0)
    with talking(server) as connection:
        connection.submit(form(), [person(1)], leave(), person(2))
        [outcome] = connection.submit(form(), [person(2)], leave())

    assert outcome.answer is Answer.ACCEPTED
    assert server.conversations() == 2


def test_without_pipelining_nothing_goes_ahead(tmp_path: Path) -> None:
    with smtp_server(tmp_path, scripted=True) as server:
        with talking(server) as connection:
            connection.submit(form(), people(2), leave(), person(3))

        assert [line for line in server.heard() if "RCPT" in line] == [
            f"RCPT TO:<{address}>" for address in addresses(1, 2)
        ]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("550 5.1.1 no\n", Answer.REFUSED),
        ("450 4.2.1 not now\n", Answer.TRY_LATER),
        ("550 5.7.26 no\n", Answer.SENDER_FAULT),
        ("421 4.3.0 closing\n", Answer.TRY_LATER),
    ],
)
def test_an_early_refusal_comes_out_once_as_the_next_ones_answer(
    server: SmtpServer, reply: str, answer: Answer
) -> None:
    server.plan(Fault("rcpt", reply, to="reader2@"))
    with talking(server) as connection:
        first = connection.submit(form(), [person(1)], leave(), person(2))
        second = connection.submit(form(), [person(2)], leave(), person(3))
        third = connection.submit(form(), [person(3)], leave())

    assert answers(first + second + third) == [Answer.ACCEPTED, answer, Answer.ACCEPTED]
    assert [line for line in server.heard() if "reader2" in line] == [
        f"RCPT TO:<{person(2).address}>"
    ]
    assert taken(server) == addresses(1, 3)


def test_an_early_refusal_of_somebody_who_does_not_come_is_nobodys(server: SmtpServer) -> None:
    server.plan(Fault("rcpt", "550 5.1.1 no\n", to="reader2@"))
    with talking(server) as connection:
        first = connection.submit(form(), [person(1)], leave(), person(2))
        second = connection.submit(form(), [person(3)], leave())

    assert answers(first + second) == 2 * [Answer.ACCEPTED]
    assert "RSET" in server.heard()
    assert server.conversations() == 1


def test_an_early_envelope_that_nobody_answers_is_not_waited_for(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "QUIT_SECONDS", 0.05)
    server.plan(Fault("mail", then="silence", nth=2))
    with talking(server) as connection:
        connection.submit(form(), [person(1)], leave(), person(2))
        [outcome] = connection.submit(form(), [person(3)], leave())

    assert outcome.answer is Answer.ACCEPTED


def test_a_refusal_counts_though_the_server_leaves_after_it(server: SmtpServer) -> None:
    server.plan(Fault("rcpt", "550 5.1.1 no\n", then="cut", to="reader2@"))

    outcomes = hand_over(SmtpRelay(server.settings(), ""), people(3))

    assert answers(outcomes) == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]


def test_a_message_refused_while_it_comes_gets_no_dot(server: SmtpServer) -> None:
    server.plan(Fault("body", "552 5.3.4 too big\n", nth=1))
    large = form()
    large.pieces_for = lambda _: 16_000 * [b"A" * 998 + b"\r\n"]  # type: ignore[assignment, method-assign]
    with talking(server) as connection:
        [outcome] = connection.submit(large, [person(1)], leave())
        [small] = connection.submit(form(), [person(2)], leave())

    assert (outcome.answer, outcome.reason) == (Answer.REFUSED, Reason.MESSAGE_REFUSED)
    assert small.answer is Answer.ACCEPTED
    assert server.dots() == addresses(2)


def test_closing_cuts_the_wait_for_an_early_envelope(server: SmtpServer) -> None:
    server.plan(Fault("mail", then="silence", nth=2))
    connection = SmtpRelay(server.settings(), "").connect()
    connection.submit(form(), [person(1)], leave(), person(2))
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.extend(connection.submit(form(), [person(2)], leave()))
    )

    thread.start()
    eventually(connection._busy.locked)
    time.sleep(0.05)
    connection.close()
    thread.join(5)

    assert [(o.answer, o.retry_after) for o in outcomes] == [(Answer.TRY_LATER, timedelta())]
    assert server.conversations() == 1


def test_a_server_that_waits_for_a_message_to_nobody_gets_none(server: SmtpServer) -> None:
    server.plan(
        Fault("rcpt", "550 5.1.1 no\n", to="reader2@"), Fault("data", "354 go on\n", to="reader2@")
    )

    outcomes = hand_over(SmtpRelay(server.settings(), ""), people(3))

    assert answers(outcomes) == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]
    assert server.dots() == taken(server) == addresses(1, 3)
    assert server.conversations() == 2


# --- the end of a conversation --------------------------------------------------------


@pytest.mark.parametrize("nth", [0, 2])
@pytest.mark.parametrize(
    "ending",
    [
        Fault("dot", "250 2.0.0 Ok\n", then="cut", take=True),
        Fault("dot", "250 2.0.0 Ok\n421 4.7.0 too many messages\n", then="cut", take=True),
        Fault("mail", "421 4.7.0 too many messages\n"),
        Fault("mail", then="cut"),
        Fault("rcpt", then="cut"),
        Fault("data", "354 go on\n", then="cut"),
    ],
    ids=lambda fault: f"{fault.at} {fault.reply[:3]}",
)
def test_a_server_that_ends_after_some_messages_loses_nobody(
    server: SmtpServer, ending: Fault, nth: int
) -> None:
    if nth == 0 and ending.at != "dot":
        nth = 3
    server.plan(replace(ending, nth=nth))
    with talking(server) as connection:
        outcomes: list[Outcome] = []
        for reader, following in itertools.pairwise([*people(5), None]):
            assert reader
            outcomes += connection.submit(form(), [reader], leave(), following)
            _until_all_is_heard(connection)

    assert answers(outcomes) == 5 * [Answer.ACCEPTED]
    assert taken(server) == addresses(1, 2, 3, 4, 5)
    assert server.conversations() == (5 if nth == 0 else 2)


def _until_all_is_heard(connection: SmtpConnection) -> None:
    """Let the end of a conversation come through before the next message, as commits do."""
    if connection._early and connection._wire:
        eventually(connection._wire.has_news)
        time.sleep(0.02)


def test_who_is_told_to_go_away_from_the_start_asks_to_slow_down(server: SmtpServer) -> None:
    server.plan(Fault("mail", "421 4.7.0 too many\n"))

    outcomes = hand_over(SmtpRelay(server.settings(messages_per_intent=3), ""), people(3))

    assert [(o.answer, o.slow_down) for o in outcomes] == 3 * [(Answer.TRY_LATER, True)]
    assert server.conversations() == 1


def test_a_server_that_takes_back_its_go_ahead_gets_no_message(server: SmtpServer) -> None:
    server.plan(Fault("data", "354 go on\n421 4.3.0 closing\n", then="cut", nth=2))

    outcomes = hand_over(SmtpRelay(server.settings(), ""), people(3))

    assert answers(outcomes) == [Answer.ACCEPTED, Answer.TRY_LATER, Answer.ACCEPTED]
    assert outcomes[1].slow_down
    assert server.dots() == addresses(1, 3)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(
    ("at", "nth"), [*itertools.product(["mail", "rcpt", "data", "dot"], [1, 3])]
)
@pytest.mark.parametrize("reply", ["", "421 4.3.0 closing\n", "42", "250-2.0.0 half\n"])
def test_wherever_it_breaks_only_those_without_an_answer_to_their_dot_are_unknown(
    server: SmtpServer, at: str, nth: int, reply: str, size: int
) -> None:
    take = at == "dot" and not reply.startswith("4")
    server.plan(Fault(at, reply, then="cut", take=take, nth=nth))  # type: ignore[arg-type]

    outcomes = hand_over(SmtpRelay(server.settings(messages_per_intent=size), ""), people(6))

    assert [o.delivery_id for o in outcomes] == [1, 2, 3, 4, 5, 6]
    given = dict(zip(addresses(1, 2, 3, 4, 5, 6), answers(outcomes), strict=True))
    unanswered = {server.dots()[nth - 1]} if at == "dot" and reply[:3] != "421" else set()
    assert {a for a, answer in given.items() if answer is Answer.UNKNOWN} == unanswered
    accepted = {a for a, answer in given.items() if answer is Answer.ACCEPTED}
    assert accepted == set(taken(server)) - unanswered
    assert set(Counter(taken(server)).values()) <= {1}
    assert set(given.values()) <= {Answer.ACCEPTED, Answer.TRY_LATER, Answer.UNKNOWN}


def test_after_an_answer_was_lost_the_early_envelope_is_nobodys(server: SmtpServer) -> None:
    server.plan(Fault("dot", then="cut", take=True, nth=1))
    with talking(server) as connection:
        first = connection.submit(form(), [person(1)], leave(), person(2))
        second = connection.submit(form(), [person(2)], leave())

    assert answers(first + second) == [Answer.UNKNOWN, Answer.ACCEPTED]


# --- time -----------------------------------------------------------------------------


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = boot_clock()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(conversation, "boot_clock", moved)
    return moved


def test_those_of_a_turn_whose_time_the_others_took_are_as_if_never_tried(
    server: SmtpServer, clock: Clock
) -> None:
    class Slow:
        sender_email, return_path = "prayer@example.org", ""

        def pieces_for(self, reader: Recipient) -> list[bytes]:
            clock.now += 4
            return form().pieces_for(reader)

    with talking(server) as connection:
        outcomes = connection.submit(cast("MessageForm", Slow()), people(5), leave(10))

    assert answers(outcomes) == 2 * [Answer.ACCEPTED] + 3 * [Answer.TRY_LATER]
    assert [o.retry_after for o in outcomes[2:]] == 3 * [timedelta()]
    assert taken(server) == addresses(1, 2)


def test_a_server_that_lets_us_in_late_is_met_again_at_once_on_the_same_conversation(
    server: SmtpServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(settings: config.Smtp) -> Wire:
        clock.now += 20
        return connect(settings)

    monkeypatch.setattr(conversation, "connect", slowly)
    with talking(server) as connection:
        late = connection.submit(form(), people(2), leave())
        again = connection.submit(form(), people(2), leave(start_within=60))

    assert answers(late + again) == 2 * [Answer.TRY_LATER] + 2 * [Answer.ACCEPTED]
    assert {o.retry_after for o in late} == {timedelta()}
    assert server.conversations() == 1


# --- addresses beyond ASCII -----------------------------------------------------------


def test_smtputf8_is_used_where_it_is_offered_and_needed(server: SmtpServer) -> None:
    readers = [person(1), person(2, JOSE), person(3)]

    outcomes = hand_over(SmtpRelay(server.settings(), ""), readers)

    assert answers(outcomes) == 3 * [Answer.ACCEPTED]
    assert [line for line in server.heard() if line.startswith("MAIL")] == [
        "MAIL FROM:<prayer@example.org>",
        "MAIL FROM:<prayer@example.org> SMTPUTF8",
        "MAIL FROM:<prayer@example.org>",
    ]
    assert taken(server)[1].encode("latin-1").decode() == JOSE
    assert server.taken()[1].data == form().copy_for(readers[1])
    assert server.conversations() == 1


@pytest.mark.parametrize("size", [1, 3])
def test_without_smtputf8_only_that_person_is_refused(tmp_path: Path, size: int) -> None:
    with smtp_server(tmp_path, scripted=True, offers=("PIPELINING",)) as server:
        relay = SmtpRelay(server.settings(messages_per_intent=size), "")

        outcomes = hand_over(relay, [person(1, JOSE), person(2), person(3, JOSE), person(4)])

        assert [(o.answer, o.reason) for o in outcomes] == 2 * [
            (Answer.REFUSED, Reason.ADDRESS_UNUSABLE),
            (Answer.ACCEPTED, None),
        ]
        assert not any("SMTPUTF8" in line for line in server.heard())
        assert server.conversations() == 1


def test_a_server_that_does_not_keep_its_offer_loses_that_person_only(server: SmtpServer) -> None:
    server.plan(Fault("mail", "555 5.5.4 no SMTPUTF8\n", nth=2))

    outcomes = hand_over(SmtpRelay(server.settings(), ""), [person(1), person(2, JOSE), person(3)])

    assert answers(outcomes) == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]
    assert outcomes[1].reason is Reason.ADDRESS_UNUSABLE


def test_a_copy_that_cannot_be_written_is_refused_and_the_others_go(server: SmtpServer) -> None:
    odd = replace(person(2), token="no token")

    outcomes = hand_over(SmtpRelay(server.settings(), ""), [person(1), odd, person(3)])

    assert answers(outcomes) == [Answer.ACCEPTED, Answer.REFUSED, Answer.ACCEPTED]
    assert outcomes[1].reason is Reason.ADDRESS_UNUSABLE
    assert taken(server) == addresses(1, 3)


# --- when the dot has left ------------------------------------------------------------

MESSAGE, BEHIND = b"Pray.\r\n", b"MAIL\r\n"


@pytest.mark.parametrize("through", range(len(MESSAGE) + 1))
def test_a_write_that_breaks_before_the_dot_says_so(
    through: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _wire_that_breaks_after(through, monkeypatch) as wire, pytest.raises(Lost):
        wire.write_message([MESSAGE], BEHIND, 5)


@pytest.mark.parametrize("through", range(len(MESSAGE) + 1, len(MESSAGE) + len(BEHIND) + 3))
def test_a_write_that_breaks_once_a_byte_of_the_dot_is_out_counts_as_written(
    through: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _wire_that_breaks_after(through, monkeypatch) as wire:
        assert wire.write_message([MESSAGE], BEHIND, 5)


@contextmanager
def _wire_that_breaks_after(through: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    ours, theirs = socket.socketpair()
    wire = Wire(ours)
    gone = bytearray()

    def send(data: memoryview, _end: float) -> int:
        left = min(3, through - len(gone), len(data))
        if left == 0:
            raise Lost("broken pipe")
        gone.extend(data[:left])
        return left

    monkeypatch.setattr(wire, "_send", send)
    with ours, theirs:
        yield wire


def test_a_server_that_speaks_while_it_takes_the_message_gets_no_dot() -> None:
    ours, theirs = socket.socketpair()
    large = 20_000 * MESSAGE
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    theirs.sendall(b"421 closing\r\n")
    heard = bytearray()

    def listen() -> None:
        while data := theirs.recv(65536):
            heard.extend(data)

    with theirs:
        thread = threading.Thread(target=listen)
        thread.start()
        with ours:
            wire = Wire(ours)
            assert not wire.write_message([large], BEHIND, 5)
            assert wire.read_reply(5).code == 421
        thread.join()

    assert bytes(heard) == large
