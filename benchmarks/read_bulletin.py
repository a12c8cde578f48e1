"""How long reading a ten-page bulletin takes, in each format: `make bench`."""

import base64
import io
import statistics
import sys
import time

import docx
from PIL import Image

from newsletter.bulletin import read_bulletin

ROUNDS = 15
PAGES = 10  # of about 450 words
SENTENCE = "The small church in the valley met outdoors again, and many came from the hills. "
STORY = [SENTENCE * 6 for _ in range(5 * PAGES)]
POINTS = [
    f"Give thanks for family {n}. Pray for their children, as in Ps {n + 1}." for n in range(40)
]


def picture() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((900, 600), 80).save(out, "JPEG")
    return out.getvalue()


def as_text() -> bytes:
    return "\n\n".join(["The hills", *STORY, *(f"• {point}" for point in POINTS)]).encode()


def as_markdown() -> bytes:
    points = "\n".join(f"* **Day.** {point}" for point in POINTS)
    return "\n\n".join(["---\nlanguage: en\n---\n# The hills", *STORY, points]).encode()


def as_page() -> bytes:
    story = "".join(f"<div class=a><p><span>{text}</span></p></div>" for text in STORY)
    points = "".join(f"<li><b>Day.</b> {point}</li>" for point in POINTS)
    image = base64.b64encode(picture()).decode()
    style = "".join(f".c{n}{{color:#{n:06x}}}" for n in range(300))
    return (
        f"<html><head><style>{style}</style></head><body><nav>Menu</nav><h1>The hills</h1>{story}"
        f"<img src='data:image/jpeg;base64,{image}'><ul>{points}</ul></body></html>"
    ).encode()


def as_feed() -> bytes:
    page = as_page().decode().partition("<body>")[2]
    item = page[: page.index("<img")] + page[page.index("<ul>") :]  # feeds hold no pictures
    return (
        "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel>"
        + f"<item><title>The hills</title><content:encoded><![CDATA[{item}]]></content:encoded>"
        "</item>" * 10 + "</channel></rss>"
    ).encode()


def as_word() -> bytes:
    document = docx.Document()
    document.add_paragraph("The hills", "Title")
    for text in STORY:
        paragraph = document.add_paragraph()
        for piece in text.split(", "):  # Word cuts a paragraph into many runs
            paragraph.add_run(piece + ", ").font.name = "Georgia"
    document.add_picture(io.BytesIO(picture()))
    for point in POINTS:
        document.add_paragraph("", "List Bullet").add_run(point)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def main() -> None:
    """Print a table: milliseconds of processor time, which a busy machine does not lengthen."""
    print(f"A bulletin of {PAGES} pages, {len(POINTS)} points, one picture (in .html, .docx)")
    print(f"{'format':<8}{'kB':>7}{'middle ms':>11}{'slowest ms':>12}")
    slow = False
    makers = {
        ".txt": as_text, ".md": as_markdown, ".html": as_page, ".xml": as_feed, ".docx": as_word
    }  # fmt: skip
    for ending, make in makers.items():
        source = make()
        took = []
        for _ in range(ROUNDS):
            began = time.process_time()
            read_bulletin(source, f"a{ending}")
            took.append(1000 * (time.process_time() - began))
        middle = statistics.median(took)
        slow = slow or middle > 100
        print(f"{ending:<8}{len(source) / 1000:>7.0f}{middle:>11.1f}{max(took):>12.1f}")
    print("The goal is 100 ms; verse matching apart." + (" Missed." if slow else ""))
    sys.exit(slow)


if __name__ == "__main__":
    main()
