"""What it costs to find references in a text of ten pages, and to compare a quotation.

    .venv/bin/python benchmarks/scripture.py

Prints milliseconds of processor time: the first look at a language (its table is made ready),
ten pages with each language's table, a quotation whose reference is right, and one for which the
whole Bible is searched.
"""

import time
from collections.abc import Callable

from newsletter.scripture import find_references, reference_name
from newsletter.scripture.names import LANGUAGES
from newsletter.verses import VerseIndex, open_verses

SENTENCE = "On 3 May 2026 at 10:30 the 40 families of the valley met again, and 12 children sang. "
WORDS = "Be strong and brave; do not be afraid, for your God goes with you, passage {}."


def milliseconds(act: Callable[[], object], rounds: int = 7) -> float:
    """Return the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return best * 1000


def ten_pages(language: str) -> str:
    """Return about 5,000 words with twenty references."""
    page = SENTENCE * 15
    names = [reference_name(f"Ps.{n}.1", language) for n in range(1, 21)]
    return "".join(f"{page} ({name}). " for name in names)


def main() -> None:
    """Measure and print."""
    for language in LANGUAGES:
        text = ten_pages(language)
        first = milliseconds(lambda code=language: find_references("1", code), 1)  # type: ignore[misc]
        each = milliseconds(lambda code=language, t=text: find_references(t, code))  # type: ignore[misc]
        print(f"{language}: {first:5.1f} ms to make ready, {each:5.1f} ms for ten pages")
    found = open_verses()
    if found is None:
        print("quotations: the extra scripture is not installed")
        return
    index = VerseIndex(found.file)
    numbers = iter(range(1_000_000))

    def compare(osis: str) -> None:
        index.compare((osis,), WORDS.format(next(numbers)))  # new words: nothing is remembered

    print(f"a quotation from where it says: {milliseconds(lambda: compare('Josh.1')):.1f} ms")
    print(f"a quotation from anywhere: {milliseconds(lambda: compare('Obad.1.2')):.1f} ms")


if __name__ == "__main__":
    main()
