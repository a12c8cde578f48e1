"""English."""

from newsletter.bulletin.words.table import Dates, Words, a_set_of, any_of, keys, names, turning
from newsletter.bulletin.words.web import AT_AN_END, RESIDUE

_GOD = r"(?:god|the\s+lord|jesus|christ|him|our\s+father|the\s+father|our\s+heavenly\s+father)"

WORDS = Words(
    petition=any_of(
        r"\bpray(?:ing)?\b(?!er)",
        r"\bintercede\b",
        r"\bask(?:ing)?\s+(?:that\s+)?" + _GOD + r"\b",
        r"^may\s+(?:the|god|he|they|she|his|our|many|all|this|these|those)\b",
        r"\blift\s+(?:up\s+)?(?:\S+\s+){1,6}(?:up\s+)?(?:to\s+god|in\s+prayer|before\s+god)\b",
        r"\bcry\s+out\s+to\s+" + _GOD + r"\b",
        r"^(?:lord|father|god),",
        r"\bremember\b.{1,80}\bin\s+(?:your\s+)?prayers?\b",
        r"^(?:please\s+)?(?:keep|uphold|hold)\b.{1,80}\b(?:in\s+(?:your\s+)?prayers?|before\s+god)\b",
        r"\b(?:beseech|petition|plead\s+with)\s+" + _GOD + r"\b",
    ),
    thanks=any_of(
        r"\b(?:give|giving|offer)\s+(?:\w+\s+)?thanks\b",
        r"\bthank(?:ing)?\s+" + _GOD + r"\b",
        r"^(?:please\s+)?thanks?\s+(?:be\s+to\s+)?(?:you,?\s+)?(?:god|lord|father|jesus)\b",
        r"\bprais(?:e|ing)\s+" + _GOD + r"\b",
        r"^praise\b(?!\s+and\b)",
        r"^(?:please\s+)?(?:rejoice|celebrate)\b",
        r"\bwe\s+(?:are|were)\s+(?:\w+\s+)?(?:grateful|thankful)\b",
    ),
    turns=turning(
        r"and|but|then|also|while|please|we|let\s+us",
        r"(?:pray\s+(?:for|that|with)|ask\s+" + _GOD + r"|intercede\s+for|"
        r"give\s+thanks\s+(?:for|that|to)|thank\s+" + _GOD + r"|praise\s+" + _GOD + r"\s+for)\b",
    ),
    prayer_heading=any_of(
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
    thanks_heading=any_of(
        r"(?:please\s+|let\s+us\s+)?(?:give\s+thanks|praise\s+god|thank\s+god|praise)(?:\s+for)?",
        r"praises?(?:\s+(?:points?|items?|reports?))?|(?:for\s+)?thanksgivings?(?:\s+points?)?",
        r"(?:points|reasons)\s+(?:for|of|to)\s+(?:praise|thanksgiving|thanks|give\s+thanks)",
        r"answers?\s+to\s+prayers?|answered\s+prayers?",
    ),
    other_heading=any_of(
        r"(?:(?:key|important|upcoming|forthcoming)\s+)?(?:dates?|events?)(?:\s+for\s+(?:your|the)"
        r"\s+diary)?|diary(?:\s+dates?)?|calendar|coming\s+up|what['’]s\s+on",
        r"(?:latest\s+|other\s+|more\s+)?news(?:\s+in\s+brief)?|updates?|facts?(?:\s+and\s+figures)?",
        r"(?:background|profile|statistics|key\s+facts|in\s+numbers|contents?|resources|"
        r"how\s+to\s+help|ways\s+to\s+help|contacts?|contact\s+us|notices?|announcements?)",
    ),
    topic_heading=any_of(
        r"(?:please\s+|let\s+us\s+)?(?:pray|praying|prayers?|give\s+thanks|praise\s+god|thank\s+god)"
        r"\s+(?:for|that|with)\b"
    ),
    dates=Dates(
        weekdays=names(
            "Monday Mon, Tuesday Tue Tues, Wednesday Wed Weds, Thursday Thu Thur Thurs, Friday Fri, "
            "Saturday Sat, Sunday Sun"
        ),
        months=names(
            "January Jan, February Feb, March Mar, April Apr, May, June Jun, July Jul, "
            "August Aug, September Sep Sept, October Oct, November Nov, December Dec"
        ),
        day=r"Day\s+\d{1,2}",
        ordinal=r"st|nd|rd|th",
        of=r"of",
        to=r"to|until|and",
        month_first=True,
    ),
    abbreviations=a_set_of(
        "mr mrs ms dr rev revd fr st sr jr prof gen col capt lt hon no nos vol vs cf approx "
        "e.g i.e etc p.m a.m ch chap v vv ps matt rom cor gal eph phil tim heb"
    ),
    unfinished=a_set_of("and or but the a an of with from because"),
    salutation=any_of(
        r"(?:my\s+|our\s+)?(?:dear|dearest|beloved|(?:hello|greetings)(?!\s+from\b))\b.{0,60}[,:!]",
    ),
    keys=keys(
        "date week period, language, summary preview, sensitivity visibility confidentiality, "
        "country countries region, image picture photo"
    ),
    residue=RESIDUE,
    residue_at_an_end=AT_AN_END,
)
