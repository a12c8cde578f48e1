"""`make corpus`: how much of the corpus is read right, and how much of what is read is right."""

import sys
from collections import defaultdict
from collections.abc import Iterator

from newsletter.errors import UnreadableInput
from tests.corpus import (
    Row,
    Rows,
    Sample,
    Tally,
    found,
    out_of_place,
    outside,
    right,
    right_outside,
    right_suggestions,
    samples,
)

Tallies = dict[str, Tally]


def main() -> int:
    """Print the figures; 1 where a point or a passage is not right, or a blocker is false."""
    tallies: dict[str, Tallies] = defaultdict(lambda: defaultdict(Tally))
    differences: list[str] = []
    false_blockers = 0
    for sample in samples():
        told, expected = _told(sample, differences), right(sample)
        for way, key in (("language", sample.language), ("format", sample.format)):
            tallies[f"points by {way}"][key].add(expected.points, told.points)
            tallies[f"references by {way}"][key].add(expected.passages, told.passages)
        for rule in {row[2] for row in (*expected.findings, *told.findings)}:
            tallies["findings by rule (place and severity too)"][rule].add(
                _of(rule, expected.findings), _of(rule, told.findings)
            )
        false_blockers += len(
            [row for row in told.findings if row[1] == "blocker" and row not in expected.findings]
        )
        differences += _differences(sample, expected, told)
    print(f"{len(samples())} bulletins, {_count('language')} languages, {_count('format')} formats")
    for name, rows in tallies.items():
        _print_table(name, rows)
    print(f"\nfalse blockers: {false_blockers}")
    if differences:
        print("\nnot as it should be (- right, + found):", *differences, sep="\n")
    exact = all(
        tally.perfect
        for name, rows in tallies.items()
        if not name.startswith("findings")
        for tally in rows.values()
    )
    return 0 if exact and not false_blockers else 1


def _told(sample: Sample, differences: list[str]) -> Rows:
    try:
        bulletin = sample.read()
    except UnreadableInput as error:
        differences.append(f"{sample.name}: not read: {error}")
        return Rows([], [], [])
    told, expected = outside(bulletin), right_outside(sample)
    differences += (
        f"{sample.name}: {key}\n  - {expected[key]}\n  + {told[key]}"
        for key in told
        if told[key] != expected[key]
    )
    differences += (f"{sample.name}: {what}" for what in out_of_place(sample, bulletin))
    suggested = {s.osis: s.suggestion for s in bulletin.scriptures if s.suggestion}
    if suggested != right_suggestions(sample):
        differences.append(
            f"{sample.name}: suggestions\n  - {right_suggestions(sample)}\n  + {suggested}"
        )
    return found(sample, bulletin)


def _of(rule: str, findings: list[Row]) -> list[Row]:
    return [row for row in findings if row[2] == rule]


def _differences(sample: Sample, expected: Rows, told: Rows) -> Iterator[str]:
    for name in ("points", "passages", "findings"):
        missing = [row for row in getattr(expected, name) if row not in getattr(told, name)]
        wrong = [row for row in getattr(told, name) if row not in getattr(expected, name)]
        if missing or wrong:
            rows = [*(("-", row) for row in missing), *(("+", row) for row in wrong)]
            lines = [f"  {sign} {' | '.join(row)}" for sign, row in rows]
            yield "\n".join([f"{sample.name}: {name}", *lines])


def _count(what: str) -> int:
    return len({getattr(sample, what) for sample in samples()})


def _print_table(name: str, rows: Tallies) -> None:
    print(f"\n{name:42} {'right':>6} {'found':>6} {'precision':>10} {'recall':>7}")
    total = Tally()
    for key, tally in sorted(rows.items()):
        total.right, total.found, total.both = (
            total.right + tally.right,
            total.found + tally.found,
            total.both + tally.both,
        )
        _print_row(f"  {key}", tally)
    _print_row("  all", total)


def _print_row(name: str, tally: Tally) -> None:
    print(f"{name:42} {tally.right:6} {tally.found:6} {tally.precision:10.1%} {tally.recall:7.1%}")


if __name__ == "__main__":
    sys.exit(main())
