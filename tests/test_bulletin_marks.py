"""What begins a point, in every script; what is kept of the text whatever begins it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import (
    Bulletin,
    Heading,
    ItemList,
    Paragraph,
    Quotation,
    read_bulletin,
)
from newsletter.bulletin.words import KNOWN
from newsletter.errors import UnreadableInput

SIGNS = "•●▪▶◆·–—-*+■□○◦‣⁃➤➢✓✔☐◇▫►→"
EMOJI = ("🙏", "👉", "🙏🏽", "❤️", "✝️", "🕊️")
# Two marks that follow each other.
ROWS = [
    *((f"{sign} ", f"{sign} ") for sign in SIGNS),
    *((f"{sign} ", f"{sign} ") for sign in EMOJI),
    ("🙏 ", "🎉 "),
    ("1. ", "2. "),
    ("1) ", "2) "),
    ("(1) ", "(2) "),
    ("1 - ", "2 - "),
    ("1、", "2、"),
    ("1۔ ", "2۔ "),
    ("１．", "２．"),
    ("（１）", "（２）"),
    ("١. ", "٢. "),
    ("١- ", "٢- "),
    ("(۱) ", "(۲) "),
    ("۱) ", "۲) "),
    ("1️⃣ ", "2️⃣ "),
    ("一、", "二、"),
    ("（一）", "（二）"),
    ("十一、", "十二、"),
    ("①", "②"),
    ("⑲ ", "⑳ "),
    ("❶ ", "❷ "),
    ("가. ", "나. "),
    ("가) ", "나) "),
    ("a) ", "b) "),
    ("(a) ", "(b) "),
    ("а) ", "б) "),
    ("أ) ", "ب) "),
    ("أ. ", "ب. "),
]


def read(text: str, language: str = "en", ending: str = "txt") -> Bulletin:
    return read_bulletin(f"Title 2026\n\nThe story.\n\n{text}".encode(), f"a.{ending}", language)


def points(text: str, language: str = "en") -> list[str]:
    return [point.text for point in read(text, language).points]


@pytest.mark.parametrize(("first", "second"), ROWS)
def test_a_mark_begins_a_point_in_every_format(first: str, second: str) -> None:
    text = f"Prayer points\n\n{first}Rain in A\n{second}Sun in B"

    assert points(text) == ["Rain in A", "Sun in B"]
    assert [point.text for point in read(text, ending="md").points] == ["Rain in A", "Sun in B"]


@pytest.mark.parametrize(
    "paragraph",
    [
        "🎄 Merry Christmas to all of you!",
        "☎ 0123 456\n✉ prayer@example.org",
        "a) is what they called the first of the three.",
        "A. Smith\nB. Jones",
        "He came in the year\n12 - and stayed.",
        "가. 교회는 그렇게 불렸습니다.",
        "The word\nb) was never written.",
        "一个孩子来了。",
        "월요일에 저희는 산골 교회를 찾았습니다.\n그리고 화요일에 돌아왔습니다.",
        "5월 3일 저희는 산골 교회를 찾았습니다.",
        "周一我们去了山区的教会。\n周二我们回来了。",
    ],
)
def test_what_only_looks_like_a_mark_is_text(paragraph: str) -> None:
    bulletin = read(paragraph, "ko" if "가" <= paragraph[0] <= "힣" else "zh")

    words = " ".join(block.text for block in bulletin.blocks if isinstance(block, Paragraph))
    assert not any(isinstance(block, ItemList) for block in bulletin.blocks)
    assert not bulletin.points
    assert words.split() == ["The", "story.", *paragraph.split()]


@pytest.mark.parametrize(
    ("text", "language", "days"),
    [
        ("월요일 교회를 위해\n화요일 학교를 위해", "ko", ["월요일", "화요일"]),
        ("周一 为教会\n周二 为学校", "zh", ["周一", "周二"]),
        ("5月3日 为教会\n5月4日 为学校", "zh", ["2026-05-03", "2026-05-04"]),
    ],
)
def test_days_one_below_the_other_need_no_colon(text: str, language: str, days: list[str]) -> None:
    heading = "기도 제목" if language == "ko" else "代祷事项"

    found = read(f"{heading}\n{text}", language).points

    assert [point.date or point.group for point in found] == days
    assert [point.text for point in found] == [line.split()[-1] for line in text.split("\n")] or [
        point.text for point in found
    ] == [line.partition(" ")[2] for line in text.split("\n")]


def test_behind_a_sign_a_day_and_a_word_may_be_one_name() -> None:
    assert points("기도 제목\n• 월요일 기도회\n• 화요일 모임", "ko") == [
        "월요일 기도회",
        "화요일 모임",
    ]


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        (
            "一、教会\n1. 求主保守\n2. 求主供应\n二、学校\n1. 求主引导\n2. 求主赐福",
            "zh",
            ["教会|求主保守", "教会|求主供应", "学校|求主引导", "学校|求主赐福"],
        ),
        (
            "一、感恩\n1. 新屋顶\n2. 新老师\n二、代祷\n1. 医生\n2. 护士",
            "zh",
            ["一、感恩|新屋顶", "一、感恩|新老师", "二、代祷|医生", "二、代祷|护士"],
        ),
        (
            "• Thank God for A.\n• Thank God for B.\nPrayer:\n• C\n• D",
            "en",
            ["|Thank God for A.", "|Thank God for B.", "Prayer|C", "Prayer|D"],
        ),
        (
            "감사 제목\n- 새 지붕\n- 새 교사\n기도 제목:\n- 의사\n- 간호사",
            "ko",
            ["감사 제목|새 지붕", "감사 제목|새 교사", "기도 제목|의사", "기도 제목|간호사"],
        ),
        (
            "🙏 Prayer points\n👉 A\n👉 B",
            "en",
            ["|A", "|B"],
        ),
        ("기도 제목\n- 새 지붕\n\n일정\n- 5월 12일: 기도회", "ko", ["|새 지붕"]),
        ("Praise\n* The roof\n\nDates\n* 12 May: prayer meeting", "en", ["|The roof"]),
        ("一、感恩\n1、新屋顶\n\n二、活动\n1、5月12日：祷告会", "zh", ["|新屋顶"]),
        (
            "1. Praise\n- A\n- B\n2. Prayer\n- C\n- D",
            "en",
            ["1. Praise|A", "1. Praise|B", "2. Prayer|C", "2. Prayer|D"],
        ),
    ],
)
def test_a_heading_between_two_lists_heads_the_second(
    text: str, language: str, found: list[str]
) -> None:
    told = [f"{p.group or ''}|{p.text}" for p in read(text, language).points]

    if text.startswith("一、教会"):
        found = [f"一、{one}" if one.startswith("教") else f"二、{one}" for one in found]
    assert told == found


@pytest.mark.parametrize(
    "text",
    [
        "• Please remember A in your\nprayers\n• Pray for B.",
        "• Pray for those who give\nthanks\n• Pray for B.",
    ],
)
def test_the_end_of_a_sentence_is_no_heading(text: str) -> None:
    assert len(points(text)) == 2


def test_signs_without_spaces_are_joined_without_one() -> None:
    text = "代祷事项\n• 请为山区的教会和\n学校祷告，求主\n  保守他们。\n• 为 Anna\n祷告。"

    assert points(text, "zh") == ["请为山区的教会和学校祷告，求主保守他们。", "为 Anna 祷告。"]


def test_wrapped_chinese_is_one_paragraph_and_whole_lines_are_several() -> None:
    wrapped = (
        "我们在山区的教会里聚会，雪下得很大，弟兄姊妹们走了\n很远的路来到这里，与我们一同敬拜。"
    )
    each = "我们在山区的教会里聚会，雪下得很大。\n弟兄姊妹们还是走了很远的路来到这里。"

    assert len(read(wrapped, "zh").blocks) == 2
    assert len(read(each, "zh").blocks) == 3


def test_a_year_may_stand_in_a_heading() -> None:
    text = "Prayer points for May 2027\n\n3 May: Pray for A.\n4 May: Pray for B."

    bulletin = read_bulletin(f"Title\n\n{text}".encode(), "a.txt")

    assert [point.date for point in bulletin.points] == ["2027-05-03", "2027-05-04"]


# --- nothing is lost ---------------------------------------------------------------------

WORD = st.text("abcdefgxyzäéñ가나다صلاة", min_size=3, max_size=8).map(lambda w: f"x{w}")
SAID = st.lists(WORD, min_size=1, max_size=6).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(ROWS), SAID, SAID, st.sampled_from(sorted(KNOWN)))
def test_a_mark_gives_back_the_text_behind_it(
    row: tuple[str, str], first: str, second: str, language: str
) -> None:
    text = f"{row[0]}{first}\n{row[1]}{second}"

    bulletin = read(text, language)

    (found,) = [block for block in bulletin.blocks if isinstance(block, ItemList)]
    assert found.items == (first, second)


LINES = st.lists(
    st.one_of(
        SAID,
        st.tuples(st.sampled_from([mark for row in ROWS for mark in row]), SAID).map("".join),
        st.sampled_from(
            [
                "",
                "",
                "Prayer points",
                "기도 제목",
                "Dates",
                "3 May: x",
                "Montag: x",
                "周一：x",
                "# x",
            ]
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=120)
@given(LINES, st.sampled_from(sorted(KNOWN)), st.sampled_from(["txt", "md"]))
def test_every_word_is_somewhere_and_in_its_order(
    lines: list[str], language: str, ending: str
) -> None:
    text = "\n".join(lines)
    try:
        bulletin = read(text, language, ending)
    except UnreadableInput:
        return

    told = _words("\n".join([bulletin.title, *_texts(bulletin)]))
    left_over = [line.text for line in bulletin.lines if line.number in bulletin.residue]
    written = [word for word in _words(text) if word.startswith("x") and len(word) > 1]
    assert not [word for word in written if word not in told + _words("\n".join(left_over))]
    in_points = [word for point in bulletin.points for word in _words(point.text)]
    assert _is_in_order([word for word in in_points if word.startswith("x")], _words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text)


def _texts(bulletin: Bulletin) -> list[str]:
    texts: list[str] = []
    for block in bulletin.blocks:
        match block:
            case Paragraph(text) | Heading(text):
                texts.append(text)
            case Quotation(paragraphs):
                texts += paragraphs
            case ItemList(items):
                texts += items
    texts += (f"{point.group or ''} {point.text}" for point in bulletin.points)
    texts += (f"{verse.written} {verse.quotation or ''}" for verse in bulletin.scriptures)
    return texts


def _is_in_order(some: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(word in rest for word in some)
