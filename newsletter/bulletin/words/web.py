"""What web pages and mail programs write in English: found in bulletins of every language."""

from newsletter.bulletin.words.table import any_of

RESIDUE = (
    # a page that is about to change by itself
    any_of(
        r"(?:(?:the|this|your)\s+(?:message|page|window|site|pop-?up|dialog|tab|link|ad|"
        r"advert|session)|you)\b.{1,40}\b(?:clos|redirect|expire|refresh|reload|disappear|"
        r"return|log)\w*\b.{0,30}\b(?:in|after|within)\s+\d+\s*"
        r"(?:s|secs?|seconds?|mins?|minutes?)",
    ),
    any_of(
        r"(?:click|tap)\s+here(?:\s+to\s+(?:continue|close|unsubscribe|subscribe|read\s+more|"
        r"view.*|download.*|print.*|return.*|go\s+back))?",
        r"(?:(?:click|tap)\s+here\s+to\s+)?(?:view|read|open|see)\s+(?:this\s+)?(?:e-?mail|"
        r"message|newsletter|it)?\s*(?:in|on)\s+(?:your|a|the)\s+(?:web\s*)?browser",
        r"(?:skip|jump)\s+to\s+(?:main\s+)?(?:content|navigation)",
        r"back\s+to\s+(?:the\s+)?top|scroll\s+(?:down|up)(?:\s+(?:to|for)\s+.{1,30})?",
        r"(?:read|see|show|load|view)\s+(?:more|less|all)(?:\s+(?:articles?|news|posts?|"
        r"comments?|stories))?|continue\s+reading",
        r"(?:share|tweet|e-?mail|print|save|bookmark|download)\s+(?:this|the)\s+"
        r"(?:page|article|post|story)(?:\s+(?:on|via|by|to)\s+.{1,30})?",
        r"(?:share|follow\s+us|like\s+us|find\s+us)\s+(?:this\s+)?on\s+"
        r"(?:facebook|twitter|x|instagram|whatsapp|linkedin|telegram|youtube|social\s+media)",
        r"(?:leave|post|write|add)\s+a\s+(?:comment|reply)|no\s+comments(?:\s+yet)?|"
        r"\d+\s+comments?|related\s+(?:articles|posts|stories)",
        r"(?:previous|next)\s+(?:page|post|article|story)|page\s+\d+\s+of\s+\d+",
        r"(?:we|this\s+(?:web)?site)\s+uses?\s+cookies(?:\s+(?:to|on|for|and|so|in\s+order)\b.*|[.!].{0,40})?|accept\s+(?:all\s+)?cookies",
        r"(?:please\s+)?(?:enable|turn\s+on)\s+javascript.*|loading",
        r"(?:please\s+)?(?:close|dismiss)\s+(?:this\s+)?(?:window|message|popup|pop-up|dialog|ad|banner)",
        r"advertisement|sponsored\s+(?:content|post)|all\s+rights\s+reserved",
        r"(?:copyright\s+)?©.{0,80}all\s+rights\s+reserved",
        r"(?:unsubscribe|manage\s+(?:your\s+)?(?:preferences|subscription)|"
        r"update\s+(?:your\s+)?preferences)(?:\s+(?:here|from\s+this\s+list))?",
        r"powered\s+by\s+\S+|sent\s+from\s+my\s+\S+(?:\s\S+)?|get\s+outlook\s+for\s+\S+",
        r"(?:posted|last\s+updated|last\s+modified)\s+(?:on|at)\b.{1,40}\d{4}.{0,12}",
    ),
)

AT_AN_END = (
    any_of(
        r"(?:share|tweet|print|e-?mail|menu|search|log\s?in|sign\s?(?:in|up)|home|subscribe|like|"
        r"reply|forward|close|download|comments?|loading|×|✕|pdf)(?:\s*[|/·>»]\s*\w+)*",
        r"(?:click|tap|swipe)\s.{1,50}[^.!?]",
        r"(?:this|the)\s+(?:window|pop-?up|dialog|tab)\s.{1,40}[^.!?]",
    ),
)
