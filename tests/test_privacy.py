import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from subscribers.errors import Problem
from subscribers.privacy import KeyMismatch, Keys, Purpose, new_site_key

KEYS = Keys("5a" * 32)
OTHER = Keys("a5" * 32)
ROW = b"\x07" * 16


def test_a_site_key_is_new_each_time() -> None:
    first, second = new_site_key(), new_site_key()

    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first != second
    assert Keys(first + "\n").fingerprint() == Keys(first).fingerprint()


@pytest.mark.parametrize("site_key", ["", "5a", "5a" * 33, "zz" * 32, "ü"])
def test_a_broken_site_key_is_refused_without_showing_it(site_key: str) -> None:
    with pytest.raises(Problem, match="not 64 hexadecimal digits") as refusal:
        Keys(site_key)

    assert len(site_key) < 4 or site_key not in str(refusal.value)


def test_keys_do_not_show_themselves() -> None:
    assert "5a5a" not in repr(KEYS)
    assert "5a5a" not in str(vars(KEYS).get("key_id"))


# --- encryption -----------------------------------------------------------------------


@given(st.text(), st.binary(max_size=40))
def test_what_is_sealed_opens_again(text: str, row: bytes) -> None:
    assert KEYS.decrypt(KEYS.encrypt(text, "subscriber.name", row), "subscriber.name", row) == text


def test_the_same_text_never_looks_the_same() -> None:
    assert KEYS.encrypt("Anna", "subscriber.name", ROW) != KEYS.encrypt(
        "Anna", "subscriber.name", ROW
    )


@pytest.mark.parametrize(
    ("keys", "column", "row"),
    [
        (OTHER, "subscriber.name", ROW),
        (KEYS, "subscriber.address", ROW),
        (KEYS, "subscriber.name", b"\x08" * 16),
        (KEYS, "subscriber.nam", b"e" + ROW),  # the border between column and row is bound too
    ],
)
def test_a_value_moved_to_another_place_does_not_open(keys: Keys, column: str, row: bytes) -> None:
    sealed = KEYS.encrypt("Anna", "subscriber.name", ROW)

    with pytest.raises(KeyMismatch, match=r"secret\.key"):
        keys.decrypt(sealed, column, row)


@given(st.data())
def test_any_damage_is_found(data: st.DataObject) -> None:
    sealed = bytearray(KEYS.encrypt("Anna", "subscriber.name", ROW))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(KeyMismatch):
        KEYS.decrypt(bytes(sealed), "subscriber.name", ROW)


@pytest.mark.parametrize("length", [0, 1, 5, 12, 13, 20])
def test_a_value_cut_short_is_found(length: int) -> None:
    sealed = KEYS.encrypt("Anna", "subscriber.name", ROW)[:length]

    with pytest.raises(KeyMismatch):
        KEYS.decrypt(sealed, "subscriber.name", ROW)


# --- blind indexes --------------------------------------------------------------------


def test_an_index_is_the_same_in_capitals_and_in_either_unicode_form() -> None:
    assert KEYS.address_index("Anna@Example.org") == KEYS.address_index("anna@example.org")
    assert KEYS.address_index("\u00e5@x.org") == KEYS.address_index("a\u030a@x.org")


def test_an_index_needs_the_key_and_the_kind() -> None:
    index = KEYS.address_index("anna@example.org")

    assert len(index) == 16
    assert index != OTHER.address_index("anna@example.org")
    assert index != KEYS.index("content", "anna@example.org")


# --- tokens ---------------------------------------------------------------------------


@given(st.sampled_from(Purpose), st.integers(0, 2**48 - 1))
def test_a_token_gives_its_number_back(purpose: Purpose, number: int) -> None:
    token = KEYS.token(purpose, number)

    assert re.fullmatch("[A-Za-z0-9_-]{23}", token)
    assert KEYS.open_token(purpose, token) == number


def test_tokens_made_together_are_those_made_apart() -> None:
    numbers = [5, 0, 2**48 - 1]

    assert KEYS.tokens(Purpose.DELIVERY, numbers) == [
        KEYS.token(Purpose.DELIVERY, number) for number in numbers
    ]


def test_a_token_opens_only_for_its_own_purpose_and_site() -> None:
    token = KEYS.token(Purpose.UNSUBSCRIBE, 77)

    assert [KEYS.open_token(other, token) for other in Purpose] == [77, None, None, None]
    assert OTHER.open_token(Purpose.UNSUBSCRIBE, token) is None


@given(st.data())
def test_a_changed_token_opens_nothing(data: st.DataObject) -> None:
    token = KEYS.token(Purpose.UNSUBSCRIBE, 77)
    place = data.draw(st.integers(0, 22))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_+/= é"))
    changed = token[:place] + letter + token[place + 1 :]

    assert KEYS.open_token(Purpose.UNSUBSCRIBE, changed) == (77 if changed == token else None)


@given(st.text(max_size=40))
@example("-" + "!" * 22)
@example("-" + "A" * 21 + "!")
@example("-" + "A" * 22)
def test_any_other_text_opens_nothing(text: str) -> None:
    assert KEYS.open_token(Purpose.UNSUBSCRIBE, text) is None
