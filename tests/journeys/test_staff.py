"""What staff do by the command line, from a list to a report."""

import csv
import stat
from pathlib import Path

import pytest

from newsletter.cli.context import PRACTICE
from tests.journeys.conftest import Command, TrialSite, people_csv

GOOD = """Harvest in the valley

A small church met for the first time in spring. They shared bread and sang together.

  • Give thanks for the welcome they found.
  • Pray for the children of the village.
"""
BLOCKED = GOOD.replace("together.", "together (John 3:99).")
FAR = "2030-11-29T07:00"  # a Friday


@pytest.fixture
def bulletin(tmp_path: Path) -> Path:
    path = tmp_path / "harvest.txt"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def people(site: TrialSite, tmp_path: Path) -> TrialSite:
    file = people_csv(tmp_path / "people.csv", 3)
    assert site("subscribers", "import", file, "--basis", "explicit-consent").status == 0
    return site


def drafted(site: TrialSite, bulletin: Path, *options: object) -> int:
    added = site("bulletin", "add", bulletin, "--json").json
    number: int = site("issue", "draft", added["id"], *options, "--json").json["id"]
    return number


# --- lists --------------------------------------------------------------------------------


def test_a_list_shows_its_next_twelve_slots_and_what_fills_them(
    people: TrialSite, bulletin: Path
) -> None:
    number = drafted(people, bulletin)

    shown = people("list", "show", "--json").json["lists"][0]
    words = people("list", "show", "--list", "weekly").out

    assert shown["cadence"] == "Fridays 07:00 Europe/London"
    assert len(shown["slots"]) == 12
    assert shown["slots"][0]["issue"] == number
    assert shown["slots"][1]["filled_by"] == "free"
    assert f"issue {number}, scheduled" in words
    assert words.count("Friday") == 12 + 1


def test_a_holiday_leaves_its_slot_out(site: TrialSite) -> None:
    day = site("list", "show", "--json").json["lists"][0]["slots"][1]["date"]

    said = site("list", "skip", "weekly", day, "--reason", "Christmas", "--json")

    slots = site("list", "show", "--json").json["lists"][0]["slots"]
    assert said.json["skipped"] == [day]
    assert [slot["filled_by"] for slot in slots if slot["date"] == day] == ["left out: Christmas"]


def test_a_changed_cadence_says_which_issues_keep_their_time(
    people: TrialSite, bulletin: Path
) -> None:
    number = drafted(people, bulletin)

    said = people(
        "list", "change", "weekly", "--cadence", "Sundays 06:30 Africa/Lagos", "--title", "Prayer"
    )

    shown = people("list", "show", "--json").json["lists"][0]
    assert f"Issue {number} stays at Friday" in said.out
    assert shown["title"] == "Prayer"
    assert "Africa/Lagos" in shown["cadence"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "add", "Weekly Letters"),
        ("list", "add", "letters", "--title", ""),
        ("list", "change", "weekly"),
        ("list", "change", "other", "--title", "X"),
        ("list", "skip", "weekly", "Christmas", "--reason", "x"),
        ("list", "add", "letters", "--cadence", "Someday 07:00"),
    ],
)
def test_what_does_not_fit_a_list_is_wrong_use(site: TrialSite, arguments: tuple[str, ...]) -> None:
    said = site(*arguments)

    assert said.status == 2
    assert said.err.count("\n") == 1


def test_a_list_is_made_once(site: TrialSite) -> None:
    assert site("list", "add", "weekly").status == 1


def test_with_several_lists_one_must_be_named(site: TrialSite, bulletin: Path) -> None:
    site("list", "add", "urgent")

    said = site("bulletin", "add", bulletin)

    assert said.status == 2
    assert "urgent, weekly" in said.err


def test_a_site_without_a_list_says_how_to_make_one(newsletter: Command, tmp_path: Path) -> None:
    newsletter("init", tmp_path / "new")

    said = newsletter("issue", "draft", "1", "--site", tmp_path / "new")

    assert said.status == 2
    assert "newsletter list add" in said.err


# --- people -------------------------------------------------------------------------------


def test_a_person_is_shown_taken_off_and_never_mailed(people: TrialSite) -> None:
    anna = "reader1@example.org"

    off = people("subscribers", "unsubscribe", anna, "--list", "weekly")
    again = people("subscribers", "unsubscribe", anna, "--list", "weekly")
    people("subscribers", "suppress", anna, "--reason", "asked by phone")
    shown = people("subscribers", "show", anna, "--json").json
    words = people("subscribers", "show", anna).out
    lifted = people("subscribers", "unsuppress", anna, "--reason", "asked to come back")

    assert (off.out, again.out) == ("Done.\n", "Nothing to do: the person was off already.\n")
    assert shown["lists"][0]["state"] == "unsubscribed"
    assert shown["suppression"]["reason"] == "staff"
    assert "Never mailed since" in words
    assert lifted.out == "Done.\n"
    assert people("subscribers", "unsuppress", anna, "--reason", "x").out.startswith("Nothing")


def test_leaving_everything_cannot_be_lifted_by_staff(people: TrialSite) -> None:
    people("subscribers", "unsubscribe", "reader1@example.org", "--all")

    said = people("subscribers", "unsuppress", "reader1@example.org", "--reason", "we miss them")

    assert said.status == 1
    assert "signing up again" in said.err


def test_one_list_or_all_must_be_said(people: TrialSite) -> None:
    assert people("subscribers", "unsubscribe", "reader1@example.org").status == 2


def test_an_export_is_for_its_owner_only_and_can_be_imported(
    people: TrialSite, tmp_path: Path
) -> None:
    file = tmp_path / "out.csv"

    said = people("subscribers", "export", file, "--list", "weekly")

    again = people("subscribers", "import", file, "--basis", "explicit-consent", "--json")
    assert said.out.startswith("3 people")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert again.json["already"] == 3


def test_a_dry_run_says_the_same_and_writes_nothing(site: TrialSite, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email,nickname\nanna@example.org,A\nnobody,B\n", encoding="utf-8")
    command = ("subscribers", "import", file, "--basis", "regular-contact")

    dry = site(*command, "--dry-run")

    assert dry.status == 1
    assert "1 would be added" in dry.out
    assert "Columns not taken: nickname" in dry.out
    assert "Row 3: nobody:" in dry.out
    assert site("list", "show", "--json").json["lists"][0]["subscribers"] == 0


def test_an_export_that_lists_those_who_left_is_refused(site: TrialSite, tmp_path: Path) -> None:
    file = tmp_path / "left.csv"
    file.write_text("Email Address,UNSUB_TIME\nanna@example.org,2026-01-01\n", encoding="utf-8")

    said = site("subscribers", "import", file, "--basis", "explicit-consent")

    assert said.status == 2
    assert "UNSUB_TIME" in said.err


def test_an_unknown_basis_names_those_there_are(site: TrialSite, tmp_path: Path) -> None:
    file = people_csv(tmp_path / "people.csv", 1)

    said = site("subscribers", "import", file, "--basis", "hope")

    assert said.status == 2
    assert "explicit-consent" in said.err


# --- issues -------------------------------------------------------------------------------


def test_an_issue_answers_with_weekday_local_time_and_head_count(
    people: TrialSite, bulletin: Path
) -> None:
    added = people("bulletin", "add", bulletin, "--json").json

    said = people("issue", "draft", added["id"], "--at", FAR)

    assert "Practice" in said.out
    assert "Friday 29 November 2030, 07:00 Europe/London" in said.out
    assert "3 people" in said.out


def test_a_sample_a_report_and_a_cancellation_name_time_and_head_count_too(
    people: TrialSite, bulletin: Path
) -> None:
    number = drafted(people, bulletin, "--at", FAR)

    sample = people("issue", "test", number, "--to", "office@example.org").out
    report = people("issue", "report", number).out
    cancelled = people("issue", "cancel", number).out

    for said in (sample, report, cancelled):
        assert "Friday 29 November 2030, 07:00 Europe/London" in said
        assert "3 people." in said
    assert "Nobody has it; it was for 3 people." in cancelled


def test_an_approval_binds_text_and_time_and_the_author_never_counts(
    people: TrialSite, bulletin: Path
) -> None:
    people.configure(approval__approvals=1)
    added = people("bulletin", "add", bulletin, "--by", "anna@example.org", "--json").json
    number = people(
        "issue", "draft", added["id"], "--at", FAR, "--by", "anna@example.org", "--json"
    ).json["id"]

    own = people("issue", "approve", number, "--by", "anna@example.org")
    other = people("issue", "approve", number, "--by", "ruth@example.org", "--json")
    bulletin.write_text(GOOD.replace("spring", "April"), encoding="utf-8")
    newer = people("bulletin", "add", bulletin, "--by", "anna@example.org")
    after = people("issue", "show", number)

    assert own.status == 1
    assert "author" in own.err
    assert other.json["state"] == "scheduled"
    assert "takes the place" in newer.out
    assert "  now: " in newer.out
    assert "waiting for approval" in after.out
    assert "0 of 1 approvals" in after.out


def test_a_blocked_bulletin_becomes_a_draft_that_says_why(
    people: TrialSite, tmp_path: Path
) -> None:
    path = tmp_path / "blocked.txt"
    path.write_text(BLOCKED, encoding="utf-8")
    added = people("bulletin", "add", path, "--json").json

    said = people("issue", "draft", added["id"], "--at", FAR, "--json")
    scheduled = people("issue", "schedule", said.json["id"])
    shown = people("issue", "show", said.json["id"]).out

    assert said.status == scheduled.status == 1
    assert said.json["state"] == "draft"
    assert "John 3" in said.json["blocking"][0]
    assert "Before it can go:" in shown
    path.write_text(GOOD, encoding="utf-8")
    people("bulletin", "add", path)
    assert people("issue", "show", said.json["id"], "--json").json["state"] == "scheduled"


def test_a_held_draft_is_scheduled_moved_paused_resumed_and_cancelled(
    people: TrialSite, bulletin: Path
) -> None:
    number = drafted(people, bulletin, "--hold")

    states = [
        people("issue", *command, "--json").json["state"]
        for command in (
            ("show", number),
            ("schedule", number, "--at", FAR),
            ("move", number, "--at", "2030-11-30T07:00"),
            ("pause", number),
            ("resume", number),
            ("cancel", number),
        )
    ]

    resumed = people("issue", "resume", number)
    assert states == ["draft", "scheduled", "scheduled", "draft", "scheduled", "cancelled"]
    assert resumed.status == 1
    assert "cancelled" in resumed.err


def test_an_issue_paused_before_it_began_says_how_to_let_it_go(
    people: TrialSite, bulletin: Path
) -> None:
    number = drafted(people, bulletin, "--at", FAR)

    paused = people("issue", "pause", number)
    resumed = people("issue", "resume", number)

    assert f"It is held: newsletter issue resume {number} lets it go." in paused.out
    assert f"Issue {number} to weekly is scheduled for" in resumed.out
    assert "held" not in resumed.out


def test_a_sample_goes_to_one_person_and_counts_nowhere(people: TrialSite, bulletin: Path) -> None:
    number = drafted(people, bulletin)

    said = people("issue", "test", number, "--to", "office@example.org")

    mails = list((people.folder / "mailbox" / "new").iterdir())
    assert said.status == 0
    assert len(mails) == 1
    assert b"office@example.org" in mails[0].read_bytes()
    assert people("issue", "report", number, "--json").json["audience"] == 0


def test_everyone_can_be_listed_with_what_became_of_them(
    people: TrialSite, bulletin: Path, tmp_path: Path
) -> None:
    people("subscribers", "suppress", "reader2@example.org", "--reason", "x")
    number = drafted(people, bulletin, "--at", "now")
    people("dispatch", "--once")

    people("issue", "deliveries", number, "--csv", tmp_path / "out.csv")
    shown = people("issue", "deliveries", number, "--state", "excluded").out
    wrong = people("issue", "deliveries", number, "--state", "lost")

    rows = list(csv.DictReader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()))
    assert sorted(row["state"] for row in rows) == ["excluded", "submitted", "submitted"]
    assert shown.splitlines()[1].startswith("reader2@example.org,excluded,")
    assert wrong.status == 2
    assert "\n3 in the audience, 2 to write to" in people("issue", "report", number).out


def test_nothing_due_is_said(site: TrialSite) -> None:
    said = site("dispatch", "--once")

    assert (said.status, said.out) == (0, f"{PRACTICE}\nNothing is due.\n")


def test_every_screen_says_that_it_is_practice(people: TrialSite, bulletin: Path) -> None:
    number = drafted(people, bulletin, "--hold")

    screens = [
        people(*command).out
        for command in (
            ("list", "show"),
            ("issue", "show", number),
            ("issue", "report", number),
            ("issue", "cancel", number),
        )
    ]

    assert all("nothing leaves this machine" in screen for screen in screens)


@pytest.mark.parametrize("kind", ["smtp", "sendgrid"])
def test_practice_stays_practice_in_a_report_when_a_provider_is_chosen(
    people: TrialSite, bulletin: Path, kind: str
) -> None:
    number = drafted(people, bulletin, "--at", "now")
    people("dispatch", "--once")
    people.configure(provider__kind=kind)

    said = people("issue", "report", number)

    assert said.status == 0  # without any key: nothing is to be sent
    assert "3 handed over to the practice mailbox (nothing leaves this machine)." in said.out


# --- bulletins ----------------------------------------------------------------------------


def test_a_preview_needs_no_site(newsletter: Command, bulletin: Path, tmp_path: Path) -> None:
    said = newsletter("bulletin", "preview", bulletin, "--out", tmp_path / "preview")

    assert said.status == 0
    html = (tmp_path / "preview" / "email.html").read_text(encoding="utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert "Dear" in (tmp_path / "preview" / "email.txt").read_text(encoding="utf-8")
    assert b"List-Unsubscribe: <" in (tmp_path / "preview" / "message.eml").read_bytes()


def test_a_preview_in_a_site_has_its_names(site: TrialSite, bulletin: Path, tmp_path: Path) -> None:
    site.configure(organisation__name="Friends of the Valley")

    site("bulletin", "preview", bulletin, "--out", tmp_path / "preview")

    text = (tmp_path / "preview" / "email.txt").read_text(encoding="utf-8")
    assert "Friends of the Valley" in text


def test_the_same_bulletin_is_stored_once_and_can_be_shown(site: TrialSite, bulletin: Path) -> None:
    first = site("bulletin", "add", bulletin, "--json").json
    again = site("bulletin", "add", bulletin, "--json").json
    words = site("bulletin", "add", bulletin).out
    shown = site("bulletin", "show", first["id"], "--json").json

    assert (first["already"], again["already"]) == (False, True)
    assert first["id"] == again["id"] == shown["id"]
    assert "here already" in words
    assert shown["bulletin"]["title"] == "Harvest in the valley"
    assert shown["findings"] == []


def test_a_new_version_shows_what_is_different(people: TrialSite, bulletin: Path) -> None:
    number = drafted(people, bulletin)
    changed = GOOD.replace("for the first time", "once more").replace("children", "teachers")
    bulletin.write_text(changed, encoding="utf-8")

    said = people("bulletin", "add", bulletin).out.splitlines()

    assert f"It takes the place of its older version in issue {number}:" in said
    assert [line for line in said if line.startswith("  ")] == [
        "  was: A small church met for the first time in spring. They shared bread and sang "
        "together.",
        "  now: A small church met once more in spring. They shared bread and sang together.",
        "  was: Pray for the children of the village.",
        "  now: Pray for the teachers of the village.",
    ]


def test_a_blocked_bulletin_says_at_once_what_to_mend(people: TrialSite, bulletin: Path) -> None:
    bulletin.write_text(f"{GOOD}\nJohn 3:99\n", encoding="utf-8")

    said = people("bulletin", "add", bulletin)

    assert said.status == 0  # it is stored
    assert "It cannot go out until this is mended:" in said.out
    assert "John 3 has only 36 verses" in said.out
    assert "issue draft" not in said.out


def test_a_translation_joins_the_issue(people: TrialSite, bulletin: Path, tmp_path: Path) -> None:
    number = drafted(people, bulletin)
    german = tmp_path / "harvest.de.txt"
    german.write_text("Ernte im Tal\n\nSie sangen.\n\n  • Betet für die Kinder.\n", "utf-8")

    said = people("bulletin", "add", german)

    editions = people("issue", "show", number, "--json").json["editions"]
    assert f"further language of issue {number}" in said.out
    assert [edition["language"] for edition in editions] == ["en", "de"]
