"""From a decision to one copy for each person, once.

freeze      to whom, fixed in one transaction: a delivery for everyone, batches
ledger      the statements of the normal way: claim, turn, release
undo        what is taken back of a commit of which nobody knows whether it happened
sweep       what is taken back from processes that are gone
course      an issue stopped, completed, and how far it is
handover    issues that the provider gets before their time and holds until then
trial       the first hundred of an issue, who go alone
pace        how fast a provider is fed: limits, slowing down, doubts (pure)
gate        the statements of the pace, in the transaction of a turn
retry       what an answer makes of a delivery, and when it is tried again (pure)
received    who has the same bulletin already
worker      which processes live: a row and a lock for each
jobs        the bell that calls workers on other machines (PostgreSQL only)
people      the recipients of a batch, read and opened
forms       the message form of each edition
writer      the one thread that commits, many requests at a time
engine      the Dispatcher: threads that claim, intend, submit and record
sample      one copy to one person of the staff, counted nowhere
settle      what people decide about the unknown
rest        one more go for those whom an issue did not reach
extra       one more copy for one person
reopen      an issue that was over is sent again
restored    a copy of the database takes the original's place
reasons     each reason in words, for staff
failpoint   places where the crash tests end the process

The order of events for one delivery never changes: *claim* (a lease, no trace in the
delivery), *intend* (durable, before the first byte), *submit*, *record* (together with the
next intent).  A crash leaves pending rows pending and rows in flight unknown.
"""

from newsletter.dispatch.engine import Dispatcher, Progress, Tally
from newsletter.dispatch.extra import submit_copy
from newsletter.dispatch.freeze import freeze
from newsletter.dispatch.handover import due_early, look_after, prepare, stop_held
from newsletter.dispatch.jobs import answering_calls, call_workers
from newsletter.dispatch.rest import Rest, send_rest, send_to_joined, the_rest
from newsletter.dispatch.sample import submit_sample
from newsletter.dispatch.settle import Settled, TreatAs, Unknowns, find_person, settle, unknowns
from newsletter.dispatch.worker import judge_from_outside

__all__ = [
    "Dispatcher",
    "Progress",
    "Rest",
    "Settled",
    "Tally",
    "TreatAs",
    "Unknowns",
    "answering_calls",
    "call_workers",
    "due_early",
    "find_person",
    "freeze",
    "judge_from_outside",
    "look_after",
    "prepare",
    "send_rest",
    "send_to_joined",
    "settle",
    "stop_held",
    "submit_copy",
    "submit_sample",
    "the_rest",
    "unknowns",
]
