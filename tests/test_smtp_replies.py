"""What every reply means at every step: one row for each code, one letter for each step."""

import pytest

from newsletter.providers.base import Answer, Outcome
from newsletter.providers.smtp.replies import NO_UTF8, Step, goes_on, judge
from newsletter.providers.smtp.wire import Reply
from newsletter.tables import Reason

LETTERS = {
    "A": (Answer.ACCEPTED, None, False),
    "l": (Answer.TRY_LATER, Reason.TRY_LATER, False),
    "s": (Answer.TRY_LATER, Reason.TRY_LATER, True),  # and slow down
    "F": (Answer.SENDER_FAULT, Reason.TRY_LATER, False),
    "R": (Answer.REFUSED, Reason.ADDRESS_REFUSED, False),
    "M": (Answer.REFUSED, Reason.MESSAGE_REFUSED, False),
    "N": (Answer.REFUSED, Reason.ADDRESS_UNUSABLE, False),
    "U": (Answer.UNKNOWN, Reason.ANSWER_LOST, False),
}
# In the order of Step: greeting and EHLO, STARTTLS, AUTH, MAIL, MAIL with SMTPUTF8, RCPT,
# DATA, final dot.  Where a reply lets us go on nobody judges it; it would be "l".
CODES = {
    211: "lllll llA",
    214: "lllll llA",
    220: "lllll llU",  # 22z speaks of the conversation
    221: "lllll llU",
    235: "lllll llA",
    250: "lllll llA",
    251: "lllll llA",
    252: "lllll llA",
    299: "lllll llA",
    334: "lllll llU",
    354: "lllll llU",
    399: "lllll llU",
    421: "sssss sss",
    432: "llFll lll",
    450: "sssss sss",
    451: "sssss sss",
    452: "sssss sss",
    454: "sssss sss",
    455: "lllll lll",
    499: "lllll lll",
    500: "FFFFF FFM",
    501: "FFFFN RMM",
    502: "FFFFF FFM",
    503: "FFFFF FFM",
    504: "FFFFN FFM",
    521: "FFFFF FFF",
    530: "FFFFF FFF",
    534: "FFFFF FFF",
    535: "FFFFF FFF",
    538: "FFFFF FFF",
    550: "FFFFF RMM",
    551: "FFFFF RMM",
    552: "FFFFF RMM",
    553: "FFFFF RMM",
    554: "FFFFF RMM",
    555: "FFFFN RMM",
    556: "FFFFF RMM",
    599: "FFFFF RMM",
}
# What the enhanced status code changes (RFC 3463, 7372, 7504), at RCPT, DATA and the dot.
STATUSES = {
    (450, "4.2.1"): "lll",  # one mailbox, and nobody else's
    (452, "4.2.2"): "lll",
    (452, "4.3.1"): "sss",
    (451, "4.7.1"): "sss",
    (421, "4.7.0"): "sss",
    (550, "5.1.1"): "RMM",
    (550, "5.1.7"): "FFF",
    (550, "5.1.8"): "FFF",  # Postfix tells at RCPT what it found wrong at MAIL
    (556, "5.1.10"): "RMM",
    (552, "5.2.2"): "RMM",
    (552, "5.3.4"): "RMM",
    (550, "5.6.7"): "NNN",
    (554, "5.6.9"): "NNN",
    (550, "5.7.1"): "FFF",
    (550, "5.7.17"): "RMM",
    (550, "5.7.18"): "RMM",
    (550, "5.7.25"): "FFF",
    (550, "5.7.26"): "FFF",
    (550, "5.7.515"): "FFF",
}


def said(code: int, text: str = "") -> Reply:
    return Reply(code, (text,))


def seen(outcome: Outcome) -> tuple[Answer, Reason | None, bool]:
    return outcome.answer, outcome.reason, outcome.slow_down


@pytest.mark.parametrize(("code", "row"), CODES.items())
def test_a_code_means_the_same_whoever_says_it(code: int, row: str) -> None:
    outcomes = [judge(step, said(code, "words"), "The server") for step in Step]

    letters = row.replace(" ", "")
    assert [seen(outcome) for outcome in outcomes] == [LETTERS[letter] for letter in letters]


@pytest.mark.parametrize(("code", "status", "row"), [(*key, row) for key, row in STATUSES.items()])
def test_an_enhanced_status_tells_whom_a_refusal_is_about(code: int, status: str, row: str) -> None:
    steps = (Step.RCPT, Step.DATA, Step.DOT)

    outcomes = [judge(step, said(code, f"{status} words"), "The server") for step in steps]

    assert [seen(outcome) for outcome in outcomes] == [LETTERS[letter] for letter in row]


@pytest.mark.parametrize(
    ("code", "words", "row"),
    [
        (550, "5.4.5 Daily user sending limit exceeded", "FFF"),
        (554, "You have exceeded your messaging limits", "FFF"),
        (552, "5.2.2 daily quota exceeded of this mailbox", "RMM"),
    ],
)
def test_an_allowance_that_is_used_up_is_nobodys_fault(code: int, words: str, row: str) -> None:
    steps = (Step.RCPT, Step.DATA, Step.DOT)

    outcomes = [judge(step, said(code, words), "The server") for step in steps]

    assert [seen(outcome) for outcome in outcomes] == [LETTERS[letter] for letter in row]


@pytest.mark.parametrize(
    ("step", "want", "codes"),
    [
        (Step.STARTTLS, 2, {211, 214, 220, 221, 235, 250, 251, 252, 299}),
        (Step.AUTH, 3, {334, 354, 399}),
        (Step.AUTH, 2, {211, 214, 235, 250, 251, 252, 299}),
        (Step.MAIL, 2, {211, 214, 235, 250, 251, 252, 299}),
        (Step.RCPT, 2, {211, 214, 235, 250, 251, 252, 299}),
        (Step.DATA, 3, {334, 354, 399}),
    ],
)
def test_only_the_hoped_for_replies_lead_on(step: Step, want: int, codes: set[int]) -> None:
    assert {code for code in CODES if goes_on(step, said(code), want)} == codes


def test_the_sentences_are_whole_and_hold_none_of_the_servers_words() -> None:
    for step in Step:
        for code in CODES:
            outcome = judge(step, said(code, "5.1.1 <anna@example.net> no"), "The server")
            if outcome.answer is not Answer.ACCEPTED:
                assert outcome.sentence.endswith(".")
                assert "anna" in outcome.reply
            assert "anna" not in outcome.sentence
    assert NO_UTF8.sentence.endswith(".")
