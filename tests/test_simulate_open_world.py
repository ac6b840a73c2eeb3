"""`al-loop simulate` where only some classes are known at the start."""

import csv
import gzip
import json
from pathlib import Path

import pytest

from al_loop import openness
from al_loop.simulate import Plan
from al_loop.store import items, play
from tests import story, worlds

EXAMPLES = Path(__file__).parent.parent / "examples"
KNOWN = ("refund", "login_problem", "payment_failed")
SCORES = ("known_accuracy", "novel_accuracy", "h_score", "nmi", "ari")


def rows(name):
    with (EXAMPLES / name).open(newline="") as f:
        return list(csv.DictReader(f))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A part of the examples as gzipped JSON Lines, five labeled rows of three known classes."""
    folder = tmp_path_factory.mktemp("open")
    pool = rows("support.csv")[:240]
    for name, part in (("data", pool), ("test", rows("support_test.csv"))):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as f:
            f.writelines(
                json.dumps({k: r[k] for k in ("id", "text", "label")}) + "\n" for r in part
            )
    ids = [r["id"] for name in KNOWN for r in [r for r in pool if r["label"] == name][:5]]
    (folder / "ids.txt").write_text("\n".join(ids) + "\n")
    (folder / "known.txt").write_text("\n".join(KNOWN) + "\n")
    (folder / "config.toml").write_text('[model]\nencoder = "hashing"\n')
    return folder


def simulate(folder, *arguments, code=0):
    data = ["--data", str(folder / "data.jsonl.gz"), "--test", str(folder / "test.jsonl.gz")]
    config = ["--config", str(folder / "config.toml")]
    ended, printed = story.run(folder, "simulate", *data, *config, *arguments, apart=True)
    assert ended == code, printed
    return printed


def start(folder):
    ids, known = str(folder / "ids.txt"), str(folder / "known.txt")
    return ["--labeled-ids", ids, "--known-classes", known]


def run(folder, *arguments):
    out, _ = simulate(folder, "--json", *arguments)
    return json.loads(out)["runs"][0]


def test_a_budget_is_split_over_the_rounds_and_known_and_novel_classes_are_measured(files):
    found = run(files, *start(files), "--budget", "50", "--rounds", "3", "--strategy", "margin")
    assert found["labels"] == [17, 34, 50]
    assert all(len(found[key]) == 3 for key in (*SCORES, "unseen_estimate"))
    for i in range(3):
        known, novel = found["known_accuracy"][i], found["novel_accuracy"][i]
        assert 0 <= novel <= 1
        assert found["h_score"][i] == pytest.approx(2 * known * novel / (known + novel or 1))
        assert 0 <= found["nmi"][i] <= 1
        assert -0.5 <= found["ari"][i] <= 1
        low, estimate, high = found["unseen_estimate"][i]
        assert 0 <= low <= estimate <= high
    shares = [r["label"] in KNOWN for r in rows("support_test.csv")]
    share = sum(shares) / len(shares)
    whole = share * found["known_accuracy"][2] + (1 - share) * found["novel_accuracy"][2]
    assert whole == pytest.approx(found["accuracy"][2])


def test_the_random_share_is_part_of_the_budget_and_the_oracle_names_any_class(files):
    found = run(files, *start(files), "--budget", "30", "--rounds", "1", "--strategy", "random")
    assert found["labels"] == [30]
    assert found["classes_seen"][0] > len(KNOWN)


@pytest.mark.parametrize(
    ("budget", "rounds", "sizes"),
    [(530, 7, [76, 76, 76, 76, 76, 75, 75]), (7, 7, [1] * 7), (12, 5, [3, 3, 2, 2, 2])],
)
def test_the_batches_of_a_budget_differ_by_one_at_most(budget, rounds, sizes):
    assert Plan("random", rounds=rounds, batch=50, seed=0, budget=budget).sizes == sizes


def test_without_known_classes_all_are_novel(files):
    found = run(files, "--rounds", "2", "--batch", "20", "--strategy", "random")
    assert found["known_accuracy"] == [None, None]
    assert found["h_score"] == [None, None]
    assert found["novel_accuracy"] == found["accuracy"]
    assert all(len(estimate) == 3 for estimate in found["unseen_estimate"])


def test_names_alone_make_classes_known(files):
    known = ["--known-classes", str(files / "known.txt")]
    found = run(files, *known, "--rounds", "2", "--batch", "20", "--strategy", "random")
    assert None not in found["known_accuracy"] + found["novel_accuracy"] + found["h_score"]


def test_the_table_shows_what_is_known_and_novel_only_where_some_classes_are_known(files):
    budget = ["--budget", "20", "--rounds", "2", "--strategy", "random"]
    told, _ = simulate(files, *start(files), *budget)
    assert all(word in told for word in ("known accuracy", "novel accuracy", "h score", "unseen"))
    plain, _ = simulate(files, *budget)
    assert "novel" not in plain


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "50", "--batch", "10"], ["--budget", "--batch"]),
        (["--budget", "3", "--rounds", "7"], ["--budget", "3 answers", "7 rounds"]),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(files, arguments, words):
    out, err = simulate(files, "--json", *arguments, code=2)
    assert out == ""
    assert all(word in err for word in words)


def test_a_labeled_row_of_a_class_that_is_not_known_is_named(files, tmp_path):
    other = next(r for r in rows("support.csv")[:240] if r["label"] not in KNOWN)
    ids = tmp_path / "ids.txt"
    ids.write_text((files / "ids.txt").read_text() + other["id"] + "\n")
    known = ["--known-classes", str(files / "known.txt")]
    out, err = simulate(files, "--json", "--labeled-ids", str(ids), *known, code=2)
    assert out == ""
    assert repr(other["id"]) in err
    assert repr(other["label"]) in err


def test_a_text_with_two_labels_starts_with_that_of_the_row_that_is_listed():
    """Some data sets hold a text twice, once under a class that is not known at the start."""
    store = worlds.make_store(n=6)
    with store.tx():
        number = items.begin_import(store, "more", "pool")
        items.put_alias(store, items.Alias("twin", "m0", number, 9, "refund", {}))
        store.execute("UPDATE aliases SET label = 'delay' WHERE id <> 'twin'")
    gold = play.hide_labels(store, ["twin"], ["refund"])
    assert gold == {"m0": "refund"} | {f"m{i}": "delay" for i in range(1, 6)}
    given = store.rows("SELECT item_id, label FROM labels WHERE status = 'given'")
    assert [tuple(r) for r in given] == [("m0", "refund")]
    store.close()


def test_scores_are_plain_accuracy_and_their_harmonic_mean():
    truth = ["a", "a", "a", "b", "c", "c"]
    predicted = ["a", "a", "b", "b", "a", "a"]
    found = {m.name: m.value for m in openness.scores(truth, predicted, {"a"})}
    assert found["known_accuracy"] == pytest.approx(2 / 3)
    assert found["novel_accuracy"] == pytest.approx(1 / 3)
    assert found["h_score"] == pytest.approx(4 / 9)


def test_classes_that_are_right_by_no_text_at_all_give_an_h_score_of_zero():
    found = {m.name: m.value for m in openness.scores(["a", "b"], ["b", "a"], {"a"})}
    assert found["h_score"] == 0
    assert {m.value for m in openness.scores([], [], {"a"})} == {None}
