"""The facts of the report: the same numbers as history, budget and the views say."""

import datetime as dt
import sqlite3

import numpy as np
import pytest

from al_loop import app, workspace
from al_loop.annotators.oracle import Oracle
from al_loop.budget.saved import against_random
from al_loop.config import parse
from al_loop.data.columns import Asked
from al_loop.html import Note, Prose, Table
from al_loop.imports import Request
from al_loop.loop import machine
from al_loop.rates import difference, rate, wilson
from al_loop.report import (
    budget,
    facts,
    page,
    page_budget,
    page_curves,
    page_people,
    people,
    quality,
    textmap,
)
from al_loop.report.quality import Predictions
from al_loop.store import results
from tests import lead, offline, worlds

BUDGET = "[budget]\nlabels = 200\nhourly_rate = 20.0\n"


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A workspace with a test set, three rounds, and people who make mistakes."""
    root = tmp_path_factory.mktemp("played")
    table = offline.rows(160)
    (root / "config.toml").write_text(
        offline.CONFIG.replace("size = 12", "size = 16\noverlap = { share = 0.5, annotators = 2 }")
        + BUDGET
    )
    texts = offline.write(root / "texts.csv", [(i, t) for i, t, _ in table[:100]], ("id", "text"))
    test = offline.write(root / "test.csv", table[100:])
    workspace.init(root, Request(texts, test, Asked(None, None, None, None)))
    gold = {i: label for i, _, label in table}
    oracle = Oracle(gold, mistakes={"ben": 0.3}, people=("ana", "ben"), skips=0.1)
    with app.opened(root) as opened:
        for _ in range(3):
            machine.run(opened.parts(oracle), opened.config, machine.Options(until="logged"))
    return root


def source(opened, **more):
    where = opened.workspace
    given = {
        "name": "played",
        "store": opened.store,
        "config": opened.config,
        "vectors": opened.vectors,
        "models_dir": where.models_dir,
        "map_path": where.state_dir / "map.json",
        "say": lambda _: None,
    }
    return facts.Source(**given | more)


@pytest.fixture(scope="module")
def found(played):
    with app.opened(played) as opened:
        return facts.facts(source(opened))


@pytest.fixture
def opened(played):
    with app.opened(played) as it:
        yield it


def rows(root, sql):
    """Ask the database as people would, with nothing of ours in between."""
    with sqlite3.connect(root / ".al-loop" / "al-loop.db") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(r) for r in connection.execute(sql)]


# The same numbers everywhere


def test_the_curve_is_the_view_of_rounds_and_the_history(found, opened, played):
    assert found["curve"] == rows(played, "SELECT * FROM round_results ORDER BY round")
    history = results.history(opened.store)
    assert found["rounds"] == history
    for name in ("labels", "accuracy", "accuracy_low", "macro_f1", "classes_seen"):
        assert [r[name] for r in found["curve"]] == [r[name] for r in history]


def test_the_budget_is_what_the_command_and_the_view_say(found, opened, played):
    saved = against_random(opened.store, opened.config, opened.vectors)
    said = budget.facts(opened.store, opened.config, dt.datetime.now(dt.UTC), saved)
    mine = {k: v for k, v in found["budget"].items() if k != "over_time"}
    assert mine == said

    one = rows(played, "SELECT SUM(kind = 'label') AS labels, COUNT(*) AS answers FROM spending")
    assert {k: found["cost"][k] for k in ("labels", "answers")} == one[0]
    assert (
        found["cost"]["money"]
        == found["budget"]["spent"]["money"]
        == pytest.approx(20.0 * found["cost"]["hours"])
    )
    assert found["budget"]["over_time"][-1] == {"at": "2000-01-01T00:00"} | {
        k: pytest.approx(found["budget"]["spent"][k]) for k in ("labels", "hours", "money")
    }


def test_money_is_spent_little_by_little_up_to_what_was_spent():
    store = lead.make()
    over_time = facts._over_time(store, worlds.config())

    assert [p["at"] for p in over_time] == ["2026-01-01T11:00", "2026-01-02T11:00"]
    assert [p["labels"] for p in over_time] == [8, rows_of(store, "SUM(kind = 'label')")]
    assert over_time[-1]["hours"] == pytest.approx(rows_of(store, "SUM(counted) / 3600"))


def rows_of(store, what):
    return store.value(f"SELECT {what} FROM spending")


def test_the_classes_are_counted_as_in_the_view(found, played):
    counted = {r["class"]: r["labels"] for r in rows(played, "SELECT * FROM class_counts")}
    assert {r["class"]: r["labels"] for r in found["classes"]} == counted


def test_the_suspicious_labels_are_those_of_the_view_worst_first(found, played):
    view = rows(played, "SELECT * FROM doubtful_labels ORDER BY doubt DESC, item_id")
    assert view
    assert found["suspicious"]["total"] == len(view)
    labels = found["suspicious"]["labels"]
    assert [{k: v for k, v in r.items() if k != "by"} for r in labels] == view
    assert all(r["by"] for r in labels)


def test_the_headline_is_the_newest_measured_round(found):
    assert found["measured"] == found["curve"][-1]
    assert found["measured_on"] == "test set"
    assert found["standing"]["state"] == "logged"
    assert found["standing"]["next"].startswith("al-loop round begins the next round")


def test_settings_are_those_of_the_round_and_never_say_where_the_key_lies(found, opened):
    assert found["settings"]["batch.size"] == 16
    assert not [name for name in found["settings"] if "token" in name]
    assert facts.settings(opened.config)["budget.labels"] == 200
    assert facts.settings(opened.config)["classes"] == 3  # hundreds of names would bury the rest


def test_no_password_or_key_is_among_the_settings():
    said = facts.settings(
        parse(
            {
                "label_studio": {"url": "https://labels.example:8080/ls?token=hidden2"},
                "strategies": {"mine": {"api_key": "hidden3", "TOKEN": "hidden4", "keep": 3}},
            }
        )
    )
    assert "hidden" not in str(said)
    assert said["label_studio.url"] == "https://labels.example:8080/ls"
    assert said["strategies.mine"]["keep"] == 3


def test_at_the_end_of_the_budget_that_is_what_comes_next(found, opened):
    enough = opened.config.budget.model_copy(update={"labels": 1})
    there = found | facts.summary(
        source(opened, config=opened.config.model_copy(update={"budget": enough}))
    )
    there["budget"] = found["budget"] | {"left": there["cost"]["left"]}
    blocks = page.blocks(there)
    (next_,) = (b.text for b in blocks if isinstance(b, Note) and b.kind == "next")
    assert next_.startswith("Next: the budget is used up: ")
    assert "al-loop round --continue" in next_
    assert [b.text for b in blocks if isinstance(b, Prose) and "the budget is used up." in b.text]
    (next_,) = (b.text for b in page.blocks(found) if isinstance(b, Note) and b.kind == "next")
    assert next_ == f"Next: {found['standing']['next']}."


def test_what_cost_more_than_random_labels_is_not_called_saved(found):
    less = {"value": -24.0, "low": -30.0, "high": -20.0}
    saved = found["budget"]["saved"] | {
        "refused": None, "accuracy": 0.5, "texts": 32, "money": None, "labels": less,
        "needed": {k: v + 32 for k, v in less.items()},
    }  # fmt: skip
    assert page_budget.saved_words({"saved": saved}).endswith("So nothing was saved.")


def test_the_rounds_say_that_their_labels_and_answers_are_sums(found):
    headings = {t.caption: t.columns for t in page.blocks(found) if isinstance(t, Table)}
    brought, cost = headings["What each round brought"], headings["What each round cost"]
    assert (brought["labels"], brought["answers"]) == ("labels so far", "answers so far")
    assert (cost["labels"], cost["answers"]) == ("labels", "answers")


def test_without_a_limit_nobody_is_told_when_it_ends(found):
    forecast = found["budget"]["forecast"] | {"a_day": None, "why": "nobody answered"}
    there = found["budget"] | {"forecast": forecast}
    none = there | {"limits": {}, "left": {}}
    with_, without = (
        next(b.text for b in page_budget.blocks(found | {"budget": b}) if isinstance(b, Prose))
        for b in (there, none)
    )
    assert "When it ends can't be told: nobody answered." in with_
    assert without.endswith("No limit is set ([budget] in config.toml).")


# Quality


def test_predictions_of_the_test_set_have_the_accuracy_that_was_logged(opened):
    said = quality.predictions(
        opened.store, opened.config, opened.vectors, opened.workspace.models_dir
    )
    right = [t == p for t, p in zip(said.truth, said.predicted, strict=True)]
    assert said.source == "test set"
    assert np.mean(right) == pytest.approx(results.history(opened.store)[-1]["accuracy"])


def test_without_its_model_the_labels_are_cross_validated_and_it_says_so(opened, tmp_path):
    said = quality.predictions(opened.store, opened.config, opened.vectors, tmp_path)
    assert said.source == "labeled texts, cross-validated"
    assert "can't be read" in said.note
    assert "chosen for being difficult: that makes the numbers worse" in said.note
    assert 0 < len(said.truth) <= results.counts(opened.store)["labels"]


def test_too_few_labels_are_not_cross_validated():
    store = lead.make()
    said = quality.facts(store, worlds.config(), worlds.vectors, None)
    assert said["quality"]["texts"] == 0
    assert said["confusion"] is None
    assert {r["recall"] for r in said["classes"]} == {None}


def test_precision_recall_and_f1_of_each_class():
    seen = Predictions(list("aaabbc"), list("aabbab"), "test set")
    by_class = {r["class"]: r for r in quality.by_class(seen, {"a": 5, "b": 1, "d": 2})}

    assert by_class["a"]["precision"] == pytest.approx(2 / 3)
    assert by_class["a"]["recall"] == pytest.approx(2 / 3)
    assert by_class["a"]["f1"] == pytest.approx(2 / 3)
    assert by_class["b"]["precision"] == pytest.approx(1 / 3)
    assert by_class["b"]["recall"] == pytest.approx(1 / 2)
    assert by_class["c"] == {
        "class": "c", "labels": 0, "texts": 1, "precision": None, "recall": 0.0,
        "recall_low": pytest.approx(0.0), "recall_high": pytest.approx(0.7935, abs=1e-4), "f1": 0.0,
    }  # fmt: skip
    assert by_class["d"]["f1"] is None


def test_a_confusion_matrix_has_truth_in_rows():
    said = quality.confusion(Predictions(list("aaabb"), list("abbbb"), "test set"))
    assert said["classes"] == ["a", "b"]
    assert said["matrix"] == [[1, 2], [0, 2]]
    assert (said["errors"], said["outside"]) == (2, 0)
    assert said["worst"] == [{"class": "a", "predicted": "b", "texts": 2}]


def test_of_many_classes_those_with_the_most_errors_are_shown_and_the_rest_is_counted():
    truth = [f"c{i:02}" for i in range(60) for _ in range(10)]
    guess = [t if i % 10 or t < "c40" else "c59" for i, t in enumerate(truth)]
    said = quality.confusion(Predictions(truth, guess, "test set"))

    assert (len(said["classes"]), said["of"]) == (25, 60)
    assert said["classes"][0] == "c59"
    assert set(said["classes"][:20]) == {f"c{i}" for i in range(40, 60)}
    assert sum(map(sum, said["matrix"])) + said["outside"] == 600


# People


def test_agreement_counts_texts_that_two_people_labeled():
    said = people.agreement(lead.make(), worlds.config())
    # m05, m07 differ; m06, m12, m16 are the same; a skip or a missing class is no vote
    assert said["texts"] == 5
    assert (said["all"]["hits"], said["all"]["n"]) == (3, 5)
    assert [(p["a"], p["b"], p["hits"], p["n"]) for p in said["pairs"]] == [
        ("ana", "ben", 1, 3),
        ("ana", "cem", 2, 2),
    ]


def test_of_many_pairs_of_people_ten_are_shown_and_the_others_folded(found):
    kappa = {"kappa": None, "kappa_low": None, "kappa_high": None}
    pairs = [{"a": f"p{i}", "b": "q", **rate(1, 2), **kappa} for i in range(40)]
    shown, rest = people_tables(found | {"agreement": found["agreement"] | {"pairs": pairs}}, "b")
    assert (len(shown.rows), len(rest.rows), rest.folded) == (10, 30, True)


def test_of_many_classes_the_ten_that_people_agree_on_least_are_shown(found):
    classes = [found["agreement"]["classes"][0] | {"class": f"c{i}"} for i in range(77)]
    agreement = found["agreement"] | {"classes": classes}
    (shown,) = people_tables(found | {"agreement": agreement}, "alpha")
    assert [r["class"] for r in shown.rows] == [f"c{i}" for i in range(10)]
    assert shown.note == "67 more: al-loop annotators agreement --csv."


def people_tables(facts, key):
    """Return the tables about people that have a column."""
    tables = [b for b in page_people.blocks(facts) if isinstance(b, Table)]
    return [t for t in tables if key in t.columns]


def test_suggestions_are_counted_with_and_without_seeing_them_as_in_the_view():
    store = lead.make()
    said = people.suggestions(store)
    for name, hidden in (("shown", 0), ("blind", 1)):
        row = store.row("SELECT COUNT(*), SUM(same) FROM suggestions WHERE blind = ?", [hidden])
        assert (said[name]["n"], said[name]["hits"]) == tuple(row)
    assert said["blind"]["n"] == 1
    assert said["difference"]["value"] == pytest.approx(said["shown"]["share"])


def test_a_suggestion_that_stayed_ticked_beside_a_missing_class_was_not_accepted():
    store = lead.make()
    before = people.suggestions(store)["shown"]["n"]
    row = store.row("SELECT item_id, annotator FROM suggestions WHERE blind = 0 LIMIT 1")
    with store.tx():
        store.execute(
            "UPDATE answers SET missing = 'praise' WHERE item_id = ? AND annotator = ?", tuple(row)
        )
    assert people.suggestions(store)["shown"]["n"] == before - 1


def test_the_speed_of_a_person_is_a_median():
    store = lead.make()
    with store.tx():
        store.execute("UPDATE answers SET lead_time = 5000 WHERE item_id = 'm01'")
    said = {r["annotator"]: r for r in people.facts(store, worlds.config())["annotators"]}
    assert said["ana"]["median_seconds"] == 6.0
    assert said["ana"]["timed"] > 3
    assert said["ana"]["skipped"] == 2


def test_the_annotators_are_those_of_the_view(found, played):
    view = rows(played, "SELECT * FROM answers_by_annotator")
    said = {r["annotator"]: r["answered"] + r["skipped"] for r in found["annotators"]}
    assert said == {r["annotator"]: r["answers"] for r in view}


def test_wilson_and_newcombe_give_the_numbers_of_their_papers():
    # Newcombe 1998: Statistics in Medicine 17, p. 861 table I (81/263, method 3), p. 877 table II
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    apart = difference((56, 70), (48, 80))
    assert (apart["value"], apart["low"], apart["high"]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )


def test_a_share_of_nothing_is_not_a_number():
    assert rate(0, 0) == {"n": 0, "hits": 0, "share": None, "low": None, "high": None}
    assert difference((0, 0), (1, 2)) is None


# The map


def drawn(store, path, said=None, vectors=worlds.vectors):
    say = (lambda _: None) if said is None else said.append
    return textmap.facts(store, worlds.config(), vectors, path, say)


def test_a_map_shows_every_text_of_a_small_pool_with_what_is_known(tmp_path):
    said = drawn(lead.make(), tmp_path / "map.json")
    points = {p["id"]: p for p in said["points"]}
    assert said["total"] == len(points) == 16
    assert points["m13"] | {"x": 0, "y": 0} == {
        "id": "m13", "x": 0, "y": 0, "class": "damage", "round": 2, "status": "fixed",
        "text": "Broken on arrival, refund please",
    }  # fmt: skip


def test_a_large_pool_is_sampled_after_the_texts_that_people_saw(tmp_path, monkeypatch):
    monkeypatch.setattr(textmap, "MOST", 30)
    store = worlds.make_store(n=200)
    with store.tx():
        seen = [(f"m{i}",) for i in range(0, 200, 20)]
        store.execute_many("INSERT INTO labels VALUES (?, 'agreed', 'refund', 1)", seen)

    said, again = (drawn(store, tmp_path / "map.json") for _ in range(2))

    assert (said["total"], len(said["points"])) == (200, 30)
    assert {p["id"] for p in said["points"] if p["status"]} == {i for (i,) in seen}
    assert said == again


def test_places_are_kept_until_the_texts_change(tmp_path):
    store, path = worlds.make_store(n=30), tmp_path / "map.json"
    lines = []
    first = drawn(store, path, lines)
    assert drawn(store, path, lines) == first
    assert lines == ["drawing a map of 30 texts, which the next report uses again"]
    assert path.stat().st_mode & 0o777 == 0o600

    other = drawn(worlds.make_store(n=31), path, lines)
    assert len(lines) == 2
    assert len(other["points"]) == 31


@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"[]", b'{"key": 3}', None])
def test_a_damaged_map_is_drawn_again(tmp_path, damage):
    store, path = worlds.make_store(n=30), tmp_path / "map.json"
    first = drawn(store, path)
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    assert drawn(store, path) == first


def test_texts_that_are_all_alike_and_few_texts_make_no_trouble(tmp_path):
    alike = drawn(
        worlds.make_store(n=9),
        tmp_path / "map.json",
        vectors=lambda _e, h, _t: np.ones((len(h), 4), dtype=np.float32) / 2,
    )
    assert {(p["x"], p["y"]) for p in alike["points"]} == {(0.0, 0.0)}
    assert drawn(worlds.make_store(n=4), tmp_path / "map.json") == {"total": 4, "points": []}


# Other workspaces


def test_a_workspace_without_rounds_has_facts_too(tmp_path):
    root = offline.make(tmp_path)
    with app.opened(root) as opened:
        said = facts.facts(source(opened))
    assert said["standing"]["next"].startswith("al-loop round chooses the first batch")
    assert said["measured"] is None
    assert said["rounds"] == said["curve"] == said["annotators"] == []
    assert len(said["map"]["points"]) == 60
    assert said["settings"]["batch.size"] == 12


def test_another_workspace_is_summed_up_without_a_look_at_its_vectors(played):
    with app.opened(played) as opened:
        said = facts.summary(source(opened, vectors=None))
    assert said["curve"]
    assert said["cost"]["labels"] > 0


@pytest.mark.parametrize("pooled", [True, False])
def test_random_labels_stand_beside_what_was_learned_as_they_were(pooled):
    point = {"labels": 50, "accuracy": 0.5, "low": 0.4, "high": 0.6}
    saved = {"texts": 60, "accuracy": 0.7, "pooled": pooled, "curve": [point]}
    found = {series.name: (series.x, series.y) for series in page_curves._random("mine", saved)}
    if pooled:
        alone = {"mine, by labels alone": ([60], [0.7])}
        assert found == alone | {"random, by labels alone": ([50], [0.5])}
    else:
        assert found == {"random labels": ([50], [0.5])}
    assert list(page_curves._random("mine", saved | {"curve": []})) == []
