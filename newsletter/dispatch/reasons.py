"""Each reason in words, for staff."""

from collections.abc import Mapping

from newsletter.tables import Reason

SENTENCES: Mapping[Reason, str] = {
    Reason.UNSUBSCRIBED: "Left the list.",
    Reason.SUPPRESSED: "The address is never to be mailed.",
    Reason.ALREADY_RECEIVED: "Received this bulletin through another issue.",
    Reason.CANCELLED: "The issue was cancelled before their turn.",
    Reason.NO_DISCREET_EDITION: "Reads the discreet mail, and there was none at their turn.",
    Reason.ADDRESS_REFUSED: "The provider refused the address.",
    Reason.MESSAGE_REFUSED: "The provider refused the message.",
    Reason.GAVE_UP: "The provider put it off until the tries were used up.",
    Reason.ADDRESS_UNUSABLE: "No provider can take this address: correct it.",
    Reason.DROPPED: "The provider took it, and told later that it did not send it.",
    Reason.LEFT_ALONE: "Nobody could tell whether it arrived; staff left it at that.",
    Reason.ANSWER_LOST: "The connection broke after the message had left: it may have arrived.",
    Reason.PROCESS_DIED: "The program ended before the answer came: it may have arrived.",
    Reason.PUT_BACK: "The database was put back from a copy: it may have gone out since.",
    Reason.TRY_LATER: "The provider asked to try again later.",
    Reason.OVER_QUOTA: "The provider dropped it: the quota of our account was used up.",
    Reason.COUNTED_RECEIVED: "Nobody could tell whether it arrived; staff counted it as received.",
}
