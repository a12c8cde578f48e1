"""The prayer points: whether each says something, once, and whether one was overlooked."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from newsletter.bulletin import Bulletin, Paragraph, PrayerPoint
from newsletter.bulletin.days import label_of
from newsletter.bulletin.marks import mark_of
from newsletter.bulletin.prose import sentences
from newsletter.bulletin.words import Words, folded, words_of
from newsletter.checks.model import Finding, Mend
from newsletter.checks.phrases import POLITE, VERB_LAST
from newsletter.checks.reading import few_words
from newsletter.checks.rules import remark

_FEW = 6  # words: shorter points may be the same under two headings or on two days
_SHORT = 3  # signs of Chinese or Korean that say no more than "Pray for"
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ENDING = 6  # letters that may follow the verb: "해 주십시오"
_LEAST_ASKED = 5  # words of a sentence that asks for something in particular
_SIGN = re.compile(r"(\s*)([•●▪▫▶►◆◇·∙‣⁃◦○■□★☆✓✔➤➢➔❖✦✝\uf0b7\uf0a7\uf0d8]|[-–—*+](?=\s|$))")
_NUMBER_ALONE = re.compile(r"\s\(?\d{1,2}[.)]$")  # of an empty point that follows
_SIGN_ALONE = re.compile(rf"(?:{_SIGN.pattern}|\s*\(?\d{{1,2}}[.)])\s*(?:…|\.{{1,3}})?\s*")


def no_prayer_points(bulletin: Bulletin) -> Iterator[Finding]:
    """A bulletin without anything to pray for."""
    if not bulletin.points:
        yield remark(
            "no-prayer-points",
            1,
            "No prayer points were found: write each on a line of its own that begins with • "
            "or -, under a heading such as Prayer points.",
        )


# --- points that say nothing -------------------------------------------------------------


def empty_points(bulletin: Bulletin) -> Iterator[Finding]:
    """A sign, a day or "Pray for" with nothing behind it."""
    words = words_of(bulletin.language)
    for point in bulletin.points:
        if _says_nothing(point.text, words):
            yield remark(
                "empty-point",
                point.line,
                f"The prayer point in line {point.line} says no more than {few_words(point.text)}: "
                "finish it or delete it.",
            )
    yield from _signs_alone(bulletin)


def _says_nothing(text: str, words: Words) -> bool:
    label = label_of(text, words)
    if label and not any(character.isalnum() for character in label.rest):
        return True
    name = folded(text.strip(" :：–—-…"))
    if _EAST_ASIAN.search(name) and len(name) > _SHORT:
        return False  # "为雨祷告" may head a list, and is a prayer point all the same
    # With its full stop "Pray." is a sentence, however short.
    return not name or any(
        pattern.fullmatch(name) for pattern in (words.prayer_heading, words.thanks_heading)
    )


def _signs_alone(bulletin: Bulletin) -> Iterator[Finding]:
    """Signs beside a prayer point with no words in their line: none of the readers keeps them."""
    starts = {point.line for point in bulletin.points}
    filled = [line for line in bulletin.lines if line.text.strip()]
    for before, line, after in zip([None, *filled], filled, [*filled[1:], None], strict=False):
        if line.number in starts or not _SIGN_ALONE.fullmatch(line.text):
            continue
        neighbours = [near for near in (before, after) if near and near.number in starts]
        if any(_begins_alike(line.text, near.text) for near in neighbours):
            number = line.number
            # The words in the next line may be those that belong to it.
            parted = after is None or after.number > number + 1 or after.number in starts
            yield remark(
                "empty-point",
                number,
                f"Line {number} begins a prayer point and says nothing: write the words behind "
                "the sign, or delete the line.",
                mend=Mend(number, line.text, None, "a sign alone removed") if parted else None,
            )


def _begins_alike(one: str, other: str) -> bool:
    first, second = _SIGN.match(one), _SIGN.match(other)
    if first is None or second is None:
        return first is second is None and other.strip()[:1].isdigit()
    return first[2] == second[2]


# --- points that say the same ------------------------------------------------------------


def duplicate_points(bulletin: Bulletin) -> Iterator[Finding]:
    """The same words twice."""
    first: dict[tuple[str, ...], PrayerPoint] = {}
    for point in bulletin.points:
        words = re.findall(r"\w+", _NUMBER_ALONE.sub("", point.text).casefold())
        apart = () if len(words) >= _FEW else (point.group or "", point.date or "")
        earlier = first.setdefault((*words, "|", *apart), point)
        if earlier is not point and words:
            yield remark(
                "duplicate-point",
                point.line,
                f"The prayer point in line {point.line} says the same as the one in line "
                f"{earlier.line} ({few_words(point.text)}): delete one of them.",
            )


# --- signs -------------------------------------------------------------------------------


def list_style(bulletin: Bulletin) -> Iterator[Finding]:
    """One list whose points begin with different signs, so that one may be read as no point."""
    texts = {line.number: line.text for line in bulletin.lines}
    for run in _runs(bulletin):
        signs = list(_signs(run, texts, words_of(bulletin.language)))
        usual = Counter(sign for _, sign in signs).most_common(1)
        if len(signs) < len(run) or not usual or (usual[0][1] == 1 and len(signs) > 2):
            continue  # numbers, days or no signs at all; or every one another, which is meant
        for line, sign in signs:
            if sign != usual[0][0]:
                yield _other_sign(line, sign, usual[0][0], texts[line])


def _signs(
    run: Sequence[PrayerPoint], texts: Mapping[int, str], words: Words
) -> Iterator[tuple[int, str]]:
    """Yield the signs of points, and of lines within them that begin as points do."""
    starts = [point.line for point in run]
    for number in starts:
        found = _SIGN.match(texts.get(number, ""))
        if found is None:
            continue
        yield number, found[2]
        inner = number + 1
        while inner not in starts and texts.get(inner, "").strip():
            also = _SIGN.match(texts[inner])
            if also and also[1] == found[1] and _begins_with_a_verb(texts[inner], words):
                yield inner, also[2]
            inner += 1


def _begins_with_a_verb(line: str, words: Words) -> bool:
    mark = mark_of(line, words)
    return mark is not None and any(
        pattern.match(folded(mark.rest)) for pattern in (words.petition, words.thanks)
    )


def _other_sign(line: int, sign: str, usual: str, text: str) -> Finding:
    place = text.index(sign)
    # Behind • no space is needed, behind - it is.
    behind = text[place + 1 :] if text[place + 1 :][:1].isspace() else " " + text[place + 1 :]
    return remark(
        "list-style",
        line,
        f"The prayer point in line {line} begins with {sign}, others of its list with {usual}: "
        "use one sign, so that all are read as one list.",
        mend=Mend(line, text, text[:place] + usual + behind, f"{sign} became {usual}"),
    )


def _runs(bulletin: Bulletin) -> Iterator[Sequence[PrayerPoint]]:
    """Yield points that follow on each other with nothing else between them."""
    others = sorted(block.line for block in bulletin.blocks)
    run: list[PrayerPoint] = list(bulletin.points[:1])
    for before, point in pairwise(bulletin.points):
        parted = any(before.line < other < point.line for other in others)
        if parted or before.group != point.group:
            yield run
            run = []
        run.append(point)
    yield run


# --- a point that was overlooked ---------------------------------------------------------


def prose_petitions(bulletin: Bulletin) -> Iterator[Finding]:
    """The story asks, and no prayer point does."""
    if not bulletin.points or not bulletin.blocks:
        return
    words = words_of(bulletin.language)
    starts = [point.line for point in bulletin.points]
    following = [*(block.line for block in bulletin.blocks[1:]), max(starts) + 1]
    for block, end in zip(bulletin.blocks, following, strict=True):
        if not isinstance(block, Paragraph) or block.text.endswith((":", "：")):
            continue
        found = sentences(block.text, bulletin.language)
        introduces = len(found) == 1 and any(block.line < start <= end for start in starts)
        asked = [sentence for sentence in found if _asks(sentence, words, bulletin.language)]
        if asked and not introduces:
            yield remark(
                "prose-petition-found",
                block.line,
                f"The story asks for prayer in line {block.line} ({few_words(asked[0])}): make it "
                "a prayer point too if nobody should miss it.",
            )


def _asks(sentence: str, words: Words, language: str) -> bool:
    if not words.known or mark_of(sentence, words) is not None:
        return False
    sentence = folded(sentence)
    found = words.petition.search(sentence)
    if found is None or _is_short(sentence):
        return False
    if language.partition("-")[0].lower() in VERB_LAST:
        return sum(character.isalnum() for character in sentence[found.end() :]) <= _ENDING
    return POLITE.fullmatch(sentence[: found.start()]) is not None


def _is_short(sentence: str) -> bool:
    """Whether it only says "Please pray with us"; writing without spaces is counted by signs."""
    signs = len(_EAST_ASIAN.findall(sentence))
    return len(sentence.split()) < _LEAST_ASKED and signs < 2 * _LEAST_ASKED
