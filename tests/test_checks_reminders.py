"""Reminders: countries where a letter is dangerous, numbers in them, other people's reports."""

import pytest

from newsletter.bulletin import read_bulletin
from newsletter.checks import RULES, Finding, Severity, check
from newsletter.checks.places import countries_in

RULES_HERE = ("country-named", "operational-detail", "source-named")


def reminded(story: str, language: str = "en", title: str = "A letter") -> list[Finding]:
    source = f"{title}\n\n{story}\n\n• Pray. 祷告 기도해 주세요\n"
    found = check(read_bulletin(source.encode(), "a.txt", language))
    return [finding for finding in found if finding.rule in RULES_HERE]


def test_reminders_hold_nothing_back() -> None:
    assert {severity for name in RULES_HERE for severity in RULES[name].severities} == {
        Severity.NOTE
    }


@pytest.mark.parametrize(
    ("language", "text", "countries"),
    [
        ("en", "Iran's and Chinas, Iranians", ["Iran", "China"]),
        ("en", "the South China Sea of Omani and Sudanese", ["China"]),
        ("de", "in Nordkorea und Syriens Hauptstadt", ["North Korea", "Syria"]),
        ("fr", "en Corée du Nord, au Viêt Nam", ["North Korea", "Vietnam"]),
        ("es", "a Irán y Turquía", ["Iran"]),
        ("pt-BR", "no Irã e no Vietnã", ["Iran", "Vietnam"]),
        ("ru", "в Северной Корее, из Ирака и Китая", ["North Korea", "Iraq", "China"]),
        ("ru", "Туркмении, туркмены", ["Turkmenistan"]),
        ("ar", "وفي إيران والصين، للسودان وبالصين", ["Iran", "China", "Sudan", "China"]),
        ("fa", "در ايران و کره‌ی شمالی", ["Iran"]),
        ("ur", "پاکستان میں شام کو", ["Pakistan"]),
        ("ko", "북한과 이란에서", ["North Korea", "Iran"]),
        ("zh", "為北韓和伊朗禱告", ["North Korea", "Iran"]),
        ("en", "in South Sudan and Sudan", ["Sudan"]),
        ("ar", "في جنوب السودان", []),
        ("sw", "Iran", []),
    ],
)
def test_countries_are_found_as_each_language_writes_them(
    language: str, text: str, countries: list[str]
) -> None:
    assert countries_in(text, language) == countries


def test_every_language_names_the_same_countries() -> None:
    from newsletter.checks.places import _NAMES

    assert len(_NAMES) == 11
    assert {len(names.split(";")) for names in _NAMES.values()} == {31}


@pytest.mark.parametrize(
    ("title", "story", "about"),
    [
        ("Iran", "It rained.", "Iran"),
        ("A letter", "Iran is wide. Iran is high.", "Iran"),
        ("A letter", "He came from Iran.", None),
        ("Yemen, Oman and Iran", "It rained.", "Yemen, Oman, Iran"),
        ("Yemen, Oman, Iran and China", "It rained.", None),
        ("Iran\nSensitivity: restricted", "It rained.", None),
    ],
)
def test_a_country_is_offered_where_the_bulletin_is_about_it(
    title: str, story: str, about: str | None
) -> None:
    found = [f.suggestion for f in reminded(story, title=title) if f.rule == "country-named"]

    assert found == ([about] if about else [])


@pytest.mark.parametrize(
    ("story", "counts"),
    [
        ("We help between 150 and 200 women.", True),
        ("About 12 were baptised.", True),
        ("Some 1,500 met; 2.000 were afraid.", True),
        ("12" + " 345" * 5_000, True),
        ("They met in 2026, on 27 November 2026, at 10:30 or 11 am.", False),
        ("Nine met, or 9, and walked 12 km or 40 % of it.", False),
        ("They read Psalm 23 and John 3:16, and paid €50.", False),
    ],
)
def test_numbers_are_reminded_of_in_such_a_country_only(story: str, counts: bool) -> None:
    there = [f.rule for f in reminded(story, title="Iran")]
    elsewhere = [f.rule for f in reminded(story, title="Norway")]

    assert there == ["country-named", *(["operational-detail"] if counts else [])]
    assert elsewhere == []


@pytest.mark.parametrize(
    ("language", "story", "source"),
    [
        ("en", "Many fled, according to the Open Hands Network.", "Open Hands Network"),
        ("en", "According to UNHCR many fled.", "UNHCR"),
        ("en", "It went according to plan, according to God's Word and to Luke 2.", None),
        ("en", "According to First Peter 2:9 we are one people.", None),
        ("de", "Laut Offene Hände e.V. flohen viele.", "Offene Hände"),
        ("de", "Laut Wetterbericht regnet es.", None),
        ("fr", "Selon Portes Fermées beaucoup ont fui.", "Portes Fermées"),
        ("es", "Según la Red Manos Abiertas muchos huyeron.", "Red Manos Abiertas"),
        ("pt", "Segundo a Rede Mãos Abertas muitos fugiram.", "Rede Mãos Abertas"),
        ("ru", "По данным Открытых Рук многие бежали.", "Открытых Рук"),
        ("ar", "هرب كثيرون، وفقًا لمنظمة الأيدي.", "منظمة الأيدي"),
        ("fa", "به گزارش سازمان دست‌ها بسیاری گریختند.", "سازمان دست‌ها"),
        ("ur", "تنظیم ہاتھ کے مطابق بہت لوگ بھاگے۔", "تنظیم ہاتھ"),
        ("ko", "열린손선교회에 따르면 많은 이들이 피했습니다.", "열린손선교회"),
        ("zh", "据敞手会报道，许多人逃离。", "敞手会"),
    ],
)
def test_a_report_of_others_is_a_source_to_name(
    language: str, story: str, source: str | None
) -> None:
    found = [f.suggestion for f in reminded(story, language) if f.rule == "source-named"]

    assert found == ([source] if source else [])


@pytest.mark.parametrize(
    ("language", "title", "story", "counts"),
    [
        ("zh", "伊朗", "有140个家庭。", True),
        ("zh", "伊朗", "在2019年3月12日，12点。", False),
        ("ko", "이란", "140명이 왔습니다.", True),
        ("ko", "이란", "12월 24일 10시에 왔습니다.", False),
        ("fa", "ایران", "۱۴۰ نفر آمدند.", True),
    ],
)
def test_numbers_stand_right_beside_words(
    language: str, title: str, story: str, counts: bool
) -> None:
    found = [finding.rule for finding in reminded(story, language, title)]

    assert ("operational-detail" in found) is counts


def test_a_source_is_told_once() -> None:
    told = "According to Open Hands it rained. Later, according to Open Hands, it snowed."

    assert len(reminded(told)) == 1
