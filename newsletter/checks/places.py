"""Countries where a letter about the church can bring people into danger, in each language."""

import re
from functools import cache

from newsletter.bulletin.words import folded

# One spelling parted from the next by "|"; in Russian the letters that every case has.
_NAMES = {
    "en": "North Korea|DPRK; Somalia; Yemen; Libya; Eritrea; Pakistan; Iran; Afghanistan; Sudan; "
    "Saudi Arabia; China; Vietnam; Laos; Maldives; Bangladesh; Myanmar|Burma; Uzbekistan; "
    "Turkmenistan; Tajikistan; Algeria; Mauritania; Syria; Iraq; Morocco; Tunisia; Qatar; Oman; "
    "Brunei; Bhutan; Kazakhstan; Azerbaijan",
    "de": "Nordkorea; Somalia; Jemen; Libyen; Eritrea; Pakistan; Iran; Afghanistan; Sudan; "
    "Saudi-Arabien; China; Vietnam; Laos; Malediven; Bangladesch; Myanmar|Birma|Burma; Usbekistan; "
    "Turkmenistan; Tadschikistan; Algerien; Mauretanien; Syrien; Irak; Marokko; Tunesien; Katar; "
    "Oman; Brunei; Bhutan; Kasachstan; Aserbaidschan",
    "fr": "Corée du Nord; Somalie; Yémen; Libye; Érythrée; Pakistan; Iran; Afghanistan; Soudan; "
    "Arabie saoudite; Chine; Viêt Nam|Vietnam; Laos; Maldives; Bangladesh; Myanmar|Birmanie; "
    "Ouzbékistan; Turkménistan; Tadjikistan; Algérie; Mauritanie; Syrie; Irak; Maroc; Tunisie; "
    "Qatar; Oman; Brunei; Bhoutan; Kazakhstan; Azerbaïdjan",
    "es": "Corea del Norte; Somalia; Yemen; Libia; Eritrea; Pakistán; Irán; Afganistán; Sudán; "
    "Arabia Saudí|Arabia Saudita; China; Vietnam; Laos; Maldivas; Bangladés|Bangladesh; "
    "Myanmar|Birmania; Uzbekistán; Turkmenistán; Tayikistán; Argelia; Mauritania; Siria; "
    "Irak|Iraq; Marruecos; Túnez; Catar|Qatar; Omán; Brunéi; Bután; Kazajistán; Azerbaiyán",
    "pt": "Coreia do Norte; Somália; Iêmen|Iémen; Líbia; Eritreia; Paquistão; Irã|Irão; "
    "Afeganistão; Sudão; Arábia Saudita; China; Vietnã|Vietname; Laos; Maldivas; Bangladesh; "
    "Mianmar|Birmânia; Uzbequistão; Turcomenistão; Tadjiquistão|Tajiquistão; Argélia; Mauritânia; "
    "Síria; Iraque; Marrocos; Tunísia; Catar; Omã; Brunei; Butão; Cazaquistão; Azerbaijão",
    "ru": "Северн/ Коре/|КНДР; Сомали; Йемен/; Ливи/; Эритре/; Пакистан/; Иран/; Афганистан/; "
    "Судан/; Саудовск/ Арави/; Кита/; Вьетнам/; Лаос/; Мальдив/; Бангладеш; Мьянм/|Бирм/; "
    "Узбекистан/; Туркмени/|Туркменистан/; Таджикистан/; Алжир/; Мавритани/; Сири/; Ирак/; "
    "Марокко; Тунис/; Катар/; Оман/; Бруне/; Бутан/; Казахстан/; Азербайджан/",
    "ar": "كوريا الشمالية; الصومال; اليمن; ليبيا; إريتريا; باكستان; إيران; أفغانستان; السودان; "
    "السعودية; الصين; فيتنام; لاوس; المالديف; بنغلاديش|بنغلادش; ميانمار|بورما; أوزبكستان; "
    "تركمانستان; طاجيكستان; الجزائر; موريتانيا; سوريا|سورية; العراق; المغرب; تونس; قطر; "
    "سلطنة عمان; بروناي; بوتان; كازاخستان; أذربيجان",
    "fa": "کره شمالی; سومالی; یمن; لیبی; اریتره; پاکستان; ایران; افغانستان; سودان; عربستان; چین; "
    "ویتنام; لائوس; مالدیو; بنگلادش; میانمار|برمه; ازبکستان; ترکمنستان; تاجیکستان; الجزایر; "
    "موریتانی; سوریه; عراق; مراکش; تونس; قطر; عمان; برونئی; بوتان; قزاقستان; آذربایجان",
    "ur": "شمالی کوریا; صومالیہ; یمن; لیبیا; اریٹیریا; پاکستان; ایران; افغانستان; سوڈان; "
    "سعودی عرب; چین; ویتنام; لاؤس; مالدیپ; بنگلہ دیش; میانمار|برما; ازبکستان; ترکمانستان; "
    "تاجکستان; الجزائر|الجیریا; موریطانیہ; ملک شام; عراق; مراکش; تونس|تیونس; قطر; عمان; برونائی; "
    "بھوٹان; قازقستان|قزاخستان; آذربائیجان",
    "ko": "북한|조선민주주의; 소말리아; 예멘; 리비아; 에리트레아; 파키스탄; 이란; "
    "아프가니스탄|아프간; 북수단|수단 공화국; 사우디; 중국; 베트남; 라오스; 몰디브; 방글라데시; "
    "미얀마|버마; 우즈베키스탄; "
    "투르크메니스탄; 타지키스탄; 알제리; 모리타니; 시리아; 이라크; 모로코; 튀니지; 카타르; 오만; "
    "브루나이; 부탄; 카자흐스탄; 아제르바이잔",
    "zh": "朝鲜|北韩|北韓; 索马里|索馬利; 也门|葉門; 利比亚|利比亞; 厄立特里亚|厄利垂亞; 巴基斯坦; "
    "伊朗; 阿富汗; 苏丹|蘇丹; 沙特|沙烏地; 中国; 越南; 老挝|寮国; 马尔代夫|馬爾地夫; 孟加拉; "
    "缅甸|緬甸; 乌兹别克|烏茲別克; 土库曼|土庫曼; 塔吉克; 阿尔及利亚|阿爾及利亞; "
    "毛里塔尼亚|茅利塔尼亞; 叙利亚|敘利亞; 伊拉克; 摩洛哥; 突尼斯|突尼西亞; 卡塔尔|卡達; 阿曼; "
    "文莱|汶萊; 不丹; 哈萨克|哈薩克; 阿塞拜疆|亞塞拜然",
}
_ENGLISH = [names.partition("|")[0].strip() for names in _NAMES["en"].split(";")]
_OTHERS = re.compile(  # South Sudan
    r"south sudan|soudan du sud|sudán del sur|sudão do sul|южн\w+ судан\w*|جنوب السودان"
    r"|سودان جنوبی|جنوبی سوڈان|南苏丹|南蘇丹",
    re.IGNORECASE,
)
_BEFORE_ARABIC = r"(?:[وف]?[بلك]?)"  # and, in, for, as: written in one with the name


def countries_in(text: str, language: str) -> list[str]:
    """Return the English names of the countries in `text`, each time that one stands there."""
    whole = _OTHERS.sub(" ", folded(text))
    found = [
        (match.start(), country)
        for country, pattern in _patterns(language.partition("-")[0].lower())
        for match in pattern.finditer(whole)
    ]
    return [country for _, country in sorted(found)]


@cache
def _patterns(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    if language not in _NAMES:
        return ()
    rows = _NAMES[language].split(";")
    return tuple(
        (
            country,
            re.compile("|".join(_written(name.strip(), language) for name in names.split("|"))),
        )
        for country, names in zip(_ENGLISH, rows, strict=len(rows) > 1)
        if names.strip()
    )


def _written(name: str, language: str) -> str:
    plain = r"\s+".join(re.escape(part).replace("/", r"\w{0,3}") for part in folded(name).split())
    match language:
        case "ko" | "zh":
            return plain
        case "ar" | "fa" | "ur":
            article = rf"|\bلل{plain[2:]}" if plain.startswith("ال") else ""
            return rf"\b{_BEFORE_ARABIC}{plain}\b{article}"
    return rf"\b{plain}(?:s|'s)?\b"
