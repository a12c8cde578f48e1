import pytest

from newsletter.bulletin import Bulletin, Sensitivity, read_bulletin
from newsletter.errors import UnreadableInput
from tests.test_bulletin import points, read, story
from tests.test_bulletin_web_page import told

END = "\n\nA story.\n\n• 3 May: Pray for A.\n• 4 May: Pray for B.\n"


def head(bulletin: Bulletin) -> tuple[str, str, str, str]:
    return bulletin.title, bulletin.language, bulletin.summary, bulletin.sensitivity


KEYS = "Language: en-GB\nSummary: In short.\nSensitivity: Supporters\nDate: 3 May 2026"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The hills\n\n" + KEYS, "a.txt"),
        ("The hills\n" + KEYS, "a.txt"),
        ("Title: The hills\n" + KEYS, "a.txt"),
        ("# The hills\n\n" + KEYS, "a.md"),
        ("---\nTitle: The hills\n" + KEYS + "\n---", "a.md"),
        ("---\nTitle: The hills\n" + KEYS + "\n...\n# The hills", "a.md"),
        ("---\nTitle: 'The hills'\n" + KEYS.replace("3 May 2026", "2026-05-03") + "\n---", "a.md"),
        ("<h1>The hills</h1><p>" + KEYS.replace("\n", "<br>") + "</p><!--", "a.html"),
    ],
)
def test_key_lines_are_understood_in_every_format(text: str, name: str) -> None:
    end = "--><p>A story.<p>• 3 May: Pray for A.<p>• 4 May: Pray for B." if ".html" in name else END
    bulletin = read(text + end, name)

    assert head(bulletin) == ("The hills", "en-GB", "In short.", Sensitivity.SUPPORTERS)
    assert story(bulletin) == [". A story."]


@pytest.mark.parametrize(
    ("line", "language"),
    [
        ("Language: Farsi", "fa"),
        ("Sprache: Deutsch", "de"),
        ("Langue : pt-BR", "pt-BR"),
        ("언어: 한국어", "ko"),
        ("语言：中文", "zh"),
        ("Язык: русский", "ru"),
        ("اللغة: العربية", "ar"),
    ],
)
def test_keys_and_languages_are_named_in_any_supported_language(line: str, language: str) -> None:
    bulletin = read(f"The hills\n\n{line}{END}")

    assert bulletin.language == language
    assert bulletin.leftovers == ()


def test_the_language_that_somebody_gives_counts_more() -> None:
    assert read(f"The hills\n\nLanguage: fa{END}", language="de").language == "de"


def test_a_date_says_in_which_year_the_days_are() -> None:
    bulletin = read(f"The hills\n\nDate: May 2026{END}")

    assert [point.date for point in bulletin.points] == ["2026-05-03", "2026-05-04"]


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("The hills\n\nLanguage: en\nCountry: Sudan", "a.txt", "the line “Country”"),
        ("The hills\n\nLanguage: en\nMood: glad", "a.txt", "the line “Mood”"),
        ("The hills\n\nLanguage: of love", "a.txt", "the line “Language”"),
        ("The hills\n\nDate: soon", "a.txt", "the line “Date”"),
        ("---\ntags: [a, b]\n---\nThe hills", "a.md", "the line “tags”"),
        ("---\ntitle: [a]\n---\nThe hills", "a.md", "the line “title”"),
    ],
)
def test_a_key_that_is_not_understood_is_told(text: str, name: str, what: str) -> None:
    bulletin = read(text + END, name)

    assert bulletin.title == "The hills"
    assert [(kind, one) for kind, _, _, one in told(bulletin)] == [("not-taken", what)]
    assert story(bulletin) == [". A story."]


def test_a_key_without_a_value_is_as_if_it_were_not_there() -> None:
    assert read("---\ntitle:\nlanguage: fa\n---\nThe hills" + END, "a.md").leftovers == ()


def test_an_unknown_sensitivity_is_refused_so_that_nobody_shows_too_much() -> None:
    with pytest.raises(UnreadableInput, match="line 3 is none that we know: write public"):
        read(f"The hills\n\nSensitivity: secret{END}")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The hills\n\nMonday: pray for rain.\nDate: Friday", "a.txt"),
        ("The hills\n\nNote: it rains.", "a.txt"),
        ("The hills\n\nCountry: Sudan", "a.txt"),
        ("The hills\n\nDear friends,\nLanguage: fa", "a.txt"),
        ("The hills\n\nFirst.\n\nLanguage: fa", "a.txt"),
        ("---\nThe hills\n---", "a.md"),
        ("---\n\nThe hills", "a.md"),
        ("---\n- a\n- b\n---\n\nThe hills", "a.md"),
    ],
)
def test_what_only_looks_like_key_lines_is_text(text: str, name: str) -> None:
    bulletin = read(text + END, name)

    assert bulletin.language == "en"
    assert bulletin.leftovers == ()


def test_front_matter_that_is_no_yaml_is_read_line_by_line() -> None:
    bulletin = read("---\nTitle: Sudan: a week\nDate: 2026-13-45\n---" + END, "a.md")

    assert bulletin.title == "Sudan: a week"
    assert points(bulletin) == ["Pray for A.", "Pray for B."]
    assert bulletin.lines[1].text == "Title: Sudan: a week"
    assert bulletin.blocks[0].line == 6


def test_a_bomb_of_aliases_does_no_harm() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1 or ''}, *a{n - 1 or ''}]\n" for n in range(1, 40)
    )

    assert len(read(f"---\n{bomb}title: The hills\n---{END}", "a.md").leftovers) == 40
    assert read(f"---\na: {'{a: ' * 400}\n---{END}", "a.md").title


# --- what Markdown hides ------------------------------------------------------------------


def test_what_markdown_hides_is_told() -> None:
    bulletin = read(
        "# T\n\nA <!-- secret --> <del>secret</del> <span style='display:none'>a <b>secret</b> c"
        "</span>story. ![A hill](https://example.org/a.png) ![x](a.png)\n\n"
        "<div>\nshown\n<p style='display:none'>secret</p>\n</div>\n\n"
        "![bad](data:image/png;base64,AAAA)\n",
        "a.md",
    )

    assert "secret" not in repr(bulletin.blocks)
    assert story(bulletin) == [". A story. A hill x", ". shown"]
    assert told(bulletin) == [
        ("remote-image", 3, 1, ""),
        ("not-taken", 3, 1, "a picture that is not in the file"),
        ("image-unusable", 10, 1, "it is damaged"),
        ("review-comment", 3, 1, ""),
        ("tracked-changes", 3, 1, ""),
        ("hidden-text", 3, 2, ""),
    ]


def test_what_lies_between_hiding_html_of_markdown_never_passes() -> None:
    bulletin = read(
        "# T\n\nA story.\n\n<del>\n\nsecret\n\n</del>\n\n<div style='display:none'>\n\n* secret\n"
        "\n<div>\n\nsecret\n\n</div>\n\nsecret\n\n</div>\n\n<div>\n\nEnd.\n\n</div>\n",
        "a.md",
    )

    assert story(bulletin) == [". A story.", ". End."]
    assert told(bulletin) == [("tracked-changes", 5, 1, ""), ("hidden-text", 11, 1, "")]


@pytest.mark.parametrize(
    "head",
    [
        "Subject: Snow in May\nFrom: Anna <anna@example.org>\nTo: all\nDate: 3 March 2026",
        "From: Anna\nSent: Tuesday, 3 March 2026 9:00\nTo: all\nSubject: Snow in May",
        "Betreff: Snow in May\nVon: Anna\nAn: alle\nDatum: 3.3.2026",
    ],
)
def test_the_head_of_a_mail_gives_its_subject_and_no_address_goes_out(head: str) -> None:
    bulletin = read_bulletin(f"{head}\n\nIt fell.\n\n• Pray.\n".encode(), "a.txt")

    assert bulletin.title == "Snow in May"
    assert "Anna" not in repr((bulletin.blocks, bulletin.points))
    assert {left.kind for left in bulletin.leftovers} == {"not-taken"}


@pytest.mark.parametrize("text", ["Title: •\n\nIt fell.", "---\ntitle: '•'\n---\n\nIt fell."])
def test_a_title_of_a_sign_alone_is_none(text: str) -> None:
    bulletin = read(text, "a.md" if text.startswith("-") else "a.txt")

    assert bulletin.title == "It fell."
    assert told(bulletin)[0][0] == "not-taken"
