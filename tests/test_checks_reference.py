"""The reference page of the checks is as the code is."""

from pathlib import Path

from newsletter.checks import RULES, Rule

PAGE = Path(__file__).parents[1] / "docs/reference/checks.md"
PROMISED = """
    artefact-line ref-invalid ref-mismatch ref-style ref-unparsed quote-unbalanced
    unfinished-paragraph no-prayer-points empty-point duplicate-point date-mismatch
    date-missing long-bulletin encoding tracked-changes review-comment hidden-text not-taken
    tracker-removed remote-image image-unusable image-alt-missing boilerplate-removed
    tracking-parameters-removed contact-details donation-link title-all-caps list-style
    language-guessed prose-petition-found not-for-forwarding translation-unnamed link-broken
    size-clipped already-sent name-at-risk ministry-named discreet-impossible
"""


def row(rule: Rule) -> str:
    waived = "no" if rule.unwaivable else "by a second person" if rule.second_person else "yes"
    severities = " or ".join(rule.severities)
    return f"| `{rule.name}` | {severities} | {rule.says} | {rule.mend or '–'} | {waived} |"


def test_the_page_has_every_rule_as_the_code_has_it() -> None:
    written = PAGE.read_text(encoding="utf-8").splitlines()

    rows = [line for line in written if line.startswith("| `")]
    assert rows == [row(rule) for rule in RULES.values()]


def test_every_rule_of_the_interface_is_there() -> None:
    assert set(PROMISED.split()) <= set(RULES)
