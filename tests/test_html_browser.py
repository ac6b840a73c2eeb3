"""Pages in a real Chromium, with texts that try to take them over."""

import re

import pytest

from al_loop.html import Coloring, Heading, Prose, Table, charts, page, points
from al_loop.html.charts import Series
from al_loop.html.safe import visible
from tests.browser import visit
from tests.hostile import ATTACKS, HONEST

TEXTS = (*ATTACKS, *HONEST)
BIDI = re.compile("[\u202a-\u202e\u2066-\u2067]")  # 2068 and 2069 isolate the labels of charts


def blocks():
    """Each kind of block, with all texts wherever texts can stand."""
    n = len(TEXTS)
    counts = [[i + 1 if i == j else int(abs(i - j) == 1) for j in range(n)] for i in range(n)]
    rows = [{"id": f"m{i}", "text": text, "n": i} for i, text in enumerate(TEXTS)]
    scattered = [(float(i % 5), float(i // 5)) for i in range(n)]
    return [
        *(Prose(text) for text in TEXTS),
        Heading("Tables"),
        Table("Texts", {"id": "id", "text": "text", "n": "n"}, rows),
        Table("The same", {"id": "id", "text": "text", "n": "n"}, rows, folded=True),
        Heading("Charts"),
        charts.lines(
            "Lines",
            "They rise.",
            [Series(text, [1, 2, 3], [i, i + 1, i + 2]) for i, text in enumerate(TEXTS[:6])],
            x="x",
            y="y",
        ),
        charts.matrix("Matrix", "Mostly right.", TEXTS, counts),
        charts.forest("Forest", "All differ.", [(t, 0.1, 0.0, 0.2) for t in TEXTS], x="x"),
        Heading("Map"),
        points(
            "Points",
            "They lie about.",
            scattered,
            TEXTS,
            [
                Coloring("class", [*TEXTS[: n - 2], "none", "none"], ("none",)),
                Coloring("batch", [f"round {i % 3}" for i in range(n)], ordered=True),
            ],
        ),
    ]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page(TEXTS[0], blocks(), kicker=TEXTS[1]), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def window(chromium, file):
    with visit(chromium, file) as opened:
        opened.drawn()
        yield opened


@pytest.fixture
def opened(window):
    """The page as it is at first, or as the test before left its map; it must not complain."""
    window.page.emulate_media(media="screen", color_scheme="light")
    yield window
    window.check()


def center(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def told(opened, x, y):
    """Return what is said when the mouse comes to a place."""
    opened.page.mouse.move(0, 0)
    opened.page.wait_for_selector("#tip", state="hidden")
    opened.page.mouse.move(x, y)
    opened.page.wait_for_selector("#tip:not([hidden])")
    return opened.page.locator("#tip").text_content()


def test_no_text_runs_or_fetches_anything_and_all_charts_are_drawn(opened):
    assert opened.marks("figure.chart .main-svg .bg") >= 4
    assert opened.marks("figure[data-chart=c1] .scatterlayer .trace") == 6
    assert opened.marks("figure[data-chart=c2] .heatmaplayer image") == 2
    assert opened.marks("figure[data-chart=c3] .scatterlayer .point") == len(TEXTS)
    assert opened.marks("figure[data-chart=c4] .scatterlayer .point") == len(TEXTS)
    assert opened.marks("main img, main iframe, main a[href^=javascript], main [onload]") == 0


def test_texts_are_read_as_they_were_written(opened):
    cells = opened.page.locator("table").first.locator("td.long").all_text_contents()
    assert cells == [visible(text) for text in TEXTS]
    assert not BIDI.search(opened.page.locator("body").text_content())


def test_hover_shows_a_text_literally(opened):
    plot = opened.page.locator("figure[data-chart=c4]")
    plot.scroll_into_view_if_needed()
    marks = plot.locator(".scatterlayer .point")
    said = {told(opened, *center(marks.nth(i))) for i in range(marks.count())}
    assert said == {visible(text) for text in TEXTS}


def test_hover_on_the_matrix_names_both_classes(opened):
    plot = opened.page.locator("figure[data-chart=c2]")
    plot.scroll_into_view_if_needed()
    marks = plot.locator(".heatmap-label")  # first the hits, then the errors
    assert told(opened, *center(marks.first)) == (
        f"1 of class {visible(TEXTS[0])}\npredicted as {visible(TEXTS[0])}"
    )
    assert told(opened, *center(marks.nth(len(TEXTS)))) == (
        f"1 of class {visible(TEXTS[0])}\npredicted as {visible(TEXTS[1])}"
    )


def test_a_map_is_colored_anew_and_shows_one_group(opened):
    plot = opened.page.locator("figure[data-chart=c4]")
    by, group = plot.locator("select").first, plot.locator("select").last
    legend = plot.locator(".legendtext")
    assert "none" in "".join(legend.all_text_contents())

    by.select_option("batch")
    assert [re.sub("[\u2068\u2069]", "", t) for t in legend.all_text_contents()] == [
        f"round {i} ({n})" for i, n in enumerate((8, 7, 7))
    ]
    assert group.locator("option").all_text_contents() == [
        "all",
        *(f"round {i}" for i in range(3)),
    ]

    group.select_option("round 1")
    assert len(legend.all_text_contents()) == 1
    assert plot.locator(".scatterlayer .point").count() == len(TEXTS)


def test_a_page_is_as_wide_as_its_window(opened):
    assert opened.sideways() == 0


def test_a_page_is_as_wide_as_a_phone(chromium, file):
    with visit(chromium, file, 390, is_mobile=True, has_touch=True) as opened:
        opened.drawn()
        assert opened.sideways() == 0
        opened.page.locator("details").first.evaluate("d => { d.open = true; }")
        assert opened.sideways() == 0
        assert opened.page.locator(".folds thead").first.bounding_box()["width"] <= 1


def contrasts(opened, *selectors):
    """Return the contrast of texts against the page behind them, as WCAG 2 defines it."""
    return opened.page.evaluate(
        """selectors => {
            const light = color => {
                const rgb = color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
                    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
            };
            const page = light(getComputedStyle(document.body).backgroundColor);
            return selectors.map(s => {
                const style = getComputedStyle(document.querySelector(s));
                const ink = light(s.endsWith("text") ? style.fill : style.color);
                return (Math.max(ink, page) + 0.05) / (Math.min(ink, page) + 0.05);
            });
        }""",
        list(selectors),
    )


INKS = ("h1", ".kicker", ".caption", "td", "nav a", "figure p", ".xtick text", ".legend text")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_ink_can_be_read_in_light_and_dark(opened, scheme):
    opened.page.emulate_media(color_scheme=scheme)
    paper = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert min(contrasts(opened, *INKS)) > 4.5


def test_a_print_is_dark_on_white_with_everything_in_it(chromium, file):
    with visit(chromium, file, color_scheme="dark") as opened:
        opened.drawn()
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": 718, "height": 1000})
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert min(contrasts(opened, "h1", "td", ".xtick text")) > 7
        assert opened.page.locator("nav").is_hidden()
        assert opened.page.locator(".controls").first.is_hidden()
        assert opened.page.locator("details table").is_visible()  # what was folded
        for plot in opened.page.locator(".plot").all():
            drawing = plot.locator(".main-svg").first.bounding_box()
            assert drawing["width"] <= 718
            assert plot.bounding_box()["height"] >= drawing["height"] - 1  # nothing overlaps it
        assert len(opened.page.pdf(format="A4")) > 50_000
