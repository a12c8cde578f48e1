"""F5: somebody else holds the SQLite file while people ask for pages."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.web import serve
from subscribers import database
from subscribers.database import open_engine
from subscribers.tables import SubscriptionState
from tests.conftest import NOON
from tests.faults.figures import Figures
from tests.faults.sizes import SIZE, count, dice
from tests.pages import add_person, ask, link, post, preferences, site_on, states

pytestmark = pytest.mark.fault("F5")

IMPATIENT = 0.2  # seconds that a sample waits for the lock before it gives up


def test_pages_answer_and_forms_wait_or_say_so(
    sqlite_url: str, tmp_path: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that only reads answers while it is held; a form is done, or refused in words."""
    patience = database.BUSY_TIMEOUT.total_seconds()
    if SIZE == "sample":
        waits = [(patience, 0.05), (IMPATIENT, 2 * IMPATIENT)]
    else:
        chance = dice("F5", "pages")
        holds = [0.1, 2 * patience, *(chance.uniform(0.1, 30) for _ in range(count(0, 4)))]
        waits = [(patience, hold) for hold in holds]
    site = site_on(open_engine(sqlite_url), tmp_path)
    people = [add_person(site, f"reader{n}@example.org") for n in range(len(waits))]
    slowest, refused = 0.0, 0

    with (
        serve(site, lambda: NOON, "127.0.0.1", 0) as running,
        ThreadPoolExecutor(1) as pool,
    ):
        somebody = sqlite3.connect(tmp_path / "newsletter.db", timeout=60, isolation_level=None)
        for (patience, hold), person in zip(waits, people, strict=True):
            monkeypatch.setattr(database, "BUSY_TIMEOUT", timedelta(seconds=patience))
            site.engine.dispose()  # the time-out is a connection's
            ask(running.port, "GET", link(site, person))
            somebody.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            form = pool.submit(post, running.port, link(site, person), "List-Unsubscribe=One-Click")
            for path in (
                link(site, person),
                preferences(site, person),
                "/staff/issues",
                "/healthz",
            ):
                asked = time.monotonic()
                assert ask(running.port, "GET", path).status == 200
                slowest = max(slowest, time.monotonic() - asked)
            if hold > patience:
                form.exception(60)  # it gives up first, however slow the machine is
            time.sleep(max(0.0, began + hold - time.monotonic()))
            assert states(site, person) == [SubscriptionState.ACTIVE]
            somebody.execute("COMMIT")

            answer = form.result(60)
            if hold < patience / 2:
                assert answer.status == 200
            elif hold > patience:
                assert answer.status == 503
            if answer.status == 503:
                refused += 1
                assert answer.headers["retry-after"]
                assert "again" in answer.text
                assert post(running.port, link(site, person)).status == 200
            assert states(site, person) == [SubscriptionState.UNSUBSCRIBED]
        somebody.close()

    site.engine.dispose()
    assert refused >= 1
    longest = max(hold for _, hold in waits)
    figures("F5", holds=len(waits), longest=longest, forms_refused=refused, slowest_page=slowest)
