"""The long-running service: scheduler, dispatcher and web in one process.

The alarm clock only rings; everything it starts reads the database and may run late,
twice, or beside another process without harm.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.dispatch import Dispatcher, Left
from newsletter.intake import Intake
from newsletter.notices import submit_notices
from newsletter.providers import provider_for
from newsletter.rendering import Templates
from newsletter.schedule import AlarmClock, look_at_slots, plan_slots
from newsletter.site import Site
from newsletter.web import serve
from subscribers.database import writing

log = logging.getLogger(__name__)

LOOK_FOR_BULLETINS = timedelta(seconds=2)
LOOK_AT_SLOTS = timedelta(seconds=15)
PLAN_SLOTS = timedelta(hours=1)
SUBMIT_NOTICES = timedelta(seconds=15)


class Service:
    """One process of a site.  `clock` tells the time of day; tests bring their own."""

    def __init__(self, site: Site, clock: Callable[[], datetime], web: bool = True) -> None:
        self.site = site
        self.clock = clock
        self.web = web
        self.templates = Templates(site.template_folders)
        self.provider = provider_for(site)
        self.intake = Intake(site, self.templates)
