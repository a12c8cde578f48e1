"""What premailer does when left to itself, each trap sprung on purpose."""

import importlib
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import cssutils
import premailer
import pytest

from newsletter.errors import Problem
from newsletter.rendering import inlining
from newsletter.rendering.inlining import Reading, inline_css


def page(body: str, sheet: str = "", head: str = "") -> str:
    return (
        f"<!DOCTYPE html>\n<html><head><title>t</title>{head}<style>{sheet}</style></head>"
        f"<body>{body}</body></html>"
    )


def is_its(module: str) -> bool:
    return module.partition(".")[0] == "premailer"


@pytest.fixture
def untouched() -> Iterator[ModuleType]:
    """Return premailer as it is installed: the product changes its own."""
    inline_css(page(""))  # so that it has taken its own before
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if is_its(name)}
    yield importlib.import_module("premailer")
    for name in list(filter(is_its, sys.modules)):
        del sys.modules[name]
    sys.modules.update(ours)


# --- row 1: the rules for phones --------------------------------------------------------------


def test_rules_for_phones_keep_winning_over_inlined_styles() -> None:
    sheet = ".a { width: 600px } @media (max-width: 520px) { .a { width: 100% !important } }"

    inlined = inline_css(page('<p class="a">x</p>', sheet))

    assert 'style="width:600px"' in inlined
    assert "width: 100% !important" in inlined


def test_the_ignored_sheet_comes_through_byte_for_byte() -> None:
    kept = "\n@media print{.a{color:#000!important}}  [data-ogsc] .a { color: #fff !important; }\n"
    head = f'<style data-premailer="ignore">{kept}</style>'

    inlined = inline_css(page('<p class="a">x</p>', ".a { color: #123456 }", head))

    assert kept in inlined


# --- row 2: one cache for three functions -----------------------------------------------------


def test_one_odd_style_attribute_does_not_break_later_documents(untouched: ModuleType) -> None:
    odd, usual = (
        page('<b style="p">x</b>', "b { color: #111111 }"),
        page("<p>y</p>", "p {margin:0}"),
    )
    untouched.transform(odd)
    with pytest.raises(TypeError):  # the trap is there
        untouched.transform(usual)

    inline_css(odd)
    inlined = inline_css(usual)

    assert '<p style="margin:0">y</p>' in inlined


def test_a_document_does_not_trip_over_itself() -> None:
    odd = page('<p style="p">x</p>', "p { margin: 0 }")

    assert '<p style="margin:0">x</p>' in inline_css(odd)
    assert inline_css(odd) == inline_css(odd)


def test_a_sheet_that_cannot_be_read_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("premailer.premailer.merge_styles", None)

    with pytest.raises(Problem, match="mend the template"):
        inline_css(page("<p>y</p>", "p { margin: 0 }"))


def test_threads_take_turns() -> None:
    results: list[str] = []
    usual = page("<p>y</p>", "p {margin:0}")
    threads = [threading.Thread(target=lambda: results.append(inline_css(usual))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(results) == 4
    assert len(set(results)) == 1


# --- row 3: content lost without a word -------------------------------------------------------


def nested(levels: int) -> str:
    return "<div>" * levels + "deep" + "</div>" * levels


def test_premailer_loses_what_is_nested_deep() -> None:
    assert "deep" not in premailer.transform(page(nested(600)))


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(Problem, match="nested too deep"):
        inline_css(page(nested(59)))
    assert "deep" in inline_css(page(nested(57)))


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(Problem, match="too large"):
        inline_css(page("x" * 512_000))


def test_words_lost_all_the_same_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlining, "DEEPEST", 10_000)

    with pytest.raises(Problem, match="lost some of its words"):
        inline_css(page(nested(600)))


# --- row 4: fetching --------------------------------------------------------------------------


@pytest.fixture
def visited() -> Iterator[tuple[str, list[str]]]:
    """The address of a server on the loopback, and the paths asked of it."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/css")
            self.end_headers()
            self.wfile.write(b"p { color: #ff0000 }")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_import_in_the_sheet_is_not_fetched(visited: tuple[str, list[str]]) -> None:
    address, paths = visited
    sheet = f'@import url("{address}/inlined.css"); p {{ margin: 0 }}'

    inlined = inline_css(page("<p>x</p>", sheet))
    during = list(paths)
    cssutils.parseString(f'@import url("{address}/elsewhere.css");')  # nobody else is fenced in

    assert during == []
    assert paths == ["/elsewhere.css"]
    assert '<p style="margin:0">x</p>' in inlined


def test_a_linked_sheet_is_not_fetched(visited: tuple[str, list[str]]) -> None:
    address, paths = visited
    link = f'<link rel="stylesheet" href="{address}/linked.css">'

    inlined = inline_css(page("<p>x</p>", head=link))

    assert paths == []
    assert "#ff0000" not in inlined


def test_a_file_is_not_opened(tmp_path: Path) -> None:
    sheet = tmp_path / "secret.css"
    sheet.write_text("p { color: #ff0000 }")
    opened: list[str] = []
    watching = [True]  # an audit hook can never be taken away again

    def watch(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "open" and "secret.css" in str(args[0]):
            opened.append(str(args[0]))

    sys.addaudithook(watch)
    inline_css(page("<p>x</p>", f'@import url("{sheet.as_uri()}");'))
    inline_css(page("<p>x</p>", head=f'<link rel="stylesheet" href="{sheet}">'))
    during = list(opened)
    cssutils.parseString(f'@import url("{sheet.as_uri()}");')  # the trap is there
    watching.clear()

    assert during == []
    assert opened


# --- row 5: attributes ------------------------------------------------------------------------


def test_widths_that_the_template_wrote_stay() -> None:
    sheet = ".i { width: 100%; height: auto } .c { background-color: #ffffff; text-align: left }"
    body = '<table><tr><td class="c"><img class="i" width="536" height="300" alt="" src="cid:1">'

    inlined = inline_css(page(body + "</td></tr></table>", sheet))

    assert 'width="536" height="300"' in inlined
    assert "bgcolor" not in inlined
    assert "align=" not in inlined


# --- row 6: the doctype -----------------------------------------------------------------------


@pytest.mark.parametrize("start", ["<!doctype html>", "\ufeff<!DOCTYPE html>", "<?xml?>", "", " "])
def test_a_document_without_the_exact_doctype_is_refused(start: str) -> None:
    with pytest.raises(Problem, match="does not begin with <!DOCTYPE html>"):
        inline_css(start + "<html><body>x</body></html>" if start else "")


def test_the_doctype_comes_through() -> None:
    assert inline_css(page("x")).startswith("<!DOCTYPE html>\n<html>")


# --- row 12: noise ----------------------------------------------------------------------------


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        inline_css(page('<p class="a">x</p>', ".a { mso-hide: all; -webkit-foo: 1; }"))

    assert caplog.records == []


# --- the reading that all this is held against ------------------------------------------------


def test_reading_sees_what_a_person_sees() -> None:
    document = page('<p>Tea &amp;\n <a href="/x?a=1&amp;b=2">toast</a><!-- not this --></p>', "p{}")

    reading = Reading(document)

    assert reading.text == "tTea & toast"
    assert reading.links == ["/x?a=1&b=2"]
    assert reading.fetches == set()


def test_reading_takes_tags_as_browsers_do() -> None:
    reading = Reading("<ul><li>a<li>b</ul></i><br><p>c")

    assert reading.text == "abc"
    assert reading.depth == 3


@pytest.mark.parametrize(
    "body",
    [
        '<img src="https://example.org/pixel.gif">',
        '<script src="x"></script>',
        '<link rel="stylesheet" href="x">',
        '<table background="x"></table>',
        '<p style="background: url(x)">a</p>',
        '<img srcset="x" src="cid:1">',
        '<iframe src="x"></iframe>',
        "<style>@import 'x';</style>",
    ],
)
def test_reading_tells_what_would_be_fetched(body: str) -> None:
    assert Reading(body).fetches
