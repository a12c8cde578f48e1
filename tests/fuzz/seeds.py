"""One small bulletin for each ending, with something of everything that its reader knows."""

from tests.word_files import drawn, paragraph, run, word_file

_TEXT = """The hills
Date: 4 May 2026
Language: en

“We met,” she said, and sang.

Prayer points
  • Give thanks for rain. Pray for more.
  1. Monday: pray for sun.

Matthew 5v16-18: “Let your light shine.”
"""
_MARKDOWN = """---
title: The hills
date: 2026-05-04
tags: [a, b]
---
# Story

A <!-- b --> story <del>c</del> <span style="display:none">d</span> [us](https://example.org)
![hill](data:image/png;base64,iVBORw0KGgo=)

> Said

* **Rain.** Pray.
  * More.
1. One
"""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><style>.h{display:none}
</style></head><body><nav>Menu</nav><main><h1>The hills</h1><p>A <b>story</b>.<br>More
<a href="https://example.org/?utm_source=a">here</a><img src="https://example.org/a" width=1></p>
<p class=h>b</p><p style="mso-list:l0 level1 lfo1"><span style="mso-list:Ignore">·</span>Pray.</p>
<ul><li>Pray<ul><li>on</li></ul></li></ul><table><tr><td>a<td>b</table><figure>
<img src="data:image/png;base64,iVBORw0KGgo="><figcaption>c</figcaption></figure></main>
</body></html>
"""
_FEED = """<?xml version="1.0"?><rss version="2.0"
xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>N</title><item>
<title>A &amp;amp; B</title><guid>1</guid><pubDate>Fri, 27 Nov 2026 07:00:00 GMT</pubDate>
<description>Short</description><content:encoded><![CDATA[<p>Long.</p>]]></content:encoded>
</item></channel></rss>
"""
_WORD = word_file(
    paragraph("The hills", "Title"),
    paragraph(run("A story") + f"<w:del>{run('x')}</w:del><w:ins>{run('.')}</w:ins>"),
    paragraph(run("b", "<w:vanish/>") + drawn()),
    paragraph(f"<w:hyperlink r:id='rId2'>{run('us')}</w:hyperlink>"),
    paragraph(f"<w:r><w:pict><w:txbxContent>{paragraph('c')}</w:txbxContent></w:pict></w:r>"),
    paragraph("• Pray."),
)

SEEDS = {
    ".txt": _TEXT.encode(),
    ".md": _MARKDOWN.encode(),
    ".docx": _WORD,
    ".html": _PAGE.encode(),
    ".xml": _FEED.encode(),
}
