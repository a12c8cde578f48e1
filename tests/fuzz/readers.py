"""Fuzz one reader: python -m tests.fuzz.readers .docx FOLDER [options of libFuzzer].

Whatever the bytes are, there is a bulletin or one clear error; anything else stops the run and
leaves the bytes behind.  What is found lies in FOLDER, and is where the next run begins.
"""

import io
import sys
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["newsletter.bulletin", "mammoth", "feedparser", "yaml"]):
    from newsletter.bulletin import read_bulletin
    from newsletter.checks import check
    from newsletter.errors import UnreadableInput
    from tests.fuzz.seeds import SEEDS

TEXT = "word/document.xml"


def in_a_word_file(xml: bytes) -> bytes:
    """Return a Word file with that text: nobody finds a second archive by chance."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(TEXT, xml)
    return out.getvalue()


def main() -> None:
    """Run until libFuzzer has had enough."""
    ending, folder, *options = sys.argv[1:]

    def one(data: bytes) -> None:
        try:
            name = f"a{ending}"
            is_text = ending == ".docx" and not data.startswith(b"PK")
            check(read_bulletin(in_a_word_file(data) if is_text else data, name))
        except UnreadableInput:
            pass

    found = Path(folder) / ending.lstrip(".")
    found.mkdir(parents=True, exist_ok=True)
    seed = SEEDS[ending]
    (found / "seed").write_bytes(seed)
    if ending == ".docx":
        with zipfile.ZipFile(io.BytesIO(seed)) as archive:
            (found / "seed-text").write_bytes(archive.read(TEXT))
    crashes = f"-artifact_prefix={found.parent}/crash-{found.name}-"
    atheris.Setup([sys.argv[0], str(found), crashes, *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
