"""The words that readers go by, one table for each language: a language is added as data."""

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True, eq=False)  # one table is one language: compared and hashed as itself
class Words:
    """What a language calls the parts of a bulletin.  Patterns ignore case."""

    petition: re.Pattern[str]  # a verb that asks
    thanks: re.Pattern[str]  # a verb that gives thanks
    turns: re.Pattern[str]  # "… and pray": what may turn one sentence to the other kind
    prayer_heading: re.Pattern[str]  # the whole heading; what follows are prayer points
    thanks_heading: re.Pattern[str]
    other_heading: re.Pattern[str]  # what follows are dates or facts, never prayer points
    topic_heading: re.Pattern[str]  # begins "Pray for …": prayer points about something
    weekdays: tuple[str, ...]  # Monday first; short forms are the first three letters
    months: tuple[str, ...]
    day: str  # "Day 1:"
    abbreviations: frozenset[str]  # whose full stop ends no sentence, lower case
    unfinished: frozenset[str]  # words that no sentence ends with
    residue: tuple[re.Pattern[str], ...]  # a whole line that only a web page or a mailer writes
    residue_at_an_end: re.Pattern[str]  # the same, but only as the first or last line
    known: bool = True  # False: these are another language's words


def words_of(language: str) -> Words:
    """Return the table of a BCP 47 language; one not known yet has the English words."""
    return _WORDS.get(language.split("-")[0].lower(), _UNKNOWN)


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _a_set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GOD = r"(?:god|the\s+lord|jesus|christ|him|our\s+father|the\s+father|our\s+heavenly\s+father)"

_ENGLISH = Words(
    petition=_any_of(
        r"\bpray(?:ing)?\b(?!er)",
        r"\bintercede\b",
        r"\bask(?:ing)?\s+(?:that\s+)?" + _GOD + r"\b",
        r"^may\s+(?:the|god|he|they|she|his|our|many|all|this|these|those)\b",
        r"\blift\s+(?:up\s+)?(?:\S+\s+){1,6}(?:up\s+)?(?:to\s+god|in\s+prayer|before\s+god)\b",
        r"\bcry\s+out\s+to\s+" + _GOD + r"\b",
        r"^(?:lord|father|god),",
        r"\bremember\b.{1,80}\bin\s+(?:your\s+)?prayers?\b",
    ),
    thanks=_any_of(
        r"\b(?:give|giving|offer)\s+(?:\w+\s+)?thanks\b",
        r"\bthank(?:ing)?\s+" + _GOD + r"\b",
        r"^(?:please\s+)?thanks?\s+(?:be\s+to\s+)?(?:you,?\s+)?(?:god|lord|father|jesus)\b",
        r"\bprais(?:e|ing)\s+" + _GOD + r"\b",
        r"^praise\b(?!\s+and\b)",
        r"^(?:please\s+)?(?:rejoice|celebrate)\b",
        r"\bwe\s+(?:are|were)\s+(?:\w+\s+)?(?:grateful|thankful)\b",
    ),
    turns=re.compile(
        r"(?:[,;:–—]|\b(?:and|but|then|also|while)\b)\s*(?:(?:and|then|also|please|we|let\s+us)\s+)*"
        r"(?=(?:pray\s+(?:for|that|with)|ask\s+" + _GOD + r"|intercede\s+for|"
        r"give\s+thanks\s+(?:for|that|to)|thank\s+" + _GOD + r"|praise\s+" + _GOD + r"\s+for)\b)",
        re.IGNORECASE,
    ),
    prayer_heading=_any_of(
        r"(?:please\s+|let\s+us\s+|how\s+(?:to|you\s+can)\s+|will\s+you\s+|join\s+us\s+to\s+)?"
        r"pray(?:\s+with\s+us)?(?:\s+(?:this|next)\s+(?:week|month))?(?:\s+(?:for|that))?",
        r"(?:our\s+|your\s+|this\s+(?:week|month)['’]s\s+|key\s+|daily\s+|weekly\s+)?"
        r"prayers?(?:\s+(?:points?|requests?|needs?|topics?|pointers?|items?|focus|diary|list|"
        r"calendar|suggestions?))?",
        r"(?:points|topics|matters|requests|subjects|items)\s+(?:for|of)\s+prayer",
        r"(?:please\s+)?(?:for|in)\s+(?:your\s+)?prayers?",
        r"(?:for\s+)?(?:prayers?|intercession|petitions?)\s*(?:and|&|/)\s*"
        r"(?:praises?|thanksgivings?|thanks)(?:\s+points?)?",
        r"(?:for\s+)?(?:praises?|thanksgivings?|thanks|give\s+thanks)\s*(?:and|&|/)\s*"
        r"(?:prayers?|pray|intercession|petitions?)(?:\s+(?:points?|requests?))?",
        r"intercessions?|petitions?",
    ),
    thanks_heading=_any_of(
        r"(?:please\s+|let\s+us\s+)?(?:give\s+thanks|praise\s+god|thank\s+god|praise)(?:\s+for)?",
        r"praises?(?:\s+(?:points?|items?|reports?))?|(?:for\s+)?thanksgivings?(?:\s+points?)?",
        r"(?:points|reasons)\s+(?:for|of|to)\s+(?:praise|thanksgiving|thanks|give\s+thanks)",
        r"answers?\s+to\s+prayers?|answered\s+prayers?",
    ),
    other_heading=_any_of(
        r"(?:(?:key|important|upcoming|forthcoming)\s+)?(?:dates?|events?)(?:\s+for\s+(?:your|the)"
        r"\s+diary)?|diary(?:\s+dates?)?|calendar|coming\s+up|what['’]s\s+on",
        r"(?:latest\s+|other\s+|more\s+)?news(?:\s+in\s+brief)?|updates?|facts?(?:\s+and\s+figures)?",
        r"(?:background|profile|statistics|key\s+facts|in\s+numbers|contents?|resources|"
        r"how\s+to\s+help|ways\s+to\s+help|contacts?|contact\s+us|notices?|announcements?)",
    ),
    topic_heading=_any_of(
        r"(?:please\s+|let\s+us\s+)?(?:pray|praying|prayers?|give\s+thanks|praise\s+god|thank\s+god)"
        r"\s+(?:for|that|with)\b"
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June", "July", "August"),
        *("September", "October", "November", "December"),
    ),
    day="Day",
    abbreviations=_a_set_of(
        "mr mrs ms dr rev revd fr st sr jr prof gen col capt lt hon no nos vol vs cf approx "
        "e.g i.e etc p.m a.m ch chap v vv ps matt rom cor gal eph phil tim heb"
    ),
    unfinished=_a_set_of("and or but the a an of with from because"),
    residue=(
        # a page that is about to change by itself
        _any_of(
            r"(?:(?:the|this|your)\s+(?:message|page|window|site|pop-?up|dialog|tab|link|ad|"
            r"advert|session)|you)\b.{1,40}\b(?:clos|redirect|expire|refresh|reload|disappear|"
            r"return|log)\w*\b.{0,30}\b(?:in|after|within)\s+\d+\s*"
            r"(?:s|secs?|seconds?|mins?|minutes?)",
        ),
        _any_of(
            r"(?:click|tap)\s+here(?:\s+to\s+(?:continue|close|unsubscribe|subscribe|read\s+more|"
            r"view.*|download.*|print.*|return.*|go\s+back))?",
            r"(?:(?:click|tap)\s+here\s+to\s+)?(?:view|read|open|see)\s+(?:this\s+)?(?:e-?mail|"
            r"message|newsletter|it)?\s*(?:in|on)\s+(?:your|a|the)\s+(?:web\s*)?browser",
            r"(?:skip|jump)\s+to\s+(?:main\s+)?(?:content|navigation)",
            r"back\s+to\s+(?:the\s+)?top|scroll\s+(?:down|up)(?:\s+(?:to|for)\s+.{1,30})?",
            r"(?:read|see|show|load|view)\s+(?:more|less|all)(?:\s+(?:articles?|news|posts?|"
            r"comments?|stories))?|continue\s+reading",
            r"(?:share|tweet|e-?mail|print|save|bookmark|download)\s+(?:this|the)\s+"
            r"(?:page|article|post|story)(?:\s+.{1,30})?",
            r"(?:share|follow\s+us|like\s+us|find\s+us)\s+(?:this\s+)?on\s+"
            r"(?:facebook|twitter|x|instagram|whatsapp|linkedin|telegram|youtube|social\s+media)",
            r"(?:leave|post|write|add)\s+a\s+(?:comment|reply)|no\s+comments(?:\s+yet)?|"
            r"\d+\s+comments?|related\s+(?:articles|posts|stories)",
            r"(?:previous|next)\s+(?:page|post|article|story)|page\s+\d+\s+of\s+\d+",
            r"(?:we|this\s+(?:web)?site)\s+uses?\s+cookies.*|accept\s+(?:all\s+)?cookies",
            r"(?:please\s+)?(?:enable|turn\s+on)\s+javascript.*|loading",
            r"(?:please\s+)?(?:close|dismiss)\s+(?:this\s+)?(?:window|message|popup|pop-up|dialog|ad|banner)",
            r"advertisement|sponsored\s+(?:content|post)|all\s+rights\s+reserved",
            r"(?:copyright\s+)?©.{0,80}all\s+rights\s+reserved",
            r"(?:unsubscribe|manage\s+(?:your\s+)?(?:preferences|subscription)|"
            r"update\s+(?:your\s+)?preferences)(?:\s+(?:here|from\s+this\s+list))?",
            r"powered\s+by\s+\S+|sent\s+from\s+my\s+\S+(?:\s\S+)?|get\s+outlook\s+for\s+\S+",
            r"(?:posted|last\s+updated|last\s+modified)\s+(?:on|at)\b.{1,40}\d{4}.{0,12}",
        ),
    ),
    residue_at_an_end=_any_of(
        r"(?:share|tweet|print|e-?mail|menu|search|log\s?in|sign\s?(?:in|up)|home|subscribe|like|"
        r"reply|forward|close|download|comments?|loading|×|✕|pdf)(?:\s*[|/·>»]\s*\w+)*",
        r"(?:click|tap|swipe)\s.{1,50}[^.!?]",
        r"(?:this|the)\s+(?:window|pop-?up|dialog|tab)\s.{1,40}[^.!?]",
    ),
)

_WORDS = {"en": _ENGLISH}
_UNKNOWN = replace(_ENGLISH, known=False)
