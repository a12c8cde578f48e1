"""What a site gives is taken or refused by name; what is derived can be read, always."""

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.colours import (
    DARK,
    LEAST,
    LIGHT,
    NAMED,
    Palette,
    as_hex,
    contrast,
    nearest,
    palettes,
    unreadable,
)

COLOURS = st.builds("#{:06x}".format, st.integers(0, 0xFFFFFF))
GIVEN = st.dictionaries(st.sampled_from(NAMED), COLOURS)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.47),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 3.99),
        ("#0b5a86", "#0b5a86", 1.0),
    ],
)
def test_contrast_is_that_of_the_standard(one: str, other: str, ratio: float) -> None:
    assert int(100 * contrast(one, other)) / 100 == ratio
    assert contrast(one, other) == contrast(other, one)


def low(palette: Palette) -> list[tuple[str, str]]:
    pairs = [
        *product(("text", "heading", "link", "muted"), ("sheet", "panel", "note")),
        ("on_button", "button"),
    ]
    return [
        (text, ground)
        for text, ground in pairs
        if contrast(getattr(palette, text), getattr(palette, ground)) < LEAST
    ]


def test_a_site_that_gives_nothing_has_the_usual_colours() -> None:
    assert palettes({}, {}) == (LIGHT, DARK)
    assert low(LIGHT) == low(DARK) == []


@settings(max_examples=40, deadline=None)
@given(GIVEN, GIVEN)
def test_whatever_is_given_is_refused_or_can_be_read_on_every_surface(
    light: dict[str, str], dark: dict[str, str]
) -> None:
    fault = unreadable(light, dark)
    made = palettes(light, dark)

    assert (fault is None) == (low(made[0]) == low(made[1]) == [])
    for name, colour in light.items():
        assert getattr(made[0], name) == colour
    if fault is not None:
        assert contrast(fault.colour, fault.surface) < LEAST


@settings(max_examples=40, deadline=None)
@given(COLOURS)
def test_one_colour_is_enough_and_never_refused(accent: str) -> None:
    assert unreadable({"accent": accent}, {}) is None


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["text", "heading", "link"]), COLOURS, COLOURS)
@example("text", "#000000", "#008d2d")  # no text can be read on its panels
def test_following_what_a_refusal_says_ends_it(name: str, colour: str, sheet: str) -> None:
    given = {name: colour, "sheet": sheet}
    for _ in range(2):  # the sheet first, then the text
        if fault := unreadable(given, {}):
            given[fault.name] = fault.nearest

    assert unreadable(given, {}) is None


@pytest.mark.parametrize(
    ("light", "dark", "sentence"),
    [
        (
            {"link": "#9ecbe8"},
            {},
            "light.link: #9ecbe8 on the sheet, #ffffff, has a contrast of 1.72:1, and 4.5:1 is "
            "the least for all to read; the nearest link that passes is #2772a3",
        ),
        (
            {"heading": "#777777"},
            {},
            "light.heading: #777777 on the sheet, #ffffff, has a contrast of 4.47:1, and 4.5:1 is "
            "the least for all to read; the nearest heading that passes is #6c6c6c",
        ),
        (
            {},
            {"text": "#556677"},
            "dark.text: #556677 on the sheet, #1e2428, has a contrast of 2.65:1, and 4.5:1 is the "
            "least for all to read; the nearest text that passes is #8b9cad",
        ),
    ],
)
def test_a_refusal_names_setting_colours_ratio_and_what_would_do(
    light: dict[str, str], dark: dict[str, str], sentence: str
) -> None:
    fault = unreadable(light, dark)

    assert fault
    assert f"{fault.scheme}.{fault.name}: {fault}" == sentence


def test_the_dark_scheme_keeps_the_hue_and_lightens_it() -> None:
    light, dark = palettes({"accent": "#7a1f3d"}, {})

    assert light.link == light.heading == light.button == light.accent == "#7a1f3d"
    assert dark.sheet == DARK.sheet
    assert contrast(dark.accent, dark.sheet) >= LEAST
    red, green, blue = (int(dark.link[no : no + 2], 16) for no in (1, 3, 5))
    assert red > blue > green


def test_what_is_given_for_the_dark_scheme_wins() -> None:
    _, dark = palettes({"accent": "#7a1f3d", "link": "#7a1f3d"}, {"link": "#ffaacc"})

    assert dark.link == "#ffaacc"


def test_a_dark_sheet_is_one_look_for_both_schemes() -> None:
    light, dark = palettes({"sheet": "#13232f", "accent": "#e8b04a"}, {})

    assert light == dark
    assert light.text == DARK.text


@pytest.mark.parametrize(
    ("written", "colour"), [("#ABC", "#aabbcc"), ("#0B5A86", "#0b5a86"), ("#0b5a86", "#0b5a86")]
)
def test_colours_are_written_in_hex(written: str, colour: str) -> None:
    assert as_hex(written) == colour


@pytest.mark.parametrize("written", ["red", "#12", "#12345", "0b5a86", "rgb(0,0,0)", "#0b5a86;x"])
def test_nothing_else_is_a_colour(written: str) -> None:
    with pytest.raises(ValueError, match="# and six digits"):
        as_hex(written)


def test_where_nothing_passes_nothing_is_nearest() -> None:
    assert nearest("#777777", lambda colour: False) is None
