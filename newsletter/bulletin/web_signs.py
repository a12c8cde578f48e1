"""What the parts of a web page are, by their tags, attributes and styles."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

Attributes = dict[str, str | None]

# Never shown, and nobody's words.
UNSEEN = {"script", "style", "head", "title", "meta", "link", "base", "template", "param"}
DELETED = {"del", "s", "strike"}
FORMS = {"form", "button", "select", "input", "textarea", "label", "dialog", "menu"}
HEADINGS = {f"h{n}": n for n in range(1, 7)}
BLOCKS = {
    *HEADINGS,
    *("p", "div", "section", "article", "main", "header", "footer", "address", "center", "pre"),
    *("dl", "dt", "dd", "ul", "ol", "li", "dir", "blockquote", "figure", "figcaption", "details"),
    *("summary", "fieldset", "hgroup", "nav", "aside", "form", "body"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"),
}
NOT_TAKEN = {
    "iframe": "a frame with another page",
    "frameset": "a frame with another page",
    "video": "a video",
    "audio": "a sound",
    "object": "an embedded object",
    "embed": "an embedded object",
    "applet": "an embedded object",
    "canvas": "a drawing",
    "svg": "a drawing",
    "math": "a formula",
}

_HIDDEN = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|(?:^|;)opacity:0(?:\.0*)?(?:;|!|$)|"
    r"(?:^|;)(?:text-indent|left|top|margin-left|margin-top):-\d{4,}(?:\.\d*)?(?:px|pt)|"
    r"(?=.*(?:^|;)overflow:hidden).*(?:^|;)(?:max-)?height:[01](?:px|pt)?(?:;|!|$)"
)
_STRUCK = re.compile(r"text-decoration(?:-line)?:[^;]*line-through")
_BOLD = re.compile(r"font-weight:(?:bold|[6-9]00)")
_NOT_BOLD = re.compile(r"font-weight:(?:normal|[1-4]00|lighter)")
_IN_CSS = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]{2,}")
_EAST_ASIAN = re.compile("[\u3040-\u9fff\uac00-\ud7af]{4}")  # written without spaces
# What Word, the clipboard, browsers and the makers of sites leave in a page's source.
_MADE = re.compile(
    r"\s*(?:[\[</#.]|(?:start|end|begin|saved from|google|wp:)\b)|.*\{", re.IGNORECASE | re.DOTALL
)
_FEWEST_WORDS = 3  # of a remark; makers of sites name their parts in one or two
_LONGEST_STYLE = 2_000  # characters
_LONGEST_SELECTOR = 500
_MOST_RULES = 400  # of one page that are looked at

_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alert"}
_BOILERPLATE = re.compile(
    r"(?:^|[\s_-])(?:shar(?:e|ing)|sharedaddy|addtoany|social|related|comments?|respond|cookies?|"
    r"gdpr|breadcrumbs?|sidebar|menu|navbar|nav|navigation|pagination|pager|signup|subscribe|"
    r"adverts?|advertisement|adsbygoogle|popup|modal|skip-?link|byline|post-?meta|entry-?meta)"
    r"(?:$|[\s_-])"
)


def flat(style: str | None) -> str:
    """Return an inline style in lower case and without spaces."""
    return re.sub(r"\s+", "", (style or "")[:_LONGEST_STYLE]).lower()


def is_remark(comment: str) -> bool:
    """Whether a comment in a page's source is what a person wrote: words, and no program's."""
    start = comment[:_LONGEST_STYLE]
    written = len(_WORD.findall(start)) >= _FEWEST_WORDS or _EAST_ASIAN.search(start) is not None
    return written and not _MADE.match(start)


def is_hidden(attributes: Attributes, style: str) -> bool:
    """Whether an element is never shown, by its own attributes."""
    return "hidden" in attributes or _HIDDEN.search(style) is not None


def is_struck(style: str) -> bool:
    """Whether a style strikes words out."""
    return _STRUCK.search(style) is not None


def is_bold(tag: str, style: str, before: bool) -> bool:
    """Whether what an element holds is bold; a style counts more than the tag."""
    if _NOT_BOLD.search(style):  # Google Docs wraps a whole text in such a <b>
        return False
    return before or tag in ("b", "strong") or _BOLD.search(style) is not None


def is_boilerplate(tag: str, attributes: Attributes, in_story: bool) -> bool:
    """Whether an element is what every page of a site has."""
    if tag in ("nav", "footer", "aside") or tag in FORMS or attributes.get("role") in _ROLES:
        return True
    if tag in ("body", "main", "article", "h1", "p", "span", "a", "li", "b", "i", "em", "strong"):
        return False
    if tag == "header":
        return not in_story
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    return _BOILERPLATE.search(names) is not None


def heading_level(tag: str, attributes: Attributes) -> int:
    """Return the level of a heading, 1 for the title that Word gives a style of its own, else 0."""
    return 1 if "MsoTitle" in _names(attributes) else HEADINGS.get(tag, 0)


def is_caption(attributes: Attributes) -> bool:
    """Whether a paragraph is the caption of the picture before it."""
    return bool({"MsoCaption", "wp-caption-text", "caption"} & _names(attributes))


def _names(attributes: Attributes) -> set[str]:
    return set((attributes.get("class") or "").split())


def word_level(style: str) -> int:
    """Return the level of a paragraph that Word made an entry of a list, else 0."""
    found = re.search(r"mso-list:l\d+level(\d)", style)
    return int(found[1]) if found else 0


def docs_level(attributes: Attributes) -> int:
    """Return the level of a list of Google Docs, whose lists lie in no list above, else 0."""
    found = re.search(r"\blst-kix_\w+-(\d)\b", attributes.get("class") or "")
    return int(found[1]) + 1 if found else 0


class Sheet:
    """The style sheets in a page: which elements they hide, strike out, make bold or colour."""

    def __init__(self, tree: LexborHTMLParser, looks: re.Pattern[str]) -> None:
        self.hidden: set[int] = set()
        self.struck: set[int] = set()
        self.bold: set[int] = set()
        self.looks: dict[int, str] = {}  # flat styles, the last one counts
        # What other files say of elements nobody can tell.
        self.elsewhere = tree.css_first('link[rel~="stylesheet" i]') is not None or any(
            "@import" in sheet.text(deep=True) for sheet in tree.css("style")
        )
        rules = [rule for sheet in tree.css("style") for rule in _rules(sheet)]
        for selector, style in rules[:_MOST_RULES]:
            for pattern, places in (
                (_HIDDEN, self.hidden),
                (_STRUCK, self.struck),
                (_BOLD, self.bold),
            ):
                if pattern.search(style):
                    places.update(_selected(tree, selector))
            if looks.search(style):
                for place in _selected(tree, selector):
                    self.looks[place] = f"{self.looks.get(place, '')};{style}"


def _rules(sheet: LexborNode) -> list[tuple[str, str]]:
    """Return the rules that hold everywhere: those for a printer or a width are left out."""
    rules, depth, selector = [], 0, ""
    for piece in re.split(r"([{}])", _IN_CSS.sub("", sheet.text(deep=True))):
        if piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(0, depth - 1)
        elif depth == 0:
            selector = piece.rpartition(";")[2].strip()  # "@import …;" stands before it
        elif depth == 1 and selector and not selector.startswith("@"):
            rules.append((selector, flat(piece)))
    return [(selector, style) for selector, style in rules if len(selector) < _LONGEST_SELECTOR]


def _selected(tree: LexborHTMLParser, selector: str) -> list[int]:
    try:
        return [node.mem_id for node in tree.css(selector)]
    except SelectolaxError:  # a selector that only some browsers know
        return []
