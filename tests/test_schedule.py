"""Cadences, slots, and when issues begin."""

import logging
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from newsletter.errors import NotAllowed, Problem, UnreadableInput
from newsletter.issue import cancel, pause
from newsletter.schedule import (
    AlarmClock,
    Cadence,
    Slot,
    SlotView,
    cadence_of,
    fill,
    look_at_slots,
    move_to,
    next_free_slot,
    parse_cadence,
    parse_when,
    plan_slots,
    schedule_at,
    set_cadence,
    skip_dates,
    slot_at,
    slots_from,
    slots_view,
    start_due,
    tell_clock_was_set,
)
from newsletter.tables import Issue, IssueState, Occurrence, OccurrenceState
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from tests.conftest import NOON
from tests.faults.figures import Figures
from tests.office import (
    HARVEST_BLOCKED,
    LIBRARY,
    NURSES,
    RUTH,
    Office,
    desk_for,
)

LONDON = ZoneInfo("Europe/London")
FRIDAY = datetime(2026, 11, 27, 7, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys))


# --- cadence and time ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fridays 07:00 Africa/Lagos", "Fridays 07:00 Africa/Lagos"),
        ("fridays 7:00", "Fridays 07:00 Europe/London"),
        ("Friday 07:00", "Fridays 07:00 Europe/London"),
        (" Wed   23:59 ", "Wednesdays 23:59 Europe/London"),
        ("thurs 00:00 Asia/Seoul", "Thursdays 00:00 Asia/Seoul"),
        ("Tues 06:30", "Tuesdays 06:30 Europe/London"),
    ],
)
def test_a_cadence_is_read_as_people_write_it(text: str, expected: str) -> None:
    cadence = parse_cadence(text, LONDON)

    assert str(cadence) == expected
    assert parse_cadence(str(cadence), ZoneInfo("UTC")) == cadence


@pytest.mark.parametrize(
    "text",
    [
        *("", "07:00", "Fridays", "Fridays 24:00", "Fridays 07:60", "Fr 07:00", "Someday 07:00"),
        *("Fridays 07:00 Lagos", "Fridays 07:00 Africa/Lagos and Mondays", "Fridays 7 Uhr"),
    ],
)
def test_what_is_no_cadence_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnreadableInput, match=r"Africa/Lagos"):
        parse_cadence(text, LONDON)


@given(st.text(max_size=30) | st.from_regex(r"[A-Z][a-z]{2,8} \d{1,2}:\d\d( \S+)?"))
def test_no_text_breaks_the_reading_of_a_cadence(text: str) -> None:
    try:
        read = str(parse_cadence(text, LONDON))
    except UnreadableInput as refused:
        read = str(refused)

    assert read


@given(st.text(max_size=30) | st.from_regex(r"20\d\d-\d\d-\d\d[T ]\d\d(:\d\d)?\S{0,6}"))
def test_no_text_breaks_the_reading_of_a_time(text: str) -> None:
    try:
        assert parse_when(text, LONDON, NOON).at >= NOON
    except (UnreadableInput, NotAllowed) as refused:
        assert "give a time" in str(refused) or "now" in str(refused)  # noqa: PT017


@pytest.mark.parametrize("at", [time(0), time(1, 30), time(2, 30), time(7)])
@pytest.mark.fault("F9")
def test_no_zone_loses_or_doubles_a_week(at: time, figures: Figures) -> None:
    sundays = [date(2026, 1, 4) + n * WEEK for n in range(104)]
    wrong = []
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        instants = [slot_at(day, at, zone) for day in sundays]
        steps = {later - earlier for earlier, later in pairwise(instants)}
        if any(abs(step - WEEK) > timedelta(hours=3) for step in steps):
            wrong.append(name)

    assert wrong == []
    figures("F9", slots=len(sundays) * len(available_timezones()), wrong=0)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # 01:30 is not there
        (date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 01:30 is there twice
        (date(2026, 7, 5), datetime(2026, 7, 5, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_slot_moves_forward_in_a_gap_and_takes_the_first_of_a_doubled_hour(
    day: date, expected: datetime
) -> None:
    assert slot_at(day, time(1, 30), LONDON) == expected


@given(
    st.sampled_from(["Europe/London", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"]),
    st.integers(0, 6),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.timedeltas(timedelta(days=-400), timedelta(days=1000)).map(lambda span: NOON + span),
)
def test_slots_come_after_their_start_one_a_week_on_their_weekday(
    zone: str, weekday: int, at: time, start: datetime
) -> None:
    slots = list(islice(slots_from(Cadence(weekday, at, ZoneInfo(zone)), start), 5))

    assert start < slots[0][1] <= start + WEEK + timedelta(hours=3)
    assert {day.weekday() for day, _ in slots} == {weekday}
    assert {later[0] - earlier[0] for earlier, later in pairwise(slots)} == {WEEK}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOON),
        (" NOW ", NOON),
        ("2026-11-27T07:00", FRIDAY),
        ("2026-11-27 07:00", FRIDAY),
        ("2026-11-27T07:00+01:00", FRIDAY - timedelta(hours=1)),
        ("2026-11-27T07:00Z", FRIDAY),
        ("2027-07-01T07:00", datetime(2027, 7, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_local_unless_it_carries_an_offset(text: str, expected: datetime) -> None:
    when = parse_when(text, LONDON, NOON)

    assert (when.at, when.note) == (expected, None)
    assert when.at.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("2027-03-28T01:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "02:30 Europe/London"),
        ("2027-10-31T01:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "twice"),
    ],
)
def test_a_change_of_the_clocks_is_said(text: str, expected: datetime, words: str) -> None:
    when = parse_when(text, LONDON, NOON)

    assert when.at == expected
    assert when.note is not None
    assert words in when.note


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-11-27", "2026-13-01T07:00", "07:00", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UnreadableInput, match="2026-11-27T07:00"):
        parse_when(text, LONDON, NOON)


def test_a_past_time_is_refused_with_its_weekday() -> None:
    with pytest.raises(NotAllowed, match="Monday 23 November 2026, 11:59 Europe/London is past"):
        parse_when("2026-11-23T11:59", LONDON, NOON)


# --- slots --------------------------------------------------------------------------------


def view(office: Office, list_id: int) -> list[SlotView]:
    with reading(office.engine) as session:
        return slots_view(session, list_id, office.now)


def look(office: Office) -> None:
    with writing(office.engine) as session:
        look_at_slots(session, office.desk, office.now)


def skip(office: Office, list_id: int, first: date, until: date) -> list[date]:
    with writing(office.engine) as session:
        return skip_dates(session, list_id, first, until, "Christmas", office.now)


def change(office: Office, list_id: int, cadence: str) -> list[tuple[int, datetime]]:
    with writing(office.engine) as session:
        return set_cadence(session, list_id, parse_cadence(cadence, LONDON), office.now)


def slot_states(office: Office) -> dict[date, OccurrenceState]:
    with reading(office.engine) as session:
        rows = session.execute(select(Occurrence.local_date, Occurrence.state))
        return {row.local_date: row.state for row in rows}


def test_the_next_twelve_slots_are_planned_once_however_often(office: Office) -> None:
    office.add_list()

    for _ in range(3):
        with writing(office.engine) as session:
            plan_slots(session, office.now)

    assert list(slot_states(office)) == [FRIDAY.date() + n * WEEK for n in range(12)]


@pytest.mark.fault("F10")
def test_two_programs_that_look_at_once_do_no_harm(office: Office) -> None:
    lists = [office.add_list(name) for name in ("weekly", "daily", "youth")]
    for list_id in lists:
        office.issue(list_id)
    office.now = FRIDAY + WEEK + timedelta(minutes=1)
    engines = [open_engine(office.engine.url.render_as_string(hide_password=False)) for _ in "abc"]
    failures: list[BaseException] = []

    def tick(engine: Engine) -> None:
        try:
            for _ in range(3):
                with writing(engine) as session:
                    look_at_slots(session, office.desk, office.now)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=tick, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for engine in engines:
        engine.dispose()

    assert failures == []
    told = office.notices()
    assert len(told) == len(set(told))
    assert sum(key.startswith("slot-empty/") for key in told) == 3
    with reading(office.engine) as session:
        slots = session.execute(select(Occurrence.schedule_id, Occurrence.due_at)).all()
    assert len(slots) == len(set(slots)) == 3 * 14


@pytest.mark.fault("F10")
def test_two_drafts_at_once_never_share_a_slot(office: Office) -> None:
    list_id = office.add_list()
    texts = {"nurses.txt": NURSES, "library.txt": LIBRARY}
    bulletins = [office.add(list_id, text, name).id for name, text in texts.items()]
    issues: list[int] = []
    threads = [
        threading.Thread(target=lambda b=b: issues.append(office.draft(list_id, b)))
        for b in bulletins
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    due = {office.view(issue_id).due_at for issue_id in issues}
    assert due == {FRIDAY, FRIDAY + WEEK}


def test_issues_fill_one_slot_after_the_other(office: Office) -> None:
    list_id = office.add_list()

    issues = [office.issue(list_id, text, f"{n}.txt") for n, text in enumerate((NURSES, LIBRARY))]

    slots = view(office, list_id)
    assert [slot.issue_id for slot in slots[:3]] == [*issues, None]
    assert slots[0].issue_state is IssueState.SCHEDULED
    assert slots[0].when == "Friday 27 November 2026, 07:00 Europe/London"
    assert len(slots) == 12


def test_when_all_planned_slots_are_full_the_next_one_is_found(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    with writing(office.engine) as session:
        session.execute(update(Occurrence).values(issue_id=issue_id))

    with writing(office.engine) as session:
        slot = next_free_slot(session, list_id, office.now)

    assert slot.due_at == FRIDAY + 12 * WEEK


def test_without_a_free_slot_for_two_years_people_are_asked(office: Office) -> None:
    list_id = office.add_list()
    skip(office, list_id, date(2026, 11, 27), date(2027, 11, 20))
    skip(office, list_id, date(2027, 11, 20), date(2028, 11, 18))
    skip(office, list_id, date(2028, 11, 18), date(2028, 12, 1))

    with writing(office.engine) as session, pytest.raises(NotAllowed, match="two years"):
        next_free_slot(session, list_id, office.now)


def test_a_list_without_a_cadence_has_no_slots_and_says_how_to_get_some(office: Office) -> None:
    list_id = office.add_list(cadence=None)

    with pytest.raises(NotAllowed, match="newsletter list change weekly --cadence"):
        office.issue(list_id)
    with pytest.raises(NotAllowed, match="no cadence"):
        skip(office, list_id, date(2026, 12, 25), date(2026, 12, 25))

    assert view(office, list_id) == []
    with reading(office.engine) as session:
        assert cadence_of(session, list_id) is None


def test_a_slot_is_filled_once(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    with reading(office.engine) as session:
        schedule_id = session.scalars(select(Occurrence.schedule_id)).first()
    assert schedule_id is not None

    with writing(office.engine) as session, pytest.raises(NotAllowed, match="taken already"):
        fill(session, Slot(schedule_id, FRIDAY.date(), FRIDAY), issue_id)


def test_an_extra_issue_leaves_the_regular_slot_alone(office: Office) -> None:
    list_id = office.add_list()

    extra = office.draft(list_id, office.add(list_id).id, FRIDAY - timedelta(hours=2))

    assert view(office, list_id)[0].issue_id is None
    assert office.view(extra).due_at == FRIDAY - timedelta(hours=2)


def test_a_time_that_is_exactly_a_free_slot_fills_it(office: Office) -> None:
    list_id = office.add_list()

    issue_id = office.draft(list_id, office.add(list_id).id, FRIDAY)

    assert view(office, list_id)[0].issue_id == issue_id


def test_moving_from_slot_to_slot_and_back_never_loses_one(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)

    for at, holders in ((FRIDAY + WEEK, [None, issue_id]), (FRIDAY, [issue_id, None])):
        with writing(office.engine) as session:
            move_to(session, office.desk, issue_id, at, RUTH, office.now)

        assert [slot.issue_id for slot in view(office, list_id)[:2]] == holders


def test_moving_to_the_time_it_has_keeps_the_slot(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)

    with writing(office.engine) as session:
        move_to(session, office.desk, issue_id, FRIDAY, RUTH, office.now)

    assert view(office, list_id)[0].issue_id == issue_id


def test_a_held_draft_keeps_its_slot_and_is_scheduled_in_it(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    with writing(office.engine) as session:
        pause(session, office.desk, issue_id, RUTH, office.now)
    office.issue(list_id, NURSES, "nurses.txt")

    with writing(office.engine) as session:
        state = schedule_at(session, office.desk, issue_id, None, RUTH, office.now)

    assert state is IssueState.SCHEDULED
    assert office.view(issue_id).due_at == FRIDAY


def test_a_draft_whose_time_is_past_is_scheduled_in_the_next_free_slot(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.draft(list_id, office.add(list_id).id, hold=True)
    office.now = FRIDAY + timedelta(hours=1)

    with writing(office.engine) as session:
        schedule_at(session, office.desk, issue_id, None, RUTH, office.now)

    assert view(office, list_id)[0].issue_id == issue_id


def test_a_draft_is_scheduled_at_a_time_of_its_own(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.draft(list_id, office.add(list_id).id, hold=True)

    with writing(office.engine) as session:
        schedule_at(session, office.desk, issue_id, office.now, RUTH, office.now)

    assert view(office, list_id)[0].issue_id is None


# --- breaks and changes of the cadence ----------------------------------------------------


def test_a_break_takes_out_the_slots_within_it_far_ones_too(office: Office) -> None:
    list_id = office.add_list()

    days = skip(office, list_id, date(2026, 12, 24), date(2027, 1, 2))
    far = skip(office, list_id, date(2027, 8, 1), date(2027, 8, 7))
    again = skip(office, list_id, date(2026, 12, 24), date(2026, 12, 26))

    assert days == [date(2026, 12, 25), date(2027, 1, 1)]
    assert far == [date(2027, 8, 6)]
    assert again == days[:1]
    christmas = view(office, list_id)[4]
    assert (christmas.state, christmas.reason) == (OccurrenceState.SKIPPED, "Christmas")
    issues = [office.issue(list_id, text, f"{n}.txt") for n, text in enumerate((NURSES, LIBRARY))]
    assert all(office.view(issue_id).due_at in (FRIDAY, FRIDAY + WEEK) for issue_id in issues)


def test_a_break_is_never_filled_and_never_reported_empty(office: Office) -> None:
    list_id = office.add_list()
    skip(office, list_id, FRIDAY.date(), FRIDAY.date())

    issue_id = office.issue(list_id)
    office.now = FRIDAY + timedelta(minutes=1)
    look(office)

    assert office.view(issue_id).due_at == FRIDAY + WEEK
    assert office.notices() == []


@pytest.mark.parametrize(
    ("first", "until", "error", "words"),
    [
        (date(2026, 12, 26), date(2026, 12, 31), NotAllowed, "its cadence is Fridays 07:00"),
        (date(2026, 11, 20), date(2026, 11, 20), NotAllowed, "No slot"),
        (date(2026, 12, 31), date(2026, 12, 1), UnreadableInput, "no break"),
        (date(2026, 12, 1), date(2028, 12, 1), UnreadableInput, "no break"),
        (date(2026, 11, 27), date(2026, 12, 4), NotAllowed, "filled by issue"),
    ],
)
def test_a_break_that_cannot_be_is_refused(
    office: Office, first: date, until: date, error: type[Exception], words: str
) -> None:
    list_id = office.add_list()
    office.issue(list_id)

    with pytest.raises(error, match=words):
        skip(office, list_id, first, until)

    assert OccurrenceState.SKIPPED not in slot_states(office).values()


def test_a_new_cadence_plans_empty_slots_anew_and_names_issues_on_old_ones(
    office: Office,
) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)

    stay = change(office, list_id, "Saturdays 08:00")

    assert stay == [(issue_id, FRIDAY)]
    slots = view(office, list_id)
    assert [slot.issue_id for slot in slots] == [issue_id] + [None] * 12
    assert {slot.local_date.weekday() for slot in slots[1:]} == {5}
    with reading(office.engine) as session:
        assert str(cadence_of(session, list_id)) == "Saturdays 08:00 Europe/London"


def test_a_slot_of_an_old_cadence_goes_when_its_issue_does(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    change(office, list_id, "Saturdays 08:00")
    with writing(office.engine) as session:
        cancel(session, office.desk, issue_id, RUTH, office.now)
    office.now = FRIDAY - timedelta(minutes=1)
    look(office)
    office.now = FRIDAY + timedelta(minutes=1)
    look(office)

    assert office.notices() == []


def test_another_hour_on_the_same_day_moves_empty_slots_and_keeps_the_filled_one(
    office: Office,
) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)

    stay = change(office, list_id, "Fridays 09:00")

    assert stay == [(issue_id, FRIDAY)]
    slots = view(office, list_id)
    assert slots[0].due_at == FRIDAY
    assert slots[1].due_at == FRIDAY + WEEK + timedelta(hours=2)
    assert len(slots) == 12


def test_the_same_cadence_again_changes_nothing(office: Office) -> None:
    list_id = office.add_list()
    office.issue(list_id)

    assert change(office, list_id, "fri 7:00") == []


def test_a_break_holds_for_its_week_under_a_new_cadence(office: Office) -> None:
    list_id = office.add_list()
    skip(office, list_id, date(2026, 12, 25), date(2026, 12, 25))

    change(office, list_id, "Sundays 08:00")

    breaks = [slot for slot in view(office, list_id) if slot.state is OccurrenceState.SKIPPED]
    assert [(slot.local_date, slot.reason) for slot in breaks] == [
        (date(2026, 12, 27), "Christmas")
    ]


def test_slots_say_what_a_change_of_the_clocks_does_to_them(office: Office) -> None:
    office.now = datetime(2027, 3, 22, 12, tzinfo=UTC)
    list_id = office.add_list(cadence="Sundays 01:30")

    first, second = view(office, list_id)[:2]

    assert first.note is not None
    assert "02:30" in first.note
    assert second.note is None


# --- when a slot comes --------------------------------------------------------------------


def due(office: Office) -> list[int]:
    with reading(office.engine) as session:
        return start_due(session, office.now)


def test_an_issue_begins_at_its_time_and_not_a_second_before(office: Office) -> None:
    issue_id = office.issue(office.add_list())

    begun = []
    for office.now in (FRIDAY - timedelta(seconds=1), FRIDAY):
        begun.append(due(office))

    assert begun == [[], [issue_id]]


def test_the_wait_before_sending_holds_an_issue_that_is_due(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.draft(list_id, office.add(list_id).id, office.now)

    begun = []
    for _ in range(3):
        begun.append(due(office))
        office.later(minutes=5)

    assert begun == [[], [], [issue_id]]


@pytest.mark.parametrize(
    ("late", "goes"), [(timedelta(hours=6), True), (timedelta(hours=6, seconds=1), False)]
)
def test_found_late_by_more_than_six_hours_it_waits_for_staff(
    office: Office, late: timedelta, goes: bool
) -> None:
    issue_id = office.issue(office.add_list())
    office.now = FRIDAY + late

    look(office)
    look(office)

    assert due(office) == ([issue_id] if goes else [])
    assert len(office.notices()) == (0 if goes else 1)
    assert (slot_states(office)[FRIDAY.date()] is OccurrenceState.LATE) is not goes


def test_a_late_issue_goes_when_staff_move_it(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.now = FRIDAY + timedelta(hours=9)
    look(office)

    with writing(office.engine) as session:
        move_to(session, office.desk, issue_id, office.now, RUTH, office.now)
    office.later(minutes=10)

    assert due(office) == [issue_id]
    look(office)
    assert len(office.notices()) == 1


def test_an_extra_issue_found_late_waits_too(office: Office) -> None:
    list_id = office.add_list(cadence=None)
    office.draft(list_id, office.add(list_id).id, FRIDAY)
    office.now = FRIDAY + timedelta(hours=7)

    look(office)

    assert due(office) == []
    assert len(office.notices()) == 1


def test_one_that_began_late_says_so_once(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.now = FRIDAY + timedelta(hours=2)
    office.begin(issue_id)

    look(office)
    look(office)

    assert office.notices() == [f"begun-late/{issue_id}"]
    assert slot_states(office)[FRIDAY.date()] is OccurrenceState.USED


def test_one_that_began_on_time_is_no_news(office: Office) -> None:
    issue_id = office.issue(office.add_list())
    office.now = FRIDAY + timedelta(seconds=20)
    office.begin(issue_id)

    look(office)

    assert office.notices() == []
    assert slot_states(office)[FRIDAY.date()] is OccurrenceState.USED


def test_an_empty_slot_is_told_once_and_never_filled_with_the_last_bulletin(
    office: Office,
) -> None:
    office.add_list()
    office.now = FRIDAY

    look(office)
    look(office)

    assert slot_states(office)[FRIDAY.date()] is OccurrenceState.EMPTY
    assert len(office.notices()) == 1
    with reading(office.engine) as session:
        assert session.scalars(select(Issue)).all() == []


@pytest.mark.parametrize("approvals", [0, 1])
def test_a_slot_whose_issue_is_not_ready_is_told_as_empty(
    warm_engine: Engine, keys: Keys, approvals: int
) -> None:
    office = Office(warm_engine, desk_for(keys, approvals))
    list_id = office.add_list()
    issue_id = office.issue(list_id) if approvals else office.issue(list_id, HARVEST_BLOCKED)
    office.now = FRIDAY

    look(office)

    assert len(office.notices()) == 1
    assert slot_states(office)[FRIDAY.date()] is OccurrenceState.EMPTY
    office.begin(issue_id)  # approved a little later after all
    look(office)
    assert slot_states(office)[FRIDAY.date()] is OccurrenceState.USED


def test_a_slot_whose_issue_is_about_to_begin_is_not_empty(office: Office) -> None:
    office.issue(office.add_list())
    office.now = FRIDAY + timedelta(minutes=1)

    look(office)

    assert office.notices() == []


def test_a_restart_loses_no_schedule(office: Office) -> None:
    list_id = office.add_list()
    issue_id = office.issue(list_id)
    before = view(office, list_id)
    url = office.engine.url.render_as_string(hide_password=False)
    office.engine.dispose()

    office.engine = open_engine(url)
    look(office)

    assert view(office, list_id) == before
    office.now = FRIDAY
    assert due(office) == [issue_id]
    office.engine.dispose()


# --- the alarm clock ----------------------------------------------------------------------


@pytest.fixture
def quiet_apscheduler() -> Iterator[None]:
    logger = logging.getLogger("apscheduler")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


def test_a_job_that_fails_is_logged_by_name_only_and_runs_again(
    caplog: pytest.LogCaptureFixture, quiet_apscheduler: None
) -> None:
    ran, twice = [], threading.Event()

    def fail() -> None:
        ran.append(1)
        if len(ran) >= 2:
            twice.set()
        raise ValueError("ruth@example.org prays")

    clock = AlarmClock({"look for bulletins": (timedelta(seconds=0.05), fail)})
    clock.start()
    happened = twice.wait(10)
    clock.stop()

    assert happened
    assert "look for bulletins" in caplog.text
    assert "ValueError" in caplog.text
    assert "ruth" not in caplog.text


def test_what_a_person_can_put_right_is_logged_in_words_and_once(
    caplog: pytest.LogCaptureFixture, quiet_apscheduler: None
) -> None:
    ran, often = [], threading.Event()

    def fail() -> None:
        ran.append(1)
        if len(ran) >= 3:
            often.set()
        raise Problem("The disk is full: free some space.")

    clock = AlarmClock({"slots": (timedelta(seconds=0.05), fail)})
    clock.start()
    happened = often.wait(10)
    clock.stop()

    assert happened
    assert caplog.messages == ["job failed job=slots: The disk is full: free some space."]


def test_a_job_never_runs_beside_itself_and_stopping_waits_for_it(quiet_apscheduler: None) -> None:
    inside, most, ended = [0], [0], [0]
    started = threading.Event()

    def slow() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        started.set()
        threading.Event().wait(0.2)
        inside[0] -= 1
        ended[0] += 1

    clock = AlarmClock({"slow": (timedelta(seconds=0.02), slow)})
    clock.start()
    started.wait(10)
    clock.stop()
    clock.stop()

    assert (most[0], inside[0]) == (1, 0)
    assert ended[0] >= 1


class SetClock(datetime):
    """The time of day of a machine whose clock was set."""

    by = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "SetClock":
        moment = datetime.now(tz) + cls.by
        return cls.fromtimestamp(moment.timestamp(), tz)


@pytest.mark.fault("F8")
@pytest.mark.parametrize("by", [-WEEK, 500 * WEEK], ids=str)
def test_a_clock_that_is_set_stops_no_job_and_is_told(
    monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    monkeypatch.setattr(SetClock, "by", timedelta())
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", SetClock)
    monkeypatch.setattr("newsletter.schedule.alarm.datetime", SetClock)
    monkeypatch.setattr("newsletter.schedule.alarm.WATCH_EVERY", timedelta(seconds=0.05))
    ran, told = threading.Event(), queue.SimpleQueue[timedelta]()
    clock = AlarmClock({"slots": (timedelta(seconds=0.05), ran.set)}, told.put)
    clock.start()
    assert ran.wait(10)

    SetClock.by = by
    jumped = told.get(timeout=10)
    ran.clear()
    went_on = ran.wait(10)
    clock.stop()

    assert went_on
    assert abs(jumped - by) < timedelta(seconds=1)
    assert told.empty()


def test_staff_are_told_that_the_clock_was_set(office: Office) -> None:
    with writing(office.engine) as session:
        tell_clock_was_set(session, office.desk, timedelta(hours=-3), office.now)
        tell_clock_was_set(session, office.desk, 9 * WEEK, office.now + 9 * WEEK)

    back, forward = office.notice_texts()
    assert "was set back by 3 hours, and shows Monday 23 November 2026, 12:00" in back
    assert "waits until the clock has come to it again" in back
    assert "was set forward by 63 days" in forward
    assert "too early" in forward


def test_an_alarm_clock_that_never_ran_stops() -> None:
    AlarmClock({}).stop()
