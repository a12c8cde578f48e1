"""The tables of words, looked through as their readers would: forms that were once missing."""

import pytest

from newsletter.bulletin import read_bulletin
from newsletter.scripture import find_references


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Keep them in your prayers."),
        ("en", "Uphold the team in prayer."),
        ("en", "Hold Anna before God."),
        ("en", "Plead with God for rain."),
        ("de", "Wir bitten um Gebet für Anna."),
        ("de", "Schließt Anna in eure Gebete ein."),
        ("fr", "Intercède pour Anna."),
        ("es", "Interceda por Ana."),
        ("es", "Clame a Dios por Ana."),
        ("es", "Ruegue por Ana."),
        ("es", "Recemos por Ana."),
        ("es", "Recen por Ana."),
        ("pt", "Rezem pela Ana."),
        ("pt", "Rezemos pela Ana."),
        ("pt", "Rogue por Ana."),
        ("ru", "Вознесите молитвы об Анне."),
        ("ru", "Молитвенно поддержите Анну."),
        ("ru", "Проси Бога о дожде."),
        ("ar", "نرجو الصلاة من أجل حنة."),
        ("ar", "يرجى الصلاة لأجل حنة."),
    ],
)
def test_each_language_asks_for_prayer_in_all_its_forms(language: str, text: str) -> None:
    (point,) = read_bulletin(f"A\n\nX.\n\n• {text}".encode(), "a.txt", language).points

    assert point.kind == "petition"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "They keep meeting, in prayer and song."),
        ("de", "Wir bitten um Nachricht und Gebetsanliegen."),
        ("es", "Se reza en la capilla."),
        ("pt", "A igreja onde se reza."),
        ("ru", "Он просит бога войны."),
    ],
)
def test_what_only_sounds_like_it_asks_nothing(language: str, text: str) -> None:
    assert read_bulletin(f"A\n\nX.\n\n• {text}".encode(), "a.txt", language).points == ()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Béni soit Dieu."),
        ("es", "Alabe a Dios."),
        ("es", "Agradezca a Dios por la lluvia."),
        ("ko", "비에 감사해 주세요."),
    ],
)
def test_each_language_gives_thanks_in_all_its_forms(language: str, text: str) -> None:
    (point,) = read_bulletin(f"A\n\nX.\n\n• {text}".encode(), "a.txt", language).points

    assert point.kind == "thanksgiving"


@pytest.mark.parametrize(
    ("language", "heading", "day", "date"),
    [
        ("en", "Pray", "Weds 4 March", "2026-03-04"),
        ("pt", "Oração", "Segunda feira, 2 de março", "2026-03-02"),
        ("pt", "Oração", "2.ª feira, 2 de março", "2026-03-02"),
        ("pt", "Oração", "4a-feira, 4 de março", "2026-03-04"),
        ("ar", "طلبات الصلاة", "الثلثاء 3 مارس", "2026-03-03"),
        ("ar", "طلبات الصلاة", "4 يوليوز", "2026-07-04"),  # Morocco
        ("ar", "طلبات الصلاة", "4 غشت", "2026-08-04"),
        ("ar", "طلبات الصلاة", "4 شتنبر", "2026-09-04"),
        ("ar", "طلبات الصلاة", "4 نونبر", "2026-11-04"),
        ("ar", "طلبات الصلاة", "4 دجنبر", "2026-12-04"),
    ],
)
def test_days_have_all_the_names_that_people_give_them(
    language: str, heading: str, day: str, date: str
) -> None:
    source = f"A 2026\n\nX.\n\n{heading}\n\n{day}: AB.\n{day}: CD.\n"

    assert read_bulletin(source.encode(), "a.txt", language).points[0].date == date


@pytest.mark.parametrize(
    ("language", "written", "osis"),
    [
        ("en", "Jg 5:1", "Judg.5.1"),
        ("en", "Qoh 3:1", "Eccl.3.1"),
        ("en", "Zp 1:1", "Zeph.1.1"),
        ("en", "Oba 1:3", "Obad.1.3"),
        ("en", "1 Ptr 1:3", "1Pet.1.3"),
        ("de", "Offenb. 1,1", "Rev.1.1"),
        ("fr", "Ec 3:1", "Eccl.3.1"),
        ("fr", "Jac 1:1", "Jas.1.1"),
        ("fr", "Philip 1:1", "Phil.1.1"),
        ("es", "Ec 3:1", "Eccl.3.1"),
        ("es", "Filem 1:3", "Phlm.1.3"),
        ("pt", "Est 1:1", "Esth.1.1"),
        ("pt", "Hab 1:2", "Hab.1.2"),
        ("pt", "Miq 6:8", "Mic.6.8"),
        ("pt", "Neh 1:1", "Neh.1.1"),
        ("ru", "Апокалипсис 1:1", "Rev.1.1"),
        ("ru", "Экклезиаст 3:1", "Eccl.3.1"),
    ],
)
def test_books_have_all_their_usual_short_names(language: str, written: str, osis: str) -> None:
    assert [found.osis for found in find_references(f"({written})", language)] == [osis]
