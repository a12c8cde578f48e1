"""Real names in a text: what is found, and what is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.names import Kind, Names, Pseudonym, fold, in_words, is_enough, kind_of

NAME, PLACE, PHONE, LINK = Kind

FOUND = [
    # a name: case, order, punctuation, accents, width, what no reader sees, line breaks
    (NAME, "Kim Min-jun", "We met Kim Min-jun."),
    (NAME, "Kim Min-jun", "KIM MIN JUN came"),
    (NAME, "Kim Min-jun", "with Min-jun Kim,"),
    (NAME, "Kim Min-jun", "Kim, Minjun; and"),
    (NAME, "Kim Min-jun", "Kim\nMin-jun"),
    (NAME, "Kim Min-jun", "Kim Min-\njun"),
    (NAME, "Kim Min-jun", "K\u200bim M\u00adin\u2011jun"),
    (NAME, "Kim Min-jun", "Ｋｉｍ Ｍｉｎ－ｊｕｎ"),
    (NAME, "Kim Min-jun", "𝐊𝐢𝐦 Min-jun"),
    (NAME, "Kim Min-jun", "**Kim** _Min-jun_'s house"),
    (NAME, "Kim Min-jun", "mail kimminjun@example.org"),
    (NAME, "Kim Min-jun", "mail minjun.kim@example.org"),
    (NAME, "Kim Min-jun", "Kim Min-jun2024"),
    (NAME, "Anna Maria Kovač", "Kovac, Anna-Maria"),
    (NAME, "Anna Maria Kovač", "Maria Kovač Anna"),
    (NAME, "Jürgen Groß", "JUERGEN GROSS"),
    (NAME, "Jürgen Groß", "Jurgen Gross"),
    (NAME, "Søren Łukasz", "Soren Lukasz"),
    (NAME, "Søren Łukasz", "Soeren Łukasz"),
    (NAME, "O’Brien", "Mrs OBrien"),
    (NAME, "O'Brien", "Mrs O’Brien"),
    (NAME, "Işıl", "ISIL"),
    (NAME, "Anna", "Anna's"),
    # Cyrillic, Arabic script: inflected, prefixed, other letters for the same
    (NAME, "Анна Иванова", "письмо Анне Ивановой"),
    (NAME, "Иван Петров", "с Иваном Петровым"),
    (NAME, "Сергей", "для Сергея"),
    (NAME, "Дмитрий Достоевский", "о Дмитрии Достоевском"),
    (NAME, "Мария", "с Марией"),
    (NAME, "Алёна", "АЛЕНА"),
    (NAME, "محمد الحسن", "وَمُحَمَّد الحسن"),
    (NAME, "محمد الحسن", "لمحمد الحسن"),
    (NAME, "الحسن", "للحسن"),
    (NAME, "علی‌رضا", "علي رضا"),
    (NAME, "علی‌رضا", "علیرضا"),
    (NAME, "زینب", "زينب‌ها"),
    (NAME, "राम कुमार", "राम कुमार ने"),
    # scripts without spaces
    (NAME, "김민준", "김민준은 왔다"),
    (NAME, "김민준", "목사김민준"),
    (NAME, "김민준", "김 민준 씨"),
    (NAME, "김 민준", "김민준"),
    (NAME, "김민준", "김민\n준"),
    (NAME, "남궁민수", "남궁 민수"),
    (NAME, "王小明", "昨天王小明来了"),
    (NAME, "王小明", "王小\n明"),
    (NAME, "王小明", "王·小明"),
    (NAME, "アンナ", "シスター・アンナは"),
    (NAME, "Anna 김", "Anna 김은"),
    (NAME, "Anna", "Anna는 왔다"),
    (PLACE, "สบเมย", "ที่สบเมยวันนี้"),
    (PLACE, "Ban Nam-Khem", "BAN NAM KHEM"),
    # phone numbers: by their digits, with the country or without
    (PHONE, "+82 10-1234-5678", "call 010 1234 5678"),
    (PHONE, "+82 10-1234-5678", "call +82 (0)10 1234.5678."),
    (PHONE, "+82 10-1234-5678", "0082-10-1234-5678"),
    (PHONE, "+82 10-1234-5678", "tel:+821012345678"),
    (PHONE, "+82 10-1234-5678", "٠١٠ ١٢٣٤ ٥٦٧٨"),
    (PHONE, "+82 10-1234-5678", "room 12 010-1234-5678"),
    (PHONE, "+82 10-1234-5678", "010-1234-\n5678"),
    (PHONE, "010-1234-5678", "+82 10 1234 5678"),
    (PHONE, "010-1234-5678", "+82\n10 1234 5678 and"),
    (PHONE, "+82 10-1234-5678", "+81 10 1234 5678, 010 1234 5678"),
    (PHONE, "020 7946 0018", "+44 20 7946 0018"),
    (PHONE, "+44 20 7946 0018", "(020) 7946 0018"),
    (PHONE, "+7 912 345-67-89", "8 912 345 67 89"),
    (PHONE, "+998 71 123 45 67", "998711234567"),
    # links: the spot on the map, or the address
    (LINK, "https://maps.example/@37.5665,126.9780,15z", "see 37.5667, 126.9779"),
    (LINK, "37.5665, 126.9780", "https://m.example/?q=37.5665%2C126.9780"),
    (LINK, "37.5665, 126.9780", "https://m.example/#map=15/37.56651/126.97801"),
    (LINK, "37.5665, 126.9780", "https://m.example/place/x/data=!3d37.5665!4d126.9780"),
    (LINK, "37.5665, 126.9780", "https://m.example/?ll=126.9780,37.5665"),
    (LINK, "37.5665, 126.9780", "https://m.example/?mlat=37.5665&mlon=126.9780"),
    (LINK, "37.5665, 126.9780", "37°33′59.4″N 126°58′40.8″E"),
    (LINK, "37.5665, 126.9780", "geo:37.5665,126.9780"),
    (LINK, "https://maps.example/AbC12", "http://www.maps.example/AbC12?utm=1"),
    (LINK, "maps.example/AbC12/", "MAPS.EXAMPLE/abc12"),
    (LINK, "maps.example/AbC12", "see (maps.example/AbC12)."),
    (LINK, "maps.example/AbC12", "see maps.example/AbC12."),
    (LINK, "maps.example/AbC12", "notmaps.example/AbC12, maps.example/AbC12"),
]

NOT_FOUND = [
    (NAME, "Kim Min-jun", "Kim Min-june"),
    (NAME, "Kim Min-jun", "Akim Min-jun"),
    (NAME, "Kim Min-jun", "Kim and Min-jun"),
    (NAME, "Kim Min-jun", "Kim\n\nMin-jun"),
    (NAME, "Kim Min-jun", "Kim Min"),
    (NAME, "Kim Min-jun", "Minjun"),
    (NAME, "Ann", "Anna and Hannah planned a channel"),
    (NAME, "Mark", "marks, markets, remarkable, Denmark"),
    (NAME, "Li Na", "lina"),
    (NAME, "Jo Hann", "Johann"),
    (NAME, "Ali", "alive, Italian, alight"),
    (NAME, "Rose", "Roses arose"),
    (NAME, "Peter", "Peters, Petersburg"),
    (NAME, "Иван", "Иванов, диван, Иваново"),
    (NAME, "Лев", "левый, слева, лева-то"),
    (NAME, "Анна", "манна, Аннабель"),
    (NAME, "علي", "وعلى, اعلي, عليهم"),
    (NAME, "سارا", "بسارات"),
    (NAME, "राम", "रामायण"),
    (NAME, "민준", "김민준"),
    (NAME, "김민준", "김민 준비"),
    (NAME, "王小明", "他姓王\n\n小明来了"),
    (NAME, "王小明", "王小华和明"),
    (NAME, "アンナ", "スアンナン"),
    (PLACE, "Nam Khem", "Khem Nam"),
    (PLACE, "Ur", "Our church in Urdu-speaking Surabaya"),
    (PHONE, "+82 10-1234-5678", "+81 10 1234 5678"),
    (PHONE, "+82 10-1234-5678", "010-1234-5679"),
    (PHONE, "+82 10-1234-5678", "9010123456781"),
    (PHONE, "+82 10-1234-5678", "ISBN 978-0-10-123456-78"),
    (PHONE, "123456", "In 1234 people came, 56 left"),
    (PHONE, "123456", "John 1:23-45, 6"),
    (LINK, "37.5665, 126.9780", "37.5765, 126.9780"),
    (LINK, "37.5665, 126.9780", "from 37.5 to 126.9"),
    (LINK, "maps.example/AbC12", "maps.example/AbC123"),
    (LINK, "maps.example/AbC12", "notmaps.example/AbC12"),
]

MANY = Names(
    [Pseudonym(NAME, f"Zaro{n} Belu{n % 7}", "B.") for n in range(50)]
    + [Pseudonym(kind, real, "C.") for kind, real, _ in FOUND]
)


def found(kind: Kind, real: str, text: str, language: str = "en") -> bool:
    return bool(Names([Pseudonym(kind, real, "Anna K.")]).find(text, language))


@pytest.mark.parametrize(("kind", "real", "text"), FOUND)
def test_it_is_found_however_it_is_written(kind: Kind, real: str, text: str) -> None:
    assert found(kind, real, text)


@pytest.mark.parametrize(("kind", "real", "text"), NOT_FOUND)
def test_what_only_looks_like_it_is_no_alarm(kind: Kind, real: str, text: str) -> None:
    assert not found(kind, real, text)


@pytest.mark.parametrize(("kind", "real", "text"), FOUND)
def test_it_is_found_among_many_others(kind: Kind, real: str, text: str) -> None:
    hits = MANY.find(f"Before.\n\n{text}\n\nAfter.")

    assert hits
    assert {hit.line for hit in hits} <= {2, 3}


def test_a_german_genitive_is_the_name_in_german_only() -> None:
    assert found(NAME, "Peter", "Peters Haus", "de-AT")
    assert not found(NAME, "Peter", "Peters Haus", "en")
    assert not found(NAME, "Peter", "Petersburg", "de")


def test_the_line_is_told_and_each_entry_once_for_it() -> None:
    names = Names([Pseudonym(NAME, "Bo", "Anna"), Pseudonym(PLACE, "Ur", "")])

    hits = names.find("A\nBo and Bo of Ur\nC\nbo")

    assert [(hit.line, hit.pseudonym.published) for hit in hits] == [
        (1, ""),
        (1, "Anna"),
        (3, "Anna"),
    ]


def test_an_empty_register_finds_nothing() -> None:
    assert Names([]).find("Kim Min-jun, 010 1234 5678, 37.5665, 126.9780 王小明") == []


@pytest.mark.parametrize(
    ("real", "kind"),
    [
        ("Kim Min-jun", NAME),
        ("王小明", NAME),
        ("+82 10-1234-5678", PHONE),
        ("(020) 7946 0018", PHONE),
        ("https://maps.example/x", LINK),
        ("www.maps.example", LINK),
        ("geo:1,2", LINK),
        ("37.5665, 126.9780", LINK),
        ("Unit 12", NAME),
    ],
)
def test_the_kind_is_told_by_its_looks(real: str, kind: Kind) -> None:
    assert kind_of(real) is kind


@pytest.mark.parametrize(
    ("kind", "real", "enough"),
    [
        (NAME, "K", False),
        (NAME, "Bo", True),
        (NAME, "王", False),
        (NAME, "...", False),
        (PHONE, "0012", False),
        (PHONE, "123456", True),
        (LINK, "a.b/", False),
        (LINK, "1.234, 5.678", True),
    ],
)
def test_what_would_be_found_everywhere_is_not_enough(kind: Kind, real: str, enough: bool) -> None:
    assert is_enough(Pseudonym(kind, real, "")) is enough


def test_the_name_of_a_file_falls_into_words() -> None:
    assert in_words("KimMinJun_2024%20b.JPG").split() == ["Kim", "Min", "Jun", "b.JPG"]


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_folding_keeps_the_lines_and_changes_nothing_twice(text: str) -> None:
    folded = fold(text)

    assert folded.count("\n") == text.count("\n")
    assert fold(folded) == folded


@settings(max_examples=30)
@given(st.text(max_size=40), st.sampled_from(FOUND), st.text(max_size=40))
def test_any_text_around_it_changes_nothing(
    before: str, case: tuple[Kind, str, str], after: str
) -> None:
    kind, real, text = case

    assert found(kind, real, f"{before}\n\n{text}\n\n{after}")
