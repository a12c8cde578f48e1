"""What the Nu HTML checker says, without what every good mail has to do."""

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
JAR = HERE / "node_modules/vnu-jar/build/dist/vnu.jar"

# What mail programs need and HTML for browsers has not: Outlook's own names, Apple's own
# instruction, and sizes and colours on tables, which Outlook reads nowhere else.
_NEEDED = re.compile(
    r"x-apple-disable-message-reformatting|supported-color-schemes|mso-|xmlns|"
    r"^Attribute “(?:xmlns:\w+|supported-color-schemes)”|"
    r"“(?:width|align|valign|bgcolor|border|cellpadding|cellspacing|height)” attribute on the "
    r"“(?:table|td|body|img)” element is obsolete|"
    r"-webkit-text-size-adjust|-ms-text-size-adjust|text-size-adjust"
)


def hard_errors(documents: Sequence[str]) -> list[list[str]]:
    """Return for each document the errors that no mail program asks for."""
    with tempfile.TemporaryDirectory(prefix="newsletter-mails-") as folder:
        files = [Path(folder) / f"{number}.html" for number in range(len(documents))]
        for file, document in zip(files, documents, strict=True):
            file.write_text(document, encoding="utf-8")
        said = subprocess.run(
            ["java", "-jar", str(JAR), "--format", "json", "--exit-zero-always", *map(str, files)],
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    errors: list[list[str]] = [[] for _ in documents]
    for message in json.loads(said.stderr)["messages"]:
        if message["type"] == "error" and not _NEEDED.search(message["message"]):
            number = int(Path(message["url"].removeprefix("file:")).stem)
            errors[number].append(f"{message['message']} (line {message.get('lastLine')})")
    return errors
