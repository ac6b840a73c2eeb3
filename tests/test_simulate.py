"""`al-loop simulate`: the same loop with an oracle, and JSON that other programs rely on."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from al_loop.annotators.oracle import Oracle, crew
from al_loop.simulate import World
from al_loop.store import items, open_store, play
from al_loop.types import ProjectRef, PullRequest, split_key
from tests import story, worlds

EXAMPLES = Path(__file__).parent.parent / "examples"
KEYS = {
    "strategy",
    "seed",
    "labels",
    "accuracy",
    "macro_f1",
    "classes_seen",
    "seconds",
    "query_seconds",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A part of the examples, and a configuration that needs no model."""
    folder = tmp_path_factory.mktemp("simulate")
    with (EXAMPLES / "support.csv").open(newline="") as f:
        rows = list(csv.reader(f))[:201]
    for name, part in (("data.csv", rows), ("test.csv", rows[:1])):
        with (folder / name).open("w", newline="") as f:
            csv.writer(f).writerows(part)
    with (EXAMPLES / "support_test.csv").open(newline="") as f:
        (folder / "test.csv").write_text(f.read())
    (folder / "config.toml").write_text('[model]\nencoder = "hashing"\n')
    return folder


def simulate(folder, *arguments, data="data.csv", code=0):
    base = ["--data", str(folder / data), "--test", str(folder / "test.csv")]
    config = ["--config", str(folder / "config.toml"), "--rounds", "3", "--batch", "20"]
    ended, printed = story.run(folder, "simulate", *base, *config, *arguments, apart=True)
    assert ended == code, printed
    return printed


def runs(folder, *arguments):
    out, _ = simulate(folder, "--json", *arguments)
    return json.loads(out)["runs"]


def test_json_owns_stdout_and_has_the_documented_keys(files):
    found = runs(files, "--strategy", "margin", "--seeds", "2")
    assert [r["seed"] for r in found] == [0, 1]
    for run in found:
        assert set(run) >= KEYS
        assert run["strategy"] == "margin"
        assert run["labels"] == [20, 40, 60]
        assert {len(run[k]) for k in KEYS - {"strategy", "seed"}} == {3}
        assert all(0 <= a <= 1 for a in run["accuracy"] + run["macro_f1"])
        assert run["classes_seen"] == sorted(run["classes_seen"])


def test_the_same_seed_gives_the_same_curve(files):
    one, two = (runs(files, "--strategy", "margin")[0] for _ in range(2))
    assert one["accuracy"] == two["accuracy"]
    assert one["macro_f1"] == two["macro_f1"]


def test_labels_that_are_there_from_the_start_are_not_counted(files):
    with (files / "data.csv").open(newline="") as f:
        ids = [row["id"] for row in csv.DictReader(f)][:50]
    (files / "ids.txt").write_text("\n".join(ids) + "\n\n")
    with_start = runs(files, "--labeled-ids", str(files / "ids.txt"))[0]
    assert with_start["labels"] == [20, 40, 60]
    assert with_start["accuracy"][0] > runs(files)[0]["accuracy"][0]


def test_known_classes_name_classes_and_label_nothing(files):
    (files / "classes.txt").write_text("refund\nlogin_problem\n")
    found = runs(files, "--known-classes", str(files / "classes.txt"))[0]
    assert found["labels"] == [20, 40, 60]


def test_an_unknown_id_is_named(files):
    (files / "wrong.txt").write_text("m0001\nnobody\n")
    _, err = simulate(files, "--labeled-ids", str(files / "wrong.txt"), code=2)
    assert "'nobody'" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--strategy", "margn"], "margin"),
        (["--label", "nothing"], "nothing"),
        (["--labeled-ids", "missing.txt"], "missing.txt"),
    ],
)
def test_wrong_input_is_one_clear_line(files, arguments, words):
    out, err = simulate(files, "--json", *arguments, code=2)
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_a_run_ends_early_when_the_pool_is_used_up(files):
    found = runs(files, "--rounds", "20")[0]
    assert found["labels"][-1] == 200
    assert len(found["labels"]) == 10


def test_an_id_of_a_duplicate_counts_as_the_text(tmp_path):
    """Aliases of one text are one item: its label is given whichever id is listed."""
    store = worlds.make_store(n=6)
    with store.tx():
        number = items.begin_import(store, "more", "pool")
        items.put_alias(store, items.Alias("twin", "m0", number, 9, None, {}))
        for i in range(6):
            store.execute("UPDATE aliases SET label = 'refund' WHERE id = ?", [f"m{i}"])
    gold = play.hide_labels(store, ["twin"], [])
    assert gold == {f"m{i}": "refund" for i in range(6)}
    given = store.rows("SELECT item_id FROM labels WHERE status = 'given'")
    assert [r["item_id"] for r in given] == ["m0"]
    store.close()


def test_texts_without_a_label_leave_the_pool_of_a_simulation():
    store = worlds.make_store(n=6, test=3)
    store.execute("UPDATE aliases SET label = 'delay' WHERE id IN ('m1', 'm2')")
    gold = play.hide_labels(store, [], ["refund"])
    assert gold == {"m1": "delay", "m2": "delay"}
    assert items.count(store, "pool") == 2
    assert [c.name for c in items.classes(store)] == ["refund"]
    store.close()


# Imperfect people


def test_noise_is_everybodys_share_of_wrong_answers_and_costs_accuracy(files):
    def last(*arguments):
        return [r["accuracy"][-1] for r in runs(files, "--seeds", "3", *arguments)]

    clean, noisy = last("--noise", "0"), last("--noise", "0.6")
    assert clean == last()
    assert sum(noisy) < sum(clean) - 0.1


def test_annotators_answer_in_turn_with_the_mistakes_of_their_kind():
    people = crew("good:2, poor:1,.5:1")
    assert people == {"good 1": 0.05, "good 2": 0.05, "poor 1": 0.3, ".5 1": 0.5}
    gold = {f"m{i}": worlds.CLASSES[i % 3] for i in range(3_000)}
    oracle = Oracle(gold, mistakes=people, people=tuple(people))
    asked = PullRequest(ProjectRef(1, "", ""), [], {f"{i}:0": 1 for i in gold})
    answers = oracle.pull(asked).answers
    for person, share in people.items():
        mine = [a for a in answers if a.annotator == person]
        wrong = sum(a.labels[0] != gold[split_key(a.key)[0]] for a in mine)
        assert len(mine) == pytest.approx(750, abs=80)
        assert wrong / len(mine) == pytest.approx(share, abs=0.05)


def test_mistakes_follow_from_the_seed_and_are_made_before_any_class_is_known():
    gold = {f"m{i}": worlds.CLASSES[i % 3] for i in range(200)}
    asked = PullRequest(ProjectRef(1, "", ""), [], {f"{i}:0": 1 for i in gold})

    def said(seed):
        oracle = Oracle(gold, mistakes={"ana": 0.3}, people=("ana",), seed=seed)
        return [a.labels for a in oracle.pull(asked).answers]

    assert said(1) == said(1) != said(2)


def test_a_batch_that_wants_more_people_than_there_are_says_so(files):
    config = (files / "config.toml").read_text()
    (files / "overlap.toml").write_text(f"{config}[batch.overlap]\nshare = 0.5\nannotators = 3\n")
    chosen = ["--config", str(files / "overlap.toml"), "--annotators", "good:2"]
    _, err = simulate(files, *chosen, code=2)
    assert "2 people" in err
    assert "--annotators" in err


def test_a_world_that_was_saved_is_the_same_when_opened(tmp_path):
    store = worlds.make_store(n=6)
    matrix = np.arange(12, dtype=np.float32).reshape(6, 2)
    hashes = [row[2] for row in items.texts(store)]
    World.of(store, matrix).save(tmp_path / "world.db")
    opened = World.open(tmp_path / "world.db")
    assert items.texts(opened.store) == items.texts(store)
    assert opened.vectors("", hashes[::-1], []).tolist() == matrix[::-1].tolist()
    store.close()
    opened.store.close()


def test_a_copy_is_independent(tmp_path):
    store = open_store(None)
    copy = play.copy(store)
    copy.set_meta("made_by", "somebody else")
    assert store.meta("made_by") is None
    copy.close()
    store.close()
