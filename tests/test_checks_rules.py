"""Each rule: texts that must give it, and near misses that must not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from newsletter.bulletin import (
    Bulletin,
    Leftover,
    Picture,
    PointKind,
    PrayerPoint,
    Sensitivity,
    read_bulletin,
)
from newsletter.bulletin.model import LeftoverKind
from newsletter.checks import RULES, Facts, Finding, Severity, check
from newsletter.checks.rules import remark

STORY = "The clinic is open again."
POINTS = "• Pray for the doctor.\n• Pray for enough medicine."
# Rules that stand in files of their own, with tests of their own.
ELSEWHERE = {
    *("ref-mismatch", "ref-style", "ref-unparsed", "translation-unnamed", "name-at-risk"),
    *("country-named", "operational-detail", "source-named"),
    *("ministry-named", "discreet-impossible"),
}


def letter(
    story: str = STORY, points: str = POINTS, title: str = "Letter", language: str = "en"
) -> Bulletin:
    return read_bulletin(f"{title}\n\n{story}\n\n{points}\n".encode(), "a.txt", language)


def pictured(alt: str, caption: str = "") -> Bulletin:
    return replace(letter(), blocks=(Picture(b"", "image/png", alt, caption, 3),))


def with_leftover(kind: LeftoverKind, count: int = 1, what: str = "") -> Bulletin:
    return replace(letter(), leftovers=(Leftover(kind, 3, count, what),))


def days(*labels: str) -> str:
    return "\n".join(f"{label}: Pray for house number {n}." for n, label in enumerate(labels, 1))


# rule, the line it must be told for, bulletin
GIVES: list[tuple[str, int, Bulletin]] = [
    # prayer points that say nothing
    ("empty-point", 6, letter(points="• Pray for the doctor.\n•\n• Pray for medicine.")),
    ("empty-point", 7, letter(points="- Pray for the doctor.\n- Pray for rain.\n-")),
    ("empty-point", 7, letter(points="1. Pray for A.\n2. Pray for B.\n3.")),
    ("empty-point", 6, letter(points="• Pray for the doctor.\n• Pray for")),
    ("empty-point", 6, letter(points="• Pray for the doctor.\n• Give thanks for:")),
    ("empty-point", 6, letter(points="Monday: Pray for A.\nTuesday:\nWednesday: Pray for B.")),
    ("empty-point", 6, letter(points="• Pray for the doctor.\n• …")),
    # points that say the same
    ("duplicate-point", 6, letter(points="• Pray for the doctor.\n• Pray for the  DOCTOR!")),
    (
        "duplicate-point",
        6,
        letter(
            points="Monday: Pray for the families who lost a house.\n"
            "Tuesday: Pray for the families who lost a house."
        ),
    ),
    ("duplicate-point", 8, letter(points="1. Pray for A.\n2.\n3. Pray for B.\n4. Pray for A.")),
    # days
    ("date-mismatch", 3, letter("We meet on Monday, 27 November 2026, at noon.")),
    ("date-mismatch", 3, letter("We meet on Mon 27 Nov 2026.")),
    ("date-mismatch", 3, letter("We meet on Monday, November 27, 2026.")),
    ("date-mismatch", 3, letter("We meet on 31 November 2026.")),
    ("date-mismatch", 1, letter(title="Prayer for Sunday 27 November 2026")),
    ("date-mismatch", 1, letter(title="Prayer for 29–31 February 2026")),
    (
        "date-mismatch",
        6,
        letter(points=days("Friday 27 November", "Sunday 28 November"), title="Winter 2026"),
    ),
    (
        "date-mismatch",
        6,
        letter(points=days("30 November", "31 November"), title="Winter 2026"),
    ),
    (
        "date-mismatch",
        7,
        letter(points=days("1 March", "2 March", "9 March"), title="Prayer for 1–7 March 2026"),
    ),
    (
        "date-mismatch",
        6,
        letter(points=days("28 March", "6 April"), title="From 28 March – 3 April 2026"),
    ),
    (
        "date-mismatch",
        6,
        letter(points=days("1 March", "1 May"), title="Prayer diary March 2026"),
    ),
    (
        "date-mismatch",
        5,
        letter(points=days("8–7 March", "9 March"), title="Prayer diary March 2026"),
    ),
    (
        "date-missing",
        7,
        letter(
            points=days("2 March", "3 March", "4 March", "6 March", "7 March"),
            title="Prayer diary March 2026",
        ),
    ),
    ("date-missing", 6, letter(points=days("Monday", "Tuesday", "Thursday", "Friday"))),
    ("date-missing", 8, letter(points=days("Day 1", "Day 2", "Day 3", "Day 4", "Day 6"))),
    ("date-missing", 8, letter(points=days(*(f"Day {n}" for n in (1, 2, 3, 4, 7, 8, 9, 10))))),
    # signs
    ("list-style", 7, letter(points="• Pray for A.\n• Pray for B.\n- Pray for C.")),
    ("list-style", 5, letter(points="* Pray for A.\n▪ Pray for B.\n▪ Pray for C.")),
    # a petition in the story
    ("prose-petition-found", 3, letter("The road is shut. Please pray for those who walk on it.")),
    ("prose-petition-found", 3, letter("Pray that the road to the clinic opens soon.\n\nGoodbye.")),
    *(
        ("prose-petition-found", 3, letter(story, points, language=language))
        for language, story, points in (
            ("de", "Das Dach ist fertig. Bitte betet für die Ärzte der Nacht.", "• Betet für A."),
            ("fr", "Le toit est fini. Priez pour les médecins de la nuit.", "• Priez pour A."),
            ("es", "El techo está listo. Oren por los médicos de la noche.", "• Oren por A."),
            ("pt", "O telhado está pronto. Orem pelos médicos da noite.", "• Orem por A."),
            ("ru", "Крыша готова. Молитесь о врачах, которые не спят.", "• Молитесь об А."),
            ("ar", "انتهى السقف. صلوا من أجل الأطباء في الليل.", "• صلوا من أجل المطر."),
            ("fa", "سقف تمام شد. برای پزشکان شب دعا کنید.", "• برای باران دعا کنید."),
            ("ur", "چھت بن گئی۔ رات کے ڈاکٹروں کے لیے دعا کریں۔", "• بارش کے لیے دعا کریں۔"),
            ("ko", "끝났습니다. 밤의 의사들을 위해 기도해 주세요.", "• 비를 위해 기도해 주세요."),
            ("zh", "屋顶修好了。请为夜间工作的医生祷告。", "• 请为雨水祷告。"),
        )
    ),
    ("date-mismatch", 3, letter("Wir treffen uns am Montag, 27. November 2026.", language="de")),
    ("date-mismatch", 3, letter("Rendez-vous le lundi 27 novembre 2026.", language="fr")),
    ("date-mismatch", 3, letter("Nos vemos el lunes 27 de noviembre de 2026.", language="es")),
    # title and length
    ("title-all-caps", 1, letter(title="HELP FOR THE VALLEY")),
    ("title-all-caps", 1, letter(title="НОВОСТИ ИЗ ДОЛИНЫ", language="ru")),
    ("long-bulletin", 1, letter("The road is long and the snow is deep. " * 120)),
    ("long-bulletin", 1, letter("路很长而雪很深。" * 300, language="zh")),
    # quotation marks, sentences, leftovers, verses: more in test_checks.py
    ("quote-unbalanced", 3, letter("She wrote “we are well.")),
    ("unfinished-paragraph", 3, letter("They hope to come back when the snow has gone and")),
    # what another program would have filled in
    *(
        ("merge-field", 3, letter(f"We think of you, {field}, every day."))
        for field in (
            "{{ first_name }}",
            "{{name|default:'friend'}}",
            "{% if name %}",
            "*|FNAME|*",
            "|FNAME|",  # what Markdown leaves of it
            "%%First Name%%",
            "%recipient.name%",
            "«First_Name»",
            "<<First Name>>",
            "{first_name}",
            "{name}",
            "[First Name]",
        )
    ),
    ("artefact-line", 3, letter("Back to top\n\nThe clinic is open.")),
    ("ref-invalid", 3, letter("We read John 3:99.")),
    ("no-prayer-points", 1, letter(points="Nothing.")),
    # characters
    ("encoding", 3, letter("It is donâ€™t here.")),
    ("encoding", 3, letter("ÐœÐ¾Ð»Ð¸Ñ‚ÐµÑ\x81ÑŒ")),
    ("encoding", 3, letter("caf\ufffd")),
    ("encoding", 1, read_bulletin("Café\n\n• Pray.".encode("cp1252"), "a.txt")),
    # what the text gives away
    ("contact-details", 3, letter("Call us: +44 20 7946 0991.")),
    ("contact-details", 3, letter("Call 020 7946 0991 at night.")),
    ("contact-details", 3, letter("Call (555) 867-5309.")),
    ("contact-details", 3, letter("WhatsApp: 555 01 99")),
    ("contact-details", 3, letter("He is at ٠٠٩٦٤ ٧٧٠ ١٢٣ ٤٥٦٧", language="ar")),
    ("contact-details", 3, letter("Write to anna@clinic.example.org soon.")),
    ("contact-details", 3, letter("See https://maps.app.goo.gl/AbC123 for the way.")),
    ("contact-details", 3, letter("See https://www.google.com/maps/@33.5,36.3,15z today.")),
    ("contact-details", 3, letter("The house is at 33.51380, 36.27650.")),
    ("contact-details", 3, letter("It is at 33° 30′ 49″ N, 36° 16′ E.")),
    ("contact-details", 3, letter("It is at 8G4XG72H+3Q in the old town.")),
    ("contact-details", 3, letter("It is at ///table.chair.lamp these days.")),
    ("donation-link", 3, letter("Give at https://paypal.me/lantern today.")),
    ("donation-link", 3, letter("Give at https://lantern.example.org/donate?x=1 today.")),
    ("donation-link", 3, letter("Unser Konto: DE89 3704 0044 0532 0130 00", language="de")),
    # links that cannot work
    ("link-broken", 3, letter("Look at https:// lantern.example.org now.")),
    ("link-broken", 3, letter("Look at http:/lantern.example.org now.")),
    ("link-broken", 3, letter("Look at https//lantern.example.org now.")),
    ("link-broken", 3, letter("Look at htp://lantern.example.org now.")),
    ("link-broken", 3, letter("Look at https://lantern now.")),
    ("link-broken", 3, letter("Look at https://lantern..example.org now.")),
    ("link-broken", 3, letter("Look at http://https://lantern.example.org now.")),
    ("link-broken", 3, letter("Look at https://lantern.example.org/news/the-lo… now.")),
    ("link-broken", 3, letter("Look at https://lantern.example.org:80a/news now.")),
    ("link-broken", 3, letter("Look at https://lantern.example.org/a%2 now.")),
    ("link-broken", 3, letter("Look at https://lantern.example.org/a_(b now.")),
    ("link-broken", 3, letter("Look at www.lantern now.")),
    ("link-broken", 3, letter("Look at https://[lantern.example.org now.")),
    ("link-broken", 3, letter("Look at https:///news now.")),
    # to whom else
    ("not-for-forwarding", 3, letter("Please do not forward this letter.")),
    ("not-for-forwarding", 3, letter("Thank you. Do not share these names online.")),
    ("not-for-forwarding", 3, letter("This is not for publication.")),
    ("not-for-forwarding", 1, letter(title="Confidential: news from the valley")),
    ("not-for-forwarding", 3, letter("Bitte diesen Brief nicht weiterleiten.", language="de")),
    ("not-for-forwarding", 3, letter("Merci de ne pas diffuser cette lettre.", language="fr")),
    ("not-for-forwarding", 3, letter("Por favor, no reenviar esta carta.", language="es")),
    ("not-for-forwarding", 3, letter("Por favor, não encaminhe esta carta.", language="pt")),
    ("not-for-forwarding", 3, letter("Просим не пересылать это письмо.", language="ru")),
    ("not-for-forwarding", 3, letter("الرجاء عدم نشر هذه الرسالة.", language="ar")),
    ("not-for-forwarding", 3, letter("لطفاً این نامه را منتشر نکنید.", language="fa")),
    ("not-for-forwarding", 3, letter("براہ کرم یہ خط شیئر نہ کریں۔", language="ur")),
    ("not-for-forwarding", 3, letter("이 편지를 공유하지 마세요.", language="ko")),
    ("not-for-forwarding", 3, letter("请勿转发。", language="zh")),
    # pictures
    ("image-alt-missing", 3, pictured("")),
    ("image-alt-missing", 3, pictured("", caption="The school")),
    ("image-alt-missing", 3, pictured("IMG_2041.JPG")),
    ("image-alt-missing", 3, pictured("image3")),
    ("image-alt-missing", 3, pictured("A roof\n\nDescription automatically generated")),
    # what a reader left out
    ("language-guessed", 1, replace(letter(), language_guessed=True)),
    *((kind, 3, with_leftover(kind)) for kind in get_args(LeftoverKind)),
]  # fmt: skip

# rule, bulletin that must not give it
SPARES: list[tuple[str, Bulletin]] = [
    ("empty-point", letter(points="• Pray.\n• Give thanks.")),
    ("empty-point", letter(points="• Pray for the doctor.\n\n---\n\nGoodbye.")),
    ("empty-point", letter(points="• Pray for the doctor.\n\n*\n\nGoodbye.")),
    ("empty-point", letter(points="• Peace\n• Rain")),
    ("empty-point", letter(points="Monday: Pray for A.\nTuesday:\n  Pray for C.")),
    (
        "duplicate-point",
        letter(points="Please pray for Sudan:\n• Peace.\n\nPlease pray for Chad:\n• Peace."),
    ),
    ("duplicate-point", letter(points="Monday: Pray for rain.\nTuesday: Pray for rain.")),
    (
        "duplicate-point",
        letter(points="• Pray for the people of the north.\n• Pray for the people of the east."),
    ),
    ("date-mismatch", letter("We meet on Friday, 27 November 2026, at noon.")),
    ("date-mismatch", letter("We met on Friday 27 November.")),  # of which year?
    ("date-mismatch", letter("We meet on Fri, Nov 27, 2026.")),
    ("date-mismatch", letter("On 29 February 2028 we shall meet.")),
    ("date-mismatch", letter("In May 31 people came, and 42 in June.")),
    ("date-mismatch", letter("Sunday 3 Maybe more will come.")),
    (
        "date-mismatch",
        letter(points=days("30 March", "2 April"), title="Prayer diary March 2026"),
    ),
    (
        "date-mismatch",
        letter(points=days("28 March", "2 April"), title="From 28 March – 3 April 2026"),
    ),
    (
        "date-mismatch",
        letter(points=days("1 March", "2 March"), title="Letter of 27 February 2026"),
    ),
    ("date-mismatch", letter(title="Prayer for 9–3 March 2026")),
    ("date-missing", letter(points=days("Monday", "Wednesday", "Friday"))),
    ("date-missing", letter(points=days("Monday", "Tuesday", "Thursday"))),
    (
        "date-missing",
        letter(points=days(*("Monday", "Tuesday", "Wednesday", "Thursday", "Friday") * 2)),
    ),
    (
        "date-missing",
        letter(
            points=days(*(f"{day} March" for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13))),
            title="Prayer diary March 2026",
        ),
    ),
    (
        "date-missing",
        letter(
            points=days("2 March", "3 March", "4–5 March", "6 March"),
            title="Prayer diary March 2026",
        ),
    ),
    (
        "date-missing",
        letter(
            points=days("2 March", "9 March", "16 March", "23 March"),
            title="Prayer diary March 2026",
        ),
    ),
    ("list-style", letter(points="• Pray for A.\n  - and for B.\n• Pray for C.")),
    ("list-style", letter(points="▪ Pray for A.\n▶ Pray for B.\n✓ Pray for C.")),
    ("list-style", letter(points="1. Pray for A.\n2) Pray for B.\n3. Pray for C.")),
    (
        "list-style",
        letter(points="Pray:\n• For A.\n• For B.\n\nThe end is near.\n\nPray:\n- For C.\n- For D."),
    ),
    ("prose-petition-found", letter("They pray every day for those who walk on the road.")),
    ("prose-petition-found", letter("Please pray with us for the following needs this week.")),
    ("prose-petition-found", letter("“Pray for us and for the road,” she said.")),
    ("prose-petition-found", letter("Thank you. Pray with us.\n\nGoodbye.")),
    ("prose-petition-found", letter("Pray that the road opens soon.\n\nBye.", points="None.")),
    ("empty-point", letter(points="• 为雨水祷告\n• 为屋顶祷告", language="zh")),
    ("empty-point", letter(points="• 비를 위한 기도\n• 지붕을 위한 기도", language="ko")),
    ("title-all-caps", letter(title="AIDS in Chad")),
    ("title-all-caps", letter(title="USA")),
    ("title-all-caps", letter(title="山谷消息山谷消息山谷消息", language="zh")),
    ("long-bulletin", letter("The road is long and the snow is deep. " * 100)),
    ("quote-unbalanced", letter("She wrote “we are well.”")),
    ("unfinished-paragraph", letter("With love from all of us")),
    *(
        ("merge-field", letter(f"We read {fine} together."))
        for fine in ("[name withheld]", "«Le Monde»", "100 % of 20 %", "| A | B |", "<<Psalm>>")
    ),
    ("artefact-line", letter("We came back to the top of the hill.")),
    ("ref-invalid", letter("We read John 3:16.")),
    ("no-prayer-points", letter()),
    ("encoding", letter("«MAÇÃ» is an apple, «ÉTÉ» a summer, and „MENÜ“ a list.")),
    ("encoding", letter("Ângela a vu SÃO PAULO, l’été, à 20 °C – «oui».", language="pt")),
    ("contact-details", letter("Between 2019-2024 they grew from 1 200 000 to 2,500,000 people.")),
    ("contact-details", letter("Read Psalm 119:105-112, then 1 Cor 13:4-7, on 03-05-2026.")),
    ("contact-details", letter("It costs 1.250,50 or 3.400 and ISBN 978-3-16-148410-0 is old.")),
    ("contact-details", letter("It was 38° in the north, and 40.5, 41.2 the day after.")),
    ("contact-details", letter("Open 07:00-19:30, room 0815, in 2026 and/or 2027.")),
    ("contact-details", letter("See https://a.example/0044-2079-460991/x for more.")),
    ("donation-link", letter("Give generously, see https://lantern.example.org/forgiveness now.")),
    ("donation-link", letter("The number is DE89 3704 0044 0532 0130 01, which is none.")),
    ("link-broken", letter("See https://lantern.example.org/a_(b)?c=d#e, or www.a.example/b.")),
    ("link-broken", letter("(See https://lantern.example.org/news.) And https://a.example!")),
    ("link-broken", letter("Look at http://127.0.0.1:8000/x and https://bücher.example/ä%20b.")),
    ("link-broken", letter("An address begins with https: and then come two slashes.")),
    ("link-broken", letter("Look at https://web.example.org/save/https://a.example/ now.")),
    ("link-broken", letter("Write to anna@www.example.org, or to lantern.example.")),
    ("not-for-forwarding", letter("They do not share their faith, and don’t post letters.")),
    ("not-for-forwarding", letter("Please share this letter. We have a confidential line.")),
    ("not-for-forwarding", letter("Wir wollen ihn nicht weiterleiten.", language="de")),
    ("not-for-forwarding", letter("Decidió no compartir su casa.", language="es")),
    (
        "not-for-forwarding",
        replace(letter("Please do not forward this."), sensitivity=Sensitivity.RESTRICTED),
    ),
    ("image-alt-missing", pictured("Three children before the new school")),
    ("image-alt-missing", pictured("Image of the school")),
    ("language-guessed", letter()),
    *((kind, letter()) for kind in get_args(LeftoverKind)),
]  # fmt: skip


def found(bulletin: Bulletin, facts: Facts | None = None) -> list[tuple[str, int]]:
    return [(finding.rule, finding.line) for finding in check(bulletin, facts)]


@pytest.mark.parametrize(("rule", "line", "bulletin"), GIVES)
def test_a_text_gives_the_finding_in_its_line(rule: str, line: int, bulletin: Bulletin) -> None:
    findings = [finding for finding in check(bulletin) if finding.rule == rule]

    assert line in [finding.line for finding in findings]
    for finding in findings:
        _is_for_people(finding)
        assert finding.severity in RULES[rule].severities


def _is_for_people(finding: Finding) -> None:
    assert finding.message.endswith(".")
    assert ": " in finding.message  # what and where: what to do
    assert finding.rule not in finding.message
    assert finding.message[0].isupper()


@pytest.mark.parametrize(("rule", "bulletin"), SPARES)
def test_a_near_miss_does_not_give_it(rule: str, bulletin: Bulletin) -> None:
    assert rule not in [name for name, _ in found(bulletin)]


def test_every_rule_has_texts_that_give_it_and_near_misses() -> None:
    of_facts = {"already-sent", "size-clipped"}

    assert {rule for rule, _, _ in GIVES} == set(RULES) - ELSEWHERE - of_facts
    assert {rule for rule, _ in SPARES} == set(RULES) - ELSEWHERE - of_facts


@pytest.mark.parametrize(
    ("html_bytes", "severity"),
    [
        (None, None),
        (90_000, None),
        (90_001, Severity.WARNING),
        (102_000, Severity.WARNING),
        (102_001, Severity.BLOCKER),
    ],
)
def test_a_heavy_email_is_warned_of_and_one_that_is_cut_blocks(
    html_bytes: int | None, severity: Severity | None
) -> None:
    findings = check(letter(), Facts(html_bytes=html_bytes))

    assert [(each.rule, each.severity) for each in findings] == (
        [("size-clipped", severity)] if severity else []
    )


@pytest.mark.parametrize(
    "piece", ["0-", "https://", "Ã", "a.", "tel 1 ", "+1 2 3 ", "1 March ", "(", "• "]
)
def test_a_long_line_of_anything_is_checked(piece: str) -> None:
    # Takes minutes where a pattern looks at the rest of the line from every place in it.
    long = letter(f"The end of {piece * 20_000}.")

    assert isinstance(check(long), list)


def test_what_blocks_is_wrong_for_certain() -> None:
    blocking = {name for name, rule in RULES.items() if Severity.BLOCKER in rule.severities}

    assert blocking == {
        "already-sent", "artefact-line", "discreet-impossible", "merge-field", "ministry-named",
        "name-at-risk", "no-prayer-points", "ref-invalid", "size-clipped",
    }  # fmt: skip


def test_several_leftovers_are_counted_in_one_sentence() -> None:
    comments = check(with_leftover("review-comment", 3))[0]
    tables = check(with_leftover("not-taken", 1, "a table"))[0]
    picture = check(with_leftover("image-unusable", 1, "it is damaged"))[0]

    assert comments.message.startswith(
        "The file holds 3 comments, which are left out (the first near “The clinic is open again"
    )
    assert tables.message.startswith(
        "A table could not be taken and will be missing from the mail (near “The clinic is open"
    )
    assert picture.message.startswith("A picture was left out, because it is damaged (near “The ")


def test_the_place_of_what_was_left_out_never_says_what_it_was() -> None:
    source = "# T\n\nRain. <!-- a secret of Anna -->\n\n- Pray.\u202e\n"
    found = check(read_bulletin(source.encode(), "a.md"))

    told = [f.message for f in found if f.rule in ("review-comment", "hidden-text")]
    assert len(told) == 2
    assert "secret" not in repr(told)
    assert "\u202e" not in "".join(told)


def test_points_made_by_hand_need_no_lines() -> None:
    point = PrayerPoint("Pray for A.", "Pray for A.", PointKind.PETITION, 1, "2026-03-02")
    made = replace(letter(), points=(point,), blocks=(), lines=())

    assert found(made, Facts(datetime(2026, 3, 2, tzinfo=UTC))) == [("already-sent", 1)]


@pytest.mark.parametrize(
    ("rule", "severity"), [("no-such-rule", None), ("encoding", Severity.BLOCKER)]
)
def test_a_finding_has_a_rule_and_a_severity_of_it(rule: str, severity: Severity | None) -> None:
    with pytest.raises(ValueError, match="no rule of this severity"):
        remark(rule, 1, "Look.", severity=severity)
