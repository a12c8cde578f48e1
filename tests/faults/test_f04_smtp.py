"""F4: everything a mail server does wrong: before the data, in it, and about the final dot."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from newsletter import config
from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.providers.base import Answer
from newsletter.providers.smtp import SmtpRelay
from newsletter.tables import IssueState
from subscribers.database import open_engine
from tests.audiences import MONDAY
from tests.contract.vendors import USER, smtp_faults
from tests.faults.answers import PENDING, check_fault, issue_state, states_of
from tests.faults.figures import Figures
from tests.faults.oracle import KEYS, prepare
from tests.faults.receivers import Receiver, receiver
from tests.faults.sizes import SIZE, chosen, dice
from tests.servers.process import trusting
from tests.servers.smtp import Fault, smtp_server

pytestmark = pytest.mark.fault("F4")

PEOPLE = 6
ONCE_A_CONVERSATION = ("connect", "ehlo", "starttls", "auth")


@pytest.fixture(scope="module", params=["PIPELINING", "8BITMIME"])
def taker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Receiver]:
    with receiver("smtp", tmp_path_factory.mktemp("smtp"), USER, (request.param,)) as running:
        yield running


@pytest.fixture
def site(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


def positions_of(fault: Fault) -> list[int]:
    if fault.at in ONCE_A_CONVERSATION:
        return [1]
    return [1, 3, PEOPLE] if SIZE != "sample" else [dice("F4", fault).choice([1, 3, PEOPLE])]


def test_every_reply_at_the_beginning_in_the_middle_and_at_the_end(
    site: Engine, taker: Receiver, figures: Figures, subtests: pytest.Subtests
) -> None:
    unknown = done = 0
    for fault, meaning in chosen("F4", smtp_faults()):
        for nth in positions_of(fault):
            with subtests.test(at=fault.at, reply=fault.reply[:30], then=fault.then, nth=nth):
                taker.forget()
                taker.mail.plan(replace(fault, nth=nth))
                waits = 1.5 if fault.then == "silence" else 10.0
                work = taker.work(str(site.url), username=USER, waits=waits)
                if meaning[0] is Answer.TRY_LATER:  # half of a pace that is set, or of hardly any
                    work = work._replace(per_second=100)
                # A kept conversation may have ended in the quiet between two messages.
                breaks = fault.then == "cut" or fault.reply.startswith("421")
                ended = nth > 1 and breaks and fault.at in ("mail", "rcpt", "data")
                found = check_fault(site, taker, work, meaning, PEOPLE, hit=1, may_heal=ended)
                unknown += found.unknown
                done += 1

    figures("F4", faults=done, people=done * PEOPLE, twice=0, lost=0, unknown=unknown)


def test_encryption_that_somebody_took_out_of_the_conversation_stops_the_issue(
    site: Engine, tmp_path: Path
) -> None:
    [issue_id] = prepare(site, PEOPLE)
    with smtp_server(tmp_path, security="starttls", scripted=True) as server:
        server.plan(Fault("ehlo", "250-mail.example.org\n250 8BITMIME\n"))
        assert server.certificate is not None
        with trusting(server.certificate.authorities):
            relay = SmtpRelay(
                config.Smtp(host=server.host, port=server.port, security="starttls"), ""
            )
            clock = MONDAY.replace(year=2036)
            Dispatcher(site, KEYS, Settings(), relay, lambda: clock).run_once()

    assert server.taken() == []
    assert not any(line.startswith(("MAIL", "DATA")) for line in server.heard())
    assert issue_state(site, issue_id) is IssueState.PAUSED
    assert states_of(site, issue_id) == {PENDING: PEOPLE}
