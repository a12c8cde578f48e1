"""Links: an address is written out behind its words, without what tracks people."""

import re
from urllib.parse import parse_qs, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"(?:amp;)?(?:utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|twclid|ttclid|yclid|igshid|igsh|"
    r"mc_[ce]id|_hs(?:enc|mi)|mkt_tok|vero_(?:id|conv)|oly_(?:enc|anon)_id|ml_subscriber\w*|"
    r"ck_subscriber_id|s_cid|trk_\w+|wickedid|rb_clickid|_openstat)(?:=.*)?",
    re.IGNORECASE | re.DOTALL,
)
# Pages that only note who passes by and send on to the address in this parameter.
_PASSES_ON = (
    (re.compile(r"(?:www\.)?google\.[\w.]+"), "/url", ("q", "url")),
    (re.compile(r".*\.safelinks\.protection\.outlook\.com"), "/", ("url",)),
    (re.compile(r"l\.(?:facebook|instagram)\.com"), "/", ("u",)),
)
_MOST_PASSED = 5  # one after the other
_TARGET = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_WRITTEN = re.compile(r"https?://[\w\-.~:/?@!$&'*+,;=%#]*[\w/=%#&]", re.IGNORECASE | re.ASCII)
_SHOWN = re.compile(r"(?:https?://|mailto:|tel:)\S", re.IGNORECASE)
_SCHEME = re.compile(r"(?:mailto:|tel:|https?://)", re.IGNORECASE)


def without_tracking(href: str) -> tuple[str, bool]:
    """Return the address without what tracks the reader, and whether there was any."""
    address = href
    try:
        for _ in range(_MOST_PASSED):
            if (target := _passed_on_to(address)) is None:
                break
            address = target
        found = urlsplit(address)
    except ValueError:  # no address at all, or too many parameters
        return href, False
    parameters = found.query.split("&")
    kept = [parameter for parameter in parameters if not _TRACKING.fullmatch(parameter)]
    if len(kept) < len(parameters):
        address = urlunsplit(found._replace(query="&".join(kept).removeprefix("amp;")))
    return address, address != href


def _passed_on_to(address: str) -> str | None:
    found = urlsplit(address)
    for host, path, names in _PASSES_ON:
        if host.fullmatch(found.hostname or "") and found.path.rstrip("/") == path.rstrip("/"):
            query = parse_qs(found.query)
            target = next((query[name][0] for name in names if name in query), "")
            return target if _TARGET.fullmatch(target) else None
    return None


def untracked(text: str) -> str:
    """Return `text` with each web address written in it as `without_tracking` gives it."""
    return _WRITTEN.sub(lambda found: without_tracking(found[0])[0], text) if "?" in text else text


def written_out(href: str, words: str) -> str:
    """Return the address in brackets, or "" where it leads nowhere or is in the words already."""
    bare = _SCHEME.sub("", href).rstrip("/")
    if not bare or not _SHOWN.match(href) or bare in words or not words.strip():
        return ""
    return f" ({re.sub('^mailto:', '', href, flags=re.IGNORECASE)})"
