"""`newsletter bulletin check FILE --fix`."""

from pathlib import Path

from tests.journeys.conftest import Command

LETTER = """Letter

The clinic is open again.

• Pray for the doctor.
• Pray for medicine.
"""


def test_the_copy_lies_beside_the_file_and_the_file_is_left_alone(
    newsletter: Command, tmp_path: Path
) -> None:
    file = tmp_path / "harvest.en.txt"
    before = LETTER.replace("again.", "again.\nRead more\n\nIn John 3:99 we read it.")
    file.write_bytes(before.replace("\n", "\r\n").encode())

    said = newsletter("bulletin", "check", file, "--fix")

    copy = tmp_path / "harvest.mended.en.txt"
    assert said.status == 1  # a verse that does not exist remains
    assert f"Mended in {copy}:" in said.out
    assert "line 4: “Read more” removed" in said.out
    assert "Line 5, blocker: Line 5 refers to John 3:99" in said.out
    assert copy.read_bytes() == before.replace("Read more\n", "").replace("\n", "\r\n").encode()
    assert file.read_bytes() == before.replace("\n", "\r\n").encode()
    assert newsletter("bulletin", "check", copy, "--json").json["findings"][0]["line"] == 5


def test_with_nothing_to_mend_nothing_is_written(newsletter: Command, tmp_path: Path) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text(LETTER, encoding="utf-8")

    said = newsletter("bulletin", "check", file, "--fix")
    values = newsletter("bulletin", "check", file, "--fix", "--json").json

    assert said.status == 0
    assert "Nothing in it can be mended without you." in said.out
    assert values["mended"] == {"file": None, "mends": []}
    assert list(tmp_path.iterdir()) == [file]


def test_a_copy_never_goes_over_anything(newsletter: Command, tmp_path: Path) -> None:
    file, copy = tmp_path / "harvest.txt", tmp_path / "harvest.mended.txt"
    file.write_text("Read more\n\n" + LETTER, encoding="utf-8")
    copy.write_text("Mine.", encoding="utf-8")

    said = newsletter("bulletin", "check", file, "--fix", "--json")

    assert (said.status, said.out, said.err.count("\n")) == (1, "", 1)
    assert f"{copy} is there already" in said.err
    assert copy.read_text(encoding="utf-8") == "Mine."


def test_the_copy_as_json_names_file_and_mends(newsletter: Command, tmp_path: Path) -> None:
    file = tmp_path / "harvest.txt"
    file.write_text("Read more\n\n" + LETTER, encoding="utf-8")

    said = newsletter("bulletin", "check", file, "--fix", "--json")

    assert said.status == 0
    assert said.json["findings"] == []
    assert said.json["mended"] == {
        "file": str(tmp_path / "harvest.mended.txt"),
        "mends": [{"line": 1, "what": "“Read more” removed"}],
    }
