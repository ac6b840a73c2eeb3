"""`al-loop recommend`: the labels of a project, replayed; advice that claims no more."""

import json

import pytest

from al_loop import app
from al_loop.cli.compare import show
from al_loop.compare import facts, live, words
from al_loop.store import rounds
from tests import offline
from tests.test_compare_summary import BETTER, RANDOM, WORSE, runs

CONFIG = offline.CONFIG.replace("size = 12", "size = 40\nrandom_share = {share}")


def project(folder, *, n=200, played=4, share=0.3):
    return offline.make(
        folder, rounds=played, config=CONFIG.format(share=share), table=offline.rows(n)
    )


def add_test_set(folder, call, n=40):
    rows = [(f"t{i}", f"{text} again", label) for i, text, label in offline.rows(n)]
    offline.write(folder / "test.csv", rows)
    call("import", "--test", folder / "test.csv")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    def run(*words, code=0):
        with offline.settings_kept():
            ended, out, err = offline.call(monkeypatch, capsys, "-C", tmp_path, *words)
        assert ended == code, err
        return out, err

    return run


def test_it_replays_the_labels_of_the_project_and_changes_nothing_of_it(tmp_path, call):
    project(tmp_path)
    with app.opened(tmp_path) as opened:
        before = opened.store.conn.iterdump()
        before = "\n".join(line for line in before if '"vectors"' not in line)
    out, err = call("recommend", "--seeds", "2", "--jobs", "1", "--json")
    found = json.loads(out)
    with app.opened(tmp_path) as opened:
        after = opened.store.conn.iterdump()
        assert "\n".join(line for line in after if '"vectors"' not in line) == before
        held = live.gather(opened.store, 0)
    assert found["settings"]["batch"] == len(held.pool) // 10
    assert found["settings"]["labeled_at_start"] == round(0.3 * len(held.pool))
    assert found["settings"]["texts"] == {"pool": len(held.pool), "test": len(held.test)}
    assert {s["strategy"] for s in found["strategies"]} == set(live.STRATEGIES)
    assert found["target"]["reference"] == "auto"
    assert found["advice"]["now"] == "auto"
    assert f"replaying {len(held.pool)} labels" in err

    _, err = call("recommend", "--seeds", "2", "--jobs", "1", "--json")
    assert "10 of 10 runs were there already" in err


def test_seeds_start_from_other_labels_and_strategies_of_a_seed_from_the_same(tmp_path):
    project(tmp_path)
    with app.opened(tmp_path) as opened:
        labels = live.gather(opened.store, 0)
    assert live._start(labels, 1) == live._start(labels, 1) != live._start(labels, 2)


def test_it_measures_on_the_test_set_or_else_on_labels_drawn_at_random(tmp_path, call):
    project(tmp_path)
    with app.opened(tmp_path) as opened:
        drawn = {
            row.item_id
            for number in range(1, 5)
            for row in rounds.batch(opened.store, number)
            if row.inclusion is not None
        }
        without = live.gather(opened.store, 0)
    assert without.test_from == "random share"
    assert 30 <= len(without.test) <= 40
    assert {row[0] for row in without.test} <= drawn
    assert not {row[0] for row in without.test} & {row[0] for row in without.pool}

    add_test_set(tmp_path, call)
    with app.opened(tmp_path) as opened:
        labels = live.gather(opened.store, 0)
    assert labels.test_from == "test set"
    assert {row[0][0] for row in labels.test} == {"t"}
    assert len(labels.pool) == len(without.pool) + len(without.test)


def test_too_few_labels_are_refused_with_how_many_there_are_and_are_needed(tmp_path, call):
    project(tmp_path, played=3, share=0.3)
    _, err = call("recommend", code=2)
    assert "too few labels to replay: " in err
    assert "100 are needed" in err
    assert "al-loop round" in err


def test_without_anything_to_measure_on_it_refuses(tmp_path, call):
    project(tmp_path, share=0.05)
    _, err = call("recommend", code=2)
    assert "0 labels in the test set and 8 of texts that were drawn at random, 30 are" in err
    assert "al-loop import --test FILE" in err


def test_no_workspace_and_unknown_strategies_are_refused(tmp_path, call):
    _, err = call("recommend", code=2)
    assert "no workspace" in err
    project(tmp_path)
    _, err = call("recommend", "--strategies", "margn", code=2)
    assert "did you mean margin?" in err


def test_the_bias_of_chosen_labels_is_named_with_who_chose_them(tmp_path, call):
    project(tmp_path)
    add_test_set(tmp_path, call)
    out, _ = call("recommend", "--seeds", "2", "--jobs", "1", "--strategies", "random")
    assert "were chosen by: auto " in out
    assert ", random " in out
    assert "favors auto," in out
    assert "measured on 40 texts (test set)" in out
    assert out.splitlines()[-1].startswith("stay with auto: ")

    labels = live.Labels((), (("t", "t", "t", "x"),), (), "test set", {"random": 60, "no batch": 5})
    said = " ".join(live._bias(labels)["words"])
    assert "bias" not in said
    assert "whose labels no batch asked for" in said


# What follows


def advised(reference, **curves):
    found = facts(runs(**curves), reference=reference)
    return found | {"advice": live.advice(found), "bias": {"words": ["a bias"]}}


def test_a_strategy_that_is_surely_better_is_to_be_used_next():
    found = advised("random", random=RANDOM, better=BETTER)
    assert (found["advice"]["use"], found["advice"]["sure"]) == ("better", True)
    said = found["advice"]["words"]
    assert said.startswith('use better next, [batch] strategy = "better" in config.toml: better')
    assert "saves about" in said
    assert words.sentences(found)[-2:] == ["a bias", said]


def test_the_present_strategy_stays_where_it_is_the_best():
    found = advised("better", better=BETTER, random=RANDOM, worse=WORSE)
    assert (found["advice"]["use"], found["advice"]["sure"]) == ("better", True)
    assert "surely better than random, worse" in found["advice"]["words"]


def test_the_present_strategy_stays_where_a_lead_may_be_chance(capsys):
    wild = [
        run | {"accuracy": [a + 0.1 * ((run["seed"] * 7) % 5) - 0.1 for a in run["accuracy"]]}
        for run in runs(wild=RANDOM)
    ]
    found = facts([*runs(random=RANDOM), *wild], reference="random")
    assert found["strategies"][0]["strategy"] == "wild"
    advice = live.advice(found)
    assert (advice["use"], advice["sure"]) == ("random", False)
    assert advice["words"].startswith("stay with random: wild leads random by")
    assert advice["words"].endswith("this may be chance")
    show(found | {"advice": advice, "bias": {"words": ["a bias"]}}, None, None)
    assert capsys.readouterr().out.splitlines()[-1] == advice["words"]
