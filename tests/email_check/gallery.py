"""One page with a picture of every mail in light and dark at three widths.

python -m tests.email_check.gallery FOLDER [--only WORD]
"""

import argparse
import html
from pathlib import Path

from tests.email_check.browser import SCHEMES, WIDTHS, chromium, opened
from tests.email_check.matrix import Mail, matrix

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Every mail</title><style>
body { font-family: sans-serif; margin: 24px; background: #ddd; }
.row { display: flex; gap: 16px; overflow-x: auto; align-items: flex-start; }
img { border: 1px solid #999; max-height: 900px; }
pre { background: #fff; padding: 16px; max-width: 80ch; white-space: pre-wrap; }
</style></head><body><h1>Every mail</h1>
"""


def main() -> None:
    """Take the pictures and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="mails whose name holds this word")
    wanted = parser.parse_args()
    mails = [mail for mail in matrix() if wanted.only in mail.name]
    wanted.folder.mkdir(parents=True, exist_ok=True)
    page = wanted.folder / "index.html"
    page.write_text(_HEAD + "\n".join(_pictures(mails, wanted.folder)), encoding="utf-8")
    print(f"{len(mails)} mails: open {page}")


def _pictures(mails: list[Mail], folder: Path) -> list[str]:
    rows = []
    with chromium() as browser:
        for mail in mails:
            if mail.html:
                rows.append(f"<h2>{html.escape(mail.name)}</h2><div class=row>")
                with opened(browser, mail) as (page, _):
                    for scheme in SCHEMES:
                        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                        for width in WIDTHS:
                            page.set_viewport_size({"width": width, "height": 600})
                            name = f"{mail.name.replace(' ', '-')}-{scheme}-{width}.png"
                            page.screenshot(path=folder / name, full_page=True)
                            rows.append(f'<img src="{name}" loading="lazy" alt="{scheme} {width}">')
                rows.append("</div>")
            rows.append(f"<h3>{html.escape(mail.name)}, text</h3>")
            rows.append(f"<pre dir=auto>{html.escape(mail.text)}</pre>")
    return rows


if __name__ == "__main__":
    main()
