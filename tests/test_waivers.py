"""Findings that somebody let pass: who may, what, and for how long."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine, select, update

from newsletter.checks import Finding, Severity
from newsletter.errors import NotAllowed, NotFound
from newsletter.issue import (
    Actor,
    Waived,
    Waiver,
    find_bulletin,
    findings_of,
    waive,
    waivers_in,
    waivers_of,
    weigh,
)
from newsletter.issue.waivers import open_findings
from newsletter.tables import AuditEntry, IssueState
from newsletter.tables import Waiver as WaiverRow
from subscribers.database import reading, writing
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.tables import Subscriber
from tests.office import HARVEST, LEAH, PAUL, RUTH, Office, desk_for

WRONG = HARVEST.replace(b"the sacks.", b"the sacks (John 3:99).")
TWICE = WRONG.replace(b"* Pray", b"* Pray with Ps 151:1\n* Pray with Mark 17:1\n* Pray")


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys))


def waived(
    office: Office,
    bulletin_id: int,
    rule: str = "ref-invalid",
    line: int | None = None,
    by: Actor = PAUL,
) -> Waived:
    with writing(office.engine) as session:
        return waive(session, office.desk, bulletin_id, rule, line, by, office.now)


def remaining(office: Office, bulletin_id: int) -> list[tuple[str, int]]:
    with reading(office.engine) as session:
        row = find_bulletin(session, bulletin_id)
        found = findings_of(session, office.desk.keys, row, row.list_id)
    return [(finding.rule, finding.line) for finding in found]


def test_a_waived_blocker_blocks_no_more_and_the_draft_goes_on(office: Office) -> None:
    list_id = office.add_list()
    added = office.add(list_id, WRONG)
    issue_id = office.draft(list_id, added.id)
    blocked = office.view(issue_id)

    done = waived(office, added.id, line=3)

    assert (blocked.state, blocked.blockers) == (IssueState.DRAFT, 1)
    assert done.issues == (issue_id,)
    assert not done.already
    assert office.view(issue_id).blockers == 0
    assert office.state(issue_id) is IssueState.SCHEDULED
    assert remaining(office, added.id) == []


def test_a_draft_that_is_held_or_blocked_by_more_stays_one(office: Office) -> None:
    list_id = office.add_list()
    added = office.add(list_id, TWICE)
    held = office.draft(list_id, added.id, hold=True)

    waived(office, added.id, line=9)
    after_one = office.state(held)
    waived(office, added.id)

    assert after_one is office.state(held) is IssueState.DRAFT
    assert remaining(office, added.id) == []


def test_one_line_or_all_lines_of_a_rule(office: Office) -> None:
    added = office.add(office.add_list(), TWICE)

    one = waived(office, added.id, line=9)
    rest = remaining(office, added.id)
    others = waived(office, added.id)

    assert [each.line for each in one.waivers] == [9]
    assert rest == [("ref-invalid", 3), ("ref-invalid", 10)]
    assert [each.line for each in others.waivers] == [3, 10]


def test_a_new_version_is_looked_at_afresh_also_with_the_old_text(office: Office) -> None:
    list_id = office.add_list()
    first = office.add(list_id, WRONG)
    issue_id = office.draft(list_id, first.id)
    waived(office, first.id)

    second = office.add(list_id, WRONG.replace(b"barley", b"wheat"))
    then = office.view(issue_id)
    third = office.add(list_id, WRONG)

    assert (then.state, then.blockers) == (IssueState.DRAFT, 1)
    assert third.id not in (first.id, second.id)
    assert remaining(office, third.id) == [("ref-invalid", 3)]
    with pytest.raises(NotAllowed, match=f"replaced by bulletin {second.id}"):
        waived(office, first.id)


def test_something_else_in_the_same_line_is_another_finding(office: Office) -> None:
    added = office.add(office.add_list(), WRONG)
    waived(office, added.id)

    with reading(office.engine) as session:
        row = find_bulletin(session, added.id)
        was = waivers_of(session, office.desk.keys, row)[0].message
        kept = open_findings(
            session,
            office.desk.keys,
            row,
            [_finding(was), _finding(was.replace("John", "Mark"))],
        )
    assert [finding.message for finding in kept] == [was.replace("John", "Mark")]


def _finding(message: str) -> Finding:
    return Finding("ref-invalid", Severity.BLOCKER, 3, message)


def test_the_same_again_keeps_the_first_name(office: Office) -> None:
    added = office.add(office.add_list(), WRONG)
    waived(office, added.id)

    again = waived(office, added.id, by=LEAH)

    assert again.already
    assert [each.by for each in again.waivers] == [PAUL.who]
    with reading(office.engine) as session:
        assert len(session.scalars(select(WaiverRow)).all()) == 1


def test_a_waiver_is_told_once_of_an_issue_in_two_styles(office: Office) -> None:
    list_id = office.add_list()
    office.subscribe(list_id, 2)
    with writing(office.engine) as session:
        session.execute(update(Subscriber).values(style=Style.LARGE))
    added = office.add(list_id, WRONG)
    issue_id = office.draft(list_id, added.id)
    waived(office, added.id)

    with reading(office.engine) as session:
        told = waivers_in(session, office.desk.keys, issue_id)

    assert len(office.view(issue_id).editions) == 2
    assert [each.rule for each in told] == ["ref-invalid"]


def test_who_when_and_how_are_on_record_and_sealed(office: Office) -> None:
    list_id = office.add_list()
    added = office.add(list_id, WRONG)
    issue_id = office.draft(list_id, added.id)

    waived(office, added.id, by=LEAH)

    with reading(office.engine) as session:
        entries: Sequence[AuditEntry] = session.scalars(
            select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)
        ).all()
        of_bulletin = waivers_of(session, office.desk.keys, find_bulletin(session, added.id))
        of_issue: list[Waiver] = waivers_in(session, office.desk.keys, issue_id)
        row = session.scalars(select(WaiverRow)).one()
    assert [(e.act, e.channel, e.issue_id, e.bulletin_id) for e in reversed(entries)] == [
        ("finding waived", "link", None, added.id),
        ("issue given a waiver", "link", issue_id, added.id),
    ]
    assert of_bulletin == of_issue
    assert (of_issue[0].by, of_issue[0].channel, of_issue[0].at) == (LEAH.who, "link", office.now)
    sentence = of_issue[0].sentence(office.desk.settings.zone)
    assert sentence.startswith("leah@example.org let this pass on Monday ")
    assert "John 3:99" in sentence
    assert b"leah" not in row.by
    assert b"John" not in row.message


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "line", "sentence"),
    [
        ("ref-invald", None, "No check is called ref-invald: the nearest is ref-invalid."),
        ("bogus", None, "No check is called bogus: the nearest is "),
        ("ref-invalid", 5, "has no such finding in line 5: the nearest is in line 3."),
        ("artefact-line", None, "has no such finding: newsletter bulletin show"),
        ("artefact-line", 3, "has no such finding: newsletter bulletin show"),
    ],
)
def test_an_unknown_rule_or_line_names_the_nearest(
    office: Office, rule: str, line: int | None, sentence: str
) -> None:
    added = office.add(office.add_list(), WRONG)

    with pytest.raises(NotFound) as caught:
        waived(office, added.id, rule, line)

    assert sentence in str(caught.value)


def test_that_it_went_out_already_is_never_waived(office: Office) -> None:
    list_id = office.add_list()
    added = office.add(list_id)
    first = office.draft(list_id, added.id)
    office.begin(first, IssueState.COMPLETED)

    with pytest.raises(NotAllowed, match=r"never waived.*send-rest"):
        waived(office, added.id, "already-sent")

    assert remaining(office, added.id) == [("already-sent", 1)]
    again = office.draft(list_id, added.id)
    assert office.state(again) is IssueState.DRAFT


def test_the_weight_is_never_waived(office: Office) -> None:
    added = office.add(office.add_list())

    with pytest.raises(NotAllowed, match="never waived"):
        waived(office, added.id, "size-clipped")


def test_nobody_waives_without_a_name(office: Office) -> None:
    added = office.add(office.add_list(), WRONG)

    with pytest.raises(NotAllowed, match="Nobody is named"):
        waived(office, added.id, by=Actor(" ", "folder"))


def test_a_name_at_risk_needs_a_second_person(office: Office) -> None:
    added = office.add(office.add_list())

    with pytest.raises(NotAllowed, match="second person"):
        waived(office, added.id, "name-at-risk", by=RUTH)
    with pytest.raises(NotFound):  # there is none to let pass
        waived(office, added.id, "name-at-risk", by=PAUL)


def test_a_bulletin_of_no_list_may_be_waived_too(office: Office) -> None:
    added = office.add(None, WRONG)

    waived(office, added.id)

    assert remaining(office, added.id) == []


# --- weight --------------------------------------------------------------------------------


def test_a_heavy_bulletin_is_weighed_also_where_it_is_too_heavy_to_draft(office: Office) -> None:
    light, heavy = (
        office.add(
            office.add_list(name),
            HARVEST.replace(b"sacks.", b"sacks. " + b"Long. " * times),
        )
        for name, times in (("weekly", 15_500), ("daily", 20_000))
    )
    issue_id = office.draft(1, light.id)

    with reading(office.engine) as session:
        weight = weigh(session, office.desk, find_bulletin(session, heavy.id))

    assert weight > 102_000
    assert office.view(issue_id).findings == 2  # long and heavy
    assert office.state(issue_id) is IssueState.SCHEDULED
