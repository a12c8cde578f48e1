"""Which language a bulletin is in, which way it runs, and how its bytes become text."""

import codecs

import pytest

from newsletter.bulletin import Bulletin, read_bulletin, similarity
from newsletter.bulletin.decoding import ENCODINGS
from newsletter.bulletin.language import language_of
from newsletter.checks import check
from newsletter.errors import UnreadableInput

TEXTS = {
    "en": "Pray for the church in the north, that the road stays open and that all of them are "
    "safe. Give thanks for the harvest and for the nurses who have come to stay with us.",
    "de": "Betet für die Gemeinde im Norden, dass die Straße offen bleibt. Wir danken Gott für die "
    "Ernte und für die Schwestern, die mit uns in das Dorf gekommen sind.",
    "fr": "Prions pour l’église du nord, afin que la route reste ouverte. Nous rendons grâce pour "
    "la récolte et pour les infirmières qui sont venues dans le village avec nous.",
    "es": "Oremos por la iglesia del norte, para que la carretera siga abierta. Damos gracias por "
    "la cosecha y por las enfermeras que han venido con nosotros a los pueblos.",
    "pt": "Oremos pela igreja do norte, para que a estrada não se feche. Damos graças pela "
    "colheita e pelas enfermeiras que vieram conosco para as aldeias do vale.",
    "ar": "صلوا من أجل الكنيسة في الشمال، أن يبقى الطريق مفتوحًا. نشكر الله على الحصاد وعلى "
    "الممرضات التي جاءت مع الفريق إلى القرية.",
    "fa": "برای کلیسا در شمال دعا کنید که راه باز بماند. خدا را برای محصول و برای پرستارانی که "
    "با ما به روستا آمده‌اند شکر می‌کنیم.",
    "ur": "شمال کی کلیسیا کے لیے دعا کریں کہ راستہ کھلا رہے۔ فصل کے لیے اور ان نرسوں کے لیے جو "
    "ہمارے ساتھ گاؤں میں آئی ہیں خدا کا شکر کریں۔",
    "ko": "북쪽 교회를 위해 기도해 주세요. 길이 계속 열려 있기를 바랍니다. 추수를 감사드립니다.",
    "zh": "请为北方的教会祷告，求主保守道路畅通。感谢主，庄稼丰收，也有护士们来到村里。",
    "zh-Hant": "請為北方的教會禱告，求主保守道路暢通。感謝主，莊稼豐收，也有護士們來到村裡。",
    "ru": "Молитесь о церкви на севере, чтобы дорога оставалась открытой. Мы благодарим Бога за "
    "урожай и за сестёр, которые приехали с нами в деревню.",
}
OTHERS = {
    "Ukrainian": "Моліться за церкву на півночі, щоб дорога була відкрита. Дякуємо Богу за врожай.",
    "Bulgarian": "Молете се за църквата на север, пътят да остане отворен. Благодарим на Бога за "
    "реколтата и за сестрите, които дойдоха с нас.",
    "Italian": "Preghiamo per la chiesa del nord, perché la strada resti aperta. Ringraziamo Dio "
    "per il raccolto e per le infermiere che sono venute con noi nella missione.",
    "Dutch": "Bid voor de kerk in het noorden, dat de weg open blijft. Dank God voor de oogst en "
    "voor de verpleegsters die met ons naar de zendingspost zijn gekomen.",
    "Galician": "Oremos pola igrexa do norte, para que a estrada continúe aberta. Damos grazas a "
    "Deus pola colleita e polas enfermeiras que viñeron connosco á misión este ano.",
    "Japanese": "北の教会のために祈ってください。道が開かれたままでありますように。感謝します。",
    "Kurdish": "تکایە نوێژ بکەن بۆ کڵێسا لە باکوور، بۆ ئەوەی ڕێگاکە کراوە بمێنێتەوە. سوپاسی خودا.",
    "Pashto": "مهرباني وکړئ د شمال د کليسا لپاره دعا وکړئ، چې لار خلاصه پاتې شي. د خدای څخه مننه.",
    "two": "Pray for rain. Betet um Regen.",
    "few words": "Pray for the church.",
    "half": "Pray for the church in the north. 북쪽 교회를 위해 기도해 주세요. And pray for us.",
    "numbers": "2026 – 12 – 25",
    "addresses": "https://prayer.example.org/the/and/of/to/in " * 10,
}


def read(source: str | bytes, language: str | None = None, default: str = "en") -> Bulletin:
    source = source.encode() if isinstance(source, str) else source
    return read_bulletin(source, "a.txt", language, default)


# --- told by the text --------------------------------------------------------------------


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_tells_its_language(language: str) -> None:
    bulletin = read(f"North\n\n{TEXTS[language]}", default="de" if language == "en" else "en")

    assert (bulletin.language, bulletin.language_guessed) == (language, True)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_in_doubt_no_language_is_guessed(text: str) -> None:
    bulletin = read(f"North\n\n{text}", default="sw")

    assert language_of(text) is None
    assert (bulletin.language, bulletin.language_guessed) == ("sw", False)


def test_what_was_named_is_never_overruled() -> None:
    bulletin = read(TEXTS["ru"], "uk")

    assert (bulletin.language, bulletin.language_guessed) == ("uk", False)


@pytest.mark.parametrize("home", ["zh", "zh-Hant-TW", "ZH-hk"])
def test_the_language_of_the_house_is_no_guess(home: str) -> None:
    bulletin = read(TEXTS["zh"], default=home)

    assert (bulletin.language, bulletin.language_guessed) == (home, False)


@pytest.mark.parametrize(
    ("written", "language"), [("fa", "fa"), ("Farsi", "fa"), ("Deutsch", "de"), ("pt-BR", "pt-BR")]
)
def test_a_language_may_be_given_by_code_or_name(written: str, language: str) -> None:
    assert read_bulletin(b"Title\n\nStory.", "a.txt", written).language == language


@pytest.mark.parametrize(
    "written", ["no such language", "Klingonese!", "x" * 40, "fa-" + "x" * 40, "fa" + "-Arab" * 9]
)
def test_what_is_no_language_is_refused(written: str) -> None:
    with pytest.raises(UnreadableInput, match="No language is called so"):
        read_bulletin(b"Title\n\nStory.", "a.txt", written)


def test_a_guessed_language_finds_its_points() -> None:
    bulletin = read(f"소식\n\n{TEXTS['ko']}\n\n기도 제목\n• 북쪽 교회\n• 간호사들")

    assert [point.text for point in bulletin.points] == ["북쪽 교회", "간호사들"]


# --- direction ---------------------------------------------------------------------------

ARABIC = "صلوا من أجل الكنيسة في الشمال"


@pytest.mark.parametrize(
    ("text", "language", "direction"),
    [
        (f"Open Doors Network\n\n{ARABIC}", "ar", "rtl"),
        (f"{ARABIC}\n\nhttps://prayer.example.org/{'x' * 200}", "ar", "rtl"),
        (f"{ARABIC} ({'Prayer Network ' * 3})", "ar", "rtl"),
        (f"Title\n\n{ARABIC}", "en", "rtl"),
        (f"The word {ARABIC[:4]} means: pray with us.", "en", "ltr"),
        (f"{'The whole letter is in another language. ' * 5}\n\n{ARABIC}", "ar", "ltr"),
        ("2026 – 3/5", "ur", "rtl"),
        ("2026 – 3/5", "ko", "ltr"),
        ("تفضلوا • 12 • 34 • 56", "ar", "rtl"),
    ],
)
def test_mixed_text_runs_as_its_readers_expect(text: str, language: str, direction: str) -> None:
    assert read(text, language).direction == direction


# --- bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "codec", "encoding"),
    [
        ("de", "cp1252", "windows-1252"),
        ("fr", "cp1252", "windows-1252"),
        ("ar", "cp1256", "windows-1256"),
        ("fa", "cp1256", "windows-1256"),
        ("ru", "cp1251", "windows-1251"),
        ("ru", "koi8_r", "koi8-r"),
        ("ko", "cp949", "euc-kr"),
        ("zh", "gb18030", "gb18030"),
        ("zh-Hant", "cp950", "big5"),
        ("zh-TW", "cp950", "big5"),
        ("zh-HK", "big5hkscs", "big5-hkscs"),
    ],
)
def test_old_code_pages_are_read_by_language(language: str, codec: str, encoding: str) -> None:
    text = TEXTS["zh-Hant" if language.startswith("zh-") else language].replace("\u06cc", "\u064a")
    bulletin = read(f"North\n\n{text}".encode(codec), language)

    assert bulletin.encoding == encoding
    assert bulletin.lines[2].text == text
    (told,) = [finding for finding in check(bulletin) if finding.rule == "encoding"]
    assert ENCODINGS[encoding] in told.message


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("language", ["ar", "ko", "zh", "ru"])
def test_unicode_needs_no_code_page(codec: str, language: str) -> None:
    bulletin = read(f"North\n\n{TEXTS[language]}".encode(codec), language)

    assert bulletin.lines[2].text == TEXTS[language]
    assert bulletin.encoding == codec.removesuffix("-sig")


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF8]
)
def test_a_byte_order_mark_that_lies_is_an_error(mark: bytes) -> None:
    with pytest.raises(UnreadableInput, match="not a text file"):
        read(mark + b"\xff\xff\xff")


@pytest.mark.parametrize("language", ["ru", "ar", "ko", "zh-TW"])
def test_bytes_that_are_no_text_of_the_language_are_western(language: str) -> None:
    text = "Für die Gemeinde in Zürich, Köln und Tübingen. “Größe” is a name; so is Müller’s."

    bulletin = read(f"North\n\n{text}".encode("cp1252"), language)

    assert bulletin.encoding == "windows-1252"
    assert bulletin.lines[2].text == text


def test_the_code_page_of_the_house_is_tried_where_nobody_named_a_language() -> None:
    source = f"Север\n\n{TEXTS['ru']}".encode("cp1251")

    assert read(source, default="ru").lines[2].text == TEXTS["ru"]
    assert read(source, default="en").encoding == "windows-1252"


def test_letters_in_two_parts_are_put_together() -> None:
    text = "3. Ma\u0308rz: Betet fu\u0308r A.\n4. Ma\u0308rz: Betet fu\u0308r B."

    bulletin = read(f"Gebet 2026\n\n{text}", "de")

    assert [(point.date, point.text) for point in bulletin.points] == [
        ("2026-03-03", "Betet für A."),
        ("2026-03-04", "Betet für B."),
    ]


# --- likeness ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "mended", "other"),
    [
        (
            "请为山区的教会祷告，求神保守他们。雪下得很大，道路不通。",
            "请为山区的教会祷告，求主保守他们。雪下得很大，道路已通。",
            "学校开学了，四十个孩子来上课。请为新老师祷告。",
        ),
        (
            "山の教会のために祈ってください。雪が深く、道が閉ざされています。",
            "山の教会のために祈りましょう。雪が深く、道が閉ざされています。",
            "学校が始まり、四十人の子どもが来ました。新しい先生のために。",
        ),
        (
            "산골 교회를 위해 기도해 주세요. 눈이 깊어 길이 막혔습니다. 세 가정이 모였습니다.",
            "산골 교회를 위해 기도해 주세요. 눈이 깊어 길이 막혔습니다. 네 가정이 모였습니다.",
            "학교가 시작되어 마흔 명의 아이들이 왔습니다. 새 선생님을 위해 기도해 주세요.",
        ),
    ],
    ids=["zh", "ja", "ko"],
)
def test_likeness_needs_no_spaces_between_words(first: str, mended: str, other: str) -> None:
    one, two, three = (read(f"标\n\n{text}") for text in (first, mended, other))

    assert similarity(one, one) == 1
    assert 0.5 <= similarity(one, two) < 1
    assert similarity(one, three) < 0.25
