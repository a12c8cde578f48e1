"""Links: an address is written out behind its words, without what tracks people."""

import re
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|igshid|igsh|mc_[ce]id|_hs(?:enc|mi)|"
    r"mkt_tok|vero_(?:id|conv)|oly_(?:enc|anon)_id|ml_subscriber\w*|ck_subscriber_id|s_cid|"
    r"trk_\w+|wickedid|rb_clickid|_openstat",
    re.IGNORECASE,
)
# Pages that only note who passes by and send on to the address in this parameter.
_PASSES_ON = (
    (re.compile(r"(?:www\.)?google\.[\w.]+"), "/url", ("q", "url")),
    (re.compile(r".*\.safelinks\.protection\.outlook\.com"), "/", ("url",)),
    (re.compile(r"l\.(?:facebook|instagram)\.com"), "/", ("u",)),
)
_SHOWN = re.compile(r"(?:https?://|mailto:|tel:)\S", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto:|tel:|https?://)", re.IGNORECASE)


def without_tracking(href: str) -> tuple[str, bool]:
    """Return the address without what tracks the reader, and whether there was any."""
    try:
        found = urlsplit(href)
        for host, path, names in _PASSES_ON:
            if host.fullmatch(found.hostname or "") and found.path.rstrip("/") == path.rstrip("/"):
                query = parse_qs(found.query)
                if target := next((query[name][0] for name in names if name in query), ""):
                    return without_tracking(target)[0], True
        parameters = parse_qsl(found.query, keep_blank_values=True)
        kept = [(name, value) for name, value in parameters if not _TRACKING.fullmatch(name)]
    except ValueError:  # no address at all, or too many parameters
        return href, False
    if len(kept) == len(parameters):
        return href, False
    return urlunsplit(found._replace(query=urlencode(kept))), True


def written_out(href: str, words: str) -> str:
    """Return the address in brackets, or "" where it leads nowhere or is in the words already."""
    bare = _SCHEME.sub("", href).rstrip("/")
    if not bare or not _SHOWN.match(href) or bare in words or not words.strip():
        return ""
    return f" ({re.sub('^mailto:', '', href, flags=re.IGNORECASE)})"
