"""References as the people of each language write them, and prose that only looks like one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import read_bulletin
from newsletter.scripture import CANON, find_references, find_unread, reference_name
from newsletter.scripture.canon import last_verse
from newsletter.scripture.names import LANGUAGES
from newsletter.scripture.spelling import value

WRITTEN = {
    "en": [
        ("Matthew 2 vs 40", "Matt.2.40"),
        ("Matthew, chapter 25, verse 40", "Matt.25.40"),
        ("Psalm 23 verses 1 to 3", "Ps.23.1-Ps.23.3"),
        ("Matt 5v16-18", "Matt.5.16-Matt.5.18"),
        ("Matt.25:40", "Matt.25.40"),
        ("Matt 25:40a", "Matt.25.40"),
        ("Matt 25:40ff", "Matt.25.40"),
        ("2Cor 4:8\u20119", "2Cor.4.8-2Cor.4.9"),
        ("Luke 2:1-20; 4:1—5:2", "Luke.2.1-Luke.2.20 Luke.4.1-Luke.5.2"),
        ("John\u00a03:16", "John.3.16"),
        ("1 cor 13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("psalm 23", "Ps.23"),
        ("Ps. 23 & 24", "Ps.23 Ps.24"),
        ("Romans 8:28, 31-39", "Rom.8.28 Rom.8.31-Rom.8.39"),
        ("John 14.6.", "John.14.6"),
        ("Philemon 6", "Phlm.1.6"),
        ("Isaiah 53:5 NIV", "Isa.53.5"),
        ("(Jude 30)", "Jude.1.30"),
        ("Phillipians 4:6", "Phil.4.6"),
    ],
    "de": [
        ("1. Korinther 13,4-7", "1Cor.13.4-1Cor.13.7"),
        ("Mt 5,3.5-7", "Matt.5.3 Matt.5.5-Matt.5.7"),
        ("1. Kor 13,4–7.13", "1Cor.13.4-1Cor.13.7 1Cor.13.13"),
        ("Joh 3, 16", "John.3.16"),
        ("Joh 3,16.18 und 1. Mose 1,1 - 2,4", "John.3.16 John.3.18 Gen.1.1-Gen.2.4"),
        ("Offb 21,4f.", "Rev.21.4"),
        ("Apg 2,42 ff.", "Acts.2.42"),
        ("Römer Kapitel 8 Vers 28", "Rom.8.28"),
        ("Zweiter Korinther 5,17", "2Cor.5.17"),
        ("Am 7,5", "Amos.7.5"),
        ("John 3:16", "John.3.16"),
    ],
    "fr": [
        ("1ère Corinthiens 13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("1 Corinthiens 13.4-7", "1Cor.13.4-1Cor.13.7"),
        ("Mt 25, 40", "Matt.25.40"),
        ("Psaumes 23, 24", "Ps.23 Ps.24"),
        ("le psaume 23", "Ps.23"),
        ("Ésaïe 40, v. 31", "Isa.40.31"),
        ("Esaïe 40.31", "Isa.40.31"),
        ("Jean chapitre 3 verset 16", "John.3.16"),
        ("Deuxième Timothée 1.7", "2Tim.1.7"),
    ],
    "es": [
        ("1ª Corintios 13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("Primera Corintios 13", "1Cor.13"),
        ("Salmo 23:1-3", "Ps.23.1-Ps.23.3"),
        ("el salmo 23", "Ps.23"),
        ("Hechos 2, 42", "Acts.2.42"),
        ("Jn 3,16; 4,5", "John.3.16 John.4.5"),
        ("Génesis capítulo 1 versículo 1", "Gen.1.1"),
    ],
    "pt": [
        ("1 Coríntios 13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("Jo 3.16", "John.3.16"),
        ("Jó 3.16", "Job.3.16"),
        ("Sl 23", "Ps.23"),
        ("Atos 2:42 e 4:32", "Acts.2.42 Acts.4.32"),
    ],
    "ru": [
        ("Мф. 25:40", "Matt.25.40"),
        ("1 Коринфянам 13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("1-е Коринфянам 13:4", "1Cor.13.4"),
        ("Евангелие от Иоанна, глава 3, стих 16", "John.3.16"),
        ("в псалме 22", "Ps.22"),
        ("Пс 118:176", "Ps.118.176"),
        ("Мф 18,20", "Matt.18.20"),
        ("Рим. 8:28, 31", "Rom.8.28 Rom.8.31"),
    ],
    "ar": [
        ("متى ٢٥: ٤٠", "Matt.25.40"),
        ("مَتَّى ٢٥:٤٠", "Matt.25.40"),
        ("مزمور ٢٣", "Ps.23"),
        ("مزمور 121: 1-2 ويوحنا 3: 16", "Ps.121.1-Ps.121.2 John.3.16"),
        ("١ كورنثوس ١٣: ٤-٧", "1Cor.13.4-1Cor.13.7"),
        ("كورنثوس الأولى 13:4", "1Cor.13.4"),
        ("إنجيل يوحنا الإصحاح 3 والآية 16", "John.3.16"),
        ("اشعياء 40 : 31", "Isa.40.31"),
    ],
    "fa": [
        ("متی ۲۵:۴۰", "Matt.25.40"),
        ("اول قرنتیان ۱۳:۴-۷", "1Cor.13.4-1Cor.13.7"),
        ("مزمور ۲۳", "Ps.23"),
        ("متی باب ۲۵ آیه ۴۰", "Matt.25.40"),
    ],
    "ur": [
        ("متی 25:40", "Matt.25.40"),
        ("متی 25 باب 40 آیت", "Matt.25.40"),
        ("زبور 23", "Ps.23"),
        ("یوحنا ۳:۱۶", "John.3.16"),
    ],
    "ko": [
        ("마태복음 5장 10절", "Matt.5.10"),
        ("마 5:10", "Matt.5.10"),
        ("마태복음 5장 3-10절", "Matt.5.3-Matt.5.10"),
        ("마태복음 5장 3절부터 10절까지", "Matt.5.3-Matt.5.10"),
        ("시편 23편 1절", "Ps.23.1"),
        ("(시 121:7-8)", "Ps.121.7-Ps.121.8"),
        ("고전 13:4~7", "1Cor.13.4-1Cor.13.7"),
        ("마 5:3, 요일 4:8", "Matt.5.3 1John.4.8"),
        ("요한복음 3:16에서", "John.3.16"),
        ("유다서 3절", "Jude.1.3"),
        ("마태복음 5장 10명이", "Matt.5"),
    ],
    "zh": [
        ("马太福音五章十节", "Matt.5.10"),
        ("马太福音第五章第十节", "Matt.5.10"),
        ("太5:10", "Matt.5.10"),
        ("（太 5：10）", "Matt.5.10"),
        ("诗篇第二十三篇一至三节", "Ps.23.1-Ps.23.3"),
        ("诗篇一百一十九篇一〇五节", "Ps.119.105"),
        ("林前13:4-7", "1Cor.13.4-1Cor.13.7"),
        ("约翰一书四章八节", "1John.4.8"),
        ("请读约翰福音3：16", "John.3.16"),
        ("（约3:16）", "John.3.16"),
        ("約翰福音三章十六節", "John.3.16"),
    ],
}

PROSE = {
    "en": "a job 3 days | acts of kindness: 2 | Mark 2 copies | John 3 years old | "
    "Is 5 enough | So 3 people | Dan 4 times | romans 8 people | mark 10:30 | "
    "Mark 10:30:15 | Is 40:60 a fair share | PHP 8.2 | PR 336 | MT 6 ships | "
    "Tel. Mark 020 7946 0018 | 1 and 2 Timothy | "
    "Numbers 3 and 5 have won | Job 3 days",
    "de": "am 7. Mai | Am 7. Mai treffen wir uns | Am 7.5. um neun Uhr | Wir hab 3 Kinder | "
    "Mark 3,50 Euro | Markus 3 Jahre alt | Seit Mk 4 Wochen hing | Raum 3,14 | "
    "bei Hiob 1,5 Liter | um 10.30 Uhr | Johannes 3 Gedichte | Ruth, 2, schläft | "
    "Römer 1.200 Leute",
    "fr": "Est 3 jours | Jean 3 ans | Marc 10 h 30 | Nombres 3 et 5 de la loterie",
    "es": "Juan 3 años | Sal 3 veces | los Reyes 2 veces | Números 3 y 5 de la rifa",
    "pt": "João 3 anos | Atos 2 vezes | Ed 3 dias",
    "ru": "Иоанна 3 года | Марк 10 лет | Числа 3 и 5",
    "ar": "متى 5 سنوات | وراعوث 4 أولاد | العدد 5 أشخاص | في 3 أيام",
    "fa": "یوحنا ۳ نفر | اعداد ۳ و ۵",
    "ur": "یوحنا 3 سال | گنتی 5 لوگ",
    "ko": "이 사 10명 | 요나 3일 | 오전 10:30 | 이번 주 수요일 4명",
    "zh": "约10:30开始 | 大约10:30 | 约300人 | 约翰3天以后 | 太5人 | 上午10:30 | 十二人",
}


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [(language, *row) for language, rows in WRITTEN.items() for row in rows],
)
def test_a_reference_is_found_as_its_people_write_it(
    language: str, text: str, expected: str
) -> None:
    assert " ".join(each.osis for each in find_references(text, language)) == expected


@pytest.mark.parametrize(
    ("language", "text"),
    [(language, text) for language, rows in PROSE.items() for text in rows.split(" | ")],
)
def test_prose_of_any_language_is_no_reference(language: str, text: str) -> None:
    assert find_references(text, language) == []


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("de", "Matthäus 2,40", "Matthäus 2 has only 23 verses"),
        ("fr", "Jean 3.99", "Jean 3 has only 36 verses"),
        ("es", "Salmo 151:1", "Salmo has only 150 chapters"),
        ("pt", "Mateus 29:1", "Mateus has only 28 chapters"),
        ("ru", "Мф. 2:40", "Мф 2 has only 23 verses"),
        ("ar", "متى ٢: ٤٠", "متى 2 has only 23 verses"),
        ("fa", "متی ۲:۴۰", "متی 2 has only 23 verses"),
        ("ur", "متی 2:40", "متی 2 has only 23 verses"),
        ("ko", "마태복음 2장 40절", "마태복음 2 has only 23 verses"),
        ("zh", "马太福音二章四十节", "马太福音 2 has only 23 verses"),
        ("zh", "太2:40", "太 2 has only 23 verses"),
        ("ko", "마 2:40", "마 2 has only 23 verses"),
    ],
)
def test_a_verse_that_no_bible_of_the_language_has_says_why(
    language: str, text: str, problem: str
) -> None:
    (reference,) = find_references(text, language)

    assert not reference.valid
    assert reference.problem == problem


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Psalm 3,9"),
        ("de", "Joel 4,1"),
        ("de", "Maleachi 3,24"),
        ("fr", "Psaume 51.21"),
        ("es", "Daniel 14:42"),
        ("pt", "Joel 4:21"),
        ("ru", "Псалом 9:39"),
        ("ru", "Пс. 151:1"),
        ("ru", "Рим. 14:26"),
        ("en", "Romans 16:27"),
        ("en", "3 John 15"),
    ],
)
def test_what_the_usual_bibles_of_a_language_have_is_valid(language: str, text: str) -> None:
    assert [each.valid for each in find_references(text, language)] == [True]


def test_english_bibles_have_no_fourth_chapter_of_joel() -> None:
    assert last_verse("Joel", 4, "en") == 0
    assert [each.valid for each in find_references("Joel 4:1", "en")] == [False]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_book_has_a_name_that_is_found_again(language: str) -> None:
    for book in CANON:
        shown = reference_name(f"{book}.1.2", language)

        assert [each.osis for each in find_references(f"({shown})", language)] == [f"{book}.1.2"]


@pytest.mark.parametrize(
    ("osis", "language", "shown"),
    [
        ("Matt.25.40", "en", "Matthew 25:40"),
        ("Matt.25.40", "de", "Matthäus 25,40"),
        ("Matt.25.40", "ko", "마태복음 25:40"),
        ("Matt.25.40", "zh-CN", "马太福音 25:40"),
        ("Matt.25.40", "zh-Hant", "馬太福音 25:40"),
        ("Matt.25.40", "pt-BR", "Mateus 25:40"),
        ("Matt.25.40", "sw", "Matthew 25:40"),
        ("Ps.121.7-Ps.121.8", "en", "Psalm 121:7-8"),
        ("Ps.120-Ps.134", "en", "Psalm 120-134"),
        ("Gen.1.1-Gen.2.3", "de", "1. Mose 1,1–2,3"),
        ("Jude.1.3", "en", "Jude 3"),
        ("Jude.1.3-Jude.1.4", "en", "Jude 3-4"),
        ("Ps.23", "fr", "Psaume 23"),
    ],
)
def test_a_reference_is_shown_in_its_usual_form(osis: str, language: str, shown: str) -> None:
    assert reference_name(osis, language) == shown


@pytest.mark.parametrize(
    ("language", "text", "usual"),
    [
        ("en", "Matthew 2 vs 40", "Matthew 2:40"),
        ("en", "Mt 25.40", "Matthew 25:40"),
        ("en", "Matt 5v16-18", "Matthew 5:16-18"),
        ("en", "John 3 : 16", "John 3:16"),
        ("en", "1 cor 13:4", "1 Corinthians 13:4"),
        ("en", "Matthew chapter 25 verse 40", ""),
        ("en", "Mt 25:40", ""),
        ("en", "Jude 3", ""),
        ("de", "Mt 25,40", ""),
        ("de", "Mt 25.40", "Matthäus 25,40"),
        ("fr", "Mt 25.40", ""),
        ("fr", "Mt 25, 40", ""),
        ("pt", "Jo 3.16", ""),
        ("ar", "متى ٢٥: ٤٠", ""),
        ("ko", "마 5:10", ""),
    ],
)
def test_an_unusual_spelling_comes_with_the_usual_one(language: str, text: str, usual: str) -> None:
    assert [each.usual for each in find_references(text, language)] == [usual]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("五", 5),
        ("十", 10),
        ("十二", 12),
        ("二十三", 23),
        ("廿三", 23),
        ("一百五十", 150),
        ("一百一十九", 119),
        ("一一九", 119),
        ("一〇五", 105),
        ("百", 100),
        ("40", 40),
    ],
)
def test_chinese_numbers_are_read(written: str, number: int) -> None:
    assert value(written) == number


def test_a_bulletin_in_german_has_its_verse_in_its_place() -> None:
    text = "Brief\n\nEin Satz.\n\n• Betet.\n\n„So spricht der Herr.“ (1. Mose 12,2, LUT)"

    (verse,) = read_bulletin(text.encode(), "brief.txt", "de").scriptures

    assert (verse.osis, verse.quotation) == ("Gen.12.2", "„So spricht der Herr.“")


PIECES = (
    "Matthew|Mt|1|Kor|2.|Mose|Ps|Am|마태복음|마|太|约|约翰一书|马太福音|متى|و|یوحنا|Мф|3|16|25|400|1.200|٢٥"
    "|五|二十三|百|章|节|장|절|باب|آیت|:|.|,|;|-|–|~|ff|v|vs|至|부터|und|et|y|(|)|“|”|…|xx|??|cxxi"
)


@settings(max_examples=60)
@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.sampled_from(PIECES.split("|")), max_size=12),
    st.booleans(),
)
def test_whatever_is_written_is_read_or_left_alone(
    language: str, pieces: list[str], spaced: bool
) -> None:
    text = (" " if spaced else "").join(pieces)
    found = find_references(text, language)

    assert all(text[each.start : each.end] == each.written for each in found)
    assert all(each.valid == (not each.problem) for each in found)
    assert all(written in text for written in find_unread(text, language, found))
