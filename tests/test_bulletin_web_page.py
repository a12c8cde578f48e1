import base64
import codecs
import io
from collections.abc import Callable

import pytest
from PIL import Image

from newsletter.bulletin import Bulletin, Leftover, Picture, bulletin_json, read_bulletin
from newsletter.bulletin.web_page import DEEPEST, MAX_BYTES
from newsletter.errors import UnreadableInput
from tests.test_bulletin import points, story


def read(body: str, head: str = "") -> Bulletin:
    html = f"<html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"
    return read_bulletin(html.encode(), "a.html")


def told(bulletin: Bulletin) -> list[tuple[str, int, int, str]]:
    return [(one.kind, one.line, one.count, one.what) for one in bulletin.leftovers]


def picture(kind: str = "PNG", size: tuple[int, int] = (4, 3), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 0).save(out, kind)
    return out.getvalue()


LARGE = picture(size=(9000, 9000), mode="1")  # quickly made: a bit for each dot


def as_data(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


WORD = (
    "<html><head><meta http-equiv=Content-Type content='text/html; charset=windows-1252'>"
    "<meta name=Generator content='Microsoft Word 15'><meta name=author content='Jo'>"
    "<style><!-- p.MsoNormal{margin:0} span.x{display:none} @media print{p{display:none}} -->"
    "</style></head><body lang=EN-GB><p class=MsoTitle>Café news<o:p></o:p></p>"
    "<p class=MsoNormal>We met <del cite='mailto:j' datetime=2026>secret</del>"
    "<ins cite='mailto:j' datetime=2026>gladly</ins> at\r\n the café.<span "
    "class=MsoCommentReference><a class=msocomanchor href='#_msocom_1'>[J1]</a></span> "
    "<span style='display:none;mso-hide:all'>secret</span><span class=x>secret</span></p>"
    "<p class=MsoNormal><b>Prayer points</b></p>"
    "<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]>"
    "<span style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span><![endif]>"
    "<b>Rain.</b> Pray for rain.</p>"
    "<p class=MsoListParagraph style='mso-list:l0 level2 lfo1'><![if !supportLists]>"
    "<span style='mso-list:Ignore'>o<span>&nbsp; </span></span><![endif]>in the north</p>"
    "<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]>"
    "<span style='mso-list:Ignore'>·<span>&nbsp; </span></span><![endif]>Pray for sun.</p>"
    "<table><tr><td>secret</td><td>secret</td></tr><tr><td>secret</td></tr></table>"
    "<div style='mso-element:comment-list'><div style='mso-element:comment'><div id='_com_1'>"
    "<p class=MsoCommentText>secret</p></div></div></div></body></html>"
)


def test_what_word_makes_of_a_text_is_read_and_nothing_hidden_passes() -> None:
    bulletin = read_bulletin(WORD.encode("cp1252"), "a.htm")

    assert (bulletin.title, bulletin.language) == ("Café news", "en")
    assert bulletin.encoding == "windows-1252"
    assert story(bulletin) == [". We met gladly at the café."]
    assert points(bulletin) == ["Rain. Pray for rain. in the north", "Pray for sun."]
    assert [point.lead for point in bulletin.points] == ["Rain.", "Pray for sun."]
    assert "secret" not in repr(bulletin)
    assert told(bulletin) == [
        ("tracked-changes", 2, 2, ""),
        ("hidden-text", 2, 2, ""),
        ("not-taken", 6, 1, "a table"),
        ("review-comment", 6, 1, ""),
    ]
    assert [(one.name, one.value) for one in bulletin.properties] == [("author", "Jo")]


DOCS = (
    "<style>.c1{font-weight:700}.c2{text-decoration:line-through}ol{margin:0}</style>"
    "<b style='font-weight:normal'><h1>Hills</h1><p><span class=c1>We</span> met "
    "<span class=c2>secret</span>today.<sup><a href='#cmnt1' id='cmnt_ref1'>[a]</a></sup> See "
    "<a href='https://www.google.com/url?q=https://example.org/x?utm_source%3Da&sa=D'>here</a>."
    "<sup><a href='#ftnt1' id='ftnt_ref1'>[1]</a></sup></p>"
    "<ul class='lst-kix_a-0 start'><li><span class=c1>Rain:</span> Pray for rain</li></ul>"
    "<ul class='lst-kix_a-1'><li>in the north</li></ul>"
    "<ul class='lst-kix_a-0'><li>Pray for sun</li></ul>"
    "<div><p><a href='#cmnt_ref1' id='cmnt1'>[a]</a><span>secret</span></p><p>secret</p></div>"
    "<div><p><a href='#ftnt_ref1' id='ftnt1'>[1]</a><span>secret</span></p></div></b>"
)


def test_what_google_docs_makes_of_a_text_is_read() -> None:
    bulletin = read(DOCS)

    assert bulletin.title == "Hills"
    assert story(bulletin) == [". We met today. See here (https://example.org/x)."]
    assert points(bulletin) == ["Rain: Pray for rain in the north", "Pray for sun"]
    assert bulletin.points[0].lead == "Rain:"
    assert "secret" not in repr(bulletin)
    assert told(bulletin) == [
        ("tracked-changes", 2, 1, ""),
        ("tracking-parameters-removed", 2, 1, ""),
        ("review-comment", 5, 1, ""),
        ("not-taken", 5, 1, "footnotes"),
    ]


SAVED = (
    "<nav><ul><li>Home</li></ul></nav><header><p>Site</p></header><main><article><header>"
    "<h1>Rain</h1></header><p>It rains.<br><br>Still. <a href='/x'>Inside</a>, "
    "<a href='https://example.org/?utm_source=x&a=1'>outside</a>.</p>"
    "<div class=sharedaddy><h3>Share this</h3></div></article></main>"
    "<footer>Contact<img src='https://t.example/p.gif' width=1 height=1></footer>"
)


def test_a_saved_page_gives_its_story_without_what_every_page_has() -> None:
    bulletin = read(SAVED, "<title>Rain – Site</title>")

    assert bulletin.title == "Rain"
    assert story(bulletin) == [
        ". It rains.",
        ". Still. Inside, outside (https://example.org/?a=1).",
    ]
    assert told(bulletin) == [
        ("boilerplate-removed", 1, 2, ""),
        ("tracking-parameters-removed", 3, 1, ""),
    ]


def test_a_page_that_names_no_story_loses_menus_forms_and_footer() -> None:
    bulletin = read(
        "<header><img src='a.png'>Site</header><h1>Rain</h1><p>It rains here every day now.</p>"
        "<form><label>Mail</label></form><div class='cookie-banner'>Cookies</div>"
        "<div id=menu-main>Menu</div><aside>Read on</aside><footer>Contact</footer>"
    )

    assert story(bulletin) == [". It rains here every day now."]
    assert ("boilerplate-removed", 1, 6, "") in told(bulletin)


def test_a_page_that_is_one_form_is_still_a_page() -> None:
    assert story(read("<form><h1>Rain</h1><p>It rains.</p></form>")) == [". It rains."]


def test_the_heading_above_a_story_is_its_title() -> None:
    assert read("<h1>Rain</h1><main><h2>Today</h2><p>It rains.</p></main>").title == "Rain"


@pytest.mark.parametrize(
    "html",
    [
        "<span style='display: none'>secret</span>",
        "<span style='VISIBILITY:hidden'>secret</span>",
        "<span style='font-size:0px'>secret</span>",
        "<span style='color:red;opacity:0'>secret</span>",
        "<div hidden>secret</div>",
        "<p style='mso-hide:all'>secret</p>",
        "<span style='color: #FFFFFF'>secret</span>",
        "<span style='color:white !important'>secret</span>",
        "<font color='#fefefe'>secret</font>",
        "<span style='color:rgb(255, 255, 255)'>secret</span>",
        "<span style='color:rgba(0,0,0,0)'>secret</span>",
        "<span style='color:transparent'>secret</span>",
        "<span style='background:#000; color:black'>secret</span>",
        "<table bgcolor='#ff0000'><tr><td><font color=red>secret</font></table>",
        "<div style='background:#003366'><p style='background-color:white;color:#fff'>secret</div>",
        "<span style='font-size:1px'>secret</span>",
        "<span style='font-size:.5pt'>se<b style='font-size:120%'>cret</b></span>",
        "<style>.x{color:#fff}</style><span class=x>secret</span>",
        "<style>.x{font-size:0}</style><p class=x>secret</p>",
        "<p style='position:absolute; left:-9999px'>secret</p>",
        "<div style='max-height:0;overflow:hidden'>secret</div>",
    ],
)
def test_hidden_words_never_pass_and_are_told(html: str) -> None:
    bulletin = read(f"<h1>Title</h1><p>A story. {html}</p>")

    assert "secret" not in repr(bulletin)
    assert [kind for kind, *_ in told(bulletin)] == ["hidden-text"]


@pytest.mark.parametrize(
    "html",
    [
        "<span style='color:#ccc'>it</span>",
        "<span style='color:windowtext'>it</span>",
        "<div style='background:#003366'><span style='color:#fff'>it</span></div>",
        "<div style='background:url(x.png) #fff'><span style='color:#fff'>it</span></div>",
        "<div style='background:radial-gradient(red)'><i style='color:transparent'>it</i></div>",
        "<table background='sea.png'><tr><td style='color:white'>it</td></tr></table>",
        "<div style='color:#fff'><span style='color:#000'>it</span></div>",
        "<div style='font-size:0'><p style='font-size:16px'>it</p></div>",
        "<div style='font-size:0'><p style='font-size:medium'>it</p></div>",
        "<span style='color:inherit;font-size:0.9em'>it</span>",
        "<style>body{background:#222;color:#eee}</style><span style='color:#fff'>it</span>",
        "<link rel=stylesheet href=a.css><span style='color:#fff'>it</span>",
        "<style>@import 'a.css';</style><span style='color:#fff'>it</span>",
        "<link rel=stylesheet href=a.css><div style='background:#fff'>"
        "<p class=dark><span style='color:#fff'>it</span></p></div>",
        "<style>@media (prefers-color-scheme:dark){p{color:#fff}}</style>it",
    ],
)
def test_words_that_may_be_seen_stay(html: str) -> None:
    bulletin = read(f"<h1>Title</h1><p>A story.</p><div>And {html} was so.</div>")

    assert "it" in " ".join(story(bulletin)).replace(".", " ").split()
    assert "hidden-text" not in [kind for kind, *_ in told(bulletin)]


def test_a_caption_holds_nothing_that_was_left_out() -> None:
    hidden = (
        "<del>secret</del><i hidden>secret</i><b style='color:#fff'>secret</b><!-- who said so -->"
    )
    image = f"<img src='{as_data(picture())}' alt='A hill'>"
    bulletin = read(
        f"<h1>Title</h1><p>A story.</p><figure>{image}<figcaption><p>The hill,</p><p>{hidden}in "
        f"May</p></figcaption></figure><p>{image}</p><p class='MsoCaption'>{hidden}Snow</p>"
    )

    assert [block.caption for block in bulletin.blocks if isinstance(block, Picture)] == [
        "The hill, in May",
        "Snow",
    ]
    assert "secret" not in repr(bulletin)
    assert {kind for kind, *_ in told(bulletin)} == {
        "tracked-changes",
        "hidden-text",
        "review-comment",
    }


@pytest.mark.parametrize(
    "html",
    [
        "<script>secret</script>",
        "<style>.secret{}</style>",
        "<template><p>secret</p></template>",
        "<!-- secret -->",
        "<div style='display:none'><img src='https://example.org/a.png'></div>",
        "<svg><path/></svg>",
        "<noscript>secret</noscript>",
    ],
)
def test_what_nobody_sees_is_left_out_and_needs_no_word(html: str) -> None:
    bulletin = read(f"<h1>Title</h1><p>A story.</p>{html}")

    assert "secret" not in repr(bulletin)
    assert bulletin.leftovers == ()


@pytest.mark.parametrize(
    ("html", "kind", "what"),
    [
        ("<img src='https://example.org/a.png'>", "remote-image", ""),
        ("<img src='//example.org/a.png'>", "remote-image", ""),
        ("<img src='data:,x' data-src='https://example.org/a.png'>", "remote-image", ""),
        ("<img srcset='https://example.org/a.png 2x'>", "remote-image", ""),
        ("<img src='a_files/a.png'>", "not-taken", "a picture that is not in the file"),
        ("<img src='cid:1'>", "not-taken", "a picture that is not in the file"),
        ("<img width=1 src='https://example.org/a.gif'>", "tracker-removed", ""),
        ("<img style='height:1px' src='https://example.org/a'>", "tracker-removed", ""),
        ("<noscript><img height=1 src='https://e.org/a'></noscript>", "tracker-removed", ""),
        ("<img src='data:image/png;base64,AAAA'>", "image-unusable", "it is damaged"),
        ("<img src='data:image/png;base64,A'>", "image-unusable", "it is damaged"),
        ("<img src='data:image/svg+xml,<svg/>'>", "image-unusable", "it is a drawing of a kind"),
        (f"<img src='{as_data(picture('BMP'))}'>", "image-unusable", "it is of a kind"),
        (f"<img src='{as_data(picture()[:30])}'>", "image-unusable", "it is damaged"),
        (f"<img src='{as_data(LARGE)}'>", "image-unusable", "50 million dots"),
        ("<iframe src='https://example.org'></iframe>", "not-taken", "a frame"),
        ("<video src=a></video>", "not-taken", "a video"),
        ("<table><tr><td>A<td>B<tr><td>C<td>D</table>", "not-taken", "a table"),
    ],
)
def test_what_cannot_be_taken_is_told(html: str, kind: str, what: str) -> None:
    (leftover,) = read(f"<h1>Title</h1><p>A story.</p>{html}").leftovers

    assert (leftover.kind, leftover.line) == (kind, 2)
    assert what in leftover.what


def test_a_picture_stays_in_its_place_with_its_words() -> None:
    data = picture("JPEG")
    bulletin = read(
        f"<h1>Title</h1><p>One.</p><figure><img alt='A  hill' src='{as_data(data)}'>"
        "<figcaption>The hill</figcaption></figure><p>Two.</p>"
        f"<p><img src='{as_data(data)}'></p><p class=MsoCaption>Again</p><p>Three.</p>"
    )

    pictures = [block for block in bulletin.blocks if isinstance(block, Picture)]
    assert [type(block).__name__[:3] for block in bulletin.blocks] == [*["Par", "Pic"] * 2, "Par"]
    assert [(one.alt, one.caption) for one in pictures] == [("A hill", "The hill"), ("", "Again")]
    assert pictures[0].media_type == "image/jpeg"
    assert pictures[0].data == data


def test_an_emoji_that_a_site_drew_is_a_character_again() -> None:
    html = "<p>Thanks <img class=emoji alt='🙏' src='https://s.w.org/1.svg'> be.</p>"

    assert story(read(f"<h1>Title</h1>{html}")) == [". Thanks 🙏 be."]


def test_a_table_that_lays_out_a_page_is_read() -> None:
    cells = "<tr><td>Logo</td></tr><tr><td><h1>Rain</h1><p>It rains.</p></td><td>&nbsp;</td></tr>"

    assert story(read(f"<table>{cells}</table>")) == [". Logo", ". It rains."]


def test_lists_quotations_and_typed_text_keep_their_shape() -> None:
    bulletin = read(
        "<h1>Title</h1><blockquote><p>Said one.</p></blockquote><h2>Dates</h2><ol><li><p>A</p>"
        "<p>a</p><ul><li>deeper</li></ul></li><li>B</li></ol><pre>typed\n\nlater</pre>"
        "<blockquote type=cite><p>Handed on.</p></blockquote><hr><ul><ul><li>Alone</ul></ul>"
    )

    assert story(bulletin) == [
        "> Said one.",
        "## Dates",
        "- A a deeper | B",
        ". typed",
        ". later",
        ". Handed on.",
        "- Alone",
    ]


def test_typed_marks_in_paragraphs_and_lines_are_prayer_points() -> None:
    bulletin = read(
        "<h1>T</h1><div>• Pray for A.</div><div>•&nbsp;Pray for B.<br>• Praise God.</div>"
    )

    assert points(bulletin) == ["Pray for A.", "Pray for B.", "Praise God."]


def test_an_address_is_written_out_once_and_a_heading_has_none() -> None:
    bulletin = read(
        "<h1>Title</h1><h2><a href='https://example.org'>Us</a></h2><p>Write to "
        "<a href='mailto:a@example.org'>a@example.org</a>, <a href='javascript:x()'>press</a>, "
        "<a href='#top'>up</a> or <a href='https://example.org/?fbclid=1#x'>look</a>"
        "<a href='https://example.org'><img alt='' src='https://example.org/i'></a>.</p>"
    )

    assert story(bulletin) == [
        "## Us",
        ". Write to a@example.org, press, up or look (https://example.org/#x).",
    ]


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("<meta charset='iso-8859-1'>", "cp1252"),
        ("<meta http-equiv=Content-Type content='text/html; charset=windows-1252'>", "cp1252"),
        ("<?xml version='1.0' encoding='windows-1252'?>", "cp1252"),
        ("<meta charset='windows-1252'>", "utf-8"),
        ("<meta charset='utf-16'>", "utf-8"),
        ("<meta charset='nonsense'>", "utf-8"),
        ("<meta charset='rot13'>", "utf-8"),
        ("<meta charset='utf-8'>", "cp1252"),
        ("<meta charset='koi8-r'>", "utf-16"),
    ],
)
def test_a_page_says_in_which_letters_it_is_written(declared: str, written: str) -> None:
    bulletin = read_bulletin(f"{declared}<h1>Café “X”</h1><p>Y</p>".encode(written), "a.html")

    assert bulletin.title == "Café “X”"


def test_a_page_in_an_old_code_page_of_another_script_is_read() -> None:
    source = "<meta charset='gb2312'><h1>山里的教会</h1><p>我们</p>".encode("gb18030")

    assert read_bulletin(source, "a.html").title == "山里的教会"


def test_the_language_is_that_of_the_page_where_nobody_says_another() -> None:
    page = b"<html lang=fa><h1>A</h1><p>B</p></html>"

    assert read_bulletin(page, "a.html").language == "fa"
    assert read_bulletin(page, "a.html", "ur").language == "ur"
    assert read_bulletin(page.replace(b"=fa", b"='no language'"), "a.html").language == "en"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (b"", "no words"),
        (b"<p> <b></b>", "no words"),
        (b"<html><body></body></html>", "no words"),
        (b"<p hidden>secret</p>", "no words"),
        (b"<p>a\0b", "not a text file"),
        (b"<div>" * 100_000 + b"deep", "nested deeper"),
        (b"<div>" * (DEEPEST + 5) + b"deep", "nested deeper"),
        (b"<x>" * 2_001, "nested deeper"),
        (b" " * (MAX_BYTES + 1), "larger than 10 MB"),
        (b"<p>" + b"word " * 900_000, "longer than"),
    ],
)
def test_a_page_that_cannot_be_read_says_why(source: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableInput, match=sentence):
        read_bulletin(source, "a.html")


def test_the_newest_entry_of_a_feed_is_read_like_any_page() -> None:
    item = (
        "<item><title>{0}</title><pubDate>{1} Nov 2026 07:00:00 GMT</pubDate>"
        "<description>{2}</description></item>"
    )
    feed = (
        "<?xml version='1.0'?><rss version='2.0'><channel><language>fr</language>"
        + item.format("Old", "01", "Old")
        + item.format("New", "02", "&lt;p&gt;It rains.&lt;img width=1 src=x&gt;&lt;/p&gt;")
        + "</channel></rss>"
    )

    bulletin = read_bulletin(feed.encode(), "feed.xml")

    assert (bulletin.title, bulletin.language) == ("New", "fr")
    assert story(bulletin) == [". It rains."]
    assert bulletin.leftovers == (Leftover("tracker-removed", 2),)


def test_an_empty_feed_says_so() -> None:
    with pytest.raises(UnreadableInput, match="no entry"):
        read_bulletin(b"<rss version='2.0'><channel></channel></rss>", "feed.rss")


@pytest.mark.parametrize("encode", [str.encode, lambda html: codecs.BOM_UTF8 + html.encode()])
def test_a_page_reads_the_same_with_a_mark_and_without(encode: Callable[[str], bytes]) -> None:
    html = "<h1>Café</h1><p>Pray.</p>"

    again = read_bulletin(encode(html), "a.HTML")

    assert bulletin_json(again) == bulletin_json(read_bulletin(html.encode(), "a.html"))


def test_a_link_to_read_on_is_a_leftover_of_a_page_with_its_address_too() -> None:
    bulletin = read("<h1>Title</h1><p>A.</p><p><a href='https://example.org/a'>Read more</a></p>")

    assert bulletin.residue == (3,)


def test_style_sheets_for_a_printer_or_a_width_hide_nothing() -> None:
    css = (
        "@import 'a.css'; /* p{display:none} */ @media print{p{display:none} b{color:red}} "
        "@page{margin:0} .x,p::bogus(1){display:none} .h{display:none}"
    )

    bulletin = read("<h1>T</h1><p>Shown.</p><p class=h>secret</p>", f"<style>{css}</style>")

    assert story(bulletin) == [". Shown."]


@pytest.mark.parametrize(
    ("comment", "told_of"),
    [
        (" Do not print Miriam's name! ", True),
        ("请不要刊登她的名字", True),
        ("لا تذكروا اسم الأخت", True),
        ("StartFragment", False),
        (" end of the entry content ", False),
        ("[if gte mso 9]><xml>Some words of Word</xml><![endif]", False),
        (" wp:paragraph {one two three} ", False),
        (" .entry-content one two three ", False),
        (" main content ", False),
        (" saved from url=(0041)https://news.example.org/2026/03/the-ferry ", False),
    ],
)
def test_what_a_person_wrote_into_the_source_of_a_page_is_told(comment: str, told_of: bool) -> None:
    bulletin = read(f"<h1>Title</h1><p>A story.<!--{comment}--></p><p>More.</p>")

    assert told(bulletin) == [("review-comment", 2, 1, "")] * told_of
    assert story(bulletin) == [". A story.", ". More."]
