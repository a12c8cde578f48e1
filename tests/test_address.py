import string

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.address import (
    NAME_LIMIT,
    Address,
    UnusableAddress,
    UnusableName,
    clean_name,
    masked,
    read_address,
)


@pytest.mark.parametrize(
    ("written", "wire"),
    [
        ("anna@example.org", "anna@example.org"),
        ("Anna.Ek@EXAMPLE.Org", "Anna.Ek@example.org"),  # the local part is the host's affair
        ("  anna@example.org\n", "anna@example.org"),
        ("\u00a0anna@example.org\ufeff", "anna@example.org"),
        ("anna@\u200bexample.org", "anna@example.org"),
        ("\u200canna@example.org\u200d", "anna@example.org"),
        ("mailto:anna@example.org", "anna@example.org"),
        ("MAILTO:anna%2Bprayer@example.org?subject=Hello", "anna+prayer@example.org"),
        ("<anna@example.org>", "anna@example.org"),
        ("=1+1@church.org", "=1+1@church.org"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("x@a.b-c.d.museum", "x@a.b-c.d.museum"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("a@faß.de", "a@xn--fa-hia.de"),  # IDNA 2008 keeps the ß apart from ss
        ("a@foo。de", "a@foo.de"),
        ("a@xn--fa-hia.de", "a@xn--fa-hia.de"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ("info@example.org", "info@example.org"),
        ("x@privaterelay.appleid.com", "x@privaterelay.appleid.com"),
    ],
)
def test_an_address_is_read_as_people_write_it(written: str, wire: str) -> None:
    assert read_address(written).wire == wire


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "no address"),
        ("   ", "no address"),
        ("anna", "exactly one @"),
        ("a@b@example.org", "exactly one @"),
        ("a@example.org, b@example.org", "exactly one @"),
        ("an na@example.org", "space or a comma"),
        ("anna@example,org", "space or a comma"),
        ("anna@example.org\nBcc: all", "line break"),
        ("anna\r@example.org", "line break"),
        ("anna\0@example.org", "line break"),
        ("mailto:a@example.org%0d%0aBcc:b", "line break"),
        ("anna@example", "incomplete"),
        ("@example.org", "missing"),
        ("a" * 65 + "@example.org", "longer than 64"),
        ("anna@church.test", "reserved"),
        ("anna@localhost", "reserved"),
        ("anna@example.org.", "compare"),
        ("anna@exa_mple.org", "compare"),
        ("anna@-example.org", "compare"),
        ("anna@ex..org", "compare"),
        (".anna@example.org", "compare"),
        ("anna@[192.0.2.1]", "compare"),
        ("anna@" + "a." * 125 + "org", "compare"),
        ("anna@xn--zzzz99999.de", "compare"),
        ("änna@example.org", "ask for another"),
        ("аnna@example.org", "ask for another"),  # the first letter is Cyrillic
        ("noreply@example.org", "machine"),
        ("Postmaster@Example.org", "machine"),
        ("Abuse desk <abuse@example.org>", "machine"),
    ],
)
def test_what_cannot_be_written_to_is_refused_in_words(written: str, said: str) -> None:
    with pytest.raises(UnusableAddress, match=said) as refusal:
        read_address(written)

    shown = str(refusal.value)
    assert shown.endswith(".")
    assert len(written) < 3 or written not in shown


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Anna Ek <anna@example.org>", "Anna Ek"),
        ('"Ek, Anna" <anna@example.org>', "Ek, Anna"),
        ("<anna@example.org>", None),
        ("anna@example.org <anna@example.org>", None),
        ("김민수 <kim@example.org>", "김민수"),
        ("anna@example.org", None),
    ],
)
def test_the_name_beside_an_address_is_kept(written: str, name: str | None) -> None:
    assert read_address(written).name == name


def test_capitals_make_no_second_person() -> None:
    assert read_address("ANNA@example.org").key == read_address("anna@EXAMPLE.ORG").key


def _wire(written: str) -> str | None:
    try:
        return read_address(written).wire
    except UnusableAddress:
        return None


_LETTERS = st.text(string.ascii_letters + string.digits + ".-_+'@!#", min_size=1, max_size=70)


@given(_LETTERS, _LETTERS)
@example("a", "b.org")
@example("a", "b.o-g")
@example("a", "ab--c.org")
@example("a", "xn--a.org")
@example("a", "1.2.3.4")
@example("a", "local")
@example("a", "a.Local")
@example("a", "a" * 63 + ".org")
@example("a", "a" * 64 + ".org")
@example("a" * 64, ".".join(["b" * 60] * 4))
def test_the_fast_way_agrees_with_the_library(local: str, domain: str) -> None:
    written = f"{local}@{domain}"

    try:
        expected = validate_email(written, strict=True, check_deliverability=False).ascii_email
    except EmailNotValidError:
        expected = None
    found = _wire(written)
    assert found == expected


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(written: str) -> None:
    try:
        wire = read_address(written).wire
    except UnusableAddress:
        return

    assert wire.isascii()
    assert wire.isprintable()
    assert read_address(wire) == Address(wire)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Anna", "Anna"),
        ("  Anna \t Ek ", "Anna Ek"),
        ("", None),
        (" ", None),
        ("A\u030angstro\u0308m", "Ångström"),
        ("\u202eAnna\u202c", "Anna"),
        ("\u202a\u202c", None),
        ("علی\u200cرضا", "علی\u200cرضا"),  # a Persian name needs its joiner
        ("李明", "李明"),
    ],
)
def test_a_name_becomes_one_line(written: str, name: str | None) -> None:
    assert clean_name(written) == name


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Anna\nBcc: x", "line break"),
        ("Anna\u2028Ek", "line break"),
        ("Anna\0", "control"),
        ("anna@example.org", "an address"),
        ("x" * (NAME_LIMIT + 1), "longer"),
    ],
)
def test_what_is_no_name_is_refused(written: str, said: str) -> None:
    with pytest.raises(UnusableName, match=said):
        clean_name(written)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("anna@example.org", "a***@e***.org"),
        ("x@mail.church.co.uk", "x***@m***.uk"),
        ("a@xn--r8jz45g.jp", "a***@x***.jp"),
    ],
)
def test_a_masked_address_tells_little(address: str, shown: str) -> None:
    assert masked(address) == shown
