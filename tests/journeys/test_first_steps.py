"""The two commands of the README, and the wheel in an empty environment."""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.journeys.conftest import Command, TrialSite

ROOT = Path(__file__).parents[2]


def test_the_demonstration_does_the_whole_job_and_may_be_run_again(
    newsletter: Command, tmp_path: Path
) -> None:
    first = newsletter("demo", tmp_path / "demo", "--subscribers", "30")
    mails = list((tmp_path / "demo" / "mailbox" / "new").iterdir())
    again = newsletter("demo", tmp_path / "demo", "--subscribers", "30")

    assert first.status == again.status == 0
    assert "nothing leaves this machine" in first.out
    assert "STOPPED" in first.out
    assert len(mails) == 30
    assert "30 were there already" in again.out
    assert len(list((tmp_path / "demo" / "mailbox" / "new").iterdir())) == 60


def test_the_demonstration_refuses_a_real_provider(
    newsletter: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSLETTER__PROVIDER__KIND", "smtp")

    said = newsletter("demo", tmp_path / "demo")

    assert said.status == 1
    assert "only practises" in said.err
    assert said.out == ""


def test_the_demonstration_leaves_a_site_with_lists_of_its_own_alone(site: TrialSite) -> None:
    said = site.command("demo", site.folder)

    assert said.status == 1
    assert "lists of its own" in said.err
    assert [each["name"] for each in site("list", "show", "--json").json["lists"]] == ["weekly"]


def test_a_wheel_in_an_empty_environment_runs_the_demonstration_from_another_folder(
    tmp_path: Path,
) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*build, str(tmp_path), str(ROOT)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    assert "newsletter/rendering/locale/fa.po" in zipfile.ZipFile(wheel).namelist()
    venv.create(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    # The versions of the lock, without hashes and extras: pip takes neither here.
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*])?(==[^ \\]+)", lock, re.MULTILINE)
    (tmp_path / "pins.txt").write_text("\n".join(name + version for name, version in pins))
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile"]
    subprocess.run([*install, "-c", str(tmp_path / "pins.txt"), str(wheel)], check=True)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "newsletter", "demo", "demo", "--subscribers", "20"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert len(list((elsewhere / "demo" / "mailbox" / "new").iterdir())) == 20
    assert "   newsletter serve --site demo " in done.stdout
    assert "make" not in done.stdout
