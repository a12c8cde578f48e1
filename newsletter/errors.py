"""What can go wrong that a person can put right.  The base is shared with `subscribers`."""

from subscribers.errors import Problem, UnreadableInput

__all__ = ["NotAllowed", "NotFound", "Problem", "UnreadableInput"]


class NotFound(Problem):
    """The thing named on the command line or in an address does not exist."""


class NotAllowed(Problem):
    """The answer is no: a blocker, a missing approval, a state that does not permit it.

    Commands end with status 1.
    """
