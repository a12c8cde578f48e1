"""How somebody is reached, where somebody is, and where a link leads."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from newsletter.bulletin import Bulletin
from newsletter.checks.model import Finding, Severity
from newsletter.checks.reading import few_words, texts
from newsletter.checks.rules import remark

# --- people and places -------------------------------------------------------------------

# All bounded, and none begins within what it could have begun with before: a line may be long.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![\w/.-])(?:\+|00)[1-9]\d{0,2}[\s().\-/]*\d(?:[\s().\-/]{0,2}\d){6,12}(?!\w)"
    r"|(?<![\w/.-])\(?0\d{1,4}\)?(?:[\s\-/]{1,2}\d{2,5}){2,4}(?!\w)"
    r"|(?<![\w/.-])\(?\d{3}\)?[\s.-]\d{3}[.-]\d{4}(?!\w)"
    r"|\b(?:tel|phone|mobile|cell|whatsapp|telefon|handy|tél|téléphone|teléfono|telefone|тел)"
    r"\b[^\w\n]{1,3}\d(?:[\s().\-/]{0,2}\d){5,13}(?!\w)",
    re.IGNORECASE,
)
_LEAST_DIGITS, _MOST_DIGITS = 9, 15  # of a phone number that nothing names as one
_MAP = re.compile(
    r"\b(?:(?:www\.)?google\.[a-z.]{2,6}/maps|maps\.google\.|goo\.gl/maps|maps\.app\.goo\.gl"
    r"|(?:www\.)?openstreetmap\.org|osm\.org/|maps\.apple\.com|(?:www\.)?waze\.com"
    r"|(?:www\.)?bing\.com/maps|yandex\.[a-z.]{2,6}/maps|what3words\.com|w3w\.co/)\S*"
    r"|\bgeo:-?\d\S*|(?<!\S)///[^\W\d_]+\.[^\W\d_]+\.[^\W\d_]+",
    re.IGNORECASE,
)
_COORDINATES = re.compile(
    r"(?<![\w.])[+-]?\d{1,2}\.\d{4,}\s*°?\s*[NS]?\s*[,;/\s]\s*[+-]?\d{1,3}\.\d{4,}"
    r"|\d{1,3}\s?°\s?\d{1,2}(?:\.\d+)?\s?['′’](?:\s?\d{1,2}(?:\.\d+)?\s?(?:[\"″”]|''))?\s?[NSEWO]\b"
    r"|\b[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}\b"
)


def reached_by(bulletin: Bulletin) -> Iterator[Finding]:
    """Phone numbers, email addresses and places on the map, each line and kind once."""
    told: set[tuple[int, str]] = set()
    for line, text, _ in texts(bulletin):
        for what, find, severity in _KINDS:
            if (line, what) not in told and (found := find(text)):
                told.add((line, what))
                yield remark(
                    "contact-details",
                    line,
                    f"Line {line} gives {what} ({few_words(found)}): everybody will have it, so "
                    "make sure that whoever it leads to agreed, and is safe.",
                    severity=severity,
                )


def _first(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def find(text: str) -> str | None:
        found = pattern.search(text)
        return found[0] if found else None

    return find


def _phone(text: str) -> str | None:
    if not text.isascii():
        text = re.sub(r"\d", lambda digit: str(int(digit[0])), text)
    for found in _PHONE.finditer(text):
        digits = sum(character.isdigit() for character in found[0])
        named = found[0].lstrip("+(")[:1].isalpha()
        if (named or digits >= _LEAST_DIGITS) and digits <= _MOST_DIGITS:
            return found[0]
    return None


_KINDS: tuple[tuple[str, Callable[[str], str | None], Severity], ...] = (
    ("a phone number", _phone, Severity.WARNING),
    ("a link to a place on the map", _first(_MAP), Severity.WARNING),
    ("coordinates of a place", _first(_COORDINATES), Severity.WARNING),
    ("an email address", _first(_EMAIL), Severity.NOTE),
)

# --- money -------------------------------------------------------------------------------

_GIVING = re.compile(
    r"\b(?:paypal\.me/|(?:www\.)?paypal\.com/(?:donate|paypalme|\S{0,200}hosted_button)|(?:www\.)?justgiving\."
    r"com|(?:www\.)?gofundme\.com|donorbox\.org|donate\.\S|give\.\S|(?:www\.)?givelify\.com|"
    r"(?:buy|donate)\.stripe\.com|(?:www\.)?patreon\.com|ko-fi\.com|(?:www\.)?betterplace\.org|"
    r"(?:www\.)?helloasso\.com|venmo\.com|cash\.app)\S*"
    r"|(?<![\w/:])https?://\S{1,500}?/(?:donat\w*|give|giving|gift|spenden?|don|dons|faire-un-don|donar|donativos?|"
    r"doar|doacao|doacoes|pozhertvovat\w*|donation\w*)(?=[/?#\s.,;)]|$)\S*",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,4})?\b")


def donations(bulletin: Bulletin) -> Iterator[Finding]:
    """Links and accounts that money goes to."""
    for line, text, _ in texts(bulletin):
        found = _GIVING.search(text)
        account = next((each[0] for each in _IBAN.finditer(text) if _is_account(each[0])), None)
        if found or account:
            what = found[0] if found else str(account)
            yield remark(
                "donation-link",
                line,
                f"Line {line} asks for money ({few_words(what)}): make sure that it is your own, "
                "and that readers may be seen to follow it.",
            )


def _is_account(written: str) -> bool:
    """ISO 13616: the number is 1 modulo 97."""
    plain = "".join(written.split())
    turned = plain[4:] + plain[:4]
    return len(plain) >= 15 and int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


# --- links -------------------------------------------------------------------------------

_LINK = re.compile(
    r"(?<![\w@/.])(?:h?t?tps?:|https?(?=//|;//|[.,]//)|https?:?/{1,3}|www\.)[^\s<>\"“”«»]*",
    re.IGNORECASE,
)
_END = re.compile(r"[.,:;!?'’]+$")
_HOST = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))+\.?")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def broken_links(bulletin: Bulletin) -> Iterator[Finding]:
    """Web addresses that nothing can be at; nothing is looked up."""
    for line, text, _ in texts(bulletin):
        for found in _LINK.finditer(text):
            written = _without_end(found[0])
            if problem := _problem(written, text[found.end() :]):
                yield remark(
                    "link-broken",
                    line,
                    f"The web address in line {line} ({few_words(written or found[0])}) cannot "
                    f"work, because {problem}: copy it again from where you read it.",
                )


def _without_end(written: str) -> str:
    """Return the address without what belongs to the sentence around it."""
    written = _END.sub("", written)
    while written.endswith((")", "]")):
        closing = written[-1]
        opening = {")": "(", "]": "["}[closing]
        if written.count(closing) <= written.count(opening):
            break
        written = _END.sub("", written[:-1])
    return written


def _problem(written: str, behind: str) -> str | None:
    if "…" in written or written.endswith("...") or behind.startswith("…"):
        return "its end is missing"
    if not re.match(r"(?:https?://(?!/)|www\.)", written, re.IGNORECASE):
        host_is_missing = re.fullmatch(r"https?:/{0,3}", written, re.IGNORECASE)
        return "a space parts it" if host_is_missing and behind.strip() else _no_beginning(written)
    try:
        parts = urlsplit(written if "//" in written else f"https://{written}")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "its host is not written as one"
    if not host:
        return "no host is named"
    if "://" in written[8:].partition("?")[0] and written[8:].lower().startswith(("http", "ttp")):
        return "its beginning stands there twice"
    return _problem_of_host(written, host, parts.netloc) or _problem_of_path(written)


def _no_beginning(written: str) -> str | None:
    if re.fullmatch(r"https?:?", written, re.IGNORECASE):
        return None  # a word about addresses
    return "it does not begin with https://"


def _problem_of_host(written: str, host: str, netloc: str) -> str | None:
    if re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", host) or "[" in netloc:
        return None
    if not _HOST.fullmatch(host) or "_" in host.rpartition(".")[0].rpartition(".")[2]:
        return "its host is not written as one"
    if written.lower().startswith("www.") and host.count(".") < 2:
        return "its host is not written as one"
    last = host.rstrip(".").rpartition(".")[2]
    return "its host is not written as one" if len(last) < 2 or last.isdigit() else None


def _problem_of_path(written: str) -> str | None:
    if _ESCAPE.search(written):
        return "a % in it is followed by no number"
    path = written.partition("?")[0]
    return "a bracket in it is never closed" if path.count("(") > path.count(")") else None
