"""F3: everything a provider's API does wrong, at every position of an issue."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from newsletter.providers.base import Answer
from newsletter.tables import IssueState, Reason
from subscribers.database import open_engine
from tests.contract.vendors import Meaning, sendgrid_mishaps
from tests.faults.answers import (
    LATER,
    PENDING,
    SUBMITTED,
    UNKNOWN,
    attempts_of,
    check_fault,
    issue_state,
    resume,
)
from tests.faults.conftest import Takers
from tests.faults.figures import Figures
from tests.faults.oracle import compare, prepare
from tests.faults.processes import dispatcher_for
from tests.faults.sizes import SIZE, chosen, count, dice
from tests.servers.sendgrid import Mishap, SendGridServer

pytestmark = pytest.mark.fault("F3")

PEOPLE, BATCH = 12, 3
POSITIONS = range(1, PEOPLE // BATCH + 1)


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


def mishaps_in_company(server: SendGridServer) -> list[tuple[Mishap, Meaning]]:
    """Return the table of the contract, as it holds where a request carries several people."""
    return [(mishap, _in_company(mishap, *meaning)) for mishap, meaning in sendgrid_mishaps(server)]


def _in_company(mishap: Mishap, answer: Answer, reason: Reason | None) -> Meaning:
    if mishap.status == 400 or mishap.raw.startswith("HTTP/1.1 400"):
        if "personalizations.0" in mishap.body and answer is Answer.SENDER_FAULT:
            return Answer.REFUSED, Reason.MESSAGE_REFUSED
        if '"field": "' not in mishap.body:
            return Answer.ACCEPTED, None  # it names nothing: they are asked for again, and taken
    return answer, reason


def test_every_answer_at_every_position(
    site: Engine, takers: Takers, figures: Figures, subtests: pytest.Subtests
) -> None:
    taker = takers("sendgrid")
    unknown = done = 0
    for mishap, meaning in chosen("F3", mishaps_in_company(taker.api)):
        positions = POSITIONS if SIZE != "sample" else [dice("F3", mishap).choice(POSITIONS)]
        for nth in positions:
            with subtests.test(answer=f"{mishap.status} {mishap.raw[:20]!r}", nth=nth):
                taker.forget()
                taker.api.plan(replace(mishap, nth=nth))
                waits = 1.5 if mishap.then == "silence" else 10.0
                work = taker.work(str(site.url), turn_size=BATCH, waits=waits)
                if meaning[0] is Answer.TRY_LATER:  # half of a pace that is set, or of hardly any
                    work = work._replace(per_second=100)
                hit = {Answer.REFUSED: 1, Answer.ACCEPTED: PEOPLE}.get(meaning[0], BATCH)
                found = check_fault(site, taker, work, meaning, PEOPLE, hit)
                unknown += found.unknown
                done += 1

    figures("F3", faults=done, people=done * PEOPLE, twice=0, lost=0, unknown=unknown)


def test_each_attempt_is_one_call(site: Engine, takers: Takers) -> None:
    taker = takers("sendgrid")
    taker.api.plan(Mishap(500, nth=2))
    [issue_id] = prepare(site, PEOPLE)

    dispatcher_for(taker.work(str(site.url), turn_size=BATCH), site).run_once()

    # After a lost answer one person goes first, so that there may be more than four.
    assert len(taker.api.requests()) == attempts_of(site, issue_id) >= PEOPLE // BATCH


def test_one_call_in_ten_goes_wrong(site: Engine, takers: Takers, figures: Figures) -> None:
    people, batch = count(300, 10_000), 10
    chance = dice("F3", "one in ten")
    taker = takers("sendgrid")
    kinds = [
        mishap
        for mishap, _ in sendgrid_mishaps(taker.api)
        if mishap.then != "silence" and "personalizations" not in mishap.body  # names nobody
    ]
    planned = [
        replace(chance.choice(kinds), nth=at)
        for at in range(1, 2 * people // batch)
        if chance.random() < 0.1
    ]
    taker.api.plan(*planned)
    [issue_id] = prepare(site, people)
    work = taker.work(str(site.url), turn_size=batch, connections=2)
    pauses = -1

    while issue_state(site, issue_id) is not IssueState.COMPLETED:
        pauses += 1
        resume(site, issue_id)
        dispatcher_for(work, site).run_once()
        work = work._replace(ahead=work.ahead + LATER)

    found = compare(site, issue_id, taker)
    assert (found.twice, found.lost) == (0, 0)
    assert set(found.states) <= {SUBMITTED, UNKNOWN}
    assert found.states[PENDING] == 0
    figures(
        "F3",
        people=people,
        faults=len(planned),
        runs=pauses,
        twice=0,
        lost=0,
        unknown=found.unknown,
    )
