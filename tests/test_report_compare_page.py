"""The page of a comparison: what is said, drawn and listed."""

import pytest

from al_loop.compare.summary import facts
from al_loop.html import Chart, Prose, Table
from al_loop.report import compare_page
from tests import hostile
from tests.browser import visit

LIFT = {"random": 0.0, "margin": 0.1, "<img src=x onerror=window.owned=1>": 0.05}


def played(strategies=tuple(LIFT), seeds=4):
    runs = [
        {
            "strategy": name,
            "seed": seed,
            "labels": [50, 100, 150],
            "accuracy": [
                0.3 + LIFT[name] + 0.1 * i + 0.01 * ((seed * len(name) + i) % 3) for i in range(3)
            ],
            "macro_f1": [0.3, 0.4, 0.5],
            "classes_seen": [3, 4, 5],
            "seconds": [1.0, 1.0, 1.0],
            "query_seconds": [0.1, 0.2, 0.3],
        }
        for name in strategies
        for seed in range(seeds)
    ]
    return facts(runs, settings={"data": hostile.ATTACKS[0]}, notes=[hostile.ATTACKS[1]])


def of(blocks, kind):
    return [b for b in blocks if isinstance(b, kind)]


def test_it_says_the_verdict_first_and_draws_curves_pairs_and_runs():
    said = played()
    blocks = compare_page.blocks(said)

    assert of(blocks, Prose)[0].text.startswith("Best here: margin")
    curves, forest, *runs = of(blocks, Chart)
    lines = [t for t in curves.spec["data"] if "lines+markers" in t["mode"]]
    assert [t["y"] for t in lines] == [s["curve"] for s in said["strategies"]]
    assert [t["line"]["dash"] == "dash" for t in lines] == [
        s["strategy"] == "random" for s in said["strategies"]
    ]
    assert forest.spec["data"][0]["x"] == [p["difference"] for p in said["pairs"]]
    assert [len(chart.spec["data"]) for chart in runs] == [4, 4, 4]


def test_the_tables_have_a_row_for_each_pair_strategy_and_run():
    tables = {t.caption: t.rows for t in of(compare_page.blocks(played()), Table)}

    assert [len(rows) for rows in tables.values()] == [3, 3, 12, 1]
    best = tables["The strategies, best area first"][0]
    assert (best["strategy"], best["area_between"][:2]) == ("margin", "0.")
    pair = tables["All pairs"][0]
    assert {"a", "b", "difference", "between", "p", "p_holm", "says"} <= set(pair)


@pytest.mark.parametrize("strategies", [("random",), ("random", "margin")])
def test_one_seed_has_no_intervals_and_one_strategy_no_pairs(strategies):
    blocks = compare_page.blocks(played(strategies, seeds=1))

    assert "forest" not in "".join(c.title for c in of(blocks, Chart))
    assert [c.title for c in of(blocks, Chart)][1:] == sorted(strategies)
    assert compare_page.page(played(strategies, seeds=1)).startswith("<!doctype html>")


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_is_drawn_whatever_a_strategy_is_called(chromium, tmp_path, width):
    path = tmp_path / "compare.html"
    path.write_text(compare_page.page(played()), encoding="utf-8")
    with visit(chromium, path, width) as opened:
        opened.drawn()
        assert opened.marks("figure .main-svg .xaxislayer-above") == 5
        assert opened.marks("figure[data-chart=c2] .errorbars .xerror") == 3
        assert opened.sideways() == 0
