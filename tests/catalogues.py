"""`make words`: puts every fixed word of the mails into every catalogue.

A new one comes in untranslated; one whose English changed keeps its translation and is marked
fuzzy; one that is gone is taken out.  `tests/test_catalogues.py` holds the files to it.
"""

import io
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from newsletter.rendering.words import TRANSLATED, Words

FOLDER = Path(__file__).parents[1] / "newsletter/rendering/locale"

_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def main() -> int:
    """Write the catalogues anew; 1 where something waits for its translation."""
    missing = 0
    for language in sorted(TRANSLATED):
        path = FOLDER / f"{language}.po"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = updated(before, language)
        path.write_text(after, encoding="utf-8")
        waiting = [m.context for m in messages(after).values() if m.fuzzy or not m.string]
        missing += len(waiting)
        print(f"{path.name}: " + (f"translate {', '.join(map(str, waiting))}" if waiting else "ok"))
    return 1 if missing else 0


def updated(catalogue: str, language: str) -> str:
    """Return the text of a catalogue that holds every word of `Words`, in its order."""
    there = messages(catalogue)
    new = Catalog()
    for name, english, remark in words():
        old = there.get(name)
        flags = set(old.flags) if old else set()
        if old and old.id != english:
            flags.add("fuzzy")
        new.add(
            english,
            old.string if old else "",
            context=name,
            auto_comments=[remark],
            user_comments=old.user_comments if old else (),
            flags=flags - {"python-brace-format"},
        )
    file = io.BytesIO()
    write_po(file, new, width=92, omit_header=True)
    return (
        _HEADER.format(language=language.replace("-", "_"))
        + file.getvalue().decode("utf-8").strip()
        + "\n"
    )


def messages(catalogue: str) -> Mapping[str, Message]:
    """Return what a catalogue holds, by the name of the word."""
    return {str(m.context): m for m in read_po(io.StringIO(catalogue)) if m.context}


def words() -> list[tuple[str, str, str]]:
    """Return name, English and remark of every word."""
    hints = get_type_hints(Words, include_extras=True)
    return [(f.name, str(f.default), hints[f.name].__metadata__[0]) for f in fields(Words)]


if __name__ == "__main__":
    sys.exit(main())
