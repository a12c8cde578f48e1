"""Which of the languages there are serves a reader best."""

import pytest
from babel.core import Locale

from newsletter.languages import (
    OWN_NAMES,
    base_language,
    best_match,
    differ,
    language_name,
    own_name,
)
from newsletter.rendering import TRANSLATED

# reader -> what is offered -> what they get
MATCHES: dict[tuple[str | None, str], str | None] = {
    # the same, however it is written
    ("pt-BR", "en pt pt-BR"): "pt-BR",
    ("PT_br", "en pt pt-BR"): "pt-BR",
    ("fa", "en FA"): "FA",
    # a region goes without saying
    ("pt", "en pt-PT pt-BR"): "pt-BR",
    ("zh-TW", "en zh zh-Hant"): "zh-Hant",
    ("pt-BR", "pt-PT pt"): "pt",
    # regions that write alike
    ("pt-MZ", "pt-BR pt-PT"): "pt-PT",
    ("pt-MZ", "pt-BR pt-AO"): "pt-AO",
    ("es-MX", "es es-419 es-AR"): "es-419",
    ("es-MX", "es es-AR"): "es-AR",
    ("en-NG", "en-US en-GB"): "en-GB",
    ("zh-MO", "zh-TW zh-HK"): "zh-HK",
    # the language without a region, then any other
    ("pt-PT", "en pt-BR pt"): "pt",
    ("pt-BR", "en pt-PT"): "pt-PT",
    ("fa-AF", "en fa"): "fa",
    ("de-CH", "de-AT de-DE"): "de-AT",
    # one language under several codes
    ("prs", "en fa"): "fa",
    ("prs", "fa fa-AF"): "fa-AF",
    ("fa-AF", "fa prs"): "prs",
    ("yue", "en zh zh-Hant"): "zh-Hant",
    ("nb", "en no"): "no",
    ("nn", "en nb"): "nb",
    # another script, where nearly everybody reads both
    ("zh-Hant", "en zh-Hans"): "zh-Hans",
    ("zh-HK", "en zh"): "zh",
    ("sr-Latn", "en sr"): "sr",
    ("zh-Hant", "zh-Hans zh-TW en"): "zh-TW",
    # and where it is another language on paper
    ("pa-PK", "en pa"): None,
    ("az-IR", "en az"): None,
    ("ku-Arab", "en ku"): None,
    # no neighbour stands in for another
    ("uk", "en ru"): None,
    ("ug", "en zh"): None,
    ("ku", "en tr"): None,
    ("ckb", "en ku ar"): None,
    ("ur", "en fa ar"): None,
    # nobody knows
    (None, "en fa"): None,
    ("", "en fa"): None,
    ("f", "en fa"): None,
    ("not a language", "en fa"): None,
    ("sw", ""): None,
}


@pytest.mark.parametrize(("reader", "offered"), MATCHES)
def test_a_reader_gets_the_best_match(reader: str | None, offered: str) -> None:
    assert best_match(reader, offered.split()) == MATCHES[reader, offered]


@pytest.mark.parametrize(
    ("one", "other", "two"),
    [
        ("en", "EN", False),
        ("en", "fa", True),
        ("pt", "pt-BR", False),
        ("pt-PT", "pt-BR", True),
        ("zh", "zh-Hans", False),
        ("zh", "zh-TW", True),
        ("zh-Hant", "zh-TW", False),
        ("prs", "fa", False),
        ("prs", "fa-IR", True),
    ],
)
def test_texts_differ_by_script_or_by_a_region_that_both_name(
    one: str, other: str, two: bool
) -> None:
    assert differ(one, other) is differ(other, one) is two


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("fa", "Persian"),
        ("PT_br", "Portuguese (Brazil)"),
        ("zh-Hant", "Chinese (Traditional)"),
        ("x-private", "x-private"),
        ("qtz", "qtz"),
    ],
)
def test_a_language_is_told_by_its_name(tag: str, name: str) -> None:
    assert language_name(tag) == name


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("fa", "فارسی"),
        ("PT_br", "português (Brasil)"),
        ("zh-Hant", "中文 (繁體)"),
        ("prs", "فارسی (افغانستان)"),
        ("qtz", "qtz"),
    ],
)
def test_a_language_has_a_name_of_its_own_or_one_in_english(tag: str, name: str) -> None:
    assert own_name(tag) == name


def test_names_that_are_written_down_are_those_of_the_tables() -> None:
    locales = {tag: Locale.parse(tag, sep="-") for tag in OWN_NAMES}

    assert {tag: each.get_display_name(each) for tag, each in locales.items()} == OWN_NAMES
    assert set(OWN_NAMES) == TRANSLATED | {"en"}


@pytest.mark.parametrize(("tag", "base"), [("pt-BR", "pt"), ("PT_br", "pt"), ("prs", "fa")])
def test_the_base_is_the_first_part(tag: str, base: str) -> None:
    assert base_language(tag) == base
