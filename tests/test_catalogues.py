"""The catalogues hold every fixed word of the mails, whole, and nothing else."""

import re
from pathlib import Path

import pytest

from newsletter.rendering.words import TRANSLATED, is_translated, typeface_of, words_of
from tests.catalogues import FOLDER, messages, updated, words

ROOT = Path(__file__).parents[1]
CATALOGUES = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("templates/email/*"), *ROOT.glob("newsletter/**/*.py"))
)


def test_there_is_one_catalogue_for_each_language() -> None:
    assert set(CATALOGUES) == TRANSLATED
    assert {path.suffix for path in FOLDER.iterdir()} == {".po"}


@pytest.mark.parametrize("language", sorted(TRANSLATED))
def test_a_catalogue_is_complete(language: str) -> None:
    catalogue = CATALOGUES[language]

    assert catalogue == updated(catalogue, language), "make words, then translate what is new"
    assert [m.context for m in messages(catalogue).values() if m.fuzzy or not m.string] == []


@pytest.mark.parametrize("language", sorted(TRANSLATED))
def test_a_translation_keeps_what_stands_in_braces(language: str) -> None:
    there = messages(CATALOGUES[language])

    for name, english, _ in words():
        assert in_braces(str(there[name].string)) == in_braces(english), name
        assert not re.search(r"[\u2066-\u2069\u202a-\u202e<>\r\n]", str(there[name].string)), name


def in_braces(text: str) -> list[str]:
    return sorted(re.findall(r"[{}][^{}]*[{}]?", text))


@pytest.mark.parametrize("name", [name for name, _, _ in words()])
def test_every_word_is_used_and_explained(name: str) -> None:
    ((_, english, remark),) = [word for word in words() if word[0] == name]

    assert re.search(rf"\b(?:words(?:_of\([^)]*\))?|self)\.{name}\b", SOURCES)
    assert english.strip() == english != ""
    assert remark.endswith(".")


def test_a_new_word_is_untranslated_a_changed_one_fuzzy_and_a_lost_one_gone() -> None:
    old = (
        'msgctxt "photo"\nmsgid "Picture"\nmsgstr "Bild"\n\n'
        'msgctxt "gone"\nmsgid "Gone"\nmsgstr "Weg"\n'
    )

    there = messages(updated(old, "de"))

    assert there["photo"].fuzzy
    assert (there["photo"].id, there["photo"].string) == ("Photo", "Bild")
    assert not there["pray"].string
    assert "gone" not in there


@pytest.mark.parametrize(
    ("tag", "unsubscribe", "translated"),
    [
        ("pt-BR", "Cancelar inscrição", True),
        ("PT_br", "Cancelar inscrição", True),
        ("pt-MZ", "Cancelar subscrição", True),
        ("prs", "لغو اشتراک", True),
        ("zh-CN", "退订", True),
        ("zh-TW", "取消訂閱", True),
        ("yue", "取消訂閱", True),
        ("en-NG", "Unsubscribe", True),
        ("sw", "Unsubscribe", False),
        ("ckb", "Unsubscribe", False),
    ],
)
def test_words_are_those_that_a_reader_reads_best(
    tag: str, unsubscribe: str, translated: bool
) -> None:
    assert words_of(tag).unsubscribe == unsubscribe
    assert is_translated(tag) is translated


def test_a_script_is_set_in_its_own_letters() -> None:
    fonts = {tag: typeface_of(tag).fonts for tag in ("ar", "ckb", "zh-CN", "zh-HK", "sw")}

    assert fonts["ckb"] == fonts["ar"] != fonts["sw"]
    assert "Noto Sans TC" in fonts["zh-HK"]
    assert "Noto Sans SC" in fonts["zh-CN"]


@pytest.mark.parametrize("language", ["en", *sorted(TRANSLATED)])
def test_every_language_has_whole_words(language: str) -> None:
    found = words_of(language)

    assert found.greeting.count("{name}") == 1
    assert found.because.count("{list}") == 1
    assert "Dear friend," not in (found.greeting, found.greeting_all)
    assert found.preferences in found.welcome_choices
    assert found.unsubscribe in found.welcome_leave
    assert found.unsubscribe in found.goodbye_mistake
    assert typeface_of(language).fonts.isascii()
    assert (found == words_of("en")) == (language == "en")
