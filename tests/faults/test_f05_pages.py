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

PATIENCE = 0.2  # seconds that a sample waits for the lock, a hundredth of what the product does


def test_pages_answer_and_forms_wait_or_say_so(
    sqlite_url: str, tmp_path: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that only reads answers while it is held; a form is done, or refused in words."""
    chance = dice("F5", "pages")
    if SIZE == "sample":
        monkeypatch.setattr(database, "BUSY_TIMEOUT", timedelta(seconds=PATIENCE))
        holds = [PATIENCE / 4, 3 * PATIENCE]
    else:
        holds = [0.1, 30.0, *(chance.uniform(0.1, 30) for _ in range(count(0, 4)))]
    patience = database.BUSY_TIMEOUT.total_seconds()
    site = site_on(open_engine(sqlite_url), tmp_path)
    people = [add_person(site, f"reader{n}@example.org") for n in range(len(holds))]
    slowest, refused = 0.0, 0

    with (
        serve(site, lambda: NOON, "127.0.0.1", 0) as running,
        ThreadPoolExecutor(1) as pool,
    ):
        ask(running.port, "GET", link(site, people[0]))
        somebody = sqlite3.connect(tmp_path / "newsletter.db", timeout=60, isolation_level=None)
        for hold, person in zip(holds, people, strict=True):
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
            time.sleep(max(0.0, began + hold - time.monotonic()))
            assert states(site, person) == [SubscriptionState.ACTIVE]
            somebody.execute("COMMIT")

            answer = form.result(60)
            assert answer.status in ((200,) if hold < patience / 2 else (200, 503))
            if answer.status == 503:
                refused += 1
                assert answer.headers["retry-after"]
                assert "again" in answer.text
                assert post(running.port, link(site, person)).status == 200
            assert states(site, person) == [SubscriptionState.UNSUBSCRIBED]
        somebody.close()

    site.engine.dispose()
    assert refused >= 1
    figures("F5", holds=len(holds), longest=max(holds), forms_refused=refused, slowest_page=slowest)
