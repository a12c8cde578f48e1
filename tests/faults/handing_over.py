"""Processes that hand an issue over before its time, or stop it, and can be killed."""

import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from newsletter import config
from newsletter.config import Settings
from newsletter.dispatch import course, due_early, look_after, prepare
from newsletter.dispatch.engine import Dispatcher
from newsletter.issue import Actor, Desk, cancel, pause
from newsletter.providers.sendgrid import SendGrid
from newsletter.providers.sendgrid.holding import SendGridHolding
from newsletter.rendering import Templates
from newsletter.site import shipped_templates
from subscribers.database import open_engine, writing
from subscribers.privacy import Keys
from tests.faults.processes import SITE_KEY
from tests.servers.sendgrid import KEY

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


class Work(NamedTuple):
    """What a process shall do."""

    url: str
    sendgrid: config.SendGrid
    issue_id: int
    failpoint: str = ""
    stop: str = ""  # cancel or pause first
    later: timedelta = timedelta()  # than now


def run(work: Work) -> int | None:
    """Do the work in a process of its own; return how it ended."""
    process = _processes.Process(target=do, args=(work,), daemon=True)
    process.start()
    process.join(60)
    return process.exitcode


def do(work: Work) -> None:
    """Do what the service does, once."""
    os.environ["NEWSLETTER_FAILPOINT"] = work.failpoint
    keys, engine = Keys(SITE_KEY), open_engine(work.url)
    settings = Settings(provider=config.Provider(kind="sendgrid", sendgrid=work.sendgrid))
    holding = SendGridHolding(work.sendgrid, KEY)
    provider = SendGrid(work.sendgrid, KEY)
    provider.connections = 1

    def clock() -> datetime:
        return datetime.now(UTC) + work.later

    if work.stop:
        act = {"cancel": cancel, "pause": pause}[work.stop]
        desk = Desk(keys, settings, Templates((shipped_templates(),)))
        with writing(engine) as session:
            act(session, desk, work.issue_id, Actor("ruth@example.org", "command"), clock())
    look_after(engine, keys, settings, holding, clock)
    prepare(engine, holding, clock())
    Dispatcher(
        engine,
        keys,
        settings,
        provider,
        clock,
        due=lambda session, now: [*course.due_issues(session, now), *due_early(session, now)],
    ).run_once()
    engine.dispose()
