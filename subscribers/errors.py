"""The one error base, shared by both packages."""


class Problem(Exception):
    """Something a person can put right.

    The message is one sentence: what, where, what to do.  It names no address, no
    person and no prayer text, so that it may be shown and logged.
    """


class UnreadableInput(Problem):
    """A file or an argument cannot be used at all; commands end with status 2."""
