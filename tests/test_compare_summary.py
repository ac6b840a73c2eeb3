"""What a comparison says of its runs: numbers, tables, and sentences that claim no more."""

import csv
import io
import json

import pytest

from al_loop.cli import compare as command
from al_loop.compare import facts, words
from al_loop.errors import InputError

LABELS = [100, 200, 300, 400]


def run(strategy, seed, accuracy, labels=None):
    labels = labels or LABELS[: len(accuracy)]
    return {
        "strategy": strategy,
        "seed": seed,
        "labels": labels,
        "accuracy": accuracy,
        "query_seconds": [0.5] * len(labels),
    }


def runs(seeds=5, **curves):
    """Each strategy's curve, with luck that all share and a little of its own."""
    return [
        run(name, seed, [a + seed / 100 + (seed * (i + 2) % 3) / 1000 for a in curve])
        for seed in range(seeds)
        for i, (name, curve) in enumerate(curves.items())
    ]


RANDOM = [0.4, 0.5, 0.6, 0.7]
BETTER = [0.5, 0.7, 0.75, 0.8]
WORSE = [0.3, 0.4, 0.5, 0.6]


def record(found, name):
    return words.record_of(found, name)


def test_strategies_come_best_first_with_area_end_and_time():
    found = facts(runs(random=RANDOM, better=BETTER, worse=WORSE))
    assert [s["strategy"] for s in found["strategies"]] == ["better", "random", "worse"]
    best = found["strategies"][0]
    assert best["area"] == pytest.approx((0.5 / 2 + 0.7 + 0.75 + 0.8 / 2) / 3 + 0.02, abs=0.0015)
    assert best["area_low"] < best["area"] < best["area_high"]
    assert best["accuracy"] == pytest.approx(0.821, abs=0.001)
    assert best["query_seconds"] == 0.5
    assert len(best["curve"]) == len(best["curve_low"]) == len(found["labels"]) == 4


def test_pairs_name_the_better_one_first_and_are_sharper_than_what_the_seeds_share():
    found = facts(runs(random=RANDOM, better=BETTER, worse=WORSE))
    named = [(p["a"], p["b"]) for p in found["pairs"]]
    assert named == [("better", "random"), ("better", "worse"), ("random", "worse")]
    for pair in found["pairs"]:
        assert pair["difference_low"] < pair["difference"] < pair["difference_high"]
        width = pair["difference_high"] - pair["difference_low"]
        assert width < 0.01  # of single areas it is 0.04 and more
        assert pair["p"] <= pair["p_holm"] < 0.05
        assert pair["sure"]
    assert record(found, "better")["area_high"] - record(found, "better")["area_low"] > 0.03


def test_without_a_target_it_is_what_the_reference_reaches_at_its_end():
    found = facts(runs(random=RANDOM, better=BETTER))
    target = found["target"]
    assert target["accuracy"] == pytest.approx(record(found, "random")["accuracy"])
    assert (target["given"], target["reference"], target["labels"]) == (False, "random", 400)
    better = record(found, "better")
    assert better["labels_needed"] == pytest.approx(200, abs=5)
    assert better["saved"] == 400 - better["labels_needed"]
    assert better["saved_low"] < better["saved"] < better["saved_high"]
    assert better["reached"] == 5
    assert record(found, "random")["saved"] is None
    said = f"target: an accuracy of {target['accuracy']:.3f}, what random reaches at its end"
    assert said in found["notes"]
    assert "target: an accuracy of 0.800" in facts(runs(random=RANDOM), target=0.8)["notes"]


def test_a_target_that_was_missed_is_said_to_need_more():
    found = facts(runs(random=RANDOM, better=BETTER, worse=WORSE), target=0.76)
    worse, better = record(found, "worse"), record(found, "better")
    assert (worse["labels_needed"], worse["reached"], worse["saved"]) == (None, 0, None)
    assert words.needs(found, worse) == "more than 400"
    assert better["saved_bound"] == "at least"
    assert words.saving(better) == f"at least {better['saved']}"
    assert better["saved_high"] is None
    assert words.saving_between(better) == f"{better['saved_low']} or more"

    found = facts(runs(random=RANDOM, worse=WORSE), target=0.65)
    worse = record(found, "worse")
    assert words.saving(worse) == f"at most {worse['saved']}"
    assert worse["saved"] < 0
    assert worse["saved_low"] is None


def test_a_run_that_ended_early_keeps_its_last_accuracy():
    short = [run("better", seed, BETTER[:2]) for seed in range(3)]
    found = facts([*runs(3, random=RANDOM), *short])
    assert record(found, "better")["curve"] == pytest.approx([0.5, 0.7, 0.7, 0.7])


def test_a_round_without_a_measured_accuracy_is_left_out_and_a_run_without_any_is_named():
    first = [run("random", s, [None, 0.5, 0.6]) for s in range(2)]
    assert facts(first)["labels"] == [200, 300]
    with pytest.raises(InputError, match="random, seed 0: no accuracy"):
        facts([run("random", 0, [None])])


def test_a_single_seed_has_no_interval_and_says_so():
    found = facts(runs(1, random=RANDOM, better=BETTER))
    assert found["pairs"][0]["p"] is found["pairs"][0]["sure"] is None
    assert found["strategies"][0]["area_low"] is None
    assert "a single seed tells no interval and no p-value" in found["notes"]
    said = words.sentences(found)
    assert said[0].startswith("better is above random by 0.1")
    assert said[0].endswith("in one run")
    assert "beats" not in " ".join(said)


def test_no_interval_of_an_accuracy_leaves_the_range_of_shares():
    (one,) = facts(runs(seeds=2, random=[0.01, 0.985]))["strategies"]
    assert (one["curve_low"][0], one["curve_high"][1], one["accuracy_high"]) == (0.0, 1.0, 1.0)


def test_label_counts_are_whole_numbers():
    assert {type(n) for n in facts(runs(random=RANDOM))["labels"]} == {int}


def test_equal_curves_are_level_and_save_nothing():
    same = [run(name, seed, RANDOM) for seed in range(5) for name in ("random", "copy")]
    found = facts(same)
    assert found["pairs"][0]["p"] == 1.0
    assert record(found, "copy")["saved"] == 0
    assert words.against(found, "copy", "random").startswith("copy is level with random")


def test_what_is_sure_is_said_with_interval_p_and_savings():
    found = facts(runs(random=RANDOM, better=BETTER, worse=WORSE))
    better, worse, verdict = words.sentences(found)
    pair, best = words.pair_of(found, "better", "random"), record(found, "better")
    assert better == (
        f"better beats random by {pair['difference']:.3f} ({pair['difference_low']:.3f} to"
        f" {pair['difference_high']:.3f}), p < 0.001; saves about {best['saved']} of 400 labels"
        f" ({best['saved_low']} to {best['saved_high']}) on the way to 0.721"
    )
    assert worse.startswith("worse is worse than random by 0.100")
    assert "saves" not in worse
    assert verdict == "best here: better, and that is sure"


def test_what_may_be_chance_is_said_to_be():
    noisy = [
        run(name, seed, [a + i / 50 + 0.1 * ((seed * 7 + i * 3) % 5) for a in RANDOM])
        for seed in range(5)
        for i, name in enumerate(("random", "other"))
    ]
    found = facts([*noisy, *(run("worst", s, [0.1, 0.1, 0.1, 0.1 + s / 100]) for s in range(5))])
    said = words.sentences(found)
    assert any(line.endswith("this may be chance") for line in said)
    assert not any("beats" in line for line in said)
    assert said[-1].startswith(("no strategy is surely", "best here"))
    assert "that is sure" not in said[-1]


@pytest.mark.parametrize(("p", "text"), [(0.0004, "< 0.001"), (0.0312, "0.031"), (1.0, "1.000")])
def test_a_p_value_is_never_printed_as_zero(p, text):
    assert words.p_text(p) == text


# Printed


@pytest.fixture
def printed(capsys):
    def show(found, form=None):
        command.show(found, form, None)
        return capsys.readouterr().out

    return show


def test_people_get_two_tables_and_what_follows_last(printed):
    found = facts(runs(random=RANDOM, better=BETTER), notes=["a note"])
    out = printed(found)
    strategies, pairs, said, verdict = out.rstrip("\n").split("\n\n")
    assert strategies.splitlines()[2].startswith("better")
    assert "5 of 5" in strategies
    assert pairs.splitlines()[2].split()[:2] == ["better", "random"]
    assert "< 0.001" in pairs
    assert "a note" in said
    assert verdict == words.sentences(found)[-1]


def test_json_is_the_facts_and_csv_and_markdown_are_the_strategies(printed):
    found = facts(runs(random=RANDOM, better=BETTER))
    assert json.loads(printed(found, "json")) == json.loads(json.dumps(found))
    rows = list(csv.DictReader(io.StringIO(printed(found, "csv"))))
    assert [row["strategy"] for row in rows] == ["better", "random"]
    assert float(rows[0]["area"]) == found["strategies"][0]["area"]
    assert rows[0]["saved_low"] == str(found["strategies"][0]["saved_low"])
    lines = printed(found, "md").splitlines()
    assert lines[0].startswith("| strategy")
    assert len(lines) == 4


def test_one_strategy_alone_has_a_table_and_no_pairs(printed):
    out = printed(facts(runs(random=RANDOM)))
    assert out.splitlines()[2].startswith("random")
    assert "better" not in out
