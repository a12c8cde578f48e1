"""The register of pseudonyms: sealed, kept by name, and in the way of every issue."""

import json
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from newsletter.dispatch import Dispatcher
from newsletter.dispatch.freeze import ApprovalVoid, check_approval
from newsletter.errors import NotFound, UnreadableInput
from newsletter.issue import (
    Actor,
    Blocked,
    Named,
    approve,
    hold_named,
    names_found,
    pause,
    resume,
    schedule,
    waive,
)
from newsletter.issue.register import Entry, entries, names_of, register, remove
from newsletter.names import Kind, Pseudonym
from newsletter.notices import tell_what_waits
from newsletter.tables import AuditEntry, Delivery, IssueState, Notice
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from tests.office import HARVEST, LEAH, NURSES, PAUL, RUTH, Office, desk_for
from tests.scripted import Scripted

MILL = Pseudonym(Kind.NAME, "The Old Mill", "Anna")  # stands in HARVEST
OTHER = Pseudonym(Kind.NAME, "Kim Min-jun", "Maria")
D, A, S = IssueState.DRAFT, IssueState.AWAITING_APPROVAL, IssueState.SCHEDULED
BEGUN = IssueState.SENDING


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys))


@pytest.fixture
def four_eyes(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys, approvals=1))


def put(office: Office, pseudonym: Pseudonym = MILL, by: Actor = RUTH) -> int:
    with writing(office.engine) as session:
        return register(session, office.desk.keys, pseudonym, by, office.now)


def hold(office: Office) -> Named:
    with writing(office.engine) as session:
        return hold_named(session, office.desk, RUTH, office.now)


def listed(office: Office) -> list[Entry]:
    with reading(office.engine) as session:
        return entries(session, office.desk.keys)


# --- kept ---------------------------------------------------------------------------------


def test_an_entry_is_kept_with_who_and_when(office: Office) -> None:
    number = put(office)

    assert listed(office) == [Entry(number, MILL, RUTH.who, office.now)]
    with reading(office.engine) as session:
        assert session.scalars(select(AuditEntry.act)).all() == ["pseudonym registered"]


def test_the_same_again_gets_another_published_name(office: Office) -> None:
    number = put(office)
    again = Pseudonym(Kind.NAME, "the  OLD mill", "Ruth")

    assert put(office, again, PAUL) == number
    assert [(each.pseudonym, each.added_by) for each in listed(office)] == [(again, PAUL.who)]


def test_an_entry_is_removed_and_that_is_on_record(office: Office) -> None:
    number = put(office)

    with writing(office.engine) as session:
        remove(session, office.desk.keys, number, RUTH, office.now)

    assert listed(office) == []
    with reading(office.engine) as session:
        assert names_of(session, office.desk.keys) is None
        assert session.scalars(select(AuditEntry.act)).all()[-1] == "pseudonym removed"
    with pytest.raises(NotFound), writing(office.engine) as session:
        remove(session, office.desk.keys, number, RUTH, office.now)


def test_the_file_shows_neither_name(sqlite_url: str, keys: Keys) -> None:
    office = Office(open_engine(sqlite_url), desk_for(keys))
    put(office, OTHER)
    office.engine.dispose()
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    written = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    assert b"pseudonym" in written
    for word in (b"Kim", b"Min-jun", b"Maria", b"ruth", b"Kim".hex().encode()):
        assert word not in written
    with sqlite3.connect(path) as connection:
        sizes = connection.execute("SELECT length(entry) FROM pseudonym").fetchall()
    connection.close()
    assert sizes == [(64 + 29,)]  # filled up: its length tells nothing


@pytest.mark.parametrize(
    ("pseudonym", "word"),
    [
        (Pseudonym(Kind.NAME, "K", "Anna"), "too short"),
        (Pseudonym(Kind.PHONE, "123", ""), "too short"),
        (Pseudonym(Kind.NAME, "Kim" * 100, "Anna"), "letters at most"),
        (Pseudonym(Kind.NAME, "Kim\nMin-jun", "Anna"), "one line"),
        (Pseudonym(Kind.PLACE, "Nam Khem", ""), "published in its place"),
        (Pseudonym(Kind.NAME, "Anna Kim", "anna-kim"), "holds what is real"),
        (Pseudonym(Kind.NAME, "Nam Khem", "Kim Min-jun"), "holds what is real"),
        (Pseudonym(Kind.NAME, "Maria", "Anna"), "published already"),
    ],
)
def test_what_would_not_work_is_refused_without_repeating_it(
    office: Office, pseudonym: Pseudonym, word: str
) -> None:
    put(office, OTHER)

    with pytest.raises(UnreadableInput, match=word) as refused:
        put(office, pseudonym)

    assert "Kim" not in str(refused.value)
    assert len(listed(office)) == 1


def test_the_register_is_compiled_anew_only_when_it_changed(office: Office) -> None:
    keys = office.desk.keys
    put(office)
    with reading(office.engine) as session:
        first, again = names_of(session, keys), names_of(session, keys)
    put(office, OTHER)
    with reading(office.engine) as session:
        changed = names_of(session, keys)

    assert first is again
    assert changed is not first


# --- in the way ---------------------------------------------------------------------------


def test_a_bulletin_that_holds_a_real_name_stays_a_draft(office: Office) -> None:
    put(office)
    list_id = office.add_list()

    issue_id = office.issue(list_id)

    assert office.state(issue_id) is D
    with pytest.raises(Blocked) as blocked, writing(office.engine) as session:
        schedule(session, office.desk, issue_id, None, RUTH, office.now)
    assert "Mill" not in str(blocked.value)
    office.add(list_id, HARVEST.replace(b"old mill", b"press"))
    assert office.state(issue_id) is S


def test_a_name_in_the_file_name_blocks_too(office: Office) -> None:
    put(office, OTHER)

    assert office.state(office.issue(office.add_list(), name="KimMinJun.txt")) is D


def test_a_name_registered_after_the_approval_takes_the_issue_back(four_eyes: Office) -> None:
    office = four_eyes
    list_id = office.add_list()
    issue_id, other = office.issue(list_id), office.issue(list_id, b"Rain\n\n* Pray.\n", "rain.txt")
    with writing(office.engine) as session:
        approve(session, office.desk, issue_id, PAUL, office.now)
        approve(session, office.desk, other, PAUL, office.now)
    assert office.state(issue_id) is S

    put(office)
    named = hold(office)

    assert named == Named((issue_id,), ())
    assert (office.state(issue_id), office.state(other)) == (D, S)
    with writing(office.engine) as session:
        tell_what_waits(session, office.desk, office.now)
    assert [key.split("/")[:3] for key in office.notices()] == [["waits", str(issue_id), "draft"]]
    office.add(list_id, HARVEST.replace(b"old mill", b"press"))
    assert office.state(issue_id) is A  # another version asks for another approval


def test_what_has_begun_is_named_and_does_not_go_on_once_paused(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.begin(issue_id)
    put(office)

    named = hold(office)

    assert named == Named((), (issue_id,))
    with writing(office.engine) as session:
        pause(session, office.desk, issue_id, RUTH, office.now)
    with pytest.raises(Blocked, match="cancel it"), writing(office.engine) as session:
        resume(session, office.desk, issue_id, RUTH, office.now)


def test_nothing_more_of_a_begun_issue_goes_out(office: Office) -> None:
    keys = office.desk.keys
    issue_id = office.issue(office.add_list())
    office.begin(issue_id, IssueState.COMPLETED)
    with reading(office.engine) as session:
        check_approval(session, keys, issue_id)
    put(office)

    assert hold(office) == Named((), ())  # it is over
    with pytest.raises(ApprovalVoid) as void, reading(office.engine) as session:
        check_approval(session, keys, issue_id)
    assert "Mill" not in str(void.value)


def test_an_issue_does_not_start_with_a_name_that_was_registered_after_its_approval(
    office: Office, tmp_path: Path
) -> None:
    keys, list_id = office.desk.keys, office.add_list()
    office.subscribe(list_id, 3)
    issue_id, other = office.issue(list_id), office.issue(list_id, NURSES, "nurses.txt")
    put(office)  # by somebody who looked at no issue, at the last moment
    office.later(days=14)
    provider = Scripted(tmp_path / "record")
    dispatcher = Dispatcher(office.engine, keys, office.desk.settings, provider, lambda: office.now)

    dispatcher.run_once(lambda *_: None, threading.Event())

    assert office.state(other) is IssueState.COMPLETED
    assert office.state(issue_id) is D
    assert office.view(issue_id).hold
    with reading(office.engine) as session:
        assert session.scalar(select(Delivery.id).where(Delivery.issue_id == issue_id)) is None
        key = f"issue-held-back/{issue_id}/{office.now.isoformat()}"
        body = session.scalars(select(Notice.body).where(Notice.key == key)).one()
        said = keys.decrypt(body, "notice.body", key.encode())
    assert "register of pseudonyms" in said
    assert "line 4" in said
    assert "mill" not in said.lower()


def test_a_coincidence_that_a_second_person_let_pass_holds_nothing_back(office: Office) -> None:
    put(office)
    issue_id = office.issue(office.add_list())

    with writing(office.engine) as session:
        waive(session, office.desk, 1, "name-at-risk", None, PAUL, office.now)

    assert office.state(issue_id) is S
    assert hold(office) == Named((), ())
    with reading(office.engine) as session:
        assert names_found(session, office.desk.keys, issue_id) == []


def test_findings_hold_no_real_name(office: Office) -> None:
    put(office)
    issue_id = office.issue(office.add_list())

    with reading(office.engine) as session:
        found = names_found(session, office.desk.keys, issue_id)
    assert found
    assert "mill" not in json.dumps([finding.message for finding in found]).lower()
    assert LEAH.who not in repr(MILL)
    assert "Mill" not in repr(MILL)
