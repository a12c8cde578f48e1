"""Who must not be named in the mail of readers at risk, and whether a text names them.  Pure."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import urlsplit

from newsletter.config import Settings
from newsletter.names import Kind, Names, Pseudonym, fold, is_enough

_NEEDED = ("name", "email", "url", "postal_address")
_SIGNED = ("domain", "rsa_selector", "ed25519_selector")  # what a signature shows


class Named(NamedTuple):
    """One place where a text names the ministry."""

    line: int  # of the text, from 0
    name: str  # as it is configured


class Ministry:
    """The names and domains that no discreet mail holds.  Safe to share between threads."""

    def __init__(self, settings: Settings, lists: Iterable[tuple[str, str]] = ()) -> None:
        """Take the names from the settings, and from the name and title of each list.

        A list's name or title of one word, such as *Weekly*, is a word like others: it stands
        in no discreet mail by itself, and is not looked for in what an editor wrote.
        """
        lists = list(lists)
        senders = [settings.sender_of(name) for name in ("", *settings.lists)]
        names = {settings.organisation.name, settings.organisation.postal_address}
        names |= {sender.name for sender in senders}
        titles = {part.replace("-", " ") for each in lists for part in each}
        names |= {title for title in titles if len(title.split()) > 1}
        entries = (Pseudonym(Kind.PLACE, name, "") for name in sorted(names))
        self._names = Names(entry for entry in entries if is_enough(entry))
        own = {sender.email.rpartition("@")[2].lower() for sender in senders}
        own |= {settings.provider.smtp.return_path.rpartition("@")[2].lower()}
        self.domains = frozenset({*own, _host(settings.organisation.url)} - {""})
        answers = {sender.reply_to.lower() for sender in senders if sender.reply_to}
        self._links = self.domains | answers

    def named_in(self, text: str, language: str) -> list[Named]:
        """Return where a text names the ministry, in the order of its lines."""
        found = {Named(hit.line, hit.pseudonym.real) for hit in self._names.find(text, language)}
        return sorted({*found, *self._links_in(text)})

    def _links_in(self, text: str) -> Iterator[Named]:
        for number, line in enumerate(fold(text).split("\n")):
            for link in self._links:
                if re.search(rf"(?<![\w-]){re.escape(fold(link))}(?![\w-]|\.\w)", line):
                    yield Named(number, link)


def fault_in(settings: Settings) -> str:
    """Return why no discreet mail can be made with these settings, "" where it can be."""
    discreet = settings.discreet
    missing = [name for name in _NEEDED if not getattr(discreet, name)]
    if missing:
        *others, last = missing
        named = f"{', '.join(others)} and {last}" if others else last
        return f"{named} must be set under [discreet]"
    ministry = Ministry(settings)
    hosts = {"email": discreet.email.rpartition("@")[2].lower(), "url": _host(discreet.url)}
    hosts["return_path"] = discreet.return_path.rpartition("@")[2].lower()
    for setting, host in hosts.items():
        if any(_belong_together(host, own) for own in ministry.domains):
            return f"{setting} under [discreet] is of a domain that names the ministry"
    shown = {name: getattr(discreet, name) for name in (*_NEEDED, "return_path")}
    shown |= {f"dkim.{name}": getattr(discreet.dkim, name) for name in _SIGNED}
    for setting, text in shown.items():
        if ministry.named_in(text, settings.organisation.language):
            return f"{setting} under [discreet] names the ministry"
    return ""


def _belong_together(host: str, own: str) -> bool:
    """Whether one lies above or below the other, or both below a name with one owner."""
    ends = zip(reversed(host.split(".")), reversed(own.split(".")), strict=False)
    alike = [label for label, other in takewhile(lambda pair: pair[0] == pair[1], ends)]
    shared = ".".join(reversed(alike))
    owned = "." in shared and not _OF_A_COUNTRY.fullmatch(shared)
    return bool(host) and (owned or shared in (host, own))


_OF_A_COUNTRY = re.compile(r"[a-z]{2,3}\.[a-z]{2}")  # "org.uk": anybody's, as "org" is


def _host(url: str) -> str:
    """Return the host of a URL without its www, "" where it is a number or this machine."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "" if host == "localhost" else host
    return ""
