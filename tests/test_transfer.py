import io
import logging
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import make_url

import subscribers.transfer as transfer
from subscribers.audience import head_count
from subscribers.consent import (
    Details,
    Person,
    details,
    find,
    subscribe,
    unsubscribe,
    unsubscribe_everywhere,
)
from subscribers.database import Base, DatabaseUnavailable, open_engine, reading, writing
from subscribers.errors import Problem, UnreadableInput
from subscribers.privacy import Keys
from subscribers.style import Style
from subscribers.suppression import suppress
from subscribers.tables import (
    Basis,
    ConsentEvent,
    Subscriber,
    Subscription,
    SubscriptionState,
    SuppressionReason,
)
from subscribers.transfer import (
    ImportReport,
    basis_named,
    export_csv,
    export_file,
    import_csv,
    private_file,
)
from tests.conftest import NOON
from tests.people import CONSENT, add_list, join

PEOPLE = """\
email,name,language,timezone,country
anna@example.org,Anna Ek,sv,Europe/Stockholm,SE
kim@example.org,김민수,ko,Asia/Seoul,kr
ali@example.org,علی,FA,asia/tehran,Iran
"""


@pytest.fixture
def weekly(engine: Engine) -> int:
    with writing(engine) as session:
        return add_list(session)


def _import(
    engine: Engine, keys: Keys, list_id: int, source: str | bytes | Path, **options: Any
) -> ImportReport:
    data = source.encode() if isinstance(source, str) else source
    return import_csv(engine, keys, list_id, data, Basis.EXPLICIT_CONSENT, NOON, **options)


def _person(engine: Engine, keys: Keys, address: str) -> Details:
    with reading(engine) as session:
        found = details(session, keys, address)
    assert found is not None
    return found


def _rows_of(engine: Engine) -> dict[str, int]:
    with reading(engine) as session:
        return {
            name: session.scalars(select(func.count()).select_from(table)).one()
            for name, table in Base.metadata.tables.items()
        }


def _counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    return (report.added, report.already, report.left, report.suppressed, len(report.refused))


# --- import ---------------------------------------------------------------------------


def test_people_are_imported_with_what_the_file_says(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    report = _import(engine, keys, weekly, PEOPLE, by="office@example.org")

    assert report.to_json() == {
        "rows": 3,
        "added": 3,
        "already": 0,
        "left": 0,
        "suppressed": 0,
        "refused": [],
    }
    ali = _person(engine, keys, "ali@example.org")
    assert (ali.name, ali.language, ali.timezone, ali.country) == ("علی", "fa", "Asia/Tehran", "IR")
    assert (ali.lists[0].basis, ali.lists[0].since) == (Basis.EXPLICIT_CONSENT, NOON)
    with reading(engine) as session:
        actor = session.scalars(select(ConsentEvent.actor)).first()
        assert head_count(session, weekly) == 3
    assert keys.decrypt(actor or b"", "consent_event.actor", b"") == "office@example.org"


def test_importing_again_changes_nothing(engine: Engine, keys: Keys, weekly: int) -> None:
    _import(engine, keys, weekly, PEOPLE)
    before = _rows_of(engine)

    again = _import(engine, keys, weekly, PEOPLE)

    assert _counts(again) == (0, 3, 0, 0, 0)
    assert _rows_of(engine) == before


def test_a_dry_run_writes_nothing_and_returns_the_same_numbers(
    engine: Engine, keys: Keys, weekly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 2)
    with writing(engine) as session:
        unsubscribe(session, join(session, keys, weekly, "left@example.org")[0], "link", NOON)
        suppress(session, keys, "never@example.org", SuppressionReason.STAFF, NOON)
    table = (
        PEOPLE + "LEFT@example.org,,,,\nanna@example.org,,,,\nnever@example.org,,,,\nx,,,,\n"
        "Anna@Example.org,,,,\n"
    )
    before = _rows_of(engine)

    dry = _import(engine, keys, weekly, table, dry_run=True)

    assert _rows_of(engine) == before
    assert _counts(dry) == (3, 2, 1, 1, 1)
    assert _import(engine, keys, weekly, table).to_json() == dry.to_json()


def test_each_refused_row_has_its_number_and_reason(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    table = """\
email,name,language,timezone,country,state
anna@example.org,Anna,,,,
no address,Ben,,,,
,Ben,,,,
b@example.org,Ben,,Mars/Olympus,,
c@example.org,Cy,Klingon,,,
d@example.org,Di,,,Atlantis,
e@example.org,"Eve
Two",,,,
f@example.org,,,,,pending
g@example.org,,,,,,more
h@example.org,h@example.org,,,,
"""

    report = _import(engine, keys, weekly, table)

    assert _counts(report) == (1, 0, 0, 0, 9)
    assert report.rows == 10
    said = [(one["row"], one["email"], one["reason"]) for one in report.to_json()["refused"]]
    assert [(row, email) for row, email, _ in said] == [
        (3, "no address"),
        (4, ""),
        (5, "b@example.org"),
        (6, "c@example.org"),
        (7, "d@example.org"),
        (8, "e@example.org"),
        (9, "f@example.org"),
        (10, "g@example.org"),
        (11, "h@example.org"),
    ]
    words = "@|no address|zone|language|country|line break|confirmed|more cells|name"
    for (_, _, reason), word in zip(said, words.split("|"), strict=True):
        assert word in reason
        assert reason.endswith(".")


def test_who_left_stays_left_and_who_is_suppressed_stays_so(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    _import(engine, keys, weekly, PEOPLE)
    with writing(engine) as session:
        anna = _person(engine, keys, "anna@example.org")
        unsubscribe(session, anna.lists[0].subscription_id, "link", NOON)
        suppress(session, keys, "kim@example.org", SuppressionReason.COMPLAINT, NOON)

    again = _import(engine, keys, weekly, PEOPLE)

    assert _counts(again) == (0, 1, 1, 1, 0)
    state = _person(engine, keys, "anna@example.org").lists[0].state
    assert state is SubscriptionState.UNSUBSCRIBED
    with reading(engine) as session:
        assert head_count(session, weekly) == 1


def test_what_the_file_says_of_people_who_left_elsewhere_is_believed(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    table = (
        "email,status\na@example.org,enabled\nb@example.org,Unsubscribed\n"
        "c@example.org,blocklisted\nd@example.org,Texas\n"
    )

    report = _import(engine, keys, weekly, table)

    assert _counts(report) == (2, 0, 1, 1, 0)
    with reading(engine) as session:
        assert find(session, keys, "b@example.org") is None


def test_a_list_of_people_who_left_is_refused_whole(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    table = "Email Address,UNSUB_TIME\na@example.org,2026-01-01\n"

    with pytest.raises(UnreadableInput, match="people who left"):
        _import(engine, keys, weekly, table)

    assert _rows_of(engine)["subscriber"] == 0


def test_a_file_broken_at_its_end_changes_nothing(
    engine: Engine, keys: Keys, weekly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 1)

    with pytest.raises(UnreadableInput, match="Row 5"):
        _import(engine, keys, weekly, PEOPLE + 'ben@example.org,"Ben\nx\n')

    assert _rows_of(engine)["subscriber"] == 0


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("email,first_name,last_name\na@example.org,Anna,Ek\n", "Anna Ek"),
        ("E-Mail;Vorname;Name\na@example.org;Anna;Ek\n", "Anna Ek"),
        ("email,name,first name\na@example.org,Anna Ek,Anna\n", "Anna Ek"),
        ("email,first name\na@example.org,Anna\n", "Anna"),
        ("email,last name\na@example.org,Ek\n", "Ek"),
        ("email\nAnna Ek <a@example.org>\n", "Anna Ek"),
        ("email,name\nOther <a@example.org>,Anna Ek\n", "Anna Ek"),
        ("email,name\na@example.org,'=Anna\n", "=Anna"),
        ("email,name\na@example.org,\n", None),
        ("email\nmailto:a@example.org\n", None),
    ],
)
def test_names_are_found_in_many_shapes(
    sqlite_url: str, keys: Keys, table: str, name: str | None
) -> None:
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        weekly = add_list(session)

    _import(engine, keys, weekly, table)

    assert _person(engine, keys, "a@example.org").name == name
    engine.dispose()


@pytest.mark.parametrize(
    ("column", "written", "stored"),
    [
        ("language", "pt_br", "pt-BR"),
        ("language", "ZH-hant-tw", "zh-Hant-TW"),
        ("language", "es-419", "es-419"),
        ("timezone", "America/New york", "America/New_York"),
        ("timezone", "utc", "UTC"),
        ("country", "GERMANY", "DE"),
        ("country", "sy", "SY"),
    ],
)
def test_codes_are_written_the_usual_way(
    sqlite_url: str, keys: Keys, column: str, written: str, stored: str
) -> None:
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        weekly = add_list(session)

    report = _import(engine, keys, weekly, f"email,{column}\na@example.org,{written}\n")

    assert report.added == 1
    assert getattr(_person(engine, keys, "a@example.org"), column) == stored
    engine.dispose()


def test_two_rows_of_one_person_are_one_person(engine: Engine, keys: Keys, weekly: int) -> None:
    table = "email,name,language\nA@example.org,,sv\na@example.org,Anna,en\n"

    report = _import(engine, keys, weekly, table)

    assert _counts(report) == (1, 1, 0, 0, 0)
    anna = _person(engine, keys, "a@example.org")
    assert (anna.email, anna.name, anna.language) == ("A@example.org", "Anna", "sv")


def test_columns_not_taken_are_reported_once(engine: Engine, keys: Keys, weekly: int) -> None:
    report = _import(engine, keys, weekly, "email,LATITUDE,MEMBER_RATING\na@example.org,1,2\n")

    assert report.not_taken == ("LATITUDE", "MEMBER_RATING")


def test_progress_counts_every_row(
    engine: Engine, keys: Keys, weekly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 2)
    told: list[int] = []

    _import(engine, keys, weekly, PEOPLE + "bad,,,,\n", progress=told.append)

    assert told == [2, 4]


def test_an_import_that_dies_between_two_transactions_is_mended_by_importing_again(
    engine: Engine, keys: Keys, weekly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 2)

    def die(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _import(engine, keys, weekly, PEOPLE, progress=die)
    report = _import(engine, keys, weekly, PEOPLE)

    assert _counts(report) == (1, 2, 0, 0, 0)
    assert _rows_of(engine)["consent_event"] == 3


def test_two_imports_at_once_make_everyone_once(
    engine: Engine, keys: Keys, weekly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 20)
    table = "email\n" + "".join(f"person{n}@example.org\n" for n in range(100))
    reports: list[ImportReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(_import(engine, keys, weekly, table)))
        for _ in range(2)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.added for report in reports) == 100
    assert _rows_of(engine)["subscription"] == 100


def test_a_full_disk_in_an_import_leaves_whole_transactions(
    sqlite_url: str, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 100)
    engine = open_engine(sqlite_url)
    with writing(engine) as session:
        weekly = add_list(session)
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages + 40}"))
    table = "email\n" + "".join(f"person{n}@example.org\n" for n in range(2000))

    with pytest.raises(DatabaseUnavailable, match="is full"):
        _import(engine, keys, weekly, table)

    rows = _rows_of(engine)
    assert rows["subscriber"] == rows["subscription"] == rows["consent_event"]
    assert rows["subscriber"] % 100 == 0
    assert 0 < rows["subscriber"] < 2000
    engine.dispose()


@pytest.mark.parametrize("basis", list(Basis))
def test_each_basis_has_a_name(basis: Basis) -> None:
    assert basis_named(basis.label) is basis


@pytest.mark.parametrize(
    ("name", "said"),
    [("explicit_consent", "did you mean explicit-consent"), ("", "choose one of explicit-consent")],
)
def test_an_unknown_basis_is_refused(name: str, said: str) -> None:
    with pytest.raises(UnreadableInput, match=said):
        basis_named(name)


# --- export ---------------------------------------------------------------------------


def _export(engine: Engine, keys: Keys, list_id: int) -> bytes:
    file = io.BytesIO()
    with reading(engine) as session:
        export_csv(session, keys, list_id, file)
    return file.getvalue()


def test_an_export_says_everything_of_one_list(engine: Engine, keys: Keys, weekly: int) -> None:
    _import(engine, keys, weekly, PEOPLE)
    with writing(engine) as session:
        join(session, keys, add_list(session, "urgent"), "other@example.org")
        kim = _person(engine, keys, "kim@example.org").lists[0].subscription_id
        unsubscribe(session, kim, "link", NOON + timedelta(days=1))
        suppress(session, keys, "ali@example.org", SuppressionReason.STAFF, NOON)

    written = _export(engine, keys, weekly)

    same = "explicit-consent,2026-11-23T12:00:00+00:00"
    assert written.startswith(b"\xef\xbb\xbf")
    assert written.decode("utf-8-sig").split("\r\n") == [
        "email,name,language,timezone,country,style,state,basis,since",
        f"anna@example.org,Anna Ek,sv,Europe/Stockholm,SE,,active,{same}",
        "kim@example.org,김민수,ko,Asia/Seoul,KR,,unsubscribed,explicit-consent,"
        "2026-11-24T12:00:00+00:00",
        f"ali@example.org,علی,fa,Asia/Tehran,IR,,suppressed,{same}",
        "",
    ]


def test_an_export_imported_elsewhere_brings_only_those_who_are_subscribed(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    _import(engine, keys, weekly, PEOPLE)
    with writing(engine) as session:
        kim = _person(engine, keys, "kim@example.org").lists[0].subscription_id
        unsubscribe(session, kim, "link", NOON)
        other = add_list(session, "other")

    report = _import(engine, keys, other, _export(engine, keys, weekly))

    assert _counts(report) == (2, 0, 1, 0, 0)
    assert report.not_taken == ("basis", "since")


def test_the_style_comes_in_and_goes_out(engine: Engine, keys: Keys, weekly: int) -> None:
    sheet = (
        b"email;style\na@example.org;Large print\nb@example.org;standard\n"
        b"c@example.org;DISCREET\nd@example.org;discret\n"
    )

    report = _import(engine, keys, weekly, sheet)

    assert _counts(report) == (3, 0, 0, 0, 1)
    assert report.refused[0].reason == (
        "The style is not known: did you mean discreet? write one of standard, large, plain, "
        "discreet."
    )
    rows = _export(engine, keys, weekly).decode("utf-8-sig").split("\r\n")[1:-1]
    assert [row.split(",")[5] for row in rows] == ["large", "", "discreet"]


def test_a_style_is_completed_and_only_discreet_counts_at_once(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    _import(engine, keys, weekly, b"email,style\na@x.org,large\nb@x.org,\nc@x.org,plain\n")

    _import(
        engine,
        keys,
        weekly,
        b"email,style\na@x.org,plain\nb@x.org,plain\nc@x.org,large\nc@x.org,discreet\n",
    )

    styles = [_person(engine, keys, f"{name}@x.org").style for name in "abc"]
    assert styles == [Style.LARGE, Style.PLAIN, Style.DISCREET]


def test_what_is_exported_is_imported_as_it_was(engine: Engine, keys: Keys, weekly: int) -> None:
    names = [
        "=1",
        "'=1",
        "''=1",
        "+49 Anna",
        "-",
        "'Abdu",
        "Ek, Anna",
        'Bo "B" Ek',
        "a;b",
        "|",
        "é",
    ]
    with writing(engine) as session:
        for n, name in enumerate(names):
            person = Person(f"p{n}@example.org", name)
            subscribe(session, keys, weekly, person, CONSENT, NOON)
    exported = _export(engine, keys, weekly)
    other = Keys("a5" * 32)
    with writing(engine) as session:
        elsewhere = add_list(session, "elsewhere")

    report = _import(engine, other, elsewhere, exported)

    assert report.added == len(names)
    found = [_person(engine, other, f"p{n}@example.org").name for n in range(len(names))]
    assert found == names


def test_no_cell_of_an_export_is_a_formula(engine: Engine, keys: Keys, weekly: int) -> None:
    table = 'email,name\n=1+1@church.org,"=HYPERLINK(1)"\n-a@church.org,+49\n'
    _import(engine, keys, weekly, table)

    written = _export(engine, keys, weekly)

    assert b"\r\n'=1+1@church.org,'=HYPERLINK(1)," in written
    assert b"\r\n'-a@church.org,'+49," in written
    assert _counts(_import(engine, keys, weekly, written)) == (0, 2, 0, 0, 0)


def test_a_file_of_an_export_is_for_this_user_and_whole(
    engine: Engine, keys: Keys, weekly: int, tmp_path: Path
) -> None:
    _import(engine, keys, weekly, PEOPLE)
    file = tmp_path / "people.csv"
    file.write_text("old")

    with reading(engine) as session:
        count = export_file(session, keys, weekly, file)

    assert count == 3
    assert file.read_bytes() == _export(engine, keys, weekly)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.glob("*.part")) == []


def test_an_export_that_cannot_be_written_is_one_sentence(
    engine: Engine, keys: Keys, weekly: int, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    with reading(engine) as session:
        for folder in ("missing", "a file"):
            with pytest.raises(Problem, match="cannot be written"):
                export_file(session, keys, weekly, tmp_path / folder / "people.csv")


def test_an_export_that_breaks_off_leaves_no_half_of_it(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), private_file(tmp_path / "people.csv"):
        raise KeyboardInterrupt

    assert list(tmp_path.iterdir()) == []


def test_what_others_left_in_its_place_does_not_become_the_file(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.touch(0o644)
    (tmp_path / "people.csv.part").symlink_to(theirs)

    with private_file(tmp_path / "people.csv") as file:
        file.write(b"anna@example.org")

    assert theirs.read_bytes() == b""
    assert stat.S_IMODE((tmp_path / "people.csv").stat().st_mode) == 0o600


# --- privacy --------------------------------------------------------------------------

CANARIES = [(f"quetzalcanary{n}xyzzy", f"Ptolemäus Käferstein{n} Žižkovský") for n in range(30)]


@contextmanager
def _everything_done(engine: Engine, keys: Keys, tmp_path: Path) -> Iterator[None]:
    """Import, leave, suppress, look up, export: with the database still open."""
    with writing(engine) as session:
        weekly = add_list(session)
    table = "email,name\n" + "".join(f"{a}@church-canary.org,{n}\n" for a, n in CANARIES)
    _import(engine, keys, weekly, table + "quetzalcanary broken,Käferstein\n", by=CANARIES[0][0])
    _import(engine, keys, weekly, table)
    first, second, third, *_ = (f"{local}@church-canary.org" for local, _ in CANARIES)
    with writing(engine) as session:
        number = _person(engine, keys, first).lists[0].subscription_id
        unsubscribe(session, number, "link", NOON)
        suppress(session, keys, second, SuppressionReason.STAFF, NOON, note=CANARIES[1][1])
        person = find(session, keys, third)
        assert person is not None
        unsubscribe_everywhere(session, keys, person.id, "staff", NOON, by=CANARIES[2][0])
    with reading(engine) as session:
        export_file(session, keys, weekly, tmp_path / "out" / "people.csv")
    yield


def _leaks(where: bytes) -> list[str]:
    flat = where.lower()
    words = {word for local, name in CANARIES for word in (local, *name.split())}
    words |= {"church-canary", "quetzalcanary", "käferstein"}
    spellings = {form for word in words for form in _spellings(word.lower())}
    return sorted(repr(form) for form in spellings if form in flat)


def _spellings(word: str) -> Iterator[bytes]:
    yield word.encode()
    yield word.encode("utf-16-le")
    yield ascii(word)[1:-1].encode()
    yield word.encode().hex().encode()


def test_no_file_and_no_log_names_anyone(
    sqlite_url: str, keys: Keys, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "sqlalchemy.engine")  # shows rows
    (tmp_path / "out").mkdir()
    engine = open_engine(sqlite_url)
    database = Path(make_url(sqlite_url).database or "")

    with _everything_done(engine, keys, tmp_path):
        files = sorted(tmp_path.glob("newsletter.db*"))
        assert [file.name for file in files] == [
            database.name,
            database.name + "-shm",
            database.name + "-wal",
        ]
        for file in files:
            assert _leaks(file.read_bytes()) == []
    engine.dispose()

    assert _leaks(database.read_bytes()) == []
    assert "INSERT INTO subscriber" in caplog.text
    assert _leaks(caplog.text.encode()) == []
    assert len(_leaks((tmp_path / "out" / "people.csv").read_bytes())) > 60  # it can find them


def test_no_row_on_postgresql_names_anyone(postgres_url: str, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    engine = open_engine(postgres_url)

    with _everything_done(engine, keys, tmp_path), reading(engine) as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                assert _leaks(b" ".join(_as_bytes(cell) for cell in row)) == []
    engine.dispose()


def _as_bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


def test_a_row_swapped_with_another_does_not_open(engine: Engine, keys: Keys, weekly: int) -> None:
    _import(engine, keys, weekly, PEOPLE)
    with writing(engine) as session:
        anna, kim = session.scalars(select(Subscriber).order_by(Subscriber.id).limit(2))
        anna.address = kim.address

    with pytest.raises(Problem, match="does not open"):
        _person(engine, keys, "anna@example.org")


def test_the_states_in_the_database_are_those_of_the_report(
    engine: Engine, keys: Keys, weekly: int
) -> None:
    _import(engine, keys, weekly, PEOPLE)

    with reading(engine) as session:
        states = session.scalars(select(Subscription.state)).all()
    assert states == [SubscriptionState.ACTIVE] * 3
