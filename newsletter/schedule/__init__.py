"""When: cadences, slots, and the alarm clock.

The truth is in tables: a cadence is a weekday and a local time in a zone, a slot is one of
its dates, for ever unique.  The alarm clock only says that it is time to look; every look
is harmless late, twice, or from two processes.
"""

from newsletter.schedule.alarm import AlarmClock
from newsletter.schedule.cadence import (
    Cadence,
    When,
    parse_cadence,
    parse_when,
    slot_at,
    slots_from,
)
from newsletter.schedule.slots import (
    Slot,
    SlotView,
    cadence_of,
    fill,
    next_free_slot,
    plan_slots,
    set_cadence,
    skip_dates,
    slots_view,
)
from newsletter.schedule.timing import (
    draft_at,
    look_at_slots,
    move_to,
    schedule_at,
    start_due,
    tell_clock_was_set,
)

__all__ = [
    "AlarmClock",
    "Cadence",
    "Slot",
    "SlotView",
    "When",
    "cadence_of",
    "draft_at",
    "fill",
    "look_at_slots",
    "move_to",
    "next_free_slot",
    "parse_cadence",
    "parse_when",
    "plan_slots",
    "schedule_at",
    "set_cadence",
    "skip_dates",
    "slot_at",
    "slots_from",
    "slots_view",
    "start_due",
    "tell_clock_was_set",
]
