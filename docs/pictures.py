"""Makes the pictures of docs/how-to/write-a-bulletin.md again: `make pictures`.

Each is a mail that the product makes of a text which a reader of the page can see, as a browser
shows it as wide as a telephone.  Needs Chromium; nothing is fetched.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

DOCS = Path(__file__).parent
PAGE = DOCS / "how-to/write-a-bulletin.md"
ARABIC = DOCS.parent / "tests/samples/ar/rif.txt"
WIDTH, TALLEST = 390, 1700  # pixels
COLOURS = 32
SITE = """
[organisation]
name = "Prayer Network"
postal_address = "1 Example Street, London"
url = "https://prayer.example.org"
"""
MOST_BYTES = 60_000


def main() -> int:
    """Write the pictures; 1 where there is no browser or one of them is too heavy."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("Chromium is needed to make the pictures: install it, then try again.")
        return 1
    orchard, week = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    texts = {
        "bulletin": (orchard, "en"),
        "week": (week, "en"),
        "arabic": (ARABIC.read_text(encoding="utf-8"), "ar"),
    }
    heavy = False
    for name, (text, language) in texts.items():
        picture = DOCS / "images" / f"{name}.png"
        with tempfile.TemporaryDirectory() as folder:
            _photograph(browser, Path(folder), text, language).save(picture, optimize=True)
        size = picture.stat().st_size
        heavy = heavy or size > MOST_BYTES
        print(f"{picture.relative_to(DOCS.parent)}: {size / 1000:.0f} kB")
    return 1 if heavy else 0


def _photograph(browser: str, folder: Path, text: str, language: str) -> Image.Image:
    """Return a picture of the mail that the text becomes, without empty space below it."""
    bulletin, page, shot = folder / "bulletin.txt", folder / "page.html", folder / "shot.png"
    bulletin.write_text(text, encoding="utf-8")
    (folder / "newsletter.toml").write_text(SITE, encoding="utf-8")
    preview = ["newsletter", "bulletin", "preview", str(bulletin), "--out", str(folder)]
    command = Path(sys.executable).with_name(preview[0])
    subprocess.run([command, *preview[1:], "--language", language], check=True, cwd=folder)
    # A window is never narrower than 500 pixels; a frame is.
    page.write_text(
        '<!doctype html><body style="margin:0"><iframe src="email.html" scrolling="no" '
        f'style="border:0;width:{WIDTH}px;height:{TALLEST}px"></iframe>',
        encoding="utf-8",
    )
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size=600,{TALLEST}",
            f"--screenshot={shot}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    with Image.open(shot) as taken:
        mail = taken.convert("RGB").crop((0, 0, WIDTH, TALLEST))
    corner = mail.getpixel((0, TALLEST - 1))
    empty = Image.new("RGB", mail.size, corner)
    box = ImageChops.difference(mail, empty).getbbox()
    return mail.crop((0, 0, WIDTH, min(TALLEST, (box[3] if box else 0) + 16))).quantize(COLOURS)


if __name__ == "__main__":
    sys.exit(main())
