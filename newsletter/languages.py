"""Languages as BCP 47 tags: which of those there are serves a reader best.

The scripts and regions that go without saying come from Unicode's tables, which Babel carries.
Unicode's table of languages that stand in for one another is not used: it gives Russian to a
Ukrainian, and counts Turkish as near to Kurdish and Chinese as near to Tibetan.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

_TAG = re.compile(r"([a-z]{2,8})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?(?:-.*)?")

# What is written alike under another code: Dari; Mandarin and Cantonese; both Norwegians.
_SAME_AS = {"prs": "fa", "cmn": "zh", "yue": "zh", "nb": "no", "nn": "no"}
_REGION_OF = {"prs": "AF", "yue": "HK"}
_READ_IN_ANY_SCRIPT = frozenset({"zh", "sr"})  # by nearly all, with an effort


@dataclass(frozen=True)
class _Parts:
    language: str
    script: str  # as a rule where the tag does not tell; "" where that is not known
    region: str
    names_region: bool


def base_language(tag: str) -> str:
    """Return the language without region and script: `pt` of `pt-BR`, `fa` of `prs`."""
    base = tag.replace("_", "-").partition("-")[0].lower()
    return _SAME_AS.get(base, base)


def best_match(spoken: str | None, offered: Sequence[str]) -> str | None:
    """Return the tag in `offered` that serves a reader best; None where they read none of them.

    The same tag comes first, then the same region, the regions that write alike (pt-PT for
    Mozambique, es-419 for Mexico), the language without a region, and any other region; of equal
    ones the first.  Another script counts only where nearly everybody reads both.
    """
    if not spoken:
        return None
    near = [
        (rank, no) for no, tag in enumerate(offered) if (rank := _rank(spoken, tag)) is not None
    ]
    return offered[min(near)[1]] if near else None


def differ(one: str, other: str) -> bool:
    """Whether texts in these are for different readers: pt-PT and pt-BR, but not pt and pt-BR."""
    first, second = _parts(one), _parts(other)
    if (first.language, first.script) != (second.language, second.script):
        return True
    return first.names_region and second.names_region and first.region != second.region


def language_name(tag: str) -> str:
    """Return what a language is called in English: "Persian", "Portuguese (Brazil)"."""
    from babel.core import Locale, UnknownLocaleError

    english = Locale("en")
    try:
        return Locale.parse(tag.replace("_", "-"), sep="-").get_display_name(english) or tag
    except (UnknownLocaleError, ValueError):
        return str(english.languages.get(tag.lower(), tag))


def own_name(tag: str) -> str:
    """Return what its readers call a language: "فارسی", "português (Brasil)"; else as English."""
    if tag in OWN_NAMES:
        return OWN_NAMES[tag]
    from babel.core import Locale, UnknownLocaleError

    code = tag.replace("_", "-").lower()
    alike = f"{_SAME_AS.get(code, code)}-{_REGION_OF.get(code, '')}".rstrip("-")
    for known in (tag.replace("_", "-"), alike):
        with suppress(UnknownLocaleError, ValueError):
            locale = Locale.parse(known, sep="-")
            return locale.get_display_name(locale) or tag
    return language_name(tag)


# As Babel tells them, which reads a megabyte for each: a page offers all of these.
OWN_NAMES = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "español",
    "fa": "فارسی",
    "fr": "français",
    "ko": "한국어",
    "pt": "português",
    "pt-PT": "português (Portugal)",
    "ru": "русский",
    "ur": "اردو",
    "zh": "中文",
    "zh-Hant": "中文 (繁體)",
}


def _rank(spoken: str, tag: str) -> int | None:
    """Return how far a tag is from a reader's, 0 being the same; None where they cannot read it."""
    if spoken.replace("_", "-").lower() == tag.replace("_", "-").lower():
        return 0
    reader, there = _parts(spoken), _parts(tag)
    if reader.language != there.language:
        return None
    if reader.script != there.script:
        return 6 if reader.language in _READ_IN_ANY_SCRIPT else None
    if reader.region == there.region:
        return 1
    kin = _kin(reader)
    if there.region == kin:
        return 2
    if there.names_region and kin == _kin(there) != "":
        return 3
    return 5 if there.names_region else 4


@lru_cache(1024)
def _parts(tag: str) -> _Parts:
    # Here and not above: 20 ms of the start of commands that compare no languages.
    from babel.core import get_global

    found = _TAG.fullmatch(tag.replace("_", "-").lower())
    if found is None:
        return _Parts(tag.lower(), "", "", names_region=False)
    script, region = (found[2] or "").title(), (found[3] or _REGION_OF.get(found[1], "")).upper()
    language = _SAME_AS.get(found[1], found[1])
    likely = get_global("likely_subtags")
    keys = (f"{language}_{region}", f"{language}_{script}", language)
    usual = next((likely[key].split("_") for key in keys if key in likely), ["", "", ""])
    return _Parts(language, script or usual[1], region or usual[2], names_region=bool(region))


def _kin(parts: _Parts) -> str:
    """Return the region whose way of writing a region shares: `419` of `es-MX`; "" where none."""
    from babel.core import get_global

    parents = get_global("parent_exceptions")
    keys = (
        f"{parts.language}_{region}" for region in (parts.region, f"{parts.script}_{parts.region}")
    )
    return next((str(parents[key]).rpartition("_")[2] for key in keys if key in parents), "")
