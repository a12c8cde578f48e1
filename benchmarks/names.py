"""A register of 500 names, places, numbers and links against a bulletin of ten pages.

`python benchmarks/names.py`: how long the check takes, and one look for each name instead.
"""

import random
import re
import tempfile
import time
from pathlib import Path

from measure import print_machine

from newsletter.bulletin import read_bulletin
from newsletter.checks import Facts
from newsletter.checks.names import names_at_risk
from newsletter.names import Kind, Names, Pseudonym

ENTRIES = 500
WORDS = 5_000  # ten pages
ROUNDS = 20
SYLLABLES = ("ka", "mi", "no", "ra", "le", "do", "vi", "shen", "tu", "bao", "wen", "lia", "far")


def word(rng: random.Random) -> str:
    """Return a name nobody has, or a word of nothing."""
    return "".join(rng.choices(SYLLABLES, k=rng.randint(1, 3))).capitalize()


def register(rng: random.Random) -> list[Pseudonym]:
    """Return entries of every kind, most of them names."""
    entries = [
        Pseudonym(Kind.NAME, " ".join(word(rng) for _ in range(rng.randint(2, 3))), "Anna")
        for _ in range(ENTRIES * 7 // 10)
    ]
    entries += [
        Pseudonym(Kind.NAME, "".join(rng.choices("김이박최정민준서연지우하은", k=3)), "Anna")
        for _ in range(ENTRIES // 10)
    ]
    entries += [
        Pseudonym(Kind.PHONE, f"+82 10-{rng.randint(1000, 9999)}-{rng.randint(1000, 9999)}", "")
        for _ in range(ENTRIES // 10)
    ]
    entries += [
        Pseudonym(Kind.LINK, f"{rng.uniform(30, 40):.4f}, {rng.uniform(100, 130):.4f}", "")
        for _ in range(ENTRIES // 20)
    ]
    entries += [
        Pseudonym(Kind.LINK, f"https://maps.example/{rng.getrandbits(40):x}", "")
        for _ in range(ENTRIES // 20)
    ]
    return entries


def main() -> None:
    """Print the figures."""
    print_machine(Path(tempfile.gettempdir()))
    rng = random.Random(7)
    entries = register(rng)
    words = [word(rng) if rng.random() < 0.2 else word(rng).lower() for _ in range(WORDS)]
    text = "\n".join(" ".join(words[n : n + 12]) + "." for n in range(0, WORDS, 12))
    source = f"Ten pages\n\n{text}\n\n* Pray for them at 37.5665, 126.9780.\n* Call 010 1234 5678."
    bulletin = read_bulletin(source.encode(), "letter.txt")

    began = time.perf_counter()
    facts = Facts(names=Names(entries), file_name="letter.txt")
    print(f"compiling {len(entries)} entries: {(time.perf_counter() - began) * 1000:.1f} ms, once")
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        hits = len(list(names_at_risk(bulletin, facts)))
        took.append(time.perf_counter() - began)
    print(f"checking {len(source):,} letters: {min(took) * 1000:.1f} ms ({hits} findings)")
    patterns = [re.compile(rf"\b{re.escape(each.real)}\b", re.IGNORECASE) for each in entries]
    began = time.perf_counter()
    for pattern in patterns:
        pattern.search(source)
    print(f"one look for each, exactly as written: {(time.perf_counter() - began) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
