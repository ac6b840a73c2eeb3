"""The report in a real Chromium: hostile, small and large projects, wide and narrow."""

import pytest

from al_loop.html.safe import visible
from tests import hostile, large, offline
from tests.browser import visit
from tests.test_html_browser import center, told

PHONE = {"is_mobile": True, "has_touch": True}


def reported(root, *more):
    """Write the report of a workspace in this process; returns its path."""
    with pytest.MonkeyPatch.context() as patch, offline.settings_kept():
        patch.setattr("sys.argv", ["al-loop", "-C", str(root), "report", *map(str, more)])
        with pytest.raises(SystemExit) as ended:
            offline.cli.main()
    assert ended.value.code == 0
    return root / ".al-loop" / "report.html"


@pytest.fixture(scope="module")
def taken_over(tmp_path_factory):
    """The report of a project whose texts, classes, people and folder are hostile."""
    parent = tmp_path_factory.mktemp("hostile")
    other = parent / "other"
    other.mkdir()
    return reported(hostile.make(parent), "--compare", hostile.make(other, rounds=1))


@pytest.mark.parametrize(("width", "options"), [(1400, {}), (390, PHONE)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_hostile_project_neither_runs_nor_fetches_anything(
    chromium, taken_over, width, options, scheme
):
    with visit(chromium, taken_over, width, color_scheme=scheme, **options) as opened:
        opened.drawn()
        assert opened.sideways() == 0
        assert opened.page.locator("h1").text_content() == hostile.FOLDER
        assert opened.marks(".scatterlayer .trace") > 8
        assert opened.marks(".heatmaplayer image") == 2
        assert opened.marks("figure:last-of-type .scatterlayer .point") == 120
        words = opened.page.locator("main").text_content()
        for name in (*hostile.CLASSES, *hostile.PEOPLE):
            assert visible(name) in words


def test_a_text_on_the_map_is_shown_as_it_is(chromium, taken_over):
    with visit(chromium, taken_over) as opened:
        opened.drawn()
        plot = opened.page.locator("figure").last
        plot.scroll_into_view_if_needed()
        marks = plot.locator(".scatterlayer .point")
        said = [told(opened, *center(marks.nth(i))) for i in range(0, 120, 10)]
        starts = [visible(t)[:12] for t in (*hostile.ATTACKS, *hostile.HONEST)]
        assert all(any(text.startswith(s) for s in starts) for text in said)
        assert len(set(said)) > 6


@pytest.mark.parametrize("rounds", [0, 1])
def test_a_project_that_has_just_begun_has_a_page(chromium, tmp_path, rounds):
    with visit(chromium, reported(offline.make(tmp_path, rounds=rounds))) as opened:
        opened.drawn()
        assert opened.marks("figure .main-svg") > 0
        words = opened.page.locator("main").text_content()
        assert "Next: al-loop round" in words
        assert ("No round yet" in words) == (rounds == 0)


def test_a_project_of_100_000_texts_opens_soon_and_says_what_it_left_out(chromium, tmp_path):
    path = reported(large.make(tmp_path))
    assert path.stat().st_size < 7_000_000
    with visit(chromium, path) as opened:
        opened.drawn(seconds=3)
        words = opened.page.locator("main").text_content()
        assert "2,000 of 99,700 texts, sampled" in words
        assert "Shown are the 25 of 77 classes" in words
        assert opened.marks("figure:last-of-type .scatterlayer .point") == 2_000
        assert opened.marks("main *") < 8_000
