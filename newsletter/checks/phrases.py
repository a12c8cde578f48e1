"""The few words that only the checks go by, one table for each language."""

import re

_FORWARD = {
    "en": r"(?:^|[.!?:;(]\s*|\bplease\s+)(?:please\s+)?(?:do\s+not|don['’]t)\s+"
    r"(?:forward|share|publish|post|distribute|copy|pass\s+(?:this|it)\s+on)\b"
    r"(?:$|\s*[.!,;)]|\s+(?:or\s+\w+\s+)?(?:this|these|it|the|any|on|online|names?|publicly)\b)"
    r"|\bnot\s+(?:for|to\s+be)\s+(?:forward(?:ing|ed)|publication|published|distribution|"
    r"distributed|sharing|shared|posted|passed\s+on)\b"
    r"|^(?:strictly\s+|private\s+and\s+)?confidential\b\s*(?:$|[:.!–—-])",
    "de": r"\bbitte\b[^.!?]{0,60}\bnicht\s+(?:weiter(?:leiten|geben|verbreiten|verschicken)|"
    r"veröffentlichen|teilen)\b|^nicht\s+(?:weiterleiten|weitergeben|veröffentlichen)\b"
    r"|\bnicht\s+zur\s+(?:weitergabe|veröffentlichung)\b|^(?:streng\s+)?vertraulich\s*(?:$|[:.!])",
    "fr": r"\bne\s+pas\s+(?:transférer|diffuser|publier|partager|faire\s+suivre)\b(?!\s+sa\b)"
    r"|\bne\s+(?:transférez|diffusez|publiez|partagez)\s+pas\b|^confidentiel\s*(?:$|[:.!])",
    "es": r"(?:^|\bpor\s+favor,?\s+)no\s+(?:reenv\w+|difund\w+|publi(?:car|quen?)|"
    r"compart(?:ir|an?))\b|^confidencial\s*(?:$|[:.!])",
    "pt": r"(?:^|\bpor\s+favor,?\s+|\bfavor\s+)não\s+(?:re)?(?:encaminh\w+|divulg\w+|publi\w+|"
    r"compartilh\w+|partilh\w+)\b|^confidencial\s*(?:$|[:.!])",
    "ru": r"(?:^|\bпожалуйста,?\s+|\bпросим\s+)не\s+(?:пересыла\w+|распространя\w+|публик\w+)"
    r"|\bне\s+для\s+(?:публикации|распространения|пересылки)\b",
    "ar": r"(?:يرجى|الرجاء)\s+عدم\s+(?:إعادة\s+)?(?:ال)?(?:توجيه|نشر|إرسال|مشاركة)|ليست?\s+للنشر",
    "fa": r"لطفاً?\s[^.!؟]{0,60}(?:فوروارد|بازارسال|منتشر|ارسال)\s+ن(?:کنید|فرمایید)",
    "ur": r"براہ\s?(?:ے\s)?کرم\s[^۔!؟]{0,60}(?:فارورڈ|شائع|شیئر)\s+نہ\s+(?:کریں|کیجیے)",
    "ko": r"(?:전달|재전송|공유|게시|배포)하지\s*(?:마|말)|(?:외부\s*유출|무단\s*배포)\s*금지",
    "zh": r"(?:请勿|請勿|不要|勿|禁止)(?:转发|轉發|外传|外傳|公开|公開|传播|傳播|转载|轉載)",
}
_FORWARDING = {
    language: re.compile(pattern, re.IGNORECASE) for language, pattern in _FORWARD.items()
}

# The names of files and what programs put where a description belongs.
EMPTY_ALT = re.compile(
    r"\S*\.(?:jpe?g|png|gif|webp|bmp|tiff?|heic|svg)|(?:img|dsc|dcim|pict?|screenshot|wp|whatsapp"
    r"|image|picture|photo|graphic|grafik|bild|foto|imagen|imagem|рисунок|фото|그림|图片|صورة)"
    r"[\s_\-\d]*|untitled|[\W\d_]*"
    r"|.*(?:description\s+automatically\s+generated|ai-generated\s+content\s+may\s+be\s+incorrect"
    r"|automatisch\s+generierte\s+beschreibung).*",
    re.IGNORECASE | re.DOTALL,
)

# Languages whose verb ends the sentence: there a request stands at its end.
VERB_LAST = frozenset({"ko", "fa", "ur", "zh"})

# What may stand before a verb that asks, besides nothing.
POLITE = re.compile(
    r"(?:please|do|so|and|let\s+us|will\s+you|bitte|lasst\s+uns|s['’]il\s+vous\s+plaît,?|por\s+favor,?"
    r"|пожалуйста,?|请|請|نرجو\s+أن|رجاءً?)?\s*",
    re.IGNORECASE,
)


def not_for_forwarding(text: str, language: str) -> str | None:
    """Return the words by which `text` asks not to be passed on; English counts everywhere."""
    for known in (language.partition("-")[0].lower(), "en"):
        pattern = _FORWARDING.get(known)
        if pattern is not None and (found := pattern.search(text)):
            return text[found.start() :].lstrip(".!?:;( ")
    return None
