"""Any bytes give a bulletin or one clear error, whatever their ending says they are."""

import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bulletin import READERS, Bulletin, Picture, bulletin_json, read_bulletin
from newsletter.bulletin.feed import read_feed
from newsletter.checks import check
from newsletter.errors import UnreadableInput
from tests.fuzz.seeds import SEEDS
from tests.word_files import paragraph, run, word_file

ENDINGS = sorted(READERS)
FEW = settings(deadline=None, max_examples=60)


def read(source: bytes, ending: str) -> Bulletin | None:
    """Read and look at all of it; None where the file is refused in one sentence."""
    bulletin: Bulletin | None
    try:
        bulletin = read_bulletin(source, f"a{ending}")
    except UnreadableInput as refused:
        sentence = str(refused)
        bulletin = None
    if bulletin is None:
        assert sentence.endswith(".")
        assert sentence.count(". ") <= 1
        return None
    check(bulletin)
    json.dumps(bulletin_json(bulletin))
    numbers = [line.number for line in bulletin.lines]
    assert bulletin.title
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(1 <= one.line <= len(numbers) for one in bulletin.leftovers)
    return bulletin


def changed(source: bytes, cuts: list[tuple[float, float, bytes]]) -> bytes:
    """Put other bytes in the place of some."""
    for at, length, bytes_ in cuts:
        start = int(at * len(source))
        source = source[:start] + bytes_ + source[start + int(length * 40) :]
    return source


SHARES = st.floats(0, 1)
CUTS = st.lists(
    st.tuples(
        SHARES, SHARES, st.binary(max_size=6) | st.sampled_from([b"<p>", b"</", b"&#0;", b'"'])
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("ending", SEEDS)
def test_the_seeds_are_bulletins(ending: str) -> None:
    assert read(SEEDS[ending], ending) is not None


@FEW
@given(st.binary(max_size=200), st.sampled_from(ENDINGS))
def test_any_bytes_of_any_ending(source: bytes, ending: str) -> None:
    read(source, ending)


@FEW
@given(st.sampled_from(sorted(SEEDS)), CUTS)
def test_a_bulletin_with_bytes_changed(ending: str, cuts: list[tuple[float, float, bytes]]) -> None:
    read(changed(SEEDS[ending], cuts), ending)


@FEW
@given(CUTS)
def test_a_word_file_with_its_text_changed(cuts: list[tuple[float, float, bytes]]) -> None:
    with zipfile.ZipFile(io.BytesIO(SEEDS[".docx"])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["word/document.xml"] = changed(members["word/document.xml"], cuts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)

    read(out.getvalue(), ".docx")


TAGS = [
    "p",
    "div",
    "span",
    "b",
    "li",
    "ul",
    "ol",
    "h1",
    "blockquote",
    "pre",
    "table",
    "tr",
    "td",
    "a",
]
HIDING = (
    "<del>{}</del>",
    "<div hidden>{}</div>",
    "<p style='display:none'>{}</p>",
    "<span style='mso-hide:all'>{}</span>",
    "<script>{}</script>",
    "<!--{}-->",
    "<s>{}</s>",
    "<nav>{}</nav>",
)


@FEW
@given(
    st.lists(
        st.sampled_from([*(f"<{tag}>" for tag in TAGS), *(f"</{tag}>" for tag in TAGS), "<br>"])
        | st.sampled_from([" word", " Pray for rain. ", "• ", "\n", "&nbsp;"])
        | st.sampled_from(HIDING).map(lambda hiding: hiding.format("secret")),
        max_size=40,
    )
)
def test_any_mixture_of_tags_is_read_and_nothing_hidden_passes(pieces: list[str]) -> None:
    bulletin = read("".join([*pieces, "word"]).encode(), ".html")

    assert "secret" not in repr(bulletin)


@FEW
@given(
    st.lists(
        st.sampled_from(
            [
                paragraph("word"),
                paragraph("• Pray for rain."),
                paragraph(f"<w:del>{run('secret')}</w:del>"),
                paragraph(run("secret", "<w:vanish/>") + run(" word")),
                f"<w:tbl><w:tr><w:tc>{paragraph('word')}</w:tc></w:tr></w:tbl>",
                paragraph(
                    f"<w:r><w:pict><w:txbxContent>{paragraph('secret')}</w:txbxContent></w:pict></w:r>"
                ),
                paragraph("<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>" + run("word")),
            ]
        ),
        max_size=12,
    )
)
def test_any_mixture_of_paragraphs_is_read_and_nothing_hidden_passes(pieces: list[str]) -> None:
    bulletin = read(word_file(*pieces, paragraph("word")), ".docx")

    assert bulletin is not None
    assert "secret" not in repr(bulletin)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"<html>", b"<?xml version='1.0'?><rss>", b"A "])
def test_fifty_megabytes_are_refused_whatever_they_are(start: bytes) -> None:
    source = start + b"word " * 10_000_000

    for ending in ENDINGS:
        assert read(source, ending) is None


@FEW
@given(st.binary(max_size=200) | CUTS.map(lambda cuts: changed(SEEDS[".xml"], cuts)))
def test_any_bytes_are_a_feed_or_refused(source: bytes) -> None:
    try:
        entries = read_feed(source)
    except UnreadableInput:
        return
    for entry in entries:
        read(entry.source, ".html")


def test_characters_that_turn_the_direction_are_taken_out_and_told() -> None:
    bulletin = read(
        "Title\n\nA \u202esecret\u202c story.\n\n• Pray \u2066now\u2069.".encode(), ".txt"
    )

    assert bulletin is not None
    assert "\u202e" not in json.dumps(bulletin_json(bulletin), ensure_ascii=False)
    (told,) = bulletin.leftovers
    assert (told.kind, told.line, told.count) == ("hidden-text", 3, 4)
    (sentence,) = [each.message for each in check(bulletin) if each.rule == "hidden-text"]
    assert "holds 4 invisible marks that turn the direction of text" in sentence


def test_a_picture_larger_than_the_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.bulletin.pictures.MAX_BYTES", 5)
    source = b"<h1>Title</h1><p>Story.</p><img src='data:image/png;base64,iVBORw0KGgo='>"

    bulletin = read(source, ".html")

    assert bulletin is not None
    assert not any(isinstance(block, Picture) for block in bulletin.blocks)
    assert bulletin.leftovers[0].what.startswith("it is larger than")


@pytest.mark.parametrize("text", ["①", "①\n\nfoo", "Title: ①\n\nfoo", "一、\n\nfoo", "• ①\n• ②"])
def test_a_number_alone_is_a_poor_title_and_no_crash(text: str) -> None:
    bulletin = read_bulletin(text.encode(), "a.txt")

    assert bulletin.title
    assert check(bulletin)
