"""Which language a text is in: told by its letters and commonest words, or not at all."""

import re
from collections import Counter

_FEWEST_LETTERS = 20  # of an alphabet that few languages share
_FEWEST_WORDS = 20  # of the Latin alphabet
_MOST_LETTERS = 0.5  # of all: the rest may be names and titles in another alphabet
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_ADDRESS = re.compile(r"://|@|www\.")
_LONGEST = 20_000  # characters; nobody changes language after so many

# First and last letter.  Not patterns: with so many letters they take long to make.
_SCRIPTS = (
    ("A", "\u024f", "Latin"),
    ("\u0400", "\u052f", "Cyrillic"),
    ("\u0600", "\u077f", "Arabic"),
    ("\u1100", "\u11ff", "Hangul"),
    ("\u1e00", "\u1eff", "Latin"),
    ("\u3040", "\u30ff", "kana"),
    ("\u3130", "\u318f", "Hangul"),
    ("\u3400", "\u9fff", "Han"),
    ("\uac00", "\ud7a3", "Hangul"),
)

_RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
_ONLY_RUSSIAN = frozenset("ыэ")
# Letters that only other languages of the alphabet have: Pashto, Kurdish, Sindhi, Uyghur.
_OTHER_ARABIC = frozenset("ټډړږښڼېۍځڅۆێەڕڵڤٻڀٺٿڄڃۇۈۋڭڠ")
_URDU = frozenset("ٹڈڑےںہھ")
_FARSI = frozenset("پچژگکی")  # Urdu has them too
_ARABIC = frozenset("ةأإىؤئء")
_FEW = 0.005  # of the letters: a foreign name has some
_MANY = 0.02

# Signs that are common and written in one way only.
_SIMPLIFIED = frozenset("们为这个来时说对会过还发后里经听应样从让给请谢祷爱难书边长门问间东车")
_TRADITIONAL = frozenset("們為這個來時說對會過還發後裡經聽應樣從讓給請謝禱愛難書邊長門問間東車")

# The commonest words.  Neighbours that we cannot read are here too, so that they are not
# taken for one that we can.
_COMMON = {
    "ar": "في من على إلى أن الله الذي التي هذا هذه مع عن لا ما كان قد أجل الرب كل",
    "fa": "و در به از که را این برای است با آن خدا می های خداوند ما آنها تا هم شد",
    "ur": "کے کی میں ہے اور سے کا کو ہیں نے کہ پر اس لیے یہ خدا ان کریں تھا",
    "ru": "и в не на что с по для о как это за из у к но мы их они от его все",
    "en": "the and of to in is that for it with as was on are be have this from they by we at who "
    "has their our you will not his her pray prayer god church",
    "de": "der die und den das ist von zu mit sich für nicht ein eine dem auf wir dass im es sie "
    "auch werden des ihr uns haben an gebet betet gott gemeinde",
    "fr": "le la les et des de en un une du que qui dans pour est pas au sur avec nous il ils "
    "aux leur vous ce sont par ont plus prière prions dieu église",
    "es": "el la los las y en del que con una por para es su sus se al lo como más no nos pero "
    "este esta fue han muchos un oración oremos iglesia dios señor gracias hasta dé les sin",
    "pt": "o os as e do da dos das em que com uma um por para é não na no nas nos ao pela pelo "
    "seu sua mais mas como são foram se oração oremos igreja deus senhor "
    "graças até lhes pelos pelas mas nós",
    "nl": "de het een en van in is dat op te met voor zijn niet aan er ook als wij door naar om",
    "af": "die en van is het in nie te vir met dat hulle ons wat om sy aan",
    "it": "il di e che per con una sono del della gli nel è non le dei alla un "
    "la i si da al preghiera preghiamo dio chiesa",
    "ca": "el els les i amb per una és del que no al més però dels aquest "
    "la de a en ens déu església preguem",
    "gl": "o os as e do da na non que con unha un por para é máis "
    "polo pola ao foi tamén oración oremos igrexa deus",
    "ro": "și în cu pentru este care la de un o din nu sunt pe să ale lui că au mai",
    "sv": "och att det som en på är av för med till den inte har vi de om ett",
    "da": "og at det som en på er af for med til den ikke har vi de om et i fra",
    "no": "og at det som en på er av for med til den ikke har vi de om et i fra",
    "pl": "i w na z się do nie że jest to od po dla o jak są przez modlitwy",
    "cs": "a v na se že je s z do pro i o k to jsou za by modlitby",
    "hu": "a az és hogy nem is egy van meg ezt de mint vagy azért imádkozzunk",
    "tr": "ve bir bu için ile de da olan olarak çok daha gibi dua",
    "id": "yang dan di untuk dengan ini dari pada adalah tidak akan mereka kami doa",
    "tl": "ang ng mga sa na at ay si para ni kay natin kanilang",
    "sw": "na ya wa kwa ni katika za la kuwa hii ili mungu",
    "vi": "và của là cho các những trong một có không được với cầu nguyện",
    "ht": "ak nan pou yo la yon ki se li nou pa ou sou",
}
_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_LATIN = tuple(language for language in _COMMON if language not in ("ar", "fa", "ur", "ru"))
_READ = frozenset({"en", "de", "fr", "es", "pt"})  # those of the Latin alphabet with words of ours
_FEWEST_HITS = 3
_SHARE = 0.15  # of the words of a text that are among the commonest of its language
_LEAD = 1.4  # times as many as the next language has


def language_of(text: str) -> str | None:
    """Return the language of `text` (BCP 47) if it is one we know and there is no doubt."""
    text = " ".join(word for word in text[:_LONGEST].split() if not _ADDRESS.search(word))
    letters = Counter(character for character in text.lower() if character.isalpha())
    scripts: Counter[str] = Counter()
    for letter, times in letters.items():
        scripts[_script_of(letter)] += times
    script, most = max(scripts.items(), key=lambda item: item[1], default=("", 0))
    if most < _FEWEST_LETTERS or most < _MOST_LETTERS * scripts.total():
        return None
    if script == "Latin":
        return _latin(text)
    if script == "Cyrillic":
        return _russian(text, letters)
    if script == "Arabic":
        return _arabic(text, letters, most)
    if script == "Hangul":
        return "ko"
    return _chinese(letters) if script == "Han" and not scripts["kana"] else None


def _script_of(letter: str) -> str:
    return next((name for first, last, name in _SCRIPTS if first <= letter <= last), "another")


def _times(letters: Counter[str], some: frozenset[str]) -> int:
    return sum(letters[letter] for letter in some)


def _chinese(letters: Counter[str]) -> str:
    return "zh-Hant" if _times(letters, _TRADITIONAL) > _times(letters, _SIMPLIFIED) else "zh"


def _russian(text: str, letters: Counter[str]) -> str | None:
    cyrillic = {letter for letter in letters if _script_of(letter) == "Cyrillic"}
    if not cyrillic <= _RUSSIAN or not cyrillic & _ONLY_RUSSIAN:
        return None
    return "ru" if _hits(_words(text), "ru") >= _FEWEST_HITS else None


def _arabic(text: str, letters: Counter[str], most: int) -> str | None:
    if _OTHER_ARABIC & letters.keys():
        return None
    urdu, farsi, arabic = (_times(letters, some) / most for some in (_URDU, _FARSI, _ARABIC))
    if urdu >= _MANY:
        language = "ur"
    elif urdu <= _FEW and farsi >= _MANY:
        language = "fa"
    elif urdu <= _FEW and farsi <= _FEW and arabic >= _MANY:
        language = "ar"
    else:
        return None
    words = _words(text)
    hits = {one: _hits(words, one) for one in ("ar", "fa", "ur")}
    sure = hits[language] >= _FEWEST_HITS and hits[language] == max(hits.values())
    return language if sure else None


def _latin(text: str) -> str | None:
    words = _words(text)
    if len(words) < _FEWEST_WORDS:
        return None
    hits = Counter({language: _hits(words, language) for language in _LATIN})
    (language, most), (_, next_most) = hits.most_common(2)
    sure = most >= _SHARE * len(words) and most >= _LEAD * next_most
    return language if sure and language in _READ else None


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _hits(words: list[str], language: str) -> int:
    return sum(word in _WORDS[language] for word in words)
