"""When something went wrong: people decide, and a copy of the database never sends by itself.

The oracle is what the mail server has.
"""

import csv
import email
import email.policy
import http.client
import io
import re
import shutil
import sqlite3
import stat
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.figures import Figures
from tests.faults.sizes import SIZE, dice
from tests.journeys.conftest import Said, TrialSite, people_csv
from tests.servers.smtp import Fault, SmtpServer, smtp_server

BULLETINS = (
    "Harvest\n\nThey sang in the valley.\n\n  • Give thanks for the rain.\n",
    "Night shift\n\nThree nurses kept the ward open.\n\n  • Pray that they may sleep.\n",
)
GREYLISTED = Fault("rcpt", "450 4.2.0 come back\n", to="reader4@")
CUT_AFTER_THE_DOT = Fault("dot", then="cut", take=True, to="reader1@")
REFUSED = Fault("rcpt", "550 5.1.1 nobody here\n", to="reader2@")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    (tmp_path / "server").mkdir()
    with smtp_server(tmp_path / "server", scripted=True) as server:
        yield server


@pytest.fixture
def letter(site: TrialSite, server: SmtpServer, tmp_path: Path) -> TrialSite:
    """A site with five subscribers that sends by SMTP."""
    site.configure(
        provider__kind="smtp",
        provider__smtp__host=server.host,
        provider__smtp__port=server.port,
        provider__smtp__security="none",
        provider__smtp__connections=1,
        web__port=0,
    )
    subscribe(site, people_csv(tmp_path / "people.csv", 5))
    return site


def subscribe(site: TrialSite, file: Path) -> None:
    said = site("subscribers", "import", file, "--list", "weekly", "--basis", "explicit-consent")
    assert said.status == 0


def drafted(site: TrialSite, tmp_path: Path, which: int = 0, at: str = "now") -> int:
    file = tmp_path / f"bulletin{which}.txt"
    file.write_text(BULLETINS[which], encoding="utf-8")
    added = site("bulletin", "add", file, "--json").json
    number: int = site("issue", "draft", added["id"], "--at", at, "--json").json["id"]
    return number


def taken(server: SmtpServer) -> Counter[str]:
    """How many copies each person has."""
    return Counter(copy.recipients[0].partition("@")[0] for copy in server.taken())


def dispatch(site: TrialSite) -> Said:
    return site("dispatch", "--once")


def in_database(site: TrialSite, statement: str) -> None:
    database = sqlite3.connect(site.folder / "newsletter.db")
    database.execute(statement)
    database.commit()
    database.close()


def let_time_pass(site: TrialSite) -> None:
    """Until every answer is overdue, and every retry due."""
    in_database(site, "UPDATE attempt SET answer_by = started_at")
    in_database(site, "UPDATE delivery SET due_at = NULL")
    in_database(site, "UPDATE batch SET due_at = 0 WHERE due_at IS NOT NULL")


def sending(site: TrialSite, number: int) -> dict[str, int]:
    counts: dict[str, int] = site("issue", "report", number, "--json").json["sending"]
    return {state: count for state, count in counts.items() if count}


# --- people decide ----------------------------------------------------------------------------


def test_an_answer_that_was_lost_is_shown_and_a_person_has_it_sent_again(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    server.plan(CUT_AFTER_THE_DOT)
    number = drafted(letter, tmp_path)
    assert dispatch(letter).status == 1
    server.plan()

    shown = letter("issue", "show", number).out
    known = letter("issue", "settle", number)
    early = letter("issue", "settle", number, "--treat-as", "send-again", "--json")

    assert f"newsletter issue settle {number}" in shown
    assert "The connection broke after the message had left" in known.out
    assert "gets it twice" in known.out
    assert "misses it" in known.out
    assert "cannot be sent again yet" in known.out
    assert (known.status, early.status) == (1, 1)
    assert (early.json["settled"], early.json["waiting"]) == (0, 1)
    dispatch(letter)
    assert set(taken(server).values()) == {1}

    let_time_pass(letter)
    again = letter(
        "issue", "settle", number, "--treat-as", "send-again", "--by", "ruth@example.org"
    )
    dispatch(letter)

    assert again.status == 0
    assert "To be sent again: 1 person; whoever has it gets it twice." in again.out
    assert taken(server) == {f"reader{n}": 1 + (n == 1) for n in range(5)}
    assert sending(letter, number) == {"submitted": 5}
    assert letter("issue", "settle", number).status == 0


@pytest.mark.parametrize(("treat_as", "state"), [("received", "submitted"), ("leave", "failed")])
def test_one_person_is_counted_as_received_or_left_alone(
    letter: TrialSite, server: SmtpServer, tmp_path: Path, treat_as: str, state: str
) -> None:
    server.plan(CUT_AFTER_THE_DOT)
    number = drafted(letter, tmp_path)
    letter("dispatch", "--once")

    said = letter(
        "issue", "settle", number, "--treat-as", treat_as, "--person", "reader1@example.org"
    )
    unknown = letter("issue", "settle", number, "--person", "nobody@example.org")
    listed = letter("issue", "deliveries", number, "--state", state).out

    assert said.status == 0
    assert (unknown.status, unknown.out) == (2, "")
    row = next(row for row in csv.DictReader(io.StringIO(listed)) if "reader1@" in row["email"])
    assert row["reason"].startswith("Nobody could tell whether it arrived; staff")
    dispatch(letter)
    assert set(taken(server).values()) == {1}


def test_the_rest_and_those_who_joined_since_get_theirs(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    server.plan(REFUSED)
    number = drafted(letter, tmp_path)
    dispatch(letter)
    server.plan()
    subscribe(letter, people_csv(tmp_path / "more.csv", 7))

    dry = letter("issue", "send-rest", number, "--dry-run")
    before = sending(letter, number)
    said = letter("issue", "send-rest", number, "--json")
    dispatch(letter)
    joined = letter("issue", "send-rest", number, "--joined")
    dispatch(letter)
    nobody = letter("issue", "send-rest", number)

    assert "It would be sent again to 1 person: 1 failed, 0 cancelled." in dry.out
    assert f"2 joined since: newsletter issue send-rest {number} --joined" in dry.out
    assert before == {"submitted": 4, "failed": 1}
    assert (said.json["taken"], said.json["failed"], said.json["joined"]) == (1, 1, 2)
    assert "Joined since, and taken into the audience: 2 people." in joined.out
    assert taken(server) == {f"reader{n}": 1 for n in range(7)}
    report = letter("issue", "report", number, "--json").json
    assert (report["audience"], report["deliveries"], report["state"]) == (7, 7, "completed")
    assert (nobody.status, "Nobody" in nobody.out) == (0, True)


def test_one_more_copy_for_one_person(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    number = drafted(letter, tmp_path)
    letter("dispatch", "--once")

    said = letter("issue", "copy", number, "--to", "reader3@example.org")
    letter("subscribers", "suppress", "reader0@example.org", "--reason", "asked")
    refused = letter("issue", "copy", number, "--to", "reader0@example.org", "--json")
    server.plan(Fault("rcpt", "550 5.1.1 nobody here\n"))
    failed = letter("issue", "copy", number, "--to", "reader2@example.org", "--json")

    copies = [copy for copy in server.taken() if copy.recipients == ("reader3@example.org",)]
    mails = [email.message_from_bytes(copy.data, policy=email.policy.default) for copy in copies]
    assert (said.status, refused.status, failed.status) == (0, 1, 1)
    assert failed.json == {"issue": number, "answer": "refused", "state": "submitted"}
    assert len({mail["Message-ID"] for mail in mails}) == len(mails) == 2
    assert mails[0]["List-Unsubscribe"] == mails[1]["List-Unsubscribe"]
    assert sum(taken(server).values()) == 6
    assert sending(letter, number) == {"submitted": 5}
    assert "One more copy was handed over." in letter("issue", "deliveries", number).out


@pytest.mark.parametrize("point", ["copy-written", "copy-intended", "copy-submitted"])
def test_a_command_that_is_killed_leaves_the_truth(
    letter: TrialSite, server: SmtpServer, tmp_path: Path, point: str
) -> None:
    server.plan(REFUSED)
    number = drafted(letter, tmp_path)
    dispatch(letter)
    server.plan()
    command = ("issue", "copy", number, "--to", "reader2@example.org")

    with letter.process(*command, NEWSLETTER_FAILPOINT=point) as process:
        process.communicate(timeout=60)

    assert process.returncode == 137
    assert taken(server)["reader2"] == (point == "copy-submitted")
    state = "failed" if point == "copy-written" else "unknown"
    assert sending(letter, number) == {"submitted": 4, state: 1}
    let_time_pass(letter)
    said = letter("issue", "settle", number, "--treat-as", "received", "--json")
    assert said.json["settled"] == (state == "unknown")


@pytest.mark.parametrize(
    ("command", "point"),
    [
        (("settle", 1, "--treat-as", "send-again"), "settled-written"),
        (("send-rest", 1), "rest-written"),
        (("send-rest", 1, "--joined"), "joined-written"),
    ],
)
def test_a_decision_that_is_killed_before_its_commit_changes_nothing(
    letter: TrialSite,
    server: SmtpServer,
    tmp_path: Path,
    command: tuple[object, ...],
    point: str,
) -> None:
    server.plan(REFUSED, CUT_AFTER_THE_DOT)
    drafted(letter, tmp_path)
    dispatch(letter)
    server.plan()
    let_time_pass(letter)
    subscribe(letter, people_csv(tmp_path / "more.csv", 6))

    with letter.process("issue", *command, NEWSLETTER_FAILPOINT=point) as process:
        process.communicate(timeout=60)

    report = letter("issue", "report", 1, "--json").json
    assert process.returncode == 137
    assert (report["state"], report["audience"]) == ("completed", 5)
    assert sending(letter, 1) == {"submitted": 3, "failed": 1, "unknown": 1}
    letter("issue", *command)
    dispatch(letter)
    assert sum(taken(server).values()) == 5


def test_deliveries_are_listed_by_every_state(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    server.plan(CUT_AFTER_THE_DOT, REFUSED, GREYLISTED)
    number = drafted(letter, tmp_path)
    letter("dispatch", "--once")
    listed = {
        state: letter("issue", "deliveries", number, "--state", state).out.count("@example.org,")
        for state in ("pending", "claimed", "unknown", "failed", "submitted", "excluded")
    }
    in_database(letter, "UPDATE batch SET lease_until = 9000000000000000")

    claimed = letter("issue", "deliveries", number, "--state", "claimed").out

    assert listed == {
        "pending": 1,
        "claimed": 0,
        "unknown": 1,
        "failed": 1,
        "submitted": 2,
        "excluded": 0,
    }
    assert claimed.splitlines()[0] == "email,state,reason,attempts,at"
    assert claimed.splitlines()[1].startswith("reader4@example.org,claimed,")
    assert letter("issue", "deliveries", 99).status == 2


# --- F14: a backup put back after a send ------------------------------------------------------


def by_backup(site: TrialSite, folder: Path) -> Callable[[], TrialSite]:
    assert site("backup", folder / "letter.tar").status == 0

    def put_back() -> TrialSite:
        restored = TrialSite(folder / "restored", site.command)
        said = site.command("restore", folder / "letter.tar", "--into", restored.folder)
        assert said.status == 0
        shutil.copy(site.folder / "secret.key", restored.folder)
        return restored

    return put_back


def by_copy_of_the_file(site: TrialSite, folder: Path) -> Callable[[], TrialSite]:
    shutil.copy(site.folder / "newsletter.db", folder / "yesterday.db")

    def put_back() -> TrialSite:
        shutil.copy(folder / "yesterday.db", site.folder / "newsletter.db")
        return site

    return put_back


def by_copy_of_the_folder(site: TrialSite, folder: Path) -> Callable[[], TrialSite]:
    shutil.copytree(site.folder, folder / "yesterday")

    def put_back() -> TrialSite:
        shutil.copytree(folder / "yesterday", site.folder, dirs_exist_ok=True)
        return site

    return put_back


WAYS = [by_backup, by_copy_of_the_file, by_copy_of_the_folder]


@pytest.mark.parametrize("way", WAYS if SIZE != "sample" else [dice("F14").choice(WAYS)])
@pytest.mark.fault("F14")
def test_a_restore_after_a_send_sends_nothing_again(
    letter: TrialSite,
    server: SmtpServer,
    tmp_path: Path,
    way: Callable[[TrialSite, Path], Callable[[], TrialSite]],
    figures: Figures,
) -> None:
    server.plan(GREYLISTED)
    begun = drafted(letter, tmp_path)
    dispatch(letter)
    due = drafted(letter, tmp_path, which=1)
    put_back = way(letter, tmp_path)
    server.plan()
    let_time_pass(letter)
    dispatch(letter)
    assert taken(server) == {f"reader{n}": 2 for n in range(5)}

    restored = put_back()

    refused = dispatch(restored)
    asked = restored("restored")
    half = restored("restored", "--went-out", begun)
    assert (refused.status, asked.status, half.status) == (1, 1, 1)
    assert "newsletter restored" in refused.err
    assert f"newsletter restored --went-out {begun} --went-out {due}" in asked.out
    assert "who left or was suppressed" in asked.out
    assert f"issue {due}" in half.err
    assert restored("dispatch", "--once").status == 1
    decided = restored("restored", "--went-out", begun, "--went-out", due, "--json")
    let_time_pass(restored)
    dispatch(restored)
    assert decided.json == {"copy": False, "not_certain": 6}
    assert taken(server) == {f"reader{n}": 2 for n in range(5)}
    assert sending(restored, begun) == {"submitted": 4, "unknown": 1}
    assert sending(restored, due) == {"unknown": 5}
    assert "put back from a copy" in restored("issue", "settle", due).out

    restored("issue", "settle", due, "--treat-as", "received")
    third = drafted(restored, tmp_path, at="now", which=0)
    assert third > due
    assert "no copy" in restored("restored").out
    figures("F14", restores=1, people=10, refused=2, twice=0, lost=0, unknown=6)


@pytest.mark.fault("F14")
def test_what_a_person_says_did_not_go_out_goes_on(
    letter: TrialSite, server: SmtpServer, tmp_path: Path, figures: Figures
) -> None:
    server.plan(GREYLISTED)
    begun = drafted(letter, tmp_path)
    dispatch(letter)
    due = drafted(letter, tmp_path, which=1)
    put_back = by_backup(letter, tmp_path)
    server.plan()
    restored = put_back()

    twice = restored("restored", "--went-out", due, "--did-not-go-out", due)
    strange = restored("restored", "--went-out", 77)
    said = restored("restored", "--did-not-go-out", begun, "--did-not-go-out", due)
    let_time_pass(restored)
    dispatch(restored)

    assert (twice.status, strange.status, said.status) == (1, 1, 0)
    assert taken(server) == {f"reader{n}": 2 for n in range(5)}
    figures("F14", restores=1, people=10, twice=0, lost=0, unknown=0)


@pytest.mark.fault("F14")
def test_a_decision_about_a_copy_that_is_killed_changes_nothing(
    letter: TrialSite, server: SmtpServer, tmp_path: Path, figures: Figures
) -> None:
    begun = drafted(letter, tmp_path)
    put_back = by_backup(letter, tmp_path)
    dispatch(letter)
    restored = put_back()
    command = ("restored", "--went-out", begun)

    with restored.process(*command, NEWSLETTER_FAILPOINT="taken-over-written") as process:
        process.communicate(timeout=60)

    assert process.returncode == 137
    assert dispatch(restored).status == 1  # it is still a copy
    assert restored(*command).status == 0
    dispatch(restored)
    assert taken(server) == {f"reader{n}": 1 for n in range(5)}
    assert sending(restored, begun) == {"unknown": 5}
    figures("F14", restores=1, kills=1, people=5, refused=1, twice=0, lost=0, unknown=5)


def test_a_copy_with_nothing_in_question_goes_on_when_it_is_told_to(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    held = drafted(letter, tmp_path, at="2030-11-29T07:00")
    letter("issue", "pause", held)
    restored = by_backup(letter, tmp_path)()
    assert restored("dispatch", "--once").status == 1

    said = restored("restored")

    assert said.status == 0
    assert f"Not gone out yet, as far as this copy knows: {held}." in said.out
    assert restored("dispatch", "--once").status == 0


def test_pages_of_a_copy_answer_those_who_leave_and_nothing_is_sent(
    letter: TrialSite, server: SmtpServer, tmp_path: Path
) -> None:
    first = drafted(letter, tmp_path)
    dispatch(letter)
    second = drafted(letter, tmp_path, which=1)
    mail = email.message_from_bytes(server.taken()[0].data, policy=email.policy.default)
    path = re.findall(r"(/u/[\w-]+)>", mail["List-Unsubscribe"])[0]
    restored = by_backup(letter, tmp_path)()

    with restored.process("run") as process:
        try:
            assert process.stdout is not None
            port = int(re.findall(r":(\d+)/", process.stdout.readline())[0])
            refusal = process.stdout.readline()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, "List-Unsubscribe=One-Click", form)
            assert connection.getresponse().status == 200
            connection.close()
            assert len(server.taken()) == 5

            assert restored("restored", "--did-not-go-out", second).status == 0
            assert process.stdout.readline().startswith("Mail goes to")
        finally:
            process.terminate()
            process.communicate(timeout=60)

    dispatch(restored)
    assert first != second
    assert "nothing is sent from it" in refusal
    assert len(server.taken()) == 9  # the one who left got nothing more


# --- the file ---------------------------------------------------------------------------------


def test_a_backup_is_private_names_no_one_and_leaves_the_key_out(
    letter: TrialSite, tmp_path: Path
) -> None:
    (letter.folder / "templates" / "email").mkdir()
    (letter.folder / "templates" / "email" / "mine.txt.j2").write_text("mine")
    file = tmp_path / "letter.tar"

    said = letter("backup", file, "--by", "ruth@example.org")

    key = (letter.folder / "secret.key").read_text().strip()
    with tarfile.open(file) as archive:
        names = archive.getnames()
    assert said.status == 0
    assert "secret.key is not in it" in said.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names == [
        "backup.json",
        "newsletter.toml",
        "templates/email/mine.txt.j2",
        "newsletter.db",
    ]
    assert key.encode() not in file.read_bytes()
    assert b"reader1" not in file.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("letter.tar*")) == ["letter.tar"]
    assert letter("dispatch", "--once").status == 0  # the original goes on


def test_a_restored_site_asks_for_its_key_and_then_has_everybody(
    letter: TrialSite, tmp_path: Path
) -> None:
    letter("backup", tmp_path / "letter.tar")
    into = tmp_path / "restored"

    said = letter.command("restore", tmp_path / "letter.tar", "--into", into)
    without = letter.command("list", "show", "--site", into)
    shutil.copy(letter.folder / "secret.key", into)
    shown = letter.command("subscribers", "show", "reader1@example.org", "--site", into)

    assert "Put its secret.key" in said.out
    assert "newsletter restored" in said.out
    assert without.status == 2
    assert shown.status == 0
    assert {path.name for path in into.iterdir() if path.is_dir()} == {"bulletins", "templates"}


def test_a_restore_never_goes_over_a_site(letter: TrialSite, tmp_path: Path) -> None:
    letter("backup", tmp_path / "letter.tar")
    before = (letter.folder / "newsletter.db").read_bytes()

    said = letter.command("restore", tmp_path / "letter.tar", "--into", letter.folder)

    assert said.status == 1
    assert "There is a site in" in said.err
    assert (letter.folder / "newsletter.db").read_bytes() == before


@pytest.mark.parametrize("content", [None, b"", b"no archive at all" * 99])
def test_a_file_that_is_no_backup_is_wrong_use(
    letter: TrialSite, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "letter.tar"
    if content is not None:
        file.write_bytes(content)

    said = letter.command("restore", file, "--into", tmp_path / "into")

    assert (said.status, said.out) == (2, "")
    assert not (tmp_path / "into" / "newsletter.toml").exists()
