"""Where people see what rounds discovered: status, history, the report."""

import pytest

from al_loop.cli import show
from al_loop.html import Chart, Note, Prose, Table
from al_loop.report import openworld, page_open, status
from al_loop.store import results
from al_loop.types import Metric
from tests.test_discovery_round import People, config, make, parts_of, play


@pytest.fixture(scope="module")
def store():
    made = make()
    play(parts_of(made, People()), config(), "logged", "selected")
    with made.tx():
        results.save_metrics(made, 1, [Metric("unseen", 2.4, 1, 6), Metric("discovery_rate", 0.25)])
    yield made
    made.close()


@pytest.fixture
def facts(store):
    return {
        "name": "here",
        "counts": results.counts(store),
        "rounds": results.history(store),
        "open": openworld.facts(store),
    }


def test_status_names_the_groups_that_wait_for_a_decision(store):
    found = status.facts(store)["candidates"]
    assert {(g["name"], g["offered"]) for g in found} == {("damage", True), ("praise", True)}
    line = show._candidates(found)
    assert line.startswith("2 groups look like no known class, 2 of them on the labeling page: ")
    assert line.endswith("decide: al-loop classes")
    assert "damage" in line
    one = show._candidates([found[0] | {"offered": False, "name": "a"}])
    assert one.startswith("1 group looks like no known class: a (")


def test_history_has_what_was_discovered_and_its_estimate(store):
    first, second = results.history(store)
    assert (first["clusters"], first["novel_clusters"]) == (4, 2)
    assert 0 <= first["hdbscan_noise_share"] < 0.2
    assert (first["unseen"], first["unseen_low"], first["unseen_high"]) == (2.4, 1, 6)
    assert first["discovery_rate"] == 0.25
    shown = show._row(first)
    assert shown["still"] == "2 (1 to 6)"
    assert shown["discovery"] == "25 %"
    assert shown["noise"].endswith(" %")
    assert show._row(second | {"unseen": None})["still"] is None
    assert show._row(first | {"unseen_low": None})["still"] == "2"


def test_the_report_tells_known_asked_for_and_possible_classes(facts):
    blocks = list(page_open.blocks(facts))
    prose = next(b.text for b in blocks if isinstance(b, Prose))
    assert "2 classes are known" in prose
    assert "people asked for 2 more" in prose
    assert "2 groups of texts look like no known class" in prose
    assert "2 (1 to 6)" in prose
    assert "target: under 10 %" in prose
    asked, groups = (b for b in blocks if isinstance(b, Table))
    assert {r["name"] for r in asked.rows} == {"damage", "praise"}
    assert {r["name"] for r in groups.rows} == {"damage", "praise"}
    damage = next(r for r in groups.rows if r["name"] == "damage")
    assert "about damage" in damage["texts"]
    assert damage["offered"] == "yes"
    assert damage["phrases"] == "damage"
    assert any(isinstance(b, Note) and "al-loop classes" in b.text for b in blocks)


def test_the_chart_has_the_estimate_with_its_interval(facts):
    chart = next(b for b in page_open.blocks(facts) if isinstance(b, Chart))
    lines = {t["name"][1:-1]: t for t in chart.spec["data"] if "name" in t}
    seen = lines["seen"]["y"][0]
    guess = lines["seen and unseen, estimated"]
    assert guess["y"] == [seen + 2.4]
    assert guess["error_y"]["array"] == pytest.approx([3.6])
    assert guess["error_y"]["arrayminus"] == pytest.approx([1.4])
    assert chart.numbers.rows[0]["still"] == "2 (1 to 6)"


def test_a_workspace_without_a_round_has_no_such_section():
    empty = {"rounds": [], "open": {"proposals": [], "candidates": []}, "counts": {}}
    assert list(page_open.blocks(empty)) == []


def test_texts_of_strangers_stay_short(facts):
    facts["open"]["proposals"][0]["texts"] = ["x" * 1000]
    table = next(b for b in page_open.blocks(facts) if isinstance(b, Table))
    assert len(table.rows[0]["texts"]) <= 160


def test_the_report_does_not_say_of_parts_of_a_class_that_they_look_like_none(facts):
    first, *others = facts["open"]["candidates"]
    facts["open"]["candidates"] = [first | {"origin": "split", "novel": False}, *others]
    prose = next(b.text for b in page_open.blocks(facts) if isinstance(b, Prose))
    assert "1 group of texts looks like no known class" in prose
    assert "1 part of a class that was split is not decided on" in prose
