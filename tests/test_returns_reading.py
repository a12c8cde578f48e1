"""What came back by mail, read: every shape, every status, and never an error."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.providers.reported import EventKind
from newsletter.providers.returns import MOST_BYTES, Returned, read_return, sign
from newsletter.providers.returns.path import tokens_in_addresses
from newsletter.providers.returns.statuses import Verdict, status_in, verdict_of
from subscribers.privacy import Keys, Purpose, cased, caseless
from tests import returned
from tests.audiences import MONDAY
from tests.returned import MIRIAM, Copy

KEYS = Keys("5a" * 32)
COPY = returned.copy_of(KEYS, 4711)


def opened(found: Returned | None) -> list[int | None]:
    """Return the deliveries that the tokens name."""
    assert found is not None
    return KEYS.open_tokens(Purpose.DELIVERY, found.tokens)


# --- the signed return path -----------------------------------------------------------


def test_a_return_path_carries_the_token_through_any_letter_case() -> None:
    path = sign("bounces@example.org", COPY.token)

    more = sign("b" * 20 + "@example.org", f"{COPY.token}-123456789")  # one more copy for somebody

    assert len(more.partition("@")[0]) <= 64
    assert tokens_in_addresses(more) == [f"{COPY.token}-123456789"]
    for written in (path, path.upper(), path.swapcase(), f"SRS0=Hx=4T=example.org={path}"):
        assert tokens_in_addresses(f"<{written}>") == [COPY.token]


@pytest.mark.parametrize(
    "written",
    ["", "a", "a" * 32, "a" * 34, "1" + "0" * 32, "a" + "g" * 32, "a" + "٠" * 32],
)
def test_what_no_site_wrote_is_no_token(written: str) -> None:
    assert cased(written) is None
    assert tokens_in_addresses(f"bounces+{written}@example.org") == []


@given(st.integers(0, 2**48 - 1))
@settings(max_examples=50)
def test_a_token_survives_lower_case(number: int) -> None:
    token = KEYS.token(Purpose.DELIVERY, number)

    assert cased(caseless(token)) == cased(caseless(token).upper()) == token


# --- statuses -------------------------------------------------------------------------

NONE, SOFT, HARD, OURS = Verdict.NONE, Verdict.SOFT, Verdict.HARD, Verdict.OURS


@pytest.mark.parametrize(
    ("status", "words", "verdict"),
    [
        ("5.1.1", "550 5.1.1 User unknown", HARD),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", HARD),
        ("5.1.10", "556 5.1.10 Recipient address has null MX", HARD),
        ("5.1.2", "550 5.1.2 Host unknown", HARD),
        ("5.1.3", "501 5.1.3 Bad recipient address syntax", HARD),
        ("5.1.6", "551 5.1.6 Mailbox has moved, no forwarding address", HARD),
        ("5.0.0", "smtp; 550-5.1.1 does not exist 550 5.1.1 see", HARD),
        ("5.0.0", "550 No such user here", HARD),
        ("5.0.0", "550 5.0.0 <x>... User unknown", HARD),
        ("5.0.0", "554 delivery error: dd This user doesn't have an example.net account", HARD),
        ("5.1.0", "550 5.1.0 Address rejected: recipient not found", HARD),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", HARD),
        ("", "Unrouteable address", HARD),
        ("4.0.0", "451 4.0.0 Temporary failure", SOFT),
        ("4.2.2", "452 4.2.2 Mailbox full", SOFT),
        ("4.3.2", "421 4.3.2 Service shutting down", SOFT),
        ("4.4.1", "connect to mail.example.net[192.0.2.1]:25: Connection timed out", SOFT),
        ("4.4.7", "delivery time expired", SOFT),
        ("5.2.2", "552 5.2.2 over quota", SOFT),
        ("5.2.1", "550 5.2.1 disabled", SOFT),
        ("5.4.7", "550 5.4.7 Delivery expired", SOFT),
        ("5.4.4", "unable to route", SOFT),
        ("5.4.6", "routing loop", SOFT),
        ("5.3.0", "553 5.3.0 something", SOFT),
        ("5.0.0", "550 Requested action not taken", SOFT),
        ("", "", SOFT),
        ("nonsense", "", SOFT),
        ("5.7.0", "550 5.7.0 Policy", OURS),
        ("5.7.1", "554 5.7.1 Relay access denied", OURS),
        ("5.7.1", "550 5.7.1 User unknown, says a filter", OURS),
        ("5.7.9", "554 5.7.9 Message not accepted for policy reasons", OURS),
        ("5.7.25", "550 5.7.25 no PTR record", OURS),
        ("5.7.26", "550 5.7.26 unauthenticated", OURS),
        ("5.7.28", "550 5.7.28 unusual rate", OURS),
        ("5.7.29", "550 5.7.29 without TLS", OURS),
        ("5.7.515", "550 5.7.515 Access denied, sending domain", OURS),
        ("5.7.606", "550 5.7.606 Access denied, banned sending IP", OURS),
        ("4.7.28", "421 4.7.28 rate limit, given up", OURS),
        ("5.1.8", "553 5.1.8 Sender address rejected: Domain not found", OURS),
        ("5.1.7", "550 5.1.7 Bad sender", OURS),
        ("5.2.3", "552 5.2.3 message too large", OURS),
        ("5.3.4", "552 5.3.4 message too big for system", OURS),
        ("5.5.2", "500 5.5.2 Syntax error", OURS),
        ("5.6.0", "554 5.6.0 Invalid content", OURS),
        ("5.0.0", "554 Message rejected as spam", OURS),
        ("5.0.0", "550 5.7.1 by DMARC policy", OURS),
        ("5.5.0", "550 5.5.0 blocked using a block list", OURS),
        ("2.0.0", "250 Ok", NONE),
        ("2.1.5", "250 2.1.5 recipient ok", NONE),
    ],
)
def test_a_status_tells_the_address_from_the_sender(
    status: str, words: str, verdict: Verdict
) -> None:
    assert verdict_of(status, words) is verdict


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("5.1.1 (bad destination mailbox address)", "5.1.1"),
        ("(#5.1.1)", "5.1.1"),
        ("550-5.1.1 gone", "5.1.1"),
        ("[5.9.1.1] refused 5.1.2.", "5.1.2"),
        ("203.0.113.5", ""),
        ("3.1.1", ""),
        ("5.1.1234", ""),
    ],
)
def test_a_status_is_found_and_an_ip_address_is_none(text: str, status: str) -> None:
    assert status_in(text) == status


# --- shapes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (returned.postfix, EventKind.BOUNCED),
        (returned.exim, EventKind.BOUNCED),
        (returned.exchange, EventKind.BOUNCED),
        (returned.gmail, EventKind.SOFT_BOUNCED),
        (returned.beyond_ascii, EventKind.BOUNCED),
        (returned.delayed, EventKind.DEFERRED),
        (returned.delivered, EventKind.DELIVERED),
        (returned.complaint, EventKind.COMPLAINED),
        (returned.complaint_without_people, EventKind.COMPLAINED),
        (returned.qmail, EventKind.BOUNCED),
        (returned.old_exim, EventKind.BOUNCED),
        (returned.warning, EventKind.DEFERRED),
        (returned.huge, EventKind.BOUNCED),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_each_shape_is_read_and_names_its_delivery(
    write: Callable[[Copy], bytes], kind: EventKind, line_end: bytes
) -> None:
    found = read_return(write(COPY).replace(b"\n", line_end))

    assert found is not None
    assert (found.kind, found.ours) == (kind, False)
    assert set(opened(found)) == {4711}


@pytest.mark.parametrize("action", ["relayed", "expanded"])
def test_a_copy_that_was_handed_on_is_evidence_only(action: str) -> None:
    found = read_return(returned.delivered(COPY, action))

    assert found is not None
    assert found.kind is EventKind.PROCESSED


def test_a_refusal_of_ours_says_so() -> None:
    said = "smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated."
    found = read_return(returned.gmail(COPY, "5.7.26", said))

    assert found is not None
    assert (found.kind, found.status, found.ours) == (EventKind.BLOCKED, "5.7.26", True)


def test_a_report_says_when_the_copy_came_and_whom_it_was_for() -> None:
    found = read_return(returned.postfix(COPY))
    later = read_return(returned.postfix(COPY, arrived="Mon, 23 Nov 2026 12:00:00 -0000"))
    nonsense = read_return(returned.postfix(COPY, arrived="Thu, 01 Jan 1970 00:00:00 +1400"))

    assert found is not None
    assert (found.arrived_at, found.about) == (MONDAY, frozenset({MIRIAM}))
    assert b"Diagnostic-Code" in found.said
    assert b"Please pray" not in found.said
    assert later is not None
    assert later.arrived_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert nonsense is not None
    assert nonsense.arrived_at is None


def test_an_address_beyond_ascii_is_read() -> None:
    found = read_return(returned.beyond_ascii(COPY))

    assert found is not None
    assert "mirjám@example.net" in found.about


def test_of_several_recipients_behind_an_alias_the_mildest_counts() -> None:
    more = f"\nFinal-Recipient: rfc822; {MIRIAM}\nAction: delivered\nStatus: 2.0.0\n\n--XX\n"
    mail = returned.postfix(COPY).decode().replace("\n--XX\nContent-Type: message/rfc822", more, 1)

    found = read_return(mail.encode())

    assert found is not None
    assert found.kind is EventKind.DELIVERED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("2.0.0", EventKind.DELIVERED),
        ("4.4.1", EventKind.DEFERRED),
        ("5.1.1", EventKind.BOUNCED),
    ],
)
def test_a_report_without_an_action_goes_by_its_status(status: str, kind: EventKind) -> None:
    mail = returned.postfix(COPY, status).replace(b"Action: failed\n", b"")

    found = read_return(mail)

    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Action: failed\nStatus: 5.1.1\n", b""),
        (b"Status: 5.1.1\n", b"Status: 2.0.0\n"),  # failed, and well: nobody knows
        (b"message/delivery-status", b"text/plain"),
    ],
)
def test_a_report_that_says_nothing_is_left(old: bytes, new: bytes) -> None:
    mail = returned.postfix(COPY, said="none")

    assert old in mail
    assert read_return(mail.replace(old, new)) is None


@pytest.mark.parametrize(
    "how", ["Auto-Submitted: auto-replied", "Precedence: auto_reply", "Precedence: BULK"]
)
def test_nothing_follows_of_an_automatic_reply(how: str) -> None:
    assert read_return(returned.out_of_office(COPY, how)) == Returned(None)


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "virus"])
def test_nothing_follows_of_a_report_that_is_no_complaint(kind: str) -> None:
    assert read_return(returned.complaint(COPY, kind)) == Returned(None)


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        returned.letter(COPY),
        returned.out_of_office(COPY, "Auto-Submitted: no"),
        returned.garbage(),
        returned.deeply_nested(COPY),
        returned.mails_in_mails(COPY),
        b'Content-Type: multipart/report; boundary="b"\n' + b"\n--b\n" * 50_000,
        returned.complaint(COPY).replace(b"Feedback-Type: abuse\n", b""),
        returned.old_exim(COPY, "It did not work").replace(b"550", b""),
    ],
    ids=range(9),
)
def test_what_a_machine_should_not_judge_is_left(mail: bytes) -> None:
    assert read_return(mail) is None


def test_a_reply_that_quotes_a_bounce_is_no_bounce() -> None:
    forwarded = (
        b"From: Miriam <miriam@example.net>\nSubject: Fwd: failure\n"
        b'Content-Type: multipart/mixed; boundary="ZZ"\n\n--ZZ\nContent-Type: text/plain\n\n'
        b"What does this mean?\n--ZZ\nContent-Type: message/rfc822\n\n"
        + returned.postfix(COPY)
        + b"\n--ZZ--\n"
    )

    assert read_return(forwarded) is None


def test_a_notice_in_words_about_our_rules_and_one_about_a_full_mailbox() -> None:
    full = read_return(returned.qmail(COPY, "552 5.2.2 mailbox full"))
    ours = read_return(returned.qmail(COPY, "554 5.7.1 rejected"))
    fine = read_return(returned.qmail(COPY, "250 2.0.0 fine"))

    assert full is not None
    assert ours is not None
    assert (full.kind, ours.kind) == (EventKind.SOFT_BOUNCED, EventKind.BLOCKED)
    assert fine is None


def test_headers_on_which_the_other_policy_raises_do_no_harm() -> None:
    mail = returned.postfix(COPY).replace(b"To: bounces", b"To: <\nTo: bounces", 1)

    assert opened(read_return(mail))[0] == 4711


def test_a_fault_of_the_parser_leaves_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("newsletter.providers.returns.reading.message_from_bytes", fails)

    assert read_return(returned.postfix(COPY)) is None


_PIECES = st.sampled_from(
    [
        *returned.postfix(COPY).splitlines(keepends=True),
        *returned.complaint(COPY).splitlines(keepends=True),
        b"Content-Type: message/global-delivery-status\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Status: 5.\xff.1\n",
        b"\x00\xff\r\n",
        b"\n",
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(_PIECES, max_size=60).map(b"".join)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_result(mail: bytes) -> None:
    from newsletter.providers.returns import reading

    with pytest.MonkeyPatch.context() as patch:
        # Without the net that catches the parser's own faults.
        patch.setattr(reading, "Exception", KeyboardInterrupt, raising=False)
        found = read_return(mail)

    assert found is None or isinstance(found, Returned)
    assert len(mail) < MOST_BYTES
