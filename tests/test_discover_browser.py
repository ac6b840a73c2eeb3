"""The map that `al-loop discover` draws, in a real Chromium, with texts of strangers."""

import json
import re

import pytest

from al_loop.html.safe import visible
from tests import hostile
from tests.browser import visit
from tests.discover_files import discover, texts
from tests.test_html_browser import center, told
from tests.workspace_files import write


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """What was found in made-up texts, with those of strangers among them."""
    root = tmp_path_factory.mktemp("map")
    rows = [
        (i, text, theme if i[-1] == "0" and theme != "login" else "") for i, text, theme in texts()
    ]
    rows += [
        (f"<i>{i}</i>", text, "") for i, text in enumerate([*hostile.ATTACKS, *hostile.HONEST])
    ]
    rows += [("k", "shown by a class of strangers", hostile.CLASSES[1])]
    discover(root, write(root / "<b>.csv", rows))
    return root / "out"


@pytest.fixture(scope="module")
def window(chromium, out):
    with visit(chromium, out / "map.html") as opened:
        opened.drawn()
        yield opened


@pytest.fixture
def opened(window):
    yield window
    window.check()


def test_all_texts_are_points_and_nothing_runs_or_is_fetched(opened, out):
    total = json.loads((out / "report.json").read_bytes())["total_texts"]
    assert opened.marks("figure .scatterlayer .point") == total
    assert f"All {total} texts." in opened.page.locator("figure").text_content()
    assert opened.sideways() == 0


def test_novel_groups_are_marked_and_named(opened, out):
    names = {g["name"] for g in json.loads((out / "report.json").read_bytes())["novel_clusters"]}
    legend = "".join(opened.page.locator(".legendtext").all_text_contents())
    marked = re.findall("new\\? ", legend)
    assert len(marked) == min(len(names), 8) > 0
    assert "like a known class" in legend
    cells = opened.page.locator("table").first.locator("tbody th").all_text_contents()
    assert {visible(c) for c in cells} == {visible(n) for n in names}


def test_hover_shows_the_text_and_what_its_group_is(opened, out):
    tasks = {
        t["data"]["id"]: t["data"]["text"]
        for t in json.loads((out / "preannotated.json").read_bytes())
    }
    marks = opened.page.locator("figure .scatterlayer .point")
    opened.page.locator("figure .plot").scroll_into_view_if_needed()
    said = [told(opened, *center(marks.nth(i))) for i in range(0, marks.count(), 12)]
    for text in said:
        id_ = text.rpartition("(")[2].removesuffix(")")
        shown = " ".join(visible(" ".join(tasks[id_].split())).split())[:60]
        assert text.startswith(shown)
        assert "nearest: " in text


def test_the_map_is_colored_by_every_group_and_by_the_nearest_class(opened):
    by = opened.page.locator("figure select").first
    assert by.locator("option").all_text_contents() == [
        "novel group",
        "group",
        "nearest known class",
    ]
    by.select_option("nearest known class")
    legend = "".join(opened.page.locator(".legendtext").all_text_contents())
    assert "refund" in legend
    assert "new?" not in legend
