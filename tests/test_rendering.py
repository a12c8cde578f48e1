import functools
import re
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import (
    Bulletin,
    Button,
    Columns,
    Heading,
    ItemList,
    Paragraph,
    Picture,
    PointKind,
    PrayerPoint,
    Quotation,
    Scripture,
)
from newsletter.config import Settings
from newsletter.errors import Problem
from newsletter.rendering import (
    HTML_LIMIT,
    RenderedEmail,
    Shell,
    Slot,
    Templates,
    clean_name,
    html_bytes,
    look_of,
    merge,
    render,
    render_notice,
    slot_values,
)
from newsletter.rendering.inlining import Reading
from newsletter.rendering.plain import COLUMNS, columns, wrap
from newsletter.rendering.words import words_of
from newsletter.site import shipped_templates
from tests.brands import BRANDS, branded
from tests.bulletins import ALL, ARABIC, ENGLISH, KOREAN, LOOK

UNSUBSCRIBE = "https://prayer.example.org/u/A0123456789012345678901"
PREFERENCES = "https://prayer.example.org/p/A0123456789012345678901"
TEMPLATES = Templates([shipped_templates()])


@functools.cache
def rendered(bulletin: Bulletin) -> RenderedEmail:
    return render(bulletin, LOOK, TEMPLATES)


def copies(email: RenderedEmail, name: str | None = "Miriam") -> tuple[str, str]:
    in_html, in_text = slot_values(name, email.language, UNSUBSCRIBE, PREFERENCES)
    return merge(email.html, in_html), merge(email.text, in_text)


def joined(text: str) -> str:
    """Return a text without the marks that keep another direction apart."""
    return re.sub("[\u2068\u2069]", "", text)


def sentences(bulletin: Bulletin) -> list[str]:
    """Everything that was written, in pieces that no layout cuts."""
    written = [bulletin.title]
    for block in bulletin.blocks:
        match block:
            case Paragraph(text) | Heading(text):
                written.append(text)
            case Quotation(paragraphs):
                written += paragraphs
            case ItemList(items):
                written += items
            case Picture(caption=caption):
                written.append(caption)
    written += [point.text for point in bulletin.points]
    written += [point.group for point in bulletin.points if point.group]
    for verse in bulletin.scriptures:
        written += [verse.written, verse.quotation or "", verse.translation]
    return written


# --- both parts say everything ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "written", "translation", "credit"),
    [
        ("en", "John 3:16", "NIV", "John 3:16 (NIV)"),
        ("fr", "Jean 3.16", "", "Jean 3.16"),
        ("sw", "Yohana 3:16", "BHN", "Yohana 3:16 (BHN)"),
        ("zh", "约翰福音 3:16", "和合本", "约翰福音 3:16（和合本）"),
        ("zh", "约翰福音 3:16", "", "约翰福音 3:16"),
        ("zh-TW", "約翰福音 3:16", "和合本", "約翰福音 3:16（和合本）"),
    ],
)
def test_a_verse_is_credited_as_its_language_writes_brackets(
    language: str, written: str, translation: str, credit: str
) -> None:
    verse = Scripture(written, "John.3.16", True, 9, "God so loved", translation)

    html, text = copies(rendered(replace(ENGLISH, language=language, scriptures=(verse,))))

    assert f"God so loved {credit}" in Reading(html).text.replace("\u00a0", " ")
    assert f"\n    {credit}\n" in text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "label"), [("en", "Go:"), ("fr", "Go\u00a0:"), ("zh-Hant", "Go："), ("sw", "Go:")]
)
def test_in_the_text_the_address_of_a_button_stands_behind_the_colon_of_its_language(
    language: str, label: str
) -> None:
    button = Button("Go", "https://wells.example.org/a", 3)

    _, text = copies(rendered(replace(ENGLISH, language=language, blocks=(button,))))

    assert f"\n{label}\nhttps://wells.example.org/a\n" in text


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_every_word_written_is_in_both_parts(bulletin: Bulletin) -> None:
    html, text = copies(rendered(bulletin))

    seen, read = Reading(html).text, " ".join(text.split())
    for sentence in sentences(bulletin):
        assert sentence in seen
        assert sentence in read


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_greeting_links_and_postal_address_are_in_both_parts(bulletin: Bulletin) -> None:
    words = words_of(bulletin.language)

    html, text = copies(rendered(bulletin))

    for part in (Reading(html).text, joined(text)):
        assert words.greeting.format(name="Miriam") in part
        assert words.because.format(list="Weekly Prayer") in part
        assert LOOK.organisation in part
        assert LOOK.postal_address in part
        assert words.unsubscribe in part
        assert words.preferences in part
    assert UNSUBSCRIBE in text.split("\n")
    assert PREFERENCES in text.split("\n")


def test_links_are_those_written_and_ours_and_no_others() -> None:
    html, _ = copies(rendered(ENGLISH))

    assert Reading(html).links == [
        "https://prayer.example.org/archive?year=2026&no=4",
        UNSUBSCRIBE,
        PREFERENCES,
        "https://prayer.example.org",
    ]


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_nobody_is_watched(bulletin: Bulletin) -> None:
    html, _ = copies(rendered(bulletin))

    assert Reading(html).fetches == set()
    assert not re.search(r"<img|url\(|@import|src=", html)


def test_the_text_part_as_it_is_read() -> None:
    _, text = copies(rendered(ENGLISH))

    assert text == (
        """\
Harvest in the hills.

Dear Miriam,

Three families met this week for the first time since spring.

They read from <Luke> & sang "softly"; it's a long road.

    “We were afraid at first,” said a mother.

    “Now we are not alone.”


What comes next

- Sunday: morning meeting
- Wednesday: Bible study

Read on at https://prayer.example.org/archive?year=2026&no=4, it is
short.


Pray

* Thanksgiving: Give thanks for the three families. They opened their
  doors.

* Friday 4 December – Saturday 5 December: Pray for the road. Snow has
  come early.

    You did it to me.
    Matthew 25:40 (WEB)

    Psalm 23

--\x20
You receive this because you subscribed to Weekly Prayer.

Unsubscribe:
"""
        + f"{UNSUBSCRIBE}\n\nPreferences:\n{PREFERENCES}\n"
        + """
Prayer & Mercy Network
1 Example Street, London
https://prayer.example.org
"""
    )


# --- the HTML is well made --------------------------------------------------------------------


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_the_page_holds_what_mail_programs_and_screen_readers_need(bulletin: Bulletin) -> None:
    html, _ = copies(rendered(bulletin))

    start = "right" if bulletin.direction == "rtl" else "left"
    assert html.startswith(
        f'<!DOCTYPE html>\n<html lang="{bulletin.language}" dir="{bulletin.direction}">'
    )
    assert html.index('<meta charset="utf-8">') < 1024
    assert html.count("<h1") == 1
    assert html.count("<table ") == html.count('<table role="presentation"')
    assert 'role="article"' in html
    assert "<ul" in html
    assert "<li" in html
    assert html.count("<!--[if mso]>") == html.count("<![endif]-->")
    assert '<table role="presentation" width="600"' in html
    assert f"text-align:{start}" in html
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 520px", "[data-ogsc]"):
        assert rule in html


def test_points_of_a_right_to_left_bulletin_are_indented_on_the_right() -> None:
    html, _ = copies(rendered(ARABIC))

    assert "padding-right:24px" in html
    assert "padding-left:24px" not in html


def test_nothing_is_smaller_than_fourteen_pixels_and_body_text_is_seventeen() -> None:
    html, _ = copies(rendered(ENGLISH))

    sizes = [int(size) for size in re.findall(r"font-size: ?(\d+)px", html)]
    assert min(sizes) >= 14
    assert re.search(r'class="story" style="[^"]*font-size:17px', html)


def colour(css: str, name: str, property: str) -> str:  # noqa: A002
    """Return the last colour that a sheet gives to a class."""
    found = ""
    for names, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        if re.search(rf"(?<![\w-])\.{name}(?![\w-])", names):
            for value in re.findall(rf"(?<![\w-]){property}: (#[0-9a-f]{{6}})", rules):
                found = value
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, 1.4.3)."""

    def luminance(hexed: str) -> float:
        parts = [int(hexed[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


ON_SHEET = ("story", "said", "title", "heading", "group", "sender", "footer", "label")
ON_VERSE = ("verse-words", "reference")
LOOKS = {"none": LOOK, **{name: branded(name) for name in BRANDS}}


@pytest.mark.parametrize("scheme", ["light", "dark", "outlook"])
@pytest.mark.parametrize("brand", LOOKS)
def test_every_colour_has_contrast(brand: str, scheme: str) -> None:
    look = LOOKS[brand]
    given = {"light": look.light, "dark": look.dark, "look": look} | dict.fromkeys(
        ("fonts", "heading_fonts", "start", "end", "word_break"), "x"
    )
    head = TEMPLATES.fill("email/head.css.j2", given)
    css = {
        "light": TEMPLATES.fill("email/inline.css.j2", given | {"leading": 1}),
        "dark": head.partition("scheme: dark)")[2].partition("\n}\n")[0],
        "outlook": head.partition("\n[data-ogsb]")[2].partition("@media print")[0],
    }[scheme]

    low = {
        (name, ground)
        for names, ground in (
            ((*ON_SHEET, "link", "choice"), "sheet"),
            (("mark",), "mark" if colour(css, "mark", "background-color") else "sheet"),
            ((*ON_VERSE, "link"), "verse"),
            (("note-words", "note-label", "link"), "note"),
            (("button-link",), "button"),
        )
        for name in names
        if contrast(colour(css, name, "color"), colour(css, ground, "background-color")) < 4.5
    }
    assert not low


def test_the_sample_weighs_little(shared: Path) -> None:
    lines = (shared / "samples/north-korea.txt").read_text("utf-8").split("\n")
    story = tuple(Paragraph(line, no) for no, line in enumerate(lines[2:16]) if line.strip())
    points = tuple(
        PrayerPoint(line.strip(" •"), line.strip(" •").partition(".")[0] + ".", PointKind.MIXED, no)
        for no, line in enumerate(lines)
        if "•" in line
    )
    bulletin = replace(
        ENGLISH, title=lines[0], summary=lines[2], blocks=story, points=points, scriptures=()
    )

    email = rendered(bulletin)

    assert len(points) == 3
    assert html_bytes(email) <= 14_000


# --- choices ----------------------------------------------------------------------------------


def point(text: str, lead: str, kind: PointKind = PointKind.PETITION) -> PrayerPoint:
    return PrayerPoint(text, lead, kind, 1)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([point("One. Two.", "One.")], "<strong class=lead>One.</strong> Two."),
        ([point("One.", "One.")], "<li class=point>One.</li>"),
        ([point("One. Two.", "Other.")], "<li class=point>One. Two.</li>"),
    ],
)
def test_lead_sentences_are_bold_where_something_follows(
    points: list[PrayerPoint], expected: str
) -> None:
    html, _ = copies(render(replace(ENGLISH, points=tuple(points)), LOOK, TEMPLATES))

    assert expected in re.sub(r' style="[^"]*"', "", html).replace('"', "")


def test_thanksgivings_are_named_among_petitions_only() -> None:
    thanks = point("Give thanks.", "Give thanks.", PointKind.THANKSGIVING)

    alone = render(replace(ENGLISH, points=(thanks,)), LOOK, TEMPLATES)
    among = render(replace(ENGLISH, points=(thanks, point("Pray.", "Pray."))), LOOK, TEMPLATES)

    assert "Thanksgiving" not in copies(alone)[1]
    assert "* Thanksgiving: Give thanks." in copies(among)[1]


def test_a_bulletin_that_names_its_points_gets_no_second_heading() -> None:
    bulletin = replace(ENGLISH, blocks=(*ENGLISH.blocks, Heading("Prayer points", 15)))

    html, text = copies(rendered(bulletin))

    assert "\nPray\n" not in text
    assert ">Pray<" not in html


def test_a_passage_told_within_the_story_is_not_repeated() -> None:
    told = Paragraph("He said: You did it to me. (Psalm 23)", 3)

    _, text = copies(render(replace(ENGLISH, blocks=(told,)), LOOK, TEMPLATES))

    assert text.count("You did it to me.") == 1
    assert text.count("Psalm 23") == 1


def test_a_passage_above_the_points_is_not_repeated() -> None:
    points = tuple(replace(point, group="Out of Psalm 23") for point in ENGLISH.points)

    _, text = copies(render(replace(ENGLISH, points=points), LOOK, TEMPLATES))

    assert text.count("Psalm 23") == 1


def test_without_points_or_summary_nothing_is_left_standing_empty() -> None:
    bare = replace(ENGLISH, points=(), summary="", scriptures=())
    look = replace(LOOK, list_title="", website="", postal_address="", organisation="")

    html, text = copies(render(bare, look, TEMPLATES))

    assert "Pray\n" not in text
    assert 'class="preheader"' not in html
    assert "subscribed" not in text
    assert '<p class="small"' not in html


LABELS = {
    "en": "Friday 4 December: ",
    "en-US": "Friday, December 4: ",
    "de": "Freitag, 4. Dezember: ",
    "fr": "Vendredi 4 décembre\u00a0: ",
    "es": "Viernes, 4 de diciembre: ",
    "pt": "Sexta-feira, 4 de dezembro: ",
    "ru": "Пятница, 4 декабря: ",
    "ar": "الجمعة، 4 ديسمبر: ",
    "fa": "جمعه ۴ دسامبر: ",
    "ur": "جمعہ، 4 دسمبر: ",
    "ko": "12월 4일 (금요일): ",
    "zh": "12月4日星期五：",
}


@pytest.mark.parametrize("language", LABELS)
def test_the_day_of_a_point_is_told_in_its_language(language: str) -> None:
    dated = replace(point("Pray.", "Pray."), date="2026-12-04")

    html, text = copies(
        render(replace(ENGLISH, language=language, points=(dated,)), LOOK, TEMPLATES)
    )

    assert f"* {LABELS[language]}Pray." in text
    label = LABELS[language].replace("\u00a0", " ")
    assert f"{label}Pray." in html.replace("</span>", "").replace("\u00a0", " ")
    assert not re.search(r"\d\.? \w", re.sub("<[^>]*>", "", html))  # together on a line


def test_subject_is_the_title_on_one_line() -> None:
    email = render(replace(ENGLISH, title="Peace \n in\tthe\x07 hills."), LOOK, TEMPLATES)

    assert email.subject == "Peace in the hills"


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("Peace.", "Peace"),
        ("Peace!", "Peace!"),
        ("And then ...", "And then ..."),
        ("News from St.", "News from St."),
        ("平安。", "平安"),
        ("امن۔", "امن"),
    ],
)
def test_the_subject_has_no_full_stop(title: str, subject: str) -> None:
    assert render(replace(ENGLISH, title=title), LOOK, TEMPLATES).subject == subject


def test_the_look_comes_from_the_settings() -> None:
    assert look_of(Settings(), "Weekly").list_title == "Weekly"
    assert look_of(Settings(), "").organisation == Settings().organisation.name


# --- slots ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bulletin", ALL, ids=lambda b: b.language)
def test_the_same_bulletin_gives_an_equal_email(bulletin: Bulletin) -> None:
    first, second = (render(bulletin, LOOK, TEMPLATES) for _ in range(2))

    assert first == second
    assert first.hash() == second.hash()
    assert RenderedEmail.from_json(first.to_json()) == first


def test_slots_are_found_and_no_marker_is_left() -> None:
    email = rendered(ENGLISH)

    assert email.html.slots == (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES)
    assert email.text.slots == (Slot.GREETING, Slot.UNSUBSCRIBE, Slot.PREFERENCES)
    for literal in (*email.html.literals, *email.text.literals, email.subject):
        assert not re.search("zq[0-9a-f]{16}", literal)


def test_a_bulletin_that_holds_markers_and_template_code_is_only_text() -> None:
    strange = "zq0123456789abcdef01qz {{ look }} {% raw %} {unsubscribe} %(x)s ${y}"

    email = render(replace(ENGLISH, title=strange), LOOK, TEMPLATES)

    html, text = copies(email)
    assert strange in Reading(html).text
    assert strange in text
    assert len(email.html.slots) == 3


STRANGE_NAMES = [
    ("zq0123456789abcdef01qz", "zq0123456789abcdef01qz"),
    ("{{ unsubscribe_url }}", "{{ unsubscribe_url }}"),
    ("{name}{list}", "{name}{list}"),
    ("<b>Bob & Co</b>", "<b>Bob & Co</b>"),
    ('"Ann"', '"Ann"'),
    ("Ann\r\nBcc: x", "Ann Bcc: x"),
    ("\u202eevil\u2066\u200f", "evil"),
    ("  Ann   Lee ", "Ann Lee"),
    ("x" * 200, "x" * 80),
    ("a\ud800b", "a b"),
    ("نیم\u200cفاصله", "نیم\u200cفاصله"),
]


@pytest.mark.parametrize(("name", "shown"), STRANGE_NAMES)
def test_a_strange_name_is_harmless(name: str, shown: str) -> None:
    html, text = copies(rendered(ENGLISH), name)

    assert f"Dear {shown}," in Reading(html).text
    assert f"\nDear {shown},\n" in joined(text)
    assert f'Dear <span dir="auto">{escape(shown)}</span>,' in html
    assert Reading(html).links.count(UNSUBSCRIBE) == 1


@pytest.mark.parametrize(
    ("language", "name", "greeting"),
    [
        ("en", "Miriam", "Dear Miriam,"),
        ("en", "José", "Dear José,"),
        ("en", "مريم", "Dear \u2068مريم\u2069,"),
        ("ko", "مريم", "\u2068مريم\u2069 님께"),
        ("zh", "王芳", "王芳，您好："),
        ("ru", "Anna", "Здравствуйте, Anna!"),
        ("ar", "مريم", "مرحبًا مريم،"),
        ("ar", "Anna (UK)", "مرحبًا \u2068Anna (UK)\u2069،"),
        ("fa", "مریم\u200cالسادات", "سلام مریم\u200cالسادات،"),
        ("ur", "김민준", "سلام \u2068김민준\u2069،"),
        ("he", "מרים", "Dear \u2068מרים\u2069,"),
        ("fa", None, "دوستان عزیز،"),
    ],
)
def test_a_name_in_another_direction_keeps_its_place(
    language: str, name: str | None, greeting: str
) -> None:
    in_html, in_text = slot_values(name, language, UNSUBSCRIBE, PREFERENCES)

    assert in_text[Slot.GREETING] == greeting
    if name:
        assert f'<span dir="auto">{name}</span>' in in_html[Slot.GREETING]


def test_a_title_in_another_direction_keeps_its_place_in_the_text() -> None:
    _, text = copies(render(ARABIC, replace(LOOK, list_title="Prayer (UK)"), TEMPLATES))

    assert "في \u2068Prayer (UK)\u2069." in text


def test_where_the_fixed_words_are_english_they_say_so() -> None:
    swahili = render(replace(ENGLISH, language="sw"), LOOK, TEMPLATES)
    kurdish = render(replace(ARABIC, language="ckb"), LOOK, TEMPLATES)

    for email, direction in ((swahili, "ltr"), (kurdish, "rtl")):
        html, _ = copies(email)
        assert html.startswith(f'<!DOCTYPE html>\n<html lang="{email.language}" dir="{direction}">')
        english = re.findall(r'<(\w+)[^>]* lang="en" dir="ltr"', html)
        assert sorted(english) == ["h2", "p", "p", "p"]
    assert ' lang="en" dir="ltr"' not in copies(rendered(ARABIC))[0]


@pytest.mark.parametrize("name", [None, "", "  ", "\u202e\r\n"])
def test_without_a_name_many_are_greeted(name: str | None) -> None:
    in_html, in_text = slot_values(name, "en", UNSUBSCRIBE, PREFERENCES)

    assert in_html[Slot.GREETING] == in_text[Slot.GREETING] == "Dear friends,"


def test_links_are_escaped_in_html_only() -> None:
    in_html, in_text = slot_values(None, "en", "https://x.org/u?a=1&b=2", "")

    assert in_html[Slot.UNSUBSCRIBE] == "https://x.org/u?a=1&amp;b=2"
    assert in_text[Slot.UNSUBSCRIBE] == "https://x.org/u?a=1&b=2"


@pytest.mark.parametrize("url", ["https://x.org/a b", "https://x.org/\r\n", "https://bücher.de/"])
def test_a_link_that_is_not_ours_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not plain ASCII"):
        slot_values(None, "en", url, "")


@given(st.text(), st.text(), st.text())
def test_what_is_merged_in_is_never_read_again(one: str, two: str, literal: str) -> None:
    shell = Shell((literal, literal, ""), (Slot.GREETING, Slot.UNSUBSCRIBE))

    merged = merge(shell, {Slot.GREETING: one, Slot.UNSUBSCRIBE: two})

    assert merged == literal + one + literal + two


@given(st.text(max_size=200))
def test_a_clean_name_is_one_short_line(name: str) -> None:
    cleaned = clean_name(name)

    assert len(cleaned) <= 80
    assert len(cleaned.splitlines()) <= 1
    assert clean_name(cleaned) == cleaned
    cleaned.encode()


# --- wrapping ---------------------------------------------------------------------------------


@given(st.text(), st.sampled_from(["", "* "]))
def test_wrapping_keeps_every_word_and_stays_within_the_columns(text: str, first: str) -> None:
    wrapped = wrap(text, first, " " * len(first))

    assert "".join(wrapped.split()) == "".join((first + text).split())
    for line in wrapped.split("\n"):
        assert columns(line) <= COLUMNS or len(line.removeprefix(first).split()) <= 1


def test_chinese_is_wrapped_between_characters_and_never_before_a_full_stop() -> None:
    wrapped = wrap("这些家庭本周再次聚在一起。" * 12)

    lines = wrapped.split("\n")
    assert len(lines) > 3
    assert not any(line.startswith("。") for line in lines)
    assert all(columns(line) <= COLUMNS for line in lines)


def test_a_long_link_stands_unbroken_on_its_own_line() -> None:
    link = "https://prayer.example.org/" + "a" * 100

    assert f"\n{link}\n" in wrap(f"Before {link} after", "", "")


# --- what is refused --------------------------------------------------------------------------


def test_a_bulletin_that_gmail_would_cut_is_refused() -> None:
    long = replace(ENGLISH, blocks=(Paragraph("word " * 20_500, 1),))

    with pytest.raises(Problem, match="shorten the bulletin"):
        render(long, LOOK, TEMPLATES)


def test_the_weight_counts_bytes_and_filled_slots() -> None:
    email = RenderedEmail("s", Shell(("é", "x"), (Slot.GREETING,)), Shell(("",), ()), "en")

    assert html_bytes(email) == 2 + 1 + 200
    assert HTML_LIMIT < 102 * 1024


def test_a_site_without_templates_of_its_own_uses_those_we_ship(tmp_path: Path) -> None:
    templates = Templates([tmp_path / "templates", shipped_templates()])

    assert render(ENGLISH, LOOK, templates) == rendered(ENGLISH)


def test_missing_templates_are_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"bulletin.subject.j2 is missing"):
        Templates([tmp_path])


# --- any text at all --------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_text_comes_through(text: str) -> None:
    bulletin = replace(ENGLISH, title="T", blocks=(Paragraph(f"[{text}]", 1),))
    kept = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]", "", f"[{text}]")

    html, plain = copies(rendered(bulletin))

    assert " ".join(kept.split()) in Reading(html).text
    assert "".join(kept.split()) in "".join(plain.split())


# --- notices ----------------------------------------------------------------------------------


def test_a_notice_has_no_slots_and_says_everything_in_both_parts() -> None:
    email = render_notice(
        "No bulletin for\nFriday",
        ["The slot came up <empty>.", "https://prayer.example.org/staff/issues"],
        LOOK,
        TEMPLATES,
    )

    html, text = merge(email.html, {}), merge(email.text, {})
    assert email.subject == "No bulletin for Friday"
    assert email.html.slots == email.text.slots == ()
    assert "The slot came up <empty>." in Reading(html).text
    assert Reading(html).links[0] == "https://prayer.example.org/staff/issues"
    assert "https://prayer.example.org/staff/issues" in text.split("\n")
    assert "unsubscribe" not in text.lower()
    for part in (Reading(html).text, text):
        assert "named in the settings" in " ".join(part.split())
        assert LOOK.organisation in part


def test_korean_is_not_broken_within_words() -> None:
    html, _ = copies(rendered(KOREAN))

    for where in ("story", "footer"):
        assert re.search(f'class="{where}" style="[^"]*word-break:keep-all', html)


def test_a_word_longer_than_a_line_is_broken_and_makes_nothing_wider() -> None:
    html, _ = copies(rendered(ENGLISH))

    for where in ("story", "footer"):
        assert re.search(f'class="{where}" style="[^"]*word-break:break-word', html)


def test_a_french_line_neither_ends_with_an_opening_mark_nor_begins_with_a_closing_one() -> None:
    said = "« Où est-elle ? » dit-il — et il partit : le 4 décembre."
    story = replace(ENGLISH, language="fr", blocks=(Paragraph(said, 3), Heading("Qui ?", 4)))

    html, text = copies(rendered(story))

    tied = "«~Où est-elle~?~» dit-il~— et il partit~: le 4~décembre."
    assert tied.replace("~", "\u00a0") in html
    assert "Qui\u00a0?" in html
    assert "«\u00a0Où est-elle\u00a0?\u00a0» dit-il — et il partit\u00a0: le 4 décembre." in text
    assert "\u00a0" not in html.partition("<body")[0]


def test_arabic_letters_are_larger_to_look_as_large() -> None:
    arabic, english = (copies(rendered(bulletin))[0] for bulletin in (ARABIC, ENGLISH))

    assert re.search(r'class="story" style="[^"]*font-size:19px; line-height:32px', arabic)
    assert re.search(r'class="choice"[^>]*font-size:17px', arabic)
    assert re.search(r'class="choice"[^>]*font-size:15px', english)


def test_beside_each_other_the_last_paragraph_leaves_the_space_below_to_the_columns() -> None:
    columns = Columns(("Left.", "Below."), ("Right.", "Last."), 3, (3, 4, 5, 6))

    html, _ = copies(rendered(replace(ENGLISH, blocks=(columns,))))

    assert re.findall(r'<p class="(text|words)"[^>]*>(\w+\.)<', html)[:4] == [
        *(("text", word) for word in ("Left.", "Below.", "Right.")),
        ("words", "Last."),
    ]
