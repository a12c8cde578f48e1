"""Decisions on record: versions, languages, approvals, times, pauses, cancellations."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from newsletter.checks import Finding, Severity
from newsletter.errors import NotAllowed, NotFound, UnreadableInput
from newsletter.issue import (
    Actor,
    Blocked,
    add_bulletin,
    already_sent_at,
    approve,
    blocking_sentences,
    cancel,
    find_bulletin,
    findings_of,
    move,
    name_and_source,
    pause,
    read_stored,
    resume,
    schedule,
    stored_email,
)
from newsletter.issue.bulletins import Written, stem_and_language
from newsletter.tables import (
    Approval,
    AuditEntry,
    Bulletin,
    Delivery,
    DeliveryState,
    Edition,
    Issue,
    IssueState,
    Occurrence,
    Reason,
)
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from tests.office import (
    HARVEST,
    HARVEST_BLOCKED,
    HARVEST_MENDED,
    IN_PERSIAN,
    LEAH,
    LIBRARY,
    NURSES,
    PAUL,
    RUTH,
    Office,
    desk_for,
)

FRIDAY = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
D, A, S = IssueState.DRAFT, IssueState.AWAITING_APPROVAL, IssueState.SCHEDULED


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys))


@pytest.fixture
def four_eyes(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys, approvals=1))


def row(office: Office, issue_id: int) -> Issue:
    with reading(office.engine) as session:
        return session.get_one(Issue, issue_id)


# --- bulletins ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("harvest.txt", ("harvest", None)),
        ("harvest.fa.txt", ("harvest", "fa")),
        ("harvest.pt-BR.docx", ("harvest", "pt-BR")),
        ("harvest.ckb.md", ("harvest", "ckb")),
        ("harvest.old.txt", ("harvest.old", None)),
        ("harvest.v2.txt", ("harvest.v2", None)),
        ("2026.11.27.txt", ("2026.11.27", None)),
        (".fa.txt", (".fa", None)),
        ("folder/harvest.fa.txt", ("harvest", "fa")),
    ],
)
def test_a_language_in_the_file_name_is_known_from_other_endings(
    name: str, expected: tuple[str, str | None]
) -> None:
    assert stem_and_language(name) == expected


def test_the_same_content_again_is_the_same_bulletin(office: Office) -> None:
    list_id = office.add_list()
    first = office.add(list_id)

    again = office.add(list_id, HARVEST.replace(b"\n", b"\r\n"), "renamed.txt")

    assert not first.already
    assert (again.id, again.already) == (first.id, True)


@pytest.mark.parametrize("line", ["Sensitivity: restricted", "Summary: In short."])
def test_the_same_words_for_other_eyes_are_a_new_version(office: Office, line: str) -> None:
    list_id = office.add_list()
    first = office.add(list_id)
    title, _, rest = HARVEST.partition(b"\n")
    other = title + b"\n" + line.encode() + b"\n" + rest

    second = office.add(list_id, other)
    again = office.add(list_id, other)

    assert (second.previous_id, second.already) == (first.id, False)
    assert (again.id, again.already) == (second.id, True)


def test_a_file_that_names_its_language_needs_no_ending_that_does(office: Office) -> None:
    title, _, rest = HARVEST.partition(b"\n")
    source = title + b"\nLanguage: Farsi\n" + rest

    named = office.add(office.add_list(), source)

    with reading(office.engine) as session:
        assert find_bulletin(session, named.id).language == "fa"


def test_the_same_content_on_another_list_is_another_bulletin(office: Office) -> None:
    first = office.add(office.add_list("weekly"))

    other = office.add(office.add_list("daily"))

    assert not other.already
    assert other.id != first.id


def test_a_bulletin_is_sealed_and_read_again_as_it_came(office: Office) -> None:
    added = office.add(office.add_list())

    with reading(office.engine) as session:
        stored = find_bulletin(session, added.id)
        assert name_and_source(office.desk.keys, stored) == ("harvest.txt", HARVEST)
        assert read_stored(office.desk.keys, stored).title == "Harvest in the hills"
        assert b"Harvest" not in stored.source
        assert b"harvest" not in stored.file_name


def test_an_unreadable_file_leaves_nothing_behind(office: Office) -> None:
    list_id = office.add_list()

    with pytest.raises(UnreadableInput):
        office.add(list_id, b"\x00\x01\x02")

    with reading(office.engine) as session:
        assert session.scalars(select(Bulletin)).all() == []


def test_an_unknown_list_or_bulletin_or_issue_is_named(office: Office) -> None:
    list_id = office.add_list()

    with pytest.raises(NotFound, match="list 99"):
        office.add(99)
    with pytest.raises(NotFound, match="bulletin 99"):
        office.draft(list_id, 99)
    with pytest.raises(NotFound, match="issue 99"):
        office.view(99)
    with writing(office.engine) as session, pytest.raises(NotFound, match="issue 99"):
        pause(session, office.desk, 99, RUTH, office.now)
    with reading(office.engine) as session, pytest.raises(NotFound, match="no edition 4"):
        stored_email(session, office.desk.keys, 1, 4)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (NURSES, "harvest.txt"),  # the same file name, another text
        (NURSES, "harvest.md"),
        (HARVEST_MENDED, "final-final.txt"),  # mostly the same text, another name
    ],
)
def test_a_new_version_takes_the_place_of_the_old_one_in_its_issue(
    office: Office, source: bytes, name: str
) -> None:
    list_id = office.add_list()
    old = office.add(list_id)
    issue_id = office.draft(list_id, old.id)
    before = row(office, issue_id)
    office.later(minutes=5)

    new = office.add(list_id, source, name)

    after = row(office, issue_id)
    assert (new.replaced_in, new.previous_id) == ((issue_id,), old.id)
    assert after.bulletin_id == new.id
    assert after.version_hash != before.version_hash
    assert after.approved_hash == after.version_hash
    assert after.not_before == office.now + timedelta(minutes=10)
    assert office.state(issue_id) is S
    with reading(office.engine) as session:
        assert len(session.scalars(select(Issue)).all()) == 1
        assert find_bulletin(session, old.id).replaced_by == new.id


def test_next_weeks_bulletin_is_no_new_version(office: Office) -> None:
    list_id = office.add_list()
    office.issue(list_id)

    other = office.add(list_id, NURSES, "nurses.txt")

    assert (other.replaced_in, other.previous_id) == ((), None)


def test_a_version_that_was_replaced_can_come_back(office: Office) -> None:
    list_id = office.add_list()
    first = office.add(list_id)
    issue_id = office.draft(list_id, first.id)
    second = office.add(list_id, HARVEST_MENDED)

    back = office.add(list_id, HARVEST)

    assert not back.already
    assert back.id not in (first.id, second.id)
    assert back.replaced_in == (issue_id,)


def test_a_new_version_voids_the_approval(four_eyes: Office) -> None:
    list_id = four_eyes.add_list()
    issue_id = four_eyes.issue(list_id)
    approved(four_eyes, issue_id, PAUL)
    assert four_eyes.state(issue_id) is S

    four_eyes.add(list_id, HARVEST_MENDED)

    after = row(four_eyes, issue_id)
    assert (after.state, after.approved_hash, after.not_before) == (A, None, None)
    assert four_eyes.view(issue_id).approvals == 0


def test_a_new_version_that_is_blocked_takes_the_issue_back_to_draft_until_mended(
    office: Office,
) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)

    office.add(list_id, HARVEST_BLOCKED)
    blocked = office.view(issue_id)
    office.add(list_id, HARVEST_MENDED)

    assert (blocked.state, blocked.blockers > 0) == (D, True)
    assert office.state(issue_id) is S


def test_a_version_mended_after_its_time_waits_for_people(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    office.add(list_id, HARVEST_BLOCKED)
    office.later(days=5)

    office.add(list_id, HARVEST_MENDED)

    assert office.state(issue_id) is D


@pytest.mark.parametrize(
    "state", [IssueState.SENDING, IssueState.PAUSED, IssueState.COMPLETED, IssueState.CANCELLED]
)
def test_what_has_begun_is_never_touched(office: Office, state: IssueState) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    office.begin(issue_id, state)
    before = row(office, issue_id)

    new = office.add(list_id, HARVEST_MENDED)

    assert (new.replaced_in, new.previous_id) == ((), None)
    assert row(office, issue_id).version_hash == before.version_hash


def test_one_bulletin_in_issues_of_two_lists_is_replaced_in_both(office: Office) -> None:
    weekly, daily = office.add_list("weekly"), office.add_list("daily")
    bulletin = office.add(weekly)
    issues = (office.draft(weekly, bulletin.id), office.draft(daily, bulletin.id))

    assert office.add(weekly, HARVEST_MENDED).replaced_in == issues


# --- languages ----------------------------------------------------------------------------


REGEN = (
    "Regen in den Hügeln\n\nWir haben uns am Abend getroffen und gesungen, und der Regen kam "
    "nicht.\n\nGebetsanliegen\n\n• Bitte betet für den Regen.\n• Wir danken für die Freunde.\n"
).encode()


@pytest.mark.parametrize(
    ("name", "language", "told"),
    [("regen.txt", None, True), ("regen.de.txt", None, False), ("regen.txt", "de", False)],
)
def test_that_a_language_was_guessed_is_still_told_of_a_stored_bulletin(
    office: Office, name: str, language: str | None, told: bool
) -> None:
    list_id = office.add_list()
    with writing(office.engine) as session:
        added = add_bulletin(
            session,
            office.desk,
            source=REGEN,
            file_name=name,
            list_id=list_id,
            language=language,
            by=RUTH,
            now=office.now,
        )

    with reading(office.engine) as session:
        row = find_bulletin(session, added.id)
        found = findings_of(session, office.desk.keys, row, row.list_id)
    assert row.language == "de"
    assert [each.rule for each in found] == ["language-guessed"] * told


def languages(office: Office, issue_id: int) -> list[tuple[int, str]]:
    return [(edition.no, edition.language) for edition in office.view(issue_id).editions]


def test_a_further_language_joins_the_issue_and_voids_the_approval(four_eyes: Office) -> None:
    list_id = four_eyes.add_list()
    issue_id = four_eyes.issue(list_id)
    approved(four_eyes, issue_id, PAUL)
    in_farsi = NURSES.replace(b"Please pray", "دعا کنید".encode())

    farsi = four_eyes.add(list_id, in_farsi, "harvest.fa.txt")

    assert farsi.joined == issue_id
    assert languages(four_eyes, issue_id) == [(0, "en"), (1, "fa")]
    assert four_eyes.state(issue_id) is A
    assert row(four_eyes, issue_id).bulletin_id != farsi.id


def test_the_organisations_language_serves_everybody_else_whichever_came_first(
    office: Office,
) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id, NURSES, "harvest.fa.txt")

    english = office.add(list_id, HARVEST, "harvest.txt")

    assert languages(office, issue_id) == [(0, "en"), (1, "fa")]
    assert row(office, issue_id).bulletin_id == english.id
    with reading(office.engine) as session:
        first, second = (stored_email(session, office.desk.keys, issue_id, no) for no in (0, 1))
    assert (first.subject, second.subject) == ("Harvest in the hills", "Night shift at the clinic")


def test_a_new_version_of_one_language_leaves_the_other_alone(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    farsi = office.add(list_id, NURSES, "harvest.fa.txt")

    new = office.add(list_id, LIBRARY, "harvest.fa.txt")

    assert (new.replaced_in, new.previous_id) == ((issue_id,), farsi.id)
    assert languages(office, issue_id) == [(0, "en"), (1, "fa")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("harvest.pt-PT.txt", "harvest.pt-BR.txt", False),
        ("harvest.pt.txt", "harvest.pt-BR.txt", False),  # somebody wanted two
        ("harvest.zh.txt", "harvest.zh-Hant.txt", False),
        ("harvest.txt", "harvest.zh-TW.txt", False),
        ("harvest.txt", "harvest.en.txt", True),
        ("harvest.txt", "harvest.en-GB.txt", True),
        ("harvest.pt-BR.txt", "harvest.PT-br.txt", True),
    ],
)
def test_texts_for_different_readers_are_no_versions_of_each_other(
    one: str, other: str, same: bool
) -> None:
    first, second = (
        Written(stem, named, named or "en") for stem, named in map(stem_and_language, (one, other))
    )

    assert first.has_the_readers_of(second) is second.has_the_readers_of(first) is same


def test_portuguese_for_portugal_and_for_brazil_are_two_editions(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id, HARVEST, "harvest.pt.txt")

    brazilian = office.add(list_id, HARVEST_MENDED, "harvest.pt-BR.txt")
    mended = office.add(list_id, NURSES, "harvest.pt-BR.txt")

    assert (brazilian.joined, mended.replaced_in) == (issue_id, (issue_id,))
    assert languages(office, issue_id) == [(0, "pt"), (1, "pt-BR")]


def test_of_two_editions_in_its_language_the_organisations_own_serves_everybody_else(
    keys: Keys, office: Office
) -> None:
    office = replace(office, desk=desk_for(keys, language="pt-PT"))
    list_id = office.add_list()
    issue_id = office.issue(list_id, HARVEST, "harvest.pt-BR.txt")

    office.add(list_id, NURSES, "harvest.pt-PT.txt")

    assert languages(office, issue_id) == [(0, "pt-PT"), (1, "pt-BR")]


def test_an_issue_tells_how_many_read_it_in_which_language(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    for language, people in ((None, 2), ("sw", 1), ("en-NG", 1), ("fa-AF", 2), ("ps", 1)):
        office.subscribe(list_id, people, language)
    alone = office.view(issue_id)

    office.add(list_id, NURSES, "harvest.fa.txt")

    view = office.view(issue_id)
    assert (alone.head_count, alone.in_languages()) == (7, [])
    assert [(each.language, each.people) for each in view.readers] == [("en", 5), ("fa", 2)]
    assert view.in_languages() == [
        "In English, which serves everybody else, too: 5 people; in Persian: 2 people."
    ]


def test_an_issue_that_is_not_in_the_organisations_language_says_so(office: Office) -> None:
    list_id = office.add_list()

    view = office.view(office.issue(list_id, NURSES, "harvest.pt-BR.txt"))

    assert view.missing == "en"
    assert view.in_languages() == [
        "Nothing of it is in English, the language of the organisation: whoever reads no other "
        "gets it in Portuguese (Brazil)."
    ]


def test_a_draft_takes_the_translations_along_that_are_there_already(office: Office) -> None:
    list_id = office.add_list()
    english = office.add(list_id)
    office.add(list_id, IN_PERSIAN, "harvest.fa.txt")
    office.add(list_id, HARVEST_BLOCKED, "harvest.ur.txt")
    office.later(days=8)
    office.add(list_id, NURSES, "harvest.sw.txt")  # of another week

    issue_id = office.draft(list_id, english.id)

    assert languages(office, issue_id) == [(0, "en"), (1, "fa")]


def test_another_name_or_a_begun_issue_is_not_joined(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    other = office.add(list_id, NURSES, "nurses.fa.txt")
    office.begin(issue_id)

    late = office.add(list_id, LIBRARY, "harvest.fa.txt")

    assert (other.joined, late.joined) == (None, None)


def test_a_bulletin_of_no_list_joins_nothing_and_takes_the_list_it_is_drafted_for(
    office: Office,
) -> None:
    list_id = office.add_list()
    office.issue(list_id)
    loose = office.add(None, NURSES, "harvest.fa.txt")
    issue_id = office.draft(list_id, loose.id)

    assert loose.joined is None
    assert office.add(list_id, LIBRARY, "harvest.fa.txt").replaced_in == (issue_id,)


# --- drafts and times ---------------------------------------------------------------------


def test_a_draft_says_weekday_local_time_and_head_count(office: Office) -> None:
    list_id = office.add_list()
    office.subscribe(list_id, 3)

    view = office.view(office.issue(list_id))

    assert view.when == "Friday 27 November 2026, 07:00 Europe/London"
    assert view.starts == view.when
    assert (view.head_count, view.list_title, view.state) == (3, "Weekly", S)
    assert (view.approvals, view.approvals_needed, view.practice) == (0, 0, False)
    assert view.editions[0].subject == "Harvest in the hills"


def test_the_wait_before_sending_is_in_the_time_it_starts(office: Office) -> None:
    list_id = office.add_list()

    issue_id = office.draft(list_id, office.add(list_id).id, office.now)

    assert office.view(issue_id).starts == "Monday 23 November 2026, 12:10 Europe/London"


def test_a_practice_issue_is_one_from_its_draft(warm_engine: Engine, keys: Keys) -> None:
    office = Office(warm_engine, desk_for(keys, practice=True))

    assert office.view(office.issue(office.add_list())).practice


@pytest.mark.parametrize(
    ("approvals", "hold", "source", "expected"),
    [
        (0, False, HARVEST, S),
        (0, True, HARVEST, D),
        (1, False, HARVEST, A),
        (1, True, HARVEST, D),
        (0, False, HARVEST_BLOCKED, D),
        (1, False, HARVEST_BLOCKED, D),
    ],
)
def test_where_a_draft_stands_follows_from_the_facts(
    warm_engine: Engine,
    keys: Keys,
    approvals: int,
    hold: bool,
    source: bytes,
    expected: IssueState,
) -> None:
    office = Office(warm_engine, desk_for(keys, approvals))
    list_id = office.add_list()

    issue_id = office.draft(list_id, office.add(list_id, source).id, hold=hold)

    assert office.state(issue_id) is expected
    assert (row(office, issue_id).approved_hash is not None) is (expected is S)


def test_a_blocked_draft_is_never_scheduled_and_the_error_quotes_nothing(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id, HARVEST_BLOCKED)

    with writing(office.engine) as session, pytest.raises(Blocked, match="blocked") as refused:
        schedule(session, office.desk, issue_id, None, RUTH, office.now)

    assert refused.value.findings
    assert "valley" not in str(refused.value)


def test_a_held_draft_is_scheduled_when_asked(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.draft(list_id, office.add(list_id).id, hold=True)

    with writing(office.engine) as session:
        state = schedule(session, office.desk, issue_id, None, RUTH, office.now)

    assert state is S
    assert not office.view(issue_id).hold


def test_a_bulletin_is_in_one_unsent_issue_of_a_list(office: Office) -> None:
    list_id = office.add_list()
    bulletin = office.add(list_id)
    issue_id = office.draft(list_id, bulletin.id)

    with pytest.raises(NotAllowed, match=f"in issue {issue_id} already"):
        office.draft(list_id, bulletin.id)


def test_a_replaced_version_is_not_drafted(office: Office) -> None:
    list_id = office.add_list()
    old = office.add(list_id)
    new = office.add(list_id, HARVEST_MENDED)

    with pytest.raises(NotAllowed, match=f"replaced by bulletin {new.id}"):
        office.draft(list_id, old.id)


def test_a_time_in_the_past_is_refused(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    past = office.now - timedelta(minutes=1)

    with pytest.raises(NotAllowed, match="Monday 23 November 2026, 11:59"):
        office.draft(list_id, office.add(list_id, NURSES, "nurses.txt").id, past)
    with writing(office.engine) as session, pytest.raises(NotAllowed, match="is past"):
        move(session, office.desk, issue_id, past, RUTH, office.now)


def test_a_draft_without_a_time_cannot_be_scheduled(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id, HARVEST_BLOCKED)
    with writing(office.engine) as session:
        session.execute(update(Issue).values(due_at=None))

    with writing(office.engine) as session, pytest.raises(NotAllowed, match="--at"):
        schedule(session, office.desk, issue_id, None, RUTH, office.now)

    assert office.view(issue_id).when is None


def test_moving_voids_the_approval_and_frees_the_slot(four_eyes: Office) -> None:
    list_id = four_eyes.add_list()
    issue_id = four_eyes.issue(list_id)
    approved(four_eyes, issue_id, PAUL)

    with writing(four_eyes.engine) as session:
        state = move(
            session, four_eyes.desk, issue_id, FRIDAY + timedelta(hours=1), RUTH, four_eyes.now
        )

    assert state is A
    with reading(four_eyes.engine) as session:
        assert session.scalars(select(Occurrence.issue_id).distinct()).all() == [None]


# --- already sent -------------------------------------------------------------------------


@pytest.mark.parametrize("state", [IssueState.SENDING, IssueState.PAUSED, IssueState.COMPLETED])
def test_what_went_out_for_real_is_blocked_from_going_out_again(
    office: Office, state: IssueState
) -> None:
    list_id = office.add_list()
    bulletin = office.add(list_id)
    office.begin(office.draft(list_id, bulletin.id), state)

    view = office.view(office.draft(list_id, bulletin.id))

    assert (view.state, view.blockers) == (D, 1)


def test_practice_never_counts_as_sent(warm_engine: Engine, keys: Keys) -> None:
    practice, real = (
        Office(warm_engine, desk_for(keys, practice=True)),
        Office(warm_engine, desk_for(keys)),
    )
    list_id = practice.add_list()
    bulletin = practice.add(list_id)
    practice.begin(practice.draft(list_id, bulletin.id), IssueState.COMPLETED)

    issue_id = real.draft(list_id, bulletin.id)

    assert real.view(issue_id).state is S


def test_another_list_does_not_count_as_sent(office: Office) -> None:
    weekly, daily = office.add_list("weekly"), office.add_list("daily")
    bulletin = office.add(weekly)
    office.begin(office.draft(weekly, bulletin.id))

    assert office.view(office.draft(daily, bulletin.id)).state is S


@pytest.mark.parametrize(
    ("states", "sent"),
    [
        ((), False),
        ((DeliveryState.PENDING,), False),
        ((DeliveryState.SUBMITTED, DeliveryState.PENDING), True),
        ((DeliveryState.UNKNOWN,), True),
    ],
)
def test_a_cancelled_issue_counts_as_sent_once_somebody_may_have_it(
    office: Office, states: tuple[DeliveryState, ...], sent: bool
) -> None:
    list_id = office.add_list()
    bulletin = office.add(list_id)
    issue_id = office.draft(list_id, bulletin.id)
    office.begin(issue_id)
    office.deliver(issue_id, *states)
    with writing(office.engine) as session:
        cancel(session, office.desk, issue_id, RUTH, office.now)

    with reading(office.engine) as session:
        at = already_sent_at(session, find_bulletin(session, bulletin.id), list_id)

    assert at == (office.now if sent else None)


def test_a_version_that_went_out_counts_for_what_replaced_it(office: Office) -> None:
    list_id = office.add_list()
    old = office.add(list_id)
    issue_id = office.draft(list_id, old.id)
    new = office.add(list_id, HARVEST_MENDED)
    with writing(office.engine) as session:  # it began with the old version after all
        session.execute(update(Edition).values(bulletin_id=old.id))
    office.begin(issue_id)

    with reading(office.engine) as session:
        assert already_sent_at(session, find_bulletin(session, new.id), list_id) == office.now


# --- approvals ----------------------------------------------------------------------------


def approved(office: Office, issue_id: int, by: Actor, seen: bytes | None = None) -> IssueState:
    with writing(office.engine) as session:
        return approve(session, office.desk, issue_id, by, office.now, seen)


def test_an_approval_binds_the_version_and_begins_the_wait(four_eyes: Office) -> None:
    issue_id = four_eyes.issue(four_eyes.add_list())
    four_eyes.later(minutes=30)

    state = approved(four_eyes, issue_id, PAUL)

    after = row(four_eyes, issue_id)
    assert state is S
    assert after.approved_hash == after.version_hash
    assert after.not_before == four_eyes.now + timedelta(minutes=10)


@pytest.mark.parametrize("who", ["ruth@example.org", " Ruth@Example.ORG "])
def test_the_author_never_counts(four_eyes: Office, who: str) -> None:
    list_id = four_eyes.add_list()
    bulletin = four_eyes.add(list_id, by=PAUL)
    issue_id = four_eyes.draft(list_id, bulletin.id, by=RUTH)

    for author in (Actor(who, "link"), PAUL):
        with pytest.raises(NotAllowed, match="author"):
            approved(four_eyes, issue_id, author)

    assert four_eyes.view(issue_id).approvals == 0
    assert approved(four_eyes, issue_id, LEAH) is S


def test_nobody_is_not_somebody(four_eyes: Office) -> None:
    issue_id = four_eyes.issue(four_eyes.add_list())

    with pytest.raises(NotAllowed, match="--by"):
        approved(four_eyes, issue_id, Actor(" ", "command"))


def test_the_same_person_counts_once(warm_engine: Engine, keys: Keys) -> None:
    office = Office(warm_engine, desk_for(keys, approvals=2))
    issue_id = office.issue(office.add_list())

    states = [approved(office, issue_id, who) for who in (PAUL, PAUL, LEAH)]

    assert states == [A, A, S]
    with reading(warm_engine) as session:
        assert len(session.scalars(select(Approval)).all()) == 2


def test_an_approval_of_what_has_changed_since_is_refused(four_eyes: Office) -> None:
    list_id = four_eyes.add_list()
    issue_id = four_eyes.issue(list_id)
    seen = four_eyes.view(issue_id).version_hash
    four_eyes.add(list_id, HARVEST_MENDED)

    with pytest.raises(NotAllowed, match="changed since"):
        approved(four_eyes, issue_id, PAUL, seen)

    assert approved(four_eyes, issue_id, PAUL, four_eyes.view(issue_id).version_hash) is S


def test_a_time_long_past_is_not_approved(four_eyes: Office) -> None:
    issue_id = four_eyes.issue(four_eyes.add_list())
    four_eyes.now = FRIDAY + timedelta(hours=6, seconds=1)

    with pytest.raises(NotAllowed, match="long past"):
        approved(four_eyes, issue_id, PAUL)


def test_the_record_says_who_and_how_but_names_nobody_in_the_clear(four_eyes: Office) -> None:
    issue_id = four_eyes.issue(four_eyes.add_list())
    approved(four_eyes, issue_id, LEAH)

    with reading(four_eyes.engine) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(e.act, e.channel) for e in entries] == [
        ("bulletin added", "command"),
        ("issue drafted", "command"),
        ("issue approved", "link"),
    ]
    who = [four_eyes.desk.keys.decrypt(e.who, "audit_entry.who", b"") for e in entries]
    assert who == [RUTH.who, RUTH.who, LEAH.who]
    assert b"leah" not in entries[2].who


# --- pause, resume, cancel ----------------------------------------------------------------


def test_pausing_what_is_being_sent_stops_it_until_resumed(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.begin(issue_id)

    with writing(office.engine) as session:
        paused = pause(session, office.desk, issue_id, RUTH, office.now)
    reason = office.view(issue_id).pause_reason
    with writing(office.engine) as session:
        resumed = resume(session, office.desk, issue_id, RUTH, office.now)

    assert (paused, resumed) == (IssueState.PAUSED, IssueState.SENDING)
    assert reason == "Staff paused it."
    assert office.view(issue_id).pause_reason is None


def test_pausing_what_has_not_begun_holds_it_and_its_approvals_stand(four_eyes: Office) -> None:
    issue_id = four_eyes.issue(four_eyes.add_list())
    approved(four_eyes, issue_id, PAUL)

    with writing(four_eyes.engine) as session:
        paused = pause(session, four_eyes.desk, issue_id, RUTH, four_eyes.now)
    four_eyes.later(hours=1)
    with writing(four_eyes.engine) as session:
        again = resume(session, four_eyes.desk, issue_id, RUTH, four_eyes.now)

    assert (paused, again) == (D, S)
    assert row(four_eyes, issue_id).not_before == four_eyes.now + timedelta(minutes=10)


def test_cancelling_says_who_has_it_and_stops_the_rest(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.begin(issue_id)
    office.deliver(
        issue_id,
        *[DeliveryState.SUBMITTED] * 3,
        *[DeliveryState.PENDING] * 4,
        DeliveryState.IN_FLIGHT,
        DeliveryState.UNKNOWN,
        DeliveryState.FAILED,
    )

    with writing(office.engine) as session:
        cancelled = cancel(session, office.desk, issue_id, RUTH, office.now)

    assert (cancelled.submitted, cancelled.stopped) == (3, 4)
    assert (cancelled.on_the_way, cancelled.not_certain) == (1, 1)
    with reading(office.engine) as session:
        stopped = session.scalars(
            select(Delivery.reason).where(Delivery.state == DeliveryState.EXCLUDED)
        ).all()
        assert stopped == [Reason.CANCELLED] * 4
        assert session.get_one(Issue, issue_id).ended_at == office.now


def test_cancelling_frees_the_slot(office: Office) -> None:
    list_id = office.add_list()
    office_issue = office.issue(list_id)
    with writing(office.engine) as session:
        cancel(session, office.desk, office_issue, RUTH, office.now)

    other = office.issue(list_id, NURSES, "nurses.txt")

    assert office.view(other).due_at == FRIDAY


ACTS: dict[str, Callable[[Session, Office, int], object]] = {
    "scheduled": lambda s, o, i: schedule(s, o.desk, i, None, RUTH, o.now),
    "moved": lambda s, o, i: move(s, o.desk, i, FRIDAY + timedelta(days=1), RUTH, o.now),
    "approved": lambda s, o, i: approve(s, o.desk, i, PAUL, o.now),
    "paused": lambda s, o, i: pause(s, o.desk, i, RUTH, o.now),
    "resumed": lambda s, o, i: resume(s, o.desk, i, RUTH, o.now),
    "cancelled": lambda s, o, i: cancel(s, o.desk, i, RUTH, o.now),
}
POSSIBLE = {
    IssueState.DRAFT: {"scheduled", "moved", "resumed", "cancelled"},
    IssueState.AWAITING_APPROVAL: {"moved", "approved", "paused", "cancelled"},
    IssueState.SCHEDULED: {"moved", "paused", "cancelled"},
    IssueState.SENDING: {"paused", "cancelled"},
    IssueState.PAUSED: {"resumed", "cancelled"},
    IssueState.COMPLETED: set[str](),
    IssueState.CANCELLED: set[str](),
}


def test_each_state_allows_what_the_table_says_and_refuses_the_rest_in_words(
    office: Office,
) -> None:
    list_id = office.add_list()
    bulletin = office.add(list_id)
    issue_id = office.draft(list_id, bulletin.id)
    wrong = [(state, act) for state in IssueState for act in set(ACTS) - POSSIBLE[state]]

    for state, act in wrong:
        with writing(office.engine) as session:
            session.execute(update(Issue).values(state=state))
        words = state.name.lower().replace("_", " ")
        with pytest.raises(NotAllowed, match=f"state {words} and cannot be {act}") as refused:
            with writing(office.engine) as session:
                ACTS[act](session, office, issue_id)
        assert all(possible in str(refused.value) for possible in POSSIBLE[state])

    for state, acts in POSSIBLE.items():
        for act in acts:
            with writing(office.engine) as session:
                session.execute(update(Issue).values(state=state, due_at=FRIDAY, hold=False))
                session.flush()
                ACTS[act](session, office, issue_id)


def test_sentences_to_staff_leave_quotations_out() -> None:
    found = [
        Finding(
            "ref-invalid", Severity.BLOCKER, 21, "Line 21: “Matthew 2 vs 40” is not there.", None
        ),
        Finding("already-sent", Severity.BLOCKER, 1, "It didn't change since, and can't.", None),
        Finding("encoding", Severity.NOTE, 1, "Windows-1252.", None),
    ]

    assert blocking_sentences(found) == [
        "Line 21: … is not there.",
        "It didn't change since, and can't.",
    ]
