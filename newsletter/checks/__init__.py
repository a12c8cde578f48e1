"""May it go out?  Findings that a careful colleague would make.

Pure: what needs a database or the network arrives as `Facts`.  A rule is a function that
yields findings; its name is for programs and commands, people see the sentence.

    rules        every rule: what it says, how severe, what mends it, who may waive it
    sending      whether it may go out at all
    source       the file: encoding, leftovers, what a reader left out
    prayer       the prayer points        dates        their days
    scripture    references, and the words quoted from them
    prose        title, length, sentences, quotation marks
    addresses    people, places, money, links
    reminders    countries where it is dangerous, numbers, sources
    names        the register of pseudonyms
    ministry     who must not be named in the discreet mail
    pictures     their number and descriptions
"""

from collections.abc import Callable, Iterable

from newsletter.bulletin import Bulletin
from newsletter.checks.addresses import broken_links, donations, reached_by
from newsletter.checks.dates import date_mismatches, missing_dates
from newsletter.checks.ministry import ministry_named
from newsletter.checks.model import Facts, Finding, Mend, Severity, blocks, finding_json
from newsletter.checks.names import names_at_risk
from newsletter.checks.pictures import missing_descriptions, too_many_pictures
from newsletter.checks.prayer import (
    duplicate_points,
    empty_points,
    list_style,
    no_prayer_points,
    prose_petitions,
)
from newsletter.checks.prose import (
    long_bulletin,
    title_all_caps,
    unbalanced_quotes,
    unfinished_paragraphs,
)
from newsletter.checks.reminders import reminders
from newsletter.checks.rules import RULES, Rule, nearest_rule
from newsletter.checks.scripture import about_scripture
from newsletter.checks.sending import already_sent, says_not_to_forward, size_clipped
from newsletter.checks.source import (
    artefact_lines,
    broken_characters,
    encoding,
    language_guessed,
    leftovers,
    merge_fields,
)

__all__ = [
    "RULES",
    "Facts",
    "Finding",
    "Mend",
    "Rule",
    "Severity",
    "blocks",
    "check",
    "finding_json",
    "ministry_named",
    "names_at_risk",
    "nearest_rule",
]

_OF_FACTS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (already_sent, size_clipped)
_OF_THE_BULLETIN: tuple[Callable[[Bulletin], Iterable[Finding]], ...] = (
    encoding,
    broken_characters,
    artefact_lines,
    merge_fields,
    language_guessed,
    leftovers,
    says_not_to_forward,
    about_scripture,
    no_prayer_points,
    empty_points,
    duplicate_points,
    date_mismatches,
    missing_dates,
    list_style,
    prose_petitions,
    title_all_caps,
    long_bulletin,
    unbalanced_quotes,
    unfinished_paragraphs,
    reached_by,
    donations,
    broken_links,
    missing_descriptions,
    too_many_pictures,
    reminders,
)


def check(bulletin: Bulletin, facts: Facts | None = None) -> list[Finding]:
    """Return what should be looked at before the bulletin goes out, by line."""
    facts = facts or Facts()
    found = [finding for rule in _OF_FACTS for finding in rule(facts)]
    found += [finding for rule in _OF_THE_BULLETIN for finding in rule(bulletin)]
    found += names_at_risk(bulletin, facts)
    return sorted(found, key=lambda finding: finding.line)
