import io
import struct
import zipfile
from pathlib import Path

import docx
import pytest
from docx.document import Document

from newsletter.bulletin import LARGEST_BYTES, Bulletin, Picture, read_bulletin
from newsletter.bulletin.archive import MOST_MEMBERS
from newsletter.bulletin.word_package import DEEPEST
from newsletter.errors import UnreadableInput
from tests.test_bulletin import points, story
from tests.test_bulletin_web_page import picture, told
from tests.word_files import drawn, paragraph, run, word_file

TEXT_BOX = f"<w:txbxContent>{paragraph('secret')}</w:txbxContent>"


def read(*paragraphs: str, **parts: str | bytes) -> Bulletin:
    """Read a bulletin whose title and first paragraph are there already."""
    before = paragraph("Title", "T"), paragraph("A story.")
    return read_bulletin(word_file(*before, *paragraphs, parts=parts), "a.docx")


def saved(document: Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture
def letter() -> bytes:
    """As Word would write it: styles, real lists, properties, a header."""
    document = docx.Document()
    document.add_paragraph("The hills", "Title")
    document.add_heading("Story", 1)
    story_ = document.add_paragraph("We met ")
    story_.add_run("secret").font.hidden = True
    story_.add_run("gladly.")
    document.add_paragraph("Said one.", "Quote")
    document.add_heading("Prayer points", 2)
    rain = document.add_paragraph("", "List Bullet")
    rain.add_run("Rain.").bold = True
    rain.add_run(" Pray for rain.")
    document.add_paragraph("In the north.", "List Bullet 2")
    document.add_paragraph("Pray for sun.", "List Bullet")
    document.add_paragraph("• Praise God.")
    table = document.add_table(2, 2)
    table.cell(0, 0).text = table.cell(0, 1).text = table.cell(1, 0).text = "secret"
    document.core_properties.author = "Jo Smith"
    document.core_properties.last_modified_by = "Al Smith"
    document.sections[0].header.paragraphs[0].text = "secret"
    return saved(document)


def test_a_word_file_is_read_with_its_headings_lists_and_bold_leads(letter: bytes) -> None:
    bulletin = read_bulletin(letter, "letter.DOCX")

    assert bulletin.title == "The hills"
    assert story(bulletin) == ["## Story", ". We met gladly.", "> Said one."]
    assert points(bulletin) == [
        "Rain. Pray for rain. In the north.",
        "Pray for sun.",
        "Praise God.",
    ]
    assert [point.lead for point in bulletin.points] == ["Rain.", "Pray for sun.", "Praise God."]
    assert [point.line for point in bulletin.points] == [6, 8, 9]
    assert bulletin.lines[8].text == "• Praise God."


def test_what_a_word_file_hides_or_cannot_give_is_told_and_never_passes(letter: bytes) -> None:
    bulletin = read_bulletin(letter, "letter.docx")

    assert "secret" not in repr(bulletin)
    assert told(bulletin) == [
        ("hidden-text", 3, 1, ""),
        ("not-taken", 9, 1, "a table"),
        ("not-taken", 1, 1, "a header or footer"),
    ]


def test_properties_of_a_word_file_are_there_to_be_searched(letter: bytes) -> None:
    found = {one.name: one.value for one in read_bulletin(letter, "a.docx").properties}

    assert (found["creator"], found["lastModifiedBy"]) == ("Jo Smith", "Al Smith")


def test_custom_properties_authors_and_names_of_pictures_are_found_too() -> None:
    custom = (
        "<Properties {ns}><property name='Client'><x>Acme</x></property><property name='n'>"
        "<x>12</x></property></Properties>"
    )
    changed = f'<w:ins w:author="Jo">{run("x")}</w:ins>'
    bulletin = read(
        paragraph(changed + drawn(name="jo-smith.jpg")), **{"docProps/custom.xml": custom}
    )

    assert [(one.name, one.value) for one in bulletin.properties] == [
        ("Client", "Acme"),
        ("author", "Jo"),
        ("picture", "jo-smith.jpg"),
    ]


def test_deletions_are_dropped_insertions_kept_and_both_told() -> None:
    deleted = run("secret").replace("w:t", "w:delText")
    bulletin = read(
        paragraph(f"<w:del>{deleted}</w:del><w:ins>{run('Kept')}</w:ins>{run(' here.')}"),
        paragraph(f"<w:moveFrom>{run('secret')}</w:moveFrom><w:moveTo>{run('Moved.')}</w:moveTo>"),
        paragraph("<w:pPr><w:rPr><w:ins/></w:rPr></w:pPr>" + run("New.")),
        paragraph(run("Struck ") + run("secret", "<w:strike/>") + run(" out.")),
    )

    assert story(bulletin)[1:] == [". Kept here.", ". Moved.", ". New.", ". Struck out."]
    assert "secret" not in repr(bulletin)
    assert told(bulletin) == [("tracked-changes", 3, 5, "")]


def test_comments_are_counted_at_the_first_and_never_pass() -> None:
    comment = f"<w:comment w:author='Jo'>{paragraph('secret')}</w:comment>"
    comments = f"<w:comments {{ns}}>{comment}</w:comments>"
    said = paragraph(run("One.") + "<w:r><w:commentReference w:id='0'/></w:r>")

    anchored = read(paragraph("Zero."), said, **{"word/comments.xml": comments})
    loose = read(**{"word/comments.xml": comments})

    assert told(anchored) == [("review-comment", 4, 1, "")]
    assert told(loose) == [("review-comment", 1, 1, "")]
    assert "secret" not in repr((anchored, loose))
    assert [one.value for one in loose.properties] == ["Jo"]


WHITE, RED = "<w:color w:val='FFFFFF'/>", "<w:color w:val='FF0000'/>"


def table(inner: str, looks: str) -> str:
    return f"<w:tbl><w:tblPr>{looks}</w:tblPr><w:tr><w:tc>{paragraph(inner)}</w:tc></w:tr></w:tbl>"


def style(name: str, inner: str) -> str:
    return f"<w:style w:type='paragraph' w:styleId='{name}'>{inner}</w:style>"


STYLES = (
    "<w:styles {ns}>"
    + style("Hid", "<w:rPr><w:vanish/></w:rPr>")
    + style("Hid2", "<w:basedOn w:val='Hid'/>")
    + style("Shown", "<w:basedOn w:val='Hid'/><w:rPr><w:vanish w:val='0'/></w:rPr>")
    + style("Round", "<w:basedOn w:val='Round'/>")
    + style("Pale", "<w:rPr><w:color w:val='FFFFFF'/></w:rPr>")
    + style("Box", "<w:pPr><w:shd w:val='clear' w:fill='003366'/></w:pPr>")
    + style("Grid", "<w:basedOn w:val='Plain'/>")
    + style("Plain", "")
    + style("Rows", "<w:tblStylePr><w:tcPr><w:shd w:fill='003366'/></w:tcPr></w:tblStylePr>")
    + "</w:styles>"
)


@pytest.mark.parametrize(
    ("inner", "hidden"),
    [
        (paragraph(run("it", "<w:vanish/>")), True),
        (paragraph(run("it", "<w:vanish w:val='1'/>")), True),
        (paragraph(run("it", "<w:vanish w:val='0'/>")), False),
        (paragraph(run("it", "<w:rStyle w:val='Hid'/>")), True),
        (paragraph(run("it", "<w:rStyle w:val='Hid2'/>")), True),
        (paragraph(run("it", "<w:rStyle w:val='Shown'/>")), False),
        (paragraph(run("it", "<w:rStyle w:val='Hid'/><w:vanish w:val='false'/>")), False),
        (paragraph("it", "Hid2"), True),
        (paragraph("it", "Shown"), False),
        (paragraph("it", "Round"), False),
        (paragraph("it", "Unknown"), False),
        (paragraph(run("it", WHITE)), True),
        (paragraph(run("it", "<w:color w:val='fafafa'/>")), True),
        (paragraph(run("it", "<w:color w:val='C0C0C0'/>")), False),
        (paragraph(run("it", "<w:color w:val='auto'/>")), False),
        (paragraph(run("it", "<w:rStyle w:val='Pale'/>")), True),
        (paragraph("it", "Pale"), True),
        (paragraph(run("it", "<w:rStyle w:val='Pale'/><w:color w:val='000000'/>")), False),
        (paragraph(run("it", WHITE + "<w:highlight w:val='darkBlue'/>")), False),
        (paragraph(run("it", WHITE + "<w:highlight w:val='white'/>")), True),
        (paragraph(run("it", "<w:color w:val='000000'/><w:highlight w:val='black'/>")), True),
        (paragraph(run("it", WHITE + "<w:highlight w:val='none'/>")), True),
        (paragraph(run("it", WHITE + "<w:shd w:val='clear' w:fill='800000'/>")), False),
        (paragraph(run("it", WHITE + "<w:shd w:val='clear' w:fill='auto'/>")), True),
        (paragraph(run("it", WHITE + "<w:shd w:val='pct50' w:fill='FFFFFF'/>")), False),
        (paragraph(run("it", WHITE + "<w:shd w:val='solid' w:color='800000'/>")), False),
        (paragraph(run("it", f"{RED}<w:shd w:val='clear' w:fill='FF0000'/>")), True),
        (paragraph(run("it", WHITE), "Box"), False),
        (table(run("it", WHITE), "<w:shd w:val='clear' w:fill='003366'/>"), False),
        (table(run("it", WHITE), "<w:tblStyle w:val='Rows'/>"), False),
        (table(run("it", WHITE), "<w:tblStyle w:val='Grid'/>"), True),
        (table(run("it", WHITE), ""), True),
        (paragraph(run("it", "<w:sz w:val='2'/>")), True),
        (paragraph(run("it", "<w:sz w:val='8'/>")), False),
    ],
)
def test_text_that_nobody_sees_is_found_by_itself_and_by_its_style(
    inner: str, hidden: bool
) -> None:
    bulletin = read(inner, paragraph("End."), **{"word/styles.xml": STYLES})

    assert story(bulletin) == [". A story.", *([] if hidden else [". it"]), ". End."]
    assert [kind for kind, *_ in told(bulletin)] == ["hidden-text"] * hidden


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (f"<w:r><w:pict><v:textbox>{TEXT_BOX}</v:textbox></w:pict></w:r>", "a text box"),
        (
            f"<mc:AlternateContent><mc:Choice><w:drawing>{TEXT_BOX}</w:drawing></mc:Choice>"
            f"<mc:Fallback><w:pict>{TEXT_BOX}</w:pict></mc:Fallback></mc:AlternateContent>",
            "a text box",
        ),
        ("<w:r><w:object><v:shape/></w:object></w:r>", "an embedded object"),
        ("<w:r><w:drawing><c:chart/></w:drawing></w:r>", "a chart"),
        ("<w:r><w:drawing><a:graphic/></w:drawing></w:r>", "a drawing"),
        (
            f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{run('secret')}"
            "</w:sdtContent></w:sdt>",
            "a field that nobody filled in",
        ),
        ("<m:oMath><m:r><m:t>secret</m:t></m:r></m:oMath>", "a formula"),
        ("<w:r><w:footnoteReference w:id='1'/></w:r>", "a footnote"),
        ("<w:r><w:endnoteReference w:id='1'/></w:r>", "an endnote"),
        (drawn("rId9"), "a picture that is not in the file"),
        (
            f"<w:r><w:pict>{TEXT_BOX}</w:pict></w:r><w:r><w:pict><v:line/></w:pict></w:r>",
            "a text box",
        ),
    ],
)
def test_what_cannot_be_taken_from_word_is_told(inner: str, what: str) -> None:
    source = word_file(
        paragraph("Title"),
        paragraph("A story."),
        paragraph(run("End.") + inner),
    )

    bulletin = read_bulletin(source, "a.docx")

    assert told(bulletin) == [("not-taken", 3, 1, what)]
    assert "secret" not in repr(bulletin)


def test_a_picture_that_cannot_be_used_is_told_with_the_reason() -> None:
    source = word_file(
        paragraph("Title"),
        paragraph("A story."),
        paragraph(run("End.") + drawn("rIdP") + drawn("rIdP") + drawn("rIdE")),
        parts={"word/media/p.png": b"no picture", "word/media/e.webp": b"RIFF1234WEBP"},
        links={"rIdP": ("image", "media/p.png"), "rIdE": ("image", "/word/media/e.webp")},
    )

    bulletin = read_bulletin(source, "a.docx")

    assert told(bulletin) == [
        ("image-unusable", 3, 2, "it is damaged"),
        ("image-unusable", 3, 1, "it is of a kind that mail programs do not show (WebP)"),
    ]


def test_a_picture_of_word_keeps_its_place_and_its_description() -> None:
    source = word_file(
        paragraph("Title"),
        paragraph("One."),
        paragraph(drawn(alt="A hill")),
        paragraph("The hill", "Caption"),
        paragraph(
            "<w:r><mc:AlternateContent><mc:Choice><w:drawing/></mc:Choice><mc:Fallback><w:pict>"
            "<v:shape><v:imagedata r:id='rIdP'/></v:shape></w:pict></mc:Fallback>"
            "</mc:AlternateContent></w:r>"
        ),
        paragraph("Two."),
        paragraph(drawn("rIdW", how="link")),
        parts={
            "word/media/p.png": picture(),
            "word/styles.xml": "<w:styles {ns}><w:style w:type='paragraph' w:styleId='Caption'>"
            "<w:name w:val='caption'/></w:style></w:styles>",
        },
        links={
            "rIdP": ("image", "media/p.png"),
            "rIdW": ("image", "https://example.org/a?b&amp;c"),
        },
    )

    bulletin = read_bulletin(source, "a.docx")

    pictures = [block for block in bulletin.blocks if isinstance(block, Picture)]
    assert [type(block).__name__[:3] for block in bulletin.blocks] == ["Par", "Pic", "Pic", "Par"]
    assert [(one.alt, one.caption) for one in pictures] == [("A hill", "The hill"), ("", "")]
    assert pictures[0].data == picture()
    assert told(bulletin) == [("remote-image", 3, 1, "")]


def test_links_of_word_are_written_out_without_what_tracks() -> None:
    source = word_file(
        paragraph("Title"),
        paragraph(f"<w:hyperlink r:id='rId2'>{run('Give')}</w:hyperlink>{run(' now.')}"),
        links={"rId2": ("hyperlink", "https://example.org/?utm_source=a&amp;b=c")},
    )

    bulletin = read_bulletin(source, "a.docx")

    assert story(bulletin) == [". Give (https://example.org/?b=c) now."]
    assert told(bulletin) == [("tracking-parameters-removed", 2, 1, "")]


def test_lines_that_word_breaks_by_hand_and_what_it_wraps_are_kept() -> None:
    bulletin = read(
        paragraph("• Pray for A.<w:br/>".replace("<w:br/>", "")),
        paragraph(run("• Pray for B.") + "<w:r><w:br/></w:r>" + run("• Pray for C.")),
        paragraph(f"<w:fldSimple w:instr='X'>{run('Set.')}</w:fldSimple>"),
        paragraph(f"<w:customXml>{run('Kept.')}</w:customXml>"),
        paragraph(f"<w:ruby><w:rt>{run('ni')}</w:rt><w:rubyBase>{run('你')}</w:rubyBase></w:ruby>"),
    )

    assert points(bulletin) == ["Pray for A.", "Pray for B.", "Pray for C."]
    assert story(bulletin) == [". A story.", ". Set.", ". Kept.", ". 你"]


def test_key_lines_of_a_word_file_are_understood() -> None:
    source = word_file(
        *(paragraph(line) for line in ("Title", "Date: 4 May 2026", "Sensitivity: Restricted")),
        paragraph("A story."),
        paragraph("• 3 May: Pray for rain."),
        paragraph("• 4 May: Pray for sun."),
    )

    bulletin = read_bulletin(source, "a.docx")

    assert (bulletin.title, bulletin.sensitivity) == ("Title", "restricted")
    assert [point.date for point in bulletin.points] == ["2026-05-03", "2026-05-04"]
    assert story(bulletin) == [". A story."]


# --- files that mean harm, or are broken -------------------------------------------------


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def many_members() -> bytes:
    return zipped(**{f"word/{n}": b"" for n in range(MOST_MEMBERS + 1)})


def locked() -> bytes:
    """Say of each member that a password locks it."""
    source = bytearray(word_file(paragraph("A")))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = source.find(sign)
        while at >= 0:
            source[at + place] |= 1
            at = source.find(sign, at + 1)
    return bytes(source)


def lying() -> bytes:
    """Say that a member of the archive is ten times as small as it is."""
    source = bytearray(word_file(paragraph("word " * 1000)))
    at = source.rfind(b"word/document.xml") - 46 + 24
    struct.pack_into("<I", source, at, struct.unpack_from("<I", source, at)[0] // 10)
    return bytes(source)


ENTITIES = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
DEEP = paragraph("<w:sdt><w:sdtContent>" * DEEPEST + run("A") + "</w:sdtContent></w:sdt>" * DEEPEST)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (zipped(**{"word/document.xml": bytes(30_000_000)}), "far more than it looks"),
        (many_members(), "far more than it looks"),
        (word_file(paragraph(run("&b;")), doctype=ENTITIES), "entities"),
        (word_file(paragraph("A"), doctype="<!DOCTYPE a>"), "entities"),
        (word_file(DEEP), "nested deeper"),
        (word_file("<w:p>" * 300 + "</w:p>" * 300), "nested deeper"),
        (word_file(paragraph("<unclosed>")), "damaged"),
        (word_file(parts={"word/document.xml": "no xml"}), "damaged"),
        (word_file(paragraph("A"), parts={"word/styles.xml": "no xml"}), "damaged"),
        (zipped(**{"word/nothing.xml": b""}), "damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (locked(), "locked by a password"),
        (lying(), "damaged"),
        (word_file(), "no words"),
        (word_file(paragraph(run("secret", "<w:vanish/>"))), "no words"),
        (b"PK\x03\x04" + bytes(LARGEST_BYTES), "20 MB"),
        (b"A letter", "no Word file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "old Word"),
        (b"<html><p>A", "no Word file"),
    ],
)
def test_a_word_file_that_cannot_be_read_says_why(source: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableInput, match=sentence):
        read_bulletin(source, "a.docx")


def test_half_a_word_file_is_damaged(letter: bytes) -> None:
    for length in range(4, len(letter) - 1, 997):
        with pytest.raises(UnreadableInput, match="damaged"):
            read_bulletin(letter[:length], "a.docx")


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        (word_file(paragraph("A")), "a.txt", r"a Word file: give it the ending \.docx"),
        (word_file(paragraph("A")), "a.doc", r"a Word file: give it the ending \.docx"),
        (zipped(**{"xl/workbook.xml": b""}), "a.html", "a spreadsheet"),
        (zipped(**{"ppt/a.xml": b""}), "a.md", "a presentation"),
        (zipped(**{"META-INF/manifest.xml": b""}), "a.odt", "OpenDocument"),
        (zipped(a=b""), "a.txt", "a Word file or an archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", "old Word"),
        (b"%PDF-1.7", "a.pdf", "a PDF: copy its text"),
        (b"<!-- saved -->\n<!DOCTYPE html>", "a.txt", r"a web page: give it the ending \.html"),
        (b"<?xml version='1.0'?><rss>", "a.html", r"a feed: give it the ending \.xml"),
        (b"<html>", "a.rss", r"a web page: give it the ending \.html"),
        (b"From: <Saved by Blink>", "a.html", "a web archive"),
    ],
)
def test_a_wrong_ending_is_named_with_what_to_do(source: bytes, name: str, sentence: str) -> None:
    with pytest.raises(UnreadableInput, match=sentence):
        read_bulletin(source, name)


def test_nothing_that_a_word_file_links_to_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture())
    source = word_file(
        paragraph("Title"),
        paragraph(run("One.") + drawn("rIdF", how="link")),
        links={"rIdF": ("image", f"file://{secret}")},
    )

    assert told(read_bulletin(source, "a.docx")) == [
        ("not-taken", 2, 1, "a picture that is not in the file")
    ]


def test_text_in_the_colour_of_the_whole_page_is_hidden_too() -> None:
    page = "<w:background w:color='202020'/>"
    dark = word_file(
        paragraph("The hills"),
        paragraph(run("secret", "<w:color w:val='1F1F1F'/>") + run("White.", WHITE)),
    )
    with zipfile.ZipFile(io.BytesIO(dark)) as archive:
        document = archive.read("word/document.xml").decode()
    parts = {"word/document.xml": document.replace("<w:body>", page + "<w:body>")}

    bulletin = read_bulletin(word_file(parts=parts), "letter.docx")

    assert story(bulletin) == [". White."]
    assert told(bulletin) == [("hidden-text", 2, 1, "")]
