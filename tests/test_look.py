"""How the settings of [brand] and [lists] show in a mail."""

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import Engine

from newsletter.config import SETTINGS_FILE, Brand, Colours, OwnSender, Settings, read_settings
from newsletter.errors import NotAllowed, Problem, UnreadableInput
from newsletter.issue import open_desk, stored_email
from newsletter.rendering import (
    Look,
    RenderedEmail,
    Templates,
    look_of,
    merge,
    render,
    render_notice,
    slot_values,
)
from newsletter.rendering.photos import LOGO_LIMIT, Logo, logo_from
from newsletter.site import create_site, read_logo, shipped_templates
from subscribers.database import reading
from subscribers.privacy import Keys
from tests.brands import branded, drawn_logo
from tests.bulletins import ARABIC, ENGLISH, KOREAN, LOOK
from tests.office import Office, desk_for

TEMPLATES = Templates([shipped_templates()])
SHEETS = ("#ffffff", "#1e2428")


def html_of(email: RenderedEmail) -> str:
    return merge(email.html, slot_values("Miriam", "en", "https://x.org/u", "https://x.org/p")[0])


def text_of(email: RenderedEmail) -> str:
    return merge(email.text, slot_values("Miriam", "en", "https://x.org/u", "https://x.org/p")[1])


@pytest.fixture
def office(warm_engine: Engine, keys: Keys) -> Office:
    return Office(warm_engine, desk_for(keys))


# --- the logo ---------------------------------------------------------------------------------


def test_a_logo_is_shown_in_both_parts_words_and_attached_once() -> None:
    look = branded("light-brand")
    email = render(ENGLISH, look, TEMPLATES)

    [photo] = email.photos
    html = html_of(email)
    assert html.count(f'src="cid:{photo.content_id}"') == 1
    assert f'alt="{look.organisation}"' in html
    assert 'width="240"' in html
    assert look.organisation in text_of(email)
    assert photo.media_type == "image/png"
    assert len(photo.data) < LOGO_LIMIT


def test_without_pictures_the_logo_is_words_like_a_heading() -> None:
    [tag] = [
        each
        for each in html_of(render(ENGLISH, branded("light-brand"), TEMPLATES)).split("<")
        if each.startswith("img")
    ]

    assert "font-size:19px" in tag.replace(" ", "")
    assert "color:#7a1f3d" in tag.replace(" ", "")


def size_of(logo: Logo) -> tuple[int, int]:
    with Image.open(BytesIO(logo.photo.data)) as image:
        return image.size


@pytest.mark.parametrize(
    ("size", "shown", "dots"),
    [
        ((1200, 300), (240, 60), (480, 120)),
        ((300, 300), (80, 80), (160, 160)),
        ((100, 40), (100, 40), (100, 40)),
        ((20_000, 2), (240, 1), (480, 1)),
    ],
)
def test_a_logo_is_made_small_and_sharp_and_never_larger(
    size: tuple[int, int], shown: tuple[int, int], dots: tuple[int, int]
) -> None:
    out = BytesIO()
    Image.new("RGB", size, "#7a1f3d").save(out, "JPEG")

    logo = logo_from(out.getvalue(), SHEETS)

    assert (logo.width, logo.height) == shown
    assert size_of(logo) == dots


@pytest.mark.parametrize(
    ("ink", "ground", "sheets", "plate"),
    [
        ("#22292f", None, SHEETS, "#ffffff"),  # dark ink: lost in the dark
        ("#f4ead6", None, SHEETS, "#1e2428"),  # light ink: lost in the light
        ("#c07a2d", None, SHEETS, ""),  # seen on both
        ("#22292f", "#ffffff", SHEETS, ""),  # has a ground of its own
        ("#f4ead6", None, ("#13232f", "#13232f"), "#13232f"),  # lost on paper
        ("#22292f", None, ("#13232f", "#13232f"), "#ffffff"),  # lost on both
    ],
)
def test_a_logo_that_would_be_lost_on_a_scheme_stands_on_a_plate(
    ink: str, ground: str | None, sheets: tuple[str, str], plate: str
) -> None:
    logo = logo_from(drawn_logo("Wells", ink, ground), sheets)

    assert logo.plate == plate
    with Image.open(BytesIO(logo.photo.data)) as image:
        assert image.has_transparency_data is (plate == "" and ground is None)


def test_photos_and_logo_of_a_mail_are_each_attached_once() -> None:
    look = branded("light-brand")
    assert look.logo

    notice = render_notice("Slot empty", ["Friday."], look, TEMPLATES)

    assert notice.photos == (look.logo.photo,)
    assert render(ENGLISH, LOOK, TEMPLATES).photos == ()


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"<svg/>", b"\x89PNG\r\n\x1a\n broken"])
def test_a_logo_that_is_no_picture_is_one_sentence(data: bytes) -> None:
    with pytest.raises(Problem, match=r"logo cannot be read: save it anew as PNG or JPEG"):
        logo_from(data, SHEETS)


def test_a_logo_that_is_not_there_names_file_and_setting(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"brand": {"logo": "a.png"}, "lists": {"hills": {"logo": "b.png"}, "valley": {"logo": ""}}}
    )
    with pytest.raises(UnreadableInput, match=r"a\.png cannot be read .*setting brand\.logo"):
        read_logo(tmp_path, settings, "weekly")
    with pytest.raises(UnreadableInput, match=r"b\.png .*setting lists\.hills\.logo"):
        read_logo(tmp_path, settings, "hills")
    assert read_logo(tmp_path, settings, "valley") is None


def test_a_logo_of_the_size_of_a_film_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(bytes(5_000_001))

    with pytest.raises(UnreadableInput, match=r"larger than 5 MB"):
        read_logo(tmp_path, Settings.model_validate({"brand": {"logo": "a.png"}}), "")


# --- fonts and footer -------------------------------------------------------------------------


def test_fonts_are_those_of_the_brand_where_the_script_has_none_of_its_own() -> None:
    look = branded("light-brand")

    assert look.typeface("en").fonts.startswith("Palatino Linotype")
    assert look.typeface("ru").fonts.startswith("Palatino Linotype")
    for bulletin in (ARABIC, KOREAN):
        assert look.typeface(bulletin.language) == LOOK.typeface(bulletin.language)
        assert "Palatino" not in html_of(render(bulletin, look, TEMPLATES))


def test_footer_lines_stand_below_the_address_in_both_parts_and_are_no_html() -> None:
    settings = Settings.model_validate(
        {"brand": {"footer": ("Charity <b>12</b> & Co", "See https://x.example.org/wells")}}
    )
    email = render(ENGLISH, look_of(settings, "Weekly"), TEMPLATES)

    assert "Charity &lt;b&gt;12&lt;/b&gt; &amp; Co" in html_of(email)
    assert 'href="https://x.example.org/wells"' in html_of(email)
    assert "Charity <b>12</b> & Co\nSee https://x.example.org/wells\n" in text_of(email)


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            '[brand.light]\nlink = "#9ecbe8"\n',
            r"brand\.light\.link .*: #9ecbe8 on .* 1\.72:1, .* #2772a3",
        ),
        ('[brand.dark]\ntext = "#333333"\n', r"brand\.dark\.text .*: #333333 on .* nearest text"),
        ('[brand.light]\naccent = "red"\n', r"brand\.light\.accent .* # and six digits"),
        ('[brand]\nlogo = "logo.svg"\n', r"brand\.logo .* PNG or a JPEG"),
        ('[brand]\nfonts = "Comic Sans"\n', r"brand\.fonts .* 'sans', 'serif', 'book' or 'wide'"),
        ('[brand]\nfooter = ["a\\nb"]\n', r"brand\.footer\.0 .* line breaks"),
        ('[brand]\nfooter = ["1", "2", "3", "4", "5", "6", "7"]\n', r"brand\.footer .* at most 6"),
        ('[brand.ligth]\naccent = "#000"\n', r"did you mean brand\.light"),
    ],
)
def test_a_setting_of_the_brand_that_does_not_fit_is_one_sentence(
    tmp_path: Path, toml: str, said: str
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(toml, encoding="utf-8")

    with pytest.raises(UnreadableInput, match=said):
        read_settings(tmp_path)


def test_a_site_that_names_no_brand_looks_as_before() -> None:
    plain = Look(
        organisation="Prayer Network",
        postal_address="",
        list_title="W",
        website="http://127.0.0.1:8000",
        sender_name="Prayer Network",
    )

    assert look_of(Settings(), "W") == plain


# --- from the folder to the mail --------------------------------------------------------------


def test_each_list_has_its_own_logo_or_everybodys(office: Office, tmp_path: Path) -> None:
    (tmp_path / "all.png").write_bytes(drawn_logo("All", "#22292f"))
    (tmp_path / "hills.png").write_bytes(drawn_logo("Hills", "#22292f"))
    toml = (
        '[brand]\nlogo = "all.png"\n[lists.hills]\nlogo = "hills.png"\n[lists.quiet]\nlogo = ""\n'
    )
    site = create_site(tmp_path, toml)
    desk = open_desk(site)
    office.desk = replace(office.desk, templates=TEMPLATES, logos=desk.logos)

    shown = {}
    for name in ("weekly", "hills", "quiet"):
        number = office.issue(office.add_list(name))
        with reading(office.engine) as session:
            shown[name] = stored_email(session, office.desk.keys, number).photos

    site.engine.dispose()
    everybodys = logo_from((tmp_path / "all.png").read_bytes(), SHEETS)
    own = logo_from((tmp_path / "hills.png").read_bytes(), SHEETS)
    assert shown == {"weekly": (everybodys.photo,), "hills": (own.photo,), "quiet": ()}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("wekly", r"no list wekly, which \[lists\.wekly\] .* did you mean \[lists\.weekly\]"),
        ("zzz", r"no list zzz, which \[lists\.zzz\] sets something for: correct newsletter"),
    ],
)
def test_settings_for_a_list_that_is_not_there_are_told_before_its_mail_goes_out(
    office: Office, written: str, sentence: str
) -> None:
    lists = {"lists": {written: {"sender_name": "W"}}}
    given = Settings.model_validate(lists).lists
    settings = office.desk.settings.model_copy(update={"lists": given})
    office.desk = replace(office.desk, settings=settings)

    with pytest.raises(NotAllowed, match=sentence):
        office.issue(office.add_list("weekly"))


# --- the page that says how -------------------------------------------------------------------

DOCS = Path(__file__).parents[1] / "docs"
HOW_TO = (DOCS / "how-to/brand-your-mail.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("toml", re.findall(r"```toml\n(.*?)```", HOW_TO, re.DOTALL))
def test_what_the_how_to_tells_to_write_is_taken(tmp_path: Path, toml: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(toml, encoding="utf-8")

    assert read_settings(tmp_path) != Settings()


def test_the_how_to_quotes_what_the_program_says(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text('[brand.light]\nlink = "#9ecbe8"\n', encoding="utf-8")
    with pytest.raises(UnreadableInput) as refusal:
        read_settings(tmp_path)

    said = str(refusal.value).replace(f"{tmp_path}/", "")
    assert said in " ".join(HOW_TO.split())


def test_the_how_to_names_every_setting_of_the_brand() -> None:
    for name in (*Brand.model_fields, *Colours.model_fields, *OwnSender.model_fields):
        assert re.search(rf"`(?:\[brand\.)?{name}\]?`|^{name} = ", HOW_TO, re.MULTILINE), name


def test_the_pictures_of_the_how_to_are_there_and_light() -> None:
    pictures = [DOCS / "images" / name for name in re.findall(r"\(\.\./images/(.*?)\)", HOW_TO)]

    assert len(pictures) == 2
    assert all(picture.stat().st_size < 60_000 for picture in pictures)
