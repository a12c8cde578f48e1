"""Letting a finding pass: which of them may be, who may, and what follows for its issues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.checks import RULES, Finding, Rule, nearest_rule
from newsletter.errors import NotAllowed, NotFound
from newsletter.issue.bulletins import find_bulletin, findings_of
from newsletter.issue.decisions import settle_blocked
from newsletter.issue.desk import Actor, Desk, lock_list, record
from newsletter.issue.waivers import Waiver, store_waivers, waivers_of
from newsletter.tables import Bulletin as BulletinRow


@dataclass(frozen=True)
class Waived:
    """What was let pass, and the unsent issues that the bulletin is in."""

    waivers: tuple[Waiver, ...]
    already: bool  # somebody had done so before; the first stays on record
    issues: tuple[int, ...]


def waive(
    session: Session,
    desk: Desk,
    bulletin_id: int,
    rule_name: str,
    line: int | None,
    by: Actor,
    now: datetime,
) -> Waived:
    """Let the findings of a rule pass, all of them or those of one line, in exactly this text.

    A blocked draft of it that nothing else holds back goes on as if it had been mended.

    Raises:
        NotFound: no such bulletin, rule, finding or line; the nearest is named.
        NotAllowed: a rule that nobody may waive, a replaced version, nobody is named, or the
            author where a second person is asked for.
    """
    row = find_bulletin(session, bulletin_id)
    if row.list_id is not None:
        lock_list(session, row.list_id)
    rule = _waivable(rule_name)
    _check_person(desk, row, rule, by)
    found = [
        finding
        for finding in findings_of(session, desk.keys, row, row.list_id)
        if finding.rule == rule.name
    ]
    before = [each for each in waivers_of(session, desk.keys, row) if each.rule == rule.name]
    chosen = [each for each in found if line in (None, each.line)]
    if not chosen and any(line in (None, each.line) for each in before):
        same = tuple(each for each in before if line in (None, each.line))
        return Waived(same, already=True, issues=())
    if not chosen:
        raise _nothing_there(bulletin_id, line, found)
    store_waivers(session, desk.keys, row, chosen, by, now)
    record(
        session,
        desk.keys,
        by,
        "finding waived",
        now,
        bulletin_id=row.id,
        list_id=row.list_id,
    )
    issues = settle_blocked(session, desk, row, "given a waiver", by, now)
    made = waivers_of(session, desk.keys, row)[-len({(c.line, c.message) for c in chosen}) :]
    return Waived(tuple(made), already=False, issues=issues)


def _waivable(name: str) -> Rule:
    rule = RULES.get(name)
    if rule is None:
        raise NotFound(f"No check is called {name}: the nearest is {nearest_rule(name)}.")
    if rule.unwaivable:
        raise NotAllowed(rule.unwaivable)
    return rule


def _check_person(desk: Desk, row: BulletinRow, rule: Rule, by: Actor) -> None:
    if row.replaced_by is not None:
        raise NotAllowed(
            f"Bulletin {row.id} was replaced by bulletin {row.replaced_by}: look at that one."
        )
    person = by.index(desk.keys)
    if person is None:
        raise NotAllowed(
            f"Nobody is named: let it pass in bulletin {row.id} with --by and an address."
        )
    if rule.second_person and person == row.author_index:
        raise NotAllowed(
            f"Who added bulletin {row.id} cannot let this pass alone, for somebody may be in "
            "danger: ask a second person to look at it."
        )


def _nothing_there(bulletin_id: int, line: int | None, found: Sequence[Finding]) -> NotFound:
    if line is None or not found:
        return NotFound(
            f"Bulletin {bulletin_id} has no such finding: newsletter bulletin show {bulletin_id} "
            "lists those it has."
        )
    nearest = min((each.line for each in found), key=lambda number: abs(number - line))
    return NotFound(
        f"Bulletin {bulletin_id} has no such finding in line {line}: the nearest is in line "
        f"{nearest}."
    )
