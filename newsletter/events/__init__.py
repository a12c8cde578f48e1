"""What becomes of a copy after it was handed over.

store       what comes in, kept before anybody is told that it was
fold        what a set of events means: the same in any order, however often (pure)
apply       the kept events' effects, once: outcomes, unknowns settled, addresses suppressed
bounces     hard bounces: suppressed, or held for a person when they pile up
reconcile   unknowns that no event settled are looked up in the provider's log
returns     mails that came back to the return path, for those who send by SMTP
lists       whom the provider will not mail, pulled before an issue begins

An event is provider, event id, kind, times, delivery, attempt and a sealed body, whoever
tells it and however.
"""

from newsletter.events.apply import apply_waiting
from newsletter.events.bounces import Pile, decide, held
from newsletter.events.lists import lists_are_fresh, lists_wanted, pull_lists
from newsletter.events.reconcile import reconcile
from newsletter.events.returns import Mailbox, take_returns
from newsletter.events.store import keep

__all__ = [
    "Mailbox",
    "Pile",
    "apply_waiting",
    "decide",
    "held",
    "keep",
    "lists_are_fresh",
    "lists_wanted",
    "pull_lists",
    "reconcile",
    "take_returns",
]
