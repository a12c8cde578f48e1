"""The product as its users meet it: the command line, a site folder, real servers."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from newsletter.cli import run


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Said]


@pytest.fixture
def newsletter(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; the same code as the console script."""

    def command(*arguments: object) -> Said:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(status, said.out, said.err)

    return command


@dataclass(frozen=True)
class TrialSite:
    """A site folder with one list, and the command line on it."""

    folder: Path
    command: Command

    def __call__(self, *arguments: object) -> Said:
        return self.command(*arguments, "--site", self.folder)

    def configure(self, **values: object) -> None:
        """Set `section__key` (or `section__sub__key`) for the commands that follow."""
        for name, value in values.items():
            written = value if isinstance(value, str) else json.dumps(value)
            os.environ[f"NEWSLETTER__{name.upper()}"] = written

    def process(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "newsletter", *map(str, arguments), "--site", str(self.folder)],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="session")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `newsletter init` makes, with the list `weekly`: made once, and only ever copied."""
    folder = tmp_path_factory.mktemp("new") / "site"
    zone = {"NEWSLETTER__ORGANISATION__TIMEZONE": "Europe/London"}
    with patch.dict(os.environ, zone), redirect_stdout(io.StringIO()):
        os.environ.pop("NEWSLETTER_SITE", None)
        assert run(["init", str(folder)]) == 0
        add = ["list", "add", "weekly", "--cadence", "Fridays 07:00", "--site", str(folder)]
        assert run(add) == 0
    # Each copy becomes an original of its own when it first needs to be one.
    with closing(sqlite3.connect(folder / "newsletter.db", isolation_level=None)) as database:
        database.execute("DELETE FROM original")
    (folder / "newsletter.db.witness.0").unlink()
    return folder


@pytest.fixture
def site(
    tmp_path: Path, newsletter: Command, new_site: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TrialSite]:
    """A fresh site with the list `weekly` (Fridays 07:00 in London) and no wait."""
    before = dict(os.environ)
    monkeypatch.delenv("NEWSLETTER_SITE", raising=False)
    trial = TrialSite(shutil.copytree(new_site, tmp_path / "site"), newsletter)
    trial.configure(approval__wait_before_sending_minutes=0, organisation__timezone="Europe/London")
    yield trial
    for name in set(os.environ) - set(before):
        del os.environ[name]


@pytest.fixture
def mended(shared: Path, tmp_path: Path) -> Path:
    """A copy of the real bulletin as a colleague would mend it; it exists for this test only."""
    text = (shared / "samples/north-korea.txt").read_text(encoding="utf-8")
    text = text.replace("Matthew 2 vs 40", "Matthew 25:40")
    text = text.replace("The message will be closed after 20 s", "")
    path = tmp_path / "north-korea.txt"
    path.write_text(text, encoding="utf-8")
    return path


def people_csv(path: Path, count: int) -> Path:
    rows = [f"reader{number}@example.org,Reader {number},en," for number in range(count)]
    path.write_text("email,name,language,timezone\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path
