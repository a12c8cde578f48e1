"""A decision, on record: drafts, approvals, times, pauses.

Functions take a `Session` and join the caller's transaction.
"""

from newsletter.issue.bulletins import (
    UNSENT,
    already_sent_at,
    find_bulletin,
    findings_of,
    name_and_source,
    names_found,
    read_stored,
)
from newsletter.issue.decisions import (
    LATE_BY,
    Added,
    Cancelled,
    Named,
    add_bulletin,
    approve,
    cancel,
    count_approvals,
    draft,
    findings,
    hold_named,
    move,
    pause,
    restyle,
    resume,
    schedule,
)
from newsletter.issue.desk import (
    Actor,
    Blocked,
    Desk,
    desk_for_stopping,
    local_day,
    local_time,
    lock_issue,
    lock_list,
    open_desk,
    record,
)
from newsletter.issue.editions import first_in_style, stored_email, style_of, weigh
from newsletter.issue.late import begun_without
from newsletter.issue.readers import languages_written
from newsletter.issue.view import EditionView, IssueView, describe
from newsletter.issue.waivers import Waiver, waivers_in, waivers_of
from newsletter.issue.waiving import Waived, waive
from newsletter.issue.wording import blocking_lines, blocking_sentences

__all__ = [
    "LATE_BY",
    "UNSENT",
    "Actor",
    "Added",
    "Blocked",
    "Cancelled",
    "Desk",
    "EditionView",
    "IssueView",
    "Named",
    "Waived",
    "Waiver",
    "add_bulletin",
    "already_sent_at",
    "approve",
    "begun_without",
    "blocking_lines",
    "blocking_sentences",
    "cancel",
    "count_approvals",
    "describe",
    "desk_for_stopping",
    "draft",
    "find_bulletin",
    "findings",
    "findings_of",
    "first_in_style",
    "hold_named",
    "languages_written",
    "local_day",
    "local_time",
    "lock_issue",
    "lock_list",
    "move",
    "name_and_source",
    "names_found",
    "open_desk",
    "pause",
    "read_stored",
    "record",
    "restyle",
    "resume",
    "schedule",
    "stored_email",
    "style_of",
    "waive",
    "waivers_in",
    "waivers_of",
    "weigh",
]
