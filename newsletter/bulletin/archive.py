"""Zip archives from anybody: looked at before anything in them is unpacked."""

import io
import zipfile
import zlib
from types import TracebackType

from newsletter.errors import UnreadableInput

MOST_MEMBERS = 3_000
MOST_UNPACKED = 120_000_000  # bytes
_MOST_GROWTH = 200  # times; a long document grows 10 to 40 times
_GROWTH_COUNTS_FROM = 5_000_000  # bytes unpacked


class Archive:
    """An open archive; what it says of its sizes holds, or reading fails."""

    def __init__(self, source: bytes) -> None:
        """Open an archive that is no bomb.

        Raises:
            UnreadableInput: damaged, locked by a password, or far larger than it looks.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, LookupError):
            raise damaged() from None
        members = self._zip.infolist()
        unpacked = sum(member.file_size for member in members)
        grows = unpacked > _GROWTH_COUNTS_FROM and unpacked > _MOST_GROWTH * len(source)
        if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or grows:
            self._zip.close()
            raise UnreadableInput(
                "The Word file would unpack to far more than it looks: copy its text into a new "
                "document, then try again."
            )
        self.names = {member.filename for member in members}

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a member's bytes.

        Raises:
            UnreadableInput: it is not there, damaged, or locked.
        """
        try:
            return self._zip.read(name)
        except (
            *(KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError),
            *(NotImplementedError, RuntimeError, LookupError),
        ):
            raise damaged() from None


def damaged() -> UnreadableInput:
    """Return the error for a Word file that cannot be taken apart."""
    return UnreadableInput(
        "The Word file is damaged, or locked by a password: open it in Word, save it again as "
        ".docx, then try again."
    )
