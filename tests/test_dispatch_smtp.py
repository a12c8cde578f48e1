"""The dispatcher and a mail server with PIPELINING: an envelope that goes ahead binds nobody."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import select

from newsletter.config import Settings
from newsletter.dispatch.engine import Dispatcher
from newsletter.message import MessageForm, Recipient
from newsletter.providers.base import Connection, Intent, Outcome
from newsletter.providers.smtp import SmtpRelay
from newsletter.tables import DeliveryState
from subscribers.consent import unsubscribe
from subscribers.database import open_engine, reading, writing
from subscribers.privacy import Keys
from subscribers.tables import Subscription
from tests.audiences import MONDAY, add_issue, add_list, add_people, address_of, states_of
from tests.servers.smtp import Fault, SmtpServer, smtp_server

SUBMITTED, EXCLUDED, FAILED = (
    DeliveryState.SUBMITTED,
    DeliveryState.EXCLUDED,
    DeliveryState.FAILED,
)
PEOPLE = 30


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    folder = tmp_path_factory.mktemp("smtp")
    with smtp_server(folder, scripted=True, offers=("PIPELINING",)) as server:
        yield server


@pytest.fixture
def server(running: SmtpServer) -> SmtpServer:
    running.forget()
    return running


class Watched(SmtpRelay):
    """The relay, and something that happens after a hand-over, with whoever went ahead."""

    then: Callable[[Recipient], None]

    def connect(self) -> Connection:  # type: ignore[override]  # all that the dispatcher uses
        return _Watched(super().connect(), self.then)


class _Watched:
    def __init__(self, inner: Connection, then: Callable[[Recipient], None]) -> None:
        self._inner = inner
        self._then = then
        self.close = inner.close

    def submit(
        self,
        form: MessageForm,
        recipients: Sequence[Recipient],
        intent: Intent,
        ahead: Recipient | None = None,
    ) -> list[Outcome]:
        outcomes = self._inner.submit(form, recipients, intent, ahead)
        if ahead:
            self._then(ahead)
        return outcomes


def test_who_leaves_when_their_envelope_is_out_gets_nothing(
    sqlite_url: str, keys: Keys, server: SmtpServer
) -> None:
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        list_id = add_list(session)
        add_people(session, keys, list_id, PEOPLE)
        issue_id = add_issue(session, keys, list_id)
    gone: list[str] = []

    def leave(ahead: Recipient) -> None:
        if len(gone) < 3 and ahead.delivery_id % 4 == 0:
            gone.append(ahead.address)
            number = next(n for n in range(PEOPLE + 1) if address_of(n) == ahead.address)
            with writing(engine) as session:
                subscription = session.scalars(
                    select(Subscription.id).where(Subscription.subscriber_id == number)
                ).one()
                unsubscribe(session, subscription, "link", MONDAY)

    relay = Watched(server.settings(), "")
    relay.then = leave
    server.plan(Fault("rcpt", "550 5.1.1 no\n", to=address_of(7)))

    Dispatcher(engine, keys, Settings(), relay, lambda: MONDAY).run_once()

    with reading(engine) as session:
        states = states_of(session, issue_id)
    engine.dispose()
    assert states == {SUBMITTED: PEOPLE - 4, EXCLUDED: 3, FAILED: 1}
    taken = Counter(message.recipients[0] for message in server.taken())
    everyone = {address_of(number) for number in range(1, PEOPLE + 1)}
    assert taken == dict.fromkeys(everyone - {*gone, address_of(7)}, 1)
    assert set(server.abandoned()) <= {(address, 0) for address in gone}
