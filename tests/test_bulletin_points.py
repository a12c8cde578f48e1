import pytest

from newsletter.bulletin import Bulletin, ItemList, read_bulletin


def read(text: str, name: str = "letter.txt", language: str | None = None) -> Bulletin:
    return read_bulletin(f"Title 2026\n\nThe story.\n\n{text}\n\nThe end.".encode(), name, language)


def points(text: str) -> list[str]:
    return [point.text for point in read(text).points]


@pytest.mark.parametrize(
    "mark",
    ["•", "• ", "● ", "▪ ", "▶ ", "◆ ", "· ", "– ", "— ", "- ", "* ", "+ ", "\uf0b7\t", "  • "],
)
def test_a_sign_makes_a_point(mark: str) -> None:
    assert points(f"{mark}Pray for A.\n{mark}Pray for B.") == ["Pray for A.", "Pray for B."]


@pytest.mark.parametrize("shape", ["{}. ", "{}) ", "({}) ", "({})", "{}."])
def test_a_number_makes_a_point(shape: str) -> None:
    text = "\n".join(shape.format(n) + f" Pray for {n}." for n in (1, 2, 3))

    assert points(text) == ["Pray for 1.", "Pray for 2.", "Pray for 3."]


@pytest.mark.parametrize(("first", "second"), [("①", "②"), ("一、", "二、")])
def test_a_number_of_another_script_makes_a_point(first: str, second: str) -> None:
    assert points(f"{first}Pray for A.\n{second} Pray for B.") == ["Pray for A.", "Pray for B."]


@pytest.mark.parametrize(
    ("label", "date", "group"),
    [
        ("Monday:", None, "Monday"),
        ("MONDAY 1:", None, "MONDAY 1"),
        ("Mon –", None, "Mon"),
        ("Monday -", None, "Monday"),
        ("Day 1:", None, "Day 1"),
        ("3 May –", "2026-05-03", None),
        ("May 3rd:", "2026-05-03", None),
        ("Sunday, 3 May:", "2026-05-03", None),
        ("3 May 2027:", "2027-05-03", None),
        ("2026-05-03:", "2026-05-03", None),
        ("3–4 May:", "2026-05-03/2026-05-04", None),
        ("Sat 28 Feb - Sun 1 March:", "2026-02-28/2026-03-01", None),
        ("31 June:", None, "31 June"),
    ],
)
def test_a_day_makes_a_point_and_is_kept(label: str, date: str | None, group: str | None) -> None:
    found = read(f"{label} Pray for A.\n{label} Pray for B.").points

    assert [(point.text, point.date, point.group) for point in found] == [
        ("Pray for A.", date, group),
        ("Pray for B.", date, group),
    ]


def test_a_day_behind_a_sign_is_a_label_too() -> None:
    (point,) = read("Pray\n• Tuesday: the nurses").points

    assert (point.text, point.group) == ("the nurses", "Tuesday")


def test_a_day_on_a_line_of_its_own_leads_its_point() -> None:
    text = "Prayer points\n\nMonday:\nPray for A.\n\nTuesday:\nPray for B."

    assert points(text) == ["Pray for A.", "Pray for B."]


def test_a_day_with_nothing_behind_it_is_kept_as_it_is() -> None:
    assert points("Prayer points\n\nMonday:\nTuesday: Pray.") == ["Monday:", "Pray."]


def test_a_year_is_taken_from_the_title_only_where_there_is_one() -> None:
    text = "From 2025 to 2026\n\n3 May: Pray.\n4 May: Pray."

    bulletin = read_bulletin(text.encode(), "a.txt")

    assert [(point.date, point.group) for point in bulletin.points] == [
        (None, "3 May"),
        (None, "4 May"),
    ]


def test_following_lines_and_deeper_ones_belong_to_the_point() -> None:
    text = (
        "• Pray for A,\nwho is ill.\n\n    He needs rest.\n    - much of it\n    - and food\n"
        "• Pray for B."
    )

    assert points(text) == [
        "Pray for A, who is ill. He needs rest. much of it and food",
        "Pray for B.",
    ]


def test_points_with_blank_lines_between_are_one_list() -> None:
    text = "- Pray for A.\n\n- Pray for B.\n\n- The judge."

    assert points(text) == ["Pray for A.", "Pray for B.", "The judge."]


def test_a_sloppy_indent_is_no_deeper_level() -> None:
    assert points("• Pray for A.\n • Pray for B.\n• Pray for C.") == [
        "Pray for A.",
        "Pray for B.",
        "Pray for C.",
    ]


@pytest.mark.parametrize(
    "paragraph",
    [
        "Two of the women\n- both of them nurses - came back to the hospital in Spring.",
        "We have known them since the year\n2. May they stay with us for the rest of it.",
        "1. Kings and queens are not what this is about.",
        "— Anna, a friend",
        "Monday: a day like others.",
    ],
)
def test_a_lone_dash_number_or_day_is_a_piece_of_a_sentence(paragraph: str) -> None:
    bulletin = read(paragraph)

    assert not bulletin.points
    assert not any(isinstance(block, ItemList) for block in bulletin.blocks)


def test_a_lone_dash_that_prays_is_a_point() -> None:
    assert points("- Pray for A.") == ["Pray for A."]


@pytest.mark.parametrize(
    "heading",
    [
        *("Pray", "Please pray:", "PRAYER POINTS", "Prayer requests", "For prayer", "Prayer"),
        *("Points for prayer", "Praise and prayer", "How to pray", "Please pray for", "Praise"),
        *("Give thanks:", "Thanksgiving", "Answers to prayer", "Let us pray", "Prayer & praise"),
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_under_a_prayer_heading_a_list_counts_always(heading: str, gap: str) -> None:
    bulletin = read(f"{heading}{gap}• Rain in the hills\n• The two nurses")

    assert [point.text for point in bulletin.points] == ["Rain in the hills", "The two nurses"]
    assert [point.group for point in bulletin.points] == [None, None]
    assert len(bulletin.blocks) == 2


@pytest.mark.parametrize("heading", ["Dates", "News", "Diary dates:", "Key facts", "COMING UP"])
def test_under_a_heading_of_dates_or_news_no_list_counts(heading: str) -> None:
    bulletin = read(f"{heading}\n• Pray and fast, 3 May\n• Pray again, 4 May")

    assert not bulletin.points
    assert len(bulletin.blocks) == 4


def test_without_a_heading_most_of_a_list_must_pray() -> None:
    assert len(points("• Pray for A.\n• Ask God for B.\n• The judge.")) == 3
    assert points("• Pray for A.\n• The judge.") == []
    assert points("• 3 May: day of prayer\n• 4 May: prayer meeting") == []


def test_a_sentence_that_asks_for_prayer_leads_a_list() -> None:
    bulletin = read(
        "As the year ends we would like to ask all of you to pray with us for:\n• A\n• B"
    )

    assert len(bulletin.points) == 2
    assert len(bulletin.blocks) == 3


def test_a_heading_that_names_a_topic_groups_its_points() -> None:
    text = (
        "Prayer points\n\nSUDAN\n• Peace\n\nERITREA\n• Freedom\n\nPray for Chad\n• Rain\n\n"
        "Thank God for Mali\n• Harvest\n\nStaff\n• Jo, cook"
    )

    bulletin = read(text)

    assert [(p.text, p.group, p.kind.value) for p in bulletin.points] == [
        ("Peace", "Prayer points · SUDAN", "petition"),
        ("Freedom", "Prayer points · ERITREA", "petition"),
        ("Rain", "Pray for Chad", "petition"),
        ("Harvest", "Thank God for Mali", "thanksgiving"),
    ]
    assert ItemList(("Jo, cook",), bulletin.blocks[2].line) in bulletin.blocks


def test_two_plain_headings_group_the_points() -> None:
    bulletin = read("Praise\n• The roof\n\nPrayer\n• The wall\n• Thank God for the door.")

    assert [(p.text, p.group, p.kind.value) for p in bulletin.points] == [
        ("The roof", "Praise", "thanksgiving"),
        ("The wall", "Prayer", "petition"),
        ("Thank God for the door.", "Prayer", "thanksgiving"),
    ]


def test_a_heading_over_a_list_that_prays_becomes_its_group() -> None:
    bulletin = read("Sudan\n• Pray for A.\n\nEritrea\n• Pray for B.")

    assert [point.group for point in bulletin.points] == ["Sudan", "Eritrea"]
    assert len(bulletin.blocks) == 2


def test_after_the_prayers_another_heading_starts_afresh() -> None:
    bulletin = read("## Prayer\n\n* A\n\n## Team\n\n* Jo, cook\n* Al, driver", "a.md")

    assert len(bulletin.points) == 1
    assert len(bulletin.blocks) == 4


def test_a_prayer_heading_over_a_paragraph_stays() -> None:
    bulletin = read("PRAYER\n\nWe ask you to pray for rain.\n\n• Pray for sun.")

    assert [type(block).__name__ for block in bulletin.blocks] == [
        "Paragraph",
        "Heading",
        "Paragraph",
        "Paragraph",
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Give thanks for Ann. Pray that all goes well.", "mixed"),
        ("Thank God for A, and pray that it lasts.", "mixed"),
        ("Praise God for A; ask him for B.", "mixed"),
        ("Pray for A and give thanks for B.", "mixed"),
        ("Give thanks that many prayed.", "thanksgiving"),
        ("We are so grateful that you pray.", "thanksgiving"),
        ("Praise the Lord for A.", "thanksgiving"),
        ("Thank you, Lord, for A.", "thanksgiving"),
        ("Pray that many will come and praise God.", "petition"),
        ("Pray for thankful hearts, thanks to the school.", "petition"),
        ("Please remember A in your prayers.", "petition"),
        ("May God keep A.", "petition"),
        ("Lord, have mercy on A.", "petition"),
        ("Lift up the nurses in prayer.", "petition"),
        ("Intercede for A.", "petition"),
        ("A", "petition"),
    ],
)
def test_the_kind_is_told_sentence_by_sentence(text: str, kind: str) -> None:
    assert [point.kind for point in read(f"Prayer points\n• {text}").points] == [kind]


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Pray for Dr. Lee at St. Mark. She is ill.", "Pray for Dr. Lee at St. Mark."),
        ("For J. Smith's ward. And more.", "For J. Smith's ward."),
        ("At 5 p.m. on Monday, e.g. A. and B.", "At 5 p.m. on Monday, e.g. A. and B."),
        ("They said no. Pray for Col. Lee.", "They said no."),
        ("The road over the col. Pray.", "The road over the col."),
        ("Read no. 5 of the letters. Pray.", "Read no. 5 of the letters."),
        ("Is A well? Pray!", "Is A well?"),
        ("“Pray!” she said. They did.", "“Pray!”"),
        ("Pray", "Pray"),
    ],
)
def test_the_lead_is_the_first_sentence(text: str, lead: str) -> None:
    assert [point.lead for point in read(f"Prayer points\n• {text}").points] == [lead]


def test_bold_words_lead_a_markdown_point() -> None:
    bulletin = read("* **Rain** in the hills. Much.\n* Pray for **sun**.\n* **Pray** x", "a.md")

    assert [point.lead for point in bulletin.points] == ["Rain", "Pray for sun.", "Pray"]


def test_in_a_language_not_known_yet_every_list_counts() -> None:
    text = "• Ombea kanisa.\n• Ombea watoto."

    assert len(read(text, language="sw").points) == 2
    assert len(read(text, language="en").points) == 0


@pytest.mark.parametrize(
    ("language", "lines", "groups"),
    [
        (
            "en",
            "Sun 1   Pray for A* and his wife.\nMon 2\tGive thanks for rain.\nTue 3 Pray for T.",
            ["Sun 1", "Mon 2", "Tue 3"],
        ),
        ("en", "Sun 1 Pray for A.\n\nMon 2 Pray for B.", ["Sun 1", "Mon 2"]),
        ("en", "Sunday   Pray for A.\nMonday   Pray for B.", ["Sunday", "Monday"]),
        ("de", "So 1. Betet für A.\nMo 2. Betet für B.", ["So 1.", "Mo 2."]),
        ("fr", "Lundi 2 Prions pour A.\nMardi 3 Prions pour B.", ["Lundi 2", "Mardi 3"]),
        ("ru", "Вс 1 Молитесь об А.\nПн 2 Молитесь о Б.", ["Вс 1", "Пн 2"]),
        ("ur", "پیر ۲ ا کے لیے دعا کریں۔\nمنگل ۳ ب کے لیے دعا کریں۔", ["پیر ۲", "منگل ۳"]),
    ],
)
def test_days_of_a_diary_need_no_colon(language: str, lines: str, groups: list[str]) -> None:
    bulletin = read_bulletin(f"Diary\n\nX.\n\n{lines}\n".encode(), "a.txt", language)

    assert [point.group for point in bulletin.points] == groups
    assert not [point.text for point in bulletin.points if point.text.startswith(tuple(groups))]


def test_a_date_with_its_month_needs_none_either() -> None:
    source = b"Diary 2026\n\nX.\n\nSun 1 March Pray for A.\n3 March  Pray for B.\n"
    first, second = read_bulletin(source, "a.txt").points

    assert (first.date, first.text) == ("2026-03-01", "Pray for A.")
    assert (second.date, second.text) == ("2026-03-03", "Pray for B.")


@pytest.mark.parametrize(
    "story",
    [
        "We came home on\nSunday 1 March and slept.",
        "Sunday 1 March we came home.",
        "It was a long way on that day, they came on\nSun 1 and went on to the hills on\nMon 2.",
        "Monday was wet.\nTuesday was dry.",
    ],
)
def test_a_day_in_a_sentence_begins_no_entry(story: str) -> None:
    bulletin = read_bulletin(f"Diary\n\n{story}\n\n• Pray.\n".encode(), "a.txt")

    assert len(bulletin.points) == 1
    assert [type(block).__name__ for block in bulletin.blocks] == ["Paragraph"] * len(
        bulletin.blocks
    )
