from datetime import UTC, datetime

import pytest

from newsletter.bulletin import Bulletin, Quotation, read_bulletin
from newsletter.checks import Facts, Finding, Severity, blocks, check, finding_json


def read(story: str, points: str = "• Pray for rain.", title: str = "Title") -> Bulletin:
    return read_bulletin(f"{title}\n\n{story}\n\n{points}\n\nThe end.".encode(), "letter.txt")


def rules(bulletin: Bulletin) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in check(bulletin)]


def test_a_good_bulletin_has_no_findings() -> None:
    findings = check(read("The story."))

    assert findings == []
    assert not blocks(findings)


def test_only_blockers_block() -> None:
    note = Finding("encoding", Severity.NOTE, 1, "Look.")
    warning = Finding("quote-unbalanced", Severity.WARNING, 1, "Look.")
    blocker = Finding("ref-invalid", Severity.BLOCKER, 1, "Look.")

    assert not blocks([note, warning])
    assert blocks([note, blocker])


def test_findings_come_in_the_order_of_the_lines() -> None:
    bulletin = read("It has “no end\n\nJohn 3:99.\n\nRead more")

    assert rules(bulletin) == [("quote-unbalanced", 3), ("ref-invalid", 5), ("artefact-line", 7)]


def test_a_finding_as_json_has_the_five_keys() -> None:
    finding = Finding("ref-invalid", Severity.BLOCKER, 21, "Look it up.", "Matt.25.40")

    assert finding_json(finding) == {
        "rule": "ref-invalid",
        "severity": "blocker",
        "line": 21,
        "message": "Look it up.",
        "suggestion": "Matt.25.40",
    }


# --- messages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bulletin", "sentence"),
    [
        (
            read("Read more"),
            "Line 3 looks left over from a web page or a mail program (“Read more”): delete it.",
        ),
        (
            read("In John 3:99 we read."),
            "Line 3 refers to John 3:99, but John 3 has only 36 verses: look the passage up and "
            "correct the reference.",
        ),
        (
            read("She wrote “we are well and hope that you are too."),
            "In line 3 a quotation mark is opened and never closed, or closed and never opened "
            "(“She wrote “we are well and hope that…”): set the missing mark; inside a quotation "
            "use single ones.",
        ),
        (
            read("The team hopes to come back in the spring,"),
            "The paragraph in line 3 ends without a full stop (“… come back in the spring,”): "
            "finish the sentence.",
        ),
        (
            read("The story.", points="Nothing."),
            "No prayer points were found: write each on a line of its own that begins with • or "
            "-, under a heading such as Prayer points.",
        ),
    ],
)
def test_a_message_says_where_what_and_what_to_do(bulletin: Bulletin, sentence: str) -> None:
    (finding,) = check(bulletin)

    assert finding.message == sentence
    assert finding.rule not in finding.message


# --- each rule ---------------------------------------------------------------------------


def test_what_was_sent_already_is_held_back() -> None:
    sent = Facts(already_sent_at=datetime(2026, 11, 6, 7, 0, tzinfo=UTC))

    (finding,) = check(read("The story."), sent)

    assert finding.rule == "already-sent"
    assert finding.severity is Severity.BLOCKER
    assert "on Friday 6 November 2026" in finding.message


def test_an_encoding_other_than_utf8_is_told() -> None:
    source = "Title\n\nCafé.\n\n• Pray.".encode("cp1252")

    (finding,) = check(read_bulletin(source, "a.txt"))

    assert (finding.rule, finding.severity) == ("encoding", Severity.NOTE)
    assert "Windows-1252" in finding.message


@pytest.mark.parametrize("broken", ["donâ€™t", "â€œYes", "CafÃ©", "10Â°", "caf\ufffd"])
def test_broken_characters_are_found_where_they_stand(broken: str) -> None:
    (finding,) = check(read(f"Fine.\n\nIt is {broken} here."))

    assert (finding.rule, finding.severity, finding.line) == ("encoding", Severity.WARNING, 5)


@pytest.mark.parametrize("fine", ["Ângela", "SÃO PAULO", "pâté", "5 € each"])
def test_accents_are_no_broken_characters(fine: str) -> None:
    assert rules(read(f"It is {fine} here.")) == []


@pytest.mark.parametrize(
    "line",
    [
        "The message will be closed after 20 s",
        "This page will refresh automatically in 30 seconds.",
        "You will be redirected in 5 seconds…",
        "Your session expires after 10 minutes",
        "View this email in your browser",
        "Click here to read more",
        "<< Back to top",
        "Skip to main content",
        "Share this article on Facebook",
        "Follow us on Instagram",
        "Read more »",
        "[Read more]",
        "Leave a comment",
        "Page 2 of 4",
        "We use cookies to improve your visit.",
        "Please enable JavaScript to continue",
        "Loading...",
        "Advertisement",
        "© 2026 Example Press. All rights reserved.",
        "Unsubscribe",
        "Sent from my phone",
        "Posted on 12 May 2026",
        "• Print this page",
    ],
)
def test_a_leftover_of_a_page_blocks(line: str) -> None:
    source = f"Title\n\nThe story.\n\n• Pray.\n\n{line}\n\nGoodbye.".encode()

    (finding,) = check(read_bulletin(source, "a.txt"))

    assert (finding.rule, finding.severity) == ("artefact-line", Severity.BLOCKER)
    assert finding.line == 7


@pytest.mark.parametrize(
    "line", ["Share", "Print | Email", "Tap anywhere to go on", "This window closes"]
)
def test_a_leftover_in_few_words_is_one_only_at_an_end(line: str) -> None:
    amid = read(f"{line}\n\nMore of the story.")
    at_the_end = read_bulletin(f"Title\n\n• Pray.\n\n{line}\nMenu".encode(), "a.txt")
    at_the_start = read_bulletin(f"{line}\n\nTitle\n\n• Pray.".encode(), "a.txt")

    assert rules(amid) == []
    assert rules(at_the_end) == [("artefact-line", 5), ("artefact-line", 6)]
    assert rules(at_the_start) == [("artefact-line", 1)]
    assert at_the_start.title == "Title"


@pytest.mark.parametrize(
    "line",
    [
        "Grace and peace",
        "With love from all of us",
        "Anna and the team",
        "Press on toward the goal",
        "Share this letter with your friends",
        "Please share it",
        "Updated prayer letter 2026",
        "We closed the meeting with 10 minutes of silence.",
        "The shop closes after 10 minutes",
        "The door will be closed after 20 guests",
        "Read more of God's word",
        "Until next week",
        "God bless you!",
        "Psalm 121",
        "Come home",
        "A window in the wall",
        "PS",
        "Contact: our office in the High Street",
    ],
)
def test_a_genuine_last_line_stays(line: str) -> None:
    bulletin = read_bulletin(f"Title\n\nStory.\n\n• Pray.\n\n{line}".encode(), "a.txt")

    assert rules(bulletin) == []
    assert [getattr(block, "text", "") for block in bulletin.blocks] == ["Story.", line]


@pytest.mark.parametrize(
    "story",
    [
        "“Open,” she said. “And closed.”",
        "“The first.\n\n“The second.\n\n“The last.”",
        "She said: “The first.\n\n“The last,” and left.",
        '"The first.\n\n"The last."',
        "« Le premier.\n\n« Le dernier. »",
        "„Ja“, sagte er. »Nein«, sagte sie.",
        "”Ja”, sade han.",
        "He said “hello“ to me.",
        "“He said ‘no’ to me.”",
        "Don’t touch the women’s ‘things.",
        'A 5\' 2" woman and a 6" nail.',
        "「はい」と『彼』は。",
        "(“Yes,” he said) – “no”.",
        "Rock ’n’ roll in the ’90s.",
    ],
)
def test_quotation_marks_that_pair_up_are_fine(story: str) -> None:
    assert rules(read(story)) == []


@pytest.mark.parametrize(
    ("story", "lines"),
    [
        ("He said “yes.", [3]),
        ("He said yes.”", [3]),
        ("“He said, “Truly. Me.”", [3]),
        ('"He said, "Truly. Me."', [3]),
        ("“The first.\n\n“The second.\n\nThe last.”", [5, 7]),
        ("“The first ”twice.” Yes.\n\nNo ” no.", [3, 5]),
        ("« Oui. Non.", [3]),
    ],
)
def test_a_quotation_mark_without_its_partner_is_found_once(story: str, lines: list[int]) -> None:
    assert rules(read(story)) == [("quote-unbalanced", line) for line in lines]


def test_marks_are_counted_in_title_points_lists_headings_and_verses() -> None:
    text = (
        "\n“Title\n\nDates “here\n• June “1\n• July 2\n\n• Pray “for A.\n\nThe story.\n\n"
        "Ps 1:1: “Blessed “are.”"
    )

    bulletin = read_bulletin(text.encode(), "a.txt")

    # the second list follows the first: one list, and "Dates" makes it no prayer
    assert rules(bulletin) == [
        ("no-prayer-points", 1),
        ("quote-unbalanced", 2),
        ("quote-unbalanced", 4),
        ("quote-unbalanced", 5),
        ("quote-unbalanced", 5),
        ("translation-unnamed", 12),
        ("quote-unbalanced", 12),
    ]


def test_a_quotation_made_by_hand_needs_no_lines_of_its_own() -> None:
    made = Bulletin(
        title="Title",
        language="en",
        direction="ltr",
        summary="",
        blocks=(Quotation(("“One.", "Two.”"), 3),),
        points=read("A.").points,
        scriptures=(),
        lines=(),
    )

    assert rules(made) == [("quote-unbalanced", 3), ("quote-unbalanced", 3)]


@pytest.mark.parametrize(
    "story",
    [
        "With the long-term goal of helping build the Church there,",
        "They hope to come back when the snow has gone and",
        "The road to the upper villages was closed for most of the winter and nobody knew why",
        "They came back in the spring of the year –",
        "“They all came back in the spring;\n\n“and left.”",
    ],
)
def test_a_paragraph_that_stops_in_mid_sentence_is_found(story: str) -> None:
    assert rules(read(story)) == [("unfinished-paragraph", 3)]


@pytest.mark.parametrize(
    "story",
    [
        "Dear friends,",
        "With love and prayers,",
        "Grace and peace to all of you",
        "They wrote to us this week, and this is what they ask of you:",
        "The whole story of the two families and their boats can be read at https://a.example/boats",
        "If you would like to have more of these letters please write to us at www.a.example/us",
        "She said: “I do not know whether we shall ever be able to go back there again.”",
        "We do not know what will become of the children or who will teach them now…",
    ],
)
def test_a_paragraph_that_ends_as_it_should_is_fine(story: str) -> None:
    assert rules(read(story)) == []
