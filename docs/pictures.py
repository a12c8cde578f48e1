"""Makes the pictures of write-a-bulletin.md and brand-your-mail.md again: `make pictures`.

Each is a mail that the product makes of a text, or of settings, which a reader of the page can
see, as a browser shows it as wide as a telephone.  Needs Chromium; nothing is fetched.
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
BRAND_PAGE = DOCS / "how-to/brand-your-mail.md"
BRANDED = "Three Wells Fellowship"  # as the logo says
LOGO = DOCS / "images/wells.png"
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
    made = {name: _photograph(browser, text, lang) for name, (text, lang) in texts.items()}
    wells, dark, *_ = re.findall(r"```toml\n(.*?)```", BRAND_PAGE.read_text("utf-8"), re.DOTALL)
    both = [_photograph(browser, orchard, "en", wells, scheme) for scheme in ("light", "dark")]
    made |= {"brand": _side_by_side(both), "dark-brand": _photograph(browser, orchard, "en", dark)}
    heavy = False
    for name, image in made.items():
        picture = DOCS / "images" / f"{name}.png"
        image.save(picture, optimize=True)
        size = picture.stat().st_size
        heavy = heavy or size > MOST_BYTES
        print(f"{picture.relative_to(DOCS.parent)}: {size / 1000:.0f} kB")
    return 1 if heavy else 0


def _side_by_side(images: list[Image.Image]) -> Image.Image:
    tallest = max(each.height for each in images)
    side = Image.new("RGB", (WIDTH * len(images), tallest))
    for no, each in enumerate(images):
        below = each.convert("RGB").crop((0, each.height - 1, WIDTH, each.height))
        side.paste(below.resize((WIDTH, tallest)), (no * WIDTH, 0))
        side.paste(each.convert("RGB"), (no * WIDTH, 0))
    return side.quantize(2 * COLOURS)


def _photograph(
    browser: str, text: str, language: str, settings: str = "", scheme: str = "light"
) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        site = SITE.replace("Prayer Network", BRANDED) if "logo" in settings else SITE
        return _of_mail(browser, Path(folder), text, language, site + settings, scheme)


def _of_mail(
    browser: str, folder: Path, text: str, language: str, settings: str, scheme: str
) -> Image.Image:
    """Return a picture of the mail that the text becomes, without empty space below it."""
    bulletin, page, shot = folder / "bulletin.txt", folder / "page.html", folder / "shot.png"
    bulletin.write_text(text, encoding="utf-8")
    shutil.copy(LOGO, folder)
    (folder / "newsletter.toml").write_text(settings, encoding="utf-8")
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
            f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
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
