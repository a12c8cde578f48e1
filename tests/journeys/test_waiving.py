"""A blocker that is right as it stands is let pass by name, and everybody can see it."""

from pathlib import Path

from newsletter.cli.context import now
from newsletter.site import open_site
from newsletter.web.app import serve
from tests.journeys.conftest import TrialSite
from tests.pages import ask

LETTER = """Harvest in the valley

A small church met for the first time in spring. They shared bread and read Psalm 151.

  • Give thanks for the welcome they found.
  • Pray for the children of the village.
"""


def test_what_is_let_pass_is_shown_everywhere(site: TrialSite, tmp_path: Path) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER, encoding="utf-8")
    number = site("bulletin", "add", file, "--json").json["id"]
    issue = site("issue", "draft", number, "--json").json["id"]
    before = site("bulletin", "show", number).out

    said = site(
        *("bulletin", "waive", number, "--rule", "ref-invalid", "--line", "3"),
        *("--by", "ruth@example.org"),
    )

    assert f"newsletter bulletin waive {number} --rule ref-invalid --line 3 --by EMAIL" in before
    assert said.status == 0
    assert "ruth@example.org let this pass on " in said.out
    assert f"Issue {issue} is now in the state scheduled, to go out Friday " in said.out
    after = site("bulletin", "show", number)
    assert "ruth@example.org let this pass" in after.out
    assert "newsletter bulletin waive" not in after.out
    for shown in (
        site("bulletin", "show", number, "--json").json,
        site("issue", "show", issue, "--json").json,
    ):
        assert [(each["rule"], each["line"], each["by"]) for each in shown["waived"]] == [
            ("ref-invalid", 3, "ruth@example.org")
        ]
    assert "ruth@example.org let this pass" in site("issue", "show", issue).out
    page = staff_page(site, issue)
    assert "ruth@example.org let this pass on " in page
    assert "ref-invalid" not in page


def staff_page(site: TrialSite, issue: int) -> str:
    opened = open_site(site.folder)
    try:
        with serve(opened, now, "127.0.0.1", 0) as running:
            return ask(running.port, "GET", f"/staff/issues/{issue}").text
    finally:
        opened.engine.dispose()


def test_waiving_the_same_again_or_one_of_two_says_how_things_stand(
    site: TrialSite, tmp_path: Path
) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER + "\nRead more\n", encoding="utf-8")
    number = site("bulletin", "add", file, "--json").json["id"]
    issue = site("issue", "draft", number, "--json").json["id"]
    arguments = ("bulletin", "waive", number, "--rule", "ref-invalid", "--by", "ruth@example.org")

    first, again = site(*arguments), site(*arguments, "--json")

    assert f"Issue {issue} is still a draft: 1 thing must be mended or let pass too." in first.out
    assert (again.status, again.json["already"], again.json["issues"]) == (0, True, [])


def test_with_no_issue_yet_the_next_command_is_said(site: TrialSite, tmp_path: Path) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER, encoding="utf-8")
    number = site("bulletin", "add", file, "--json").json["id"]

    said = site("bulletin", "waive", number, "--rule", "ref-invalid", "--by", "ruth@example.org")

    assert said.out.endswith(f"Next: newsletter issue draft {number}\n")


def test_one_that_is_too_heavy_as_well_is_not_said_to_be_ready(
    site: TrialSite, tmp_path: Path
) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER.replace("spring.", "spring. " + "Long. " * 20_000), encoding="utf-8")

    added = site("bulletin", "add", file)
    waived = site(
        *("bulletin", "waive", 1, "--rule", "ref-invalid", "--by", "ruth@example.org"),
    )

    assert "Gmail hides what goes beyond 102 kB" in added.out
    assert "Gmail hides what goes beyond 102 kB" in site("bulletin", "show", 1).out
    assert "Next:" not in waived.out


def test_a_mistaken_rule_line_or_number_is_one_sentence(site: TrialSite, tmp_path: Path) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER, encoding="utf-8")
    number = site("bulletin", "add", file, "--json").json["id"]

    for status, arguments in (
        (2, (number, "--rule", "ref-invalld")),
        (2, (number, "--rule", "ref-invalid", "--line", 7)),
        (2, (99, "--rule", "ref-invalid")),
        (1, (number, "--rule", "already-sent")),
    ):
        said = site("bulletin", "waive", *arguments, "--by", "ruth@example.org")

        assert (said.status, said.out, said.err.count("\n")) == (status, "", 1)
