"""A mailbox as a Maildir on this machine.

What is in `new/` waits for us.  What we understood becomes read (`cur/`, flag S); the rest
stays unread in `cur/` for a person, and is not looked at again.  Nothing is deleted.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from newsletter.providers.base import in_words
from newsletter.providers.reported import NoAnswer
from newsletter.providers.returns.reading import MOST_BYTES


class Maildir:
    """The Maildir that the mail server of this machine fills."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._closed = False

    def waiting(self, at_once: int) -> Iterator[list[tuple[str, bytes]]]:
        """Yield name and beginning of every mail that came since the last time, some at once.

        Raises:
            NoAnswer: the folder cannot be read.
        """
        try:
            with os.scandir(self._folder / "new") as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if entry.is_file(follow_symlinks=False) and not entry.name.startswith(".")
                )
            while names and not self._closed:
                yield [
                    (name, mail)
                    for name in names[:at_once]
                    if (mail := self._read(name)) is not None
                ]
                del names[:at_once]
        except OSError as error:
            raise _no_answer(error) from None

    def file(self, understood: Sequence[str], left: Sequence[str]) -> None:
        """Put mails away, those `understood` as read; harmless twice.

        Raises:
            NoAnswer: they cannot be moved.
        """
        try:
            for names, flags in ((understood, "S"), (left, "")):
                for name in names:
                    self._move(name, flags)
        except OSError as error:
            raise _no_answer(error) from None

    def close(self) -> None:
        """Stop at the next mail; may be called from another thread."""
        self._closed = True

    def _read(self, name: str) -> bytes | None:
        try:
            with (self._folder / "new" / name).open("rb") as file:
                return file.read(MOST_BYTES)
        except FileNotFoundError:
            return None  # another process has it

    def _move(self, name: str, flags: str) -> None:
        try:
            (self._folder / "new" / name).rename(
                self._folder / "cur" / f"{name.partition(':')[0]}:2,{flags}"
            )
        except FileNotFoundError:
            if not (self._folder / "cur").is_dir():
                raise


def _no_answer(error: OSError) -> NoAnswer:
    return NoAnswer(
        f"The mailbox of bounces cannot be used ({in_words(error)}): correct maildir under "
        "[bounces], and let this program read and move what is in it."
    )
