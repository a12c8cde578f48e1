"""Templates of a site's own: taken file by file, and tried before anything is made of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.bulletin import Picture
from newsletter.errors import Problem
from newsletter.issue import open_desk
from newsletter.rendering import Templates, check_overriding, render
from newsletter.site import create_site, open_site, shipped_templates
from newsletter.web.pages import open_web
from subscribers.style import Style
from tests.bulletins import ENGLISH, LOOK
from tests.conftest import NOON
from tests.email_check.matrix import hills

SHIPPED = shipped_templates() / "email"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "email").mkdir()
    return tmp_path


def overridden(folder: Path, name: str, text: str) -> Templates:
    (folder / "email" / f"{name}.j2").write_text(text, encoding="utf-8")
    return Templates([folder, shipped_templates()])


def changed(name: str, old: str, new: str) -> str:
    """Return a template that we ship with something else in the place of its last `old`."""
    source = (SHIPPED / f"{name}.j2").read_text(encoding="utf-8")
    before, found, after = source.rpartition(old)
    assert found
    return before + new + after


def test_a_site_overrides_file_by_file(folder: Path) -> None:
    templates = overridden(folder, "bulletin.subject", "Pray: {{ bulletin.title }}")

    check_overriding(templates)
    assert templates.overriding == ("email/bulletin.subject.j2",)
    assert render(ENGLISH, LOOK, templates).subject == "Pray: Harvest in the hills."


def test_a_discreet_mail_is_made_of_none_of_them(folder: Path) -> None:
    for part in ("html", "txt"):
        name = f"bulletin.{part}"
        overridden(folder, name, changed(name, "{{ greeting }}", "{{ greeting }} From the wells!"))
    templates = Templates([folder, shipped_templates()])

    standard, discreet = (
        render(ENGLISH, LOOK, templates, style) for style in (Style.STANDARD, Style.DISCREET)
    )

    assert repr(standard).count("From the wells!") == 2
    assert "From the wells!" not in repr(discreet)


@pytest.mark.parametrize(
    "name", sorted(path.name.removesuffix(".j2") for path in SHIPPED.iterdir())
)
def test_every_template_that_we_ship_may_stand_in_a_site(folder: Path, name: str) -> None:
    overridden(folder, name, (SHIPPED / f"{name}.j2").read_text(encoding="utf-8"))

    assert Templates([folder, shipped_templates()]).overriding == (f"email/{name}.j2",)


def test_all_of_them_together_pass(folder: Path) -> None:
    for path in SHIPPED.iterdir():
        (folder / "email" / path.name).write_bytes(path.read_bytes())

    check_overriding(Templates([folder, shipped_templates()]))


H1, SENDER = "<h1 class", "{{ parts.sender() }}"
REFUSED: list[tuple[str, Callable[[str], str], str]] = [
    # what every copy needs
    (
        "bulletin.txt",
        lambda name: changed(name, "{{ greeting }}", ""),
        r"template email/bulletin\.txt\.j2 has no greeting field",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "{{ unsubscribe_url }}", "#"),
        r"template email/bulletin\.html\.j2 has no unsubscribe field",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "{{ preferences_url }}", "#"),
        r"template email/bulletin\.html\.j2 has no preferences field",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, SENDER, "{{ look.organisation }}"),
        r"HTML part of a bulletin leaves the postal address out.* email/bulletin\.html\.j2",
    ),
    (
        "bulletin.txt",
        lambda name: changed(name, "{{ look.postal_address | wrapped }}", ""),
        r"text part of a bulletin leaves the postal address out.* email/bulletin\.txt\.j2",
    ),
    (
        "macros.html",
        lambda name: changed(name, "{{ look.postal_address }}", ""),
        r"HTML part of a bulletin leaves the postal address out.* \(email/macros\.html\.j2\)",
    ),
    (
        "notice.txt",
        lambda name: changed(name, "{{ text | wrapped }}", ""),
        r"text part of a notice leaves what is told out.* email/notice\.txt\.j2",
    ),
    (
        "bulletin.subject",
        lambda name: " ",
        r"subject of a bulletin is empty.*bulletin\.subject\.j2",
    ),
    ("bulletin.txt", lambda name: "", r"email/bulletin\.txt\.j2 has no greeting field"),
    # what a writer wrote
    (
        "bulletin.html",
        lambda name: changed(name, "{{ parts.photo(block.photo) }}", ""),
        r"email/bulletin\.html\.j2 leaves pictures of the bulletin out",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "{{ parts.points(points) }}", ""),
        r"HTML part of a bulletin leaves prayer points out.* put point\.lead into",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "{{ bulletin.title }}", ""),
        "HTML part of a bulletin leaves the title out",
    ),
    (
        "bulletin.txt",
        lambda name: changed(name, "{{ verse.quotation | wrapped", '{{ "" | wrapped'),
        "text part of a bulletin leaves words of scripture out",
    ),
    (
        "bulletin.html",
        lambda name: changed(
            name, "{{ parts.columns(block.texts, block.beside, block.headed) }}", ""
        ),
        "HTML part of a bulletin leaves the first of two columns out",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "quotation(block.texts)", "quotation(block.texts[:1])"),
        "HTML part of a bulletin leaves the second paragraph of quotations out",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "plain_list(block.texts)", "plain_list(block.texts[:1])"),
        "HTML part of a bulletin leaves the second line of lists out",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, "words.note, block.texts", "words.note, block.texts[:1]"),
        "HTML part of a bulletin leaves the second paragraph of notes out",
    ),
    (
        "macros.html",
        lambda name: changed(name, "{{ label }}", ""),
        "HTML part of a bulletin leaves the labels of notes out",
    ),
    (
        "bulletin.txt",
        lambda name: changed(name, "block.texts + block.beside", "block.texts[:1] + block.beside"),
        "text part of a bulletin leaves the second paragraph of a column out",
    ),
    (
        "bulletin.txt",
        lambda name: changed(name, "{{ block.url }}", ""),
        r"text part of a bulletin leaves the addresses of buttons out.* put block\.url of story",
    ),
    (
        "macros.html",
        lambda name: changed(name, '<a class="button-link" href="{{ url }}">', "<a href='/'>"),
        r"HTML part of a bulletin leaves the addresses of buttons out",
    ),
    (
        "macros.html",
        lambda name: changed(name, 'alt="{{ shown.alt }}"', 'alt=""'),
        r"HTML part of a bulletin leaves the descriptions of pictures out",
    ),
    (
        "bulletin.txt",
        lambda name: changed(name, "point.label ~ point.lead", "point.lead"),
        r"text part of a bulletin leaves the days of prayer points out.* put point\.label",
    ),
    (
        "goodbye.txt",
        lambda name: changed(name, "{{ action_url }}", ""),
        r"template email/goodbye\.txt\.j2 has no action field",
    ),
    (
        "welcome.html",
        lambda name: changed(name, SENDER, ""),
        "HTML part of a welcome leaves the name of the organisation out",
    ),
    # what could become HTML, or call somebody
    (
        "bulletin.html",
        lambda name: changed(name, "{{ bulletin.title }}", "{{ bulletin.title | safe }}"),
        r"email/bulletin\.html\.j2 holds the filter safe in line 9",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "{% autoescape false %}{% endautoescape %}" + H1),
        r"holds autoescape in line 9",
    ),
    (
        "bulletin.html",
        lambda name: changed(
            name, "{{ bulletin.title }}", "{% include 'email/bulletin.subject.j2' %}"
        ),
        r"HTML part of a bulletin takes the title for HTML",
    ),
    ("part", lambda name: "x", r"email/part\.j2 is of no kind we know: end its name with \.html"),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "\n<img src='https://x.example.org/a.gif'>" + H1),
        r"email/bulletin\.html\.j2 holds <img in line 10: take it out",
    ),
    (
        "head.css",
        lambda name: changed(name, "@media print", "@import 'a.css';\n@media print"),
        r"email/head\.css\.j2 holds @import in line \d+: take it out",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, H1, '<img src="{{ look.website }}/a.gif" alt="">' + H1),
        r"loads <img>",
    ),
    # what cannot be filled
    ("base.html", lambda name: "a\n{% if %}", r"base\.html\.j2 is not valid in line 2"),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "{{ nothing.there }}" + H1),
        r"email/bulletin\.html\.j2 in line 9 cannot be filled: 'nothing' is undefined\.",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "{{ 1 + bulletin.title }}" + H1),
        r"email/bulletin\.html\.j2 in line 9 cannot be filled: TypeError",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "{{ look.__class__.__mro__ }}" + H1),
        r"line 9 cannot be filled: access to attribute '__class__'",
    ),
    (
        "bulletin.html",
        lambda name: changed(name, H1, "{% for x in range(9999999) %}{% endfor %}" + H1),
        r"line 9 cannot be filled: OverflowError",
    ),
    ("bulletin.html", lambda name: "<p>{{ greeting }}</p>", "does not begin with <!DOCTYPE html>"),
    # what weighs too much
    (
        "base.html",
        lambda name: changed(name, "</body>", f"<p>{'x' * 40_000}</p></body>"),
        r"around a bulletin of one line weighs 4\d kB.* \(email/base\.html\.j2\)",
    ),
    (
        "head.css",
        lambda name: changed(
            name, "@media print", ".x { color: #000000; }\n" * 300 + "@media print"
        ),
        r"style sheet in the head weighs \d+ bytes.* email/head\.css\.j2",
    ),
]


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    REFUSED,
    ids=[f"{name}-{sentence}" for name, _, sentence in REFUSED],
)
def test_a_template_that_would_make_a_poor_mail_is_refused(
    folder: Path, name: str, written: Callable[[str], str], sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence):
        check_overriding(overridden(folder, name, written(name)))


LEAVE = '<a class="choice" href="{{ unsubscribe_url }}">'
WORD = "{{ words.unsubscribe }}"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("bulletin.html", LEAVE, LEAVE.replace("class", 'style="Display : none" class')),
        ("bulletin.html", LEAVE, LEAVE.replace("class", "hidden class")),
        ("bulletin.html", WORD, ""),
        ("bulletin.html", WORD, "&nbsp;\u200b"),
        ("bulletin.html", WORD, f"<span style='visibility:hidden'>{WORD}</span>"),
        ("bulletin.html", f"{LEAVE}{WORD}</a>", f"<!-- {LEAVE}{WORD}</a> -->"),
        ("base.html", '<td class="footer">', '<td class="footer" style="visibility: hidden">'),
        ("inline.css", ".choices {", ".choices { display: none;"),
        ("head.css", "@media print", ".leave { display: none !important; }\n@media print"),
        ("welcome.html", LEAVE, LEAVE.replace("class", "hidden class")),
    ],
)
def test_a_template_that_hides_how_to_leave_is_refused(
    folder: Path, name: str, old: str, new: str
) -> None:
    kind = "welcome" if name == "welcome.html" else "bulletin"
    sentence = (
        f"The HTML part of a {kind} hides the unsubscribe link or leaves its words empty: "
        rf"show it in the .*email/{name}\.j2\)? as the one we ship does\."
    )

    with pytest.raises(Problem, match=sentence):
        check_overriding(overridden(folder, name, changed(name, old, new)))


def test_one_unsubscribe_link_that_shows_is_enough(folder: Path) -> None:
    twice = f"<div style='display:none'>{LEAVE}{WORD}</a></div>{LEAVE}{WORD}"

    check_overriding(
        overridden(folder, "bulletin.html", changed("bulletin.html", LEAVE + WORD, twice))
    )


def test_a_template_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "email/notice.txt.j2").write_bytes(b"\xff\xfe")

    with pytest.raises(Problem, match=r"notice\.txt\.j2 cannot be read"):
        Templates([folder, shipped_templates()])


def test_pictures_are_never_dropped_in_silence(folder: Path) -> None:
    """Also where the template shows some and not others, which no sample finds."""
    only_wide = "{% if block.photo.width < 100 %}{{ parts.photo(block.photo) }}{% endif %}"
    templates = overridden(
        folder,
        "bulletin.html",
        changed("bulletin.html", "{{ parts.photo(block.photo) }}", only_wide),
    )
    check_overriding(templates)
    picture = Picture(hills(), "image/jpeg", "Hills", "", 1)

    with pytest.raises(Problem, match="leaves pictures of the bulletin out"):
        render(replace(ENGLISH, blocks=(picture,)), LOOK, templates)


def test_a_site_is_told_when_its_desk_is_opened(tmp_path: Path) -> None:
    create_site(tmp_path, "").engine.dispose()
    (tmp_path / "templates/email").mkdir()
    (tmp_path / "templates/email/bulletin.txt.j2").write_text("{{ greeting }}")
    site = open_site(tmp_path)

    with pytest.raises(Problem, match=r"email/bulletin\.txt\.j2 has no unsubscribe field"):
        open_desk(site)
    site.engine.dispose()


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        (
            "unsubscribe",
            '<form method="post">',
            "<form>",
            r"unsubscribe\.html\.j2 has no <form method",
        ),
        (
            "preferences",
            '<form method="post">',
            "<form>",
            r"preferences\.html\.j2 has no <form method",
        ),
        (
            "page",
            "{% block main %}",
            "{% block main",
            r"public/page\.html\.j2 is not valid in line",
        ),
        ("preferences", "{{ said }}", "{{ said | safe }}", r"the filter safe in line 6"),
        ("unsubscribe", "Press the button", "Please press the button", ""),
    ],
)
def test_pages_of_a_sites_own_are_looked_at_when_the_server_starts(
    tmp_path: Path, name: str, old: str, new: str, sentence: str
) -> None:
    site = create_site(tmp_path, "")
    (tmp_path / "templates/public").mkdir()
    source = (shipped_templates() / f"public/{name}.html.j2").read_text(encoding="utf-8")
    (tmp_path / f"templates/public/{name}.html.j2").write_text(source.replace(old, new))

    if sentence:
        with pytest.raises(Problem, match=sentence):
            open_web(site, lambda: NOON)
    else:
        assert open_web(site, lambda: NOON)
    site.engine.dispose()


def test_a_page_that_is_no_text_is_refused(tmp_path: Path) -> None:
    site = create_site(tmp_path, "")
    (tmp_path / "templates/public").mkdir()
    (tmp_path / "templates/public/home.html.j2").write_bytes(b"\xff\xfe")

    with pytest.raises(Problem, match=r"public/home\.html\.j2 cannot be read"):
        open_web(site, lambda: NOON)
    site.engine.dispose()
