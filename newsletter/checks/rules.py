"""Every rule: what it says, how severe it is, what mends it, and who may waive it.

The one list that findings, waivers and the reference page go by.  A rule's name is for
programs and commands; screens show a finding's sentence.
"""

import difflib
from dataclasses import dataclass

from newsletter.checks.model import Finding, Mend, Severity

_B, _W, _N = Severity.BLOCKER, Severity.WARNING, Severity.NOTE


@dataclass(frozen=True)
class Rule:
    """One thing that a careful colleague looks for."""

    name: str
    severities: tuple[Severity, ...]  # the usual one first
    says: str
    mend: str = ""  # what `--fix` does about it; "" where only a person can tell
    unwaivable: str = ""  # why nobody may waive it, and what to do instead
    second_person: bool = False  # whoever added the bulletin may not waive it


_ALL = (
    # it may not go out at all
    Rule(
        "already-sent",
        (_B,),
        "The bulletin, or a version of it, went out to this list before; practice does not count.",
        unwaivable="That a bulletin went out already is never waived, for nobody gets it twice: "
        "newsletter issue send-rest reaches those who have not got it, newsletter issue copy one "
        "person; for all of them, write what is new in it.",
    ),
    Rule(
        "size-clipped",
        (_W, _B),
        "The email is heavy: over 90 kB there is little room left, over 102 kB Gmail hides the "
        "end, the link to leave the list with it.",
        unwaivable="The weight of an email is never waived, for Gmail would hide the link to leave "
        "the list: shorten the bulletin or send it as two.",
    ),
    Rule("not-for-forwarding", (_W,), "The text itself says that it must not be passed on."),
    Rule(
        "name-at-risk",
        (_B,),
        "A real name, place, phone number or link of the pseudonym register occurs.",
        second_person=True,
    ),
    Rule(
        "ministry-named",
        (_B,),
        "The text names the ministry, and some readers of the list get the discreet mail.",
        unwaivable="The name of the ministry is never let into the discreet mail, whose readers it "
        "would put in danger: write the bulletin without it.",
    ),
    Rule(
        "discreet-impossible",
        (_B,),
        "Some readers of the list get the discreet mail, and it cannot be made.",
        unwaivable="Who reads the discreet mail is never sent another: complete [discreet] in the "
        "settings, then newsletter issue schedule.",
    ),
    # what the file tells
    Rule(
        "artefact-line",
        (_B,),
        "A line is left over from a web page or a mail program.",
        "The line is removed.",
    ),
    Rule(
        "merge-field",
        (_B,),
        "A field of another program, such as {{ first_name }}, would go out as it is.",
    ),
    Rule(
        "encoding",
        (_W, _N),
        "Characters were read wrongly before the file reached us (warning), or the file is not "
        "UTF-8 (note).",
        "Characters that certainly were UTF-8 are put right; the copy is UTF-8.",
    ),
    Rule("language-guessed", (_N,), "Nobody named the language: it was told from the text."),
    Rule(
        "tracked-changes",
        (_W,),
        "The Word file holds changes that nobody has accepted; what was deleted is left out.",
    ),
    Rule("review-comment", (_W,), "The file holds comments, which are left out."),
    Rule("hidden-text", (_W,), "The file holds text that its readers do not see; it is left out."),
    Rule("not-taken", (_W,), "Something could not be taken: a table, a text box, an object."),
    Rule("tracker-removed", (_N,), "An invisible picture that reports who reads was taken out."),
    Rule("remote-image", (_W,), "A picture lies on a web server: it is not fetched, and left out."),
    Rule("boilerplate-removed", (_N,), "Menus, footers and the like of a web page were left out."),
    Rule(
        "tracking-parameters-removed",
        (_N,),
        "Web addresses carried marks that tell who follows them; they were taken off.",
        "The marks are taken off.",
    ),
    # scripture
    Rule("ref-invalid", (_B,), "A reference names a verse that no Bible has."),
    Rule("ref-mismatch", (_W,), "The quoted words are those of another verse."),
    Rule("ref-style", (_N,), "A reference is written in an unusual way."),
    Rule("ref-unparsed", (_W,), "Something looks like a reference and cannot be read as one."),
    Rule("translation-unnamed", (_N,), "A verse is quoted and its translation is not named."),
    # prayer points
    Rule("no-prayer-points", (_B,), "There is nothing to pray for."),
    Rule(
        "empty-point",
        (_W,),
        "A prayer point says nothing: a sign alone, a day alone, or no more than “Pray for”.",
        "A sign alone is removed where nothing can belong to it.",
    ),
    Rule("duplicate-point", (_W,), "The same prayer point stands there twice."),
    Rule(
        "date-mismatch",
        (_W,),
        "A weekday and its date disagree, a date does not exist, or it lies outside the period "
        "that the title names.",
    ),
    Rule("date-missing", (_W,), "A row of dated points leaves out a day."),
    Rule(
        "list-style",
        (_N,),
        "The points of one list begin with different signs.",
        "All begin as most of them do.",
    ),
    Rule(
        "prose-petition-found",
        (_N,),
        "The story asks for prayer in its midst, although there are prayer points.",
    ),
    # reminders
    Rule(
        "country-named",
        (_N,),
        "The bulletin seems to be about a country where it can bring people into danger.",
    ),
    Rule(
        "operational-detail",
        (_N,),
        "The bulletin is about such a country, and a number of people or things stands there.",
    ),
    Rule("source-named", (_N,), "The story rests on somebody else's report."),
    # the words
    Rule(
        "quote-unbalanced",
        (_W,),
        "A quotation mark is opened and never closed, or closed and never opened.",
    ),
    Rule("unfinished-paragraph", (_W,), "A paragraph ends in mid-sentence."),
    Rule("long-bulletin", (_N,), "It has more than 1,000 words, about five minutes of reading."),
    Rule("title-all-caps", (_N,), "The title is in capitals throughout."),
    Rule(
        "contact-details",
        (_W, _N),
        "A phone number, a place on the map (warning) or an email address (note) stands there.",
    ),
    Rule("donation-link", (_N,), "A web address or a bank account asks for money."),
    Rule("link-broken", (_W,), "A web address cannot work as it is written."),
    # pictures
    Rule("image-unusable", (_W,), "A picture cannot be used, and is left out."),
    Rule("image-alt-missing", (_W,), "A picture has no description for those who do not see it."),
)

RULES = {rule.name: rule for rule in _ALL}


def remark(
    rule: str,
    line: int,
    message: str,
    *,
    severity: Severity | None = None,
    suggestion: str | None = None,
    mend: Mend | None = None,
) -> Finding:
    """Return a finding, as severe as its rule usually is.

    Raises:
        ValueError: no such rule, or it is never that severe.
    """
    known = RULES.get(rule)
    if known is None or (severity or known.severities[0]) not in known.severities:
        raise ValueError(f"{rule} is no rule of this severity")
    return Finding(rule, severity or known.severities[0], line, message, suggestion, mend)


def nearest_rule(name: str) -> str:
    """Return the name of the rule that is written most like `name`."""
    by_likeness = difflib.get_close_matches(name.lower(), RULES, n=1, cutoff=0)
    return by_likeness[0]
